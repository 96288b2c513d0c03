/* common/offload.c — run a call that can neither be interrupted nor bounded in a thread of its own.
 *
 * The thread has every signal blocked and touches nothing of the server.  What it runs is a malloc'ed Job of
 * its own; the other side holds one end of a pipe.  A thread may still run when the process ends: exit(3) would
 * then tear down libraries under its feet, so the process waits for it for a moment and otherwise leaves
 * by _exit(2), after the server's own exit callbacks are through. */
#include "postgres.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "miscadmin.h"

#include "common/clock.h"
#include "common/offload.h"
#include "common/wait.h"

#define EXIT_WAIT_MS 100
#define THREAD_STACK_BYTES (512 * 1024)

typedef struct Job
{
	void		(*fn) (void *arg);
	void	   *arg;
	int			end;			/* of a pipe: the thread closes it, and end of file is the signal */
} Job;

static int	running = 0;		/* threads; atomic */
static int	exit_registered_pid = 0;

static void offload_leave(int status, void *arg);
static void *offload_main(void *arg);
static bool thread_start(Job *job);

/* on_exit handlers run last in, first out: OpenSSL registers its own first, so that ours comes before
 * it. */
static void
register_exit(void)
{
	if (exit_registered_pid == MyProcPid)
		return;
	exit_registered_pid = MyProcPid;
	OPENSSL_init_crypto(0, NULL);
	on_exit(offload_leave, NULL);
}

int
ch_offload_begin(void (*fn) (void *arg), void *arg)
{
	Job		   *job = malloc(sizeof(Job));
	int			fds[2];

	if (job == NULL)
		return -1;
	if (pipe2(fds, O_CLOEXEC) != 0)
	{
		free(job);
		return -1;
	}
	job->fn = fn;
	job->arg = arg;
	job->end = fds[1];
	register_exit();
	if (thread_start(job))
		return fds[0];
	close(fds[0]);
	close(fds[1]);
	free(job);
	return -1;
}

ConnhubStatus
ch_offload(void (*fn) (void *arg), void *arg, int64 wait_ms)
{
	int			fd = ch_offload_begin(fn, arg);
	ConnhubStatus status;

	if (fd < 0)
		return CONNHUB_NO_MEMORY;
	status = ch_wait(fd, CONNHUB_READABLE, wait_ms);
	close(fd);
	return status == CONNHUB_NO_MEMORY ? CONNHUB_TIMEOUT : status;
}

int
ch_offload_running(void)
{
	return __atomic_load_n(&running, __ATOMIC_ACQUIRE);
}

bool
ch_offload_start(void (*fn) (void *arg), void *arg)
{
	int			fd = ch_offload_begin(fn, arg);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* Threads inherit the signal mask of their creator. */
static bool
thread_start(Job *job)
{
	pthread_attr_t attr;
	pthread_t	thread;
	sigset_t	all;
	sigset_t	saved;
	int			rc;

	if (pthread_attr_init(&attr) != 0)
		return false;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	__atomic_add_fetch(&running, 1, __ATOMIC_ACQ_REL);
	rc = pthread_create(&thread, &attr, offload_main, job);
	if (rc != 0)
		__atomic_sub_fetch(&running, 1, __ATOMIC_ACQ_REL);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	pthread_attr_destroy(&attr);
	return rc == 0;
}

static void *
offload_main(void *arg)
{
	Job		   *job = arg;

	job->fn(job->arg);
	close(job->end);
	free(job);
	__atomic_sub_fetch(&running, 1, __ATOMIC_ACQ_REL);
	return NULL;
}

static void
offload_leave(int status, void *arg)
{
	int64		until = ch_clock->now_ms() + EXIT_WAIT_MS;

	if (exit_registered_pid != MyProcPid)
		return;
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE) > 0)
	{
		if (ch_clock->now_ms() >= until)
			_exit(status);
		pg_usleep(1000);
	}
}
