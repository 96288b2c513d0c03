#!/bin/bash
# test/check.sh [KIND|KIND/TEST...] — build, install into a private tree, and run every test, or some.
#
# The system's PostgreSQL is neither changed nor started.  Everything lives in one temporary folder, which goes at
# the end, however that comes, after whatever runs in it has been stopped.  As root only the build
# runs as root; sources are copied and all the rest runs as the user postgres.
#   CONNHUB_CHECK_KEEP=1    leave the folder for a look at logs
#   CONNHUB_CHECK_JOBS=N    tests running side by side (default: processors)
#   CONNHUB_CHECK_SECONDS=N time each test may take (default: 780)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source test/servers/lib.sh

processors=$(getconf _NPROCESSORS_ONLN)
folder=$(mktemp -d "${TMPDIR:-/tmp}/connhub-check.XXXXXX")
runner=

cleanup() {
	trap '' INT TERM HUP
	if [ -n "$runner" ]; then
		kill -TERM "$runner" 2>/dev/null || true
		wait_for 30 gone "$runner" || true
	fi
	sweep "$folder" >&2
	if [ -n "${CONNHUB_CHECK_KEEP:-}" ]; then
		echo "kept: $folder" >&2
	else
		rm -rf "$folder"
	fi
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

chmod 755 "$folder"
server_folder "$folder/src"

echo "building"
pg_config=$(test/servers/tree.sh "$folder/tree")
make -s -j"$processors" PG_CONFIG="$pg_config" all
make -s PG_CONFIG="$pg_config" install >/dev/null

tar -cf - --exclude=./.git --exclude='*.o' --exclude='*.so' --exclude='*.a' --exclude='*.d' --exclude='*.bc' --exclude=./results . |
	as_server tar -xf - --no-same-owner -C "$folder/src"
# Files that belong to PostgreSQL itself are the only ones a private tree shares.
[ "$(id -u)" != 0 ] || chown -R postgres:postgres "$folder/tree"

cd "$folder/src"
# "make check PG_CONFIG=..." would hand that installation on to each make of a test.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES
export PG_CONFIG=$pg_config CONNHUB_CHECK_JOBS=${CONNHUB_CHECK_JOBS:-$processors}
# Nothing of the caller's own servers may be reached by mistake.
unset PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGPASSFILE PGSERVICE PGSSLMODE PGOPTIONS MYSQL_HOST MYSQL_TCP_PORT MYSQL_UNIX_PORT
as_server env TMPDIR="$folder/src/tmp" perl test/run.pl "$@" </dev/null &
runner=$!
status=0
wait "$runner" || status=$?
runner=
exit "$status"
