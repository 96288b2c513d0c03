/* catalog/cat_channel.h — channels that events are sent to. */
#ifndef CH_CATALOG_CAT_CHANNEL_H
#define CH_CATALOG_CAT_CHANNEL_H

#include "executor/spi.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

typedef struct ChChannel
{
	pg_uuid_t	id;
	pg_uuid_t	tenant_id;
	char	   *name;
	char	   *kind;			/* "webhook" or "email" */
	Oid			owner;
	char	   *target;
	Jsonb	   *options;
	bool		enabled;
	int64		secret_version;
	int64		key_id;
	bytea	   *sealed;			/* NULL: no secret */
} ChChannel;

/* What a query selects of connhub_catalog.channel AS h to make a ChChannel from columns first, first + 1, … of its rows. */
#define CH_CHANNEL_COLUMNS \
	"h.id, h.tenant_id, h.name, h.kind, h.owner::oid, h.target, h.options, h.enabled, h.secret_version, h.key_id, h.sealed"
#define CH_CHANNEL_NCOLUMNS 11

/* A copy in the current memory context. */
extern ChChannel *ch_channel_read(SPITupleTable *table, uint64 row, int first);

/* The channel of a name or id, which the current user must be allowed to manage; and the same locked against other
 * changes, while events are still queued for it.  Both throw. */
extern ChChannel *ch_channel_require(const char *name_or_id);
extern ChChannel *ch_channel_lock(const char *name_or_id);

/* Write one.  insert throws when the name is taken, and so does store. */
extern void ch_channel_insert(const ChChannel *channel);
extern void ch_channel_store(const ChChannel *channel);
extern void ch_channel_remove(const pg_uuid_t *id);

#endif
