/*
 * payment_place.c
 *		Orders whose document brings an authorisation.
 *
 * Two statements for all of a batch that do: payments, and the ledger.
 *
 * Locks: after those of the orders and before any stock, the references, at
 * their unique index, in their order.
 *
 * Invariant: an authorisation covers one order.  Where another one has the
 * reference, the order stands without a payment, and says so.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/payment.h"

#include "base/call.h"
#include "base/query.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

static const JsonbValue *
find(const Jsonb *payment, const char *name)
{
	JsonbValue	key = {.type = jbvString};

	key.val.string.val = unconstify(char *, name);
	key.val.string.len = strlen(name);
	return findJsonbValueFromContainer(unconstify(JsonbContainer *, &payment->root), JB_FOBJECT, &key);
}

static const char *
text_at(const Jsonb *payment, const char *name)
{
	const JsonbValue *value = find(payment, name);

	return value != NULL && value->type == jbvString && value->val.string.len > 0
		? pnstrdup(value->val.string.val, value->val.string.len) : NULL;
}

static UsomMoney
authorized_by(const Jsonb *payment)
{
	const JsonbValue *value = payment != NULL ? find(payment, "authorized") : NULL;

	return value != NULL && value->type == jbvNumeric ? usom_money_of(value->val.numeric, USOM_AMOUNT_DECIMALS) : 0;
}

bool
usom_api_is_authorized(const Jsonb *payment)
{
	return authorized_by(payment) > 0;
}

static TimestampTz
expiry(int64 org_id, const char *method)
{
	const Interval *valid_for = usom_payment_method(org_id, method)->valid_for;

	if (valid_for == NULL)
		return USOM_NO_TIME;
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(usom_call_time()),
												   IntervalPGetDatum(unconstify(Interval *, valid_for))));
}

/* Without a reference of the provider, the authorisation has the name of the order. */
static UsomPayments *
authorize(UsomOrderSet *set, int order, const Jsonb *document, UsomMoney amount)
{
	const char *method = text_at(document, "method");
	UsomPayments *payments = usom_payments_make(set, order);
	UsomPayment *payment = usom_payments_add(payments, method ? method : "card", text_at(document, "reference"));
	UsomPaymentFact *fact = palloc0_object(UsomPaymentFact);

	fact->kind = "authorize";
	fact->amount = amount;
	fact->reference = payment->reference ? payment->reference : set->orders[order].order_no;
	fact->expires_at = expiry(set->org_id, payment->method);
	fact->occurred_at = usom_call_time();
	usom_payment_apply(payments, fact);
	return payments;
}

void
usom_api_write_payments(Placing **placings, int count)
{
	UsomPayments **payments = palloc_array(UsomPayments *, count);
	Placing   **paying = palloc_array(Placing *, count);
	bool	   *written;
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		UsomMoney	amount = authorized_by(placings[i]->document->payment);

		if (likely(amount == 0) || placings[i]->is_quote)
			continue;
		payments[n] = authorize(placings[i]->set, 0, placings[i]->document->payment, amount);
		paying[n++] = placings[i];
	}
	if (likely(n == 0))
		return;
	written = palloc0_array(bool, n);
	usom_payments_write_new(payments, n, written);
	for (int i = 0; i < n; i++)
		if (!written[i])
			usom_api_note_message(paying[i], 0, "payment_reference_taken", 0);
}

static UsomQuery read_payment = {
	.text = "SELECT o.payment FROM usom.sales_order AS o WHERE o.org_id = $1 AND o.sales_order_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

/* Drafts that plain SQL has written bring their payment when they are submitted. */
void
usom_api_take_payments(UsomOrderSet *set)
{
	for (int i = 0; i < set->norders; i++)
	{
		UsomOrder  *order = &set->orders[i];
		Datum		values[] = {Int64GetDatum(set->org_id), Int64GetDatum(order->sales_order_id)};
		UsomPayments *payments;
		const Jsonb *document;
		bool		written;

		if (likely(order->pay_method == NULL) || order->paid != NULL)
			continue;
		usom_query_run(&read_payment, values, NULL);
		document = DatumGetJsonbPCopy(usom_query_get(0, 1));
		if (authorized_by(document) <= 0)
			continue;
		payments = authorize(set, i, document, authorized_by(document));
		usom_payments_write_new(&payments, 1, &written);
		if (written)
			order->paid = usom_order_no_price();
	}
}
