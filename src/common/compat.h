/* common/compat.h — what differs between server versions. */
#ifndef CH_COMMON_COMPAT_H
#define CH_COMMON_COMPAT_H

#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"

#define pg_attribute_noreturn() __attribute__((noreturn))
#else
#include "commands/explain.h"
#endif

/* Reserve a prefix of settings, so that a misspelt one is reported. */
extern void ch_compat_reserve_prefix(const char *prefix);

/* Is a query cancel, a termination or another request to end the statement pending? */
extern bool ch_compat_stop_pending(void);

/* Serve what may be served inside a wait: everything that neither throws nor ends the statement. */
extern void ch_compat_serve_barriers(void);

/* What is waited for, as pg_stat_activity shows it. */
typedef enum ChWaitKind
{
	CH_WAIT_SOURCE,				/* an answer */
	CH_WAIT_CONNECT,			/* a connection to be opened */
	CH_WAIT_POOL,				/* a connection that others hold */
	CH_WAIT_RETRY,				/* the time to try again */
	CH_NWAITS
} ChWaitKind;

extern uint32 ch_compat_wait_event(ChWaitKind kind);

/* Have request called when the server gathers wishes for shared memory.  From _PG_init of a preloaded library. */
extern void ch_compat_on_shmem_request(void (*request) (void));

/* Have a backend, or this one, end an empty transaction once it waits for its client outside of any: transaction
 * callbacks run then.  The second is safe in a signal handler. */
extern void ch_compat_nudge(int pid);
extern void ch_compat_nudge_self(void);

/* Does a set latch end the wait of an Append?  Where it does not, neither a cancel nor a time limit does. */
extern bool ch_compat_append_wakes(void);

/* On whose behalf rows are written: the owner of the view the target stands in, or the current user. */
extern Oid	ch_compat_modify_user(ResultRelInfo *rinfo, EState *estate);

/* Path of a scan of one foreign table (outer: relations whose values it needs), of a join, and of a stage above. */
extern Path *ch_compat_scan_path(PlannerInfo *root, RelOptInfo *rel, double rows, Cost startup, Cost total,
								 List *pathkeys, Relids outer);
extern Path *ch_compat_join_path(PlannerInfo *root, RelOptInfo *rel, double rows, Cost startup, Cost total,
								 List *pathkeys);
extern Path *ch_compat_upper_path(PlannerInfo *root, RelOptInfo *rel, PathTarget *target, double rows,
								  Cost startup, Cost total, List *pathkeys);

/* May the user use a foreign server? */
extern bool ch_compat_server_usable(Oid server, Oid user);

/* May the user declare columns of a type, and name it with its schema? */
extern bool ch_compat_type_usable(Oid type, Oid user);

/* Throws, as the executor would later, when the current user lacks every right that the query wants on one of its
 * relations: planning must tell such a user nothing of what is behind them. */
extern void ch_compat_require_rights(PlannerInfo *root);

/* Throws unless the member could give objects to the role. */
extern void ch_compat_require_set_role(Oid member, Oid role);

/* A place in ANALYZE to rest and be interrupted. */
extern void ch_compat_analyze_delay(void);

/* Does the key sort downwards? */
extern bool ch_compat_is_descending(const PathKey *key);

/* The flag of a custom path that computes its output itself; 0 where every one does. */
extern uint32 ch_compat_custom_projection(void);

/* The operator family and type of a sort operator, and whether it sorts downwards; false: it is none. */
extern bool ch_compat_ordering_of(Oid op, Oid *family, Oid *type, bool *descending);

/* The attribute of pg_database with the locale of a provider other than libc; 0: there is none. */
extern int	ch_compat_locale_attribute(void);

/* Is the order of the collation that of the encoding's bytes?  Are its letters those of ASCII alone? */
extern bool ch_compat_collate_is_c(Oid collation);
extern bool ch_compat_ctype_is_c(Oid collation);

/* The queries that a parsed statement without parameters becomes. */
extern List *ch_compat_analyze_query(RawStmt *statement, const char *text);

/* Is a condition on a window function checked by the plan node of the window alone? */
extern bool ch_compat_has_run_condition(Query *query, List *outputs);

/* May the current user drop the database, or copy it as a template? */
extern bool ch_compat_may_take_database(Oid database);

/* A random number from 0 up to 1. */
extern double ch_compat_random(void);

#endif
