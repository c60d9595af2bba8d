/*
 * batch.c
 *		Orders planned one by one, then improved together.
 *
 * Memory: CurrentMemoryContext.
 *
 * Invariants: after each change the classes' unserved units and the cost are
 * lexicographically less than before; an order never loses units to one of a
 * lower class.
 */
#include "postgres.h"

#include "sourcing/batch.h"

#include "miscadmin.h"

typedef struct Search
{
	const UsomBatch *batch;
	UsomBatchOutcome *outcomes;
	bool	   *is_stale;		/* by order: others have changed since it was planned */
	int			plans_left;
} Search;

/* An order looks at so many before it. */
#define LOOK_BACK 64

/* Noise of addition decides nothing. */
#define NOISE 1e-9

static bool
costs_less(double a, double b)
{
	return a < b - NOISE * (1 + b);
}

static UsomBatchOutcome
plan(Search *search, int order)
{
	search->plans_left--;
	return search->batch->plan(search->batch->state, order);
}

/* All others may have other ways now. */
static void
note_change(Search *search)
{
	for (int i = 0; i < search->batch->norders; i++)
		search->is_stale[i] = true;
}

/* Against what the others leave. */
static bool
try_alone(Search *search, int order)
{
	const UsomBatch *batch = search->batch;
	UsomBatchOutcome before = search->outcomes[order];
	void	   *held = batch->hold(batch->state, order);
	UsomBatchOutcome now = plan(search, order);

	search->is_stale[order] = false;
	if (now.unserved < before.unserved || (now.unserved == before.unserved && costs_less(now.cost, before.cost)))
	{
		search->outcomes[order] = now;
		note_change(search);
		return true;
	}
	batch->hold(batch->state, order);
	batch->put(batch->state, order, held);
	return false;
}

/* Is it better for the two, and for the first no loss to a lower class? */
static bool
are_better(const Search *search, int first, int second, UsomBatchOutcome now_first, UsomBatchOutcome now_second)
{
	UsomBatchOutcome was_first = search->outcomes[first];
	UsomBatchOutcome was_second = search->outcomes[second];
	UsomQuantity was = was_first.unserved + was_second.unserved;
	UsomQuantity now = now_first.unserved + now_second.unserved;

	if (search->batch->classes[first] != search->batch->classes[second])
	{
		if (now_first.unserved != was_first.unserved)
			return now_first.unserved < was_first.unserved;
		if (now_second.unserved != was_second.unserved)
			return now_second.unserved < was_second.unserved;
	}
	else if (now != was)
		return now < was;
	return costs_less(now_first.cost + now_second.cost, was_first.cost + was_second.cost);
}

/* The later one first. */
static bool
try_pair(Search *search, int first, int second)
{
	const UsomBatch *batch = search->batch;
	void	   *held_first = batch->hold(batch->state, first);
	void	   *held_second = batch->hold(batch->state, second);
	UsomBatchOutcome now_second = plan(search, second);
	UsomBatchOutcome now_first = plan(search, first);

	if (are_better(search, first, second, now_first, now_second))
	{
		search->outcomes[first] = now_first;
		search->outcomes[second] = now_second;
		note_change(search);
		return true;
	}
	batch->hold(batch->state, first);
	batch->hold(batch->state, second);
	batch->put(batch->state, first, held_first);
	batch->put(batch->state, second, held_second);
	return false;
}

static bool
improve_alone(Search *search)
{
	bool		improved = false;

	for (int order = 0; order < search->batch->norders && search->plans_left > 0; order++)
		if (search->is_stale[order])
			improved |= try_alone(search, order);
	return improved;
}

static bool
improve_pairs(Search *search)
{
	const UsomBatch *batch = search->batch;
	bool		improved = false;

	for (int second = 1; second < batch->norders; second++)
		for (int first = second - 1; first >= Max(second - LOOK_BACK, 0) && search->plans_left > 1; first--)
		{
			CHECK_FOR_INTERRUPTS();
			if (batch->is_missed(batch->state, first, second))
				improved |= try_pair(search, first, second);
		}
	return improved;
}

UsomBatchOutcome *
usom_sourcing_plan_batch(const UsomBatch *batch)
{
	Search		search = {.batch = batch, .plans_left = batch->most_plans};

	search.outcomes = palloc(sizeof(UsomBatchOutcome) * Max(batch->norders, 1));
	search.is_stale = palloc0(sizeof(bool) * Max(batch->norders, 1));
	for (int order = 0; order < batch->norders; order++)
		search.outcomes[order] = batch->plan(batch->state, order);
	while (search.plans_left > 1 && (improve_alone(&search) || improve_pairs(&search)))
		CHECK_FOR_INTERRUPTS();
	pfree(search.is_stale);
	return search.outcomes;
}

/* ---- problems over shared stock ---- */

typedef struct Shared
{
	const UsomBatchProblem *problem;
	UsomSourcingPlan **plans;
	UsomQuantity *stock;		/* products by sites: left */
	UsomQuantity *capacity;		/* by site: left */
} Shared;

