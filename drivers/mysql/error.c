/* error.c — from what the library or the server says to a ConnhubError.
 *
 * The cause is decided by number alone: the server's error number, the library's, or errno.  The
 * server's text is passed on for people to read. */
#include <errno.h>
#include <string.h>

#include <errmsg.h>
#include <mysqld_error.h>

#include "error.h"

#define LOST		0x1			/* the connection is of no more use */
#define RETRY		0x2			/* the same call may succeed later */

/* Numbers of MySQL, or of MariaDB under another name, which the installed header does not have. */
#define ER_STATEMENT_TIMEOUT_1969	1969	/* MariaDB */
#define ER_CONNECTION_KILLED_1927	1927	/* MariaDB */
#define ER_QUERY_TIMEOUT_3024		3024	/* MySQL */
#define ER_ACCOUNT_LOCKED_3118		3118	/* MySQL */
#define ER_TLS_REQUIRED_3159		3159	/* MySQL */
#define ER_CHECK_VIOLATED_3819		3819	/* MySQL */
#define ER_IDLE_TIMEOUT_4031		4031	/* MySQL */

#define METHODS_HINT \
	"The account uses an authentication method this driver does not offer: it knows mysql_native_password, " \
	"caching_sha2_password, sha256_password and ed25519, and mysql_clear_password when the server's " \
	"certificate is verified."

