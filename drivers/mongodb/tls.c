/* tls.c — the encryption of a stream, by OpenSSL itself rather than by the library's layer of it, which asks outside
 * hosts whether a certificate was revoked, and does not tell why it does not accept one. */
#include "tls.h"

#include <arpa/inet.h>
#include <string.h>

#include <openssl/x509v3.h>

ConnhubStatus
mg_tls_init(ConnhubConn *conn, const ConnhubConfig *config, ConnhubError *error)
{
	SSL_CTX    *tls = SSL_CTX_new(TLS_client_method());

	if (tls == NULL)
		return fail_no_memory(error);
	conn->tls = tls;
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(tls, config->ssl_mode >= CONNHUB_SSL_VERIFY_CA ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	if (config->ssl_mode >= CONNHUB_SSL_VERIFY_CA && config->ssl_ca_file != NULL &&
		SSL_CTX_load_verify_locations(tls, config->ssl_ca_file, NULL) != 1)
		return fail_as(error, CONNHUB_CONFIG, "the certificates of the authorities cannot be read");
	if (config->ssl_mode >= CONNHUB_SSL_VERIFY_CA && config->ssl_ca_file == NULL)
		SSL_CTX_set_default_verify_paths(tls);
	if (config->ssl_cert_file == NULL)
		return CONNHUB_OK;
	if (SSL_CTX_use_certificate_chain_file(tls, config->ssl_cert_file) != 1)
		return fail_as(error, CONNHUB_CONFIG, "the client certificate cannot be read");
	if (config->ssl_key_file == NULL ||
		SSL_CTX_use_PrivateKey_file(tls, config->ssl_key_file, SSL_FILETYPE_PEM) != 1 ||
		SSL_CTX_check_private_key(tls) != 1)
		return fail_as(error, CONNHUB_CONFIG, "the key of the client certificate cannot be read, or is another's");
	conn->has_certificate = true;
	return CONNHUB_OK;
}

void
mg_tls_fini(ConnhubConn *conn)
{
	SSL_CTX_free(conn->tls);
	conn->tls = NULL;
}

static bool
is_address(const char *name)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

SSL *
mg_tls_new(ConnhubConn *conn, int fd)
{
	SSL		   *ssl = SSL_new(conn->tls);
	bool		done = ssl != NULL && SSL_set_fd(ssl, fd) == 1;

	if (done && !is_address(conn->name))
		done = SSL_set_tlsext_host_name(ssl, conn->name) == 1;
	if (done && conn->ssl_mode >= CONNHUB_SSL_VERIFY_FULL)
		done = is_address(conn->name) ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), conn->name) == 1 :
			SSL_set1_host(ssl, conn->name) == 1;
	if (!done)
	{
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}
