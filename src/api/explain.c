/*
 * explain.c
 *		usom.explain_sourcing() and usom.why_not_allocated(): each location as
 *		a line sees it.
 *
 *		What allocation would plan now, had the order nothing reserved: its
 *		reserved units are given back in memory, and it is planned again by the
 *		code that allocates.  Where that differs from what serves the line,
 *		stock, rules or costs have changed since, and the reason says so.
 *
 * Locks: none.  Memory: the call's.
 */
#include "postgres.h"

#include "api/quota.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/query.h"
#include "funcapi.h"
#include "order/answer.h"
#include "order/order.h"
#include "party/party.h"
#include "sourcing/ruled.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_explain_sourcing);
PG_FUNCTION_INFO_V1(usom_why_not_allocated);

#define RESULT_COLUMNS 10

/* Units that wait for a supply of a location. */
typedef struct Peg
{
	int32		line_no;
	int64		location_id;
} Peg;

typedef struct Explained
{
	int64		org_id;
	int			nwants;
	UsomWant   *wants;
	int32	   *line_no;		/* by want */
	bool	   *waits;			/* by want: some of it is open or backordered */
	int32	   *kit_line_no;	/* by want: of the kit that it is a component of; 0: none */
	bool	   *whole;			/* by want: and the kit is served whole */
	const char **sku;
	bool	   *is_short;		/* by want: there is too little anywhere */
	int			npieces;
	UsomStockKey *keys;			/* of pieces that have a location */
	int32	   *piece_line;
	UsomQuantity *reserved;		/* 0: it has left */
	int			npegs;
	Peg		   *pegs;
	UsomDayUse *uses;			/* what the pieces take of days, and keep if they are not planned again */
} Explained;

