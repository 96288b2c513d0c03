/* vault/reference_k8s.c — references to Secrets of Kubernetes. */
#include "postgres.h"

#include "common/json.h"
#include "vault/crypt.h"
#include "vault/kube.h"
#include "vault/reference_part.h"

void
ch_reference_k8s(const ChReference *reference, ChSecret *into, const char *field)
{
	const char *const value_path[] = {"data", reference->key, NULL};
	ChStore    *store = ch_store_require(reference->tenant, "k8s");
	ChKube	   *kube = ch_kube_open(store, reference->text);
	const ChHttpReply *reply;
	ChHttpTransfer *transfer = ch_kube_ask(kube, "GET", psprintf("/api/v1/namespaces/%s/secrets/%s", reference->mount, reference->path),
										   NULL, reference->text, &reply);
	char	   *encoded;
	char	   *value;
	size_t		length = 0;

	if (reply->status != 200)
		ch_kube_fail(reference->text, reply->status);
	encoded = ch_json_pick(reply->body, reply->body_bytes, value_path);
	value = encoded != NULL ? ch_kube_decode(encoded, &length) : NULL;
	if (value == NULL)
		ch_store_fail(reference->text, psprintf("The Secret has no key \"%s\".", reference->key), "Check the name after \"#\".");
	ch_reference_add(reference, into, field, value, length);
	ch_wipe(value, length);
	ch_wipe(encoded, strlen(encoded));
	ch_http_end(transfer);
	ch_kube_close(kube);
	ch_vault_wipe(store->secret);
}
