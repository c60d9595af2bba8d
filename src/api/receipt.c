/*
 * receipt.c
 *		usom.receive_supply(): what was expected comes, is taken in or refused,
 *		and goes to who waits.
 *
 * A receipt that differs from what was expected is a case: units that were
 * rejected at once; fewer or more than expected when nothing more comes.
 *
 * Locks: those of api/replan.c: orders, stock where units arrive, supply.
 *
 * Invariant: what arrives is on the shelf, in the ledger, and reserved for
 * who waited for it in one call, so no unit is free while somebody who was
 * promised it waits.
 *
 * Memory: SPI's context of the call.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/peg.h"
#include "api/replan.h"
#include "api/supply.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "order/answer.h"
#include "party/party.h"
#include "stock/place.h"
#include "stock/serial.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_receive_supply);

/* What came with one call. */
typedef struct Receipt
{
	const char *lot;			/* "": none */
	UsomQuantity quantity;
	UsomQuantity rejected;
	UsomQuantity rejected_before;
	const char **serials;
	int			nserials;
	UsomPlace	place;
	const char *reference;		/* of the supply, or NULL */
} Receipt;

static void
put_on_shelf(const UsomReplan *replan, const Receipt *receipt)
{
	UsomQuantity quantity = receipt->quantity;
	UsomStockDelta delta = {.key = {replan->product_id, replan->location_id, receipt->lot, 0}, .on_hand = quantity};
	UsomStockMovement movement = {
		.key = delta.key,
		.kind = "receipt",
		.delta = quantity,
		.reference = replan->supply_no,
		.reason = usom_call_reason(),
	};

	if (quantity == 0)
		return;
	usom_stock_check_named(&receipt->place, receipt->lot, receipt->nserials > 0);
	if (receipt->nserials > 0)
		usom_stock_serials_receive(replan->org_id, replan->product_id, replan->location_id, receipt->serials,
								   receipt->nserials, replan->supply_no);
	usom_stock_add(replan->org_id, &delta, 1);
	usom_stock_book(replan->org_id, &movement, 1);
}

/*
 * Who counted on it gets it from where it arrived; then whoever waits for the
 * product is served from anywhere.  Components of kits that are served whole
 * wait for the second round, which looks at all of a kit.
 */
static void
give_out(UsomReplan *replan)
{
	UsomOrderSet *set = replan->set;
	int		   *pieces = palloc_array(int, set->npieces + 1);
	int			count = 0;

	for (int i = 0; i < replan->nloaded; i++)
		if (replan->counted_on_it[i] && !usom_line_is_component(&set->lines[set->pieces[i].line]))
			pieces[count++] = i;
	usom_api_sort_pieces(set, pieces, count);
	usom_api_fill_pieces(set, pieces, count, replan->location_id);
	usom_api_fill(set, replan->product_id);
}

/* Units that arrived: 0 stands for "all that is to come" until that is known. */
static UsomQuantity
quantity_argument(FunctionCallInfo fcinfo, bool final)
{
	UsomQuantity quantity = PG_ARGISNULL(1) ? 0 : usom_stock_required_quantity(fcinfo, 1, "quantity");

	if (quantity < 0 || (quantity == 0 && !PG_ARGISNULL(1) && !final))
		usom_stock_positive(quantity, "quantity");
	return quantity;
}

/* ---- differences ---- */

static UsomQuery read_place = {
	.text = "SELECT p.sku, l.code, p.tracking, s.rejected, s.reference FROM usom.supply AS s "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = s.product_id "
	"JOIN usom.location AS l ON l.org_id = $1 AND l.location_id = s.location_id WHERE s.org_id = $1 AND s.supply_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static void
find_place(const UsomReplan *replan, Receipt *receipt)
{
	Datum		values[] = {Int64GetDatum(replan->org_id), Int64GetDatum(replan->supply_id)};

	Ensure(usom_query_run(&read_place, values, NULL) == 1, "a supply is of no product or location");
	receipt->place.sku = usom_query_get_text(0, 1);
	receipt->place.location = usom_query_get_text(0, 2);
	receipt->place.tracking = usom_stock_tracking(usom_query_get_text(0, 3));
	receipt->rejected_before = usom_quantity_of(DatumGetNumeric(usom_query_get(0, 4)));
	receipt->reference = usom_query_get_text(0, 5);
}

static UsomQuery reject_units = {
	.text = "UPDATE usom.supply AS s SET rejected = s.rejected + $3 WHERE s.org_id = $1 AND s.supply_id = $2",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "numeric"},
};

static UsomQuery raise_difference = {
	.text = "SELECT usom._raise_case(NULL, NULL, $1, $2, $3, jsonb_strip_nulls(jsonb_build_object('sku', $4, 'location', $5, "
	"'expected', $6, 'received', $7, 'rejected', $8, 'missing', $9, 'reference', $10)))",
	.nargs = 10,
	.argtypes = {"text", "text", "text", "text", "text", "numeric", "numeric", "numeric", "numeric", "text"},
};

