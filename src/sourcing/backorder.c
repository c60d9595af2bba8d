/*
 * backorder.c
 *		What waits, cut into dated parts; an amount, cut into shares.
 *
 * Pure: no SPI, no locks, no clock.  Memory: CurrentMemoryContext.
 *
 * Invariant: the parts sum to what was cut.
 */
#include "postgres.h"

#include "sourcing/backorder.h"

#include "base/errors.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(usom__shares);

static int
compare_parts(const void *a, const void *b)
{
	TimestampTz left = ((const UsomDatedPart *) a)->due_at;
	TimestampTz right = ((const UsomDatedPart *) b)->due_at;

	return left < right ? -1 : left > right;
}

UsomDatedPart *
usom_sourcing_cut_by_schedule(UsomQuantity units, const UsomDatedPart *schedule, int nschedule, int *nparts)
{
	UsomDatedPart *parts = palloc_array(UsomDatedPart, nschedule + 1);
	UsomQuantity left = units;
	int			count = 0;

	memcpy(parts, schedule, sizeof(UsomDatedPart) * nschedule);
	qsort(parts, nschedule, sizeof(UsomDatedPart), compare_parts);
	for (int i = 0; i < nschedule; i++)
	{
		if (parts[i].quantity > left)
			return NULL;
		left -= parts[i].quantity;
		if (count > 0 && parts[count - 1].due_at == parts[i].due_at)
			parts[count - 1].quantity += parts[i].quantity;
		else
			parts[count++] = parts[i];
	}
	if (left > 0)
		parts[count++] = (UsomDatedPart) {left, PG_INT64_MIN};
	*nparts = count;
	return parts;
}

int64
usom_sourcing_count_parts(UsomQuantity units, UsomQuantity rate)
{
	return units / rate + (units % rate > 0);
}

UsomDatedPart *
usom_sourcing_cut_by_rate(UsomQuantity units, UsomQuantity rate, const TimestampTz *dates, int ndates)
{
	UsomDatedPart *parts = palloc_array(UsomDatedPart, Max(ndates, 1));

	Ensure(usom_sourcing_count_parts(units, rate) == ndates, "a part needs a date");
	for (int i = 0; i < ndates; i++)
		parts[i] = (UsomDatedPart) {i == ndates - 1 ? units - (ndates - 1) * rate : rate, dates[i]};
	return parts;
}

/* ---- shares ---- */

typedef struct Remainder
{
	int			index;
	int128		left;			/* of the division by the sum of the weights */
} Remainder;

static int
compare_remainders(const void *a, const void *b)
{
	const Remainder *left = a;
	const Remainder *right = b;

	if (left->left != right->left)
		return left->left > right->left ? -1 : 1;
	return left->index - right->index;
}

void
usom_sourcing_cut_amount(int64 amount, const int64 *weights, int nweights, int64 *shares)
{
	Remainder  *remainders = palloc_array(Remainder, Max(nweights, 1));
	int128		sum = 0;
	int64		left = amount;

	for (int i = 0; i < nweights; i++)
		sum += weights[i];
	for (int i = 0; i < nweights; i++)
	{
		int128		exact = (int128) amount * weights[i];

		shares[i] = sum > 0 ? (int64) (exact / sum) : (i == 0 ? amount : 0);
		remainders[i] = (Remainder) {i, sum > 0 ? exact % sum : 0};
		left -= shares[i];
	}
	qsort(remainders, nweights, sizeof(Remainder), compare_remainders);
	for (int i = 0; i < nweights && left > 0; i++, left--)
		shares[remainders[i].index]++;
}

/* ---- usom._shares(amount, weights, decimals) ---- */

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
	usom_sourcing_cut_amount(Abs(units), weights, nweights, shares);
	for (int i = 0; i < nweights; i++)
		result[i] = unscaled(units < 0 ? -shares[i] : shares[i], decimals);
	PG_RETURN_ARRAYTYPE_P(construct_array(result, nweights, NUMERICOID, -1, false, TYPALIGN_INT));
}
