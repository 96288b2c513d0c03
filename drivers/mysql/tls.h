/* tls.h — certificates and their verification. */
#ifndef MY_TLS_H
#define MY_TLS_H

#include "connhub/driver.h"

typedef struct MyTls MyTls;

/* Read the files of config.  NULL with *error filled when one is missing or unusable. */
extern MyTls *my_tls_create(const ConnhubHost *host, const ConnhubConfig *config,
							ConnhubError *error);
extern void my_tls_free(MyTls *tls);

/* Set up an SSL object just before its handshake, and have its success noted in MyIo.encrypted.
 * False: do not connect. */
extern bool my_tls_prepare(MyTls *tls, void *ssl);

/* X509_V_… of the last certificate that failed, 0: none did. */
extern long my_tls_verify_error(const MyTls *tls);

/* Name of the reason for people, and what to do about it. */
extern const char *my_tls_reason(long verify_error, const char **hint);

extern bool my_tls_has_input(void *ssl);
extern bool my_tls_is_stale(void *ssl);

/* Make every later read and write fail. */
extern void my_tls_abort(void *ssl);

#endif							/* MY_TLS_H */
