/* vault/reference.c — the schemes of references, who may use which, and resolving. */
#include "postgres.h"

#include "access/htup_details.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/varlena.h"

#include "catalog/catalog.h"
#include "common/error.h"
#include "common/guc.h"
#include "vault/reference.h"
#include "vault/reference_part.h"
#include "vault/store.h"

#define MAX_REFERENCE_BYTES 2048
#define Anum_tenant_id 1
#define Anum_tenant_name 2

typedef bool (*Splitter) (char *rest, ChReference *reference);

static bool split_env(char *rest, ChReference *reference);
static bool split_file(char *rest, ChReference *reference);
static bool split_vault(char *rest, ChReference *reference);
static bool split_k8s(char *rest, ChReference *reference);

static const struct
{
	Splitter	split;
	ChReferenceReader read;
	const char *form;
}			schemes[] = {
	[CH_SCHEME_ENV] = {split_env, ch_reference_env, "env://NAME"},
	[CH_SCHEME_FILE] = {split_file, ch_reference_file, "file:///path"},
	[CH_SCHEME_VAULT] = {split_vault, ch_reference_vault, "vault://mount/path#field or vault://mount/path?version=N#field"},
	[CH_SCHEME_K8S] = {split_k8s, ch_reference_k8s, "k8s://namespace/secret#key"},
};

/* ---- Form -------------------------------------------------------------------------------- */

/* Cut text at the last or first `at`; false when it is not there or nothing follows. */
static bool
cut(char *text, char at, char **after)
{
	*after = strchr(text, at);
	if (*after == NULL || (*after)[1] == '\0')
		return false;
	*(*after)++ = '\0';
	return true;
}

/* No component is empty, "." or "..". */
static bool
is_plain_path(const char *path)
{
	for (;;)
	{
		size_t		length = strcspn(path, "/");

		if (length == 0 || (length == 1 && path[0] == '.') || (length == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (path[length] == '\0')
			return true;
		path += length + 1;
	}
}

static bool
consists_of(const char *text, const char *extra)
{
	if (*text == '\0')
		return false;
	for (const char *p = text; *p != '\0'; p++)
		if (!isalnum((unsigned char) *p) && strchr(extra, *p) == NULL)
			return false;
	return true;
}

static bool
split_env(char *rest, ChReference *reference)
{
	reference->path = rest;
	return consists_of(rest, "_") && !isdigit((unsigned char) rest[0]);
}

static bool
split_file(char *rest, ChReference *reference)
{
	reference->path = rest;
	return rest[0] == '/' && is_plain_path(rest + 1);
}

static bool
split_vault(char *rest, ChReference *reference)
{
	char	   *query;

	reference->mount = rest;
	if (!cut(rest, '#', &reference->key) || !cut(rest, '/', &reference->path))
		return false;
	query = strchr(reference->path, '?');
	if (query != NULL)
	{
		*query++ = '\0';
		if (strncmp(query, "version=", 8) != 0 || query[8] == '\0' || strlen(query + 8) > 9 ||
			strspn(query + 8, "0123456789") != strlen(query + 8))
			return false;
		reference->version = query + 8;
	}
	return is_plain_path(reference->mount) && is_plain_path(reference->path);
}

/* Names as Kubernetes has them. */
static bool
split_k8s(char *rest, ChReference *reference)
{
	reference->mount = rest;
	return cut(rest, '#', &reference->key) && cut(rest, '/', &reference->path) && consists_of(rest, "-") &&
		consists_of(reference->path, "-.") && is_plain_path(reference->path) && consists_of(reference->key, "-._");
}

/* False: a plain value. */
static bool
parse(const char *value, const pg_uuid_t *tenant, ChReference *reference)
{
	const char *rest;
	bool		ok;

	memset(reference, 0, sizeof(*reference));
	reference->scheme = ch_reference_scheme(value, &rest);
	if (reference->scheme == CH_SCHEME_NONE)
		return false;
	reference->text = value;
	reference->tenant = tenant;
	ok = strlen(value) <= MAX_REFERENCE_BYTES;
	for (const char *p = value; *p != '\0'; p++)
		ok = ok && *p > ' ' && *p <= '~';
	if (!ok || !schemes[reference->scheme].split(pstrdup(rest), reference))
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("malformed reference of scheme \"%s\"", ch_scheme_names[reference->scheme]),
				 errdetail("A credential that begins with \"%s://\" is a reference.", ch_scheme_names[reference->scheme]),
				 errhint("Write it as %s.", schemes[reference->scheme].form)));
	return true;
}

