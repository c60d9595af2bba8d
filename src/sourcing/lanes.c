/*
 * lanes.c
 *		Which rules a line passes, and what each location is to an order.
 *
 *		Pure: master data and facts in, rules and lanes out; no SPI.
 *
 * Memory: CurrentMemoryContext.  Lanes keep nothing of the master data.
 *
 * Invariant: every group has the same locations in the same order.
 */
#include "postgres.h"

#include "sourcing/lanes.h"

#include <math.h>

#include "base/errors.h"
#include "sourcing/distance.h"
#include "sourcing/hours.h"
#include "utils/timestamp.h"

/* Beyond any distance: what is not known is last, and too far where there is a limit. */
#define FARTHEST 1e6

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

/* ---- rules ---- */

static bool
passes(const CodeList *filter, const char *code)
{
	return filter->entries == NULL || (code != NULL && usom_sourcing_place_of(filter, code) > 0);
}

bool
usom_sourcing_rule_matches(const MasterRule *rule, const RuleCase *of)
{
	return passes(&rule->channels, of->channel) && passes(&rule->customers, of->customer) &&
		passes(&rule->countries, of->country) && passes(&rule->order_types, of->order_type) &&
		passes(&rule->skus, of->sku) && passes(&rule->categories, of->category);
}

/* ---- freight and transit ---- */

/* A group while its lanes are made. */
typedef struct Making
{
	const SourcingMaster *master;
	const LaneGroup *group;
	const MasterRule *rule;		/* NULL: none */
	CountryKey	country;		/* NO_COUNTRY: not known */
	TimestampTz at;
} Making;

/* What a service level is for a lane. */
typedef struct Offer
{
	const MasterLevel *level;	/* NULL: there is none */
	double		shipment_price;
	double		weight_price;
	double		price;
	double		days;
} Offer;

/* An unknown distance is in the last band. */
static bool
is_in_distance(const Band *band, bool known, double distance)
{
	return known ? distance >= band->from && distance < band->to : isinf(band->to);
}

