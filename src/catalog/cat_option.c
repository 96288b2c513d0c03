/* catalog/cat_option.c — option tables, and the check of every option a caller sets.
 *
 * Assumes that values come from users and are hostile.  A value is kept as text in one canonical form;
 * secret values never appear in an error. */
#include "postgres.h"

#include <math.h>

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "catalog/cat_option.h"
#include "catalog/cat_reference.h"
#include "common/error.h"

#define MAX_VALUE_BYTES (64 * 1024)
#define MAX_LABEL_NAME_BYTES 255
#define MAX_LABEL_VALUE_BYTES 4096

/* Sorted by name. */
static const ConnhubOptionSpec common_options[] = {
	{"allow_autocommit_writes", CONNHUB_OPTION_BOOLEAN, 0, "false", NULL, 0, 0,
	"Whether a source without transactions may be written to within a transaction block, where nothing can be undone."},
	{"batch_size", CONNHUB_OPTION_INTEGER, 0, "1000", NULL, 1, 100000,
	"Rows sent to the source in one batch of writes."},
	{"breaker_recovery", CONNHUB_OPTION_DURATION, 0, "60s", NULL, 100, 86400000,
	"How long a source that is down is left alone before one session tries it again."},
	{"breaker_threshold", CONNHUB_OPTION_INTEGER, 0, "5", NULL, 0, 1000,
	"Failures to connect in a row after which the source counts as down; 0: never."},
	{"connect_timeout", CONNHUB_OPTION_DURATION, 0, "30s", NULL, 100, 600000,
	"How long opening a connection may take, name resolution and login included."},
	{"fetch_size", CONNHUB_OPTION_INTEGER, 0, "0", NULL, 0, 1000000,
	"Rows per round trip where the protocol has such a thing; 0: the driver's choice."},
	{"health_interval", CONNHUB_OPTION_DURATION, 0, NULL, NULL, 10000, 604800000,
	"How often the connector's health is checked in the background; none: as connhub.health_interval says."},
	{"idle_timeout", CONNHUB_OPTION_DURATION, 0, "10min", NULL, 0, 86400000,
	"How long a session keeps a connection it does not use; 0: as long as it lasts."},
	{"latency_warning_ms", CONNHUB_OPTION_INTEGER, 0, "2000", NULL, 1, 600000,
	"A successful test that takes longer sets the status WARNING."},
	{"max_bytes", CONNHUB_OPTION_INTEGER, 0, "0", NULL, 0, INT64_C(1) << 62,
	"Bytes that one statement may fetch; 0: no limit."},
	{"max_retries", CONNHUB_OPTION_INTEGER, 0, "3", NULL, 0, 20,
	"How often an error that may pass is retried while nothing has come back."},
	{"max_rows", CONNHUB_OPTION_INTEGER, 0, "0", NULL, 0, INT64_C(1) << 62,
	"Rows that one statement may fetch; 0: no limit."},
	{"max_seconds", CONNHUB_OPTION_INTEGER, 0, "0", NULL, 0, 86400,
	"Seconds that one statement may keep the source busy; 0: no limit."},
	{"pool_size", CONNHUB_OPTION_INTEGER, 0, "5", NULL, 1, 1000,
	"Connections to the source that may be open at once, over all sessions."},
	{"pool_timeout", CONNHUB_OPTION_DURATION, 0, "10s", NULL, 0, 600000,
	"How long to wait for one of them to become free."},
	{"query_timeout", CONNHUB_OPTION_DURATION, 0, "300s", NULL, 0, 86400000,
	"How long one statement may take at the source; 0: no limit."},
	{"proxy_password", CONNHUB_OPTION_TEXT, CONNHUB_OPTION_SECRET, NULL, NULL, 0, 0,
	"Password of the user at the proxy."},
	{"proxy_url", CONNHUB_OPTION_TEXT, 0, NULL, NULL, 0, 0,
	"A proxy on the way, as http://host:port or socks5://host:port; it resolves the names behind it."},
	{"proxy_username", CONNHUB_OPTION_TEXT, 0, NULL, NULL, 0, 0,
	"User at the proxy; none: it is not logged in to."},
	{"read_only", CONNHUB_OPTION_BOOLEAN, 0, "false", NULL, 0, 0,
	"Whether every write is refused, here and by the source."},
	{"refresh_interval", CONNHUB_OPTION_DURATION, 0, "3600s", NULL, 0, 2592000000,
	"How often the source is discovered again in the background; 0: never."},
	{"ssh_agent", CONNHUB_OPTION_BOOLEAN, CONNHUB_OPTION_PRIVILEGED, "false", NULL, 0, 0,
	"Whether the keys of the SSH agent that the database server was started with are used."},
	{"ssh_host", CONNHUB_OPTION_TEXT, 0, NULL, NULL, 0, 0,
	"An SSH server on the way: it connects to the source, and resolves its name."},
	{"ssh_host_key", CONNHUB_OPTION_TEXT, 0, NULL, NULL, 0, 0,
	"The key the SSH server must show: its SHA256:... fingerprint, or a line of known_hosts."},
	{"ssh_passphrase", CONNHUB_OPTION_TEXT, CONNHUB_OPTION_SECRET, NULL, NULL, 0, 0,
	"Passphrase of an encrypted ssh_private_key."},
	{"ssh_password", CONNHUB_OPTION_TEXT, CONNHUB_OPTION_SECRET, NULL, NULL, 0, 0,
	"Password of the user at the SSH server."},
	{"ssh_port", CONNHUB_OPTION_INTEGER, 0, "22", NULL, 1, 65535,
	"Port of the SSH server."},
	{"ssh_private_key", CONNHUB_OPTION_PEM, CONNHUB_OPTION_SECRET, NULL, NULL, 0, 0,
	"Key of the user at the SSH server, in PEM or OpenSSH format."},
	{"ssh_user", CONNHUB_OPTION_TEXT, 0, NULL, NULL, 0, 0,
	"User at the SSH server."},
	{"ssl_ca", CONNHUB_OPTION_PEM, 0, NULL, NULL, 0, 0,
	"Certificates of the authorities to trust, as PEM text; none: the system's."},
	{"ssl_cert", CONNHUB_OPTION_PEM, 0, NULL, NULL, 0, 0,
	"Client certificate, as PEM text."},
	{"ssl_key", CONNHUB_OPTION_PEM, CONNHUB_OPTION_SECRET, NULL, NULL, 0, 0,
	"Key of the client certificate, as PEM text."},
	{"tunnel_keepalive", CONNHUB_OPTION_DURATION, 0, "30s", NULL, 0, 3600000,
	"After how long a silence the SSH server or proxy is asked whether it is there; 0: never."},
	{"tunnel_timeout", CONNHUB_OPTION_DURATION, 0, "0", NULL, 0, 600000,
	"How long the way through the SSH server or proxy may take to open; 0: connect_timeout alone."},
	{"two_phase", CONNHUB_OPTION_BOOLEAN, 0, "false", NULL, 0, 0,
	"Whether what a transaction wrote is committed in two phases, together with all else it did."},
};

