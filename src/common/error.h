/* common/error.h — SQLSTATEs of connhub and the way from a ConnhubError to ereport. */
#ifndef CH_COMMON_ERROR_H
#define CH_COMMON_ERROR_H

#include "common/compat.h"
#include "connhub/driver.h"

/* Class UB is ours: the SQL standard leaves classes I to Z to implementations. */
#define ERRCODE_CH_INVALID_CONFIGURATION	MAKE_SQLSTATE('U','B','0','0','1')
#define ERRCODE_CH_DNS						MAKE_SQLSTATE('U','B','0','0','2')
#define ERRCODE_CH_TLS						MAKE_SQLSTATE('U','B','0','0','3')
#define ERRCODE_CH_TIMEOUT					MAKE_SQLSTATE('U','B','0','0','4')
#define ERRCODE_CH_UNKNOWN_CONNECTOR		MAKE_SQLSTATE('U','B','0','0','5')
#define ERRCODE_CH_UNKNOWN_TYPE				MAKE_SQLSTATE('U','B','0','0','6')
#define ERRCODE_CH_DRIVER_LOAD				MAKE_SQLSTATE('U','B','0','0','7')
#define ERRCODE_CH_VAULT					MAKE_SQLSTATE('U','B','0','0','8')
#define ERRCODE_CH_NETWORK_POLICY			MAKE_SQLSTATE('U','B','0','0','9')
#define ERRCODE_CH_FILE_POLICY				MAKE_SQLSTATE('U','B','0','1','0')
#define ERRCODE_CH_DISABLED					MAKE_SQLSTATE('U','B','0','1','1')
#define ERRCODE_CH_TEST_FAILED				MAKE_SQLSTATE('U','B','0','1','2')
#define ERRCODE_CH_SCHEMA_CHANGED			MAKE_SQLSTATE('U','B','0','1','3')
#define ERRCODE_CH_POOL_EXHAUSTED			MAKE_SQLSTATE('U','B','0','1','4')
#define ERRCODE_CH_CIRCUIT_OPEN				MAKE_SQLSTATE('U','B','0','1','5')
#define ERRCODE_CH_TUNNEL					MAKE_SQLSTATE('U','B','0','1','6')
#define ERRCODE_CH_QUOTA_EXCEEDED			MAKE_SQLSTATE('U','B','0','1','7')
#define ERRCODE_CH_PLAN_LIMIT				MAKE_SQLSTATE('U','B','0','1','8')
#define ERRCODE_CH_UNKNOWN_TENANT			MAKE_SQLSTATE('U','B','0','1','9')

/* "CONNECTION_REFUSED", "AUTHENTICATION_FAILED", …: the code a test of a connector reports; NULL for a
 * status that is no failure. */
extern const char *ch_status_code(ConnhubStatus status);

/* The phase's name in results and messages: "dns", "tcp", … */
extern const char *ch_phase_name(ConnhubPhase phase);

/* SQLSTATE of an error: the source's own when it gave one, else the status's. */
extern int	ch_error_sqlstate(const ConnhubError *error);

/* What to do about a status, as a hint, when the driver gave none. */
extern const char *ch_status_hint(ConnhubStatus status);

/* Raise the error.  subject: "connector \"x\"", put before the message; may be NULL.  When the
 * status is CANCELLED the pending interrupt is served instead. */
extern void ch_error_raise(const ConnhubError *error, const char *subject) pg_attribute_noreturn();

/* A copy of text from a driver, fit to be shown: secrets masked, in the encoding of the database. */
extern char *ch_error_clean(const char *text, Size capacity);

/* Make its texts fit to be shown, in the same way. */
extern void ch_error_tidy(ConnhubError *error);

/* Fill an error as drivers do. */
extern void ch_error_set(ConnhubError *error, ConnhubStatus status, const char *fmt,...) pg_attribute_printf(3, 4);

/* Run fn(argument) in a subtransaction, in the caller's memory context.  NULL, or the error it ended
 * with, when all that it did is rolled back; ReThrowError it, or handle it and free it. */
extern ErrorData *ch_error_catch(void (*fn) (void *argument), void *argument);

/* Closest of `candidates` to `word` for a hint ("perhaps you meant …"), or NULL when none is near. */
extern const char *ch_closest(const char *word, const char *const *candidates, int ncandidates);

#endif
