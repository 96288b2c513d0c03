/* io.c — the client library's sockets and waits, made interruptible.
 *
 * MariaDB Connector/C reaches the network through a table of methods, PVIO_METHODS.  Its own table
 * waits in poll(), and its non-blocking calls do so too once the connection is encrypted.  Here the
 * table is ours for our connections: it connects to the addresses core has vetted, never resolves a
 * name, keeps the socket non-blocking, and waits through the host, in clear text and under TLS alike.
 *
 * The library copies the table's address when a connection is made, so the registered table is
 * replaced for exactly that moment and other users of the library in this process never see ours.
 *
 * Opening must not block, but mysql_real_connect does: it runs on a stack of its own, and a wait in it
 * returns to step; so does a stepwise check.  On that stack nothing of the host is called but its clock and its
 * memory, neither of which can wait or report.
 *
 * Assumes one thread, and the table's layout of interface version 0x0100, which my_io_supported checks. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io.h"
#include "tls.h"

/* Enough for a certificate chain and for loading an authentication plugin, with a page below it that
 * faults instead of being overrun. */
#define STACK_SIZE		((size_t) 512 * 1024)
#define STACK_GUARD		((size_t) 64 * 1024)

/* The first packet that asks for TLS: a header of 4 bytes and 32 bytes of capabilities. */
#define TLS_REQUEST_SIZE	36

/* From mysql/client_plugin.h, which needs a header that is not installed. */
#define PVIO_PLUGIN_TYPE	101
#define PVIO_PLUGIN_VERSION	0x0100

typedef struct MySocketPlugin
{
	MYSQL_CLIENT_PLUGIN_HEADER
	struct st_ma_pvio_methods *methods;
} MySocketPlugin;

static MySocketPlugin *socket_plugin;
static struct st_ma_pvio_methods *their_methods;	/* while ours stand in the plugin */
static MyIo *connecting;		/* whose connect method runs next */
static MyIo *starting;			/* whose stack is entered for the first time */

/* ---- Waiting ----------------------------------------------------------------------------- */

static void
leave_stack(MyIo *io)
{
	swapcontext(&io->opener, &io->caller);
}

/* Returns OK when fd may be ready: the caller tries again.  until_ms bounds this one wait. */
static ConnhubStatus
io_wait(MyIo *io, int events, int64_t until_ms)
{
	if (io->status == CONNHUB_OK && io->closing)
		io->status = CONNHUB_CANCELLED;
	if (io->status != CONNHUB_OK)
		return io->status;
	if (io->on_own_stack)
	{
		io->events = events;
		io->wait_until_ms = until_ms;
		leave_stack(io);
	}
	else
	{
		int64_t		left = -1;

		if (io->deadline_ms > 0)
		{
			left = io->deadline_ms - io->host->now_ms();
			if (left < 0)
				left = 0;
		}
		io->status = io->host->wait(io->fd, events, left);
	}
	return io->status;
}

void
my_io_enter_phase(MyIo *io, ConnhubPhase phase)
{
	if (io->phase == phase)
		return;
	io->phase = phase;
	if (io->quiet)
		return;
	if (io->on_own_stack && io->status == CONNHUB_OK)
	{
		io->has_news = true;
		leave_stack(io);
	}
	else if (!io->on_own_stack)
		io->host->phase(phase);
}

void
my_io_note_handshake(MyIo *io)
{
	if (io->encrypted && io->phase == CONNHUB_PHASE_TLS)
		my_io_enter_phase(io, CONNHUB_PHASE_AUTH);
}

void
my_io_abort(MyIo *io, ConnhubStatus status)
{
	if (io->status == CONNHUB_OK)
		io->status = status;
	if (io->pvio != NULL && io->pvio->ctls != NULL)
		my_tls_abort(io->pvio->ctls->ssl);
	if (io->fd >= 0)
		shutdown(io->fd, SHUT_RDWR);
}

/* ---- The stack of an opening connection -------------------------------------------------- */

static void
run_main(void)
{
	MyIo	   *io = starting;

	io->main(io->arg);
	io->finished = true;
	leave_stack(io);
}

