/* conn/tunnel_plan.c — the end of what the backend hands to a tunnel's thread. */
#include "postgres.h"

#include "conn/tunnel_plan.h"

static void
wipe(char **text)
{
	if (*text == NULL)
		return;
	explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void
ch_tunnel_plan_wipe_ssh(ChTunnelPlan *plan)
{
	wipe(&plan->ssh_password);
	wipe(&plan->ssh_key);
	wipe(&plan->ssh_passphrase);
}

void
ch_tunnel_plan_free(ChTunnelPlan *plan)
{
	if (plan == NULL)
		return;
	ch_tunnel_plan_wipe_ssh(plan);
	wipe(&plan->proxy_password);
	wipe(&plan->proxy_username);
	wipe(&plan->ssh_host);
	wipe(&plan->ssh_user);
	wipe(&plan->ssh_agent);
	wipe(&plan->host);
	free(plan);
}
