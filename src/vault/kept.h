/* vault/kept.h — credentials kept as Secrets of Kubernetes, with the outcome of the transaction.
 *
 * A transaction writes the Secret under a name of its own, the stage, and says in connhub_catalog.kept_secret which
 * stage holds.  Once that is committed the stage is copied to connector-<8 digits> and removed; until then readers find it
 * under the stage's name.  After a rollback the stage is removed.  What neither the end of the transaction nor of the
 * server has done is left to ch_kept_resolve. */
#ifndef CH_VAULT_KEPT_H
#define CH_VAULT_KEPT_H

#include "vault/vault.h"

/* Does this tenant keep its credentials in Kubernetes? */
extern bool ch_kept_wanted(const pg_uuid_t *tenant);

/* Write the fields for a connector of a type.  Returns those to be stored in the vault instead: same names, references to
 * the Secret.  Waits; throws ERRCODE_CH_VAULT. */
extern ChSecretField *ch_kept_put(const pg_uuid_t *tenant, const pg_uuid_t *connector, const char *type,
								  const ChSecretField *fields, int nfields);

/* Have a connector's Secret removed, if it has one, once the transaction has committed. */
extern void ch_kept_forget(const pg_uuid_t *connector);

/* Does a tenant have credentials there? */
extern bool ch_kept_any(const pg_uuid_t *tenant);

/* The stored fields, with those that are kept in Kubernetes as they are there; NULL when there are none. */
extern ChSecret *ch_kept_open(const ChSecret *stored, const pg_uuid_t *tenant);

/* Finish what is not finished, for every tenant.  Called outside any transaction; holds none while it waits.  The number
 * of Secrets written or removed. */
extern int64 ch_kept_resolve(void);

extern void ch_kept_init(void);

#endif
