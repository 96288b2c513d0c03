/* sample.c — columns from documents: which fields there are, and what they hold. */
#include "sample.h"

#include <stdio.h>
#include <string.h>

#define MOST_FIELDS		1000	/* of one document; what comes behind them is not seen */
#define DEEPEST			16

void
mg_sample_begin(MgSample *sample, int depth)
{
	memset(sample, 0, sizeof(*sample));
	sample->depth = depth;
}

static void
free_children(MgField *field)
{
	for (uint32_t i = 0; i < field->nchildren; i++)
	{
		free_children(&field->children[i]);
		bson_free(field->children[i].name);
	}
	bson_free(field->children);
}

void
mg_sample_end(MgSample *sample)
{
	free_children(&sample->root);
	bson_free(sample->columns);
	memset(sample, 0, sizeof(*sample));
}

MgField *
mg_sample_field(MgField *parent, const char *name)
{
	MgField    *field;

	for (uint32_t i = 0; i < parent->nchildren; i++)
	{
		if (strcmp(parent->children[i].name, name) == 0)
			return &parent->children[i];
	}
	if (parent->nchildren >= MOST_FIELDS)
		return NULL;
	parent->children = bson_realloc(parent->children, (parent->nchildren + 1) * sizeof(MgField));
	field = &parent->children[parent->nchildren++];
	memset(field, 0, sizeof(*field));
	field->name = bson_strdup(name);
	return field;
}

static bool
can_be_said(const char *name)
{
	return name[0] != '\0' && name[0] != '$' && strchr(name, '.') == NULL && bson_utf8_validate(name, strlen(name), false);
}

static void
add_fields(MgField *parent, bson_iter_t *iter, int depth)
{
	while (bson_iter_next(iter))
	{
		const char *name = bson_iter_key(iter);
		MgField    *field = can_be_said(name) ? mg_sample_field(parent, name) : NULL;
		bson_iter_t inner;

		if (field == NULL)
		{
			parent->is_sealed = true;
			continue;
		}
		field->seen |= mg_seen(iter);
		if (depth > 0 && BSON_ITER_HOLDS_DOCUMENT(iter) && bson_iter_recurse(iter, &inner))
			add_fields(field, &inner, depth - 1);
	}
}

void
mg_sample_add(MgSample *sample, bson_iter_t *document)
{
	add_fields(&sample->root, document, sample->depth < DEEPEST ? sample->depth : DEEPEST);
}

static bool
name_is_taken(const MgSample *sample, const char *name)
{
	for (uint32_t i = 0; i < sample->ncolumns; i++)
	{
		if (strcmp(sample->columns[i].name, name) == 0)
			return true;
	}
	return false;
}

static void
add_column(MgSample *sample, const char *path, const char *name, MgKind kind)
{
	MgSampleColumn *column;

	sample->columns = bson_realloc(sample->columns, (sample->ncolumns + 1) * sizeof(MgSampleColumn));
	column = &sample->columns[sample->ncolumns];
	snprintf(column->path, sizeof(column->path), "%s", path);
	snprintf(column->name, sizeof(column->name), "%s", name);
	for (int number = 2; name_is_taken(sample, column->name); number++)
		snprintf(column->name, sizeof(column->name), "%.500s_%d", name, number);
	column->kind = kind;
	sample->ncolumns++;
}

static bool
is_flat(const MgField *field, int depth)
{
	return depth == 0 || field->nchildren == 0 || field->is_sealed || mg_merge(field->seen) != MG_OBJECT;
}

/* First the fields of the document itself, so that these keep their names. */
static void
walk(MgSample *sample, const MgField *parent, const char *path, const char *name, int depth)
{
	char		inner_path[MG_NAME_SIZE];
	char		inner_name[MG_NAME_SIZE];

	for (int nested = 0; nested < 2; nested++)
	{
		for (uint32_t i = 0; i < parent->nchildren; i++)
		{
			const MgField *field = &parent->children[i];

			if (is_flat(field, depth) == (nested == 1) ||
				snprintf(inner_path, sizeof(inner_path), "%s%s%s", path, path[0] ? "." : "", field->name) >= 250 ||
				snprintf(inner_name, sizeof(inner_name), "%s%s%s", name, name[0] ? "_" : "", field->name) >= 250)
				continue;
			if (nested)
				walk(sample, field, inner_path, inner_name, depth - 1);
			else
				add_column(sample, inner_path, inner_name, mg_merge(field->seen));
		}
	}
}

void
mg_sample_finish(MgSample *sample)
{
	walk(sample, &sample->root, "", "", sample->depth);
}
