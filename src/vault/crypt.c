/* vault/crypt.c — AES-256-GCM through OpenSSL.
 *
 * A nonce is random and never given by the caller.  One data key seals a few thousand credentials at most,
 * far from the 2^32 at which random nonces of 96 bits become a concern. */
#include "postgres.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "common/error.h"
#include "vault/crypt.h"

static void
crypt_failed(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_CH_VAULT),
			 errmsg("could not encrypt a credential"),
			 errdetail("The cryptographic library reported a failure."),
			 errhint("Check that OpenSSL offers AES-256-GCM and a random generator.")));
}

void
ch_seal(const uint8 *key, const void *bound, Size nbound, const uint8 *plain, Size length, uint8 *sealed)
{
	EVP_CIPHER_CTX *ctx;
	uint8	   *body = sealed + CH_NONCE_BYTES;
	int			n;
	bool		ok;

	ch_random(sealed, CH_NONCE_BYTES);
	ctx = EVP_CIPHER_CTX_new();
	ok = ctx != NULL && length <= INT_MAX && nbound <= INT_MAX &&
		EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, sealed) == 1 &&
		EVP_EncryptUpdate(ctx, NULL, &n, bound, (int) nbound) == 1 &&
		EVP_EncryptUpdate(ctx, body, &n, plain, (int) length) == 1 &&
		EVP_EncryptFinal_ex(ctx, body + n, &n) == 1 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, CH_TAG_BYTES, body + length) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!ok)
		crypt_failed();
}

bool
ch_unseal(const uint8 *key, const void *bound, Size nbound, const uint8 *sealed, Size length, uint8 *plain)
{
	EVP_CIPHER_CTX *ctx;
	const uint8 *body = sealed + CH_NONCE_BYTES;
	Size		nplain;
	uint8		tag[CH_TAG_BYTES];
	int			n;
	bool		ok;

	if (length < CH_SEAL_BYTES || length > INT_MAX || nbound > INT_MAX)
		return false;
	nplain = length - CH_SEAL_BYTES;
	memcpy(tag, body + nplain, CH_TAG_BYTES);
	ctx = EVP_CIPHER_CTX_new();
	ok = ctx != NULL &&
		EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, sealed) == 1 &&
		EVP_DecryptUpdate(ctx, NULL, &n, bound, (int) nbound) == 1 &&
		EVP_DecryptUpdate(ctx, plain, &n, body, (int) nplain) == 1 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, CH_TAG_BYTES, tag) == 1 &&
		EVP_DecryptFinal_ex(ctx, plain + n, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!ok)
		ch_wipe(plain, nplain);
	return ok;
}

void
ch_random(uint8 *bytes, int length)
{
	if (RAND_bytes(bytes, length) != 1)
		crypt_failed();
}

void
ch_wipe(void *bytes, Size length)
{
	OPENSSL_cleanse(bytes, length);
}

bool
ch_equal_in_constant_time(const void *a, const void *b, Size length)
{
	return CRYPTO_memcmp(a, b, length) == 0;
}

/* Tells keys apart without telling them: half of a SHA-256 over the key with a prefix of its own. */
void
ch_fingerprint(const uint8 *key, char *fingerprint)
{
	static const char prefix[] = "connhub key fingerprint";
	uint8		text[sizeof(prefix) + CH_KEY_BYTES];
	uint8		digest[SHA256_DIGEST_LENGTH];

	memcpy(text, prefix, sizeof(prefix));
	memcpy(text + sizeof(prefix), key, CH_KEY_BYTES);
	SHA256(text, sizeof(text), digest);
	ch_wipe(text, sizeof(text));
	for (int i = 0; i < (CH_FINGERPRINT_BYTES - 1) / 2; i++)
		snprintf(fingerprint + 2 * i, 3, "%02x", digest[i]);
}
