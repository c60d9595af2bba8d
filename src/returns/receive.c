/*
 * receive.c
 *		Receive a return: units go back to the shelf they left from.
 *
 * Locks: the order, then the stock rows (by save).  The return's own rows are
 * changed under the order's lock alone.
 */
#include "postgres.h"

#include "returns/returns.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "order/answer.h"
#include "order/line_list.h"
#include "party/party.h"
#include "payment/credit.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_receive_return);

static UsomQuery find_return = {
	.text = "SELECT r.return_order_id, o.order_no FROM usom.return_order r "
	"JOIN usom.sales_order o ON o.org_id = r.org_id AND o.sales_order_id = r.sales_order_id "
	"WHERE r.org_id = $1 AND r.return_no = $2 AND ($3 IS NULL OR o.channel_id = ANY ($3))",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

static UsomQuery read_lines = {
	.text = "SELECT t.line_no, t.quantity - t.quantity_received FROM usom.return_line t "
	"WHERE t.org_id = $1 AND t.return_order_id = $2 ORDER BY t.line_no",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery count_received = {
	.text = "UPDATE usom.return_line AS t SET quantity_received = t.quantity_received + r.quantity "
	"FROM unnest($2) AS r WHERE t.org_id = $1 AND t.return_order_id = r.return_order_id AND t.line_no = r.line_no",
	.nargs = 2,
	.argtypes = {"bigint", "usom._return_row[]"},
};

static UsomQuery settle_return = {
	.text = "UPDATE usom.return_order AS r SET status = s.status::usom.return_status, "
	"received_at = CASE WHEN s.status = 'received' THEN now() END "
	"FROM (SELECT CASE WHEN bool_and(t.quantity_received = t.quantity) THEN 'received' ELSE 'partially_received' END AS status "
	"FROM usom.return_line t WHERE t.org_id = $1 AND t.return_order_id = $2) AS s "
	"WHERE r.org_id = $1 AND r.return_order_id = $2 RETURNING r.status::text",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

typedef struct Receipt
{
	UsomOrderSet *set;
	int64		return_id;
	char	   *return_no;
	UsomQuantity *due;			/* by line of the set: authorised and not here yet */
} Receipt;

static void
read_due(Receipt *receipt)
{
	Datum		values[2] = {Int64GetDatum(receipt->set->org_id), Int64GetDatum(receipt->return_id)};
	uint64		n = usom_query_run(&read_lines, values, NULL);

	receipt->due = palloc0_array(UsomQuantity, receipt->set->nlines + 1);
	for (uint64 row = 0; row < n; row++)
		receipt->due[usom_order_find_line(receipt->set, 0, DatumGetInt32(usom_query_get(row, 1)))] =
			usom_quantity_of(DatumGetNumeric(usom_query_get(row, 2)));
}

/* Without a list, everything that is due. */
static UsomLineUnits *
all_due(const Receipt *receipt, int *count)
{
	UsomLineUnits *units = palloc_array(UsomLineUnits, receipt->set->nlines + 1);

	*count = 0;
	for (int i = 0; i < receipt->set->nlines; i++)
		if (receipt->due[i] > 0)
			units[(*count)++] = (UsomLineUnits) {i, receipt->due[i]};
	return units;
}

static void
check_due(const Receipt *receipt, const UsomLineUnits *units)
{
	if (units->quantity > receipt->due[units->line])
		ereport(ERROR, errcode(USOM_ERR(OVER_RETURNED)),
				errmsg("cannot receive %s of line %d with return \"%s\"", usom_quantity_text(units->quantity),
					   receipt->set->lines[units->line].line_no, receipt->return_no),
				errdetail("%s are authorised and not here yet.", usom_quantity_text(receipt->due[units->line])),
				errhint("Call usom.authorize_return('%s', ...) for the rest.", receipt->set->orders[0].order_no));
}

/* Units that were delivered come back before units that are still on their way. */
static void
take_back(const Receipt *receipt, const UsomLineUnits *units)
{
	UsomOrderSet *set = receipt->set;
	UsomQuantity left = units->quantity;
	int			npieces = set->npieces;

	for (UsomPieceStatus status = USOM_PIECE_DELIVERED; status >= USOM_PIECE_SHIPPED; status--)
		for (int i = 0; i < npieces && left > 0; i++)
		{
			UsomQuantity quantity = Min(left, set->pieces[i].quantity);

			if (set->pieces[i].line != units->line || set->pieces[i].status != status)
				continue;
			left -= quantity;
			usom_order_move_piece(set, i, USOM_PIECE_RETURNED, quantity, receipt->return_no);
		}
	Ensure(left == 0, "a return expects more than is with the customer");
}

static UsomQuantity
receive_units(const Receipt *receipt, const UsomLineUnits *units, int count)
{
	UsomRows   *rows = usom_rows_make("_return_row", count);
	Datum		values[2] = {Int64GetDatum(receipt->set->org_id)};
	UsomQuantity total = 0;

	for (int i = 0; i < count; i++)
	{
		Datum		row[3] = {
			Int64GetDatum(receipt->return_id), Int32GetDatum(receipt->set->lines[units[i].line].line_no),
			NumericGetDatum(usom_quantity_stored(units[i].quantity))
		};
		bool		nulls[3] = {false, false, false};

		check_due(receipt, &units[i]);
		take_back(receipt, &units[i]);
		usom_rows_add(rows, row, nulls);
		total = usom_quantity_add(total, units[i].quantity);
	}
	values[1] = usom_rows_datum(rows);
	usom_query_write(&count_received, values, NULL);
	return total;
}

static char *
settle(const Receipt *receipt)
{
	Datum		values[2] = {Int64GetDatum(receipt->set->org_id), Int64GetDatum(receipt->return_id)};

	usom_query_write(&settle_return, values, NULL);
	return usom_query_get_text(0, 1);
}

static void
load_receipt(Receipt *receipt, int64 org_id)
{
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(org_id), CStringGetTextDatum(receipt->return_no)};

	values[2] = usom_party_channels(&nulls[2]);
	if (usom_query_run(&find_return, values, nulls) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_RETURN)),
				errmsg("no return \"%s\"", receipt->return_no),
				errhint("Look it up in usom.returns."));
	receipt->return_id = DatumGetInt64(usom_query_get(0, 1));
	receipt->set = usom_order_load(org_id, usom_query_get_text(0, 2));
	read_due(receipt);
}

Datum
usom_receive_return(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "receive_return", -1);
	Receipt		receipt = {.return_no = usom_order_arg_text(fcinfo, 0, "return_no")};
	bool		nulls[2] = {false, false};
	Datum		values[2];
	UsomLineUnits *units;
	int			count;

	load_receipt(&receipt, usom_party_org());
	units = PG_ARGISNULL(1) ? all_due(&receipt, &count)
		: usom_order_read_line_list(receipt.set, PG_GETARG_JSONB_P(1), &count);
	if (count > 0)
	{
		UsomCredit *credit = usom_credit_open(receipt.set);

		receipt.set->orders[0].event_quantity = receive_units(&receipt, units, count);
		receipt.set->orders[0].event_reference = receipt.return_no;
		usom_order_settle(receipt.set, 0, "return");
		usom_order_save(receipt.set);
		usom_credit_close(credit, USOM_CREDIT_FOLLOWS);
	}
	values[0] = CStringGetTextDatum(count > 0 ? settle(&receipt) : "received");
	values[1] = CStringGetTextDatum(usom_order_lifecycle_table.labels[receipt.set->orders[0].status]);
	return usom_order_answer_row(answer, values, nulls);
}
