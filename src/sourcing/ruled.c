/*
 * ruled.c
 *		Plans by rules.
 *
 *		Orders are planned one by one and improved together (together.c).  The
 *		lines of an order that are under one rule are one problem (round.c).  What a rule leaves unserved goes on to the next that fits,
 *		if the rule says so, or becomes an exception.
 *
 * Memory: results in CurrentMemoryContext; each problem in a context of its
 * own, so that a batch does not grow.
 *
 * Invariant: an order that ships complete takes all or nothing.
 */
#include "postgres.h"

#include "sourcing/planning.h"

#include "base/errors.h"
#include "utils/memutils.h"

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
	planning->plan->exceptions[ordering->wants[place]] = strcmp(rule->when_short, "exception") == 0;
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
		LaneGroup  *group = find_group(planning, ordering->wants[round.places[0]], round.rule->sourcing_rule_id);

		if (group->lanes == NULL)
			usom_sourcing_make_lanes(planning->at, group, 1, planning->locations, planning->nlocations);
		round.group = group;
		usom_sourcing_solve_round(&round);
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
	usom_sourcing_give_back(planning, ordering->first_part);
	for (int place = 0; place < ordering->nwants && planning->plan->reasons != NULL; place++)
		for (int site = 0; site < planning->nlanes; site++)
		{
			UsomRuledReason *reason = &planning->plan->reasons[ordering->wants[place] * planning->nlanes + site];

			if (reason->reason == USOM_REASON_CHOSEN)
				reason->reason = USOM_REASON_INCOMPLETE;
		}
}

void
usom_sourcing_plan_order(Planning *planning, Ordering *ordering)
{
	ordering->nshipments = 0;
	ordering->complete = false;
	ordering->cost = 0;
	if (planning->agenda != NULL)
		usom_sourcing_turn_to(planning->agenda, planning->wants[ordering->wants[0]].sales_order_id);
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
	if (!ordering->complete || !is_short(ordering))
		return;
	drop_incomplete(planning, ordering);
	ordering->cost = 0;
}

static int
compare_parts(const void *a, const void *b)
{
	const UsomRuledPart *left = a;
	const UsomRuledPart *right = b;

	if (left->want != right->want)
		return left->want < right->want ? -1 : 1;
	if (left->row != right->row)
		return left->row < right->row ? -1 : 1;
	if (left->supply != right->supply)
		return left->supply < right->supply ? -1 : 1;
	return (left->ships_on > right->ships_on) - (left->ships_on < right->ships_on);
}

UsomRuledPlan *
usom_sourcing_plan_by_rules(int64 org_id, TimestampTz at, const UsomWant *wants, int nwants, const UsomOutlook *outlook,
							UsomStockRow *rows, int nrows, const int64 *locations, int nlocations, bool with_reasons)
{
	static const UsomOutlook nothing = {0};
	Planning	planning = {
		.wants = wants, .nwants = nwants, .rows = rows, .nrows = nrows, .parts_capacity = nwants + 8,
		.facts = usom_sourcing_read_facts(org_id, wants, nwants),
		.plan = palloc0_object(UsomRuledPlan),
		.at = at, .locations = locations, .nlocations = nlocations,
		.outlook = outlook ? outlook : &nothing,
	};
	bool		limited = usom_sourcing_has_limits(org_id);

	make_groups(&planning);
	usom_sourcing_make_lanes(at, planning.groups, limited ? planning.ngroups : Min(planning.ngroups, 1), locations, nlocations);
	if (planning.ngroups > 0)
	{
		planning.nlanes = planning.groups[0].nlanes;
		planning.lanes = planning.groups[0].lanes;
	}
	if (limited)
		planning.agenda = usom_sourcing_read_agenda(org_id, planning.groups, planning.ngroups, planning.outlook);
	planning.plan->parts = palloc_array(UsomRuledPart, planning.parts_capacity);
	planning.plan->exceptions = palloc0_array(bool, nwants + 1);
	planning.plan->nlocations = planning.nlanes;
	if (with_reasons)
		planning.plan->reasons = palloc0_array(UsomRuledReason, Max(nwants * planning.nlanes, 1));
	planning.scratch = AllocSetContextCreate(CurrentMemoryContext, "usom sourcing", ALLOCSET_DEFAULT_SIZES);
	usom_sourcing_plan_together(&planning);
	MemoryContextDelete(planning.scratch);
	qsort(planning.plan->parts, planning.plan->nparts, sizeof(UsomRuledPart), compare_parts);
	return planning.plan;
}
