/*
 * payment_lines.c
 *		The argument "lines" of payments: [{"line_no": 1, "amount": 5.00, "tax": 0.83}].
 *
 * Pure but for errors: no SPI, no locks.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/payment.h"

#include "base/errors.h"

static const UsomKey line_keys[] = {
	USOM_KEY_AS("line_no", USOM_KEY_INTEGER, UsomPayLine, line_no),
	USOM_KEY_AS("quantity", USOM_KEY_QUANTITY, UsomPayLine, quantity),
	USOM_KEY_GIVEN("amount", USOM_KEY_AMOUNT, UsomPayLine, amount, has_amount),
	USOM_KEY_GIVEN("tax", USOM_KEY_AMOUNT, UsomPayLine, tax, has_tax),
	USOM_KEY_GIVEN("freight", USOM_KEY_AMOUNT, UsomPayLine, freight, has_freight),
};

static UsomSchema line_schema = {"lines", 0, line_keys, lengthof(line_keys), NULL};

typedef struct Reading
{
	UsomPayments *payments;
	bool		refunds;
	int			nshares;
	UsomShare  *shares;
} Reading;

static UsomMoney
money(Numeric amount)
{
	return usom_money_of(amount, USOM_AMOUNT_DECIMALS);
}

static void
check_line(const UsomPayLine *line, const char *path)
{
	int			given = (line->quantity > 0) + line->has_amount + line->has_freight;

	if (given != 1)
		usom_document_refuse(&line_schema, path, "amount", "is to be given, or quantity, or freight: one of them");
	if (line->has_tax && !line->has_amount)
		usom_document_refuse(&line_schema, path, "tax", "goes with amount alone");
}

/* What the units cost that are to be paid back: those that the customer had last. */
static UsomMoney
cost_of_units(const UsomPayments *payments, int index, UsomQuantity quantity)
{
	const UsomLine *line = &payments->set->lines[index];
	UsomQuantity kept = line->quantity - line->counters.by_state[USOM_PIECE_CANCELLED] - line->counters.by_state[USOM_PIECE_RETURNED];

	if (quantity > line->quantity - kept)
		ereport(ERROR, errcode(USOM_ERR(ABOVE_CEILING)),
				errmsg("cannot refund %s units of line %d of order \"%s\"", usom_quantity_text(quantity), line->line_no,
					   payments->set->orders[payments->order].order_no),
				errdetail("%s came back and %s were cancelled.", usom_quantity_text(line->counters.by_state[USOM_PIECE_RETURNED]),
						  usom_quantity_text(line->counters.by_state[USOM_PIECE_CANCELLED])),
				errhint("Call usom.receive_return() for units that have arrived, or give an amount."));
	return usom_order_units_value(line, kept + quantity) - usom_order_units_value(line, kept);
}

static UsomShare
refund_of_units(Reading *reading, int index, const UsomPayLine *from)
{
	UsomPayments *payments = reading->payments;
	UsomMoney	owed = usom_payment_owed(payments, index);
	UsomMoney	amount = cost_of_units(payments, index, from->quantity);

	if (amount > owed)
		ereport(ERROR, errcode(USOM_ERR(ABOVE_CEILING)),
				errmsg("cannot refund %s units of line %d of order \"%s\"", usom_quantity_text(from->quantity), from->line_no,
					   payments->set->orders[payments->order].order_no),
				errdetail("They cost %s; %s are owed for units that came back or were cancelled and not refunded yet.",
						  usom_payment_text(amount), usom_payment_text(owed)),
				errhint("Look at usom.payment_requests: what came back was asked for already."));
	return (UsomShare) {.line_no = from->line_no, .amount = amount, .units = amount};
}

static UsomShare
refund_of_freight(Reading *reading, int index, const UsomPayLine *from)
{
	UsomPayments *payments = reading->payments;
	const UsomPaidLine *paid = usom_payments_line(payments, from->line_no);
	UsomMoney	amount = money(from->freight);
	UsomMoney	freight = money(payments->set->lines[index].freight);

	if (amount + paid->sums.for_freight > freight)
		ereport(ERROR, errcode(USOM_ERR(ABOVE_CEILING)),
				errmsg("cannot refund %s of freight of line %d of order \"%s\"", usom_payment_text(amount), from->line_no,
					   payments->set->orders[payments->order].order_no),
				errdetail("Its freight is %s, of which %s went back or are asked to.", usom_payment_text(freight),
						  usom_payment_text(paid->sums.for_freight)),
				errhint("Give an amount for what is not freight."));
	return (UsomShare) {.line_no = from->line_no, .amount = amount, .freight = amount};
}

static UsomShare
share_of(Reading *reading, int index, const UsomPayLine *from)
{
	UsomPayments *payments = reading->payments;

	if (reading->refunds && from->quantity > 0)
		return refund_of_units(reading, index, from);
	if (reading->refunds && from->has_freight)
		return refund_of_freight(reading, index, from);
	if (from->quantity > 0)
		return (UsomShare) {
		.line_no = from->line_no, .amount = usom_order_units_value(&payments->set->lines[index], from->quantity)
	};
	return (UsomShare) {.line_no = from->line_no, .amount = money(from->has_freight ? from->freight : from->amount)};
}

static void
read_line(JsonbContainer *object, int index, void *target)
{
	Reading    *reading = target;
	char	   *path = psprintf("lines[%d].", index);
	UsomPayLine line = {0};
	UsomShare	share;
	int			of_set;

	usom_document_read(&line_schema, object, path, &line);
	check_line(&line, path);
	of_set = usom_order_find_line(reading->payments->set, reading->payments->order, line.line_no);
	share = share_of(reading, of_set, &line);
	if (share.amount <= 0)
		usom_document_refuse(&line_schema, path, "amount", "must be more than nothing");
	for (int i = 0; i < reading->nshares; i++)
		if (reading->shares[i].line_no == share.line_no)
			usom_document_refuse(&line_schema, path, "line_no", "must not come twice");
	if (reading->refunds)
		share.tax = line.has_tax ? money(line.tax)
			: usom_payment_refund_tax(reading->payments, usom_payments_line(reading->payments, share.line_no), share.amount);
	reading->shares[reading->nshares++] = share;
}

static UsomShare *
read_lines(UsomPayments *payments, Jsonb *lines, bool refunds, int *nshares)
{
	Reading		reading = {.payments = payments, .refunds = refunds};
	JsonbValue	array;

	line_schema.sqlerrcode = USOM_ERR(INVALID_PAYMENT);
	if (!JB_ROOT_IS_ARRAY(lines) || JB_ROOT_IS_SCALAR(lines))
		usom_document_refuse(&line_schema, "", "the list", "must be an array of objects");
	reading.shares = palloc0_array(UsomShare, JB_ROOT_COUNT(lines) + 1);
	array.type = jbvBinary;
	array.val.binary.data = &lines->root;
	array.val.binary.len = VARSIZE_ANY_EXHDR(lines);
	usom_document_each(&line_schema, &array, "lines", read_line, &reading);
	*nshares = reading.nshares;
	return reading.shares;
}

UsomShare *
usom_api_read_capture(UsomPayments *payments, Jsonb *lines, int *nshares)
{
	return read_lines(payments, lines, false, nshares);
}

UsomShare *
usom_api_read_refund(UsomPayments *payments, Jsonb *lines, int *nshares)
{
	return read_lines(payments, lines, true, nshares);
}
