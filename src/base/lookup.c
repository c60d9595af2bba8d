/*
 * lookup.c
 *		From codes to keys.
 *
 *		Reads one row, locks none, keeps no memory.
 */
#include "postgres.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "base/card_guard.h"
#include "base/errors.h"
#include "base/lookup.h"

int64
usom_lookup_id(UsomFetch *fetch, int64 org_id, text *code, const char *thing, const char *column)
{
	Datum		values[] = {Int64GetDatum(org_id), PointerGetDatum(code)};
	int64		id;

	SPI_connect();
	if (usom_fetch_run(fetch, values, NULL) == 0)
	{
		char	   *code_text = text_to_cstring(code);

		usom_card_check_string("the code", code_text);
		ereport(ERROR,
				errcode(USOM_ERR(UNKNOWN_CODE)),
				errmsg("%s \"%s\" does not exist", thing, code_text),
				errhint("INSERT INTO usom.%s (%s) VALUES (%s);", thing, column, quote_literal_cstr(code_text)));
	}
	id = DatumGetInt64(usom_query_get(0, 1));
	SPI_finish();
	return id;
}
