/* vault/vault.c — credentials: sealed in connhub_catalog.secret, opened for the moment of use.
 *
 * Two levels: the master key seals a tenant's data key, a data key seals credentials.  What is sealed is
 * bound to where it stands, so that a row copied to another connector, or an old row put back with
 * a new version, does not open.  A credential is a list of length-prefixed names and values. */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "catalog/cat_reference.h"
#include "catalog/cat_sql.h"
#include "catalog/catalog.h"
#include "common/error.h"
#include "common/guc.h"
#include "vault/keyring.h"
#include "vault/vault.h"

#define MAX_FIELDS 64
#define LOOKS 3
#define MAX_SECRET_BYTES ((Size) 1024 * 1024)

enum AnumDataKey
{
	Anum_data_key_id = 1,
	Anum_data_key_tenant_id,
	Anum_data_key_master_id,
	Anum_data_key_wrapped
};

enum AnumSecret
{
	Anum_secret_connector_id = 1,
	Anum_secret_version,
	Anum_secret_key_id,
	Anum_secret_sealed
};

/* What is authenticated with a credential, and with a data key. */
typedef struct SecretBinding
{
	char		purpose[16];
	uint8		connector[UUID_LEN];
	uint64		version;		/* network order; so the next */
	uint64		key_id;
} SecretBinding;

typedef struct KeyBinding
{
	char		purpose[16];
	uint8		tenant[UUID_LEN];
} KeyBinding;

/* A stored credential, as read. */
typedef struct SealedSecret
{
	int64		version;
	int64		key_id;
	bytea	   *sealed;
} SealedSecret;

static void data_key_open(const pg_uuid_t *tenant, int64 key_id, const char *master_id, bytea *wrapped,
						  uint8 *key);

static void
bind_secret(SecretBinding *binding, const pg_uuid_t *connector, int64 version, int64 key_id)
{
	memset(binding, 0, sizeof(*binding));
	strlcpy(binding->purpose, "connhub secret", sizeof(binding->purpose));
	memcpy(binding->connector, connector->data, UUID_LEN);
	binding->version = pg_hton64((uint64) version);
	binding->key_id = pg_hton64((uint64) key_id);
}

static void
bind_key(KeyBinding *binding, const pg_uuid_t *tenant)
{
	memset(binding, 0, sizeof(*binding));
	strlcpy(binding->purpose, "connhub datakey", sizeof(binding->purpose));
	memcpy(binding->tenant, tenant->data, UUID_LEN);
}

static Datum
result_value(int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %d of the vault", column);
	return value;
}

/* ---- Data keys --------------------------------------------------------------------------- */

/* A new data key of the tenant, sealed by the master key. */
static int64
data_key_create(const pg_uuid_t *tenant, const uint8 *master, const char *fingerprint, uint8 *key)
{
	ChSql		sql;
	int64		id;

	ch_random(key, CH_KEY_BYTES);
	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, tenant);
	ch_sql_text(&sql, fingerprint);
	ch_sql_value(&sql, BYTEAOID, PointerGetDatum(ch_data_key_wrap(tenant, master, key)), false);
	ch_sql_run(&sql,
			   "INSERT INTO connhub_catalog.data_key (tenant_id, master_id, wrapped)"
			   " VALUES ($1, $2, $3) RETURNING id");
	id = DatumGetInt64(result_value(1));
	ch_sql_end(&sql);
	return id;
}

/* The tenant's newest data key under the present master key; made when there is none.  One made for
 * nothing by two sessions at once does no harm: a credential names its key. */
static int64
data_key_for_seal(const pg_uuid_t *tenant, uint8 *key)
{
	uint8		master[CH_KEY_BYTES];
	char		fingerprint[CH_FINGERPRINT_BYTES];
	ChSql		sql;
	int64		id;
	bool		found;

	ch_master_key_fetch(master, true);
	ch_fingerprint(master, fingerprint);

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, tenant);
	ch_sql_text(&sql, fingerprint);
	found = ch_sql_run(&sql,
					   "SELECT id, wrapped FROM connhub_catalog.data_key"
					   " WHERE tenant_id OPERATOR(pg_catalog.=) $1 AND master_id OPERATOR(pg_catalog.=) $2"
					   " ORDER BY id DESC LIMIT 1") > 0;
	if (found)
	{
		id = DatumGetInt64(result_value(1));
		data_key_open(tenant, id, fingerprint, DatumGetByteaPCopy(result_value(2)), key);
	}
	ch_sql_end(&sql);
	if (!found)
		id = data_key_create(tenant, master, fingerprint, key);
	ch_wipe(master, sizeof(master));
	return id;
}

