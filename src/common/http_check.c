/* common/http_check.c — what may be asked for: judged before anything is sent. */
#include "postgres.h"

#include <curl/curl.h>

#include "common/error.h"
#include "common/http.h"
#include "common/http_check.h"

/* A line break would begin another header, or another command. */
static bool
has_line_break(const char *text)
{
	return text != NULL && strpbrk(text, "\r\n") != NULL;
}

static bool
scheme_is_allowed(const char *scheme, bool is_mail)
{
	return is_mail ? strcmp(scheme, "smtp") == 0 || strcmp(scheme, "smtps") == 0
		: strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
}

/* libcurl's verdict on a part of the URL; the part is the caller's to free with curl_free. */
static bool
url_has(CURLU *parsed, CURLUPart part, char **text)
{
	*text = NULL;
	return curl_url_get(parsed, part, text, 0) == CURLUE_OK && (*text)[0] != '\0';
}

ConnhubStatus
ch_http_check_url(const char *url, bool is_mail, ConnhubError *error)
{
	CURLU	   *parsed = curl_url();
	char	   *scheme = NULL;
	char	   *user = NULL;
	char	   *password = NULL;
	const char *problem = NULL;

	if (parsed == NULL)
	{
		ch_error_set(error, CONNHUB_NO_MEMORY, "out of memory");
		return CONNHUB_NO_MEMORY;
	}
	if (has_line_break(url) || curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		problem = "the URL is malformed";
	else if (!url_has(parsed, CURLUPART_SCHEME, &scheme) || !scheme_is_allowed(scheme, is_mail))
		problem = is_mail ? "the URL must begin with smtp:// or smtps://" : "the URL must begin with http:// or https://";
	else if (url_has(parsed, CURLUPART_USER, &user) || url_has(parsed, CURLUPART_PASSWORD, &password))
		problem = "the URL must not hold a user name or password";
	curl_free(scheme);
	curl_free(user);
	if (password != NULL)
		explicit_bzero(password, strlen(password));
	curl_free(password);
	curl_url_cleanup(parsed);
	if (problem == NULL)
		return CONNHUB_OK;
	ch_error_set(error, CONNHUB_CONFIG, "%s", problem);
	return CONNHUB_CONFIG;
}

bool
ch_http_request_is_clean(const ChHttpRequest *request)
{
	bool		is_clean = !has_line_break(request->method);

	for (int i = 0; i < request->nheaders; i++)
		is_clean = is_clean && !has_line_break(request->headers[i]);
	if (request->mail == NULL)
		return is_clean;
	is_clean = is_clean && !has_line_break(request->mail->from) && strpbrk(request->mail->from, "<>") == NULL;
	for (int i = 0; i < request->mail->nrecipients; i++)
		is_clean = is_clean && !has_line_break(request->mail->recipients[i]) &&
			strpbrk(request->mail->recipients[i], "<>") == NULL;
	return is_clean;
}
