/*
 * verify.c
 *		verify_audit() and verify_entries(): the parts of verify.sql, run as
 *		the owner of the tables.
 *
 *		Who may ask is a matter of EXECUTE and of usom.current_org(); what is
 *		compared must not depend on which tables and rows the caller may see,
 *		or a narrow role would be told that all is well.
 *
 * Memory: results go into the tuplestore of the function.  Nothing here locks.
 */
#include "postgres.h"

#include "base/call.h"
#include "base/compat.h"
#include "base/query.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"

PG_FUNCTION_INFO_V1(usom_verify_audit);
PG_FUNCTION_INFO_V1(usom_verify_entries);

/* The rows of a query over (since, digests) become those of the function. */
static void
answer(FunctionCallInfo fcinfo, UsomQuery *query)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		nulls[] = {PG_ARGISNULL(0), PG_ARGISNULL(1)};
	Datum		values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	uint64		nrows;

	InitMaterializedSRF(fcinfo, 0);
	usom_call_check_installed();
	SPI_connect();
	nrows = usom_query_look(query, values, nulls);
	for (uint64 i = 0; i < nrows; i++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
	SPI_finish();
}

/* usom.verify_audit(since timestamptz, digests jsonb) RETURNS TABLE (ok, audit_entry_id, kind, detail): one row. */
Datum
usom_verify_audit(PG_FUNCTION_ARGS)
{
	static UsomQuery query = {
		.text = "SELECT f.kind IS NULL, f.audit_entry_id, f.kind,"
		" f.entity || ': ' || f.problem || coalesce(', expected ' || f.expected, '') || coalesce(', actual ' || f.actual, '')"
		" FROM (SELECT 1) AS one LEFT JOIN (SELECT * FROM usom._verify_audit_parts($1, $2) LIMIT 1) AS f ON true",
		.nargs = 2,
		.argtypes = {"pg_catalog.timestamptz", "pg_catalog.jsonb"},
	};

	answer(fcinfo, &query);
	return (Datum) 0;
}

/* usom.verify_entries(since timestamptz, digests jsonb) RETURNS TABLE (area, entity, problem, expected, actual). */
Datum
usom_verify_entries(PG_FUNCTION_ARGS)
{
	static UsomQuery query = {
		.text = "SELECT 'audit'::pg_catalog.text, f.entity, f.problem, f.expected, f.actual FROM usom._verify_audit_parts($1, $2) AS f",
		.nargs = 2,
		.argtypes = {"pg_catalog.timestamptz", "pg_catalog.jsonb"},
	};

	answer(fcinfo, &query);
	return (Datum) 0;
}
