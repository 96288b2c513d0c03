/* vault/crypt.h — authenticated encryption. */
#ifndef CH_VAULT_CRYPT_H
#define CH_VAULT_CRYPT_H

#define CH_KEY_BYTES	32
#define CH_NONCE_BYTES	12
#define CH_TAG_BYTES	16
#define CH_SEAL_BYTES	(CH_NONCE_BYTES + CH_TAG_BYTES)	/* a sealed text is longer by this */

/* Hexadecimal fingerprint of a key, with its NUL. */
#define CH_FINGERPRINT_BYTES 33

/* AES-256-GCM: nonce, ciphertext and tag of `length` bytes into `sealed`, which has room for CH_SEAL_BYTES
 * more.  `bound` is authenticated with it and must be given again to open.  Throws. */
extern void ch_seal(const uint8 *key, const void *bound, Size nbound, const uint8 *plain, Size length,
					uint8 *sealed);

/* The reverse, of `length` sealed bytes.  False when key, bound or any bit is wrong; plain is then
 * wiped. */
extern bool ch_unseal(const uint8 *key, const void *bound, Size nbound, const uint8 *sealed, Size length,
					  uint8 *plain);

extern void ch_random(uint8 *bytes, int length);
extern void ch_wipe(void *bytes, Size length);
extern bool ch_equal_in_constant_time(const void *a, const void *b, Size length);
extern void ch_fingerprint(const uint8 *key, char *fingerprint);

#endif
