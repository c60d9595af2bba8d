/*
 * optimise.c
 *		The plan of least cost for one order, and why it is so.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "sourcing/work.h"

static int
compare_parts(const void *a, const void *b)
{
	const UsomSourcingPart *left = a;
	const UsomSourcingPart *right = b;

	if (left->need != right->need)
		return left->need < right->need ? -1 : 1;
	return (left->site > right->site) - (left->site < right->site);
}

static void
add_shipment(UsomSourcingPlan *plan, const UsomSourcingSite *site)
{
	plan->shipments++;
	plan->cost.freight += site->freight;
	plan->cost.handling += site->handling;
	plan->cost.fixed += site->fixed;
	plan->cost.penalty += site->penalty;
}

static void
add_part(UsomSourcingPlan *plan, const UsomSourcingProblem *problem, const UsomSourcingPart *part)
{
	const UsomSourcingNeed *need = &problem->needs[part->need];
	const UsomSourcingSite *site = &problem->sites[part->site];
	double		units = (double) part->quantity / USOM_UNIT;

	plan->unserved -= part->quantity;
	plan->cost.freight += units * site->freight_by_weight * need->weight;
	plan->cost.by_unit += units * site->unit_cost;
	plan->cost.penalty += units * site->unit_penalty;
	plan->cost.lateness += units * usom_sourcing_lateness(need, site);
}

static void
sum_up(UsomSourcingPlan *plan, const UsomSourcingProblem *problem)
{
	bool	   *used = palloc0(sizeof(bool) * Max(problem->nsites, 1));

	for (int need = 0; need < problem->nneeds; need++)
		plan->unserved += problem->needs[need].quantity;
	for (int i = 0; i < plan->nparts; i++)
	{
		const UsomSourcingPart *part = &plan->parts[i];

		add_part(plan, problem, part);
		if (!used[part->site])
			add_shipment(plan, &problem->sites[part->site]);
		used[part->site] = true;
	}
	plan->total = plan->cost.freight + plan->cost.handling + plan->cost.fixed + plan->cost.penalty +
		plan->cost.by_unit + plan->cost.lateness;
	pfree(used);
}

/* An order that ships complete is served whole or not at all. */
static void
drop_incomplete(UsomSourcingPlan *plan, const UsomSourcingProblem *problem, Score score)
{
	if (!problem->ship_complete || score.unserved == 0)
		return;
	plan->nparts = 0;
	plan->least_total = 0;
	plan->least_unserved = 0;
	for (int need = 0; need < problem->nneeds; need++)
		plan->least_unserved += problem->needs[need].quantity;
}

/* In nanoseconds or so: what is spent on a first look, and at most on a second one and the proof of it. */
#define FIRST_EFFORT 1000
#define MORE_EFFORT 60
#define MOST_EFFORT INT64CONST(4500000)

/*
 * Fast first: most problems are proven at once.  If not, look for a better
 * set with more patience, then try to prove that.
 */
static Score
solve(Work *work, Parts *parts, Score *score)
{
	int64		size = (int64) work->nneeds * work->nsites;
	bool	   *open = palloc0(sizeof(bool) * Max(work->nsites, 1));
	Score		bound;

	work->effort = Min(FIRST_EFFORT * size, MOST_EFFORT);
	*score = (Score) {PG_INT32_MAX, 0, 0};
	usom_sourcing_search(work, open);
	usom_sourcing_set_prices(work);
	bound = usom_sourcing_branch(work, open, parts, score);
	if (!is_better(bound, *score))
		return bound;
	work->effort = Min(MORE_EFFORT * size * size, MOST_EFFORT);
	usom_sourcing_search_on(work, open);
	work->effort = Min(MORE_EFFORT * size * size, MOST_EFFORT);
	return usom_sourcing_branch(work, open, parts, score);
}

UsomSourcingPlan *
usom_sourcing_optimise(const UsomSourcingProblem *problem, bool with_reasons)
{
	UsomSourcingPlan *plan = palloc0(sizeof(UsomSourcingPlan));
	Work	   *work = usom_sourcing_prepare(problem);
	Parts		parts = {0, palloc(sizeof(UsomSourcingPart) * Max(work->first[work->nneeds], 1))};
	Score		score;
	Score		bound = solve(work, &parts, &score);

	qsort(parts.parts, parts.count, sizeof(UsomSourcingPart), compare_parts);
	plan->nparts = parts.count;
	plan->parts = parts.parts;
	plan->exact = !is_better(bound, score);
	plan->least_unserved = bound.unserved;
	plan->least_total = bound.cost;
	drop_incomplete(plan, problem, score);
	sum_up(plan, problem);
	if (with_reasons)
		plan->reasons = usom_sourcing_reasons(work, plan);
	return plan;
}
