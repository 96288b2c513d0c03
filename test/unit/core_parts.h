/* core_parts.h — the parts of test_core.c. */
#ifndef UNIT_CORE_PARTS_H
#define UNIT_CORE_PARTS_H

extern void test_breaker(void);

#endif							/* UNIT_CORE_PARTS_H */
