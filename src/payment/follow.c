/*
 * follow.c
 *		Payments follow what becomes of their orders.
 *
 * Called by every save of orders, before it writes.  What has left is to be
 * captured, or invoiced, or was collected at the door; what came back or was
 * cancelled is to be refunded; what nobody will capture any more is to be
 * voided.  Each is the difference between what the counters of the lines say
 * and what was recorded and asked for so far, so that a step done twice, or in
 * two halves, asks for nothing twice.
 *
 * An order without payments costs nothing here.
 *
 * Locks: the orders.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "payment/payment.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/payload.h"
#include "order/news.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#define MILLIONTHS 100			/* of a unit, in 10^-4 of it */

static const UsomPaymentMethod *
method_of(const UsomPayments *payments, int payment)
{
	return usom_payment_method(payments->set->org_id, payments->payments[payment].method);
}

static bool
is_open(const UsomPayment *payment, TimestampTz at)
{
	return payment->expires_at == USOM_NO_TIME || payment->expires_at > at;
}

UsomMoney
usom_payment_cover(const UsomPayments *payments, TimestampTz at)
{
	UsomMoney	cover = 0;

	for (int i = 0; i < payments->count; i++)
	{
		cover += usom_payment_refundable(&payments->payments[i]);
		if (is_open(&payments->payments[i], at))
			cover += usom_payment_capturable(&payments->payments[i]);
	}
	return cover;
}

/* ---- what is to be captured ---- */

/* Shares of what units cost that are neither captured nor asked for: by line, in the smallest unit together. */
static UsomShare *
cut_due(UsomPayments *payments, bool delivered, int *nshares)
{
	const UsomOrderSet *set = payments->set;
	int			first = usom_order_first_line(set, payments->order);
	UsomShare  *shares = palloc0_array(UsomShare, set->nlines - first + 1);
	UsomMoney	sum = 0;
	UsomMoney	odd;

	*nshares = 0;
	for (int i = first; i < set->nlines && set->lines[i].order == payments->order; i++)
	{
		const UsomLine *line = &set->lines[i];
		const UsomPaidLine *paid = usom_payments_line(payments, line->line_no);
		UsomQuantity on_the_way = delivered ? line->counters.by_state[USOM_PIECE_SHIPPED] : 0;
		UsomMoney	due = usom_order_units_value(line, usom_order_units_left(line) - on_the_way);

		due -= paid->sums.captured + paid->sums.capture_wanted + paid->sums.credited;
		if (due <= 0 || line->removed)
			continue;
		shares[(*nshares)++] = (UsomShare) {.line_no = line->line_no, .amount = due};
		sum += due;
	}
	odd = sum % payments->unit;
	if (odd != 0)
		shares[*nshares - 1].amount += 2 * odd >= payments->unit ? payments->unit - odd : -Min(odd, shares[*nshares - 1].amount);
	return shares;
}

/* As many shares as there is room for; those become a request of the payment. */
static UsomPaymentRequest
gather(UsomPayments *payments, UsomShare *left, int nshares, int *next, UsomMoney room)
{
	UsomPaymentRequest request = {.due_at = USOM_NO_TIME, .shares = palloc_array(UsomShare, nshares + 1)};

	while (*next < nshares && room > request.amount)
	{
		UsomShare	taken = usom_payment_take(payments, &left[*next], Min(left[*next].amount, room - request.amount));

		request.amount += taken.amount;
		if (taken.amount > 0)
			request.shares[request.nshares++] = taken;
		if (left[*next].amount == 0)
			(*next)++;
	}
	return request;
}

static TimestampTz
due_at(const UsomPaymentMethod *method)
{
	Interval	days = {.day = method->days_due};

	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(usom_call_time()),
												   IntervalPGetDatum(&days)));
}

static UsomMoney
room_of(const UsomPayments *payments, int payment)
{
	const UsomPayment *from = &payments->payments[payment];

	if (method_of(payments, payment)->terms != USOM_PREPAID || !is_open(from, usom_call_time()))
		return 0;
	return Max(usom_payment_capturable(from) - from->sums.capture_wanted, 0);
}

