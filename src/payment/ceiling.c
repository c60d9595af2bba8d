/*
 * ceiling.c
 *		What may be captured and refunded, and whose share of it is whose.
 *
 * Pure but for errors and the events that requests are: no SPI.  A share of
 * tax follows from the sum so far: of what was captured for a line the tax has
 * round(tax * captured / whole), of what went back round(captured tax * back /
 * captured).  So whatever the steps, the tax of all of it is the tax.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "payment/payment.h"

#include "base/errors.h"
#include "base/payload.h"
#include "order/news.h"
#include "utils/builtins.h"

#define MILLIONTHS 100			/* of a unit, in 10^-4 of it */

char *
usom_payment_text(UsomMoney amount)
{
	return usom_quantity_text(amount * MILLIONTHS);
}

static const UsomOrder *
order_of(const UsomPayments *payments)
{
	return &payments->set->orders[payments->order];
}

/* ---- shares ---- */

/* Down to the smallest unit of the currency. */
static UsomMoney
cut_tax(const UsomPayments *payments, UsomMoney tax, UsomMoney part, UsomMoney whole)
{
	UsomMoney	unit = tax % payments->unit == 0 ? payments->unit : 1;

	if (part >= whole)
		return tax;
	return usom_money_scale(tax / unit, part, whole) * unit;
}

/* Tax that belongs to what was captured of a line so far. */
static UsomMoney
captured_tax(const UsomPayments *payments, const UsomLine *line, UsomMoney captured)
{
	UsomMoney	whole = usom_order_units_value(line, line->quantity);
	UsomMoney	tax = usom_money_of(line->tax, USOM_AMOUNT_DECIMALS);

	return whole > 0 && captured > 0 ? cut_tax(payments, tax, captured, whole) : 0;
}

static const UsomLine *
find_line(const UsomPayments *payments, int32 line_no)
{
	const UsomOrderSet *set = payments->set;

	for (int i = usom_order_first_line(set, payments->order); i < set->nlines && set->lines[i].order == payments->order; i++)
		if (set->lines[i].line_no == line_no)
			return &set->lines[i];
	return NULL;
}

/* Never less than nothing, never more than the amount: prices may have changed meanwhile. */
static UsomMoney
tax_to_capture(const UsomPayments *payments, const UsomPaidLine *paid, UsomMoney amount)
{
	const UsomLine *line = find_line(payments, paid->line_no);
	UsomMoney	tax = line == NULL ? 0 : captured_tax(payments, line, paid->sums.captured + amount) - paid->sums.captured_tax;

	return Min(Max(tax, 0), amount);
}

UsomMoney
usom_payment_refund_tax(const UsomPayments *payments, const UsomPaidLine *line, UsomMoney amount)
{
	UsomMoney	back = line->sums.refunded + line->sums.refund_wanted;
	UsomMoney	tax_back = line->sums.refunded_tax + line->sums.refund_wanted_tax;
	UsomMoney	tax;

	if (line->sums.captured == 0 || back + amount >= line->sums.captured)
		return line->sums.captured_tax - tax_back;
	tax = cut_tax(payments, line->sums.captured_tax, back + amount, line->sums.captured);
	return Min(Max(tax - tax_back, 0), Min(amount, line->sums.captured_tax - tax_back));
}

/* By largest remainder, in the smallest unit if all is in it. */
static void
apportion(const UsomPayments *payments, UsomMoney amount, const UsomMoney *weights, int n, UsomMoney *parts)
{
	UsomMoney	unit = amount % payments->unit == 0 ? payments->unit : 1;

	usom_money_apportion(amount / unit, weights, n, parts);
	for (int i = 0; i < n; i++)
		parts[i] *= unit;
}

