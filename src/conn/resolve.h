/* conn/resolve.h — host name → numeric addresses. */
#ifndef CH_CONN_RESOLVE_H
#define CH_CONN_RESOLVE_H

#include "connhub/driver.h"

#define CH_MAX_ADDRESSES 16
#define CH_ADDRESS_BYTES 64

typedef struct ChAddresses
{
	int			count;
	char		text[CH_MAX_ADDRESSES][CH_ADDRESS_BYTES];	/* numeric, may have a %zone */
} ChAddresses;

/* Look the host up, interruptibly and within the running deadline.  A numeric one is taken as it is.
 * Does not throw. */
extern ConnhubStatus ch_resolve(const char *host, ChAddresses *addresses, ConnhubError *error);

/* The same without waiting.  begin: OK and *addresses is filled, WAIT and *lookup is to be waited for, or a failure.
 * Once its descriptor is readable, end tells the outcome and frees it; forget frees it at any time. */
typedef struct ChLookup ChLookup;

extern ConnhubStatus ch_resolve_begin(const char *host, ChLookup **lookup, ChAddresses *addresses, ConnhubError *error);
extern int	ch_resolve_fd(const ChLookup *lookup);
extern ConnhubStatus ch_resolve_end(ChLookup *lookup, ChAddresses *addresses, ConnhubError *error);
extern void ch_resolve_forget(ChLookup *lookup);

#endif
