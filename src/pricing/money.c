/*
 * money.c
 *		Amounts in the minor unit of a currency: rounded, scaled, cut.
 *
 * Pure but for errors: no SPI, no locks.  Products are taken in 128 bits.
 */
#include "postgres.h"

#include "pricing/money.h"

#include "utils/builtins.h"

static const int64 powers[] = {1, 10, 100, 1000, 10000};

static void
refuse_amount(void)
{
	ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			errmsg("amount out of range"),
			errdetail("Amounts are between -1e15 and 1e15."));
}

/* Division that rounds halves away from zero. */
static int128
divide(int128 dividend, int64 divisor)
{
	int128		half = divisor / 2;

	Assert(divisor > 0);
	if (dividend < 0)
		return -divide(-dividend, divisor);
	return dividend / divisor + (dividend % divisor > divisor - 1 - half ? 1 : 0);
}

static UsomMoney
narrow(int128 value)
{
	if (value > PG_INT64_MAX || value < PG_INT64_MIN)
		refuse_amount();
	return (UsomMoney) value;
}

UsomMoney
usom_money_of(Numeric amount, int decimals)
{
	Datum		rounded;

	if (numeric_is_nan(amount) || numeric_is_inf(amount))
		refuse_amount();
	Assert(decimals >= 0 && decimals <= USOM_AMOUNT_DECIMALS);
	rounded = DirectFunctionCall2(numeric_mul, NumericGetDatum(amount), NumericGetDatum(int64_to_numeric(powers[decimals])));
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, rounded));
}

bool
usom_money_is_exact(Numeric amount, int decimals)
{
	Datum		rounded = DirectFunctionCall2(numeric_round, NumericGetDatum(amount), Int32GetDatum(decimals));

	return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(amount), rounded));
}

Numeric
usom_money_numeric(UsomMoney amount, int decimals)
{
	int64		scaled;
	Numeric		value;

	if (likely(!pg_mul_s64_overflow(amount, powers[USOM_AMOUNT_DECIMALS - decimals], &scaled)))
		return int64_div_fast_to_numeric(scaled, USOM_AMOUNT_DECIMALS);
	value = int64_div_fast_to_numeric(amount, decimals);
	return DatumGetNumeric(DirectFunctionCall2(numeric_round, NumericGetDatum(value), Int32GetDatum(USOM_AMOUNT_DECIMALS)));
}

char *
usom_money_text(UsomMoney amount, int decimals)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(int64_div_fast_to_numeric(amount, decimals))));
}

UsomMoney
usom_money_scale(UsomMoney amount, int64 numerator, int64 denominator)
{
	return narrow(divide((int128) amount * numerator, denominator));
}

UsomMoney
usom_money_extend(Numeric unit_price, UsomQuantity quantity, int decimals)
{
	Datum		product = DirectFunctionCall2(numeric_mul, NumericGetDatum(unit_price),
											  NumericGetDatum(usom_quantity_numeric(quantity)));

	return usom_money_of(DatumGetNumeric(product), decimals);
}

UsomMoney
usom_money_part(UsomMoney amount, UsomQuantity units, UsomQuantity all)
{
	Assert(units >= 0 && units <= all);
	return units == all ? amount : usom_money_scale(amount, units, all);
}

/* What rounding down leaves over, by which the last units are dealt out. */
typedef struct Remainder
{
	int128		left;
	int			index;
} Remainder;

static int
compare_remainders(const void *a, const void *b)
{
	const Remainder *x = a;
	const Remainder *y = b;

	if (x->left != y->left)
		return x->left > y->left ? -1 : 1;
	return x->index - y->index;
}

/* Of an amount that is not negative; returns what is left to deal out. */
static UsomMoney
cut_floors(UsomMoney amount, const int64 *weights, int count, int128 sum, UsomMoney *shares, Remainder *remainders)
{
	UsomMoney	left = amount;

	for (int i = 0; i < count; i++)
	{
		int128		product = (int128) amount * weights[i];

		shares[i] = sum > 0 ? (UsomMoney) (product / sum) : (i == 0 ? amount : 0);
		remainders[i] = (Remainder) {sum > 0 ? product % sum : 0, i};
		left -= shares[i];
	}
	return left;
}

void
usom_money_apportion(UsomMoney amount, const int64 *weights, int count, UsomMoney *shares)
{
	Remainder  *remainders = palloc_array(Remainder, Max(count, 1));
	bool		negative = amount < 0;
	int128		sum = 0;
	UsomMoney	left;

	Assert(amount != PG_INT64_MIN);
	for (int i = 0; i < count; i++)
	{
		Assert(weights[i] >= 0);
		sum += weights[i];
	}
	left = cut_floors(negative ? -amount : amount, weights, count, sum, shares, remainders);
	if (left > 0)
		qsort(remainders, count, sizeof(Remainder), compare_remainders);
	for (int i = 0; i < count && i < left; i++)
		shares[remainders[i].index]++;
	for (int i = 0; negative && i < count; i++)
		shares[i] = -shares[i];
	pfree(remainders);
}