/* Parts of an amount that do not exceed their limits, whose sum is not below the amount. */
static void
apportion_within(const UsomPayments *payments, UsomMoney amount, const UsomMoney *limits, int n, UsomMoney *parts)
{
	UsomMoney	left = 0;

	apportion(payments, amount, limits, n, parts);
	for (int i = 0; i < n; i++)
	{
		left += Max(parts[i] - limits[i], 0);
		parts[i] = Min(parts[i], limits[i]);
	}
	for (int i = 0; i < n && left > 0; i++)
	{
		UsomMoney	more = Min(left, limits[i] - parts[i]);

		parts[i] += more;
		left -= more;
	}
}

/* What the line costs still: without what was cancelled, and what was captured already. */
static UsomMoney
still_to_capture(UsomPayments *payments, const UsomLine *line)
{
	const UsomPaidLine *paid = usom_payments_line(payments, line->line_no);
	UsomMoney	value = usom_order_units_value(line, line->quantity - line->counters.by_state[USOM_PIECE_CANCELLED]);

	return line->removed ? 0 : Max(value - (paid->sums.captured - paid->sums.refunded), 0);
}

UsomShare *
usom_payment_cut_capture(UsomPayments *payments, UsomMoney amount, int *nshares)
{
	const UsomOrderSet *set = payments->set;
	int			first = usom_order_first_line(set, payments->order);
	int			n = 0;
	UsomMoney  *limits;
	UsomMoney  *parts;
	UsomMoney	sum = 0;
	UsomShare  *shares;

	while (first + n < set->nlines && set->lines[first + n].order == payments->order)
		n++;
	limits = palloc_array(UsomMoney, n + 1);
	parts = palloc_array(UsomMoney, n + 1);
	shares = palloc0_array(UsomShare, n + 1);
	for (int i = 0; i < n; i++)
		sum += limits[i] = still_to_capture(payments, &set->lines[first + i]);
	apportion_within(payments, Min(amount, sum), limits, n, parts);
	*nshares = 0;
	for (int i = 0; i < n; i++)
		if (parts[i] > 0)
			shares[(*nshares)++] = (UsomShare) {.line_no = set->lines[first + i].line_no, .amount = parts[i]};
	if (amount > sum)
		shares[(*nshares)++] = (UsomShare) {.line_no = 0, .amount = amount - sum};
	return shares;
}

UsomShare *
usom_payment_cut_refund(UsomPayments *payments, UsomMoney amount, int *nshares)
{
	int			n = payments->nlines;
	UsomMoney  *limits = palloc_array(UsomMoney, n + 1);
	UsomMoney  *parts = palloc_array(UsomMoney, n + 1);
	UsomShare  *shares = palloc0_array(UsomShare, n + 1);

	for (int i = 0; i < n; i++)
		limits[i] = usom_paid_net(&payments->lines[i]);
	apportion_within(payments, amount, limits, n, parts);
	*nshares = 0;
	for (int i = 0; i < n; i++)
		if (parts[i] > 0)
			shares[(*nshares)++] = (UsomShare) {
			.line_no = payments->lines[i].line_no, .amount = parts[i], .tax = usom_payment_refund_tax(payments, &payments->lines[i], parts[i])
		};
	return shares;
}

UsomShare *
usom_payment_scale_shares(const UsomPayments *payments, const UsomShare *shares, int nshares, UsomMoney amount)
{
	UsomMoney  *weights = palloc_array(UsomMoney, nshares + 1);
	UsomMoney  *parts = palloc_array(UsomMoney, nshares + 1);
	UsomShare  *scaled = palloc_array(UsomShare, nshares + 1);

	for (int i = 0; i < nshares; i++)
		weights[i] = shares[i].amount;
	apportion_within(payments, amount, weights, nshares, parts);
	for (int i = 0; i < nshares; i++)
	{
		scaled[i] = shares[i];
		scaled[i].amount = parts[i];
		scaled[i].tax = Min(shares[i].tax, parts[i]);
		scaled[i].units = Min(shares[i].units, parts[i]);
		scaled[i].freight = Min(shares[i].freight, parts[i]);
	}
	return scaled;
}

/* ---- facts ---- */

