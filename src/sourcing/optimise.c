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

/*
 * In nanoseconds or so, by size (needs times sites): what is spent on a first
 * plan and its proof, on a better plan, and on the proof of that.  Small
 * problems are proven at once; of large ones with needs that compete hardly
 * any will be.
 */
#define FIRST_EFFORT 4000
#define MOST_FIRST_EFFORT INT64CONST(800000)
#define MORE_EFFORT 60			/* by the square of the size */
#define MOST_EFFORT INT64CONST(3000000)
#define MOST_EFFORT_LIMITED INT64CONST(12000000) /* sites can ship few units: much the hardest */
#define MOST_PROOF INT64CONST(500000)

static bool
is_limited(const Work *work)
{
	for (int site = 0; site < work->nsites; site++)
		if (work->capacity[site] < PG_INT64_MAX)
			return true;
	return false;
}

/* Where needs compete, with few shipments, half of the effort goes to the choice of sites. */
static void
improve_shared(Work *work, bool *open, Parts *parts, Score *score)
{
	Parts		revised = {0, palloc(sizeof(UsomSourcingPart) * Max(work->first[work->nneeds], 1))};
	Score		better;

	if (work->most_shipments < work->nsites)
	{
		int64		half = work->effort / 2;

		work->effort = half;
		usom_sourcing_search_on(work, open);
		work->effort = half;
	}
	better = usom_sourcing_revise(work, open, &revised);
	if (!is_better(better, *score))
		return;
	*score = better;
	*parts = revised;
	memset(open, 0, sizeof(bool) * work->nsites);
	for (int i = 0; i < parts->count; i++)
		open[parts->parts[i].site] = true;
}

/*
 * Fast first: most problems are proven at once.  If not, look for a better
 * plan with more patience, then try to prove that.
 */
static Score
solve(Work *work, Parts *parts, Score *score)
{
	int64		size = (int64) work->nneeds * work->nsites;
	int64		more = Min(MORE_EFFORT * size * size, is_limited(work) ? MOST_EFFORT_LIMITED : MOST_EFFORT);
	bool	   *open = palloc0(sizeof(bool) * Max(work->nsites, 1));
	Score		bound;

	*score = usom_sourcing_be_greedy(work, parts, open);
	work->effort = Min(FIRST_EFFORT * size, MOST_FIRST_EFFORT);
	usom_sourcing_search(work, open);
	usom_sourcing_set_prices(work);
	bound = usom_sourcing_branch(work, open, parts, score);
	if (!is_better(bound, *score))
		return bound;
	work->effort = more;
	if (work->nclusters > 0)
		improve_shared(work, open, parts, score);
	else
		usom_sourcing_search_on(work, open);
	work->effort = Min(more, MOST_PROOF);
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
