/*
 * drop_ship.c
 *		usom.receive_drop_ship(): a supplier has sent units of a line straight to
 *		the customer.
 *
 * What came of the supply is in one call received where the supplier is,
 * reserved for the line, released, shipped and delivered: so what is delivered
 * is what was received, and the ledger of the place shows both.  What the line
 * does not want any more is no stock of anybody: it is written down as surplus,
 * with a case for those who talk to the supplier.
 *
 * Locks: the row of the message first, by its reference, so that a repeated one
 * waits for the first; then those of api/replan.c.  Memory: the call's.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/peg.h"
#include "api/replan.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/payload.h"
#include "base/query.h"
#include "fulfillment/fulfillment.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_receive_drop_ship);

static UsomQuery find_supply = {
	.text = "SELECT s.supply_id, s.kind, o.sales_order_id, o.order_no, s.line_no FROM usom.supply AS s "
	"LEFT JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = s.sales_order_id "
	"WHERE s.org_id = $1 AND s.supply_no = $2 AND ($3 IS NULL OR o.channel_id = ANY ($3))",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

static UsomQuery insert_receipt = {
	.text = "INSERT INTO usom.drop_ship_receipt (org_id, drop_ship_receipt_id, supply_id, sales_order_id, line_no, reference) "
	"VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (org_id, supply_id, reference) DO NOTHING",
	.nargs = 6,
	.argtypes = {"bigint", "bigint", "bigint", "bigint", "integer", "text"},
};

static UsomQuery update_receipt = {
	.text = "UPDATE usom.drop_ship_receipt AS r SET quantity = $3, delivered = $4, surplus = $5, "
	"shipment_id = (SELECT s.shipment_id FROM usom.shipment AS s WHERE s.org_id = $1 AND s.shipment_no = $6) "
	"WHERE r.org_id = $1 AND r.drop_ship_receipt_id = $2",
	.nargs = 6,
	.argtypes = {"bigint", "bigint", "numeric", "numeric", "numeric", "text"},
};

static UsomQuery read_receipt = {
	.text = "SELECT s.supply_no, s.status, trim_scale(s.received), trim_scale(r.delivered), trim_scale(r.surplus), h.shipment_no "
	"FROM usom.drop_ship_receipt AS r JOIN usom.supply AS s ON s.org_id = $1 AND s.supply_id = r.supply_id "
	"LEFT JOIN usom.shipment AS h ON h.org_id = $1 AND h.shipment_id = r.shipment_id "
	"WHERE r.org_id = $1 AND (r.drop_ship_receipt_id = $2 OR (r.supply_id = $3 AND r.reference = $4))",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "bigint", "text"},
};

static UsomQuery deliver_shipment = {
	.text = "SELECT d.status FROM usom.deliver($1, $2) AS d",
	.nargs = 2,
	.argtypes = {"text", "timestamptz"},
};

typedef struct Receipt
{
	int64		org_id;
	int64		receipt_id;
	int64		supply_id;
	int64		sales_order_id;
	const char *order_no;
	int32		line_no;
	const char *supply_no;
	const char *reference;		/* NULL: none */
	UsomQuantity quantity;		/* that the supplier says */
	UsomQuantity delivered;		/* of them the line wanted */
	const char *shipment_no;	/* NULL: none */
} Receipt;

/* ---- the message ---- */

static void
find(Receipt *receipt)
{
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(receipt->org_id), CStringGetTextDatum(receipt->supply_no)};

	values[2] = usom_party_channels(&nulls[2]);
	if (usom_query_run(&find_supply, values, nulls) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_SUPPLY)),
				errmsg("no supply \"%s\"", receipt->supply_no),
				errhint("Look it up in usom.supplies."));
	receipt->order_no = usom_query_get_text(0, 4);
	if (strcmp(usom_query_get_text(0, 2), "drop_ship") != 0 || receipt->order_no == NULL)
		ereport(ERROR, errcode(USOM_ERR(NOT_DROP_SHIP)),
				errmsg("supply \"%s\" is not sent to a customer", receipt->supply_no),
				errdetail("It is of kind %s and for %s.", usom_query_get_text(0, 2), receipt->order_no ? "an order" : "all orders"),
				errhint("usom.receive_supply() takes it."));
	receipt->supply_id = DatumGetInt64(usom_query_get(0, 1));
	receipt->sales_order_id = DatumGetInt64(usom_query_get(0, 3));
	receipt->line_no = DatumGetInt32(usom_query_get(0, 5));
}

