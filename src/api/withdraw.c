/*
 * withdraw.c
 *		Take units of a line back, least committed first; usom.cancel_line().
 *
 * Open units go first, then backordered, reserved, released, picked and packed
 * ones; within a state the newest piece.  Released units and those behind them
 * are ours to take until their cut-off; after it the warehouse is asked.  What
 * has left is committed: it is returned.  A kit is taken back as so many units
 * of each of its components, and as far as we can take it alone.
 *
 * Locks: the order; stock rows by save.
 */
#include "postgres.h"

#include "api/price.h"
#include "api/request.h"
#include "api/waits.h"

#include "base/call.h"
#include "base/errors.h"
#include "fulfillment/handover.h"
#include "order/answer.h"
#include "party/party.h"
#include "payment/credit.h"

PG_FUNCTION_INFO_V1(usom_cancel_line);

struct UsomWithdrawing
{
	UsomOrderSet *set;
	UsomWithdrawal kind;
	const UsomCuts **cuts;		/* by order; NULL: not looked at yet */
	List	  **pending;		/* by order: UsomAsk that stand already */
	List	   *asks;			/* of this call */
	UsomWork   *work;
};

UsomWithdrawing *
usom_api_withdraw_begin(UsomOrderSet *set, UsomWithdrawal kind)
{
	UsomWithdrawing *withdrawing = palloc0_object(UsomWithdrawing);

	withdrawing->set = set;
	withdrawing->kind = kind;
	withdrawing->cuts = palloc0_array(const UsomCuts *, set->norders + 1);
	withdrawing->pending = palloc0_array(List *, set->norders + 1);
	withdrawing->work = usom_fulfillment_look(set);
	return withdrawing;
}

/* ---- what may be taken ---- */

static const UsomCuts *
cuts_of(UsomWithdrawing *withdrawing, int order)
{
	if (withdrawing->cuts[order] == NULL)
	{
		withdrawing->cuts[order] = usom_fulfillment_read_cuts(withdrawing->set, order,
															  withdrawing->kind == USOM_WITHDRAW_CANCEL ? USOM_CUT_CANCEL : USOM_CUT_CHANGE);
		if (usom_fulfillment_has_cuts(withdrawing->cuts[order]))
			withdrawing->pending[order] = usom_api_read_asks_of(withdrawing->set, order);
	}
	return withdrawing->cuts[order];
}

/* A part of a kit is not asked for: its other components would be left alone. */
static UsomCutVerdict
judge(UsomWithdrawing *withdrawing, int piece)
{
	const UsomPiece *of = &withdrawing->set->pieces[piece];
	const UsomLine *line = &withdrawing->set->lines[of->line];
	UsomCutVerdict verdict;

	if (of->status < USOM_PIECE_RELEASED)
		return USOM_CUT_EDIT;
	verdict = usom_fulfillment_judge(cuts_of(withdrawing, line->order), of->location_id, of->status);
	return verdict == USOM_CUT_ASK && usom_line_is_component(line) ? USOM_CUT_REFUSE : verdict;
}

static bool
is_at_work(const UsomPiece *piece)
{
	return piece->quantity > 0 && piece->status >= USOM_PIECE_RELEASED && piece->status <= USOM_PIECE_PACKED;
}

/* Units of a line at work that are judged so. */
static UsomQuantity
units_judged(UsomWithdrawing *withdrawing, int line, UsomCutVerdict verdict)
{
	const UsomOrderSet *set = withdrawing->set;
	const UsomQuantity *count = set->lines[line].counters.by_state;
	UsomQuantity units = 0;

	if (count[USOM_PIECE_RELEASED] + count[USOM_PIECE_PICKED] + count[USOM_PIECE_PACKED] == 0)
		return 0;
	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].line == line && is_at_work(&set->pieces[i]) && judge(withdrawing, i) == verdict)
			units += set->pieces[i].quantity;
	return units;
}

static UsomQuantity
takeable_units(UsomWithdrawing *withdrawing, int line)
{
	const UsomQuantity *count = withdrawing->set->lines[line].counters.by_state;

	return count[USOM_PIECE_OPEN] + count[USOM_PIECE_BACKORDERED] + count[USOM_PIECE_RESERVED] +
		units_judged(withdrawing, line, USOM_CUT_EDIT);
}

