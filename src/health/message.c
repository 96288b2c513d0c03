/* health/message.c — the texts that leave by channels: signatures and mails. */
#include "postgres.h"

#include <time.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "health/message.h"

/* An encoded word has at most 75 characters: "=?UTF-8?B?" and "?=" leave 63, which is 45 bytes in base64. */
#define WORD_BYTES 45

/* A line of base64 has 76 characters. */
#define LINE_BYTES 57

#define MAX_ADDRESS_BYTES 254

bool
ch_message_sign(StringInfo out, const char *key, int64 at_seconds, const char *body, size_t length)
{
	StringInfoData text;
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int nmac = 0;

	initStringInfo(&text);
	appendStringInfo(&text, INT64_FORMAT ".", at_seconds);
	appendBinaryStringInfo(&text, body, length);
	if (HMAC(EVP_sha256(), key, strlen(key), (const unsigned char *) text.data, text.len, mac, &nmac) == NULL)
		return false;
	appendStringInfo(out, "t=" INT64_FORMAT ",v1=", at_seconds);
	for (unsigned int i = 0; i < nmac; i++)
		appendStringInfo(out, "%02x", mac[i]);
	pfree(text.data);
	return true;
}

static void
append_base64(StringInfo out, const char *bytes, int length)
{
	unsigned char encoded[128];

	EVP_EncodeBlock(encoded, (const unsigned char *) bytes, length);
	appendStringInfoString(out, (char *) encoded);
}

static bool
is_plain(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			return false;
	return strstr(text, "=?") == NULL && strlen(text) <= WORD_BYTES;
}

/* Bytes of the text that make up whole characters of UTF-8, at most `most`. */
static int
clip(const char *text, int most)
{
	int			length = strlen(text);

	if (length <= most)
		return length;
	length = most;
	while (length > 0 && (text[length] & 0xC0) == 0x80)
		length--;
	return length > 0 ? length : most;
}

void
ch_message_header(StringInfo out, const char *text)
{
	if (is_plain(text))
	{
		appendStringInfoString(out, text);
		return;
	}
	while (*text != '\0')
	{
		int			length = clip(text, WORD_BYTES);

		appendStringInfoString(out, "=?UTF-8?B?");
		append_base64(out, text, length);
		appendStringInfoString(out, "?=");
		text += length;
		if (*text != '\0')
			appendStringInfoString(out, "\r\n ");
	}
}

static void
append_date(StringInfo out, int64 at_seconds)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t		at = at_seconds;
	struct tm	tm;

	gmtime_r(&at, &tm);
	appendStringInfo(out, "%s, %02d %s %d %02d:%02d:%02d +0000", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
					 tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* The text with line ends of mail. */
static void
append_text(StringInfo out, const char *text)
{
	StringInfoData lines;

	initStringInfo(&lines);
	for (; *text != '\0'; text++)
	{
		if (*text == '\n' && (lines.len == 0 || lines.data[lines.len - 1] != '\r'))
			appendStringInfoChar(&lines, '\r');
		appendStringInfoChar(&lines, *text);
	}
	for (int at = 0; at < lines.len; at += LINE_BYTES)
	{
		append_base64(out, lines.data + at, Min(LINE_BYTES, lines.len - at));
		appendStringInfoString(out, "\r\n");
	}
	pfree(lines.data);
}

void
ch_message_mail(StringInfo out, const ChMail *mail)
{
	appendStringInfoString(out, "Date: ");
	append_date(out, mail->at_seconds);
	appendStringInfo(out, "\r\nFrom: %s\r\nTo: ", mail->from);
	for (int i = 0; i < mail->nrecipients; i++)
		appendStringInfo(out, "%s%s", i > 0 ? ",\r\n " : "", mail->recipients[i]);
	appendStringInfo(out, "\r\nMessage-ID: <%s>\r\nSubject: ", mail->id);
	ch_message_header(out, mail->subject);
	appendStringInfoString(out, "\r\nMIME-Version: 1.0\r\n"
						   "Content-Type: text/plain; charset=UTF-8\r\n"
						   "Content-Transfer-Encoding: base64\r\n"
						   "Auto-Submitted: auto-generated\r\n\r\n");
	append_text(out, mail->text);
}

bool
ch_message_address(const char *text)
{
	static const char local[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.!#$%&'*+/=?^_`{|}~-";
	static const char domain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
	size_t		nlocal = strspn(text, local);

	if (nlocal == 0 || text[nlocal] != '@' || strlen(text) > MAX_ADDRESS_BYTES)
		return false;
	text += nlocal + 1;
	return text[0] != '\0' && text[0] != '.' && text[0] != '-' && strspn(text, domain) == strlen(text);
}