/* False: the message came before. */
static bool
insert(Receipt *receipt)
{
	bool		nulls[6] = {false, false, false, false, false, receipt->reference == NULL};
	Datum		values[6] = {
		Int64GetDatum(receipt->org_id), Int64GetDatum(usom_ident_next()), Int64GetDatum(receipt->supply_id),
		Int64GetDatum(receipt->sales_order_id), Int32GetDatum(receipt->line_no),
		receipt->reference ? CStringGetTextDatum(receipt->reference) : (Datum) 0
	};

	receipt->receipt_id = DatumGetInt64(values[1]);
	return usom_query_write(&insert_receipt, values, nulls) == 1;
}

static void
update(const Receipt *receipt)
{
	bool		nulls[6] = {false, false, false, false, false, receipt->shipment_no == NULL};
	Datum		values[6] = {
		Int64GetDatum(receipt->org_id), Int64GetDatum(receipt->receipt_id),
		NumericGetDatum(usom_quantity_stored(receipt->quantity)), NumericGetDatum(usom_quantity_stored(receipt->delivered)),
		NumericGetDatum(usom_quantity_stored(receipt->quantity - receipt->delivered)),
		receipt->shipment_no ? CStringGetTextDatum(receipt->shipment_no) : (Datum) 0
	};

	usom_query_write(&update_receipt, values, nulls);
}

static Datum
answer_receipt(UsomAnswer *answer, const Receipt *receipt)
{
	bool		nulls[6] = {false, false, false, receipt->reference == NULL};
	Datum		values[6] = {
		Int64GetDatum(receipt->org_id), Int64GetDatum(receipt->receipt_id), Int64GetDatum(receipt->supply_id),
		receipt->reference ? CStringGetTextDatum(receipt->reference) : (Datum) 0
	};

	Ensure(usom_query_run(&read_receipt, values, nulls) == 1, "a receipt that was written is gone");
	for (int i = 0; i < 6; i++)
		values[i] = usom_query_get_or_null(0, i + 1, &nulls[i]);
	return usom_order_answer_row(answer, values, nulls);
}

/* ---- the goods ---- */

/* Units of the line that count on the supply. */
static UsomQuantity
wanted_units(const UsomReplan *replan)
{
	UsomQuantity units = 0;

	for (int i = 0; i < replan->nloaded; i++)
		if (replan->counted_on_it[i])
			units = usom_quantity_add(units, replan->loaded[i].quantity);
	return units;
}

static void
put_on_shelf(const UsomReplan *replan, UsomQuantity quantity)
{
	UsomStockDelta delta = {.key = {replan->product_id, replan->location_id, "", 0}, .on_hand = quantity};
	UsomStockMovement movement = {.key = delta.key, .kind = "receipt", .delta = quantity, .reference = replan->supply_no};

	usom_stock_add(replan->org_id, &delta, 1);
	usom_stock_book(replan->org_id, &movement, 1);
}

/* So many units of the pieces that counted on the supply are reserved at its place, and released. */
static void
take_units(UsomReplan *replan, UsomQuantity quantity)
{
	UsomStockKey place = {replan->product_id, replan->location_id, "", 0};
	UsomQuantity left = quantity;

	for (int i = 0; i < replan->nloaded && left > 0; i++)
	{
		UsomQuantity units = Min(left, replan->loaded[i].quantity);
		int			piece;

		if (!replan->counted_on_it[i])
			continue;
		left -= units;
		piece = usom_order_fill_piece(replan->set, i, units, &place);
		usom_order_move_piece(replan->set, piece, USOM_PIECE_RELEASED, units, NULL);
	}
	Ensure(left == 0, "a supply promises more than counts on it");
}

/* What was released is saved: it leaves.  NULL: a check has put the order on hold. */
static const char *
ship(UsomReplan *replan, const UsomShipLabel *label)
{
	UsomShipLabel from = *label;
	bool		left;

	from.location_id = replan->location_id;
	left = usom_fulfillment_ship_some(replan->set, 0, &from);
	usom_order_save(replan->set);
	return left ? replan->set->orders[0].event_reference : NULL;
}

