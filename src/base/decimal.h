/*
 * decimal.h
 *		Sums and comparisons of numeric values.  Results are palloc'd.
 */
#ifndef USOM_BASE_DECIMAL_H
#define USOM_BASE_DECIMAL_H

#include "postgres.h"
#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

static inline Numeric
usom_decimal_add(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(a), NumericGetDatum(b)));
}

static inline Numeric
usom_decimal_subtract(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_sub, NumericGetDatum(a), NumericGetDatum(b)));
}

/* Below zero, zero, or above, as a is less than b, the same, or more. */
static inline int
usom_decimal_compare(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a), NumericGetDatum(b)));
}

#endif							/* USOM_BASE_DECIMAL_H */
