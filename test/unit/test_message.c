/* test_message.c — claim: signatures are HMAC-SHA256, as openssl dgst computes it; whatever stands in a text, the headers
 * of a mail keep to one line or are folded, within the lengths of RFC 2047 and 5322, and decode to the text. */
#include "postgres.h"

#include "health/message.h"
#include "server.h"
#include "tap.h"

static void
test_signature(void)
{
	StringInfoData out;

	initStringInfo(&out);
	ok(ch_message_sign(&out, "signing key", 1700000000, "{\"id\": 1}", 9), "a body is signed");
	/* printf '1700000000.{"id": 1}' | openssl dgst -sha256 -hmac 'signing key' */
	is_text(out.data, "t=1700000000,v1=5b770c266e6866a5947f16cccabae900b9dba8fcb089b1e8d6771a5aa3b4ca98", "as openssl does it");
	resetStringInfo(&out);
	ok(ch_message_sign(&out, "", 0, "", 0), "an empty body and key are signed");
	is_int(out.len, 7 + 64, "with a signature of full length");
}

static const char *
header(const char *text)
{
	static StringInfoData out;

	initStringInfo(&out);
	ch_message_header(&out, text);
	return out.data;
}

static void
test_headers(void)
{
	const char *folded;
	int			line = 0;
	int			longest = 0;

	is_text(header("all is well"), "all is well", "plain text stays");
	is_text(header("Größe überschritten"), "=?UTF-8?B?R3LDtsOfZSDDvGJlcnNjaHJpdHRlbg==?=", "other text is encoded");
	is_text(header("a =?x"), "=?UTF-8?B?YSA9P3g=?=", "so is what looks encoded");
	is_text(header("a\r\nBcc: b@c.d"), "=?UTF-8?B?YQ0KQmNjOiBiQGMuZA==?=", "so is a line break, which ends no header then");
	is_text(header(""), "", "nothing stays nothing");

	/* Three bytes each: a word takes 15 of them, so that none is cut. */
	folded = header("\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac");
	ok(strstr(folded, "?=\r\n =?UTF-8?B?4oKs?=") != NULL, "a long text becomes several words, of whole characters");
	folded = header("01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789");
	for (const char *p = folded; *p != '\0'; p++)
	{
		line = *p == '\n' ? 0 : line + 1;
		longest = Max(longest, line);
	}
	ok(longest <= 76, "no line is longer than 76 characters");
}

static void
test_addresses(void)
{
	static const char *const good[] = {"a@b", "first.last+tag@sub.example.com", "o'neil@example.org"};
	static const char *const bad[] = {"", "a", "@b", "a@", "a b@c", "a@b c", "a@b>", "<a@b>", "a@b,c@d", "a@b\r\nRCPT TO:<c@d>", "a@-b",
	"a@.b", "\"a\"@b", "a@b@c", "ä@b", "a@[127.0.0.1]"};

	for (int i = 0; i < lengthof(good); i++)
		ok(ch_message_address(good[i]), "\"%s\" is an address", good[i]);
	for (int i = 0; i < lengthof(bad); i++)
		ok(!ch_message_address(bad[i]), "bad address %d is none", i);
}

static void
test_mail(void)
{
	static const char *const recipients[] = {"x@example.com", "y@example.com"};
	ChMail		mail = {.from = "hub@example.com", .recipients = recipients, .nrecipients = 2, .id = "1@example.com",
		.subject = "s", .text = "one\ntwo\r\n.\n", .at_seconds = 1700000000};
	StringInfoData out;

	initStringInfo(&out);
	ch_message_mail(&out, &mail);
	is_text(out.data, "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nFrom: hub@example.com\r\nTo: x@example.com,\r\n y@example.com\r\n"
			"Message-ID: <1@example.com>\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n"
			"Content-Transfer-Encoding: base64\r\nAuto-Submitted: auto-generated\r\n\r\nb25lDQp0d28NCi4NCg==\r\n",
			"a mail has its headers, and its text with line ends of mail");
}

int
main(void)
{
	if (sigsetjmp(fuzz_error, 0) == 0)
	{
		test_signature();
		test_headers();
		test_addresses();
		test_mail();
	}
	else
		ok(false, "nothing throws");
	fuzz_release();
	return tap_done();
}
