#!/bin/bash
# test/servers/ferretdb.sh ACTION FOLDER — FerretDB over SQLite, an independent server of MongoDB's protocol, as a source.
#
#   install   by hand, since it takes Go and minutes: built from its module, below CONNHUB_TEST_SOFTWARE (default /var/lib/connhub-test)
#   start     on a free port; without its program only the notice that it is missing
#   seed      the shop and the edge values, into database shop; decimals as doubles, which are all it has
#   stop
# Its user connhub has a password (SCRAM-SHA-256); without a login nothing may be read.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/mongodb_lib.sh"

[ $# -ge 1 ] || die "usage: ferretdb.sh install | start|seed|stop FOLDER"
action=$1
folder=$(absolute "${2:-}")
program=$software/ferretdb/ferretdb
decimal='$numberDouble'
password=${CONNHUB_TEST_PASSWORD:-shop-window-17}
account="connhub:$password@"
version=v1.24.2
cd /

# The module lacks the file with its version.
install() {
	local module
	[ ! -x "$program" ] || return 0
	command -v go >/dev/null || die "no go: install Go 1.24 or later"
	mkdir -p "$software/ferretdb"
	go mod download "github.com/FerretDB/FerretDB@$version"
	module="$(go env GOMODCACHE)/github.com/!ferret!d!b/!ferret!d!b@$version"
	rm -rf "$software/ferretdb/source"
	cp -r "$module" "$software/ferretdb/source"
	chmod -R u+w "$software/ferretdb/source"
	echo "$version" >"$software/ferretdb/source/build/version/version.txt"
	(cd "$software/ferretdb/source" && go build -p 2 -o "$program" ./cmd/ferretdb)
	rm -rf "$software/ferretdb/source"
}

start() {
	server_folder "$folder"
	if [ ! -x "$program" ]; then
		echo "NOTICE: FerretDB is not there; run: $0 install" >&2
		write_env "$folder"
		return
	fi
	free_port >"$folder/port"
	server_folder "$folder/data"
	run_server "$program" --handler=sqlite --sqlite-url="file:$folder/data/" --listen-addr="127.0.0.1:$(cat "$folder/port")" \
		--debug-addr=- --telemetry=disable --state-dir="$folder/data" --test-enable-new-auth=true \
		--setup-database=admin --setup-username=connhub --setup-password="$password"
	start_common CONNHUB_TEST_FERRET CONNHUB_TEST_FERRET_USER=connhub CONNHUB_TEST_FERRET_PASSWORD="$password"
}

case $action in
install) install ;;
start | seed | stop)
	[ -n "$folder" ] || die "$action: FOLDER is missing"
	$action
	;;
*) die "unknown action $action" ;;
esac