static const ConnhubOptionSpec password_option = {
	"password", CONNHUB_OPTION_TEXT, CONNHUB_OPTION_SECRET, NULL, NULL, 0, 0,
	"Password of the user at the source."
};

static const struct
{
	const char *unit;
	int64		ms;
}			duration_units[] = {
	{"", 1000}, {"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}
};

const ConnhubOptionSpec *
ch_common_options(int *count)
{
	*count = lengthof(common_options);
	return common_options;
}

static bool
common_applies(uint32 type_flags, const ConnhubOptionSpec *spec)
{
	static const struct
	{
		const char *prefix;
		uint32		flag;
	}			families[] = {
		{"ssl_", CONNHUB_TYPE_TLS},
		{"ssh_", CONNHUB_TYPE_NEEDS_HOST},
		{"proxy_", CONNHUB_TYPE_NEEDS_HOST},
		{"tunnel_", CONNHUB_TYPE_NEEDS_HOST},
	};

	for (int i = 0; i < lengthof(families); i++)
	{
		if (strncmp(spec->name, families[i].prefix, strlen(families[i].prefix)) == 0)
			return (type_flags & families[i].flag) != 0;
	}
	return true;
}

ConnhubOptionSpec *
ch_common_options_for(uint32 type_flags, int *count)
{
	ConnhubOptionSpec *specs = palloc(sizeof(common_options));

	*count = 0;
	for (int i = 0; i < lengthof(common_options); i++)
	{
		if (common_applies(type_flags, &common_options[i]))
			specs[(*count)++] = common_options[i];
	}
	return specs;
}

const ConnhubOptionSpec *
ch_option_find(const ChType *type, const char *name)
{
	for (int i = 0; i < type->noptions; i++)
	{
		if (strcmp(type->options[i].name, name) == 0)
			return &type->options[i];
	}
	for (int i = 0; i < lengthof(common_options); i++)
	{
		if (strcmp(common_options[i].name, name) == 0 && common_applies(type->flags, &common_options[i]))
			return &common_options[i];
	}
	return NULL;
}

bool
ch_duration_parse(const char *text, int64 *ms)
{
	char	   *end;
	double		amount;

	while (*text == ' ')
		text++;
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	amount = strtod(text, &end);
	if (errno != 0 || strspn(text, "0123456789.") < (size_t) (end - text))
		return false;
	while (*end == ' ')
		end++;
	for (int i = 0; i < lengthof(duration_units); i++)
	{
		if (strcmp(end, duration_units[i].unit) == 0)
		{
			double		result = rint(amount * duration_units[i].ms);

			if (!(result >= 0 && result < 1e15))
				return false;
			*ms = (int64) result;
			return true;
		}
	}
	return false;
}

static void
unknown_option(const ChType *type, const char *name, bool secret)
{
	const char **names = palloc(sizeof(char *) * (type->noptions + lengthof(common_options) + 1));
	const char *closest;
	int			count = 0;

	for (int i = 0; i < type->noptions; i++)
		names[count++] = type->options[i].name;
	for (int i = 0; i < lengthof(common_options); i++)
	{
		if (common_applies(type->flags, &common_options[i]))
			names[count++] = common_options[i].name;
	}
	if (secret)
		names[count++] = password_option.name;
	closest = ch_closest(name, names, count);
	ereport(ERROR,
			(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
			 errmsg("connector type \"%s\" has no option \"%s\"", type->name, name),
			 closest != NULL
			 ? errhint("Perhaps you meant the option \"%s\".", closest)
			 : errhint("SELECT options FROM connhub.types() WHERE name = '%s' lists its options.", type->name)));
}

static void
bad_value(const ConnhubOptionSpec *spec, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
			 errmsg("invalid value for option \"%s\"", spec->name),
			 errdetail("The option takes %s.", expected),
			 errhint("%s", spec->help)));
}

