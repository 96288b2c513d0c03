/* vault/rotate.h — new keys for what is sealed, while it is in use.
 *
 * At every moment each sealed row names a data key that is there, and each data key a master key that is at hand: an
 * end in the middle leaves everything readable, and the rotation is run again. */
#ifndef CH_VAULT_ROTATE_H
#define CH_VAULT_ROTATE_H

#include "utils/uuid.h"

/* Make a new data key for the tenant, seal everything of it anew in batches, and remove the keys that nothing uses any
 * more.  Called outside any transaction: works in short ones.  The number of rows sealed anew. */
extern int64 ch_rotate_tenant_key(const pg_uuid_t *tenant);

/* Seal every data key that the master key of `source` sealed with the present one, in the running transaction.
 * Throws, with nothing changed, when a data key was sealed by neither.  The number of data keys. */
extern int64 ch_rotate_master_key(const char *source);

#endif
