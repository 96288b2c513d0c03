/* api/api.h — what the SQL functions share: reading arguments, shaping rows. */
#ifndef CH_API_API_H
#define CH_API_API_H

#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "catalog/cat_draft.h"
#include "discover/discover.h"
#include "health/probe.h"
#include "vault/vault.h"

/* An argument; NULL when it is null. */
extern char *ch_api_text(FunctionCallInfo fcinfo, int argument);
extern Jsonb *ch_api_jsonb(FunctionCallInfo fcinfo, int argument);
extern bool ch_api_bool(FunctionCallInfo fcinfo, int argument, bool default_value);

/* The same, but null is an error that names the argument. */
extern char *ch_api_required_text(FunctionCallInfo fcinfo, int argument, const char *name);

/* Credentials given as password and as JSON, checked. */
extern ChOptionSet ch_api_credentials(const ChType *type, const char *password, const Jsonb *credentials);

/* The fields of a vault entry, pointing into the set. */
extern ChSecretField *ch_api_secret_fields(ChOptionSet credentials);

/* A text[] of a list of strings. */
extern Datum ch_api_name_array(const List *names);

/* A row of the function's composite result type. */
extern Datum ch_api_row(FunctionCallInfo fcinfo, const Datum *values, const bool *nulls, int count);

/* Rows of connhub.test_result (id NULL: not saved) and connhub.connector_result. */
extern Datum ch_api_test_row(FunctionCallInfo fcinfo, const pg_uuid_t *id, const ChProbe *probe);
extern Datum ch_api_connector_row(FunctionCallInfo fcinfo, const pg_uuid_t *id);

/* Test a saved connector with its stored credential and record the outcome, where the transaction may
 * write. */
extern void ch_api_test_saved(const pg_uuid_t *id, ChProbe *probe);

#endif
