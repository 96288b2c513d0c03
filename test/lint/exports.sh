# A library exports what the server or the core looks up in it, and nothing else.
libdir=$("${PG_CONFIG:-pg_config}" --pkglibdir 2>/dev/null)
libraries=$(ls "$libdir"/connhub.so "$libdir"/connhub_*.so connhub.so drivers/*/connhub_*.so 2>/dev/null)
if [ -z "$libraries" ]; then
	echo "nothing is built"
	exit 77
fi
status=0
for library in $libraries; do
	case $(basename "$library") in
	connhub.so) allowed='^(Pg_magic_func|_PG_init|pg_finfo_connhub_[a-z_0-9]+|connhub_[a-z_0-9]+)$' ;;
	*) allowed='^(Pg_magic_func|connhub_driver_init)$' ;;
	esac
	extra=$(nm -D --defined-only "$library" | awk '{ print $3 }' | grep -vE "$allowed" | tr '\n' ' ')
	if [ -n "$extra" ]; then
		echo "$library: exports $extra"
		status=1
	fi
done
exit $status
