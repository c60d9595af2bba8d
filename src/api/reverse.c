/*
 * reverse.c
 *		usom.reverse_receipt(): what was received by mistake is to come again.
 *
 * The units leave the shelf they came to, whoever keeps them meanwhile: the
 * least firm of those orders wait again, are served from elsewhere, or count
 * on the supply, which is open for as many units more.  Picked and packed
 * units have left the shelf and stay.
 *
 * Locks: those of api/replan.c, and the orders that lose units with its orders.
 *
 * Invariant: of a supply and of a lot no more is reversed than was received,
 * and what is expected grows by what is reversed: what was given up when the
 * last units came, or what came too much, is not expected again.
 *
 * Memory: SPI's context of the call.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/losers.h"
#include "api/replan.h"
#include "api/supply.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "fulfillment/handover.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_reverse_receipt);

static UsomQuery find_codes = {
	.text = "SELECT l.code, p.sku FROM usom.supply s JOIN usom.location l ON l.org_id = $1 AND l.location_id = s.location_id "
	"JOIN usom.product p ON p.org_id = $1 AND p.product_id = s.product_id WHERE s.org_id = $1 AND s.supply_no = $2",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

/* What of a lot came with the supply, and was not reversed. */
static UsomQuery read_lot = {
	.text = "SELECT coalesce(sum(m.delta), 0) FROM usom.stock_movement m WHERE m.org_id = $1 AND m.reference = $2 AND m.product_id = $3 "
	"AND m.kind IN ('receipt', 'reversal') AND m.location_id = $4 AND m.lot = $5",
	.nargs = 5,
	.argtypes = {"bigint", "text", "bigint", "bigint", "text"},
};

/* What was made to its end is in production again. */
static UsomQuery reopen_make = {
	.text = "UPDATE usom.make_order AS m SET status = 'in_production', ended_at = NULL "
	"WHERE m.org_id = $1 AND m.supply_id = $2 AND m.status = 'received'",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

/* A number that nobody has is refused when the supply is opened. */
static void
find_place(const UsomReplan *replan, UsomPlace *place)
{
	Datum		values[] = {Int64GetDatum(replan->org_id), CStringGetTextDatum(replan->supply_no)};

	if (usom_query_run(&find_codes, values, NULL) == 0)
		return;
	place->location = usom_query_get_text(0, 1);
	place->sku = usom_query_get_text(0, 2);
}

static void
refuse(const UsomReplan *replan, UsomQuantity possible, const char *why)
{
	ereport(ERROR, errcode(USOM_ERR(NOT_REVERSIBLE)),
			errmsg("cannot reverse %s units of supply \"%s\"", usom_quantity_text(replan->leaving->quantity), replan->supply_no),
			errdetail("%s %s", usom_quantity_text(Max(possible, 0)), why),
			errhint("Reverse at most as many; what has left the shelf comes back with usom.receive_return() or usom.receive_stock()."));
}

static UsomQuantity
received_of_lot(const UsomReplan *replan)
{
	Datum		values[] = {
		Int64GetDatum(replan->org_id),
		CStringGetTextDatum(replan->supply_no),
		Int64GetDatum(replan->product_id),
		Int64GetDatum(replan->location_id),
		CStringGetTextDatum(replan->leaving->lot.key.lot),
	};

	usom_query_run(&read_lot, values, NULL);
	return usom_quantity_of(DatumGetNumeric(usom_query_get(0, 1)));
}

static void
check_reversible(const UsomReplan *replan)
{
	const UsomLeaving *leaving = replan->leaving;
	UsomQuantity of_lot = received_of_lot(replan);
	UsomQuantity out = leaving->lot.reserved - usom_api_units_to_lose(replan->set, &leaving->lot.key);

	if (leaving->quantity > replan->received || leaving->quantity == 0)
		refuse(replan, replan->received, "have been received of it and not been reversed.");
	if (leaving->quantity > of_lot)
		refuse(replan, of_lot, "have been received of it in this lot and not been reversed.");
	if (leaving->missing > 0 && leaving->lot.on_hand - out < leaving->quantity)
		refuse(replan, leaving->lot.on_hand - out, "are still on the shelf and neither picked nor packed.");
	if (leaving->quantity > leaving->lot.on_hand)
		refuse(replan, leaving->lot.on_hand, "are still on the shelf.");
}

static void
take_off_shelf(UsomReplan *replan)
{
	const UsomLeaving *leaving = replan->leaving;
	UsomWork   *work = usom_fulfillment_look(replan->set);
	UsomStockMovement movement = {
		.key = leaving->lot.key,
		.kind = "reversal",
		.delta = -leaving->quantity,
		.reference = replan->supply_no,
		.reason = usom_call_reason(),
	};

	usom_api_take_from_losers(replan->set, &leaving->lot.key, leaving->missing);
	usom_fulfillment_tell(replan->set, work);
	usom_order_move_stock(replan->set, &movement);
}

/* As many units more are to come, unless nothing is to come at all or too many came. */
static void
open_again(UsomReplan *replan)
{
	bool		ended = strcmp(replan->status, "received") == 0;
	UsomQuantity received = replan->received - replan->leaving->quantity;

	if (ended)
		replan->quantity = Min(replan->quantity, replan->received);
	replan->received = received;
	if (!ended || received >= replan->quantity)
		return;
	replan->status = "expected";
	usom_query_write(&reopen_make, (Datum[]) {Int64GetDatum(replan->org_id), Int64GetDatum(replan->supply_id)}, NULL);
}

/* usom.reverse_receipt(supply_no, quantity, reason, lot) */
Datum
usom_reverse_receipt(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "reverse_receipt", 2);
	UsomLeaving leaving = {.all = PG_ARGISNULL(1), .lot_name = usom_stock_optional_text(fcinfo, 3)};
	UsomReplan	replan = {
		.org_id = usom_party_org(),
		.supply_no = usom_order_arg_text(fcinfo, 0, "supply_no"),
		.with_stock = true,
		.leaving = &leaving,
	};

	if (!leaving.all)
		leaving.quantity = usom_stock_positive(usom_stock_required_quantity(fcinfo, 1, "quantity"), "quantity");
	find_place(&replan, &leaving.place);
	usom_api_open_supply(&replan);
	check_reversible(&replan);
	take_off_shelf(&replan);
	open_again(&replan);
	usom_api_write_supply(&replan);
	if (leaving.missing > 0)
		usom_api_fill(replan.set, replan.product_id);
	usom_api_close_supply(&replan, "reverse_receipt");
	return usom_api_answer_supply(answer, &replan);
}
