/* tls.c — certificates and their verification.
 *
 * The client library only runs the handshake.  What it must prove is set here on the SSL object: the
 * authorities, the name or address on the certificate, our own certificate, the least version.  So
 * OpenSSL itself ends the handshake when the proof fails, before a user name or a password is sent,
 * and the reason is its own code.  Files are read once, when a connection is opened, because they need
 * not be there any more when a second connection must be made to stop a query of the first. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <mysql.h>

#include "error.h"
#include "io.h"
#include "text.h"
#include "tls.h"

struct MyTls
{
	const ConnhubHost *host;
	ConnhubSslMode mode;
	char	   *name;			/* as configured; what the certificate must carry */
	bool		name_is_address;
	X509_STORE *authorities;	/* NULL: the certificate is not checked */
	X509	   *certificate;	/* ours, NULL: none */
	STACK_OF(X509) *chain;
	EVP_PKEY   *key;
	long		verify_error;
};

/* An encrypted key would make OpenSSL ask on the terminal. */
static int
refuse_passphrase(char *buffer, int size, int writing, void *data)
{
	return 0;
}

static ConnhubStatus
fail_file(ConnhubError *error, const char *what, const char *option)
{
	char		reason[256];
	unsigned long code = ERR_peek_last_error();

	ERR_error_string_n(code, reason, sizeof(reason));
	ERR_clear_error();
	fail_as(error, CONNHUB_CONFIG, "could not read %s", what);
	fail_detail(error, "OpenSSL reports: %s.", code != 0 ? reason : "no usable content");
	fail_hint(error, "Check option \"%s\": it must hold PEM text, and a key without passphrase.",
			  option);
	return CONNHUB_CONFIG;
}

static ConnhubStatus
load_authorities(MyTls *tls, const char *file, ConnhubError *error)
{
	tls->authorities = X509_STORE_new();
	if (tls->authorities == NULL)
		return fail_no_memory(error);
	if (file != NULL)
	{
		if (X509_STORE_load_locations(tls->authorities, file, NULL) != 1)
			return fail_file(error, "the certificate authorities", "ssl_ca");
	}
	else if (X509_STORE_set_default_paths(tls->authorities) != 1)
		return fail_file(error, "the system's certificate authorities", "ssl_ca");
	return CONNHUB_OK;
}

static ConnhubStatus
load_certificate(MyTls *tls, const char *certificate_file, const char *key_file,
				 ConnhubError *error)
{
	BIO		   *bio;
	X509	   *next;

	if ((bio = BIO_new_file(certificate_file, "r")) == NULL)
		return fail_file(error, "the client certificate", "ssl_cert");
	tls->certificate = PEM_read_bio_X509_AUX(bio, NULL, refuse_passphrase, NULL);
	tls->chain = sk_X509_new_null();
	while (tls->certificate != NULL && tls->chain != NULL &&
		   (next = PEM_read_bio_X509(bio, NULL, refuse_passphrase, NULL)) != NULL)
	{
		if (!sk_X509_push(tls->chain, next))
		{
			X509_free(next);
			break;
		}
	}
	BIO_free(bio);
	if (tls->certificate == NULL)
		return fail_file(error, "the client certificate", "ssl_cert");
	if ((bio = BIO_new_file(key_file != NULL ? key_file : certificate_file, "r")) == NULL)
		return fail_file(error, "the client key", "ssl_key");
	tls->key = PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, NULL);
	BIO_free(bio);
	if (tls->key == NULL)
		return fail_file(error, "the client key", "ssl_key");
	ERR_clear_error();
	if (X509_check_private_key(tls->certificate, tls->key) != 1)
	{
		ERR_clear_error();
		fail_as(error, CONNHUB_CONFIG, "the client key does not belong to the client certificate");
		fail_hint(error, "Set options \"ssl_cert\" and \"ssl_key\" to a matching pair.");
		return CONNHUB_CONFIG;
	}
	return CONNHUB_OK;
}

MyTls *
my_tls_create(const ConnhubHost *host, const ConnhubConfig *config, ConnhubError *error)
{
	MyTls	   *tls = host->alloc(sizeof(MyTls));
	struct in6_addr address;
	ConnhubStatus status = CONNHUB_OK;

	if (tls == NULL)
	{
		fail_no_memory(error);
		return NULL;
	}
	memset(tls, 0, sizeof(*tls));
	tls->host = host;
	tls->mode = config->ssl_mode;
	if (!text_copy(host, config->host, &tls->name))
		status = fail_no_memory(error);
	else
		tls->name_is_address = inet_pton(AF_INET, tls->name, &address) == 1 ||
			inet_pton(AF_INET6, tls->name, &address) == 1;
	if (status == CONNHUB_OK && tls->mode >= CONNHUB_SSL_VERIFY_CA)
		status = load_authorities(tls, config->ssl_ca_file, error);
	if (status == CONNHUB_OK && config->ssl_cert_file != NULL)
		status = load_certificate(tls, config->ssl_cert_file, config->ssl_key_file, error);
	if (status != CONNHUB_OK)
	{
		my_tls_free(tls);
		return NULL;
	}
	return tls;
}

