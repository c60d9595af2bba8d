/*
 * pickup.c
 *		Rows of usom.pickup, as the verbs of api/pick_up_ready.c need them.
 *
 * That the time of a customer is over is read, never written: a row stays
 * ready until somebody fetches it, puts it back or cancels.
 *
 * Locks: the orders are locked; rows are changed under that alone.  Memory:
 * CurrentMemoryContext.
 */
#include "postgres.h"

#include "fulfillment/pickup.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/payload.h"
#include "base/query.h"
#include "order/news.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static UsomQuery read_open = {
	.text = "SELECT l.code, p.status, p.collect_until FROM usom.pickup AS p "
	"JOIN usom.location AS l ON l.org_id = $1 AND l.location_id = p.location_id "
	"WHERE p.org_id = $1 AND p.sales_order_id = $2 AND p.ended_at IS NULL",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery write_ready = {
	.text = "INSERT INTO usom.pickup AS p (org_id, sales_order_id, location_id, status, ready_at, collect_until) "
	"SELECT $1, $2, l.location_id, 'ready', $4, coalesce($5, "
	"((($4 AT TIME ZONE l.time_zone)::pg_catalog.date + l.pickup_days + 1)::pg_catalog.timestamp AT TIME ZONE l.time_zone)) "
	"FROM usom.location AS l WHERE l.org_id = $1 AND l.location_id = $3 "
	"ON CONFLICT (org_id, sales_order_id) WHERE ended_at IS NULL DO UPDATE "
	"SET ready_at = EXCLUDED.ready_at, collect_until = EXCLUDED.collect_until "
	"RETURNING (SELECT l.code FROM usom.location AS l WHERE l.org_id = $1 AND l.location_id = p.location_id), p.status, p.collect_until",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "bigint", "timestamptz", "timestamptz"},
};

static UsomQuery write_rejected = {
	.text = "INSERT INTO usom.pickup AS p (org_id, sales_order_id, location_id, status, reason) VALUES ($1, $2, $3, 'rejected', $4) "
	"ON CONFLICT (org_id, sales_order_id) WHERE ended_at IS NULL DO UPDATE SET status = 'rejected', reason = EXCLUDED.reason "
	"RETURNING (SELECT l.code FROM usom.location AS l WHERE l.org_id = $1 AND l.location_id = p.location_id)",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "bigint", "text"},
};

static UsomQuery write_hold = {
	.text = "INSERT INTO usom.hold (org_id, sales_order_id, placed_at, hold_type, reason, blocks) "
	"SELECT $1, $2, $3, 'pickup_rejected', $4, ARRAY['release', 'ship'] WHERE NOT EXISTS (SELECT 1 FROM usom.hold AS h "
	"WHERE h.org_id = $1 AND h.sales_order_id = $2 AND h.hold_type = 'pickup_rejected' AND h.released_at IS NULL)",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "timestamptz", "text"},
};

