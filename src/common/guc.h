/* common/guc.h — the settings of connhub. */
#ifndef CH_COMMON_GUC_H
#define CH_COMMON_GUC_H

extern char *ch_allowed_drivers;	/* connhub.allowed_drivers: names or *, superuser */
extern char *ch_allowed_networks;	/* connhub.allowed_networks: CIDR list open to every user, superuser */
extern char *ch_allowed_folders;	/* connhub.allowed_folders: for file sources, superuser */
extern char *ch_master_key; /* connhub.master_key: file:…, env:…, command:…; postgresql.conf only */
extern char *ch_tenant;			/* connhub.tenant: name or id, as the user set it */
extern char *ch_former_master_key;	/* connhub.former_master_key: the one before, while keys are rotated */
extern char *ch_allowed_references; /* connhub.allowed_references: scheme, scheme:role, scheme@tenant; superuser */
extern char *ch_secret_folders; /* connhub.secret_folders: for file references and tokens, superuser */
extern char *ch_secret_variables;	/* connhub.secret_variables: for env references, superuser */
extern bool ch_async;			/* connhub.async: off keeps the parts of an Append one after another */
extern bool ch_parallel;		/* connhub.parallel: off keeps parallel workers from reading a table together */
extern bool ch_pushdown;	/* connhub.pushdown: off keeps every piece local but the projection */
extern int	ch_cancel_timeout_ms;	/* connhub.cancel_timeout: how long a cancel may take to deliver */
extern int	ch_max_connectors;	/* connhub.max_connectors: entries of the shared table; start of the server only */


extern bool ch_notify_full;		/* connhub.notify_payload = full: a NOTIFY tells all of the event */
extern int	ch_notify_attempts; /* connhub.notify_attempts: a delivery is given up after so many */
extern int	ch_notify_timeout_ms;	/* connhub.notify_timeout: of one attempt */
extern int	ch_notify_retry_delay_ms;	/* connhub.notify_retry_delay: before the second attempt; doubled each time */
extern char *ch_smtp_url;		/* connhub.smtp_url: mail server of channels that name none, superuser */
extern char *ch_smtp_from;		/* connhub.smtp_from: sender of its mails */
extern int	ch_expiry_warning_days; /* connhub.expiry_warning_days: tell of a certificate's end so long before */

/* Background work. */
extern bool ch_workers;			/* connhub.workers: off stops launcher and schedulers; postgresql.conf only */
extern char *ch_databases;		/* connhub.databases: names or *; postgresql.conf only */
extern int	ch_runners;			/* connhub.runners: worker processes of a database for what can only block */
extern int	ch_health_interval_s;	/* connhub.health_interval: of connectors that have none of their own */
extern int	ch_health_concurrency;	/* connhub.health_concurrency: tests at once in a scheduler */
extern int	ch_history_days;	/* connhub.history_days: how long each test is kept */

extern void ch_guc_init(void);

#endif
