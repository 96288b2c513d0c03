/* common/cidr.c — IP addresses and networks as text.  Only inet_pton decides what an address is: it takes
 * none of the short forms ("127.1", "0x7f000001") that other parsers accept. */
#include "postgres.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/cidr.h"

bool
ch_address_parse(const char *text, ChAddress *address)
{
	memset(address, 0, sizeof(*address));
	address->family = AF_INET;
	if (inet_pton(AF_INET, text, address->bytes) == 1)
		return true;
	address->family = AF_INET6;
	return inet_pton(AF_INET6, text, address->bytes) == 1;
}

bool
ch_cidr_parse(const char *text, ChAddress *network, int *bits)
{
	char		address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	Size		length = slash != NULL ? (Size) (slash - text) : strlen(text);
	int			most;

	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	if (!ch_address_parse(address, network))
		return false;

	most = network->family == AF_INET ? 32 : 128;
	*bits = most;
	if (slash != NULL)
	{
		Size		digits = strspn(slash + 1, "0123456789");

		if (digits < 1 || digits > 3 || slash[1 + digits] != '\0')
			return false;
		*bits = atoi(slash + 1);
		if (*bits > most)
			return false;
	}
	for (int i = *bits; i < most; i++)
		if (network->bytes[i / 8] & (0x80 >> (i % 8)))
			return false;
	return true;
}

bool
ch_cidr_contains(const ChAddress *network, int bits, const ChAddress *address)
{
	int			whole = bits / 8;
	int			rest = bits % 8;

	if (network->family != address->family || memcmp(network->bytes, address->bytes, whole) != 0)
		return false;
	return rest == 0 || ((network->bytes[whole] ^ address->bytes[whole]) >> (8 - rest)) == 0;
}

/* Prefixes below which IPv6 carries an IPv4 address, and where it stands. */
static const struct
{
	const char *prefix;
	int			offset;
}			embeddings[] = {
	{"::ffff:0:0/96", 12},
	{"::ffff:0:0:0/96", 12},
	{"::/96", 12},
	{"64:ff9b::/96", 12},
	{"2002::/16", 2},
};

bool
ch_address_embedded(const ChAddress *address, ChAddress *ipv4)
{
	if (address->family != AF_INET6)
		return false;
	for (int i = 0; i < lengthof(embeddings); i++)
	{
		ChAddress	network;
		int			bits;

		if (ch_cidr_parse(embeddings[i].prefix, &network, &bits) &&
			ch_cidr_contains(&network, bits, address))
		{
			memset(ipv4, 0, sizeof(*ipv4));
			ipv4->family = AF_INET;
			memcpy(ipv4->bytes, address->bytes + embeddings[i].offset, 4);
			return true;
		}
	}
	return false;
}
