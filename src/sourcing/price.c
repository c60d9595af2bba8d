/*
 * price.c
 *		usom._price_orders(): what the reserved units of orders cost, by the
 *		cost function of the planner.
 *
 *		A piece counts under the first rule of its line that lets its location
 *		serve it, as it would be planned.  A shipment is what leaves a location
 *		on a day for an order.  Preferences (places in the order of a rule, the
 *		fewer shipments of two equal plans) are no cost.
 *
 * Locks: none.  Memory: the call's.
 */
#include "postgres.h"

#include "sourcing/lanes.h"

#include "base/call.h"
#include "base/query.h"
#include "funcapi.h"
#include "order/order.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom__price_orders);

/* By order, location and day, so that a shipment stands together. */
static UsomQuery read_pieces = {
	.text = "SELECT f.sales_order_id, f.product_id, f.location_id, f.quantity::pg_catalog.numeric, "
	"coalesce(l.requested_at, o.requested_at), l.location_id, o.order_type = 'pick_up', f.promised_at, f.ships_on "
	"FROM usom.fulfillment_line AS f "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = f.sales_order_id "
	"JOIN usom.order_line AS l ON l.org_id = $1 AND l.sales_order_id = f.sales_order_id AND l.line_no = f.line_no "
	"WHERE f.org_id = $1 AND f.sales_order_id = ANY ($2) AND f.status = 'reserved' AND f.location_id IS NOT NULL "
	"ORDER BY f.sales_order_id, f.location_id, f.ships_on, f.line_no, f.piece_no",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

typedef struct Priced
{
	UsomWant	want;
	int64		location_id;
	TimestampTz promised_at;
	DateADT		day;
} Priced;

typedef struct Pricing
{
	int			npieces;
	Priced	   *pieces;
	WantFacts  *facts;			/* by piece */
	int			ngroups;
	LaneGroup  *groups;
} Pricing;

/* Sums of an order. */
typedef struct OrderPrice
{
	int			shipments;
	double		distance;
	double		cost;
} OrderPrice;

static TimestampTz
get_time(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? USOM_NO_TIME : DatumGetTimestampTz(value);
}

static void
load_pieces(Pricing *pricing, int64 org_id, Datum keys)
{
	Datum		values[] = {Int64GetDatum(org_id), keys};

	pricing->npieces = (int) usom_query_run(&read_pieces, values, NULL);
	pricing->pieces = palloc0_array(Priced, pricing->npieces + 1);
	for (int i = 0; i < pricing->npieces; i++)
	{
		Priced	   *piece = &pricing->pieces[i];
		bool		isnull;

		piece->want.sales_order_id = DatumGetInt64(usom_query_get(i, 1));
		piece->want.product_id = DatumGetInt64(usom_query_get(i, 2));
		piece->location_id = DatumGetInt64(usom_query_get(i, 3));
		piece->want.quantity = usom_quantity_of(DatumGetNumeric(usom_query_get(i, 4)));
		piece->want.requested_at = get_time(i, 5);
		piece->want.location_id = DatumGetInt64(usom_query_get_or_null(i, 6, &isnull));
		if (isnull)
			piece->want.location_id = 0;
		piece->want.fetched = DatumGetBool(usom_query_get(i, 7));
		piece->promised_at = get_time(i, 8);
		piece->day = DatumGetDateADT(usom_query_get_or_null(i, 9, &isnull));
	}
}

static LaneGroup *
find_group(const Pricing *pricing, int piece, int64 rule)
{
	for (int i = pricing->ngroups - 1; i >= 0; i--)
		if (pricing->groups[i].sales_order_id != pricing->pieces[piece].want.sales_order_id)
			return NULL;
		else if (pricing->groups[i].sourcing_rule_id == rule)
			return &pricing->groups[i];
	return NULL;
}

/* Pieces stand by order, so groups do. */
static void
make_groups(Pricing *pricing)
{
	int			most = 0;

	for (int i = 0; i < pricing->npieces; i++)
		most += pricing->facts[i].nrules;
	pricing->groups = palloc0_array(LaneGroup, most + 1);
	for (int i = 0; i < pricing->npieces; i++)
		for (int k = 0; k < pricing->facts[i].nrules; k++)
		{
			LaneGroup  *group = find_group(pricing, i, pricing->facts[i].rules[k].sourcing_rule_id);

			if (group == NULL)
			{
				group = &pricing->groups[pricing->ngroups++];
				group->sales_order_id = pricing->pieces[i].want.sales_order_id;
				group->sourcing_rule_id = pricing->facts[i].rules[k].sourcing_rule_id;
				group->facts = &pricing->facts[i];
			}
			group->weight += pricing->facts[i].weight * ((double) pricing->pieces[i].want.quantity / USOM_UNIT);
		}
}

static void
make_lanes(Pricing *pricing, TimestampTz at)
{
	int64	   *locations = palloc_array(int64, pricing->npieces + 1);
	int			n = 0;

	for (int i = 0; i < pricing->npieces; i++)
	{
		int			k = 0;

		while (k < n && locations[k] != pricing->pieces[i].location_id)
			k++;
		if (k == n)
			locations[n++] = pricing->pieces[i].location_id;
	}
	usom_sourcing_make_lanes(at, pricing->groups, pricing->ngroups, locations, n);
}

/* Groups of an order stand together; from the first of all, found by halves. */
static const LaneGroup *
group_of(const Pricing *pricing, int piece, int64 rule)
{
	int64		order = pricing->pieces[piece].want.sales_order_id;
	int			low = 0;
	int			high = pricing->ngroups;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (pricing->groups[middle].sales_order_id < order)
			low = middle + 1;
		else
			high = middle;
	}
	while (pricing->groups[low].sourcing_rule_id != rule)
		low++;
	return &pricing->groups[low];
}

