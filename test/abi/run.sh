#!/bin/bash
# test/abi/run.sh — what the loader takes and what it refuses; prints TAP.
#
# Each line of the list is a driver: its macro, and what the server must say of it.  The drivers are installed into a
# copy of the installation with a server of its own, so that nobody else meets them.  Afterwards the
# server must still be up, in the same session.  Folders named after a release hold its frozen driver.h: a driver
# built from each must load.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/servers/lib.sh

tmp=${CONNHUB_TEST_TMP:-$(mktemp -d)}/abi
mkdir -p "$tmp"
n=0
failed=0

broken="
MAGIC                  its table has a wrong magic number
MAJOR                  it was built for another version of the driver ABI
SIZE                   its table is too short
OTHER_NAME             its table has another name than its library
NO_VERSION             its table lacks a version or the name of its client library
NO_SYMBOL              its library has no symbol connhub_driver_init
NO_MODULE_MAGIC        its library could not be loaded
DECLINES               it declined to work in this process
NO_FETCH               its required slot \"fetch\" is empty
BIT_WITHOUT_SLOT       its slot \"discover\" and its capability bits disagree
UNKNOWN_CAPABILITY     it declares a capability that its ABI version does not have
SNAPSHOT_ALONE         it declares snapshots without transactions
STATS_ALONE            it declares statistics without discovery
WRITE_WITHOUT_SLOT     its slot \"render_write\" and its capability bits disagree
MODIFY_WITHOUT_SLOT    its slot \"render_modify\" and its capability bits disagree
SAVEPOINT_ALONE        it declares savepoints or two-phase commit without transactions
TYPES_NULL             it serves no connector type
TYPE_NAME              its type number 1 has no valid name
TYPE_TWICE             its type \"type_twice\" stands twice in its table
TYPE_WITHOUT_DESCRIPTION  its type \"type_without_description\" lacks a category, a description or an example
TYPE_TIER              its type \"type_tier\" has no valid tier
OPTIONS_NULL           its type \"options_null\" has a broken option table
OPTION_NAME            its type \"option_name\" has an option without a valid name
OPTION_TWICE           option \"colour\" of its type \"option_twice\" stands twice in its table
OPTION_WITHOUT_HELP    option \"silent\" of its type \"option_without_help\" has no help text
OPTION_WITHOUT_CHOICES option \"choice\" of its type \"option_without_choices\" has no choices
OPTION_KIND            option \"kind\" of its type \"option_kind\" is of an unknown kind
OPTION_BOUNDS          option \"bounds\" of its type \"option_bounds\" has bounds that no value meets
OPTION_SECRET_DEFAULT  of its type \"option_secret_default\" has a default
"

report() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		failed=1
		echo "not ok $n - $2"
		printf '%s\n' "${3:-}" | sed 's/^/# /'
	fi
}

# build MACRO INCLUDE NAME — compile a driver and install it.
build() {
	cc -shared -fPIC -fvisibility=hidden -Wall -Wextra -Wno-unused-parameter -Wno-unused-const-variable -Wno-unused-function \
		-Wno-unused-variable -Wno-missing-field-initializers -Werror '-DPGDLLEXPORT=__attribute__((visibility("default")))' \
		"-D$1" "-DNAME=$3" "-I$2" "-I$("$PG_CONFIG" --includedir-server)" \
		-o "$pkglibdir/connhub_$3.so" test/abi/driver.c
}

original=$PG_CONFIG
PG_CONFIG=$(test/servers/tree.sh "$tmp/tree")
export PG_CONFIG
pkglibdir=$("$PG_CONFIG" --pkglibdir)
cp "$("$original" --pkglibdir)/connhub.so" "$pkglibdir/"
cp "$("$original" --sharedir)"/extension/connhub* "$("$PG_CONFIG" --sharedir)/extension/"
trap 'test/servers/hub.sh stop "$tmp/hub" || true' EXIT
test/servers/hub.sh start "$tmp/hub"
. "$tmp/hub/env"
unset PGDATABASE
bindir=$("$PG_CONFIG" --bindir)
ask() {
	"$bindir/psql" -XAtq -d postgres "$@" 2>&1
}
ask -c "CREATE EXTENSION connhub"

# One session tries them all: a refused driver must not spoil it for the next.
script=
while read -r macro message; do
	[ -n "$macro" ] || continue
	name=${macro,,}
	build "$macro" src/include "$name"
	script+="\\echo begin $name"$'\n'"SELECT connhub.register_driver('$name');"$'\n'
done <<<"$broken"
build COMPLETE src/include complete
script+=$'\\echo begin complete\n'"SELECT connhub.register_driver('complete');"$'\n\\echo end\n'
answers=$(ask <<<"$script" || true)

while read -r macro message; do
	[ -n "$macro" ] || continue
	name=${macro,,}
	answer=$(sed -n "/^begin $name\$/,/^begin\|^end/p" <<<"$answers" | sed '1d;$d')
	[[ $answer == *ERROR*"$message"* ]] && result=0 || result=1
	report $result "$name is refused: $message" "$answer"
done <<<"$broken"
answer=$(sed -n '/^begin complete$/,/^end/p' <<<"$answers" | sed '1d;$d')
[ "$answer" = "{complete}" ] && result=0 || result=1
report $result "a complete driver is taken by the same session" "$answer"

for header in test/abi/*/connhub/driver.h; do
	release=${header#test/abi/}
	release=${release%%/*}
	name=release_${release//./_}
	build COMPLETE "test/abi/$release" "$name"
	answer=$(ask -c "SELECT connhub.register_driver('$name')" || true)
	[ "$answer" = "{$name}" ] && result=0 || result=1
	report $result "a driver built for ABI $release is taken" "$answer"
done

for name in nowhere ../connhub 'a;b' A '' "$(printf 'x%.0s' {1..100})"; do
	answer=$(ask -v "name=$name" <<<"SELECT connhub.register_driver(:'name');" || true)
	[[ $answer == *ERROR* ]] && result=0 || result=1
	report $result "no library is looked for under the name \"${name:0:20}\", or none is there" "$answer"
done

answer=$(ask -c "SELECT count(*) FROM connhub.types() WHERE name NOT LIKE 'release%' AND name <> 'complete'" || true)
[ "$answer" = 0 ] && result=0 || result=1
report $result "refused drivers left no types" "$answer"
echo "1..$n"
exit $failed
