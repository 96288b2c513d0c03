/* conn/tunnel_proxy.c — what is said to an HTTP or SOCKS5 proxy until it is a plain pipe to the far end.
 *
 * Does no I/O and runs in a tunnel's thread: nothing of the server is called but what only computes.  What a proxy
 * says is hostile: it is bounded, and no byte behind its last reply is taken, because the far end may
 * speak first. */
#include "postgres.h"

#include <arpa/inet.h>

#include <openssl/evp.h>

#include "common/error.h"
#include "conn/tunnel_proxy.h"

/* More than this before the end of its header is no answer of a proxy. */
#define MAX_HEADER_BYTES 16384

#define SOCKS_VERSION 5
#define SOCKS_NO_AUTH 0
#define SOCKS_PASSWORD 2
#define SOCKS_NONE_ACCEPTABLE 0xff

typedef enum SocksStep
{
	SOCKS_METHOD = 0,
	SOCKS_LOGIN,
	SOCKS_REPLY,
	SOCKS_BOUND					/* the reply's address, of no use to us */
} SocksStep;

static bool socks_begin(ChProxyTalk *talk);
static bool http_begin(ChProxyTalk *talk);
static ChProxyResult socks_take(ChProxyTalk *talk, ConnhubError *error);
static ChProxyResult http_status(const ChProxyTalk *talk, ConnhubError *error);

bool
ch_host_is_plain(const char *host)
{
	size_t		length = strlen(host);

	return length > 0 && length <= CH_MAX_HOST &&
		strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%") == length;
}

