#!/bin/bash
# test/fuzz/run.sh — build each target fuzz_*.c with libFuzzer, AddressSanitizer and UBSan, and run it for a bounded time.
#
# A line "sources: FILE..." in a target's opening comment names what it fuzzes, "libraries: NAME..." the pkg-config names of
# what that needs.  A target over files of the core is linked with server.c in the server's place.  Seeds are in
# seeds/<name>/; an input that broke something is printed in base64, to become one.
#   CONNHUB_FUZZ_SECONDS    per target (default 8)
set -uo pipefail

seconds=${CONNHUB_FUZZ_SECONDS:-8}
server=$("$PG_CONFIG" --includedir-server)
number=0
failures=0

declare_line() {
	sed -n "1,/\*\//s/.*$1: *//p" "$2" | sed 's|\*/||' | head -n 1
}

build() {
	local target=$1 program=$2 sources libraries flags=() libs=()
	sources=$(declare_line sources "$target")
	libraries=$(declare_line libraries "$target")
	flags=(-g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -fwrapv -fno-strict-aliasing
		-Wno-ignored-attributes -D_GNU_SOURCE -Isrc/include -Isrc -Idrivers/common -Itest/fuzz -Itest/unit)
	case " $sources" in
	*" src/"*)
		flags+=(-I"$server")
		sources="$sources test/fuzz/server.c"
		flags+=(-fno-pie) libs+=(-no-pie -Wl,--unresolved-symbols=ignore-all)
		;;
	esac
	if [ -n "$libraries" ]; then
		# shellcheck disable=SC2046,SC2206
		flags+=($(pkg-config --cflags $libraries)) libs+=($(pkg-config --libs $libraries))
	fi
	# shellcheck disable=SC2086
	clang "${flags[@]}" -o "$program" "$target" $sources "${libs[@]}"
}

run() {
	local name=$1 program=$2 folder=$3
	mkdir -p "$folder/corpus" "test/fuzz/seeds/$name"
	ASAN_OPTIONS=detect_leaks=0 "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix="$folder/" "$folder/corpus" "test/fuzz/seeds/$name"
}

for target in test/fuzz/fuzz_*.c; do
	name=$(basename "$target" .c)
	name=${name#fuzz_}
	folder=$CONNHUB_TEST_TMP/$name
	mkdir -p "$folder"
	number=$((number + 1))
	if build "$target" "$folder/fuzz" >"$folder/log" 2>&1 && run "$name" "$folder/fuzz" "$folder" >>"$folder/log" 2>&1; then
		echo "ok $number - $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/log") inputs"
	else
		failures=$((failures + 1))
		echo "not ok $number - $name"
		tail -n 40 "$folder/log" | sed 's/^/# /'
		for input in "$folder"/crash-* "$folder"/timeout-* "$folder"/oom-*; do
			[ ! -e "$input" ] || echo "# $(basename "$input"): $(base64 -w 0 "$input")"
		done
	fi
done

echo "1..$number"
[ $failures = 0 ]
