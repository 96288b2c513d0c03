#!/bin/bash
# test/servers/proxies.sh ACTION FOLDER — two SOCKS5 proxies, one of them open to all, and an HTTP proxy.
#
#   install             their packages
#   start               on free ports
#   stop
# A name that only they can resolve means 127.0.0.1 there.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -ge 1 ] || die "usage: proxies.sh install | start|stop FOLDER"
action=$1
folder=$(absolute "${2:-}")
cd /
user=courier
password=${CONNHUB_TEST_PASSWORD:-side-door-29}
far_name=source.behind.test

install() {
	exec "$servers_dir/../deps.sh"
}

# run NAME PORT COMMAND...: start it, and wait until its port is taken.
run() {
	local name=$1 port=$2
	shift 2
	# shellcheck disable=SC2016
	as_server setsid sh -c 'echo $$ >"$1"; shift; exec "$@"' sh "$folder/$name.pid" \
		env LD_PRELOAD="$folder/far_end.so" CONNHUB_FAR_NAME="$far_name" "$@" >"$folder/$name.log" 2>&1 </dev/null &
	wait_for 20 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port" || {
		cat "$folder/$name.log" >&2
		stop
		die "$name did not start"
	}
}

start() {
	local socks open http
	for program in microsocks tinyproxy; do
		command -v $program >/dev/null || die "no $program; run: $0 install"
	done
	server_folder "$folder"
	as_server gcc -shared -fPIC -O1 -o "$folder/far_end.so" "$servers_dir/far_end.c"
	socks=$(free_port)
	run socks "$socks" microsocks -i 127.0.0.1 -p "$socks" -u "$user" -P "$password"
	open=$(free_port)
	run open "$open" microsocks -i 127.0.0.1 -p "$open"
	http=$(free_port)
	printf '%s\n' "Port $http" "Listen 127.0.0.1" "Timeout 60" "MaxClients 100" "BasicAuth $user $password" >"$folder/http.conf"
	run http "$http" tinyproxy -d -c "$folder/http.conf"
	write_env "$folder" \
		CONNHUB_TEST_SOCKS_PORT="$socks" \
		CONNHUB_TEST_OPEN_SOCKS_PORT="$open" \
		CONNHUB_TEST_HTTP_PROXY_PORT="$http" \
		CONNHUB_TEST_PROXY_USER="$user" \
		CONNHUB_TEST_PROXY_PASSWORD="$password" \
		CONNHUB_TEST_FAR_NAME="$far_name"
}

stop() {
	local name
	for name in socks open http; do
		stop_pid "$folder/$name.pid"
	done
}

case $action in
install) install ;;
start | stop)
	[ -n "$folder" ] || die "$action: FOLDER is missing"
	$action
	;;
*) die "unknown action $action" ;;
esac
