/* conn/tunnel_pump.c — the thread of a tunnel: local connections on one side, the way to the source on the other.
 *
 * Nothing of the server is called here but what only computes.  The first way is opened before the driver connects, so that
 * what is wrong with it is known; each further connection, as for a cancel request, gets a way of its own
 * (a channel of the SSH session, or another connection through the proxy).
 *
 * The listener is open to every user of this machine, so a connection is kept only if its other end is a socket of this very
 * process, and only while a driver runs.  The listener stays bound as long as the tunnel exists, even when the far side is dead:
 * nobody else can take the port that a driver may still connect to.
 *
 * A far end that ends its stream in order is passed on as such; anything else resets the local connection, so that no driver
 * takes a broken tunnel for the end of an answer. */
#include "postgres.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/error.h"
#include "conn/tunnel_link.h"
#include "conn/tunnel_pump.h"
#include "conn/tunnel_ssh.h"

#define MAX_WAYS 8
#define BUFFER_BYTES 65536
#define POLL_MOST_MS 1000

/* So long what the driver sent last may take after it has closed. */
#define DRAIN_MS 1000

typedef struct Bucket
{
	size_t		begin;
	size_t		end;
	char		data[BUFFER_BYTES];
} Bucket;

typedef enum WayState
{
	WAY_FREE = 0,
	WAY_LINKING,				/* through the proxy */
	WAY_CHANNEL,				/* a channel is being opened */
	WAY_OPEN
} WayState;

/* One local connection and its way to the source. */
typedef struct Way
{
	WayState	state;
	int			local;			/* -1: the driver has not connected yet, or has gone */
	bool		was_local;
	ChLink		link;			/* without SSH */
	ChSshChannel *channel;
	int64_t		until_ms;		/* to be open */
	bool		local_ended;	/* sends no more */
	bool		far_ended;
	bool		told_far;		/* of the end of the local side */
	bool		told_local;
	Bucket		out;			/* to the far end */
	Bucket		in;
} Way;

typedef struct Run
{
	ChPump	   *pump;
	ChTunnelPlan *plan;
	ChLink		link;			/* to the SSH server, until the session has it */
	ChSsh	   *ssh;
	bool		is_ready;		/* ways can be opened */
	bool		is_dead;		/* no way leads to the source any more */
	bool		is_stopping;
	bool		has_progress;	/* something was moved in this turn */
	int64_t		until_ms;		/* to be ready, or to be through once it is stopping */
	Way		   *ways[MAX_WAYS];
} Run;

static void run_turn(Run *run);
static void session_step(Run *run);
static void way_step(Run *run, Way *way);
static void way_move(Run *run, Way *way);
static void way_end(Run *run, Way *way, bool in_order);
static void accept_local(Run *run);
static void wait_for_events(Run *run);

/* ---- Shared ------------------------------------------------------------------------------ */

static int
listen_local(uint16_t *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t	length = sizeof(address);
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *) &address, length) != 0 || listen(fd, MAX_WAYS) != 0 ||
		getsockname(fd, (struct sockaddr *) &address, &length) != 0)
	{
		close(fd);
		return -1;
	}
	*port = ntohs(address.sin_port);
	return fd;
}

ChPump *
ch_pump_create(ChTunnelPlan *plan, const int *drivers_running)
{
	ChPump	   *pump = calloc(1, sizeof(ChPump));

	if (pump == NULL)
		return NULL;
	pump->references = 2;
	pump->is_opening = 1;
	pump->drivers_running = drivers_running;
	pump->listener = listen_local(&pump->port);
	pump->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pump->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pump->listener < 0 || pump->ready_fd < 0 || pump->stop_fd < 0)
	{
		pump->references = 1;
		ch_pump_release(pump);
		return NULL;
	}
	pump->plan = plan;
	return pump;
}

