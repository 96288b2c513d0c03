/* test/fuzz/fuzz_pg_value.c — no bytes a source sends as a binary value are read beyond their end, and no placeholder
 * is lost or invented when a text is bound by position.
 * sources: drivers/postgresql/types.c drivers/common/sql/bind.c drivers/common/text.c test/unit/host.c
 * libraries: libcrypto libpq */
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "server.h"
#include "../../drivers/postgresql/pg.h"

const ConnhubHost *pg_host = &fake_host;

/* The first two bytes choose the column's type and the type wanted, the rest is one value. */
static void
decode_value(const uint8_t *data, size_t size)
{
	static const Oid oids[] = {16, 21, 23, 20, 700, 701, 1082, 1083, 1114, 1184, 1186, 2950, 25, 17, 114, 3802, 1007};
	ConnhubTypeRef wanted = {.type = data[1] % CONNHUB_PGBINARY,.precision = -1,.pg_type = "integer[]"};
	uint64_t	storage[2];
	ConnhubVector vector = {.v.values = storage};
	ConnhubType type;
	PgDecode	decode = pg_decoder(oids[data[0] % (sizeof(oids) / sizeof(oids[0]))], 1, &wanted, &type);
	char	   *exact = malloc(size - 2 ? size - 2 : 1);

	memcpy(exact, data + 2, size - 2);
	if (decode && decode(exact, (int) (size - 2), &vector, 0) && (type == CONNHUB_TEXT || type == CONNHUB_PGBINARY))
		FUZZ_REQUIRE(vector.v.slices[0].length == size - 2);
	free(exact);
}

static void
bind_text(const uint8_t *data, size_t size)
{
	SqlDialect	dialect = {.quote_open = '`',.quote_close = '`',.backslash = SQL_BACKSLASH_DOUBLED};
	char	   *text = malloc(size + 1);
	ConnhubText out = {0};
	uint32_t   *order;
	uint32_t	norder;
	size_t		marks = 0;

	memcpy(text, data, size);
	text[size] = '\0';
	for (const char *p = text; *p; p++)
		marks += *p == '?';
	FUZZ_REQUIRE(sql_bind_order(&dialect, &fake_host, text, &out, &order, &norder) == CONNHUB_OK);
	FUZZ_REQUIRE(norder <= marks && out.length <= strlen(text));
	fake_host.free(order);
	text_free(&fake_host, &out);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	decode_value(data, size);
	bind_text(data, size);
	return 0;
}