bool
my_io_begin(MyIo *io, void (*main) (void *arg), void *arg)
{
	void	   *stack;

	stack = mmap(NULL, STACK_SIZE + STACK_GUARD, PROT_NONE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (stack == MAP_FAILED)
		return false;
	if (mprotect((char *) stack + STACK_GUARD, STACK_SIZE, PROT_READ | PROT_WRITE) != 0 ||
		getcontext(&io->opener) != 0)
	{
		munmap(stack, STACK_SIZE + STACK_GUARD);
		return false;
	}
	io->stack = stack;
	io->finished = false;
	io->main = main;
	io->arg = arg;
	io->opener.uc_stack.ss_sp = (char *) stack + STACK_GUARD;
	io->opener.uc_stack.ss_size = STACK_SIZE;
	io->opener.uc_link = NULL;
	makecontext(&io->opener, run_main, 0);
	return true;
}

static void
free_stack(MyIo *io)
{
	if (io->stack != NULL)
		munmap(io->stack, STACK_SIZE + STACK_GUARD);
	io->stack = NULL;
}

bool
my_io_resume(MyIo *io, ConnhubWait *wait)
{
	while (!io->finished)
	{
		io->events = 0;
		io->has_news = false;
		starting = io;
		io->on_own_stack = true;
		swapcontext(&io->caller, &io->opener);
		io->on_own_stack = false;
		if (io->has_news)
			io->host->phase(io->phase);
		else if (!io->finished)
		{
			int64_t		left = -1;

			if (io->wait_until_ms > 0)
			{
				left = io->wait_until_ms - io->host->now_ms();
				if (left < 0)
					left = 0;
			}
			wait->fd = io->fd;
			wait->events = io->events;
			wait->timeout_ms = left;
			return false;
		}
	}
	free_stack(io);
	return true;
}

void
my_io_init(MyIo *io, const ConnhubHost *host)
{
	memset(io, 0, sizeof(*io));
	io->host = host;
	io->fd = -1;
}

void
my_io_fini(MyIo *io)
{
	free_stack(io);
	if (io->fd >= 0)
		close(io->fd);
	io->fd = -1;
}

/* ---- Connecting -------------------------------------------------------------------------- */

static int
open_socket(const char *address, uint16_t port, struct sockaddr_storage *to, socklen_t *length)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *) to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) to;
	int			one = 1;
	int			fd;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1)
	{
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*length = sizeof(*v4);
	}
	else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1)
	{
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		*length = sizeof(*v6);
	}
	else
	{
		errno = EAFNOSUPPORT;
		return -1;
	}
	fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd >= 0)
	{
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	}
	return fd;
}

/* Wait for a connect under way; 0 or the errno it ended with. */
static int
await_connect(MyIo *io, int64_t until_ms)
{
	for (;;)
	{
		struct pollfd ready = {io->fd, POLLOUT, 0};
		int			error = 0;
		socklen_t	length = sizeof(error);

		if (poll(&ready, 1, 0) > 0)
			return getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
		if (until_ms > 0 && io->host->now_ms() >= until_ms)
			return ETIMEDOUT;
		if (io_wait(io, CONNHUB_WRITABLE, until_ms) != CONNHUB_OK)
			return ECANCELED;
	}
}

/* One address after the other; each but the last gets its share of the time, so that one that does
 * not answer leaves some for the next. */
static bool
connect_addresses(MyIo *io)
{
	int64_t		start = io->host->now_ms();

	for (uint32_t i = 0; i < io->naddresses; i++)
	{
		struct sockaddr_storage to;
		socklen_t	length;
		int64_t		until_ms = 0;

		if (io->connect_timeout_ms > 0)
			until_ms = start + io->connect_timeout_ms * (i + 1) / io->naddresses;
		io->fd = open_socket(io->addresses[i], io->port, &to, &length);
		if (io->fd < 0)
		{
			io->sys_errno = errno;
			continue;
		}
		io->sys_errno = 0;
		if (connect(io->fd, (struct sockaddr *) &to, length) != 0)
			io->sys_errno = errno == EINPROGRESS || errno == EINTR ?
				await_connect(io, until_ms) : errno;
		if (io->sys_errno == 0)
			return true;
		close(io->fd);
		io->fd = -1;
		if (io->status != CONNHUB_OK)
			break;
	}
	return false;
}

/* ---- Methods ----------------------------------------------------------------------------- */

/* Nothing may wait between replacing the table and putting it back. */
static void
restore_methods(void)
{
	if (their_methods != NULL)
		socket_plugin->methods = their_methods;
	their_methods = NULL;
	connecting = NULL;
}

