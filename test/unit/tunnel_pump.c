/* tunnel_pump.c — claim: a tunnel whose far end has gone passes the end on and then rests, however long the driver keeps its
 * own connection. */
#include "postgres.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "conn/tunnel_pump.h"
#include "tap.h"
#include "tunnel_parts.h"

#define PATIENCE_MS 10000
#define REST_MS 1000

static void
rest(int ms)
{
	poll(NULL, 0, ms);
}

static bool
is_readable(int fd)
{
	struct pollfd look = {.fd = fd,.events = POLLIN};

	return poll(&look, 1, PATIENCE_MS) == 1;
}

static int
listen_here(uint16_t *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t	length = sizeof(address);
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *) &address, length) != 0 || listen(fd, 1) != 0 ||
		getsockname(fd, (struct sockaddr *) &address, &length) != 0)
		return -1;
	*port = ntohs(address.sin_port);
	return fd;
}

static int
connect_to(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,.sin_port = htons(port),.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	return connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0 ? fd : -1;
}

static void *
run(void *pump)
{
	ch_pump_run(pump);
	return NULL;
}

/* A proxy that opens the way; its connection. */
static int
serve_socks(int listener)
{
	static const unsigned char done[] = {5, 0, 0, 1, 0, 0, 0, 0, 0, 0};
	char		heard[256];
	int			fd = is_readable(listener) ? accept(listener, NULL, NULL) : -1;

	ok(fd >= 0 && recv(fd, heard, 3, MSG_WAITALL) == 3 && send(fd, "\5\0", 2, 0) == 2, "the proxy is greeted");
	ok(recv(fd, heard, sizeof(heard), 0) > 0 && send(fd, done, sizeof(done), 0) == sizeof(done), "and opens the way");
	return fd;
}

static ChTunnelPlan *
plan_to(uint16_t port)
{
	ChTunnelPlan *plan = calloc(1, sizeof(ChTunnelPlan));

	plan->addresses.count = 1;
	strcpy(plan->addresses.text[0], "127.0.0.1");
	plan->port = port;
	plan->proxy.kind = CH_PROXY_SOCKS5;
	strcpy(plan->proxy.host, "127.0.0.1");
	plan->host = strdup("source");
	plan->host_port = 1;
	plan->timeout_ms = PATIENCE_MS;
	return plan;
}

static int64_t
cpu_ms(pthread_t thread)
{
	struct timespec used;
	clockid_t	clock;

	pthread_getcpuclockid(thread, &clock);
	clock_gettime(clock, &used);
	return (int64_t) used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

void
test_pump(void)
{
	const struct linger reset = {.l_onoff = 1,.l_linger = 0};
	const uint64_t one = 1;
	const int	drivers = 1;
	uint16_t	port = 0;
	int			listener = listen_here(&port);
	ChPump	   *pump = ch_pump_create(plan_to(port), &drivers);
	pthread_t	thread;
	char		byte;
	int			local;
	int			far;
	int64_t		before;

	pthread_create(&thread, NULL, run, pump);
	far = serve_socks(listener);
	ok(is_readable(pump->ready_fd) && __atomic_load_n(&pump->state, __ATOMIC_ACQUIRE) == CH_PUMP_OPEN, "the tunnel is open");
	local = connect_to(pump->port);
	ok(send(local, "a", 1, 0) == 1 && recv(far, &byte, 1, 0) == 1 && byte == 'a', "a byte gets there");
	ok(send(far, "b", 1, 0) == 1 && recv(local, &byte, 1, 0) == 1 && byte == 'b', "and one back");

	shutdown(far, SHUT_WR);
	ok(is_readable(local) && recv(local, &byte, 1, 0) == 0, "the end of the far side is passed on");
	setsockopt(far, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(far);
	rest(REST_MS / 10);
	before = cpu_ms(thread);
	rest(REST_MS);
	ok(cpu_ms(thread) - before < REST_MS / 20, "then the tunnel rests");

	close(local);
	ok(write(pump->stop_fd, &one, sizeof(one)) == sizeof(one) && pthread_join(thread, NULL) == 0, "it ends when it is told to");
	ch_pump_release(pump);
	close(listener);
}
