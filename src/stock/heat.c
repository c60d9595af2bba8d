/*
 * heat.c
 *		tick() divides the stock of products that many wait for, and puts it
 *		together again when they are wanted no more.
 *
 * usom.stock_heat has a row for what tick() has divided.  Stripes without one,
 * or with another number than it says, are set by hand, and stay as they are.
 *
 * What is to be done is decided from plain figures (usom_stock_stripes_wanted)
 * and done product by product, each in a transaction of its own, which asks
 * for the lock of one stock row and gives up soon: who holds stock for long
 * shall not keep tick() from its other work.
 *
 * Locks: the stock rows of the product and their stripes, then the row of its heat.
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "stock/heat.h"

#include "base/call.h"
#include "base/query.h"
#include "funcapi.h"
#include "stock/stripe.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(usom__stripes_due);
PG_FUNCTION_INFO_V1(usom__follow_heat);

/* Fewer units than this for each stripe are not divided. */
#define UNITS_OF_A_STRIPE 2

static const int sizes[] = {8, 32, 64, 128, 256};

static int
next_size(int stripes, int limit)
{
	for (int i = 0; i < (int) lengthof(sizes); i++)
		if (sizes[i] > stripes)
			return Min(sizes[i], limit);
	return limit;
}

bool
usom_stock_stripes_fruitless(const UsomHeat *heat)
{
	return heat->stripes > 0 && heat->waiters >= heat->enough && heat->taken == 0 && heat->free >= heat->stripes;
}

int
usom_stock_stripes_wanted(const UsomHeat *heat)
{
	bool		by_hand = heat->stripes > 0 && heat->stripes != heat->made;
	int			next;

	if (by_hand)
		return heat->stripes;
	if (heat->stripes > heat->limit)
		return heat->limit > 1 ? heat->limit : 0;
	if (usom_stock_stripes_fruitless(heat))
		return 0;
	if (heat->waiters < heat->enough)
		return heat->cold ? 0 : heat->stripes;
	next = next_size(heat->stripes, heat->limit);
	if (heat->rests || next < 2 || heat->free < (int64) next * UNITS_OF_A_STRIPE)
		return heat->stripes;
	return next;
}

/* Once a second since they were looked at: stripes that are counted anew were changed, and wanted. */
#define BUSY "(t.takes < h.takes OR t.takes - h.takes >= extract(epoch FROM $2 - h.looked_at))"
#define STRIPES \
	"SELECT coalesce(sum(t.takes), 0)::bigint AS takes, coalesce(sum(t.free), 0) AS free FROM usom.stock_stripe AS t " \
	"WHERE t.org_id = $1 AND t.product_id = h.product_id AND t.location_id = h.location_id"

static UsomQuery look_at_heat = {
	.text = "SELECT h.product_id, h.location_id, s.stripes::integer, h.made, h.waiters, "
	"trunc(greatest(s.on_hand - s.reserved - s.safety, 0) + t.free)::bigint, greatest(t.takes - h.takes, 0), "
	"NOT " BUSY " AND h.busy_at + g.hot_for <= $2, h.rests, g.hot_stripes, g.hot_waiters "
	"FROM usom.organisation AS g "
	"CROSS JOIN (SELECT k.product_id, k.location_id, max(k.waiters) AS waiters, coalesce(max(h.stripes), 0)::integer AS made, "
	"coalesce(max(h.takes), 0) AS takes, coalesce(max(h.looked_at), $2) AS looked_at, coalesce(max(h.busy_at), $2) AS busy_at, "
	"coalesce(max(h.rests_until) > $2, false) AS rests FROM ("
	"SELECT w.product_id, w.location_id, w.waiters "
	"FROM jsonb_to_recordset($3) AS w (org_id bigint, product_id bigint, location_id bigint, waiters integer) WHERE w.org_id = $1 "
	"UNION ALL SELECT h.product_id, h.location_id, 0 FROM usom.stock_heat AS h WHERE h.org_id = $1 AND h.stripes > 0) AS k "
	"LEFT JOIN usom.stock_heat AS h ON h.org_id = $1 AND h.product_id = k.product_id AND h.location_id = k.location_id "
	"GROUP BY k.product_id, k.location_id) AS h "
	"JOIN usom.stock AS s ON s.org_id = $1 AND s.product_id = h.product_id AND s.location_id = h.location_id AND s.lot = '' "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = h.product_id AND p.tracking <> 'lot' "
	"CROSS JOIN LATERAL (" STRIPES ") AS t "
	"WHERE g.org_id = $1 AND NOT EXISTS (SELECT FROM usom.stock AS o "
	"WHERE o.org_id = $1 AND o.product_id = h.product_id AND o.location_id = h.location_id AND o.lot <> '') "
	"ORDER BY h.product_id, h.location_id",
	.nargs = 3,
	.argtypes = {"bigint", "timestamptz", "jsonb"},
};

static UsomQuery note_look = {
	.text = "WITH h AS (SELECT h.product_id, h.location_id, h.takes, h.looked_at, h.busy_at FROM usom.stock_heat AS h "
	"WHERE h.org_id = $1 AND h.stripes > 0) "
	"UPDATE usom.stock_heat AS x SET looked_at = $2, takes = t.takes, busy_at = CASE WHEN " BUSY " THEN $2 ELSE h.busy_at END "
	"FROM h CROSS JOIN LATERAL (" STRIPES ") AS t "
	"WHERE x.org_id = $1 AND x.product_id = h.product_id AND x.location_id = h.location_id",
	.nargs = 2,
	.argtypes = {"bigint", "timestamptz"},
};

