/* conn/netpolicy.h — where a connector may point. */
#ifndef CH_CONN_NETPOLICY_H
#define CH_CONN_NETPOLICY_H

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

#endif
