/* value.h — values of the binary protocol, into vectors of a batch. */
#ifndef MY_VALUE_H
#define MY_VALUE_H

#include "conn.h"

/* How a value stands on the wire. */
typedef enum MyWire
{
	MY_WIRE_INTEGER = 0,		/* 1 to 8 bytes, fits int64 */
	MY_WIRE_UNSIGNED,			/* 8 bytes without sign */
	MY_WIRE_FLOAT,
	MY_WIRE_DOUBLE,
	MY_WIRE_DECIMAL,			/* text */
	MY_WIRE_DATE,
	MY_WIRE_DATETIME,
	MY_WIRE_TIME,
	MY_WIRE_TEXT,				/* utf8mb4 */
	MY_WIRE_BYTES,
	MY_WIRE_BIT,				/* up to 8 bytes, highest first */
	MY_WIRE_GEOMETRY,			/* 4 bytes of SRID, then WKB */
	MY_WIRE_NOTHING,			/* the type of a bare NULL */
	MY_NWIRES
} MyWire;

typedef struct MyRaw
{
	int64_t		integer;		/* also bits of MY_WIRE_UNSIGNED and MY_WIRE_BIT */
	double		real;
	const unsigned char *bytes;
	size_t		length;
	bool		negative;		/* the rest: dates and times */
	uint32_t	days;			/* of MY_WIRE_TIME */
	uint32_t	year,
				month,
				day,
				hour,
				minute,
				second,
				micro;
} MyRaw;

/* One result column. */
typedef struct MyColumn
{
	char	   *name;
	MyWire		wire;
	uint32_t	width;			/* bytes of an integer, bits of a bit string */
	bool		is_unsigned;
	ConnhubType wanted;
	const struct MyConversion *conversion;
} MyColumn;

typedef struct MyTarget
{
	const ConnhubHost *host;
	ConnhubBatch *batch;
	uint32_t	row;
	size_t		bytes;			/* payload of this batch so far */
	MyZeroDates zero_dates;
	ConnhubError *error;
} MyTarget;

/* Wire form of a result column. */
extern MyWire my_wire_of(const MYSQL_FIELD *field, uint32_t *width, bool *is_unsigned);

/* Choose how the column's values become `wanted`; returns the type the vector is to have. */
extern ConnhubType my_conversion_choose(MyColumn *column, ConnhubType wanted);

/* Read one value at *at, before end, and move *at behind it.  False: the packet is malformed. */
extern bool my_raw_read(const MyColumn *column, const unsigned char **at, const unsigned char *end,
						MyRaw *raw);

/* Put it into vector `index` at target->row.  False with target->error filled: it does not fit. */
extern bool my_value_put(const MyColumn *column, uint32_t index, const MyRaw *raw, MyTarget *target);

/* Days from 1970-01-01 of a proleptic Gregorian date, and back. */
extern int64_t my_days_from_date(int64_t year, uint32_t month, uint32_t day);
extern void my_date_from_days(int64_t days, int64_t *year, uint32_t *month, uint32_t *day);

#endif							/* MY_VALUE_H */
