/* host.h — a ConnhubHost without a server, for unit tests of drivers.
 *
 * Memory is malloc's, counted, and can be made to run out.  The clock is real, or stands still and is moved by
 * waits for time.  Cancellation comes when told. */
#ifndef UNIT_HOST_H
#define UNIT_HOST_H

#include "connhub/driver.h"

typedef struct FakeHost
{
	bool		virtual_clock;	/* waits for time alone move the clock and take none */
	int64_t		clock_ms;		/* what the virtual clock shows */
	int64_t		cancel_at_ms;	/* CANCELLED from then on; < 0: never */
	int64_t		cancel_after_asks;	/* CANCELLED once asked so often; < 0: never */
	int64_t		deadline_ms;	/* TIMEOUT from then on; < 0: never */
	int64_t		fail_alloc;		/* this allocation fails, counted from 1; 0: none */
	int64_t		allocs;			/* allocations asked for */
	int64_t		live;			/* allocations not yet freed */
	int64_t		asks;			/* calls of cancelled and wait */
	uint32_t	phases;			/* bit n: phase n was announced */
	char		last_log[1024];
} FakeHost;

extern FakeHost fake;
extern const ConnhubHost fake_host;

/* Back to the start: real clock, no cancel, no failure; memory still live stays counted. */
extern void fake_reset(void);

/* A batch for ncolumns columns; types as wanted.  fake_batch_reset empties it again. */
extern ConnhubBatch *fake_batch_create(uint32_t ncolumns, uint32_t capacity);
extern void fake_batch_reset(ConnhubBatch *batch, const ConnhubTypeRef *wanted);
extern void fake_batch_free(ConnhubBatch *batch);

/* open, then step with the waits it asks for.  On failure the connection is closed and *conn NULL. */
extern ConnhubStatus fake_open(const ConnhubDriver *driver, const ConnhubConfig *config,
							   ConnhubConn **conn, ConnhubError *error);

/* Run a query to its end.  *rows becomes malloc'd text, one line for a row, fields separated by |, null as
 * \N, bytes as \x…, times as numbers; rows before a failure are there too.  batch_rows 0: 100. */
typedef struct FakeQuery
{
	const char *text;
	const ConnhubValue *params;
	uint32_t	nparams;
	const ConnhubType *types;
	uint32_t	ntypes;
	uint32_t	batch_rows;
} FakeQuery;

extern ConnhubStatus fake_run(const ConnhubDriver *driver, ConnhubConn *conn, const FakeQuery *query,
							  char **rows, ConnhubError *error);

/* One field as fake_run prints it, appended to growing malloc'd text. */
extern void fake_print(char **text, const char *format,...) CONNHUB_PRINTF(2, 3);

/* A sink that prints what it is given into malloc'd text, one line for each thing. */
typedef struct FakeSink
{
	ConnhubSink sink;			/* first: the driver's pointer is cast back */
	char	   *text;
	int64_t		fail_at;		/* the n-th thing is answered with NO_MEMORY; 0: none */
	int64_t		received;
} FakeSink;

extern void fake_sink_init(FakeSink *sink);

/* Parts of requests, for judge and render.  They are static: good for the whole test. */
extern const ConnhubCollation fake_c;	/* "C" */
extern const ConnhubCollation fake_english; /* deterministic, not in byte order */
extern const ConnhubCollation fake_blurred; /* not deterministic */

/* A column that was discovered as it is declared. */
extern const ConnhubExpr *fake_column(const char *name, ConnhubType type, const char *remote_type,
									  const char *collation);
extern const ConnhubExpr *fake_int(ConnhubType type, int64_t value);
extern const ConnhubExpr *fake_real(ConnhubType type, double value);
extern const ConnhubExpr *fake_slice(ConnhubType type, const char *value);
extern const ConnhubExpr *fake_null(ConnhubType type);
extern const ConnhubExpr *fake_param(ConnhubType type, uint32_t number);

/* A call of BOOL type with up to four arguments, NULL after the last; fake_call_of names the type. */
extern const ConnhubExpr *fake_call(ConnhubFunction fn, const ConnhubCollation *collation,
									const ConnhubExpr *a, const ConnhubExpr *b, const ConnhubExpr *c,
									const ConnhubExpr *d);
extern const ConnhubExpr *fake_call_of(ConnhubType type, ConnhubFunction fn,
									   const ConnhubCollation *collation, const ConnhubExpr *a,
									   const ConnhubExpr *b, const ConnhubExpr *c, const ConnhubExpr *d);

/* Verdict on a filter, an output, or a sort key; the reason of the last one. */
extern ConnhubVerdictKind fake_judge(const ConnhubDriver *driver, const ConnhubSource *source,
									 ConnhubPieceKind kind, const ConnhubExpr *expr);
extern ConnhubVerdictKind fake_judge_sort(const ConnhubDriver *driver, const ConnhubSource *source,
										  const ConnhubExpr *expr, const ConnhubCollation *collation);
extern const char *fake_reason(void);

/* Native text of one filter over a table "t" with output "a", or of a whole request; static until the next call. */
extern const char *fake_render(const ConnhubDriver *driver, const ConnhubSource *source,
							   const ConnhubRequest *request);
extern const char *fake_render_filter(const ConnhubDriver *driver, const ConnhubSource *source,
									  const ConnhubExpr *filter);

#endif							/* UNIT_HOST_H */
