/* test_tunnel.c — claim: what is said to a proxy is what the protocols want, every answer of one is understood and none
 * of the far end's bytes taken, and a host key is recognised in each form it may be given in. */
#include "postgres.h"

#include "conn/tunnel_pin.h"
#include "conn/tunnel_proxy.h"
#include "server.h"
#include "tap.h"
#include "tunnel_parts.h"

#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIEhq12jbXacvZXKAhQbyk4WhAb3f9v2ojaNtf2k3/Zc6"
#define FINGERPRINT "SHA256:sxG6wZPLRNb6aJwgVsABdEsjrgSQpvLzfSp1pINqEnQ"
#define OTHER "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* ---- URLs -------------------------------------------------------------------------------- */

static void
test_urls(void)
{
	static const struct
	{
		const char *text;
		ChProxyKind kind;
		const char *host;
		int			port;
	}			good[] = {
		{"http://proxy.example.com:3128", CH_PROXY_HTTP, "proxy.example.com", 3128},
		{"http://10.0.0.1:80/", CH_PROXY_HTTP, "10.0.0.1", 80},
		{"socks5://localhost:1080", CH_PROXY_SOCKS5, "localhost", 1080},
		{"socks5h://[2001:db8::7]:65535", CH_PROXY_SOCKS5, "2001:db8::7", 65535},
	};
	static const char *const bad[] = {"", "http://", "http://a", "http://a:", "http://a:0", "http://a:65536", "http://a:1x", "http://a:1/x",
		"http://:1", "https://a:1", "HTTP://a:1", "socks4://a:1", "http://u:p@a:1", "http://[::1:1", "http://[]:1", "http://a b:1",
	"http://a\r\nb:1", "http://::1:1", "http://a:-1", "http://a: 1"};
	ChProxyUrl	url;
	const char *problem;

	for (int i = 0; i < lengthof(good); i++)
	{
		ok(ch_proxy_url_parse(good[i].text, &url, &problem), "\"%s\" is a proxy", good[i].text);
		is_int(url.kind, good[i].kind, "its kind");
		is_text(url.host, good[i].host, "its host");
		is_int(url.port, good[i].port, "its port");
	}
	for (int i = 0; i < lengthof(bad); i++)
		ok(!ch_proxy_url_parse(bad[i], &url, &problem) && problem != NULL, "\"%s\" is none", bad[i]);
}

/* ---- Conversations ----------------------------------------------------------------------- */

static ChProxyTalk talk;
static ConnhubError error;

/* Feed what a proxy says, byte by byte; the bytes after the end stay. */
static ChProxyResult
hear(const char *text, size_t length, size_t *left)
{
	ChProxyResult result = CH_PROXY_MORE;
	size_t		taken = 0;

	memset(&error, 0, sizeof(error));
	while (result == CH_PROXY_MORE && taken < length)
	{
		size_t		used;

		result = ch_proxy_take(&talk, (const unsigned char *) text + taken, 1, &used, &error);
		taken += used;
	}
	*left = length - taken;
	return result;
}

static bool
said(const char *text, size_t length)
{
	bool		same = talk.nout - talk.sent == length && memcmp(talk.out + talk.sent, text, length) == 0;

	talk.sent = talk.nout;
	return same;
}

#define SAID(literal) said(literal, sizeof(literal) - 1)
#define HEAR(literal, left) hear(literal, sizeof(literal) - 1, left)

