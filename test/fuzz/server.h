/* test/fuzz/server.h — for targets over files of the core: run the input between sigsetjmp(fuzz_error) and
 * fuzz_release(). */
#ifndef FUZZ_SERVER_H
#define FUZZ_SERVER_H

#include <setjmp.h>
#include <unistd.h>

extern sigjmp_buf fuzz_error;
extern void fuzz_release(void);

#define FUZZ_REQUIRE(condition) \
	do { \
		if (!(condition)) \
		{ \
			static const char text[] = "not so: " #condition "\n"; \
			(void) !write(2, text, sizeof(text) - 1); \
			__builtin_trap(); \
		} \
	} while (0)

extern int	LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#endif
