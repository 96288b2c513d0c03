/* connhub.c — the module: initialises its subsystems in layer order. */
#include "postgres.h"

#include "fmgr.h"

#include "catalog/cat_connector.h"
#include "common/guc.h"
#include "common/redact.h"
#include "common/shmem.h"
#include "conn/conn.h"
#include "fdw/collect.h"
#include "fdw/derived.h"
#include "fdw/fdw.h"
#include "fdw/keyjoin.h"
#include "vault/kept.h"
#include "worker/launcher.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	ch_guc_init();
	ch_redact_init();
	ch_connector_cache_init();
	ch_kept_init();
	ch_conn_init();
	ch_fdw_init();
	ch_derived_init();
	ch_keyjoin_init();
	ch_collect_init();
	ch_launcher_init();
	ch_shmem_init();
}