static void
test_http(void)
{
	static const struct
	{
		const char *answer;
		int			code;
		bool		retryable;
	}			refusals[] = {
		{"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", 407, false},
		{"HTTP/1.0 403 Forbidden\r\nX: y\r\n\r\n", 403, false},
		{"HTTP/1.1 502 Bad Gateway\r\n\r\n", 502, true},
		{"HTTP/1.1 504\n\n", 504, true},
		{"HTTP/1.1 301 Moved\r\n\r\n", 301, false},
		{"HTTP/2 200 OK\r\n\r\n", 0, false},
		{"HTTP/1.1 2000 OK\r\n\r\n", 0, false},
		{"SSH-2.0-OpenSSH\r\n\r\n", 0, false},
		{"\r\n\r\n", 0, false},
	};
	char		endless[20000];
	size_t		left;

	ok(ch_proxy_begin(&talk, CH_PROXY_HTTP, "db.example.com", 5432, NULL, NULL), "a request");
	ok(SAID("CONNECT db.example.com:5432 HTTP/1.1\r\nHost: db.example.com:5432\r\n\r\n"), "names host and port");
	is_int(HEAR("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nJ\0\0\0", &left), CH_PROXY_DONE, "and is granted");
	is_int(left, 4, "what follows is the far end's");
	ok(ch_proxy_begin(&talk, CH_PROXY_HTTP, "2001:db8::7", 5432, "Aladdin", "open sesame"), "a request of a user");
	ok(SAID("CONNECT [2001:db8::7]:5432 HTTP/1.1\r\nHost: [2001:db8::7]:5432\r\n"
			"Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"), "says who it is");
	ok(!ch_proxy_begin(&talk, CH_PROXY_HTTP, "a", 1, "user:name", "x"), "a user with a colon cannot be told");
	ok(!ch_proxy_begin(&talk, CH_PROXY_HTTP, "a\r\nEvil: yes", 1, NULL, NULL), "nor can a host with a line end");

	for (int i = 0; i < lengthof(refusals); i++)
	{
		ch_proxy_begin(&talk, CH_PROXY_HTTP, "a", 1, NULL, NULL);
		is_int(hear(refusals[i].answer, strlen(refusals[i].answer), &left), CH_PROXY_FAILED, "a refusal");
		is_int(error.native_code, refusals[i].code, "its code");
		is_int(error.retryable, refusals[i].retryable, "whether it may pass");
		is_int(error.status, CONNHUB_TUNNEL, "its status");
	}
	memset(endless, 'x', sizeof(endless));
	ch_proxy_begin(&talk, CH_PROXY_HTTP, "a", 1, NULL, NULL);
	is_int(hear(endless, sizeof(endless), &left), CH_PROXY_FAILED, "an endless header");
}

static void
test_socks(void)
{
	char		long_name[300];
	size_t		left;

	ok(ch_proxy_begin(&talk, CH_PROXY_SOCKS5, "db.test", 5432, NULL, NULL), "a greeting");
	ok(SAID("\5\1\0"), "offers no login");
	is_int(HEAR("\5\0", &left), CH_PROXY_MORE, "which is taken");
	ok(SAID("\5\1\0\3\7db.test\25\70"), "the name is sent as a name");
	is_int(HEAR("\5\0\0\1\177\0\0\1\0\1J\0", &left), CH_PROXY_DONE, "a grant with an IPv4 address");
	is_int(left, 2, "what follows is the far end's");

	ok(ch_proxy_begin(&talk, CH_PROXY_SOCKS5, "127.0.0.1", 1, "me", "word"), "a greeting of a user");
	ok(SAID("\5\1\2"), "offers a login");
	is_int(HEAR("\5\2", &left), CH_PROXY_MORE, "which is wanted");
	ok(SAID("\1\2me\4word"), "user and password");
	is_int(HEAR("\1\0", &left), CH_PROXY_MORE, "are right");
	ok(SAID("\5\1\0\1\177\0\0\1\0\1"), "an IPv4 address is sent as one");
	is_int(HEAR("\5\0\0\3\4abcd\0\1", &left), CH_PROXY_DONE, "a grant with a name");

	ch_proxy_begin(&talk, CH_PROXY_SOCKS5, "::1", 1, NULL, NULL);
	HEAR("\5\0", &left);
	talk.sent = 3;
	ok(SAID("\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\1"), "so is an IPv6 address");
	is_int(HEAR("\5\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\1x", &left), CH_PROXY_DONE, "a grant with an IPv6 address");
	is_int(left, 1, "and nothing more is taken");

	for (int code = 1; code < 10; code++)
	{
		char		reply[] = "\5\0\0\1\0";

		ch_proxy_begin(&talk, CH_PROXY_SOCKS5, "a", 1, NULL, NULL);
		HEAR("\5\0", &left);
		reply[1] = (char) code;
		is_int(hear(reply, 5, &left), CH_PROXY_FAILED, "reply %d", code);
		is_int(error.native_code, code, "its code");
		is_int(error.retryable, code == 1 || (code >= 3 && code <= 6), "whether it may pass");
	}
	ch_proxy_begin(&talk, CH_PROXY_SOCKS5, "a", 1, NULL, NULL);
	is_int(HEAR("\5\377", &left), CH_PROXY_FAILED, "a proxy that wants a login");
	ch_proxy_begin(&talk, CH_PROXY_SOCKS5, "a", 1, NULL, NULL);
	is_int(HEAR("\5\2", &left), CH_PROXY_FAILED, "or takes one that was not offered");
	ch_proxy_begin(&talk, CH_PROXY_SOCKS5, "a", 1, "u", "p");
	HEAR("\5\2", &left);
	is_int(HEAR("\1\1", &left), CH_PROXY_FAILED, "a wrong password");
	ch_proxy_begin(&talk, CH_PROXY_SOCKS5, "a", 1, NULL, NULL);
	is_int(HEAR("\4\0", &left), CH_PROXY_FAILED, "another protocol");
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	ok(!ch_proxy_begin(&talk, CH_PROXY_SOCKS5, long_name, 1, NULL, NULL), "a host that is too long");
	ok(!ch_proxy_begin(&talk, CH_PROXY_SOCKS5, "a", 1, long_name, "p"), "a user that is too long");
	ok(!ch_proxy_begin(&talk, CH_PROXY_SOCKS5, "a", 1, "u", long_name), "a password that is too long");
}

