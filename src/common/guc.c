/* common/guc.c — the settings of connhub: one row each, sorted by name. */
#include "postgres.h"

#include <limits.h>

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "common/cidr.h"
#include "common/compat.h"
#include "common/guc.h"

char	   *ch_allowed_drivers;
char	   *ch_allowed_networks;
char	   *ch_allowed_folders;
char	   *ch_master_key;
char	   *ch_tenant;
char	   *ch_former_master_key;
char	   *ch_allowed_references;
char	   *ch_secret_folders;
char	   *ch_secret_variables;
bool		ch_async;
bool		ch_parallel;
bool		ch_pushdown;
int			ch_cancel_timeout_ms;
bool		ch_workers;
char	   *ch_databases;
int			ch_runners;
int			ch_health_interval_s;
int			ch_health_concurrency;
int			ch_history_days;
int			ch_max_connectors;
bool		ch_notify_full;
int			ch_notify_attempts;
int			ch_notify_timeout_ms;
int			ch_notify_retry_delay_ms;
char	   *ch_smtp_url;
char	   *ch_smtp_from;
int			ch_expiry_warning_days;

static bool check_drivers(char **newval, void **extra, GucSource source);
static bool check_networks(char **newval, void **extra, GucSource source);
static bool check_folders(char **newval, void **extra, GucSource source);
static bool check_references(char **newval, void **extra, GucSource source);
static bool check_variables(char **newval, void **extra, GucSource source);
static bool check_master_key(char **newval, void **extra, GucSource source);
static bool check_databases(char **newval, void **extra, GucSource source);
static void assign_notify_payload(int newval, void *extra);

typedef struct StringSetting
{
	const char *name;
	const char *description;
	char	  **variable;
	const char *initial;
	GucContext	context;
	int			flags;
	GucStringCheckHook check;
} StringSetting;

static const StringSetting string_settings[] = {
	{"connhub.allowed_drivers", "Drivers that may be loaded: names separated by commas, or *.",
	&ch_allowed_drivers, "*", PGC_SUSET, GUC_LIST_INPUT, check_drivers},
	{"connhub.allowed_folders", "Folders below which every user may read file sources.",
	&ch_allowed_folders, "", PGC_SUSET, GUC_LIST_INPUT, check_folders},
	{"connhub.allowed_networks",
		"Networks and socket folders that every user may connect to, loopback and link-local included.",
	&ch_allowed_networks, "", PGC_SUSET, GUC_LIST_INPUT, check_networks},
	{"connhub.allowed_references",
		"Who besides administrators may let a credential refer to an outside store: scheme, scheme:role or scheme@tenant.",
	&ch_allowed_references, "", PGC_SUSET, GUC_LIST_INPUT, check_references},
	{"connhub.databases", "Databases whose connectors are watched in the background: names separated by commas, or *.",
	&ch_databases, "*", PGC_SIGHUP, GUC_LIST_INPUT, check_databases},
	{"connhub.former_master_key",
		"Where the master key before the present one is, while keys are being rotated; written like connhub.master_key.",
	&ch_former_master_key, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, check_master_key},
	{"connhub.master_key",
		"Where the master key of credentials is: file:PATH, env:NAME or command:COMMAND; "
		"empty for connhub_master.key in the data directory.",
	&ch_master_key, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, check_master_key},
	{"connhub.secret_folders", "Folders below which files may hold credentials that connectors refer to.",
	&ch_secret_folders, "", PGC_SUSET, GUC_LIST_INPUT, check_folders},
	{"connhub.secret_variables",
		"Environment variables of the server that connectors may refer to; a name may end with *.",
	&ch_secret_variables, "", PGC_SUSET, GUC_LIST_INPUT, check_variables},
	{"connhub.smtp_from", "Sender of mails through connhub.smtp_url.",
	&ch_smtp_from, "", PGC_SUSET, 0, NULL},
	{"connhub.smtp_url", "Mail server of channels that name none: smtp://host:port (STARTTLS is required) or smtps://host:port.",
	&ch_smtp_url, "", PGC_SUSET, 0, NULL},
	{"connhub.tenant",
		"Tenant the session works in, by name or id; empty: the one its user is a member of. Checked at each use.",
	&ch_tenant, "", PGC_USERSET, 0, NULL},
};

