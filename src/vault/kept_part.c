/* vault/kept_part.c — requests for Secrets that hold credentials. */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"

#include "common/error.h"
#include "common/json.h"
#include "vault/crypt.h"
#include "vault/kept_part.h"

static void
add_pair(StringInfo body, const char *name, const char *value, bool *first)
{
	if (value == NULL)
		return;
	if (!*first)
		appendStringInfoChar(body, ',');
	*first = false;
	ch_json_append(body, name);
	appendStringInfoChar(body, ':');
	ch_json_append(body, value);
}

char *
ch_kept_body(const ChKeptSecret *secret)
{
	StringInfoData body;
	Size		size = 4096;
	bool		first = true;

	for (int i = 0; i < secret->nfields; i++)
		size += 2 * strlen(secret->fields[i].name) + strlen(secret->fields[i].value) + 16;
	initStringInfo(&body);
	enlargeStringInfo(&body, (int) size);
	appendStringInfoString(&body, "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"type\":\"Opaque\",\"metadata\":{");
	add_pair(&body, "name", secret->name, &first);
	add_pair(&body, "namespace", secret->namespace, &first);
	add_pair(&body, "resourceVersion", secret->resource_version, &first);
	appendStringInfoString(&body, ",\"labels\":{");
	first = true;
	add_pair(&body, "app.kubernetes.io/managed-by", "connhub", &first);
	add_pair(&body, CH_KEPT_CONNECTOR, secret->connector, &first);
	add_pair(&body, CH_KEPT_TYPE, secret->type, &first);
	add_pair(&body, CH_KEPT_STAGED, secret->staged_by, &first);
	appendStringInfoString(&body, "},\"annotations\":{");
	first = true;
	add_pair(&body, CH_KEPT_STAGE, secret->stage, &first);
	add_pair(&body, CH_KEPT_TRANSACTION, secret->transaction, &first);
	appendStringInfoString(&body, "}},\"data\":{");
	first = true;
	for (int i = 0; i < secret->nfields; i++)
		add_pair(&body, secret->fields[i].name, secret->fields[i].value, &first);
	appendStringInfoString(&body, "}}");
	return body.data;
}

char *
ch_kept_staged_by(void)
{
	return psprintf("%016llx-%u", (unsigned long long) GetSystemIdentifier(), MyDatabaseId);
}

char *
ch_kept_path(const char *namespace, const char *name)
{
	return psprintf("/api/v1/namespaces/%s/secrets%s%s", namespace, name != NULL ? "/" : "", name != NULL ? name : "");
}

int
ch_kept_ask(const ChKube *kube, const char *method, const char *path, const char *body, ChHttpTransfer **transfer,
			const ChHttpReply **reply, ConnhubError *error)
{
	ChHttpRequest request;
	ChHttpTransfer *own = NULL;
	const ChHttpReply *answer;
	int			status;

	ch_kube_request(kube, method, path, body, &request);
	if (ch_http_call(&request, &own, &answer, error) != CONNHUB_OK)
		return 0;
	status = answer->status;
	if (transfer != NULL)
	{
		*transfer = own;
		*reply = answer;
	}
	else
		ch_http_end(own);
	return status;
}

static bool
judge(int status, int also, ConnhubError *error)
{
	if (status >= 200 && status < 300)
		return true;
	if (status != 0 && status == also)
		return true;
	if (status != 0)
		ch_error_set(error, CONNHUB_QUERY, "Kubernetes answered with status %d", status);
	return false;
}

bool
ch_kept_write(const ChKube *kube, const ChKeptSecret *secret, const char *body, ConnhubError *error)
{
	int			status = ch_kept_ask(kube, "PUT", ch_kept_path(secret->namespace, secret->name), body, NULL, NULL, error);

	if (status == 404)
		status = ch_kept_ask(kube, "POST", ch_kept_path(secret->namespace, NULL), body, NULL, NULL, error);
	return judge(status, 0, error);
}

bool
ch_kept_delete(const ChKube *kube, const char *namespace, const char *name, ConnhubError *error)
{
	return judge(ch_kept_ask(kube, "DELETE", ch_kept_path(namespace, name), NULL, NULL, NULL, error), 404, error);
}
