/*
 * payment_record.c
 *		usom.record_payment(), complete_order(), refund_order(), collect_payment().
 *
 * What the payment provider did is recorded as it says; the reference makes a
 * call that comes twice the same call.  What it is to do leaves as events.
 * Recording never takes an order out of a state it has ended in: money for
 * what is cancelled is paid_unallocated.
 *
 * Locks: the order, before anything is read of its payments; stock where
 * complete_order() confirms.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "api/payment.h"

#include "api/api.h"
#include "base/call.h"
#include "base/errors.h"
#include "base/payload.h"
#include "base/query.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"
#include "payment/credit.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_record_payment);
PG_FUNCTION_INFO_V1(usom_complete_order);
PG_FUNCTION_INFO_V1(usom_refund_order);
PG_FUNCTION_INFO_V1(usom_collect_payment);

#define MILLIONTHS 100			/* of a unit, in 10^-4 of it */

static UsomQuery ask_status = {
	.text = "SELECT usom._order_payment_status($1, $2), o.status::text, o.version "
	"FROM usom.sales_order AS o WHERE o.org_id = $1 AND o.sales_order_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

typedef struct Recording
{
	UsomOrderSet *set;
	UsomPayments *payments;
	UsomPaymentFact *fact;
	const char *method;			/* NULL: not given */
	const char *payment_reference;	/* NULL: not given */
	Jsonb	   *lines;			/* NULL: not given */
	int			nwanted;
	UsomPaymentRequest *wanted;
	UsomPaymentRequest *request;	/* that is answered; NULL: none */
	bool		repeated;
} Recording;

static void
refuse_payment(const char *problem, const char *hint)
{
	ereport(ERROR, errcode(USOM_ERR(INVALID_PAYMENT)),
			errmsg("this is no payment that can be recorded"),
			errdetail("%s", problem),
			errhint("%s", hint));
}

static UsomMoney
amount_argument(FunctionCallInfo fcinfo, int arg, const UsomOrderSet *set)
{
	UsomMoney	amount;

	usom_order_arg_required(fcinfo, arg, "amount");
	amount = usom_money_of(PG_GETARG_NUMERIC(arg), USOM_AMOUNT_DECIMALS);
	if (amount <= 0)
		refuse_payment("The amount is not more than nothing.", "Amounts are positive; the kind says which way the money goes.");
	if (amount % usom_order_minor_unit(&set->orders[0]) != 0)
		refuse_payment(psprintf("The amount is finer than the smallest unit of %s.", set->orders[0].currency),
					   "Round it as the payment provider does.");
	return amount;
}

static const char *
kind_argument(FunctionCallInfo fcinfo, int arg)
{
	static const char *const kinds[] = {"authorize", "capture", "sale", "void", "refund", "chargeback", "reversal", NULL};
	const char *kind = usom_order_arg_text(fcinfo, arg, "kind");

	for (const char *const *known = kinds; *known != NULL; known++)
		if (strcmp(*known, kind) == 0)
			return *known;
	refuse_payment("The kind is not known.", "One of authorize, capture, sale, void, refund, chargeback, reversal.");
	return NULL;
}

static bool
failed_argument(FunctionCallInfo fcinfo, int arg)
{
	const char *outcome = PG_ARGISNULL(arg) ? "ok" : text_to_cstring(PG_GETARG_TEXT_PP(arg));

	if (strcmp(outcome, "ok") != 0 && strcmp(outcome, "failed") != 0)
		refuse_payment("The outcome is not known.", "One of ok, failed.");
	return strcmp(outcome, "failed") == 0;
}

static char *
text_or_null(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

static bool
opens(const char *kind)
{
	return strcmp(kind, "authorize") == 0 || strcmp(kind, "sale") == 0;
}

/* ---- which payment, which request ---- */

static void
refuse_unknown(const Recording *recording, const char *what)
{
	const char *order_no = recording->set->orders[0].order_no;

	ereport(ERROR, errcode(USOM_ERR(UNKNOWN_PAYMENT)),
			errmsg("order \"%s\" has no such %s", order_no, what),
			errdetail("It has %d payments.", recording->payments->count),
			errhint("Look at usom.payments and usom.payment_requests WHERE order_no = '%s', and name one.", order_no));
}

/* An answer to a capture may come as a sale, where an invoice was paid. */
static bool
answers(const char *kind, const UsomPaymentRequest *request)
{
	if (strcmp(request->kind, "invoice") == 0)
		return strcmp(kind, "sale") == 0;
	return strcmp(kind, request->kind) == 0;
}

static bool
is_named(const Recording *recording, const UsomPaymentRequest *request, const char *name)
{
	return strcmp(psprintf("%s/%d", recording->set->orders[0].order_no, request->request_no), name) == 0;
}

/* By its name; or the oldest that wants just this, of the payment if one is named. */
static void
find_request(Recording *recording, const char *name)
{
	recording->wanted = usom_payments_wanted(recording->payments, &recording->nwanted);
	for (int i = 0; i < recording->nwanted && recording->request == NULL; i++)
	{
		UsomPaymentRequest *request = &recording->wanted[i];
		const UsomPayment *payment = &recording->payments->payments[request->payment];
		bool		fits = answers(recording->fact->kind, request);

		if (name != NULL ? fits && is_named(recording, request, name)
			: fits && request->amount == recording->fact->amount && recording->lines == NULL &&
			(recording->payment_reference == NULL ||
			 (payment->reference != NULL && strcmp(payment->reference, recording->payment_reference) == 0)))
			recording->request = request;
	}
	if (name != NULL && recording->request == NULL)
		refuse_unknown(recording, "request that waits for this answer");
	if (recording->request != NULL && recording->fact->amount > recording->request->amount)
		refuse_payment(psprintf("%s were asked for.", usom_payment_text(recording->request->amount)),
					   "Record what is more without naming the request.");
}

static int
find_payment(const Recording *recording)
{
	const UsomPayments *payments = recording->payments;
	int			found = -1;

	for (int i = 0; i < payments->count; i++)
	{
		const UsomPayment *payment = &payments->payments[i];

		if (recording->payment_reference != NULL &&
			(payment->reference == NULL || strcmp(payment->reference, recording->payment_reference) != 0))
			continue;
		if (recording->method != NULL && strcmp(payment->method, recording->method) != 0)
			continue;
		if (found >= 0)
			return -2;
		found = i;
	}
	return found;
}

/* A payment of the method that has no reference yet: terms of the document. */
static int
find_bare(const Recording *recording, const char *method)
{
	for (int i = 0; i < recording->payments->count; i++)
		if (recording->payments->payments[i].reference == NULL && strcmp(recording->payments->payments[i].method, method) == 0)
			return i;
	return -1;
}

static int
payment_to_open(Recording *recording)
{
	const UsomOrder *order = &recording->set->orders[0];
	const char *method = recording->method ? recording->method : order->pay_method ? order->pay_method : "card";
	int			found = recording->payment_reference != NULL ? find_payment(recording) : find_bare(recording, method);

	if (found >= 0)
		return found;
	usom_payments_add(recording->payments, method,
					  recording->payment_reference ? recording->payment_reference : recording->fact->reference);
	return recording->payments->count - 1;
}

static void
choose_payment(Recording *recording)
{
	int			found;

	if (recording->request != NULL)
		found = recording->request->payment;
	else if (opens(recording->fact->kind))
		found = payment_to_open(recording);
	else
		found = find_payment(recording);
	if (found < 0)
		refuse_unknown(recording, found == -1 ? "payment" : "one payment, but several");
	recording->fact->payment = found;
}

/* ---- to record ---- */

static void
check_late(const Recording *recording)
{
	const UsomPayment *payment = &recording->payments->payments[recording->fact->payment];
	UsomOrderSet *set = recording->set;

	if (strcmp(recording->fact->kind, "capture") != 0 || payment->expires_at == USOM_NO_TIME ||
		recording->fact->occurred_at < payment->expires_at)
		return;
	if (usom_payment_method(set->org_id, payment->method)->refuses_late)
		ereport(ERROR, errcode(USOM_ERR(AUTHORIZATION_EXPIRED)),
				errmsg("cannot capture %s %s of order \"%s\": the authorisation has expired",
					   usom_payment_text(recording->fact->amount), set->orders[0].currency, set->orders[0].order_no),
				errdetail("It expired at %s.", timestamptz_to_str(payment->expires_at)),
				errhint("Have it authorised again and call usom.authorize_payment()."));
	usom_order_raise(set, 0, 0, "captured_late", NULL, "captured after the authorisation had expired", NULL, USOM_NO_TIME);
}

static void
check_sum(const UsomPaymentFact *fact)
{
	UsomMoney	sum = 0;

	for (int i = 0; i < fact->nshares; i++)
		sum += fact->shares[i].amount;
	if (sum != fact->amount)
		refuse_payment(psprintf("The lines add up to %s, not to %s.", usom_payment_text(sum), usom_payment_text(fact->amount)),
					   "Give each line its share of the amount.");
}

/* Whose money it is: as asked for, as the caller says, or in proportion. */
static void
cut_shares(Recording *recording)
{
	UsomPaymentFact *fact = recording->fact;
	bool		captures = strcmp(fact->kind, "capture") == 0 || strcmp(fact->kind, "sale") == 0;
	bool		goes_back = strcmp(fact->kind, "refund") == 0 || strcmp(fact->kind, "chargeback") == 0;

	if (strcmp(fact->kind, "reversal") == 0 && !fact->failed)
	{
		if (recording->lines != NULL)
			refuse_payment("A reversal gives back what the chargeback took, line by line.", "Leave the lines out.");
		fact->shares = usom_payment_cut_reversal(recording->payments, fact->payment, fact->amount, &fact->nshares);
		return;
	}
	if (fact->failed || !(captures || goes_back))
		return;
	if (recording->lines != NULL)
	{
		fact->shares = captures ? usom_api_read_capture(recording->payments, recording->lines, &fact->nshares)
			: usom_api_read_refund(recording->payments, recording->lines, &fact->nshares);
		check_sum(fact);
	}
	else if (recording->request != NULL)
	{
		fact->nshares = recording->request->nshares;
		fact->shares = usom_payment_scale_shares(recording->payments, recording->request->shares, fact->nshares, fact->amount);
	}
	else if (captures)
		fact->shares = usom_payment_cut_capture(recording->payments, fact->amount, &fact->nshares);
	else if (fact->amount <= usom_payment_refundable(&recording->payments->payments[fact->payment]))
		fact->shares = usom_payment_cut_refund(recording->payments, fact->amount, &fact->nshares);
}

static void
tell_fact(const Recording *recording)
{
	const UsomPaymentFact *fact = recording->fact;
	const UsomPayment *payment = &recording->payments->payments[fact->payment];
	UsomPayload payload = usom_payload_begin();

	usom_payload_text(&payload, "kind", fact->kind);
	usom_payload_text(&payload, "outcome", fact->failed ? "failed" : "ok");
	usom_payload_quantity(&payload, "amount", fact->amount * MILLIONTHS);
	usom_payload_text(&payload, "currency", recording->set->orders[0].currency);
	usom_payload_text(&payload, "method", payment->method);
	usom_payload_text(&payload, "payment_reference", payment->reference);
	usom_order_tell(recording->set, 0, "payment_recorded", usom_payload_end(&payload));
}

/* What failed is somebody's to look at, until it succeeds. */
static void
mind_failure(const Recording *recording)
{
	const UsomPaymentFact *fact = recording->fact;

	if (fact->failed)
		usom_order_raise(recording->set, 0, 0, "payment_failed", fact->kind,
						 psprintf("%s of %s %s failed", fact->kind, usom_payment_text(fact->amount), recording->set->orders[0].currency),
						 NULL, USOM_NO_TIME);
	else
		usom_order_settle_case(recording->set, 0, 0, "payment_failed");
}

/* A new authorisation may cover what has left meanwhile. */
static bool
has_left(const UsomOrderSet *set)
{
	for (int i = 0; i < set->nlines; i++)
		if (usom_order_units_left(&set->lines[i]) > 0)
			return true;
	return false;
}

static void
save(Recording *recording, const char *event)
{
	UsomOrderSet *set = recording->set;

	usom_payments_write(recording->payments);
	set->orders[0].event = event;
	set->orders[0].changed = true;
	usom_order_save(set);
}

static void
record(Recording *recording, const char *request)
{
	UsomPaymentFact *fact = recording->fact;
	const UsomPaymentMethod *method;

	recording->repeated = usom_payments_is_repeat(recording->payments, fact);
	if (recording->repeated)
		return;
	find_request(recording, request);
	choose_payment(recording);
	method = usom_payment_method(recording->set->org_id, recording->payments->payments[fact->payment].method);
	if (fact->expires_at == USOM_NO_TIME && method->valid_for != NULL)
		fact->expires_at = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(fact->occurred_at),
																   IntervalPGetDatum(method->valid_for)));
	check_late(recording);
	if (recording->request != NULL)
	{
		fact->request_no = recording->request->request_no;
		usom_payment_unask(recording->payments, recording->request, fact->failed ? "failed" : "done");
	}
	cut_shares(recording);
	usom_payment_apply(recording->payments, fact);
	mind_failure(recording);
	tell_fact(recording);
	if (opens(fact->kind) && !fact->failed && has_left(recording->set))
		usom_payment_collect(recording->payments, NULL);
	usom_api_release_covered(recording->payments);
	save(recording, fact->kind);
}

