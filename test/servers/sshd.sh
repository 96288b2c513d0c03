#!/bin/bash
# test/servers/sshd.sh ACTION FOLDER — an SSH server to tunnel through.
#
#   install             its packages
#   start               make it if needed, start it on a free port
#   stop
# It knows the user it runs as alone, by password or by one of the keys below FOLDER/keys: ed25519, rsa, and
# encrypted, which has a passphrase.  It forwards to 127.0.0.1, to localhost and to a name that only it can resolve,
# and to no other host, with new keys every 20 MB.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -ge 1 ] || die "usage: sshd.sh install | start|stop FOLDER"
action=$1
folder=$(absolute "${2:-}")
cd /
password=${CONNHUB_TEST_PASSWORD:-gate-keeper-23}
passphrase=worn-out-lock-41
far_name=source.behind.test
server=$(PATH=$PATH:/usr/sbin command -v sshd || true)

install() {
	exec "$servers_dir/../deps.sh"
}

make_key() {
	as_server ssh-keygen -q -t "$1" -N "${3:-}" -C connhub-test -f "$folder/$2"
}

make_server() {
	as_server mkdir -p "$folder/keys"
	make_key ed25519 host_ed25519
	make_key rsa host_rsa
	make_key ed25519 keys/ed25519
	make_key rsa keys/rsa
	make_key ed25519 keys/encrypted "$passphrase"
	as_server sh -c "cat '$folder'/keys/*.pub >'$folder/authorized_keys'"
	as_server gcc -shared -fPIC -O1 -o "$folder/far_end.so" "$servers_dir/far_end.c"
}

configuration() {
	cat <<-CONF
		ListenAddress 127.0.0.1
		Port $1
		HostKey $folder/host_ed25519
		HostKey $folder/host_rsa
		PidFile $folder/pid
		AuthorizedKeysFile $folder/authorized_keys
		StrictModes no
		UsePAM no
		PubkeyAuthentication yes
		PasswordAuthentication yes
		KbdInteractiveAuthentication no
		AllowTcpForwarding local
		PermitOpen 127.0.0.1:* localhost:* $far_name:*
		MaxStartups 200
		MaxSessions 50
		RekeyLimit 20M
		LogLevel DEBUG1
	CONF
}

start() {
	local port hash
	[ -n "$server" ] || die "no sshd; run: $0 install"
	server_folder "$folder"
	[ -e "$folder/host_rsa" ] || make_server
	port=$(free_port)
	configuration "$port" >"$folder/config"
	hash=$(openssl passwd -6 "$password")
	as_server setsid env LD_PRELOAD="$folder/far_end.so" CONNHUB_FAR_NAME="$far_name" CONNHUB_FAR_HASH="$hash" \
		"$server" -D -e -f "$folder/config" >"$folder/log" 2>&1 </dev/null &
	wait_for 30 ssh-keyscan -p "$port" 127.0.0.1 || {
		cat "$folder/log" >&2
		stop
		die "the server did not start"
	}
	write_env "$folder" \
		CONNHUB_TEST_SSH_PORT="$port" \
		CONNHUB_TEST_SSH_USER="$(as_server id -un)" \
		CONNHUB_TEST_SSH_PASSWORD="$password" \
		CONNHUB_TEST_SSH_PASSPHRASE="$passphrase" \
		CONNHUB_TEST_FAR_NAME="$far_name"
}

stop() {
	stop_pid "$folder/pid"
}

case $action in
install) install ;;
start | stop)
	[ -n "$folder" ] || die "$action: FOLDER is missing"
	$action
	;;
*) die "unknown action $action" ;;
esac
