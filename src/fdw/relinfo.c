/* fdw/relinfo.c — what planning needs to know of a foreign table, from the catalogues alone.
 *
 * Assumes that what the connector's catalogue hands out stays readable until the transaction ends,
 * even when it has grown old: planning keeps pointers into it, plans do not. */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "foreign/foreign.h"
#include "nodes/makefuncs.h"
#include "optimizer/pathnode.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "batch/typemap.h"
#include "catalog/cat_connector.h"
#include "catalog/cat_remote.h"
#include "catalog/catalog.h"
#include "common/compat.h"
#include "fdw/fdw.h"
#include "fdw/option.h"
#include "fdw/relinfo.h"
#include "request/request.h"

static bool
is_integer_type(ConnhubType type)
{
	return type == CONNHUB_INT16 || type == CONNHUB_INT32 || type == CONNHUB_INT64;
}

/* Would a value mean something else as the type declared here than as the source's own?  Modifiers
 * do not matter: a value that does not fit them is an error when it is read, never changed. */
static bool
types_agree(const ConnhubTypeRef *declared, const ConnhubTypeRef *natural)
{
	if (natural->type == CONNHUB_TYPE_NONE)
		return true;
	if (is_integer_type(declared->type) && is_integer_type(natural->type))
		return true;
	if (declared->type == CONNHUB_FLOAT64 && natural->type == CONNHUB_FLOAT32)
		return true;
	if (declared->type != natural->type)
		return false;
	if (declared->type == CONNHUB_NATIVE || declared->type == CONNHUB_JSON)
		return natural->pg_type == NULL || strcmp(declared->pg_type, natural->pg_type) == 0;
	return true;
}

static void
column_make(const ChRemoteTable *remote, Oid table, Form_pg_attribute attribute, ChRelColumn *out)
{
	const char *name = ch_option_of(GetForeignColumnOptions(table, attribute->attnum), CH_OPTION_COLUMN);
	const ChRemoteColumn *found;
	ConnhubColumn *column = &out->column;

	column->name = name ? name : pstrdup(NameStr(attribute->attname));
	ch_typemap_from_pg(attribute->atttypid, attribute->atttypmod, &column->type);
	out->null_fraction = -1;
	out->average_width = -1;

	found = remote ? ch_remote_column_get(remote, column->name) : NULL;
	if (found == NULL)
		return;
	column->remote_type = found->remote_type;
	column->natural = found->type;
	column->collation = found->collation;
	column->not_null = found->not_null;
	out->null_fraction = found->not_null ? 0 : found->null_fraction;
	out->distinct_values = found->distinct_values;
	out->average_width = found->average_width;
	if (!types_agree(&column->type, &column->natural))
		out->distrust = psprintf("column \"%s\" is declared as %s here but is %s at the source",
								 NameStr(attribute->attname),
								 format_type_be(attribute->atttypid), column->remote_type);
}

static ChRelColumn *
column_of_name(ChRelInfo *info, const char *name)
{
	for (int i = 0; i < info->ncolumns; i++)
	{
		if (info->columns[i].column.name && strcmp(info->columns[i].column.name, name) == 0)
			return &info->columns[i];
	}
	return NULL;
}

/* Mark the columns that alone identify a row, and those by which the source finds rows quickly. */
static void
mark_keys(const ChRemoteTable *remote, ChRelInfo *info)
{
	ListCell   *cell;

	foreach(cell, remote->indexed)
	{
		ChRelColumn *column = column_of_name(info, lfirst(cell));

		if (column)
			column->is_indexed = true;
	}
	for (int i = 0; i < remote->nkeys; i++)
	{
		const ChRemoteKey *key = &remote->keys[i];

		ChRelColumn *column = key->kind == CONNHUB_FOREIGN_KEY ? NULL : column_of_name(info, key->columns[0]);

		if (column == NULL)
			continue;
		column->is_indexed = true;
		if (key->ncolumns == 1)
			column->is_key = true;
	}
}

/* A cached plan holds what these tables say: it is made anew once they change. */
static void
depend_on_catalog(PlannerInfo *root)
{
	static const char *const tables[] = {"connector", "remote_table", "remote_column", "tenant_member"};

	for (int i = 0; i < lengthof(tables); i++)
		root->glob->relationOids = list_append_unique_oid(root->glob->relationOids,
														  ch_catalog_relation(tables[i]));
}

