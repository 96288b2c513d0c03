/* test/fuzz/fuzz_mail.c — whatever a text holds, as the value of a header it ends neither the header nor the line early.
 * sources: src/health/message.c
 * libraries: libcrypto */
#include "postgres.h"

#include "health/message.h"
#include "server.h"

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	if (size > 4096)
		return 0;
	if (sigsetjmp(fuzz_error, 0) == 0)
	{
		char	   *text = pnstrdup((const char *) data, size);
		StringInfoData out;
		int			line = 0;

		initStringInfo(&out);
		ch_message_header(&out, text);
		for (int i = 0; i < out.len; i++)
		{
			FUZZ_REQUIRE(out.data[i] == '\r' || out.data[i] == '\n' || (out.data[i] >= ' ' && out.data[i] <= '~'));
			FUZZ_REQUIRE(out.data[i] != '\r' || out.data[i + 1] == '\n');
			FUZZ_REQUIRE(out.data[i] != '\n' || (i > 0 && out.data[i - 1] == '\r' && out.data[i + 1] == ' '));
			line = out.data[i] == '\n' ? 0 : line + 1;
			FUZZ_REQUIRE(line <= 77);
		}
		if (ch_message_address(text))
			FUZZ_REQUIRE(strpbrk(text, "\r\n<>,;: \t\"()[]\\") == NULL);
	}
	fuzz_release();
	return 0;
}
