/* conn/tunnel_link.c — a socket to the first machine on the way, and through a proxy if there is one.
 *
 * Runs in a tunnel's thread and never waits. */
#include "postgres.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/error.h"
#include "conn/tunnel_link.h"

#define KEEPALIVE_TRIES 3

int64_t
ch_link_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
ch_link_begin(ChLink *link, const ChTunnelPlan *plan)
{
	memset(link, 0, sizeof(*link));
	link->plan = plan;
	link->fd = -1;
	link->address = -1;
	link->address_until_ms = PG_INT64_MAX;
	link->address_ms = plan->timeout_ms > 0 ? plan->timeout_ms / plan->addresses.count : 0;
}

void
ch_link_end(ChLink *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	explicit_bzero(&link->talk, sizeof(link->talk));
}

short
ch_link_events(const ChLink *link)
{
	if (!link->is_connected || link->talk.sent < link->talk.nout)
		return POLLOUT;
	return POLLIN;
}

static const char *
first_name(const ChTunnelPlan *plan, uint16_t *port)
{
	*port = plan->port;
	return plan->proxy.kind != CH_PROXY_NONE ? plan->proxy.host : plan->ssh_host;
}

static ConnhubStatus
unreachable(ChLink *link, int code, ConnhubError *error)
{
	char		reason[128];
	uint16_t	port;
	const char *name = first_name(link->plan, &port);

	ch_error_set(error, CONNHUB_TUNNEL, "could not reach %s \"%s\" port %u",
				 link->plan->proxy.kind != CH_PROXY_NONE ? "proxy" : "SSH server", name, port);
	snprintf(error->detail, sizeof(error->detail), "Address %s: %s.", link->plan->addresses.text[link->address],
			 strerror_r(code, reason, sizeof(reason)));
	strlcpy(error->hint, link->plan->proxy.kind != CH_PROXY_NONE ?
			"Check proxy_url, that the proxy runs, and firewalls between." :
			"Check ssh_host and ssh_port, that the SSH server runs, and firewalls between.", sizeof(error->hint));
	error->native_code = code;
	error->retryable = true;
	return CONNHUB_TUNNEL;
}

/* Have the system notice a peer that is gone without a word, whether it is to send or to answer. */
static void
keep_alive(int fd, int seconds)
{
	int			on = 1;
	int			tries = KEEPALIVE_TRIES;
	int			most_ms = seconds * (KEEPALIVE_TRIES + 1) * 1000;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (seconds <= 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof(seconds));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof(tries));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &most_ms, sizeof(most_ms));
}

static bool
socket_address(const char *text, uint16_t port, struct sockaddr_storage *to, socklen_t *length)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *) to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) to;
	char		plain[CH_ADDRESS_BYTES];

	memset(to, 0, sizeof(*to));
	strlcpy(plain, text, sizeof(plain));
	plain[strcspn(plain, "%")] = '\0';
	if (inet_pton(AF_INET, plain, &v4->sin_addr) == 1)
	{
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*length = sizeof(*v4);
		return true;
	}
	if (inet_pton(AF_INET6, plain, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	if (strchr(text, '%') != NULL)
		v6->sin6_scope_id = if_nametoindex(strchr(text, '%') + 1);
	*length = sizeof(*v6);
	return true;
}

/* Begin with the next address: 0 or what is wrong with it. */
static int
try_address(ChLink *link)
{
	struct sockaddr_storage to;
	socklen_t	length;

	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	link->address++;
	link->address_until_ms = link->address_ms > 0 && link->address + 1 < link->plan->addresses.count ?
		ch_link_now_ms() + link->address_ms : PG_INT64_MAX;
	if (!socket_address(link->plan->addresses.text[link->address], link->plan->port, &to, &length))
		return EAFNOSUPPORT;
	link->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (link->fd < 0)
		return errno;
	keep_alive(link->fd, link->plan->keepalive_s);
	if (connect(link->fd, (struct sockaddr *) &to, length) != 0 && errno != EINPROGRESS)
		return errno;
	return 0;
}

/* Has the connect that was begun come to an end?  EINPROGRESS: not yet. */
static int
connect_result(ChLink *link)
{
	struct pollfd ready = {.fd = link->fd,.events = POLLOUT};
	int			code = 0;
	socklen_t	length = sizeof(code);

	if (poll(&ready, 1, 0) <= 0)
		return ch_link_now_ms() < link->address_until_ms ? EINPROGRESS : ETIMEDOUT;
	if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &code, &length) != 0)
		return errno;
	return code;
}

