/* common/redact.c — masks secrets in text.
 *
 * Two passes look for them.  The first is lexical: the value after a name that says "secret", in SQL
 * (named argument, option), JSON, key=value and URL form; and in a statement that calls one of
 * the functions which take secrets, every literal that is not a named argument of another kind, since
 * it may be one by position.  The second replaces the values that were remembered.
 *
 * The lexer is no parser: it may mask too much, never too little of the forms it knows.  The log hook
 * applies it to every line, so the statement texts written by log_statement, log_min_duration_statement
 * and STATEMENT are covered without the function having run at all. */
#include "postgres.h"

#include <ctype.h>

#include "commands/prepare.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "access/xact.h"
#include "pgstat.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/memutils.h"

#include "common/redact.h"

#define MASK "***"

/* A name that contains one of these introduces a secret; "-" counts as "_". */
static const char *const secret_words[] = {
	"access_key", "accesskey", "api_key", "apikey", "auth_key", "credential", "passphrase", "passwd",
	"password", "private_key", "privatekey", "pwd", "secret", "ssl_key", "sslkey", "token",
};

/* Functions that take secrets, by position too. */
static const char *const secret_functions[] = {
	"create_channel", "create_connector", "rotate_credentials", "rotate_master_key", "set_credentials", "set_secret_store", "update_channel", "update_connector", "connhub.test",
};

/* Their arguments that hold none; anything else may be a misspelt one that does. */
static const char *const plain_arguments[] = {
	"channel", "connector", "database", "enabled", "host", "kind", "labels", "name", "options", "port", "schema",
	"ssl_mode", "target", "type", "username",
};

/* What stands between a name and the value it introduces. */
typedef enum NameOperator
{
	NAME_ALONE,					/* nothing: no value follows */
	NAME_ARGUMENT,				/* => or := */
	NAME_VALUE					/* any other form */
} NameOperator;

typedef struct Lexer
{
	const char *p;				/* next character */
	const char *start;
	const char *pending;		/* first character not yet copied to out */
	StringInfo	out;
	bool		strict;			/* mask literals by position too */
	bool		is_named;		/* the next literal is the value of a named argument */
	int			nmasked;
} Lexer;

/* The values to mask wherever they appear. */
static MemoryContext remembered_context = NULL;
static List *remembered = NIL;

static TimestampTz marked_statement = 0;
static emit_log_hook_type previous_log_hook = NULL;

static void redact_log(ErrorData *edata);
static void scan_text(Lexer *lexer);

static bool
is_name_start(char c)
{
	return isalpha((unsigned char) c) || c == '_' || IS_HIGHBIT_SET(c);
}

