/*
 * candidates.c
 *		From the problem to what the optimiser works on: which sites may serve
 *		which need at what cost, and which needs get in each other's way.
 *
 * Memory: all in CurrentMemoryContext, a fixed number of allocations.
 *
 * Invariant: whatever a need takes alone from candidates, none more than its
 * most, breaks neither stock nor capacity.  Needs of different clusters
 * cannot break them together either.
 */
#include "postgres.h"

#include <float.h>

#include "sourcing/work.h"

#define DAY 86400000000.0

double
usom_sourcing_lateness(const UsomSourcingNeed *need, const UsomSourcingSite *site)
{
	if (need->requested_at == PG_INT64_MIN || site->arrives_at <= need->requested_at)
		return 0;
	return need->late_cost * (((double) site->arrives_at - (double) need->requested_at) / DAY);
}

double
usom_sourcing_unit_cost(const UsomSourcingNeed *need, const UsomSourcingSite *site)
{
	return site->unit_cost + site->unit_penalty + site->freight_by_weight * need->weight + usom_sourcing_lateness(need, site);
}

double
usom_sourcing_shipment_cost(const UsomSourcingSite *site)
{
	return site->freight + site->handling + site->fixed + site->penalty;
}

/* Units of the product that may be taken there. */
static UsomQuantity
stock_of(const UsomSourcingProblem *problem, int product, int site)
{
	Size		index = (Size) product * problem->nsites + site;
	UsomQuantity kept = problem->protected_stock != NULL ? problem->protected_stock[index] : 0;

	return problem->stock[index] > kept ? problem->stock[index] - Max(kept, 0) : 0;
}

static int
compare_candidates(const void *a, const void *b)
{
	const Candidate *left = a;
	const Candidate *right = b;

	if (left->cost != right->cost)
		return left->cost < right->cost ? -1 : 1;
	return (left->site > right->site) - (left->site < right->site);
}

/* How much of the need the site can serve; 0: it is no candidate. */
static UsomQuantity
most_of(const Work *work, int need, int site)
{
	const UsomSourcingProblem *problem = work->problem;
	const UsomSourcingNeed *of = &problem->needs[need];
	UsomQuantity most;

	if (problem->verdicts != NULL && problem->verdicts[(Size) need * problem->nsites + site] != USOM_REASON_NONE)
		return 0;
	most = work->stock_left[(Size) of->product * problem->nsites + site];
	most = Min(most, of->quantity);
	most = Min(most, problem->sites[site].capacity);
	if (most < work->smallest[need] || (most < of->quantity && !of->partial && work->most_parts[need] == 1))
		return 0;
	return Max(most, 0);
}

static void
list_candidates(Work *work)
{
	int			count = 0;

	for (int need = 0; need < work->nneeds; need++)
	{
		Candidate  *begin = &work->candidates[count];

		work->first[need] = count;
		for (int site = 0; site < work->nsites; site++)
		{
			UsomQuantity most = most_of(work, need, site);

			if (most == 0)
				continue;
			work->candidates[count].site = site;
			work->candidates[count].most = most;
			work->candidates[count].cost =
				usom_sourcing_unit_cost(&work->problem->needs[need], &work->problem->sites[site]) / USOM_UNIT;
			work->candidates[count].price = work->candidates[count].cost;
			count++;
		}
		qsort(begin, &work->candidates[count] - begin, sizeof(Candidate), compare_candidates);
	}
	work->first[work->nneeds] = count;
	for (int i = 0; i < count; i++)
	{
		work->by_rent[i] = i;
		work->rented[i] = work->candidates[i].cost;
	}
	for (Size i = 0; i < (Size) work->nneeds * work->nsites; i++)
		work->cost_at[i] = DBL_MAX;
	for (int need = 0; need < work->nneeds; need++)
		for (int i = work->first[need]; i < work->first[need + 1]; i++)
			work->cost_at[(Size) need * work->nsites + work->candidates[i].site] = work->candidates[i].cost;
}

/* By most, largest first; few and often equal, so by insertion. */
static void
order_by_most(Work *work)
{
	for (int need = 0; need < work->nneeds; need++)
	{
		Candidate  *candidates = &work->candidates[work->first[need]];
		int		   *order = &work->by_most[work->first[need]];
		int			count = work->first[need + 1] - work->first[need];

		for (int i = 0; i < count; i++)
		{
			int			at = i;

			for (; at > 0 && candidates[order[at - 1]].most < candidates[i].most; at--)
				order[at] = order[at - 1];
			order[at] = i;
		}
	}
}

static int
root_of(int *parent, int need)
{
	while (parent[need] != need)
		need = parent[need] = parent[parent[need]];
	return need;
}