static UsomQuantity *
stock_at(const Shared *shared, int order, const UsomSourcingPart *part)
{
	const UsomBatchOrder *of = &shared->problem->orders[order];
	int			product = of->products[of->problem.needs[part->need].product];

	return &shared->stock[(Size) product * shared->problem->nsites + part->site];
}

/* Take what the order has, or give it back (sign -1). */
static void
move_stock(const Shared *shared, int order, int sign)
{
	const UsomSourcingPlan *of = shared->plans[order];

	for (int i = 0; i < of->nparts; i++)
	{
		*stock_at(shared, order, &of->parts[i]) -= sign * of->parts[i].quantity;
		if (shared->capacity[of->parts[i].site] < PG_INT64_MAX)
			shared->capacity[of->parts[i].site] -= sign * of->parts[i].quantity;
	}
}

static UsomBatchOutcome
plan_order(void *state, int order)
{
	Shared	   *shared = state;
	const UsomBatchOrder *of = &shared->problem->orders[order];
	int			nsites = shared->problem->nsites;
	UsomSourcingProblem problem = of->problem;
	UsomQuantity *stock = palloc(sizeof(UsomQuantity) * Max((Size) problem.nproducts * nsites, 1));
	UsomSourcingSite *sites = palloc(sizeof(UsomSourcingSite) * Max(nsites, 1));

	for (int product = 0; product < problem.nproducts; product++)
		memcpy(&stock[(Size) product * nsites], &shared->stock[(Size) of->products[product] * nsites],
			   sizeof(UsomQuantity) * nsites);
	for (int site = 0; site < nsites; site++)
	{
		sites[site] = of->problem.sites[site];
		sites[site].capacity = Min(sites[site].capacity, shared->capacity[site]);
	}
	problem.stock = stock;
	problem.sites = sites;
	shared->plans[order] = usom_sourcing_optimise(&problem, false);
	move_stock(shared, order, 1);
	return (UsomBatchOutcome) {shared->plans[order]->unserved, shared->plans[order]->total};
}

static void *
hold_order(void *state, int order)
{
	Shared	   *shared = state;

	move_stock(shared, order, -1);
	return shared->plans[order];
}

static void
put_order(void *state, int order, void *held)
{
	Shared	   *shared = state;

	shared->plans[order] = held;
	move_stock(shared, order, 1);
}

/* Units that the order wants of a product of the batch. */
static UsomQuantity
wanted_of(const UsomBatchOrder *order, int product)
{
	UsomQuantity sum = 0;

	for (int need = 0; need < order->problem.nneeds; need++)
		if (order->products[order->problem.needs[need].product] == product)
			sum += order->problem.needs[need].quantity;
	return sum;
}

/* The first has what there is too little left of for the second. */
static bool
is_missed(void *state, int first, int second)
{
	const Shared *shared = state;
	const UsomBatchOrder *of = &shared->problem->orders[first];
	const UsomBatchOrder *other = &shared->problem->orders[second];

	for (int i = 0; i < shared->plans[first]->nparts; i++)
	{
		const UsomSourcingPart *part = &shared->plans[first]->parts[i];
		UsomQuantity wanted = wanted_of(other, of->products[of->problem.needs[part->need].product]);

		if (wanted > *stock_at(shared, first, part))
			return true;
		for (int need = 0; need < other->problem.nneeds && shared->capacity[part->site] < PG_INT64_MAX; need++)
			if (other->problem.needs[need].quantity > shared->capacity[part->site])
				return true;
	}
	return false;
}

static int *
list_classes(const UsomBatchProblem *problem)
{
	int		   *classes = palloc(sizeof(int) * Max(problem->norders, 1));

	for (int order = 0; order < problem->norders; order++)
		classes[order] = problem->orders[order].class;
	return classes;
}

UsomSourcingPlan **
usom_sourcing_optimise_batch(const UsomBatchProblem *problem)
{
	Size		cells = (Size) problem->nproducts * problem->nsites;
	Shared		shared = {
		.problem = problem,
		.plans = palloc0(sizeof(UsomSourcingPlan *) * Max(problem->norders, 1)),
		.stock = palloc(sizeof(UsomQuantity) * Max(cells, 1)),
		.capacity = palloc(sizeof(UsomQuantity) * Max(problem->nsites, 1)),
	};
	UsomBatch	batch = {
		.norders = problem->norders, .classes = list_classes(problem), .most_plans = problem->most_plans,
		.state = &shared, .plan = plan_order, .hold = hold_order, .put = put_order, .is_missed = is_missed,
	};

	memcpy(shared.stock, problem->stock, sizeof(UsomQuantity) * cells);
	for (int site = 0; site < problem->nsites; site++)
		shared.capacity[site] = problem->capacity != NULL ? problem->capacity[site] : PG_INT64_MAX;
	usom_sourcing_plan_batch(&batch);
	return shared.plans;
}