ChRelInfo *
ch_relinfo_make(PlannerInfo *root, Index relid, Oid table)
{
	ForeignTable *foreign = GetForeignTable(table);
	ChRelInfo  *info = palloc0(sizeof(ChRelInfo));
	const ChConnector *connector;
	const char *name = ch_option_of(foreign->options, CH_OPTION_TABLE);
	const ChRemoteTable *remote;
	Relation	relation;
	TupleDesc	desc;

	if (root)
	{
		depend_on_catalog(root);
		ch_compat_require_rights(root);
	}
	connector = ch_connector_of_server(foreign->serverid);
	ch_connector_require_table(connector, table);
	info->at = ch_source_make(connector, foreign->options);
	info->root = root;
	info->stage = CH_STAGE_SCAN;
	info->relids = bms_make_singleton(relid);
	info->relid = relid;
	info->table = table;
	info->name = get_rel_name(table);
	info->remote_schema = ch_option_of(foreign->options, CH_OPTION_SCHEMA);
	info->remote_table = name ? name : info->name;
	info->number = ch_relation_number();
	info->from = ch_relation_table(info->number, info->remote_schema, info->remote_table);

	relation = table_open(table, NoLock);
	desc = RelationGetDescr(relation);
	info->ncolumns = desc->natts;
	info->columns = palloc0(sizeof(ChRelColumn) * Max(desc->natts, 1));
	remote = ch_remote_table_get(connector, info->remote_schema, info->remote_table);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped)
			column_make(remote, table, attribute, &info->columns[i]);
	}
	info->remote = remote;
	info->table_rows = remote ? remote->rows : -1;
	info->table_bytes = remote ? remote->bytes : -1;
	if (remote)
		mark_keys(remote, info);
	table_close(relation, NoLock);
	return info;
}

ChRelInfo *
ch_relinfo_stage(ChRelInfo *input, ChStage stage)
{
	ChRelInfo  *info = palloc(sizeof(ChRelInfo));

	*info = *input;
	info->stage = stage;
	info->input = input;
	info->pieces = NIL;
	info->kept = NIL;
	info->sort_reason = info->limit_reason = NULL;
	return info;
}

ChRelInfo *
ch_relinfo_source(ChRelInfo *info)
{
	while (info->stage >= CH_STAGE_ORDER)
		info = info->input;
	return info;
}

ChRelInfo *
ch_relinfo_leaf(ChRelInfo *info, Index relid)
{
	RelOptInfo *rel;

	if (!bms_is_member(relid, info->relids))
		return NULL;
	while (info->input)
		info = info->input;
	if (info->relid == relid)
		return info;
	rel = info->root ? find_base_rel(info->root, relid) : NULL;
	return rel ? rel->fdw_private : NULL;
}

bool
ch_relinfo_is_indexed(ChRelInfo *info, Expr *expr)
{
	ChRelInfo  *leaf;
	AttrNumber	attnum;

	/* A change of type that keeps the bits does not matter. */
	while (IsA(expr, RelabelType))
		expr = ((RelabelType *) expr)->arg;
	if (!IsA(expr, Var))
		return false;
	leaf = ch_relinfo_leaf(info, ((Var *) expr)->varno);
	attnum = ((Var *) expr)->varattno;
	return leaf && attnum > 0 && attnum <= leaf->ncolumns && leaf->columns[attnum - 1].is_indexed;
}

void
ch_relinfo_keep(ChRelInfo *info, const char *piece, const char *reason)
{
	ChKept	   *kept;
	ListCell   *cell;

	foreach(cell, info->kept)
	{
		kept = lfirst(cell);
		if (strcmp(kept->piece, piece) == 0)
			return;
	}
	kept = palloc(sizeof(ChKept));
	kept->piece = piece;
	kept->reason = reason;
	info->kept = lappend(info->kept, kept);
}

char *
ch_relinfo_render(ChRelInfo *info, const ConnhubRequest *request)
{
	ConnhubText text = {0};
	ConnhubError error = {0};
	ConnhubStatus status = info->at->driver->render(&info->at->source, request, &text, &error);

	return ch_source_take_text(info->at, status, &text, &error);
}