static void
refuse(const UsomPayments *payments, const char *verb, UsomMoney amount, UsomMoney room, const char *detail)
{
	ereport(ERROR, errcode(USOM_ERR(ABOVE_CEILING)),
			errmsg("cannot %s %s %s of order \"%s\"", verb, usom_payment_text(amount), order_of(payments)->currency, order_of(payments)->order_no),
			errdetail("%s", detail),
			room > 0 ? errhint("At most %s.", usom_payment_text(room))
			: errhint("Look at usom.payments WHERE order_no = '%s'.", order_of(payments)->order_no));
}

static void
check_capturable(const UsomPayments *payments, const UsomPayment *payment, const char *verb, UsomMoney amount)
{
	if (amount <= usom_payment_capturable(payment))
		return;
	refuse(payments, verb, amount, usom_payment_capturable(payment),
		   psprintf("%s are authorised, %s of them voided and %s captured.", usom_payment_text(payment->sums.authorized),
					usom_payment_text(payment->sums.voided), usom_payment_text(payment->sums.captured)));
}

static void
check_refundable(const UsomPayments *payments, const UsomPayment *payment, const char *verb, UsomMoney amount)
{
	if (amount <= usom_payment_refundable(payment))
		return;
	refuse(payments, verb, amount, usom_payment_refundable(payment),
		   psprintf("%s are captured, %s of them refunded, %s asked to be refunded, and %s charged back.",
					usom_payment_text(payment->sums.captured), usom_payment_text(payment->sums.refunded),
					usom_payment_text(payment->sums.refund_wanted), usom_payment_text(payment->sums.charged_back)));
}

/* Of a line, and of its tax. */
static void
check_share(UsomPayments *payments, const UsomShare *share, const char *verb)
{
	const UsomPaidLine *line = usom_payments_line(payments, share->line_no);
	UsomMoney	tax_left = line->sums.captured_tax - line->sums.refunded_tax - line->sums.refund_wanted_tax;

	if (share->amount > usom_paid_net(line))
		refuse(payments, verb, share->amount, usom_paid_net(line),
			   psprintf("For line %d %s are captured, %s of them refunded and %s asked to be refunded.", share->line_no,
						usom_payment_text(line->sums.captured), usom_payment_text(line->sums.refunded),
						usom_payment_text(line->sums.refund_wanted)));
	if (share->tax > tax_left || share->tax > share->amount || usom_paid_net(line) - share->amount < tax_left - share->tax)
		refuse(payments, verb, share->amount, 0,
			   psprintf("With %s of tax: of line %d %s were captured with %s of tax, and %s with %s went back or are asked to.",
						usom_payment_text(share->tax), share->line_no, usom_payment_text(line->sums.captured),
						usom_payment_text(line->sums.captured_tax), usom_payment_text(line->sums.refunded + line->sums.refund_wanted),
						usom_payment_text(line->sums.refunded_tax + line->sums.refund_wanted_tax)));
}

static void
capture_shares(UsomPayments *payments, UsomPaymentFact *fact)
{
	for (int i = 0; i < fact->nshares; i++)
	{
		UsomPaidLine *line = usom_payments_line(payments, fact->shares[i].line_no);

		fact->shares[i].tax = tax_to_capture(payments, line, fact->shares[i].amount);
		line->sums.captured += fact->shares[i].amount;
		line->sums.captured_tax += fact->shares[i].tax;
	}
}

/* Each is checked when those before it are counted: a line may come twice. */
static void
refund_shares(UsomPayments *payments, const UsomPaymentFact *fact, const char *verb)
{
	for (int i = 0; i < fact->nshares; i++)
	{
		UsomPaidLine *line = usom_payments_line(payments, fact->shares[i].line_no);

		check_share(payments, &fact->shares[i], verb);
		line->sums.refunded += fact->shares[i].amount;
		line->sums.refunded_tax += fact->shares[i].tax;
		line->sums.for_units += fact->shares[i].units;
		line->sums.for_freight += fact->shares[i].freight;
	}
}

