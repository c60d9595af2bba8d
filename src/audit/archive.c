/*
 * archive.c
 *		The audit goes to an archive, and comes back, by the owner of the tables
 *		and as usom's own writer: the statements are in archive.sql.
 *
 * Memory: that of the SPI connection.
 *
 * Locks: one archive or maker of partitions at a time, by SHARE UPDATE
 * EXCLUSIVE of usom.audit_entry, which keeps no writer waiting.  When a
 * partition is detached or attached, the table and the view of the recent ones
 * are locked against all: both within 200 milliseconds, or both are let go and
 * tried again.  Writers take the view first and the table after it, so one who
 * stands between them waits for no longer than that.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "base/call.h"
#include "base/query.h"
#include "fmgr.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom__archive);
PG_FUNCTION_INFO_V1(usom__restore);

/* usom._archive(before timestamptz) RETURNS text: the table that was detached; null: none. */
Datum
usom__archive(PG_FUNCTION_ARGS)
{
	static UsomQuery query = {
		.text = "SELECT usom._archive_audit($1, $2)",
		.nargs = 2,
		.argtypes = {"pg_catalog.timestamptz", "pg_catalog.int8"},
	};
	Datum		values[] = {PG_GETARG_DATUM(0), Int64GetDatum((int64) GetSystemIdentifier())};
	MemoryContext outer = CurrentMemoryContext;
	char	   *relation;
	text	   *result = NULL;

	usom_call_begin("archive_audit", NULL);
	usom_query_write(&query, values, NULL);
	relation = usom_query_get_text(0, 1);
	if (relation != NULL)
	{
		MemoryContext inner = MemoryContextSwitchTo(outer);

		result = cstring_to_text(relation);
		MemoryContextSwitchTo(inner);
	}
	usom_call_end();
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(result);
}

/* usom._restore(archive text) */
Datum
usom__restore(PG_FUNCTION_ARGS)
{
	static UsomQuery query = {
		.text = "SELECT usom._restore_audit($1)",
		.nargs = 1,
		.argtypes = {"pg_catalog.text"},
	};
	Datum		values[] = {PG_GETARG_DATUM(0)};

	usom_call_begin("restore_audit", NULL);
	usom_query_write(&query, values, NULL);
	usom_call_end();
	PG_RETURN_VOID();
}
