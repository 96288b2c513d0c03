/* common/error.c — one row per status: its code in test results, its SQLSTATE, its hint. */
#include "postgres.h"

#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "utils/resowner.h"

#include "common/error.h"
#include "common/redact.h"

typedef struct StatusRow
{
	const char *code;			/* NULL: not a failure */
	int			sqlstate;
	const char *hint;			/* NULL: nothing sensible to say without knowing more */
} StatusRow;

static const StatusRow status_rows[] = {
	[CONNHUB_CANCELLED] = {"CANCELLED", ERRCODE_QUERY_CANCELED, NULL},
	[CONNHUB_REFUSED] = {"CONNECTION_REFUSED", ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
	"Check host and port, that the source is running, and that no firewall is in between."},
	[CONNHUB_DNS] = {"DNS_RESOLUTION_FAILED", ERRCODE_CH_DNS,
	"Check the spelling of the host name and the name servers of this machine."},
	[CONNHUB_TIMEOUT] = {"TIMEOUT", ERRCODE_CH_TIMEOUT,
	"Raise the option connect_timeout or query_timeout of the connector if the source is merely slow."},
	[CONNHUB_TLS] = {"SSL_HANDSHAKE_FAILED", ERRCODE_CH_TLS,
	"Check ssl_mode, the certificate authority in ssl_ca, and that the certificate names the host."},
	[CONNHUB_AUTH] = {"AUTHENTICATION_FAILED", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
	"Check the user name, and store the credential again with connhub.set_credentials."},
	[CONNHUB_NO_DATABASE] = {"DATABASE_NOT_FOUND", ERRCODE_UNDEFINED_DATABASE,
	"Check the name of the database and of the schema at the source."},
	[CONNHUB_PERMISSION] = {"PERMISSION_DENIED", ERRCODE_INSUFFICIENT_PRIVILEGE,
	"Grant the connector's user the missing privilege at the source."},
	[CONNHUB_LOST] = {"CONNECTION_LOST", ERRCODE_CONNECTION_FAILURE,
	"Run the statement again; a new connection is opened in the next transaction."},
	[CONNHUB_BUSY] = {"POOL_EXHAUSTED", ERRCODE_TOO_MANY_CONNECTIONS,
	"Try again later, or let the source accept more connections."},
	[CONNHUB_RATE_LIMITED] = {"RATE_LIMITED", ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
	"Try again later."},
	[CONNHUB_QUOTA] = {"QUOTA_EXCEEDED", ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
	"Raise the quota at the source."},
	[CONNHUB_UNSUPPORTED] = {"UNSUPPORTED", ERRCODE_FEATURE_NOT_SUPPORTED, NULL},
	[CONNHUB_CONFIG] = {"INVALID_CONFIGURATION", ERRCODE_CH_INVALID_CONFIGURATION,
	"Correct the connector with connhub.update_connector."},
	[CONNHUB_QUERY] = {"QUERY_FAILED", ERRCODE_FDW_ERROR, NULL},
	[CONNHUB_DATA] = {"INVALID_DATA", ERRCODE_DATA_EXCEPTION,
	"Declare the column with a type that holds every value of the source, such as text."},
	[CONNHUB_NO_MEMORY] = {"OUT_OF_MEMORY", ERRCODE_OUT_OF_MEMORY, NULL},
	[CONNHUB_INTERNAL] = {"INTERNAL", ERRCODE_INTERNAL_ERROR, NULL},
	[CONNHUB_SCHEMA_CHANGED] = {"SCHEMA_CHANGED", ERRCODE_CH_SCHEMA_CHANGED,
	"Run connhub.discover for this connector, then connhub.apply_drift to bring its foreign tables after it."},
	[CONNHUB_TUNNEL] = {"TUNNEL_FAILED", ERRCODE_CH_TUNNEL,
	"Check the options ssh_... and proxy_... of the connector, and the log of the SSH server or proxy."},
};

static const char *const phase_names[CONNHUB_NPHASES] = {
	[CONNHUB_PHASE_NONE] = "none",
	[CONNHUB_PHASE_DNS] = "dns",
	[CONNHUB_PHASE_TUNNEL] = "tunnel",
	[CONNHUB_PHASE_TCP] = "tcp",
	[CONNHUB_PHASE_TLS] = "tls",
	[CONNHUB_PHASE_AUTH] = "auth",
	[CONNHUB_PHASE_DATABASE] = "database",
	[CONNHUB_PHASE_PERMISSION] = "permission",
};

/* A driver's status may be any number; an unknown one is a defect of the driver. */
static const StatusRow *
status_row(ConnhubStatus status)
{
	if ((int) status < 0 || (int) status >= (int) lengthof(status_rows) ||
		status_rows[status].sqlstate == 0)
		return &status_rows[CONNHUB_INTERNAL];
	return &status_rows[status];
}

const char *
ch_status_code(ConnhubStatus status)
{
	if (status == CONNHUB_OK || status == CONNHUB_WAIT || status == CONNHUB_DONE)
		return NULL;
	return status_row(status)->code;
}

const char *
ch_phase_name(ConnhubPhase phase)
{
	if ((int) phase < 0 || phase >= CONNHUB_NPHASES)
		return phase_names[CONNHUB_PHASE_NONE];
	return phase_names[phase];
}

const char *
ch_status_hint(ConnhubStatus status)
{
	return status_row(status)->hint;
}

