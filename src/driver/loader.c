/* driver/loader.c — from a driver name to a checked table of callbacks.
 *
 * Assumes the name came from SQL and is hostile: it becomes a library file only after it matches
 * [a-z][a-z0-9_]* and stands in connhub.allowed_drivers.  A library stays mapped for the life of the
 * backend.  The table is copied, because a driver of a smaller minor version has a shorter one. */
#include "postgres.h"

#include <dlfcn.h>
#include <unistd.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/varlena.h"

#include "common/guc.h"
#include "driver/defaults.h"
#include "driver/host.h"
#include "driver/loader.h"

/* Bytes of the table in ABI 1.0: what every driver has at least. */
#define DRIVER_SIZE_1_0 (offsetof(ConnhubDriver, rollback) + sizeof(void *))

#define NAME_MAX_LENGTH 40
#define MAX_TYPES 64
#define MAX_OPTIONS 256

static char *check_header(const ConnhubDriver *table, const char *name, char **detail);
static char *check_slots(const ConnhubDriver *driver);
static char *check_types(const ConnhubDriver *driver);

bool
ch_driver_name_check(const char *name)
{
	return name[0] >= 'a' && name[0] <= 'z' && strlen(name) <= NAME_MAX_LENGTH &&
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

bool
ch_driver_allowed_check(const char *name)
{
	char	   *copy = pstrdup(ch_allowed_drivers);
	List	   *items = NIL;
	ListCell   *lc;
	bool		found = false;

	if (SplitGUCList(copy, ',', &items))
		foreach(lc, items)
			found |= strcmp(lfirst(lc), "*") == 0 || strcmp(lfirst(lc), name) == 0;
	list_free(items);
	pfree(copy);
	return found;
}

char *
ch_driver_path(const char *name)
{
	return psprintf("%s/connhub_%s%s", pkglib_path, name, DLSUFFIX);
}

/* The server's own loader checks the module magic and calls _PG_init.  It throws, but no driver frame is
 * on the stack then. */
static char *
load_symbol(const char *path, ConnhubDriverInit *init, char **detail)
{
	MemoryContext context = CurrentMemoryContext;
	void	   *volatile symbol = NULL;
	ErrorData  *volatile failure = NULL;

	PG_TRY();
	{
		void	   *handle;

		symbol = load_external_function(path, "connhub_driver_init", false, &handle);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		failure = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();

	if (failure != NULL)
	{
		*detail = failure->detail != NULL ? psprintf("%s: %s", failure->message, failure->detail) :
			failure->message;
		return "its library could not be loaded";
	}
	if (symbol == NULL)
		return "its library has no symbol connhub_driver_init";
	*init = (ConnhubDriverInit) symbol;
	return NULL;
}

char *
ch_driver_load(const char *name, ConnhubDriver *driver, char **detail)
{
	char	   *path = ch_driver_path(name);
	ConnhubDriverInit init;
	const ConnhubDriver *table;
	char	   *problem;

	*detail = NULL;
	if (access(path, F_OK) != 0)
	{
		*detail = psprintf("There is no file \"%s\".", path);
		return "its library is not installed";
	}
	problem = load_symbol(path, &init, detail);
	if (problem != NULL)
		return problem;

	table = init(ch_host_get());
	if (table == NULL)
		return "it declined to work in this process";
	problem = check_header(table, name, detail);
	if (problem != NULL)
		return problem;

	memset(driver, 0, sizeof(*driver));
	memcpy(driver, table, Min(table->struct_size, sizeof(*driver)));
	problem = check_slots(driver);
	if (problem == NULL)
		problem = check_types(driver);
	if (problem == NULL)
		ch_driver_fill_defaults(driver);
	return problem;
}

/* Only what is before struct_size may be read until struct_size has been checked. */
static char *
check_header(const ConnhubDriver *table, const char *name, char **detail)
{
	if (table->magic != CONNHUB_MAGIC)
		return "its table has a wrong magic number";
	if (table->abi_major != CONNHUB_ABI_MAJOR)
	{
		*detail = psprintf("It was built for ABI %u.%u; this server has %u.%u.",
						   table->abi_major, table->abi_minor, CONNHUB_ABI_MAJOR, CONNHUB_ABI_MINOR);
		return "it was built for another version of the driver ABI";
	}
	if (table->struct_size < DRIVER_SIZE_1_0)
	{
		*detail = psprintf("Its table has %zu bytes; the smallest one has %zu.",
						   table->struct_size, DRIVER_SIZE_1_0);
		return "its table is too short";
	}
	if (table->name == NULL || strcmp(table->name, name) != 0)
		return "its table has another name than its library";
	if (table->version == NULL || table->library == NULL)
		return "its table lacks a version or the name of its client library";
	return NULL;
}

static char *
check_slots(const ConnhubDriver *driver)
{
	const struct
	{
		const char *name;
		bool		is_present;
	}			required[] = {
		{"open", driver->open != NULL},
		{"step", driver->step != NULL},
		{"close", driver->close != NULL},
		{"check", driver->check != NULL},
		{"judge", driver->judge != NULL},
		{"render", driver->render != NULL},
		{"execute", driver->execute != NULL},
		{"fetch", driver->fetch != NULL},
		{"close_cursor", driver->close_cursor != NULL},
	};
	const struct
	{
		const char *name;
		uint64		bit;
		bool		is_present;
	}			optional[] = {
		{"cancel", CONNHUB_CAP_CANCEL, driver->cancel != NULL},
		{"discover", CONNHUB_CAP_DISCOVER, driver->discover != NULL},
		{"begin", CONNHUB_CAP_TRANSACTION, driver->begin != NULL},
		{"commit", CONNHUB_CAP_TRANSACTION, driver->commit != NULL},
		{"rollback", CONNHUB_CAP_TRANSACTION, driver->rollback != NULL},
		{"render_write", CONNHUB_CAP_WRITE, driver->render_write != NULL},
		{"write", CONNHUB_CAP_WRITE, driver->write != NULL},
		{"render_modify", CONNHUB_CAP_MODIFY, driver->render_modify != NULL},
		{"affected", CONNHUB_CAP_MODIFY, driver->affected != NULL},
		{"savepoint", CONNHUB_CAP_SAVEPOINT, driver->savepoint != NULL},
		{"release", CONNHUB_CAP_SAVEPOINT, driver->release != NULL},
		{"rollback_to", CONNHUB_CAP_SAVEPOINT, driver->rollback_to != NULL},
		{"prepare", CONNHUB_CAP_PREPARE, driver->prepare != NULL},
		{"finish_prepared", CONNHUB_CAP_PREPARE, driver->finish_prepared != NULL},
		{"list_prepared", CONNHUB_CAP_PREPARE, driver->list_prepared != NULL},
		{"ready", CONNHUB_CAP_READY, driver->ready != NULL},
		{"export_snapshot", CONNHUB_CAP_EXPORT, driver->export_snapshot != NULL},
		{"describe", CONNHUB_CAP_DESCRIBE, driver->describe != NULL},
		{"check_step", CONNHUB_CAP_CHECK_STEP, driver->check_step != NULL},
	};

	for (int i = 0; i < lengthof(required); i++)
		if (!required[i].is_present)
			return psprintf("its required slot \"%s\" is empty", required[i].name);

	/* A bit of a later minor version means nothing here and is no reason to refuse. */
	if (driver->abi_minor <= CONNHUB_ABI_MINOR && (driver->capabilities & ~CONNHUB_CAP_ALL) != 0)
		return "it declares a capability that its ABI version does not have";
	for (int i = 0; i < lengthof(optional); i++)
		if (((driver->capabilities & optional[i].bit) != 0) != optional[i].is_present)
			return psprintf("its slot \"%s\" and its capability bits disagree", optional[i].name);
	if ((driver->capabilities & (CONNHUB_CAP_SNAPSHOT | CONNHUB_CAP_EXPORT)) &&
		!(driver->capabilities & CONNHUB_CAP_TRANSACTION))
		return "it declares snapshots without transactions";
	if ((driver->capabilities & (CONNHUB_CAP_SAVEPOINT | CONNHUB_CAP_PREPARE)) &&
		!(driver->capabilities & CONNHUB_CAP_TRANSACTION))
		return "it declares savepoints or two-phase commit without transactions";
	if ((driver->capabilities & CONNHUB_CAP_STATS) && !(driver->capabilities & CONNHUB_CAP_DISCOVER))
		return "it declares statistics without discovery";
	return NULL;
}

static char *
check_option(const ConnhubTypeSpec *type, const ConnhubOptionSpec *option)
{
	if (option->name == NULL || !ch_driver_name_check(option->name))
		return psprintf("its type \"%s\" has an option without a valid name", type->name);
	if ((int) option->kind < CONNHUB_OPTION_TEXT || option->kind > CONNHUB_OPTION_PEM)
		return psprintf("option \"%s\" of its type \"%s\" is of an unknown kind", option->name, type->name);
	if (option->help == NULL)
		return psprintf("option \"%s\" of its type \"%s\" has no help text", option->name, type->name);
	if (option->kind == CONNHUB_OPTION_ENUM && option->choices == NULL)
		return psprintf("option \"%s\" of its type \"%s\" has no choices", option->name, type->name);
	if (option->min > option->max)
		return psprintf("option \"%s\" of its type \"%s\" has bounds that no value meets",
						option->name, type->name);
	if ((option->flags & CONNHUB_OPTION_SECRET) && option->default_value != NULL)
		return psprintf("secret option \"%s\" of its type \"%s\" has a default",
						option->name, type->name);
	return NULL;
}

static char *
check_types(const ConnhubDriver *driver)
{
	static const char *const tiers[] = {"free", "professional", "enterprise"};

	if (driver->types == NULL || driver->ntypes == 0 || driver->ntypes > MAX_TYPES)
		return "it serves no connector type";
	for (uint32 i = 0; i < driver->ntypes; i++)
	{
		const ConnhubTypeSpec *type = &driver->types[i];
		bool		has_tier = false;

		if (type->name == NULL || !ch_driver_name_check(type->name))
			return psprintf("its type number %u has no valid name", i + 1);
		for (uint32 j = 0; j < i; j++)
			if (strcmp(driver->types[j].name, type->name) == 0)
				return psprintf("its type \"%s\" stands twice in its table", type->name);
		if (type->category == NULL || type->description == NULL || type->example == NULL)
			return psprintf("its type \"%s\" lacks a category, a description or an example", type->name);
		for (int j = 0; j < lengthof(tiers); j++)
			has_tier |= type->tier != NULL && strcmp(type->tier, tiers[j]) == 0;
		if (!has_tier)
			return psprintf("its type \"%s\" has no valid tier", type->name);
		if (type->noptions > MAX_OPTIONS || (type->noptions > 0 && type->options == NULL))
			return psprintf("its type \"%s\" has a broken option table", type->name);
		for (uint32 j = 0; j < type->noptions; j++)
		{
			char	   *problem = check_option(type, &type->options[j]);

			if (problem != NULL)
				return problem;
			for (uint32 k = 0; k < j; k++)
				if (strcmp(type->options[k].name, type->options[j].name) == 0)
					return psprintf("option \"%s\" of its type \"%s\" stands twice in its table",
									type->options[j].name, type->name);
		}
	}
	return NULL;
}