/* What no payment covers: somebody has to get another authorisation, or the money. */
static void
raise_short(UsomPayments *payments, UsomMoney amount, const char *reference)
{
	const UsomOrder *order = &payments->set->orders[payments->order];
	UsomPayload payload = usom_payload_begin();
	Jsonb	   *detail;

	usom_payload_text(&payload, "order_no", order->order_no);
	usom_payload_quantity(&payload, "amount", amount * MILLIONTHS);
	usom_payload_text(&payload, "currency", order->currency);
	usom_payload_text(&payload, "reference", reference);
	detail = usom_payload_end(&payload);
	usom_order_tell(payments->set, payments->order, "authorize_wanted", detail);
	usom_order_raise(payments->set, payments->order, 0, "payment_short", NULL,
					 psprintf("%s %s of what has left are not covered", usom_payment_text(amount), order->currency), detail, USOM_NO_TIME);
}

/* On account: what prepaid payments do not cover is to be paid later. */
static void
invoice(UsomPayments *payments, UsomShare *left, int nshares, int *next, const char *reference)
{
	for (int p = 0; p < payments->count; p++)
	{
		const UsomPaymentMethod *method = method_of(payments, p);
		UsomPaymentRequest request;

		if (method->terms != USOM_ON_ACCOUNT)
			continue;
		request = gather(payments, left, nshares, next, PG_INT64_MAX);
		request.payment = p;
		request.kind = "invoice";
		request.reference = reference;
		request.due_at = due_at(method);
		if (request.amount > 0)
			usom_payment_ask(payments, request);
		return;
	}
}

static bool
has_cod(const UsomPayments *payments)
{
	for (int p = 0; p < payments->count; p++)
		if (method_of(payments, p)->terms == USOM_COD)
			return true;
	return false;
}

void
usom_payment_collect(UsomPayments *payments, const char *reference)
{
	int			nshares;
	UsomShare  *left = cut_due(payments, false, &nshares);
	UsomMoney	missing = 0;
	int			next = 0;

	for (int p = 0; p < payments->count && next < nshares; p++)
	{
		UsomPaymentRequest request = gather(payments, left, nshares, &next, room_of(payments, p));

		request.payment = p;
		request.kind = "capture";
		request.reference = reference;
		if (request.amount > 0)
			usom_payment_ask(payments, request);
	}
	if (next < nshares)
		invoice(payments, left, nshares, &next, reference);
	for (int i = next; i < nshares; i++)
		missing += left[i].amount;
	if (missing > 0 && !has_cod(payments))
		raise_short(payments, missing, reference);
	else if (missing == 0)
		usom_order_settle_case(payments->set, payments->order, 0, "payment_short");
}

/* Cash on delivery: whoever delivered it has the money. */
static void
take_cash(UsomPayments *payments, const char *reference)
{
	UsomPaymentFact *fact = palloc0_object(UsomPaymentFact);

	while (fact->payment < payments->count && method_of(payments, fact->payment)->terms != USOM_COD)
		fact->payment++;
	if (fact->payment == payments->count)
		return;
	fact->shares = cut_due(payments, true, &fact->nshares);
	for (int i = 0; i < fact->nshares; i++)
		fact->amount += fact->shares[i].amount;
	if (fact->amount == 0)
		return;
	fact->kind = "sale";
	fact->reference = reference;
	fact->expires_at = USOM_NO_TIME;
	fact->occurred_at = usom_call_time();
	usom_payment_apply(payments, fact);
}

/* ---- what is to go back ---- */

UsomMoney
usom_payment_owed(UsomPayments *payments, int index)
{
	const UsomLine *line = &payments->set->lines[index];
	const UsomPaidLine *paid = usom_payments_line(payments, line->line_no);
	UsomQuantity kept = line->quantity - line->counters.by_state[USOM_PIECE_CANCELLED] - line->counters.by_state[USOM_PIECE_RETURNED];
	UsomMoney	returned = usom_order_returned_value(line) - paid->sums.for_units;
	UsomMoney	beyond = paid->sums.captured - paid->sums.for_units - usom_order_units_value(line, kept);

	if (line->removed || kept == 0)
		return usom_paid_net(paid);
	return Min(Max(Max(returned, beyond), 0), usom_paid_net(paid));
}

/* Nothing of the order is left to pay for. */
static bool
is_all_back(const UsomOrderSet *set, int order)
{
	for (int i = usom_order_first_line(set, order); i < set->nlines && set->lines[i].order == order; i++)
	{
		const UsomLine *line = &set->lines[i];

		if (!line->removed &&
			line->quantity > line->counters.by_state[USOM_PIECE_CANCELLED] + line->counters.by_state[USOM_PIECE_RETURNED])
			return false;
	}
	return true;
}