UsomQuantity
usom_api_takeable(UsomWithdrawing *withdrawing, int index)
{
	const UsomOrderSet *set = withdrawing->set;
	const UsomLine *line = &set->lines[index];
	UsomQuantity kits;

	if (!usom_line_is_kit(line))
		return takeable_units(withdrawing, index);
	kits = line->quantity - line->counters.by_state[USOM_PIECE_CANCELLED];
	for (int i = usom_order_next_component(set, index, index); i >= 0; i = usom_order_next_component(set, index, i))
		kits = Min(kits, takeable_units(withdrawing, i) / set->lines[i].kit_quantity * USOM_UNIT);
	return kits;
}

/* Of a line at a location (0: at all) in a list of asks. */
static UsomQuantity
units_in(const List *asks, int order, int32 line_no, int64 location_id)
{
	UsomQuantity units = 0;

	for (int i = 0; i < list_length(asks); i++)
	{
		const UsomAsk *ask = list_nth(asks, i);

		if (ask->order == order && ask->line_no == line_no && (location_id == 0 || ask->location_id == location_id))
			units = usom_quantity_add(units, ask->quantity);
	}
	return units;
}

static UsomQuantity
asked_at(UsomWithdrawing *withdrawing, int index, int64 location_id)
{
	const UsomLine *line = &withdrawing->set->lines[index];

	cuts_of(withdrawing, line->order);
	return units_in(withdrawing->pending[line->order], line->order, line->line_no, location_id) +
		units_in(withdrawing->asks, line->order, line->line_no, location_id);
}

UsomQuantity
usom_api_asked(UsomWithdrawing *withdrawing, int line)
{
	return asked_at(withdrawing, line, 0);
}

UsomQuantity
usom_api_askable(UsomWithdrawing *withdrawing, int line)
{
	UsomQuantity units = units_judged(withdrawing, line, USOM_CUT_ASK);

	return units > 0 ? Max(units - asked_at(withdrawing, line, 0), 0) : 0;
}

static UsomQuantity
units_of_order(UsomWithdrawing *withdrawing, int order, UsomCutVerdict verdict)
{
	const UsomOrderSet *set = withdrawing->set;
	UsomQuantity units = 0;

	for (int i = 0; i < set->npieces; i++)
		if (set->lines[set->pieces[i].line].order == order && is_at_work(&set->pieces[i]) && judge(withdrawing, i) == verdict)
			units = usom_quantity_add(units, set->pieces[i].quantity);
	return units;
}

bool
usom_api_must_ask(UsomWithdrawing *withdrawing, int order)
{
	return units_of_order(withdrawing, order, USOM_CUT_ASK) > 0;
}

UsomQuantity
usom_api_committed_units(UsomWithdrawing *withdrawing, int order)
{
	return units_of_order(withdrawing, order, USOM_CUT_REFUSE);
}

/* ---- take ---- */

static UsomQuantity
take_open(UsomOrderSet *set, int index, UsomQuantity quantity, UsomWithdrawal kind)
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

void
usom_api_take_from_piece(UsomOrderSet *set, int piece, UsomQuantity quantity, UsomWithdrawal kind)
{
	if (set->pieces[piece].status > USOM_PIECE_RELEASED)
		piece = usom_fulfillment_put_back(set, piece, USOM_PIECE_RELEASED, quantity);
	if (kind == USOM_WITHDRAW_CANCEL)
		usom_order_move_piece(set, piece, USOM_PIECE_CANCELLED, quantity, NULL);
	else
		usom_order_drop_units(set, piece, quantity);
}

static UsomQuantity
take_pieces(UsomWithdrawing *withdrawing, int line, UsomPieceStatus state, UsomQuantity quantity)
{
	UsomOrderSet *set = withdrawing->set;
	UsomQuantity left = quantity;

	for (int i = set->npieces - 1; i >= 0 && left > 0; i--)
	{
		UsomQuantity units = Min(left, set->pieces[i].quantity);

		if (set->pieces[i].line != line || set->pieces[i].status != state || units == 0 || judge(withdrawing, i) != USOM_CUT_EDIT)
			continue;
		left -= units;
		usom_api_take_from_piece(set, i, units, withdrawing->kind);
	}
	return quantity - left;
}

