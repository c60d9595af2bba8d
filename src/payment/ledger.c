/*
 * ledger.c
 *		Rows of payments: loaded with their order, written as what was added.
 *
 * Statements: two to load; to write one for each kind of row that occurs.
 *
 * Locks: the order is locked by its load.  A reference that another transaction
 * is about to take is waited for at its unique index, before any stock is
 * locked; new rows are written by reference, so that two batches do not cross.
 *
 * Invariant: amounts are changed by what is added to them, and no row is
 * changed beyond a ceiling, whatever was loaded.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "payment/payment.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/payload.h"
#include "base/query.h"
#include "utils/builtins.h"

#define MILLIONTHS 100			/* of a unit, in 10^-4 of it */

static UsomQuery read_payments = {
	.text = "SELECT p.payment_id, p.payment_no, p.method, p.reference, p.authorized, p.voided, p.captured, p.capture_wanted, "
	"p.refunded, p.refund_wanted, p.charged_back, p.expires_at, "
	"(SELECT max(r.request_no) FROM usom.payment_request AS r WHERE r.org_id = $1 AND r.sales_order_id = $2), "
	"(SELECT max(t.transaction_no) FROM usom.payment_transaction AS t WHERE t.org_id = $1 AND t.sales_order_id = $2) "
	"FROM usom.payment AS p WHERE p.org_id = $1 AND p.sales_order_id = $2 ORDER BY p.payment_no",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery read_lines = {
	.text = "SELECT l.line_no, l.captured, l.captured_tax, l.capture_wanted, l.refunded, l.refunded_tax, l.refund_wanted, "
	"l.refund_wanted_tax, l.for_units, l.for_freight, coalesce(c.amount, 0) "
	"FROM usom.payment_line AS l LEFT JOIN (SELECT x.line_no, sum(x.amount) AS amount FROM usom.payment_request AS r "
	"CROSS JOIN LATERAL jsonb_to_recordset(r.lines) AS x (line_no integer, amount numeric) "
	"WHERE r.org_id = $1 AND r.sales_order_id = $2 AND r.kind = 'credit' GROUP BY x.line_no) AS c ON c.line_no = l.line_no WHERE l.org_id = $1 AND l.sales_order_id = $2 ORDER BY l.line_no",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery read_wanted = {
	.text = "SELECT r.request_no, p.payment_no, r.kind, r.amount, r.lines, r.reference, r.due_at FROM usom.payment_request AS r "
	"JOIN usom.payment AS p ON p.org_id = $1 AND p.payment_id = r.payment_id "
	"WHERE r.org_id = $1 AND r.sales_order_id = $2 AND r.status = 'wanted' ORDER BY r.request_no",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery find_fact = {
	.text = "SELECT t.sales_order_id = $4, t.amount FROM usom.payment_transaction AS t "
	"WHERE t.org_id = $1 AND t.kind = $2 AND t.reference = $3 AND t.outcome = $5",
	.nargs = 5,
	.argtypes = {"bigint", "text", "text", "bigint", "text"},
};

static UsomQuery insert_payments = {
	.text = "INSERT INTO usom.payment (org_id, payment_id, sales_order_id, payment_no, method, reference, currency, authorized, "
	"voided, captured, capture_wanted, refunded, refund_wanted, charged_back, expires_at) "
	"SELECT $1, r.* FROM unnest($2) AS r ORDER BY r.reference, r.payment_id "
	"ON CONFLICT (org_id, reference) WHERE reference IS NOT NULL DO NOTHING RETURNING payment_id",
	.nargs = 2,
	.argtypes = {"bigint", "usom._payment_row[]"},
};

static UsomQuery update_payments = {
	.text = "UPDATE usom.payment AS p SET authorized = p.authorized + r.authorized, voided = p.voided + r.voided, "
	"captured = p.captured + r.captured, capture_wanted = p.capture_wanted + r.capture_wanted, "
	"refunded = p.refunded + r.refunded, refund_wanted = p.refund_wanted + r.refund_wanted, "
	"charged_back = p.charged_back + r.charged_back, expires_at = r.expires_at FROM unnest($2) AS r "
	"WHERE p.org_id = $1 AND p.payment_id = r.payment_id "
	"AND p.captured + r.captured + p.voided + r.voided <= p.authorized + r.authorized "
	"AND p.refunded + r.refunded + p.refund_wanted + r.refund_wanted + p.charged_back + r.charged_back <= p.captured + r.captured",
	.nargs = 2,
	.argtypes = {"bigint", "usom._payment_row[]"},
};

static UsomQuery insert_lines = {
	.text = "INSERT INTO usom.payment_line (org_id, sales_order_id, line_no, captured, captured_tax, capture_wanted, refunded, "
	"refunded_tax, refund_wanted, refund_wanted_tax, for_units, for_freight) SELECT $1, r.* FROM unnest($2) AS r",
	.nargs = 2,
	.argtypes = {"bigint", "usom._payment_line_row[]"},
};

static UsomQuery update_lines = {
	.text = "UPDATE usom.payment_line AS l SET captured = l.captured + r.captured, captured_tax = l.captured_tax + r.captured_tax, "
	"capture_wanted = l.capture_wanted + r.capture_wanted, refunded = l.refunded + r.refunded, "
	"refunded_tax = l.refunded_tax + r.refunded_tax, refund_wanted = l.refund_wanted + r.refund_wanted, "
	"refund_wanted_tax = l.refund_wanted_tax + r.refund_wanted_tax, for_units = l.for_units + r.for_units, "
	"for_freight = l.for_freight + r.for_freight FROM unnest($2) AS r "
	"WHERE l.org_id = $1 AND l.sales_order_id = r.sales_order_id AND l.line_no = r.line_no "
	"AND l.refunded + r.refunded + l.refund_wanted + r.refund_wanted <= l.captured + r.captured "
	"AND l.refunded_tax + r.refunded_tax + l.refund_wanted_tax + r.refund_wanted_tax <= l.captured_tax + r.captured_tax",
	.nargs = 2,
	.argtypes = {"bigint", "usom._payment_line_row[]"},
};

static UsomQuery insert_requests = {
	.text = "INSERT INTO usom.payment_request (org_id, sales_order_id, request_no, payment_id, kind, amount, reference, lines, "
	"reason, due_at, status, answered_at) SELECT $1, r.*, CASE WHEN r.status <> 'wanted' THEN statement_timestamp() END FROM unnest($2) AS r",
	.nargs = 2,
	.argtypes = {"bigint", "usom._payment_request_row[]"},
};

static UsomQuery answer_requests = {
	.text = "UPDATE usom.payment_request AS q SET status = r.status, answered_at = $3 FROM unnest($2) AS r "
	"WHERE q.org_id = $1 AND q.sales_order_id = r.sales_order_id AND q.request_no = r.request_no AND q.status = 'wanted'",
	.nargs = 3,
	.argtypes = {"bigint", "usom._payment_request_row[]", "timestamptz"},
};

static UsomQuery insert_facts = {
	.text = "INSERT INTO usom.payment_transaction (org_id, sales_order_id, transaction_no, payment_id, kind, amount, reference, "
	"outcome, lines, tax, request_no, expires_at, occurred_at) SELECT $1, r.* FROM unnest($2) AS r ORDER BY r.kind, r.reference "
	"ON CONFLICT (org_id, kind, reference, outcome) DO NOTHING",
	.nargs = 2,
	.argtypes = {"bigint", "usom._payment_transaction_row[]"},
};

/* ---- load ---- */

static UsomMoney
get_money(uint64 row, int column)
{
	return usom_money_of(DatumGetNumeric(usom_query_get(row, column)), USOM_AMOUNT_DECIMALS);
}

UsomPayments *
usom_payments_make(UsomOrderSet *set, int order)
{
	UsomPayments *payments = palloc0_object(UsomPayments);

	payments->set = set;
	payments->order = order;
	payments->unit = usom_order_minor_unit(&set->orders[order]);
	payments->payments = palloc0_array(UsomPayment, 1);
	payments->lines_capacity = 8;
	payments->lines = palloc0_array(UsomPaidLine, payments->lines_capacity);
	return payments;
}

static void
take_payment(UsomPayment *payment, uint64 row)
{
	bool		isnull;
	Datum		expires_at = usom_query_get_or_null(row, 12, &isnull);

	payment->payment_id = DatumGetInt64(usom_query_get(row, 1));
	payment->payment_no = DatumGetInt32(usom_query_get(row, 2));
	payment->method = usom_query_get_text(row, 3);
	payment->reference = usom_query_get_text(row, 4);
	payment->sums = (UsomPaymentSums) {
		get_money(row, 5), get_money(row, 6), get_money(row, 7), get_money(row, 8),
		get_money(row, 9), get_money(row, 10), get_money(row, 11)
	};
	payment->was = payment->sums;
	payment->expires_at = isnull ? USOM_NO_TIME : DatumGetTimestampTz(expires_at);
}

UsomPayments *
usom_payments_load(UsomOrderSet *set, int order)
{
	UsomPayments *payments = usom_payments_make(set, order);
	Datum		values[] = {Int64GetDatum(set->org_id), Int64GetDatum(set->orders[order].sales_order_id)};

	payments->count = (int) usom_query_run(&read_payments, values, NULL);
	payments->payments = palloc0_array(UsomPayment, payments->count + 1);
	for (int row = 0; row < payments->count; row++)
		take_payment(&payments->payments[row], row);
	if (payments->count > 0)
	{
		payments->last_request_no = usom_query_get_number(0, 13);
		payments->last_transaction_no = usom_query_get_number(0, 14);
	}
	payments->nlines = (int) usom_query_run(&read_lines, values, NULL);
	payments->lines_capacity = payments->nlines + 8;
	payments->lines = palloc0_array(UsomPaidLine, payments->lines_capacity);
	for (int row = 0; row < payments->nlines; row++)
	{
		payments->lines[row].line_no = DatumGetInt32(usom_query_get(row, 1));
		payments->lines[row].sums = (UsomPaidSums) {
			get_money(row, 2), get_money(row, 3), get_money(row, 4), get_money(row, 5), get_money(row, 6),
			get_money(row, 7), get_money(row, 8), get_money(row, 9), get_money(row, 10), get_money(row, 11)
		};
		payments->lines[row].was = payments->lines[row].sums;
	}
	return payments;
}

UsomPayment *
usom_payments_add(UsomPayments *payments, const char *method, const char *reference)
{
	int			index = payments->count++;
	UsomPayment *payment;

	payments->payments = repalloc_array(payments->payments, UsomPayment, payments->count + 1);
	payment = &payments->payments[index];
	*payment = (UsomPayment) {
		.payment_id = usom_ident_next(), .payment_no = index > 0 ? payments->payments[index - 1].payment_no + 1 : 1,
		.method = method, .reference = reference, .expires_at = USOM_NO_TIME, .is_new = true
	};
	return payment;
}

UsomPaidLine *
usom_payments_line(UsomPayments *payments, int32 line_no)
{
	for (int i = 0; i < payments->nlines; i++)
		if (payments->lines[i].line_no == line_no)
			return &payments->lines[i];
	if (payments->nlines == payments->lines_capacity)
	{
		payments->lines_capacity *= 2;
		payments->lines = repalloc_array(payments->lines, UsomPaidLine, payments->lines_capacity);
	}
	payments->lines[payments->nlines] = (UsomPaidLine) {.line_no = line_no, .is_new = true};
	return &payments->lines[payments->nlines++];
}

/* ---- shares as jsonb: [{"line_no": 1, "amount": 19.90, "tax": 3.18}] ---- */

static void
push_key(JsonbParseState **state, const char *name)
{
	JsonbValue	key = {.type = jbvString};

	key.val.string.val = unconstify(char *, name);
	key.val.string.len = strlen(name);
	pushJsonbValue(state, WJB_KEY, &key);
}

static void
push_number(JsonbParseState **state, const char *name, Numeric number)
{
	JsonbValue	value = {.type = jbvNumeric};

	push_key(state, name);
	value.val.numeric = number;
	pushJsonbValue(state, WJB_VALUE, &value);
}

static void
push_money(JsonbParseState **state, const char *name, UsomMoney amount)
{
	if (amount != 0)
		push_number(state, name, usom_quantity_numeric(amount * MILLIONTHS));
}

Jsonb *
usom_payment_shares_json(const UsomShare *shares, int nshares)
{
	JsonbParseState *state = NULL;
	JsonbValue *array;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < nshares; i++)
	{
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_number(&state, "line_no", int64_to_numeric(shares[i].line_no));
		push_money(&state, "amount", shares[i].amount);
		push_money(&state, "tax", shares[i].tax);
		push_money(&state, "units", shares[i].units);
		push_money(&state, "freight", shares[i].freight);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	array = pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	return JsonbValueToJsonb(array);
}

static Numeric
number_at(const JsonbContainer *share, const char *name)
{
	JsonbValue	key = {.type = jbvString};
	JsonbValue *found;

	key.val.string.val = unconstify(char *, name);
	key.val.string.len = strlen(name);
	found = findJsonbValueFromContainer(unconstify(JsonbContainer *, share), JB_FOBJECT, &key);
	return found != NULL && found->type == jbvNumeric ? found->val.numeric : usom_order_no_price();
}

static UsomShare *
read_shares(Jsonb *lines, int *nshares)
{
	UsomShare  *shares;

	*nshares = (int) JsonContainerSize(&lines->root);
	shares = palloc_array(UsomShare, Max(*nshares, 1));
	for (int i = 0; i < *nshares; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(&lines->root, i);
		const JsonbContainer *share = element->val.binary.data;

		shares[i] = (UsomShare) {
			DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(number_at(share, "line_no")))),
			usom_money_of(number_at(share, "amount"), USOM_AMOUNT_DECIMALS), usom_money_of(number_at(share, "tax"), USOM_AMOUNT_DECIMALS),
			usom_money_of(number_at(share, "units"), USOM_AMOUNT_DECIMALS), usom_money_of(number_at(share, "freight"), USOM_AMOUNT_DECIMALS)
		};
	}
	return shares;
}

UsomPaymentRequest *
usom_payments_wanted(UsomPayments *payments, int *count)
{
	Datum		values[] = {
		Int64GetDatum(payments->set->org_id), Int64GetDatum(payments->set->orders[payments->order].sales_order_id)
	};
	UsomPaymentRequest *wanted;

	*count = (int) usom_query_run(&read_wanted, values, NULL);
	wanted = palloc0_array(UsomPaymentRequest, Max(*count, 1));
	for (int row = 0; row < *count; row++)
	{
		bool		isnull;
		Datum		lines = usom_query_get_or_null(row, 5, &isnull);
		bool		no_date;
		Datum		due_at;

		wanted[row].request_no = DatumGetInt32(usom_query_get(row, 1));
		while (payments->payments[wanted[row].payment].payment_no != DatumGetInt32(usom_query_get(row, 2)))
			wanted[row].payment++;
		wanted[row].kind = usom_query_get_text(row, 3);
		wanted[row].amount = get_money(row, 4);
		wanted[row].reference = usom_query_get_text(row, 6);
		due_at = usom_query_get_or_null(row, 7, &no_date);
		wanted[row].due_at = no_date ? USOM_NO_TIME : DatumGetTimestampTz(due_at);
		if (!isnull)
			wanted[row].shares = read_shares(DatumGetJsonbP(lines), &wanted[row].nshares);
	}
	return wanted;
}

/* ---- write ---- */

static Datum
money_datum(UsomMoney amount)
{
	return NumericGetDatum(usom_money_numeric(amount, USOM_AMOUNT_DECIMALS));
}

static void
add_payment(UsomRows *rows, const UsomPayments *payments, const UsomPayment *payment)
{
	const UsomOrder *order = &payments->set->orders[payments->order];
	Datum		values[14] = {
		Int64GetDatum(payment->payment_id), Int64GetDatum(order->sales_order_id), Int32GetDatum(payment->payment_no),
		CStringGetTextDatum(payment->method), payment->reference ? CStringGetTextDatum(payment->reference) : (Datum) 0,
		CStringGetTextDatum(order->currency),
		money_datum(payment->sums.authorized - payment->was.authorized), money_datum(payment->sums.voided - payment->was.voided),
		money_datum(payment->sums.captured - payment->was.captured),
		money_datum(payment->sums.capture_wanted - payment->was.capture_wanted),
		money_datum(payment->sums.refunded - payment->was.refunded),
		money_datum(payment->sums.refund_wanted - payment->was.refund_wanted),
		money_datum(payment->sums.charged_back - payment->was.charged_back), TimestampTzGetDatum(payment->expires_at)
	};
	bool		nulls[14] = {false};

	nulls[4] = payment->reference == NULL;
	nulls[13] = payment->expires_at == USOM_NO_TIME;
	usom_rows_add(rows, values, nulls);
}

static void
add_line(UsomRows *rows, const UsomPayments *payments, const UsomPaidLine *line)
{
	const UsomPaidSums *is = &line->sums;
	const UsomPaidSums *was = &line->was;
	Datum		values[11] = {
		Int64GetDatum(payments->set->orders[payments->order].sales_order_id), Int32GetDatum(line->line_no),
		money_datum(is->captured - was->captured), money_datum(is->captured_tax - was->captured_tax),
		money_datum(is->capture_wanted - was->capture_wanted), money_datum(is->refunded - was->refunded),
		money_datum(is->refunded_tax - was->refunded_tax), money_datum(is->refund_wanted - was->refund_wanted),
		money_datum(is->refund_wanted_tax - was->refund_wanted_tax), money_datum(is->for_units - was->for_units),
		money_datum(is->for_freight - was->for_freight)
	};
	bool		nulls[11] = {false};

	usom_rows_add(rows, values, nulls);
}

static void
add_request(UsomRows *rows, const UsomPayments *payments, const UsomPaymentRequest *request)
{
	Datum		values[10] = {
		Int64GetDatum(payments->set->orders[payments->order].sales_order_id), Int32GetDatum(request->request_no),
		Int64GetDatum(payments->payments[request->payment].payment_id), CStringGetTextDatum(request->kind), money_datum(request->amount),
		request->reference ? CStringGetTextDatum(request->reference) : (Datum) 0,
		request->nshares > 0 ? JsonbPGetDatum(usom_payment_shares_json(request->shares, request->nshares)) : (Datum) 0,
		request->reason ? CStringGetTextDatum(request->reason) : (Datum) 0, TimestampTzGetDatum(request->due_at),
		CStringGetTextDatum(request->status)
	};
	bool		nulls[10] = {false};

	nulls[5] = request->reference == NULL;
	nulls[6] = request->nshares == 0;
	nulls[7] = request->reason == NULL;
	nulls[8] = request->due_at == USOM_NO_TIME;
	usom_rows_add(rows, values, nulls);
}

static void
add_fact(UsomRows *rows, const UsomPayments *payments, const UsomPaymentFact *fact)
{
	UsomMoney	tax = 0;
	Datum		values[12] = {
		Int64GetDatum(payments->set->orders[payments->order].sales_order_id), Int32GetDatum(fact->transaction_no),
		Int64GetDatum(payments->payments[fact->payment].payment_id), CStringGetTextDatum(fact->kind), money_datum(fact->amount),
		CStringGetTextDatum(fact->reference), CStringGetTextDatum(fact->failed ? "failed" : "ok"),
		fact->nshares > 0 ? JsonbPGetDatum(usom_payment_shares_json(fact->shares, fact->nshares)) : (Datum) 0,
		(Datum) 0, Int32GetDatum(fact->request_no), TimestampTzGetDatum(fact->expires_at), TimestampTzGetDatum(fact->occurred_at)
	};
	bool		nulls[12] = {false};

	for (int i = 0; i < fact->nshares; i++)
		tax += fact->shares[i].tax;
	values[8] = money_datum(tax);
	nulls[7] = fact->nshares == 0;
	nulls[9] = fact->request_no == 0;
	nulls[10] = fact->expires_at == USOM_NO_TIME;
	usom_rows_add(rows, values, nulls);
}

static uint64
write_rows(UsomQuery *query, int64 org_id, UsomRows *rows)
{
	Datum		values[3] = {Int64GetDatum(org_id), (Datum) 0, TimestampTzGetDatum(usom_call_time())};

	values[1] = usom_rows_datum(rows);
	return usom_query_write(query, values, NULL);
}

/* Of each kind of row a statement, if there are any; all are written. */
static void
write_all(UsomQuery *query, int64 org_id, UsomRows *rows)
{
	if (usom_rows_count(rows) > 0)
	{
		uint64		processed = write_rows(query, org_id, rows);

		Ensure(processed == (uint64) usom_rows_count(rows), "usom wrote " UINT64_FORMAT " of %d rows of payments", processed,
			   usom_rows_count(rows));
	}
}

static void
refuse_reference(const UsomPayments *payments, const char *what)
{
	ereport(ERROR, errcode(USOM_ERR(PAYMENT_REFERENCE_TAKEN)),
			errmsg("cannot record the %s of order \"%s\": its reference is taken", what,
				   payments->set->orders[payments->order].order_no),
			errdetail("Another order, or another amount, was recorded with it."),
			errhint("Give the reference that the payment provider gave for this very %s.", what));
}

bool
usom_payments_is_repeat(const UsomPayments *payments, const UsomPaymentFact *fact)
{
	Datum		values[] = {
		Int64GetDatum(payments->set->org_id), CStringGetTextDatum(fact->kind), CStringGetTextDatum(fact->reference),
		Int64GetDatum(payments->set->orders[payments->order].sales_order_id), CStringGetTextDatum(fact->failed ? "failed" : "ok")
	};

	if (usom_query_run(&find_fact, values, NULL) == 0)
		return false;
	if (!DatumGetBool(usom_query_get(0, 1)) || get_money(0, 2) != fact->amount)
		refuse_reference(payments, fact->kind);
	return true;
}

static void
write_payments(UsomPayments *payments)
{
	UsomRows   *added = usom_rows_make("_payment_row", payments->count);
	UsomRows   *changed = usom_rows_make("_payment_row", payments->count);

	for (int i = 0; i < payments->count; i++)
		add_payment(payments->payments[i].is_new ? added : changed, payments, &payments->payments[i]);
	if (usom_rows_count(added) > 0 &&
		write_rows(&insert_payments, payments->set->org_id, added) != (uint64) usom_rows_count(added))
		refuse_reference(payments, "payment");
	write_all(&update_payments, payments->set->org_id, changed);
}

static void
write_lines(UsomPayments *payments)
{
	UsomRows   *added = usom_rows_make("_payment_line_row", payments->nlines);
	UsomRows   *changed = usom_rows_make("_payment_line_row", payments->nlines);

	for (int i = 0; i < payments->nlines; i++)
		if (memcmp(&payments->lines[i].sums, &payments->lines[i].was, sizeof(UsomPaidSums)) != 0)
			add_line(payments->lines[i].is_new ? added : changed, payments, &payments->lines[i]);
	write_all(&update_lines, payments->set->org_id, changed);
	write_all(&insert_lines, payments->set->org_id, added);
}

static void
write_requests(UsomPayments *payments)
{
	UsomRows   *added = usom_rows_make("_payment_request_row", list_length(payments->requests));
	UsomRows   *answered = usom_rows_make("_payment_request_row", list_length(payments->answered));

	for (int i = 0; i < list_length(payments->answered); i++)
		add_request(answered, payments, list_nth(payments->answered, i));
	for (int i = 0; i < list_length(payments->requests); i++)
		add_request(added, payments, list_nth(payments->requests, i));
	write_all(&answer_requests, payments->set->org_id, answered);
	write_all(&insert_requests, payments->set->org_id, added);
}

/* What is paid: captured, less what went back or is asked to. */
static void
settle_paid(UsomPayments *payments)
{
	UsomMoney	paid = 0;

	for (int i = 0; i < payments->count; i++)
		paid += usom_payment_refundable(&payments->payments[i]);
	payments->set->orders[payments->order].paid = usom_money_numeric(paid, USOM_AMOUNT_DECIMALS);
}

static void
mark_written(UsomPayments *payments)
{
	for (int i = 0; i < payments->count; i++)
	{
		payments->payments[i].is_new = false;
		payments->payments[i].was = payments->payments[i].sums;
	}
	for (int i = 0; i < payments->nlines; i++)
	{
		payments->lines[i].is_new &= memcmp(&payments->lines[i].sums, &payments->lines[i].was, sizeof(UsomPaidSums)) == 0;
		payments->lines[i].was = payments->lines[i].sums;
	}
	payments->requests = payments->answered = payments->facts = NIL;
}

void
usom_payments_write(UsomPayments *payments)
{
	UsomRows   *facts = usom_rows_make("_payment_transaction_row", list_length(payments->facts));

	if (payments->count == 0)
		return;
	write_payments(payments);
	for (int i = 0; i < list_length(payments->facts); i++)
		add_fact(facts, payments, list_nth(payments->facts, i));
	if (usom_rows_count(facts) > 0 && write_rows(&insert_facts, payments->set->org_id, facts) != (uint64) usom_rows_count(facts))
		refuse_reference(payments, ((const UsomPaymentFact *) linitial(payments->facts))->kind);
	write_lines(payments);
	write_requests(payments);
	settle_paid(payments);
	mark_written(payments);
}

/* ---- payments of new orders ---- */

static bool
is_written(int64 payment_id, uint64 n)
{
	for (uint64 row = 0; row < n; row++)
		if (DatumGetInt64(usom_query_get(row, 1)) == payment_id)
			return true;
	return false;
}

void
usom_payments_write_new(UsomPayments **payments, int count, bool *written)
{
	int64		org_id = payments[0]->set->org_id;
	UsomRows   *rows = usom_rows_make("_payment_row", count);
	UsomRows   *facts = usom_rows_make("_payment_transaction_row", count);
	uint64		n;

	for (int i = 0; i < count; i++)
		add_payment(rows, payments[i], &payments[i]->payments[0]);
	n = write_rows(&insert_payments, org_id, rows);
	for (int i = 0; i < count; i++)
		written[i] = is_written(payments[i]->payments[0].payment_id, n);
	for (int i = 0; i < count; i++)
		if (written[i])
			add_fact(facts, payments[i], linitial(payments[i]->facts));
	if (usom_rows_count(facts) > 0 && write_rows(&insert_facts, org_id, facts) != (uint64) usom_rows_count(facts))
		refuse_reference(payments[0], "authorize");
}
