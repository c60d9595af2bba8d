/*
 * errors.c
 *		The error table, and the version, for SQL.
 *
 *		Constant tables only: no memory, no locks.
 */
#include "postgres.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/errors.h"

#define ERROR_COLUMNS 4

static const char *const error_table[][ERROR_COLUMNS] = {
#define USOM_ERROR(sqlstate, name, meaning, remedy) {sqlstate, #name, meaning, remedy},
#include "base/errors.def"
#undef USOM_ERROR
};

/* usom.error_codes(): one row per row of errors.def. */
PG_FUNCTION_INFO_V1(usom_error_codes);
Datum
usom_error_codes(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int row = 0; row < (int) lengthof(error_table); row++)
	{
		Datum		values[ERROR_COLUMNS];
		bool		nulls[ERROR_COLUMNS] = {false};

		for (int column = 0; column < ERROR_COLUMNS; column++)
			values[column] = CStringGetTextDatum(error_table[row][column]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* usom.version() */
PG_FUNCTION_INFO_V1(usom_version);
Datum
usom_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(USOM_VERSION));
}
