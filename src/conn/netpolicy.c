/* conn/netpolicy.c — where a connector may point.
 *
 * Whoever is neither superuser nor member of connhub_admin must not reach services that trust this machine:
 * loopback, link-local, unspecified, multicast and broadcast addresses, and local sockets.  The
 * setting connhub.allowed_networks opens single ones to everybody.  Only resolved addresses are looked at,
 * so that it does not matter how a name or number was written. */
#include "postgres.h"

#include "utils/varlena.h"

#include "catalog/catalog.h"
#include "common/cidr.h"
#include "common/error.h"
#include "common/guc.h"
#include "conn/netpolicy.h"

static const struct
{
	const char *network;
	const char *kind;
}			forbidden[] = {
	{"0.0.0.0/8", "an unspecified"},
	{"127.0.0.0/8", "a loopback"},
	{"169.254.0.0/16", "a link-local"},
	{"224.0.0.0/4", "a multicast"},
	{"255.255.255.255/32", "a broadcast"},
	{"::/128", "an unspecified"},
	{"::1/128", "a loopback"},
	{"fe80::/10", "a link-local"},
	{"ff00::/8", "a multicast"},
};

static ConnhubStatus
refuse(ConnhubError *error)
{
	error->status = CONNHUB_PERMISSION;
	strlcpy(error->sqlstate, unpack_sql_state(ERRCODE_CH_NETWORK_POLICY), sizeof(error->sqlstate));
	strlcpy(error->hint, "Ask a superuser to add the network to connhub.allowed_networks, or a member of "
			"connhub_admin to create the connector.", sizeof(error->hint));
	return CONNHUB_PERMISSION;
}

bool
ch_host_is_socket(const char *host)
{
	return host == NULL || host[0] == '\0' || host[0] == '/' || host[0] == '@';
}

static List *
allowed_networks(void)
{
	List	   *items = NIL;

	if (!SplitGUCList(pstrdup(ch_allowed_networks), ',', &items))
		return NIL;
	return items;
}

bool
ch_netpolicy_is_unrestricted(Oid user)
{
	return ch_catalog_has_role(user, CH_ROLE_ADMIN);
}

ConnhubStatus
ch_netpolicy_socket(Oid user, const char *host, ConnhubError *error)
{
	ListCell   *lc;

	if (ch_netpolicy_is_unrestricted(user))
		return CONNHUB_OK;
	foreach(lc, allowed_networks())
		if (host != NULL && host[0] == '/' && strcmp(lfirst(lc), host) == 0)
			return CONNHUB_OK;
	ch_error_set(error, CONNHUB_PERMISSION, "local sockets are not open to this user");
	strlcpy(error->detail, "The host is empty or a path, which means a socket of this machine.",
			sizeof(error->detail));
	return refuse(error);
}

static bool
network_contains(const char *text, const ChAddress *address)
{
	ChAddress	network;
	int			bits;

	return ch_cidr_parse(text, &network, &bits) && ch_cidr_contains(&network, bits, address);
}

/* Why an address is forbidden, or NULL. */
static const char *
address_problem(const ChAddress *address, List *allowed)
{
	ChAddress	inner;
	const char *problem = NULL;
	ListCell   *lc;

	foreach(lc, allowed)
		if (network_contains(lfirst(lc), address))
			return NULL;
	for (int i = 0; i < lengthof(forbidden) && problem == NULL; i++)
		if (network_contains(forbidden[i].network, address))
			problem = forbidden[i].kind;
	if (problem == NULL && ch_address_embedded(address, &inner))
		problem = address_problem(&inner, allowed);
	return problem;
}

/* Why the text of an address is forbidden, or NULL. */
static const char *
text_problem(const char *text, List *allowed)
{
	char		plain[CH_ADDRESS_BYTES];
	ChAddress	address;

	strlcpy(plain, text, sizeof(plain));
	plain[strcspn(plain, "%")] = '\0';
	return ch_address_parse(plain, &address) ? address_problem(&address, allowed) : "an unknown";
}

ConnhubStatus
ch_netpolicy_addresses(const char *host, ChAddresses *addresses, ConnhubError *error)
{
	List	   *allowed;
	const char *problem = NULL;
	char		refused[CH_ADDRESS_BYTES] = "";
	int			kept = 0;

	allowed = allowed_networks();
	for (int i = 0; i < addresses->count; i++)
	{
		const char *found = text_problem(addresses->text[i], allowed);

		if (found == NULL)
		{
			if (kept != i)
				memcpy(addresses->text[kept], addresses->text[i], CH_ADDRESS_BYTES);
			kept++;
		}
		else
		{
			problem = found;
			strlcpy(refused, addresses->text[i], sizeof(refused));
		}
	}
	addresses->count = kept;
	if (kept > 0)
		return CONNHUB_OK;
	ch_error_set(error, CONNHUB_PERMISSION, "host \"%s\" is not open to this user", host);
	snprintf(error->detail, sizeof(error->detail), "It stands for %s, %s address.", refused, problem);
	return refuse(error);
}

ChNetPolicy *
ch_netpolicy_load(Oid user)
{
	ChNetPolicy *policy = palloc0(sizeof(ChNetPolicy));

	policy->everything = ch_catalog_has_role(user, CH_ROLE_ADMIN);
	if (!policy->everything)
		policy->allowed = allowed_networks();
	return policy;
}

bool
ch_netpolicy_vet(void *argument, const char *address, ConnhubError *error)
{
	const ChNetPolicy *policy = argument;
	const char *problem = policy->everything ? NULL : text_problem(address, policy->allowed);

	if (problem == NULL)
		return true;
	error->phase = CONNHUB_PHASE_TCP;
	ch_error_set(error, CONNHUB_PERMISSION, "the address is not open to this user");
	snprintf(error->detail, sizeof(error->detail), "The host stands for %s, %s address.", address, problem);
	refuse(error);
	return false;
}
