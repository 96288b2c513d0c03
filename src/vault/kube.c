/* vault/kube.c — a client of a Kubernetes API server: by the pod's service account, a kubeconfig, or settings.
 *
 * TLS is always verified.  A service account's token goes to the address that Kubernetes gives to its pods only. */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/base64.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#include "common/error.h"
#include "vault/crypt.h"
#include "vault/kube.h"
#include "vault/reference_part.h"

#define POD_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount/"
#define MAX_POD_FILE (64 * 1024)
#define DEFAULT_TIMEOUT_MS 10000

/* A reset callback: every way its life may end passes here. */
static void
kube_wiped(void *arg)
{
	ChKube	   *kube = arg;

	if (kube->authorization != NULL)
		ch_wipe(kube->authorization, strlen(kube->authorization));
	if (kube->key != NULL)
		ch_wipe(kube->key, strlen(kube->key));
}

static char *
pod_file(const char *name, const char *subject)
{
	char	   *path = psprintf(POD_FOLDER "%s", name);
	int			fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	char	   *text = palloc0(MAX_POD_FILE + 1);
	ssize_t		n = fd >= 0 ? read(fd, text, MAX_POD_FILE) : -1;

	if (fd >= 0)
		CloseTransientFile(fd);
	if (n <= 0)
		ch_store_fail(subject, psprintf("The service account's file \"%s\" could not be read.", name),
					  "\"in_cluster\" works in a pod with a service account only.");
	return text;
}

static void
trim(char *text)
{
	size_t		length = strlen(text);

	while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
		text[--length] = '\0';
}

static void
set_token(ChKube *kube, char *token)
{
	trim(token);
	kube->authorization = psprintf("Authorization: Bearer %s", token);
	ch_wipe(token, strlen(token));
}

static void
open_pod(ChKube *kube, const char *subject)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");

	if (host == NULL || port == NULL)
		ch_store_fail(subject, "The server does not run in a pod of Kubernetes.", "Give the store an address or a kubeconfig.");
	kube->base = psprintf(strchr(host, ':') != NULL ? "https://[%s]:%s" : "https://%s:%s", host, port);
	kube->ca = pod_file("ca.crt", subject);
	set_token(kube, pod_file("token", subject));
}

static char *
copy(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

static void
open_settings(ChKube *kube, const ChStore *store, const char *subject)
{
	char	   *file = ch_store_option(store, "token_file");
	size_t		length;

	kube->base = ch_store_option(store, "address");
	kube->ca = ch_store_option(store, "ca");
	kube->cert = ch_store_option(store, "client_cert");
	kube->key = copy(ch_store_login(store, "client_key"));
	if (file != NULL)
		set_token(kube, ch_secret_file(file, subject, &length));
	else if (ch_store_login(store, "token") != NULL)
		set_token(kube, copy(ch_store_login(store, "token")));
	length = strlen(kube->base);
	if (kube->base[length - 1] == '/')
		kube->base[length - 1] = '\0';
}

ChKube *
ch_kube_open(const ChStore *store, const char *subject)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "connhub kubernetes", ALLOCSET_SMALL_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);
	ChKube	   *kube = palloc0(sizeof(ChKube));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	char	   *config = ch_store_option(store, "kubeconfig");

	kube->context = context;
	kube->timeout_ms = ch_store_ms(store, "timeout", DEFAULT_TIMEOUT_MS);
	callback->func = kube_wiped;
	callback->arg = kube;
	MemoryContextRegisterResetCallback(context, callback);
	if (ch_store_flag(store, "in_cluster"))
		open_pod(kube, subject);
	else if (config != NULL)
		ch_kube_config(kube, config, subject);
	else
		open_settings(kube, store, subject);
	MemoryContextSwitchTo(before);
	return kube;
}

void
ch_kube_close(ChKube *kube)
{
	MemoryContextDelete(kube->context);
}

void
ch_kube_request(const ChKube *kube, const char *method, const char *path, const char *body, ChHttpRequest *request)
{
	const char **headers = palloc(sizeof(char *) * 3);

	memset(request, 0, sizeof(*request));
	request->method = method;
	request->url = psprintf("%s%s", kube->base, path);
	request->headers = headers;
	headers[request->nheaders++] = "Accept: application/json";
	if (kube->authorization != NULL)
		headers[request->nheaders++] = kube->authorization;
	if (body != NULL)
		headers[request->nheaders++] = "Content-Type: application/json";
	request->body = body;
	request->body_bytes = body != NULL ? strlen(body) : 0;
	request->ca_pem = kube->ca;
	request->cert_pem = kube->cert;
	request->key_pem = kube->key;
	request->timeout_ms = kube->timeout_ms;
	request->max_reply_bytes = 4 * 1024 * 1024;
	request->secret = true;
}

ChHttpTransfer *
ch_kube_ask(const ChKube *kube, const char *method, const char *path, const char *body, const char *subject,
			const ChHttpReply **reply)
{
	ChHttpRequest request;

	ch_kube_request(kube, method, path, body, &request);
	return ch_store_ask(&request, subject, reply);
}

void
ch_kube_fail(const char *subject, int status)
{
	static const struct
	{
		int			status;
		const char *cause;
		const char *hint;
	}			causes[] = {
		{401, "Kubernetes does not know the login.", "Set the token or certificate anew with connhub.set_secret_store."},
		{403, "Kubernetes forbids it.", "Give the account a role that may do this with Secrets of the namespace."},
		{404, "There is no such namespace or Secret.", "Check both names of the reference."},
		{429, "Kubernetes takes no more requests for now.", "Try again later."},
	};

	for (int i = 0; i < lengthof(causes); i++)
		if (causes[i].status == status)
			ch_store_fail(subject, causes[i].cause, causes[i].hint);
	ch_store_fail(subject, psprintf("Kubernetes answered with status %d.", status), "Look into the log of its API server.");
	pg_unreachable();
}

char *
ch_kube_decode(const char *text, size_t *length)
{
	int			room = pg_b64_dec_len(strlen(text)) + 1;
	char	   *bytes = palloc0(room);
	int			n = pg_b64_decode(text, strlen(text), bytes, room - 1);

	if (n < 0)
		return NULL;
	bytes[n] = '\0';
	*length = n;
	return bytes;
}
