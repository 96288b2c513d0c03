/* vault/reference_part.h — what the schemes of references share. */
#ifndef CH_VAULT_REFERENCE_PART_H
#define CH_VAULT_REFERENCE_PART_H

#include <sys/stat.h>

#include "catalog/cat_reference.h"
#include "vault/vault.h"

/* A reference in its parts.  env: name; file: path; vault: mount, path, version, key; k8s: mount (the
 * namespace), path (the Secret), key. */
typedef struct ChReference
{
	const char *text;
	ChScheme	scheme;
	char	   *mount;
	char	   *path;
	char	   *version;		/* NULL: the newest */
	char	   *key;
	const pg_uuid_t *tenant;
} ChReference;

/* Put the secret into `into` as the value of `field`.  Throw when it is not to be had. */
typedef void (*ChReferenceReader) (const ChReference *reference, ChSecret *into, const char *field);

extern void ch_reference_env(const ChReference *reference, ChSecret *into, const char *field);
extern void ch_reference_file(const ChReference *reference, ChSecret *into, const char *field);
extern void ch_reference_vault(const ChReference *reference, ChSecret *into, const char *field);
extern void ch_reference_k8s(const ChReference *reference, ChSecret *into, const char *field);

/* A file below connhub.secret_folders, whole and NUL-terminated, to be wiped by the caller. */
extern char *ch_secret_file(const char *path, const char *subject, size_t *length);

/* Add a value that must not be empty and hold no zero byte. */
extern void ch_reference_add(const ChReference *reference, ChSecret *into, const char *field, const char *value, size_t length);

#endif
