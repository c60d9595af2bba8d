/*
 * supply_verbs.c
 *		usom.change_supply(), usom.cancel_supply() and usom.receive_supply():
 *		what was expected moves, fails or comes.
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
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_change_supply);
PG_FUNCTION_INFO_V1(usom_cancel_supply);
PG_FUNCTION_INFO_V1(usom_receive_supply);

static UsomQuery read_pegged = {
	.text = "SELECT s.pegged FROM usom.supply s WHERE s.org_id = $1 AND s.supply_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuantity
waiting_units(const UsomWait *waits, int nwaits)
{
	UsomQuantity units = 0;

	for (int i = 0; i < nwaits; i++)
		units += waits[i].waiting;
	return units;
}

Datum
usom_api_answer_supply(UsomAnswer *answer, const UsomReplan *replan)
{
	UsomQuantity filled = waiting_units(replan->before, replan->set->nlines) -
		waiting_units(usom_api_look_at_waits(replan->set), replan->set->nlines);
	bool		nulls[7] = {false};
	Datum		values[7];

	usom_query_run(&read_pegged, (Datum[]) {Int64GetDatum(replan->org_id), Int64GetDatum(replan->supply_id)}, NULL);
	values[0] = CStringGetTextDatum(replan->supply_no);
	values[1] = CStringGetTextDatum(replan->status);
	values[2] = NumericGetDatum(usom_quantity_numeric(replan->quantity));
	values[3] = NumericGetDatum(usom_quantity_numeric(replan->received));
	values[4] = NumericGetDatum(usom_quantity_numeric(usom_quantity_of(DatumGetNumeric(usom_query_get(0, 1)))));
	values[5] = TimestampTzGetDatum(replan->expected_at);
	values[6] = NumericGetDatum(usom_quantity_numeric(filled));
	return usom_order_answer_row(answer, values, nulls);
}

static void
check_above_received(const UsomReplan *replan)
{
	if (replan->quantity <= replan->received)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("supply \"%s\" cannot become %s units in all", replan->supply_no, usom_quantity_text(replan->quantity)),
				errdetail("%s have arrived.", usom_quantity_text(replan->received)),
				errhint("If nothing more comes, call usom.receive_supply(%s, 0, final => true).",
						quote_literal_cstr(replan->supply_no)));
}

/* usom.change_supply(supply_no, quantity, expected_at, confidence, reason) */
Datum
usom_change_supply(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "change_supply", 4);
	UsomQuantity quantity = PG_ARGISNULL(1) ? 0 : usom_stock_positive(usom_stock_required_quantity(fcinfo, 1, "quantity"), "quantity");
	UsomReplan	replan = {.org_id = usom_party_org(), .supply_no = usom_order_arg_text(fcinfo, 0, "supply_no")};

	replan.more = PG_ARGISNULL(1) ? -1 : quantity;
	usom_api_open_supply(&replan);
	usom_api_check_expected(&replan);
	if (!PG_ARGISNULL(1))
		replan.quantity = quantity;
	if (!PG_ARGISNULL(2))
		replan.expected_at = usom_api_expected_argument(fcinfo, 2);
	if (!PG_ARGISNULL(3))
		replan.confidence = usom_api_confidence_argument(fcinfo, 3);
	check_above_received(&replan);
	usom_api_write_supply(&replan);
	usom_api_close_supply(&replan, "promise");
	return usom_api_answer_supply(answer, &replan);
}

/* usom.cancel_supply(supply_no, reason) */
Datum
usom_cancel_supply(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "cancel_supply", 1);
	UsomReplan	replan = {.org_id = usom_party_org(), .supply_no = usom_order_arg_text(fcinfo, 0, "supply_no")};

	usom_api_open_supply(&replan);
	usom_api_check_expected(&replan);
	replan.status = "cancelled";
	usom_api_write_supply(&replan);
	usom_api_close_supply(&replan, "promise");
	return usom_api_answer_supply(answer, &replan);
}

/* ---- receive ---- */

static void
put_on_shelf(const UsomReplan *replan, const char *lot, UsomQuantity quantity)
{
	UsomStockDelta delta = {.key = {replan->product_id, replan->location_id, lot}, .on_hand = quantity};
	UsomStockMovement movement = {
		.key = delta.key,
		.kind = "receipt",
		.delta = quantity,
		.reference = replan->supply_no,
		.reason = usom_call_reason(),
	};

	if (quantity == 0)
		return;
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

/* usom.receive_supply(supply_no, quantity, lot, final) */
Datum
usom_receive_supply(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "receive_supply", -1);
	bool		final = !PG_ARGISNULL(3) && PG_GETARG_BOOL(3);
	UsomQuantity quantity = quantity_argument(fcinfo, final);
	const char *lot = usom_stock_optional_text(fcinfo, 2);
	UsomReplan	replan = {
		.org_id = usom_party_org(),
		.supply_no = usom_order_arg_text(fcinfo, 0, "supply_no"),
		.with_stock = true,
		.more = PG_ARGISNULL(1) ? -1 : quantity,
	};

	usom_api_open_supply(&replan);
	usom_api_check_expected(&replan);
	if (PG_ARGISNULL(1))
		quantity = replan.quantity - replan.received;
	replan.received = usom_quantity_add(replan.received, quantity);
	if (final || replan.received >= replan.quantity)
		replan.status = "received";
	usom_api_write_supply(&replan);
	put_on_shelf(&replan, lot ? lot : "", quantity);
	give_out(&replan);
	usom_api_close_supply(&replan, "receive");
	return usom_api_answer_supply(answer, &replan);
}