/* Five characters of 0-9A-Z of a class that means failure: 00, 01 and 02 would be no error here. */
static bool
sqlstate_is_usable(const char *sqlstate)
{
	if (strnlen(sqlstate, 6) != 5 || strspn(sqlstate, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5)
		return false;
	return !(sqlstate[0] == '0' && sqlstate[1] >= '0' && sqlstate[1] <= '2');
}

int
ch_error_sqlstate(const ConnhubError *error)
{
	const char *s = error->sqlstate;

	if (sqlstate_is_usable(s))
		return MAKE_SQLSTATE(s[0], s[1], s[2], s[3], s[4]);
	return status_row(error->status)->sqlstate;
}

/* Text from outside is UTF-8 at best: what the server's encoding cannot take is shown as "?". */
char *
ch_error_clean(const char *text, Size capacity)
{
	char	   *copy = pnstrdup(text, strnlen(text, capacity));
	char	   *masked;

	if (GetDatabaseEncoding() != PG_UTF8 || !pg_verifymbstr(copy, strlen(copy), true))
		for (char *p = copy; *p != '\0'; p++)
			if (IS_HIGHBIT_SET(*p))
				*p = '?';
	masked = ch_redact(copy);
	return masked != NULL ? masked : copy;
}

/* A masked text may be longer. */
static void
tidy_text(char *text, Size size)
{
	char	   *clean = ch_error_clean(text, size);
	int			length = pg_mbcliplen(clean, strlen(clean), size - 1);

	memcpy(text, clean, length);
	text[length] = '\0';
	pfree(clean);
}

void
ch_error_tidy(ConnhubError *error)
{
	tidy_text(error->message, sizeof(error->message));
	tidy_text(error->detail, sizeof(error->detail));
	tidy_text(error->hint, sizeof(error->hint));
}

void
ch_error_raise(const ConnhubError *error, const char *subject)
{
	char	   *message;
	char	   *detail;
	char	   *hint;

	if (error->status == CONNHUB_CANCELLED)
	{
		if (IsUnderPostmaster && !PostmasterIsAlive())
			proc_exit(1);
		CHECK_FOR_INTERRUPTS();
		ereport(ERROR,
				(errcode(ERRCODE_QUERY_CANCELED),
				 errmsg("canceling statement due to user request")));
	}

	message = ch_error_clean(error->message, sizeof(error->message));
	detail = ch_error_clean(error->detail, sizeof(error->detail));
	hint = ch_error_clean(error->hint, sizeof(error->hint));
	if (hint[0] == '\0' && ch_status_hint(error->status) != NULL)
		hint = pstrdup(ch_status_hint(error->status));
	if (message[0] == '\0')
		message = psprintf("the source reported %s without a message",
						   status_row(error->status)->code);

	ereport(ERROR,
			(errcode(ch_error_sqlstate(error)),
			 subject != NULL ? errmsg("%s: %s", subject, message) : errmsg("%s", message),
			 detail[0] != '\0' ? errdetail("%s", detail) : 0,
			 hint[0] != '\0' ? errhint("%s", hint) : 0));
	pg_unreachable();
}

void
ch_error_set(ConnhubError *error, ConnhubStatus status, const char *fmt,...)
{
	va_list		args;
	ConnhubPhase phase = error->phase;

	memset(error, 0, sizeof(*error));
	error->status = status;
	error->phase = phase;
	error->column = -1;
	va_start(args, fmt);
	vsnprintf(error->message, sizeof(error->message), fmt, args);
	va_end(args);
}

ErrorData *
ch_error_catch(void (*fn) (void *argument), void *argument)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	/* Pending invalidations may not enter a subtransaction. */
	CommandCounterIncrement();
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		fn(argument);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

#define CLOSEST_MAX_LENGTH 63

/* Edits that turn a into b: insert, delete, replace, swap neighbours.  Case does not count. */
static int
edit_distance(const char *a, int alen, const char *b, int blen)
{
	int			rows[3][CLOSEST_MAX_LENGTH + 1];

	for (int j = 0; j <= blen; j++)
		rows[0][j] = j;
	for (int i = 1; i <= alen; i++)
	{
		int		   *row = rows[i % 3];
		const int  *before = rows[(i + 2) % 3];
		const int  *before2 = rows[(i + 1) % 3];

		row[0] = i;
		for (int j = 1; j <= blen; j++)
		{
			char		x = pg_ascii_tolower((unsigned char) a[i - 1]);
			char		y = pg_ascii_tolower((unsigned char) b[j - 1]);
			int			best = before[j - 1] + (x == y ? 0 : 1);

			best = Min(best, Min(before[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 &&
				x == pg_ascii_tolower((unsigned char) b[j - 2]) &&
				y == pg_ascii_tolower((unsigned char) a[i - 2]))
				best = Min(best, before2[j - 2] + 1);
			row[j] = best;
		}
	}
	return rows[alen % 3][blen];
}

const char *
ch_closest(const char *word, const char *const *candidates, int ncandidates)
{
	const char *closest = NULL;
	int			wordlen = strlen(word);
	int			least;

	if (wordlen == 0 || wordlen > CLOSEST_MAX_LENGTH)
		return NULL;

	/* A word half of which is wrong was not meant. */
	least = Max(2, wordlen / 3 + 1);
	for (int i = 0; i < ncandidates; i++)
	{
		int			len = strlen(candidates[i]);
		int			distance;

		if (len == 0 || len > CLOSEST_MAX_LENGTH || abs(len - wordlen) >= least)
			continue;
		distance = edit_distance(word, wordlen, candidates[i], len);
		if (distance < least && distance < Max(len, wordlen))
		{
			least = distance;
			closest = candidates[i];
		}
	}
	return closest;
}
