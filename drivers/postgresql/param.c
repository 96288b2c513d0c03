/* param.c — values of a query's parameters on the wire.
 *
 * What has a fixed binary form goes in it, under its type's OID; the rest goes as text, its type taken
 * from the cast in the statement. */
#include "pg.h"

#include <string.h>

#define INTERVAL_BYTES	16

typedef struct WireType
{
	ConnhubType type;
	Oid			oid;			/* 0: the statement's cast decides */
	int			width;			/* bytes of the binary form; -1: the slice as it is; 0: text */
} WireType;

static const WireType wire_types[CONNHUB_NTYPES] = {
	[CONNHUB_BOOL] = {CONNHUB_BOOL, 16, 1},
	[CONNHUB_INT16] = {CONNHUB_INT16, 21, 2},
	[CONNHUB_INT32] = {CONNHUB_INT32, 23, 4},
	[CONNHUB_INT64] = {CONNHUB_INT64, 20, 8},
	[CONNHUB_FLOAT32] = {CONNHUB_FLOAT32, 700, 4},
	[CONNHUB_FLOAT64] = {CONNHUB_FLOAT64, 701, 8},
	[CONNHUB_DECIMAL] = {CONNHUB_DECIMAL, 0, 0},
	[CONNHUB_DATE] = {CONNHUB_DATE, 1082, 4},
	[CONNHUB_TIME] = {CONNHUB_TIME, 1083, 8},
	[CONNHUB_TIMETZ] = {CONNHUB_TIMETZ, 0, 0},
	[CONNHUB_TIMESTAMP] = {CONNHUB_TIMESTAMP, 1114, 8},
	[CONNHUB_TIMESTAMPTZ] = {CONNHUB_TIMESTAMPTZ, 1184, 8},
	[CONNHUB_INTERVAL] = {CONNHUB_INTERVAL, 1186, INTERVAL_BYTES},
	[CONNHUB_UUID] = {CONNHUB_UUID, 2950, -1},
	[CONNHUB_TEXT] = {CONNHUB_TEXT, 25, -1},
	[CONNHUB_BPCHAR] = {CONNHUB_BPCHAR, 1042, -1},
	[CONNHUB_BYTES] = {CONNHUB_BYTES, 17, -1},
	[CONNHUB_JSON] = {CONNHUB_JSON, 0, 0},
	[CONNHUB_NATIVE] = {CONNHUB_NATIVE, 0, 0},
};

static void
put_big_endian(char *target, uint64_t value, int width)
{
	for (int i = width - 1; i >= 0; i--, value >>= 8)
		target[i] = (char) (value & 0xff);
}

/* Days and microseconds count from 1970 here and from 2000 there.  False: out of range there. */
static bool
shift_epoch(ConnhubType type, int64_t value, int64_t *shifted)
{
	bool		is_date = type == CONNHUB_DATE;

	if (value == CONNHUB_INFINITY)
		*shifted = is_date ? INT32_MAX : INT64_MAX;
	else if (value == CONNHUB_MINUS_INFINITY)
		*shifted = is_date ? INT32_MIN : INT64_MIN;
	else if (__builtin_sub_overflow(value, is_date ? PG_EPOCH_DAYS : PG_EPOCH_MICROS, shifted))
		return false;
	else if (is_date && (*shifted <= INT32_MIN || *shifted >= INT32_MAX))
		return false;
	return true;
}

int
pg_wire_width(ConnhubType type)
{
	return wire_types[type].width;
}

