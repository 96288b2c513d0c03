/* vault/kube.h — a client of a Kubernetes API server. */
#ifndef CH_VAULT_KUBE_H
#define CH_VAULT_KUBE_H

#include "vault/store.h"

/* Where it is and who we are there.  Lives in its context, which wipes what is secret when it ends. */
typedef struct ChKube
{
	MemoryContext context;
	char	   *base;			/* https://host:port */
	char	   *ca;				/* PEM; NULL: what this machine trusts */
	char	   *authorization;	/* header; NULL: none */
	char	   *cert;			/* PEM; NULL: none */
	char	   *key;
	int64		timeout_ms;
} ChKube;

/* From a store's settings, below the current context.  Throws ERRCODE_CH_VAULT. */
extern ChKube *ch_kube_open(const ChStore *store, const char *subject);
extern void ch_kube_close(ChKube *kube);

/* Ask it: path begins with a slash; body is JSON, or NULL. */
extern void ch_kube_request(const ChKube *kube, const char *method, const char *path, const char *body,
							ChHttpRequest *request);
extern ChHttpTransfer *ch_kube_ask(const ChKube *kube, const char *method, const char *path, const char *body,
								   const char *subject, const ChHttpReply **reply);

/* Throw for an answer that is none of success. */
extern void ch_kube_fail(const char *subject, int status) pg_attribute_noreturn();

/* Bytes of base64 text, palloc'd and NUL-terminated; NULL when it is none. */
extern char *ch_kube_decode(const char *text, size_t *length);

/* Read a kubeconfig: its current context's server, authority, token, certificate and key into kube.  Throws. */
extern void ch_kube_config(ChKube *kube, const char *path, const char *subject);

#endif
