/*
 * ruled.c
 *		Plans by rules: from wants and stock rows to problems of the optimiser
 *		and back, order by order.
 *
 *		The lines of an order that are under one rule are one problem.  What a
 *		rule leaves unserved goes on to the next that fits, if the rule says
 *		so.  Sites that the order uses already cost no second shipment, and
 *		count once among the most shipments.
 *
 * Memory: results in CurrentMemoryContext; each problem in a context of its
 * own, so that a batch does not grow.
 *
 * Invariant: units taken from a row never exceed what it had; an order that
 * ships complete takes all or nothing.
 */
#include "postgres.h"

#include "sourcing/ruled.h"

#include "base/errors.h"
#include "sourcing/lanes.h"
#include "utils/memutils.h"

/* Preferences come before any cost; of equal costs, fewer shipments are better. */
#define RANK_PENALTY 10000.0
#define SHIPMENT_PENALTY 0.001

typedef struct Planning
{
	const UsomWant *wants;
	int			nwants;
	WantFacts  *facts;
	UsomStockRow *rows;
	int			nrows;
	int			ngroups;
	LaneGroup  *groups;
	int			nlanes;
	const UsomLane *lanes;		/* of the first group: which locations there are */
	MemoryContext scratch;
	UsomRuledPlan *plan;
	int			parts_capacity;
} Planning;

/* One order while it is planned. */
typedef struct Ordering
{
	int			nwants;
	int		   *wants;			/* indexes into those of the planning */
	UsomQuantity *left;			/* by place in wants */
	int		   *rule;			/* by place in wants: of its facts; their number once it is done */
	bool	   *used;			/* by lane */
	int			nused;
	int			first_part;
	bool		complete;
} Ordering;

/* ---- groups ---- */

static LaneGroup *
find_group(const Planning *planning, int want, int64 rule)
{
	for (int i = 0; i < planning->ngroups; i++)
		if (planning->groups[i].sourcing_rule_id == rule &&
			planning->wants[want].sales_order_id == planning->groups[i].sales_order_id)
			return &planning->groups[i];
	return NULL;
}

static void
add_to_group(Planning *planning, int want, int64 rule)
{
	LaneGroup  *group = find_group(planning, want, rule);

	if (group == NULL)
	{
		group = &planning->groups[planning->ngroups++];
		group->sales_order_id = planning->wants[want].sales_order_id;
		group->sourcing_rule_id = rule;
		group->facts = &planning->facts[want];
		group->weight = 0;
	}
	group->weight += planning->facts[want].weight * ((double) planning->wants[want].quantity / USOM_UNIT);
}

/* Every order under every rule that may come to be asked for it. */
static void
make_groups(Planning *planning)
{
	int			most = 0;

	for (int i = 0; i < planning->nwants; i++)
		most += planning->facts[i].nrules;
	planning->groups = palloc0_array(LaneGroup, Max(most, 1));
	for (int i = 0; i < planning->nwants; i++)
		for (int k = 0; k < planning->facts[i].nrules; k++)
		{
			add_to_group(planning, i, planning->facts[i].rules[k].sourcing_rule_id);
			if (strcmp(planning->facts[i].rules[k].when_short, "next_rule") != 0)
				break;
		}
}

/* ---- stock ---- */

