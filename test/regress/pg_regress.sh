# test/regress/pg_regress.sh — turns what pg_regress and pg_isolation_regress report into TAP; sourced.

pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")

# as_tap PROGRAM DATABASE OPTIONS... TEST...
as_tap() {
	local program=$1 database=$2 output=$CONNHUB_TEST_TMP status
	shift 2
	mkdir -p "$output"
	"$program" --bindir="$("$PG_CONFIG" --bindir)" --outputdir="$output" --dbname="$database" \
		--host="$PGHOST" --port="$PGPORT" --user="$PGUSER" --dlpath="$("$PG_CONFIG" --pkglibdir)" "$@" >"$output/report" 2>&1
	status=$?
	sed -nE 's/^(test|    ) +([^ ]+) +\.\.\. (ok|FAILED)( .*)?$/\3 \2\4/p' "$output/report" |
		sed -E 's/^FAILED/not ok -/; s/^ok/ok -/'
	if [ $status != 0 ]; then
		sed 's/^/# /' "$output/report"
		[ ! -e "$output/regression.diffs" ] || tail -n 150 "$output/regression.diffs" | sed 's/^/# /'
	fi
	return $status
}
