#!/bin/bash
# test/docs/run.sh — the driver of docs/writing-a-driver.md builds as it stands there and answers as the page
# says.  Prints TAP.  Its library goes from the installation at the end.
set -uo pipefail

page=docs/writing-a-driver.md
# Beside the tree: other tests look at what is in it.
tree=$CONNHUB_TEST_TMP/tree
folder=$tree/drivers/numbers
database=docs_test
failed=0
number=0

check() { # check NAME EXPECTED GOT
	number=$((number + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $number - $1"
	else
		failed=1
		echo "not ok $number - $1"
		printf '# expected: %s\n# got: %s\n' "${2//$'\n'/$'\n'#           }" "${3//$'\n'/$'\n'#      }"
	fi
}

run() { psql -X -q -A -t -d "$database" -c "$1" 2>&1; }

cleanup() {
	psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" >/dev/null 2>&1
	make -s -C "$folder" uninstall >/dev/null 2>&1
	rm -rf "$tree"
}
trap cleanup EXIT

# Each block begins with the name of the file it belongs to.
mkdir -p "$folder"
ln -s "$PWD/src" "$tree/src"
ln -s "$PWD/drivers/driver.mk" "$PWD/drivers/common" "$tree/drivers/"
awk -v folder="$folder" '
	/^```/ { if (inside) { inside = 0; file = "" } else inside = 1; next }
	inside && file == "" && match($0, /file: [A-Za-z.]+/) { file = substr($0, RSTART + 6, RLENGTH - 6); next }
	inside && file != "" { print > (folder "/" file) }
' "$page"

log=$(make -s -C "$folder" install 2>&1)
check "the files of the page build without a warning" "0" "$?"
[ -z "$log" ] || printf '%s\n' "$log" | tail -n 20 | sed 's/^/# /'

psql -X -q -d postgres -c "CREATE DATABASE $database" >/dev/null
run "CREATE EXTENSION connhub" >/dev/null
check "it registers" "{numbers}" "$(run "SELECT connhub.register_driver('numbers')")"
check "a connector is created and discovered" "ACTIVE|1" \
	"$(run "SELECT status, tables FROM connhub.create_connector('n', 'numbers', options => '{\"last\": 1000}')")"
check "its table is attached" "n|numbers|1|created" "$(run "SELECT * FROM connhub.attach('n')")"
check "a filter, a sort and a limit give the right rows" $'990\n991\n992' \
	"$(run "SELECT n FROM n.numbers WHERE n >= 990 ORDER BY n LIMIT 3")"
check "they are sent" "1" \
	"$(run "EXPLAIN (VERBOSE, COSTS OFF) SELECT n FROM n.numbers WHERE n >= 990 ORDER BY n LIMIT 3" |
		grep -c 'Native Query: count from 990 skip 0 most 3$')"
check "what is refused stays here, with the reason of the page" "1" \
	"$(run "EXPLAIN (VERBOSE, COSTS OFF) SELECT n FROM n.numbers WHERE n >= 990 AND n % 2 = 0" |
		grep -c 'Kept Locally: .*numbers knows n >= a constant only')"
check "rows, an offset and no columns at all" "1000|500500|5" \
	"$(run "SELECT count(*), sum(n), (SELECT count(*) FROM (SELECT FROM n.numbers WHERE n >= 1 OFFSET 995) x) FROM n.numbers")"
echo "1..$number"
exit $failed
