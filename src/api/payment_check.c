/*
 * payment_check.c
 *		Cover: what a method wants authorised before goods are released or leave.
 *
 * An order without it is held (type payment) when it is to be released or
 * shipped; the payment that covers it ends the hold.
 *
 * Locks: the order.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/payment.h"

#include "api/api.h"
#include "base/call.h"
#include "base/query.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define CODE "payment_cover"

static UsomQuery end_holds = {
	.text = "UPDATE usom.hold AS h SET released_at = $3, released_by = session_user, release_reason = 'covered' "
	"WHERE h.org_id = $1 AND h.sales_order_id = $2 AND h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > $3) "
	"AND h.hold_type = 'payment' AND h.check_code = $4",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "timestamptz", "text"},
};

/* Units that are neither cancelled nor back. */
static UsomMoney
cost_of_order(const UsomOrderSet *set, int order)
{
	UsomMoney	cost = 0;

	for (int i = usom_order_first_line(set, order); i < set->nlines && set->lines[i].order == order; i++)
	{
		const UsomLine *line = &set->lines[i];

		if (!line->removed)
			cost += usom_order_units_value(line, line->quantity - line->counters.by_state[USOM_PIECE_CANCELLED] -
										   line->counters.by_state[USOM_PIECE_RETURNED]);
	}
	return cost;
}

static bool
is_covered(const UsomPayments *payments, UsomMoney *cost, UsomMoney *cover)
{
	*cost = cost_of_order(payments->set, payments->order);
	*cover = usom_payment_cover(payments, usom_call_time());
	return *cost - *cover < payments->unit;
}

static bool
asks(int64 org_id, const char *method, UsomCheckPoint point)
{
	UsomPaymentCover cover = usom_payment_method(org_id, method)->cover;

	return cover == USOM_COVER_RELEASE || (cover == USOM_COVER_SHIP && point == USOM_AT_SHIP);
}

static bool
is_asked(const UsomPayments *payments, UsomCheckPoint point)
{
	const UsomOrder *order = &payments->set->orders[payments->order];

	if (order->pay_method != NULL && asks(payments->set->org_id, order->pay_method, point))
		return true;
	for (int i = 0; i < payments->count; i++)
		if (asks(payments->set->org_id, payments->payments[i].method, point))
			return true;
	return false;
}

void
usom_api_check_payment(UsomChecking *checking)
{
	const UsomOrder *order = &checking->set->orders[checking->order];
	UsomPayments *payments;
	UsomMoney	cost;
	UsomMoney	cover;

	if ((checking->point != USOM_AT_RELEASE && checking->point != USOM_AT_SHIP) ||
		(order->paid == NULL && order->pay_method == NULL) || !usom_payment_cover_is_asked(checking->set->org_id))
		return;
	payments = usom_payments_load(checking->set, checking->order);
	if (!is_asked(payments, checking->point) || is_covered(payments, &cost, &cover))
		return;
	usom_api_find(checking, (UsomFinding) {
		.code = CODE, .severity = USOM_HOLD, .hold_type = "payment", .hold_until = USOM_NO_TIME,
		.message = "what the order costs is not covered",
		.detail = psprintf("It costs %s %s; %s are paid or authorised", usom_payment_text(cost), order->currency, usom_payment_text(cover)),
		.remedy = psprintf("Call usom.authorize_payment('%s', ...) with what the payment provider authorised.", order->order_no)
	});
}

void
usom_api_release_covered(UsomPayments *payments)
{
	UsomOrderSet *set = payments->set;
	Datum		values[] = {
		Int64GetDatum(set->org_id), Int64GetDatum(set->orders[payments->order].sales_order_id), TimestampTzGetDatum(usom_call_time()),
		CStringGetTextDatum(CODE)
	};
	UsomMoney	cost;
	UsomMoney	cover;

	if (!usom_payment_cover_is_asked(set->org_id) || !is_covered(payments, &cost, &cover))
		return;
	usom_query_write(&end_holds, values, NULL);
}
