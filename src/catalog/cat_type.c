/* catalog/cat_type.c — connector types: what drivers serve, recorded at registration.
 *
 * Assumes that the option table of a type stands in the catalogue as registration wrote it, so that a
 * configuration is checked without loading the driver. */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"

#include "catalog/cat_cache.h"
#include "catalog/cat_option.h"
#include "catalog/cat_sql.h"
#include "catalog/cat_type.h"
#include "catalog/catalog.h"
#include "common/error.h"

typedef struct TypeEntry
{
	char		name[NAMEDATALEN];	/* hash key, must be first */
	ChType		type;
} TypeEntry;

static ChCache type_cache = {
	.name = "connhub connector types",
	.relations = {"connector_type"},
	.control = {.keysize = NAMEDATALEN, .entrysize = sizeof(TypeEntry)},
	.flags = HASH_STRINGS,
};

static const char *const kind_names[] = {
	[CONNHUB_OPTION_TEXT] = "text",
	[CONNHUB_OPTION_INTEGER] = "integer",
	[CONNHUB_OPTION_BOOLEAN] = "boolean",
	[CONNHUB_OPTION_ENUM] = "enum",
	[CONNHUB_OPTION_DURATION] = "duration",
	[CONNHUB_OPTION_PEM] = "pem",
};

static const struct
{
	uint32		flag;
	const char *member;
}			option_flags[] = {
	{CONNHUB_OPTION_SECRET, "secret"},
	{CONNHUB_OPTION_REQUIRED, "required"},
	{CONNHUB_OPTION_PRIVILEGED, "privileged"},
};

static const struct
{
	uint64		bit;
	const char *name;
}			features[] = {
	{CONNHUB_CAP_DISCOVER, "discovery"},
	{CONNHUB_CAP_TRANSACTION, "transactions"},
	{CONNHUB_CAP_SNAPSHOT, "snapshots"},
	{CONNHUB_CAP_CANCEL, "cancel"},
	{CONNHUB_CAP_MULTI_CURSOR, "parallel cursors"},
	{CONNHUB_CAP_STATS, "column statistics"},
};

void
ch_type_cache_init(void)
{
	ch_cache_register(&type_cache);
}

Datum
ch_type_features(uint64 capabilities)
{
	Datum		names[lengthof(features)];
	int			count = 0;

	for (int i = 0; i < lengthof(features); i++)
	{
		if ((capabilities & features[i].bit) != 0)
			names[count++] = CStringGetTextDatum(features[i].name);
	}
	return PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
}

static void
push_string(JsonbParseState **state, const char *name, const char *text)
{
	JsonbValue	value;

	if (text == NULL)
		return;
	value.type = jbvString;
	value.val.string.val = (char *) name;
	value.val.string.len = strlen(name);
	pushJsonbValue(state, WJB_KEY, &value);
	value.val.string.val = (char *) text;
	value.val.string.len = strlen(text);
	pushJsonbValue(state, WJB_VALUE, &value);
}

static void
push_other(JsonbParseState **state, const char *name, JsonbValue *value)
{
	JsonbValue	key;

	key.type = jbvString;
	key.val.string.val = (char *) name;
	key.val.string.len = strlen(name);
	pushJsonbValue(state, WJB_KEY, &key);
	pushJsonbValue(state, WJB_VALUE, value);
}

/* An option table as the JSON array kept in connector_type.options. */
Jsonb *
ch_type_options_document(const ConnhubOptionSpec *specs, int count)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < count; i++)
	{
		const ConnhubOptionSpec *spec = &specs[i];

		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_string(&state, "name", spec->name);
		push_string(&state, "kind", kind_names[spec->kind]);
		push_string(&state, "default", spec->default_value);
		push_string(&state, "choices", spec->choices);
		push_string(&state, "help", spec->help);
		if (spec->min != 0 || spec->max != 0)
		{
			JsonbValue	number = {.type = jbvNumeric};

			number.val.numeric = int64_to_numeric(spec->min);
			push_other(&state, "min", &number);
			number.val.numeric = int64_to_numeric(spec->max);
			push_other(&state, "max", &number);
		}
		for (int f = 0; f < lengthof(option_flags); f++)
		{
			JsonbValue	truth = {.type = jbvBool,.val.boolean = true};

			if ((spec->flags & option_flags[f].flag) != 0)
				push_other(&state, option_flags[f].member, &truth);
		}
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

static char *
member_text(JsonbContainer *object, const char *name)
{
	JsonbValue	buffer;
	JsonbValue *value = getKeyJsonValueFromContainer(object, name, strlen(name), &buffer);

	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static int64
member_number(JsonbContainer *object, const char *name)
{
	JsonbValue	buffer;
	JsonbValue *value = getKeyJsonValueFromContainer(object, name, strlen(name), &buffer);

	if (value == NULL || value->type != jbvNumeric)
		return 0;
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(value->val.numeric)));
}

