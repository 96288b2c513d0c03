/* health/channel.c — the options of a channel, by one table of names. */
#include "postgres.h"

#include "utils/builtins.h"

#include "common/error.h"
#include "common/http.h"
#include "health/channel.h"
#include "health/message.h"

#define MAX_RECIPIENTS 50

typedef enum OptionShape
{
	SHAPE_STRING,
	SHAPE_STRINGS,				/* array of strings */
	SHAPE_OBJECT				/* object of strings */
} OptionShape;

typedef struct OptionRow
{
	const char *name;
	const char *kind;			/* of channel; NULL: any */
	OptionShape shape;
	const char *choices;		/* separated by commas; NULL: any */
} OptionRow;

static const OptionRow option_rows[] = {
	{"auth", "webhook", SHAPE_STRING, "signature,bearer"},
	{"headers", "webhook", SHAPE_OBJECT, NULL},
	{"kinds", NULL, SHAPE_STRINGS, NULL},
	{"labels", NULL, SHAPE_OBJECT, NULL},
	{"min_severity", NULL, SHAPE_STRING, "info,warning,error"},
	{"smtp_from", "email", SHAPE_STRING, NULL},
	{"smtp_tls", "email", SHAPE_STRING, "required,none"},
	{"smtp_url", "email", SHAPE_STRING, NULL},
	{"smtp_user", "email", SHAPE_STRING, NULL},
	{"ssl_ca", NULL, SHAPE_STRING, NULL},
};

/* Set by connhub itself, or carrying secrets that an option would show. */
static const char *const reserved_headers[] = {
	"authorization", "connection", "content-length", "content-type", "cookie", "expect", "host", "idempotency-key",
	"proxy-authorization", "transfer-encoding", "x-connhub-event", "x-connhub-signature",
};

static void
refuse(const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
			 errmsg("%s", message),
			 errhint("%s", hint)));
}

static char *
json_text(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static const OptionRow *
require_row(const char *name, const char *kind)
{
	const char *names[lengthof(option_rows)];
	const char *closest;

	for (int i = 0; i < lengthof(option_rows); i++)
	{
		const OptionRow *row = &option_rows[i];

		names[i] = row->name;
		if (strcmp(row->name, name) == 0 && (row->kind == NULL || strcmp(row->kind, kind) == 0))
			return row;
	}
	closest = ch_closest(name, names, lengthof(names));
	ereport(ERROR,
			(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
			 errmsg("a channel of kind %s has no option \"%s\"", kind, name),
			 closest != NULL && strcmp(closest, name) != 0 ? errhint("Perhaps you meant \"%s\".", closest) : 0));
	return NULL;
}

static bool
has_shape(JsonbValue *value, OptionShape shape)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	item;

	if (shape == SHAPE_STRING)
		return value->type == jbvString;
	if (value->type != jbvBinary ||
		(shape == SHAPE_OBJECT ? !JsonContainerIsObject(value->val.binary.data) : !JsonContainerIsArray(value->val.binary.data)))
		return false;
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
		if ((token == WJB_ELEM || token == WJB_VALUE) && item.type != jbvString)
			return false;
	return true;
}

static bool
is_choice(const char *choices, const char *value)
{
	size_t		length = strlen(value);

	for (const char *p = choices; length > 0; p++)
	{
		if (strncmp(p, value, length) == 0 && (p[length] == ',' || p[length] == '\0'))
			return true;
		p = strchr(p, ',');
		if (p == NULL)
			return false;
	}
	return false;
}

static void
check_option(const char *name, JsonbValue *value, const char *kind)
{
	static const char *const shapes[] = {
		[SHAPE_STRING] = "a string", [SHAPE_STRINGS] = "an array of strings", [SHAPE_OBJECT] = "an object of strings",
	};
	const OptionRow *row = require_row(name, kind);

	if (!has_shape(value, row->shape))
		refuse(psprintf("option \"%s\" must be %s", name, shapes[row->shape]), "Correct it.");
	if (row->choices != NULL && !is_choice(row->choices, json_text(value)))
		refuse(psprintf("option \"%s\" cannot be \"%s\"", name, json_text(value)), psprintf("Choose one of: %s.", row->choices));
}