static UsomQuery read_order = {
	.text = "SELECT o.sales_order_id FROM usom.sales_order AS o WHERE o.org_id = $1 AND o.order_no = $2 "
	"AND ($3 IS NULL OR o.channel_id = ANY ($3))",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

static UsomQuery read_wants = {
	.text = "SELECT l.line_no, l.product_id, l.location_id, l.partial, coalesce(l.requested_at, o.requested_at), "
	"(l.quantity_open + l.quantity_backordered + l.quantity_reserved)::pg_catalog.numeric, "
	"l.quantity_open + l.quantity_backordered > 0, l.kit_line_no, p.sku, (SELECT k.kit_policy = 'whole' FROM usom.order_line AS c "
	"JOIN usom.product AS k ON k.org_id = $1 AND k.product_id = c.product_id "
	"WHERE c.org_id = $1 AND c.sales_order_id = $2 AND c.line_no = l.kit_line_no), o.order_type = 'pick_up' "
	"FROM usom.sales_order AS o JOIN usom.order_line AS l ON l.org_id = $1 AND l.sales_order_id = o.sales_order_id "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = l.product_id AND p.kind = 'physical' "
	"WHERE o.org_id = $1 AND o.sales_order_id = $2 "
	"AND l.quantity_open + l.quantity_backordered + l.quantity_reserved > 0 ORDER BY l.line_no",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery read_pieces = {
	.text = "SELECT f.product_id, f.location_id, f.lot, f.line_no, "
	"CASE WHEN f.status = 'reserved' THEN f.quantity::pg_catalog.numeric ELSE 0 END, f.ships_on, f.quantity::pg_catalog.numeric "
	"FROM usom.fulfillment_line AS f WHERE f.org_id = $1 AND f.sales_order_id = $2 AND f.location_id IS NOT NULL "
	"AND f.status <> 'cancelled' ORDER BY f.line_no, f.piece_no",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery read_locations = {
	.text = "SELECT l.location_id FROM usom.location AS l WHERE l.org_id = $1",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static int64
find_order(int64 org_id, const char *order_no)
{
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(org_id), CStringGetTextDatum(order_no)};

	values[2] = usom_party_channels(&nulls[2]);
	if (usom_query_look(&read_order, values, nulls) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_ORDER)),
				errmsg("no order \"%s\"", order_no),
				errhint("Look it up in usom.orders."));
	return DatumGetInt64(usom_query_get(0, 1));
}

static void
take_kit(Explained *explained, int want)
{
	bool		no_kit;
	Datum		kit_line_no = usom_query_get_or_null(want, 8, &no_kit);

	explained->sku[want] = usom_query_get_text(want, 9);
	if (no_kit)
		return;
	explained->kit_line_no[want] = DatumGetInt32(kit_line_no);
	explained->whole[want] = DatumGetBool(usom_query_get(want, 10));
}

static void
load_wants(Explained *explained, int64 order)
{
	Datum		values[] = {Int64GetDatum(explained->org_id), Int64GetDatum(order)};

	explained->nwants = (int) usom_query_look(&read_wants, values, NULL);
	explained->wants = palloc0_array(UsomWant, explained->nwants + 1);
	explained->line_no = palloc_array(int32, explained->nwants + 1);
	explained->waits = palloc_array(bool, explained->nwants + 1);
	explained->kit_line_no = palloc0_array(int32, explained->nwants + 1);
	explained->whole = palloc0_array(bool, explained->nwants + 1);
	explained->sku = palloc_array(const char *, explained->nwants + 1);
	explained->is_short = palloc0_array(bool, explained->nwants + 1);
	for (int i = 0; i < explained->nwants; i++)
	{
		UsomWant   *want = &explained->wants[i];
		bool		nowhere;
		bool		no_time;
		Datum		location = usom_query_get_or_null(i, 3, &nowhere);
		Datum		requested = usom_query_get_or_null(i, 5, &no_time);

		explained->line_no[i] = DatumGetInt32(usom_query_get(i, 1));
		explained->waits[i] = DatumGetBool(usom_query_get(i, 7));
		take_kit(explained, i);
		want->sales_order_id = order;
		want->product_id = DatumGetInt64(usom_query_get(i, 2));
		want->location_id = nowhere ? 0 : DatumGetInt64(location);
		want->partial = DatumGetBool(usom_query_get(i, 4));
		want->may_wait = true;
		want->requested_at = no_time ? USOM_NO_TIME : DatumGetTimestampTz(requested);
		want->quantity = usom_quantity_of(DatumGetNumeric(usom_query_get(i, 6)));
		want->fetched = DatumGetBool(usom_query_get(i, 11));
	}
}

static UsomDayUse
use_of(int64 order, uint64 row, int64 location_id, UsomQuantity reserved)
{
	bool		isnull;
	Datum		day = usom_query_get_or_null(row, 6, &isnull);
	UsomQuantity quantity = isnull ? 0 : usom_quantity_of(DatumGetNumeric(usom_query_get(row, 7)));

	return (UsomDayUse) {
		order, {location_id, isnull ? USOM_NO_DAY : DatumGetDateADT(day)}, quantity, reserved > 0 ? 0 : quantity
	};
}

static void
load_pieces(Explained *explained, int64 order)
{
	Datum		values[] = {Int64GetDatum(explained->org_id), Int64GetDatum(order)};

	explained->npieces = (int) usom_query_look(&read_pieces, values, NULL);
	explained->keys = palloc_array(UsomStockKey, explained->npieces + 1);
	explained->piece_line = palloc_array(int32, explained->npieces + 1);
	explained->reserved = palloc_array(UsomQuantity, explained->npieces + 1);
	explained->uses = palloc_array(UsomDayUse, explained->npieces + 1);
	for (int i = 0; i < explained->npieces; i++)
	{
		explained->keys[i] = (UsomStockKey) {
			DatumGetInt64(usom_query_get(i, 1)), DatumGetInt64(usom_query_get(i, 2)), usom_query_get_text(i, 3), 0
		};
		explained->piece_line[i] = DatumGetInt32(usom_query_get(i, 4));
		explained->reserved[i] = usom_quantity_of(DatumGetNumeric(usom_query_get(i, 5)));
		explained->uses[i] = use_of(order, i, explained->keys[i].location_id, explained->reserved[i]);
	}
}

static UsomStockRow *
look_at_stock(const Explained *explained, int *nrows)
{
	int64	   *products = palloc_array(int64, explained->nwants + 1);
	UsomStockRow *rows;

	for (int i = 0; i < explained->nwants; i++)
		products[i] = explained->wants[i].product_id;
	rows = usom_stock_look_at_products(explained->org_id, products, explained->nwants, usom_call_time(), nrows);
	for (int i = 0; i < explained->npieces; i++)
	{
		UsomStockRow *row = bsearch(&explained->keys[i], rows, *nrows, sizeof(UsomStockRow), usom_stock_key_compare);

		if (row != NULL)
			row->available = usom_quantity_add(row->available, explained->reserved[i]);
	}
	return rows;
}

/* Supply, and what of it the order itself counts on. */
static UsomQuery read_pegs = {
	.text = "SELECT f.line_no, f.supply_id, f.quantity::pg_catalog.numeric FROM usom.fulfillment_line AS f "
	"WHERE f.org_id = $1 AND f.sales_order_id = $2 AND f.supply_id IS NOT NULL",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomSupply *
look_at_supply(Explained *explained, int *nsupplies)
{
	int64	   *products = palloc_array(int64, explained->nwants + 1);
	UsomSupply *supplies;
	Datum		values[2];
	uint64		npegs;

	*nsupplies = 0;
	if (explained->nwants == 0 || !usom_supply_is_any(explained->org_id))
		return NULL;
	for (int i = 0; i < explained->nwants; i++)
		products[i] = explained->wants[i].product_id;
	supplies = usom_supply_look_at_products(explained->org_id, products, explained->nwants, nsupplies);
	values[0] = Int64GetDatum(explained->org_id);
	values[1] = Int64GetDatum(explained->wants[0].sales_order_id);
	npegs = usom_query_look(&read_pegs, values, NULL);
	explained->pegs = palloc0_array(Peg, npegs + 1);
	for (; (uint64) explained->npegs < npegs; explained->npegs++)
		for (int i = 0; i < *nsupplies; i++)
			if (supplies[i].supply_id == DatumGetInt64(usom_query_get(explained->npegs, 2)))
			{
				supplies[i].free += usom_quantity_of(DatumGetNumeric(usom_query_get(explained->npegs, 3)));
				explained->pegs[explained->npegs] =
					(Peg) {DatumGetInt32(usom_query_get(explained->npegs, 1)), supplies[i].location_id};
			}
	return supplies;
}

static UsomRuledPlan *
plan_again(Explained *explained)
{
	Datum		values[] = {Int64GetDatum(explained->org_id)};
	int			nlocations = (int) usom_query_look(&read_locations, values, NULL);
	int64	   *locations = palloc_array(int64, nlocations + 1);
	UsomOutlook outlook = {explained->uses, explained->npieces, false, NULL, 0};
	UsomStockRow *rows;
	int			nrows;

	for (int i = 0; i < nlocations; i++)
		locations[i] = DatumGetInt64(usom_query_get(i, 1));
	outlook.supplies = look_at_supply(explained, &outlook.nsupplies);
	rows = look_at_stock(explained, &nrows);
	return usom_sourcing_explain(explained->org_id, usom_call_time(), explained->wants, explained->nwants,
								 &outlook, rows, nrows, locations, nlocations);
}

static void
mark_short(Explained *explained, const UsomRuledPlan *plan)
{
	for (int want = 0; want < explained->nwants; want++)
	{
		UsomQuantity available = 0;

		for (int site = 0; site < plan->nlocations; site++)
			available = usom_quantity_add(available, plan->reasons[want * plan->nlocations + site].available);
		explained->is_short[want] = explained->waits[want] && available < explained->wants[want].quantity;
	}
}

/* Another component of the kit that is short, or NULL: then the want waits for it. */
static const char *
missing_component(const Explained *explained, int want)
{
	for (int i = 0; explained->whole[want] && i < explained->nwants; i++)
		if (i != want && explained->kit_line_no[i] == explained->kit_line_no[want] && explained->is_short[i])
			return explained->sku[i];
	return NULL;
}

/* What serves the line is chosen, whatever would be now. */
static UsomReason
reason_of(const Explained *explained, int want, const UsomRuledReason *reason)
{
	for (int i = 0; i < explained->npieces; i++)
		if (explained->piece_line[i] == explained->line_no[want] &&
			explained->keys[i].location_id == reason->lane->location_id)
			return USOM_REASON_CHOSEN;
	for (int i = 0; i < explained->npegs; i++)
		if (explained->pegs[i].line_no == explained->line_no[want] &&
			explained->pegs[i].location_id == reason->lane->location_id && reason->from_supply)
			return USOM_REASON_CHOSEN;
	if (reason->reason != USOM_REASON_CHOSEN)
		return reason->reason;
	return missing_component(explained, want) != NULL ? USOM_REASON_KIT : USOM_REASON_NOW;
}

static char *
say_day(DateADT day)
{
	int			year;
	int			month;
	int			of_month;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &of_month);
	return psprintf("%04d-%02d-%02d", year, month, of_month);
}

static const char *
sentence_of(const Explained *explained, int want, UsomReason why)
{
	if (why == USOM_REASON_KIT)
		return psprintf("%s: \"%s\"", usom_sourcing_reason_text(why), missing_component(explained, want));
	return usom_sourcing_reason_text(why);
}

/* The reason, and if its first day is full, when the location ships instead. */
static const char *
say(const Explained *explained, int want, UsomReason why, const UsomRuledReason *reason)
{
	const char *sentence = sentence_of(explained, want, why);

	if (reason->from_supply)
		return psprintf("%s; from supply that is under way, ships on %s", sentence, say_day(reason->ships_on));
	if (reason->full_on == USOM_NO_DAY)
		return sentence;
	if (reason->ships_on == USOM_NO_DAY)
		return psprintf("%s; full on %s and on all days that are looked at", sentence, say_day(reason->full_on));
	return psprintf("%s; full on %s, next free day %s", sentence, say_day(reason->full_on), say_day(reason->ships_on));
}

static bool
is_eligible(UsomReason reason)
{
	return reason == USOM_REASON_CHOSEN || reason == USOM_REASON_COST || reason == USOM_REASON_LATER ||
		reason == USOM_REASON_NOW;
}

/* Before the other among those that could serve: chosen, then cheaper, then by priority. */
static bool
comes_before(const Explained *explained, int want, const UsomRuledReason *reasons, int a, int b)
{
	UsomReason	left = reason_of(explained, want, &reasons[a]);
	UsomReason	right = reason_of(explained, want, &reasons[b]);

	if (!is_eligible(left))
		return false;
	if ((left == USOM_REASON_CHOSEN) != (right == USOM_REASON_CHOSEN))
		return left == USOM_REASON_CHOSEN;
	if (reasons[a].lane->rank != reasons[b].lane->rank)
		return reasons[a].lane->rank < reasons[b].lane->rank;
	return reasons[a].cost != reasons[b].cost ? reasons[a].cost < reasons[b].cost : a < b;
}

static void
put_reason(ReturnSetInfo *result, const Explained *explained, const UsomRuledPlan *plan, int want, int site)
{
	const UsomRuledReason *reasons = &plan->reasons[want * plan->nlocations];
	const UsomLane *lane = reasons[site].lane;
	UsomReason	reason = reason_of(explained, want, &reasons[site]);
	int			rank = 1;
	bool		never = reasons[site].arrives_at == PG_INT64_MAX;
	bool		nulls[RESULT_COLUMNS] = {false};
	Datum		values[RESULT_COLUMNS];

	for (int i = 0; i < plan->nlocations; i++)
		rank += i != site && comes_before(explained, want, reasons, i, site);
	values[0] = Int32GetDatum(explained->line_no[want]);
	values[1] = CStringGetTextDatum(lane->code);
	values[2] = Int32GetDatum(rank);
	nulls[2] = !is_eligible(reason);
	values[3] = BoolGetDatum(is_eligible(reason));
	values[4] = CStringGetTextDatum(usom_sourcing_reason_code(reason));
	values[5] = CStringGetTextDatum(say(explained, want, reason, &reasons[site]));
	values[6] = DirectFunctionCall2(numeric_round, DirectFunctionCall1(float8_numeric, Float8GetDatum(lane->distance)),
									Int32GetDatum(3));
	nulls[6] = !lane->is_far_known;
	values[7] = NumericGetDatum(usom_quantity_numeric(reasons[site].available));
	values[8] = TimestampTzGetDatum(Max(reasons[site].arrives_at, explained->wants[want].requested_at));
	values[9] = DirectFunctionCall2(numeric_round, DirectFunctionCall1(float8_numeric, Float8GetDatum(never ? 0 : reasons[site].cost)),
									Int32GetDatum(4));
	nulls[8] = nulls[9] = never;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static UsomRuledPlan *
explain_order(Explained *explained, const char *order_no)
{
	UsomRuledPlan *plan;
	int64		order;

	explained->org_id = usom_party_org();
	order = find_order(explained->org_id, order_no);
	load_wants(explained, order);
	load_pieces(explained, order);
	plan = plan_again(explained);
	mark_short(explained, plan);
	return plan;
}

/* usom.explain_sourcing(order_no text) */
Datum
usom_explain_sourcing(PG_FUNCTION_ARGS)
{
	Explained	explained = {0};
	UsomRuledPlan *plan;

	usom_card_check_call(fcinfo);
	usom_order_arg_required(fcinfo, 0, "order_no");
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("explain_sourcing", NULL);
	plan = explain_order(&explained, usom_order_arg_text(fcinfo, 0, "order_no"));
	for (int want = 0; want < explained.nwants; want++)
		for (int site = 0; site < plan->nlocations; site++)
			put_reason((ReturnSetInfo *) fcinfo->resultinfo, &explained, plan, want, site);
	usom_call_end();
	return (Datum) 0;
}

static void
put_obstacle(ReturnSetInfo *result, const Explained *explained, int want, const UsomRuledReason *reason, bool of_kit)
{
	bool		enough = reason->reason == USOM_REASON_CHOSEN && missing_component(explained, want) != NULL;
	UsomReason	why = enough ? USOM_REASON_KIT : reason_of(explained, want, reason);
	const char *words = say(explained, want, why, reason);
	bool		nulls[4] = {false};
	Datum		values[4] = {
		CStringGetTextDatum(reason->lane->code),
		CStringGetTextDatum(usom_sourcing_reason_code(why)),
		CStringGetTextDatum(of_kit ? psprintf("component \"%s\": %s", explained->sku[want], words) : words),
		NumericGetDatum(usom_quantity_numeric(reason->available)),
	};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* A quota stands in the way wherever the stock is. */
static void
put_quota(ReturnSetInfo *result, const Explained *explained, int32 line_no)
{
	UsomQuotaObstacle *obstacle = explained->nwants == 0 ? NULL
		: usom_api_quota_obstacle(explained->org_id, explained->wants[0].sales_order_id, line_no);
	bool		nulls[4] = {true, false, false, false};
	Datum		values[4] = {0};

	if (obstacle == NULL)
		return;
	values[1] = CStringGetTextDatum(obstacle->is_offer ? "pre_order" : "quota");
	values[2] = CStringGetTextDatum(obstacle->is_offer ? "waits for the release, or for those who ordered before it"
									: psprintf("quota \"%s\" lets it have no more", obstacle->code));
	values[3] = NumericGetDatum(usom_quantity_numeric(obstacle->cap));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static bool
is_kit_short(const Explained *explained, int32 line_no)
{
	for (int i = 0; i < explained->nwants; i++)
		if (explained->kit_line_no[i] == line_no && explained->is_short[i])
			return true;
	return false;
}

/* The line itself, or of a kit the components that are short, or all that wait if it is not a matter of stock. */
static bool
is_asked_for(const Explained *explained, int want, int32 line_no)
{
	if (!explained->waits[want])
		return false;
	if (explained->line_no[want] == line_no)
		return true;
	return explained->kit_line_no[want] == line_no &&
		(explained->is_short[want] || !is_kit_short(explained, line_no));
}

/* usom.why_not_allocated(order_no text, line_no integer) */
Datum
usom_why_not_allocated(PG_FUNCTION_ARGS)
{
	Explained	explained = {0};
	UsomRuledPlan *plan;

	usom_card_check_call(fcinfo);
	usom_order_arg_required(fcinfo, 0, "order_no");
	usom_order_arg_required(fcinfo, 1, "line_no");
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("why_not_allocated", NULL);
	plan = explain_order(&explained, usom_order_arg_text(fcinfo, 0, "order_no"));
	for (int want = 0; want < explained.nwants; want++)
		for (int site = 0; site < plan->nlocations; site++)
			if (is_asked_for(&explained, want, PG_GETARG_INT32(1)))
				put_obstacle((ReturnSetInfo *) fcinfo->resultinfo, &explained, want,
							 &plan->reasons[want * plan->nlocations + site], explained.line_no[want] != PG_GETARG_INT32(1));
	put_quota((ReturnSetInfo *) fcinfo->resultinfo, &explained, PG_GETARG_INT32(1));
	usom_call_end();
	return (Datum) 0;
}
