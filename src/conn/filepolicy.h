/* conn/filepolicy.h — which files a connector may read. */
#ifndef CH_CONN_FILEPOLICY_H
#define CH_CONN_FILEPOLICY_H

#include "connhub/driver.h"

/* The file as its real path, palloc'd, when `user` may read it through a connector. */
extern ConnhubStatus ch_filepolicy_file(Oid user, const char *path, char **real, ConnhubError *error);

#endif
