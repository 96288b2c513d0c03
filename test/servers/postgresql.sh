#!/bin/bash
# test/servers/postgresql.sh ACTION FOLDER — a PostgreSQL as a source.
#
#   install             its packages
#   start [CERTIFICATE] make it if needed, start it on a free port; TLS with that certificate of
#                       CONNHUB_TEST_TLS (default good), off when the variable is unset
#   seed                the shop and the edge values, into database shop
#   stop
# Users of the network, all by password but the last two:
#   connhub             reads and writes schema shop, may make schemas of its own
#   connhub_guest       may connect, but sees nothing
#   connhub_stranger    may not connect to database shop
#   connhub_cert        by client certificate
#   connhub_trusted     without being asked for a password
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -ge 1 ] || die "usage: postgresql.sh install | start|seed|stop FOLDER"
action=$1
folder=$(absolute "${2:-}")
cd /
certificate=${3:-good}
bindir=$("${PG_CONFIG:-pg_config}" --bindir 2>/dev/null || true)
password=${CONNHUB_TEST_PASSWORD:-shop-window-17}

install() {
	exec "$servers_dir/../deps.sh"
}

admin() {
	as_server "$bindir/psql" -X -q -v ON_ERROR_STOP=1 -h "$folder" -p "$(cat "$folder/port")" -U postgres "$@"
}

make_cluster() {
	as_server "$bindir/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$folder/initdb.log" 2>&1 ||
		die "initdb failed: $(tail -n 5 "$folder/initdb.log")"
	as_server tee -a "$folder/data/postgresql.conf" >/dev/null <<-CONF
		listen_addresses = '127.0.0.1'
		unix_socket_directories = '$folder'
		fsync = off
		full_page_writes = off
		shared_buffers = 32MB
		max_connections = 60
		max_prepared_transactions = 10
		max_wal_senders = 0
		wal_level = minimal
		autovacuum = off
		timezone = 'UTC'
		log_min_messages = warning
	CONF
	as_server tee "$folder/data/pg_hba.conf" >/dev/null <<-CONF
		local   all all                             trust
		hostssl all connhub_cert    127.0.0.1/32    cert
		host    all connhub_trusted 127.0.0.1/32    trust
		host    all all             127.0.0.1/32    scram-sha-256
	CONF
	if [ -n "${CONNHUB_TEST_TLS:-}" ]; then
		as_server cp "$CONNHUB_TEST_TLS/$certificate.crt" "$folder/data/server.crt"
		as_server cp "$CONNHUB_TEST_TLS/$certificate.key" "$folder/data/server.key"
		as_server cp "$CONNHUB_TEST_TLS/ca.crt" "$folder/data/root.crt"
		as_server chmod 600 "$folder/data/server.key"
		as_server tee -a "$folder/data/postgresql.conf" >/dev/null <<-CONF
			ssl = on
			ssl_ca_file = 'root.crt'
		CONF
	fi
}

make_users() {
	admin -d postgres -v password="$password" <<-SQL
		CREATE ROLE connhub LOGIN PASSWORD :'password';
		CREATE ROLE connhub_guest LOGIN PASSWORD :'password';
		CREATE ROLE connhub_stranger LOGIN PASSWORD :'password';
		CREATE ROLE connhub_cert LOGIN;
		CREATE ROLE connhub_trusted LOGIN;
		CREATE DATABASE shop;
		REVOKE ALL ON DATABASE shop FROM PUBLIC;
		GRANT CONNECT, TEMPORARY, CREATE ON DATABASE shop TO connhub;
		GRANT CONNECT ON DATABASE shop TO connhub_guest, connhub_cert, connhub_trusted;
	SQL
}

start() {
	local new=
	[ -x "$bindir/initdb" ] || die "no PostgreSQL server beside ${PG_CONFIG:-pg_config}"
	server_folder "$folder"
	if [ ! -e "$folder/data/PG_VERSION" ]; then
		new=yes
		make_cluster
	fi
	free_port >"$folder/port"
	as_server "$bindir/pg_ctl" -D "$folder/data" -l "$folder/data/log" -o "-p $(cat "$folder/port")" -w -t 60 start >/dev/null || {
		cat "$folder/data/log" >&2
		die "the server did not start"
	}
	[ -z "$new" ] || make_users
	write_env "$folder" \
		CONNHUB_TEST_PG_HOST=127.0.0.1 \
		CONNHUB_TEST_PG_PORT="$(cat "$folder/port")" \
		CONNHUB_TEST_PG_SOCKET="$folder" \
		CONNHUB_TEST_PG_DATABASE=shop \
		CONNHUB_TEST_PG_SCHEMA=shop \
		CONNHUB_TEST_PG_USER=connhub \
		CONNHUB_TEST_PG_PASSWORD="$password"
}

seed() {
	admin -d shop <"$servers_dir/seed/postgresql.sql"
}

stop() {
	[ -e "$folder/data/postmaster.pid" ] || return 0
	as_server "$bindir/pg_ctl" -D "$folder/data" -m immediate -w -t 30 stop >/dev/null ||
		stop_pid "$folder/data/postmaster.pid" QUIT
}

case $action in
install) install ;;
start | seed | stop)
	[ -n "$folder" ] || die "$action: FOLDER is missing"
	$action
	;;
*) die "unknown action $action" ;;
esac
