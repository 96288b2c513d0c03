/* test/servers/far_end.c — preloaded into the SSH server and the proxies of the tests.
 *
 * The name in CONNHUB_FAR_NAME means 127.0.0.1 there and nowhere else.  Every account has the password hash in
 * CONNHUB_FAR_HASH: an SSH server that is not root cannot read the real ones. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <shadow.h>
#include <stdlib.h>
#include <string.h>

typedef int (*Lookup) (const char *, const char *, const struct addrinfo *, struct addrinfo **);

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
	Lookup		real = (Lookup) dlsym(RTLD_NEXT, "getaddrinfo");
	const char *name = getenv("CONNHUB_FAR_NAME");

	return real(node && name && strcmp(node, name) == 0 ? "127.0.0.1" : node, service, hints, found);
}

struct spwd *
getspnam(const char *name)
{
	static struct spwd account;

	if (!getenv("CONNHUB_FAR_HASH"))
		return NULL;
	memset(&account, 0, sizeof(account));
	account.sp_namp = (char *) name;
	account.sp_pwdp = getenv("CONNHUB_FAR_HASH");
	account.sp_lstchg = account.sp_min = account.sp_max = account.sp_warn = account.sp_inact = account.sp_expire = -1;
	return &account;
}
