#!/bin/bash
# test/lint/run_all.sh — run every lint script, as TAP; fails too when one is not described in README.md.
#
# A script is a program beside this one.  It prints what breaks its rule as "file:line: what", and exits
# with 0 when nothing does, 77 when it cannot tell here.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

number=0
failures=0
report() {
	number=$((number + 1))
	case $1 in
	0) echo "ok $number - $2" ;;
	77) echo "ok $number - $2 # SKIP $3" ;;
	*)
		failures=$((failures + 1))
		echo "not ok $number - $2"
		sed 's/^/# /' <<<"$3"
		;;
	esac
}

for script in test/lint/*.pl test/lint/*.sh; do
	name=$(basename "$script")
	[ "$name" != run_all.sh ] || continue
	case $name in
	*.pl) output=$(perl -Itest/lint "$script" 2>&1) ;;
	*.sh) output=$(bash "$script" 2>&1) ;;
	esac
	report $? "${name%.*}" "$output"
done

listed=$(sed -n 's/^| `\([a-z_]*\.[a-z]*\)` |.*/\1/p' test/lint/README.md | sort)
there=$(cd test/lint && ls ./*.pl ./*.sh | sed 's|^\./||; /^run_all\.sh$/d' | sort)
difference=$(diff <(echo "$listed") <(echo "$there"))
report $? "README.md has a row for each script" "$difference"

echo "1..$number"
[ $failures = 0 ]
