/* stream.c — the stream over which the library talks to the source.
 *
 * The library never waits by itself: every wait is the host's, so that it ends with a cancel or a passed deadline.  Why
 * one ended is kept in the connection, since the library makes a network error of it.  Streams are connected to the
 * addresses that core has vetted, whatever host the library asks for, and encrypted before they are handed over. */
#include "mongo.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tls.h"

#define STREAM_TYPE	100			/* the library's own types are small numbers */

typedef struct MgStream
{
	mongoc_stream_t base;
	ConnhubConn *conn;
	int			fd;
	SSL		   *ssl;			/* NULL: in clear */
	bool		timed_out;
} MgStream;

static int
stream_close(mongoc_stream_t *base)
{
	MgStream   *stream = (MgStream *) base;

	if (stream->ssl != NULL)
		SSL_free(stream->ssl);
	stream->ssl = NULL;
	if (stream->fd >= 0)
	{
		if (stream->conn->fd == stream->fd)
			stream->conn->fd = -1;
		close(stream->fd);
		stream->fd = -1;
	}
	return 0;
}

static void
stream_destroy(mongoc_stream_t *base)
{
	stream_close(base);
	bson_free(base);
}

static int
stream_flush(mongoc_stream_t *base)
{
	return 0;
}

/* Wait for the socket; false with errno set when it will not come. */
static bool
stream_wait(MgStream *stream, int events, int64_t timeout_ms)
{
	ConnhubConn *conn = stream->conn;
	ConnhubStatus status;

	if (conn->wait_status != CONNHUB_OK)
	{
		errno = ETIMEDOUT;
		return false;
	}
	status = conn->host->wait(stream->fd, events, timeout_ms);
	if (status == CONNHUB_OK)
		return true;
	conn->wait_status = status;
	stream->timed_out = true;
	errno = ETIMEDOUT;
	return false;
}

static bool
would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Move bytes through the socket, or the encryption above it.  What moved; 0 the far end has closed; -1 with the events to
 * wait for, or with none and errno set. */
static ssize_t
move(MgStream *stream, struct iovec *iov, bool write_it, int *events)
{
	ssize_t		n;
	int			problem;

	*events = 0;
	if (stream->ssl == NULL)
	{
		n = write_it ? send(stream->fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL) :
			recv(stream->fd, iov->iov_base, iov->iov_len, 0);
		if (n < 0 && would_block())
			*events = write_it ? CONNHUB_WRITABLE : CONNHUB_READABLE;
		return n;
	}
	ERR_clear_error();
	n = write_it ? SSL_write(stream->ssl, iov->iov_base, (int) iov->iov_len) :
		SSL_read(stream->ssl, iov->iov_base, (int) iov->iov_len);
	if (n > 0)
		return n;
	problem = SSL_get_error(stream->ssl, (int) n);
	if (problem == SSL_ERROR_ZERO_RETURN)
		return 0;
	if (problem == SSL_ERROR_WANT_READ)
		*events = CONNHUB_READABLE;
	else if (problem == SSL_ERROR_WANT_WRITE)
		*events = CONNHUB_WRITABLE;
	else
		errno = ECONNRESET;
	return -1;
}

/* Step over n bytes of the buffers. */
static void
advance(struct iovec **iov, size_t *count, size_t n)
{
	(*iov)->iov_base = (char *) (*iov)->iov_base + n;
	(*iov)->iov_len -= n;
	while (*count > 0 && (*iov)->iov_len == 0)
	{
		(*count)--;
		(*iov)++;
	}
}