static void
join(int *parent, int a, int b)
{
	parent[root_of(parent, a)] = root_of(parent, b);
}

#define TOO_MUCH (-1)

/* What could be taken in sum; TOO_MUCH once that is more than there is. */
static void
add_wanted(UsomQuantity *wanted, UsomQuantity most, UsomQuantity room)
{
	if (*wanted != TOO_MUCH)
		*wanted = *wanted > room - most ? TOO_MUCH : *wanted + most;
}

/* last: the need met before among those who want too much; -1: none. */
static void
join_if_too_much(int *parent, const UsomQuantity *wanted, int *last, int need)
{
	if (*wanted != TOO_MUCH)
		return;
	if (*last >= 0)
		join(parent, need, *last);
	*last = need;
}

/*
 * A stock or a capacity that may not be enough for all who could take it
 * binds them together.  The first pass sums up, the second joins.  After the
 * stocks stand the capacities.
 */
static void
join_competitors(Work *work, int *parent)
{
	const UsomSourcingProblem *problem = work->problem;
	Size		nstocks = (Size) problem->nproducts * work->nsites;
	UsomQuantity *wanted = palloc0(sizeof(UsomQuantity) * (nstocks + work->nsites));
	int		   *last = palloc(sizeof(int) * (nstocks + work->nsites));

	memset(last, -1, sizeof(int) * (nstocks + work->nsites));
	for (int pass = 0; pass < 2; pass++)
		for (int need = 0; need < work->nneeds; need++)
			for (int i = work->first[need]; i < work->first[need + 1]; i++)
			{
				const Candidate *of = &work->candidates[i];
				Size		stock = (Size) problem->needs[need].product * work->nsites + of->site;
				Size		capacity = nstocks + of->site;

				if (pass == 0)
				{
					add_wanted(&wanted[stock], of->most, work->stock_left[stock]);
					add_wanted(&wanted[capacity], of->most, work->capacity[of->site]);
					continue;
				}
				join_if_too_much(parent, &wanted[stock], &last[stock], need);
				join_if_too_much(parent, &wanted[capacity], &last[capacity], need);
			}
}

/* Whose turn is first where needs compete: who has the fewest ways. */
typedef struct Turn
{
	int			root;
	int			ways;
	int			need;
} Turn;

static int
compare_turns(const void *a, const void *b)
{
	const Turn *left = a;
	const Turn *right = b;

	if (left->root != right->root)
		return left->root < right->root ? -1 : 1;
	if (left->ways != right->ways)
		return left->ways < right->ways ? -1 : 1;
	return (left->need > right->need) - (left->need < right->need);
}

static void
list_cluster(Work *work, const Turn *turns, int count)
{
	int			at = work->cluster[work->nclusters];

	for (int i = 0; i < count; i++)
	{
		work->competes[turns[i].need] = true;
		work->sequence[at++] = turns[i].need;
	}
	work->cluster[++work->nclusters] = at;
}

static void
list_clusters(Work *work, int *parent)
{
	Turn	   *turns = palloc(sizeof(Turn) * work->nneeds);
	int			end;

	for (int need = 0; need < work->nneeds; need++)
	{
		turns[need].root = root_of(parent, need);
		turns[need].ways = work->first[need + 1] - work->first[need];
		turns[need].need = need;
	}
	qsort(turns, work->nneeds, sizeof(Turn), compare_turns);
	for (int begin = 0; begin < work->nneeds; begin = end)
	{
		for (end = begin + 1; end < work->nneeds && turns[end].root == turns[begin].root;)
			end++;
		if (end == begin + 1)
			work->sequence[work->nalone++] = turns[begin].need;
	}
	work->cluster[0] = work->nalone;
	for (int begin = 0; begin < work->nneeds; begin = end)
	{
		for (end = begin + 1; end < work->nneeds && turns[end].root == turns[begin].root;)
			end++;
		if (end > begin + 1)
			list_cluster(work, &turns[begin], end - begin);
	}
}

/* A capacity that all needs together cannot fill is none. */
static void
list_capacities(Work *work)
{
	UsomQuantity *left = work->capacity;

	for (int site = 0; site < work->nsites; site++)
		left[site] = work->problem->sites[site].capacity;
	for (int need = 0; need < work->nneeds; need++)
		for (int i = work->first[need]; i < work->first[need + 1]; i++)
			if (left[work->candidates[i].site] >= 0 && left[work->candidates[i].site] < PG_INT64_MAX)
				left[work->candidates[i].site] -= work->candidates[i].most;
	for (int site = 0; site < work->nsites; site++)
	{
		left[site] = left[site] >= 0 ? PG_INT64_MAX : work->problem->sites[site].capacity;
		work->capacity_left[site] = left[site];
	}
}

