#!/bin/bash
# test/regress/run.sh — pg_regress over sql/ and expected/, in the running hub; each file is one test.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/pg_regress.sh"

tests=()
for file in sql/*.sql; do
	name=$(basename "$file" .sql)
	case $name in connhub--*) ;; *) [ ! -e "$file" ] || tests+=("$name") ;; esac
done
as_tap "$pgxs/../test/regress/pg_regress" contrib_regression --inputdir=. "${tests[@]}"
