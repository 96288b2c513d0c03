/* vault/kept_part.h — the Secrets themselves: what their requests look like. */
#ifndef CH_VAULT_KEPT_PART_H
#define CH_VAULT_KEPT_PART_H

#include "vault/kube.h"

#define CH_KEPT_CONNECTOR "connhub.io/connector-id"
#define CH_KEPT_TYPE "connhub.io/type"
#define CH_KEPT_STAGED "connhub.io/staged"
#define CH_KEPT_STAGE "connhub.io/stage"
#define CH_KEPT_TRANSACTION "connhub.io/transaction"

/* A Secret to be written.  Values are base64 already. */
typedef struct ChKeptSecret
{
	const char *namespace;
	const char *name;
	const char *connector;
	const char *type;
	const char *stage;
	const char *staged_by;		/* NULL: it is no stage */
	const char *transaction;	/* NULL: none */
	const char *resource_version;	/* NULL: whatever is there is replaced */
	const ChSecretField *fields;
	int			nfields;
} ChKeptSecret;

/* Its JSON, in memory that does not move; to be wiped. */
extern char *ch_kept_body(const ChKeptSecret *secret);
extern char *ch_kept_path(const char *namespace, const char *name);

/* Which database's stage it is, as the value of a label. */
extern char *ch_kept_staged_by(void);

/* One request.  The status of its answer; 0, with the error filled, when there is none.  Does not throw but for want of
 * memory.  *transfer, unless NULL, holds the answer. */
extern int	ch_kept_ask(const ChKube *kube, const char *method, const char *path, const char *body,
						ChHttpTransfer **transfer, const ChHttpReply **reply, ConnhubError *error);

/* Write a Secret over what is there, or as a new one; remove one.  True when it is done, or was done already. */
extern bool ch_kept_write(const ChKube *kube, const ChKeptSecret *secret, const char *body, ConnhubError *error);
extern bool ch_kept_delete(const ChKube *kube, const char *namespace, const char *name, ConnhubError *error);

#endif