void
ch_pump_release(ChPump *pump)
{
	int			fds[] = {pump->listener, pump->ready_fd, pump->stop_fd};

	if (__atomic_sub_fetch(&pump->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (int i = 0; i < lengthof(fds); i++)
	{
		if (fds[i] >= 0)
			close(fds[i]);
	}
	ch_tunnel_plan_free(pump->plan);
	free(pump);
}

/* ---- The thread -------------------------------------------------------------------------- */

static void
announce(Run *run, ChPumpState state)
{
	uint64_t	one = 1;

	if (__atomic_load_n(&run->pump->state, __ATOMIC_RELAXED) != CH_PUMP_OPENING)
		return;
	ch_tunnel_plan_wipe_ssh(run->plan);
	__atomic_store_n(&run->pump->state, state, __ATOMIC_RELEASE);
	(void) !write(run->pump->ready_fd, &one, sizeof(one));
}

static Way *
way_begin(Run *run)
{
	for (int i = 0; i < MAX_WAYS; i++)
	{
		Way		   *way = run->ways[i];

		if (way != NULL)
			continue;
		way = calloc(1, sizeof(Way));
		if (way == NULL)
			return NULL;
		way->local = -1;
		way->state = run->plan->ssh_host != NULL ? WAY_CHANNEL : WAY_LINKING;
		way->until_ms = run->plan->timeout_ms > 0 ? ch_link_now_ms() + run->plan->timeout_ms : PG_INT64_MAX;
		ch_link_begin(&way->link, run->plan);
		run->ways[i] = way;
		return way;
	}
	return NULL;
}

void
ch_pump_run(void *arg)
{
	ChPump	   *pump = arg;
	Run			run = {.pump = pump,.plan = pump->plan,.until_ms = PG_INT64_MAX};

	if (run.plan->timeout_ms > 0)
		run.until_ms = ch_link_now_ms() + run.plan->timeout_ms;
	ch_link_begin(&run.link, run.plan);
	run.is_ready = run.plan->ssh_host == NULL;
	if (way_begin(&run) == NULL)
	{
		ch_error_set(&pump->error, CONNHUB_NO_MEMORY, "out of memory");
		announce(&run, CH_PUMP_FAILED);
	}
	while (__atomic_load_n(&pump->state, __ATOMIC_RELAXED) != CH_PUMP_FAILED)
	{
		bool		has_ways = false;

		run_turn(&run);
		for (int i = 0; i < MAX_WAYS; i++)
			has_ways = has_ways || (run.ways[i] != NULL && run.ways[i]->was_local);
		if (run.is_stopping && (!has_ways || ch_link_now_ms() >= run.until_ms))
			break;
		wait_for_events(&run);
	}
	for (int i = 0; i < MAX_WAYS; i++)
		way_end(&run, run.ways[i], false);
	ch_ssh_end(run.ssh);
	ch_link_end(&run.link);
	ch_pump_release(pump);
}

static void
run_turn(Run *run)
{
	uint64_t	value;

	run->has_progress = false;
	if (!run->is_stopping && read(run->pump->stop_fd, &value, sizeof(value)) > 0)
	{
		run->is_stopping = true;
		run->until_ms = ch_link_now_ms() + DRAIN_MS;
	}
	session_step(run);
	accept_local(run);
	for (int i = 0; i < MAX_WAYS; i++)
	{
		if (run->ways[i] != NULL)
			way_step(run, run->ways[i]);
	}
}

/* The error of the first way is the tunnel's; later it only ends what hangs on it. */
static void
die(Run *run)
{
	run->is_dead = true;
	announce(run, CH_PUMP_FAILED);
	for (int i = 0; i < MAX_WAYS; i++)
		way_end(run, run->ways[i], false);
	ch_ssh_end(run->ssh);
	run->ssh = NULL;
	ch_link_end(&run->link);
}

static void
too_slow(const ChTunnelPlan *plan, ConnhubError *error)
{
	ch_error_set(error, CONNHUB_TUNNEL, "the tunnel was not open within %lld ms", (long long) plan->timeout_ms);
	strlcpy(error->hint, "Check that the SSH server or proxy answers; raise tunnel_timeout if it is merely slow.",
			sizeof(error->hint));
	error->retryable = true;
}

/* The SSH session, from the first packet to the last. */
static void
session_step(Run *run)
{
	ConnhubError *error = &run->pump->error;
	ConnhubStatus status = CONNHUB_OK;

	if (run->plan->ssh_host == NULL || run->is_dead)
		return;
	if (run->is_ready)
	{
		if (ch_ssh_serve(run->ssh))
			return;
		/* Before the first way is open somebody waits for it. */
		if (__atomic_load_n(&run->pump->state, __ATOMIC_RELAXED) == CH_PUMP_OPENING)
			ch_ssh_lost(run->ssh, error);
		die(run);
		return;
	}
	if (ch_link_now_ms() >= run->until_ms)
	{
		too_slow(run->plan, error);
		die(run);
		return;
	}
	if (run->ssh == NULL)
	{
		status = ch_link_step(&run->link, error);
		if (status == CONNHUB_OK)
		{
			run->ssh = ch_ssh_begin(run->plan, run->link.fd, error);
			run->link.fd = -1;
			status = run->ssh != NULL ? CONNHUB_OK : error->status;
		}
	}
	if (status == CONNHUB_OK)
		status = ch_ssh_step(run->ssh, error);
	if (status == CONNHUB_OK)
		run->is_ready = run->has_progress = true;
	else if (status != CONNHUB_WAIT)
		die(run);
}

/* ---- Ways -------------------------------------------------------------------------------- */

static void
way_failed(Run *run, Way *way)
{
	if (__atomic_load_n(&run->pump->state, __ATOMIC_RELAXED) == CH_PUMP_OPENING)
		die(run);
	else
		way_end(run, way, false);
}

static void
way_step(Run *run, Way *way)
{
	/* Only of the first way does the backend want to know. */
	ConnhubError scratch;
	bool		is_first = __atomic_load_n(&run->pump->state, __ATOMIC_RELAXED) == CH_PUMP_OPENING;
	ConnhubError *error = is_first ? &run->pump->error : &scratch;
	ConnhubStatus status = CONNHUB_WAIT;

	if (way->state == WAY_OPEN)
	{
		way_move(run, way);
		return;
	}
	if (!run->is_ready)
		return;
	memset(error, 0, sizeof(*error));
	if (way->state == WAY_LINKING)
		status = ch_link_step(&way->link, error);
	else
		status = ch_ssh_open(run->ssh, &way->channel, error);
	if (status == CONNHUB_WAIT && ch_link_now_ms() >= way->until_ms)
	{
		too_slow(run->plan, error);
		status = error->status;
	}
	if (status == CONNHUB_OK)
	{
		way->state = WAY_OPEN;
		run->has_progress = true;
		announce(run, CH_PUMP_OPEN);
	}
	else if (status != CONNHUB_WAIT)
		way_failed(run, way);
}

/* Not in order: reset, so that it is an error to the driver. */
static void
way_end(Run *run, Way *way, bool in_order)
{
	struct linger reset = {.l_onoff = 1,.l_linger = 0};

	if (way == NULL)
		return;
	if (way->local >= 0)
	{
		if (!in_order)
			setsockopt(way->local, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(way->local);
	}
	ch_ssh_close(way->channel);
	ch_link_end(&way->link);
	for (int i = 0; i < MAX_WAYS; i++)
	{
		if (run->ways[i] == way)
			run->ways[i] = NULL;
	}
	/* Rows and passwords have passed through its buffers. */
	explicit_bzero(way, sizeof(*way));
	free(way);
}

static ssize_t
far_read(Way *way, void *data, size_t size)
{
	return way->channel != NULL ? ch_ssh_read(way->channel, data, size) : recv(way->link.fd, data, size, 0);
}

static ssize_t
far_write(Way *way, const void *data, size_t size)
{
	return way->channel != NULL ? ch_ssh_write(way->channel, data, size) : send(way->link.fd, data, size, MSG_NOSIGNAL);
}

static bool
far_send_end(Way *way)
{
	return way->channel != NULL ? ch_ssh_send_eof(way->channel) : shutdown(way->link.fd, SHUT_WR) == 0;
}

static ssize_t
local_read(Way *way, void *data, size_t size)
{
	return recv(way->local, data, size, 0);
}

static ssize_t
local_write(Way *way, const void *data, size_t size)
{
	return send(way->local, data, size, MSG_NOSIGNAL);
}

static bool
local_send_end(Way *way)
{
	return shutdown(way->local, SHUT_WR) == 0;
}

/* One direction.  A buffer is filled only when it is empty, so that a side that does not read stops the other. */
static bool
move(Run *run, Way *way, Bucket *buffer, ssize_t (*read_from) (Way *, void *, size_t),
	 ssize_t (*write_to) (Way *, const void *, size_t), bool *ended)
{
	ssize_t		n;

	if (buffer->begin == buffer->end && !*ended && read_from != NULL)
	{
		n = read_from(way, buffer->data, sizeof(buffer->data));
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		*ended = n == 0;
		buffer->begin = 0;
		buffer->end = n > 0 ? n : 0;
		run->has_progress = run->has_progress || n >= 0;
	}
	if (buffer->begin < buffer->end && write_to != NULL)
	{
		n = write_to(way, buffer->data + buffer->begin, buffer->end - buffer->begin);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n > 0)
		{
			buffer->begin += n;
			run->has_progress = true;
		}
	}
	return true;
}

/* Pass on the end of one side once all before it is delivered. */
static bool
pass_end(Way *way, const Bucket *buffer, bool ended, bool *told, bool (*send_end) (Way *))
{
	if (!ended || *told || buffer->begin < buffer->end)
		return true;
	*told = true;
	return send_end(way);
}

/* A driver that has sent its end is looked at: when it is gone altogether, only what it sent is still to be delivered. */
static void
notice_gone(Way *way)
{
	struct pollfd look = {.fd = way->local};

	if (way->local < 0 || !way->local_ended || poll(&look, 1, 0) <= 0)
		return;
	close(way->local);
	way->local = -1;
	way->told_local = true;
}

static void
way_move(Run *run, Way *way)
{
	bool		has_local;

	notice_gone(way);
	has_local = way->local >= 0;

	if (!move(run, way, &way->out, has_local ? local_read : NULL, far_write, &way->local_ended) ||
		!move(run, way, &way->in, far_read, has_local ? local_write : NULL, &way->far_ended) ||
		!pass_end(way, &way->out, way->local_ended, &way->told_far, far_send_end) ||
		(has_local && !pass_end(way, &way->in, way->far_ended, &way->told_local, local_send_end)))
	{
		way_end(run, way, false);
		return;
	}
	if (way->told_far && way->told_local)
		way_end(run, way, true);
}

/* ---- The local side ---------------------------------------------------------------------- */

static bool
same_address(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
	return a->sin_family == AF_INET && b->sin_family == AF_INET && a->sin_port == b->sin_port &&
		a->sin_addr.s_addr == b->sin_addr.s_addr;
}

/* Does a socket of this process lead from there to the listener? */
static bool
is_ours(const struct sockaddr_in *peer, uint16_t port)
{
	struct sockaddr_in listener = {.sin_family = AF_INET,.sin_port = htons(port),.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	DIR		   *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	bool		found = false;

	while (dir != NULL && !found && (entry = readdir(dir)) != NULL)
	{
		struct sockaddr_in here;
		struct sockaddr_in there;
		socklen_t	nhere = sizeof(here);
		socklen_t	nthere = sizeof(there);
		int			fd = atoi(entry->d_name);

		memset(&here, 0, sizeof(here));
		memset(&there, 0, sizeof(there));
		found = entry->d_name[0] != '.' && getsockname(fd, (struct sockaddr *) &here, &nhere) == 0 &&
			same_address(&here, peer) && getpeername(fd, (struct sockaddr *) &there, &nthere) == 0 &&
			same_address(&there, &listener);
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

/* Who connects while no driver runs is other code of this process. */
static bool
is_welcome(Run *run, const struct sockaddr_in *peer)
{
	ChPump	   *pump = run->pump;

	return !run->is_dead && !run->is_stopping && __atomic_load_n(&pump->state, __ATOMIC_RELAXED) == CH_PUMP_OPEN &&
		(__atomic_load_n(&pump->is_opening, __ATOMIC_ACQUIRE) != 0 ||
		 __atomic_load_n(pump->drivers_running, __ATOMIC_ACQUIRE) > 0) &&
		is_ours(peer, pump->port);
}

/* The way that was opened ahead, or a new one. */
static Way *
way_for_local(Run *run)
{
	for (int i = 0; i < MAX_WAYS; i++)
	{
		if (run->ways[i] != NULL && !run->ways[i]->was_local)
			return run->ways[i];
	}
	return way_begin(run);
}

static void
accept_local(Run *run)
{
	struct sockaddr_in peer;
	socklen_t	length = sizeof(peer);
	int			on = 1;
	int			fd;

	while ((fd = accept4(run->pump->listener, (struct sockaddr *) &peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
	{
		Way		   *way = is_welcome(run, &peer) ? way_for_local(run) : NULL;

		length = sizeof(peer);
		if (way == NULL)
		{
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		way->local = fd;
		way->was_local = true;
		run->has_progress = true;
	}
}

/* ---- Waiting ----------------------------------------------------------------------------- */

/* What is waited for without events would report an error again and again. */
static void
watch(struct pollfd *fds, int *nfds, int fd, short events)
{
	if (fd < 0 || events == 0)
		return;
	fds[*nfds].fd = fd;
	fds[(*nfds)++].events = events;
}

static void
watch_way(Run *run, Way *way, struct pollfd *fds, int *nfds, int64_t *until_ms)
{
	bool		out_empty = way->out.begin == way->out.end;
	bool		in_empty = way->in.begin == way->in.end;
	short		events = 0;

	if (way->state != WAY_OPEN)
	{
		*until_ms = Min(*until_ms, Min(way->until_ms, way->link.address_until_ms));
		watch(fds, nfds, way->link.fd, ch_link_events(&way->link));
		return;
	}
	/* A side that has nothing to say or hear any more would report its end again and again. */
	if (way->channel == NULL && !(way->far_ended && way->told_far))
	{
		events = (in_empty && !way->far_ended ? POLLIN : 0) | (!out_empty ? POLLOUT : 0);
		watch(fds, nfds, way->link.fd, events);
	}
	if (!(way->local_ended && way->told_local))
	{
		events = (out_empty && !way->local_ended ? POLLIN : 0) | (!in_empty ? POLLOUT : 0);
		watch(fds, nfds, way->local, events);
	}
}

static void
wait_for_events(Run *run)
{
	struct pollfd fds[3 + 2 * MAX_WAYS];
	int			nfds = 0;
	int64_t		now = ch_link_now_ms();
	int64_t		until_ms = now + POLL_MOST_MS;

	if (run->has_progress)
		return;
	if (!run->is_stopping)
		watch(fds, &nfds, run->pump->stop_fd, POLLIN);
	watch(fds, &nfds, run->pump->listener, POLLIN);
	if (run->ssh != NULL)
		watch(fds, &nfds, ch_ssh_fd(run->ssh), ch_ssh_events(run->ssh));
	else if (run->plan->ssh_host != NULL && !run->is_dead)
	{
		until_ms = Min(until_ms, run->link.address_until_ms);
		watch(fds, &nfds, run->link.fd, ch_link_events(&run->link));
	}
	if (run->is_stopping || !run->is_ready)
		until_ms = Min(until_ms, run->until_ms);
	for (int i = 0; i < MAX_WAYS; i++)
	{
		if (run->ways[i] != NULL)
			watch_way(run, run->ways[i], fds, &nfds, &until_ms);
	}
	poll(fds, nfds, (int) Max(until_ms - now, 1));
}
