/* conn/tunnel_proxy.h — what is said to an HTTP or SOCKS5 proxy until it is a plain pipe to the far end. */
#ifndef CH_CONN_TUNNEL_PROXY_H
#define CH_CONN_TUNNEL_PROXY_H

#include "connhub/driver.h"

#define CH_MAX_HOST 255

typedef enum ChProxyKind
{
	CH_PROXY_NONE = 0,
	CH_PROXY_HTTP,				/* HTTP CONNECT, with Basic authentication */
	CH_PROXY_SOCKS5				/* RFC 1928, with user and password of RFC 1929; names are the proxy's to resolve */
} ChProxyKind;

typedef struct ChProxyUrl
{
	ChProxyKind kind;
	char		host[CH_MAX_HOST + 1];
	uint16_t	port;
} ChProxyUrl;

typedef enum ChProxyResult
{
	CH_PROXY_MORE = 0,			/* send what is in out, then take more */
	CH_PROXY_DONE,				/* the next byte is the far end's */
	CH_PROXY_FAILED				/* the error is filled */
} ChProxyResult;

/* One conversation.  The caller sends out[sent .. nout) and hands in what comes back. */
typedef struct ChProxyTalk
{
	ChProxyKind kind;
	int			step;			/* SOCKS5: which reply comes next; HTTP: line feeds since the last other byte */
	size_t		needed;			/* SOCKS5: bytes of that reply */
	char		host[CH_MAX_HOST + 1];
	uint16_t	port;
	const char *username;		/* the caller's; NULL: none */
	const char *password;
	size_t		nout;
	size_t		sent;
	size_t		nin;
	unsigned char out[4096];
	unsigned char in[512];		/* SOCKS5: the reply so far; HTTP: the status line */
} ChProxyTalk;

/* Is the text a host name or numeric address that may stand in a request: no blanks, brackets, quotes? */
extern bool ch_host_is_plain(const char *host);

/* "http://host:port" or "socks5://host:port"; socks5h means the same.  False with *problem, a piece of a sentence. */
extern bool ch_proxy_url_parse(const char *text, ChProxyUrl *url, const char **problem);

/* Begin to ask for host and port, which are plain.  False when something is too long to be said. */
extern bool ch_proxy_begin(ChProxyTalk *talk, ChProxyKind kind, const char *host, uint16_t port,
						   const char *username, const char *password);

/* Take in what the proxy has said.  *used bytes of it belong to the conversation; the others are the far end's. */
extern ChProxyResult ch_proxy_take(ChProxyTalk *talk, const unsigned char *data, size_t length, size_t *used,
								   ConnhubError *error);

#endif
