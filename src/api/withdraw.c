/*
 * withdraw.c
 *		Take units of a line back, least committed first; usom.cancel_line().
 *
 * Open units go first, then backordered, reserved and, when cancelling,
 * released ones; within a state the newest piece.  What was picked or has left
 * is committed: it is shipped, and returned if need be.  A kit is taken back as
 * so many units of each of its components.
 *
 * Locks: the order; stock rows by save.
 */
#include "postgres.h"

#include "api/price.h"
#include "api/waits.h"
#include "api/withdraw.h"

#include "base/call.h"
#include "base/errors.h"
#include "order/answer.h"
#include "party/party.h"
#include "payment/credit.h"

PG_FUNCTION_INFO_V1(usom_cancel_line);

static UsomPieceStatus
last_state(UsomWithdrawal kind)
{
	return kind == USOM_WITHDRAW_CANCEL ? USOM_PIECE_RELEASED : USOM_PIECE_RESERVED;
}

static UsomQuantity
withdrawable_units(const UsomLine *line, UsomWithdrawal kind)
{
	UsomQuantity units = 0;

	for (UsomPieceStatus state = USOM_PIECE_OPEN; state <= last_state(kind); state++)
		units += line->counters.by_state[state];
	return units;
}

UsomQuantity
usom_api_withdrawable(const UsomOrderSet *set, int index, UsomWithdrawal kind)
{
	const UsomLine *line = &set->lines[index];
	UsomQuantity kits;

	if (!usom_line_is_kit(line))
		return withdrawable_units(line, kind);
	kits = line->quantity - line->counters.by_state[USOM_PIECE_CANCELLED];
	for (int i = usom_order_next_component(set, index, index); i >= 0; i = usom_order_next_component(set, index, i))
		kits = Min(kits, withdrawable_units(&set->lines[i], kind) / set->lines[i].kit_quantity * USOM_UNIT);
	return kits;
}

static UsomQuantity
withdraw_open(UsomOrderSet *set, int index, UsomQuantity quantity, UsomWithdrawal kind)
{
	UsomLine   *line = &set->lines[index];
	UsomQuantity units = Min(quantity, line->counters.by_state[USOM_PIECE_OPEN]);

	if (units == 0)
		return 0;
	if (kind == USOM_WITHDRAW_CANCEL)
		usom_order_add_piece(set, index, USOM_PIECE_CANCELLED, units, NULL);
	else
	{
		line->counters.by_state[USOM_PIECE_OPEN] -= units;
		line->quantity -= units;
		line->changed = true;
	}
	return units;
}

static UsomQuantity
withdraw_pieces(UsomOrderSet *set, int line, UsomPieceStatus state, UsomQuantity quantity, UsomWithdrawal kind)
{
	UsomQuantity left = quantity;

	for (int i = set->npieces - 1; i >= 0 && left > 0; i--)
	{
		UsomQuantity units = Min(left, set->pieces[i].quantity);

		if (set->pieces[i].line != line || set->pieces[i].status != state || units == 0)
			continue;
		left -= units;
		if (kind == USOM_WITHDRAW_CANCEL)
			usom_order_move_piece(set, i, USOM_PIECE_CANCELLED, units, NULL);
		else
			usom_order_drop_units(set, i, units);
	}
	return quantity - left;
}

static void
refuse(const UsomOrderSet *set, int index, UsomQuantity quantity, UsomWithdrawal kind)
{
	const UsomLine *line = &set->lines[index];
	UsomQuantity units = usom_api_withdrawable(set, index, kind);

	ereport(ERROR, errcode(USOM_ERR(BELOW_COMMITTED)),
			errmsg("cannot take %s units from line %d of order \"%s\"", usom_quantity_text(quantity), line->line_no,
				   set->orders[line->order].order_no),
			errdetail("%s ordered, %s of them committed (released, shipped, delivered, returned or cancelled), %s may go.",
					  usom_quantity_text(line->quantity), usom_quantity_text(line->quantity - units),
					  usom_quantity_text(units)),
			errhint("Leave at least %s; what is shipped comes back by usom.authorize_return().",
					usom_quantity_text(line->quantity - units)));
}

