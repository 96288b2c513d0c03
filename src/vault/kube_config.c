/* vault/kube_config.c — reading a kubeconfig.
 *
 * Of YAML it knows what tools write there: mappings and sequences by indentation, with plain or quoted values on one line.
 * The rest of a file may be anything; what is wanted and not found is an error. */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

#include "vault/crypt.h"
#include "vault/kube.h"
#include "vault/reference_part.h"

#define MAX_LEVELS 16

/* One value, and where it stands: "clusters.0.cluster.server". */
typedef struct Entry
{
	char	   *path;
	char	   *value;
} Entry;

typedef struct Level
{
	int			indent;
	const char *key;			/* NULL: an element of a sequence */
	int			index;
} Level;

typedef struct Reader
{
	Level		levels[MAX_LEVELS];
	int			nlevels;
	List	   *entries;
	const char *subject;
} Reader;

static void
fail(const char *subject, const char *cause)
{
	ch_store_fail(subject, cause, "Give the store \"address\", \"ca\" and a login instead, if the file is as it must be.");
}

static char *
path_of(const Reader *reader)
{
	StringInfoData path;

	initStringInfo(&path);
	for (int i = 0; i < reader->nlevels; i++)
	{
		if (i > 0)
			appendStringInfoChar(&path, '.');
		if (reader->levels[i].key != NULL)
			appendStringInfoString(&path, reader->levels[i].key);
		else
			appendStringInfo(&path, "%d", reader->levels[i].index);
	}
	return path.data;
}

static void
push(Reader *reader, int indent, const char *key, int index)
{
	if (reader->nlevels >= MAX_LEVELS)
		fail(reader->subject, "The kubeconfig is nested too deep.");
	reader->levels[reader->nlevels++] = (Level) {indent, key, index};
}

/* Leave what stands deeper than a line at this indentation, or beside it. */
static void
leave(Reader *reader, int indent, bool is_element, int *index)
{
	*index = 0;
	while (reader->nlevels > 0)
	{
		Level	   *top = &reader->levels[reader->nlevels - 1];

		/* A sequence may stand as deep as the key it belongs to. */
		if (top->indent < indent || (top->indent == indent && is_element && top->key != NULL))
			return;
		if (top->indent == indent && is_element && top->key == NULL)
			*index = top->index + 1;
		reader->nlevels--;
	}
}

static char *
unquote(char *text)
{
	char	   *end = text[0] == '"' || text[0] == '\'' ? strchr(text + 1, text[0]) : NULL;
	char	   *comment;

	if (end != NULL && strchr(text, '\\') == NULL)
	{
		*end = '\0';
		return text + 1;
	}
	comment = strstr(text, " #");
	if (comment != NULL)
	{
		while (comment > text && comment[-1] == ' ')
			comment--;
		*comment = '\0';
	}
	return text;
}

static void
read_line(Reader *reader, char *line)
{
	int			indent = strspn(line, " ");
	char	   *text = line + indent;
	size_t		length = strlen(text);
	char	   *colon;
	int			index;

	while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL)
		text[--length] = '\0';
	if (length == 0 || text[0] == '#' || strcmp(text, "---") == 0)
		return;
	while (text[0] == '-' && (text[1] == ' ' || text[1] == '\0'))
	{
		leave(reader, indent, true, &index);
		push(reader, indent, NULL, index);
		text++;
		indent++;
		while (*text == ' ')
		{
			text++;
			indent++;
		}
	}
	colon = strstr(text, ": ");
	if (colon == NULL && (length = strlen(text)) > 0 && text[length - 1] == ':')
		colon = text + length - 1;
	if (colon == NULL)
		return;
	leave(reader, indent, false, &index);
	*colon = '\0';
	push(reader, indent, unquote(text), 0);
	text = colon + 1;
	text += strspn(text, " ");
	if (*text != '\0')
	{
		Entry	   *entry = palloc(sizeof(Entry));

		entry->path = path_of(reader);
		entry->value = unquote(text);
		reader->entries = lappend(reader->entries, entry);
	}
}

