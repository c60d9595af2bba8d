/*
 * release.c
 *		Release: reserved pieces are handed to their locations.
 *
 * What a location with an outside system gets is handed over to it (work.c).
 *
 * Locks: the order.  The stock stays reserved, so no stock row is touched.
 */
#include "postgres.h"

#include "fulfillment/fulfillment.h"
#include "fulfillment/handover.h"

#include "base/call.h"
#include "base/errors.h"
#include "order/answer.h"
#include "party/party.h"

PG_FUNCTION_INFO_V1(usom_release_order);

static UsomFulfillmentCheck leaving_check = NULL;

void
usom_fulfillment_check_by(UsomFulfillmentCheck check)
{
	leaving_check = check;
}

bool
usom_fulfillment_may_leave(UsomOrderSet *set, int order, const char *action)
{
	if (leaving_check == NULL || leaving_check(set, order, action))
		return true;
	set->orders[order].event = "hold";
	set->orders[order].changed = true;
	return false;
}

/* Of an order that ships complete, a unit that is held keeps the others. */
static void
check_nothing_held(const UsomOrderSet *set, int order, const UsomHolds *holds)
{
	for (int i = 0; i < set->npieces && set->orders[order].ship_complete; i++)
	{
		const UsomHold *hold;

		if (set->lines[set->pieces[i].line].order != order || set->pieces[i].status >= USOM_PIECE_SHIPPED)
			continue;
		hold = usom_order_hold_of_piece(set, holds, i);
		if (hold != NULL)
			usom_order_refuse_held(set, holds, hold);
	}
}

void
usom_fulfillment_check_releasable(const UsomOrderSet *set, int order)
{
	UsomCounters sum = usom_order_sum(set, order);
	UsomQuantity waiting = sum.by_state[USOM_PIECE_BACKORDERED] + sum.by_state[USOM_PIECE_OPEN];

	if (set->orders[order].ship_complete && waiting > 0)
		ereport(ERROR, errcode(USOM_ERR(SHORT_STOCK)),
				errmsg("order \"%s\" ships complete or not at all", set->orders[order].order_no),
				errdetail("%s units still wait for stock.", usom_quantity_text(waiting)),
				errhint("Receive stock and call usom.fill_backorders(), or change the order."));
}

int
usom_fulfillment_release(UsomOrderSet *set, int order, int64 location_id, const UsomHolds *holds)
{
	int			released = 0;

	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];

		if (piece->status != USOM_PIECE_RESERVED || set->lines[piece->line].order != order ||
			(location_id != 0 && piece->location_id != 0 && piece->location_id != location_id) ||
			usom_order_hold_of_piece(set, holds, i) != NULL)
			continue;
		usom_order_move_piece(set, i, USOM_PIECE_RELEASED, piece->quantity, NULL);
		released++;
	}
	return released;
}

/* With nothing reserved, a repeated call is fine while something is released; else say what is in the way. */
static void
check_nothing_reserved(const UsomOrderSet *set, const UsomHolds *holds)
{
	const UsomOrder *order = &set->orders[0];
	UsomCounters sum = usom_order_sum(set, 0);

	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].status == USOM_PIECE_RESERVED && usom_order_hold_of_piece(set, holds, i) != NULL)
			usom_order_refuse_held(set, holds, usom_order_hold_of_piece(set, holds, i));
	if (sum.by_state[USOM_PIECE_RELEASED] > 0)
		return;
	if (!usom_order_is_running(order->status) || order->status >= USOM_ORDER_SHIPPED)
		usom_order_refuse(order->order_no, "release", order->status);
	ereport(ERROR, errcode(USOM_ERR(NOTHING_TO_DO)),
			errmsg("nothing of order \"%s\" is reserved", order->order_no),
			errdetail("%s units are backordered.", usom_quantity_text(sum.by_state[USOM_PIECE_BACKORDERED])),
			errhint("Receive stock and call usom.fill_backorders()."));
}

Datum
usom_release_order(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "release_order", -1);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	UsomWork   *work = usom_fulfillment_look(set);
	const UsomHolds *holds;

	holds = usom_order_check_whole(set, 0, "release");
	usom_fulfillment_check_releasable(set, 0);
	check_nothing_held(set, 0, holds);
	if (!usom_fulfillment_may_leave(set, 0, "release"))
		usom_order_save(set);
	else if (usom_fulfillment_release(set, 0, 0, holds) == 0)
		check_nothing_reserved(set, holds);
	else
	{
		usom_order_settle(set, 0, "release");
		usom_fulfillment_tell(set, work);
		usom_order_save(set);
	}
	return usom_order_answer_status(answer, set);
}
