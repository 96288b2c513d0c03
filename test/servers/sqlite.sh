#!/bin/bash
# test/servers/sqlite.sh ACTION FOLDER — a SQLite file as a source.
#
#   install   its packages
#   start     an empty file, FOLDER/shop.db
#   seed      the shop and the edge values
#   stop      remove it
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -ge 1 ] || die "usage: sqlite.sh install | start|seed|stop FOLDER"
action=$1
folder=$(absolute "${2:-}")
cd /

install() {
	exec "$servers_dir/../deps.sh"
}

start() {
	server_folder "$folder"
	as_server sqlite3 "$folder/shop.db" "PRAGMA journal_mode = wal" >/dev/null
	write_env "$folder" CONNHUB_TEST_SQLITE="$folder/shop.db"
}

seed() {
	as_server sqlite3 -bail "$folder/shop.db" <"$servers_dir/seed/sqlite.sql" >/dev/null
}

stop() {
	rm -rf "$folder"
}

case $action in
install) install ;;
start | seed | stop)
	[ -n "$folder" ] || die "$action: FOLDER is missing"
	$action
	;;
*) die "unknown action $action" ;;
esac
