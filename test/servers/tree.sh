#!/bin/bash
# test/servers/tree.sh FOLDER — a private copy of the PostgreSQL installation.
#
# An installation tree finds its parts by their relative places, so a copy below FOLDER works, and an
# extension is installed into it without touching the system's.  Prints the copy's pg_config.
# Headers are a farm of links, so that an extension's own headers land in the copy too.
set -euo pipefail

folder=$1
pg_config=${PG_CONFIG:-pg_config}
bindir=$("$pg_config" --bindir)
pkglibdir=$("$pg_config" --pkglibdir)
sharedir=$("$pg_config" --sharedir)
includedir=$("$pg_config" --includedir)

for dir in "$bindir" "$pkglibdir" "$sharedir"; do
	mkdir -p "$folder$dir"
	(cd "$dir" && tar -chf - --exclude=./bitcode --exclude=./man .) | tar -xf - -C "$folder$dir"
done
mkdir -p "$folder$includedir"
cp -asT "$(readlink -f "$includedir")" "$folder$includedir"

# What an older connhub left in the system's tree is no part of this one.
rm -f "$folder$pkglibdir"/connhub*.so "$folder$sharedir"/extension/connhub*

copy=$folder$bindir/pg_config
[ "$("$copy" --pkglibdir)" = "$folder$pkglibdir" ] || {
	echo "tree.sh: $pg_config is not relocatable" >&2
	exit 1
}
echo "$copy"
