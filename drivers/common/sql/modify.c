/* sql/modify.c — writes as SQL text, and what may be written.
 *
 * A statement is rendered for one row; a driver that sends many at a time builds on the same pieces.  A
 * row is found again by its key under the form of equality that is exact for each column, so that a key
 * which only looks equal there never changes another row. */
#include "fail.h"
#include "match.h"

#include <string.h>

typedef struct Modify
{
	const SqlDialect *dialect;
	const ConnhubSource *source;
	const char *table;
	TextWriter	out;
	const char *refusal;		/* a piece that judge would not have accepted */
} Modify;

/* The comparison that finds a row: column = parameter, by bytes. */
typedef struct KeyTest
{
	ConnhubExpr column;
	ConnhubExpr param;
	ConnhubExpr equal;
	const ConnhubExpr *args[2];
} KeyTest;

static const ConnhubCollation by_bytes = {"C", true, true};

static void
build_key_test(KeyTest *test, const ConnhubColumn *column, uint32_t param)
{
	memset(test, 0, sizeof(*test));
	test->column.struct_size = test->param.struct_size = test->equal.struct_size = sizeof(ConnhubExpr);
	test->column.kind = CONNHUB_EXPR_COLUMN;
	test->column.type = column->type;
	test->column.column = column;
	test->param.kind = CONNHUB_EXPR_PARAM;
	test->param.type = column->type;
	test->param.param = param;
	test->args[0] = &test->column;
	test->args[1] = &test->param;
	test->equal.kind = CONNHUB_EXPR_CALL;
	test->equal.type.type = CONNHUB_BOOL;
	test->equal.fn = CONNHUB_FN_EQ;
	test->equal.nargs = 2;
	test->equal.args = test->args;
	test->equal.collation = SQL_T(column->type.type) & SQL_TEXTS ? &by_bytes : NULL;
}

/* ---- What may be written ----------------------------------------------------------------- */

static bool
is_in(uint32_t types, ConnhubType type)
{
	return (unsigned) type < CONNHUB_NTYPES && (types & SQL_T(type)) != 0;
}

static const char *
column_refusal(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubColumn *column)
{
	if (!is_in(dialect->written, column->type.type))
		return "values of this type are not written there";
	return dialect->store ? dialect->store(source, column) : NULL;
}

static void
judge_key(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubColumn *column,
		  ConnhubVerdict *verdict)
{
	KeyTest		test;

	if (dialect->key && dialect->key(source, column))
		return;
	build_key_test(&test, column, 0);
	sql_judge_value(dialect, source, &test.equal, verdict);
}

static const char *
insert_refusal(const SqlDialect *dialect, const ConnhubWrite *write)
{
	if (write->ncolumns == 0 && (!dialect->default_row || write->skip_conflicts))
		return "a row of nothing but defaults cannot be written so there";
	if (write->skip_conflicts && !dialect->skip_conflicts)
		return "leaving out conflicting rows would hide other errors there";
	return NULL;
}

static const char *
truncate_refusal(const SqlDialect *dialect, const ConnhubWrite *write)
{
	if (!dialect->truncate)
		return "the source cannot empty a table within a transaction";
	if (write->cascade && !dialect->cascade)
		return "the source knows no CASCADE here";
	if (write->restart_identity && !dialect->restart_identity)
		return "the source cannot restart identities here";
	return NULL;
}

static const char *
write_refusal(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubWrite *write)
{
	const char *reason = NULL;

	if (!dialect->written)
		return "the source is only read";
	if (write->kind < CONNHUB_INSERT || write->kind > CONNHUB_TRUNCATE)
		return "the write is of a kind not known";
	if (write->kind == CONNHUB_INSERT)
		reason = insert_refusal(dialect, write);
	else if (write->kind == CONNHUB_TRUNCATE)
		reason = truncate_refusal(dialect, write);
	if (!reason && write->nreturning > 0 && !(dialect->returns && dialect->returns(source, write->kind)))
		reason = "the source does not give written rows back";
	for (uint32_t i = 0; i < write->ncolumns && !reason; i++)
		reason = column_refusal(dialect, source, write->columns[i]);
	return reason;
}

void
sql_judge_write(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubWrite *write,
				ConnhubVerdict *verdict)
{
	const char *reason = write_refusal(dialect, source, write);

	if (reason)
		sql_refuse(verdict, reason);
	for (uint32_t i = 0; i < write->nkeys && verdict->kind != CONNHUB_REFUSE; i++)
		judge_key(dialect, source, write->keys[i], verdict);
}

/* Is all of an expression computed in these types, and, unless column is NULL, from no other column? */
static const char *
value_refusal(const ConnhubExpr *expr, uint32_t types, const ConnhubColumn *column, int depth)
{
	const char *reason = NULL;

	if (depth > SQL_MAX_DEPTH || !is_in(types, expr->type.type))
		return "values of this type are not computed there to be stored";
	if (expr->kind == CONNHUB_EXPR_COLUMN && column && strcmp(expr->column->name, column->name) != 0)
		return "the source may see the column as an earlier part of the same SET has left it";
	for (uint32_t i = 0; expr->kind == CONNHUB_EXPR_CALL && i < expr->nargs && !reason; i++)
		reason = value_refusal(expr->args[i], types, column, depth + 1);
	return reason;
}

