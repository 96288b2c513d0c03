/* catalog/cat_cache.c — generations of cached catalogue rows.
 *
 * Assumes that callbacks may come at any moment a lock is taken, also while a generation is being
 * filled: they only mark it, and the next caller starts another. */
#include "postgres.h"

#include "access/xact.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "catalog/cat_cache.h"
#include "catalog/catalog.h"

static ChCache *caches = NULL;

static void
relation_changed(Datum arg, Oid relation)
{
	for (ChCache *cache = caches; cache != NULL; cache = cache->next)
	{
		if (cache->context == NULL)
			continue;
		if (!OidIsValid(relation))
			cache->stale = true;
		for (int i = 0; i < CH_CACHE_MAX_RELATIONS && OidIsValid(cache->oids[i]); i++)
		{
			if (cache->oids[i] == relation)
				cache->stale = true;
		}
	}
}

static void
server_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	for (ChCache *cache = caches; cache != NULL; cache = cache->next)
	{
		if (cache->servers)
			cache->stale = true;
	}
}

static void
roles_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	for (ChCache *cache = caches; cache != NULL; cache = cache->next)
	{
		if (cache->roles)
			cache->stale = true;
	}
}

void
ch_cache_register(ChCache *cache)
{
	if (caches == NULL)
	{
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(FOREIGNSERVEROID, server_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(AUTHOID, roles_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, roles_changed, (Datum) 0);
	}
	cache->next = caches;
	caches = cache;
}

HTAB *
ch_cache_entries(ChCache *cache)
{
	HASHCTL		control = cache->control;
	MemoryContext context;
	Oid			oids[CH_CACHE_MAX_RELATIONS] = {InvalidOid};

	if (cache->context != NULL && !cache->stale)
		return cache->entries;

	if (cache->context != NULL)
	{
		MemoryContextSetParent(cache->context, TopTransactionContext);
		cache->context = NULL;
		cache->entries = NULL;
	}

	for (int i = 0; i < CH_CACHE_MAX_RELATIONS && cache->relations[i] != NULL; i++)
		oids[i] = ch_catalog_relation(cache->relations[i]);

	context = AllocSetContextCreate(CacheMemoryContext, "connhub catalogue cache", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSetIdentifier(context, cache->name);
	control.hcxt = context;
	cache->entries = hash_create(cache->name, 64, &control, cache->flags | HASH_ELEM | HASH_CONTEXT);
	memcpy(cache->oids, oids, sizeof(oids));
	cache->context = context;
	cache->stale = false;
	return cache->entries;
}
