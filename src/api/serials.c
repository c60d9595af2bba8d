/*
 * serials.c
 *		usom.assign_serials(): a line gets units by their numbers; and
 *		usom.remove_serials(): units leave the stock by theirs.
 *
 * Locks: the order, then the units, without waiting for anybody who claims the
 * same.  remove: the units, then the row of stock.
 *
 * Memory: SPI's context of the call.
 */
#include "postgres.h"

#include "order/order.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/query.h"
#include "order/answer.h"
#include "party/party.h"
#include "stock/place.h"
#include "stock/serial.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_assign_serials);
PG_FUNCTION_INFO_V1(usom_remove_serials);

static UsomQuery count_named = {
	.text = "SELECT u.location_id, l.code, count(*) FROM usom.serial_unit AS u "
	"JOIN usom.location AS l ON l.org_id = $1 AND l.location_id = u.location_id "
	"WHERE u.org_id = $1 AND u.sales_order_id = $2 AND u.line_no = $3 AND u.named GROUP BY u.location_id, l.code ORDER BY l.code",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "integer"},
};

/* Units of the line on the shelf of a location. */
static UsomQuantity
kept_at(const UsomOrderSet *set, int line, int64 location_id)
{
	UsomQuantity kept = 0;

	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].line == line && set->pieces[i].location_id == location_id &&
			usom_piece_keeps_stock(set->pieces[i].status))
			kept += set->pieces[i].quantity;
	return kept;
}

static void
check_kept(const UsomOrderSet *set, int line)
{
	Datum		values[] = {
		Int64GetDatum(set->org_id),
		Int64GetDatum(set->orders[0].sales_order_id),
		Int32GetDatum(set->lines[line].line_no),
	};
	int			count = (int) usom_query_run(&count_named, values, NULL);

	for (int i = 0; i < count; i++)
	{
		UsomQuantity kept = kept_at(set, line, DatumGetInt64(usom_query_get(i, 1)));
		int64		named = DatumGetInt64(usom_query_get(i, 3));

		if (named * USOM_UNIT > kept)
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("line %d of order \"%s\" does not keep " INT64_FORMAT " units at \"%s\"",
						   set->lines[line].line_no, set->orders[0].order_no, named, usom_query_get_text(i, 2)),
					errdetail("It keeps %s there.", usom_quantity_text(kept)),
					errhint("Name units of the locations that usom.order_pieces shows, at most as many."));
	}
}

/* usom.assign_serials(order_no text, line_no integer, serials text[]) */
Datum
usom_assign_serials(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "assign_serials", -1);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	int			nserials;
	const char **serials = usom_stock_serials_argument(fcinfo, 2, &nserials);
	const UsomLine *line;
	int			index;

	usom_order_arg_required(fcinfo, 1, "line_no");
	index = usom_order_find_line(set, 0, PG_GETARG_INT32(1));
	line = &set->lines[index];
	if (!line->by_serial)
		ereport(ERROR, errcode(USOM_ERR(LOT_NEEDED)),
				errmsg("units of line %d of order \"%s\" have no serial numbers", line->line_no, set->orders[0].order_no),
				errhint("Its product is not tracked by serial number, see tracking in usom.product."));
	usom_stock_serials_take(set->org_id, line->product_id, 0, serials, nserials, set->orders[0].sales_order_id, line->line_no, NULL);
	check_kept(set, index);
	set->lines[index].changed = true;
	usom_order_follow_serials(set);
	return usom_order_answer_null(answer);
}

/* usom.remove_serials(location text, sku text, serials text[], reason text) */
Datum
usom_remove_serials(PG_FUNCTION_ARGS)
{
	UsomPlace	place = {0};
	UsomLot		lot;
	const char **serials;
	int			nserials;

	usom_card_check_call(fcinfo);
	place.location = usom_stock_required_text(fcinfo, 0, "location");
	place.sku = usom_stock_required_text(fcinfo, 1, "sku");
	serials = usom_stock_serials_argument(fcinfo, 2, &nserials);
	usom_stock_positive((UsomQuantity) nserials * USOM_UNIT, "the number of serials");
	usom_call_begin("remove_serials", usom_stock_required_text(fcinfo, 3, "reason"));
	usom_stock_find_places(&place, 1);
	usom_stock_check_named(&place, NULL, true);
	usom_stock_serials_remove(place.org_id, place.product_id, place.location_id, serials, nserials, 0);
	lot = usom_stock_open_lot(&place, NULL, false);
	usom_stock_change_on_hand(&place, &lot, -(UsomQuantity) nserials * USOM_UNIT, "adjustment");
	usom_stock_return_position(fcinfo, &place);
	usom_call_end();
	return (Datum) 0;
}
