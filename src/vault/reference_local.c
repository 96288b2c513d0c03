/* vault/reference_local.c — references to the server's environment and to files.
 *
 * A name that no setting opens is refused before anything is looked at, so that refusals do not tell what there is.
 * A file is opened by its real path and judged once more by what was opened.  Where the master key comes from is open to
 * nobody. */
#include "postgres.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/varlena.h"

#include "common/folder.h"
#include "common/guc.h"
#include "vault/keyring.h"
#include "vault/reference_part.h"
#include "vault/store.h"

#define MAX_FILE_BYTES (64 * 1024)

static bool
variable_is_open(const char *name)
{
	List	   *items = NIL;
	ListCell   *lc;

	if (!SplitGUCList(pstrdup(ch_secret_variables), ',', &items))
		return false;
	foreach(lc, items)
	{
		const char *item = lfirst(lc);
		size_t		length = strlen(item);

		if (item[length - 1] == '*' ? strncmp(item, name, length - 1) == 0 : strcmp(item, name) == 0)
			return !ch_key_is_variable(name);
	}
	return false;
}

void
ch_reference_env(const ChReference *reference, ChSecret *into, const char *field)
{
	const char *value;

	if (!variable_is_open(reference->path))
		ch_store_fail(reference->text, "This variable is not open to connectors.",
					  "Ask a superuser to add it to connhub.secret_variables.");
	value = getenv(reference->path);
	if (value == NULL)
		ch_store_fail(reference->text, "The server's environment has no such variable.",
					  "Set it for the server's service and restart it.");
	ch_reference_add(reference, into, field, value, strlen(value));
}

static void
refuse_path(const char *subject)
{
	ch_store_fail(subject, "This file is not open to connectors.",
				  "Ask a superuser to add its folder to connhub.secret_folders.");
}

static void
require_open(const char *path, const char *subject)
{
	if (!ch_folder_list_holds(ch_secret_folders, path) || ch_folder_is_data(path))
		refuse_path(subject);
}

/* What the descriptor stands for, whatever has happened to names meanwhile. */
static void
require_opened(int fd, const char *subject)
{
	char		link[64];
	char		real[PATH_MAX];
	struct stat st;
	ssize_t		length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, real, sizeof(real) - 1);
	if (length < 0 || fstat(fd, &st) != 0)
		ch_store_fail(subject, "The file could not be read.", "Check that /proc is there.");
	real[length] = '\0';
	require_open(real, subject);
	if (ch_key_is_file(&st))
		refuse_path(subject);
	if (!S_ISREG(st.st_mode))
		ch_store_fail(subject, "It is not a regular file.", "Refer to a file that holds the secret.");
	if (st.st_size > MAX_FILE_BYTES)
		ch_store_fail(subject, psprintf("The file has more than %d bytes.", MAX_FILE_BYTES), "Refer to a file that holds the secret alone.");
}

static void
fail_errno(const char *subject, int number)
{
	ch_store_fail(subject, psprintf("The file could not be opened: %s.", strerror(number)),
				  number == EACCES ? "Let the user who runs the server read the file and enter its folders." :
				  "Check the path; it must exist on the machine of this server.");
}

char *
ch_secret_file(const char *path, const char *subject, size_t *length)
{
	char		real[PATH_MAX];
	char	   *plain = pstrdup(path);
	char	   *text;
	ssize_t		n;
	int			fd;

	canonicalize_path(plain);
	require_open(plain, subject);
	if (realpath(plain, real) == NULL)
		fail_errno(subject, errno);
	require_open(real, subject);
	fd = OpenTransientFile(real, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | PG_BINARY);
	if (fd < 0)
		fail_errno(subject, errno);
	require_opened(fd, subject);
	text = palloc(MAX_FILE_BYTES + 1);
	n = read(fd, text, MAX_FILE_BYTES);
	CloseTransientFile(fd);
	if (n < 0)
		fail_errno(subject, errno);
	text[n] = '\0';
	*length = n;
	return text;
}

/* One line end after the secret is the editor's, not the secret's. */
void
ch_reference_file(const ChReference *reference, ChSecret *into, const char *field)
{
	size_t		length;
	char	   *text = ch_secret_file(reference->path, reference->text, &length);
	size_t		all = length;

	if (length > 0 && text[length - 1] == '\n')
		length--;
	if (length < all && length > 0 && text[length - 1] == '\r')
		length--;
	ch_reference_add(reference, into, field, text, length);
	ch_wipe(text, all);
	pfree(text);
}
