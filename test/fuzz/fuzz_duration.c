/* test/fuzz/fuzz_duration.c — a duration is a number of milliseconds that is not negative, or none.
 * sources: src/catalog/cat_option.c */
#include "postgres.h"

#include "catalog/cat_option.h"
#include "server.h"

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	int64		ms = -1;

	if (size > 128)
		return 0;
	if (sigsetjmp(fuzz_error, 0) == 0)
	{
		if (ch_duration_parse(pnstrdup((const char *) data, size), &ms))
			FUZZ_REQUIRE(ms >= 0);
	}
	fuzz_release();
	return 0;
}
