/*
 * pick_up.c
 *		Orders that customers fetch, and usom.move_pickup().
 *
 * Locks: as every verb.  Locations are read without a lock: one that stops to
 * be a place for pick-ups meanwhile keeps what it has.
 *
 * Invariant: the stocked lines of a pick-up order name one location.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "api/pick_up.h"

#include "api/api.h"
#include "api/supply.h"
#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "fulfillment/pickup.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_move_pickup);

/* Places where nobody fetches anything. */
static UsomQuery find_wrong_place = {
	.text = "SELECT l.location_id, l.code FROM usom.location AS l "
	"WHERE l.org_id = $1 AND l.location_id = ANY ($2) AND NOT (l.picks_up AND l.active)",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

static UsomQuery find_alternatives = {
	.text = "SELECT a.line_no, pg_catalog.jsonb_agg(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object("
	"'location', a.location, 'distance_km', a.distance_km, 'quantity', a.available)) ORDER BY a.place) "
	"FROM usom._pickup_alternatives($1) AS a GROUP BY a.line_no",
	.nargs = 1,
	.argtypes = {"bigint"},
};

/* The location, and the words of the event: $3 is where the order is now. */
static UsomQuery find_target = {
	.text = "SELECT l.location_id, pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object("
	"'location', l.code, 'location_before', (SELECT b.code FROM usom.location AS b WHERE b.org_id = $1 AND b.location_id = $3))) "
	"FROM usom.location AS l WHERE l.org_id = $1 AND l.location_id = usom.location_id($2)",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint"},
};

static bool
is_fetched(const UsomOrderSet *set, int line)
{
	return set->orders[set->lines[line].order].order_type == USOM_TYPE_PICK_UP && set->lines[line].stocked &&
		!set->lines[line].removed;
}

/* Where an order is fetched: what its first line says that says something; 0: none does. */
int64
usom_api_pick_up_place(const UsomOrderSet *set, int order)
{
	for (int i = usom_order_first_line(set, order); i < set->nlines && set->lines[i].order == order; i++)
		if (is_fetched(set, i) && set->lines[i].location_id != 0)
			return set->lines[i].location_id;
	return 0;
}

static void
refuse_place(const UsomOrderSet *set, int order, const char *problem, const char *detail)
{
	ereport(ERROR, errcode(USOM_ERR(NOT_FOR_PICK_UP)),
			errmsg("pick-up order \"%s\" %s", set->orders[order].order_no, problem),
			errdetail("%s", detail),
			errhint("Give all its lines one location of usom.locations with picks_up on."));
}

static void
settle_place(UsomOrderSet *set, int order, int64 place)
{
	for (int i = usom_order_first_line(set, order); i < set->nlines && set->lines[i].order == order; i++)
	{
		if (!is_fetched(set, i) || (place != 0 && set->lines[i].location_id == place))
			continue;
		if (place == 0)
			refuse_place(set, order, "names no location", "Whoever fetches it has to know where.");
		if (set->lines[i].location_id != 0)
			refuse_place(set, order, "names several locations", "It is fetched at once.");
		set->lines[i].location_id = place;
		set->lines[i].changed = true;
	}
}

static void
check_places(const UsomOrderSet *set, const int64 *places)
{
	Datum		values[2] = {Int64GetDatum(set->org_id), usom_query_keys(places, set->norders)};
	int			order = 0;

	if (usom_query_run(&find_wrong_place, values, NULL) == 0)
		return;
	while (places[order] != DatumGetInt64(usom_query_get(0, 1)))
		order++;
	refuse_place(set, order, "names a location where nobody picks up",
				 psprintf("It names \"%s\".", usom_query_get_text(0, 2)));
}

void
usom_api_settle_pick_ups(UsomOrderSet *set)
{
	int64	   *places = NULL;

	for (int order = 0; order < set->norders; order++)
	{
		if (likely(set->orders[order].order_type != USOM_TYPE_PICK_UP) || !usom_order_is_running(set->orders[order].status))
			continue;
		if (places == NULL)
			places = palloc0_array(int64, set->norders);
		places[order] = usom_api_pick_up_place(set, order);
		settle_place(set, order, places[order]);
	}
	if (places != NULL)
		check_places(set, places);
}

Jsonb **
usom_api_find_alternatives(const UsomOrderSet *set, int order)
{
	Jsonb	  **alternatives = palloc0_array(Jsonb *, set->nlines + 1);
	Datum		values[] = {Int64GetDatum(set->orders[order].sales_order_id)};
	uint64		n = usom_query_run(&find_alternatives, values, NULL);

	for (uint64 row = 0; row < n; row++)
		for (int i = 0; i < set->nlines; i++)
			if (set->lines[i].order == order && set->lines[i].line_no == DatumGetInt32(usom_query_get(row, 1)))
				alternatives[i] = DatumGetJsonbP(usom_query_get(row, 2));
	return alternatives;
}

/* ---- another place ---- */

void
usom_api_check_pick_up(const UsomOrder *order, const char *hint)
{
	if (order->order_type != USOM_TYPE_PICK_UP)
		ereport(ERROR, errcode(USOM_ERR(NOT_FOR_PICK_UP)),
				errmsg("order \"%s\" is no pick-up", order->order_no),
				errdetail("Its type is %s.", usom_order_type_name(order->order_type)),
				errhint("%s", hint));
}

static void
check_movable(UsomOrderSet *set)
{
	const UsomOrder *order = &set->orders[0];

	usom_api_check_pick_up(order, "Locations of other orders are changed with usom.change_order().");
	if (!usom_order_is_running(order->status) || order->status >= USOM_ORDER_SHIPPED)
		usom_order_refuse(order->order_no, "move", order->status);
	usom_order_check_holds(set, 0, "change");
	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].location_id != 0 && set->pieces[i].status >= USOM_PIECE_RELEASED &&
			set->pieces[i].status <= USOM_PIECE_PACKED)
			ereport(ERROR, errcode(USOM_ERR(ILLEGAL_TRANSITION)),
					errmsg("cannot move order \"%s\": it is being made ready", order->order_no),
					errdetail("Line %d is %s.", set->lines[set->pieces[i].line].line_no,
							  usom_piece_lifecycle_table.labels[set->pieces[i].status]),
					errhint("Ship it there, or cancel the line and place it anew."));
}

static void
move(UsomOrderSet *set, int64 place, Jsonb *payload)
{
	usom_pickup_decide(set, 0);
	usom_api_give_up_reserved(set);
	for (int i = 0; i < set->nlines; i++)
		if (is_fetched(set, i))
		{
			set->lines[i].location_id = place;
			set->lines[i].changed = true;
		}
	usom_api_settle_pick_ups(set);
	usom_api_fill(set, 0);
	usom_order_tell(set, 0, "pick_up_moved", payload);
	usom_order_settle(set, 0, "move_pickup");
	usom_order_save(set);
}

/* usom.move_pickup(order_no text, location text, reason text) */
Datum
usom_move_pickup(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "move_pickup", 2);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	char	   *location = usom_order_arg_text(fcinfo, 1, "location");
	int64		now = usom_api_pick_up_place(set, 0);
	Datum		values[] = {Int64GetDatum(set->org_id), CStringGetTextDatum(location), Int64GetDatum(now)};

	check_movable(set);
	usom_query_run(&find_target, values, NULL);
	set->orders[0].event_reference = location;
	if (DatumGetInt64(usom_query_get(0, 1)) != now)
		move(set, DatumGetInt64(usom_query_get(0, 1)), DatumGetJsonbP(usom_query_get(0, 2)));
	return usom_order_answer_status(answer, set);
}
