/* health/probe.c — one bounded test of a connector, and its result as rows and documents show it.
 *
 * Assumes that the connection layer serves interrupts and touches no table while it waits.  Codes come from
 * statuses, never from the text of a message. */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "common/error.h"
#include "health/probe.h"

void
ch_probe_begin(ChProbe *probe)
{
	memset(probe, 0, sizeof(*probe));
	for (int i = 0; i < CONNHUB_NPHASES; i++)
		probe->times.us[i] = -1;
	probe->tested_at = GetCurrentTimestamp();
}

/* A credential that cannot be opened is a finding about the connector, not an error of the call. */
bool
ch_probe_note(ChProbe *probe, const ErrorData *error)
{
	if (error->sqlerrcode != ERRCODE_CH_VAULT)
		return false;
	probe->code = "CREDENTIAL_UNAVAILABLE";
	ch_error_set(&probe->error, CONNHUB_CONFIG, "%s", error->message);
	strlcpy(probe->error.detail, error->detail != NULL ? error->detail : "", sizeof(probe->error.detail));
	strlcpy(probe->error.hint, error->hint != NULL ? error->hint : "", sizeof(probe->error.hint));
	return true;
}

void
ch_probe_end(ChProbe *probe)
{
	probe->success = probe->error.status == CONNHUB_OK;
	if (!probe->success)
		ch_error_tidy(&probe->error);
}

typedef struct ProbeCall
{
	const ChTarget *target;
	ChProbe    *probe;
} ProbeCall;

static void
run(void *argument)
{
	ProbeCall  *call = argument;

	ch_conn_probe(call->target, &call->probe->info, &call->probe->times, &call->probe->error);
}

void
ch_probe_run(const ChTarget *target, ChProbe *probe)
{
	ProbeCall	call = {.target = target, .probe = probe};
	ErrorData  *error;

	ch_probe_begin(probe);
	error = ch_error_catch(run, &call);
	if (error != NULL)
	{
		if (!ch_probe_note(probe, error))
			ReThrowError(error);
		FreeErrorData(error);
	}
	ch_probe_end(probe);
}

const char *
ch_probe_code(const ChProbe *probe)
{
	if (probe->success)
		return NULL;
	return probe->code != NULL ? probe->code : ch_status_code(probe->error.status);
}

char *
ch_probe_message(const ChProbe *probe)
{
	const ConnhubInfo *info = &probe->info;

	if (!probe->success)
		return pstrdup(probe->error.message);
	return psprintf("connected to %s%s%s%s%s in %.1f ms",
					info->product[0] != '\0' ? info->product : "the source",
					info->version[0] != '\0' ? " " : "", info->version,
					info->tls ? " over " : "",
					info->tls ? (info->tls_version[0] != '\0' ? info->tls_version : "TLS") : "",
					ch_probe_latency_ms(probe));
}

const char *
ch_probe_detail(const ChProbe *probe)
{
	return probe->success || probe->error.detail[0] == '\0' ? NULL : probe->error.detail;
}

const char *
ch_probe_hint(const ChProbe *probe)
{
	if (probe->success)
		return NULL;
	return probe->error.hint[0] != '\0' ? probe->error.hint : ch_status_hint(probe->error.status);
}

double
ch_probe_phase_ms(const ChProbe *probe, ConnhubPhase phase)
{
	return probe->times.us[phase] < 0 ? -1 : probe->times.us[phase] / 1000.0;
}

double
ch_probe_latency_ms(const ChProbe *probe)
{
	return probe->times.total_us / 1000.0;
}

static void
push_key(JsonbParseState **state, const char *name)
{
	JsonbValue	key;

	key.type = jbvString;
	key.val.string.val = (char *) name;
	key.val.string.len = strlen(name);
	pushJsonbValue(state, WJB_KEY, &key);
}

static void
push_text(JsonbParseState **state, const char *name, const char *text)
{
	JsonbValue	value;

	push_key(state, name);
	if (text == NULL)
		value.type = jbvNull;
	else
	{
		value.type = jbvString;
		value.val.string.val = (char *) text;
		value.val.string.len = strlen(text);
	}
	pushJsonbValue(state, WJB_VALUE, &value);
}

/* A number of milliseconds, to the microsecond. */
static void
push_ms(JsonbParseState **state, const char *name, int64 us)
{
	JsonbValue	value;
	Datum		number = DirectFunctionCall3(numeric_in, CStringGetDatum(psprintf("%.3f", us / 1000.0)),
											 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));

	push_key(state, name);
	value.type = jbvNumeric;
	value.val.numeric = DatumGetNumeric(number);
	pushJsonbValue(state, WJB_VALUE, &value);
}

static JsonbValue *
push_phases(JsonbParseState **state, const ChProbe *probe)
{
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	for (int i = CONNHUB_PHASE_NONE + 1; i < CONNHUB_NPHASES; i++)
	{
		if (probe->times.us[i] >= 0)
			push_ms(state, ch_phase_name((ConnhubPhase) i), probe->times.us[i]);
	}
	return pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

Jsonb *
ch_probe_phases(const ChProbe *probe)
{
	JsonbParseState *state = NULL;

	return JsonbValueToJsonb(push_phases(&state, probe));
}

Jsonb *
ch_probe_document(const ChProbe *probe)
{
	JsonbParseState *state = NULL;
	JsonbValue	truth = {.type = jbvBool,.val.boolean = probe->success};

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_key(&state, "success");
	pushJsonbValue(&state, WJB_VALUE, &truth);
	push_text(&state, "error_code", ch_probe_code(probe));
	push_text(&state, "message", ch_probe_message(probe));
	push_text(&state, "detail", ch_probe_detail(probe));
	push_text(&state, "hint", ch_probe_hint(probe));
	push_text(&state, "phase", probe->success || probe->error.phase == CONNHUB_PHASE_NONE ? NULL :
			  ch_phase_name(probe->error.phase));
	push_ms(&state, "latency_ms", probe->times.total_us);
	push_text(&state, "server_version", probe->success ? probe->info.version : NULL);
	push_text(&state, "tested_at", timestamptz_to_str(probe->tested_at));
	push_key(&state, "phases");
	push_phases(&state, probe);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}