static int
first_row(const Planning *planning, int64 product_id, int64 location_id)
{
	UsomStockKey key = {product_id, location_id, ""};
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

static UsomQuantity
available_at(const Planning *planning, int64 product_id, int64 location_id)
{
	UsomQuantity sum = 0;

	for (int row = first_row(planning, product_id, location_id); is_row_of(planning, row, product_id, location_id); row++)
		sum = usom_quantity_add(sum, Max(planning->rows[row].available, 0));
	return sum;
}

static void
add_part(Planning *planning, int want, int row, UsomQuantity quantity, TimestampTz arrives_at)
{
	UsomRuledPlan *plan = planning->plan;

	if (plan->nparts == planning->parts_capacity)
	{
		planning->parts_capacity *= 2;
		plan->parts = repalloc_array(plan->parts, UsomRuledPart, planning->parts_capacity);
	}
	plan->parts[plan->nparts++] = (UsomRuledPart) {want, row, quantity, arrives_at};
}

/* Lots are used up in their order. */
static void
take(Planning *planning, int want, const UsomLane *lane, UsomQuantity quantity)
{
	int64		product_id = planning->wants[want].product_id;

	for (int row = first_row(planning, product_id, lane->location_id); quantity > 0; row++)
	{
		UsomQuantity taken;

		Ensure(is_row_of(planning, row, product_id, lane->location_id), "a plan takes more than there is");
		taken = Min(quantity, Max(planning->rows[row].available, 0));
		if (taken == 0)
			continue;
		planning->rows[row].available -= taken;
		quantity -= taken;
		add_part(planning, want, row, taken, lane->site.arrives_at);
	}
}

static void
give_back(Planning *planning, int first_part)
{
	UsomRuledPlan *plan = planning->plan;

	while (plan->nparts > first_part)
	{
		plan->nparts--;
		planning->rows[plan->parts[plan->nparts].row].available += plan->parts[plan->nparts].quantity;
	}
}

/* ---- one problem ---- */

typedef struct Round
{
	Planning   *planning;
	Ordering   *ordering;
	const LaneGroup *group;
	const RuleRow *rule;
	int			nneeds;
	int		   *places;			/* by need: place in the wants of the order */
	int64	   *products;
	UsomSourcingProblem problem;
	UsomSourcingNeed *needs;
	UsomSourcingSite *sites;
	UsomQuantity *stock;
	UsomQuantity *kept;
	uint8	   *verdicts;
} Round;

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
	for (int site = 0; site < planning->nlanes; site++)
	{
		UsomReason	verdict = lanes[site].verdict;

		if (want->location_id != 0 && want->location_id != lanes[site].location_id)
			verdict = USOM_REASON_ELSEWHERE;
		else if (want->location_id != 0 && verdict != USOM_REASON_INACTIVE)
			verdict = lanes[site].site.arrives_at == PG_INT64_MAX ? USOM_REASON_CLOSED : USOM_REASON_NONE;
		round->verdicts[need * planning->nlanes + site] = (uint8) verdict;
	}
}

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

/* What the order uses already costs nothing more; once it may use no more sites, the others are shut. */
static void
make_site(Round *round, int index)
{
	const UsomLane *lane = &round->group->lanes[index];
	UsomSourcingSite *site = &round->sites[index];
	const Ordering *ordering = round->ordering;

	*site = lane->site;
	site->penalty += round->rule->shipment_cost + round->rule->distance_cost * lane->distance + SHIPMENT_PENALTY;
	site->unit_penalty = RANK_PENALTY * place_of_rank(round->group, lane->rank);
	if (ordering->used[index])
		site->freight = site->handling = site->fixed = site->penalty = 0;
	else if (round->rule->most_shipments > 0 && ordering->nused >= round->rule->most_shipments)
		for (int need = 0; need < round->nneeds; need++)
			if (round->verdicts[need * round->planning->nlanes + index] == USOM_REASON_NONE)
				round->verdicts[need * round->planning->nlanes + index] = USOM_REASON_SHIPMENTS;
}

static void
make_stock(Round *round)
{
	const Planning *planning = round->planning;

	for (int product = 0; product < round->problem.nproducts; product++)
		for (int site = 0; site < planning->nlanes; site++)
		{
			int			index = product * planning->nlanes + site;

			round->stock[index] = available_at(planning, round->products[product], planning->lanes[site].location_id);
			round->kept[index] = round->group->lanes[site].protected_quantity;
		}
}

static void
make_problem(Round *round)
{
	UsomSourcingProblem *problem = &round->problem;
	int			nsites = round->planning->nlanes;
	int			cells = Max(round->nneeds * nsites, 1);

	round->products = palloc_array(int64, round->nneeds);
	round->needs = palloc_array(UsomSourcingNeed, round->nneeds);
	round->sites = palloc_array(UsomSourcingSite, Max(nsites, 1));
	round->stock = palloc_array(UsomQuantity, cells);
	round->kept = palloc_array(UsomQuantity, cells);
	round->verdicts = palloc_array(uint8, cells);
	for (int need = 0; need < round->nneeds; need++)
		make_need(round, need);
	for (int site = 0; site < nsites; site++)
		make_site(round, site);
	make_stock(round);
	problem->nneeds = round->nneeds;
	problem->nsites = nsites;
	problem->ship_complete = round->ordering->complete && strcmp(round->rule->when_short, "next_rule") != 0;
	if (round->rule->most_shipments > 0)
		problem->most_shipments = round->rule->most_shipments > round->ordering->nused ?
			round->rule->most_shipments - round->ordering->nused : Max(round->ordering->nused, 1);
	problem->needs = round->needs;
	problem->sites = round->sites;
	problem->stock = round->stock;
	problem->protected_stock = round->kept;
	problem->verdicts = round->verdicts;
}

