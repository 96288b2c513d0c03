/* common/http.c — libcurl's multi interface below ch_wait.
 *
 * The sockets of all transfers stand in one epoll set, and ch_wait waits for that.  libcurl resolves names in threads
 * of its own, which inherit the signal mask: every call that may start one runs with all signals blocked, so that
 * no handler of the server runs there.  A transfer that is given up leaves such a thread to itself.
 *
 * libcurl's callbacks must not throw: they take memory by calls that return NULL, and keep their error for later. */
#include "postgres.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <curl/curl.h>

#include "lib/ilist.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/http.h"
#include "common/http_check.h"
#include "common/http_failure.h"
#include "common/wait.h"

#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87 or later is needed"
#endif

#define DEFAULT_REPLY_BYTES (1024 * 1024)
#define MAX_HEADER_BYTES (64 * 1024)
#define EVENTS_AT_ONCE 64

struct ChHttp
{
	MemoryContext context;
	MemoryContextCallback callback;
	CURLM	   *multi;
	int			epoll_fd;		/* -1: none */
	int64		timer_at_ms;	/* PG_INT64_MAX: libcurl awaits no time */
	dlist_head	transfers;
};

/* Bytes of a reply, NUL-terminated. */
typedef struct ChBytes
{
	char	   *data;
	size_t		length;
	size_t		capacity;
} ChBytes;

struct ChHttpTransfer
{
	dlist_node	node;
	ChHttp	   *http;
	MemoryContext context;
	MemoryContextCallback callback;
	CURL	   *easy;
	struct curl_slist *headers;
	struct curl_slist *recipients;
	const char *body;
	size_t		body_bytes;
	size_t		body_sent;
	size_t		max_reply_bytes;
	bool		secret;
	bool		discard_body;
	bool		is_mail;
	bool		is_tls;
	bool		is_finished;
	bool		is_too_big;
	bool		owns_http;		/* the engine was made for it alone */
	ChHttpVet	vet;
	void	   *vet_argument;
	ConnhubError refusal;		/* of vet, or of no descriptor being left; status OK: none */
	CURLcode	outcome;
	ChBytes		reply_headers;	/* lines of the last response, each ended by NUL */
	ChBytes		reply_body;
	ChHttpReply reply;
	void	   *tag;
	char		note[CURL_ERROR_SIZE];
};

/* ---- Memory ------------------------------------------------------------------------------ */

static void
buffer_free(ChBytes *buffer, bool wipe)
{
	if (buffer->data == NULL)
		return;
	if (wipe)
		explicit_bzero(buffer->data, buffer->capacity);
	pfree(buffer->data);
	memset(buffer, 0, sizeof(*buffer));
}

/* False when there is no memory, or the buffer would exceed `most` bytes.  Does not throw. */
static bool
buffer_append(ChBytes *buffer, MemoryContext context, const char *data, size_t length, size_t most, bool wipe)
{
	if (length > most || buffer->length > most - length)
		return false;
	if (buffer->length + length + 1 > buffer->capacity)
	{
		ChBytes		larger = {.length = buffer->length};

		larger.capacity = Min(Max(buffer->capacity * 2, Max(buffer->length + length + 1, 1024)), most + 1);
		larger.data = MemoryContextAllocExtended(context, larger.capacity, MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
		if (larger.data == NULL)
			return false;
		if (buffer->length > 0)
			memcpy(larger.data, buffer->data, buffer->length);
		buffer_free(buffer, wipe);
		*buffer = larger;
	}
	memcpy(buffer->data + buffer->length, data, length);
	buffer->length += length;
	buffer->data[buffer->length] = '\0';
	return true;
}

static void
list_free_wiped(struct curl_slist *list)
{
	for (struct curl_slist *item = list; item != NULL; item = item->next)
		explicit_bzero(item->data, strlen(item->data));
	curl_slist_free_all(list);
}

static void
signals_block(sigset_t *saved)
{
	sigset_t	all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, saved);
}

