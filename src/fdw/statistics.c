/* fdw/statistics.c — what discovery knows of a column, as pg_statistic would say it.
 *
 * The planner's selectivity functions are given a tuple of pg_statistic made of the catalogue's rows: null
 * fraction, distinct values, width, most common values, histogram.  Values are turned into the type
 * declared here, and ordered as that type is ordered here, whatever the source's order is.  A tuple is made
 * once and kept with the column it describes until the catalogue changes.
 *
 * Statistics that ANALYZE has gathered here come first. */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/pathnodes.h"
#include "utils/acl.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/selfuncs.h"
#include "utils/sortsupport.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "catalog/cat_statistics.h"
#include "fdw/fdw.h"
#include "fdw/statvalue.h"

static get_relation_stats_hook_type next_stats_hook = NULL;

/* A tuple kept with a column: for one attribute of one foreign table, as it is declared. */
typedef struct Derived
{
	Oid			table;
	AttrNumber	attnum;
	Oid			type;
	Oid			collation;
	HeapTuple	tuple;
} Derived;

/* ---- The slots of a tuple ------------------------------------------------------------------ */

/* Type of the values, and how they are compared. */
typedef struct ValueType
{
	Oid			type;			/* below any domain */
	Oid			collation;
	TypeCacheEntry *entry;
} ValueType;

typedef struct Builder
{
	Datum		values[Natts_pg_statistic];
	bool		nulls[Natts_pg_statistic];
	int			nslots;
} Builder;

static void
add_slot(Builder *builder, const ValueType *type, int kind, Oid op, Datum *numbers, int nnumbers,
		 Datum *values, int nvalues)
{
	int			slot = builder->nslots++;

	builder->values[Anum_pg_statistic_stakind1 - 1 + slot] = Int16GetDatum(kind);
	builder->values[Anum_pg_statistic_staop1 - 1 + slot] = ObjectIdGetDatum(op);
	builder->values[Anum_pg_statistic_stacoll1 - 1 + slot] = ObjectIdGetDatum(type->collation);
	if (nnumbers > 0)
	{
		builder->values[Anum_pg_statistic_stanumbers1 - 1 + slot] =
			PointerGetDatum(construct_array(numbers, nnumbers, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
		builder->nulls[Anum_pg_statistic_stanumbers1 - 1 + slot] = false;
	}
	if (nvalues > 0)
	{
		builder->values[Anum_pg_statistic_stavalues1 - 1 + slot] =
			PointerGetDatum(construct_array(values, nvalues, type->type, type->entry->typlen,
											type->entry->typbyval, type->entry->typalign));
		builder->nulls[Anum_pg_statistic_stavalues1 - 1 + slot] = false;
	}
}

/* The text of a scalar of JSON; NULL when it has none. */
static char *
scalar_text(const JsonbValue *json)
{
	switch (json->type)
	{
		case jbvString:
			return pnstrdup(json->val.string.val, json->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(json->val.numeric)));
		case jbvBool:
			return pstrdup(json->val.boolean ? "t" : "f");
		default:
			return NULL;
	}
}

static bool
read_scalar(const JsonbValue *json, Oid type, Datum *value)
{
	char	   *text = scalar_text(json);

	return text != NULL && ch_statvalue_read(type, text, value);
}

/* The members of a JSON array; 0 when it is none. */
static int
array_length_of(const Jsonb *json)
{
	return json != NULL && JB_ROOT_IS_ARRAY(json) && !JB_ROOT_IS_SCALAR(json) ? JB_ROOT_COUNT(json) : 0;
}

/* One [value, frequency]. */
static bool
read_common(JsonbValue *pair, Oid type, Datum *value, float4 *frequency)
{
	JsonbValue *first;
	JsonbValue *second;

	if (pair->type != jbvBinary || !JsonContainerIsArray(pair->val.binary.data) ||
		JsonContainerSize(pair->val.binary.data) != 2)
		return false;
	first = getIthJsonbValueFromContainer(pair->val.binary.data, 0);
	second = getIthJsonbValueFromContainer(pair->val.binary.data, 1);
	if (second->type != jbvNumeric)
		return false;
	*frequency = (float4) strtod(scalar_text(second), NULL);
	return *frequency > 0 && *frequency <= 1 && read_scalar(first, type, value);
}

static void
add_most_common(Builder *builder, const ValueType *type, Jsonb *json)
{
	int			count = array_length_of(json);
	Datum	   *values = palloc(sizeof(Datum) * Max(count, 1));
	Datum	   *numbers = palloc(sizeof(Datum) * Max(count, 1));
	double		sum = 0;
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		float4		frequency;

		if (!read_common(getIthJsonbValueFromContainer(&json->root, i), type->type, &values[n], &frequency) ||
			sum + frequency > 1.001)
			continue;
		sum += frequency;
		numbers[n++] = Float4GetDatum(frequency);
	}
	if (n > 0)
		add_slot(builder, type, STATISTIC_KIND_MCV, type->entry->eq_opr, numbers, n, values, n);
}