static double
cost_from(const Round *round, int need, int site)
{
	const UsomSourcingNeed *of = &round->needs[need];
	const UsomSourcingSite *from = &round->group->lanes[site].site;

	return usom_sourcing_shipment_cost(from) + usom_sourcing_unit_cost(of, from) * ((double) of->quantity / USOM_UNIT);
}

static void
note_reasons(const Round *round, const UsomSourcingPlan *solved)
{
	int			nsites = round->planning->nlanes;

	for (int need = 0; need < round->nneeds; need++)
		for (int site = 0; site < nsites; site++)
		{
			UsomRuledReason *reason =
				&round->planning->plan->reasons[round->ordering->wants[round->places[need]] * nsites + site];

			if (reason->reason == USOM_REASON_CHOSEN)
				continue;
			reason->lane = &round->group->lanes[site];
			reason->reason = solved->reasons[need * nsites + site];
			reason->available = round->stock[round->needs[need].product * nsites + site];
			reason->cost = cost_from(round, need, site);
		}
}

static void
solve(Round *round)
{
	Planning   *planning = round->planning;
	Ordering   *ordering = round->ordering;
	MemoryContext caller = MemoryContextSwitchTo(planning->scratch);
	UsomSourcingPlan *solved;

	make_problem(round);
	solved = usom_sourcing_optimise(&round->problem, planning->plan->reasons != NULL);
	MemoryContextSwitchTo(caller);
	if (planning->plan->reasons != NULL)
		note_reasons(round, solved);
	for (int i = 0; i < solved->nparts; i++)
	{
		const UsomSourcingPart *part = &solved->parts[i];
		int			place = round->places[part->need];

		take(planning, ordering->wants[place], &round->group->lanes[part->site], part->quantity);
		ordering->left[place] -= part->quantity;
		ordering->nused += !ordering->used[part->site];
		ordering->used[part->site] = true;
	}
}

/* ---- one order ---- */

static const RuleRow *
rule_of(const Planning *planning, const Ordering *ordering, int place)
{
	const WantFacts *facts = &planning->facts[ordering->wants[place]];

	return ordering->rule[place] < facts->nrules ? &facts->rules[ordering->rule[place]] : NULL;
}

/* The rule that comes after; rules are only ever gone through forwards, so no chain comes back. */
static void
advance(const Planning *planning, Ordering *ordering, int place)
{
	const WantFacts *facts = &planning->facts[ordering->wants[place]];
	const RuleRow *rule = rule_of(planning, ordering, place);
	int			next = ordering->rule[place] + 1;

	if (ordering->left[place] == 0 || strcmp(rule->when_short, "next_rule") != 0)
		next = facts->nrules;
	while (next < facts->nrules && rule->next_rule != NULL && strcmp(facts->rules[next].code, rule->next_rule) != 0)
		next++;
	ordering->rule[place] = next;
}

/* All wants whose turn is the same rule as that of the first one that is not done; false if all are. */
static bool
next_round(Planning *planning, Ordering *ordering)
{
	Round		round = {.planning = planning, .ordering = ordering};

	round.places = palloc_array(int, ordering->nwants);
	for (int place = 0; place < ordering->nwants; place++)
	{
		const RuleRow *rule = rule_of(planning, ordering, place);

		if (rule == NULL || (round.rule != NULL && rule->sourcing_rule_id != round.rule->sourcing_rule_id))
			continue;
		round.rule = rule;
		round.places[round.nneeds++] = place;
	}
	if (round.nneeds > 0)
	{
		round.group = find_group(planning, ordering->wants[round.places[0]], round.rule->sourcing_rule_id);
		solve(&round);
		for (int i = 0; i < round.nneeds; i++)
			advance(planning, ordering, round.places[i]);
	}
	pfree(round.places);
	MemoryContextReset(planning->scratch);
	return round.nneeds > 0;
}

