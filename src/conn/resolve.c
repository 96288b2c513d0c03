/* conn/resolve.c — host name → numeric addresses.
 *
 * getaddrinfo can neither be interrupted nor bounded, so it runs in a thread that may outlive its caller.
 * What both share is one malloc'ed ChLookup with two references.  The driver gets the result and never the
 * name, so a second look-up cannot give another answer than the one that was vetted. */
#include "postgres.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cidr.h"
#include "common/error.h"
#include "common/offload.h"
#include "common/wait.h"
#include "conn/resolve.h"

#define MAX_HOST 255

struct ChLookup
{
	int			references;		/* atomic */
	int			fd;				/* readable once the thread has ended */
	int			rc;				/* EAI_… */
	char		host[MAX_HOST + 1];
	ChAddresses addresses;
};

static void
lookup_release(ChLookup *lookup)
{
	if (__atomic_sub_fetch(&lookup->references, 1, __ATOMIC_ACQ_REL) == 0)
		free(lookup);
}

/* In the thread. */
static void
lookup_run(void *arg)
{
	ChLookup   *lookup = arg;
	ChAddresses *out = &lookup->addresses;
	struct addrinfo hints;
	struct addrinfo *list = NULL;

	memset(&hints, 0, sizeof(hints));
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	lookup->rc = getaddrinfo(lookup->host, NULL, &hints, &list);
	if (lookup->rc == 0)
	{
		for (struct addrinfo *ai = list; ai != NULL && out->count < CH_MAX_ADDRESSES; ai = ai->ai_next)
		{
			if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
				continue;
			if (getnameinfo(ai->ai_addr, ai->ai_addrlen, out->text[out->count], CH_ADDRESS_BYTES,
							NULL, 0, NI_NUMERICHOST) == 0)
				out->count++;
		}
		freeaddrinfo(list);
	}
	lookup_release(lookup);
}

static ConnhubStatus
lookup_failed(const char *host, int rc, ConnhubError *error)
{
	ch_error_set(error, rc == EAI_MEMORY ? CONNHUB_NO_MEMORY : CONNHUB_DNS, "could not look up host \"%s\": %s",
				 host, gai_strerror(rc));
	error->native_code = rc;
	error->retryable = rc == EAI_AGAIN;
	return error->status;
}

ConnhubStatus
ch_resolve_begin(const char *host, ChLookup **result, ChAddresses *addresses, ConnhubError *error)
{
	ChAddress	numeric;
	ChLookup   *lookup;

	*result = NULL;
	addresses->count = 0;
	if (ch_address_parse(host, &numeric))
	{
		strlcpy(addresses->text[0], host, CH_ADDRESS_BYTES);
		addresses->count = 1;
		return CONNHUB_OK;
	}
	if (strlen(host) > MAX_HOST)
	{
		ch_error_set(error, CONNHUB_CONFIG, "the host name is longer than %d bytes", MAX_HOST);
		return error->status;
	}
	lookup = calloc(1, sizeof(ChLookup));
	if (lookup == NULL)
	{
		ch_error_set(error, CONNHUB_NO_MEMORY, "out of memory");
		return error->status;
	}
	lookup->references = 2;
	strlcpy(lookup->host, host, sizeof(lookup->host));
	lookup->fd = ch_offload_begin(lookup_run, lookup);
	if (lookup->fd < 0)
	{
		free(lookup);
		ch_error_set(error, CONNHUB_NO_MEMORY, "could not start a thread to look up host \"%s\"", host);
		return error->status;
	}
	*result = lookup;
	return CONNHUB_WAIT;
}

int
ch_resolve_fd(const ChLookup *lookup)
{
	return lookup->fd;
}

void
ch_resolve_forget(ChLookup *lookup)
{
	close(lookup->fd);
	lookup_release(lookup);
}

ConnhubStatus
ch_resolve_end(ChLookup *lookup, ChAddresses *addresses, ConnhubError *error)
{
	ConnhubStatus status = CONNHUB_OK;

	if (lookup->rc != 0 || lookup->addresses.count == 0)
		status = lookup_failed(lookup->host, lookup->rc != 0 ? lookup->rc : EAI_NONAME, error);
	else
		*addresses = lookup->addresses;
	ch_resolve_forget(lookup);
	return status;
}

ConnhubStatus
ch_resolve(const char *host, ChAddresses *addresses, ConnhubError *error)
{
	ChLookup   *lookup;
	ConnhubStatus status = ch_resolve_begin(host, &lookup, addresses, error);

	if (status != CONNHUB_WAIT)
		return status;
	status = ch_wait(lookup->fd, CONNHUB_READABLE, -1);
	if (status == CONNHUB_OK)
		return ch_resolve_end(lookup, addresses, error);
	ch_resolve_forget(lookup);
	ch_error_set(error, status, "looking up host \"%s\" took too long", host);
	return status;
}
