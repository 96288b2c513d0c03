#!/bin/bash
# test/isolation/run.sh — pg_isolation_regress over specs/ and expected/ of this folder, in the running hub.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../regress/pg_regress.sh"

tests=()
for file in test/isolation/specs/*.spec; do
	[ ! -e "$file" ] || tests+=("$(basename "$file" .spec)")
done
as_tap "$pgxs/../test/isolation/pg_isolation_regress" isolation_regression --inputdir=test/isolation "${tests[@]}"
