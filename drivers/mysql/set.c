/* set.c — a set of columns, named by schema, table and column: open addressing, at most half full. */
#include <string.h>

#include "set.h"

/* A member is its three names, each with its terminating zero. */
static size_t
hash_name(size_t hash, const char *name)
{
	for (;; name++)
	{
		hash = (hash ^ (unsigned char) *name) * (size_t) UINT64_C(1099511628211);
		if (*name == '\0')
			return hash;
	}
}

static bool
is_member(const char *member, const char *schema, const char *table, const char *column)
{
	if (strcmp(member, schema) != 0)
		return false;
	member += strlen(member) + 1;
	if (strcmp(member, table) != 0)
		return false;
	return strcmp(member + strlen(member) + 1, column) == 0;
}

/* The slot of the member, or the free one where it belongs. */
static char **
find_slot(char **slots, size_t nslots, const char *schema, const char *table, const char *column)
{
	size_t		at = hash_name(hash_name(hash_name(1469598103934665603u, schema), table), column) & (nslots - 1);

	while (slots[at] != NULL && !is_member(slots[at], schema, table, column))
		at = (at + 1) & (nslots - 1);
	return &slots[at];
}

void
my_set_init(MySet *set, const ConnhubHost *host)
{
	memset(set, 0, sizeof(*set));
	set->host = host;
}

static bool
grow(MySet *set)
{
	size_t		nslots = set->nslots > 0 ? 2 * set->nslots : 64;
	char	  **slots = set->host->alloc(nslots * sizeof(char *));

	if (slots == NULL)
		return false;
	memset(slots, 0, nslots * sizeof(char *));
	for (size_t i = 0; i < set->nslots; i++)
	{
		char	   *member = set->slots[i];

		if (member != NULL)
		{
			const char *table = member + strlen(member) + 1;

			*find_slot(slots, nslots, member, table, table + strlen(table) + 1) = member;
		}
	}
	set->host->free(set->slots);
	set->slots = slots;
	set->nslots = nslots;
	return true;
}

bool
my_set_add(MySet *set, const char *schema, const char *table, const char *column)
{
	size_t		schema_size = strlen(schema) + 1;
	size_t		table_size = strlen(table) + 1;
	char	  **slot;

	if (2 * (set->count + 1) > set->nslots && !grow(set))
		return false;
	slot = find_slot(set->slots, set->nslots, schema, table, column);
	if (*slot != NULL)
		return true;
	*slot = set->host->alloc(schema_size + table_size + strlen(column) + 1);
	if (*slot == NULL)
		return false;
	memcpy(*slot, schema, schema_size);
	memcpy(*slot + schema_size, table, table_size);
	strcpy(*slot + schema_size + table_size, column);
	set->count++;
	return true;
}

bool
my_set_has(const MySet *set, const char *schema, const char *table, const char *column)
{
	return set->count > 0 && *find_slot(set->slots, set->nslots, schema, table, column) != NULL;
}

void
my_set_free(MySet *set)
{
	for (size_t i = 0; i < set->nslots; i++)
		set->host->free(set->slots[i]);
	set->host->free(set->slots);
	set->slots = NULL;
	set->nslots = set->count = 0;
}
