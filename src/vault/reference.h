/* vault/reference.h — credentials that are references to secrets outside.
 *
 * A reference is resolved when a connection is opened and kept no longer than that, unless its store has a cache_time.
 * It is judged by the rights of whoever the connector belongs to, not of whoever uses it. */
#ifndef CH_VAULT_REFERENCE_H
#define CH_VAULT_REFERENCE_H

#include "vault/vault.h"

/* Throw when the value is a reference that is malformed, or not open to the user. */
extern void ch_reference_check(const char *value, const pg_uuid_t *tenant, Oid user);

/* The credential with every reference replaced by what it leads to; NULL when it holds none.  Waits, within the running
 * deadline.  Throws ERRCODE_CH_VAULT, or ERRCODE_INSUFFICIENT_PRIVILEGE; no secret in any message. */
extern ChSecret *ch_reference_resolve(const ChSecret *stored, const pg_uuid_t *tenant, Oid user);

#endif
