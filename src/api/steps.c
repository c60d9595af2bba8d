/*
 * steps.c
 *		The decisions about an order: submit, confirm, reject, cancel, close.
 *
 * Each function takes all orders of a loaded set through the same step.  The
 * status in the set is the one they come from; when plain SQL has written the
 * new status already (command.c), the set is told the old one before.  Asking
 * for what already is changes nothing.
 *
 * Locks: the order (by load), credit accounts, stock rows where pieces are made
 * or freed.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/credit.h"
#include "api/finding.h"
#include "api/payment.h"
#include "api/price.h"
#include "api/substitute.h"
#include "api/withdraw.h"
#include "api/waits.h"

#include "base/call.h"
#include "base/errors.h"
#include "order/answer.h"
#include "order/flow.h"
#include "party/party.h"
#include "payment/credit.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_submit_order);
PG_FUNCTION_INFO_V1(usom_confirm_order);
PG_FUNCTION_INFO_V1(usom_reject_order);
PG_FUNCTION_INFO_V1(usom_cancel_order);
PG_FUNCTION_INFO_V1(usom_close_order);

static void
check_step(UsomOrderSet *set, int index, const char *verb, UsomOrderStatus to)
{
	const UsomOrder *order = &set->orders[index];

	if (!usom_lifecycle_commands(&usom_order_lifecycle_table, order->status, to))
		usom_order_refuse(order->order_no, verb, order->status);
	usom_order_check_holds(set, index, verb);
}

static void
take_step(UsomOrderSet *set, int index, const char *verb, UsomOrderStatus to)
{
	set->orders[index].status = to;
	usom_order_settle(set, index, verb);
}

static void
step(UsomOrderSet *set, int index, const char *verb, UsomOrderStatus to)
{
	check_step(set, index, verb, to);
	take_step(set, index, verb, to);
}

static void
allocate(UsomOrderSet *set)
{
	UsomReplacement *replacements;
	int			count;

	usom_api_allocate(set);
	usom_order_save(set);
	usom_api_substitute_waiting(set, &replacements, &count);
}

/* What checks have found holds the order where it is, whatever plain SQL has written. */
static void
hold_back(UsomOrder *order)
{
	order->status = order->status_before;
	order->event = "hold";
	order->changed = true;
}

/* Checked, and confirmed unless something was found. */
static void
go_to_confirmed(UsomOrderSet *set)
{
	UsomChecking **checkings;

	for (int i = 0; i < set->norders; i++)
		check_step(set, i, "confirm", USOM_ORDER_CONFIRMED);
	checkings = usom_api_check_orders(set, USOM_AT_SUBMIT, NULL);
	for (int i = 0; i < set->norders; i++)
	{
		if (usom_api_findings_block(checkings[i], "confirm"))
			hold_back(&set->orders[i]);
		else
			take_step(set, i, "confirm", USOM_ORDER_CONFIRMED);
	}
}

void
usom_api_confirm(UsomOrderSet *set)
{
	go_to_confirmed(set);
	usom_api_take_credit(set);
	allocate(set);
}

void
usom_api_confirm_covered(UsomOrderSet *set)
{
	go_to_confirmed(set);
	allocate(set);
}

bool
usom_api_goes_on(UsomOrderSet *set, int order)
{
	return set->orders[order].status == USOM_ORDER_SUBMITTED && !usom_flow_keeps_submitted(set, order) &&
		!usom_order_is_held(set, order, "confirm");
}

void
usom_api_go_on(UsomOrderSet *set, const UsomChecking *checking)
{
	if (checking->settled > 0 && usom_api_goes_on(set, 0))
		usom_api_confirm(set);
}

static void
check_has_lines(const UsomOrderSet *set, int order)
{
	int			first = usom_order_first_line(set, order);

	if (first < set->nlines && set->lines[first].order == order)
		return;
	ereport(ERROR, errcode(USOM_ERR(NO_LINES)),
			errmsg("cannot submit order \"%s\" without lines", set->orders[order].order_no),
			errhint("Insert rows into usom.order_line first."));
}

/* An order goes on to confirmed by itself unless something stands in the way. */
void
usom_api_submit(UsomOrderSet *set)
{
	UsomPricing **pricings;

	usom_api_expand_kits(set);
	for (int i = 0; i < set->norders; i++)
		check_has_lines(set, i);
	pricings = usom_api_price_again(set);
	for (int i = 0; i < set->norders; i++)
		step(set, i, "submit", USOM_ORDER_SUBMITTED);
	usom_api_check_orders(set, USOM_AT_SUBMIT, NULL);
	usom_api_redeem(set, pricings);
	usom_api_take_payments(set);
	usom_order_save(set);
	usom_api_write_prices(set, pricings);
	for (int i = 0; i < set->norders; i++)
		if (usom_api_goes_on(set, i))
			step(set, i, "confirm", USOM_ORDER_CONFIRMED);
	usom_api_take_credit(set);
	allocate(set);
}

