/*
 * rent.c
 *		Rents of what is scarce: capacity of sites, stock that needs share.
 *
 *		Needs that take turns take what is best for each.  With a rent on what
 *		others want too, a need that has another way nearly as good leaves it
 *		to those that have none.  Rents only choose; no score contains them.
 *
 * Memory: CurrentMemoryContext; made once, then used again.
 */
#include "postgres.h"

#include "sourcing/work.h"

typedef struct Rents
{
	double	   *of_site;
	double	   *of_stock;		/* products by sites */
	UsomQuantity *asked_of_site;
	UsomQuantity *asked_of_stock;
	int			nshared;
	int		   *shared;			/* products that needs of a cluster share */
	double		spread;			/* what costs of a need differ by, on the average */
} Rents;

static double
spread_of(const Work *work, int need)
{
	int			count = work->first[need + 1] - work->first[need];

	return count == 0 ? 0 : work->candidates[work->first[need] + count / 2].cost - work->candidates[work->first[need]].cost;
}

static Rents *
make_rents(const Work *work)
{
	Rents	   *rents = palloc0(sizeof(Rents));
	int			nproducts = Max(work->problem->nproducts, 1);
	int		   *wanted = palloc0(sizeof(int) * nproducts);

	rents->of_site = palloc0(sizeof(double) * work->nsites);
	rents->of_stock = palloc0(sizeof(double) * nproducts * work->nsites);
	rents->asked_of_site = palloc(sizeof(UsomQuantity) * work->nsites);
	rents->asked_of_stock = palloc(sizeof(UsomQuantity) * nproducts * work->nsites);
	rents->shared = palloc(sizeof(int) * nproducts);
	for (int i = work->nalone; i < work->nneeds; i++)
	{
		int			product = work->problem->needs[work->sequence[i]].product;

		if (++wanted[product] == 2)
			rents->shared[rents->nshared++] = product;
		rents->spread += spread_of(work, work->sequence[i]) / (work->nneeds - work->nalone);
	}
	pfree(wanted);
	return rents;
}

static void
ask(Work *work, const bool *open)
{
	Rents	   *rents = work->rents;
	Score		ignored = {0};

	memset(rents->asked_of_site, 0, sizeof(UsomQuantity) * work->nsites);
	for (int i = 0; i < rents->nshared; i++)
		memset(&rents->asked_of_stock[(Size) rents->shared[i] * work->nsites], 0, sizeof(UsomQuantity) * work->nsites);
	for (int i = work->nalone; i < work->nneeds; i++)
	{
		work->spare.count = 0;
		usom_sourcing_fill_some(work, open, i, i + 1, &work->spare, &ignored);
		for (int k = 0; k < work->spare.count; k++)
		{
			const UsomSourcingPart *part = &work->spare.parts[k];

			rents->asked_of_site[part->site] += part->quantity;
			rents->asked_of_stock[(Size) work->problem->needs[part->need].product * work->nsites + part->site] += part->quantity;
		}
	}
	work->effort -= 8 * work->first[work->nneeds];
}

static void
adjust(double *rent, UsomQuantity asked, UsomQuantity limit, double step)
{
	double		more = (double) asked - (double) limit;

	if (more <= 0 && *rent == 0)
		return;
	*rent = Max(*rent + step * more / ((double) asked + (double) limit + 1), 0);
}

static void
sort_by_rent(Work *work, int need)
{
	int		   *order = &work->by_rent[work->first[need]];
	int			count = work->first[need + 1] - work->first[need];

	for (int i = 1; i < count; i++)
	{
		int			moved = order[i];
		int			at = i;

		for (; at > 0 && work->rented[order[at - 1]] > work->rented[moved]; at--)
			order[at] = order[at - 1];
		order[at] = moved;
	}
}

static void
charge(Work *work, bool priced)
{
	const Rents *rents = work->rents;

	for (int i = work->nalone; i < work->nneeds; i++)
	{
		int			need = work->sequence[i];
		Size		stock = (Size) work->problem->needs[need].product * work->nsites;

		for (int k = work->first[need]; k < work->first[need + 1]; k++)
		{
			const Candidate *candidate = &work->candidates[k];

			work->rented[k] = (priced ? candidate->price : candidate->cost) + rents->of_site[candidate->site] +
				rents->of_stock[stock + candidate->site];
		}
		sort_by_rent(work, need);
	}
}

#define STEP_FALL 0.92

static void
adjust_all(Work *work, const bool *open, double step)
{
	Rents	   *rents = work->rents;

	for (int site = 0; site < work->nsites; site++)
		if (open[site] && work->capacity[site] < PG_INT64_MAX)
			adjust(&rents->of_site[site], rents->asked_of_site[site], work->capacity[site], step);
	for (int i = 0; i < rents->nshared; i++)
		for (int site = 0; site < work->nsites; site++)
		{
			Size		stock = (Size) rents->shared[i] * work->nsites + site;

			if (open[site])
				adjust(&rents->of_stock[stock], rents->asked_of_stock[stock], work->stock_left[stock], step);
		}
}

void
usom_sourcing_adjust_rents(Work *work, const bool *open, double step, int rounds, bool priced)
{
	if (work->rents == NULL)
		work->rents = make_rents(work);
	step *= work->rents->spread;
	for (int round = 0; round < rounds; round++)
	{
		ask(work, open);
		adjust_all(work, open, step);
		charge(work, priced);
		step *= STEP_FALL;
	}
}

void
usom_sourcing_waive_rents(Work *work)
{
	for (int i = 0; i < work->first[work->nneeds]; i++)
	{
		work->rented[i] = work->candidates[i].cost;
		work->by_rent[i] = i;
	}
}
