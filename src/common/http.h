/* common/http.h — HTTP(S) requests and mail for core's own needs, many at once.
 *
 * libcurl does the protocols; all waiting is ch_wait's, so a request ends with a cancel or a deadline like everything
 * else.  TLS is always verified.  Redirects are not followed, connections not shared between requests, proxies of
 * the environment not used.  What requests carry is never part of an error. */
#ifndef CH_COMMON_HTTP_H
#define CH_COMMON_HTTP_H

#include "connhub/driver.h"

typedef struct ChHttp ChHttp;
typedef struct ChHttpTransfer ChHttpTransfer;

/* May a connection to this numeric address be opened?  Fills the error when not.  Called inside libcurl: must not
 * throw, and takes no look at the catalogue. */
typedef bool (*ChHttpVet) (void *argument, const char *address, ConnhubError *error);

typedef struct ChHttpMail
{
	const char *from;			/* addresses of the envelope, ASCII */
	const char *const *recipients;
	int			nrecipients;
	const char *user;			/* NULL: no authentication */
	const char *password;
	bool		plain;			/* with smtp:, do not ask for STARTTLS; else without it nothing is sent */
} ChHttpMail;

/* What is asked for.  Strings are copied; body, mail and argument must last until the transfer ends. */
typedef struct ChHttpRequest
{
	const char *method;			/* "GET", "POST", …; not for mail */
	const char *url;			/* http: or https:; smtp: or smtps: for mail.  No user name in it */
	const char *const *headers; /* "Name: value" */
	int			nheaders;
	const char *body;			/* NULL: none; for mail the message with its headers, lines ending in CR LF */
	size_t		body_bytes;
	const char *ca_file;		/* one of these two; neither: what this machine trusts */
	const char *ca_pem;
	const char *cert_pem;		/* client certificate, or NULL */
	const char *key_pem;
	int64		timeout_ms;		/* for all of it; at least 1 */
	size_t		max_reply_bytes;	/* a longer body is an error; 0: 1 MB */
	bool		discard_body;	/* the reply's status is all that matters */
	bool		secret;			/* wipe the reply when it is freed */
	ChHttpVet	vet;			/* NULL: every address may be connected to */
	void	   *vet_argument;
	const ChHttpMail *mail;		/* NULL: HTTP */
	void	   *tag;			/* the caller's */
} ChHttpRequest;

typedef struct ChHttpReply
{
	int			status;			/* of HTTP or SMTP; 0: none came */
	const char *body;			/* NUL-terminated */
	size_t		body_bytes;
	int64		elapsed_ms;
	int64		retry_after_s;	/* the server asks to be left alone so long; 0: it does not */
} ChHttpReply;

/* Is it a URL that a request can go to, with a host and without a user name?  OK, CONFIG or NO_MEMORY.  Does not
 * throw. */
extern ConnhubStatus ch_http_check_url(const char *url, bool is_mail, ConnhubError *error);

/* An engine for transfers, which ends with its memory context at the latest.  Throws. */
extern ChHttp *ch_http_create(MemoryContext context);
extern void ch_http_destroy(ChHttp *http);

/* Begin a transfer.  NULL, with the error filled, when it cannot be. */
extern ChHttpTransfer *ch_http_start(ChHttp *http, const ChHttpRequest *request, ConnhubError *error);

/* Wait for one transfer to finish, at most timeout_ms (< 0: until the running deadline).  OK: *finished is one;
 * DONE: none is running; TIMEOUT, CANCELLED, NO_MEMORY: nothing happened.  Does not throw. */
extern ConnhubStatus ch_http_wait(ChHttp *http, ChHttpTransfer **finished, int64 timeout_ms);

/* What became of a finished transfer: OK, with the reply, whatever its status; or the error.  The reply lives until
 * the end of the transfer.  For mail every status but success is an error. */
extern ConnhubStatus ch_http_result(ChHttpTransfer *transfer, const ChHttpReply **reply, ConnhubError *error);

/* The tag of its request. */
extern void *ch_http_tag(const ChHttpTransfer *transfer);

/* A header of the reply, or NULL. */
extern const char *ch_http_header(const ChHttpTransfer *transfer, const char *name);

/* Free a transfer, in any state. */
extern void ch_http_end(ChHttpTransfer *transfer);

/* One request from start to end.  On OK *transfer holds the reply, in the current context: end it. */
extern ConnhubStatus ch_http_call(const ChHttpRequest *request, ChHttpTransfer **transfer,
								  const ChHttpReply **reply, ConnhubError *error);

#endif