/* The lane by which a piece goes, and its rule; NULL if the location is gone. */
static const UsomLane *
lane_of(const Pricing *pricing, int piece, const RuleRow **rule)
{
	const WantFacts *facts = &pricing->facts[piece];
	const UsomLane *otherwise = NULL;

	for (int k = 0; k < facts->nrules; k++)
	{
		const LaneGroup *group = group_of(pricing, piece, facts->rules[k].sourcing_rule_id);

		for (int i = 0; i < group->nlanes; i++)
		{
			if (group->lanes[i].location_id != pricing->pieces[piece].location_id)
				continue;
			if (otherwise == NULL)
			{
				otherwise = &group->lanes[i];
				*rule = &facts->rules[k];
			}
			if (group->lanes[i].verdict != USOM_REASON_NONE && pricing->pieces[piece].want.location_id == 0)
				continue;
			*rule = &facts->rules[k];
			return &group->lanes[i];
		}
	}
	return otherwise;
}

static void
add_piece(const Pricing *pricing, int index, bool begins, OrderPrice *price)
{
	const Priced *piece = &pricing->pieces[index];
	const RuleRow *rule = NULL;
	const UsomLane *lane = lane_of(pricing, index, &rule);
	UsomSourcingSite site;
	UsomSourcingNeed need;

	if (lane == NULL)
		return;
	site = lane->site;
	site.arrives_at = piece->promised_at != USOM_NO_TIME ? piece->promised_at : piece->want.requested_at;
	need = (UsomSourcingNeed) {
		.quantity = piece->want.quantity,
		.weight = pricing->facts[index].weight,
		.late_cost = rule->late_cost >= 0 ? rule->late_cost : lane->late_cost,
		.requested_at = piece->want.requested_at,
	};
	price->cost += usom_sourcing_unit_cost(&need, &site) * ((double) need.quantity / USOM_UNIT);
	if (!begins)
		return;
	price->shipments++;
	price->distance += lane->distance;
	price->cost += usom_sourcing_shipment_cost(&site) + rule->shipment_cost + rule->distance_cost * lane->distance;
}

static Datum
rounded(double value, int scale)
{
	return DirectFunctionCall2(numeric_round, DirectFunctionCall1(float8_numeric, Float8GetDatum(value)), Int32GetDatum(scale));
}

static void
put_price(ReturnSetInfo *result, int64 order, const OrderPrice *price)
{
	bool		nulls[4] = {false};
	Datum		values[4] = {
		Int64GetDatum(order), Int32GetDatum(price->shipments), rounded(price->distance, 3), rounded(price->cost, 4)
	};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* usom._price_orders(orders bigint[]) */
Datum
usom__price_orders(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Pricing		pricing = {0};
	OrderPrice	price = {0};
	UsomWant   *wants;

	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("price_orders", NULL);
	load_pieces(&pricing, usom_party_org(), PG_GETARG_DATUM(0));
	wants = palloc_array(UsomWant, pricing.npieces + 1);
	for (int i = 0; i < pricing.npieces; i++)
		wants[i] = pricing.pieces[i].want;
	if (pricing.npieces > 0)
	{
		pricing.facts = usom_sourcing_read_facts(usom_party_org(), wants, pricing.npieces);
		make_groups(&pricing);
		make_lanes(&pricing, usom_call_time());
	}
	for (int i = 0; i < pricing.npieces; i++)
	{
		const Priced *piece = &pricing.pieces[i];
		bool		first = i == 0 || piece[-1].want.sales_order_id != piece->want.sales_order_id;
		bool		begins = first || piece[-1].location_id != piece->location_id || piece[-1].day != piece->day;

		add_piece(&pricing, i, begins, &price);
		if (i + 1 < pricing.npieces && piece[1].want.sales_order_id == piece->want.sales_order_id)
			continue;
		put_price(result, piece->want.sales_order_id, &price);
		price = (OrderPrice) {0};
	}
	usom_call_end();
	return (Datum) 0;
}
