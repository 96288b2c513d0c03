/* driver/registry.c — driver name → loaded driver.
 *
 * A driver is loaded at most once.  A failed load is remembered with the identity of the library file and
 * repeated only when that file has changed; its message is repeated until then. */
#include "postgres.h"

#include <sys/stat.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#include "catalog/cat_option.h"
#include "common/error.h"
#include "driver/loader.h"
#include "driver/registry.h"

typedef struct FileId
{
	dev_t		device;
	ino_t		inode;
	int64		modified_ns;
} FileId;

typedef struct Entry
{
	char	   *name;
	bool		is_loaded;
	ConnhubDriver driver;
	FileId		file;			/* of a failed load; all zero: there was no file */
	char	   *problem;
	char	   *detail;
	struct Entry *next;
} Entry;

static Entry *entries = NULL;

static Entry *entry_load(Entry *entry, const char *name, FileId file);
static FileId file_id(const char *path);
static List *installed_names(void);
static void report_failure(const Entry *entry) pg_attribute_noreturn();
static void require_loadable(const char *name);

const ConnhubDriver *
ch_driver_require(const char *name)
{
	Entry	   *entry;
	FileId		file;

	require_loadable(name);
	for (entry = entries; entry != NULL; entry = entry->next)
		if (strcmp(entry->name, name) == 0)
			break;
	if (entry != NULL && entry->is_loaded)
		return &entry->driver;

	file = file_id(ch_driver_path(name));
	if (entry == NULL || memcmp(&entry->file, &file, sizeof(file)) != 0)
		entry = entry_load(entry, name, file);
	if (!entry->is_loaded)
		report_failure(entry);
	return &entry->driver;
}

/* A list that is too strict today must not hide a driver that is loaded already, so this comes first in any
 * case: the setting governs use and not only loading. */
static void
require_loadable(const char *name)
{
	if (!ch_driver_name_check(name))
		ereport(ERROR,
				(errcode(ERRCODE_CH_DRIVER_LOAD),
				 errmsg("invalid driver name \"%s\"", name),
				 errdetail("A driver name starts with a letter and has only a-z, 0-9 and _.")));
	if (!ch_driver_allowed_check(name))
		ereport(ERROR,
				(errcode(ERRCODE_CH_DRIVER_LOAD),
				 errmsg("driver \"%s\" is not allowed", name),
				 errdetail("The setting connhub.allowed_drivers does not name it."),
				 errhint("Ask a superuser to add the driver to connhub.allowed_drivers.")));
}

static void
report_failure(const Entry *entry)
{
	List	   *names = installed_names();
	const char **candidates = palloc0(sizeof(char *) * (list_length(names) + 1));
	const char *closest;
	int			n = 0;
	ListCell   *lc;

	foreach(lc, names)
		if (strcmp(lfirst(lc), entry->name) != 0)
			candidates[n++] = lfirst(lc);
	closest = ch_closest(entry->name, candidates, n);

	ereport(ERROR,
			(errcode(ERRCODE_CH_DRIVER_LOAD),
			 errmsg("cannot use driver \"%s\": %s", entry->name, entry->problem),
			 entry->detail != NULL ? errdetail_internal("%s", entry->detail) : 0,
			 entry->file.inode != 0 ?
			 errhint("Build and install the driver again for this version of connhub and of PostgreSQL.") :
			 closest != NULL ? errhint("Perhaps you meant the driver \"%s\".", closest) :
			 errhint("Install the driver's package, or build it with its client library present.")));
	pg_unreachable();
}

static FileId
file_id(const char *path)
{
	FileId		id;
	struct stat st;

	memset(&id, 0, sizeof(id));
	if (stat(path, &st) == 0)
	{
		id.device = st.st_dev;
		id.inode = st.st_ino;
		id.modified_ns = (int64) st.st_mtim.tv_sec * INT64CONST(1000000000) + st.st_mtim.tv_nsec;
	}
	return id;
}

/* Load into a new entry, or again into one whose load failed. */
static Entry *
entry_load(Entry *entry, const char *name, FileId file)
{
	ConnhubDriver driver;
	char	   *detail;
	char	   *problem = ch_driver_load(name, &driver, &detail);
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	if (entry == NULL)
	{
		entry = palloc0(sizeof(Entry));
		entry->name = pstrdup(name);
		entry->next = entries;
		entries = entry;
	}
	if (entry->problem != NULL)
		pfree(entry->problem);
	if (entry->detail != NULL)
		pfree(entry->detail);
	entry->file = file;
	entry->problem = problem != NULL ? pstrdup(problem) : NULL;
	entry->detail = problem != NULL && detail != NULL ? pstrdup(detail) : NULL;
	if (problem == NULL)
	{
		entry->driver = driver;
		entry->is_loaded = true;
	}
	MemoryContextSwitchTo(old);
	return entry;
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* Names of the files connhub_<name>.so, valid and sorted. */
static List *
installed_names(void)
{
	static const char prefix[] = "connhub_";
	DIR		   *dir = AllocateDir(pkglib_path);
	struct dirent *de;
	List	   *names = NIL;

	while ((de = ReadDirExtended(dir, pkglib_path, LOG)) != NULL)
	{
		int			length = strlen(de->d_name) - strlen(DLSUFFIX);
		char	   *name;

		if (length <= (int) strlen(prefix) || strcmp(de->d_name + length, DLSUFFIX) != 0 ||
			strncmp(de->d_name, prefix, strlen(prefix)) != 0)
			continue;
		name = pnstrdup(de->d_name + strlen(prefix), length - strlen(prefix));
		if (ch_driver_name_check(name))
			names = lappend(names, name);
	}
	if (dir != NULL)
		FreeDir(dir);
	list_sort(names, compare_names);
	return names;
}

List *
ch_driver_list(void)
{
	List	   *allowed = NIL;
	ListCell   *lc;

	foreach(lc, installed_names())
		if (ch_driver_allowed_check(lfirst(lc)))
			allowed = lappend(allowed, lfirst(lc));
	return allowed;
}

const ConnhubTypeSpec *
ch_driver_type(const ConnhubDriver *driver, const char *type)
{
	for (uint32 i = 0; i < driver->ntypes; i++)
		if (strcmp(driver->types[i].name, type) == 0)
			return &driver->types[i];
	return NULL;
}

const ConnhubOptionSpec *
ch_type_option(const ConnhubTypeSpec *type, const char *name)
{
	int			ncommon;
	const ConnhubOptionSpec *common = ch_common_options(&ncommon);

	for (int i = 0; i < ncommon; i++)
		if (strcmp(common[i].name, name) == 0)
			return &common[i];
	for (uint32 i = 0; i < type->noptions; i++)
		if (strcmp(type->options[i].name, name) == 0)
			return &type->options[i];
	return NULL;
}
