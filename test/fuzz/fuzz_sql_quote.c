/* test/fuzz/fuzz_sql_quote.c — what is quoted reads back as what it was, by the rules of each kind of source: no value
 * and no name can end its quotes.
 * sources: drivers/common/sql/literal.c drivers/common/text.c test/unit/host.c
 * libraries: libcrypto */
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "server.h"
#include "sql/match.h"
#include "text.h"

/* Read quoted text; false when it does not end exactly at its end. */
static bool
read_back(const ConnhubText *text, char open, char close, bool backslash, char *result, size_t *length)
{
	size_t		i;

	*length = 0;
	if (text->length < 2 || text->data[0] != open)
		return false;
	for (i = 1; i < text->length; i++)
	{
		if (backslash && text->data[i] == '\\')
			i++;
		else if (text->data[i] == close)
		{
			if (i + 1 >= text->length || text->data[i + 1] != close)
				break;
			i++;
		}
		if (i >= text->length)
			return false;
		result[(*length)++] = text->data[i];
	}
	return i == text->length - 1;
}

static void
check_string(const char *data, size_t size, SqlBackslash backslash)
{
	SqlDialect	dialect = {.backslash = backslash};
	ConnhubText text = {0};
	TextWriter	writer;
	char	   *result;
	size_t		length;

	text_begin(&writer, &fake_host, &text);
	sql_quote_string(&writer, &dialect, data, size);
	FUZZ_REQUIRE(text_end(&writer) == CONNHUB_OK);
	result = malloc(text.length);
	FUZZ_REQUIRE(read_back(&text, '\'', '\'', backslash == SQL_BACKSLASH_DOUBLED, result, &length));
	FUZZ_REQUIRE(length == size && memcmp(result, data, size) == 0);
	free(result);
	text_free(&fake_host, &text);
}

static void
check_name(const char *name, char open, char close)
{
	SqlDialect	dialect = {.quote_open = open, .quote_close = close};
	ConnhubText text = {0};
	TextWriter	writer;
	char	   *result;
	size_t		length;

	text_begin(&writer, &fake_host, &text);
	sql_quote_identifier(&writer, &dialect, name);
	FUZZ_REQUIRE(text_end(&writer) == CONNHUB_OK);
	result = malloc(text.length);
	FUZZ_REQUIRE(read_back(&text, open, close, false, result, &length));
	FUZZ_REQUIRE(length == strlen(name) && memcmp(result, name, length) == 0);
	free(result);
	text_free(&fake_host, &text);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char	   *name = malloc(size + 1);

	memcpy(name, data, size);
	name[size] = '\0';
	check_string(name, size, SQL_BACKSLASH_DOUBLED);
	check_string(name, size, SQL_BACKSLASH_PLAIN);
	check_name(name, '"', '"');
	check_name(name, '`', '`');
	check_name(name, '[', ']');
	free(name);
	return 0;
}
