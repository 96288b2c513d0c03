/* vault/store.h — the secret stores of tenants: where they are, how to log in, and asking them. */
#ifndef CH_VAULT_STORE_H
#define CH_VAULT_STORE_H

#include "utils/jsonb.h"

#include "common/http.h"
#include "vault/vault.h"

typedef struct ChStore
{
	pg_uuid_t	id;
	pg_uuid_t	tenant;
	char	   *kind;
	Jsonb	   *options;
	int64		version;
	ChSecret   *secret;			/* empty when no login is kept */
} ChStore;

/* The store of a tenant, in the current context; NULL when there is none.  Throws ERRCODE_CH_VAULT when its login does
 * not open. */
extern ChStore *ch_store_load(const pg_uuid_t *tenant, const char *kind);

/* The same, and an error that says how to make one. */
extern ChStore *ch_store_require(const pg_uuid_t *tenant, const char *kind);

/* Write one, with options and login laid over what is there.  Throws when they are not as
 * they must be. */
extern void ch_store_set(const pg_uuid_t *tenant, const char *kind, const Jsonb *options, const Jsonb *login,
						 pg_uuid_t *id);
extern bool ch_store_remove(const pg_uuid_t *tenant, const char *kind);

/* An option, or the field of the login; NULL: not set.  Options are copies. */
extern char *ch_store_option(const ChStore *store, const char *name);
extern bool ch_store_flag(const ChStore *store, const char *name);
extern int64 ch_store_ms(const ChStore *store, const char *name, int64 otherwise);
extern const char *ch_store_login(const ChStore *store, const char *name);

/* Throw that a secret is not to be had.  subject names the reference; no secret in any of them. */
extern void ch_store_fail(const char *subject, const char *cause, const char *hint) pg_attribute_noreturn();

/* Ask a store over HTTPS.  Throws when no answer comes; the answer is wiped by ch_http_end.  */
extern ChHttpTransfer *ch_store_ask(const ChHttpRequest *request, const char *subject, const ChHttpReply **reply);

/* bytes as they stand in a URL's path; '/' stays when keep_slash. */
extern char *ch_store_escape(const char *text, bool keep_slash);

#endif
