/* test/fuzz/fuzz_mock_query.c — any text given to the mock as tables, faults or query is run or refused, with words.
 * sources: drivers/mock/conn.c drivers/mock/discover.c drivers/mock/driver.c drivers/mock/expr.c drivers/mock/fault.c drivers/mock/parse.c drivers/mock/query.c drivers/mock/store.c drivers/mock/tables.c drivers/mock/translate.c drivers/mock/types.c drivers/mock/write.c drivers/common/fail.c drivers/common/like.c drivers/common/text.c test/unit/host.c
 * libraries: libcrypto */
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "server.h"

#include "../../drivers/mock/mock.h"

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	MkArena		arena = {0};
	MkTables	tables = {0};
	MkFaults	faults = {0};
	MkPlan		plan = {0};
	ConnhubError error = {0};
	char	   *text;

	if (size < 1 || size > 4096)
		return 0;
	connhub_driver_init(&fake_host);
	text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 3)
	{
		case 0:
			if (mk_tables_parse(&arena, text, &tables, &error) != CONNHUB_OK)
				FUZZ_REQUIRE(error.message[0] != '\0');
			break;
		case 1:
			if (mk_faults_parse(&arena, text, &faults, &error) != CONNHUB_OK)
				FUZZ_REQUIRE(error.message[0] != '\0');
			break;
		default:
			FUZZ_REQUIRE(mk_tables_parse(&arena, "", &tables, &error) == CONNHUB_OK);
			if (mk_parse(&arena, &tables, text, 2, &plan, &error) != CONNHUB_OK)
				FUZZ_REQUIRE(error.message[0] != '\0');
			break;
	}
	mk_arena_free(&arena);
	FUZZ_REQUIRE(fake.live == 0);
	free(text);
	return 0;
}
