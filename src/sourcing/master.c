/*
 * master.c
 *		The master data that plans by rules follow, read from their tables.
 *
 *		One statement a table, all of one snapshot, when the backend needs them
 *		first and after a change of any.  Text is compared as C does: codes are
 *		equal or not.
 *
 * Memory: in a context of the memo (base/memo.h).  Locks: none.
 *
 * Invariant: arrays are sorted as master.h says; lookups rely on it.
 */
#include "postgres.h"

#include "sourcing/master.h"

#include <math.h>

#include "base/memo.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "sourcing/hours.h"
#include "utils/array.h"
#include "utils/builtins.h"

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

static CountryKey
get_country(uint64 row, int column)
{
	char	   *country = usom_query_get_text(row, column);

	return country == NULL ? NO_COUNTRY : usom_sourcing_country_key(country);
}

static Band
get_band(uint64 row, int column)
{
	return (Band) {get_double(row, column, 0), get_double(row, column + 1, INFINITY)};
}

static int
compare_codes(const void *a, const void *b)
{
	const CodeEntry *left = a;
	const CodeEntry *right = b;
	int			difference = strcmp(left->code, right->code);

	return difference != 0 ? difference : left->place - right->place;
}

static CodeList
get_codes(uint64 row, int column)
{
	CodeList	list = {0, NULL};
	Datum	   *elements;
	bool	   *nulls;
	bool		isnull;
	Datum		array = usom_query_get_or_null(row, column, &isnull);

	if (isnull)
		return list;
	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &list.count);
	list.entries = palloc_array(CodeEntry, Max(list.count, 1));
	for (int i = 0; i < list.count; i++)
		list.entries[i] = (CodeEntry) {TextDatumGetCString(elements[i]), i + 1};
	qsort(list.entries, list.count, sizeof(CodeEntry), compare_codes);
	pfree(elements);
	pfree(nulls);
	return list;
}

/* ---- lookups ---- */

