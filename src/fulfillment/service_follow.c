/*
 * service_follow.c
 *		Rows of pick-ups and appointments follow what becomes of their orders.
 *
 * Called by every save of orders, before it writes.  What was put aside and is
 * there no longer was fetched, if something has left, or else withdrawn; a
 * service that nothing is left of was done or cancelled, and its time is free
 * again.  Verbs that know better have written the row before.
 *
 * Orders of other types cost nothing here; those that are not released yet
 * cost nothing unless they end.
 *
 * Locks: the orders.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "fulfillment/pickup.h"

#include "base/call.h"
#include "base/payload.h"
#include "base/query.h"
#include "order/news.h"
#include "utils/timestamp.h"

/* $3: 1 where something has left; $4: 1 where the order is over. */
static UsomQuery end_pickups = {
	.text = "UPDATE usom.pickup AS p SET ended_at = $5, "
	"status = CASE WHEN p.status = 'rejected' THEN p.status WHEN r.taken = 1 THEN 'collected' ELSE 'withdrawn' END "
	"FROM unnest($2, $3, $4) AS r (id, taken, over) WHERE p.org_id = $1 AND p.sales_order_id = r.id AND p.ended_at IS NULL "
	"AND (p.status = 'ready' OR r.over = 1) RETURNING p.sales_order_id, p.status, "
	"(SELECT l.code FROM usom.location AS l WHERE l.org_id = $1 AND l.location_id = p.location_id)",
	.nargs = 5,
	.argtypes = {"bigint", "bigint[]", "bigint[]", "bigint[]", "timestamptz"},
};

static UsomQuery end_appointments = {
	.text = "UPDATE usom.appointment AS a SET ended_at = $5, status = CASE WHEN r.done = 1 THEN 'done' ELSE 'cancelled' END "
	"FROM unnest($2, $3, $4) AS r (id, line_no, done) "
	"WHERE a.org_id = $1 AND a.sales_order_id = r.id AND a.line_no = r.line_no AND a.status = 'booked'",
	.nargs = 5,
	.argtypes = {"bigint", "bigint[]", "bigint[]", "bigint[]", "timestamptz"},
};

/* Rows of a statement with three arrays of keys. */
typedef struct Ends
{
	int			count;
	int64	   *first;
	int64	   *second;
	int64	   *third;
} Ends;

static Ends
make_ends(int capacity)
{
	return (Ends) {0, palloc_array(int64, capacity), palloc_array(int64, capacity), palloc_array(int64, capacity)};
}

static void
add_end(Ends *ends, int64 first, int64 second, int64 third)
{
	ends->first[ends->count] = first;
	ends->second[ends->count] = second;
	ends->third[ends->count++] = third;
}

static uint64
write_ends(UsomQuery *query, const UsomOrderSet *set, const Ends *ends)
{
	Datum		values[] = {
		Int64GetDatum(set->org_id), usom_query_keys(ends->first, ends->count), usom_query_keys(ends->second, ends->count),
		usom_query_keys(ends->third, ends->count), TimestampTzGetDatum(usom_call_time())
	};

	return usom_query_write(query, values, NULL);
}

/* ---- pick-ups ---- */

static bool
is_over(const UsomOrder *order)
{
	return order->status == USOM_ORDER_CANCELLED || order->status == USOM_ORDER_DELIVERED;
}

/* Could a row of the order have to end? */
static bool
may_end(const UsomOrder *order)
{
	return order->order_type == USOM_TYPE_PICK_UP && order->changed && usom_order_is_running(order->status_before) &&
		(order->status_before >= USOM_ORDER_PROCESSING || is_over(order));
}

static void
end_pickup(UsomOrderSet *set, uint64 row)
{
	int64		id = DatumGetInt64(usom_query_get(row, 1));
	const char *status = usom_query_get_text(row, 2);
	UsomPayload payload = usom_payload_begin();
	int			order = 0;

	while (set->orders[order].sales_order_id != id)
		order++;
	usom_payload_text(&payload, "location", usom_query_get_text(row, 3));
	if (strcmp(status, "rejected") == 0)
		usom_order_settle_case(set, order, 0, USOM_REJECTED_PICKUP);
	else if (strcmp(status, "collected") == 0)
		usom_order_tell(set, order, "pickup_collected", usom_payload_end(&payload));
}

static void
follow_pickups(UsomOrderSet *set)
{
	Ends		ends = {0};
	uint64		n;

	for (int i = 0; i < set->norders; i++)
	{
		UsomCounters sum;

		if (likely(!may_end(&set->orders[i])))
			continue;
		sum = usom_order_sum(set, i);
		if (sum.by_state[USOM_PIECE_PICKED] + sum.by_state[USOM_PIECE_PACKED] > 0)
			continue;
		if (ends.count == 0)
			ends = make_ends(set->norders);
		add_end(&ends, set->orders[i].sales_order_id,
				sum.by_state[USOM_PIECE_SHIPPED] + sum.by_state[USOM_PIECE_DELIVERED] > 0, is_over(&set->orders[i]));
	}
	n = ends.count > 0 ? write_ends(&end_pickups, set, &ends) : 0;
	for (uint64 row = 0; row < n; row++)
		end_pickup(set, row);
}

/* ---- appointments ---- */

static bool
is_finished(const UsomOrderSet *set, int index)
{
	const UsomLine *line = &set->lines[index];
	const UsomOrder *order = &set->orders[line->order];

	if (likely(order->order_type != USOM_TYPE_SERVICE) || line->stocked || !line->changed ||
		!usom_order_is_running(order->status_before))
		return false;
	for (int state = USOM_PIECE_OPEN; state <= USOM_PIECE_PACKED; state++)
		if (line->counters.by_state[state] > 0 && !line->removed)
			return false;
	return true;
}

static void
follow_appointments(UsomOrderSet *set)
{
	Ends		ends = {0};

	for (int i = 0; i < set->nlines; i++)
	{
		if (likely(!is_finished(set, i)))
			continue;
		if (ends.count == 0)
			ends = make_ends(set->nlines);
		add_end(&ends, set->orders[set->lines[i].order].sales_order_id, set->lines[i].line_no,
				usom_order_units_left(&set->lines[i]) > 0);
	}
	if (ends.count > 0)
		write_ends(&end_appointments, set, &ends);
}

static void
follow(UsomOrderSet *set)
{
	follow_pickups(set);
	follow_appointments(set);
}

void
usom_service_init(void)
{
	usom_order_at_save(follow);
}
