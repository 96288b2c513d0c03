/* sql/bind.c — numbered placeholders for libraries that bind by position only. */
#include "dialect.h"

/* Append the quoted piece that starts at p; returns its end.  An unterminated one ends with the text. */
static const char *
copy_quoted(TextWriter *writer, const char *p, char close, bool backslash)
{
	const char *start = p++;

	while (*p && *p != close)
		p += backslash && p[0] == '\\' && p[1] ? 2 : 1;
	if (*p)
		p++;
	text_bytes(writer, start, (size_t) (p - start));
	return p;
}

static bool
push_order(const ConnhubHost *host, uint32_t **order, uint32_t *norder, uint32_t param)
{
	/* Grows at each power of two. */
	if ((*norder & (*norder - 1)) == 0)
	{
		size_t		size = sizeof(uint32_t) * (*norder == 0 ? 1 : (size_t) *norder * 2);
		uint32_t   *grown = *order ? host->realloc(*order, size) : host->alloc(size);

		if (!grown)
			return false;
		*order = grown;
	}
	(*order)[(*norder)++] = param;
	return true;
}

ConnhubStatus
sql_bind_order(const SqlDialect *dialect, const ConnhubHost *host, const char *text,
			   ConnhubText *out, uint32_t **order, uint32_t *norder)
{
	TextWriter	writer;
	uint32_t	next = 0;
	const char *p = text;

	text_begin(&writer, host, out);
	*order = NULL;
	*norder = 0;
	while (*p && !writer.failed)
	{
		uint32_t	number = 0;

		if (*p == '\'' || *p == '"' || *p == dialect->quote_open)
		{
			bool		string = *p == '\'';

			p = copy_quoted(&writer, p, *p == dialect->quote_open ? dialect->quote_close : *p,
							string && dialect->backslash == SQL_BACKSLASH_DOUBLED);
			continue;
		}
		text_char(&writer, *p);
		if (*p++ != '?')
			continue;
		for (; *p >= '0' && *p <= '9' && number < UINT32_MAX / 16; p++)
			number = number * 10 + (uint32_t) (*p - '0');
		next = number > 0 ? number : next + 1;
		if (!push_order(host, order, norder, next - 1))
			writer.failed = true;
	}
	if (text_end(&writer) == CONNHUB_OK)
		return CONNHUB_OK;
	host->free(*order);
	*order = NULL;
	*norder = 0;
	return CONNHUB_NO_MEMORY;
}