static my_bool
method_connect(MARIADB_PVIO *pvio, MA_PVIO_CINFO *cinfo)
{
	MyIo	   *io = connecting;

	restore_methods();
	if (io == NULL)
		return 1;
	pvio->data = io;
	pvio->mysql = cinfo->mysql;
	pvio->type = cinfo->type;
	io->pvio = pvio;
	return connect_addresses(io) ? 0 : 1;
}

static my_bool
method_close(MARIADB_PVIO *pvio)
{
	MyIo	   *io = pvio->data;

	if (io != NULL)
	{
		if (io->fd >= 0)
			close(io->fd);
		io->fd = -1;
		io->pvio = NULL;
	}
	pvio->data = NULL;
	return 0;
}

static int
method_wait(MARIADB_PVIO *pvio, my_bool is_read, int timeout)
{
	MyIo	   *io = pvio->data;

	if (io == NULL)
		return -1;
	my_io_note_handshake(io);
	if (io_wait(io, is_read ? CONNHUB_READABLE : CONNHUB_WRITABLE, 0) == CONNHUB_OK)
		return 1;
	errno = ETIMEDOUT;
	return -1;
}

static ssize_t
method_read(MARIADB_PVIO *pvio, uchar *buffer, size_t length)
{
	MyIo	   *io = pvio->data;

	while (io != NULL && io->status == CONNHUB_OK)
	{
		ssize_t		got = recv(io->fd, buffer, length, MSG_DONTWAIT);

		if (got >= 0)
			return got;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
		{
			io->sys_errno = errno;
			return -1;
		}
		if (io_wait(io, CONNHUB_READABLE, 0) != CONNHUB_OK)
			break;
	}
	errno = ETIMEDOUT;
	return -1;
}

/* Only clear text passes here: under TLS the library writes through OpenSSL.  When encryption is
 * required the one packet that may pass is the request for it, and only to a server that offers TLS;
 * this library would otherwise go on in clear text, with the password. */
static bool
may_leave(MyIo *io, MARIADB_PVIO *pvio, size_t length)
{
	if (io->must_encrypt)
	{
		if (io->encrypting || length != TLS_REQUEST_SIZE ||
			(pvio->mysql->server_capabilities & CLIENT_SSL) == 0)
		{
			io->status = CONNHUB_TLS;
			errno = EPROTO;
			return false;
		}
		io->encrypting = true;
		my_io_enter_phase(io, CONNHUB_PHASE_TLS);
	}
	else if (io->phase == CONNHUB_PHASE_TCP)
		my_io_enter_phase(io, CONNHUB_PHASE_AUTH);
	return true;
}

static ssize_t
method_write(MARIADB_PVIO *pvio, const uchar *buffer, size_t length)
{
	MyIo	   *io = pvio->data;
	int			flags = MSG_DONTWAIT | MSG_NOSIGNAL;

	if (io == NULL || io->status != CONNHUB_OK || !may_leave(io, pvio, length))
		return -1;
	if (io->more_follows)
		flags |= MSG_MORE;
	for (;;)
	{
		ssize_t		sent = send(io->fd, buffer, length, flags);

		if (sent >= 0)
			return sent;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
		{
			io->sys_errno = errno;
			return -1;
		}
		if (io_wait(io, CONNHUB_WRITABLE, 0) != CONNHUB_OK)
		{
			errno = ETIMEDOUT;
			return -1;
		}
	}
}

/* The library's non-blocking interface is not used. */
static ssize_t
method_async_read(MARIADB_PVIO *pvio, uchar *buffer, size_t length)
{
	errno = ENOSYS;
	return -1;
}

static ssize_t
method_async_write(MARIADB_PVIO *pvio, const uchar *buffer, size_t length)
{
	errno = ENOSYS;
	return -1;
}

static my_bool
method_set_timeout(MARIADB_PVIO *pvio, enum enum_pvio_timeout type, int timeout)
{
	pvio->timeout[type] = timeout > 0 ? timeout * 1000 : -1;
	return 0;
}

static int
method_get_timeout(MARIADB_PVIO *pvio, enum enum_pvio_timeout type)
{
	return pvio->timeout[type] / 1000;
}

/* The socket never blocks, whatever the library believes it has set. */
static int
method_blocking(MARIADB_PVIO *pvio, my_bool value, my_bool *old_value)
{
	if (old_value != NULL)
		*old_value = 0;
	return 0;
}