static UsomQuery raise_case = {
	.text = "SELECT usom._raise_case($1, $2, 'drop_ship_surplus', $3, $4, $5)",
	.nargs = 5,
	.argtypes = {"bigint", "integer", "text", "text", "jsonb"},
};

/* Of an order that may be over by now: the supplier does not know. */
static void
raise_surplus(const Receipt *receipt)
{
	UsomPayload detail = usom_payload_begin();
	const char *units = usom_quantity_text(receipt->quantity - receipt->delivered);
	Datum		values[5] = {
		Int64GetDatum(receipt->sales_order_id), Int32GetDatum(receipt->line_no), CStringGetTextDatum(receipt->supply_no),
		CStringGetTextDatum(psprintf("the supplier sent %s units that the customer does not want", units))
	};

	usom_payload_quantity(&detail, "sent", receipt->quantity);
	usom_payload_quantity(&detail, "wanted", receipt->delivered);
	values[4] = JsonbPGetDatum(usom_payload_end(&detail));
	usom_query_run(&raise_case, values, NULL);
}

/* What was sent is all of the supply, or more. */
static bool
is_all(const UsomReplan *replan, const Receipt *receipt)
{
	return replan->received + receipt->quantity - receipt->delivered >= replan->quantity;
}

static void
receive(UsomReplan *replan, Receipt *receipt, const UsomShipLabel *label, bool final)
{
	if (strcmp(replan->status, "expected") != 0)
		return;
	replan->received = usom_quantity_add(replan->received, receipt->delivered);
	if (final || is_all(replan, receipt))
		replan->status = "received";
	usom_api_write_supply(replan);
	if (receipt->delivered > 0)
	{
		put_on_shelf(replan, receipt->delivered);
		take_units(replan, receipt->delivered);
	}
	usom_api_close_supply(replan, "receive");
	if (receipt->delivered > 0)
		receipt->shipment_no = ship(replan, label);
}

static UsomQuantity
quantity_argument(FunctionCallInfo fcinfo, const UsomReplan *replan, bool final)
{
	UsomQuantity quantity;

	if (PG_ARGISNULL(1))
	{
		usom_api_check_expected(replan);
		return replan->quantity - replan->received;
	}
	quantity = usom_stock_required_quantity(fcinfo, 1, "quantity");
	return quantity == 0 && final ? 0 : usom_stock_positive(quantity, "quantity");
}

static void
deliver(const Receipt *receipt)
{
	Datum		values[] = {CStringGetTextDatum(receipt->shipment_no), TimestampTzGetDatum(usom_call_time())};

	usom_query_run(&deliver_shipment, values, NULL);
}

/* usom.receive_drop_ship(supply_no, quantity, reference, carrier, tracking, delivered, final) */
Datum
usom_receive_drop_ship(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "receive_drop_ship", -1);
	Receipt		receipt = {
		.org_id = usom_party_org(),
		.supply_no = usom_order_arg_text(fcinfo, 0, "supply_no"),
		.reference = usom_stock_optional_text(fcinfo, 2),
	};
	UsomReplan	replan = {.org_id = receipt.org_id, .supply_no = receipt.supply_no, .with_stock = true, .more = 0};
	UsomShipLabel label = {
		.carrier = PG_ARGISNULL(3) ? (Datum) 0 : PG_GETARG_DATUM(3), .no_carrier = PG_ARGISNULL(3),
		.tracking = PG_ARGISNULL(4) ? (Datum) 0 : PG_GETARG_DATUM(4), .no_tracking = PG_ARGISNULL(4),
	};
	bool		final = !PG_ARGISNULL(6) && PG_GETARG_BOOL(6);

	find(&receipt);
	if (!insert(&receipt))
		return answer_receipt(answer, &receipt);
	usom_api_open_supply(&replan);
	receipt.quantity = quantity_argument(fcinfo, &replan, final);
	receipt.delivered = Min(receipt.quantity, wanted_units(&replan));
	receive(&replan, &receipt, &label, final);
	if (receipt.shipment_no != NULL && (PG_ARGISNULL(5) || PG_GETARG_BOOL(5)))
		deliver(&receipt);
	update(&receipt);
	if (receipt.quantity > receipt.delivered)
		raise_surplus(&receipt);
	return answer_receipt(answer, &receipt);
}
