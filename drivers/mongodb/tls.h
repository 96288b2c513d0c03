/* tls.h — what a certificate must prove. */
#ifndef MG_TLS_H
#define MG_TLS_H

#include <openssl/ssl.h>

#include "mongo.h"

/* Read authorities and certificate of the configuration, while their files are there. */
extern ConnhubStatus mg_tls_init(ConnhubConn *conn, const ConnhubConfig *config, ConnhubError *error);
extern void mg_tls_fini(ConnhubConn *conn);

/* An encryption over the socket that verifies as conn->ssl_mode says; NULL: out of memory. */
extern SSL *mg_tls_new(ConnhubConn *conn, int fd);

#endif							/* MG_TLS_H */
