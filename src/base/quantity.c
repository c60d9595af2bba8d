/*
 * quantity.c
 *		Between numeric and int64 millionths.
 *
 *		Pure functions: no catalog, no locks, results in CurrentMemoryContext.
 *		The way in takes the digits as PostgreSQL stores them.  What is not
 *		plainly a quantity goes through the decimal text, because it is exact,
 *		tells too many decimals from rounding, and shows NaN and infinity for
 *		what they are.
 */
#include "postgres.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/compat.h"
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

static UsomQuantity
read_text(Datum value)
{
	char	   *digits = DatumGetCString(DirectFunctionCall1(numeric_out, value));
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

/*
 * The stored form, which never changes (numeric.c, "NumericLong" and
 * "NumericShort"): a word of 16 bits, in the long form a second one for the
 * weight, then digits to the base of 10,000, of which the first counts
 * 10,000 ^ weight.
 */
#define LONG_FORM(header) (((header) & 0x8000) == 0)
#define SPECIAL_FORM(header) (((header) & 0xC000) == 0xC000)

/* Units and millionths before and after the point. */
#define HIGHEST_WEIGHT 2
#define LOWEST_WEIGHT (-2)

static int16
get_word(const char *words, int index)
{
	int16		word;

	memcpy(&word, words + index * sizeof(int16), sizeof(int16));
	return word;
}

static int
short_weight(uint16 header)
{
	return (header & 0x0040) ? (int) (header & 0x003F) - 0x0040 : (int) (header & 0x003F);
}

/* False if it is not plainly a quantity. */
static bool
read_digits_as_stored(const char *words, int nwords, UsomQuantity *result)
{
	static const int64 worth[] = {INT64CONST(100000000000000), INT64CONST(10000000000), INT64CONST(1000000), 100};
	uint16		header = (uint16) get_word(words, 0);
	bool		is_long = LONG_FORM(header);
	bool		negative = is_long ? (header & 0xC000) == 0x4000 : (header & 0x2000) != 0;
	int			first = is_long ? 2 : 1;
	int			weight;
	int64		sum = 0;

	if (SPECIAL_FORM(header))
		return false;
	weight = is_long ? get_word(words, 1) : short_weight(header);
	if (nwords > first && (weight > HIGHEST_WEIGHT || weight - (nwords - first - 1) < LOWEST_WEIGHT))
		return false;
	for (int i = first; i < nwords; i++, weight--)
	{
		int16		digit = get_word(words, i);

		if (weight == LOWEST_WEIGHT && digit % 100 != 0)
			return false;
		sum += weight == LOWEST_WEIGHT ? digit / 100 : digit * worth[HIGHEST_WEIGHT - weight];
	}
	*result = negative ? -sum : sum;
	return true;
}

UsomQuantity
usom_quantity_of_datum(Datum value)
{
	struct varlena *stored = PG_DETOAST_DATUM_PACKED(value);
	UsomQuantity result;

	if (unlikely(!read_digits_as_stored(VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored) / (int) sizeof(int16), &result)))
		return read_text(PointerGetDatum(stored));
	return result;
}

UsomQuantity
usom_quantity_of(Numeric value)
{
	return usom_quantity_of_datum(NumericGetDatum(value));
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