static int
compare_values(const void *a, const void *b, void *support)
{
	return ApplySortComparator(*(const Datum *) a, false, *(const Datum *) b, false, support);
}

static void
add_histogram(Builder *builder, const ValueType *type, Jsonb *json)
{
	int			count = array_length_of(json);
	Datum	   *values = palloc(sizeof(Datum) * Max(count, 1));
	SortSupportData support = {.ssup_cxt = CurrentMemoryContext,.ssup_collation = type->collation};
	int			n = 0;

	for (int i = 0; i < count; i++)
		n += read_scalar(getIthJsonbValueFromContainer(&json->root, i), type->type, &values[n]);
	if (n < 2)
		return;
	PrepareSortSupportFromOrderingOp(type->entry->lt_opr, &support);
	qsort_arg(values, n, sizeof(Datum), compare_values, &support);
	add_slot(builder, type, STATISTIC_KIND_HISTOGRAM, type->entry->lt_opr, NULL, 0, values, n);
}

static void
add_values(Builder *builder, const ChRelInfo *info, const ChRelColumn *column, Form_pg_attribute attribute)
{
	ValueType	type = {.type = getBaseType(attribute->atttypid),.collation = attribute->attcollation};
	ChStatisticsValues stored;
	Datum		correlation;

	if (!ch_statvalue_readable(type.type) ||
		!ch_statistics_values_load(info->at->connector, info->remote, column->name, &stored))
		return;
	type.entry = lookup_type_cache(type.type, TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR);
	if (!OidIsValid(type.entry->eq_opr) || !OidIsValid(type.entry->lt_opr))
		return;
	add_most_common(builder, &type, stored.most_common);
	add_histogram(builder, &type, stored.histogram);
	correlation = Float4GetDatum(stored.correlation);
	if (stored.correlation != 0)
		add_slot(builder, &type, STATISTIC_KIND_CORRELATION, type.entry->lt_opr, &correlation, 1, NULL, 0);
}

static HeapTuple
tuple_make(const ChRelInfo *info, const ChRelColumn *column, Form_pg_attribute attribute)
{
	Relation	relation = table_open(StatisticRelationId, AccessShareLock);
	Builder		builder = {.nslots = 0};
	HeapTuple	tuple;

	builder.values[Anum_pg_statistic_starelid - 1] = ObjectIdGetDatum(info->table);
	builder.values[Anum_pg_statistic_staattnum - 1] = Int16GetDatum(attribute->attnum);
	builder.values[Anum_pg_statistic_stanullfrac - 1] = Float4GetDatum(Max(column->null_fraction, 0));
	builder.values[Anum_pg_statistic_stawidth - 1] = Int32GetDatum(Max(column->average_width, 0));
	builder.values[Anum_pg_statistic_stadistinct - 1] = Float4GetDatum(column->distinct_values);
	for (int i = 0; i < STATISTIC_NUM_SLOTS; i++)
	{
		builder.nulls[Anum_pg_statistic_stanumbers1 - 1 + i] = true;
		builder.nulls[Anum_pg_statistic_stavalues1 - 1 + i] = true;
	}
	add_values(&builder, info, column, attribute);
	tuple = heap_form_tuple(RelationGetDescr(relation), builder.values, builder.nulls);
	table_close(relation, AccessShareLock);
	return tuple;
}

/* ---- A tuple kept with its column ---------------------------------------------------------- */

static HeapTuple
derived_find(const ChRemoteColumn *remote, const ChRelInfo *info, Form_pg_attribute attribute)
{
	ListCell   *cell;

	foreach(cell, remote->derived)
	{
		Derived    *derived = lfirst(cell);

		if (derived->table == info->table && derived->attnum == attribute->attnum &&
			derived->type == attribute->atttypid && derived->collation == attribute->attcollation)
			return derived->tuple;
	}
	return NULL;
}

static HeapTuple
derived_add(ChRemoteColumn *remote, const ChRelInfo *info, Form_pg_attribute attribute, HeapTuple tuple)
{
	MemoryContext old = MemoryContextSwitchTo(info->remote->context);
	Derived    *derived = palloc(sizeof(Derived));

	derived->table = info->table;
	derived->attnum = attribute->attnum;
	derived->type = attribute->atttypid;
	derived->collation = attribute->attcollation;
	derived->tuple = heap_copytuple(tuple);
	remote->derived = lappend(remote->derived, derived);
	MemoryContextSwitchTo(old);
	return derived->tuple;
}