int64
ch_data_key_renew(const pg_uuid_t *tenant)
{
	uint8		master[CH_KEY_BYTES];
	uint8		key[CH_KEY_BYTES];
	char		fingerprint[CH_FINGERPRINT_BYTES];
	int64		id;

	ch_master_key_fetch(master, true);
	ch_fingerprint(master, fingerprint);
	id = data_key_create(tenant, master, fingerprint, key);
	ch_wipe(master, sizeof(master));
	ch_wipe(key, sizeof(key));
	return id;
}

/* Fetch the master key with a fingerprint: the present one, or the former one while keys are being rotated. */
static bool
master_of(const char *master_id, uint8 *master)
{
	const char *const sources[] = {ch_master_key, ch_former_master_key};
	char		fingerprint[CH_FINGERPRINT_BYTES];

	for (int i = 0; i < lengthof(sources); i++)
	{
		if (i > 0 && sources[i][0] == '\0')
			continue;
		ch_key_fetch(sources[i], master);
		ch_fingerprint(master, fingerprint);
		if (strlen(master_id) == strlen(fingerprint) &&
			ch_equal_in_constant_time(master_id, fingerprint, strlen(fingerprint)))
			return true;
	}
	ch_wipe(master, CH_KEY_BYTES);
	return false;
}

bool
ch_data_key_unwrap(const pg_uuid_t *tenant, const uint8 *master, const struct varlena *wrapped, uint8 *key)
{
	KeyBinding	binding;

	bind_key(&binding, tenant);
	return VARSIZE_ANY_EXHDR(wrapped) == CH_KEY_BYTES + CH_SEAL_BYTES &&
		ch_unseal(master, &binding, sizeof(binding), (const uint8 *) VARDATA_ANY(wrapped),
				  VARSIZE_ANY_EXHDR(wrapped), key);
}

struct varlena *
ch_data_key_wrap(const pg_uuid_t *tenant, const uint8 *master, const uint8 *key)
{
	bytea	   *wrapped = palloc(VARHDRSZ + CH_KEY_BYTES + CH_SEAL_BYTES);
	KeyBinding	binding;

	bind_key(&binding, tenant);
	SET_VARSIZE(wrapped, VARHDRSZ + CH_KEY_BYTES + CH_SEAL_BYTES);
	ch_seal(master, &binding, sizeof(binding), key, CH_KEY_BYTES, (uint8 *) VARDATA(wrapped));
	return wrapped;
}

static void
data_key_open(const pg_uuid_t *tenant, int64 key_id, const char *master_id, bytea *wrapped, uint8 *key)
{
	uint8		master[CH_KEY_BYTES];
	bool		ok;

	if (!master_of(master_id, master))
		ereport(ERROR,
				(errcode(ERRCODE_CH_VAULT),
				 errmsg("the master key of connhub is not the one that seals the stored credentials"),
				 errhint("Name the former key in connhub.former_master_key and run connhub.rotate_master_key(), "
						 "or store the credentials again with connhub.set_credentials.")));
	ok = ch_data_key_unwrap(tenant, master, wrapped, key);
	ch_wipe(master, sizeof(master));
	if (!ok)
		ereport(ERROR,
				(errcode(ERRCODE_CH_VAULT),
				 errmsg("data key %lld of connhub does not open", (long long) key_id),
				 errdetail("Its row in connhub_catalog.data_key has been changed or belongs to another tenant."),
				 errhint("Restore connhub_catalog.data_key, or store the credentials again with "
						 "connhub.set_credentials.")));
}

/* False: there is no such key. */
static bool
data_key_for_open(const pg_uuid_t *tenant, int64 key_id, uint8 *key)
{
	ChScan		scan;
	ScanKeyData skey;
	HeapTuple	tuple;
	char	   *master_id = NULL;
	bytea	   *wrapped = NULL;

	ScanKeyInit(&skey, Anum_data_key_id, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(key_id));
	ch_scan_begin(&scan, "data_key", "data_key_pkey", 1, &skey);
	tuple = ch_scan_next(&scan);
	if (HeapTupleIsValid(tuple))
	{
		TupleDesc	desc = RelationGetDescr(scan.relation);
		bool		isnull;

		master_id = TextDatumGetCString(heap_getattr(tuple, Anum_data_key_master_id, desc, &isnull));
		wrapped = DatumGetByteaPCopy(heap_getattr(tuple, Anum_data_key_wrapped, desc, &isnull));
	}
	ch_scan_end(&scan);
	if (wrapped == NULL)
		return false;
	data_key_open(tenant, key_id, master_id, wrapped, key);
	return true;
}