static my_bool
method_is_blocking(MARIADB_PVIO *pvio)
{
	return 0;
}

static int
method_nothing(MARIADB_PVIO *pvio)
{
	return 0;
}

/* The library asks for the socket when it hands it to a fresh SSL object, just before the handshake:
 * the moment to say what this connection demands of the certificate. */
static my_bool
method_get_handle(MARIADB_PVIO *pvio, void *handle)
{
	MyIo	   *io = pvio->data;

	*(my_socket *) handle = -1;
	if (io == NULL || io->fd < 0)
		return 1;
	if (io->must_encrypt && pvio->ctls != NULL && !io->encrypted &&
		!my_tls_prepare(io->tls, pvio->ctls->ssl))
	{
		io->status = CONNHUB_TLS;
		return 1;
	}
	*(my_socket *) handle = io->fd;
	return 0;
}

static my_bool
method_is_alive(MARIADB_PVIO *pvio)
{
	MyIo	   *io = pvio->data;
	struct pollfd ready;

	if (io == NULL || io->fd < 0)
		return 0;
	ready.fd = io->fd;
	ready.events = POLLIN | POLLPRI;
	ready.revents = 0;
	return poll(&ready, 1, 0) > 0 && (ready.revents & (POLLIN | POLLPRI)) != 0;
}

static my_bool
method_has_data(MARIADB_PVIO *pvio, ssize_t *length)
{
	MyIo	   *io = pvio->data;
	char		byte;
	ssize_t		got;

	if (io == NULL || io->fd < 0)
		return 0;
	got = recv(io->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (got < 0)
		return 1;
	*length = got;
	return 0;
}

static int
method_shutdown(MARIADB_PVIO *pvio)
{
	MyIo	   *io = pvio->data;

	if (io != NULL && io->fd >= 0)
		shutdown(io->fd, SHUT_RDWR);
	return -1;
}

static struct st_ma_pvio_methods methods = {
	.set_timeout = method_set_timeout,
	.get_timeout = method_get_timeout,
	.read = method_read,
	.async_read = method_async_read,
	.write = method_write,
	.async_write = method_async_write,
	.wait_io_or_timeout = method_wait,
	.blocking = method_blocking,
	.connect = method_connect,
	.close = method_close,
	.fast_send = method_nothing,
	.keepalive = method_nothing,
	.get_handle = method_get_handle,
	.is_blocking = method_is_blocking,
	.is_alive = method_is_alive,
	.has_data = method_has_data,
	.shutdown = method_shutdown
};

/* ---- Entry points ------------------------------------------------------------------------ */

bool
my_io_supported(void)
{
	MYSQL	   *mysql = mysql_init(NULL);

	if (mysql == NULL)
		return false;
	socket_plugin = (MySocketPlugin *) mysql_client_find_plugin(mysql, "pvio_socket", PVIO_PLUGIN_TYPE);
	mysql_close(mysql);
	if (socket_plugin != NULL &&
		socket_plugin->interface_version != PVIO_PLUGIN_VERSION)
		socket_plugin = NULL;
	return socket_plugin != NULL;
}

bool
my_io_connect(MyIo *io, MYSQL *mysql, const char *name, const char *user, const char *password)
{
	MYSQL	   *opened;

	my_io_enter_phase(io, CONNHUB_PHASE_TCP);
	connecting = io;
	their_methods = socket_plugin->methods;
	socket_plugin->methods = &methods;
	opened = mysql_real_connect(mysql, name, user, password, NULL, io->port, NULL, CLIENT_FOUND_ROWS);
	restore_methods();
	return opened != NULL;
}

bool
my_io_has_input(MyIo *io)
{
	MARIADB_PVIO *pvio = io->pvio;
	char		byte;

	if (pvio == NULL || io->fd < 0)
		return true;
	if (pvio->cache != NULL && pvio->cache + pvio->cache_size > pvio->cache_pos)
		return true;
	if (pvio->ctls != NULL && my_tls_has_input(pvio->ctls->ssl))
		return true;
	return recv(io->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
		(errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

bool
my_io_is_stale(MyIo *io)
{
	char		byte;

	if (io->pvio == NULL || io->fd < 0 || io->status != CONNHUB_OK)
		return true;
	if (io->pvio->ctls != NULL)
		return my_tls_is_stale(io->pvio->ctls->ssl);
	return recv(io->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
		(errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}