static UsomHeat
read_heat(uint64 row)
{
	return (UsomHeat) {
		.stripes = usom_query_get_number(row, 3), .made = usom_query_get_number(row, 4),
		.waiters = usom_query_get_number(row, 5), .free = usom_query_get_key(row, 6), .taken = usom_query_get_key(row, 7),
		.cold = DatumGetBool(usom_query_get(row, 8)), .rests = DatumGetBool(usom_query_get(row, 9)),
		.limit = usom_query_get_number(row, 10), .enough = usom_query_get_number(row, 11)
	};
}

/*
 * usom._stripes_due(org_id, waits): stock that is to have more stripes or
 * none; and it is noted that stripes were looked at
 */
Datum
usom__stripes_due(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[3] = {PG_GETARG_DATUM(0), 0, PG_GETARG_DATUM(1)};
	uint64		count;

	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("tick", NULL);
	values[1] = TimestampTzGetDatum(usom_call_time());
	count = usom_query_run(&look_at_heat, values, NULL);
	for (uint64 i = 0; i < count; i++)
	{
		UsomHeat	heat = read_heat(i);
		int			wanted = usom_stock_stripes_wanted(&heat);
		Datum		due[] = {
			usom_query_get(i, 1), usom_query_get(i, 2), Int32GetDatum(heat.stripes), Int32GetDatum(wanted),
			Int32GetDatum(heat.waiters), BoolGetDatum(usom_stock_stripes_fruitless(&heat))
		};
		bool		nulls[lengthof(due)] = {false};

		if (wanted != heat.stripes)
			tuplestore_putvalues(result->setResult, result->setDesc, due, nulls);
	}
	usom_query_write(&note_look, values, NULL);
	usom_call_end();
	return (Datum) 0;
}

static UsomQuery remember_heat = {
	.text = "INSERT INTO usom.stock_heat AS h (org_id, product_id, location_id, stripes, waiters, changed_at, looked_at, busy_at, takes, rests_until) "
	"SELECT $1, h.product_id, h.location_id, $4, $5, $6, $6, $6, t.takes, CASE WHEN $7 THEN $6 + interval '1 day' END "
	"FROM (SELECT $2 AS product_id, $3 AS location_id) AS h CROSS JOIN LATERAL (" STRIPES ") AS t "
	"ON CONFLICT (org_id, product_id, location_id) DO UPDATE SET stripes = excluded.stripes, waiters = excluded.waiters, changed_at = excluded.changed_at, "
	"looked_at = excluded.looked_at, busy_at = excluded.busy_at, takes = excluded.takes, rests_until = excluded.rests_until",
	.nargs = 7,
	.argtypes = {"bigint", "bigint", "bigint", "smallint", "integer", "timestamptz", "boolean"},
};

static UsomQuery name_place = {
	.text = "SELECT p.sku, l.code FROM usom.product AS p JOIN usom.location AS l ON l.org_id = $1 AND l.location_id = $3 "
	"WHERE p.org_id = $1 AND p.product_id = $2",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "bigint"},
};

/* How many stripes the place has, under the locks under which it gets others; -1 if there is none. */
static int
lock_place(const UsomPlace *place)
{
	int			nrows;
	UsomStockRow *rows = usom_stock_lock_products(place->org_id, &place->product_id, 1, usom_call_time(), true, &nrows);

	for (int i = 0; i < nrows; i++)
		if (rows[i].key.location_id == place->location_id && rows[i].key.lot[0] == '\0')
			return rows[i].stripes;
	return -1;
}

/*
 * usom._follow_heat(org_id, product_id, location_id, was, stripes, waiters,
 * rests): gives the stock so many stripes, unless somebody else has given it
 * others meanwhile
 */
Datum
usom__follow_heat(PG_FUNCTION_ARGS)
{
	UsomPlace	place = {.org_id = PG_GETARG_INT64(0), .product_id = PG_GETARG_INT64(1), .location_id = PG_GETARG_INT64(2)};
	int			stripes = PG_GETARG_INT32(4);
	Datum		values[] = {
		PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), Int16GetDatum((int16) stripes), PG_GETARG_DATUM(5), 0,
		PG_GETARG_DATUM(6)
	};
	bool		same;

	usom_call_begin("tick", NULL);
	values[5] = TimestampTzGetDatum(usom_call_time());
	same = lock_place(&place) == PG_GETARG_INT32(3) && usom_query_run(&name_place, values, NULL) > 0;
	if (same)
	{
		place.sku = usom_query_get_text(0, 1);
		place.location = usom_query_get_text(0, 2);
		usom_stripe_set(&place, stripes);
		usom_query_write(&remember_heat, values, NULL);
	}
	usom_call_end();
	PG_RETURN_BOOL(same);
}

static UsomQuery forget_heat = {
	.text = "DELETE FROM usom.stock_heat WHERE org_id = $1 AND product_id = $2 AND location_id = $3",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "bigint"},
};

void
usom_stock_forget_heat(int64 org_id, int64 product_id, int64 location_id)
{
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(product_id), Int64GetDatum(location_id)};

	usom_query_write(&forget_heat, values, NULL);
}
