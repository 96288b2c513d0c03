/* common/http_check.h — what may be asked for. */
#ifndef CH_COMMON_HTTP_CHECK_H
#define CH_COMMON_HTTP_CHECK_H

#include "common/http.h"

/* Is there nothing in it that would begin another header or another command? */
extern bool ch_http_request_is_clean(const ChHttpRequest *request);

#endif
