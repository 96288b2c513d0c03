/* tap.h — assertions that print the Test Anything Protocol. */
#ifndef UNIT_TAP_H
#define UNIT_TAP_H

#include <stdbool.h>
#include <stdint.h>

/* Each prints one line and returns whether the assertion held; a failure says what was seen and where. */
#define ok(condition, ...) tap_ok(condition, __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, ...) tap_is_int(got, want, __FILE__, __LINE__, __VA_ARGS__)
#define is_text(got, want, ...) tap_is_text(got, want, __FILE__, __LINE__, __VA_ARGS__)

extern bool tap_ok(bool condition, const char *file, int line, const char *format,...)
			__attribute__((format(printf, 4, 5)));
extern bool tap_is_int(int64_t got, int64_t want, const char *file, int line, const char *format,...)
			__attribute__((format(printf, 5, 6)));
extern bool tap_is_text(const char *got, const char *want, const char *file, int line,
						const char *format,...) __attribute__((format(printf, 5, 6)));

/* A test that cannot be made here, and why. */
extern void skip(const char *format,...) __attribute__((format(printf, 1, 2)));

/* A remark that is not a result. */
extern void diag(const char *format,...) __attribute__((format(printf, 1, 2)));

/* Print the plan; the exit status of the program. */
extern int	tap_done(void);

#endif							/* UNIT_TAP_H */