static const struct
{
	unsigned int code;
	ConnhubStatus status;
	unsigned int flags;
	const char *hint;
	const char *sqlstate;		/* when the source's own says less; NULL: that */
}			causes[] = {
	{ER_CON_COUNT_ERROR, CONNHUB_BUSY, RETRY, "Raise max_connections at the source, or lower pool_size."},
	{ER_TOO_MANY_USER_CONNECTIONS, CONNHUB_BUSY, RETRY, "Raise max_user_connections at the source, or lower pool_size."},
	{ER_USER_LIMIT_REACHED, CONNHUB_QUOTA, RETRY, "Raise the account's resource limits at the source."},
	{ER_OUT_OF_RESOURCES, CONNHUB_BUSY, RETRY, NULL},
	{ER_OUTOFMEMORY, CONNHUB_BUSY, RETRY, NULL},

	{ER_ACCESS_DENIED_ERROR, CONNHUB_AUTH, 0, "Check user and password, and that the account may connect from this machine."},
	{ER_ACCESS_DENIED_NO_PASSWORD_ERROR, CONNHUB_AUTH, 0, "Check user and password, and that the account may connect from this machine."},
	{ER_HOST_NOT_PRIVILEGED, CONNHUB_AUTH, 0, "Create an account at the source that may connect from this machine."},
	{ER_MUST_CHANGE_PASSWORD, CONNHUB_AUTH, 0, "The account's password has expired: set a new one at the source."},
	{ER_MUST_CHANGE_PASSWORD_LOGIN, CONNHUB_AUTH, 0, "The account's password has expired: set a new one at the source."},
	{ER_ACCOUNT_LOCKED_3118, CONNHUB_AUTH, 0, "Unlock the account at the source."},
	{ER_ACCOUNT_HAS_BEEN_LOCKED, CONNHUB_AUTH, 0, "Unlock the account at the source."},
	{ER_NOT_SUPPORTED_AUTH_MODE, CONNHUB_AUTH, 0, NULL},
	{CR_AUTH_PLUGIN_CANNOT_LOAD, CONNHUB_AUTH, 0, METHODS_HINT},
	{CR_PLUGIN_NOT_ALLOWED, CONNHUB_AUTH, 0, METHODS_HINT},
	{CR_AUTH_PLUGIN_ERR, CONNHUB_AUTH, 0, NULL},
	{ER_TLS_REQUIRED_3159, CONNHUB_TLS, 0, "Set ssl_mode to verify-full, verify-ca or require."},
	{CR_SSL_CONNECTION_ERROR, CONNHUB_TLS, LOST, NULL},
	{ER_HOST_IS_BLOCKED, CONNHUB_REFUSED, 0, "Unblock this machine at the source with FLUSH HOSTS."},

	{ER_DBACCESS_DENIED_ERROR, CONNHUB_PERMISSION, 0, "Grant the account a privilege on the database, and check the database's name: the source does not tell strangers which ones exist."},
	{ER_TABLEACCESS_DENIED_ERROR, CONNHUB_PERMISSION, 0, "Grant the account what the statement needs at the source."},
	{ER_COLUMNACCESS_DENIED_ERROR, CONNHUB_PERMISSION, 0, "Grant the account what the statement needs at the source."},
	{ER_SPECIFIC_ACCESS_DENIED_ERROR, CONNHUB_PERMISSION, 0, NULL},
	{ER_PROCACCESS_DENIED_ERROR, CONNHUB_PERMISSION, 0, NULL},
	{ER_VIEW_INVALID, CONNHUB_PERMISSION, 0, "The view refers to something that is gone, or its definer lacks a privilege."},
	{ER_BAD_DB_ERROR, CONNHUB_NO_DATABASE, 0, "Check the name of the database; on most servers it is case-sensitive."},
	{ER_NO_SUCH_TABLE, CONNHUB_SCHEMA_CHANGED, 0, "Run connhub.discover, then connhub.apply_drift for the connector."},
	{ER_BAD_FIELD_ERROR, CONNHUB_SCHEMA_CHANGED, 0, "Run connhub.discover, then connhub.apply_drift for the connector."},

	{ER_STATEMENT_TIMEOUT_1969, CONNHUB_TIMEOUT, 0, "Raise the connector's query_timeout."},
	{ER_QUERY_TIMEOUT_3024, CONNHUB_TIMEOUT, 0, "Raise the connector's query_timeout."},
	{ER_LOCK_WAIT_TIMEOUT, CONNHUB_QUERY, RETRY, "Run the transaction again.", "55P03"},
	{ER_LOCK_DEADLOCK, CONNHUB_QUERY, RETRY, "Run the transaction again.", "40001"},
	{ER_CHECKREAD, CONNHUB_QUERY, RETRY, "Run the transaction again.", "40001"},
	{ER_DUP_ENTRY, CONNHUB_QUERY, 0, NULL, "23505"},
	{ER_DUP_ENTRY_WITH_KEY_NAME, CONNHUB_QUERY, 0, NULL, "23505"},
	{ER_BAD_NULL_ERROR, CONNHUB_QUERY, 0, NULL, "23502"},
	{ER_NO_DEFAULT_FOR_FIELD, CONNHUB_QUERY, 0, NULL, "23502"},
	{ER_NO_REFERENCED_ROW_2, CONNHUB_QUERY, 0, NULL, "23503"},
	{ER_ROW_IS_REFERENCED_2, CONNHUB_QUERY, 0, NULL, "23503"},
	{ER_CONSTRAINT_FAILED, CONNHUB_QUERY, 0, NULL, "23514"},
	{ER_CHECK_VIOLATED_3819, CONNHUB_QUERY, 0, NULL, "23514"},
	{ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, CONNHUB_QUERY, 0, NULL, "25006"},
	{ER_OPTION_PREVENTS_STATEMENT, CONNHUB_PERMISSION, 0, "The source is read only.", NULL},
	{ER_UNSUPPORTED_PS, CONNHUB_UNSUPPORTED, 0, "This statement cannot be run as a prepared one."},

	{ER_SERVER_SHUTDOWN, CONNHUB_LOST, LOST | RETRY, NULL},
	{ER_NORMAL_SHUTDOWN, CONNHUB_LOST, LOST | RETRY, NULL},
	{ER_CONNECTION_KILLED_1927, CONNHUB_LOST, LOST | RETRY, NULL},
	{ER_IDLE_TIMEOUT_4031, CONNHUB_LOST, LOST | RETRY, NULL},
	{ER_NEW_ABORTING_CONNECTION, CONNHUB_LOST, LOST | RETRY, NULL},
	{ER_NET_READ_ERROR, CONNHUB_LOST, LOST | RETRY, NULL},
	{ER_NET_READ_INTERRUPTED, CONNHUB_LOST, LOST | RETRY, NULL},
	{ER_NET_ERROR_ON_WRITE, CONNHUB_LOST, LOST | RETRY, NULL},
	{ER_NET_WRITE_INTERRUPTED, CONNHUB_LOST, LOST | RETRY, NULL},
	{ER_NET_PACKETS_OUT_OF_ORDER, CONNHUB_LOST, LOST | RETRY, NULL},
	{CR_SERVER_GONE_ERROR, CONNHUB_LOST, LOST | RETRY, NULL},
	{CR_SERVER_LOST, CONNHUB_LOST, LOST | RETRY, NULL},
	{CR_MALFORMED_PACKET, CONNHUB_LOST, LOST, NULL},
	{CR_COMMANDS_OUT_OF_SYNC, CONNHUB_INTERNAL, LOST, NULL},
	{CR_VERSION_ERROR, CONNHUB_REFUSED, LOST, "Check host and port: what answers there does not speak this protocol."},
	{CR_SERVER_HANDSHAKE_ERR, CONNHUB_REFUSED, LOST, "Check host and port: what answers there does not speak this protocol."},
	{CR_CONNECTION_ERROR, CONNHUB_REFUSED, LOST | RETRY, NULL},
	{CR_CONN_HOST_ERROR, CONNHUB_REFUSED, LOST | RETRY, NULL},
	{CR_NET_PACKET_TOO_LARGE, CONNHUB_DATA, LOST, "The row is larger than max_allowed_packet."},
	{ER_NET_PACKET_TOO_LARGE, CONNHUB_DATA, LOST, "Raise max_allowed_packet at the source."},
	{CR_OUT_OF_MEMORY, CONNHUB_NO_MEMORY, LOST, NULL}
};

