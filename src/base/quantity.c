/*
 * quantity.c
 *		Between numeric and int64 millionths.
 *
 *		Pure functions: no catalog, no locks, results in CurrentMemoryContext.
 *		The way in goes through the decimal text, because it is exact, tells
 *		too many decimals from rounding, and shows NaN and infinity for what
 *		they are.
 */
#include "postgres.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/quantity.h"

#define DECIMALS 6
#define INTEGER_DIGITS 12

static void
refuse(const char *digits, const char *why)
{
	ereport(ERROR,
			errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			errmsg("quantity %s is out of range", digits),
			errdetail("%s", why),
			errhint("Quantities are below %s and have at most %d decimals.", "1,000,000,000,000", DECIMALS));
}

/* Digits at *digits as a number; moves past them and counts them. */
static int64
read_digits(const char **digits, int limit, int *count)
{
	int64		value = 0;

	for (*count = 0; **digits >= '0' && **digits <= '9' && *count < limit; (*digits)++, (*count)++)
		value = value * 10 + (**digits - '0');
	return value;
}

UsomQuantity
usom_quantity_of(Numeric value)
{
	char	   *digits = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value)));
	const char *rest = digits;
	bool		negative = *rest == '-';
	int64		whole;
	int64		fraction = 0;
	int			count;

	rest += negative;
	if (*rest < '0' || *rest > '9')
		refuse(digits, "It is not a finite number.");
	whole = read_digits(&rest, INTEGER_DIGITS, &count);
	if (*rest >= '0' && *rest <= '9')
		refuse(digits, "It is too large.");
	if (*rest == '.')
	{
		rest++;
		fraction = read_digits(&rest, DECIMALS, &count);
		for (; count < DECIMALS; count++)
			fraction *= 10;
		if (rest[strspn(rest, "0")] != '\0')
			refuse(digits, "It has too many decimals.");
	}
	pfree(digits);
	return (negative ? -1 : 1) * (whole * USOM_UNIT + fraction);
}

Numeric
usom_quantity_numeric(UsomQuantity value)
{
	if (value % USOM_UNIT == 0)
		return int64_to_numeric(value / USOM_UNIT);
	return DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(usom_quantity_stored(value))));
}

Numeric
usom_quantity_stored(UsomQuantity value)
{
	return int64_div_fast_to_numeric(value, DECIMALS);
}

char *
usom_quantity_text(UsomQuantity value)
{
	Numeric		numeric = usom_quantity_numeric(value);

	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(numeric)));
}
