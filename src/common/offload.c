/* common/offload.c — run a call that can neither be interrupted nor bounded in a thread of its own.
 *
 * The thread has every signal blocked and touches nothing of the server.  What both sides share is one
 * malloc'ed Job with two references.  A thread may still run when the process ends: exit(3) would
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
	int			pipe[2];		/* the thread closes pipe[1]: end of file is the signal */
	int			references;
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

static void
job_release(Job *job)
{
	if (__atomic_sub_fetch(&job->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	close(job->pipe[0]);
	free(job);
}

/* A running job of which the caller has one reference, or NULL. */
static Job *
job_start(void (*fn) (void *arg), void *arg)
{
	Job		   *job = malloc(sizeof(Job));

	if (job == NULL)
		return NULL;
	job->fn = fn;
	job->arg = arg;
	job->references = 2;
	if (pipe2(job->pipe, O_CLOEXEC) != 0)
	{
		free(job);
		return NULL;
	}
	register_exit();
	if (!thread_start(job))
	{
		close(job->pipe[0]);
		close(job->pipe[1]);
		free(job);
		return NULL;
	}
	return job;
}

ConnhubStatus
ch_offload(void (*fn) (void *arg), void *arg, int64 wait_ms)
{
	Job		   *job = job_start(fn, arg);
	ConnhubStatus status;

	if (job == NULL)
		return CONNHUB_NO_MEMORY;
	status = ch_wait(job->pipe[0], CONNHUB_READABLE, wait_ms);
	job_release(job);
	return status == CONNHUB_NO_MEMORY ? CONNHUB_TIMEOUT : status;
}

bool
ch_offload_start(void (*fn) (void *arg), void *arg)
{
	Job		   *job = job_start(fn, arg);

	if (job == NULL)
		return false;
	job_release(job);
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
	close(job->pipe[1]);
	job_release(job);
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