static char *
value_at(const Reader *reader, const char *path)
{
	ListCell   *lc;

	foreach(lc, reader->entries)
	{
		Entry	   *entry = lfirst(lc);

		if (strcmp(entry->path, path) == 0)
			return entry->value;
	}
	return NULL;
}

/* The path of the element of a sequence that has a name. */
static char *
named(const Reader *reader, const char *sequence, const char *name)
{
	for (int i = 0;; i++)
	{
		char	   *found = value_at(reader, psprintf("%s.%d.name", sequence, i));

		if (found == NULL)
			return NULL;
		if (name != NULL && strcmp(found, name) == 0)
			return psprintf("%s.%d", sequence, i);
	}
}

/* Text that stands in the file as base64, or in a file of its own. */
static char *
embedded(const Reader *reader, const char *base, const char *name)
{
	char	   *data = value_at(reader, psprintf("%s.%s-data", base, name));
	char	   *file = value_at(reader, psprintf("%s.%s", base, name));
	size_t		length;

	if (data != NULL)
	{
		char	   *text = ch_kube_decode(data, &length);

		if (text == NULL)
			fail(reader->subject, psprintf("\"%s-data\" of the kubeconfig is no base64.", name));
		return text;
	}
	return file != NULL ? ch_secret_file(file, reader->subject, &length) : NULL;
}

static void
use_context(ChKube *kube, const Reader *reader)
{
	char	   *context = named(reader, "contexts", value_at(reader, "current-context"));
	char	   *cluster = context == NULL ? NULL : named(reader, "clusters", value_at(reader, psprintf("%s.context.cluster", context)));
	char	   *user = context == NULL ? NULL : named(reader, "users", value_at(reader, psprintf("%s.context.user", context)));
	char	   *skip = cluster == NULL ? NULL : value_at(reader, psprintf("%s.cluster.insecure-skip-tls-verify", cluster));
	char	   *token;
	char	   *file;
	size_t		length;

	if (cluster == NULL || user == NULL)
		fail(reader->subject, "The kubeconfig has no current context with a cluster and a user.");
	if (skip != NULL && strcmp(skip, "false") != 0)
		fail(reader->subject, "The kubeconfig asks for TLS that is not verified.");
	kube->base = value_at(reader, psprintf("%s.cluster.server", cluster));
	if (kube->base == NULL || strncmp(kube->base, "https://", 8) != 0)
		fail(reader->subject, "The kubeconfig has no server with https.");
	kube->base = pstrdup(kube->base);
	kube->ca = embedded(reader, psprintf("%s.cluster", cluster), "certificate-authority");
	kube->cert = embedded(reader, psprintf("%s.user", user), "client-certificate");
	kube->key = embedded(reader, psprintf("%s.user", user), "client-key");
	token = value_at(reader, psprintf("%s.user.token", user));
	file = value_at(reader, psprintf("%s.user.tokenFile", user));
	if (token == NULL && file != NULL)
		token = ch_secret_file(file, reader->subject, &length);
	if (token != NULL)
	{
		token[strcspn(token, " \r\n")] = '\0';
		kube->authorization = psprintf("Authorization: Bearer %s", token);
	}
	if (kube->authorization == NULL && kube->cert == NULL)
		fail(reader->subject, "The kubeconfig's user has neither a token nor a client certificate.");
}

void
ch_kube_config(ChKube *kube, const char *path, const char *subject)
{
	Reader		reader = {.subject = subject};
	size_t		length;
	char	   *text = ch_secret_file(path, subject, &length);
	char	   *rest = text;
	char	   *line;

	while ((line = strsep(&rest, "\n")) != NULL)
		read_line(&reader, line);
	use_context(kube, &reader);
	ch_wipe(text, length);
}
