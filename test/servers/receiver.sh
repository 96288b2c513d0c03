#!/bin/bash
# test/servers/receiver.sh start|stop FOLDER [TLS_FOLDER] — receivers of webhooks and mails; see receiver.py.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -ge 2 ] || die "usage: receiver.sh start|stop FOLDER [TLS_FOLDER]"
folder=$(absolute "$2")
tls=$(absolute "${3:-${CONNHUB_TEST_TLS:-}}")
cd /

start() {
	local http https wrong starttls plain smtps
	server_folder "$folder"
	rm -f "$folder/ports"
	(
		cd "$folder"
		exec setsid /usr/bin/python3 "$servers_dir/receiver.py" "$folder" "$tls" >"$folder/log" 2>&1 </dev/null
	) &
	echo $! >"$folder/pid"
	wait_for 20 test -s "$folder/ports" || die "it did not start: $(cat "$folder/log")"
	read -r http https wrong starttls plain smtps <"$folder/ports"
	write_env "$folder" RECEIVER_HTTP="$http" RECEIVER_HTTPS="$https" RECEIVER_WRONG_NAME="$wrong" \
		RECEIVER_STARTTLS="$starttls" RECEIVER_PLAIN="$plain" RECEIVER_SMTPS="$smtps"
}

case $1 in
start) start ;;
stop) stop_pid "$folder/pid" ;;
*) die "unknown action $1" ;;
esac
