/* common/redact.h — masks secrets in any text bound for a log, EXPLAIN, an error or pg_stat_activity. */
#ifndef CH_COMMON_REDACT_H
#define CH_COMMON_REDACT_H

/* A copy of text with the literal after every secret-bearing name replaced by '***': named arguments
 * (password => '…'), JSON members ("token": "…"), key=value and URL user-info forms.  NULL when there
 * was nothing to mask. */
extern char *ch_redact(const char *text);

/* Mask the statement that is now running where others could read it: pg_stat_activity, and the
 * STATEMENT and duration lines of the log until the statement ends.  Called first thing by every SQL
 * function that takes a secret. */
extern void ch_redact_statement(void);

/* Remember a secret value so that it is masked in every error and log line of this process until
 * forgotten.  Kept in a memory context of its own that is wiped. */
extern void ch_redact_remember(const char *secret);
extern void ch_redact_forget(const char *secret);
extern void ch_redact_forget_all(void);

extern void ch_redact_init(void);

#endif
