/*
 * lanes.c
 *		Rules and lanes, read from their tables.
 *
 *		Three statements, whatever the number of orders: what the wants are and
 *		the rules they pass, what each location is to each order under its
 *		rules, and the calendars.  Nothing is locked.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "sourcing/lanes.h"

#include "base/errors.h"
#include "base/query.h"
#include "sourcing/hours.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define REASON(name, code, sentence) {code, sentence},
static const struct
{
	const char *code;
	const char *sentence;
}			reasons[] = {
	{"", ""},
#define USOM_REASON REASON
#include "sourcing/reason.def"
#undef USOM_REASON
};

UsomReason
usom_sourcing_reason_of(const char *code)
{
	for (int i = 0; i < USOM_REASONS; i++)
		if (strcmp(reasons[i].code, code) == 0)
			return (UsomReason) i;
	elog(ERROR, "unknown reason \"%s\"", code);
}

const char *
usom_sourcing_reason_code(UsomReason reason)
{
	return reasons[reason].code;
}

const char *
usom_sourcing_reason_text(UsomReason reason)
{
	return reasons[reason].sentence;
}

/* ---- values ---- */

static double
get_double(uint64 row, int column, double otherwise)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? otherwise : DatumGetFloat8(value);
}

static int
get_int(uint64 row, int column, int otherwise)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? otherwise : DatumGetInt32(value);
}

static UsomQuantity
get_quantity(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? 0 : usom_quantity_of(DatumGetNumeric(value));
}

/* ---- wants ---- */

static Datum
want_rows(const UsomWant *wants, int nwants)
{
	UsomRows   *rows = usom_rows_make("_sourcing_want", nwants);

	for (int i = 0; i < nwants; i++)
	{
		Datum		values[3] = {
			Int32GetDatum(i + 1), Int64GetDatum(wants[i].sales_order_id), Int64GetDatum(wants[i].product_id)
		};
		bool		nulls[3] = {false};

		usom_rows_add(rows, values, nulls);
	}
	return usom_rows_datum(rows);
}

/*
 * What each want is, with the rules it passes as they are asked: a row a rule,
 * or one without.  An address without coordinates is where the longest
 * beginning of its postal code is.  The conditions of rules are those of
 * usom._matching_rule(), which would be planned anew at each call.
 */
static UsomQuery read_facts = {
	.text = "SELECT w.ordinal, p.weight::pg_catalog.float8, o.ship_complete, a.country, "
	"coalesce(a.latitude, z.latitude), coalesce(a.longitude, z.longitude), "
	"r.sourcing_rule_id, r.code, r.next_rule, r.when_short, r.shipment_cost::pg_catalog.float8, "
	"r.distance_cost::pg_catalog.float8, r.late_cost::pg_catalog.float8, r.most_shipments::pg_catalog.int4, "
	"r.most_parts::pg_catalog.int4, r.smallest_part::pg_catalog.numeric, r.ship_complete "
	"FROM unnest($2) AS w "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = w.sales_order_id "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = w.product_id "
	"JOIN usom.channel AS c ON c.org_id = $1 AND c.channel_id = o.channel_id "
	"LEFT JOIN usom.customer AS u ON u.org_id = $1 AND u.customer_id = o.customer_id "
	"LEFT JOIN usom.address AS a ON a.org_id = $1 AND a.address_id = o.address_id "
	"LEFT JOIN LATERAL (SELECT z.latitude, z.longitude FROM usom.postcode_centroid AS z "
	"WHERE a.latitude IS NULL AND z.org_id = $1 AND z.country = a.country AND z.postcode = ANY (ARRAY("
	"SELECT left(t.code, n) FROM (SELECT upper(regexp_replace(a.postcode, '[^0-9A-Za-z]', '', 'g')) AS code) AS t, "
	"generate_series(0, 12) AS n)) ORDER BY length(z.postcode) DESC LIMIT 1) AS z ON true "
	"LEFT JOIN usom.sourcing_rule AS r ON r.org_id = $1 AND r.active "
	"AND (r.channels IS NULL OR c.code = ANY (r.channels)) AND (r.customers IS NULL OR u.code = ANY (r.customers)) "
	"AND (r.countries IS NULL OR a.country = ANY (r.countries)) "
	"AND (r.order_types IS NULL OR o.order_type = ANY (r.order_types)) "
	"AND (r.skus IS NULL OR p.sku = ANY (r.skus)) AND (r.categories IS NULL OR p.category = ANY (r.categories)) "
	"ORDER BY w.ordinal, r.priority, r.code COLLATE \"C\"",
	.nargs = 2,
	.argtypes = {"bigint", "usom._sourcing_want[]"},
};

