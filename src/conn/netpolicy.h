/* conn/netpolicy.h — where a connector may point. */
#ifndef CH_CONN_NETPOLICY_H
#define CH_CONN_NETPOLICY_H

#include "nodes/pg_list.h"

#include "conn/resolve.h"

/* Is the host a local socket rather than a name: empty, or a path? */
extern bool ch_host_is_socket(const char *host);

/* May a connector of `user` point anywhere? */
extern bool ch_netpolicy_is_unrestricted(Oid user);

/* May `user` use a local socket in this folder? */
extern ConnhubStatus ch_netpolicy_socket(Oid user, const char *host, ConnhubError *error);

/* Keep of the resolved addresses those that are open to whoever is restricted; fail when none remains.  Needs no
 * transaction. */
extern ConnhubStatus ch_netpolicy_addresses(const char *host, ChAddresses *addresses, ConnhubError *error);

/* What a user may connect to, found out beforehand, in the current memory context: for sockets opened where the catalogue
 * cannot be asked.  ch_netpolicy_vet is a ChHttpVet whose argument is a ChNetPolicy. */
typedef struct ChNetPolicy
{
	bool		everything;
	List	   *allowed;		/* items of connhub.allowed_networks */
} ChNetPolicy;

extern ChNetPolicy *ch_netpolicy_load(Oid user);
extern bool ch_netpolicy_vet(void *policy, const char *address, ConnhubError *error);

#endif
