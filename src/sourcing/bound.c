/*
 * bound.c
 *		What no set of sites can beat.
 *
 *		Two bounds, both by giving up that needs share sites.  Units: a need
 *		gets at most what the sites that are left have, in the parts it may be
 *		cut into; with few shipments left, at most the gains of those that
 *		gain most.  Cost: what a shipment costs is dealt out among the needs
 *		beforehand, so that no site asks more in sum than it costs; then each
 *		need takes what it wants from the cheapest on.
 *
 *		The dealing out is a dual ascent: needs raise what they would pay in
 *		turn, until every site that could serve them is paid for.
 *
 * Invariant: the cost is a bound of plans that serve as much as the bound of
 * units allows; of others nothing is said.
 */
#include "postgres.h"

#include <float.h>

#include "sourcing/work.h"

#define ROUNDS 40

/* Candidates of the need by price, which is nearly so already. */
static void
sort_by_price(Work *work, int need)
{
	const Candidate *candidates = &work->candidates[work->first[need]];
	int		   *order = &work->by_price[work->first[need]];
	int			count = work->first[need + 1] - work->first[need];

	for (int i = 1; i < count; i++)
	{
		int			moved = order[i];
		int			at = i;

		for (; at > 0 && candidates[order[at - 1]].price > candidates[moved].price; at--)
			order[at] = order[at - 1];
		order[at] = moved;
	}
}

/* What a part of the need must have at least, so that it is served as far as it can be. */
static UsomQuantity
least_part(const Work *work, int need, UsomQuantity served)
{
	return work->most_parts[need] == 1 ? served : 1;
}

/* Of what all its candidates have, as far as the need can take it. */
static UsomQuantity
most_served(const Work *work, const uint8 *status, int need)
{
	const UsomSourcingNeed *of = &work->problem->needs[need];
	const Candidate *candidates = &work->candidates[work->first[need]];
	const int  *order = &work->by_most[work->first[need]];
	int			count = work->first[need + 1] - work->first[need];
	int			parts = work->most_parts[need];
	UsomQuantity left = of->quantity;

	for (int i = 0; i < count && parts > 0 && left > 0; i++)
	{
		if (status != NULL && status[candidates[order[i]].site] == SITE_CLOSED)
			continue;
		left -= Min(candidates[order[i]].most, left);
		parts--;
	}
	return left > 0 && !of->partial ? 0 : of->quantity - left;
}

/*
 * The price up to which the need would pay next: that of the first candidate
 * it does not take all of, or if it is there already, of the next dearer one.
 * Negative: it takes all there is and would pay any price.
 */
static double
next_price(const Work *work, int need)
{
	const Candidate *candidates = &work->candidates[work->first[need]];
	const int  *order = &work->by_price[work->first[need]];
	int			count = work->first[need + 1] - work->first[need];
	UsomQuantity left = most_served(work, NULL, need);
	UsomQuantity least = least_part(work, need, left);
	double		paid = -1;

	for (int i = 0; i < count; i++)
	{
		const Candidate *candidate = &candidates[order[i]];

		if (candidate->most < least)
			continue;
		if (left > candidate->most)
			left -= candidate->most;
		else if (left > 0)
		{
			left = 0;
			paid = candidate->price;
		}
		else if (candidate->price > paid * (1 + 1e-9))
			return candidate->price;
	}
	return -1;
}

/* Pay up to the price where the shipment is not paid for yet; did that help? */
static bool
raise_to(Work *work, int need, double price, double *unpaid)
{
	UsomQuantity least = least_part(work, need, most_served(work, NULL, need));
	bool		raised = false;

	for (int i = work->first[need]; i < work->first[need + 1]; i++)
	{
		Candidate  *candidate = &work->candidates[i];
		double		more;

		if (candidate->price >= price || unpaid[candidate->site] <= 0 || candidate->most < least)
			continue;
		more = Min((price - candidate->price) * (double) candidate->most, unpaid[candidate->site]);
		unpaid[candidate->site] -= more;
		candidate->price += more / (double) candidate->most;
		raised = true;
	}
	if (raised)
		sort_by_price(work, need);
	return raised;
}