typedef struct IntegerSetting
{
	const char *name;
	const char *description;
	const char *more;
	int		   *variable;
	int			initial;
	int			least;
	int			most;
	GucContext	context;
	int			flags;
} IntegerSetting;

static const IntegerSetting integer_settings[] = {
	{"connhub.cancel_timeout", "How long a cancelled statement may take to stop what runs at its source.",
		"The connection is closed in any case.",
	&ch_cancel_timeout_ms, 100, 1, 60000, PGC_USERSET, GUC_UNIT_MS},
	{"connhub.expiry_warning_days", "So many days before a certificate of a connector ends an event tells of it.",
		NULL,
	&ch_expiry_warning_days, 14, 0, 3650, PGC_SUSET, 0},
	{"connhub.health_concurrency", "How many connectors one scheduler tests at once.",
		"Each takes a connection and a file descriptor while it is tested.",
	&ch_health_concurrency, 256, 1, 4096, PGC_SIGHUP, 0},
	{"connhub.health_interval", "How often a connector is tested in the background unless its option health_interval says otherwise.",
		NULL,
	&ch_health_interval_s, 900, 1, 604800, PGC_SIGHUP, GUC_UNIT_S},
	{"connhub.history_days", "How many days tests of connectors, drift and events are kept.",
		"What each day came to is kept for longer.",
	&ch_history_days, 30, 1, 3650, PGC_SIGHUP, 0},
	{"connhub.notify_attempts", "A notification that could not be sent is given up after so many attempts.",
		NULL,
	&ch_notify_attempts, 10, 1, 1000, PGC_SUSET, 0},
	{"connhub.notify_retry_delay", "Time before the second attempt to send a notification; it doubles with each further one, up to an hour.",
		NULL,
	&ch_notify_retry_delay_ms, 30000, 1, 3600000, PGC_SUSET, GUC_UNIT_MS},
	{"connhub.notify_timeout", "How long one attempt to send a notification may take.",
		NULL,
	&ch_notify_timeout_ms, 10000, 1, 600000, PGC_SUSET, GUC_UNIT_MS},
	{"connhub.runners", "How many worker processes of one database do work that can only block.",
		"They count against max_worker_processes.",
	&ch_runners, 2, 1, 64, PGC_SIGHUP, 0},
};

static const struct config_enum_entry payload_choices[] = {
	{"id", false, false},
	{"full", true, false},
	{NULL, 0, false}
};

static int	notify_payload;