/* The amount is one of the currency: what is less than its smallest unit waits for the rest. */
static void
take_odd(UsomPayments *payments, UsomShare *shares, int nshares)
{
	UsomMoney	sum = 0;

	for (int i = 0; i < nshares; i++)
		sum += shares[i].amount;
	for (int i = nshares - 1; i >= 0 && sum % payments->unit != 0; i--)
	{
		UsomMoney	odd = Min(sum % payments->unit, shares[i].amount);

		shares[i].amount -= odd;
		shares[i].tax = Min(shares[i].tax, shares[i].amount);
		shares[i].units = Min(shares[i].units, shares[i].amount);
		sum -= odd;
	}
}

static void
add_share(UsomPayments *payments, UsomShare *shares, int *nshares, int32 line_no, UsomMoney amount)
{
	if (amount <= 0)
		return;
	shares[(*nshares)++] = (UsomShare) {
		.line_no = line_no, .amount = amount, .units = amount,
		.tax = usom_payment_refund_tax(payments, usom_payments_line(payments, line_no), amount)
	};
}

static void
give_back(UsomPayments *payments, const char *reference)
{
	const UsomOrderSet *set = payments->set;
	int			first = usom_order_first_line(set, payments->order);
	UsomShare  *shares = palloc0_array(UsomShare, set->nlines - first + 2);
	int			nshares = 0;

	for (int i = first; i < set->nlines && set->lines[i].order == payments->order; i++)
		add_share(payments, shares, &nshares, set->lines[i].line_no, usom_payment_owed(payments, i));
	if (is_all_back(set, payments->order))
		add_share(payments, shares, &nshares, 0, usom_paid_net(usom_payments_line(payments, 0)));
	take_odd(payments, shares, nshares);
	while (nshares > 0 && shares[nshares - 1].amount == 0)
		nshares--;
	usom_payment_ask_refund(payments, shares, nshares, reference, usom_call_reason());
}

/* ---- what is on account and not to be paid any more ---- */

/* Of what is invoiced and not paid, the part for units that the customer has no longer; after refunds were asked for. */
static UsomMoney
credit_due(UsomPayments *payments, int index)
{
	const UsomLine *line = &payments->set->lines[index];
	const UsomPaidLine *paid = usom_payments_line(payments, line->line_no);
	UsomMoney	kept = line->removed ? 0 : usom_order_left_value(line) - usom_order_returned_value(line);

	return Min(Max(usom_paid_net(paid) + paid->sums.capture_wanted - kept, 0), paid->sums.capture_wanted);
}

/* In the smallest unit of the currency, unless nothing of the order is left to pay for. */
static bool
find_credit(UsomPayments *payments, UsomMoney *due)
{
	const UsomOrderSet *set = payments->set;
	bool		any = false;

	for (int i = usom_order_first_line(set, payments->order); i < set->nlines && set->lines[i].order == payments->order; i++)
	{
		due[i] = credit_due(payments, i);
		if (!is_all_back(set, payments->order))
			due[i] -= due[i] % payments->unit;
		any |= due[i] > 0;
	}
	return any;
}

/* What of an invoice is for lines that have credit; lowers due[], by line of the set. */
static UsomPaymentRequest
credit_of(const UsomPayments *payments, UsomPaymentRequest *invoice, UsomMoney *due)
{
	const UsomOrderSet *set = payments->set;
	UsomPaymentRequest credit = {
		.payment = invoice->payment, .due_at = USOM_NO_TIME, .shares = palloc_array(UsomShare, invoice->nshares + 1), .reason = usom_call_reason()
	};

	for (int i = 0; i < invoice->nshares; i++)
		for (int j = usom_order_first_line(set, payments->order); j < set->nlines && set->lines[j].order == payments->order; j++)
		{
			UsomMoney	amount = set->lines[j].line_no == invoice->shares[i].line_no ? Min(due[j], invoice->shares[i].amount) : 0;
			UsomShare	taken;

			if (amount <= 0)
				continue;
			taken = usom_payment_take(payments, &invoice->shares[i], amount);
			taken.units = taken.amount;
			due[j] -= amount;
			credit.amount += amount;
			credit.shares[credit.nshares++] = taken;
		}
	return credit;
}