/* ---- Plaintext --------------------------------------------------------------------------- */

/* A reset callback of the secret's context: every way its life may end passes here. */
static void
secret_wiped(void *arg)
{
	ChSecret   *secret = arg;

	for (int i = 0; i < secret->nfields; i++)
		ch_wipe(unconstify(char *, secret->fields[i].value), strlen(secret->fields[i].value));
	secret->nfields = 0;
}

ChSecret *
ch_vault_empty(int nfields)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "connhub secret",
												  ALLOCSET_SMALL_SIZES);
	ChSecret   *secret = MemoryContextAllocZero(context, sizeof(ChSecret));
	MemoryContextCallback *callback = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));

	secret->context = context;
	secret->fields = MemoryContextAllocZero(context, sizeof(ChSecretField) * Max(nfields, 1));
	callback->func = secret_wiped;
	callback->arg = secret;
	MemoryContextRegisterResetCallback(context, callback);
	return secret;
}

void
ch_vault_add(ChSecret *secret, const char *name, Size name_length, const char *value, Size value_length)
{
	char	   *copy = MemoryContextAllocZero(secret->context, name_length + value_length + 2);

	memcpy(copy, name, name_length);
	memcpy(copy + name_length + 1, value, value_length);
	secret->fields[secret->nfields].name = copy;
	secret->fields[secret->nfields].value = copy + name_length + 1;
	secret->nfields++;
}

static uint8 *
put_slice(uint8 *p, const char *text)
{
	uint32		length = strlen(text);
	uint32		network = pg_hton32(length);

	memcpy(p, &network, sizeof(network));
	memcpy(p + sizeof(network), text, length);
	return p + sizeof(network) + length;
}

static bool
get_slice(const uint8 **p, const uint8 *end, const char **text, Size *length)
{
	uint32		network;

	if (end - *p < (ptrdiff_t) sizeof(network))
		return false;
	memcpy(&network, *p, sizeof(network));
	*length = pg_ntoh32(network);
	*p += sizeof(network);
	if ((Size) (end - *p) < *length)
		return false;
	*text = (const char *) *p;
	*p += *length;
	return true;
}

static Size
packed_size(const ChSecretField *fields, int nfields)
{
	Size		size = 0;

	for (int i = 0; i < nfields; i++)
		size += 2 * sizeof(uint32) + strlen(fields[i].name) + strlen(fields[i].value);
	return size;
}

static void
pack(const ChSecretField *fields, int nfields, uint8 *p)
{
	for (int i = 0; i < nfields; i++)
		p = put_slice(put_slice(p, fields[i].name), fields[i].value);
}

static bool
unpack(ChSecret *secret, const uint8 *p, const uint8 *end)
{
	while (p < end)
	{
		const char *name;
		const char *value;
		Size		name_length;
		Size		value_length;

		if (secret->nfields >= MAX_FIELDS || !get_slice(&p, end, &name, &name_length) ||
			!get_slice(&p, end, &value, &value_length))
			return false;
		ch_vault_add(secret, name, name_length, value, value_length);
	}
	return true;
}

/* ---- Credentials ------------------------------------------------------------------------- */

/* A version is never used twice: connections are cached by it. */
static int64
next_version(const pg_uuid_t *connector)
{
	ChSql		sql;
	int64		version;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, connector);
	if (ch_sql_run(&sql,
				   "SELECT GREATEST(c.secret_version, s.version, 0)"
				   " FROM connhub_catalog.connector AS c"
				   " LEFT JOIN connhub_catalog.secret AS s ON s.connector_id OPERATOR(pg_catalog.=) c.id"
				   " WHERE c.id OPERATOR(pg_catalog.=) $1 FOR UPDATE OF c") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_CH_UNKNOWN_CONNECTOR),
				 errmsg("connector %s does not exist", ch_uuid_text(connector))));
	version = DatumGetInt64(result_value(1)) + 1;
	ch_sql_end(&sql);
	return version;
}

