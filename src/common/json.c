/* common/json.c — a walk through JSON text to one value. */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/json.h"

#include "common/json.h"

#define MAX_DEPTH 64

typedef struct Cursor
{
	const char *p;
	const char *end;
	int			depth;
} Cursor;

static bool skip_value(Cursor *c);

static void
skip_space(Cursor *c)
{
	while (c->p < c->end && strchr(" \t\r\n", *c->p) != NULL && *c->p != '\0')
		c->p++;
}

/* Step over a character, and blanks before and after it. */
static bool
take(Cursor *c, char wanted)
{
	skip_space(c);
	if (c->p >= c->end || *c->p != wanted)
		return false;
	c->p++;
	skip_space(c);
	return true;
}

/* Step over a string; its inside is [*from, *to). */
static bool
take_string(Cursor *c, const char **from, const char **to)
{
	skip_space(c);
	if (c->p >= c->end || *c->p != '"')
		return false;
	*from = ++c->p;
	while (c->p < c->end && *c->p != '"')
	{
		if ((unsigned char) *c->p < ' ')
			return false;
		if (*c->p == '\\')
			c->p++;
		c->p++;
	}
	if (c->p >= c->end)
		return false;
	*to = c->p++;
	return true;
}

static bool
take_scalar(Cursor *c, const char **from, const char **to)
{
	skip_space(c);
	*from = c->p;
	while (c->p < c->end && (isalnum((unsigned char) *c->p) || strchr("+-.", *c->p) != NULL) && *c->p != '\0')
		c->p++;
	*to = c->p;
	return *to > *from;
}

/* Step over the members of an object or array up to its end. */
static bool
skip_container(Cursor *c, char close)
{
	const char *from;
	const char *to;

	if (take(c, close))
		return true;
	do
	{
		if (close == '}' && (!take_string(c, &from, &to) || !take(c, ':')))
			return false;
		if (!skip_value(c))
			return false;
	} while (take(c, ','));
	return take(c, close);
}

static bool
skip_value(Cursor *c)
{
	const char *from;
	const char *to;
	bool		ok;

	if (++c->depth > MAX_DEPTH)
		return false;
	skip_space(c);
	if (c->p < c->end && *c->p == '"')
		ok = take_string(c, &from, &to);
	else if (take(c, '{'))
		ok = skip_container(c, '}');
	else if (take(c, '['))
		ok = skip_container(c, ']');
	else
		ok = take_scalar(c, &from, &to);
	c->depth--;
	return ok;
}

/* Step to a member's value.  Names with escapes are not looked for. */
static bool
enter_member(Cursor *c, const char *name)
{
	const char *from;
	const char *to;

	do
	{
		if (!take_string(c, &from, &to) || !take(c, ':'))
			return false;
		if ((size_t) (to - from) == strlen(name) && memcmp(from, name, to - from) == 0)
			return true;
		if (!skip_value(c))
			return false;
	} while (take(c, ','));
	return false;
}

static bool
enter_element(Cursor *c, const char *index)
{
	for (int left = atoi(index); left > 0; left--)
		if (!skip_value(c) || !take(c, ','))
			return false;
	skip_space(c);
	return c->p < c->end && *c->p != ']';
}

static int
hex4(const char *p, const char *end)
{
	int			value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		if (!isxdigit((unsigned char) p[i]))
			return -1;
		value = value * 16 + (isdigit((unsigned char) p[i]) ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
	}
	return value;
}

/* A \uXXXX, or two that are one character.  False: none, or the zero character. */
static bool
unescape_code(const char **p, const char *to, char **out)
{
	int			code = hex4(*p + 1, to);

	if (code <= 0 || (code >= 0xDC00 && code <= 0xDFFF))
		return false;
	*p += 5;
	if (code >= 0xD800 && code <= 0xDBFF)
	{
		int			low = to - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' ? hex4(*p + 2, to) : -1;

		if (low < 0xDC00 || low > 0xDFFF)
			return false;
		code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
		*p += 6;
	}
	unicode_to_utf8((pg_wchar) code, (unsigned char *) *out);
	*out += pg_utf_mblen((unsigned char *) *out);
	return true;
}

/* No escape is shorter than what it stands for. */
static bool
unescape(const char *from, const char *to, char *out)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";

	for (const char *p = from; p < to;)
	{
		const char *letter;

		if (*p != '\\')
		{
			*out++ = *p++;
			continue;
		}
		p++;
		if (*p == 'u')
		{
			if (!unescape_code(&p, to, &out))
				return false;
			continue;
		}
		letter = strchr(letters, *p++);
		if (letter == NULL || *letter == '\0')
			return false;
		*out++ = meanings[letter - letters];
	}
	*out = '\0';
	return true;
}

char *
ch_json_pick(const char *json, size_t length, const char *const *path)
{
	Cursor		c = {.p = json, .end = json + length};
	const char *from;
	const char *to;
	char	   *value;

	for (; *path != NULL; path++)
	{
		bool		entered = take(&c, '{') ? enter_member(&c, *path) : take(&c, '[') && enter_element(&c, *path);

		if (!entered)
			return NULL;
	}
	skip_space(&c);
	if (c.p < c.end && *c.p == '"')
	{
		if (!take_string(&c, &from, &to))
			return NULL;
		value = palloc0(to - from + MAX_MULTIBYTE_CHAR_LEN + 1);
		return unescape(from, to, value) ? value : NULL;
	}
	if (!take_scalar(&c, &from, &to) || (to - from == 4 && memcmp(from, "null", 4) == 0))
		return NULL;
	return pnstrdup(from, to - from);
}

void
ch_json_append(StringInfo buffer, const char *text)
{
	escape_json(buffer, text);
}
