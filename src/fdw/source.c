/* fdw/source.c — the source a relation lives at: its driver asked, and its driver's text taken. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"

#include "common/error.h"
#include "driver/host.h"
#include "driver/registry.h"
#include "fdw/option.h"
#include "fdw/source.h"

ChRelSource *
ch_source_make(const ChConnector *connector, List *table_options)
{
	ChRelSource *at = palloc0(sizeof(ChRelSource));

	at->connector = connector;
	at->driver = ch_driver_require(connector->driver);
	at->source.struct_size = sizeof(ConnhubSource);
	ch_connector_source(connector, &at->source);
	at->fetch_size = ch_option_integer(table_options, connector, CH_OPTION_FETCH_SIZE);
	return at;
}

ConnhubVerdictKind
ch_source_ask(const ChRelSource *at, ConnhubPiece *piece, const char **reason)
{
	ConnhubVerdict verdict = {.kind = CONNHUB_REFUSE};

	piece->struct_size = sizeof(ConnhubPiece);
	at->driver->judge(&at->source, piece, &verdict);
	*reason = NULL;
	if (verdict.kind == CONNHUB_EXACT)
		return CONNHUB_EXACT;
	verdict.reason[sizeof(verdict.reason) - 1] = '\0';
	*reason = verdict.reason[0] ? pstrdup(verdict.reason) : "the driver gave no reason";
	return verdict.kind == CONNHUB_SUPERSET && piece->kind == CONNHUB_PIECE_FILTER ? CONNHUB_SUPERSET : CONNHUB_REFUSE;
}

char *
ch_source_take_text(const ChRelSource *at, ConnhubStatus status, ConnhubText *text, const ConnhubError *error)
{
	char	   *copy = status == CONNHUB_OK ? pnstrdup(text->data ? text->data : "", text->length) : NULL;

	ch_host_get()->free(text->data);
	if (copy == NULL)
		ch_error_raise(error, psprintf("connector \"%s\"", at->connector->name));
	return pg_any_to_server(copy, strlen(copy), PG_UTF8);
}

char *
ch_source_name(const char *name)
{
	return name == NULL ? NULL : pg_server_to_any(name, strlen(name), PG_UTF8);
}

Node *
ch_source_version(const ChConnector *connector)
{
	return (Node *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(connector->config_version),
							  false, FLOAT8PASSBYVAL);
}

void
ch_source_require_version(const ChConnector *connector, const Node *version)
{
	if (connector->config_version != DatumGetInt64(castNode(Const, (Node *) version)->constvalue))
		ereport(ERROR,
				(errcode(ERRCODE_CH_SCHEMA_CHANGED),
				 errmsg("connector \"%s\" was changed after this query was planned", connector->name),
				 errhint("Run the query again.")));
}