void
ch_guc_init(void)
{
	for (int i = 0; i < lengthof(integer_settings); i++)
	{
		const IntegerSetting *s = &integer_settings[i];

		DefineCustomIntVariable(s->name, s->description, s->more, s->variable, s->initial, s->least, s->most,
								s->context, s->flags, NULL, NULL, NULL);
	}
	for (int i = 0; i < lengthof(string_settings); i++)
	{
		const StringSetting *s = &string_settings[i];

		DefineCustomStringVariable(s->name, s->description, NULL, s->variable, s->initial,
								   s->context, s->flags, s->check, NULL, NULL);
	}
	DefineCustomEnumVariable("connhub.notify_payload", "What a NOTIFY on connhub_event tells: the id and kind of the event, or all of it.",
							 "Every user of the database may listen, those of other tenants too.",
							 &notify_payload, false, payload_choices, PGC_SUSET, 0, NULL, assign_notify_payload, NULL);
	DefineCustomBoolVariable("connhub.async",
							 "Lets several connectors work at the same time for one query.",
							 "When off, the parts of an Append are read one after another.",
							 &ch_async, true, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("connhub.parallel",
							 "Lets parallel workers read a table together, over a connection each.",
							 "They see one snapshot of the source.",
							 &ch_parallel, true, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("connhub.pushdown",
							 "Lets sources do as much of a query as they can.",
							 "When off, only the choice of columns is left to the source.",
							 &ch_pushdown, true, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("connhub.workers",
							 "Lets background workers watch the connectors of this server.",
							 "They are started when connhub is in shared_preload_libraries.",
							 &ch_workers, true, PGC_SIGHUP, 0, NULL, NULL, NULL);
	/* A setting of the postmaster can be defined by none but a preloaded library. */
	DefineCustomIntVariable("connhub.max_connectors",
							"How many connectors of all databases share their pool, breaker and counters.",
							"It counts when connhub is preloaded, and takes effect at the start of the server.",
							&ch_max_connectors, 2000, 1, 1000000,
							process_shared_preload_libraries_in_progress ? PGC_POSTMASTER : PGC_SIGHUP, 0,
							NULL, NULL, NULL);
	ch_compat_reserve_prefix("connhub");
}

typedef bool (*ItemCheck) (const char *item);

/* Check every item of a comma-separated list. */
static bool
check_list(const char *value, ItemCheck item_is_valid, const char *expected)
{
	char	   *copy = pstrdup(value);
	List	   *items;
	ListCell   *lc;

	if (!SplitGUCList(copy, ',', &items))
	{
		GUC_check_errdetail("List syntax is invalid.");
		return false;
	}
	foreach(lc, items)
	{
		if (!item_is_valid(lfirst(lc)))
		{
			GUC_check_errdetail("\"%s\" is not %s.", (char *) lfirst(lc), expected);
			return false;
		}
	}
	return true;
}

static bool
driver_is_valid(const char *item)
{
	return strcmp(item, "*") == 0 ||
		(item[0] >= 'a' && item[0] <= 'z' &&
		 strspn(item, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(item));
}

static bool
check_drivers(char **newval, void **extra, GucSource source)
{
	return check_list(*newval, driver_is_valid, "a driver name of a-z, 0-9 and _, or *");
}

static bool
network_is_valid(const char *item)
{
	ChAddress	network;
	int			bits;

	return item[0] == '/' || ch_cidr_parse(item, &network, &bits);
}

static bool
check_networks(char **newval, void **extra, GucSource source)
{
	return check_list(*newval, network_is_valid,
					  "a network such as 10.0.0.0/8 or ::1/128, or the absolute path of a socket folder");
}

static bool
folder_is_valid(const char *item)
{
	return item[0] == '/' && strlen(item) < PATH_MAX;
}

static bool
check_folders(char **newval, void **extra, GucSource source)
{
	return check_list(*newval, folder_is_valid, "an absolute path");
}

static bool
database_is_valid(const char *item)
{
	return strcmp(item, "*") == 0 || (item[0] != '\0' && strlen(item) < NAMEDATALEN);
}

static bool
check_databases(char **newval, void **extra, GucSource source)
{
	return check_list(*newval, database_is_valid, "the name of a database, or *");
}

static bool
reference_is_valid(const char *item)
{
	size_t		scheme = strcspn(item, ":@");

	return scheme > 0 && strspn(item, "abcdefghijklmnopqrstuvwxyz0123456789") == scheme &&
		(item[scheme] == '\0' || item[scheme + 1] != '\0');
}

static bool
check_references(char **newval, void **extra, GucSource source)
{
	return check_list(*newval, reference_is_valid, "a scheme, scheme:role or scheme@tenant");
}

static bool
variable_is_valid(const char *item)
{
	size_t		length = strspn(item, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return length > 0 && (item[length] == '\0' || strcmp(item + length, "*") == 0);
}

static bool
check_variables(char **newval, void **extra, GucSource source)
{
	return check_list(*newval, variable_is_valid, "a name of letters, digits and _, with or without * at its end");
}

/* The text after the colon may be sensitive, so it is not repeated. */
static bool
check_master_key(char **newval, void **extra, GucSource source)
{
	static const char *const kinds[] = {"file:/", "env:", "command:"};

	if ((*newval)[0] == '\0')
		return true;
	for (int i = 0; i < lengthof(kinds); i++)
		if (strncmp(*newval, kinds[i], strlen(kinds[i])) == 0 && (*newval)[strlen(kinds[i])] != '\0')
			return true;
	GUC_check_errdetail("It must be empty, or start with \"file:\" and an absolute path, \"env:\" and a name, "
						"or \"command:\" and a command.");
	return false;
}

static void
assign_notify_payload(int newval, void *extra)
{
	ch_notify_full = newval != 0;
}