/* The invoice is withdrawn, what is left of it asked for anew. */
static void
credit_invoice(UsomPayments *payments, UsomPaymentRequest *invoice, UsomMoney *due, const char *reference)
{
	TimestampTz due_at = invoice->due_at;
	UsomPaymentRequest whole = *invoice;
	UsomPaymentRequest rest = *invoice;
	UsomPaymentRequest credit;

	rest.shares = memcpy(palloc_array(UsomShare, invoice->nshares + 1), invoice->shares, invoice->nshares * sizeof(UsomShare));
	credit = credit_of(payments, &rest, due);
	if (credit.amount == 0 || credit.amount % payments->unit != 0)
		return;
	rest.amount = whole.amount - credit.amount;
	rest.due_at = due_at;
	usom_payment_unask(payments, invoice, "withdrawn");
	credit.reference = reference;
	usom_payment_credit(payments, credit);
	if (rest.amount > 0)
		usom_payment_ask(payments, rest);
}

/* Goods on account that come back before they are paid: nothing goes back, less is to be paid. */
static void
credit_unpaid(UsomPayments *payments, const char *reference)
{
	UsomMoney  *due = palloc0_array(UsomMoney, Max(payments->set->nlines, 1));
	int			nwanted;
	UsomPaymentRequest *wanted;

	if (likely(!find_credit(payments, due)))
		return;
	wanted = usom_payments_wanted(payments, &nwanted);
	for (int i = nwanted - 1; i >= 0; i--)
		if (strcmp(wanted[i].kind, "invoice") == 0)
			credit_invoice(payments, &wanted[i], due, reference);
}

/* ---- what nobody will capture ---- */

static void
give_up(UsomPayments *payments)
{
	for (int p = 0; p < payments->count; p++)
	{
		UsomMoney	rest = room_of(payments, p);

		if (rest > 0)
			usom_payment_ask(payments, (UsomPaymentRequest) {
				.payment = p, .kind = "void", .amount = rest, .due_at = USOM_NO_TIME, .reason = usom_call_reason()
			});
	}
}

/* ---- every save ---- */

static bool
has_ended(const UsomOrder *order)
{
	return order->status >= USOM_ORDER_CLOSED && order->status != order->status_before;
}

static bool
has_changed_lines(const UsomOrderSet *set, int order)
{
	for (int i = usom_order_first_line(set, order); i < set->nlines && set->lines[i].order == order; i++)
		if (set->lines[i].changed)
			return true;
	return false;
}

/* Steps that neither send units, nor take any back, nor change what they cost. */
static bool
is_inside(const char *event)
{
	static const char *const inside[] = {"submit", "confirm", "allocate", "reallocate", "fill", "backorder_run", "release", NULL};

	for (const char *const *name = inside; *name != NULL; name++)
		if (event != NULL && strcmp(event, *name) == 0)
			return true;
	return false;
}

static bool
concerns(const UsomOrderSet *set, int index)
{
	const UsomOrder *order = &set->orders[index];

	if (likely(order->paid == NULL && order->pay_method == NULL) || !order->changed || order->is_new)
		return false;
	if (order->paid == NULL && usom_payment_method(set->org_id, order->pay_method)->terms == USOM_PREPAID)
		return false;
	return has_ended(order) || (!is_inside(order->event) && has_changed_lines(set, index));
}

static bool
is_event(const UsomOrder *order, const char *event)
{
	return order->event != NULL && strcmp(order->event, event) == 0;
}

static void
follow_order(UsomOrderSet *set, int index)
{
	const UsomOrder *order = &set->orders[index];
	UsomPayments *payments = usom_payments_load(set, index);

	/* Terms of the document: what was not authorised by anybody has no payment yet. */
	if (payments->count == 0 && order->pay_method != NULL && (is_event(order, "ship") || is_event(order, "deliver")))
		usom_payments_add(payments, order->pay_method, NULL);
	if (is_event(order, "ship"))
		usom_payment_collect(payments, order->event_reference);
	else if (is_event(order, "deliver"))
		take_cash(payments, order->event_reference);
	else
	{
		give_back(payments, is_event(order, "return") ? order->event_reference : NULL);
		credit_unpaid(payments, is_event(order, "return") ? order->event_reference : NULL);
	}
	if (has_ended(order))
		give_up(payments);
	usom_payments_write(payments);
}

static void
follow(UsomOrderSet *set)
{
	for (int i = 0; i < set->norders; i++)
		if (unlikely(concerns(set, i)))
			follow_order(set, i);
}

void
usom_payment_init(void)
{
	usom_payment_method_init();
	usom_order_at_save(follow);
}