void
sql_judge_assign(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubPiece *piece,
				 ConnhubVerdict *verdict)
{
	const ConnhubColumn *column = piece->column;
	const char *reason = column_refusal(dialect, source, column);

	if (!reason)
		reason = sql_refusal_of(dialect, source, column, SQL_COLUMN_VALUE);
	if (!reason)
		reason = value_refusal(piece->expr, dialect->assigned,
							   dialect->flags & SQL_SETS_IN_ORDER ? column : NULL, 0);
	if (reason)
		sql_refuse(verdict, reason);
	else
		sql_judge_value(dialect, source, piece->expr, verdict);
}

void
sql_judge_lock(const SqlDialect *dialect, const ConnhubRequest *query, ConnhubVerdict *verdict)
{
	const char *form = query->lock == CONNHUB_LOCK_UPDATE ? dialect->lock_update : dialect->lock_share;

	if (!form)
		sql_refuse(verdict, "rows are not locked there");
	else if (query->from || query->is_grouped || query->is_distinct)
		sql_refuse(verdict, "rows of more than one table, or groups of them, are not locked there");
}

/* ---- Text -------------------------------------------------------------------------------- */

static void
render_names(Modify *modify, const ConnhubColumn *const *columns, uint32_t ncolumns)
{
	for (uint32_t i = 0; i < ncolumns; i++)
	{
		text_string(&modify->out, i > 0 ? ", " : "");
		sql_quote_identifier(&modify->out, modify->dialect, columns[i]->name);
	}
}

/* Append the value of parameter `param` on its way into a column. */
static void
render_value(Modify *modify, const ConnhubColumn *column, uint32_t param)
{
	const char *form = modify->dialect->input ? modify->dialect->input(modify->source, column) : NULL;

	for (const char *p = form ? form : "%p"; *p; p++)
	{
		if (*p != '%')
		{
			text_char(&modify->out, *p);
			continue;
		}
		p++;
		if (*p == 'p')
			text_format(&modify->out, "%c%u", modify->dialect->params == SQL_PARAM_DOLLAR ? '$' : '?', param + 1);
		else if (*p == 'r' && column->remote_type)
			text_string(&modify->out, column->remote_type);
		else if (*p == '%')
			text_char(&modify->out, '%');
		else
		{
			modify->refusal = "a form is malformed";
			return;
		}
	}
}

static void
render_expression(Modify *modify, const ConnhubExpr *expr, SqlPlace place)
{
	if (!modify->refusal)
		modify->refusal = sql_render_expression(modify->dialect, modify->source, modify->table, expr, place,
												&modify->out);
}

static void
render_keys(Modify *modify, const ConnhubWrite *write)
{
	if (write->nkeys == 0)
		modify->refusal = "the row has no key";
	for (uint32_t i = 0; i < write->nkeys && !modify->refusal; i++)
	{
		const ConnhubColumn *column = write->keys[i];
		const char *form = modify->dialect->key ? modify->dialect->key(modify->source, column) : NULL;
		KeyTest		test;

		build_key_test(&test, column, write->ncolumns + i);
		text_string(&modify->out, i > 0 ? " AND " : " WHERE ");
		if (form)
			modify->refusal = sql_render_pair(modify->dialect, modify->source, modify->table, form, test.args,
											  &modify->out);
		else
			render_expression(modify, &test.equal, SQL_PLACE_CONDITION);
	}
}

static void
render_table(Modify *modify, const char *schema, const char *table)
{
	sql_render_table(&modify->out, modify->dialect, modify->source, schema, table);
}

static void
render_insert(Modify *modify, const ConnhubWrite *write)
{
	text_string(&modify->out, "INSERT INTO ");
	render_table(modify, write->schema, write->table);
	text_char(&modify->out, ' ');
	if (write->ncolumns == 0 && !modify->dialect->default_row)
		modify->refusal = "a row without columns has no form";
	else if (write->ncolumns == 0)
		text_string(&modify->out, modify->dialect->default_row);
	else
	{
		text_char(&modify->out, '(');
		render_names(modify, write->columns, write->ncolumns);
		text_string(&modify->out, ") VALUES (");
		for (uint32_t i = 0; i < write->ncolumns; i++)
		{
			text_string(&modify->out, i > 0 ? ", " : "");
			render_value(modify, write->columns[i], i);
		}
		text_char(&modify->out, ')');
	}
	if (write->skip_conflicts && modify->dialect->skip_conflicts)
	{
		text_char(&modify->out, ' ');
		text_string(&modify->out, modify->dialect->skip_conflicts);
	}
	else if (write->skip_conflicts)
		modify->refusal = "conflicting rows cannot be left out";
}

