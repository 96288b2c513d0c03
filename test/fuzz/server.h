/* test/fuzz/server.h — for targets over files of the core: run the input between sigsetjmp(fuzz_error) and
 * fuzz_release(). */
#ifndef FUZZ_SERVER_H
#define FUZZ_SERVER_H

#include <setjmp.h>

extern sigjmp_buf fuzz_error;
extern void fuzz_release(void);

#define FUZZ_REQUIRE(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "not so: %s\n", #condition); \
			__builtin_trap(); \
		} \
	} while (0)

extern int	LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#endif
