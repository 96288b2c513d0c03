/* catalog/cat_draft.c — a configuration on its way to become a connector: filled, then checked.
 *
 * Assumes that every field came from a user.  What a type needs is told by its flags. */
#include "postgres.h"

#include "catalog/cat_draft.h"
#include "catalog/catalog.h"
#include "common/error.h"

#define MAX_FIELD_BYTES 4096

/* The text arguments, which of them a type has, and which it needs. */
static const struct
{
	const char *argument;
	size_t		offset;
	uint32		taken_by;		/* flags of types that take it; 0: all */
	uint32		needed_by;
	const char *hint;
}			fields[] = {
	{"host", offsetof(ChConnector, host), CONNHUB_TYPE_NEEDS_HOST, CONNHUB_TYPE_NEEDS_HOST,
	"Give the name or address of the server."},
	{"database", offsetof(ChConnector, database), 0, CONNHUB_TYPE_NEEDS_DATABASE,
	"Give the name of the database."},
	{"schema", offsetof(ChConnector, schema), 0, 0, NULL},
	{"username", offsetof(ChConnector, username), CONNHUB_TYPE_NEEDS_HOST | CONNHUB_TYPE_NEEDS_USER,
	CONNHUB_TYPE_NEEDS_USER, "Give the user to log in as."},
};

static void
refuse(const char *type, const char *argument)
{
	ereport(ERROR,
			(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
			 errmsg("connector type \"%s\" takes no %s", type, argument),
			 errhint("Leave it out.")));
}

/* Empty texts are nulls; what cannot stand in a name is refused. */
static void
check_field(ChDraft *draft, const ChType *type, int i)
{
	char	  **field = (char **) ((char *) &draft->connector + fields[i].offset);

	if (*field != NULL && **field == '\0')
		*field = NULL;
	if (*field == NULL)
	{
		if ((type->flags & fields[i].needed_by) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
					 errmsg("connector type \"%s\" needs a %s", type->name, fields[i].argument),
					 errhint("%s", (type->flags & CONNHUB_TYPE_FILE) != 0 ?
							 "Give the absolute name of the file." : fields[i].hint)));
		return;
	}
	if (fields[i].taken_by != 0 && (type->flags & fields[i].taken_by) == 0)
		refuse(type->name, fields[i].argument);
	for (const char *p = *field; *p != '\0'; p++)
	{
		if ((unsigned char) *p < ' ' || *p == 0x7f)
			ereport(ERROR,
					(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
					 errmsg("%s contains a control character", fields[i].argument),
					 errhint("Remove line ends and tabs from it.")));
	}
	if (strlen(*field) > MAX_FIELD_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("%s is longer than %d bytes", fields[i].argument, MAX_FIELD_BYTES),
				 errhint("Shorten it.")));
}

static void
check_name(const char *name)
{
	pg_uuid_t	id;

	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("connector name must have 1 to %d bytes", NAMEDATALEN - 1),
				 errhint("It also names the foreign server.")));
	for (const char *p = name; *p != '\0'; p++)
	{
		if ((unsigned char) *p < ' ' || *p == 0x7f)
			ereport(ERROR,
					(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
					 errmsg("connector name contains a control character"),
					 errhint("Remove line ends and tabs from it.")));
	}
	if (ch_uuid_parse(name, &id))
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("connector name \"%s\" looks like an id", name),
				 errhint("Choose a name that could not be mistaken for the id of another connector.")));
}

void
ch_draft_check_port(const ChType *type, int port)
{
	if ((type->flags & CONNHUB_TYPE_NEEDS_HOST) == 0)
		refuse(type->name, "port");
	if (port < 1 || port > 65535)
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("port %d is out of range", port),
				 errhint("A port is a number from 1 to 65535; connector type \"%s\" uses %d unless told otherwise.",
						 type->name, type->default_port)));
}

static bool
is_loopback(const char *host)
{
	return host != NULL &&
		(pg_strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 || host[0] == '/' ||
		 (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == strlen(host)));
}

static void
check_ssl_mode(ChDraft *draft, const ChType *type)
{
	bool		has_tls = (type->flags & CONNHUB_TYPE_TLS) != 0;

	if (draft->ssl_mode == NULL || draft->ssl_mode[0] == '\0')
		draft->connector.ssl_mode = has_tls && !is_loopback(draft->connector.host) ?
			CONNHUB_SSL_REQUIRE : CONNHUB_SSL_DISABLE;
	else
		draft->connector.ssl_mode = ch_ssl_mode_parse(draft->ssl_mode);
	if (!has_tls && draft->connector.ssl_mode != CONNHUB_SSL_DISABLE)
		refuse(type->name, "ssl_mode");
}

void
ch_draft_check(ChDraft *draft)
{
	const ChType *type = ch_type_get(draft->connector.type, false);

	draft->connector.driver = type->driver;
	if (draft->connector.name != NULL)
		check_name(draft->connector.name);
	for (int i = 0; i < lengthof(fields); i++)
		check_field(draft, type, i);
	if (draft->connector.port == 0)
		draft->connector.port = type->default_port;
	check_ssl_mode(draft, type);
	if ((type->flags & CONNHUB_TYPE_FILE) != 0 && draft->connector.database != NULL &&
		draft->connector.database[0] != '/')
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("database of connector type \"%s\" must be an absolute file name", type->name),
				 errhint("Give the file's whole path, beginning with \"/\".")));
	ch_options_require(type, draft->options, draft->keeps_credentials ? NULL : &draft->credentials);
	draft->connector.options = draft->options.items;
	draft->connector.noptions = draft->options.count;
}
