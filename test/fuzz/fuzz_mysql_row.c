/* test/fuzz/fuzz_mysql_row.c — any bytes a MySQL server may send as a binary row end in values or in an error.
 *
 * The first byte tells how many columns there are, then two bytes for each choose its wire form and the type wanted; the
 * rest is the row.
 * sources: drivers/mysql/value.c drivers/mysql/wire.c drivers/mysql/error.c drivers/common/fail.c test/unit/host.c
 * libraries: libmariadb openssl */
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "server.h"

#include "../../drivers/mysql/value.h"

#define MOST_COLUMNS 8

/* Slices that a value left behind must be readable, every byte. */
static unsigned
touch(const ConnhubVector *vector)
{
	unsigned	sum = 0;

	switch (vector->type)
	{
		case CONNHUB_DECIMAL:
		case CONNHUB_TIMETZ:
		case CONNHUB_UUID:
		case CONNHUB_TEXT:
		case CONNHUB_BPCHAR:
		case CONNHUB_BYTES:
		case CONNHUB_JSON:
		case CONNHUB_NATIVE:
			for (size_t i = 0; i < vector->v.slices[0].length; i++)
				sum += (unsigned char) vector->v.slices[0].data[i];
			break;
		default:
			break;
	}
	return sum;
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static volatile unsigned sum;
	MyColumn	columns[MOST_COLUMNS] = {0};
	ConnhubTypeRef wanted[MOST_COLUMNS] = {0};
	ConnhubError error = {0};
	ConnhubBatch *batch;
	MyTarget	target = {.host = &fake_host, .error = &error};
	unsigned char *row;
	uint32_t	ncolumns;
	size_t		length;

	if (size < 1)
		return 0;
	ncolumns = data[0] % MOST_COLUMNS + 1;
	target.zero_dates = (MyZeroDates) (data[0] >> 4 & 1);
	if (size < 1 + 2 * (size_t) ncolumns)
		return 0;
	for (uint32_t i = 0; i < ncolumns; i++)
	{
		static const uint32_t widths[] = {1, 2, 4, 8};

		columns[i].name = "c";
		columns[i].wire = (MyWire) (data[1 + 2 * i] % MY_NWIRES);
		columns[i].is_unsigned = (data[1 + 2 * i] & 0x80) != 0;
		columns[i].width = columns[i].wire == MY_WIRE_UNSIGNED ? 8 :
			columns[i].wire == MY_WIRE_BIT ? data[2 + 2 * i] % 64 + 1 : widths[data[1 + 2 * i] >> 5 & 3];
		wanted[i].type = (ConnhubType) (data[2 + 2 * i] % (CONNHUB_NATIVE) + 1);
	}

	/* A copy of exactly its size, so that reading past the end is seen. */
	length = size - 1 - 2 * ncolumns;
	row = malloc(length ? length : 1);
	memcpy(row, data + 1 + 2 * ncolumns, length);
	batch = fake_batch_create(ncolumns, 1);
	fake_batch_reset(batch, wanted);
	target.batch = batch;
	for (uint32_t i = 0; i < ncolumns; i++)
		batch->columns[i].type = my_conversion_choose(&columns[i], wanted[i].type);
	if (my_row_read(columns, ncolumns, ncolumns, row, length, &target) == MY_ROW_UNFIT)
		FUZZ_REQUIRE(error.message[0] != '\0');
	for (uint32_t i = 0; i < ncolumns; i++)
	{
		if (CONNHUB_IS_VALID(&batch->columns[i], 0))
			sum += touch(&batch->columns[i]);
	}
	fake_batch_free(batch);
	free(row);
	return 0;
}