ConnhubStatus
my_error_wait(ConnhubError *error, ConnhubStatus status)
{
	if (status == CONNHUB_CANCELLED)
		fail_as(error, status, "the operation was cancelled");
	else if (status == CONNHUB_TIMEOUT)
	{
		fail_as(error, status, "the source did not answer in time");
		error->retryable = true;
	}
	else
		fail_as(error, status, "the connection is of no more use");
	error->connection_lost = true;
	return status;
}

ConnhubStatus
my_error_native(ConnhubError *error, unsigned int code, const char *sqlstate, const char *text)
{
	ConnhubStatus status = CONNHUB_QUERY;
	unsigned int flags = 0;
	const char *hint = NULL;
	const char *own_sqlstate = NULL;

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
	{
		if (causes[i].code == code)
		{
			status = causes[i].status;
			flags = causes[i].flags;
			hint = causes[i].hint;
			own_sqlstate = causes[i].sqlstate;
			break;
		}
	}
	fail_as(error, status, "%s", text != NULL && text[0] != '\0' ? text : "unknown error");
	if (own_sqlstate != NULL)
		sqlstate = own_sqlstate;
	if (sqlstate != NULL && strlen(sqlstate) == 5 && strcmp(sqlstate, "00000") != 0 &&
		strcmp(sqlstate, "HY000") != 0)
		memcpy(error->sqlstate, sqlstate, 6);
	error->native_code = code;
	error->connection_lost = (flags & LOST) != 0;
	error->retryable = (flags & RETRY) != 0;
	if (hint != NULL)
		fail_hint(error, "%s", hint);
	return status;
}

ConnhubStatus
my_error_connect(ConnhubError *error, int sys_errno, const char *host, uint16_t port)
{
	ConnhubStatus status = sys_errno == ETIMEDOUT ? CONNHUB_TIMEOUT : CONNHUB_REFUSED;

	if (sys_errno == EMFILE || sys_errno == ENFILE || sys_errno == ENOBUFS || sys_errno == ENOMEM)
		status = CONNHUB_NO_MEMORY;
	fail_as(error, status, "could not connect to \"%s\" port %u", host, (unsigned int) port);
	fail_detail(error, "The operating system reports: %s.", strerror(sys_errno));
	fail_hint(error, "Check host and port, that the server runs and listens there, and firewalls between.");
	error->native_code = sys_errno;
	error->retryable = true;
	error->connection_lost = true;
	return status;
}
