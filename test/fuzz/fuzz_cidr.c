/* test/fuzz/fuzz_cidr.c — an address that a network's text names lies in that network, whatever the text.
 * sources: src/common/cidr.c */
#include "postgres.h"

#include "common/cidr.h"
#include "server.h"

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	ChAddress	network;
	ChAddress	address;
	ChAddress	ipv4;
	int			bits = -1;
	char	   *text;

	if (size > 128)
		return 0;
	text = pnstrdup((const char *) data, size);
	if (ch_cidr_parse(text, &network, &bits))
	{
		FUZZ_REQUIRE(bits >= 0 && bits <= 128);
		FUZZ_REQUIRE(ch_cidr_contains(&network, bits, &network));
	}
	if (ch_address_parse(text, &address))
	{
		FUZZ_REQUIRE(ch_cidr_parse(text, &network, &bits));
		if (ch_address_embedded(&address, &ipv4))
			FUZZ_REQUIRE(ipv4.family != address.family);
	}
	fuzz_release();
	return 0;
}
