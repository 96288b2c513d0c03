/* fail.c — filling a ConnhubError; see fail.h. */
#include "fail.h"

#include <stdarg.h>
#include <stdio.h>

ConnhubStatus
fail_as(ConnhubError *error, ConnhubStatus status, const char *format,...)
{
	va_list		args;

	error->status = status;
	error->column = -1;
	va_start(args, format);
	vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	return status;
}

ConnhubStatus
fail_no_memory(ConnhubError *error)
{
	return fail_as(error, CONNHUB_NO_MEMORY, "out of memory");
}

void
fail_detail(ConnhubError *error, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	vsnprintf(error->detail, sizeof(error->detail), format, args);
	va_end(args);
}

void
fail_hint(ConnhubError *error, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	vsnprintf(error->hint, sizeof(error->hint), format, args);
	va_end(args);
}