/* missing: units that do not come any more. */
static void
raise_case(const UsomReplan *replan, const Receipt *receipt, const char *kind, const char *message, UsomQuantity missing)
{
	UsomQuantity rejected = receipt->rejected_before + receipt->rejected;
	bool		nulls[10] = {[9] = receipt->reference == NULL};
	Datum		values[] = {
		CStringGetTextDatum(kind), CStringGetTextDatum(replan->supply_no), CStringGetTextDatum(message),
		CStringGetTextDatum(receipt->place.sku), CStringGetTextDatum(receipt->place.location),
		NumericGetDatum(usom_quantity_numeric(replan->quantity)), NumericGetDatum(usom_quantity_numeric(replan->received)),
		NumericGetDatum(usom_quantity_numeric(rejected)), NumericGetDatum(usom_quantity_numeric(missing)),
		receipt->reference ? CStringGetTextDatum(receipt->reference) : (Datum) 0,
	};

	usom_query_run(&raise_difference, values, nulls);
}

static void
tell_differences(const UsomReplan *replan, const Receipt *receipt)
{
	UsomQuantity missing = replan->quantity - replan->received - receipt->rejected_before - receipt->rejected;
	const char *sku = receipt->place.sku;

	if (receipt->rejected > 0)
		raise_case(replan, receipt, "receipt_rejected", psprintf("%s units of %s of supply %s were rejected",
			  usom_quantity_text(receipt->rejected_before + receipt->rejected), sku, replan->supply_no), Max(missing, 0));
	if (strcmp(replan->status, "received") != 0)
		return;
	if (missing > 0)
		raise_case(replan, receipt, "receipt_short", psprintf("%s units of %s of supply %s did not come",
			  usom_quantity_text(missing), sku, replan->supply_no), missing);
	else if (replan->received > replan->quantity)
		raise_case(replan, receipt, "receipt_over", psprintf("%s units of %s came beyond supply %s",
				   usom_quantity_text(replan->received - replan->quantity), sku, replan->supply_no), 0);
}

/* ---- the verb ---- */

static void
read_serials(FunctionCallInfo fcinfo, Receipt *receipt)
{
	if (PG_ARGISNULL(5))
		return;
	receipt->serials = usom_stock_serials_argument(fcinfo, 5, &receipt->nserials);
	if ((UsomQuantity) receipt->nserials * USOM_UNIT != receipt->quantity)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s units came with %d serial numbers", usom_quantity_text(receipt->quantity), receipt->nserials),
				errhint("Give one number for each unit."));
}

static UsomQuantity
rejected_argument(FunctionCallInfo fcinfo)
{
	UsomQuantity rejected = PG_ARGISNULL(4) ? 0 : usom_stock_required_quantity(fcinfo, 4, "rejected");

	usom_stock_check_not_negative(rejected, "rejected", "Give the units that came and were not taken in.");
	return rejected;
}

static void
note_rejected(const UsomReplan *replan, const Receipt *receipt)
{
	Datum		values[] = {
		Int64GetDatum(replan->org_id),
		Int64GetDatum(replan->supply_id),
		NumericGetDatum(usom_quantity_numeric(receipt->rejected)),
	};

	if (receipt->rejected > 0)
		usom_query_write(&reject_units, values, NULL);
}

/* usom.receive_supply(supply_no, quantity, lot, final, rejected, serials) */
Datum
usom_receive_supply(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "receive_supply", -1);
	bool		final = !PG_ARGISNULL(3) && PG_GETARG_BOOL(3);
	Receipt		receipt = {.lot = PG_ARGISNULL(2) ? "" : usom_stock_optional_text(fcinfo, 2)};
	UsomReplan	replan = {
		.org_id = usom_party_org(),
		.supply_no = usom_order_arg_text(fcinfo, 0, "supply_no"),
		.with_stock = true,
	};

	receipt.rejected = rejected_argument(fcinfo);
	receipt.quantity = quantity_argument(fcinfo, final || receipt.rejected > 0);
	replan.more = PG_ARGISNULL(1) ? -1 : receipt.quantity;
	usom_api_open_supply(&replan);
	usom_api_check_expected(&replan);
	if (PG_ARGISNULL(1))
		receipt.quantity = Max(replan.quantity - replan.received - receipt.rejected, 0);
	read_serials(fcinfo, &receipt);
	find_place(&replan, &receipt);
	replan.received = usom_quantity_add(replan.received, receipt.quantity);
	if (final || replan.received >= replan.quantity)
		replan.status = "received";
	usom_api_write_supply(&replan);
	note_rejected(&replan, &receipt);
	put_on_shelf(&replan, &receipt);
	give_out(&replan);
	usom_api_close_supply(&replan, "receive");
	tell_differences(&replan, &receipt);
	return usom_api_answer_supply(answer, &replan);
}