static ssize_t
transfer(MgStream *stream, struct iovec *iov, size_t count, size_t least, int32_t timeout_ms, bool write_it)
{
	size_t		total = 0;

	while (count > 0 && iov->iov_len == 0)
	{
		count--;
		iov++;
	}
	while (count > 0)
	{
		int			events;
		ssize_t		n = move(stream, iov, write_it, &events);

		if (n > 0)
		{
			total += (size_t) n;
			advance(&iov, &count, (size_t) n);
			if (total >= least && !write_it)
				break;
			continue;
		}
		if (n == 0)
			errno = ECONNRESET;
		if (n == 0 || events == 0)
			return -1;
		if (least == 0 && !write_it)
			break;
		if (!stream_wait(stream, events, timeout_ms > 0 ? timeout_ms : -1))
			return -1;
	}
	return (ssize_t) total;
}

static ssize_t
stream_writev(mongoc_stream_t *base, mongoc_iovec_t *iov, size_t count, int32_t timeout_ms)
{
	return transfer((MgStream *) base, iov, count, 0, timeout_ms, true);
}

static ssize_t
stream_readv(mongoc_stream_t *base, mongoc_iovec_t *iov, size_t count, size_t least, int32_t timeout_ms)
{
	return transfer((MgStream *) base, iov, count, least, timeout_ms, false);
}

static int
stream_setsockopt(mongoc_stream_t *base, int level, int name, void *value, mongoc_socklen_t length)
{
	return setsockopt(((MgStream *) base)->fd, level, name, value, length);
}

static bool
stream_check_closed(mongoc_stream_t *base)
{
	MgStream   *stream = (MgStream *) base;
	char		byte;
	ssize_t		n = recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && !would_block());
}

/* One connection talks to one server at a time, so the streams are waited for one after the other.  A wait that was stopped is an
 * error of the stream: the library would ask again until its own time is over. */
static ssize_t
stream_poll(mongoc_stream_poll_t *polled, size_t count, int32_t timeout_ms)
{
	ssize_t		ready = 0;

	for (size_t i = 0; i < count; i++)
	{
		MgStream   *stream = (MgStream *) polled[i].stream;
		ConnhubConn *conn = stream->conn;
		int			events = (polled[i].events & POLLIN ? CONNHUB_READABLE : 0) |
			(polled[i].events & POLLOUT ? CONNHUB_WRITABLE : 0);
		ConnhubStatus status = conn->wait_status;

		polled[i].revents = 0;
		if (status == CONNHUB_OK && !(stream->ssl != NULL && SSL_pending(stream->ssl) > 0))
			status = conn->host->wait(stream->fd, events, ready > 0 ? 0 : timeout_ms);
		if (status == CONNHUB_TIMEOUT && conn->wait_status == CONNHUB_OK && conn->host->cancelled() == CONNHUB_OK)
			continue;
		if (status != CONNHUB_OK)
			conn->wait_status = status;
		polled[i].revents = status == CONNHUB_OK ? polled[i].events & (POLLIN | POLLOUT) : POLLERR;
		ready++;
	}
	return ready;
}

static bool
stream_timed_out(mongoc_stream_t *base)
{
	return ((MgStream *) base)->timed_out;
}

static bool
stream_should_retry(mongoc_stream_t *base)
{
	return false;
}

static mongoc_stream_t *
make_stream(ConnhubConn *conn, int fd)
{
	MgStream   *stream = bson_malloc0(sizeof(MgStream));

	stream->base.type = STREAM_TYPE;
	stream->base.destroy = stream_destroy;
	stream->base.failed = stream_destroy;
	stream->base.close = stream_close;
	stream->base.flush = stream_flush;
	stream->base.writev = stream_writev;
	stream->base.readv = stream_readv;
	stream->base.setsockopt = stream_setsockopt;
	stream->base.check_closed = stream_check_closed;
	stream->base.poll = stream_poll;
	stream->base.timed_out = stream_timed_out;
	stream->base.should_retry = stream_should_retry;
	stream->conn = conn;
	stream->fd = fd;
	return &stream->base;
}

/* ---- Connecting -------------------------------------------------------------------------- */

