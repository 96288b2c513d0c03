/* catalog/cat_draft.h — a configuration on its way to become a connector: filled, then checked. */
#ifndef CH_CATALOG_CAT_DRAFT_H
#define CH_CATALOG_CAT_DRAFT_H

#include "catalog/cat_connector.h"

typedef struct ChDraft
{
	ChConnector connector;		/* name NULL: it will not be saved */
	const char *ssl_mode;		/* NULL: the default */
	ChOptionSet options;		/* checked */
	ChOptionSet credentials;	/* checked; "password" among them */
	bool		keeps_credentials;	/* those stored stay as they are, and are not known here */
} ChDraft;

/* Fill in defaults (driver, port, ssl_mode) and check the whole.  Throws INVALID_CONFIGURATION naming the
 * argument.  The default of ssl_mode is "require" for types with TLS, but "disable" on the loopback
 * interface, where nothing leaves the machine. */
extern void ch_draft_check(ChDraft *draft);

/* Refuse a number given as port that is none, as ch_draft_check does for an argument. */
extern void ch_draft_check_port(const ChType *type, int port);

#endif
