/*
 * greedy.c
 *		The plan of a clerk who does not look ahead: line by line, each from
 *		the site that is cheapest a unit, its shipment included if it has none
 *		yet.
 *
 *		It is where the search begins, and no plan is worse.
 *
 * Memory: the result in CurrentMemoryContext.
 */
#include "postgres.h"

#include "sourcing/work.h"

typedef struct Clerk
{
	Work	   *work;
	Parts	   *parts;
	bool	   *used;			/* by site */
	bool	   *tried;			/* by site, for the need at hand */
	int			nused;
	Score		score;
} Clerk;

static UsomQuantity
take_at_most(const Clerk *clerk, int need, const Candidate *candidate, UsomQuantity left)
{
	const Work *work = clerk->work;
	UsomQuantity taken;

	if (clerk->tried[candidate->site] || (!clerk->used[candidate->site] && clerk->nused == work->most_shipments))
		return 0;
	taken = Min(usom_sourcing_room_for(work, need, candidate), left);
	return taken >= work->smallest[need] ? taken : 0;
}

/* The cheapest way to go on with the need; NULL: none. */
static const Candidate *
find_cheapest(const Clerk *clerk, int need, UsomQuantity left)
{
	const Work *work = clerk->work;
	const Candidate *cheapest = NULL;
	double		least = 0;

	for (int i = work->first[need]; i < work->first[need + 1]; i++)
	{
		const Candidate *candidate = &work->candidates[i];
		UsomQuantity taken = take_at_most(clerk, need, candidate, left);
		double		cost = candidate->cost;

		if (taken == 0)
			continue;
		if (!clerk->used[candidate->site])
			cost += work->shipment[candidate->site] / (double) taken;
		if (cheapest == NULL || cost < least)
		{
			cheapest = candidate;
			least = cost;
		}
	}
	return cheapest;
}

static void
move_stock(Work *work, const UsomSourcingPart *part, int sign)
{
	if (!work->competes[part->need])
		return;
	work->stock_left[(Size) work->problem->needs[part->need].product * work->nsites + part->site] -= sign * part->quantity;
	work->capacity_left[part->site] -= sign * part->quantity;
}

/* Parts from one on are given back, and their sites are not used if none before them uses these. */
static void
drop_parts(Clerk *clerk, int from)
{
	Parts	   *parts = clerk->parts;

	for (int i = from; i < parts->count; i++)
	{
		int			site = parts->parts[i].site;

		move_stock(clerk->work, &parts->parts[i], -1);
		clerk->used[site] = false;
		clerk->nused--;
		for (int k = 0; k < from && !clerk->used[site]; k++)
			clerk->used[site] = parts->parts[k].site == site;
		clerk->nused += clerk->used[site];
	}
	parts->count = from;
}

static void
serve(Clerk *clerk, int need)
{
	Work	   *work = clerk->work;
	UsomQuantity left = work->problem->needs[need].quantity;
	int			from = clerk->parts->count;
	const Candidate *next;

	memset(clerk->tried, 0, sizeof(bool) * work->nsites);
	while (left > 0 && clerk->parts->count - from < work->most_parts[need] &&
		   (next = find_cheapest(clerk, need, left)) != NULL)
	{
		UsomSourcingPart part = {need, next->site, take_at_most(clerk, need, next, left)};

		left -= part.quantity;
		clerk->nused += !clerk->used[next->site];
		clerk->used[next->site] = clerk->tried[next->site] = true;
		move_stock(work, &part, 1);
		clerk->parts->parts[clerk->parts->count++] = part;
	}
	if (left == 0 || work->problem->needs[need].partial)
		return;
	drop_parts(clerk, from);
}

static void
sum_up(Clerk *clerk)
{
	const Work *work = clerk->work;

	for (int need = 0; need < work->nneeds; need++)
		clerk->score.unserved += work->problem->needs[need].quantity;
	for (int i = 0; i < clerk->parts->count; i++)
	{
		const UsomSourcingPart *part = &clerk->parts->parts[i];

		clerk->score.unserved -= part->quantity;
		clerk->score.cost += (double) part->quantity * work->cost_at[(Size) part->need * work->nsites + part->site];
	}
	for (int site = 0; site < work->nsites; site++)
		clerk->score.cost += clerk->used[site] ? work->shipment[site] : 0;
}

Score
usom_sourcing_be_greedy(Work *work, Parts *parts, bool *used)
{
	Clerk		clerk = {.work = work, .parts = parts, .used = used};

	clerk.tried = palloc(sizeof(bool) * Max(work->nsites, 1));
	memset(used, 0, sizeof(bool) * work->nsites);
	parts->count = 0;
	for (int need = 0; need < work->nneeds; need++)
		serve(&clerk, need);
	sum_up(&clerk);
	for (int i = 0; i < parts->count; i++)
		move_stock(work, &parts->parts[i], -1);
	pfree(clerk.tried);
	return clerk.score;
}
