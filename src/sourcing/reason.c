/*
 * reason.c
 *		Why a site does not serve a need, of the plan that was made.
 *
 *		The first obstacle that alone rules the site out is named, those that
 *		no choice could remove before those that the plan itself made.
 *
 * Memory: the result in CurrentMemoryContext.
 */
#include "postgres.h"

#include "sourcing/work.h"

typedef struct State
{
	const Work *work;
	const UsomSourcingPlan *plan;
	UsomQuantity *taken;		/* products by sites */
	UsomQuantity *shipped;		/* by site */
	bool	   *served;			/* needs by sites */
	UsomQuantity *got;			/* by need */
} State;

static UsomReason
reason_of_stock(const Work *work, int need, int site)
{
	const UsomSourcingProblem *problem = work->problem;
	const UsomSourcingNeed *of = &problem->needs[need];
	Size		stock = (Size) of->product * work->nsites + site;
	UsomQuantity least = of->partial || work->most_parts[need] != 1 ? work->smallest[need] : of->quantity;

	if (problem->stock[stock] <= 0)
		return USOM_REASON_STOCK;
	if (work->stock_left[stock] < least && problem->stock[stock] >= least)
		return USOM_REASON_PROTECTED;
	if (work->stock_left[stock] < least)
		return USOM_REASON_TOO_LITTLE;
	if (problem->sites[site].capacity < least)
		return USOM_REASON_CAPACITY;
	return USOM_REASON_NONE;
}

static UsomReason
reason_of_plan(const State *state, int need, int site)
{
	const Work *work = state->work;
	const UsomSourcingProblem *problem = work->problem;
	Size		stock = (Size) problem->needs[need].product * work->nsites + site;

	if (problem->ship_complete && state->plan->unserved > 0)
		return USOM_REASON_INCOMPLETE;
	if (work->most_parts[need] == 1 && work->stock_left[stock] < state->got[need])
		return USOM_REASON_TOO_LITTLE;
	if (work->stock_left[stock] - state->taken[stock] < work->smallest[need])
		return USOM_REASON_TAKEN;
	if (problem->sites[site].capacity - state->shipped[site] < work->smallest[need])
		return USOM_REASON_CAPACITY;
	if (state->plan->shipments >= work->most_shipments && state->shipped[site] == 0)
		return USOM_REASON_SHIPMENTS;
	return USOM_REASON_COST;
}

static UsomReason
reason_of(const State *state, int need, int site)
{
	const UsomSourcingProblem *problem = state->work->problem;
	Size		index = (Size) need * problem->nsites + site;
	UsomReason	reason = USOM_REASON_NONE;

	if (state->served[index])
		return USOM_REASON_CHOSEN;
	if (problem->verdicts != NULL)
		reason = problem->verdicts[index];
	if (reason == USOM_REASON_NONE)
		reason = reason_of_stock(state->work, need, site);
	return reason != USOM_REASON_NONE ? reason : reason_of_plan(state, need, site);
}

static void
read_plan(State *state)
{
	const UsomSourcingProblem *problem = state->work->problem;
	Size		nsites = Max(problem->nsites, 1);

	state->taken = palloc0(sizeof(UsomQuantity) * Max(problem->nproducts, 1) * nsites);
	state->shipped = palloc0(sizeof(UsomQuantity) * nsites);
	state->got = palloc0(sizeof(UsomQuantity) * Max(problem->nneeds, 1));
	state->served = palloc0(sizeof(bool) * Max(problem->nneeds, 1) * nsites);
	for (int i = 0; i < state->plan->nparts; i++)
	{
		const UsomSourcingPart *part = &state->plan->parts[i];

		state->taken[(Size) problem->needs[part->need].product * nsites + part->site] += part->quantity;
		state->shipped[part->site] += part->quantity;
		state->got[part->need] += part->quantity;
		state->served[(Size) part->need * nsites + part->site] = true;
	}
}

uint8 *
usom_sourcing_reasons(const Work *work, const UsomSourcingPlan *plan)
{
	State		state = {.work = work, .plan = plan};
	uint8	   *reasons = palloc(sizeof(uint8) * Max(work->nneeds * (Size) work->nsites, 1));

	read_plan(&state);
	for (int need = 0; need < work->nneeds; need++)
		for (int site = 0; site < work->nsites; site++)
			reasons[(Size) need * work->nsites + site] = (uint8) reason_of(&state, need, site);
	pfree(state.taken);
	pfree(state.shipped);
	pfree(state.served);
	pfree(state.got);
	return reasons;
}
