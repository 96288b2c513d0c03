#!/bin/bash
# test/servers/hub.sh start|stop FOLDER — the PostgreSQL that connhub is installed in.
#
# PG_CONFIG names an installation that holds the extension, most often a copy made by tree.sh.  The
# superuser postgres connects without a password, through the socket in FOLDER only.  Every loopback address,
# and the folder of CONNHUB_TEST_SQLITE, are open to connectors.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# = 2 ] || die "usage: hub.sh start|stop FOLDER"
folder=$(absolute "$2")
cd /
bindir=$("${PG_CONFIG:-pg_config}" --bindir)

make_cluster() {
	as_server "$bindir/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$folder/initdb.log" 2>&1 ||
		die "initdb failed: $(tail -n 5 "$folder/initdb.log")"
	as_server tee -a "$folder/data/postgresql.conf" >/dev/null <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$folder'
		fsync = off
		full_page_writes = off
		shared_buffers = 64MB
		max_connections = 60
		max_wal_senders = 0
		wal_level = minimal
		timezone = 'UTC'
		connhub.allowed_networks = '127.0.0.0/8,::1/128'
		connhub.allowed_folders = '$(dirname "${CONNHUB_TEST_SQLITE:-/nonexistent/none}")'
	CONF
}

start() {
	server_folder "$folder"
	[ -e "$folder/data/PG_VERSION" ] || make_cluster
	free_port >"$folder/port"
	as_server "$bindir/pg_ctl" -D "$folder/data" -l "$folder/data/log" -o "-p $(cat "$folder/port")" -w -t 60 start >/dev/null || {
		cat "$folder/data/log" >&2
		die "the server did not start"
	}
	write_env "$folder" PGHOST="$folder" PGPORT="$(cat "$folder/port")" PGUSER=postgres CONNHUB_TEST_HUB_DATA="$folder/data"
}

stop() {
	[ -e "$folder/data/postmaster.pid" ] || return 0
	as_server "$bindir/pg_ctl" -D "$folder/data" -m immediate -w -t 30 stop >/dev/null ||
		stop_pid "$folder/data/postmaster.pid" QUIT
}

case $1 in
start | stop) $1 ;;
*) die "unknown action $1" ;;
esac
