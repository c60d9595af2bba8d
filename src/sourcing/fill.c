/*
 * fill.c
 *		The best that a given set of open sites can do, need by need.
 *
 *		A need that does not compete is served exactly: from the cheapest site
 *		on, and where that breaks a limit of its parts, by trying the sets of
 *		sites that it may be cut over.  Needs that compete take turns, those
 *		with the fewest ways first; share.c does better.
 *
 * Memory: the scratch of the Work, and a little of CurrentMemoryContext where
 * sets are tried.
 *
 * Invariant: what is filled breaks no limit but the most shipments, which
 * the score counts as excess.
 */
#include "postgres.h"

#include "sourcing/work.h"

typedef struct Served
{
	UsomQuantity left;
	double		cost;
} Served;

/* Sets of sites that a need may be cut over, tried in depth. */
typedef struct Choice
{
	int			count;			/* sites that are open and have something */
	int		   *site;			/* cheapest first */
	UsomQuantity *most;
	double	   *cost;
	UsomQuantity *largest;		/* most of any site from here on */
	UsomQuantity quantity;
	UsomQuantity smallest;
	int			most_parts;
	bool		partial;
	int			steps;			/* that may still be taken */
	int			nchosen;
	int		   *chosen;
	Served		best;
	int			nbest;
	int		   *best_chosen;
} Choice;

#define STEPS 200

UsomQuantity
usom_sourcing_room_for(const Work *work, int need, const Candidate *candidate)
{
	const UsomSourcingProblem *problem = work->problem;
	UsomQuantity room = candidate->most;

	if (!work->competes[need])
		return room;
	room = Min(room, work->stock_left[(Size) problem->needs[need].product * work->nsites + candidate->site]);
	if (work->capacity[candidate->site] < PG_INT64_MAX)
		room = Min(room, work->capacity_left[candidate->site]);
	return room >= work->smallest[need] ? room : 0;
}

static void
put(Work *work, int site, UsomQuantity quantity)
{
	work->filled_site[work->nfilled] = site;
	work->filled[work->nfilled++] = quantity;
}

/* From the cheapest on; false if that breaks a limit of the parts. */
static bool
fill_cheapest(Work *work, const bool *open, int need, Served *served)
{
	const UsomSourcingNeed *of = &work->problem->needs[need];

	served->left = of->quantity;
	served->cost = 0;
	work->nfilled = 0;
	for (int i = work->first[need]; i < work->first[need + 1] && served->left > 0; i++)
	{
		const Candidate *candidate = &work->candidates[work->by_rent[i]];
		UsomQuantity taken;

		if (!open[candidate->site])
			continue;
		taken = Min(usom_sourcing_room_for(work, need, candidate), served->left);
		if (taken == 0)
			continue;
		if (taken < work->smallest[need] || work->nfilled == work->most_parts[need])
			return false;
		put(work, candidate->site, taken);
		served->left -= taken;
		served->cost += (double) taken * candidate->cost;
	}
	if (served->left > 0 && !of->partial)
	{
		served->left = of->quantity;
		served->cost = 0;
		work->nfilled = 0;
	}
	return true;
}

static void
list_choice(const Work *work, const bool *open, int need, Choice *choice)
{
	const UsomSourcingNeed *of = &work->problem->needs[need];

	choice->site = work->choice_site;
	choice->chosen = work->choice_site + work->nsites;
	choice->best_chosen = work->choice_site + 2 * work->nsites;
	choice->most = work->choice_most;
	choice->largest = work->choice_most + work->nsites;
	choice->cost = work->choice_cost;
	for (int i = work->first[need]; i < work->first[need + 1]; i++)
	{
		const Candidate *candidate = &work->candidates[work->by_rent[i]];
		UsomQuantity room = open[candidate->site] ? usom_sourcing_room_for(work, need, candidate) : 0;

		if (room == 0)
			continue;
		choice->site[choice->count] = candidate->site;
		choice->most[choice->count] = room;
		choice->cost[choice->count++] = work->rented[work->by_rent[i]];
	}
	choice->largest[choice->count] = 0;
	for (int i = choice->count - 1; i >= 0; i--)
		choice->largest[i] = Max(choice->most[i], choice->largest[i + 1]);
	choice->quantity = of->quantity;
	choice->smallest = work->smallest[need];
	choice->most_parts = work->most_parts[need];
	choice->partial = of->partial;
	choice->best.left = of->quantity;
}

static bool
serves_better(Served a, Served b)
{
	return a.left != b.left ? a.left < b.left : a.cost < b.cost - NOISE * (1 + b.cost);
}

/* Exactly the chosen sites: each its smallest part, the rest from the cheapest on. */
static Served
serve_chosen(const Choice *choice)
{
	Served		served = {choice->quantity - choice->nchosen * choice->smallest, 0};

	for (int i = 0; i < choice->nchosen; i++)
	{
		int			at = choice->chosen[i];
		UsomQuantity more = Min(choice->most[at] - choice->smallest, served.left);

		served.left -= more;
		served.cost += (double) (choice->smallest + more) * choice->cost[at];
	}
	return served;
}

/* Units that any set with the chosen sites and some from index on can serve at most. */
static UsomQuantity
most_served(const Choice *choice, int index)
{
	int			parts = Min(choice->most_parts - choice->nchosen, choice->count - index);
	UsomQuantity sum = 0;

	for (int i = 0; i < choice->nchosen && sum < choice->quantity; i++)
		sum += Min(choice->most[choice->chosen[i]], choice->quantity - sum);
	for (int i = 0; i < parts && sum < choice->quantity; i++)
		sum += Min(choice->largest[index], choice->quantity - sum);
	return sum;
}

