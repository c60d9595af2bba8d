/*
 * supply_verbs.c
 *		usom.change_supply() and usom.cancel_supply(): what was expected moves
 *		or fails.  What comes is in receipt.c.
 *
 * Locks: those of api/replan.c: orders, stock where units arrive, supply.
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