#define RULE 7					/* first column of the rule */

static RuleRow
read_rule(uint64 row)
{
	RuleRow		rule = {.code = "", .when_short = "backorder", .late_cost = -1, .as_ordered = true};
	bool		isnull;
	Datum		id = usom_query_get_or_null(row, RULE, &isnull);
	Datum		complete;

	if (isnull)
		return rule;
	complete = usom_query_get_or_null(row, RULE + 10, &isnull);
	rule.sourcing_rule_id = DatumGetInt64(id);
	rule.code = usom_query_get_text(row, RULE + 1);
	rule.next_rule = usom_query_get_text(row, RULE + 2);
	rule.when_short = usom_query_get_text(row, RULE + 3);
	rule.shipment_cost = get_double(row, RULE + 4, 0);
	rule.distance_cost = get_double(row, RULE + 5, 0);
	rule.late_cost = get_double(row, RULE + 6, -1);
	rule.most_shipments = get_int(row, RULE + 7, 0);
	rule.most_parts = get_int(row, RULE + 8, 0);
	rule.smallest_part = get_quantity(row, RULE + 9);
	rule.as_ordered = isnull;
	rule.ship_complete = !isnull && DatumGetBool(complete);
	return rule;
}

static void
read_want(uint64 row, WantFacts *facts, RuleRow *rule)
{
	bool		isnull;

	*rule = read_rule(row);
	if (facts->nrules++ > 0)
		return;
	facts->rules = rule;
	facts->weight = get_double(row, 2, 0);
	facts->ship_complete = DatumGetBool(usom_query_get(row, 3));
	facts->country = usom_query_get_text(row, 4);
	usom_query_get_or_null(row, 5, &isnull);
	facts->has_place = !isnull;
	facts->latitude = get_double(row, 5, 0);
	facts->longitude = get_double(row, 6, 0);
}

WantFacts *
usom_sourcing_read_facts(int64 org_id, const UsomWant *wants, int nwants)
{
	WantFacts  *facts = palloc0_array(WantFacts, Max(nwants, 1));
	Datum		values[] = {Int64GetDatum(org_id), want_rows(wants, nwants)};
	int			nrows = (int) usom_query_run(&read_facts, values, NULL);
	RuleRow    *rules = palloc_array(RuleRow, Max(nrows, 1));

	for (int row = 0; row < nrows; row++)
		read_want(row, &facts[DatumGetInt32(usom_query_get(row, 1)) - 1], &rules[row]);
	for (int i = 0; i < nwants; i++)
		Ensure(facts[i].nrules > 0, "a want is of an order or product that is not there");
	return facts;
}

/* ---- lanes ---- */

static Datum
group_rows(const LaneGroup *groups, int ngroups)
{
	UsomRows   *rows = usom_rows_make("_sourcing_group", ngroups);

	for (int i = 0; i < ngroups; i++)
	{
		const WantFacts *facts = groups[i].facts;
		Datum		values[6] = {
			Int32GetDatum(i + 1), Int64GetDatum(groups[i].sourcing_rule_id), Float8GetDatum(facts->latitude),
			Float8GetDatum(facts->longitude), 0, Float8GetDatum(groups[i].weight)
		};
		bool		nulls[6] = {false};

		nulls[2] = nulls[3] = !facts->has_place;
		nulls[4] = facts->country == NULL;
		if (facts->country != NULL)
			values[4] = CStringGetTextDatum(facts->country);
		usom_rows_add(rows, values, nulls);
	}
	return usom_rows_datum(rows);
}

/*
 * Of a service level the rate that is nearest to the lane (of its location
 * before of none, of the country before of none); of all levels, where the
 * rule names none, the one that is cheapest for the weight.
 */