static void
signals_restore(const sigset_t *saved)
{
	pthread_sigmask(SIG_SETMASK, saved, NULL);
}

static void
transfer_freed(void *argument)
{
	ChHttpTransfer *transfer = argument;
	sigset_t	saved;

	signals_block(&saved);
	if (transfer->easy != NULL)
	{
		curl_multi_remove_handle(transfer->http->multi, transfer->easy);
		curl_easy_cleanup(transfer->easy);
	}
	signals_restore(&saved);
	list_free_wiped(transfer->headers);
	list_free_wiped(transfer->recipients);
	buffer_free(&transfer->reply_headers, transfer->secret);
	buffer_free(&transfer->reply_body, transfer->secret);
	dlist_delete(&transfer->node);
}

/* Its transfers are gone by now: their contexts are below this one's. */
static void
http_freed(void *argument)
{
	ChHttp	   *http = argument;
	sigset_t	saved;

	signals_block(&saved);
	if (http->multi != NULL)
		curl_multi_cleanup(http->multi);
	signals_restore(&saved);
	if (http->epoll_fd >= 0)
	{
		close(http->epoll_fd);
		ReleaseExternalFD();
	}
}

/* ---- libcurl's callbacks ----------------------------------------------------------------- */

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *argument, void *known)
{
	ChHttp	   *http = argument;
	struct epoll_event event = {0};

	if (what == CURL_POLL_REMOVE)
	{
		epoll_ctl(http->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.data.fd = fd;
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	if (epoll_ctl(http->epoll_fd, EPOLL_CTL_MOD, fd, &event) != 0 &&
		epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		return -1;
	return 0;
}

static int
on_timer(CURLM *multi, long timeout_ms, void *argument)
{
	ChHttp	   *http = argument;

	http->timer_at_ms = timeout_ms < 0 ? PG_INT64_MAX : ch_clock->now_ms() + timeout_ms;
	return 0;
}

static bool
address_text(const struct curl_sockaddr *address, char *text, size_t size)
{
	const struct sockaddr *any = &address->addr;

	if (any->sa_family == AF_INET)
		return inet_ntop(AF_INET, &((const struct sockaddr_in *) any)->sin_addr, text, size) != NULL;
	if (any->sa_family == AF_INET6)
		return inet_ntop(AF_INET6, &((const struct sockaddr_in6 *) any)->sin6_addr, text, size) != NULL;
	return false;
}

static curl_socket_t
on_open_socket(void *argument, curlsocktype purpose, struct curl_sockaddr *address)
{
	ChHttpTransfer *transfer = argument;
	char		text[INET6_ADDRSTRLEN];
	int			fd;

	if (!address_text(address, text, sizeof(text)))
		return CURL_SOCKET_BAD;
	if (transfer->vet != NULL && !transfer->vet(transfer->vet_argument, text, &transfer->refusal))
		return CURL_SOCKET_BAD;
	if (!AcquireExternalFD())
	{
		ch_error_set(&transfer->refusal, CONNHUB_BUSY, "no file descriptor is left for a connection");
		transfer->refusal.retryable = true;
		return CURL_SOCKET_BAD;
	}
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
	if (fd < 0)
	{
		ReleaseExternalFD();
		return CURL_SOCKET_BAD;
	}
	return fd;
}

static int
on_close_socket(void *argument, curl_socket_t fd)
{
	close(fd);
	ReleaseExternalFD();
	return 0;
}

static size_t
on_body(char *data, size_t size, size_t count, void *argument)
{
	ChHttpTransfer *transfer = argument;
	size_t		length = size * count;

	if (transfer->discard_body)
		return length;
	if (!buffer_append(&transfer->reply_body, transfer->context, data, length, transfer->max_reply_bytes, transfer->secret))
	{
		transfer->is_too_big = true;
		return 0;
	}
	return length;
}

/* One whole line at a time.  A status line begins anew: what came before it was provisional. */
static size_t
on_header(char *data, size_t size, size_t count, void *argument)
{
	ChHttpTransfer *transfer = argument;
	ChBytes	   *headers = &transfer->reply_headers;
	size_t		length = size * count;
	size_t		kept = length;

	if (transfer->is_mail)
		return length;
	if (length >= 5 && memcmp(data, "HTTP/", 5) == 0)
		headers->length = 0;
	while (kept > 0 && (data[kept - 1] == '\n' || data[kept - 1] == '\r'))
		kept--;
	if (!buffer_append(headers, transfer->context, data, kept, MAX_HEADER_BYTES, transfer->secret) ||
		!buffer_append(headers, transfer->context, "", 1, MAX_HEADER_BYTES, transfer->secret))
	{
		transfer->is_too_big = true;
		return 0;
	}
	return length;
}

static size_t
on_read(char *data, size_t size, size_t count, void *argument)
{
	ChHttpTransfer *transfer = argument;
	size_t		length = Min(size * count, transfer->body_bytes - transfer->body_sent);

	memcpy(data, transfer->body + transfer->body_sent, length);
	transfer->body_sent += length;
	return length;
}

/* ---- Outcome ----------------------------------------------------------------------------- */

static void
transfer_describe(const ChHttpTransfer *transfer, ConnhubError *error)
{
	if (transfer->refusal.status != CONNHUB_OK && transfer->outcome == CURLE_COULDNT_CONNECT)
		*error = transfer->refusal;
	else if (transfer->is_too_big)
		ch_error_set(error, CONNHUB_DATA, "the reply has more than %zu bytes", transfer->max_reply_bytes);
	else if (transfer->outcome == CURLE_OPERATION_TIMEDOUT)
	{
		error->phase = ch_http_phase(transfer->easy, transfer->is_tls);
		ch_error_set(error, CONNHUB_TIMEOUT, "no answer came in time");
		error->retryable = true;
	}
	else
		ch_http_describe(transfer->easy, transfer->outcome, transfer->is_mail ? transfer->reply.status : 0,
						 transfer->note, error);
}

/* ---- Engine ------------------------------------------------------------------------------ */

static void
http_require_libcurl(void)
{
	static bool is_ready = false;
	sigset_t	saved;
	CURLcode	code;

	if (is_ready)
		return;
	signals_block(&saved);
	code = curl_global_init(CURL_GLOBAL_DEFAULT);
	signals_restore(&saved);
	if (code != CURLE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not initialize libcurl: %s", curl_easy_strerror(code))));
	is_ready = true;
}

ChHttp *
ch_http_create(MemoryContext context)
{
	MemoryContext own = AllocSetContextCreate(context, "connhub http", ALLOCSET_SMALL_SIZES);
	ChHttp	   *http = MemoryContextAllocZero(own, sizeof(ChHttp));

	http->context = own;
	http->epoll_fd = -1;
	http->timer_at_ms = PG_INT64_MAX;
	dlist_init(&http->transfers);
	http->callback.func = http_freed;
	http->callback.arg = http;
	MemoryContextRegisterResetCallback(own, &http->callback);

	http_require_libcurl();
	if (AcquireExternalFD())
	{
		http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
		if (http->epoll_fd < 0)
			ReleaseExternalFD();
	}
	http->multi = curl_multi_init();
	if (http->epoll_fd < 0 || http->multi == NULL)
	{
		MemoryContextDelete(own);
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not prepare network requests")));
	}
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	return http;
}

void
ch_http_destroy(ChHttp *http)
{
	MemoryContextDelete(http->context);
}

static bool
list_add(struct curl_slist **list, const char *text)
{
	struct curl_slist *longer = curl_slist_append(*list, text);

	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

static CURLcode
set_blob(CURL *easy, CURLoption option, const char *pem)
{
	struct curl_blob blob = {.data = unconstify(char *, pem), .flags = CURL_BLOB_COPY};

	if (pem == NULL)
		return CURLE_OK;
	blob.len = strlen(pem);
	return curl_easy_setopt(easy, option, &blob);
}

static CURLcode
set_tls(CURL *easy, const ChHttpRequest *request)
{
	CURLcode	code = CURLE_OK;

#define SET(option, value) \
	if (code == CURLE_OK) \
		code = curl_easy_setopt(easy, option, value)
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	if (request->ca_file != NULL || request->ca_pem != NULL)
	{
		/* What this machine trusts beside it counts no more. */
		SET(CURLOPT_CAPATH, NULL);
		SET(CURLOPT_CAINFO, request->ca_file);
	}
	SET(CURLOPT_SSLCERTTYPE, "PEM");
	SET(CURLOPT_SSLKEYTYPE, "PEM");
	if (code == CURLE_OK)
		code = set_blob(easy, CURLOPT_CAINFO_BLOB, request->ca_pem);
	if (code == CURLE_OK)
		code = set_blob(easy, CURLOPT_SSLCERT_BLOB, request->cert_pem);
	if (code == CURLE_OK)
		code = set_blob(easy, CURLOPT_SSLKEY_BLOB, request->key_pem);
	return code;
}

static CURLcode
set_mail(ChHttpTransfer *transfer, const ChHttpMail *mail)
{
	CURL	   *easy = transfer->easy;
	CURLcode	code = CURLE_OK;

	for (int i = 0; i < mail->nrecipients; i++)
		if (!list_add(&transfer->recipients, mail->recipients[i]))
			return CURLE_OUT_OF_MEMORY;
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	SET(CURLOPT_USE_SSL, (long) (mail->plain ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	SET(CURLOPT_MAIL_FROM, mail->from);
	SET(CURLOPT_MAIL_RCPT, transfer->recipients);
	SET(CURLOPT_USERNAME, mail->user);
	SET(CURLOPT_PASSWORD, mail->password);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_READFUNCTION, on_read);
	SET(CURLOPT_READDATA, transfer);
	SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t) transfer->body_bytes);
	return code;
}

static CURLcode
set_http(ChHttpTransfer *transfer, const ChHttpRequest *request)
{
	CURL	   *easy = transfer->easy;
	CURLcode	code = CURLE_OK;

	for (int i = 0; i < request->nheaders; i++)
		if (!list_add(&transfer->headers, request->headers[i]))
			return CURLE_OUT_OF_MEMORY;
	/* An answer is awaited at once, not a leave to send the body. */
	if (!list_add(&transfer->headers, "Expect:"))
		return CURLE_OUT_OF_MEMORY;
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTPHEADER, transfer->headers);
	if (request->body != NULL || strcmp(request->method, "POST") == 0)
	{
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) transfer->body_bytes);
		SET(CURLOPT_POSTFIELDS, request->body != NULL ? request->body : "");
	}
	if (strcmp(request->method, "HEAD") == 0)
	{
		SET(CURLOPT_NOBODY, 1L);
	}
	else
	{
		SET(CURLOPT_CUSTOMREQUEST, request->method);
	}
	return code;
}

static CURLcode
set_common(ChHttpTransfer *transfer, const ChHttpRequest *request)
{
	CURL	   *easy = transfer->easy;
	CURLcode	code = CURLE_OK;

	SET(CURLOPT_PRIVATE, transfer);
	SET(CURLOPT_ERRORBUFFER, transfer->note);
	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	/* The address of a shared connection was vetted for somebody else. */
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_TIMEOUT_MS, (long) Min(request->timeout_ms, PG_INT32_MAX));
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long) Min(request->timeout_ms, PG_INT32_MAX));
	SET(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	SET(CURLOPT_OPENSOCKETDATA, transfer);
	SET(CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, transfer);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, transfer);
