/* common/http_failure.c — from libcurl's code of a failure to a ConnhubError, by one table. */
#include "postgres.h"

#include <curl/curl.h>
#include <openssl/x509_vfy.h>

#include "common/error.h"
#include "common/http_failure.h"

typedef struct OutcomeRow
{
	CURLcode	code;
	ConnhubStatus status;
	ConnhubPhase phase;
	bool		retryable;
	bool		shows_note;		/* libcurl's own words name nothing but hosts, ports and TLS */
	const char *message;
} OutcomeRow;

static const OutcomeRow outcome_rows[] = {
	{CURLE_URL_MALFORMAT, CONNHUB_CONFIG, CONNHUB_PHASE_NONE, false, false, "the URL is malformed"},
	{CURLE_UNSUPPORTED_PROTOCOL, CONNHUB_CONFIG, CONNHUB_PHASE_NONE, false, false, "the scheme of the URL is not supported"},
	{CURLE_LOGIN_DENIED, CONNHUB_AUTH, CONNHUB_PHASE_AUTH, false, false, "the server refused the login"},
	{CURLE_COULDNT_RESOLVE_HOST, CONNHUB_DNS, CONNHUB_PHASE_DNS, true, false, "could not resolve the host name"},
	{CURLE_COULDNT_CONNECT, CONNHUB_REFUSED, CONNHUB_PHASE_TCP, true, true, "could not connect"},
	{CURLE_PEER_FAILED_VERIFICATION, CONNHUB_TLS, CONNHUB_PHASE_TLS, false, true, "the server's certificate was not accepted"},
	{CURLE_SSL_CONNECT_ERROR, CONNHUB_TLS, CONNHUB_PHASE_TLS, true, true, "the TLS handshake failed"},
	{CURLE_SSL_CERTPROBLEM, CONNHUB_TLS, CONNHUB_PHASE_TLS, false, false, "the client certificate or its key cannot be used"},
	{CURLE_SSL_CACERT_BADFILE, CONNHUB_TLS, CONNHUB_PHASE_TLS, false, false, "the certificate authority cannot be read"},
	{CURLE_USE_SSL_FAILED, CONNHUB_TLS, CONNHUB_PHASE_TLS, false, false, "the server offers no TLS"},
	{CURLE_SEND_ERROR, CONNHUB_LOST, CONNHUB_PHASE_NONE, true, false, "the connection was lost"},
	{CURLE_RECV_ERROR, CONNHUB_LOST, CONNHUB_PHASE_NONE, true, false, "the connection was lost"},
	{CURLE_GOT_NOTHING, CONNHUB_LOST, CONNHUB_PHASE_NONE, true, false, "the server closed the connection without an answer"},
	{CURLE_PARTIAL_FILE, CONNHUB_LOST, CONNHUB_PHASE_NONE, true, false, "the server closed the connection within its answer"},
	{CURLE_WEIRD_SERVER_REPLY, CONNHUB_DATA, CONNHUB_PHASE_NONE, true, false, "the server's answer cannot be understood"},
	{CURLE_OUT_OF_MEMORY, CONNHUB_NO_MEMORY, CONNHUB_PHASE_NONE, true, false, "out of memory"},
};

static const OutcomeRow other_outcome =
{CURLE_OK, CONNHUB_QUERY, CONNHUB_PHASE_NONE, true, false, "the request failed"};

static const OutcomeRow *
outcome_row(CURLcode code)
{
	for (int i = 0; i < lengthof(outcome_rows); i++)
		if (outcome_rows[i].code == code)
			return &outcome_rows[i];
	return &other_outcome;
}

static bool
stage_is_reached(CURL *easy, CURLINFO stage)
{
	curl_off_t	at_us = 0;

	curl_easy_getinfo(easy, stage, &at_us);
	return at_us > 0;
}

ConnhubPhase
ch_http_phase(CURL *easy, bool is_tls)
{
	if (!stage_is_reached(easy, CURLINFO_NAMELOOKUP_TIME_T))
		return CONNHUB_PHASE_DNS;
	if (!stage_is_reached(easy, CURLINFO_CONNECT_TIME_T))
		return CONNHUB_PHASE_TCP;
	if (is_tls && !stage_is_reached(easy, CURLINFO_APPCONNECT_TIME_T))
		return CONNHUB_PHASE_TLS;
	return CONNHUB_PHASE_NONE;
}

/* OpenSSL's verdict on the chain.  libcurl compares names before it notes a good one: without a verdict, the name was
 * another. */
static void
describe_certificate(CURL *easy, ConnhubError *error)
{
	long		verdict = X509_V_OK;

	curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
	if (verdict != X509_V_OK && verdict != X509_V_ERR_UNSPECIFIED)
		snprintf(error->detail, sizeof(error->detail), "The reason is: %s.", X509_verify_cert_error_string(verdict));
	else
		strlcpy(error->detail, "The certificate does not name the host of the URL.", sizeof(error->detail));
}

/* A mail server says why by its reply: 4xx for now, 5xx for good. */
static void
describe_mail(int status, ConnhubError *error)
{
	bool		is_login = status == 530 || status == 534 || status == 535;

	error->phase = is_login ? CONNHUB_PHASE_AUTH : CONNHUB_PHASE_NONE;
	ch_error_set(error, is_login ? CONNHUB_AUTH : CONNHUB_QUERY, "the mail server answered %d", status);
	error->native_code = status;
	error->retryable = status < 500;
}

void
ch_http_describe(CURL *easy, CURLcode code, int mail_status, const char *note, ConnhubError *error)
{
	const OutcomeRow *row = outcome_row(code);

	if (mail_status >= 400 && row->phase == CONNHUB_PHASE_NONE)
	{
		describe_mail(mail_status, error);
		return;
	}
	error->phase = row->phase;
	ch_error_set(error, row->status, "%s", row->message);
	error->native_code = code;
	error->retryable = row->retryable;
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		describe_certificate(easy, error);
	else if (row->shows_note && note[0] != '\0')
		snprintf(error->detail, sizeof(error->detail), "%s.", note);
}
