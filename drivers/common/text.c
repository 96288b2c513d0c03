/* text.c — building a ConnhubText piece by piece, and copies of strings; see text.h. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
text_begin(TextWriter *writer, const ConnhubHost *host, ConnhubText *text)
{
	writer->host = host;
	writer->text = text;
	writer->failed = false;
}

/* Room for length more bytes and the final NUL. */
static bool
reserve(TextWriter *writer, size_t length)
{
	ConnhubText *text = writer->text;
	size_t		need;
	size_t		capacity;
	char	   *data;

	if (writer->failed)
		return false;
	if (length > SIZE_MAX / 4 - text->length)
	{
		writer->failed = true;
		return false;
	}
	need = text->length + length + 1;
	if (need <= text->capacity)
		return true;
	capacity = text->capacity < 128 ? 128 : text->capacity * 2;
	if (capacity < need)
		capacity = need;
	data = text->data ? writer->host->realloc(text->data, capacity) : writer->host->alloc(capacity);
	if (!data)
	{
		writer->failed = true;
		return false;
	}
	text->data = data;
	text->capacity = capacity;
	return true;
}

void
text_bytes(TextWriter *writer, const char *data, size_t length)
{
	if (!reserve(writer, length))
		return;
	if (length > 0)
		memcpy(writer->text->data + writer->text->length, data, length);
	writer->text->length += length;
	writer->text->data[writer->text->length] = '\0';
}

void
text_string(TextWriter *writer, const char *string)
{
	text_bytes(writer, string, strlen(string));
}

void
text_char(TextWriter *writer, char c)
{
	text_bytes(writer, &c, 1);
}

void
text_format(TextWriter *writer, const char *format,...)
{
	char		small[128];
	va_list		args;
	int			length;

	va_start(args, format);
	length = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (length < 0)
	{
		writer->failed = true;
		return;
	}
	if ((size_t) length < sizeof(small))
	{
		text_bytes(writer, small, (size_t) length);
		return;
	}
	if (!reserve(writer, (size_t) length))
		return;
	va_start(args, format);
	vsnprintf(writer->text->data + writer->text->length, (size_t) length + 1, format, args);
	va_end(args);
	writer->text->length += (size_t) length;
}

ConnhubStatus
text_end(TextWriter *writer)
{
	if (!writer->failed)
		text_bytes(writer, "", 0);
	return writer->failed ? CONNHUB_NO_MEMORY : CONNHUB_OK;
}

void
text_free(const ConnhubHost *host, ConnhubText *text)
{
	host->free(text->data);
	memset(text, 0, sizeof(*text));
}

bool
text_copy(const ConnhubHost *host, const char *from, char **to)
{
	size_t		size;

	*to = NULL;
	if (from == NULL)
		return true;
	size = strlen(from) + 1;
	*to = host->alloc(size);
	if (*to)
		memcpy(*to, from, size);
	return *to != NULL;
}