/* Every unit that has not left is cancelled; what it kept in stock is free again.  Of orders that a warehouse is asked about, none. */
static void
cancel_pieces(UsomOrderSet *set, const bool *asked)
{
	int			npieces = set->npieces;

	for (int i = 0; i < set->nlines; i++)
		if (set->lines[i].counters.by_state[USOM_PIECE_BACKORDERED] > 0 && !asked[set->lines[i].order])
			usom_api_settle_waiting(set, i);
	for (int i = 0; i < npieces; i++)
	{
		UsomPiece  *piece = &set->pieces[i];

		if (piece->quantity > 0 && piece->status != USOM_PIECE_CANCELLED && !asked[set->lines[piece->line].order])
			usom_api_take_from_piece(set, i, piece->quantity, USOM_WITHDRAW_CANCEL);
	}
	for (int i = 0; i < set->nlines; i++)
	{
		UsomQuantity open = set->lines[i].counters.by_state[USOM_PIECE_OPEN];

		if (asked[set->lines[i].order])
			continue;
		if (usom_line_is_kit(&set->lines[i]))
			usom_order_cancel_kits(set, i, set->lines[i].quantity - set->lines[i].counters.by_state[USOM_PIECE_CANCELLED]);
		else if (open > 0)
			usom_order_add_piece(set, i, USOM_PIECE_CANCELLED, open, NULL);
	}
}

/* Pieces that were picked are on their way, unless a cut-off says otherwise: they are shipped, or go back to the shelf first. */
static void
check_not_picked(UsomWithdrawing *withdrawing, const UsomOrder *order, int index)
{
	UsomQuantity picked = usom_api_committed_units(withdrawing, index);

	if (picked > 0)
		ereport(ERROR, errcode(USOM_ERR(ILLEGAL_TRANSITION)),
				errmsg("cannot cancel order \"%s\" that is being packed", order->order_no),
				errdetail("%s units are picked or packed.", usom_quantity_text(picked)),
				errhint("Ship it, or put the units back first."));
}

/*
 * The order lives on until the warehouse has answered; what else there is of
 * it is cancelled now.  A call that comes twice asks for nothing new; of what
 * plain SQL has written, the status is put right.
 */
static void
ask_to_cancel(UsomOrderSet *set, UsomWithdrawing *withdrawing, int order)
{
	UsomQuantity units = 0;

	for (int i = usom_order_first_line(set, order); i < set->nlines && set->lines[i].order == order; i++)
	{
		UsomQuantity wanted = usom_line_is_component(&set->lines[i]) ? 0
			: usom_api_takeable(withdrawing, i) + usom_api_askable(withdrawing, i);

		if (wanted > 0)
			usom_api_take(withdrawing, i, wanted);
		units = usom_quantity_add(units, wanted);
	}
	if (units > 0 || strcmp(usom_call_verb(), "cancel_order") != 0)
		usom_order_settle(set, order, "ask_cancel");
}

static void
end_orders(UsomOrderSet *set, const char *verb, UsomOrderStatus to)
{
	UsomCredit *credit = usom_credit_open(set);
	UsomWithdrawing *withdrawing = usom_api_withdraw_begin(set, USOM_WITHDRAW_CANCEL);
	bool	   *asked = palloc0_array(bool, set->norders + 1);

	for (int i = 0; i < set->norders; i++)
	{
		check_not_picked(withdrawing, &set->orders[i], i);
		check_step(set, i, verb, to);
		asked[i] = usom_api_must_ask(withdrawing, i);
		if (!asked[i])
			take_step(set, i, verb, to);
	}
	usom_api_release_coupons(set);
	cancel_pieces(set, asked);
	for (int i = 0; i < set->norders; i++)
	{
		if (asked[i])
			ask_to_cancel(set, withdrawing, i);
		else
			usom_order_settle(set, i, verb);
	}
	usom_api_withdraw_end(withdrawing);
	usom_order_save(set);
	usom_credit_close(credit, USOM_CREDIT_FOLLOWS);
}

void
usom_api_reject(UsomOrderSet *set)
{
	end_orders(set, "reject", USOM_ORDER_REJECTED);
}

void
usom_api_cancel(UsomOrderSet *set)
{
	end_orders(set, "cancel", USOM_ORDER_CANCELLED);
}

void
usom_api_close(UsomOrderSet *set)
{
	for (int i = 0; i < set->norders; i++)
		step(set, i, "close", USOM_ORDER_CLOSED);
	usom_order_save(set);
}

/* A repeated call answers as the first did: submit goes on to confirmed by itself. */
static bool
has_reached(UsomOrderStatus status, UsomOrderStatus decision)
{
	return status == decision || (decision == USOM_ORDER_SUBMITTED && status == USOM_ORDER_CONFIRMED);
}

typedef void (*Step) (UsomOrderSet *set);

static Datum
decide(FunctionCallInfo fcinfo, const char *verb, int reason_arg, UsomOrderStatus decision, Step take)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, verb, reason_arg);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));

	if (!has_reached(set->orders[0].status, decision))
		take(set);
	return usom_order_answer_status(answer, set);
}

Datum
usom_submit_order(PG_FUNCTION_ARGS)
{
	return decide(fcinfo, "submit_order", -1, USOM_ORDER_SUBMITTED, usom_api_submit);
}

Datum
usom_confirm_order(PG_FUNCTION_ARGS)
{
	return decide(fcinfo, "confirm_order", -1, USOM_ORDER_CONFIRMED, usom_api_confirm);
}

Datum
usom_reject_order(PG_FUNCTION_ARGS)
{
	return decide(fcinfo, "reject_order", 1, USOM_ORDER_REJECTED, usom_api_reject);
}

Datum
usom_cancel_order(PG_FUNCTION_ARGS)
{
	return decide(fcinfo, "cancel_order", 1, USOM_ORDER_CANCELLED, usom_api_cancel);
}

Datum
usom_close_order(PG_FUNCTION_ARGS)
{
	return decide(fcinfo, "close_order", -1, USOM_ORDER_CLOSED, usom_api_close);
}
