#!/bin/bash
# test/unit/run_tests.sh BUILD TEST... — run each program twice, sanitized and under valgrind, as one TAP stream.
#
# A program that breaks off, leaks, or is caught by a checker is one more failed test.
set -uo pipefail

build=$1
shift
n=0
status=0

report() {
	n=$((n + 1))
	[ "$1" = ok ] || status=1
	printf '%s %d - %s\n' "$1" "$n" "$2"
}

run() {
	local label=$1 log=$build/$2.log planned=no line result
	shift 2
	"$@" >"$log" 2>&1 </dev/null
	result=$?
	while IFS= read -r line; do
		case $line in
		"ok "*) report ok "$label: ${line#ok * - }" ;;
		"not ok "*) report "not ok" "$label: ${line#not ok * - }" ;;
		"1..0 "*) report ok "$label # SKIP ${line#*SKIP }"; planned=yes ;;
		"1.."*) planned=yes ;;
		*) printf '# %s\n' "${line#\# }" ;;
		esac
	done <"$log"
	[ "$planned" = yes ] || report "not ok" "$label: broke off"
	if [ "$result" = 0 ]; then
		report ok "$label: clean end"
	else
		report "not ok" "$label: ended with status $result"
	fi
}

for test in "$@"; do
	run "$test, sanitized" "$test.sanitized" env ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 \
		UBSAN_OPTIONS=print_stacktrace=1 "$build/sanitized/$test"
	if command -v valgrind >/dev/null; then
		run "$test, valgrind" "$test.valgrind" valgrind --quiet --leak-check=full --error-exitcode=9 \
			--show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect "$build/plain/$test"
	else
		run "$test" "$test.plain" "$build/plain/$test"
	fi
done
printf '1..%d\n' "$n"
exit $status
