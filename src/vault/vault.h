/* vault/vault.h — sealed credentials; the only producer of plaintext.
 *
 * A credential is a set of named fields ("password", …).  It is sealed with AES-256-GCM under the
 * tenant's data key, which is sealed by the master key; connector id, version and key id are
 * authenticated with it.  Plaintext lives in the context given out by ch_vault_open and is wiped
 * when that ends. */
#ifndef CH_VAULT_VAULT_H
#define CH_VAULT_VAULT_H

#include "utils/uuid.h"

typedef struct ChSecretField
{
	const char *name;
	const char *value;
} ChSecretField;

typedef struct ChSecret
{
	MemoryContext context;		/* holds all of it */
	int			nfields;
	ChSecretField *fields;
} ChSecret;

/* Seal the fields as the connector's credential, replacing what was there.  Returns the new version. */
extern int64 ch_vault_put(const pg_uuid_t *tenant, const pg_uuid_t *connector,
						  const ChSecretField *fields, int nfields);

/* Open a connector's credential.  An empty one when none is stored.  Throws ERRCODE_CH_VAULT when the
 * key is missing or the seal broken.  End it with ch_vault_wipe; an error wipes it too. */
extern ChSecret *ch_vault_open(const pg_uuid_t *tenant, const pg_uuid_t *connector);
extern const char *ch_vault_field(const ChSecret *secret, const char *name);
extern void ch_vault_wipe(ChSecret *secret);

/* The same for what keeps its sealed text itself: seal fields for a subject and a version of it, and open them.  A version
 * is never used twice for a subject.  seal returns a palloc'd bytea and the data key it took. */
extern struct varlena *ch_vault_seal(const pg_uuid_t *tenant, const pg_uuid_t *subject, int64 version,
									 const ChSecretField *fields, int nfields, int64 *key_id);
extern ChSecret *ch_vault_unseal(const pg_uuid_t *tenant, const pg_uuid_t *subject, int64 version, int64 key_id,
								 struct varlena *sealed);

/* A secret with room for so many fields, below the current context, and a field for it. */
extern ChSecret *ch_vault_empty(int nfields);
extern void ch_vault_add(ChSecret *secret, const char *name, Size name_length, const char *value, Size value_length);

/* For rotations: make a tenant's newest data key; open and seal one with a master key. */
extern int64 ch_data_key_renew(const pg_uuid_t *tenant);
extern bool ch_data_key_unwrap(const pg_uuid_t *tenant, const uint8 *master, const struct varlena *wrapped, uint8 *key);
extern struct varlena *ch_data_key_wrap(const pg_uuid_t *tenant, const uint8 *master, const uint8 *key);

/* Build a ChSecret from plain fields, for the test of an unsaved connector. */
extern ChSecret *ch_vault_plain(const ChSecretField *fields, int nfields);

/* Remove a connector's credential. */
extern void ch_vault_forget(const pg_uuid_t *connector);

#endif