/* ---- the functions ---- */

static void
load(Recording *recording, FunctionCallInfo fcinfo)
{
	recording->set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	recording->payments = usom_payments_load(recording->set, 0);
	recording->fact = palloc0_object(UsomPaymentFact);
	recording->fact->expires_at = USOM_NO_TIME;
	recording->fact->occurred_at = usom_call_time();
}

static bool
moves_money(const UsomPaymentFact *fact)
{
	return !fact->failed && strcmp(fact->kind, "authorize") != 0 && strcmp(fact->kind, "void") != 0;
}

/* payment_status, order_status, version, repeated; what the customer owes has changed, and held orders may go on. */
static Datum
answer_recording(UsomAnswer *answer, const Recording *recording)
{
	const UsomOrder *order = &recording->set->orders[0];
	bool		nulls[4] = {false, false, false, false};
	Datum		values[4] = {Int64GetDatum(recording->set->org_id), Int64GetDatum(order->sales_order_id)};

	if (!recording->repeated && moves_money(recording->fact))
		usom_credit_follow(recording->set->org_id, &order->sales_order_id, 1);
	usom_query_run(&ask_status, values, NULL);
	values[0] = CStringGetTextDatum(usom_query_get_text(0, 1));
	values[1] = CStringGetTextDatum(usom_query_get_text(0, 2));
	values[2] = usom_query_get(0, 3);
	values[3] = BoolGetDatum(recording->repeated);
	return usom_order_answer_row(answer, values, nulls);
}