static void
withdraw_units(UsomOrderSet *set, int line, UsomQuantity quantity, UsomWithdrawal kind)
{
	UsomQuantity waited = set->lines[line].counters.by_state[USOM_PIECE_BACKORDERED];
	UsomQuantity left = quantity;

	left -= withdraw_open(set, line, left, kind);
	for (UsomPieceStatus state = USOM_PIECE_BACKORDERED; state <= last_state(kind) && left > 0; state++)
		left -= withdraw_pieces(set, line, state, left, kind);
	Ensure(left == 0, "the counters of a line promise more than its pieces hold");
	if (waited > 0 && set->lines[line].counters.by_state[USOM_PIECE_BACKORDERED] == 0)
		usom_api_settle_waiting(set, line);
}

static void
withdraw_kits(UsomOrderSet *set, int kit, UsomQuantity kits, UsomWithdrawal kind)
{
	usom_order_check_whole_kits(set, kit, kits);
	for (int i = usom_order_next_component(set, kit, kit); i >= 0; i = usom_order_next_component(set, kit, i))
		withdraw_units(set, i, usom_order_kit_units(kits, set->lines[i].kit_quantity), kind);
	if (kind == USOM_WITHDRAW_CANCEL)
		usom_order_cancel_kits(set, kit, kits);
	else
		usom_order_add_kits(set, kit, -kits);
}

void
usom_api_withdraw(UsomOrderSet *set, int line, UsomQuantity quantity, UsomWithdrawal kind)
{
	if (quantity > usom_api_withdrawable(set, line, kind))
		refuse(set, line, quantity, kind);
	if (usom_line_is_kit(&set->lines[line]))
		withdraw_kits(set, line, quantity, kind);
	else
		withdraw_units(set, line, quantity, kind);
}

static UsomQuantity
quantity_argument(FunctionCallInfo fcinfo, int arg, const UsomOrderSet *set, int line)
{
	UsomQuantity quantity;

	if (PG_ARGISNULL(arg))
		return usom_api_withdrawable(set, line, USOM_WITHDRAW_CANCEL);
	quantity = usom_quantity_of(PG_GETARG_NUMERIC(arg));
	if (quantity <= 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("the quantity to cancel must be more than 0, not %s", usom_quantity_text(quantity)),
				errhint("Leave it null to cancel all that may be cancelled."));
	return quantity;
}

/* A call that comes twice finds nothing left to cancel, and so many units cancelled already. */
static bool
is_repeat(const UsomOrderSet *set, int line, UsomQuantity quantity)
{
	return usom_api_withdrawable(set, line, USOM_WITHDRAW_CANCEL) == 0 &&
		set->lines[line].counters.by_state[USOM_PIECE_CANCELLED] >= quantity;
}

Datum
usom_cancel_line(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "cancel_line", 3);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	UsomOrder  *order = &set->orders[0];
	UsomQuantity quantity;
	int			line;

	usom_order_arg_required(fcinfo, 1, "line_no");
	line = usom_order_find_line(set, 0, PG_GETARG_INT32(1));
	if (order->status >= USOM_ORDER_CLOSED)
		usom_order_refuse(order->order_no, "cancel a line of", order->status);
	usom_order_check_no_component(set, line, "cancel units of");
	usom_order_check_line(set, usom_order_check_whole(set, 0, "cancel"), line);
	quantity = quantity_argument(fcinfo, 2, set, line);
	if (quantity > 0 && !is_repeat(set, line, quantity))
	{
		UsomCredit *credit = usom_credit_open(set);

		usom_api_withdraw(set, line, quantity, USOM_WITHDRAW_CANCEL);
		order->event_line = set->lines[line].line_no;
		order->event_quantity = quantity;
		usom_order_settle(set, 0, "cancel_line");
		usom_api_release_coupons(set);
		usom_order_save(set);
		usom_credit_close(credit, USOM_CREDIT_FOLLOWS);
	}
	return usom_order_answer_status(answer, set);
}
