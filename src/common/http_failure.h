/* common/http_failure.h — what a failed transfer of libcurl means. */
#ifndef CH_COMMON_HTTP_FAILURE_H
#define CH_COMMON_HTTP_FAILURE_H

#include <curl/curl.h>

#include "connhub/driver.h"

/* The phase that a transfer stands in; NONE: it is connected. */
extern ConnhubPhase ch_http_phase(CURL *easy, bool is_tls);

/* Fill the error from libcurl's code, never from its texts.  mail_status: the mail server's last reply, else 0.  note:
 * libcurl's words, shown where they name nothing but hosts, ports and TLS. */
extern void ch_http_describe(CURL *easy, CURLcode code, int mail_status, const char *note, ConnhubError *error);

#endif