/* usom.record_payment(order_no, kind, amount, reference, method, payment_reference, lines, expires_at, outcome, request, occurred_at) */
Datum
usom_record_payment(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "record_payment", -1);
	Recording	recording = {0};

	load(&recording, fcinfo);
	recording.fact->kind = kind_argument(fcinfo, 1);
	recording.fact->amount = amount_argument(fcinfo, 2, recording.set);
	recording.fact->reference = usom_order_arg_text(fcinfo, 3, "reference");
	recording.method = text_or_null(fcinfo, 4);
	recording.payment_reference = text_or_null(fcinfo, 5);
	recording.lines = PG_ARGISNULL(6) ? NULL : PG_GETARG_JSONB_P(6);
	if (!PG_ARGISNULL(7))
		recording.fact->expires_at = PG_GETARG_TIMESTAMPTZ(7);
	recording.fact->failed = failed_argument(fcinfo, 8);
	if (!PG_ARGISNULL(10))
		recording.fact->occurred_at = PG_GETARG_TIMESTAMPTZ(10);
	record(&recording, text_or_null(fcinfo, 9));
	return answer_recording(answer, &recording);
}

/*
 * usom.complete_order(order_no, amount, reference, method): the sale, and what
 * the buyer waits for, in one.  A repeated call goes on where the first got.
 */