static void
render_update(Modify *modify, const ConnhubWrite *write)
{
	text_string(&modify->out, "UPDATE ");
	render_table(modify, write->schema, write->table);
	for (uint32_t i = 0; i < write->ncolumns; i++)
	{
		text_string(&modify->out, i > 0 ? ", " : " SET ");
		sql_quote_identifier(&modify->out, modify->dialect, write->columns[i]->name);
		text_string(&modify->out, " = ");
		render_value(modify, write->columns[i], i);
	}
	render_keys(modify, write);
}

static void
render_delete(Modify *modify, const ConnhubWrite *write)
{
	text_string(&modify->out, "DELETE FROM ");
	render_table(modify, write->schema, write->table);
	render_keys(modify, write);
}

static void
render_truncate(Modify *modify, const ConnhubWrite *write)
{
	const SqlDialect *dialect = modify->dialect;

	modify->refusal = truncate_refusal(dialect, write);
	if (modify->refusal)
		return;
	text_string(&modify->out, dialect->truncate);
	text_char(&modify->out, ' ');
	render_table(modify, write->schema, write->table);
	if (write->restart_identity)
	{
		text_char(&modify->out, ' ');
		text_string(&modify->out, dialect->restart_identity);
	}
	if (write->cascade)
	{
		text_char(&modify->out, ' ');
		text_string(&modify->out, dialect->cascade);
	}
}

static ConnhubStatus
finish(Modify *modify, ConnhubError *error)
{
	if (text_end(&modify->out) != CONNHUB_OK)
		return fail_no_memory(error);
	if (modify->refusal)
	{
		fail_as(error, CONNHUB_INTERNAL, "cannot express the write in %s", modify->dialect->name);
		fail_detail(error, "A piece of it cannot be sent: %s.", modify->refusal);
	}
	return error->status;
}

ConnhubStatus
sql_render_write(const SqlDialect *dialect, const ConnhubHost *host, const ConnhubSource *source,
				 const ConnhubWrite *write, ConnhubText *out, ConnhubError *error)
{
	static void (*const renderers[]) (Modify *, const ConnhubWrite *) = {
		[CONNHUB_INSERT] = render_insert,
		[CONNHUB_UPDATE] = render_update,
		[CONNHUB_DELETE] = render_delete,
		[CONNHUB_TRUNCATE] = render_truncate,
	};
	Modify		modify = {.dialect = dialect, .source = source, .table = write->table};

	text_begin(&modify.out, host, out);
	if (write->kind < CONNHUB_INSERT || write->kind > CONNHUB_TRUNCATE)
		modify.refusal = "the write is of a kind not known";
	else
		renderers[write->kind] (&modify, write);
	for (uint32_t i = 0; i < write->nreturning; i++)
	{
		ConnhubExpr column = {.struct_size = sizeof(column), .kind = CONNHUB_EXPR_COLUMN,
			.type = write->returning[i]->type, .column = write->returning[i]};

		text_string(&modify.out, i > 0 ? ", " : " RETURNING ");
		render_expression(&modify, &column, SQL_PLACE_OUTPUT);
	}
	return finish(&modify, error);
}

static void
render_assignment(Modify *modify, const ConnhubAssignment *assignment)
{
	sql_quote_identifier(&modify->out, modify->dialect, assignment->column->name);
	text_string(&modify->out, " = ");
	render_expression(modify, assignment->value, SQL_PLACE_VALUE);
}

ConnhubStatus
sql_render_modify(const SqlDialect *dialect, const ConnhubHost *host, const ConnhubSource *source,
				  const ConnhubModify *statement, ConnhubText *out, ConnhubError *error)
{
	const ConnhubRequest *request = statement->request;
	Modify		modify = {.dialect = dialect, .source = source, .table = request->table};

	text_begin(&modify.out, host, out);
	if ((statement->kind != CONNHUB_UPDATE && statement->kind != CONNHUB_DELETE) || request->from || request->nsort ||
		request->limit || request->offset || request->is_grouped || request->is_distinct || request->lock ||
		(statement->kind == CONNHUB_UPDATE) != (statement->nassignments > 0))
		modify.refusal = "it describes more than rows of one table";
	text_string(&modify.out, statement->kind == CONNHUB_UPDATE ? "UPDATE " : "DELETE FROM ");
	render_table(&modify, request->schema, request->table ? request->table : "");
	for (uint32_t i = 0; i < statement->nassignments; i++)
	{
		text_string(&modify.out, i > 0 ? ", " : " SET ");
		render_assignment(&modify, &statement->assignments[i]);
	}
	for (uint32_t i = 0; i < request->nfilters; i++)
	{
		text_string(&modify.out, i > 0 ? " AND " : " WHERE ");
		render_expression(&modify, request->filters[i], SQL_PLACE_CONDITION);
	}
	for (uint32_t i = 0; i < request->noutputs; i++)
	{
		text_string(&modify.out, i > 0 ? ", " : " RETURNING ");
		render_expression(&modify, request->outputs[i], SQL_PLACE_OUTPUT);
	}
	return finish(&modify, error);
}