/* Those who take all there is pay what is left. */
static void
pay_the_rest(Work *work, double *unpaid)
{
	for (int need = 0; need < work->nneeds; need++)
		if (next_price(work, need) < 0)
			raise_to(work, need, DBL_MAX, unpaid);
}

void
usom_sourcing_set_prices(Work *work)
{
	double	   *unpaid = palloc(sizeof(double) * Max(work->nsites, 1));
	bool		raised = true;

	memcpy(unpaid, work->shipment, sizeof(double) * work->nsites);
	for (int need = 0; need < work->nneeds; need++)
		for (int i = work->first[need]; i < work->first[need + 1]; i++)
			work->by_price[i] = i - work->first[need];	/* by cost, as they stand */
	for (int round = 0; round < ROUNDS && raised; round++)
	{
		raised = false;
		for (int need = 0; need < work->nneeds; need++)
		{
			double		price = next_price(work, need);

			if (price >= 0)
				raised |= raise_to(work, need, price, unpaid);
		}
	}
	pay_the_rest(work, unpaid);
	pfree(unpaid);
}

/* What of the need's units no plan can serve whose sites are not closed. */
static UsomQuantity
bound_units(const Work *work, const uint8 *status, UsomQuantity *served)
{
	UsomQuantity unserved = 0;

	for (int need = 0; need < work->nneeds; need++)
	{
		served[need] = most_served(work, status, need);
		unserved += work->problem->needs[need].quantity - served[need];
	}
	return unserved;
}

/* Needs of one product that take turns get no more than there is of it. */
static UsomQuantity
bound_products(const Work *work, const uint8 *status, const UsomQuantity *served, UsomQuantity *wanted)
{
	const UsomSourcingProblem *problem = work->problem;
	UsomQuantity unserved = 0;

	memset(wanted, 0, sizeof(UsomQuantity) * problem->nproducts);
	for (int i = work->nalone; i < work->nneeds; i++)
		wanted[problem->needs[work->sequence[i]].product] += served[work->sequence[i]];
	for (int product = 0; product < problem->nproducts; product++)
	{
		const UsomQuantity *stock = &work->stock_left[(Size) product * work->nsites];
		UsomQuantity left = wanted[product];

		for (int site = 0; site < work->nsites && left > 0; site++)
			if (status[site] != SITE_CLOSED)
				left -= Min(stock[site], left);
		unserved += left;
	}
	return unserved;
}

static int
compare_gains(const void *a, const void *b)
{
	UsomQuantity left = *(const UsomQuantity *) a;
	UsomQuantity right = *(const UsomQuantity *) b;

	return (left < right) - (left > right);
}

/* With so many shipments left, no more than the largest gains of undecided sites can be added. */
static UsomQuantity
bound_shipments(const Work *work, const uint8 *status, int left, UsomQuantity *gain)
{
	UsomQuantity unserved = 0;

	memset(gain, 0, sizeof(UsomQuantity) * work->nsites);
	for (int need = 0; need < work->nneeds; need++)
	{
		UsomQuantity rest = work->problem->needs[need].quantity;

		for (int i = work->first[need]; i < work->first[need + 1]; i++)
			if (status[work->candidates[i].site] == SITE_OPEN)
				rest -= Min(work->candidates[i].most, rest);
		for (int i = work->first[need]; i < work->first[need + 1]; i++)
			if (status[work->candidates[i].site] == SITE_UNDECIDED)
				gain[work->candidates[i].site] += Min(work->candidates[i].most, rest);
		unserved += rest;
	}
	qsort(gain, work->nsites, sizeof(UsomQuantity), compare_gains);
	for (int i = 0; i < left && i < work->nsites; i++)
		unserved -= Min(gain[i], unserved);
	return unserved;
}