/* A token of HTTP, then printable text. */
static char *
header_line(const char *name, const char *value)
{
	for (int i = 0; i < lengthof(reserved_headers); i++)
		if (pg_strcasecmp(name, reserved_headers[i]) == 0)
			refuse(psprintf("the header \"%s\" cannot be set", name),
				   "To send a token, store it as the secret and set the option auth to bearer.");
	if (name[0] == '\0' ||
		strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~") != strlen(name))
		refuse(psprintf("\"%s\" is no name of a header", name), "Use letters, digits and -.");
	for (const char *p = value; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			refuse(psprintf("the header \"%s\" has a character that may not be there", name), "Use printable ASCII.");
	/* libcurl takes a header without a value for one to be left out. */
	if (value[0] == '\0')
		refuse(psprintf("the header \"%s\" is empty", name), "Leave it out.");
	return psprintf("%s: %s", name, value);
}

static List *
header_lines(JsonbValue *object)
{
	JsonbIterator *it = JsonbIteratorInit(object->val.binary.data);
	JsonbIteratorToken token;
	JsonbValue	item;
	char	   *name = NULL;
	List	   *lines = NIL;

	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = json_text(&item);
		else if (token == WJB_VALUE)
			lines = lappend(lines, header_line(name, json_text(&item)));
	}
	return lines;
}

static char *
string_option(const ChChannel *channel, const char *name)
{
	JsonbValue	buffer;
	JsonbValue *value = getKeyJsonValueFromContainer(&channel->options->root, name, strlen(name), &buffer);

	return value != NULL && value->type == jbvString ? json_text(value) : NULL;
}

static void
require_url(const char *url, bool is_mail)
{
	ConnhubError error = {0};

	if (ch_http_check_url(url, is_mail, &error) != CONNHUB_OK)
		refuse(error.message, "User names and passwords have options of their own, or are the secret.");
}

static void
check_all(const ChChannel *channel)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	item;
	char	   *name = NULL;

	if (!JB_ROOT_IS_OBJECT(channel->options))
		refuse("the options of a channel must be an object", "Write them as {\"name\": value}.");
	it = JsonbIteratorInit(&channel->options->root);
	token = JsonbIteratorNext(&it, &item, true);
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = json_text(&item);
		else if (token == WJB_VALUE)
			check_option(name, &item, channel->kind);
	}
}

List *
ch_channel_recipients(const ChChannel *channel)
{
	List	   *recipients = NIL;
	char	   *rest = pstrdup(channel->target);
	char	   *item;

	while ((item = strsep(&rest, ",")) != NULL)
	{
		item += strspn(item, " ");
		item[strcspn(item, " ")] = '\0';
		if (!ch_message_address(item))
			refuse(psprintf("\"%s\" is no mail address", item), "Write addresses as name@domain, separated by commas.");
		recipients = lappend(recipients, item);
	}
	if (list_length(recipients) > MAX_RECIPIENTS)
		refuse(psprintf("a channel may have %d mail addresses", MAX_RECIPIENTS), "Use a mailing list, or several channels.");
	return recipients;
}

static void
read_mail(const ChChannel *channel, ChChannelOptions *options)
{
	const char *tls = string_option(channel, "smtp_tls");

	ch_channel_recipients(channel);
	options->smtp_url = string_option(channel, "smtp_url");
	options->smtp_from = string_option(channel, "smtp_from");
	options->smtp_user = string_option(channel, "smtp_user");
	options->smtp_plain = tls != NULL && strcmp(tls, "none") == 0;
	if (options->smtp_url != NULL)
		require_url(options->smtp_url, true);
	else if (options->smtp_from != NULL || options->smtp_user != NULL || options->smtp_plain)
		refuse("the options smtp_from, smtp_user and smtp_tls need smtp_url", "The mail server of the settings has its own sender.");
	if (options->smtp_from != NULL && !ch_message_address(options->smtp_from))
		refuse("smtp_from is no mail address", "Write it as name@domain.");
	if (options->smtp_plain && options->smtp_user != NULL)
		refuse("a password is not sent without TLS", "Leave out smtp_tls, or smtp_user.");
}

static void
read_webhook(const ChChannel *channel, ChChannelOptions *options)
{
	const char *auth = string_option(channel, "auth");
	JsonbValue	buffer;
	JsonbValue *headers = getKeyJsonValueFromContainer(&channel->options->root, "headers", strlen("headers"), &buffer);

	require_url(channel->target, false);
	options->bearer = auth != NULL && strcmp(auth, "bearer") == 0;
	if (headers != NULL)
		options->headers = header_lines(headers);
	if (options->bearer && pg_strncasecmp(channel->target, "https:", 6) != 0)
		refuse("a bearer token is not sent without TLS", "Give an https URL.");
}

ChChannelOptions *
ch_channel_options(const ChChannel *channel)
{
	ChChannelOptions *options = palloc0(sizeof(ChChannelOptions));

	check_all(channel);
	options->ssl_ca = string_option(channel, "ssl_ca");
	if (strcmp(channel->kind, "email") == 0)
		read_mail(channel, options);
	else
		read_webhook(channel, options);
	return options;
}