/* ---- Who may use it ---------------------------------------------------------------------- */

static bool
tenant_is(const pg_uuid_t *tenant, const char *name)
{
	ChScan		scan;
	ScanKeyData key;
	HeapTuple	tuple;
	bool		same = false;
	bool		isnull;

	ch_scan_key_uuid(&key, Anum_tenant_id, tenant);
	ch_scan_begin(&scan, "tenant", "tenant_pkey", 1, &key);
	tuple = ch_scan_next(&scan);
	if (HeapTupleIsValid(tuple))
		same = strcmp(TextDatumGetCString(heap_getattr(tuple, Anum_tenant_name, RelationGetDescr(scan.relation), &isnull)), name) == 0;
	ch_scan_end(&scan);
	return same;
}

static bool
item_allows(const char *item, const ChReference *reference, Oid user)
{
	size_t		length = strcspn(item, ":@");
	Oid			role;

	if (length != strlen(ch_scheme_names[reference->scheme]) ||
		strncmp(item, ch_scheme_names[reference->scheme], length) != 0)
		return false;
	if (item[length] == '\0')
		return true;
	if (item[length] == '@')
		return tenant_is(reference->tenant, item + length + 1);
	role = get_role_oid(item + length + 1, true);
	return OidIsValid(role) && is_member_of_role(user, role);
}

static bool
is_allowed(const ChReference *reference, Oid user)
{
	List	   *items = NIL;
	ListCell   *lc;

	if (ch_catalog_has_role(user, CH_ROLE_ADMIN))
		return true;
	if (!SplitGUCList(pstrdup(ch_allowed_references), ',', &items))
		return false;
	foreach(lc, items)
		if (item_allows(lfirst(lc), reference, user))
			return true;
	return false;
}

static void
require_allowed(const ChReference *reference, Oid user)
{
	const char *scheme = ch_scheme_names[reference->scheme];

	if (!is_allowed(reference, user))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for references of scheme \"%s\"", scheme),
				 errdetail("They are read with the rights of this server, and open to administrators."),
				 errhint("Ask a superuser to add \"%s:ROLE\" to connhub.allowed_references, or store the value itself.", scheme)));
}

void
ch_reference_check(const char *value, const pg_uuid_t *tenant, Oid user)
{
	ChReference reference;

	/* What ch_kept_put stores is nobody else's to write. */
	if (value != NULL && strncmp(value, "kept://", 7) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("a credential cannot begin with \"kept://\""),
				 errhint("Give a value, or a reference of another scheme.")));
	if (value != NULL && parse(value, tenant, &reference))
		require_allowed(&reference, user);
}

/* ---- Resolving --------------------------------------------------------------------------- */

void
ch_reference_add(const ChReference *reference, ChSecret *into, const char *field, const char *value, size_t length)
{
	if (length == 0 || memchr(value, '\0', length) != NULL)
		ch_store_fail(reference->text, length == 0 ? "It is empty." : "It holds a zero byte.",
					  "Store a text there, or refer to something else.");
	ch_vault_add(into, field, strlen(field), value, length);
}

ChSecret *
ch_reference_resolve(const ChSecret *stored, const pg_uuid_t *tenant, Oid user)
{
	ChSecret   *resolved;
	bool		any = false;

	for (int i = 0; i < stored->nfields; i++)
		any = any || ch_reference_scheme(stored->fields[i].value, NULL) != CH_SCHEME_NONE;
	if (!any)
		return NULL;

	/* An error ends its context, which wipes it. */
	resolved = ch_vault_empty(stored->nfields);
	for (int i = 0; i < stored->nfields; i++)
	{
		const ChSecretField *field = &stored->fields[i];
		ChReference reference;

		if (!parse(field->value, tenant, &reference))
		{
			ch_vault_add(resolved, field->name, strlen(field->name), field->value, strlen(field->value));
			continue;
		}
		require_allowed(&reference, user);
		schemes[reference.scheme].read(&reference, resolved, field->name);
	}
	return resolved;
}