Datum
usom_complete_order(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "complete_order", -1);
	Recording	recording = {0};
	UsomOrderStatus status;

	load(&recording, fcinfo);
	recording.fact->kind = "sale";
	recording.fact->amount = amount_argument(fcinfo, 1, recording.set);
	recording.fact->reference = usom_order_arg_text(fcinfo, 2, "reference");
	recording.method = text_or_null(fcinfo, 3);
	record(&recording, NULL);
	status = recording.set->orders[0].status;
	if (status == USOM_ORDER_DRAFT)
		usom_api_submit(recording.set);
	else if (usom_api_goes_on(recording.set, 0))
		usom_api_confirm(recording.set);
	return answer_recording(answer, &recording);
}

/* Without lines or amount: what is paid for goods that are not there, line by line. */
static UsomShare *
unallocated_shares(UsomPayments *payments, int *nshares)
{
	const UsomOrderSet *set = payments->set;
	UsomShare  *shares = palloc0_array(UsomShare, set->nlines + 1);
	UsomMoney	room = usom_order_unallocated(set, 0);

	*nshares = 0;
	for (int i = 0; i <= set->nlines && room > 0; i++)
	{
		UsomPaidLine *paid = usom_payments_line(payments, i < set->nlines ? set->lines[i].line_no : 0);
		UsomMoney	served = i < set->nlines ? usom_order_units_value(&set->lines[i], usom_order_served_units(set, i)) : 0;
		UsomMoney	amount = Min(usom_paid_net(paid) - served, room);

		amount -= amount % payments->unit;
		if (amount <= 0)
			continue;
		room -= amount;
		shares[(*nshares)++] = (UsomShare) {
			.line_no = paid->line_no, .amount = amount, .units = amount, .tax = usom_payment_refund_tax(payments, paid, amount)
		};
	}
	return shares;
}