#undef SET
	return code;
}

static ChHttpTransfer *
transfer_create(ChHttp *http, const ChHttpRequest *request)
{
	MemoryContext own = AllocSetContextCreate(http->context, "connhub transfer", ALLOCSET_SMALL_SIZES);
	ChHttpTransfer *transfer = MemoryContextAllocZero(own, sizeof(ChHttpTransfer));

	transfer->http = http;
	transfer->context = own;
	transfer->body = request->body;
	transfer->body_bytes = request->body != NULL ? request->body_bytes : 0;
	transfer->max_reply_bytes = request->max_reply_bytes > 0 ? request->max_reply_bytes : DEFAULT_REPLY_BYTES;
	transfer->secret = request->secret;
	transfer->discard_body = request->discard_body;
	transfer->is_mail = request->mail != NULL;
	transfer->is_tls = pg_strncasecmp(request->url, "https:", 6) == 0 || pg_strncasecmp(request->url, "smtps:", 6) == 0;
	transfer->vet = request->vet;
	transfer->vet_argument = request->vet_argument;
	transfer->tag = request->tag;
	dlist_push_tail(&http->transfers, &transfer->node);
	transfer->callback.func = transfer_freed;
	transfer->callback.arg = transfer;
	MemoryContextRegisterResetCallback(own, &transfer->callback);
	return transfer;
}