static void
secret_store(const pg_uuid_t *connector, int64 version, int64 key_id, bytea *sealed,
			 const ChSecretField *fields, int nfields)
{
	Datum		names[MAX_FIELDS];
	ChSql		sql;

	bool		is_fetched = false;

	for (int i = 0; i < nfields; i++)
	{
		ChScheme	scheme = ch_reference_scheme(fields[i].value, NULL);

		names[i] = CStringGetTextDatum(fields[i].name);
		is_fetched = is_fetched || scheme == CH_SCHEME_VAULT || scheme == CH_SCHEME_K8S;
	}
	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, connector);
	ch_sql_value(&sql, INT8OID, Int64GetDatum(version), false);
	ch_sql_value(&sql, INT8OID, Int64GetDatum(key_id), false);
	ch_sql_value(&sql, BYTEAOID, PointerGetDatum(sealed), false);
	ch_sql_value(&sql, TEXTARRAYOID,
				 PointerGetDatum(construct_array(names, nfields, TEXTOID, -1, false, TYPALIGN_INT)), false);
	ch_sql_value(&sql, BOOLOID, BoolGetDatum(is_fetched), false);
	ch_sql_run(&sql,
			   "INSERT INTO connhub_catalog.secret (connector_id, version, key_id, sealed, fields, is_fetched)"
			   " VALUES ($1, $2, $3, $4, $5, $6)"
			   " ON CONFLICT (connector_id) DO UPDATE SET version = excluded.version,"
			   " key_id = excluded.key_id, sealed = excluded.sealed, fields = excluded.fields,"
			   " is_fetched = excluded.is_fetched, updated_at = pg_catalog.now()");
	ch_sql_end(&sql);
}

struct varlena *
ch_vault_seal(const pg_uuid_t *tenant, const pg_uuid_t *subject, int64 version, const ChSecretField *fields, int nfields,
			  int64 *key_id)
{
	uint8		key[CH_KEY_BYTES];
	SecretBinding binding;
	Size		size = packed_size(fields, nfields);
	uint8	   *plain;
	bytea	   *sealed;

	if (nfields > MAX_FIELDS || size > MAX_SECRET_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_CH_VAULT),
				 errmsg("the credential is too large"),
				 errdetail("It may have %d fields and %zu bytes.", MAX_FIELDS, MAX_SECRET_BYTES)));
	sealed = palloc(VARHDRSZ + size + CH_SEAL_BYTES);
	SET_VARSIZE(sealed, VARHDRSZ + size + CH_SEAL_BYTES);
	plain = palloc(Max(size, 1));

	/* From here to the wipe nothing throws but a broken OpenSSL. */
	*key_id = data_key_for_seal(tenant, key);
	bind_secret(&binding, subject, version, *key_id);
	pack(fields, nfields, plain);
	ch_seal(key, &binding, sizeof(binding), plain, size, (uint8 *) VARDATA(sealed));
	ch_wipe(plain, size);
	ch_wipe(key, sizeof(key));
	return sealed;
}

int64
ch_vault_put(const pg_uuid_t *tenant, const pg_uuid_t *connector, const ChSecretField *fields, int nfields)
{
	int64		version = next_version(connector);
	int64		key_id;
	bytea	   *sealed = ch_vault_seal(tenant, connector, version, fields, nfields, &key_id);

	secret_store(connector, version, key_id, sealed, fields, nfields);
	return version;
}

static bool
secret_load(const pg_uuid_t *connector, SealedSecret *stored)
{
	ChScan		scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ch_scan_key_uuid(&key, Anum_secret_connector_id, connector);
	ch_scan_begin(&scan, "secret", "secret_pkey", 1, &key);
	tuple = ch_scan_next(&scan);
	if (HeapTupleIsValid(tuple))
	{
		TupleDesc	desc = RelationGetDescr(scan.relation);
		bool		isnull;

		stored->version = DatumGetInt64(heap_getattr(tuple, Anum_secret_version, desc, &isnull));
		stored->key_id = DatumGetInt64(heap_getattr(tuple, Anum_secret_key_id, desc, &isnull));
		stored->sealed = DatumGetByteaPCopy(heap_getattr(tuple, Anum_secret_sealed, desc, &isnull));
	}
	ch_scan_end(&scan);
	return HeapTupleIsValid(tuple);
}

