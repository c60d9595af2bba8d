/*
 * supply.c
 *		usom.add_supply(): what is under way, and who counts on it.
 *
 * Locks: the orders that wait for the product, by key; the new row is nobody
 * else's yet.  Orders are found before they are locked; what changed in
 * between shows when they are loaded.
 *
 * Memory: SPI's context of the call.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/peg.h"
#include "api/supply.h"
#include "api/waits.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "order/answer.h"
#include "party/party.h"
#include "stock/place.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_add_supply);

static const char *const kinds[] = {"purchase", "production", "transfer", "return", "drop_ship"};

static const char *
kind_argument(FunctionCallInfo fcinfo, int arg)
{
	char	   *kind = usom_order_arg_text(fcinfo, arg, "kind");

	for (int i = 0; i < (int) lengthof(kinds); i++)
		if (strcmp(kind, kinds[i]) == 0)
			return kinds[i];
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("there is no kind of supply \"%s\"", kind),
			errhint("Kinds: purchase, production, transfer, return, drop_ship."));
}

TimestampTz
usom_api_expected_argument(FunctionCallInfo fcinfo, int arg)
{
	TimestampTz expected_at = PG_GETARG_TIMESTAMPTZ(arg);

	if (TIMESTAMP_NOT_FINITE(expected_at))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("expected_at must be a moment"),
				errhint("Where no date is known, record no supply yet."));
	return expected_at;
}

Numeric
usom_api_confidence_argument(FunctionCallInfo fcinfo, int arg)
{
	Numeric		confidence;
	Datum		one = NumericGetDatum(int64_to_numeric(1));

	usom_order_arg_required(fcinfo, arg, "confidence");
	confidence = DatumGetNumeric(DirectFunctionCall2(numeric_round, PG_GETARG_DATUM(arg), Int32GetDatum(3)));
	if (numeric_is_nan(confidence) || DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(confidence), one)) > 0 ||
		DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(confidence), NumericGetDatum(int64_to_numeric(0)))) <= 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("confidence must be above 0 and at most 1"),
				errdetail("It is %s.", DatumGetCString(DirectFunctionCall1(numeric_out, PG_GETARG_DATUM(arg)))),
				errhint("1 is certain; it has three decimals."));
	return confidence;
}

/*
 * Orders with pieces of a product that wait and count on nothing, those that
 * are served first until so many units are found; of lines that may not be
 * cut all that are met on the way.
 */
static UsomQuery find_unpegged = {
	.text = "SELECT DISTINCT w.sales_order_id FROM (SELECT f.sales_order_id, sum(CASE WHEN l.partial THEN f.quantity ELSE 0 END) "
	"OVER (ORDER BY o.priority, o.placed_at, o.sales_order_id, f.line_no, f.piece_no "
	"ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before "
	"FROM usom.fulfillment_line f "
	"JOIN usom.sales_order o ON o.org_id = f.org_id AND o.sales_order_id = f.sales_order_id "
	"JOIN usom.order_line l ON l.org_id = f.org_id AND l.sales_order_id = f.sales_order_id AND l.line_no = f.line_no "
	"WHERE f.org_id = $1 AND f.product_id = $2 AND f.location_id IS NULL AND f.status = 'backordered' "
	"AND f.supply_id IS NULL) AS w "
	"WHERE coalesce(w.before, 0) < $3 ORDER BY w.sales_order_id",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "numeric"},
};

UsomOrderSet *
usom_api_load_unpegged(int64 org_id, int64 product_id, UsomQuantity quantity)
{
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(product_id), NumericGetDatum(usom_quantity_numeric(quantity))};
	uint64		n = usom_query_run(&find_unpegged, values, NULL);
	int64	   *ids = palloc_array(int64, n + 1);

	for (uint64 row = 0; row < n; row++)
		ids[row] = DatumGetInt64(usom_query_get(row, 1));
	return usom_order_load_many(org_id, ids, (int) n);
}

void
usom_api_save_promises(UsomOrderSet *set, const char *event)
{
	for (int i = 0; i < set->npieces; i++)
	{
		int			order = set->lines[set->pieces[i].line].order;

		if ((set->pieces[i].changed || set->pieces[i].is_new) && !set->orders[order].changed)
			usom_order_settle(set, order, event);
	}
	usom_order_save(set);
}

/* The line that the supply is for. */
static UsomOrderSet *
load_line(UsomNewSupply *supply, int64 org_id, const char *order_no, int32 line_no, const char *sku)
{
	UsomOrderSet *set = usom_order_load(org_id, order_no);
	const UsomLine *line = &set->lines[usom_order_find_line(set, 0, line_no)];

	if (line->product_id != supply->product_id)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("line %d of order \"%s\" is not of product \"%s\"", line_no, order_no, sku),
				errhint("Look it up in usom.order_lines."));
	supply->sales_order_id = set->orders[0].sales_order_id;
	supply->line_no = line_no;
	return set;
}

static void
check_line_given(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(8) != PG_ARGISNULL(9))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("order_no and line_no go together"),
				errhint("Give both, or neither: then the supply is for all."));
}

static const char *
number_argument(FunctionCallInfo fcinfo, int64 org_id)
{
	if (PG_ARGISNULL(7))
		return usom_ident_document_no(org_id, "supply");
	return usom_stock_required_text(fcinfo, 7, "supply_no");
}

/* usom.add_supply(kind, location, sku, quantity, expected_at, reference, confidence, supply_no, order_no, line_no) */
Datum
usom_add_supply(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "add_supply", -1);
	UsomPlace	place = {0};
	UsomNewSupply supply = {.kind = kind_argument(fcinfo, 0)};
	UsomOrderSet *set;
	UsomWait   *before;

	place.location = usom_stock_required_text(fcinfo, 1, "location");
	place.sku = usom_stock_required_text(fcinfo, 2, "sku");
	supply.quantity = usom_stock_positive(usom_stock_required_quantity(fcinfo, 3, "quantity"), "quantity");
	usom_order_arg_required(fcinfo, 4, "expected_at");
	supply.expected_at = usom_api_expected_argument(fcinfo, 4);
	supply.reference = usom_stock_optional_text(fcinfo, 5);
	supply.confidence = usom_api_confidence_argument(fcinfo, 6);
	check_line_given(fcinfo);
	usom_stock_find_places(&place, 1);
	supply.product_id = place.product_id;
	supply.location_id = place.location_id;
	if (PG_ARGISNULL(8))
		set = usom_api_load_unpegged(place.org_id, place.product_id, supply.quantity);
	else
		set = load_line(&supply, place.org_id, usom_order_arg_text(fcinfo, 8, "order_no"), PG_GETARG_INT32(9), place.sku);
	supply.supply_id = usom_ident_next();
	supply.supply_no = number_argument(fcinfo, place.org_id);
	usom_supply_insert(place.org_id, &supply);
	before = usom_api_look_at_waits(set);
	if (usom_api_peg(set, place.product_id) > 0)
	{
		usom_api_tell_waits(set, before);
		usom_api_judge_waits(set, before, supply.supply_no);
		usom_api_save_promises(set, "promise");
	}
	return usom_order_answer_string(answer, supply.supply_no);
}
