/* vault/keyring.h — where the master key comes from. */
#ifndef CH_VAULT_KEYRING_H
#define CH_VAULT_KEYRING_H

#include <sys/stat.h>

#include "vault/crypt.h"

/* Fetch the master key named by connhub.master_key into key.  may_create: make the default key file when
 * it is not there yet.  Throws ERRCODE_CH_VAULT.  The caller wipes key. */
extern void ch_master_key_fetch(uint8 *key, bool may_create);

/* The same of a source written like the setting; "" is the default file. */
extern void ch_key_fetch(const char *source, uint8 *key);

/* Is this environment variable, or this file, one that a master key is read from? */
extern bool ch_key_is_variable(const char *name);
extern bool ch_key_is_file(const struct stat *st);

#endif