bool
pg_put_wire(char *target, const ConnhubValue *value, int width)
{
	int64_t		integer = value->v.integer;
	float		single;
	uint32_t	bits32;
	uint64_t	bits64;

	switch (value->type.type)
	{
		case CONNHUB_FLOAT32:
			single = (float) value->v.real;
			memcpy(&bits32, &single, sizeof(bits32));
			put_big_endian(target, bits32, width);
			break;
		case CONNHUB_FLOAT64:
			memcpy(&bits64, &value->v.real, sizeof(bits64));
			put_big_endian(target, bits64, width);
			break;
		case CONNHUB_INTERVAL:
			put_big_endian(target, (uint64_t) value->v.interval.micros, 8);
			put_big_endian(target + 8, (uint32_t) value->v.interval.days, 4);
			put_big_endian(target + 12, (uint32_t) value->v.interval.months, 4);
			break;
		case CONNHUB_DATE:
		case CONNHUB_TIMESTAMP:
		case CONNHUB_TIMESTAMPTZ:
			if (!shift_epoch(value->type.type, integer, &integer))
				return false;
			put_big_endian(target, (uint64_t) integer, width);
			break;
		default:
			put_big_endian(target, (uint64_t) integer, width);
			break;
	}
	return true;
}

void
pg_unbind(PgBound *bound)
{
	pg_host->free(bound->memory);
	memset(bound, 0, sizeof(*bound));
}

/* One allocation: four arrays, then the forms that do not lie in the values themselves. */
ConnhubStatus
pg_bind(const ConnhubValue *values, uint32_t count, PgBound *bound, ConnhubError *error)
{
	size_t		size = 0;
	const char **pointers;
	Oid		   *oids;
	int		   *lengths;
	int		   *formats;
	char	   *forms;

	memset(bound, 0, sizeof(*bound));
	if (count == 0)
		return CONNHUB_OK;
	if (count > 65535)
		return fail_as(error, CONNHUB_UNSUPPORTED, "a statement takes at most 65535 parameters");
	for (uint32_t i = 0; i < count; i++)
		if (!values[i].is_null)
			size += values[i].type.type == CONNHUB_INTERVAL || wire_types[values[i].type.type].width > 0 ? 16 :
				wire_types[values[i].type.type].width == 0 ? values[i].v.slice.length + 1 : 0;
	size += count * (sizeof(char *) + sizeof(Oid) + 2 * sizeof(int));
	bound->memory = pg_host->alloc(size);
	if (!bound->memory)
		return fail_no_memory(error);
	pointers = bound->memory;
	oids = (Oid *) (pointers + count);
	lengths = (int *) (oids + count);
	formats = lengths + count;
	forms = (char *) (formats + count);

	for (uint32_t i = 0; i < count; i++)
	{
		const ConnhubValue *value = &values[i];
		const WireType *wire = &wire_types[value->type.type];

		oids[i] = wire->oid;
		formats[i] = wire->width != 0;
		lengths[i] = 0;
		pointers[i] = NULL;
		if (wire->type == CONNHUB_TYPE_NONE)
		{
			pg_unbind(bound);
			return fail_as(error, CONNHUB_INTERNAL, "parameter %u is of a type that cannot be sent", i + 1);
		}
		if (value->is_null)
			continue;
		if (wire->width > 0)
		{
			if (!pg_put_wire(forms, value, wire->width))
			{
				pg_unbind(bound);
				return fail_as(error, CONNHUB_DATA, "parameter %u is out of the range of the source's type", i + 1);
			}
			pointers[i] = forms;
			lengths[i] = wire->width;
			forms += wire->width;
		}
		else if (wire->width < 0)
		{
			/* An empty slice may have no address, which would mean null. */
			pointers[i] = value->v.slice.data ? value->v.slice.data : "";
			lengths[i] = (int) value->v.slice.length;
		}
		else
		{
			if (value->v.slice.length > 0)
				memcpy(forms, value->v.slice.data, value->v.slice.length);
			forms[value->v.slice.length] = '\0';
			pointers[i] = forms;
			forms += value->v.slice.length + 1;
		}
	}
	bound->params.count = (int) count;
	bound->params.types = oids;
	bound->params.values = pointers;
	bound->params.lengths = lengths;
	bound->params.formats = formats;
	return CONNHUB_OK;
}