static void
list_units(Work *work)
{
	for (int i = 0; i < work->nalone; i++)
		work->unit[work->nunits++] = i;
	for (int i = 0; i < work->nclusters; i++)
		work->unit[work->nunits++] = work->cluster[i];
	work->unit[work->nunits] = work->nneeds;
}

static void
find_competitors(Work *work)
{
	int		   *parent = palloc(sizeof(int) * work->nneeds);

	for (int need = 0; need < work->nneeds; need++)
		parent[need] = need;
	list_capacities(work);
	join_competitors(work, parent);
	list_clusters(work, parent);
	list_units(work);
}

static void
read_problem(Work *work)
{
	const UsomSourcingProblem *problem = work->problem;

	for (int site = 0; site < work->nsites; site++)
		work->shipment[site] = usom_sourcing_shipment_cost(&problem->sites[site]);
	for (int product = 0; product < problem->nproducts; product++)
		for (int site = 0; site < work->nsites; site++)
			work->stock_left[(Size) product * work->nsites + site] = stock_of(problem, product, site);
	for (int need = 0; need < work->nneeds; need++)
	{
		const UsomSourcingNeed *of = &problem->needs[need];

		work->smallest[need] = Max(Min(of->smallest, of->quantity), 1);
		work->most_parts[need] = of->most_parts > 0 ? Min(of->most_parts, work->nsites) : work->nsites;
	}
}

static void
allocate(Work *work)
{
	Size		needs = Max(work->nneeds, 1);
	Size		sites = Max(work->nsites, 1);

	work->smallest = palloc(sizeof(UsomQuantity) * needs);
	work->most_parts = palloc(sizeof(int) * needs);
	work->first = palloc(sizeof(int) * (needs + 1));
	work->candidates = palloc(sizeof(Candidate) * needs * sites);
	work->by_price = palloc(sizeof(int) * needs * sites);
	work->by_most = palloc(sizeof(int) * needs * sites);
	work->by_rent = palloc(sizeof(int) * needs * sites);
	work->rented = palloc(sizeof(double) * needs * sites);
	work->shipment = palloc(sizeof(double) * sites);
	work->competes = palloc0(sizeof(bool) * needs);
	work->sequence = palloc(sizeof(int) * needs);
	work->cluster = palloc(sizeof(int) * (needs + 1));
	work->capacity = palloc(sizeof(UsomQuantity) * sites);
	work->used = palloc0(sizeof(bool) * sites);
	work->stock_left = palloc(sizeof(UsomQuantity) * Max(work->problem->nproducts, 1) * sites);
	work->capacity_left = palloc(sizeof(UsomQuantity) * sites);
	work->filled_site = palloc(sizeof(int) * sites);
	work->filled = palloc(sizeof(UsomQuantity) * sites);
	work->booked.parts = palloc(sizeof(UsomSourcingPart) * needs * sites);
	work->choice_site = palloc(sizeof(int) * 3 * sites);
	work->choice_most = palloc(sizeof(UsomQuantity) * (2 * sites + 1));
	work->unit = palloc(sizeof(int) * (needs + 1));
	work->unit_score = palloc(sizeof(Score) * needs);
	work->unit_first = palloc(sizeof(int) * (needs + 1));
	work->base.parts = palloc(sizeof(UsomSourcingPart) * needs * sites);
	work->spare.parts = palloc(sizeof(UsomSourcingPart) * needs * sites);
	work->dearest = palloc(sizeof(double) * needs);
	work->cost_at = palloc(sizeof(double) * needs * sites);
	work->serves = palloc(sizeof(bool) * needs * sites);
	work->users = palloc(sizeof(int) * sites);
	work->users_now = palloc(sizeof(int) * sites);
	work->served = palloc(sizeof(UsomQuantity) * needs);
	work->scratch = palloc(sizeof(UsomQuantity) * Max((Size) work->problem->nproducts, sites));
	work->weight = palloc(sizeof(double) * sites);
	work->choice_cost = palloc(sizeof(double) * sites);
}

Work *
usom_sourcing_prepare(const UsomSourcingProblem *problem)
{
	Work	   *work = palloc0(sizeof(Work));

	work->problem = problem;
	work->nneeds = problem->nneeds;
	work->nsites = problem->nsites;
	work->most_shipments = problem->most_shipments > 0 ? problem->most_shipments : problem->nsites;
	work->small = work->nneeds <= SMALL_NEEDS && work->nsites <= SMALL_SITES;
	allocate(work);
	read_problem(work);
	list_candidates(work);
	order_by_most(work);
	find_competitors(work);
	return work;
}