bool
ch_proxy_url_parse(const char *text, ChProxyUrl *url, const char **problem)
{
	static const struct
	{
		const char *prefix;
		ChProxyKind kind;
	}			schemes[] = {
		{"http://", CH_PROXY_HTTP},
		{"socks5://", CH_PROXY_SOCKS5},
		{"socks5h://", CH_PROXY_SOCKS5},
	};
	const char *rest = NULL;
	const char *end;
	char	   *stop;
	long		port;

	memset(url, 0, sizeof(*url));
	for (int i = 0; i < lengthof(schemes) && rest == NULL; i++)
	{
		if (strncmp(text, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
		{
			url->kind = schemes[i].kind;
			rest = text + strlen(schemes[i].prefix);
		}
	}
	*problem = "does not begin with http://, socks5:// or socks5h://";
	if (rest == NULL)
		return false;
	*problem = "holds a user name, which belongs into proxy_username and proxy_password";
	if (strchr(rest, '@') != NULL)
		return false;
	*problem = "is not of the form scheme://host:port";
	end = rest[0] == '[' ? strchr(rest, ']') : strchr(rest, ':');
	if (rest[0] == '[')
		rest++;
	if (end == NULL || end == rest || end - rest > CH_MAX_HOST)
		return false;
	memcpy(url->host, rest, end - rest);
	if (*end == ']')
		end++;
	if (*end != ':' || end[1] < '0' || end[1] > '9' || !ch_host_is_plain(url->host))
		return false;
	port = strtol(end + 1, &stop, 10);
	if (*stop == '/')
		stop++;
	if (*stop != '\0' || port < 1 || port > 65535)
		return false;
	url->port = (uint16_t) port;
	return true;
}

bool
ch_proxy_begin(ChProxyTalk *talk, ChProxyKind kind, const char *host, uint16_t port,
			   const char *username, const char *password)
{
	memset(talk, 0, sizeof(*talk));
	talk->kind = kind;
	talk->port = port;
	talk->username = username;
	talk->password = password != NULL ? password : "";
	if (!ch_host_is_plain(host))
		return false;
	strlcpy(talk->host, host, sizeof(talk->host));
	return kind == CH_PROXY_SOCKS5 ? socks_begin(talk) : http_begin(talk);
}

/* Room for so many bytes more to be said; NULL: none. */
static unsigned char *
out_room(ChProxyTalk *talk, size_t size)
{
	unsigned char *room = talk->out + talk->nout;

	if (size > sizeof(talk->out) - talk->nout)
		return NULL;
	talk->nout += size;
	return room;
}

static bool
say(ChProxyTalk *talk, const char *text)
{
	unsigned char *room = out_room(talk, strlen(text));

	if (room != NULL)
		memcpy(room, text, strlen(text));
	return room != NULL;
}

/* ---- HTTP -------------------------------------------------------------------------------- */

static bool
http_begin(ChProxyTalk *talk)
{
	char		target[CH_MAX_HOST + 16];
	char		plain[2048];
	unsigned char *encoded;
	int			length;

	snprintf(target, sizeof(target), strchr(talk->host, ':') != NULL ? "[%s]:%u" : "%s:%u", talk->host, talk->port);
	if (!say(talk, "CONNECT ") || !say(talk, target) || !say(talk, " HTTP/1.1\r\nHost: ") || !say(talk, target))
		return false;
	if (talk->username == NULL)
		return say(talk, "\r\n\r\n");

	length = snprintf(plain, sizeof(plain), "%s:%s", talk->username, talk->password);
	if (length >= (int) sizeof(plain) || strchr(talk->username, ':') != NULL ||
		!say(talk, "\r\nProxy-Authorization: Basic "))
		return false;
	/* EVP_EncodeBlock ends its text with a NUL, which is taken back. */
	encoded = out_room(talk, (length + 2) / 3 * 4 + 1);
	if (encoded == NULL)
		return false;
	EVP_EncodeBlock(encoded, (unsigned char *) plain, length);
	explicit_bzero(plain, sizeof(plain));
	talk->nout--;
	return say(talk, "\r\n\r\n");
}

/* Byte by byte up to the empty line: nothing behind it is the proxy's. */
static ChProxyResult
http_take(ChProxyTalk *talk, unsigned char byte, ConnhubError *error)
{
	if (++talk->needed > MAX_HEADER_BYTES)
	{
		ch_error_set(error, CONNHUB_TUNNEL, "the proxy answers with more than a header");
		return CH_PROXY_FAILED;
	}
	if (talk->nin < sizeof(talk->in) - 1 && memchr(talk->in, '\n', talk->nin) == NULL)
		talk->in[talk->nin++] = byte;
	if (byte == '\n')
		talk->step++;
	else if (byte != '\r')
		talk->step = 0;
	return talk->step < 2 ? CH_PROXY_MORE : http_status(talk, error);
}

static const struct
{
	int			code;
	bool		retryable;
	const char *meaning;
	const char *hint;
}			http_codes[] = {
	{400, false, "the proxy does not understand the request", "Check that proxy_url names an HTTP proxy."},
	{401, false, "the proxy refuses the user, or is none", "Check proxy_username and proxy_password, and proxy_url."},
	{403, false, "the proxy does not allow this host and port", "Ask whoever runs the proxy to allow it."},
	{404, false, "the proxy knows no such host", "Check the host of the connector as the proxy would resolve it."},
	{405, false, "what answers is no proxy, or one that opens no tunnels", "Check host and port in proxy_url."},
	{407, false, "the proxy refuses the user or asks for one", "Check proxy_username and proxy_password."},
	{500, true, "the proxy could not reach the source", "Check host and port of the connector as seen from the proxy."},
	{502, true, "the proxy could not reach the source", "Check host and port of the connector as seen from the proxy."},
	{503, true, "the proxy could not reach the source", "Check host and port of the connector as seen from the proxy."},
	{504, true, "the source did not answer the proxy in time", "Check host and port of the connector as seen from the proxy."},
};

static ChProxyResult
http_status(const ChProxyTalk *talk, ConnhubError *error)
{
	const char *line = (const char *) talk->in;
	const char *meaning = "the proxy refused the tunnel";
	int			code = 0;

	if (strncmp(line, "HTTP/1.", 7) == 0 && strspn(line + 7, "01") == 1 && line[8] == ' ' &&
		strspn(line + 9, "0123456789") == 3)
		code = atoi(line + 9);
	if (code >= 200 && code <= 299)
		return CH_PROXY_DONE;
	for (int i = 0; i < lengthof(http_codes); i++)
	{
		if (http_codes[i].code == code)
		{
			meaning = http_codes[i].meaning;
			strlcpy(error->hint, http_codes[i].hint, sizeof(error->hint));
			error->retryable = http_codes[i].retryable;
		}
	}
	error->status = CONNHUB_TUNNEL;
	error->native_code = code;
	strlcpy(error->message, code == 0 ? "what answers at proxy_url is no HTTP proxy" : meaning, sizeof(error->message));
	if (code != 0)
		snprintf(error->detail, sizeof(error->detail), "It answered with status %d.", code);
	return CH_PROXY_FAILED;
}

/* ---- SOCKS5 ------------------------------------------------------------------------------ */

static bool
socks_begin(ChProxyTalk *talk)
{
	unsigned char *out = out_room(talk, 3);

	if (talk->username != NULL &&
		(strlen(talk->username) == 0 || strlen(talk->username) > 255 || strlen(talk->password) > 255))
		return false;
	out[0] = SOCKS_VERSION;
	out[1] = 1;
	out[2] = talk->username != NULL ? SOCKS_PASSWORD : SOCKS_NO_AUTH;
	talk->step = SOCKS_METHOD;
	talk->needed = 2;
	return true;
}

static void
socks_expect(ChProxyTalk *talk, SocksStep step, size_t needed)
{
	talk->step = step;
	talk->needed = needed;
	talk->nin = 0;
}

/* A numeric address as such; all else is a name, which the proxy resolves. */
static void
socks_request(ChProxyTalk *talk)
{
	unsigned char address[16];
	size_t		length = strlen(talk->host);
	unsigned char type = 3;
	unsigned char *out;

	if (inet_pton(AF_INET, talk->host, address) == 1)
	{
		type = 1;
		length = 4;
	}
	else if (inet_pton(AF_INET6, talk->host, address) == 1)
	{
		type = 4;
		length = 16;
	}
	out = out_room(talk, 4 + (type == 3 ? 1 : 0) + length + 2);
	*out++ = SOCKS_VERSION;
	*out++ = 1;
	*out++ = 0;
	*out++ = type;
	if (type == 3)
		*out++ = (unsigned char) length;
	memcpy(out, type == 3 ? (const void *) talk->host : address, length);
	out[length] = talk->port >> 8;
	out[length + 1] = talk->port & 0xff;
	socks_expect(talk, SOCKS_REPLY, 5);
}

static void
socks_login(ChProxyTalk *talk)
{
	size_t		nuser = strlen(talk->username);
	size_t		npassword = strlen(talk->password);
	unsigned char *out = out_room(talk, 3 + nuser + npassword);

	*out++ = 1;
	*out++ = (unsigned char) nuser;
	memcpy(out, talk->username, nuser);
	out += nuser;
	*out++ = (unsigned char) npassword;
	memcpy(out, talk->password, npassword);
	socks_expect(talk, SOCKS_LOGIN, 2);
}

static const struct
{
	bool		retryable;
	const char *meaning;
}			socks_codes[] = {
	[1] = {true, "the proxy failed"},
	[2] = {false, "the proxy's rules do not allow this host and port"},
	[3] = {true, "the proxy finds the source's network unreachable"},
	[4] = {true, "the proxy finds the source unreachable, or knows no such host"},
	[5] = {true, "the source refused the proxy's connection"},
	[6] = {true, "the proxy's connection to the source timed out"},
	[7] = {false, "the proxy opens no connections"},
	[8] = {false, "the proxy does not take this kind of address"},
};

static ChProxyResult
socks_failed(ConnhubError *error, int code, const char *meaning)
{
	bool		known = meaning == NULL && code < lengthof(socks_codes);

	ch_error_set(error, CONNHUB_TUNNEL, "%s", meaning != NULL ? meaning : known ? socks_codes[code].meaning :
				 "the proxy refused the tunnel");
	error->native_code = code;
	error->retryable = known && socks_codes[code].retryable;
	return CH_PROXY_FAILED;
}

/* A reply is whole. */
static ChProxyResult
socks_take(ChProxyTalk *talk, ConnhubError *error)
{
	const unsigned char *in = talk->in;
	static const size_t lengths[] = {[1] = 4, [4] = 16};

	if (in[0] != (talk->step == SOCKS_LOGIN ? 1 : SOCKS_VERSION) && talk->step != SOCKS_BOUND)
		return socks_failed(error, 0, "what answers at proxy_url is no SOCKS5 proxy");
	switch ((SocksStep) talk->step)
	{
		case SOCKS_METHOD:
			if (in[1] == SOCKS_PASSWORD && talk->username != NULL)
				socks_login(talk);
			else if (in[1] == SOCKS_NO_AUTH && talk->username == NULL)
				socks_request(talk);
			else
			{
				socks_failed(error, in[1], "the proxy refuses the way to log in");
				strlcpy(error->hint, talk->username != NULL ? "It may want no user: leave out proxy_username." :
						"It may want a user: set proxy_username and proxy_password.", sizeof(error->hint));
				return CH_PROXY_FAILED;
			}
			return CH_PROXY_MORE;
		case SOCKS_LOGIN:
			if (in[1] != 0)
			{
				socks_failed(error, in[1], "the proxy refuses the user");
				strlcpy(error->hint, "Check proxy_username and proxy_password.", sizeof(error->hint));
				return CH_PROXY_FAILED;
			}
			socks_request(talk);
			return CH_PROXY_MORE;
		case SOCKS_REPLY:
			if (in[1] != 0)
				return socks_failed(error, in[1], NULL);
			/* One byte of the address is here already; of a name it is the length.  Two more are the port. */
			if (in[3] != 1 && in[3] != 3 && in[3] != 4)
				return socks_failed(error, 0, "what answers at proxy_url is no SOCKS5 proxy");
			socks_expect(talk, SOCKS_BOUND, in[3] == 3 ? in[4] + 2 : lengths[in[3]] - 1 + 2);
			return CH_PROXY_MORE;
		case SOCKS_BOUND:
			return CH_PROXY_DONE;
	}
	return CH_PROXY_FAILED;
}

ChProxyResult
ch_proxy_take(ChProxyTalk *talk, const unsigned char *data, size_t length, size_t *used, ConnhubError *error)
{
	ChProxyResult result = CH_PROXY_MORE;

	*used = 0;
	while (result == CH_PROXY_MORE && *used < length)
	{
		unsigned char byte = data[(*used)++];

		if (talk->kind == CH_PROXY_HTTP)
			result = http_take(talk, byte, error);
		else
		{
			talk->in[talk->nin++] = byte;
			if (talk->nin == talk->needed)
				result = socks_take(talk, error);
		}
	}
	return result;
}
