/* catalog/cat_reference.h — what a reference to a secret outside looks like: scheme://…
 *
 * Only the text is judged here, for checks that must not take it for the secret itself. */
#ifndef CH_CATALOG_CAT_REFERENCE_H
#define CH_CATALOG_CAT_REFERENCE_H

typedef enum ChScheme
{
	CH_SCHEME_ENV,				/* env://NAME */
	CH_SCHEME_FILE,				/* file:///path */
	CH_SCHEME_VAULT,			/* vault://mount/path?version=N#field */
	CH_SCHEME_K8S,				/* k8s://namespace/secret#key */
	CH_NSCHEMES,
	CH_SCHEME_NONE = CH_NSCHEMES	/* a plain value */
} ChScheme;

extern const char *const ch_scheme_names[CH_NSCHEMES];

/* The scheme a credential's value begins with; *rest, unless NULL, is what follows it. */
extern ChScheme ch_reference_scheme(const char *value, const char **rest);

#endif
