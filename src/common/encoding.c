/* common/encoding.c — text of a source, which is UTF-8, as text of this database.
 *
 * Nothing here refuses a text with an error: what cannot be held is NULL, and the caller decides what is lost. */
#include "postgres.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"

#include "common/encoding.h"

ChEncoding
ch_encoding_get(void)
{
	ChEncoding	encoding = {InvalidOid};

	if (GetDatabaseEncoding() != PG_UTF8)
		encoding.conversion = FindDefaultConversionProc(PG_UTF8, GetDatabaseEncoding());
	return encoding;
}

char *
ch_encoding_text(const ChEncoding *encoding, const char *value)
{
	int			length = value == NULL ? 0 : strlen(value);
	Size		capacity = (Size) length * MAX_CONVERSION_GROWTH + 1;
	char	   *converted;

	if (value == NULL || !pg_verify_mbstr(PG_UTF8, value, length, true))
		return NULL;
	if (!OidIsValid(encoding->conversion))
		return pnstrdup(value, length);
	converted = palloc(capacity);
	if (pg_do_encoding_conversion_buf(encoding->conversion, PG_UTF8, GetDatabaseEncoding(),
									  (unsigned char *) unconstify(char *, value), length,
									  (unsigned char *) converted, capacity, true) != length)
	{
		pfree(converted);
		return NULL;
	}
	return converted;
}

char *
ch_encoding_json(const ChEncoding *encoding, const char *value)
{
	return value != NULL && strstr(value, "\\u0000") != NULL ? NULL : ch_encoding_text(encoding, value);
}