/* The cheaper of the next open candidate by cost and the next undecided one by price; -1: none. */
static int
next_candidate(const Work *work, const uint8 *status, int need, UsomQuantity least, int *by_cost, int *by_price)
{
	const Candidate *candidates = &work->candidates[work->first[need]];
	const int  *order = &work->by_price[work->first[need]];
	int			count = work->first[need + 1] - work->first[need];

	while (*by_cost < count &&
		   (status[candidates[*by_cost].site] != SITE_OPEN || candidates[*by_cost].most < least))
		(*by_cost)++;
	while (*by_price < count && (status[candidates[order[*by_price]].site] != SITE_UNDECIDED ||
								 candidates[order[*by_price]].most < least))
		(*by_price)++;
	if (*by_price < count &&
		(*by_cost == count || candidates[order[*by_price]].price < candidates[*by_cost].cost))
		return order[(*by_price)++];
	return *by_cost < count ? (*by_cost)++ : -1;
}

/*
 * The least cost of serving so much of the need; adds to weight what
 * undecided sites get of it, and raises dearest to what a unit costs.
 */
static double
bound_cost(const Work *work, const uint8 *status, int need, UsomQuantity left, UsomQuantity least,
		   double *weight, double *dearest)
{
	int			by_cost = 0;
	int			by_price = 0;
	double		cost = 0;

	while (left > 0)
	{
		int			next = next_candidate(work, status, need, least, &by_cost, &by_price);
		const Candidate *candidate = &work->candidates[work->first[need] + next];
		UsomQuantity taken;

		if (next < 0)
			break;
		taken = Min(candidate->most, left);
		left -= taken;
		*dearest = Max(*dearest, status[candidate->site] == SITE_OPEN ? candidate->cost : candidate->price);
		if (status[candidate->site] == SITE_OPEN)
			cost += (double) taken * candidate->cost;
		else
		{
			cost += (double) taken * candidate->price;
			weight[candidate->site] += (double) taken * (candidate->price - candidate->cost) + 1e-9;
		}
	}
	return cost;
}

static int
heaviest(const Work *work, const double *weight)
{
	int			site = -1;

	for (int i = 0; i < work->nsites; i++)
		if (weight[i] > 0 && (site < 0 || weight[i] > weight[site]))
			site = i;
	return site;
}

/* Units that stay unserved for other reasons than each need's own. */
static UsomQuantity
bound_together(const Work *work, const uint8 *status, int nopen, UsomQuantity unserved)
{
	UsomQuantity more = 0;

	if (work->nclusters > 0)
		more = bound_products(work, status, work->served, work->scratch);
	if (work->most_shipments < work->nsites)
		more = Max(more, bound_shipments(work, status, work->most_shipments - nopen, work->scratch) - unserved);
	return more;
}

/*
 * Where needs together cannot have what each could alone, it is open which of
 * them goes without: then the dearest units are taken off the cost, which
 * they are at most, since the cost is convex (but for needs that may not be
 * cut: those count as if they might).
 */
Score
usom_sourcing_bound(Work *work, const uint8 *status, int *site)
{
	Score		bound = {0};
	UsomQuantity more;
	double		opened = 0;
	double		dearest = 0;
	int			nopen = 0;

	work->effort -= 200 + 10 * work->first[work->nneeds];
	for (int i = 0; i < work->nsites; i++)
		if (status[i] == SITE_OPEN)
		{
			opened += work->shipment[i];
			nopen++;
		}
	memset(work->weight, 0, sizeof(double) * work->nsites);
	bound.unserved = bound_units(work, status, work->served);
	more = bound_together(work, status, nopen, bound.unserved);
	for (int need = 0; need < work->nneeds; need++)
		bound.cost += bound_cost(work, status, need, work->served[need],
								 more > 0 ? 1 : least_part(work, need, work->served[need]), work->weight, &dearest);
	*site = heaviest(work, work->weight);
	bound.unserved += more;
	bound.cost = opened + Max(bound.cost - (double) more * dearest, 0);
	return bound;
}