ChHttpTransfer *
ch_http_start(ChHttp *http, const ChHttpRequest *request, ConnhubError *error)
{
	ChHttpTransfer *transfer;
	CURLcode	code = CURLE_OUT_OF_MEMORY;
	sigset_t	saved;

	if (ch_http_check_url(request->url, request->mail != NULL, error) != CONNHUB_OK)
		return NULL;
	if (!ch_http_request_is_clean(request))
	{
		ch_error_set(error, CONNHUB_CONFIG, "a request holds a character that may not be there");
		return NULL;
	}
	transfer = transfer_create(http, request);
	signals_block(&saved);
	transfer->easy = curl_easy_init();
	if (transfer->easy != NULL)
		code = set_common(transfer, request);
	if (code == CURLE_OK)
		code = set_tls(transfer->easy, request);
	if (code == CURLE_OK)
		code = request->mail != NULL ? set_mail(transfer, request->mail) : set_http(transfer, request);
	if (code == CURLE_OK && curl_multi_add_handle(http->multi, transfer->easy) != CURLM_OK)
		code = CURLE_OUT_OF_MEMORY;
	signals_restore(&saved);
	if (code == CURLE_OK)
		return transfer;
	transfer->outcome = code;
	transfer_describe(transfer, error);
	ch_http_end(transfer);
	return NULL;
}

