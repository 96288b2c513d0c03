/* test_core.c — claim: the parts of the core that touch nothing of the server do what their headers say: addresses and
 * networks, the masking of secrets, the closest name, durations, authenticated encryption. */
#include "postgres.h"

#include <sys/socket.h>

#include "catalog/cat_option.h"
#include "common/cidr.h"
#include "common/error.h"
#include "common/redact.h"
#include "core_parts.h"
#include "server.h"
#include "tap.h"
#include "vault/crypt.h"

/* ---- Addresses --------------------------------------------------------------------------- */

static void
test_addresses(void)
{
	static const char *const good[] = {"127.0.0.1", "255.255.255.255", "0.0.0.0", "::", "::1", "2001:db8::7", "::ffff:10.0.0.1"};
	static const char *const bad[] = {"", "127.1", "0x7f000001", "2130706433", "127.0.0.1.", "127.0.0.256", "0177.0.0.1", " 127.0.0.1",
	"fe80::1%eth0", "[::1]", ":::", "1.2.3.4/8", "localhost"};
	ChAddress	address;

	for (int i = 0; i < lengthof(good); i++)
		ok(ch_address_parse(good[i], &address), "\"%s\" is an address", good[i]);
	for (int i = 0; i < lengthof(bad); i++)
		ok(!ch_address_parse(bad[i], &address), "\"%s\" is none", bad[i]);
}

