/* health/message.h — the texts that leave by channels: signatures and mails.
 *
 * Pure: texts in, texts out.  Everything that comes from outside is encoded, so that nothing in it can end a header. */
#ifndef CH_HEALTH_MESSAGE_H
#define CH_HEALTH_MESSAGE_H

#include "lib/stringinfo.h"

/* Append "t=<seconds>,v1=<hex>": HMAC-SHA256 with the key over "<seconds>.<body>".  False when OpenSSL fails. */
extern bool ch_message_sign(StringInfo out, const char *key, int64 at_seconds, const char *body, size_t length);

/* Append the value of a header for people: as it is when it is plain ASCII, else as encoded words of UTF-8. */
extern void ch_message_header(StringInfo out, const char *text);

typedef struct ChMail
{
	const char *from;			/* checked by ch_message_address */
	const char *const *recipients;
	int			nrecipients;
	const char *id;				/* Message-ID without brackets */
	const char *subject;		/* UTF-8 */
	const char *text;			/* UTF-8 */
	int64		at_seconds;		/* since 1970 */
} ChMail;

/* Append a whole mail: headers and a plain text in base64, lines ending in CR LF. */
extern void ch_message_mail(StringInfo out, const ChMail *mail);

/* Is it an address that may stand in an envelope and a header: local part, "@", domain, of ASCII? */
extern bool ch_message_address(const char *text);

#endif
