/*
 * pre_order.c
 *		usom.convert_pre_orders(): what was sold before its release gets stock.
 *
 * The orders are found before they are locked; what changed in between shows
 * when they are loaded.  New orders of the product get only what the lines
 * that wait leave (stock/quota.h), so it does not matter when this runs.
 *
 * Locks: the orders that wait, by key; then stock, supply, quotas and offers.
 *
 * Memory: SPI's context of the call.
 */
#include "postgres.h"

#include "api/api.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/query.h"
#include "funcapi.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_convert_pre_orders);

static UsomQuery find_product = {
	.text = "SELECT usom.product_id($1)",
	.nargs = 1,
	.argtypes = {"text"},
};

static UsomQuery find_waiting = {
	.text = "SELECT DISTINCT u.sales_order_id FROM usom.pre_order_offer AS f "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.sku = f.sku "
	"JOIN usom.quota_use AS u ON u.org_id = $1 AND u.lender_id = f.pre_order_offer_id AND u.starts_at = f.created_at "
	"JOIN usom.fulfillment_line AS w ON w.org_id = $1 AND w.sales_order_id = u.sales_order_id AND w.line_no = u.line_no "
	"AND w.status = 'backordered' "
	"WHERE f.org_id = $1 AND f.ended_at IS NULL AND f.release_at <= $3 AND ($2 IS NULL OR p.product_id = $2) "
	"AND ($4 IS NULL OR EXISTS (SELECT 1 FROM usom.sales_order AS o "
	"WHERE o.org_id = $1 AND o.sales_order_id = u.sales_order_id AND o.channel_id = ANY ($4))) ORDER BY u.sales_order_id",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "timestamptz", "bigint[]"},
};

/* An offer of which nothing waits any more has done its work. */
static UsomQuery end_offers = {
	.text = "UPDATE usom.pre_order_offer AS f SET ended_at = $3 WHERE f.org_id = $1 AND f.ended_at IS NULL "
	"AND f.release_at <= $3 AND ($2 IS NULL OR f.sku = (SELECT p.sku FROM usom.product AS p "
	"WHERE p.org_id = $1 AND p.product_id = $2)) AND NOT EXISTS (SELECT 1 FROM usom.quota_use AS u "
	"JOIN usom.fulfillment_line AS w ON w.org_id = $1 AND w.sales_order_id = u.sales_order_id AND w.line_no = u.line_no "
	"WHERE u.org_id = $1 AND u.lender_id = f.pre_order_offer_id AND w.status = 'backordered')",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

static int64
product_argument(FunctionCallInfo fcinfo)
{
	Datum		sku;

	if (PG_ARGISNULL(0))
		return 0;
	sku = PG_GETARG_DATUM(0);
	usom_query_run(&find_product, &sku, NULL);
	return DatumGetInt64(usom_query_get(0, 1));
}

static UsomOrderSet *
load_waiting(int64 org_id, int64 product_id)
{
	Datum		values[4] = {Int64GetDatum(org_id), Int64GetDatum(product_id), TimestampTzGetDatum(usom_call_time())};
	bool		nulls[4] = {false, product_id == 0};
	uint64		n;
	int64	   *ids;

	values[3] = usom_party_channels(&nulls[3]);
	n = usom_query_run(&find_waiting, values, nulls);
	ids = palloc_array(int64, n + 1);
	for (uint64 row = 0; row < n; row++)
		ids[row] = DatumGetInt64(usom_query_get(row, 1));
	return usom_order_load_many(org_id, ids, (int) n);
}

Datum
usom_convert_pre_orders(PG_FUNCTION_ARGS)
{
	int64		product_id;
	bool		nulls[3] = {false};
	Datum		values[3];
	UsomOrderSet *set;

	usom_card_check_call(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("convert_pre_orders", NULL);
	product_id = product_argument(fcinfo);
	set = load_waiting(usom_party_org(), product_id);
	usom_api_fill_set(set, product_id, (ReturnSetInfo *) fcinfo->resultinfo);
	values[0] = Int64GetDatum(usom_party_org());
	values[1] = Int64GetDatum(product_id);
	values[2] = TimestampTzGetDatum(usom_call_time());
	nulls[1] = product_id == 0;
	usom_query_write(&end_offers, values, nulls);
	usom_call_end();
	return (Datum) 0;
}
