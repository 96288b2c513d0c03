#!/bin/bash
# test/bench/run.sh [WORK...] — measure connhub beside its peers, all works or some.  docs/performance.md says how to read it.
#
# Nothing of the system is changed: as for "make check" everything lives in one temporary folder, which goes at the end,
# however that comes.  Exits 0 when every work ran and every answer was right, whatever the times.
#   BENCH_ROWS=N      rows of the large table (default 2000000)
#   BENCH_SF=F        scale of TPC-H (default 0.1)
#   BENCH_TIMEOUT=N   seconds that one statement may take (default 120)
#   BENCH_KEEP=1      leave the folder for a look at logs
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/servers/lib.sh

folder=$(mktemp -d "${TMPDIR:-/tmp}/connhub-bench.XXXXXX")
chmod 755 "$folder"
started=()
runner=

cleanup() {
	local status=$? i
	trap '' INT TERM HUP
	[ -z "$runner" ] || kill -TERM "$runner" 2>/dev/null || true
	for ((i = ${#started[@]} - 1; i >= 0; i--)); do
		test/servers/"${started[i]}".sh stop "$folder/${started[i]}" >/dev/null 2>&1 || true
	done
	sweep "$folder" >&2
	if [ -n "${BENCH_KEEP:-}" ]; then
		echo "kept: $folder" >&2
	else
		rm -rf "$folder"
	fi
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

echo "== building, and installing into $folder"
PG_CONFIG=$(test/servers/tree.sh "$folder/tree")
export PG_CONFIG
make -s -j"$(getconf _NPROCESSORS_ONLN)" PG_CONFIG="$PG_CONFIG" all
make -s PG_CONFIG="$PG_CONFIG" install >/dev/null
make -s -C test/bench/client PG_CONFIG="$PG_CONFIG" BUILD="$folder"
export PATH=$("$PG_CONFIG" --bindir):$PATH
unset PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGPASSFILE PGSERVICE PGSSLMODE PGOPTIONS CONNHUB_TEST_TLS

# What the servers get beyond the settings of the tests.  No parallel workers and no JIT: on a small machine
# they take the processor from the other side of a comparison.
tune_postgresql() {
	tee -a "$1/data/postgresql.conf" >/dev/null <<-CONF
		shared_buffers = 512MB
		max_connections = 400
		work_mem = 64MB
		maintenance_work_mem = 256MB
		max_wal_size = 8GB
		autovacuum = off
		jit = off
		max_parallel_workers_per_gather = 0
	CONF
}

for server in sqlite postgresql mariadb hub; do
	started+=("$server")
	test/servers/"$server".sh start "$folder/$server"
	case $server in
	postgresql | hub)
		test/servers/"$server".sh stop "$folder/$server"
		tune_postgresql "$folder/$server"
		test/servers/"$server".sh start "$folder/$server"
		;;
	mariadb)
		mariadb --no-defaults -S "$folder/mariadb/socket" -u root -e "
			SET GLOBAL innodb_buffer_pool_size = 1024 * 1024 * 1024;
			SET GLOBAL innodb_log_file_size = 512 * 1024 * 1024;
			SET GLOBAL max_heap_table_size = 64 * 1024 * 1024;
			SET GLOBAL tmp_table_size = 64 * 1024 * 1024;
			SET GLOBAL sort_buffer_size = 64 * 1024 * 1024"
		;;
	esac
	source "$folder/$server/env"
done

server_folder "$folder/data"
BENCH_FOLDER=$folder perl -Itest/bench test/bench/bench.pl "$@" </dev/null &
runner=$!
status=0
wait "$runner" || status=$?
runner=
exit "$status"
