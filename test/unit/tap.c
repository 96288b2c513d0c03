/* tap.c — assertions that print the Test Anything Protocol. */
#include "tap.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int	run;
static int	failed;

static void
print_line(bool passed, const char *directive, const char *format, va_list args)
{
	printf("%sok %d - %s", passed ? "" : "not ", ++run, directive);
	vprintf(format, args);
	putchar('\n');
	if (!passed)
		failed++;
}

static void
print_place(const char *file, int line)
{
	printf("# at %s:%d\n", file, line);
	fflush(stdout);
}

bool
tap_ok(bool condition, const char *file, int line, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	print_line(condition, "", format, args);
	va_end(args);
	if (!condition)
		print_place(file, line);
	return condition;
}

bool
tap_is_int(int64_t got, int64_t want, const char *file, int line, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	print_line(got == want, "", format, args);
	va_end(args);
	if (got == want)
		return true;
	printf("#  got: %" PRId64 "\n# want: %" PRId64 "\n", got, want);
	print_place(file, line);
	return false;
}

bool
tap_is_text(const char *got, const char *want, const char *file, int line, const char *format,...)
{
	bool		same = got && want ? strcmp(got, want) == 0 : got == want;
	va_list		args;

	va_start(args, format);
	print_line(same, "", format, args);
	va_end(args);
	if (same)
		return true;
	printf("#  got: %s\n# want: %s\n", got ? got : "(null)", want ? want : "(null)");
	print_place(file, line);
	return false;
}

void
skip(const char *format,...)
{
	va_list		args;

	va_start(args, format);
	print_line(true, "# SKIP ", format, args);
	va_end(args);
}

void
diag(const char *format,...)
{
	va_list		args;

	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

int
tap_done(void)
{
	printf("1..%d\n", run);
	fflush(stdout);
	return failed > 0 || run == 0;
}