static UsomShare *
shares_to_refund(FunctionCallInfo fcinfo, UsomPayments *payments, int *nshares)
{
	UsomMoney	amount;
	UsomMoney	room = 0;

	if (!PG_ARGISNULL(2))
		return usom_api_read_refund(payments, PG_GETARG_JSONB_P(2), nshares);
	if (PG_ARGISNULL(1))
		return unallocated_shares(payments, nshares);
	amount = amount_argument(fcinfo, 1, payments->set);
	for (int i = 0; i < payments->count; i++)
		room += usom_payment_refundable(&payments->payments[i]);
	if (amount > room)
		ereport(ERROR, errcode(USOM_ERR(ABOVE_CEILING)),
				errmsg("cannot refund %s %s of order \"%s\"", usom_payment_text(amount), payments->set->orders[0].currency,
					   payments->set->orders[0].order_no),
				errdetail("%s are captured and neither refunded, nor asked to be, nor charged back.", usom_payment_text(room)),
				errhint("At most %s.", usom_payment_text(room)));
	return usom_payment_cut_refund(payments, amount, nshares);
}

/* usom.refund_order(order_no, amount, lines, reason): how much is asked for. */
Datum
usom_refund_order(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "refund_order", 3);
	Recording	recording = {0};
	UsomShare  *shares;
	int			nshares;
	UsomMoney	sum = 0;
	bool		nulls[2] = {false, false};
	Datum		values[2];

	load(&recording, fcinfo);
	shares = shares_to_refund(fcinfo, recording.payments, &nshares);
	for (int i = 0; i < nshares; i++)
		sum += shares[i].amount;
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2) && sum != amount_argument(fcinfo, 1, recording.set))
		refuse_payment(psprintf("The lines add up to %s.", usom_payment_text(sum)), "Leave the amount out, or let it be their sum.");
	if (nshares == 0)
		ereport(ERROR, errcode(USOM_ERR(NOTHING_TO_DO)),
				errmsg("nothing of order \"%s\" is to be refunded", recording.set->orders[0].order_no),
				errdetail("What is paid of it is for goods that have left, are there, or have a date."),
				errhint("Give an amount or lines to refund all the same."));
	usom_payment_ask_refund(recording.payments, shares, nshares, NULL, usom_call_reason());
	values[0] = NumericGetDatum(usom_quantity_numeric(sum * MILLIONTHS));
	values[1] = Int32GetDatum(list_length(recording.payments->requests));
	save(&recording, "refund_order");
	return usom_order_answer_row(answer, values, nulls);
}

/* usom.collect_payment(order_no): asks again for what failed, or what another authorisation covers by now. */
Datum
usom_collect_payment(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "collect_payment", -1);
	Recording	recording = {0};
	UsomMoney	sum = 0;
	bool		nulls[2] = {false, false};
	Datum		values[2];

	load(&recording, fcinfo);
	usom_payment_collect(recording.payments, NULL);
	for (int i = 0; i < list_length(recording.payments->requests); i++)
		sum += ((const UsomPaymentRequest *) list_nth(recording.payments->requests, i))->amount;
	values[0] = NumericGetDatum(usom_quantity_numeric(sum * MILLIONTHS));
	values[1] = Int32GetDatum(list_length(recording.payments->requests));
	if (recording.payments->count > 0)
		save(&recording, "collect_payment");
	return usom_order_answer_row(answer, values, nulls);
}