static void
take_units(UsomWithdrawing *withdrawing, int line, UsomQuantity quantity)
{
	UsomOrderSet *set = withdrawing->set;
	UsomQuantity waited = set->lines[line].counters.by_state[USOM_PIECE_BACKORDERED];
	UsomQuantity left = quantity;

	left -= take_open(set, line, left, withdrawing->kind);
	for (UsomPieceStatus state = USOM_PIECE_BACKORDERED; state <= USOM_PIECE_PACKED && left > 0; state++)
		left -= take_pieces(withdrawing, line, state, left);
	Ensure(left == 0, "the counters of a line promise more than its pieces hold");
	if (waited > 0 && set->lines[line].counters.by_state[USOM_PIECE_BACKORDERED] == 0)
		usom_api_settle_waiting(set, line);
}

static void
take_kits(UsomWithdrawing *withdrawing, int kit, UsomQuantity kits)
{
	UsomOrderSet *set = withdrawing->set;

	usom_order_check_whole_kits(set, kit, kits);
	for (int i = usom_order_next_component(set, kit, kit); i >= 0; i = usom_order_next_component(set, kit, i))
		take_units(withdrawing, i, usom_order_kit_units(kits, set->lines[i].kit_quantity));
	if (withdrawing->kind == USOM_WITHDRAW_CANCEL)
		usom_order_cancel_kits(set, kit, kits);
	else
		usom_order_add_kits(set, kit, -kits);
}

/* ---- ask ---- */

/* Of a line at one location: units past their cut-off that nobody has asked for. */
static UsomQuantity
room_at(UsomWithdrawing *withdrawing, int line, int64 location_id)
{
	const UsomOrderSet *set = withdrawing->set;
	UsomQuantity units = 0;

	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].line == line && set->pieces[i].location_id == location_id && is_at_work(&set->pieces[i]) &&
			judge(withdrawing, i) == USOM_CUT_ASK)
			units += set->pieces[i].quantity;
	return Max(units - asked_at(withdrawing, line, location_id), 0);
}

static UsomQuantity
ask_for_state(UsomWithdrawing *withdrawing, int line, UsomPieceStatus state, UsomQuantity quantity)
{
	const UsomOrderSet *set = withdrawing->set;
	UsomQuantity left = quantity;

	for (int i = set->npieces - 1; i >= 0 && left > 0; i--)
	{
		const UsomPiece *piece = &set->pieces[i];
		UsomAsk    *ask;

		if (piece->line != line || piece->status != state || piece->quantity == 0 || judge(withdrawing, i) != USOM_CUT_ASK)
			continue;
		ask = palloc_object(UsomAsk);
		*ask = (UsomAsk) {set->lines[line].order, set->lines[line].line_no, piece->location_id,
			Min(Min(left, piece->quantity), room_at(withdrawing, line, piece->location_id))};
		left -= ask->quantity;
		if (ask->quantity > 0)
			withdrawing->asks = lappend(withdrawing->asks, ask);
	}
	return quantity - left;
}

static void
ask_for(UsomWithdrawing *withdrawing, int line, UsomQuantity quantity)
{
	UsomQuantity left = quantity;

	for (UsomPieceStatus state = USOM_PIECE_RELEASED; state <= USOM_PIECE_PACKED && left > 0; state++)
		left -= ask_for_state(withdrawing, line, state, left);
	Ensure(left == 0, "a line has fewer units to ask for than were counted");
}

static void
refuse(const UsomOrderSet *set, int index, UsomQuantity quantity, UsomQuantity units)
{
	const UsomLine *line = &set->lines[index];

	ereport(ERROR, errcode(USOM_ERR(BELOW_COMMITTED)),
			errmsg("cannot take %s units from line %d of order \"%s\"", usom_quantity_text(quantity), line->line_no,
				   set->orders[line->order].order_no),
			errdetail("%s ordered, %s of them committed (released, shipped, delivered, returned or cancelled), %s may go.",
					  usom_quantity_text(line->quantity), usom_quantity_text(line->quantity - units),
					  usom_quantity_text(units)),
			errhint("Leave at least %s; what is shipped comes back by usom.authorize_return().",
					usom_quantity_text(line->quantity - units)));
}

UsomQuantity
usom_api_take(UsomWithdrawing *withdrawing, int line, UsomQuantity quantity)
{
	UsomQuantity ours = usom_api_takeable(withdrawing, line);
	UsomQuantity theirs = quantity > ours ? usom_api_askable(withdrawing, line) : 0;
	UsomQuantity taken = Min(quantity, ours);

	if (quantity - taken > theirs)
		refuse(withdrawing->set, line, quantity, ours + theirs);
	if (taken > 0 && usom_line_is_kit(&withdrawing->set->lines[line]))
		take_kits(withdrawing, line, taken);
	else if (taken > 0)
		take_units(withdrawing, line, taken);
	if (quantity > taken)
		ask_for(withdrawing, line, quantity - taken);
	return taken;
}