static bool
is_name_char(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '-' || IS_HIGHBIT_SET(c);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool
name_is_secret(const char *name, Size length)
{
	char		folded[64];

	if (length >= sizeof(folded))
		length = sizeof(folded) - 1;
	for (Size i = 0; i < length; i++)
		folded[i] = name[i] == '-' ? '_' : pg_ascii_tolower((unsigned char) name[i]);
	folded[length] = '\0';
	for (int i = 0; i < lengthof(secret_words); i++)
		if (strstr(folded, secret_words[i]) != NULL)
			return true;
	return false;
}

/* Length of the name of a function that takes secrets at p, which starts a name; 0 when there is none. */
static Size
secret_function_at(const char *p)
{
	for (int i = 0; i < lengthof(secret_functions); i++)
	{
		Size		length = strlen(secret_functions[i]);

		if (pg_ascii_tolower((unsigned char) *p) == secret_functions[i][0] &&
			pg_strncasecmp(p, secret_functions[i], length) == 0 && !is_name_char(p[length]))
			return length;
	}
	return 0;
}

static bool
calls_secret_function(const char *text)
{
	if (text == NULL)
		return false;
	for (const char *p = text; *p != '\0'; p++)
		if (is_name_start(*p) && (p == text || !is_name_char(p[-1])) && secret_function_at(p) > 0)
			return true;
	return false;
}

/* End of the string literal that starts at p with a quote; p itself when there is none. */
static const char *
literal_end(const char *p, const char *start)
{
	if (*p == '\'')
	{
		bool		escapes = !standard_conforming_strings ||
			(p > start && (p[-1] == 'E' || p[-1] == 'e') && (p - 1 == start || !is_name_char(p[-2])));

		for (p++; *p != '\0'; p++)
		{
			if (escapes && *p == '\\' && p[1] != '\0')
				p++;
			else if (*p == '\'' && p[1] == '\'')
				p++;
			else if (*p == '\'')
				return p + 1;
		}
		return p;
	}
	if (*p == '$' && (p == start || !is_name_char(p[-1])))
	{
		const char *tag_end = p + 1;
		const char *close;
		char	   *tag;

		while (is_name_char(*tag_end) && *tag_end != '-')
			tag_end++;
		if (*tag_end != '$' || isdigit((unsigned char) p[1]))
			return p;
		tag = pnstrdup(p, tag_end + 1 - p);
		close = strstr(tag_end + 1, tag);
		close = close != NULL ? close + strlen(tag) : tag_end + strlen(tag_end);
		pfree(tag);
		return close;
	}
	return p;
}

/* End of the "…" that starts at p; the quotes may themselves be escaped, as JSON within JSON has them. */
static const char *
double_quoted_end(const char *p)
{
	bool		escaped = *p == '\\';

	for (p += escaped ? 2 : 1; *p != '\0'; p++)
	{
		if (escaped && p[0] == '\\' && p[1] == '"')
			return p + 2;
		if (!escaped && *p == '\\' && p[1] != '\0')
			p++;
		else if (!escaped && *p == '"')
			return p + 1;
	}
	return p;
}

/* End of the bracketed text at p, strings within it respected. */
static const char *
bracket_end(const char *p, const char *start)
{
	int			depth = 0;

	while (*p != '\0')
	{
		const char *end = literal_end(p, start);

		if (end != p)
		{
			p = end;
			continue;
		}
		if (*p == '"')
		{
			p = double_quoted_end(p);
			continue;
		}
		if (strchr("([{", *p) != NULL)
			depth++;
		else if (strchr(")]}", *p) != NULL && --depth == 0)
			return p + 1;
		p++;
	}
	return p;
}

static const char *
skip_space(const char *p)
{
	while (is_space(*p))
		p++;
	return p;
}

static void
mask_until(Lexer *lexer, const char *end, const char *replacement)
{
	appendBinaryStringInfo(lexer->out, lexer->pending, lexer->p - lexer->pending);
	appendStringInfoString(lexer->out, replacement);
	lexer->p = lexer->pending = end;
	lexer->nmasked++;
}

/* Mask the value at lexer->p, and what is concatenated to it. */
static void
mask_argument(Lexer *lexer)
{
	for (;;)
	{
		const char *end = literal_end(lexer->p, lexer->start);
		const char *next;

		if (end != lexer->p)
			mask_until(lexer, end, "'" MASK "'");
		else if (*lexer->p == '"')
			mask_until(lexer, double_quoted_end(lexer->p), "\"" MASK "\"");
		else if (lexer->p[0] == '\\' && lexer->p[1] == '"')
			mask_until(lexer, double_quoted_end(lexer->p), "\\\"" MASK "\\\"");
		else if (*lexer->p == '{' || *lexer->p == '[')
			mask_until(lexer, bracket_end(lexer->p, lexer->start), MASK);
		else if (*lexer->p == '$' && isdigit((unsigned char) lexer->p[1]))
			lexer->p = lexer->p + 1 + strspn(lexer->p + 1, "0123456789");
		else
		{
			for (end = lexer->p; *end != '\0' && !is_space(*end) && strchr(",;)]}&'\"(", *end) == NULL; end++)
				;
			/* A call, or a literal with its type or kind before it. */
			next = skip_space(end);
			if (*next == '(')
				mask_until(lexer, bracket_end(next, lexer->start), MASK);
			else if (literal_end(next, lexer->start) != next)
				mask_until(lexer, literal_end(next, lexer->start), "'" MASK "'");
			else if (end == lexer->p)
				return;
			else if (pg_strncasecmp(lexer->p, "null", end - lexer->p) == 0)
				lexer->p = end;
			else
				mask_until(lexer, end, MASK);
		}

		next = skip_space(lexer->p);
		if (next[0] == '|' && next[1] == '|')
			lexer->p = skip_space(next + 2);
		else if (*next == '\'' && memchr(lexer->p, '\n', next - lexer->p) != NULL)
			lexer->p = next;
		else
			return;
	}
}

/* The literal that may begin at p, behind its prefix letters; NULL when there is none. */
static const char *
prefixed_literal(const char *p)
{
	const char *quote = p;

	if (pg_strncasecmp(p, "u&'", 3) == 0)
		quote = p + 2;
	else if (isalpha((unsigned char) p[0]) && p[1] == '\'')
		quote = p + 1;
	return literal_end(quote, p) != quote ? p : NULL;
}

/* After a name that ends at p, in quotes of this kind or none: what follows, and where the value is. */
static NameOperator
name_operator(const char *p, char quote, const char **value)
{
	bool		is_quoted = false;
	const char *op;

	if (quote != '\0' && *p == '\\' && p[1] == quote)
		p++;
	if (quote != '\0' && *p == quote)
	{
		is_quoted = true;
		p++;
	}
	op = skip_space(p);
	if ((op[0] == '=' && op[1] == '>') || (op[0] == ':' && op[1] == '='))
	{
		*value = skip_space(op + 2);
		return NAME_ARGUMENT;
	}
	if ((op[0] == ':' && op[1] != ':' && (is_quoted || strchr("'\"", *skip_space(op + 1)) != NULL)) ||
		(op[0] == ',' && is_quoted && quote == '\''))
		*value = skip_space(op + 1);
	else if (op[0] == '=' && op[1] != '=')
		*value = skip_space(op + 1);
	else if (op != p && prefixed_literal(op) != NULL)
		*value = op;
	else
		return NAME_ALONE;
	return NAME_VALUE;
}

static bool
argument_is_plain(const char *name, Size length)
{
	for (int i = 0; i < lengthof(plain_arguments); i++)
		if (strlen(plain_arguments[i]) == length && pg_strncasecmp(plain_arguments[i], name, length) == 0)
			return true;
	return false;
}

/* A name at lexer->p: pass it, and mask the value of a secret one. */
static void
scan_name(Lexer *lexer)
{
	const char *name = lexer->p;
	const char *end = name;
	const char *value;
	char		quote = '\0';
	NameOperator op;

	/* The first argument of these functions is the connector's name. */
	if (lexer->strict && secret_function_at(name) > 0 &&
		*(value = skip_space(name + secret_function_at(name))) == '(')
	{
		lexer->p = skip_space(value + 1);
		lexer->is_named = literal_end(lexer->p, lexer->start) != lexer->p;
		return;
	}

	while (is_name_char(*end))
		end++;
	if (name > lexer->start && (name[-1] == '"' || name[-1] == '\''))
		quote = name[-1];
	op = name_operator(end, quote, &value);
	lexer->p = end;
	lexer->is_named = op == NAME_ARGUMENT && argument_is_plain(name, end - name);
	if (op != NAME_ALONE && name_is_secret(name, end - name))
	{
		lexer->p = value;
		mask_argument(lexer);
		lexer->is_named = false;
	}
}

/* scheme://user:secret@host: mask up to the last @ of the authority. */
static void
scan_url(Lexer *lexer)
{
	const char *authority = lexer->p + 3;
	Size		length = strcspn(authority, "/?# \t\r\n'\"<>");
	const char *at = NULL;
	const char *colon = memchr(authority, ':', length);

	for (Size i = 0; i < length; i++)
		if (authority[i] == '@')
			at = authority + i;
	if (at != NULL && colon != NULL && colon < at)
	{
		lexer->p = colon + 1;
		mask_until(lexer, at, MASK);
	}
	else
		lexer->p = authority;
}

/* A literal where they count by position: only the value of a named argument stays, and is looked
 * into. */
static void
scan_literal(Lexer *lexer, const char *end)
{
	if (!lexer->is_named)
	{
		mask_until(lexer, end, "'" MASK "'");
		return;
	}
	{
		char	   *text = pnstrdup(lexer->p, end - lexer->p);
		Lexer		inner = {.p = text, .start = text, .pending = text, .out = lexer->out};

		appendBinaryStringInfo(lexer->out, lexer->pending, lexer->p - lexer->pending);
		scan_text(&inner);
		lexer->nmasked += inner.nmasked;
		lexer->p = lexer->pending = end;
		lexer->is_named = false;
		pfree(text);
	}
}

static void
scan_text(Lexer *lexer)
{
	while (*lexer->p != '\0')
	{
		const char *p = lexer->p;

		if (is_name_start(*p) && (p == lexer->start || !is_name_char(p[-1])))
			scan_name(lexer);
		else if (p[0] == ':' && p[1] == '/' && p[2] == '/')
			scan_url(lexer);
		else if (lexer->strict && literal_end(p, lexer->start) != p)
			scan_literal(lexer, literal_end(p, lexer->start));
		else
		{
			if (*p == ',' || *p == '(' || *p == ')')
				lexer->is_named = false;
			lexer->p = p + 1;
		}
	}
	appendBinaryStringInfo(lexer->out, lexer->pending, lexer->p - lexer->pending);
}

/* Replace a remembered value.  A short one is masked as a whole word only: anything else would show
 * by the gaps what it is. */
static char *
mask_value(char *text, const char *value)
{
	Size		length = strlen(value);
	StringInfoData out;
	const char *from = text;
	const char *hit = strstr(text, value);

	if (hit == NULL)
		return text;
	initStringInfo(&out);
	for (; hit != NULL; hit = strstr(hit, value))
	{
		bool		is_word = (hit == text || !isalnum((unsigned char) hit[-1])) &&
			!isalnum((unsigned char) hit[length]);

		if (length < 6 && !is_word)
		{
			hit++;
			continue;
		}
		appendBinaryStringInfo(&out, from, hit - from);
		appendStringInfoString(&out, MASK);
		from = hit += length;
	}
	appendStringInfoString(&out, from);
	return out.data;
}

static char *
redact(const char *text, bool strict)
{
	StringInfoData out;
	Lexer		lexer = {.p = text, .start = text, .pending = text, .out = &out, .strict = strict};
	ListCell   *lc;
	char	   *result;

	initStringInfo(&out);
	scan_text(&lexer);
	result = out.data;
	foreach(lc, remembered)
		result = mask_value(result, lfirst(lc));
	if (lexer.nmasked == 0 && result == out.data)
	{
		pfree(out.data);
		return NULL;
	}
	return result;
}

char *
ch_redact(const char *text)
{
	return redact(text, calls_secret_function(text));
}

/* Was the statement that runs now marked by ch_redact_statement? */
static bool
statement_is_marked(void)
{
	return marked_statement != 0 && marked_statement == GetCurrentStatementStartTimestamp();
}

/* Does the prepared statement of this name, quoted or not, take secrets? */
static bool
prepared_takes_secrets(const char *name)
{
	char		folded[NAMEDATALEN];
	Size		length = 0;
	bool		is_quoted = *name == '"';
	PreparedStatement *prepared;

	for (name += is_quoted; length < NAMEDATALEN - 1; name++)
	{
		if (is_quoted ? *name == '\0' || *name == '"' : !is_name_char(*name))
			break;
		folded[length++] = is_quoted ? *name : pg_ascii_tolower((unsigned char) *name);
	}
	folded[length] = '\0';
	prepared = FetchPreparedStatement(folded, false);
	return prepared != NULL && calls_secret_function(prepared->plansource->query_string);
}

/* Does it hold EXECUTE name(…), alone, among others or below EXPLAIN, for a prepared statement that
 * takes secrets? */
static bool
executes_secret_function(const char *statement)
{
	static const char word[] = "execute";
	const Size	length = sizeof(word) - 1;

	for (const char *p = statement; *p != '\0'; p++)
		if ((p == statement || !is_name_char(p[-1])) && pg_strncasecmp(p, word, length) == 0 &&
			(is_space(p[length]) || p[length] == '"') && prepared_takes_secrets(skip_space(p + length)))
			return true;
	return false;
}

static bool
statement_has_secrets(void)
{
	return debug_query_string != NULL &&
		(statement_is_marked() || calls_secret_function(debug_query_string) ||
		 executes_secret_function(debug_query_string));
}

/* Put the masked text in place of the statement's for STATEMENT lines and pg_stat_activity.  False when
 * there is nowhere to keep it. */
static bool
mask_statement(bool strict)
{
	char	   *masked;

	if (debug_query_string == NULL)
		return true;
	if (MessageContext == NULL)
		return false;
	masked = redact(debug_query_string, strict);
	if (masked != NULL)
	{
		debug_query_string = MemoryContextStrdup(MessageContext, masked);
		pgstat_report_activity(STATE_RUNNING, debug_query_string);
		pfree(masked);
	}
	return true;
}

void
ch_redact_statement(void)
{
	marked_statement = GetCurrentStatementStartTimestamp();
	mask_statement(true);
}

void
ch_redact_remember(const char *secret)
{
	MemoryContext old;

	if (secret == NULL || secret[0] == '\0')
		return;
	if (remembered_context == NULL)
		remembered_context = AllocSetContextCreate(TopMemoryContext, "connhub remembered secrets",
												   ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(remembered_context);
	remembered = lappend(remembered, pstrdup(secret));
	MemoryContextSwitchTo(old);
}

/* Once for each time it was remembered. */
void
ch_redact_forget(const char *secret)
{
	ListCell   *lc;

	foreach(lc, remembered)
	{
		char	   *value = lfirst(lc);

		if (secret == NULL || strcmp(value, secret) != 0)
			continue;
		explicit_bzero(value, strlen(value));
		pfree(value);
		remembered = foreach_delete_current(remembered, lc);
		return;
	}
}

void
ch_redact_forget_all(void)
{
	ListCell   *lc;

	if (remembered == NIL)
		return;
	foreach(lc, remembered)
		explicit_bzero(lfirst(lc), strlen(lfirst(lc)));
	remembered = NIL;
	MemoryContextReset(remembered_context);
}

static void
redact_field(char **field, bool strict)
{
	char	   *masked = *field != NULL ? redact(*field, strict) : NULL;

	if (masked != NULL)
		*field = masked;
}

/* Mask what stands in double quotes, and the rest of a line that repeats a JSON value. */
static void
mask_quoted(char **field)
{
	static const char json[] = "JSON data, line ";
	StringInfoData out;
	const char *p = *field;

	if (p == NULL)
		return;
	initStringInfo(&out);
	while (*p != '\0')
	{
		if (*p == '"')
		{
			appendStringInfoString(&out, "\"" MASK "\"");
			p = double_quoted_end(p);
		}
		else if (strncmp(p, json, strlen(json)) == 0)
		{
			appendStringInfo(&out, "%s" MASK, json);
			p += strcspn(p, "\n");
		}
		else
			appendStringInfoChar(&out, *p++);
	}
	*field = out.data;
}

/* Errors of these classes repeat pieces of the statement; others speak of what they found.  An apostrophe
 * in the name of an object that exists starts no literal. */
static bool
repeats_statement(const ErrorData *edata)
{
	int			category = ERRCODE_TO_CATEGORY(edata->sqlerrcode);

	if (edata->sqlerrcode == ERRCODE_DUPLICATE_OBJECT)
		return false;
	return edata->elevel < ERROR || category == ERRCODE_DATA_EXCEPTION ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION);
}

static void
redact_log(ErrorData *edata)
{
	static bool is_active = false;

	if (is_active)
		return;
	is_active = true;
	PG_TRY();
	{
		bool		has_secrets = statement_has_secrets();
		bool		strict = has_secrets || calls_secret_function(edata->message) ||
			calls_secret_function(edata->detail) || calls_secret_function(edata->context);

		redact_field(&edata->message, strict && repeats_statement(edata));
		redact_field(&edata->detail, strict && repeats_statement(edata));
		redact_field(&edata->detail_log, strict);
		redact_field(&edata->hint, false);
		redact_field(&edata->context, strict);
		redact_field(&edata->internalquery, strict);
		if (strict && edata->sqlerrcode == ERRCODE_INVALID_TEXT_REPRESENTATION)
		{
			mask_quoted(&edata->message);
			mask_quoted(&edata->detail);
			mask_quoted(&edata->context);
		}
		if (!edata->hide_stmt && !mask_statement(has_secrets))
			edata->hide_stmt = has_secrets;
	}
	PG_FINALLY();
	{
		is_active = false;
	}
	PG_END_TRY();
	if (previous_log_hook != NULL)
		previous_log_hook(edata);
}

void
ch_redact_init(void)
{
	previous_log_hook = emit_log_hook;
	emit_log_hook = redact_log;
}
