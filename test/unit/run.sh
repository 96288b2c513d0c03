#!/bin/bash
# test/unit/run.sh — build and run the unit tests; prints TAP.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec make -s check
