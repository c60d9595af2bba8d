/*
 * exchange.c
 *		Goods of a return come, for which the customer gets others: what they
 *		cost is paid with for the order of those, and its hold ends.
 *
 * The return's refund goes to the exchange order as far as that costs
 * something: on the one it is a refund that has happened, on the other a sale
 * by the method "exchange".  What is left is asked back as of any return.
 *
 * Locks: both orders, by key, when the return is loaded.
 *
 * Memory: the call's.
 *
 * Invariant: what is refunded of the one for the exchange is paid on the other,
 * to the smallest unit.
 */
#include "postgres.h"

#include "returns/returns.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "order/news.h"
#include "payment/payment.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static UsomQuery lock_both = {
	.text = "SELECT 1 FROM usom.sales_order AS o WHERE o.org_id = $1 AND o.sales_order_id = ANY ($2) ORDER BY o.sales_order_id FOR UPDATE",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

static UsomQuery end_hold = {
	.text = "UPDATE usom.hold AS h SET released_at = $3, released_by = session_user, release_reason = $4 "
	"WHERE h.org_id = $1 AND h.sales_order_id = $2 AND h.hold_type = '" USOM_EXCHANGE_HOLD "' AND h.released_at IS NULL",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "timestamptz", "text"},
};

void
usom_return_lock_both(int64 org_id, int64 sales_order_id, int64 exchange_order_id)
{
	int64		keys[2] = {sales_order_id, exchange_order_id};
	Datum		values[2] = {Int64GetDatum(org_id), usom_query_keys(keys, 2)};

	usom_query_run(&lock_both, values, NULL);
}

/* ---- what is owed back pays for the other order ---- */

/* What is owed for the units that came back, in the smallest unit, up to an amount. */
static UsomShare *
cut_owed(UsomPayments *payments, UsomMoney room, int *nshares)
{
	const UsomOrderSet *set = payments->set;
	UsomShare  *shares = palloc0_array(UsomShare, set->nlines + 1);

	*nshares = 0;
	for (int i = 0; i < set->nlines; i++)
	{
		UsomMoney	owed = Min(usom_payment_owed(payments, i), room);

		owed -= owed % payments->unit;
		if (owed <= 0)
			continue;
		room -= owed;
		shares[(*nshares)++] = (UsomShare) {
			.line_no = set->lines[i].line_no, .amount = owed, .units = owed,
			.tax = usom_payment_refund_tax(payments, usom_payments_line(payments, set->lines[i].line_no), owed)
		};
	}
	return shares;
}

static UsomPaymentFact *
make_fact(const char *kind, const char *reference, int payment)
{
	UsomPaymentFact *fact = palloc0_object(UsomPaymentFact);

	fact->kind = kind;
	fact->reference = reference;
	fact->payment = payment;
	fact->expires_at = USOM_NO_TIME;
	fact->occurred_at = usom_call_time();
	return fact;
}

/* References are of one fact each: the return, and how many facts its order has had. */
static const char *
next_reference(const UsomReturn *back, const UsomPayments *payments)
{
	return psprintf("%s/%d", back->return_no, payments->last_transaction_no + 1);
}

/* Shares become refunds that have happened, from the payment with the highest number down. */
static UsomMoney
refund(const UsomReturn *back, UsomPayments *payments, UsomShare *shares, int nshares)
{
	UsomMoney	total = 0;
	int			next = 0;

	for (int p = payments->count - 1; p >= 0 && next < nshares; p--)
	{
		UsomMoney	room = usom_payment_refundable(&payments->payments[p]);
		UsomPaymentFact *fact = make_fact("refund", next_reference(back, payments), p);

		fact->shares = palloc_array(UsomShare, nshares + 1);
		while (next < nshares && room > fact->amount)
		{
			UsomShare	taken = usom_payment_take(payments, &shares[next], Min(shares[next].amount, room - fact->amount));

			fact->amount += taken.amount;
			fact->shares[fact->nshares++] = taken;
			if (shares[next].amount == 0)
				next++;
		}
		if (fact->amount > 0)
			usom_payment_apply(payments, fact);
		total += fact->amount;
	}
	return total;
}