/* Hand over what the epoll set has, and the time when it has come. */
static void
http_drive(ChHttp *http)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int			nevents = epoll_wait(http->epoll_fd, events, EVENTS_AT_ONCE, 0);
	int			running;
	sigset_t	saved;

	signals_block(&saved);
	for (int i = 0; i < nevents; i++)
		curl_multi_socket_action(http->multi, events[i].data.fd,
								 (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
								 (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0), &running);
	if (http->timer_at_ms <= ch_clock->now_ms())
	{
		http->timer_at_ms = PG_INT64_MAX;
		curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	signals_restore(&saved);
}

static ChHttpTransfer *
http_finished(ChHttp *http)
{
	int			left;
	CURLMsg    *message;

	while ((message = curl_multi_info_read(http->multi, &left)) != NULL)
	{
		ChHttpTransfer *transfer = NULL;
		curl_off_t	elapsed_us = 0;
		curl_off_t	retry_after_s = 0;
		long		status = 0;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &transfer);
		curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(message->easy_handle, CURLINFO_TOTAL_TIME_T, &elapsed_us);
		curl_easy_getinfo(message->easy_handle, CURLINFO_RETRY_AFTER, &retry_after_s);
		transfer->outcome = message->data.result;
		transfer->is_finished = true;
		transfer->reply.status = (int) status;
		transfer->reply.elapsed_ms = elapsed_us / 1000;
		transfer->reply.retry_after_s = retry_after_s;
		return transfer;
	}
	return NULL;
}