static HeapTuple
derived_make(ChRemoteColumn *remote, const ChRelInfo *info, const ChRelColumn *column, Form_pg_attribute attribute)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "connhub statistics", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	HeapTuple	tuple = derived_add(remote, info, attribute, tuple_make(info, column, attribute));

	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return tuple;
}

/* The statistics of an attribute, or NULL when nothing is known.  They live as long as info's connector does. */
static HeapTuple
statistics_get(const ChRelInfo *info, AttrNumber attnum)
{
	const ChRelColumn *column = &info->columns[attnum - 1];
	ChRemoteColumn *remote;
	HeapTuple	attribute;
	HeapTuple	tuple;

	if (info->remote == NULL || column->column.name == NULL ||
		(column->null_fraction < 0 && column->distinct_values == 0))
		return NULL;
	remote = unconstify(ChRemoteColumn *, ch_remote_column_get(info->remote, column->name));
	attribute = SearchSysCache2(ATTNUM, ObjectIdGetDatum(info->table), Int16GetDatum(attnum));
	if (remote == NULL || !HeapTupleIsValid(attribute))
		elog(ERROR, "column %d of foreign table \"%s\" has gone", attnum, info->name);
	tuple = derived_find(remote, info, (Form_pg_attribute) GETSTRUCT(attribute));
	if (tuple == NULL)
		tuple = derived_make(remote, info, column, (Form_pg_attribute) GETSTRUCT(attribute));
	ReleaseSysCache(attribute);
	return tuple;
}

/* ---- The planner's hook -------------------------------------------------------------------- */

/* What is kept with a column is not the planner's to free. */
static void
keep(HeapTuple tuple)
{
}

/* May the user who runs the query read every row of the relation's column, or of the one it is inherited from?
 * Else a function that may tell what it is given must not see a value of them. */
static bool
may_read_rows(PlannerInfo *root, Index relid, AttrNumber attnum)
{
	for (;;)
	{
		RangeTblEntry *rte = root->simple_rte_array[relid];
		RelOptInfo *rel = root->simple_rel_array[relid];
		AppendRelInfo *parent = root->append_rel_array ? root->append_rel_array[relid] : NULL;
		Oid			user;

		if (rel == NULL || rte->rtekind != RTE_RELATION)
			return false;
		user = OidIsValid(rel->userid) ? rel->userid : GetUserId();
		if (rte->securityQuals == NIL &&
			(pg_class_aclcheck(rte->relid, user, ACL_SELECT) == ACLCHECK_OK ||
			 pg_attribute_aclcheck(rte->relid, attnum, user, ACL_SELECT) == ACLCHECK_OK))
			return true;
		if (parent == NULL || attnum > parent->num_child_cols || parent->parent_colnos[attnum - 1] == 0)
			return false;
		attnum = parent->parent_colnos[attnum - 1];
		relid = parent->parent_relid;
	}
}

static bool
give_statistics(PlannerInfo *root, RangeTblEntry *rte, AttrNumber attnum, VariableStatData *vardata)
{
	/* What estimates an index may leave the rest of vardata as it came from the stack. */
	RelOptInfo *rel = rte->rtekind == RTE_RELATION && rte->relkind == RELKIND_FOREIGN_TABLE ? vardata->rel : NULL;
	ChRelInfo  *info;
	HeapTuple	tuple;

	if (rel == NULL || rel->fdwroutine == NULL || rel->fdw_private == NULL ||
		rel->fdwroutine->GetForeignRelSize != ch_get_foreign_rel_size ||
		!IS_SIMPLE_REL(rel) || rte->inh || attnum <= 0)
		return next_stats_hook && next_stats_hook(root, rte, attnum, vardata);

	info = rel->fdw_private;
	if (info->table != rte->relid || attnum > info->ncolumns)
		return false;
	if (info->columns[attnum - 1].is_key)
		vardata->isunique = true;
	if (SearchSysCacheExists3(STATRELATTINH, ObjectIdGetDatum(rte->relid), Int16GetDatum(attnum), BoolGetDatum(false)))
		return false;
	tuple = statistics_get(info, attnum);
	if (tuple == NULL)
		return false;
	vardata->statsTuple = tuple;
	vardata->freefunc = keep;
	vardata->acl_ok = may_read_rows(root, rel->relid, attnum);
	return true;
}

void
ch_fdw_init(void)
{
	next_stats_hook = get_relation_stats_hook;
	get_relation_stats_hook = give_statistics;
}
