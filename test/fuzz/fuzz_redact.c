/* test/fuzz/fuzz_redact.c — any text can be masked; a secret in a known form never comes through.
 *
 * The input stands before and after a secret.  Where it holds nothing that could open a literal, a name or a comment of
 * its own, the secret must be gone.
 * sources: src/common/redact.c */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "common/redact.h"
#include "server.h"

#define SECRET "Canary0Feather9"

static const char *const forms[] = {
	"password => '" SECRET "'",
	"password := E'" SECRET "'",
	"\"password\": \"" SECRET "\"",
	"password=" SECRET,
	"pwd = '" SECRET "'",
	"api_key => $x$" SECRET "$x$",
	"db://user:" SECRET "@host/path",
};

static bool
is_plain(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,.;()[]+*/<>")] == '\0';
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char	   *text;
	StringInfoData around;
	const char *masked;

	if (size < 1 || size > 4096)
		return 0;
	if (sigsetjmp(fuzz_error, 0) == 0)
	{
		text = pnstrdup((const char *) data + 1, size - 1);
		masked = ch_redact(text);
		if (masked != NULL)
			(void) ch_redact(masked);

		if (is_plain(text) && strstr(text, SECRET) == NULL)
		{
			const char *form = forms[data[0] % lengthof(forms)];

			initStringInfo(&around);
			appendStringInfoString(&around, text);
			appendStringInfoChar(&around, ' ');
			appendStringInfoString(&around, form);
			appendStringInfoChar(&around, ' ');
			appendStringInfoString(&around, text);
			masked = ch_redact(around.data);
			FUZZ_REQUIRE(masked != NULL && strstr(masked, SECRET) == NULL);
		}
	}
	fuzz_release();
	return 0;
}