static void
test_networks(void)
{
	static const struct
	{
		const char *network;
		const char *inside;
		const char *outside;
	}			networks[] = {
		{"127.0.0.0/8", "127.255.255.255", "128.0.0.0"},
		{"10.1.2.3", "10.1.2.3", "10.1.2.2"},
		{"10.1.2.2/31", "10.1.2.3", "10.1.2.4"},
		{"192.168.64.0/18", "192.168.127.255", "192.168.128.0"},
		{"0.0.0.0/0", "255.255.255.255", "::1"},
		{"::/0", "ffff::", "1.2.3.4"},
		{"fe80::/10", "febf::1", "fec0::"},
		{"::1", "::1", "::2"},
	};
	static const char *const bad[] = {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8 ", "10.0.0.0/0008", "10.0.0.1/8",
	"::/129", "fe80::1/10", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/1"};
	ChAddress	network;
	ChAddress	address;
	int			bits;

	for (int i = 0; i < lengthof(networks); i++)
	{
		ok(ch_cidr_parse(networks[i].network, &network, &bits), "\"%s\" is a network", networks[i].network);
		ok(ch_address_parse(networks[i].inside, &address) && ch_cidr_contains(&network, bits, &address),
		   "%s lies in it", networks[i].inside);
		ok(ch_address_parse(networks[i].outside, &address) && !ch_cidr_contains(&network, bits, &address),
		   "%s does not", networks[i].outside);
	}
	for (int i = 0; i < lengthof(bad); i++)
		ok(!ch_cidr_parse(bad[i], &network, &bits), "\"%s\" is no network", bad[i]);
}

static void
test_embedded(void)
{
	static const char *const carriers[] = {"::ffff:127.0.0.1", "::ffff:0:127.0.0.1", "::127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::"};
	static const uint8 loopback[4] = {127, 0, 0, 1};
	ChAddress	address;
	ChAddress	inner;

	for (int i = 0; i < lengthof(carriers); i++)
		ok(ch_address_parse(carriers[i], &address) && ch_address_embedded(&address, &inner) && inner.family == AF_INET &&
		   memcmp(inner.bytes, loopback, sizeof(loopback)) == 0, "%s stands for 127.0.0.1", carriers[i]);
	ok(ch_address_parse("2001:db8::127.0.0.1", &address) && !ch_address_embedded(&address, &inner), "another prefix stands for none");
	ok(ch_address_parse("127.0.0.1", &address) && !ch_address_embedded(&address, &inner), "nor does an IPv4 address");
}

/* ---- Words and durations ----------------------------------------------------------------- */

static void
test_closest(void)
{
	static const char *const names[] = {"connect_timeout", "query_timeout", "pool_size", "schema", "port"};
	static const struct
	{
		const char *word;
		const char *closest;
	}			words[] = {
		{"conect_timeout", "connect_timeout"}, {"CONNECT_TIMEOUT", "connect_timeout"}, {"qeury_timeout", "query_timeout"},
		{"poolsize", "pool_size"}, {"prot", "port"}, {"schemas", "schema"}, {"zzz", NULL}, {"", NULL}, {"po", NULL},
	};
	char		word[200];

	for (int i = 0; i < lengthof(words); i++)
		is_text(ch_closest(words[i].word, names, lengthof(names)), words[i].closest, "closest to \"%s\"", words[i].word);
	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	ok(ch_closest(word, names, lengthof(names)) == NULL, "a word longer than any name has none");
	ok(ch_closest("aaaa", names, 0) == NULL, "no candidates, no answer");
}

static void
test_durations(void)
{
	static const struct
	{
		const char *text;
		int64		ms;			/* -1: no duration */
	}			durations[] = {
		{"0", 0}, {"30", 30000}, {"30s", 30000}, {"250ms", 250}, {"1.5s", 1500}, {" 5 min", 300000}, {"2h", 7200000},
		{"1d", 86400000}, {"", -1}, {"s", -1}, {"-1s", -1}, {"+1s", -1}, {"1e3s", -1}, {"0x10", -1}, {"nan", -1},
		{"inf", -1}, {"1 fortnight", -1}, {"1.2.3s", -1}, {"5 min x", -1}, {"5 min ", -1}, {"99999999999999999h", -1},
	};

	for (int i = 0; i < lengthof(durations); i++)
	{
		int64		ms = -1;

		if (!ch_duration_parse(durations[i].text, &ms))
			ms = -1;
		is_int(ms, durations[i].ms, "\"%s\"", durations[i].text);
	}
}

/* ---- Masking ----------------------------------------------------------------------------- */

static void
test_redact(void)
{
	static const struct
	{
		const char *text;
		const char *masked;		/* NULL: left alone */
	}			texts[] = {
		/* By the name before it, in any statement. */
		{"SELECT f(password => 'x y')", "SELECT f(password => '***')"},
		{"SELECT f(db_password := E'a\\'b', n => 'plain')", "SELECT f(db_password := '***', n => 'plain')"},
		{"SELECT f(token => $t$a'b$t$)", "SELECT f(token => '***')"},
		{"SELECT f(secret => 'a' || 'b')", "SELECT f(secret => '***' || '***')"},
		{"CREATE USER u PASSWORD 'x'", "CREATE USER u PASSWORD '***'"},
		{"{\"api_key\": \"x\", \"port\": 1}", "{\"api_key\": \"***\", \"port\": 1}"},
		{"host=a password=x dbname=b", "host=a password=*** dbname=b"},
		{"https://u:x@y@host/p", "https://u:***@host/p"},
		{"SELECT f(password => $1)", NULL},
		{"SELECT f(password => NULL)", NULL},
		/* By position, where a function of connhub is called by its name. */
		{"SELECT connhub.set_credentials('shop', 'x')", "SELECT connhub.set_credentials('shop', '***')"},
		{"SELECT connhub.create_connector('shop', 'mock', 'x', name => 'n')",
		"SELECT connhub.create_connector('shop', '***', '***', name => 'n')"},
		{"SELECT create_connector('shop', misspelt => 'x')", "SELECT create_connector('shop', misspelt => '***')"},
		/* Nothing to mask. */
		{"SELECT 'plain', 1 FROM t WHERE a = 'b'", NULL},
		{"SELECT my_wrapper('shop', 'x')", NULL},
		{"https://host:5432/p", NULL},
		{"", NULL},
		/* Broken off. */
		{"SELECT f(password => 'x", "SELECT f(password => '***'"},
		{"SELECT f(password => $t$x", "SELECT f(password => '***'"},
		{"{\"password\": \"x", "{\"password\": \"***\""},
	};

	for (int i = 0; i < lengthof(texts); i++)
	{
		is_text(ch_redact(texts[i].text), texts[i].masked, "masked: %s", texts[i].text);
		if (texts[i].masked != NULL)
		{
			const char *again = ch_redact(texts[i].masked);

			ok(again == NULL || strcmp(again, texts[i].masked) == 0, "masking it again changes nothing");
		}
	}
}

/* ---- Encryption -------------------------------------------------------------------------- */

#define BOUND "connector 1, key 2"

static const char plain[] = "a credential";

/* Does it open, to the text it was? */
static bool
opens(const uint8 *key, const char *bound, const uint8 *sealed, Size length)
{
	uint8		opened[64];
	Size		nplain = length - CH_SEAL_BYTES;
	bool		is_whole = true;

	memset(opened, 0x55, sizeof(opened));
	if (ch_unseal(key, bound, strlen(bound), sealed, length, opened))
		return nplain == sizeof(plain) && memcmp(opened, plain, nplain) == 0;
	for (Size i = 0; length >= CH_SEAL_BYTES && i < nplain; i++)
		is_whole &= opened[i] == 0;
	ok(is_whole, "what was refused leaves nothing behind");
	return false;
}

static void
test_crypt(void)
{
	uint8		key[CH_KEY_BYTES];
	uint8		other[CH_KEY_BYTES];
	uint8		sealed[sizeof(plain) + CH_SEAL_BYTES];
	uint8		again[sizeof(sealed)];
	uint8		empty[CH_SEAL_BYTES];
	uint8		nothing[1];
	char		prints[2][CH_FINGERPRINT_BYTES];
	const struct
	{
		const char *part;
		int			byte;
	}			altered[] = {
		{"nonce", 0}, {"nonce", CH_NONCE_BYTES - 1}, {"ciphertext", CH_NONCE_BYTES},
		{"ciphertext", CH_NONCE_BYTES + sizeof(plain) - 1}, {"tag", CH_NONCE_BYTES + sizeof(plain)}, {"tag", sizeof(sealed) - 1},
	};

	ch_random(key, sizeof(key));
	memcpy(other, key, sizeof(key));
	other[CH_KEY_BYTES - 1] ^= 1;
	ch_seal(key, BOUND, strlen(BOUND), (const uint8 *) plain, sizeof(plain), sealed);
	ok(opens(key, BOUND, sealed, sizeof(sealed)), "what was sealed opens");
	ok(memmem(sealed, sizeof(sealed), plain, sizeof(plain) - 1) == NULL, "it does not show");
	ch_seal(key, BOUND, strlen(BOUND), (const uint8 *) plain, sizeof(plain), again);
	ok(memcmp(sealed, again, sizeof(sealed)) != 0, "sealed again it looks different");

	ok(!opens(other, BOUND, sealed, sizeof(sealed)), "a key that differs by one bit does not open it");
	ok(!opens(key, "connector 2, key 2", sealed, sizeof(sealed)), "nor does what is bound to it, altered");
	ok(!opens(key, "", sealed, sizeof(sealed)), "nor nothing in its place");
	for (int i = 0; i < lengthof(altered); i++)
	{
		memcpy(again, sealed, sizeof(sealed));
		again[altered[i].byte] ^= 0x80;
		ok(!opens(key, BOUND, again, sizeof(again)), "byte %d, of the %s, altered is refused", altered[i].byte, altered[i].part);
	}
	ok(!opens(key, BOUND, sealed, sizeof(sealed) - 1), "so is a text cut short");
	ok(!ch_unseal(key, BOUND, strlen(BOUND), sealed, CH_SEAL_BYTES - 1, again), "and one too short to be any");

	ch_seal(key, BOUND, strlen(BOUND), nothing, 0, empty);
	ok(ch_unseal(key, BOUND, strlen(BOUND), empty, sizeof(empty), nothing), "an empty text can be sealed");

	ch_fingerprint(key, prints[0]);
	ch_fingerprint(other, prints[1]);
	ok(strlen(prints[0]) == CH_FINGERPRINT_BYTES - 1 && strcmp(prints[0], prints[1]) != 0, "fingerprints tell keys apart");
	ok(ch_equal_in_constant_time(key, key, sizeof(key)) && !ch_equal_in_constant_time(key, other, sizeof(key)), "comparison in constant time");
	ch_wipe(key, sizeof(key));
	ok(key[0] == 0 && memcmp(key, key + 1, sizeof(key) - 1) == 0, "a wiped key is gone");
}

int
main(void)
{
	if (sigsetjmp(fuzz_error, 0) == 0)
	{
		test_addresses();
		test_networks();
		test_embedded();
		test_closest();
		test_durations();
		test_redact();
		test_crypt();
		test_breaker();
	}
	else
		ok(false, "nothing throws");
	fuzz_release();
	return tap_done();
}
