/* common/guc.h — the settings of connhub. */
#ifndef CH_COMMON_GUC_H
#define CH_COMMON_GUC_H

extern char *ch_allowed_drivers;	/* connhub.allowed_drivers: names or *, superuser */
extern char *ch_allowed_networks;	/* connhub.allowed_networks: CIDR list open to every user, superuser */
extern char *ch_allowed_folders;	/* connhub.allowed_folders: for file sources, superuser */
extern char *ch_master_key; /* connhub.master_key: file:…, env:…, command:…; postgresql.conf only */
extern char *ch_tenant;			/* connhub.tenant: name or id, as the user set it */
extern bool ch_async;			/* connhub.async: off keeps the parts of an Append one after another */
extern bool ch_parallel;		/* connhub.parallel: off keeps parallel workers from reading a table together */
extern bool ch_pushdown;	/* connhub.pushdown: off keeps every piece local but the projection */
extern int	ch_cancel_timeout_ms;	/* connhub.cancel_timeout: how long a cancel may take to deliver */

extern void ch_guc_init(void);

#endif
