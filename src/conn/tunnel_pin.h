/* conn/tunnel_pin.h — which host keys of an SSH server are trusted. */
#ifndef CH_CONN_TUNNEL_PIN_H
#define CH_CONN_TUNNEL_PIN_H

#define CH_PIN_BYTES 32			/* SHA-256 of the public key */
#define CH_MAX_PINS 8

typedef struct ChPins
{
	int			count;
	unsigned char digest[CH_MAX_PINS][CH_PIN_BYTES];
	char		algorithm[64];	/* of the only key, to ask the server for it; empty: not known */
} ChPins;

/* "SHA256:..." fingerprints with commas or blanks between, or one line of known_hosts or of a public key file.  False
 * when it is neither. */
extern bool ch_pins_parse(const char *text, ChPins *pins);

extern bool ch_pins_contain(const ChPins *pins, const unsigned char *digest, size_t length);

#endif
