/* wire.h — values as the binary protocol packs them. */
#ifndef MY_WIRE_H
#define MY_WIRE_H

#include <mysql.h>

#include "connhub/driver.h"

#define MY_MICROS_PER_SECOND	INT64_C(1000000)

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

/* A value as it was read: only what belongs to its wire form is set. */
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

struct MyColumn;

/* Read one value at *at, before end, and move *at behind it.  False: the packet is malformed. */
typedef bool (*MyRead) (const struct MyColumn *column, const unsigned char **at, const unsigned char *end, MyRaw *raw);

/* One result column. */
typedef struct MyColumn
{
	char	   *name;
	MyWire		wire;
	uint32_t	width;			/* bytes of an integer, bits of a bit string */
	bool		is_unsigned;
	ConnhubType wanted;
	MyRead		read;
	const struct MyConversion *conversion;
} MyColumn;

/* Wire form of a result column. */
extern MyWire my_wire_of(const MYSQL_FIELD *field, uint32_t *width, bool *is_unsigned);

/* How a value of this form is read. */
extern MyRead my_wire_reader(MyWire wire);

#endif							/* MY_WIRE_H */
