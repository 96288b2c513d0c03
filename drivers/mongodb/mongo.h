/* mongo.h — what the files of this driver share. */
#ifndef MG_MONGO_H
#define MG_MONGO_H

#include <mongoc/mongoc.h>

#include "connhub/driver.h"
#include "fail.h"

/* ConnhubInfo.flags, handed to judge and render as ConnhubSource.flags. */
#define MG_FLAG_REACHED		UINT64_C(1)
#define MG_FLAG_FERRETDB	UINT64_C(2)	/* neither decimals, nor expressions, nor $min and $max */

/* How documents and values without a type of their own are written as JSON. */
typedef enum MgJson
{
	MG_JSON_RELAXED = 0,
	MG_JSON_CANONICAL
} MgJson;

struct ConnhubConn
{
	const ConnhubHost *host;
	mongoc_client_t *client;
	mongoc_client_session_t *session;	/* NULL: the source has none */
	uint32_t	server;			/* the one all commands go to */
	bool		is_open;
	ConnhubStatus wait_status;	/* why a stream's wait ended, unless it was the stream itself */
	ConnhubPhase phase;
	int			connect_errno;	/* of the last address that did not answer */
	bool		handshake_failed;
	bool		may_reconnect;	/* to stop cursors of a stream that was cut */
	long		verify_error;	/* what the TLS library says of the certificate; 0: nothing */
	const char *tls_reason;		/* what else it says; NULL: nothing */
	char		tls_version[32];
	int			fd;				/* of the stream in use, -1: none */

	char	   *name;			/* host as configured */
	char	  **addresses;
	uint32_t	naddresses;
	uint16_t	port;
	char	   *user;
	char	   *password;
	char	   *database;
	char	   *schema;
	char	   *application;
	char	   *auth_source;
	char	   *mechanism;
	ConnhubSslMode ssl_mode;
	struct ssl_ctx_st *tls;		/* NULL: not encrypted */
	bool		has_certificate;
	bool		require_password;
	int64_t		connect_timeout_ms;
	int64_t		query_timeout_ms;
	MgJson		json;
	bool		any_command;	/* native queries may write, too */
	int64_t		sample_size;
	int64_t		flatten_depth;

	char		version[64];
	uint32_t	version_num;
	uint64_t	flags;
	const char *product;
	ConnhubCursor *cursors;		/* the open ones */
};

extern const ConnhubHost *mg_host;

/* conn.c: slots. */
extern ConnhubStatus mg_open(const ConnhubConfig *config, ConnhubConn **conn, ConnhubError *error);
extern ConnhubStatus mg_step(ConnhubConn *conn, ConnhubWait *wait, ConnhubError *error);
extern void mg_close(ConnhubConn *conn);
extern ConnhubStatus mg_check(ConnhubConn *conn, ConnhubCheckLevel level, ConnhubInfo *info, ConnhubError *error);
extern ConnhubStatus mg_cancel(ConnhubConn *conn, ConnhubError *error);

/* stream.c: the stream over which the library talks to the source, for mongoc_client_set_stream_initiator; user_data is
 * the connection. */
extern mongoc_stream_t *mg_stream_initiate(const mongoc_uri_t *uri, const mongoc_host_list_t *host, void *user_data,
										   bson_error_t *error);

/* error.c: fill error from what the library or a reply of the source says. */
extern ConnhubStatus mg_fail(ConnhubConn *conn, const bson_error_t *from, ConnhubError *error);
extern ConnhubStatus mg_fail_open(ConnhubConn *conn, const bson_error_t *from, ConnhubError *error);
extern ConnhubStatus mg_fail_wait(ConnhubStatus status, ConnhubError *error);

/* command.c: run one command on the connection's server.  database NULL: the default one.  reply is initialised whatever
 * happens.  extra: options of the library beside the server's number, or NULL. */
extern ConnhubStatus mg_command(ConnhubConn *conn, const char *database, const bson_t *command, bson_t *reply,
								ConnhubError *error);

/* The cursor of a reply: its number and its documents. */
extern bool mg_reply_cursor(const bson_t *reply, const char *batch, int64_t *id, bson_iter_t *documents, char *namespace,
							size_t size);
extern ConnhubStatus mg_get_more(ConnhubConn *conn, const char *namespace, int64_t id, int64_t batch_size, bson_t *reply,
								 ConnhubError *error);
extern ConnhubStatus mg_kill_cursor(ConnhubConn *conn, const char *namespace, int64_t id, ConnhubError *error);

/* The number in a field of a reply; 0 when it is none. */
extern int64_t mg_reply_number(const bson_t *reply, const char *field);

/* query.c, discover.c, write.c, translate.c, render.c: slots. */
extern ConnhubStatus mg_execute(ConnhubConn *conn, const ConnhubQuery *query, ConnhubCursor **cursor, ConnhubError *error);
extern ConnhubStatus mg_fetch(ConnhubCursor *cursor, ConnhubBatch *batch, ConnhubError *error);
extern ConnhubStatus mg_close_cursor(ConnhubCursor *cursor, ConnhubError *error);
extern ConnhubStatus mg_describe(ConnhubCursor *cursor,
								 void (*found) (void *arg, const char *name, const ConnhubTypeRef *type), void *arg,
								 ConnhubError *error);
extern void mg_cursors_forget(ConnhubConn *conn);
extern ConnhubStatus mg_cursors_kill(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus mg_discover(ConnhubConn *conn, const ConnhubDiscoverRequest *request, ConnhubSink *sink,
								 ConnhubError *error);
extern void mg_judge(const ConnhubSource *source, const ConnhubPiece *piece, ConnhubVerdict *verdict);
extern ConnhubStatus mg_render(const ConnhubSource *source, const ConnhubRequest *request, ConnhubText *out,
							   ConnhubError *error);
extern ConnhubStatus mg_render_write(const ConnhubSource *source, const ConnhubWrite *write, ConnhubText *out,
									 ConnhubError *error);
extern ConnhubStatus mg_write(ConnhubConn *conn, const ConnhubWrite *write, const char *text, const ConnhubRows *rows,
							  uint64_t *affected, ConnhubCursor **cursor, ConnhubError *error);

#endif							/* MG_MONGO_H */
