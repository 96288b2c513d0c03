/* txn.h — transactions, savepoints, two-phase commit. */
#ifndef MY_TXN_H
#define MY_TXN_H

#include "conn.h"

/* Make sure that every statement, alone or in a transaction, sees data of one moment. */
extern ConnhubStatus my_repeat_read(ConnhubConn *conn, ConnhubError *error);

extern ConnhubStatus my_begin(ConnhubConn *conn, const ConnhubTxn *txn, ConnhubError *error);
extern ConnhubStatus my_commit(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus my_rollback(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus my_savepoint(ConnhubConn *conn, uint32_t depth, ConnhubError *error);
extern ConnhubStatus my_release(ConnhubConn *conn, uint32_t depth, ConnhubError *error);
extern ConnhubStatus my_rollback_to(ConnhubConn *conn, uint32_t depth, ConnhubError *error);
extern ConnhubStatus my_prepare(ConnhubConn *conn, const char *gid, ConnhubError *error);
extern ConnhubStatus my_finish_prepared(ConnhubConn *conn, const char *gid, bool commit, ConnhubError *error);
extern ConnhubStatus my_list_prepared(ConnhubConn *conn, const char *prefix, void (*found) (void *arg, const char *gid),
									  void *arg, ConnhubError *error);

#endif							/* MY_TXN_H */
