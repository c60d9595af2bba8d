/*
 * cut_off.c
 *		Until when units that are released may be cancelled, changed or sent
 *		elsewhere without asking the warehouse.
 *
 * A cut-off is of an action and a stage, for one location or for all, and
 * counts from the release of what is at work there: from the latest hand-over
 * that found the location without work for the order, or, where none is
 * recorded, from the last release of the order.
 *
 * Memory: cut-offs and locations in a context of the memo (base/memo.h); what
 * concerns one order is copied into CurrentMemoryContext.  Locks: none; the
 * caller has locked the order.
 */
#include "postgres.h"

#include "fulfillment/handover.h"

#include "base/call.h"
#include "base/memo.h"
#include "base/query.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom__cut_off_ends);

#define NOT_GIVEN (-1)

struct UsomCuts
{
	UsomCutAction action;
	int			ncuts;			/* of the action */
	UsomCutOff *cuts;
	int			nplaces;
	struct Place
	{
		int64		location_id;
		TimestampTz released_at;
		pg_tz	   *zone;
	}		   *places;
};

/* ---- what the backend remembers ---- */

static UsomQuery select_doors = {
	.text = "SELECT l.location_id, l.code, l.wms, l.time_zone FROM usom.location AS l WHERE l.org_id = $1 "
	"AND (EXISTS (SELECT 1 FROM usom.location w WHERE w.org_id = $1 AND w.wms IS NOT NULL) "
	"OR EXISTS (SELECT 1 FROM usom.cut_off c WHERE c.org_id = $1 AND c.active)) ORDER BY l.location_id",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static UsomQuery select_cuts = {
	.text = "SELECT coalesce(l.location_id, 0), c.action, c.stage, c.minutes, c.until_time FROM usom.cut_off AS c "
	"LEFT JOIN usom.location AS l ON l.org_id = c.org_id AND l.code = c.location "
	"WHERE c.org_id = $1 AND c.active ORDER BY c.cut_off_id",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static UsomCutAction
action_of(const char *label)
{
	return strcmp(label, "cancel") == 0 ? USOM_CUT_CANCEL : strcmp(label, "change") == 0 ? USOM_CUT_CHANGE : USOM_CUT_ADDRESS;
}

static UsomPieceStatus
stage_of(const char *label)
{
	return strcmp(label, "released") == 0 ? USOM_PIECE_RELEASED : strcmp(label, "picked") == 0 ? USOM_PIECE_PICKED : USOM_PIECE_PACKED;
}

static void
read_cut(uint64 row, UsomCutOff *cut)
{
	bool		no_minutes;
	bool		no_time;
	Datum		minutes = usom_query_get_or_null(row, 4, &no_minutes);
	Datum		until = usom_query_get_or_null(row, 5, &no_time);

	cut->location_id = DatumGetInt64(usom_query_get(row, 1));
	cut->action = action_of(usom_query_get_text(row, 2));
	cut->stage = stage_of(usom_query_get_text(row, 3));
	cut->minutes = no_minutes ? NOT_GIVEN : DatumGetInt32(minutes);
	cut->until = no_time ? NOT_GIVEN : DatumGetTimeADT(until);
}

static const void *
read_doors(int64 org_id)
{
	UsomDoors  *doors = palloc0_object(UsomDoors);
	Datum		values[] = {Int64GetDatum(org_id)};

	doors->count = (int) usom_memo_look(&select_doors, values);
	doors->doors = palloc_array(UsomDoor, Max(doors->count, 1));
	for (int row = 0; row < doors->count; row++)
		doors->doors[row] = (UsomDoor) {
			DatumGetInt64(usom_query_get(row, 1)), usom_query_get_text(row, 2),
			usom_query_get_text(row, 3), usom_query_get_text(row, 4)
		};
	SPI_freetuptable(SPI_tuptable);
	doors->ncuts = (int) usom_memo_look(&select_cuts, values);
	doors->cuts = palloc_array(UsomCutOff, Max(doors->ncuts, 1));
	for (int row = 0; row < doors->ncuts; row++)
		read_cut(row, &doors->cuts[row]);
	SPI_freetuptable(SPI_tuptable);
	return doors;
}

static UsomMemo memo = {
	.name = "usom doors of warehouses",
	.tables = {"location", "cut_off"},
	.read = read_doors,
};

const UsomDoors *
usom_fulfillment_doors(int64 org_id)
{
	const UsomDoors *doors = usom_memo_get(&memo, org_id);

	return doors->count > 0 ? doors : NULL;
}

const UsomDoor *
usom_fulfillment_find_door(const UsomDoors *doors, int64 location_id)
{
	int			low = 0;
	int			high = doors->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (doors->doors[middle].location_id < location_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < doors->count && doors->doors[low].location_id == location_id ? &doors->doors[low] : NULL;
}

void
usom_fulfillment_handover_init(void)
{
	usom_memo_register(&memo);
}

/* ---- pure ---- */

TimestampTz
usom_fulfillment_cut_ends(const UsomCutOff *cut, const pg_tz *zone, TimestampTz released_at)
{
	DateADT		day;
	TimestampTz ends;

	if (cut->minutes != NOT_GIVEN)
		return released_at + cut->minutes * USECS_PER_MINUTE;
	if (cut->until == NOT_GIVEN || TIMESTAMP_NOT_FINITE(released_at))
		return USOM_NEVER;
	day = usom_calendar_day(zone, released_at);
	ends = usom_calendar_instant(zone, day, cut->until);
	return ends >= released_at ? ends : usom_calendar_instant(zone, day + 1, cut->until);
}

/* Of the location itself before that of all. */
static const UsomCutOff *
find_cut(const UsomCuts *cuts, int64 location_id, UsomPieceStatus stage)
{
	const UsomCutOff *general = NULL;

	for (int i = 0; i < cuts->ncuts; i++)
	{
		if (cuts->cuts[i].stage != stage)
			continue;
		if (cuts->cuts[i].location_id == location_id)
			return &cuts->cuts[i];
		if (cuts->cuts[i].location_id == 0)
			general = &cuts->cuts[i];
	}
	return general;
}

/* What holds where no row says anything. */
static UsomCutVerdict
judge_by_default(UsomCutAction action, UsomPieceStatus status)
{
	if (action == USOM_CUT_ADDRESS)
		return USOM_CUT_EDIT;
	return action == USOM_CUT_CANCEL && status == USOM_PIECE_RELEASED ? USOM_CUT_EDIT : USOM_CUT_REFUSE;
}

UsomCutVerdict
usom_fulfillment_judge(const UsomCuts *cuts, int64 location_id, UsomPieceStatus status)
{
	const UsomCutOff *cut;

	if (status < USOM_PIECE_RELEASED)
		return USOM_CUT_EDIT;
	if (status > USOM_PIECE_PACKED)
		return USOM_CUT_REFUSE;
	cut = location_id != 0 ? find_cut(cuts, location_id, status) : NULL;
	if (cut == NULL)
		return judge_by_default(cuts->action, status);
	for (int i = 0; i < cuts->nplaces; i++)
		if (cuts->places[i].location_id == location_id)
			return usom_call_time() < usom_fulfillment_cut_ends(cut, cuts->places[i].zone, cuts->places[i].released_at)
				? USOM_CUT_EDIT : USOM_CUT_ASK;
	return USOM_CUT_ASK;
}

bool
usom_fulfillment_has_cuts(const UsomCuts *cuts)
{
	return cuts->ncuts > 0;
}

/* ---- of an order ---- */

/* A zone that the server's data have lost counts as UTC: a cut-off must not stand in the way of everything. */
static pg_tz *
zone_of(const char *name)
{
	pg_tz	   *zone = pg_tzset(name);

	return zone != NULL ? zone : pg_tzset("GMT");
}

static UsomQuery read_releases = {
	.text = "SELECT l.location_id, l.time_zone, coalesce((SELECT max(f.released_at) FROM usom.fulfillment f "
	"WHERE f.org_id = $1 AND f.sales_order_id = $2 AND f.location_id = l.location_id AND f.starts), "
	"(SELECT max(h.occurred_at) FROM usom.order_history h WHERE h.org_id = $1 AND h.sales_order_id = $2 AND h.event = 'release'), "
	"'-infinity') FROM usom.location l WHERE l.org_id = $1 AND l.location_id = ANY ($3)",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "bigint[]"},
};

/* Locations where the order is at work, some of them more than once. */
static int64 *
find_places(const UsomOrderSet *set, int order, int *count)
{
	int64	   *places = palloc_array(int64, set->npieces + 1);

	*count = 0;
	for (int i = 0; i < set->npieces; i++)
		if (set->lines[set->pieces[i].line].order == order && set->pieces[i].location_id != 0 && set->pieces[i].quantity > 0 &&
			set->pieces[i].status >= USOM_PIECE_RELEASED && set->pieces[i].status <= USOM_PIECE_PACKED &&
			(*count == 0 || places[*count - 1] != set->pieces[i].location_id))
			places[(*count)++] = set->pieces[i].location_id;
	return places;
}

static void
read_places(UsomCuts *cuts, const UsomOrderSet *set, int order)
{
	int			nkeys;
	int64	   *keys = find_places(set, order, &nkeys);
	Datum		values[3] = {Int64GetDatum(set->org_id), Int64GetDatum(set->orders[order].sales_order_id)};

	if (nkeys == 0)
		return;
	values[2] = usom_query_keys(keys, nkeys);
	cuts->nplaces = (int) usom_query_run(&read_releases, values, NULL);
	cuts->places = palloc_array(struct Place, cuts->nplaces + 1);
	for (int row = 0; row < cuts->nplaces; row++)
		cuts->places[row] = (struct Place) {
			DatumGetInt64(usom_query_get(row, 1)), DatumGetTimestampTz(usom_query_get(row, 3)),
			zone_of(usom_query_get_text(row, 2))
		};
}

const UsomCuts *
usom_fulfillment_read_cuts(const UsomOrderSet *set, int order, UsomCutAction action)
{
	const UsomDoors *doors = usom_fulfillment_doors(set->org_id);
	UsomCuts   *cuts = palloc0_object(UsomCuts);

	cuts->action = action;
	if (likely(doors == NULL || doors->ncuts == 0))
		return cuts;
	cuts->cuts = palloc_array(UsomCutOff, doors->ncuts);
	for (int i = 0; i < doors->ncuts; i++)
		if (doors->cuts[i].action == action)
			cuts->cuts[cuts->ncuts++] = doors->cuts[i];
	if (cuts->ncuts > 0)
		read_places(cuts, set, order);
	return cuts;
}

/* usom._cut_off_ends(minutes integer, until_time time, time_zone text, released_at timestamptz): null: never */
Datum
usom__cut_off_ends(PG_FUNCTION_ARGS)
{
	UsomCutOff	cut = {
		.minutes = PG_ARGISNULL(0) ? NOT_GIVEN : PG_GETARG_INT32(0), .until = PG_ARGISNULL(1) ? NOT_GIVEN : PG_GETARG_TIMEADT(1)
	};
	TimestampTz ends;

	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		PG_RETURN_NULL();
	ends = usom_fulfillment_cut_ends(&cut, zone_of(text_to_cstring(PG_GETARG_TEXT_PP(2))), PG_GETARG_TIMESTAMPTZ(3));
	if (ends == USOM_NEVER)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(ends);
}