static ConnhubOptionSpec *
options_parse(Jsonb *document, int *count)
{
	ConnhubOptionSpec *specs = palloc0(sizeof(ConnhubOptionSpec) * Max(JB_ROOT_COUNT(document), 1));
	int			n = 0;

	for (uint32 i = 0; i < JB_ROOT_COUNT(document); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(&document->root, i);
		JsonbContainer *object;
		ConnhubOptionSpec *spec = &specs[n];
		char	   *kind;

		if (element == NULL || element->type != jbvBinary)
			continue;
		object = element->val.binary.data;
		spec->name = member_text(object, "name");
		kind = member_text(object, "kind");
		for (int k = 0; kind != NULL && k < lengthof(kind_names); k++)
		{
			if (strcmp(kind, kind_names[k]) == 0)
				spec->kind = (ConnhubOptionKind) k;
		}
		spec->default_value = member_text(object, "default");
		spec->choices = member_text(object, "choices");
		spec->help = member_text(object, "help");
		spec->min = member_number(object, "min");
		spec->max = member_number(object, "max");
		for (int f = 0; f < lengthof(option_flags); f++)
		{
			JsonbValue	buffer;

			if (getKeyJsonValueFromContainer(object, option_flags[f].member,
											 strlen(option_flags[f].member), &buffer) != NULL)
				spec->flags |= option_flags[f].flag;
		}
		if (spec->name != NULL)
			n++;
	}
	*count = n;
	return specs;
}

static bool
type_load(const char *name, ChType *type)
{
	ChScan		scan;
	ScanKeyData key;
	HeapTuple	tuple;
	bool		found = false;

	ch_scan_key_text(&key, Anum_ch_connector_type_name, name);
	ch_scan_begin(&scan, "connector_type", "connector_type_pkey", 1, &key);
	tuple = ch_scan_next(&scan);
	if (HeapTupleIsValid(tuple))
	{
		Datum		values[Natts_ch_connector_type];
		bool		nulls[Natts_ch_connector_type];
#define VALUE(column) values[Anum_ch_connector_type_##column - 1]

		heap_deform_tuple(tuple, RelationGetDescr(scan.relation), values, nulls);
		memset(type, 0, sizeof(*type));
		type->name = TextDatumGetCString(VALUE(name));
		type->driver = TextDatumGetCString(VALUE(driver));
		type->category = TextDatumGetCString(VALUE(category));
		type->default_port = nulls[Anum_ch_connector_type_default_port - 1] ? 0 :
			DatumGetInt32(VALUE(default_port));
		type->flags = (uint32) DatumGetInt32(VALUE(flags));
		type->capabilities = (uint64) DatumGetInt64(VALUE(capabilities));
		type->options = options_parse(DatumGetJsonbPCopy(VALUE(options)), &type->noptions);
#undef VALUE
		found = true;
	}
	ch_scan_end(&scan);
	return found;
}

