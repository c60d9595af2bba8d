/*
 * plan.c
 *		usom._plan(): the planner, called with arrays from SQL.
 *
 *		For tests and twins alone; no table is read and nothing is locked.
 *
 * Memory: everything in the context of the call, the result in the caller's
 * tuplestore.
 */
#include "postgres.h"

#include "sourcing/door.h"
#include "sourcing/sourcing.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom__plan);

#define RESULT_COLUMNS 4

Datum *
usom_sourcing_elements(ArrayType *array, int *count)
{
	Datum	   *elements;
	bool	   *nulls;

	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_DOUBLE, &elements, &nulls, count);
	for (int i = 0; i < *count; i++)
		if (nulls[i])
			ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("elements must not be null"));
	return elements;
}

Datum
usom_sourcing_field_or_null(Datum composite, int number, bool *isnull)
{
	return GetAttributeByNum(DatumGetHeapTupleHeader(composite), number, isnull);
}

Datum
usom_sourcing_field(Datum composite, int number)
{
	bool		isnull;
	Datum		value = usom_sourcing_field_or_null(composite, number, &isnull);

	if (isnull)
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("fields must not be null"));
	return value;
}

static UsomDemand *
read_demands(ArrayType *array, int *count)
{
	Datum	   *elements = usom_sourcing_elements(array, count);
	UsomDemand *demands = palloc_array(UsomDemand, Max(*count, 1));

	for (int i = 0; i < *count; i++)
	{
		demands[i].product_id = DatumGetInt64(usom_sourcing_field(elements[i], 1));
		demands[i].location_id = DatumGetInt64(usom_sourcing_field(elements[i], 2));
		demands[i].quantity = usom_quantity_of(DatumGetNumeric(usom_sourcing_field(elements[i], 3)));
		demands[i].partial = DatumGetBool(usom_sourcing_field(elements[i], 4));
		if (demands[i].quantity <= 0)
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("demands must be greater than zero"));
	}
	return demands;
}

/* In lock order, whatever order they came in. */
static UsomStockRow *
read_rows(ArrayType *array, int *count)
{
	Datum	   *elements = usom_sourcing_elements(array, count);
	UsomStockRow *rows = palloc_array(UsomStockRow, Max(*count, 1));

	for (int i = 0; i < *count; i++)
	{
		rows[i].key.product_id = DatumGetInt64(usom_sourcing_field(elements[i], 1));
		rows[i].key.location_id = DatumGetInt64(usom_sourcing_field(elements[i], 2));
		rows[i].key.lot = TextDatumGetCString(usom_sourcing_field(elements[i], 3));
		rows[i].priority = DatumGetInt32(usom_sourcing_field(elements[i], 4));
		rows[i].available = usom_quantity_of(DatumGetNumeric(usom_sourcing_field(elements[i], 5)));
	}
	qsort(rows, *count, sizeof(UsomStockRow), usom_stock_key_compare);
	return rows;
}

static void
put_assignment(ReturnSetInfo *result, const UsomAssignment *assignment, const UsomStockRow *rows)
{
	Datum		values[RESULT_COLUMNS] = {0};
	bool		nulls[RESULT_COLUMNS] = {false};

	values[0] = Int32GetDatum(assignment->demand + 1);
	nulls[1] = nulls[2] = assignment->row < 0;
	if (assignment->row >= 0)
	{
		values[1] = Int64GetDatum(rows[assignment->row].key.location_id);
		values[2] = CStringGetTextDatum(rows[assignment->row].key.lot);
	}
	values[3] = NumericGetDatum(usom_quantity_numeric(assignment->quantity));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* usom._plan(demands usom._demand[], stock usom._stock_available[]) */
Datum
usom__plan(PG_FUNCTION_ARGS)
{
	int			ndemands;
	int			nrows;
	UsomDemand *demands = read_demands(PG_GETARG_ARRAYTYPE_P(0), &ndemands);
	UsomStockRow *rows = read_rows(PG_GETARG_ARRAYTYPE_P(1), &nrows);
	UsomPlan   *plan = usom_sourcing_plan(demands, ndemands, rows, nrows);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < plan->nassignments; i++)
		put_assignment((ReturnSetInfo *) fcinfo->resultinfo, &plan->assignments[i], rows);
	return (Datum) 0;
}
