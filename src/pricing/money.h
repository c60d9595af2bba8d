/*
 * money.h
 *		Money inside C: int64 in the minor unit of its currency.
 *
 *		A part of an amount is a function of the units alone: the part of m of
 *		n units is round(amount * m / n), halves up, so the parts of any cut
 *		of the units add up to the amount, in whatever order they are cut.
 *		Shares of several are cut by largest remainder.  Pure: no SPI, no
 *		locks; memory: CurrentMemoryContext.
 */
#ifndef USOM_PRICING_MONEY_H
#define USOM_PRICING_MONEY_H

#include "base/quantity.h"
#include "pricing/currency.h"
#include "utils/numeric.h"

typedef int64 UsomMoney;

#define USOM_AMOUNT_DECIMALS 4	/* of the domains of money */
#define USOM_NO_DECIMALS (-1)	/* of a line that nothing was added to or taken from */

/* Rounded to the minor unit, halves away from zero; 22003 beyond 1e15. */
extern UsomMoney usom_money_of(Numeric amount, int decimals);

/* Has it no more decimals than these? */
extern bool usom_money_is_exact(Numeric amount, int decimals);

/* With the four decimals of the domains. */
extern Numeric usom_money_numeric(UsomMoney amount, int decimals);

/* For people: 15.30 at two decimals. */
extern char *usom_money_text(UsomMoney amount, int decimals);

/* amount * numerator / denominator, halves away from zero.  22003 if it leaves int64. */
extern UsomMoney usom_money_scale(UsomMoney amount, int64 numerator, int64 denominator);

/* unit price * quantity, rounded to the minor unit */
extern UsomMoney usom_money_extend(Numeric unit_price, UsomQuantity quantity, int decimals);

/* The part of units of all; amount of all units. */
extern UsomMoney usom_money_part(UsomMoney amount, UsomQuantity units, UsomQuantity all);

/*
 * Cut an amount in proportion to weights (none negative) by largest remainder,
 * the first of equals first: the shares add up to the amount, and none is a
 * whole unit away from its exact part.  If all weights are zero, the first has
 * it all.  Source: Hamilton's method of apportionment.
 */
extern void usom_money_apportion(UsomMoney amount, const int64 *weights, int count, UsomMoney *shares);

#endif							/* USOM_PRICING_MONEY_H */
