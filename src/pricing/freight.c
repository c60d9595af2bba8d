/*
 * freight.c
 *		The freight of an order, and the shares of its lines.
 *
 * Pure: no SPI, no locks.  Memory: CurrentMemoryContext.
 *
 * Invariant: the shares add up to the freight, and none is negative.
 */
#include "postgres.h"

#include "pricing/freight.h"

#include "base/compat.h"

static bool
fits(const char *wanted, const char *found)
{
	return wanted == NULL || (found != NULL && strcmp(wanted, found) == 0);
}

const UsomFreightCharge *
usom_freight_find(const UsomFreightCharges *charges, const UsomFreightOrder *order)
{
	for (int i = 0; charges != NULL && i < charges->count; i++)
	{
		const UsomFreightCharge *charge = &charges->charges[i];

		if (strcmp(charge->currency, order->currency) == 0 && charge->valid_from <= order->at &&
			order->at < charge->valid_to && fits(charge->channel, order->channel) &&
			fits(charge->order_type, order->order_type) && fits(charge->country, order->country) &&
			(charge->order_type != NULL || strcmp(order->order_type, "pick_up") != 0))
			return charge;
	}
	return NULL;
}

/* Millionths of a kilogram from millionths of units times such of a kilogram. */
static UsomQuantity
kilograms(int128 weight)
{
	weight = (weight + USOM_UNIT / 2) / USOM_UNIT;
	if (weight >= USOM_QUANTITY_LIMIT)
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("weight of an order out of range"));
	return (UsomQuantity) weight;
}

/* Each price times its count, each rounded by itself. */
static UsomMoney
order_freight(const UsomFreightCharge *charge, int decimals, UsomQuantity units, UsomQuantity weight)
{
	return usom_money_of(charge->order_price, decimals) + usom_money_extend(charge->weight_price, weight, decimals) +
		usom_money_extend(charge->unit_price, units, decimals);
}

static void
share(UsomMoney freight, UsomFreightLine *lines, int nlines, bool by_units)
{
	int64	   *weights = palloc_array(int64, Max(nlines, 1));
	UsomMoney  *shares = palloc_array(UsomMoney, Max(nlines, 1));

	for (int i = 0; i < nlines; i++)
		weights[i] = !lines[i].is_sent ? 0 : by_units ? lines[i].quantity : lines[i].goods;
	usom_money_apportion(freight, weights, nlines, shares);
	for (int i = 0; i < nlines; i++)
		lines[i].freight = shares[i];
	pfree(weights);
	pfree(shares);
}

UsomMoney
usom_freight_lines(const UsomFreightCharge *charge, int decimals, UsomFreightLine *lines, int nlines)
{
	UsomQuantity units = 0;
	int128		weight = 0;
	UsomMoney	sent = 0;
	UsomMoney	goods = 0;
	UsomMoney	freight;

	for (int i = 0; i < nlines; i++)
	{
		goods += lines[i].goods;
		lines[i].freight = 0;
		if (!lines[i].is_sent)
			continue;
		units = usom_quantity_add(units, lines[i].quantity);
		weight += (int128) lines[i].quantity * lines[i].weight;
		sent += lines[i].goods;
	}
	if (charge == NULL || units == 0)
		return 0;
	if (charge->free_from != NULL && goods >= usom_money_of(charge->free_from, decimals))
		return 0;
	freight = order_freight(charge, decimals, units, kilograms(weight));
	if (freight > 0)
		share(freight, lines, nlines, sent == 0);
	return freight;
}
