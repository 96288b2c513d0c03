/* vault/keyring.h — where the master key comes from. */
#ifndef CH_VAULT_KEYRING_H
#define CH_VAULT_KEYRING_H

#include "vault/crypt.h"

/* Fetch the master key named by connhub.master_key into key.  may_create: make the default key file when
 * it is not there yet.  Throws ERRCODE_CH_VAULT.  The caller wipes key. */
extern void ch_master_key_fetch(uint8 *key, bool may_create);

#endif
