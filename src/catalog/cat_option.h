/* catalog/cat_option.h — option tables: core's common one and each type's; checking what callers set. */
#ifndef CH_CATALOG_CAT_OPTION_H
#define CH_CATALOG_CAT_OPTION_H

#include "utils/jsonb.h"

#include "catalog/cat_type.h"

/* A set of named values, in name order.  A NULL value means: remove. */
typedef struct ChOptionSet
{
	ConnhubOption *items;
	int			count;
} ChOptionSet;

/* Options every type has; one sorted table. */
extern const ConnhubOptionSpec *ch_common_options(int *count);

/* Those of them that a type with these flags has, as copies. */
extern ConnhubOptionSpec *ch_common_options_for(uint32 type_flags, int *count);

/* The option of a name among the common ones that apply to the type, and its own; or NULL. */
extern const ConnhubOptionSpec *ch_option_find(const ChType *type, const char *name);

/* Check a JSON object of options against the tables.  Throws on an unknown name, a wrong kind, a value
 * out of range, a secret, or a privileged option when `privileged` is false. */
extern ChOptionSet ch_options_check(const ChType *type, const Jsonb *given, bool privileged);

/* Check a JSON object of credential fields: "password" and the secret options. */
extern ChOptionSet ch_credentials_check(const ChType *type, const Jsonb *given);

/* A JSON object of strings, for labels.  Throws otherwise. */
extern void ch_labels_check(const Jsonb *given);

/* Refuse a password that the type does not take, or that is too long. */
extern void ch_password_check(const ChType *type, const char *password);

/* base with patch laid over it; what patch sets to NULL is gone. */
extern ChOptionSet ch_options_merge(ChOptionSet base, ChOptionSet patch);
extern bool ch_options_equal(ChOptionSet a, ChOptionSet b);

/* Throws when an option the type requires has no value; credentials NULL: do not ask for secret ones. */
extern void ch_options_require(const ChType *type, ChOptionSet options, const ChOptionSet *credentials);

/* To and from the form stored in the catalogue. */
extern Jsonb *ch_options_to_jsonb(const ChType *type, ChOptionSet options);
extern ChOptionSet ch_options_from_jsonb(const Jsonb *stored);

/* "30s", "5min", "250 ms", "2h", "1d"; a bare number counts seconds.  False when it is none. */
extern bool ch_duration_parse(const char *text, int64 *ms);

#endif
