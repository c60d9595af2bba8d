/*
 * paid.c
 *		Money that was taken for what is not there: paid_unallocated.
 *
 * What is paid of an order stands in its header, kept by the room of payments.
 * It is to be matched by units that have stock, or a date; what it is more is
 * a case, until goods are found, a date is promised, or money goes back.
 *
 * Pure but for the cases, which are queued: no SPI, no locks.  Memory:
 * CurrentMemoryContext.
 */
#include "postgres.h"

#include "order/order.h"

#include "base/errors.h"
#include "base/payload.h"
#include "order/news.h"
#include "utils/builtins.h"

#define MILLIONTHS 100			/* of a unit, in 10^-4 of it */

/* Units of a line that wait and nobody knows how long; of a kit all that wait, if a component does. */
static UsomQuantity
undated_units(const UsomOrderSet *set, int line)
{
	const UsomLine *waiting = &set->lines[line];
	UsomQuantity units = 0;

	if (waiting->counters.by_state[USOM_PIECE_BACKORDERED] == 0)
		return 0;
	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];

		if (piece->status != USOM_PIECE_BACKORDERED || piece->promised_at != USOM_NO_TIME)
			continue;
		if (piece->line == line)
			units += piece->quantity;
		else if (usom_line_is_kit(waiting) && usom_line_is_component(&set->lines[piece->line]) &&
				 usom_order_kit_of(set, piece->line) == line && piece->quantity > 0)
			return waiting->counters.by_state[USOM_PIECE_BACKORDERED];
	}
	return units;
}

UsomQuantity
usom_order_served_units(const UsomOrderSet *set, int line)
{
	const UsomLine *served = &set->lines[line];
	UsomQuantity units = served->quantity - served->counters.by_state[USOM_PIECE_CANCELLED] - served->counters.by_state[USOM_PIECE_RETURNED];

	if (set->orders[served->order].status <= USOM_ORDER_SUBMITTED)
		return units;
	return units - served->counters.by_state[USOM_PIECE_OPEN] - undated_units(set, line);
}

UsomMoney
usom_order_unallocated(const UsomOrderSet *set, int order)
{
	UsomMoney	rest = set->orders[order].paid ? usom_money_of(set->orders[order].paid, USOM_AMOUNT_DECIMALS) : 0;

	Ensure(!set->without_lines, "the units of an order without lines are asked for");
	for (int i = usom_order_first_line(set, order); i < set->nlines && set->lines[i].order == order; i++)
		if (!set->lines[i].removed)
			rest -= usom_order_units_value(&set->lines[i], usom_order_served_units(set, i));
	return rest;
}

UsomMoney
usom_order_minor_unit(const UsomOrder *order)
{
	int			decimals = usom_currency_decimals(order->currency);
	UsomMoney	unit = 1;

	for (; decimals >= 0 && decimals < USOM_AMOUNT_DECIMALS; decimals++)
		unit *= 10;
	return unit;
}

static void
raise_unallocated(UsomOrderSet *set, int order, UsomMoney rest)
{
	const UsomOrder *paid = &set->orders[order];
	UsomPayload detail = usom_payload_begin();

	usom_payload_text(&detail, "order_no", paid->order_no);
	usom_payload_quantity(&detail, "unallocated", rest * MILLIONTHS);
	usom_payload_quantity(&detail, "paid", usom_money_of(paid->paid, USOM_AMOUNT_DECIMALS) * MILLIONTHS);
	usom_payload_text(&detail, "currency", paid->currency);
	usom_order_raise(set, order, 0, "paid_unallocated", NULL,
					 psprintf("%s %s are paid for what has neither stock nor a date", usom_quantity_text(rest * MILLIONTHS), paid->currency),
					 usom_payload_end(&detail), USOM_NO_TIME);
}

void
usom_order_watch_paid(UsomOrderSet *set)
{
	for (int i = 0; i < set->norders; i++)
	{
		UsomMoney	rest;

		if (likely(set->orders[i].paid == NULL) || !set->orders[i].changed)
			continue;
		rest = usom_order_unallocated(set, i);
		if (rest >= usom_order_minor_unit(&set->orders[i]))
			raise_unallocated(set, i, rest);
		else
			usom_order_settle_case(set, i, 0, "paid_unallocated");
	}
}