/* The bank gives back what it took: the money of the lines, as if it had stayed. */
static void
reverse(UsomPayments *payments, UsomPayment *payment, const UsomPaymentFact *fact)
{
	if (fact->amount > payment->sums.charged_back)
		refuse(payments, "reverse", fact->amount, payment->sums.charged_back,
			   psprintf("%s are charged back and not reversed.", usom_payment_text(payment->sums.charged_back)));
	payment->sums.charged_back -= fact->amount;
	for (int i = 0; i < fact->nshares; i++)
	{
		UsomPaidLine *line = usom_payments_line(payments, fact->shares[i].line_no);

		line->sums.refunded -= fact->shares[i].amount;
		line->sums.refunded_tax -= fact->shares[i].tax;
		line->sums.for_units -= fact->shares[i].units;
		line->sums.for_freight -= fact->shares[i].freight;
	}
}

static void
apply_money(UsomPayments *payments, UsomPaymentFact *fact)
{
	UsomPayment *payment = &payments->payments[fact->payment];

	if (strcmp(fact->kind, "authorize") == 0 || strcmp(fact->kind, "sale") == 0)
	{
		payment->sums.authorized += fact->amount;
		if (strcmp(fact->kind, "authorize") == 0)
			payment->expires_at = fact->expires_at;
	}
	if (strcmp(fact->kind, "capture") == 0 || strcmp(fact->kind, "sale") == 0)
	{
		check_capturable(payments, payment, "capture", fact->amount);
		payment->sums.captured += fact->amount;
		capture_shares(payments, fact);
	}
	else if (strcmp(fact->kind, "void") == 0)
	{
		check_capturable(payments, payment, "void", fact->amount);
		payment->sums.voided += fact->amount;
	}
	else if (strcmp(fact->kind, "refund") == 0)
	{
		check_refundable(payments, payment, "refund", fact->amount);
		payment->sums.refunded += fact->amount;
		refund_shares(payments, fact, "refund");
	}
	else if (strcmp(fact->kind, "chargeback") == 0)
	{
		check_refundable(payments, payment, "charge back", fact->amount);
		payment->sums.charged_back += fact->amount;
		refund_shares(payments, fact, "charge back");
	}
	else if (strcmp(fact->kind, "reversal") == 0)
		reverse(payments, payment, fact);
}

void
usom_payment_apply(UsomPayments *payments, UsomPaymentFact *fact)
{
	if (!fact->failed)
		apply_money(payments, fact);
	else
		fact->nshares = 0;
	fact->transaction_no = ++payments->last_transaction_no;
	payments->facts = lappend(payments->facts, fact);
}

/* ---- requests ---- */

/* Counted as wanted, or no longer: direction 1 or -1. */
static void
count_request(UsomPayments *payments, const UsomPaymentRequest *request, int direction)
{
	UsomPayment *payment = &payments->payments[request->payment];
	bool		refunds = strcmp(request->kind, "refund") == 0;

	if (refunds)
		payment->sums.refund_wanted += direction * request->amount;
	else if (strcmp(request->kind, "void") != 0)
		payment->sums.capture_wanted += direction * request->amount;
	for (int i = 0; i < request->nshares; i++)
	{
		UsomPaidLine *line = usom_payments_line(payments, request->shares[i].line_no);

		if (!refunds)
		{
			line->sums.capture_wanted += direction * request->shares[i].amount;
			continue;
		}
		line->sums.refund_wanted += direction * request->shares[i].amount;
		line->sums.refund_wanted_tax += direction * request->shares[i].tax;
		line->sums.for_units += direction * request->shares[i].units;
		line->sums.for_freight += direction * request->shares[i].freight;
	}
}

