#!/bin/bash
# test/servers/mariadb.sh ACTION FOLDER — a MariaDB as a source.
#
#   install             its packages
#   start [CERTIFICATE] make it if needed, start it on a free port; TLS with that certificate of
#                       CONNHUB_TEST_TLS (default good), off when the variable is unset
#   seed                the shop and the edge values, into database shop
#   stop
# Users of the network, all by password but the last:
#   connhub             everything in databases shop and connhub_%
#   connhub_wide        reads every database, so that a missing one is told apart from a forbidden one
#   connhub_stranger    no privilege at all
#   connhub_cert        by password and client certificate
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -ge 1 ] || die "usage: mariadb.sh install | start|seed|stop FOLDER"
action=$1
folder=$(absolute "${2:-}")
cd /
certificate=${3:-good}
password=${CONNHUB_TEST_PASSWORD:-shop-window-17}
server=$(PATH=$PATH:/usr/sbin command -v mariadbd || true)

install() {
	exec "$servers_dir/../deps.sh"
}

admin() {
	mariadb --no-defaults --default-character-set=utf8mb4 -S "$folder/socket" -u root "$@"
}

make_data() {
	as_server mariadb-install-db --no-defaults --datadir="$folder/data" --skip-test-db \
		--auth-root-authentication-method=normal --skip-name-resolve >"$folder/install.log" 2>&1 ||
		die "mariadb-install-db failed: $(tail -n 5 "$folder/install.log")"
}

make_users() {
	admin <<-SQL
		SET sql_mode = 'NO_BACKSLASH_ESCAPES';
		CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
		CREATE USER connhub@'127.0.0.1' IDENTIFIED BY '${password//\'/\'\'}';
		CREATE USER connhub_wide@'127.0.0.1' IDENTIFIED BY '${password//\'/\'\'}';
		CREATE USER connhub_stranger@'127.0.0.1' IDENTIFIED BY '${password//\'/\'\'}';
		CREATE USER connhub_cert@'127.0.0.1' IDENTIFIED BY '${password//\'/\'\'}' REQUIRE X509;
		GRANT ALL ON shop.* TO connhub@'127.0.0.1';
		GRANT ALL ON \`connhub\_%\`.* TO connhub@'127.0.0.1';
		GRANT SELECT ON *.* TO connhub_wide@'127.0.0.1';
		GRANT SELECT ON shop.* TO connhub_cert@'127.0.0.1';
	SQL
}

start() {
	local new= tls=() socket=$folder/socket
	[ -n "$server" ] || die "no mariadbd; run: $0 install"
	server_folder "$folder"
	if [ ! -d "$folder/data/mysql" ]; then
		new=yes
		make_data
	fi
	if [ -n "${CONNHUB_TEST_TLS:-}" ]; then
		tls=(--ssl-ca="$CONNHUB_TEST_TLS/ca.crt" --ssl-cert="$CONNHUB_TEST_TLS/$certificate.crt"
			--ssl-key="$CONNHUB_TEST_TLS/$certificate.key")
	fi
	free_port >"$folder/port"
	as_server setsid "$server" --no-defaults --datadir="$folder/data" --bind-address=127.0.0.1 \
		--port="$(cat "$folder/port")" --socket="$socket" --pid-file="$folder/data/pid" \
		--skip-name-resolve --character-set-server=utf8mb4 --default-time-zone=+00:00 \
		--max-connections=60 --performance-schema=off --innodb-buffer-pool-size=32M --innodb-log-file-size=8M \
		--innodb-flush-log-at-trx-commit=0 --innodb-flush-method=nosync --key-buffer-size=1M \
		"${tls[@]}" >"$folder/log" 2>&1 </dev/null &
	wait_for 60 mariadb-admin --no-defaults -S "$socket" -u root ping || {
		cat "$folder/log" >&2
		stop
		die "the server did not start"
	}
	[ -z "$new" ] || make_users
	write_env "$folder" \
		CONNHUB_TEST_MY_HOST=127.0.0.1 \
		CONNHUB_TEST_MY_PORT="$(cat "$folder/port")" \
		CONNHUB_TEST_MY_SOCKET="$socket" \
		CONNHUB_TEST_MY_DATABASE=shop \
		CONNHUB_TEST_MY_USER=connhub \
		CONNHUB_TEST_MY_PASSWORD="$password"
}

seed() {
	admin shop <"$servers_dir/seed/mariadb.sql" >/dev/null
}

stop() {
	stop_pid "$folder/data/pid" TERM 30
}

case $action in
install) install ;;
start | seed | stop)
	[ -n "$folder" ] || die "$action: FOLDER is missing"
	$action
	;;
*) die "unknown action $action" ;;
esac