static void
enter(ConnhubConn *conn, ConnhubPhase phase)
{
	if (conn->phase < phase && !conn->is_open)
	{
		conn->phase = phase;
		conn->host->phase(phase);
	}
}

/* A socket connected to one address, or -1 with conn->connect_errno or conn->wait_status set. */
static int
connect_address(ConnhubConn *conn, const char *address)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	struct addrinfo *info = NULL;
	char		port[8];
	int			fd;
	int			one = 1;
	int			problem = 0;
	socklen_t	length = sizeof(problem);

	snprintf(port, sizeof(port), "%u", conn->port);
	if (getaddrinfo(address, port, &hints, &info) != 0)
	{
		conn->connect_errno = EADDRNOTAVAIL;
		return -1;
	}
	fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, info->ai_addr, info->ai_addrlen) != 0)
	{
		problem = errno;
		if (problem == EINPROGRESS)
		{
			conn->wait_status = conn->host->wait(fd, CONNHUB_WRITABLE, conn->connect_timeout_ms);
			if (conn->wait_status != CONNHUB_OK)
				problem = ETIMEDOUT;
			else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &length) != 0)
				problem = errno;
		}
	}
	freeaddrinfo(info);
	if (fd < 0 || problem != 0)
	{
		conn->connect_errno = fd < 0 ? errno : problem;
		if (fd >= 0)
			close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	return fd;
}

/* Encrypt a stream.  False: conn->handshake_failed, or conn->wait_status is set. */
static bool
encrypt(ConnhubConn *conn, MgStream *stream)
{
	int			result;

	enter(conn, CONNHUB_PHASE_TLS);
	stream->ssl = mg_tls_new(conn, stream->fd);
	if (stream->ssl == NULL)
	{
		conn->handshake_failed = true;
		return false;
	}
	ERR_clear_error();
	while ((result = SSL_connect(stream->ssl)) != 1)
	{
		int			problem = SSL_get_error(stream->ssl, result);
		int			events = problem == SSL_ERROR_WANT_READ ? CONNHUB_READABLE :
			problem == SSL_ERROR_WANT_WRITE ? CONNHUB_WRITABLE : 0;

		if (events == 0)
		{
			conn->handshake_failed = true;
			conn->verify_error = SSL_get_verify_result(stream->ssl);
			conn->tls_reason = ERR_reason_error_string(ERR_peek_error());
			return false;
		}
		if (!stream_wait(stream, events, conn->connect_timeout_ms))
			return false;
	}
	snprintf(conn->tls_version, sizeof(conn->tls_version), "%s", SSL_get_version(stream->ssl));
	return true;
}

mongoc_stream_t *
mg_stream_initiate(const mongoc_uri_t *uri, const mongoc_host_list_t *host, void *user_data, bson_error_t *error)
{
	ConnhubConn *conn = user_data;
	mongoc_stream_t *stream;
	int			fd = -1;

	/* A new socket would have neither the cursors nor the session of the old one. */
	if (conn->is_open && !conn->may_reconnect)
	{
		bson_set_error(error, MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET, "the connection broke");
		return NULL;
	}
	enter(conn, CONNHUB_PHASE_TCP);
	for (uint32_t i = 0; i < conn->naddresses && fd < 0; i++)
	{
		conn->wait_status = conn->host->cancelled();
		if (conn->wait_status == CONNHUB_OK)
			fd = connect_address(conn, conn->addresses[i]);
	}
	if (fd < 0)
	{
		bson_set_error(error, MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_CONNECT, "no address answers");
		return NULL;
	}
	conn->fd = fd;
	stream = make_stream(conn, fd);
	if (conn->ssl_mode != CONNHUB_SSL_DISABLE && !encrypt(conn, (MgStream *) stream))
	{
		bson_set_error(error, MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET, "no encrypted connection");
		mongoc_stream_destroy(stream);
		return NULL;
	}
	enter(conn, CONNHUB_PHASE_AUTH);
	return stream;
}