static UsomQuery read_lanes = {
	.text = "SELECT g.ordinal, l.location_id, l.code, d.km, "
	"CASE WHEN NOT l.active THEN 'inactive' WHEN NOT l.ships THEN 'closed' "
	"WHEN l.code <> ALL (r.locations) OR l.code = ANY (r.excluded_locations) OR l.kind <> ALL (r.location_kinds) "
	"THEN 'excluded' WHEN r.most_distance < coalesce(d.km, 1e6) THEN 'far' ELSE '' END, "
	"CASE r.location_order WHEN 'priority' THEN l.priority WHEN 'distance' THEN coalesce(d.km, 1e6) "
	"WHEN 'listed' THEN array_position(r.locations, l.code) ELSE 0 END::pg_catalog.float8, "
	"l.order_cost::pg_catalog.float8, l.unit_cost::pg_catalog.float8, l.handling_cost::pg_catalog.float8, "
	"l.protected_quantity::pg_catalog.numeric, s.shipment_price::pg_catalog.float8, s.weight_price::pg_catalog.float8, "
	"s.days::pg_catalog.float8, s.cut_off, s.late_cost::pg_catalog.float8 "
	"FROM unnest($2) AS g CROSS JOIN usom.location AS l "
	"LEFT JOIN usom.sourcing_rule AS r ON r.org_id = $1 AND r.sourcing_rule_id = g.sourcing_rule_id "
	"CROSS JOIN LATERAL (SELECT usom._distance(g.latitude, g.longitude, l.latitude, l.longitude) AS km OFFSET 0) AS d "
	"LEFT JOIN LATERAL (SELECT x.* FROM ("
	"SELECT DISTINCT ON (v.service_level_id) v.service_level_id, v.cut_off, v.late_cost, "
	"coalesce(f.shipment_price, 0) AS shipment_price, coalesce(f.weight_price, 0) AS weight_price, coalesce(t.days, 0) AS days "
	"FROM usom.service_level AS v "
	"LEFT JOIN usom.freight_rate AS f ON f.org_id = $1 AND f.service_level_id = v.service_level_id "
	"AND f.currency = (SELECT o.currency FROM usom.organisation AS o WHERE o.org_id = $1) "
	"AND (f.location_id IS NULL OR f.location_id = l.location_id) AND (f.country IS NULL OR f.country = g.country) "
	"AND (f.distance_to IS NULL OR d.km < f.distance_to) AND (d.km IS NULL OR d.km >= f.distance_from) "
	"AND g.weight >= f.weight_from AND (f.weight_to IS NULL OR g.weight < f.weight_to) "
	"LEFT JOIN LATERAL (SELECT t.days FROM usom.transit_time AS t "
	"WHERE t.org_id = $1 AND t.service_level_id = v.service_level_id AND (t.country IS NULL OR t.country = g.country) "
	"AND (t.distance_to IS NULL OR d.km < t.distance_to) AND (d.km IS NULL OR d.km >= t.distance_from) "
	"ORDER BY t.country NULLS LAST LIMIT 1) AS t ON true "
	"WHERE v.org_id = $1 AND CASE WHEN r.service_level IS NULL THEN v.active ELSE v.code = r.service_level END "
	"ORDER BY v.service_level_id, f.location_id NULLS LAST, f.country NULLS LAST, "
	"f.shipment_price + f.weight_price * g.weight, f.freight_rate_id) AS x "
	"ORDER BY x.shipment_price + x.weight_price * g.weight, x.days, x.service_level_id LIMIT 1) AS s ON true "
	"WHERE l.org_id = $1 AND l.location_id = ANY ($3) "
	"ORDER BY g.ordinal, l.priority, l.location_id",
	.nargs = 3,
	.argtypes = {"bigint", "usom._sourcing_group[]", "bigint[]"},
};

