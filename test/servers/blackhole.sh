#!/bin/bash
# test/servers/blackhole.sh start|stop FOLDER — ports that never answer, and one that is closed.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# = 2 ] || die "usage: blackhole.sh start|stop FOLDER"
folder=$(absolute "$2")
cd /

start() {
	local full mute
	server_folder "$folder"
	: >"$folder/ports"
	(
		cd "$folder"
		exec setsid perl "$servers_dir/blackhole.pl" >"$folder/ports" 2>"$folder/log" </dev/null
	) &
	echo $! >"$folder/pid"
	wait_for 20 test -s "$folder/ports" || die "it did not start: $(cat "$folder/log")"
	read -r full mute <"$folder/ports"
	write_env "$folder" \
		CONNHUB_TEST_BLACKHOLE_HOST=127.0.0.1 \
		CONNHUB_TEST_BLACKHOLE_PORT="$full" \
		CONNHUB_TEST_MUTE_PORT="$mute" \
		CONNHUB_TEST_CLOSED_PORT="$(free_port)" \
		CONNHUB_TEST_UNKNOWN_HOST=connhub-test.invalid
}

case $1 in
start) start ;;
stop) stop_pid "$folder/pid" ;;
*) die "unknown action $1" ;;
esac
