/*
 * receive.c
 *		usom.receive_stock() and usom.receive_serials(): units come to the shelf,
 *		and to who waits, where the organisation or the product says that a
 *		receipt fills.
 *
 * Locks: a receipt that does not fill, its row of stock.  Else the orders that
 * wait for the product, by key, and its stock, in stock order, before anything
 * is written.  The orders are known by a look, so it is looked again under the
 * locks (base/retry.h): who began to wait meanwhile is not forgotten.
 *
 * Memory: arguments in the context of the caller, the rest in SPI's.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/replan.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/query.h"
#include "base/retry.h"
#include "stock/lot.h"
#include "stock/place.h"
#include "stock/serial.h"

PG_FUNCTION_INFO_V1(usom_receive_stock);
PG_FUNCTION_INFO_V1(usom_receive_serials);

typedef struct Filling
{
	int64		org_id;
	int64		product_id;
	UsomOrderSet *set;			/* orders that wait */
} Filling;

static UsomQuery find_waiting = {
	.text = "SELECT DISTINCT f.sales_order_id FROM usom.fulfillment_line f WHERE f.org_id = $1 AND f.product_id = $2 "
	"AND f.location_id IS NULL AND f.status = 'backordered' ORDER BY f.sales_order_id",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static int64 *
find_ids(const Filling *filling, int *nids)
{
	Datum		values[] = {Int64GetDatum(filling->org_id), Int64GetDatum(filling->product_id)};
	int64	   *ids;

	*nids = (int) usom_query_run(&find_waiting, values, NULL);
	ids = palloc_array(int64, *nids + 1);
	for (int i = 0; i < *nids; i++)
		ids[i] = DatumGetInt64(usom_query_get(i, 1));
	return ids;
}

static bool
lock_all(void *arg)
{
	Filling    *filling = arg;
	int			nids;
	int64	   *ids = find_ids(filling, &nids);

	filling->set = usom_order_load_many(filling->org_id, ids, nids);
	usom_api_lock_to_serve(filling->set, filling->product_id);
	ids = find_ids(filling, &nids);
	return usom_order_set_has(filling->set, ids, nids);
}

/* A lot is opened before stock is locked: that is the order of the two. */
static Datum
receive(FunctionCallInfo fcinfo, const UsomPlace *place, const char *lot, UsomQuantity quantity, const char *reference)
{
	Filling		filling = {.org_id = place->org_id, .product_id = place->product_id};
	UsomStockKey key = {place->product_id, place->location_id, lot, 0};

	if (lot != NULL && lot[0] != '\0')
		usom_stock_open_lots(place->org_id, &key, 1);
	if (place->fills)
		usom_retry(lock_all, &filling);
	usom_stock_receive(place, lot, quantity, reference);
	if (place->fills)
		usom_api_fill_set(filling.set, place->product_id, NULL);
	usom_stock_return_position(fcinfo, place);
	usom_call_end();
	return (Datum) 0;
}

/* usom.receive_stock(location text, sku text, quantity numeric, lot text, reference text) */
Datum
usom_receive_stock(PG_FUNCTION_ARGS)
{
	UsomPlace	place = {0};
	UsomQuantity quantity;
	const char *lot;
	const char *reference;

	usom_card_check_call(fcinfo);
	lot = usom_stock_optional_text(fcinfo, 3);
	place.location = usom_stock_required_text(fcinfo, 0, "location");
	place.sku = usom_stock_required_text(fcinfo, 1, "sku");
	quantity = usom_stock_positive(usom_stock_required_quantity(fcinfo, 2, "quantity"), "quantity");
	reference = usom_stock_optional_text(fcinfo, 4);
	usom_call_begin("receive_stock", NULL);
	usom_stock_find_places(&place, 1);
	usom_stock_check_named(&place, lot, false);
	return receive(fcinfo, &place, lot, quantity, reference);
}

/* usom.receive_serials(location text, sku text, serials text[], reference text) */
Datum
usom_receive_serials(PG_FUNCTION_ARGS)
{
	UsomPlace	place = {0};
	const char *const *serials;
	int			nserials;
	const char *reference;

	usom_card_check_call(fcinfo);
	place.location = usom_stock_required_text(fcinfo, 0, "location");
	place.sku = usom_stock_required_text(fcinfo, 1, "sku");
	serials = usom_stock_serials_argument(fcinfo, 2, &nserials);
	usom_stock_positive((UsomQuantity) nserials * USOM_UNIT, "the number of serials");
	reference = usom_stock_optional_text(fcinfo, 3);
	usom_call_begin("receive_serials", NULL);
	usom_stock_find_places(&place, 1);
	usom_stock_check_named(&place, NULL, true);
	usom_stock_serials_receive(place.org_id, place.product_id, place.location_id, serials, nserials, reference);
	return receive(fcinfo, &place, NULL, (UsomQuantity) nserials * USOM_UNIT, reference);
}
