/* sqlite_parts.h — what the parts of test_sqlite.c share. */
#ifndef UNIT_SQLITE_PARTS_H
#define UNIT_SQLITE_PARTS_H

#include "host.h"
#include "tap.h"

extern const ConnhubDriver *driver;

/* The option of that name of databases opened from now on. */
extern const char *read_only;

extern const char *path_of(const char *name);

/* Make a database by the library itself. */
extern void make_database(const char *name, const char *sql);
extern ConnhubConn *open_database(const char *path, const char *busy_timeout, ConnhubError *error);

/* Rows of a query of one column, or the status, as static text. */
extern const char *run_one(ConnhubConn *conn, const char *sql, ConnhubType type);

extern void test_writes(void);
extern void test_checks(void);

#endif							/* UNIT_SQLITE_PARTS_H */