static ConnhubStatus
connect_step(ChLink *link, ConnhubError *error)
{
	int			code = link->address < 0 ? EAGAIN : connect_result(link);

	while (code != 0)
	{
		if (code == EINPROGRESS)
			return CONNHUB_WAIT;
		if (link->address + 1 >= link->plan->addresses.count)
			return unreachable(link, code, error);
		code = try_address(link);
		if (code == 0)
			code = connect_result(link);
	}
	link->is_connected = true;
	link->address_until_ms = PG_INT64_MAX;
	return CONNHUB_OK;
}

/* The proxy is asked for the SSH server if there is one, else for the source. */
static ConnhubStatus
talk_begin(ChLink *link, ConnhubError *error)
{
	const ChTunnelPlan *plan = link->plan;
	bool		to_ssh = plan->ssh_host != NULL;

	if (ch_proxy_begin(&link->talk, plan->proxy.kind, to_ssh ? plan->ssh_host : plan->host,
					   to_ssh ? plan->ssh_port : plan->host_port, plan->proxy_username, plan->proxy_password))
		return CONNHUB_OK;
	ch_error_set(error, CONNHUB_CONFIG, "proxy_username or proxy_password cannot be told to this kind of proxy");
	strlcpy(error->hint, "They may be too long, or the user of an HTTP proxy holds a colon.", sizeof(error->hint));
	return CONNHUB_CONFIG;
}

static ConnhubStatus
talk_lost(ChLink *link, int code, ConnhubError *error)
{
	char		reason[128];

	ch_error_set(error, CONNHUB_TUNNEL, "proxy \"%s\" ended the connection", link->plan->proxy.host);
	snprintf(error->detail, sizeof(error->detail), "It was %s.", code == 0 ? "closed" :
			 strerror_r(code, reason, sizeof(reason)));
	strlcpy(error->hint, "Check that proxy_url names a proxy of that kind.", sizeof(error->hint));
	error->native_code = code;
	error->retryable = true;
	return CONNHUB_TUNNEL;
}

/* What lies behind the proxy's last reply stays in the socket: it is looked at first, and then taken as far as it is the
 * proxy's. */
static ConnhubStatus
talk_step(ChLink *link, ConnhubError *error)
{
	ChProxyTalk *talk = &link->talk;
	unsigned char data[1024];

	for (;;)
	{
		ssize_t		n;
		size_t		used;
		ChProxyResult result;

		if (talk->sent < talk->nout)
		{
			n = send(link->fd, talk->out + talk->sent, talk->nout - talk->sent, MSG_NOSIGNAL);
			if (n > 0)
				talk->sent += n;
			else if (errno != EINTR)
				return errno == EAGAIN ? CONNHUB_WAIT : talk_lost(link, errno, error);
			continue;
		}
		n = recv(link->fd, data, sizeof(data), MSG_PEEK);
		if (n < 0 && errno == EAGAIN)
			return CONNHUB_WAIT;
		if (n <= 0)
			return talk_lost(link, n == 0 ? 0 : errno, error);
		result = ch_proxy_take(talk, data, n, &used, error);
		if (recv(link->fd, data, used, 0) != (ssize_t) used)
			return talk_lost(link, errno, error);
		if (result != CH_PROXY_MORE)
			return result == CH_PROXY_DONE ? CONNHUB_OK : error->status;
	}
}

ConnhubStatus
ch_link_step(ChLink *link, ConnhubError *error)
{
	if (!link->is_connected)
	{
		ConnhubStatus status = connect_step(link, error);

		if (status == CONNHUB_OK && link->plan->proxy.kind != CH_PROXY_NONE)
			status = talk_begin(link, error);
		if (status != CONNHUB_OK)
			return status;
	}
	return link->plan->proxy.kind == CH_PROXY_NONE ? CONNHUB_OK : talk_step(link, error);
}