int
usom_sourcing_place_of(const CodeList *list, const char *code)
{
	int			low = 0;
	int			high = list->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (strcmp(list->entries[middle].code, code) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->count && strcmp(list->entries[low].code, code) == 0 ? list->entries[low].place : 0;
}

CountryKey
usom_sourcing_country_key(const char *country)
{
	if (strlen(country) != 2)
		return STRANGE_COUNTRY;
	return (CountryKey) (((uint8) country[0] << 8) | (uint8) country[1]);
}

int
usom_sourcing_find_location(const SourcingMaster *master, int64 location_id)
{
	int			low = 0;
	int			high = master->nlocations;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (master->locations[master->by_key[middle]].location_id < location_id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == master->nlocations || master->locations[master->by_key[low]].location_id != location_id)
		return -1;
	return master->by_key[low];
}

/* ---- locations and their hours ---- */

static UsomQuery select_locations = {
	.text = "SELECT l.location_id, l.code, l.kind, l.priority, l.active, l.ships, l.latitude, l.longitude, "
	"l.order_cost::pg_catalog.float8, l.unit_cost::pg_catalog.float8, l.handling_cost::pg_catalog.float8, "
	"l.protected_quantity::pg_catalog.numeric, l.time_zone "
	"FROM usom.location AS l WHERE l.org_id = $1 ORDER BY l.priority, l.location_id",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static MasterLocation
get_location(uint64 row)
{
	MasterLocation location = {
		.location_id = DatumGetInt64(usom_query_get(row, 1)),
		.code = usom_query_get_text(row, 2),
		.kind = usom_query_get_text(row, 3),
		.priority = DatumGetInt32(usom_query_get(row, 4)),
		.active = DatumGetBool(usom_query_get(row, 5)),
		.ships = DatumGetBool(usom_query_get(row, 6)),
		.latitude = get_double(row, 7, NAN),
		.longitude = get_double(row, 8, NAN),
		.order_cost = get_double(row, 9, 0),
		.unit_cost = get_double(row, 10, 0),
		.handling_cost = get_double(row, 11, 0),
		.protected_quantity = get_quantity(row, 12),
		.zone_name = usom_query_get_text(row, 13),
	};

	location.has_place = !isnan(location.latitude) && !isnan(location.longitude);
	return location;
}

/* For the one sort that runs at a time. */
static const MasterLocation *sorted_locations;

static int
compare_by_key(const void *a, const void *b)
{
	int64		left = sorted_locations[*(const int *) a].location_id;
	int64		right = sorted_locations[*(const int *) b].location_id;

	return (left > right) - (left < right);
}

static void
read_locations(SourcingMaster *master, Datum *org)
{
	master->nlocations = (int) usom_memo_look(&select_locations, org);
	master->locations = palloc_array(MasterLocation, Max(master->nlocations, 1));
	master->by_key = palloc_array(int, Max(master->nlocations, 1));
	for (int i = 0; i < master->nlocations; i++)
	{
		master->locations[i] = get_location(i);
		master->by_key[i] = i;
	}
	SPI_freetuptable(SPI_tuptable);
	sorted_locations = master->locations;
	qsort(master->by_key, master->nlocations, sizeof(int), compare_by_key);
}

static UsomQuery select_hours = {
	.text = "SELECT c.location_id, c.weekday, c.on_date, c.opens, c.closes, c.cut_off "
	"FROM usom.location_calendar AS c WHERE c.org_id = $1 ORDER BY c.location_id, c.on_date NULLS LAST, c.weekday, c.opens",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static void
read_hours(SourcingMaster *master, Datum *org)
{
	int			nrows = (int) usom_memo_look(&select_hours, org);
	UsomHours  *hours = palloc_array(UsomHours, Max(nrows, 1));

	for (int row = 0; row < nrows; row++)
	{
		int			index = usom_sourcing_find_location(master, DatumGetInt64(usom_query_get(row, 1)));
		Datum		values[USOM_HOURS_FIELDS];
		bool		nulls[USOM_HOURS_FIELDS];

		for (int i = 0; i < USOM_HOURS_FIELDS; i++)
			values[i] = usom_query_get_or_null(row, i + 2, &nulls[i]);
		hours[row] = usom_sourcing_make_hours(values, nulls);
		if (index < 0)
			continue;
		if (master->locations[index].nhours++ == 0)
			master->locations[index].hours = &hours[row];
	}
	SPI_freetuptable(SPI_tuptable);
}

/* ---- service levels, transit times, freight rates ---- */

static UsomQuery select_levels = {
	.text = "SELECT v.service_level_id, v.code, v.active, v.cut_off, v.late_cost::pg_catalog.float8 "
	"FROM usom.service_level AS v WHERE v.org_id = $1 ORDER BY v.service_level_id",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static void
read_levels(SourcingMaster *master, Datum *org)
{
	master->nlevels = (int) usom_memo_look(&select_levels, org);
	master->levels = palloc_array(MasterLevel, Max(master->nlevels, 1));
	for (int row = 0; row < master->nlevels; row++)
	{
		bool		isnull;
		Datum		cut_off = usom_query_get_or_null(row, 4, &isnull);

		master->levels[row] = (MasterLevel) {
			.service_level_id = DatumGetInt64(usom_query_get(row, 1)),
			.code = usom_query_get_text(row, 2),
			.active = DatumGetBool(usom_query_get(row, 3)),
			.cut_off = isnull ? USECS_PER_DAY : DatumGetTimeADT(cut_off),
			.late_cost = get_double(row, 5, 0),
		};
	}
	SPI_freetuptable(SPI_tuptable);
}

static UsomQuery select_transits = {
	.text = "SELECT t.service_level_id, t.country, t.distance_from::pg_catalog.float8, t.distance_to::pg_catalog.float8, "
	"t.days::pg_catalog.float8 FROM usom.transit_time AS t WHERE t.org_id = $1",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static int
compare_transits(const void *a, const void *b)
{
	const MasterTransit *left = a;
	const MasterTransit *right = b;

	if (left->service_level_id != right->service_level_id)
		return left->service_level_id < right->service_level_id ? -1 : 1;
	return left->country - right->country;
}

static void
read_transits(SourcingMaster *master, Datum *org)
{
	master->ntransits = (int) usom_memo_look(&select_transits, org);
	master->transits = palloc_array(MasterTransit, Max(master->ntransits, 1));
	for (int row = 0; row < master->ntransits; row++)
		master->transits[row] = (MasterTransit) {
			.service_level_id = DatumGetInt64(usom_query_get(row, 1)),
			.country = get_country(row, 2),
			.distance = get_band(row, 3),
			.days = get_double(row, 5, 0),
		};
	SPI_freetuptable(SPI_tuptable);
	qsort(master->transits, master->ntransits, sizeof(MasterTransit), compare_transits);
}

static UsomQuery select_rates = {
	.text = "SELECT f.service_level_id, f.location_id, f.country, f.freight_rate_id, "
	"f.distance_from::pg_catalog.float8, f.distance_to::pg_catalog.float8, "
	"f.weight_from::pg_catalog.float8, f.weight_to::pg_catalog.float8, "
	"f.shipment_price::pg_catalog.float8, f.weight_price::pg_catalog.float8 "
	"FROM usom.freight_rate AS f WHERE f.org_id = $1 "
	"AND f.currency = (SELECT o.currency FROM usom.organisation AS o WHERE o.org_id = $1)",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static int
compare_rates(const void *a, const void *b)
{
	const MasterRate *left = a;
	const MasterRate *right = b;

	if (left->service_level_id != right->service_level_id)
		return left->service_level_id < right->service_level_id ? -1 : 1;
	if (left->location_id != right->location_id)
		return left->location_id < right->location_id ? -1 : 1;
	if (left->country != right->country)
		return left->country - right->country;
	return (left->freight_rate_id > right->freight_rate_id) - (left->freight_rate_id < right->freight_rate_id);
}

static void
read_rates(SourcingMaster *master, Datum *org)
{
	master->nrates = (int) usom_memo_look(&select_rates, org);
	master->rates = palloc_array(MasterRate, Max(master->nrates, 1));
	for (int row = 0; row < master->nrates; row++)
		master->rates[row] = (MasterRate) {
			.service_level_id = DatumGetInt64(usom_query_get(row, 1)),
			.location_id = usom_query_get_key(row, 2),
			.country = get_country(row, 3),
			.freight_rate_id = DatumGetInt64(usom_query_get(row, 4)),
			.distance = get_band(row, 5),
			.weight = get_band(row, 7),
			.shipment_price = get_double(row, 9, 0),
			.weight_price = get_double(row, 10, 0),
		};
	SPI_freetuptable(SPI_tuptable);
	qsort(master->rates, master->nrates, sizeof(MasterRate), compare_rates);
}

/* ---- rules ---- */

static UsomQuery select_rules = {
	.text = "SELECT r.sourcing_rule_id, r.code, r.channels, r.customers, r.countries, r.order_types, r.skus, r.categories, "
	"r.locations, r.excluded_locations, r.location_kinds, r.most_distance::pg_catalog.float8, r.location_order, r.service_level, "
	"r.shipment_cost::pg_catalog.float8, r.distance_cost::pg_catalog.float8, r.late_cost::pg_catalog.float8, "
	"r.most_shipments::pg_catalog.int4, r.most_parts::pg_catalog.int4, r.smallest_part::pg_catalog.numeric, r.ship_complete, "
	"r.when_short, r.next_rule FROM usom.sourcing_rule AS r WHERE r.org_id = $1 AND r.active "
	"ORDER BY r.priority, r.code COLLATE \"C\"",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static LocationOrder
order_of(const char *name)
{
	switch (name[0])
	{
		case 'p':
			return ORDER_PRIORITY;
		case 'd':
			return ORDER_DISTANCE;
		case 'l':
			return ORDER_LISTED;
		default:
			return ORDER_COST;
	}
}

static MasterRule
get_rule(uint64 row)
{
	MasterRule	rule = {
		.sourcing_rule_id = DatumGetInt64(usom_query_get(row, 1)),
		.code = usom_query_get_text(row, 2),
		.channels = get_codes(row, 3),
		.customers = get_codes(row, 4),
		.countries = get_codes(row, 5),
		.order_types = get_codes(row, 6),
		.skus = get_codes(row, 7),
		.categories = get_codes(row, 8),
		.locations = get_codes(row, 9),
		.excluded_locations = get_codes(row, 10),
		.location_kinds = get_codes(row, 11),
		.most_distance = get_double(row, 12, INFINITY),
		.order = order_of(usom_query_get_text(row, 13)),
		.service_level = usom_query_get_text(row, 14),
		.shipment_cost = get_double(row, 15, 0),
		.distance_cost = get_double(row, 16, 0),
		.late_cost = get_double(row, 17, -1),
		.most_shipments = get_int(row, 18, 0),
		.most_parts = get_int(row, 19, 0),
		.smallest_part = get_quantity(row, 20),
		.when_short = usom_query_get_text(row, 22),
		.next_rule = usom_query_get_text(row, 23),
	};
	Datum		complete = usom_query_get_or_null(row, 21, &rule.as_ordered);

	rule.ship_complete = !rule.as_ordered && DatumGetBool(complete);
	return rule;
}

static void
read_rules(SourcingMaster *master, Datum *org)
{
	master->nrules = (int) usom_memo_look(&select_rules, org);
	master->rules = palloc_array(MasterRule, Max(master->nrules, 1));
	for (int row = 0; row < master->nrules; row++)
	{
		master->rules[row] = get_rule(row);
		master->asks_customers |= master->rules[row].customers.entries != NULL;
	}
	SPI_freetuptable(SPI_tuptable);
}

/* ---- all of it ---- */

static const void *
read_master(int64 org_id)
{
	SourcingMaster *master = palloc0_object(SourcingMaster);
	Datum		org[] = {Int64GetDatum(org_id)};

	read_locations(master, org);
	read_hours(master, org);
	read_levels(master, org);
	read_transits(master, org);
	read_rates(master, org);
	read_rules(master, org);
	return master;
}

static UsomMemo memo = {
	.name = "usom sourcing master data",
	.tables = {
		"organisation", "location", "location_calendar", "service_level", "transit_time", "freight_rate", "sourcing_rule"
	},
	.read = read_master,
};

const SourcingMaster *
usom_sourcing_master(int64 org_id)
{
	return usom_memo_get(&memo, org_id);
}

void
usom_sourcing_master_init(void)
{
	usom_memo_register(&memo);
}