void
my_tls_free(MyTls *tls)
{
	if (tls == NULL)
		return;
	X509_STORE_free(tls->authorities);
	X509_free(tls->certificate);
	sk_X509_pop_free(tls->chain, X509_free);
	EVP_PKEY_free(tls->key);
	tls->host->free(tls->name);
	tls->host->free(tls);
}

static MyIo *
io_of(const SSL *ssl)
{
	MYSQL	   *mysql = ssl != NULL ? SSL_get_app_data(ssl) : NULL;

	return mysql != NULL && mysql->net.pvio != NULL ? mysql->net.pvio->data : NULL;
}

/* Remembers why; the verdict stays OpenSSL's. */
static int
note_verdict(int ok, X509_STORE_CTX *context)
{
	MyIo	   *io = io_of(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));

	if (!ok && io != NULL)
		io->tls->verify_error = X509_STORE_CTX_get_error(context);
	return ok;
}

/* For ssl_mode require.  The library looks at the verdict too, so it must be a good one. */
static int
accept_any(int ok, X509_STORE_CTX *context)
{
	X509_STORE_CTX_set_error(context, X509_V_OK);
	return 1;
}

static void
note_progress(const SSL *ssl, int where, int result)
{
	MyIo	   *io = io_of(ssl);

	if ((where & SSL_CB_HANDSHAKE_DONE) != 0 && io != NULL)
		io->encrypted = true;
}

bool
my_tls_prepare(MyTls *tls, void *handle)
{
	SSL		   *ssl = handle;
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	tls->verify_error = X509_V_OK;
	SSL_set_info_callback(ssl, note_progress);
	if (SSL_set_min_proto_version(ssl, TLS1_2_VERSION) != 1)
		return false;
	if (!tls->name_is_address && SSL_set_tlsext_host_name(ssl, tls->name) != 1)
		return false;
	if (tls->authorities != NULL)
	{
		if (SSL_set1_verify_cert_store(ssl, tls->authorities) != 1)
			return false;
		SSL_set_verify(ssl, SSL_VERIFY_PEER, note_verdict);
	}
	else
		SSL_set_verify(ssl, SSL_VERIFY_NONE, accept_any);
	if (tls->mode == CONNHUB_SSL_VERIFY_FULL)
	{
		if (tls->name_is_address ? X509_VERIFY_PARAM_set1_ip_asc(param, tls->name) != 1 :
			X509_VERIFY_PARAM_set1_host(param, tls->name, 0) != 1)
			return false;
		X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	}
	if (tls->certificate != NULL &&
		(SSL_use_certificate(ssl, tls->certificate) != 1 || SSL_use_PrivateKey(ssl, tls->key) != 1 ||
		 SSL_set1_chain(ssl, tls->chain) != 1))
		return false;
	return true;
}

long
my_tls_verify_error(const MyTls *tls)
{
	return tls != NULL ? tls->verify_error : X509_V_OK;
}

static const struct
{
	long		code;
	const char *reason;
	const char *hint;
}			reasons[] = {
	{X509_V_ERR_HOSTNAME_MISMATCH, "wrong name: it is not issued for this host",
	"Connect by a name on the certificate, or choose ssl_mode verify-ca."},
	{X509_V_ERR_IP_ADDRESS_MISMATCH, "wrong name: it is not issued for this address",
	"Connect by a name on the certificate, or choose ssl_mode verify-ca."},
	{X509_V_ERR_CERT_HAS_EXPIRED, "expired: it, or one it depends on, is past its end date",
	"Have the server's certificate renewed."},
	{X509_V_ERR_CERT_NOT_YET_VALID, "not yet valid: it begins in the future",
	"Check the clocks of both machines."},
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "untrusted: it is self-signed",
	"Set option \"ssl_ca\" to the certificate of the authority, or to this one."},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "untrusted: its authority is not a trusted one",
	"Set option \"ssl_ca\" to the certificate of the authority."},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "untrusted: its authority is unknown",
	"Set option \"ssl_ca\" to the certificate of the authority."},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "untrusted: its authority is unknown",
	"Set option \"ssl_ca\" to the certificate of the authority."},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "untrusted: its authority is unknown",
	"Set option \"ssl_ca\" to the certificate of the authority."},
	{X509_V_ERR_CERT_SIGNATURE_FAILURE, "untrusted: its signature is wrong",
	"Set option \"ssl_ca\" to the certificate of the authority that signed it."},
	{X509_V_ERR_CERT_REVOKED, "revoked: its authority has withdrawn it",
	"Have the server's certificate renewed."}
};

const char *
my_tls_reason(long verify_error, const char **hint)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
	{
		if (reasons[i].code == verify_error)
		{
			*hint = reasons[i].hint;
			return reasons[i].reason;
		}
	}
	*hint = "Check the server's certificate and option \"ssl_ca\".";
	return X509_verify_cert_error_string(verify_error);
}

bool
my_tls_has_input(void *ssl)
{
	return SSL_has_pending(ssl);
}

bool
my_tls_is_stale(void *ssl)
{
	char		byte;
	int			got = SSL_peek(ssl, &byte, 1);
	bool		stale = got > 0 || SSL_get_error(ssl, got) != SSL_ERROR_WANT_READ;

	ERR_clear_error();
	return stale;
}

void
my_tls_abort(void *ssl)
{
	if (ssl != NULL)
		SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}
