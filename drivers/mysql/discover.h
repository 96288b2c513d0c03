/* discover.h — what the source holds. */
#ifndef MY_DISCOVER_H
#define MY_DISCOVER_H

#include "conn.h"

extern ConnhubStatus my_discover(ConnhubConn *conn, const ConnhubDiscoverRequest *request,
								 ConnhubSink *sink, ConnhubError *error);

#endif							/* MY_DISCOVER_H */
