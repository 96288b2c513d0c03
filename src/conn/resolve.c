/* conn/resolve.c — host name → numeric addresses.
 *
 * getaddrinfo can neither be interrupted nor bounded, so it runs in a thread that may outlive its caller.
 * What both share is one malloc'ed Lookup with two references.  The driver gets the result and never the
 * name, so a second look-up cannot give another answer than the one that was vetted. */
#include "postgres.h"

#include <netdb.h>
#include <sys/socket.h>

#include "common/cidr.h"
#include "common/error.h"
#include "common/offload.h"
#include "conn/resolve.h"

#define MAX_HOST 255

typedef struct Lookup
{
	int			references;		/* atomic */
	int			rc;				/* EAI_… */
	char		host[MAX_HOST + 1];
	ChAddresses addresses;
} Lookup;

static void
lookup_release(Lookup *lookup)
{
	if (__atomic_sub_fetch(&lookup->references, 1, __ATOMIC_ACQ_REL) == 0)
		free(lookup);
}

/* In the thread. */
static void
lookup_run(void *arg)
{
	Lookup	   *lookup = arg;
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

ConnhubStatus
ch_resolve(const char *host, ChAddresses *addresses, ConnhubError *error)
{
	ChAddress	numeric;
	Lookup	   *lookup;
	ConnhubStatus status;

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

	lookup = calloc(1, sizeof(Lookup));
	if (lookup == NULL)
	{
		ch_error_set(error, CONNHUB_NO_MEMORY, "out of memory");
		return error->status;
	}
	lookup->references = 2;
	strlcpy(lookup->host, host, sizeof(lookup->host));
	status = ch_offload(lookup_run, lookup, -1);
	if (status == CONNHUB_NO_MEMORY)
	{
		free(lookup);
		ch_error_set(error, CONNHUB_NO_MEMORY, "could not start a thread to look up host \"%s\"", host);
		return status;
	}
	if (status != CONNHUB_OK)
		ch_error_set(error, status, "looking up host \"%s\" took too long", host);
	else if (lookup->rc != 0 || lookup->addresses.count == 0)
	{
		int			rc = lookup->rc != 0 ? lookup->rc : EAI_NONAME;

		status = rc == EAI_MEMORY ? CONNHUB_NO_MEMORY : CONNHUB_DNS;
		ch_error_set(error, status, "could not look up host \"%s\": %s", host, gai_strerror(rc));
		error->native_code = rc;
		error->retryable = rc == EAI_AGAIN;
	}
	else
		*addresses = lookup->addresses;
	lookup_release(lookup);
	return status;
}