static bool
http_is_idle(ChHttp *http)
{
	dlist_iter	i;

	dlist_foreach(i, &http->transfers)
		if (!dlist_container(ChHttpTransfer, node, i.cur)->is_finished)
			return false;
	return true;
}

ConnhubStatus
ch_http_wait(ChHttp *http, ChHttpTransfer **finished, int64 timeout_ms)
{
	int64		until = timeout_ms < 0 ? PG_INT64_MAX : ch_clock->now_ms() + timeout_ms;

	for (;;)
	{
		int64		next;
		int64		now;
		ConnhubStatus status;

		*finished = http_finished(http);
		if (*finished != NULL)
			return CONNHUB_OK;
		if (http_is_idle(http))
			return CONNHUB_DONE;

		now = ch_clock->now_ms();
		next = Min(http->timer_at_ms, until);
		status = ch_wait(http->epoll_fd, CONNHUB_READABLE, next == PG_INT64_MAX ? -1 : Max(next - now, 0));
		if (status == CONNHUB_CANCELLED || status == CONNHUB_NO_MEMORY)
			return status;
		http_drive(http);
		if (status == CONNHUB_TIMEOUT && (ch_clock->now_ms() >= until || ch_cancelled() == CONNHUB_TIMEOUT))
		{
			*finished = http_finished(http);
			return *finished != NULL ? CONNHUB_OK : CONNHUB_TIMEOUT;
		}
	}
}

ConnhubStatus
ch_http_result(ChHttpTransfer *transfer, const ChHttpReply **reply, ConnhubError *error)
{
	*reply = NULL;
	if (transfer->outcome != CURLE_OK)
	{
		transfer_describe(transfer, error);
		return error->status;
	}
	transfer->reply.body = transfer->reply_body.data != NULL ? transfer->reply_body.data : "";
	transfer->reply.body_bytes = transfer->reply_body.length;
	*reply = &transfer->reply;
	return CONNHUB_OK;
}

void *
ch_http_tag(const ChHttpTransfer *transfer)
{
	return transfer->tag;
}

const char *
ch_http_header(const ChHttpTransfer *transfer, const char *name)
{
	const ChBytes *headers = &transfer->reply_headers;
	size_t		length = strlen(name);

	for (size_t at = 0; at < headers->length; at += strlen(headers->data + at) + 1)
	{
		const char *line = headers->data + at;

		if (pg_strncasecmp(line, name, length) == 0 && line[length] == ':')
			return line + length + 1 + strspn(line + length + 1, " \t");
	}
	return NULL;
}

void
ch_http_end(ChHttpTransfer *transfer)
{
	MemoryContextDelete(transfer->owns_http ? transfer->http->context : transfer->context);
}

ConnhubStatus
ch_http_call(const ChHttpRequest *request, ChHttpTransfer **transfer, const ChHttpReply **reply, ConnhubError *error)
{
	ChHttp	   *http = ch_http_create(CurrentMemoryContext);
	ChHttpTransfer *started = ch_http_start(http, request, error);
	ConnhubStatus status;

	*transfer = NULL;
	*reply = NULL;
	if (started == NULL)
	{
		ch_http_destroy(http);
		return error->status;
	}
	started->owns_http = true;
	status = ch_http_wait(http, transfer, -1);
	if (status == CONNHUB_OK)
		status = ch_http_result(started, reply, error);
	else
	{
		error->phase = ch_http_phase(started->easy, started->is_tls);
		ch_error_set(error, status, status == CONNHUB_CANCELLED ? "the request was cancelled" : "no answer came in time");
		error->retryable = true;
	}
	if (status != CONNHUB_OK)
	{
		*transfer = NULL;
		ch_http_end(started);
	}
	return status;
}
