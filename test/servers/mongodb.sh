#!/bin/bash
# test/servers/mongodb.sh ACTION FOLDER — mongo-java-server, an independent server of MongoDB's protocol, as a source.
#
#   install   its archives, by Maven, below CONNHUB_TEST_SOFTWARE (default /var/lib/connhub-test)
#   start     on a free port, in memory, without users; without its archives only the notice that it is missing
#   seed      the shop and the edge values, into database shop
#   stop
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/mongodb_lib.sh"

[ $# -ge 1 ] || die "usage: mongodb.sh install | start|seed|stop FOLDER"
action=$1
folder=$(absolute "${2:-}")
archives=$software/mongo-java-server
cd /

install() {
	[ ! -s "$archives/done" ] || return 0
	command -v mvn >/dev/null || die "no mvn: install maven and a JDK"
	mkdir -p "$archives"
	cat >"$archives/pom.xml" <<-XML
		<project xmlns="http://maven.apache.org/POM/4.0.0">
		<modelVersion>4.0.0</modelVersion><groupId>connhub</groupId><artifactId>test</artifactId><version>1</version>
		<dependencies>
		<dependency><groupId>de.bwaldvogel</groupId><artifactId>mongo-java-server</artifactId><version>1.47.0</version></dependency>
		<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>2.0.16</version></dependency>
		</dependencies>
		</project>
	XML
	(cd "$archives" && mvn -q -B dependency:copy-dependencies -DoutputDirectory=jars)
	echo 1.47.0 >"$archives/done"
}

start() {
	server_folder "$folder"
	if [ ! -s "$archives/done" ]; then
		echo "NOTICE: mongo-java-server is not there; run: $0 install" >&2
		write_env "$folder"
		return
	fi
	free_port >"$folder/port"
	cp "$servers_dir/MongoServer.java" "$folder/"
	run_server java -Xmx384m -cp "$archives/jars/*" "$folder/MongoServer.java" "$(cat "$folder/port")"
	start_common CONNHUB_TEST_MONGO
}

case $action in
install) install ;;
start | seed | stop)
	[ -n "$folder" ] || die "$action: FOLDER is missing"
	$action
	;;
*) die "unknown action $action" ;;
esac
