/*
 * money.c
 *		What the units of a line cost.
 *
 * Pure: no SPI, no locks.  Memory: CurrentMemoryContext.
 *
 * Invariant: what a line's units cost is a function of how many they are, so
 * cancelling, splitting and returning in whatever order adds up to the whole.
 */
#include "postgres.h"

#include "order/order.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

Numeric
usom_order_no_price(void)
{
	static Numeric zero = NULL;

	if (zero == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

		zero = usom_money_numeric(0, USOM_AMOUNT_DECIMALS);
		MemoryContextSwitchTo(caller);
	}
	return zero;
}

void
usom_order_clear_charges(UsomLine *line)
{
	line->discount = line->freight = line->tax = usom_order_no_price();
	line->tax_included = false;
	line->decimals = USOM_NO_DECIMALS;
}

UsomMoney
usom_order_line_whole(const UsomLine *line)
{
	UsomMoney	whole = usom_money_extend(line->unit_price, line->quantity, line->decimals);

	whole -= usom_money_of(line->discount, line->decimals);
	whole += usom_money_of(line->freight, line->decimals);
	return line->tax_included ? whole : whole + usom_money_of(line->tax, line->decimals);
}

Numeric
usom_order_line_part(const UsomLine *line, UsomQuantity units)
{
	Datum		product;

	if (unlikely(line->decimals != USOM_NO_DECIMALS && line->quantity > 0))
		return usom_money_numeric(usom_money_part(usom_order_line_whole(line), units, line->quantity), line->decimals);
	product = DirectFunctionCall2(numeric_mul, NumericGetDatum(line->unit_price), NumericGetDatum(usom_quantity_numeric(units)));
	return DatumGetNumeric(DirectFunctionCall2(numeric_round, product, Int32GetDatum(USOM_AMOUNT_DECIMALS)));
}

UsomMoney
usom_order_units_value(const UsomLine *line, UsomQuantity units)
{
	return usom_money_of(usom_order_line_part(line, units), USOM_AMOUNT_DECIMALS);
}

UsomMoney
usom_order_left_value(const UsomLine *line)
{
	return usom_order_units_value(line, usom_order_units_left(line));
}

/* The first units that left are those that the customer keeps. */
UsomMoney
usom_order_returned_value(const UsomLine *line)
{
	UsomQuantity left = usom_order_units_left(line);

	return usom_order_units_value(line, left) - usom_order_units_value(line, left - line->counters.by_state[USOM_PIECE_RETURNED]);
}