static void
unknown_type(const char *name)
{
	const char *names[256];
	int			count = 0;
	const char *closest;
	ChScan		scan;
	HeapTuple	tuple;

	ch_scan_begin(&scan, "connector_type", "connector_type_pkey", 0, NULL);
	while (count < lengthof(names) && HeapTupleIsValid(tuple = ch_scan_next(&scan)))
	{
		bool		isnull;

		names[count++] = TextDatumGetCString(heap_getattr(tuple, Anum_ch_connector_type_name,
														  RelationGetDescr(scan.relation), &isnull));
	}
	ch_scan_end(&scan);
	closest = ch_closest(name, names, count);
	ereport(ERROR,
			(errcode(ERRCODE_CH_UNKNOWN_TYPE),
			 errmsg("connector type \"%s\" does not exist", name),
			 closest != NULL
			 ? errhint("Perhaps you meant the type \"%s\".", closest)
			 : errhint("SELECT name FROM connhub.types() lists the types; connhub.register_drivers() "
					   "adds those of newly installed drivers.")));
}

const ChType *
ch_type_get(const char *name, bool missing_ok)
{
	HTAB	   *entries = ch_cache_entries(&type_cache);
	TypeEntry  *entry = NULL;
	ChType		type;

	if (strlen(name) < NAMEDATALEN)
	{
		MemoryContext context = type_cache.context;
		MemoryContext before;
		bool		found;

		entry = hash_search(entries, name, HASH_FIND, NULL);
		if (entry != NULL)
			return &entry->type;

		before = MemoryContextSwitchTo(context);
		found = type_load(name, &type);
		MemoryContextSwitchTo(before);
		if (found)
		{
			entry = hash_search(entries, name, HASH_ENTER, NULL);
			entry->type = type;
			return &entry->type;
		}
	}
	if (!missing_ok)
		unknown_type(name);
	return NULL;
}

static void
store_type(const ConnhubDriver *driver, const ConnhubTypeSpec *spec)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_text(&sql, spec->name);
	ch_sql_text(&sql, driver->name);
	ch_sql_text(&sql, spec->category);
	ch_sql_text(&sql, spec->description);
	ch_sql_text(&sql, driver->version);
	ch_sql_value(&sql, INT4OID, Int32GetDatum(spec->default_port), spec->default_port == 0);
	ch_sql_value(&sql, INT4OID, Int32GetDatum((int32) spec->flags), false);
	ch_sql_value(&sql, INT8OID, Int64GetDatum((int64) driver->capabilities), false);
	ch_sql_value(&sql, TEXTARRAYOID, ch_type_features(driver->capabilities), false);
	ch_sql_text(&sql, spec->tier);
	ch_sql_value(&sql, JSONBOID,
				 JsonbPGetDatum(ch_type_options_document(spec->options, spec->noptions)), false);
	ch_sql_text(&sql, spec->example);
	if (ch_sql_run(&sql,
				   "INSERT INTO connhub_catalog.connector_type AS t (name, driver, category, description,"
				   " version, default_port, flags, capabilities, features, tier, options, example)"
				   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
				   " ON CONFLICT (name) DO UPDATE SET category = EXCLUDED.category,"
				   " description = EXCLUDED.description, version = EXCLUDED.version,"
				   " default_port = EXCLUDED.default_port, flags = EXCLUDED.flags,"
				   " capabilities = EXCLUDED.capabilities, features = EXCLUDED.features,"
				   " tier = EXCLUDED.tier, options = EXCLUDED.options, example = EXCLUDED.example"
				   " WHERE t.driver = EXCLUDED.driver") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("connector type \"%s\" of driver \"%s\" is already served by another driver",
						spec->name, driver->name),
				 errhint("Remove one of the two driver libraries.")));
	ch_sql_end(&sql);
}

void
ch_type_store(const ConnhubDriver *driver)
{
	Datum	   *names = palloc(sizeof(Datum) * driver->ntypes);
	ChSql		sql;

	for (uint32 i = 0; i < driver->ntypes; i++)
	{
		store_type(driver, &driver->types[i]);
		names[i] = CStringGetTextDatum(driver->types[i].name);
	}
	ch_sql_begin(&sql);
	ch_sql_text(&sql, driver->name);
	ch_sql_value(&sql, TEXTARRAYOID,
				 PointerGetDatum(construct_array(names, driver->ntypes, TEXTOID, -1, false,
												 TYPALIGN_INT)), false);
	ch_sql_run(&sql, "DELETE FROM connhub_catalog.connector_type WHERE driver = $1 AND name <> ALL ($2)");
	ch_sql_end(&sql);
}
