/*
 * shares.c
 *		usom._shares() and usom._part(): amounts cut, for SQL.
 *
 * Pure but for errors: no SPI, no locks.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "pricing/money.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(usom__shares);
PG_FUNCTION_INFO_V1(usom__part);

/* An amount in units of 10^-decimals; 22003 unless it is an int64 of them. */
static int64
scaled(Datum value, int32 decimals)
{
	Datum		factor = DirectFunctionCall2(numeric_power, NumericGetDatum(int64_to_numeric(10)),
											 NumericGetDatum(int64_to_numeric(decimals)));

	return DatumGetInt64(DirectFunctionCall1(numeric_int8, DirectFunctionCall2(numeric_mul, value, factor)));
}

static Datum
unscaled(int64 value, int32 decimals)
{
	Datum		factor = DirectFunctionCall2(numeric_power, NumericGetDatum(int64_to_numeric(10)),
											 NumericGetDatum(int64_to_numeric(-decimals)));

	return DirectFunctionCall2(numeric_round, DirectFunctionCall2(numeric_mul, NumericGetDatum(int64_to_numeric(value)), factor),
							   Int32GetDatum(decimals));
}

static int64 *
read_weights(ArrayType *array, int *nweights)
{
	Datum	   *elements;
	bool	   *nulls;
	int64	   *weights;

	deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &elements, &nulls, nweights);
	weights = palloc_array(int64, Max(*nweights, 1));
	for (int i = 0; i < *nweights; i++)
	{
		weights[i] = nulls[i] ? -1 : usom_quantity_of(DatumGetNumeric(elements[i]));
		if (weights[i] < 0)
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("weight %d is not one", i + 1));
	}
	return weights;
}

/* Digits that the amount has, if those are more than wanted: nothing of it is lost. */
static int32
digits_of(Datum amount, int32 decimals)
{
	Datum		trimmed = DirectFunctionCall1(numeric_trim_scale, amount);

	return Max(decimals, DatumGetInt32(DirectFunctionCall1(numeric_scale, trimmed)));
}

Datum
usom__shares(PG_FUNCTION_ARGS)
{
	Datum		amount = PG_GETARG_DATUM(0);
	int32		decimals;
	int			nweights;
	int64	   *weights = read_weights(PG_GETARG_ARRAYTYPE_P(1), &nweights);
	int64	   *shares = palloc_array(int64, Max(nweights, 1));
	Datum	   *result = palloc_array(Datum, Max(nweights, 1));
	int64		units;

	if (numeric_is_nan(DatumGetNumeric(amount)) || PG_GETARG_INT32(2) < 0 || PG_GETARG_INT32(2) > 6)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("an amount is a number with 0 to 6 decimals"));
	decimals = digits_of(amount, PG_GETARG_INT32(2));
	units = scaled(amount, decimals);
	usom_money_apportion(units, weights, nweights, shares);
	for (int i = 0; i < nweights; i++)
		result[i] = unscaled(shares[i], decimals);
	PG_RETURN_ARRAYTYPE_P(construct_array(result, nweights, NUMERICOID, -1, false, TYPALIGN_INT));
}

/* usom._part(amount, units, all, decimals): at no decimals, nothing was cut and the amount stands. */
Datum
usom__part(PG_FUNCTION_ARGS)
{
	int			decimals = PG_GETARG_INT32(3);
	UsomQuantity all = usom_quantity_of_datum(PG_GETARG_DATUM(2));
	UsomQuantity units = usom_quantity_of_datum(PG_GETARG_DATUM(1));

	if (decimals < 0 || decimals > USOM_AMOUNT_DECIMALS || units > all || all == 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a part is of units that are there, at 0 to %d decimals", USOM_AMOUNT_DECIMALS));
	PG_RETURN_NUMERIC(usom_money_numeric(usom_money_part(usom_money_of(PG_GETARG_NUMERIC(0), decimals), units, all), decimals));
}
