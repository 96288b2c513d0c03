/* conn.h — a connection and what its cursors know of it. */
#ifndef MY_CONN_H
#define MY_CONN_H

#include "io.h"

/* ConnhubInfo.flags, handed to judge and render as ConnhubSource.flags. */
#define MY_FLAG_MARIADB		UINT64_C(1)
#define MY_FLAG_REACHED		UINT64_C(2)

/* What cannot be said in a PostgreSQL date: 0000-00-00 and dates with a zero month or day. */
typedef enum MyZeroDates
{
	MY_ZERO_ERROR = 0,
	MY_ZERO_NULL
} MyZeroDates;

#define MY_STATEMENTS	16		/* prepared statements kept for another run */
#define MY_GID_SIZE		61		/* name of a prepared transaction, with its end */

typedef struct MyStatement
{
	char	   *text;
	MYSQL_STMT *handle;			/* NULL: free */
	uint64_t	used;			/* when last */
} MyStatement;

struct ConnhubConn
{
	const ConnhubHost *host;
	MYSQL	   *mysql;
	MyIo		io;
	MyTls	   *tls;			/* owned, unless borrowed by a connection that kills */
	bool		owns_tls;
	bool		is_open;
	ConnhubStatus opened;		/* how opening ended */
	ConnhubError open_error;

	ConnhubStatus checked;		/* how a stepwise check ended */
	ConnhubInfo check_info;
	ConnhubError check_error;

	/* Copies of the configuration, for a second connection that stops a query of this one. */
	char	   *name;
	char	  **addresses;
	uint32_t	naddresses;
	uint16_t	port;
	char	   *user;
	char	   *password;		/* or NULL */
	char	   *database;		/* or NULL */
	char	   *schema;			/* or NULL */
	char	   *application;
	ConnhubSslMode ssl_mode;
	bool		require_password;
	int64_t		connect_timeout_ms;
	int64_t		query_timeout_ms;
	bool		for_kill;		/* only to stop a query of another connection */
	MyZeroDates zero_dates;
	bool		tinyint1_is_boolean;

	bool		is_mariadb;
	unsigned long version;
	bool		can_repeat_read;	/* the isolation level has been set */
	bool		in_transaction;
	bool		has_written;	/* in this transaction, or may have */
	char		gid[MY_GID_SIZE];	/* of an XA transaction; empty: it is none */
	uint32_t	unanswered;		/* commands whose answers have not been read */
	uint64_t	most_packet_bytes;	/* the source takes; 0: not asked yet */
	ConnhubCursor *cursor;		/* the open one */
	MyStatement statements[MY_STATEMENTS];
	uint64_t	runs;
};

extern ConnhubStatus my_open(const ConnhubConfig *config, ConnhubConn **conn, ConnhubError *error);
extern ConnhubStatus my_step(ConnhubConn *conn, ConnhubWait *wait, ConnhubError *error);
extern void my_close(ConnhubConn *conn);
extern ConnhubStatus my_check(ConnhubConn *conn, ConnhubCheckLevel level, ConnhubInfo *info,
							  ConnhubError *error);
extern ConnhubStatus my_check_step(ConnhubConn *conn, ConnhubInfo *info, ConnhubWait *wait, ConnhubError *error);
extern ConnhubStatus my_cancel(ConnhubConn *conn, ConnhubError *error);

/* Stop the statement that runs on conn, from a second connection, in at most within_ms. */
extern ConnhubStatus my_kill_query(ConnhubConn *conn, int64_t within_ms, ConnhubError *error);

/* What a failed call of the library on this connection means. */
extern ConnhubStatus my_conn_error(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus my_stmt_error(ConnhubConn *conn, MYSQL_STMT *stmt, ConnhubError *error);

extern const ConnhubHost *my_host;

#endif							/* MY_CONN_H */