static void
check_range(const ConnhubOptionSpec *spec, int64 value)
{
	if (spec->min == 0 && spec->max == 0)
		return;
	if (value >= spec->min && value <= spec->max)
		return;
	bad_value(spec, spec->kind == CONNHUB_OPTION_DURATION
			  ? psprintf("a duration from " INT64_FORMAT " ms to " INT64_FORMAT " ms",
						 spec->min, spec->max)
			  : psprintf("an integer from " INT64_FORMAT " to " INT64_FORMAT, spec->min, spec->max));
}

static bool
is_choice(const char *choices, const char *value)
{
	size_t		length = strlen(value);

	for (const char *p = choices; p != NULL; p = strchr(p, ','))
	{
		p += strspn(p, ", ");
		if (strncmp(p, value, length) == 0 && length > 0 &&
			(p[length] == '\0' || p[length] == ',' || p[length] == ' '))
			return true;
	}
	return false;
}

static const char *
canonical_integer(const ConnhubOptionSpec *spec, const char *text)
{
	char	   *end;
	int64		value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || strchr("-0123456789", text[0]) == NULL)
		bad_value(spec, "an integer");
	check_range(spec, value);
	return psprintf(INT64_FORMAT, value);
}

static const char *
canonical_boolean(const ConnhubOptionSpec *spec, const char *text)
{
	bool		value;

	if (!parse_bool(text, &value))
		bad_value(spec, "true or false");
	return value ? "true" : "false";
}

static const char *
canonical_enum(const ConnhubOptionSpec *spec, const char *text)
{
	if (!is_choice(spec->choices, text))
		bad_value(spec, psprintf("one of: %s", spec->choices));
	return text;
}

static const char *
canonical_duration(const ConnhubOptionSpec *spec, const char *text)
{
	int64		ms;

	if (!ch_duration_parse(text, &ms))
		bad_value(spec, "a duration such as \"250ms\", \"30s\", \"5min\" or \"1h\"");
	check_range(spec, ms);
	return text;
}

static const char *
canonical_pem(const ConnhubOptionSpec *spec, const char *text)
{
	if (strstr(text, "-----BEGIN ") == NULL)
		bad_value(spec, "PEM text, with its \"-----BEGIN\" line");
	return text;
}

static const char *
canonical_text(const ConnhubOptionSpec *spec, const char *text)
{
	return text;
}

static const char *(*const canonical[]) (const ConnhubOptionSpec *spec, const char *text) = {
	[CONNHUB_OPTION_TEXT] = canonical_text,
	[CONNHUB_OPTION_INTEGER] = canonical_integer,
	[CONNHUB_OPTION_BOOLEAN] = canonical_boolean,
	[CONNHUB_OPTION_ENUM] = canonical_enum,
	[CONNHUB_OPTION_DURATION] = canonical_duration,
	[CONNHUB_OPTION_PEM] = canonical_pem,
};