static void
pay(const UsomReturn *back, UsomOrderSet *exchange, UsomMoney amount)
{
	UsomPayments *payments = usom_payments_load(exchange, 0);
	UsomPaymentFact *fact = make_fact("sale", NULL, payments->count);

	fact->reference = next_reference(back, payments);
	usom_payments_add(payments, "exchange", fact->reference);
	fact->amount = amount;
	fact->shares = usom_payment_cut_capture(payments, amount, &fact->nshares);
	usom_payment_apply(payments, fact);
	usom_payments_write(payments);
}

/* What the order costs and is not paid. */
static UsomMoney
unpaid(const UsomOrder *order)
{
	UsomMoney	paid = order->paid != NULL ? usom_money_of(order->paid, USOM_AMOUNT_DECIMALS) : 0;

	return Max(usom_money_of(order->total, USOM_AMOUNT_DECIMALS) - paid, 0);
}

static void
move_money(UsomReturn *back, UsomOrderSet *exchange)
{
	UsomPayments *payments;
	UsomShare  *shares;
	UsomMoney	moved;
	int			nshares;

	if (back->set->orders[0].paid == NULL || strcmp(back->set->orders[0].currency, exchange->orders[0].currency) != 0)
		return;
	payments = usom_payments_load(back->set, 0);
	shares = cut_owed(payments, unpaid(&exchange->orders[0]), &nshares);
	moved = refund(back, payments, shares, nshares);
	if (moved == 0)
		return;
	usom_payments_write(payments);
	pay(back, exchange, moved);
}

/* ---- the hold ---- */

/* Did all come that was to come, and was it taken back? */
static bool
is_whole(const UsomReturn *back)
{
	for (int i = 0; i < back->nlines; i++)
		if (back->lines[i].accepted < back->lines[i].quantity)
			return false;
	return true;
}

/* Is anything still to come, or to be inspected? */
bool
usom_return_waits(const UsomReturn *back)
{
	for (int i = 0; i < back->nlines; i++)
		if (usom_return_due(&back->lines[i]) > 0 || back->lines[i].received > back->lines[i].accepted + back->lines[i].rejected)
			return true;
	return false;
}

/* When nothing waits any more: the exchange order goes on if all is back, else somebody looks at it. */
static void
settle_exchange(UsomReturn *back, UsomOrderSet *exchange)
{
	Datum		values[4] = {
		Int64GetDatum(exchange->org_id), Int64GetDatum(exchange->orders[0].sales_order_id),
		TimestampTzGetDatum(usom_call_time()), CStringGetTextDatum(psprintf("return %s is back", back->return_no))
	};

	if (usom_return_waits(back))
		return;
	usom_order_settle_case(exchange, 0, 0, "exchange_outstanding");
	if (is_whole(back))
		usom_query_write(&end_hold, values, NULL);
	else
		usom_order_raise(exchange, 0, 0, "exchange_short", back->return_no,
						 psprintf("return %s, which it is the exchange for, is not back whole", back->return_no), NULL, USOM_NO_TIME);
}

void
usom_return_follow_exchange(UsomReturn *back)
{
	UsomOrderSet *exchange;
	UsomOrder  *order;

	if (!back->takes && usom_return_waits(back))
		return;
	exchange = usom_order_load_many(back->set->org_id, &back->exchange_order_id, 1);
	order = &exchange->orders[0];
	Ensure(exchange->norders == 1, "the exchange of a return is no order");
	if (back->takes)
		move_money(back, exchange);
	settle_exchange(back, exchange);
	order->event = "exchange_return";
	order->event_reference = back->return_no;
	order->changed = true;
	usom_order_save(exchange);
}