typedef enum Unsealed
{
	UNSEALED,
	UNSEAL_NO_KEY,
	UNSEAL_BROKEN
} Unsealed;

static Unsealed
secret_unseal(const pg_uuid_t *tenant, const pg_uuid_t *subject, const SealedSecret *stored, ChSecret **opened)
{
	Size		size = VARSIZE_ANY_EXHDR(stored->sealed);
	ChSecret   *secret;
	uint8	   *plain;
	SecretBinding binding;
	uint8		key[CH_KEY_BYTES];
	bool		ok;

	if (!data_key_for_open(tenant, stored->key_id, key))
		return UNSEAL_NO_KEY;
	secret = ch_vault_empty(MAX_FIELDS);
	plain = MemoryContextAlloc(secret->context, Max(size, 1));
	bind_secret(&binding, subject, stored->version, stored->key_id);
	ok = size >= CH_SEAL_BYTES &&
		ch_unseal(key, &binding, sizeof(binding), (const uint8 *) VARDATA_ANY(stored->sealed), size, plain);
	ch_wipe(key, sizeof(key));
	ok = ok && unpack(secret, plain, plain + size - CH_SEAL_BYTES);
	ch_wipe(plain, size);
	*opened = secret;
	if (ok)
		return UNSEALED;
	ch_vault_wipe(secret);
	return UNSEAL_BROKEN;
}

static void
refuse_unsealed(Unsealed outcome, const pg_uuid_t *subject, int64 key_id, const char *remedy)
{
	if (outcome == UNSEAL_NO_KEY)
		ereport(ERROR,
				(errcode(ERRCODE_CH_VAULT),
				 errmsg("data key %lld of connhub is missing", (long long) key_id),
				 errhint("Restore connhub_catalog.data_key, or %s.", remedy)));
	if (outcome == UNSEAL_BROKEN)
		ereport(ERROR,
				(errcode(ERRCODE_CH_VAULT),
				 errmsg("the stored secret of %s does not open", ch_uuid_text(subject)),
				 errdetail("Its row has been changed or belongs to something else."),
				 errhint("To have it again, %s.", remedy)));
}

/* A rotation may seal the credential anew and remove the old key between our two looks: then look again. */
ChSecret *
ch_vault_open(const pg_uuid_t *tenant, const pg_uuid_t *connector)
{
	SealedSecret stored;
	ChSecret   *secret = NULL;
	Unsealed	outcome = UNSEAL_NO_KEY;

	for (int i = 0; i < LOOKS && outcome == UNSEAL_NO_KEY; i++)
	{
		if (!secret_load(connector, &stored))
			return ch_vault_empty(0);
		outcome = secret_unseal(tenant, connector, &stored, &secret);
	}
	refuse_unsealed(outcome, connector, stored.key_id, "store the credential with connhub.set_credentials");
	return secret;
}

ChSecret *
ch_vault_unseal(const pg_uuid_t *tenant, const pg_uuid_t *subject, int64 version, int64 key_id, struct varlena *sealed)
{
	SealedSecret stored = {.version = version, .key_id = key_id, .sealed = sealed};
	ChSecret   *secret = NULL;

	refuse_unsealed(secret_unseal(tenant, subject, &stored, &secret), subject, key_id, "store it again");
	return secret;
}

const char *
ch_vault_field(const ChSecret *secret, const char *name)
{
	for (int i = 0; i < secret->nfields; i++)
		if (strcmp(secret->fields[i].name, name) == 0)
			return secret->fields[i].value;
	return NULL;
}

void
ch_vault_wipe(ChSecret *secret)
{
	if (secret != NULL)
		MemoryContextDelete(secret->context);
}

ChSecret *
ch_vault_plain(const ChSecretField *fields, int nfields)
{
	ChSecret   *secret = ch_vault_empty(nfields);

	for (int i = 0; i < nfields; i++)
		ch_vault_add(secret, fields[i].name, strlen(fields[i].name), fields[i].value, strlen(fields[i].value));
	return secret;
}

void
ch_vault_forget(const pg_uuid_t *connector)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, connector);
	ch_sql_run(&sql, "DELETE FROM connhub_catalog.secret WHERE connector_id OPERATOR(pg_catalog.=) $1");
	ch_sql_end(&sql);
}
