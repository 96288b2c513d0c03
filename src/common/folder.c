/* common/folder.c — is a file in one of the folders a setting names? */
#include "postgres.h"

#include <limits.h>
#include <stdlib.h>

#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/varlena.h"

#include "common/folder.h"

static bool
is_below(const char *path, const char *folder)
{
	size_t		length = strlen(folder);

	while (length > 0 && folder[length - 1] == '/')
		length--;
	return strncmp(path, folder, length) == 0 && path[length] == '/' && path[length + 1] != '\0';
}

bool
ch_folder_list_holds(const char *list, const char *path)
{
	List	   *folders = NIL;
	ListCell   *lc;
	char		real[PATH_MAX];

	if (!SplitGUCList(pstrdup(list), ',', &folders))
		return false;
	foreach(lc, folders)
	{
		if (is_below(path, lfirst(lc)) || (realpath(lfirst(lc), real) != NULL && is_below(path, real)))
			return true;
	}
	return false;
}

bool
ch_folder_is_data(const char *path)
{
	char		data[PATH_MAX];

	return realpath(DataDir, data) == NULL || is_below(path, data);
}