/* ---- Host keys --------------------------------------------------------------------------- */

static void
test_pins(void)
{
	static const char *const good[] = {FINGERPRINT, "  " FINGERPRINT "\n", FINGERPRINT "=", OTHER "," FINGERPRINT, OTHER " " FINGERPRINT,
		"ssh-ed25519 " KEY, "host ssh-ed25519 " KEY, "[host]:2222,10.0.0.1 ssh-ed25519 " KEY " comment\n",
	"|1|abc=|def= ssh-ed25519 " KEY};
	static const char *const bad[] = {"", " ", "SHA256:", "SHA256:AAAA", FINGERPRINT "A", FINGERPRINT ",MD5:aa", "MD5:aa:bb", KEY, "ssh-rsa " KEY,
		"@revoked host ssh-ed25519 " KEY, "@cert-authority host ssh-ed25519 " KEY, "# host ssh-ed25519 " KEY,
		"host ssh-ed25519 " KEY "\nhost ssh-ed25519 " KEY, "host ssh-ed25519", "host ssh-ed25519 !!!!",
	OTHER "," OTHER "," OTHER "," OTHER "," OTHER "," OTHER "," OTHER "," OTHER "," OTHER};
	ChPins		expected;
	ChPins		pins;

	ok(ch_pins_parse(FINGERPRINT, &expected) && expected.count == 1, "a fingerprint");
	for (int i = 0; i < lengthof(good); i++)
		ok(ch_pins_parse(good[i], &pins) && ch_pins_contain(&pins, expected.digest[0], CH_PIN_BYTES), "\"%s\" has the key", good[i]);
	ok(ch_pins_parse("host ssh-ed25519 " KEY, &pins), "a line");
	is_text(pins.algorithm, "ssh-ed25519", "tells the kind of key to ask for");
	ok(ch_pins_parse(OTHER, &pins) && !ch_pins_contain(&pins, expected.digest[0], CH_PIN_BYTES), "another fingerprint has it not");
	for (int i = 0; i < lengthof(bad); i++)
		ok(!ch_pins_parse(bad[i], &pins), "\"%s\" is none", bad[i]);
}

int
main(void)
{
	if (sigsetjmp(fuzz_error, 0) == 0)
	{
		test_urls();
		test_http();
		test_socks();
		test_pins();
		test_pump();
	}
	else
		ok(false, "nothing throws");
	fuzz_release();
	return tap_done();
}
