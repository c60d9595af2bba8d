/*
 * interest.c
 *		Who wants to be told when a product is in stock again.
 *
 *		usom.watch_stock(), usom.unwatch_stock(), usom.tell_back_in_stock().
 *		An interest reserves nothing.  Those who asked first are told first, and
 *		only as many as there are units for.
 *
 * Locks: rows of interest, by the statement that marks them told: two callers
 * at once tell nobody twice.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/query.h"
#include "order/answer.h"
#include "party/party.h"
#include "stock/stripe.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_watch_stock);
PG_FUNCTION_INFO_V1(usom_unwatch_stock);
PG_FUNCTION_INFO_V1(usom_tell_back_in_stock);
PG_FUNCTION_INFO_V1(usom__tell_back_in_stock);

/* Asked again, the first place in the queue stays. */
static UsomQuery insert_interest = {
	.text = "INSERT INTO usom.stock_interest AS i (org_id, customer_id, product_id, location_id, quantity, expires_at) "
	"VALUES ($1, usom.customer_id($2), usom.product_id($3), CASE WHEN $4 IS NOT NULL THEN usom.location_id($4) END, $5, $6) "
	"ON CONFLICT (org_id, product_id, location_id, customer_id) WHERE told_at IS NULL "
	"DO UPDATE SET quantity = EXCLUDED.quantity, expires_at = EXCLUDED.expires_at, "
	"watched_at = CASE WHEN i.expires_at <= EXCLUDED.watched_at THEN EXCLUDED.watched_at ELSE i.watched_at END "
	"RETURNING stock_interest_id",
	.nargs = 6,
	.argtypes = {"bigint", "text", "text", "text", "usom.positive_quantity", "timestamptz"},
};

static UsomQuery delete_interest = {
	.text = "DELETE FROM usom.stock_interest AS i WHERE i.org_id = $1 AND i.told_at IS NULL "
	"AND i.customer_id = usom.customer_id($2) AND i.product_id = usom.product_id($3)",
	.nargs = 3,
	.argtypes = {"bigint", "text", "text"},
};

/* Units are counted as usom.available() does, at the location that was named or at all active ones. */
static UsomQuery tell = {
	.text = "WITH due AS (SELECT i.stock_interest_id, i.customer_id, i.product_id, i.location_id, i.quantity, f.available, "
	"sum(i.quantity) OVER (PARTITION BY i.product_id, i.location_id ORDER BY i.watched_at, i.stock_interest_id) AS in_all "
	"FROM usom.stock_interest i CROSS JOIN LATERAL (SELECT coalesce(sum(greatest(s.on_hand - s.reserved - s.safety "
	"- (SELECT coalesce(sum(r.quantity), 0) FROM usom.reservation r WHERE s.held > 0 AND r.org_id = s.org_id "
	"AND r.product_id = s.product_id AND r.location_id = s.location_id AND r.lot = s.lot AND r.expires_at > $3) + " USOM_STRIPED_FREE ", 0)), 0) AS available "
	"FROM usom.stock s JOIN usom.location l ON l.org_id = s.org_id AND l.location_id = s.location_id AND l.active "
	"WHERE s.org_id = i.org_id AND s.product_id = i.product_id AND (i.location_id IS NULL OR s.location_id = i.location_id)) f "
	"WHERE i.org_id = $1 AND i.told_at IS NULL AND (i.expires_at IS NULL OR i.expires_at > $3) "
	"AND ($2 IS NULL OR i.product_id = (SELECT p.product_id FROM usom.product p WHERE p.org_id = $1 AND p.sku = $2))), "
	"told AS (UPDATE usom.stock_interest AS i SET told_at = $3 FROM due AS d WHERE d.in_all <= d.available "
	"AND i.org_id = $1 AND i.stock_interest_id = d.stock_interest_id AND i.told_at IS NULL "
	"RETURNING i.customer_id, i.product_id, i.location_id, i.quantity, i.watched_at, i.stock_interest_id) "
	"INSERT INTO usom.event (org_id, kind, payload) SELECT $1, 'back_in_stock', pg_catalog.jsonb_build_object('customer', c.code, "
	"'sku', p.sku, 'location', l.code, 'quantity', trim_scale(t.quantity)) FROM told t "
	"JOIN usom.product p ON p.org_id = $1 AND p.product_id = t.product_id "
	"JOIN usom.customer c ON c.org_id = $1 AND c.customer_id = t.customer_id "
	"LEFT JOIN usom.location l ON l.org_id = $1 AND l.location_id = t.location_id ORDER BY t.watched_at, t.stock_interest_id",
	.nargs = 3,
	.argtypes = {"bigint", "text", "timestamptz"},
};

Datum
usom_watch_stock(PG_FUNCTION_ARGS)
{
	bool		nulls[6] = {false, false, false, PG_ARGISNULL(3), false, PG_ARGISNULL(4)};
	Datum		values[6];
	UsomQuantity quantity;
	int64		id;

	usom_card_check_call(fcinfo);
	usom_call_begin("watch_stock", NULL);
	usom_order_arg_required(fcinfo, 0, "customer");
	usom_order_arg_required(fcinfo, 1, "sku");
	usom_order_arg_required(fcinfo, 2, "quantity");
	quantity = usom_quantity_of(PG_GETARG_NUMERIC(2));
	if (quantity <= 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("argument quantity must be above zero"),
				errdetail("It is %s.", usom_quantity_text(quantity)));
	values[0] = Int64GetDatum(usom_party_org());
	values[1] = PG_GETARG_DATUM(0);
	values[2] = PG_GETARG_DATUM(1);
	values[3] = PG_GETARG_DATUM(3);
	values[4] = NumericGetDatum(usom_quantity_stored(quantity));
	values[5] = PG_GETARG_DATUM(4);
	usom_query_write(&insert_interest, values, nulls);
	id = DatumGetInt64(usom_query_get(0, 1));
	usom_call_end();
	PG_RETURN_INT64(id);
}

Datum
usom_unwatch_stock(PG_FUNCTION_ARGS)
{
	Datum		values[3];
	uint64		gone;

	usom_card_check_call(fcinfo);
	usom_call_begin("unwatch_stock", NULL);
	usom_order_arg_required(fcinfo, 0, "customer");
	usom_order_arg_required(fcinfo, 1, "sku");
	values[0] = Int64GetDatum(usom_party_org());
	values[1] = PG_GETARG_DATUM(0);
	values[2] = PG_GETARG_DATUM(1);
	gone = usom_query_write(&delete_interest, values, NULL);
	usom_call_end();
	PG_RETURN_BOOL(gone > 0);
}

static int64
tell_in(int64 org_id, bool all, Datum sku)
{
	bool		nulls[3] = {false, all, false};
	Datum		values[3] = {Int64GetDatum(org_id), sku, TimestampTzGetDatum(usom_call_time())};

	return (int64) usom_query_write(&tell, values, nulls);
}

Datum
usom_tell_back_in_stock(PG_FUNCTION_ARGS)
{
	int64		told;

	usom_card_check_call(fcinfo);
	usom_call_begin("tell_back_in_stock", NULL);
	told = tell_in(usom_party_org(), PG_ARGISNULL(0), PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0));
	usom_call_end();
	PG_RETURN_INT64(told);
}

/* usom._tell_back_in_stock(org_id): for tick(), which serves all organisations. */
Datum
usom__tell_back_in_stock(PG_FUNCTION_ARGS)
{
	int64		told;

	usom_call_begin("tell_back_in_stock", NULL);
	told = tell_in(PG_GETARG_INT64(0), true, (Datum) 0);
	usom_call_end();
	PG_RETURN_INT64(told);
}
