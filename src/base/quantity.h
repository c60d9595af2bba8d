/*
 * quantity.h
 *		Quantities inside C: int64 millionths of a unit.
 *
 *		The domain usom.quantity is numeric(18,6) with 0 <= value < 1e12, so
 *		every quantity fits.  Sums are taken with overflow checks.
 */
#ifndef USOM_BASE_QUANTITY_H
#define USOM_BASE_QUANTITY_H

#include "postgres.h"
#include "common/int.h"
#include "utils/numeric.h"

typedef int64 UsomQuantity;

#define USOM_UNIT INT64CONST(1000000)
#define USOM_QUANTITY_LIMIT (INT64CONST(1000000000000) * USOM_UNIT)

/* ERROR 22003 on NaN, infinity, more than six decimals or 1e12 and beyond. */
extern UsomQuantity usom_quantity_of(Numeric value);

/* The same of a column or an argument as it is, without a copy. */
extern UsomQuantity usom_quantity_of_datum(Datum value);

/* palloc'd, without trailing zeros: 6, 2.5. */
extern Numeric usom_quantity_numeric(UsomQuantity value);

/* palloc'd, with six decimals, as the domain keeps it: for values that reach a table without a cast. */
extern Numeric usom_quantity_stored(UsomQuantity value);
extern char *usom_quantity_text(UsomQuantity value);

/* ERROR 22003 when the sum leaves int64. */
static inline UsomQuantity
usom_quantity_add(UsomQuantity a, UsomQuantity b)
{
	UsomQuantity sum;

	if (unlikely(pg_add_s64_overflow(a, b, &sum)))
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("quantity out of range"));
	return sum;
}

#endif							/* USOM_BASE_QUANTITY_H */