void
usom_api_take_alone(UsomWithdrawing *withdrawing, int line, UsomQuantity quantity)
{
	UsomQuantity ours = usom_api_takeable(withdrawing, line);

	if (quantity > ours)
		refuse(withdrawing->set, line, quantity, ours);
	usom_api_take(withdrawing, line, quantity);
}

int
usom_api_withdraw_end(UsomWithdrawing *withdrawing)
{
	usom_fulfillment_tell(withdrawing->set, withdrawing->work);
	return withdrawing->asks == NIL ? 0 : usom_api_write_asks(withdrawing->set, withdrawing->asks, withdrawing->kind);
}

void
usom_api_withdraw(UsomOrderSet *set, int line, UsomQuantity quantity, UsomWithdrawal kind)
{
	UsomWithdrawing *withdrawing = usom_api_withdraw_begin(set, kind);

	usom_api_take_alone(withdrawing, line, quantity);
	usom_api_withdraw_end(withdrawing);
}

UsomQuantity
usom_api_withdrawable(UsomOrderSet *set, int line, UsomWithdrawal kind)
{
	return usom_api_takeable(usom_api_withdraw_begin(set, kind), line);
}

/* ---- usom.cancel_line() ---- */

static UsomQuantity
quantity_argument(FunctionCallInfo fcinfo, int arg, UsomWithdrawing *withdrawing, int line)
{
	UsomQuantity quantity;

	if (PG_ARGISNULL(arg))
		return usom_api_takeable(withdrawing, line) + usom_api_askable(withdrawing, line);
	quantity = usom_quantity_of(PG_GETARG_NUMERIC(arg));
	if (quantity <= 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("the quantity to cancel must be more than 0, not %s", usom_quantity_text(quantity)),
				errhint("Leave it null to cancel all that may be cancelled."));
	return quantity;
}

/* A call that comes twice finds nothing left to cancel or to ask for, and so many units cancelled or asked for already. */
static bool
is_repeat(UsomWithdrawing *withdrawing, int line, UsomQuantity quantity)
{
	return usom_api_takeable(withdrawing, line) == 0 && usom_api_askable(withdrawing, line) == 0 &&
		withdrawing->set->lines[line].counters.by_state[USOM_PIECE_CANCELLED] + usom_api_asked(withdrawing, line) >= quantity;
}

static void
cancel_units(UsomWithdrawing *withdrawing, int line, UsomQuantity quantity)
{
	UsomOrderSet *set = withdrawing->set;
	UsomCredit *credit = usom_credit_open(set);
	UsomQuantity taken = usom_api_take(withdrawing, line, quantity);

	set->orders[0].event_line = set->lines[line].line_no;
	set->orders[0].event_quantity = taken > 0 ? taken : quantity;
	usom_order_settle(set, 0, taken > 0 ? "cancel_line" : "ask_cancel");
	usom_api_release_coupons(set);
	usom_api_withdraw_end(withdrawing);
	usom_order_save(set);
	usom_credit_close(credit, USOM_CREDIT_FOLLOWS);
}

Datum
usom_cancel_line(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "cancel_line", 3);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	UsomOrder  *order = &set->orders[0];
	UsomWithdrawing *withdrawing = usom_api_withdraw_begin(set, USOM_WITHDRAW_CANCEL);
	UsomQuantity quantity;
	int			line;

	usom_order_arg_required(fcinfo, 1, "line_no");
	line = usom_order_find_line(set, 0, PG_GETARG_INT32(1));
	if (order->status >= USOM_ORDER_CLOSED)
		usom_order_refuse(order->order_no, "cancel a line of", order->status);
	usom_order_check_no_component(set, line, "cancel units of");
	usom_order_check_line(set, usom_order_check_whole(set, 0, "cancel"), line);
	quantity = quantity_argument(fcinfo, 2, withdrawing, line);
	if (quantity > 0 && !is_repeat(withdrawing, line, quantity))
		cancel_units(withdrawing, line, quantity);
	return usom_order_answer_status(answer, set);
}