/*
 * Can a set with the chosen sites and some from index on be better?  Its cost
 * is at least that of taking what it serves at most from all of them,
 * cheapest first (so they stand), without any limit.
 */
static bool
can_improve(const Choice *choice, int index)
{
	UsomQuantity left = most_served(choice, index);
	Served		bound = {choice->quantity - left, 0};

	if (bound.left > 0 && !choice->partial)
		return false;
	for (int i = 0; i < choice->nchosen + choice->count - index && left > 0; i++)
	{
		int			at = i < choice->nchosen ? choice->chosen[i] : index + i - choice->nchosen;
		UsomQuantity taken = Min(choice->most[at], left);

		left -= taken;
		bound.cost += (double) taken * choice->cost[at];
	}
	return serves_better((Served) {bound.left + left, bound.cost}, choice->best);
}

static void
keep_if_better(Choice *choice)
{
	Served		served;

	if (choice->nchosen == 0 || choice->smallest > choice->quantity / choice->nchosen)
		return;
	served = serve_chosen(choice);
	if ((served.left > 0 && !choice->partial) || !serves_better(served, choice->best))
		return;
	choice->best = served;
	choice->nbest = choice->nchosen;
	memcpy(choice->best_chosen, choice->chosen, sizeof(int) * choice->nchosen);
}

static void
try_choices(Choice *choice, int index)
{
	if (choice->steps-- <= 0)
		return;
	keep_if_better(choice);
	if (choice->nchosen == choice->most_parts || index == choice->count || !can_improve(choice, index))
		return;
	choice->chosen[choice->nchosen++] = index;
	try_choices(choice, index + 1);
	choice->nchosen--;
	if (index + 1 < choice->count && can_improve(choice, index + 1))
		try_choices(choice, index + 1);
}

static void
put_choice(Work *work, const Choice *choice)
{
	UsomQuantity left = choice->quantity - choice->nbest * choice->smallest;

	work->nfilled = 0;
	for (int i = 0; i < choice->nbest; i++)
	{
		int			at = choice->best_chosen[i];
		UsomQuantity more = Min(choice->most[at] - choice->smallest, left);

		left -= more;
		put(work, choice->site[at], choice->smallest + more);
	}
}

/* Rents only choose. */
static double
cost_of_filled(const Work *work, int need)
{
	double		cost = 0;

	for (int i = 0; i < work->nfilled; i++)
		cost += (double) work->filled[i] * work->cost_at[(Size) need * work->nsites + work->filled_site[i]];
	return cost;
}

static Served
fill_need(Work *work, const bool *open, int need)
{
	Served		served;
	Choice		choice = {.steps = work->small ? PG_INT32_MAX : STEPS};

	work->chose = !fill_cheapest(work, open, need, &served);
	if (!work->chose)
		return served;
	list_choice(work, open, need, &choice);
	try_choices(&choice, 0);
	if (choice.steps <= 0)
		work->gave_up = true;
	work->effort -= 50 * (work->small ? 1 : STEPS - choice.steps);
	put_choice(work, &choice);
	choice.best.cost = cost_of_filled(work, need);
	return choice.best;
}

void
usom_sourcing_fill_need(Work *work, const bool *open, int need, UsomQuantity *left, double *cost)
{
	Served		served = fill_need(work, open, need);

	*left = served.left;
	*cost = served.cost;
}

/* Book what was filled for the need. */
static void
book(Work *work, int need, Parts *parts, Score *score)
{
	for (int i = 0; i < work->nfilled; i++)
	{
		UsomSourcingPart part = {need, work->filled_site[i], work->filled[i]};

		if (work->competes[need])
		{
			work->stock_left[(Size) work->problem->needs[need].product * work->nsites + part.site] -= part.quantity;
			work->capacity_left[part.site] -= part.quantity;
			work->booked.parts[work->booked.count++] = part;
		}
		parts->parts[parts->count++] = part;
		usom_sourcing_use(work, part.site, score);
	}
}

/* What competing needs took is given back. */
static void
unbook(Work *work)
{
	for (int i = 0; i < work->booked.count; i++)
	{
		const UsomSourcingPart *part = &work->booked.parts[i];

		work->stock_left[(Size) work->problem->needs[part->need].product * work->nsites + part->site] += part->quantity;
		work->capacity_left[part->site] += part->quantity;
	}
	work->booked.count = 0;
}

void
usom_sourcing_use(Work *work, int site, Score *score)
{
	if (work->used[site])
		return;
	work->used[site] = true;
	work->nused++;
	score->cost += work->shipment[site];
	score->excess = Max(work->nused - work->most_shipments, 0);
}

/* Needs from begin to before end of the sequence, in turn. */
void
usom_sourcing_fill_some(Work *work, const bool *open, int begin, int end, Parts *parts, Score *score)
{
	for (int i = begin; i < end; i++)
	{
		Served		served = fill_need(work, open, work->sequence[i]);

		score->unserved += served.left;
		score->cost += served.cost;
		book(work, work->sequence[i], parts, score);
	}
	unbook(work);
}

Score
usom_sourcing_fill(Work *work, const bool *open, Parts *parts)
{
	Score		score = {0};

	memset(work->used, 0, sizeof(bool) * work->nsites);
	work->nused = 0;
	parts->count = 0;
	usom_sourcing_fill_some(work, open, 0, work->nneeds, parts, &score);
	return score;
}