static void
tell_request(UsomPayments *payments, const UsomPaymentRequest *request)
{
	const UsomPayment *payment = &payments->payments[request->payment];
	UsomPayload payload = usom_payload_begin();

	usom_payload_text(&payload, "request", psprintf("%s/%d", order_of(payments)->order_no, request->request_no));
	usom_payload_quantity(&payload, "amount", request->amount * MILLIONTHS);
	usom_payload_text(&payload, "currency", order_of(payments)->currency);
	usom_payload_text(&payload, "method", payment->method);
	usom_payload_text(&payload, "payment_reference", payment->reference);
	usom_payload_text(&payload, "reference", request->reference);
	if (request->due_at != USOM_NO_TIME)
		usom_payload_time(&payload, "due_at", request->due_at);
	usom_order_tell(payments->set, payments->order, psprintf("%s_wanted", request->kind), usom_payload_end(&payload));
}

void
usom_payment_ask(UsomPayments *payments, UsomPaymentRequest request)
{
	UsomPaymentRequest *kept = palloc_object(UsomPaymentRequest);

	*kept = request;
	kept->request_no = ++payments->last_request_no;
	kept->status = "wanted";
	if (strcmp(kept->kind, "refund") == 0)
	{
		check_refundable(payments, &payments->payments[kept->payment], "refund", kept->amount);
		for (int i = 0; i < kept->nshares; i++)
			check_share(payments, &kept->shares[i], "refund");
	}
	count_request(payments, kept, 1);
	payments->requests = lappend(payments->requests, kept);
	tell_request(payments, kept);
}

void
usom_payment_credit(UsomPayments *payments, UsomPaymentRequest request)
{
	UsomPaymentRequest *kept = palloc_object(UsomPaymentRequest);

	*kept = request;
	kept->kind = "credit";
	kept->request_no = ++payments->last_request_no;
	kept->status = "done";
	for (int i = 0; i < kept->nshares; i++)
	{
		UsomPaidLine *line = usom_payments_line(payments, kept->shares[i].line_no);

		line->sums.for_units += kept->shares[i].units;
		line->sums.credited += kept->shares[i].units;
	}
	payments->requests = lappend(payments->requests, kept);
	tell_request(payments, kept);
}

void
usom_payment_unask(UsomPayments *payments, UsomPaymentRequest *request, const char *status)
{
	count_request(payments, request, -1);
	request->status = status;
	request->due_at = USOM_NO_TIME;
	payments->answered = lappend(payments->answered, request);
}

UsomShare
usom_payment_take(const UsomPayments *payments, UsomShare *share, UsomMoney amount)
{
	UsomShare	taken = *share;

	if (amount < share->amount)
	{
		taken.amount = amount;
		taken.tax = Min(cut_tax(payments, share->tax, amount, share->amount), amount);
		taken.units = Min(share->units, amount);
		taken.freight = Min(share->freight, amount);
	}
	share->amount -= taken.amount;
	share->tax -= taken.tax;
	share->units -= taken.units;
	share->freight -= taken.freight;
	return taken;
}

void
usom_payment_ask_refund(UsomPayments *payments, const UsomShare *shares, int nshares, const char *reference, const char *reason)
{
	UsomShare  *left = palloc_array(UsomShare, nshares + 1);
	int			next = 0;

	for (int i = 0; i < nshares; i++)
	{
		check_share(payments, &shares[i], "refund");
		left[i] = shares[i];
	}
	for (int p = payments->count - 1; p >= 0 && next < nshares; p--)
	{
		UsomMoney	room = usom_payment_refundable(&payments->payments[p]);
		UsomPaymentRequest request = {
			.payment = p, .kind = "refund", .reference = reference, .reason = reason, .due_at = USOM_NO_TIME,
			.shares = palloc_array(UsomShare, nshares + 1)
		};

		while (next < nshares && room > request.amount)
		{
			UsomShare	taken = usom_payment_take(payments, &left[next], Min(left[next].amount, room - request.amount));

			request.amount += taken.amount;
			request.shares[request.nshares++] = taken;
			if (left[next].amount == 0)
				next++;
		}
		if (request.amount > 0)
			usom_payment_ask(payments, request);
	}
	Ensure(next == nshares, "more was captured for lines than from payments");
}
