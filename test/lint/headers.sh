# Each core header compiles alone after postgres.h, and driver.h with nothing before it, as C and without extensions.
pg_config=${PG_CONFIG:-pg_config}
server=$("$pg_config" --includedir-server 2>/dev/null)
if [ ! -e "$server/postgres.h" ]; then
	echo "no server headers"
	exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
status=0

printf '#include "connhub/driver.h"\nint unused;\n' >"$folder/driver.c"
gcc -std=c99 -pedantic -Wall -Wextra -Werror -fsyntax-only -Isrc/include "$folder/driver.c" || status=1
if grep -n '#include' src/include/connhub/driver.h | grep -vE '<(stdbool|stddef|stdint)\.h>'; then
	echo "src/include/connhub/driver.h: includes more than the three standard headers"
	status=1
fi

# shellcheck disable=SC2016
find src drivers -name '*.h' ! -path 'drivers/[!c]*' ! -path 'src/include/*' | sort | xargs -P 2 -I{} bash -c '
	header=$1 folder=$2 server=$3
	unit=$folder/$(tr / _ <<<"$header").c
	case $header in
	src/*) printf "#include \"postgres.h\"\n#include \"%s\"\n" "${header#src/}" ;;
	*) printf "#include \"%s\"\n" "${header#drivers/common/}" ;;
	esac >"$unit"
	gcc -fsyntax-only -Werror -Isrc/include -Isrc -Idrivers/common -I"$server" -D_GNU_SOURCE "$unit"
' _ {} "$folder" "$server" || status=1
exit $status
