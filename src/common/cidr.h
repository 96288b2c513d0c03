/* common/cidr.h — IP addresses and networks as text. */
#ifndef CH_COMMON_CIDR_H
#define CH_COMMON_CIDR_H

typedef struct ChAddress
{
	int			family;			/* AF_INET or AF_INET6 */
	uint8		bytes[16];		/* 4 or 16 of them, network order */
} ChAddress;

/* A numeric address, without zone.  False when it is none. */
extern bool ch_address_parse(const char *text, ChAddress *address);

/* "address" or "address/bits"; bits past the prefix must be zero. */
extern bool ch_cidr_parse(const char *text, ChAddress *network, int *bits);

extern bool ch_cidr_contains(const ChAddress *network, int bits, const ChAddress *address);

/* The IPv4 address that an IPv6 one stands for (mapped, compatible, 6to4, NAT64).  False when none. */
extern bool ch_address_embedded(const ChAddress *address, ChAddress *ipv4);

#endif
