#!/bin/bash
# test/servers/kubernetes.sh ACTION FOLDER [TLS_FOLDER] — a Kubernetes API server on etcd; or a stand-in, which says so.
#
#   install             etcd's package, and kube-apiserver, built from its Go modules into the user's cache: that takes
#                       long, so nothing asks for it by itself
#   start               on free ports; without kube-apiserver in the cache the stand-in of kube_standin.py
#   stop
# Namespaces default, ns-default and other are there; admin-token may do everything, reader-token reads Secrets of
# the namespace default.  CONNHUB_TEST_KUBE_KIND in the env file is "kubernetes" or "stand-in".
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

version=1.31.4
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/connhub
# What root has installed serves everybody.
if [ "$(id -u)" = 0 ] || [ -x "/var/cache/connhub/kubernetes-$version/kube-apiserver" ]; then
	cache=/var/cache/connhub
fi
program=$cache/kubernetes-$version/kube-apiserver

[ $# -ge 1 ] || die "usage: kubernetes.sh install | start|stop FOLDER [TLS_FOLDER]"
action=$1
folder=$(absolute "${2:-}")
tls=$(absolute "${3:-${CONNHUB_TEST_TLS:-}}")
cd /

install() {
	local work module modfile
	command -v etcd >/dev/null || apt-get -qq -y --no-install-recommends install etcd-server >/dev/null
	[ ! -x "$program" ] || return 0
	work=$(mktemp -d)
	cd "$work"
	export GOFLAGS=-mod=mod
	go mod init kapi 2>/dev/null
	go mod edit -require "k8s.io/kubernetes@v$version"
	modfile=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/.*"GoMod": "\(.*\)",/\1/p')
	for module in $(grep -oE 'k8s\.io/[a-z0-9-]+ v0\.0\.0$' "$modfile" | cut -d' ' -f1); do
		go mod edit -replace "$module=$module@v0.${version#1.}"
	done
	cat >main.go <<-'GO'
		package main

		import (
			"os"

			"k8s.io/component-base/cli"
			"k8s.io/kubernetes/cmd/kube-apiserver/app"
		)

		func main() { os.Exit(cli.Run(app.NewAPIServerCommand())) }
	GO
	go mod tidy
	go build -p 2 -ldflags "-s -w" -o kube-apiserver .
	mkdir -p "$(dirname "$program")"
	chmod 755 "$cache" "$(dirname "$program")"
	mv kube-apiserver "$program"
	cd /
	rm -rf "$work"
}

# kube METHOD PATH [JSON]
kube() {
	curl -sS --fail --cacert "$tls/ca.crt" -H "Authorization: Bearer admin-token" -H "Content-Type: application/json" \
		-X "$1" ${3:+--data "$3"} "https://127.0.0.1:$port$2" >/dev/null
}

# run NAME COMMAND...: start it in the server's folder, where a sweep finds it; its id goes into NAME.pid.
run() {
	local name=$1
	shift
	# shellcheck disable=SC2016
	as_server setsid sh -c 'cd "$1" && echo $$ >"$2.pid"; shift 2; exec "$@"' sh "$folder" "$name" "$@" >"$folder/$name.log" 2>&1 </dev/null &
}

start_real() {
	local client peer namespace
	client=$(free_port)
	peer=$(free_port)
	port=$(free_port)
	run etcd etcd --data-dir "$folder/etcd" --listen-client-urls "http://127.0.0.1:$client" \
		--advertise-client-urls "http://127.0.0.1:$client" --listen-peer-urls "http://127.0.0.1:$peer" \
		--initial-advertise-peer-urls "http://127.0.0.1:$peer" --initial-cluster "default=http://127.0.0.1:$peer"
	as_server openssl genrsa -out "$folder/sa.key" 2048 2>/dev/null
	printf '%s\n' 'admin-token,admin,1,"system:masters"' 'reader-token,reader,2' >"$folder/tokens.csv"
	run apiserver "$program" --etcd-servers="http://127.0.0.1:$client" --bind-address=127.0.0.1 \
		--advertise-address=127.0.0.1 --secure-port="$port" --cert-dir="$folder/certs" \
		--tls-cert-file="$tls/good.crt" --tls-private-key-file="$tls/good.key" --client-ca-file="$tls/ca.crt" \
		--service-cluster-ip-range=10.0.0.0/24 --service-account-issuer=https://connhub.test \
		--service-account-signing-key-file="$folder/sa.key" --service-account-key-file="$folder/sa.key" \
		--token-auth-file="$folder/tokens.csv" --authorization-mode=RBAC
	wait_for 120 kube GET /readyz || die "it did not start: $(tail -n 20 "$folder/apiserver.log")"
	wait_for 30 kube GET /api/v1/namespaces/default || die "it has no default namespace"
	for namespace in ns-default other; do
		kube POST /api/v1/namespaces "{\"metadata\":{\"name\":\"$namespace\"}}"
	done
	kube POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/roles \
		'{"metadata":{"name":"reader"},"rules":[{"apiGroups":[""],"resources":["secrets"],"verbs":["get"]}]}'
	kube POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings \
		'{"metadata":{"name":"reader"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"reader"},"subjects":[{"kind":"User","name":"reader","apiGroup":"rbac.authorization.k8s.io"}]}'
}

start_standin() {
	echo "stand-in: no kube-apiserver here, so Kubernetes is played by kube_standin.py"
	rm -f "$folder/port"
	run apiserver python3 "$servers_dir/kube_standin.py" "$folder" "$tls"
	wait_for 20 test -s "$folder/port" || die "the stand-in did not start: $(cat "$folder/apiserver.log")"
	port=$(cat "$folder/port")
}

start() {
	local port kind=stand-in
	server_folder "$folder"
	if [ -x "$program" ] && command -v etcd >/dev/null; then
		kind=kubernetes
		start_real
	else
		start_standin
	fi
	write_env "$folder" CONNHUB_TEST_KUBE="https://127.0.0.1:$port" CONNHUB_TEST_KUBE_KIND="$kind" CONNHUB_TEST_KUBE_FOLDER="$folder"
}

case $action in
install) install ;;
start)
	[ -n "$folder" ] || die "$action: FOLDER is missing"
	start
	;;
stop)
	stop_pid "$folder/apiserver.pid"
	stop_pid "$folder/etcd.pid"
	;;
*) die "unknown action $action" ;;
esac
