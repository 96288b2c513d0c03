/* value.h — values of the binary protocol, into vectors of a batch. */
#ifndef MY_VALUE_H
#define MY_VALUE_H

#include "conn.h"
#include "wire.h"

typedef enum MyRowResult
{
	MY_ROW_OK = 0,
	MY_ROW_MALFORMED,			/* the packet is not what it should be */
	MY_ROW_UNFIT				/* a value did not fit; target->error says which */
} MyRowResult;

typedef struct MyTarget
{
	const ConnhubHost *host;
	ConnhubBatch *batch;
	uint32_t	row;
	size_t		bytes;			/* that values of this batch took besides their packets */
	MyZeroDates zero_dates;
	ConnhubError *error;
} MyTarget;

/* Choose how the column's values become `wanted`; returns the type the vector is to have. */
extern ConnhubType my_conversion_choose(MyColumn *column, ConnhubType wanted);

/* Put the first nvectors of a row's values into the vectors at target->row; slices may point into the packet.
 * A value that does not fit fills target->error. */
extern MyRowResult my_row_read(const MyColumn *columns, uint32_t ncolumns, uint32_t nvectors,
							   const unsigned char *packet, size_t length, MyTarget *target);

/* Days from 1970-01-01 of a proleptic Gregorian date, and back. */
extern int64_t my_days_from_date(int64_t year, uint32_t month, uint32_t day);
extern void my_date_from_days(int64_t days, int64_t *year, uint32_t *month, uint32_t *day);

#endif							/* MY_VALUE_H */
