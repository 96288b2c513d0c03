/* set.h — a set of columns, named by schema, table and column. */
#ifndef MY_SET_H
#define MY_SET_H

#include "connhub/driver.h"

typedef struct MySet
{
	const ConnhubHost *host;
	char	  **slots;			/* a power of two of them; NULL: free */
	size_t		nslots;
	size_t		count;
} MySet;

extern void my_set_init(MySet *set, const ConnhubHost *host);
extern bool my_set_add(MySet *set, const char *schema, const char *table, const char *column);
extern bool my_set_has(const MySet *set, const char *schema, const char *table, const char *column);
extern void my_set_free(MySet *set);

#endif							/* MY_SET_H */