static int
first_transit(const SourcingMaster *master, int64 level, CountryKey country)
{
	int			low = 0;
	int			high = master->ntransits;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		const MasterTransit *at = &master->transits[middle];

		if (at->service_level_id < level || (at->service_level_id == level && at->country < country))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* NULL if none of the rows of the country holds. */
static const MasterTransit *
find_transit(const SourcingMaster *master, int64 level, CountryKey country, const UsomLane *lane)
{
	for (int i = first_transit(master, level, country); i < master->ntransits; i++)
	{
		const MasterTransit *transit = &master->transits[i];

		if (transit->service_level_id != level || transit->country != country)
			break;
		if (is_in_distance(&transit->distance, lane->is_far_known, lane->distance))
			return transit;
	}
	return NULL;
}

static double
days_of(const Making *making, int64 level, const UsomLane *lane)
{
	const MasterTransit *transit = NULL;

	if (making->country != NO_COUNTRY)
		transit = find_transit(making->master, level, making->country, lane);
	if (transit == NULL)
		transit = find_transit(making->master, level, NO_COUNTRY, lane);
	return transit == NULL ? 0 : transit->days;
}

static bool
is_rate_before(const MasterRate *rate, int64 level, int64 location_id, CountryKey country)
{
	if (rate->service_level_id != level)
		return rate->service_level_id < level;
	if (rate->location_id != location_id)
		return rate->location_id < location_id;
	return rate->country < country;
}

static int
first_rate(const SourcingMaster *master, int64 level, int64 location_id, CountryKey country)
{
	int			low = 0;
	int			high = master->nrates;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (is_rate_before(&master->rates[middle], level, location_id, country))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static double
price_of(const MasterRate *rate, double weight)
{
	return rate->shipment_price + rate->weight_price * weight;
}

/* The cheapest of the rates of a location and country that hold; NULL if none does. */
static const MasterRate *
find_rate(const Making *making, int64 level, int64 location_id, CountryKey country, const UsomLane *lane)
{
	const SourcingMaster *master = making->master;
	double		weight = making->group->weight;
	const MasterRate *best = NULL;

	for (int i = first_rate(master, level, location_id, country); i < master->nrates; i++)
	{
		const MasterRate *rate = &master->rates[i];

		if (rate->service_level_id != level || rate->location_id != location_id || rate->country != country)
			break;
		if (is_in_distance(&rate->distance, lane->is_far_known, lane->distance) &&
			weight >= rate->weight.from && weight < rate->weight.to &&
			(best == NULL || price_of(rate, weight) < price_of(best, weight)))
			best = rate;
	}
	return best;
}

/* Rates of the location before those of none, of the country before those of none. */
static const MasterRate *
rate_of(const Making *making, int64 level, const UsomLane *lane)
{
	const MasterRate *rate = NULL;
	int64		locations[] = {lane->location_id, 0};

	for (int i = 0; i < (int) lengthof(locations) && rate == NULL; i++)
	{
		if (making->country != NO_COUNTRY)
			rate = find_rate(making, level, locations[i], making->country, lane);
		if (rate == NULL)
			rate = find_rate(making, level, locations[i], NO_COUNTRY, lane);
	}
	return rate;
}

static Offer
offer_of(const Making *making, const MasterLevel *level, const UsomLane *lane)
{
	const MasterRate *rate = rate_of(making, level->service_level_id, lane);
	Offer		offer = {.level = level, .days = days_of(making, level->service_level_id, lane)};

	if (rate == NULL)
		return offer;
	offer.shipment_price = rate->shipment_price;
	offer.weight_price = rate->weight_price;
	offer.price = price_of(rate, making->group->weight);
	return offer;
}

static bool
is_better(const Offer *offer, const Offer *than)
{
	return than->level == NULL || offer->price < than->price ||
		(offer->price == than->price && offer->days < than->days);
}

/* The service level of the rule; where it names none, the cheapest for the weight, then the fastest. */
static Offer
choose_offer(const Making *making, const UsomLane *lane)
{
	const char *named = making->rule != NULL ? making->rule->service_level : NULL;
	Offer		best = {.level = NULL};

	for (int i = 0; i < making->master->nlevels; i++)
	{
		const MasterLevel *level = &making->master->levels[i];
		Offer		offer;

		if (named == NULL ? !level->active : strcmp(level->code, named) != 0)
			continue;
		offer = offer_of(making, level, lane);
		if (is_better(&offer, &best))
			best = offer;
	}
	return best;
}

/* ---- when it ships ---- */

/* The calendar with the cut-off of the service level, where that is the earlier one. */
static const UsomCalendar *
calendar_until(const UsomCalendar *calendar, TimeADT cut_off)
{
	UsomCalendar *until = palloc_object(UsomCalendar);
	UsomHours  *hours = palloc0_array(UsomHours, Max(calendar->nhours, 7));

	*until = (UsomCalendar) {calendar->zone, calendar->nhours, hours};
	if (calendar->nhours > 0)
		memcpy(hours, calendar->hours, sizeof(UsomHours) * calendar->nhours);
	if (cut_off == USECS_PER_DAY)
		return until;
	for (int day = 1; calendar->nhours == 0 && day <= 7; day++)
		hours[until->nhours++] = (UsomHours) {.weekday = day, .closes = USECS_PER_DAY, .cut_off = USECS_PER_DAY};
	for (int i = 0; i < until->nhours; i++)
		hours[i].cut_off = Max(Min(hours[i].cut_off, cut_off), hours[i].opens);
	return until;
}

static void
set_arrival(const Making *making, UsomLane *lane, const MasterLocation *location, const Offer *offer)
{
	UsomCalendar calendar = usom_sourcing_calendar(location, making->at);

	lane->transit = (int64) (offer->days * USECS_PER_DAY);
	lane->calendar = calendar_until(&calendar, offer->level != NULL ? offer->level->cut_off : USECS_PER_DAY);
	lane->ships_at = usom_calendar_ship(lane->calendar, making->at);
	if (lane->ships_at == USOM_NEVER && lane->verdict == USOM_REASON_NONE)
		lane->verdict = USOM_REASON_CLOSED;
	lane->site.arrives_at = lane->ships_at == USOM_NEVER ? USOM_NEVER : lane->ships_at + lane->transit;
}

/* ---- lanes ---- */

static UsomReason
verdict_of(const MasterRule *rule, const MasterLocation *location, double distance)
{
	if (!location->active)
		return USOM_REASON_INACTIVE;
	if (!location->ships)
		return USOM_REASON_CLOSED;
	if (rule == NULL)
		return USOM_REASON_NONE;
	if (!passes(&rule->locations, location->code) || !passes(&rule->location_kinds, location->kind) ||
		usom_sourcing_place_of(&rule->excluded_locations, location->code) > 0)
		return USOM_REASON_EXCLUDED;
	return rule->most_distance < distance ? USOM_REASON_FAR : USOM_REASON_NONE;
}

static double
rank_of(const MasterRule *rule, const MasterLocation *location, double distance)
{
	switch (rule == NULL ? ORDER_COST : rule->order)
	{
		case ORDER_PRIORITY:
			return location->priority;
		case ORDER_DISTANCE:
			return distance;
		case ORDER_LISTED:
			return usom_sourcing_place_of(&rule->locations, location->code);
		default:
			return 0;
	}
}

/* Who fetches an order pays and waits for no carrier, and may have what a shop keeps from those who do not come. */
static void
fetch(UsomLane *lane)
{
	lane->protected_quantity = 0;
	lane->transit = 0;
	lane->site.freight = lane->site.freight_by_weight = 0;
	lane->site.arrives_at = lane->ships_at;
}

static UsomLane
make_lane(const Making *making, const MasterLocation *location)
{
	const WantFacts *facts = making->group->facts;
	UsomLane	lane = {.location_id = location->location_id, .code = pstrdup(location->code)};
	double		distance = FARTHEST;
	Offer		offer;

	lane.is_far_known = facts->has_place && location->has_place;
	if (lane.is_far_known)
		distance = lane.distance = usom_sourcing_distance(facts->latitude, facts->longitude,
														  location->latitude, location->longitude);
	lane.verdict = verdict_of(making->rule, location, distance);
	lane.rank = rank_of(making->rule, location, distance);
	lane.protected_quantity = location->protected_quantity;
	offer = choose_offer(making, &lane);
	lane.late_cost = offer.level != NULL ? offer.level->late_cost : 0;
	lane.site = (UsomSourcingSite) {
		.location_id = lane.location_id,
		.fixed = location->order_cost,
		.unit_cost = location->unit_cost,
		.handling = location->handling_cost,
		.freight = offer.shipment_price,
		.freight_by_weight = offer.weight_price,
		.capacity = PG_INT64_MAX,
	};
	set_arrival(making, &lane, location, &offer);
	if (unlikely(making->group->facts->fetched))
		fetch(&lane);
	return lane;
}

static int
compare_ints(const void *a, const void *b)
{
	return *(const int *) a - *(const int *) b;
}

/* Indexes of the locations that exist, by priority and key: their order in the master data. */
static int *
indexes_of(const SourcingMaster *master, const int64 *locations, int nlocations, int *count)
{
	int		   *indexes = palloc_array(int, Max(nlocations, 1));

	*count = 0;
	for (int i = 0; i < nlocations; i++)
	{
		int			index = usom_sourcing_find_location(master, locations[i]);

		if (index >= 0)
			indexes[(*count)++] = index;
	}
	qsort(indexes, *count, sizeof(int), compare_ints);
	return indexes;
}

static const MasterRule *
find_rule(const SourcingMaster *master, int64 sourcing_rule_id)
{
	if (sourcing_rule_id == 0)
		return NULL;
	for (int i = 0; i < master->nrules; i++)
		if (master->rules[i].sourcing_rule_id == sourcing_rule_id)
			return &master->rules[i];
	elog(ERROR, "no sourcing rule has the key " INT64_FORMAT, sourcing_rule_id);
}

void
usom_sourcing_make_lanes(TimestampTz at, LaneGroup *groups, int ngroups, const int64 *locations, int nlocations)
{
	int			count = 0;
	int		   *indexes = ngroups > 0 ? indexes_of(groups[0].facts->master, locations, nlocations, &count) : NULL;

	for (int i = 0; i < ngroups; i++)
	{
		const WantFacts *facts = groups[i].facts;
		Making		making = {
			.master = facts->master,
			.group = &groups[i],
			.rule = find_rule(facts->master, groups[i].sourcing_rule_id),
			.country = facts->country == NULL ? NO_COUNTRY : usom_sourcing_country_key(facts->country),
			.at = at,
		};

		groups[i].nlanes = count;
		groups[i].lanes = palloc_array(UsomLane, Max(count, 1));
		for (int k = 0; k < count; k++)
			groups[i].lanes[k] = make_lane(&making, &making.master->locations[indexes[k]]);
	}
}
