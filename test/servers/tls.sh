#!/bin/bash
# test/servers/tls.sh start FOLDER — certificates for the test servers.
#
#   ca.crt              the authority tests trust
#   other-ca.crt        an authority that signed nothing here: with it, every server is untrusted
#   good.{crt,key}      127.0.0.1 and localhost
#   expired.{crt,key}   the same, until 2021
#   wrong-name.{crt,key}    for another host
#   client.{crt,key}    for the user connhub_cert
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

make_ca() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=connhub test $1" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
		-keyout "$folder/$1.key" -out "$folder/$1.crt" 2>/dev/null
}

# make_cert NAME SUBJECT SAN [START END]
make_cert() {
	local name=$1 subject=$2 san=$3 start=${4:-20200101000000Z} end=${5:-20491231000000Z}
	openssl req -newkey rsa:2048 -nodes -subj "$subject" \
		-keyout "$folder/$name.key" -out "$folder/$name.csr" 2>/dev/null
	cat >"$folder/ca.conf" <<-CONF
		[ca]
		default_ca = here
		[here]
		database = $folder/index.txt
		new_certs_dir = $folder
		rand_serial = yes
		default_md = sha256
		policy = any
		unique_subject = no
		x509_extensions = leaf
		[any]
		commonName = supplied
		[leaf]
		basicConstraints = CA:FALSE
		subjectAltName = $san
	CONF
	: >"$folder/index.txt"
	openssl ca -batch -notext -config "$folder/ca.conf" -cert "$folder/ca.crt" -keyfile "$folder/ca.key" \
		-startdate "$start" -enddate "$end" -in "$folder/$name.csr" -out "$folder/$name.crt" 2>/dev/null
	rm -f "$folder/$name.csr"
}

start() {
	server_folder "$folder"
	make_ca ca
	make_ca other-ca
	make_cert good /CN=localhost IP:127.0.0.1,DNS:localhost
	make_cert expired /CN=localhost IP:127.0.0.1,DNS:localhost 20200101000000Z 20210101000000Z
	make_cert wrong-name /CN=other.invalid DNS:other.invalid
	make_cert client /CN=connhub_cert DNS:client.invalid
	rm -f "$folder"/index.txt* "$folder"/ca.conf "$folder"/[0-9A-F]*.pem
	chmod 600 "$folder"/*.key
	[ "$(id -u)" != 0 ] || chown postgres:postgres "$folder"/*
	write_env "$folder" CONNHUB_TEST_TLS="$folder"
}

[ $# = 2 ] || die "usage: tls.sh start|stop FOLDER"
folder=$(absolute "$2")
cd /
case $1 in
start) start ;;
stop) rm -rf "$folder" ;;
*) die "unknown action $1" ;;
esac
