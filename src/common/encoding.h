/* common/encoding.h — text of a source, which is UTF-8, as text of this database. */
#ifndef CH_COMMON_ENCODING_H
#define CH_COMMON_ENCODING_H

/* How text is converted: look it up once, within a transaction. */
typedef struct ChEncoding
{
	Oid			conversion;		/* invalid: none is needed */
} ChEncoding;

extern ChEncoding ch_encoding_get(void);

/* A copy in the database's encoding, or NULL: it is NULL, no valid UTF-8, or has a character that the database cannot
 * hold. */
extern char *ch_encoding_text(const ChEncoding *encoding, const char *value);

/* The same of JSON, for a jsonb, which cannot hold a zero character. */
extern char *ch_encoding_json(const ChEncoding *encoding, const char *value);

#endif