static UsomQuery end_rejected = {
	.text = "UPDATE usom.pickup AS p SET ended_at = $3 "
	"WHERE p.org_id = $1 AND p.sales_order_id = $2 AND p.status = 'rejected' AND p.ended_at IS NULL",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

static UsomQuery end_hold = {
	.text = "UPDATE usom.hold AS h SET released_at = $3, released_by = session_user, release_reason = 'decided' "
	"WHERE h.org_id = $1 AND h.sales_order_id = $2 AND h.hold_type = 'pickup_rejected' AND h.released_at IS NULL",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

static UsomQuery end_missed = {
	.text = "UPDATE usom.pickup AS p SET status = 'put_back', ended_at = $3, reason = $4 "
	"WHERE p.org_id = $1 AND p.sales_order_id = ANY ($2) AND p.status = 'ready' AND p.collect_until <= $3 RETURNING p.sales_order_id",
	.nargs = 4,
	.argtypes = {"bigint", "bigint[]", "timestamptz", "text"},
};

static UsomPickup
read_row(void)
{
	bool		isnull;
	Datum		until = usom_query_get_or_null(0, 3, &isnull);

	return (UsomPickup) {
		.location = usom_query_get_text(0, 1),
		.status = usom_query_get_text(0, 2),
		.collect_until = isnull ? USOM_NO_TIME : DatumGetTimestampTz(until),
	};
}

bool
usom_pickup_read(const UsomOrderSet *set, int order, UsomPickup *pickup)
{
	Datum		values[] = {Int64GetDatum(set->org_id), Int64GetDatum(set->orders[order].sales_order_id)};

	if (usom_query_run(&read_open, values, NULL) == 0)
		return false;
	*pickup = read_row();
	return true;
}

UsomPickup
usom_pickup_make_ready(const UsomOrderSet *set, int order, int64 location_id, TimestampTz until)
{
	bool		nulls[5] = {false, false, false, false, until == USOM_NO_TIME};
	Datum		values[5] = {
		Int64GetDatum(set->org_id), Int64GetDatum(set->orders[order].sales_order_id), Int64GetDatum(location_id),
		TimestampTzGetDatum(usom_call_time()), TimestampTzGetDatum(until)
	};

	Ensure(usom_query_write(&write_ready, values, nulls) == 1, "the location of a pick-up is gone");
	return read_row();
}

void
usom_pickup_reject(UsomOrderSet *set, int order, int64 location_id, const char *reason)
{
	bool		nulls[4] = {false, false, false, reason == NULL};
	Datum		said = reason ? CStringGetTextDatum(reason) : (Datum) 0;
	Datum		row[4] = {
		Int64GetDatum(set->org_id), Int64GetDatum(set->orders[order].sales_order_id), Int64GetDatum(location_id), said
	};
	Datum		hold[4] = {row[0], row[1], TimestampTzGetDatum(usom_call_time()), said};
	UsomPayload payload = usom_payload_begin();
	const char *location;

	usom_query_write(&write_rejected, row, nulls);
	location = usom_query_get_text(0, 1);
	usom_query_write(&write_hold, hold, nulls);
	usom_order_raise(set, order, 0, USOM_REJECTED_PICKUP, location,
					 psprintf("location \"%s\" cannot make the order ready", location), NULL, USOM_NO_TIME);
	usom_payload_text(&payload, "location", location);
	usom_order_tell(set, order, USOM_REJECTED_PICKUP, usom_payload_end(&payload));
}

bool
usom_pickup_decide(UsomOrderSet *set, int order)
{
	Datum		values[3] = {
		Int64GetDatum(set->org_id), Int64GetDatum(set->orders[order].sales_order_id), TimestampTzGetDatum(usom_call_time())
	};

	if (usom_query_write(&end_rejected, values, NULL) == 0)
		return false;
	usom_query_write(&end_hold, values, NULL);
	usom_order_settle_case(set, order, 0, USOM_REJECTED_PICKUP);
	return true;
}

static int
index_of(const UsomOrderSet *set, int64 sales_order_id)
{
	int			order = 0;

	while (set->orders[order].sales_order_id != sales_order_id)
		order++;
	return order;
}

int *
usom_pickup_put_back(const UsomOrderSet *set, const int *orders, int norders, const char *reason, int *count)
{
	int64	   *ids = palloc_array(int64, norders + 1);
	bool		nulls[4] = {false, false, false, reason == NULL};
	Datum		values[4] = {
		Int64GetDatum(set->org_id), (Datum) 0, TimestampTzGetDatum(usom_call_time()), reason ? CStringGetTextDatum(reason) : (Datum) 0
	};
	int		   *missed;

	for (int i = 0; i < norders; i++)
		ids[i] = set->orders[orders[i]].sales_order_id;
	values[1] = usom_query_keys(ids, norders);
	*count = (int) usom_query_write(&end_missed, values, nulls);
	missed = palloc_array(int, *count + 1);
	for (int i = 0; i < *count; i++)
		missed[i] = index_of(set, DatumGetInt64(usom_query_get(i, 1)));
	return missed;
}
