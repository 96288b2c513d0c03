/* like.c — SQL LIKE patterns, for drivers that match names themselves.
 * Runs in time proportional to name times pattern and in constant space: after a mismatch only the
 * last % seen is tried again, one character further on. */
#include "like.h"

#include <stddef.h>

static const char *
next_character(const char *s)
{
	s++;
	while (((unsigned char) *s & 0xC0) == 0x80)
		s++;
	return s;
}

bool
common_like_match(const char *name, const char *pattern)
{
	const char *resume_pattern = NULL;
	const char *resume_name = NULL;

	if (pattern == NULL)
		return true;
	for (;;)
	{
		if (*pattern == '%')
		{
			resume_pattern = ++pattern;
			resume_name = name;
			continue;
		}
		if (*name == '\0' && *pattern == '\0')
			return true;
		if (*name != '\0' && *pattern == '_')
		{
			name = next_character(name);
			pattern++;
			continue;
		}
		if (*name != '\0' && *pattern != '\0')
		{
			const char *literal = pattern;

			if (*literal == '\\' && literal[1] != '\0')
				literal++;
			if (*literal == *name)
			{
				name++;
				pattern = literal + 1;
				continue;
			}
		}
		if (resume_pattern == NULL || *resume_name == '\0')
			return false;
		resume_name = next_character(resume_name);
		name = resume_name;
		pattern = resume_pattern;
	}
}
