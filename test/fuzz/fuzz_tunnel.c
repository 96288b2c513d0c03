/* test/fuzz/fuzz_tunnel.c — whatever a proxy says, in whatever pieces, the talk takes no byte behind its end, and in one piece it
 * ends as byte by byte; whatever stands in proxy_url and ssh_host_key is taken or refused.
 * sources: src/conn/tunnel_proxy.c src/conn/tunnel_pin.c src/common/error.c src/common/redact.c
 * libraries: libcrypto */
#include "postgres.h"

#include "conn/tunnel_pin.h"
#include "conn/tunnel_proxy.h"
#include "server.h"

/* How a conversation ends that is fed at most step bytes at a time; *taken: the bytes that were its own. */
static ChProxyResult
talk_through(ChProxyKind kind, bool with_user, const unsigned char *data, size_t size, size_t step, size_t *taken)
{
	ChProxyTalk talk;
	ChProxyResult result = CH_PROXY_MORE;
	ConnhubError error;

	memset(&error, 0, sizeof(error));
	*taken = 0;
	FUZZ_REQUIRE(ch_proxy_begin(&talk, kind, "db.example.com", 5432, with_user ? "user" : NULL, with_user ? "word" : NULL));
	while (result == CH_PROXY_MORE && *taken < size)
	{
		size_t		used = 0;
		size_t		piece = Min(step, size - *taken);

		result = ch_proxy_take(&talk, data + *taken, piece, &used, &error);
		FUZZ_REQUIRE(used <= piece);
		FUZZ_REQUIRE(result != CH_PROXY_MORE || used == piece);
		FUZZ_REQUIRE(talk.nout <= sizeof(talk.out));
		FUZZ_REQUIRE(result != CH_PROXY_FAILED || (error.status == CONNHUB_TUNNEL && error.message[0] != '\0'));
		*taken += used;
	}
	return result;
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	ChProxyUrl	url;
	ChPins		pins;
	const char *problem;
	char	   *text;
	size_t		whole;
	size_t		pieces;

	if (size < 1 || size > 32768)
		return 0;
	for (int with_user = 0; with_user <= 1; with_user++)
	{
		ChProxyKind kind = data[0] & 1 ? CH_PROXY_HTTP : CH_PROXY_SOCKS5;

		FUZZ_REQUIRE(talk_through(kind, with_user, data + 1, size - 1, size, &whole) ==
					 talk_through(kind, with_user, data + 1, size - 1, 1 + (data[0] >> 1) % 7, &pieces));
		FUZZ_REQUIRE(whole == pieces);
	}
	text = pnstrdup((const char *) data, size);
	if (ch_proxy_url_parse(text, &url, &problem))
		FUZZ_REQUIRE(url.port > 0 && ch_host_is_plain(url.host) && url.kind != CH_PROXY_NONE);
	if (ch_pins_parse(text, &pins))
		FUZZ_REQUIRE(pins.count > 0 && ch_pins_contain(&pins, pins.digest[pins.count - 1], CH_PIN_BYTES));
	fuzz_release();
	return 0;
}
