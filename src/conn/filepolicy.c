/* conn/filepolicy.c — which files a connector may read.
 *
 * The server's user can read much that its users may not.  Everyone but superusers stays below a folder of
 * connhub.allowed_folders, and nobody comes into the data directory.  The name is judged before the file
 * system is asked, so that refusals do not tell which files exist, and again on the real path, so that
 * no symbolic link leads out.  The driver gets the real path.  Folders that their users can
 * rename things in are not safe against a race; the documentation says so. */
#include "postgres.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "miscadmin.h"

#include "common/error.h"
#include "common/folder.h"
#include "common/guc.h"
#include "conn/filepolicy.h"

static ConnhubStatus
refuse(ConnhubError *error, const char *message, const char *hint)
{
	ch_error_set(error, CONNHUB_PERMISSION, "%s", message);
	strlcpy(error->sqlstate, unpack_sql_state(ERRCODE_CH_FILE_POLICY), sizeof(error->sqlstate));
	strlcpy(error->hint, hint, sizeof(error->hint));
	return CONNHUB_PERMISSION;
}

static ConnhubStatus
explain_errno(int number, const char *path, ConnhubError *error)
{
	ConnhubStatus status = number == ENOENT || number == ENOTDIR ? CONNHUB_NO_DATABASE :
		number == EACCES ? CONNHUB_PERMISSION : CONNHUB_CONFIG;

	ch_error_set(error, status, "cannot open file \"%s\": %s", path, strerror(number));
	error->native_code = number;
	if (status == CONNHUB_NO_DATABASE)
		strlcpy(error->hint, "Check the path; it must exist on the machine of this server.", sizeof(error->hint));
	else if (status == CONNHUB_PERMISSION)
		strlcpy(error->hint, "Let the user who runs the server read the file and enter its folders.",
				sizeof(error->hint));
	return status;
}

ConnhubStatus
ch_filepolicy_file(Oid user, const char *path, char **real, ConnhubError *error)
{
	bool		is_restricted = !superuser_arg(user);
	char		resolved[PATH_MAX];
	char	   *plain;
	struct stat st;

	if (path == NULL || path[0] != '/')
	{
		ch_error_set(error, CONNHUB_CONFIG, "the database must be the absolute path of a file");
		return error->status;
	}
	plain = pstrdup(path);
	canonicalize_path(plain);
	if (is_restricted && !ch_folder_list_holds(ch_allowed_folders, plain))
		return refuse(error, "this file is not open to this user",
					  "Ask a superuser to add its folder to connhub.allowed_folders.");
	if (realpath(plain, resolved) == NULL)
		return explain_errno(errno, path, error);
	if (is_restricted && !ch_folder_list_holds(ch_allowed_folders, resolved))
		return refuse(error, "this file is not open to this user",
					  "Ask a superuser to add its folder to connhub.allowed_folders.");
	if (ch_folder_is_data(resolved))
		return refuse(error, "files of the server's data directory cannot be read by a connector",
					  "Put the file somewhere else.");
	if (stat(resolved, &st) != 0)
		return explain_errno(errno, path, error);
	if (!S_ISREG(st.st_mode))
	{
		ch_error_set(error, CONNHUB_CONFIG, "\"%s\" is not a regular file", path);
		return error->status;
	}
	*real = pstrdup(resolved);
	return CONNHUB_OK;
}
