/* conn/tunnel_pin.c — which host keys of an SSH server are trusted.
 *
 * Runs in the backend and, to compare, in a tunnel's thread.  The host names of a known_hosts line are not looked at: whoever
 * set the option said which server it is for. */
#include "postgres.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "conn/tunnel_pin.h"

#define FINGERPRINT_PREFIX "SHA256:"
#define BLANKS " \t\r\n"
#define MAX_KEY_TEXT 4096		/* base64 of an RSA key of 16384 bits is shorter */

/* Decode base64 with or without its padding.  The number of bytes, or -1. */
static int
decode(const char *text, size_t length, unsigned char *out, size_t size)
{
	char		padded[MAX_KEY_TEXT + 4];
	size_t		bare = length;
	int			pad;

	while (bare > 0 && text[bare - 1] == '=' && length - bare < 2)
		bare--;
	pad = (4 - bare % 4) % 4;
	if (bare == 0 || pad == 3 || bare > MAX_KEY_TEXT || (length != bare && length != bare + pad))
		return -1;
	if (strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") < bare ||
		(bare + pad) / 4 * 3 > size)
		return -1;
	memcpy(padded, text, bare);
	memset(padded + bare, '=', pad);
	return EVP_DecodeBlock(out, (unsigned char *) padded, bare + pad) - pad;
}

static bool
parse_fingerprints(const char *text, ChPins *pins)
{
	const char *p = text;

	for (;;)
	{
		unsigned char digest[CH_PIN_BYTES + 4];
		size_t		length;

		p += strspn(p, "," BLANKS);
		if (*p == '\0')
			return pins->count > 0;
		length = strcspn(p, "," BLANKS);
		if (pins->count == CH_MAX_PINS || length <= strlen(FINGERPRINT_PREFIX) ||
			strncmp(p, FINGERPRINT_PREFIX, strlen(FINGERPRINT_PREFIX)) != 0)
			return false;
		if (decode(p + strlen(FINGERPRINT_PREFIX), length - strlen(FINGERPRINT_PREFIX), digest, sizeof(digest)) !=
			CH_PIN_BYTES)
			return false;
		memcpy(pins->digest[pins->count++], digest, CH_PIN_BYTES);
		p += length;
	}
}

/* The key names its own algorithm: a length in four bytes, and the name. */
static bool
key_is_of(const unsigned char *key, int length, const char *algorithm)
{
	size_t		name = strlen(algorithm);

	return length > (int) (4 + name) && key[0] == 0 && key[1] == 0 && (size_t) (key[2] << 8 | key[3]) == name &&
		memcmp(key + 4, algorithm, name) == 0;
}

/* "[hosts] algorithm base64 [comment]". */
static bool
parse_key_line(const char *text, ChPins *pins)
{
	const char *field[3];
	size_t		length[3];
	int			nfields = 0;
	unsigned char key[MAX_KEY_TEXT];

	const char *line_end = text + strcspn(text, "\r\n");

	if (text[0] == '@' || text[0] == '#' || line_end[strspn(line_end, BLANKS)] != '\0')
		return false;
	for (const char *p = text + strspn(text, BLANKS); *p != '\0' && nfields < 3; p += strspn(p, BLANKS))
	{
		field[nfields] = p;
		length[nfields] = strcspn(p, BLANKS);
		p += length[nfields++];
	}
	for (int i = 0; i + 1 < nfields; i++)
	{
		int			bytes;

		if (length[i] >= sizeof(pins->algorithm))
			continue;
		memcpy(pins->algorithm, field[i], length[i]);
		pins->algorithm[length[i]] = '\0';
		bytes = decode(field[i + 1], length[i + 1], key, sizeof(key));
		if (bytes > 0 && key_is_of(key, bytes, pins->algorithm))
		{
			SHA256(key, bytes, pins->digest[0]);
			pins->count = 1;
			return true;
		}
	}
	return false;
}

bool
ch_pins_parse(const char *text, ChPins *pins)
{
	memset(pins, 0, sizeof(*pins));
	text += strspn(text, BLANKS);
	if (strncmp(text, FINGERPRINT_PREFIX, strlen(FINGERPRINT_PREFIX)) == 0)
		return parse_fingerprints(text, pins);
	return parse_key_line(text, pins);
}

bool
ch_pins_contain(const ChPins *pins, const unsigned char *digest, size_t length)
{
	for (int i = 0; i < pins->count; i++)
	{
		if (length == CH_PIN_BYTES && memcmp(pins->digest[i], digest, CH_PIN_BYTES) == 0)
			return true;
	}
	return false;
}