static bool
is_short(const Ordering *ordering)
{
	for (int place = 0; place < ordering->nwants; place++)
		if (ordering->left[place] > 0)
			return true;
	return false;
}

static void
drop_incomplete(Planning *planning, const Ordering *ordering)
{
	give_back(planning, ordering->first_part);
	for (int place = 0; place < ordering->nwants && planning->plan->reasons != NULL; place++)
		for (int site = 0; site < planning->nlanes; site++)
		{
			UsomRuledReason *reason = &planning->plan->reasons[ordering->wants[place] * planning->nlanes + site];

			if (reason->reason == USOM_REASON_CHOSEN)
				reason->reason = USOM_REASON_INCOMPLETE;
		}
}

static void
plan_order(Planning *planning, Ordering *ordering)
{
	for (int place = 0; place < ordering->nwants; place++)
	{
		const WantFacts *facts = &planning->facts[ordering->wants[place]];

		ordering->left[place] = planning->wants[ordering->wants[place]].quantity;
		ordering->rule[place] = 0;
		ordering->complete |= facts->rules[0].as_ordered ? facts->ship_complete : facts->rules[0].ship_complete;
	}
	ordering->first_part = planning->plan->nparts;
	while (next_round(planning, ordering))
		;
	if (ordering->complete && is_short(ordering))
		drop_incomplete(planning, ordering);
}

/* The wants of the order that first appears at want, in order. */
static void
gather_order(const Planning *planning, int want, bool *done, Ordering *ordering)
{
	for (int i = want; i < planning->nwants; i++)
	{
		if (planning->wants[i].sales_order_id != planning->wants[want].sales_order_id)
			continue;
		done[i] = true;
		ordering->wants[ordering->nwants++] = i;
	}
}

static void
plan_orders(Planning *planning)
{
	bool	   *done = palloc0_array(bool, Max(planning->nwants, 1));
	Ordering	ordering = {
		.wants = palloc_array(int, Max(planning->nwants, 1)),
		.left = palloc_array(UsomQuantity, Max(planning->nwants, 1)),
		.rule = palloc_array(int, Max(planning->nwants, 1)),
		.used = palloc_array(bool, Max(planning->nlanes, 1)),
	};

	for (int want = 0; want < planning->nwants; want++)
	{
		if (done[want])
			continue;
		ordering.nwants = ordering.nused = 0;
		ordering.complete = false;
		memset(ordering.used, 0, sizeof(bool) * planning->nlanes);
		gather_order(planning, want, done, &ordering);
		plan_order(planning, &ordering);
	}
}

static int
compare_parts(const void *a, const void *b)
{
	const UsomRuledPart *left = a;
	const UsomRuledPart *right = b;

	if (left->want != right->want)
		return left->want < right->want ? -1 : 1;
	return (left->row > right->row) - (left->row < right->row);
}

UsomRuledPlan *
usom_sourcing_plan_by_rules(int64 org_id, TimestampTz at, const UsomWant *wants, int nwants,
							UsomStockRow *rows, int nrows, const int64 *locations, int nlocations, bool with_reasons)
{
	Planning	planning = {
		.wants = wants, .nwants = nwants, .rows = rows, .nrows = nrows, .parts_capacity = nwants + 8,
		.facts = usom_sourcing_read_facts(org_id, wants, nwants),
		.plan = palloc0_object(UsomRuledPlan),
	};

	make_groups(&planning);
	usom_sourcing_read_lanes(org_id, at, planning.groups, planning.ngroups, locations, nlocations);
	if (planning.ngroups > 0)
	{
		planning.nlanes = planning.groups[0].nlanes;
		planning.lanes = planning.groups[0].lanes;
	}
	planning.plan->parts = palloc_array(UsomRuledPart, planning.parts_capacity);
	planning.plan->nlocations = planning.nlanes;
	if (with_reasons)
		planning.plan->reasons = palloc0_array(UsomRuledReason, Max(nwants * planning.nlanes, 1));
	planning.scratch = AllocSetContextCreate(CurrentMemoryContext, "usom sourcing", ALLOCSET_DEFAULT_SIZES);
	plan_orders(&planning);
	MemoryContextDelete(planning.scratch);
	qsort(planning.plan->parts, planning.plan->nparts, sizeof(UsomRuledPart), compare_parts);
	return planning.plan;
}
