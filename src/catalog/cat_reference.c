/* catalog/cat_reference.c — the schemes of references. */
#include "postgres.h"

#include "catalog/cat_reference.h"

const char *const ch_scheme_names[CH_NSCHEMES] = {
	[CH_SCHEME_ENV] = "env",
	[CH_SCHEME_FILE] = "file",
	[CH_SCHEME_VAULT] = "vault",
	[CH_SCHEME_K8S] = "k8s",
};

ChScheme
ch_reference_scheme(const char *value, const char **rest)
{
	for (int i = 0; i < CH_NSCHEMES; i++)
	{
		size_t		length = strlen(ch_scheme_names[i]);

		if (strncmp(value, ch_scheme_names[i], length) != 0 || strncmp(value + length, "://", 3) != 0)
			continue;
		if (rest != NULL)
			*rest = value + length + 3;
		return (ChScheme) i;
	}
	return CH_SCHEME_NONE;
}
