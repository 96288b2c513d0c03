#!/bin/bash
# test/demo/run.sh [all|embedded] — the main job of connhub as a psql transcript, against throwaway servers.
#
# Nothing of the system is changed: connhub goes into a private copy of the PostgreSQL installation, servers listen on
# loopback, and all of it lives in one temporary folder that goes at the end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/servers/lib.sh

which=${1:-all}
case $which in
all) servers=(tls sqlite postgresql mariadb hub) ;;
embedded) servers=(sqlite hub) ;;
*) die "DEMO is all or embedded, not $which" ;;
esac

folder=$(mktemp -d "${TMPDIR:-/tmp}/connhub-demo.XXXXXX")
chmod 755 "$folder"
started=()

cleanup() {
	local status=$? i
	trap '' INT TERM HUP
	for ((i = ${#started[@]} - 1; i >= 0; i--)); do
		test/servers/"${started[i]}".sh stop "$folder/${started[i]}" >/dev/null 2>&1 || true
	done
	sweep "$folder" >&2
	[ $status = 0 ] || tail -n 20 "$folder"/hub/data/log >&2 2>/dev/null || true
	rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

echo "== building, and installing into $folder"
PG_CONFIG=$(test/servers/tree.sh "$folder/tree")
export PG_CONFIG
make -s -j"$(getconf _NPROCESSORS_ONLN)" PG_CONFIG="$PG_CONFIG" all
make -s PG_CONFIG="$PG_CONFIG" install >/dev/null
bindir=$("$PG_CONFIG" --bindir)
export PATH=$bindir:$PATH
unset PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGPASSFILE PGSERVICE PGSSLMODE PGOPTIONS

for server in "${servers[@]}"; do
	echo "== starting: $server"
	started+=("$server")
	test/servers/"$server".sh start "$folder/$server"
	source "$folder/$server/env"
	case $server in sqlite | postgresql | mariadb) test/servers/"$server".sh seed "$folder/$server" ;; esac
done

echo "== psql"
export PGOPTIONS="--client-min-messages=notice"
createdb demo
psql -X -a -d demo -v ON_ERROR_STOP=1 -P footer=off -f "test/demo/$which.sql" 2>&1 | tee "$folder/transcript"

# What the transcript must have shown; an error has already ended it.
case $which in
all) shown=(AUTHENTICATION_FAILED DNS_RESOLUTION_FAILED 'Native Query' 'Kept Locally' MariaDB ' [A-Z][A-Z] *| tools ' UB011) ;;
embedded) shown=(DATABASE_NOT_FOUND 'Native Query') ;;
esac
for text in "${shown[@]}"; do
	grep -q "$text" "$folder/transcript" || die "the transcript does not show $text"
done
echo
echo "== done; everything is stopped and removed"