/* A JSON scalar as text; NULL for JSON null. */
static char *
scalar_text(const JsonbValue *value, const char *what, const char *name)
{
	switch (value->type)
	{
		case jbvNull:
			return NULL;
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		default:
			ereport(ERROR,
					(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
					 errmsg("%s \"%s\" must be a single value", what, name),
					 errhint("Give a string, a number, true or false.")));
	}
	return NULL;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const ConnhubOption *) a)->name, ((const ConnhubOption *) b)->name);
}

/* The members of a JSON object of scalars, by name. */
static ChOptionSet
object_members(const Jsonb *given, const char *argument, const char *what)
{
	ChOptionSet set = {NULL, 0};
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *name = NULL;

	if (given == NULL)
		return set;
	if (!JB_ROOT_IS_OBJECT(given))
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("argument \"%s\" must be a JSON object", argument),
				 errhint("For example '{\"name\": \"value\"}'.")));
	set.items = palloc0(sizeof(ConnhubOption) * Max(JB_ROOT_COUNT(given), 1));
	iterator = JsonbIteratorInit((JsonbContainer *) &given->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE)
		{
			set.items[set.count].name = name;
			set.items[set.count++].value = scalar_text(&value, what, name);
		}
	}
	qsort(set.items, set.count, sizeof(ConnhubOption), by_name);
	return set;
}

static void
check_value(const ConnhubOptionSpec *spec, ConnhubOption *option)
{
	if (option->value == NULL)
		return;
	if (strlen(option->value) > MAX_VALUE_BYTES)
		bad_value(spec, psprintf("at most %d bytes", MAX_VALUE_BYTES));
	/* It is stored and shown as it is. */
	if (strcmp(spec->name, "proxy_url") == 0 && strchr(option->value, '@') != NULL)
		bad_value(spec, "a URL without a user, who belongs into proxy_username and proxy_password");
	/* What a reference leads to is not known before it is used. */
	if ((spec->flags & CONNHUB_OPTION_SECRET) != 0 && ch_reference_scheme(option->value, NULL) != CH_SCHEME_NONE)
		return;
	option->value = canonical[spec->kind] (spec, option->value);
}

ChOptionSet
ch_options_check(const ChType *type, const Jsonb *given, bool privileged)
{
	ChOptionSet set = object_members(given, "options", "option");

	for (int i = 0; i < set.count; i++)
	{
		const ConnhubOptionSpec *spec = ch_option_find(type, set.items[i].name);

		if ((spec != NULL && (spec->flags & CONNHUB_OPTION_SECRET) != 0) ||
			(spec == NULL && strcmp(set.items[i].name, password_option.name) == 0))
			ereport(ERROR,
					(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
					 errmsg("option \"%s\" is secret and cannot stand in \"options\"", set.items[i].name),
					 errdetail("Options are stored and shown as they are."),
					 errhint("Pass it in \"credentials\", which is stored sealed.")));
		if (spec == NULL)
			unknown_option(type, set.items[i].name, false);
		if ((spec->flags & CONNHUB_OPTION_PRIVILEGED) != 0 && !privileged)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied to set option \"%s\"", spec->name),
					 errdetail("Only members of connhub_admin may set it."),
					 errhint("Ask an administrator to set it, or leave it out.")));
		check_value(spec, &set.items[i]);
	}
	return set;
}

void
ch_password_check(const ChType *type, const char *password)
{
	if ((type->flags & (CONNHUB_TYPE_NEEDS_HOST | CONNHUB_TYPE_NEEDS_USER)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("connector type \"%s\" takes no password", type->name),
				 errhint("Leave it out.")));
	if (strlen(password) > MAX_VALUE_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("the password is longer than %d bytes", MAX_VALUE_BYTES),
				 errhint("Shorten it.")));
}

ChOptionSet
ch_credentials_check(const ChType *type, const Jsonb *given)
{
	ChOptionSet set = object_members(given, "credentials", "credential");

	for (int i = 0; i < set.count; i++)
	{
		const ConnhubOptionSpec *spec = ch_option_find(type, set.items[i].name);

		if (spec == NULL && strcmp(set.items[i].name, password_option.name) == 0)
		{
			if (set.items[i].value != NULL)
				ch_password_check(type, set.items[i].value);
			spec = &password_option;
		}
		if (spec == NULL)
			unknown_option(type, set.items[i].name, true);
		if ((spec->flags & CONNHUB_OPTION_SECRET) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
					 errmsg("option \"%s\" is not a secret", spec->name),
					 errhint("Pass it in \"options\".")));
		check_value(spec, &set.items[i]);
	}
	return set;
}

