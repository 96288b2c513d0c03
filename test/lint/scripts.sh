# Every shell script parses, and every one that is run by name is executable.
status=0
while read -r script; do
	bash -n "$script" || status=1
	if head -n 1 "$script" | grep -q '^#!' && [ ! -x "$script" ]; then
		echo "$script: not executable"
		status=1
	fi
done < <(find test .ci -path '*/tmp' -prune -o \( -name '*.sh' -o -path '.ci/run' \) -print | sort)
while read -r script; do
	perl -Itest/lint -Itest/tap -c "$script" 2>&1 | grep -v 'syntax OK$' && status=1
done < <(find test -path '*/tmp' -prune -o \( -name '*.pl' -path 'test/lint/*' -o -name 'run.pl' -o -name 'blackhole.pl' \) -print | sort)
exit $status
