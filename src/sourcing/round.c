/*
 * round.c
 *		One problem of the optimiser: needs of an order under one rule.
 *
 *		Sites that the order uses already cost no second shipment, and count
 *		once among the most shipments.  Where the days of a location had to be
 *		dealt out, the problem is solved again with one of them alone, and the
 *		best of all is taken: fewest units unserved, then least cost.
 *
 * Memory: the problem in the scratch context of the planning, which the caller
 * resets.
 *
 * Invariant: units taken from a row never exceed what it had.
 */
#include "postgres.h"

#include "sourcing/planning.h"

#include "base/errors.h"

/* Preferences come before any cost; of equal costs, fewer shipments are better. */
#define RANK_PENALTY 10000.0
#define SHIPMENT_PENALTY 0.001

/* How often a problem is solved again with other days. */
#define MOST_TRIALS 12

/* ---- stock ---- */

static int
first_row(const Planning *planning, int64 product_id, int64 location_id)
{
	UsomStockKey key = {product_id, location_id, "", 0};
	int			low = 0;
	int			high = planning->nrows;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (usom_stock_key_compare(&planning->rows[middle].key, &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_row_of(const Planning *planning, int row, int64 product_id, int64 location_id)
{
	return row < planning->nrows && planning->rows[row].key.product_id == product_id &&
		planning->rows[row].key.location_id == location_id;
}

UsomQuantity
usom_sourcing_available_at(const Planning *planning, int64 product_id, int64 location_id)
{
	UsomQuantity sum = 0;

	for (int row = first_row(planning, product_id, location_id); is_row_of(planning, row, product_id, location_id); row++)
		sum = usom_quantity_add(sum, Max(planning->rows[row].available, 0));
	return sum;
}

static void
add_part(Planning *planning, int want, int row, UsomQuantity quantity, const Offer *offer)
{
	UsomRuledPlan *plan = planning->plan;

	if (plan->nparts == planning->parts_capacity)
	{
		planning->parts_capacity *= 2;
		plan->parts = repalloc_array(plan->parts, UsomRuledPart, planning->parts_capacity);
	}
	plan->parts[plan->nparts++] = (UsomRuledPart) {
		want, row, offer->supply, quantity, offer->arrives_at, offer->supply < 0 ? offer->day : USOM_NO_DAY
	};
}

/* Lots are used up in their order. */
static void
take(Planning *planning, int want, const Offer *offer, UsomQuantity quantity)
{
	int64		product_id = planning->wants[want].product_id;
	int64		location_id = planning->lanes[offer->lane].location_id;

	if (offer->supply >= 0)
	{
		planning->outlook->supplies[offer->supply].free -= quantity;
		add_part(planning, want, -1, quantity, offer);
		return;
	}
	if (offer->day != USOM_NO_DAY)
		usom_sourcing_use_day(planning->agenda, (UsomLocationDay) {location_id, offer->day}, quantity);
	for (int row = first_row(planning, product_id, location_id); quantity > 0; row++)
	{
		UsomQuantity taken;

		Ensure(is_row_of(planning, row, product_id, location_id), "a plan takes more than there is");
		taken = Min(quantity, Max(planning->rows[row].available, 0));
		if (taken == 0)
			continue;
		planning->rows[row].available -= taken;
		quantity -= taken;
		add_part(planning, want, row, taken, offer);
	}
}

void
usom_sourcing_give_back(Planning *planning, int first_part)
{
	UsomRuledPlan *plan = planning->plan;

	while (plan->nparts > first_part)
	{
		const UsomRuledPart *part = &plan->parts[--plan->nparts];

		if (part->supply >= 0)
		{
			planning->outlook->supplies[part->supply].free += part->quantity;
			continue;
		}
		planning->rows[part->row].available += part->quantity;
		if (part->ships_on != USOM_NO_DAY)
			usom_sourcing_use_day(planning->agenda, (UsomLocationDay) {
				planning->rows[part->row].key.location_id, part->ships_on}, -part->quantity);
	}
}

/* ---- needs ---- */

static int
product_index(Round *round, int64 product_id)
{
	int			i = 0;

	while (i < round->problem.nproducts && round->products[i] != product_id)
		i++;
	if (i == round->problem.nproducts)
		round->products[round->problem.nproducts++] = product_id;
	return i;
}

static void
make_need(Round *round, int need)
{
	const Planning *planning = round->planning;
	int			place = round->places[need];
	int			index = round->ordering->wants[place];
	const UsomWant *want = &planning->wants[index];
	const UsomLane *lanes = round->group->lanes;

	round->needs[need] = (UsomSourcingNeed) {
		.product = product_index(round, want->product_id),
		.quantity = round->ordering->left[place],
		.smallest = round->rule->smallest_part,
		.most_parts = want->partial ? round->rule->most_parts : 1,
		.partial = want->partial,
		.weight = planning->facts[index].weight,
		.late_cost = round->rule->late_cost >= 0 ? round->rule->late_cost : planning->nlanes > 0 ? lanes[0].late_cost : 0,
		.requested_at = want->requested_at,
	};
	for (int lane = 0; lane < planning->nlanes; lane++)
	{
		UsomReason	verdict = lanes[lane].verdict;

		if (want->location_id != 0 && want->location_id != lanes[lane].location_id)
			verdict = USOM_REASON_ELSEWHERE;
		else if (want->location_id != 0 && verdict != USOM_REASON_INACTIVE)
			verdict = lanes[lane].site.arrives_at == PG_INT64_MAX ? USOM_REASON_CLOSED : USOM_REASON_NONE;
		round->lane_verdicts[need * planning->nlanes + lane] = (uint8) verdict;
	}
}

/* An order that ships complete would keep its stock waiting; without a price, being late is not weighed. */
bool
usom_sourcing_may_wait(const Round *round, int need)
{
	const UsomSourcingNeed *of = &round->needs[need];

	return round->planning->wants[round->ordering->wants[round->places[need]]].may_wait && !round->ordering->complete &&
		of->late_cost > 0 && of->requested_at != PG_INT64_MIN;
}

static void
make_needs(Round *round)
{
	int			nlanes = round->planning->nlanes;

	round->products = palloc_array(int64, round->nneeds);
	round->needs = palloc_array(UsomSourcingNeed, round->nneeds);
	round->lane_verdicts = palloc_array(uint8, round->nneeds * nlanes + 1);
	round->only_day = palloc_array(int, nlanes + 1);
	for (int lane = 0; lane < nlanes; lane++)
		round->only_day[lane] = -1;
	for (int need = 0; need < round->nneeds; need++)
		make_need(round, need);
}

/* ---- sites ---- */

/* Places of ranks: equal ranks are one place, so that few units of cost stand between neighbours. */
static int
place_of_rank(const LaneGroup *group, double rank)
{
	int			place = 0;

	for (int i = 0; i < group->nlanes; i++)
	{
		bool		counts = group->lanes[i].rank < rank;

		for (int k = 0; k < i && counts; k++)
			counts = group->lanes[k].rank != group->lanes[i].rank;
		place += counts;
	}
	return place;
}

static bool
is_used(const Ordering *ordering, int64 location_id, DateADT day)
{
	for (int i = 0; i < ordering->nshipments; i++)
		if (ordering->shipments[i].location_id == location_id && ordering->shipments[i].day == day)
			return true;
	return false;
}

/* What the order uses already costs nothing more; once it may use no more sites, the others are shut. */
static void
make_site(Round *round, int index)
{
	const Offer *offer = &round->offers[index];
	const UsomLane *lane = &round->group->lanes[offer->lane];
	UsomSourcingSite *site = &round->sites[index];
	const Ordering *ordering = round->ordering;
	bool		used = is_used(ordering, lane->location_id, offer->day);
	bool		shut = !used && round->rule->most_shipments > 0 && ordering->nshipments >= round->rule->most_shipments;

	*site = lane->site;
	site->arrives_at = offer->arrives_at;
	site->capacity = offer->room;
	site->penalty += round->rule->shipment_cost + round->rule->distance_cost * lane->distance + SHIPMENT_PENALTY;
	site->unit_penalty = RANK_PENALTY * place_of_rank(round->group, lane->rank);
	if (used)
		site->freight = site->handling = site->fixed = site->penalty = 0;
	for (int need = 0; need < round->nneeds; need++)
	{
		uint8		verdict = round->lane_verdicts[need * round->planning->nlanes + offer->lane];

		if (verdict == USOM_REASON_NONE && shut)
			verdict = USOM_REASON_SHIPMENTS;
		else if (verdict == USOM_REASON_NONE && offer->supply >= 0 && !usom_sourcing_may_wait(round, need))
			verdict = USOM_REASON_LATER;
		round->verdicts[need * round->noffers + index] = verdict;
	}
}

static void
make_stock(Round *round)
{
	for (int product = 0; product < round->problem.nproducts; product++)
		for (int i = 0; i < round->noffers; i++)
		{
			const Offer *offer = &round->offers[i];
			const UsomLane *lane = &round->group->lanes[offer->lane];
			int			index = product * round->noffers + i;

			round->stock[index] = offer->whole
				? usom_sourcing_available_at(round->planning, round->products[product], lane->location_id)
				: round->portions[i * round->nneeds + product];
			round->kept[index] = offer->whole ? lane->protected_quantity : 0;
		}
}

static void
make_problem(Round *round)
{
	UsomSourcingProblem *problem = &round->problem;
	int			cells;
	int			used = round->ordering->nshipments;

	usom_sourcing_make_offers(round);
	cells = Max(round->nneeds * round->noffers, 1);
	round->sites = palloc_array(UsomSourcingSite, Max(round->noffers, 1));
	round->stock = palloc_array(UsomQuantity, cells);
	round->kept = palloc_array(UsomQuantity, cells);
	round->verdicts = palloc_array(uint8, cells);
	for (int i = 0; i < round->noffers; i++)
		make_site(round, i);
	make_stock(round);
	problem->nneeds = round->nneeds;
	problem->nsites = round->noffers;
	problem->ship_complete = round->ordering->complete && strcmp(round->rule->when_short, "next_rule") != 0;
	if (round->rule->most_shipments > 0)
		problem->most_shipments = round->rule->most_shipments > used ? round->rule->most_shipments - used : Max(used, 1);
	problem->needs = round->needs;
	problem->sites = round->sites;
	problem->stock = round->stock;
	problem->protected_stock = round->kept;
	problem->verdicts = round->verdicts;
}

static void
solve(Round *round)
{
	make_problem(round);
	round->solved = usom_sourcing_optimise(&round->problem, round->planning->plan->reasons != NULL);
}

/* ---- other days ---- */

static bool
is_better(const UsomSourcingPlan *a, const UsomSourcingPlan *b)
{
	if (a->unserved != b->unserved)
		return a->unserved < b->unserved;
	return a->total < b->total - 1e-9 * (1 + b->total);
}

/* One day alone of a location that has dealt out several. */
static void
try_day(Round *best, int lane, int day)
{
	Round		trial = *best;

	trial.only_day = palloc_array(int, best->planning->nlanes);
	memcpy(trial.only_day, best->only_day, sizeof(int) * best->planning->nlanes);
	trial.only_day[lane] = day;
	solve(&trial);
	if (is_better(trial.solved, best->solved))
		*best = trial;
}

static void
try_days(Round *best)
{
	const Round dealt = *best;
	int			trials = 0;

	for (int i = 1; i < dealt.noffers; i++)
	{
		int			lane = dealt.offers[i].lane;
		const Schedule *schedule = usom_sourcing_schedule(dealt.planning->agenda, &dealt.group->lanes[lane]);

		if (dealt.offers[i].supply >= 0 || dealt.offers[i - 1].lane != lane || (i > 1 && dealt.offers[i - 2].lane == lane))
			continue;
		for (int day = 0; day < schedule->ndays && trials < MOST_TRIALS; day++)
			if (usom_sourcing_room(dealt.planning->agenda,
								   (UsomLocationDay) {schedule->location_id, schedule->days[day].day}) > 0)
			{
				try_day(best, lane, day);
				trials++;
			}
	}
}

/* ---- reasons ---- */

static double
cost_from(const Round *round, int need, int offer)
{
	const UsomSourcingNeed *of = &round->needs[need];
	UsomSourcingSite from = round->group->lanes[round->offers[offer].lane].site;

	from.arrives_at = round->offers[offer].arrives_at;
	return usom_sourcing_shipment_cost(&from) + usom_sourcing_unit_cost(of, &from) * ((double) of->quantity / USOM_UNIT);
}

/* Of the days of a location the one that serves, else one that only costs more, else the first. */
static bool
says_more(UsomReason a, UsomReason b)
{
	if (a == b || b == USOM_REASON_CHOSEN)
		return false;
	return a == USOM_REASON_CHOSEN || a == USOM_REASON_COST;
}

static void
note_reason(const Round *round, int need, int offer, UsomRuledReason *reason)
{
	const Offer *of = &round->offers[offer];
	const UsomLane *lane = &round->group->lanes[of->lane];
	const Schedule *schedule = usom_sourcing_schedule(round->planning->agenda, lane);

	reason->lane = lane;
	reason->reason = round->solved->reasons[need * round->noffers + offer];
	reason->available = usom_sourcing_available_at(round->planning, round->products[round->needs[need].product],
												   lane->location_id);
	reason->cost = cost_from(round, need, offer);
	reason->arrives_at = of->arrives_at;
	reason->ships_on = of->room > 0 ? of->day : USOM_NO_DAY;
	reason->full_on = USOM_NO_DAY;
	reason->from_supply = of->supply >= 0;
	if (reason->from_supply)
		reason->available = of->room;
	if (schedule != NULL && (reason->ships_on == USOM_NO_DAY || reason->ships_on > schedule->days[0].day))
		reason->full_on = schedule->days[0].day;
}

static void
note_reasons(const Round *round)
{
	int			nlanes = round->planning->nlanes;

	for (int need = 0; need < round->nneeds; need++)
		for (int offer = 0; offer < round->noffers; offer++)
		{
			int			lane = round->offers[offer].lane;
			bool		first = (offer == 0 || round->offers[offer - 1].lane != lane) && round->offers[offer].supply < 0;
			UsomRuledReason *reason =
				&round->planning->plan->reasons[round->ordering->wants[round->places[need]] * nlanes + lane];

			if (first ? reason->reason != USOM_REASON_CHOSEN
				: says_more(round->solved->reasons[need * round->noffers + offer], reason->reason))
				note_reason(round, need, offer, reason);
		}
}

/* ---- the round ---- */

static void
add_shipment(Ordering *ordering, int64 location_id, DateADT day)
{
	if (is_used(ordering, location_id, day))
		return;
	if (ordering->nshipments == ordering->shipments_capacity)
	{
		ordering->shipments_capacity *= 2;
		ordering->shipments = repalloc_array(ordering->shipments, UsomLocationDay, ordering->shipments_capacity);
	}
	ordering->shipments[ordering->nshipments++] = (UsomLocationDay) {location_id, day};
}

static void
carry_out(Round *round)
{
	Ordering   *ordering = round->ordering;

	ordering->cost += round->solved->total;
	for (int i = 0; i < round->solved->nparts; i++)
	{
		const UsomSourcingPart *part = &round->solved->parts[i];
		const Offer *offer = &round->offers[part->site];
		int			place = round->places[part->need];

		if (part->quantity == 0)
			continue;
		take(round->planning, ordering->wants[place], offer, part->quantity);
		ordering->left[place] -= part->quantity;
		add_shipment(ordering, round->group->lanes[offer->lane].location_id, offer->day);
	}
}

void
usom_sourcing_solve_round(Round *round)
{
	MemoryContext caller = MemoryContextSwitchTo(round->planning->scratch);

	make_needs(round);
	solve(round);
	if (round->planning->agenda != NULL && round->noffers > round->planning->nlanes)
		try_days(round);
	if (round->planning->agenda != NULL)
		usom_sourcing_pull_forward(round);
	MemoryContextSwitchTo(caller);
	if (round->planning->plan->reasons != NULL)
		note_reasons(round);
	carry_out(round);
}