void
ch_labels_check(const Jsonb *given)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *name = NULL;

	if (given == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(given))
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("argument \"labels\" must be a JSON object"),
				 errhint("For example '{\"team\": \"sales\"}'.")));
	iterator = JsonbIteratorInit((JsonbContainer *) &given->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			name = pnstrdup(value.val.string.val, value.val.string.len);
			if (name[0] == '\0' || value.val.string.len > MAX_LABEL_NAME_BYTES)
				ereport(ERROR,
						(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
						 errmsg("the name of a label must have 1 to %d bytes", MAX_LABEL_NAME_BYTES),
						 errhint("For example '{\"team\": \"sales\"}'.")));
		}
		else if (token == WJB_VALUE && value.type == jbvString && value.val.string.len > MAX_LABEL_VALUE_BYTES)
			ereport(ERROR,
					(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
					 errmsg("label \"%s\" is longer than %d bytes", name, MAX_LABEL_VALUE_BYTES),
					 errhint("Shorten it.")));
		else if (token == WJB_VALUE && value.type != jbvString)
			ereport(ERROR,
					(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
					 errmsg("label \"%s\" must be a string", name),
					 errhint("For example '{\"team\": \"sales\"}'.")));
	}
}

ChOptionSet
ch_options_merge(ChOptionSet base, ChOptionSet patch)
{
	ChOptionSet result = {palloc0(sizeof(ConnhubOption) * (base.count + patch.count + 1)), 0};
	int			b = 0;
	int			p = 0;

	while (b < base.count || p < patch.count)
	{
		int			order = b >= base.count ? 1 : p >= patch.count ? -1 :
			strcmp(base.items[b].name, patch.items[p].name);
		const ConnhubOption *item = order < 0 ? &base.items[b] : &patch.items[p];

		if (order <= 0)
			b++;
		if (order >= 0)
			p++;
		if (item->value != NULL)
			result.items[result.count++] = *item;
	}
	return result;
}

bool
ch_options_equal(ChOptionSet a, ChOptionSet b)
{
	if (a.count != b.count)
		return false;
	for (int i = 0; i < a.count; i++)
	{
		if (strcmp(a.items[i].name, b.items[i].name) != 0 ||
			strcmp(a.items[i].value, b.items[i].value) != 0)
			return false;
	}
	return true;
}

static bool
has_value(ChOptionSet set, const char *name)
{
	for (int i = 0; i < set.count; i++)
	{
		if (strcmp(set.items[i].name, name) == 0)
			return set.items[i].value != NULL;
	}
	return false;
}

void
ch_options_require(const ChType *type, ChOptionSet options, const ChOptionSet *credentials)
{
	for (int i = 0; i < type->noptions; i++)
	{
		const ConnhubOptionSpec *spec = &type->options[i];
		bool		secret = (spec->flags & CONNHUB_OPTION_SECRET) != 0;

		if ((spec->flags & CONNHUB_OPTION_REQUIRED) == 0 || spec->default_value != NULL)
			continue;
		if (secret && credentials == NULL)
			continue;
		if (!has_value(secret ? *credentials : options, spec->name))
			ereport(ERROR,
					(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
					 errmsg("connector type \"%s\" needs option \"%s\"", type->name, spec->name),
					 errdetail("%s", spec->help),
					 errhint("Pass it in \"%s\".", secret ? "credentials" : "options")));
	}
}

Jsonb *
ch_options_to_jsonb(const ChType *type, ChOptionSet options)
{
	JsonbParseState *state = NULL;
	JsonbValue *result;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < options.count; i++)
	{
		const ConnhubOptionSpec *spec = ch_option_find(type, options.items[i].name);
		const char *text = options.items[i].value;
		JsonbValue	key;
		JsonbValue	value;

		key.type = jbvString;
		key.val.string.val = (char *) options.items[i].name;
		key.val.string.len = strlen(options.items[i].name);
		pushJsonbValue(&state, WJB_KEY, &key);
		if (spec != NULL && spec->kind == CONNHUB_OPTION_INTEGER)
		{
			value.type = jbvNumeric;
			value.val.numeric = int64_to_numeric(strtoll(text, NULL, 10));
		}
		else if (spec != NULL && spec->kind == CONNHUB_OPTION_BOOLEAN)
		{
			value.type = jbvBool;
			value.val.boolean = text[0] == 't';
		}
		else
		{
			value.type = jbvString;
			value.val.string.val = (char *) text;
			value.val.string.len = strlen(text);
		}
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	result = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(result);
}

ChOptionSet
ch_options_from_jsonb(const Jsonb *stored)
{
	return object_members(stored, "options", "option");
}
