/* common/txn.h — short transactions of work that goes on between them.
 *
 * A background worker has no transaction between two of them.  A procedure always has one, but without snapshot,
 * lock or transaction id: between ch_txn_end and ch_txn_begin nothing of the database is held either way. */
#ifndef CH_COMMON_TXN_H
#define CH_COMMON_TXN_H

/* Say once what this work is: that of a procedure that may commit, connected to SPI as not atomic, or a worker's. */
extern void ch_txn_set_procedure(bool in_procedure);
extern bool ch_txn_in_procedure(void);

/* Open a transaction with a snapshot; close it.  What was allocated in between is gone unless it was put into a
 * context that lasts. */
extern void ch_txn_begin(void);
extern void ch_txn_end(void);

/* Run fn(argument) in a transaction of its own, in the caller's memory context, which must last.  NULL, or the error it
 * ended with, when all it did is undone.  Interrupts are not caught. */
extern ErrorData *ch_txn_run(void (*fn) (void *argument), void *argument);

#endif