/* What remains to be found out is when it ships: the days are kept in arrives_at, the cut-off apart. */
static UsomLane
read_lane(uint64 row, TimeADT *cut_off)
{
	UsomLane	lane = {0};
	bool		isnull;
	Datum		time = usom_query_get_or_null(row, 14, &isnull);

	*cut_off = isnull ? USECS_PER_DAY : DatumGetTimeADT(time);
	lane.location_id = DatumGetInt64(usom_query_get(row, 2));
	lane.code = usom_query_get_text(row, 3);
	usom_query_get_or_null(row, 4, &isnull);
	lane.is_far_known = !isnull;
	lane.distance = get_double(row, 4, 0);
	lane.verdict = usom_sourcing_reason_of(usom_query_get_text(row, 5));
	lane.rank = get_double(row, 6, 0);
	lane.protected_quantity = get_quantity(row, 10);
	lane.late_cost = get_double(row, 15, 0);
	lane.site = (UsomSourcingSite) {
		.location_id = lane.location_id,
		.arrives_at = (int64) (get_double(row, 13, 0) * USECS_PER_DAY),
		.fixed = get_double(row, 7, 0),
		.unit_cost = get_double(row, 8, 0),
		.handling = get_double(row, 9, 0),
		.freight = get_double(row, 11, 0),
		.freight_by_weight = get_double(row, 12, 0),
		.capacity = PG_INT64_MAX,
	};
	return lane;
}

/* Hours with the cut-off of the service level, where that is the earlier one. */
static const UsomHours *
hours_until(const UsomCalendar *calendar, TimeADT cut_off, int *nhours)
{
	UsomHours  *hours = palloc0_array(UsomHours, Max(calendar->nhours, 7));

	*nhours = calendar->nhours;
	if (calendar->nhours > 0)
		memcpy(hours, calendar->hours, sizeof(UsomHours) * calendar->nhours);
	for (int day = 1; calendar->nhours == 0 && day <= 7; day++)
		hours[(*nhours)++] = (UsomHours) {.weekday = day, .closes = USECS_PER_DAY, .cut_off = USECS_PER_DAY};
	for (int i = 0; i < *nhours; i++)
		hours[i].cut_off = Max(Min(hours[i].cut_off, cut_off), hours[i].opens);
	return hours;
}

static const UsomCalendar *
calendar_until(const UsomCalendar *calendar, TimeADT cut_off)
{
	UsomCalendar *until;

	if (cut_off >= USECS_PER_DAY)
		return calendar;
	until = palloc_object(UsomCalendar);
	*until = *calendar;
	until->hours = hours_until(calendar, cut_off, &until->nhours);
	return until;
}

static void
set_arrival(UsomLane *lane, const UsomCalendar *calendar, TimeADT cut_off, TimestampTz at)
{
	lane->transit = lane->site.arrives_at;
	lane->calendar = calendar_until(calendar, cut_off);
	lane->ships_at = usom_calendar_ship(lane->calendar, at);
	if (lane->ships_at == USOM_NEVER && lane->verdict == USOM_REASON_NONE)
		lane->verdict = USOM_REASON_CLOSED;
	lane->site.arrives_at = lane->ships_at == USOM_NEVER ? USOM_NEVER : lane->ships_at + lane->transit;
}

static void
set_arrivals(int64 org_id, TimestampTz at, UsomLane *lanes, const TimeADT *cut_offs, int nrows, int nlanes)
{
	int64	   *locations = palloc_array(int64, Max(nlanes, 1));
	UsomCalendar *calendars;

	for (int i = 0; i < nlanes; i++)
		locations[i] = lanes[i].location_id;
	calendars = usom_sourcing_read_calendars(org_id, locations, nlanes, at);
	for (int i = 0; i < nrows; i++)
		set_arrival(&lanes[i], &calendars[i % nlanes], cut_offs[i], at);
}

/* Every group has the same locations in the same order. */
void
usom_sourcing_read_lanes(int64 org_id, TimestampTz at, LaneGroup *groups, int ngroups,
						 const int64 *locations, int nlocations)
{
	Datum		values[] = {Int64GetDatum(org_id), group_rows(groups, ngroups), usom_query_keys(locations, nlocations)};
	int			nrows = (int) usom_query_run(&read_lanes, values, NULL);
	UsomLane   *lanes = palloc_array(UsomLane, Max(nrows, 1));
	TimeADT    *cut_offs = palloc_array(TimeADT, Max(nrows, 1));
	int			nlanes = ngroups > 0 ? nrows / ngroups : 0;

	for (int row = 0; row < nrows; row++)
		lanes[row] = read_lane(row, &cut_offs[row]);
	for (int i = 0; i < ngroups; i++)
	{
		groups[i].lanes = &lanes[i * nlanes];
		groups[i].nlanes = nlanes;
	}
	if (nrows > 0)
		set_arrivals(org_id, at, lanes, cut_offs, nrows, nlanes);
}
