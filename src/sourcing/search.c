/*
 * search.c
 *		A good set of sites, fast.
 *
 *		Three sets to begin with: the one that is given (greedy.c), sites added
 *		one by one to none, sites taken away one by one from all.
 *		The best of them is improved by opening, closing and exchanging single
 *		sites until nothing helps or the effort is spent, then shaken a little
 *		and improved again.
 *
 * Memory: CurrentMemoryContext, a few arrays of sites.
 *
 * Invariant: what is returned is never worse than the set that is given.
 */
#include "postgres.h"

#include "sourcing/work.h"

#include "miscadmin.h"

typedef struct Search
{
	Work	   *work;
	bool	   *open;			/* the best set met in this round, exactly those used */
	Score		score;
	bool	   *base;			/* what changes are tried on */
	Score		base_score;
	bool	   *trial;			/* the base between two tries */
	bool	   *next;
	uint32		random;
} Search;

#define SHAKES 30

/* The base of all that is tried next. */
static void
begin_from(Search *search, const bool *set)
{
	memmove(search->base, set, sizeof(bool) * search->work->nsites);
	memcpy(search->trial, search->base, sizeof(bool) * search->work->nsites);
	search->base_score = usom_sourcing_set_base(search->work, search->base);
}

/* Keeps what was evaluated last, less what it does not use, if it is better. */
static bool
keep(Search *search, Score score)
{
	if (!is_better(score, search->score))
		return false;
	search->score = score;
	memcpy(search->open, search->work->used, sizeof(bool) * search->work->nsites);
	return true;
}

static void
begin_and_keep(Search *search, const bool *set)
{
	begin_from(search, set);
	keep(search, search->base_score);
}

/* Open what is closed and close what is open in the base: one site (given twice), or two. */
static Score
try_change(Search *search, int a, int b)
{
	Score		score;

	search->trial[a] = !search->base[a];
	search->trial[b] = !search->base[b];
	score = usom_sourcing_refill(search->work, search->trial, a, b);
	search->trial[a] = search->base[a];
	search->trial[b] = search->base[b];
	return score;
}

static bool
improve_by_one(Search *search)
{
	bool		improved = false;

	for (int site = 0; site < search->work->nsites && !is_tired(search->work); site++)
		if (keep(search, try_change(search, site, site)))
		{
			begin_from(search, search->open);
			improved = true;
		}
	return improved;
}

static bool
improve_by_two(Search *search)
{
	int			nsites = search->work->nsites;

	for (int from = 0; from < nsites; from++)
		for (int to = 0; search->base[from] && to < nsites && !is_tired(search->work); to++)
			if (!search->base[to] && keep(search, try_change(search, from, to)))
			{
				begin_from(search, search->open);
				return true;
			}
	return false;
}

static void
improve(Search *search)
{
	begin_from(search, search->open);
	while (!is_tired(search->work) && (improve_by_one(search) || improve_by_two(search)))
		CHECK_FOR_INTERRUPTS();
}

/* The best single site to open, as long as one helps. */
static void
add_one_by_one(Search *search)
{
	bool		helped = true;

	memset(search->base, 0, sizeof(bool) * search->work->nsites);
	begin_and_keep(search, search->base);
	while (helped && !is_tired(search->work))
	{
		helped = false;
		for (int site = 0; site < search->work->nsites && !is_tired(search->work); site++)
			if (!search->base[site])
				helped |= keep(search, try_change(search, site, site));
		begin_from(search, search->open);
	}
}

/* Of the sets with one site less, the best is left in next. */
static Score
remove_one(Search *search)
{
	Work	   *work = search->work;
	Score		least = {PG_INT32_MAX, 0, 0};

	for (int site = 0; site < work->nsites && !is_tired(search->work); site++)
	{
		Score		score;

		if (!search->base[site])
			continue;
		score = try_change(search, site, site);
		if (!is_better(score, least))
			continue;
		least = score;
		memcpy(search->next, work->used, sizeof(bool) * work->nsites);
	}
	return least;
}

/* The site that is missed least is closed, even if that costs while there are too many. */
static void
remove_one_by_one(Search *search)
{
	memset(search->base, true, sizeof(bool) * search->work->nsites);
	begin_from(search, search->base);
	begin_and_keep(search, search->work->used);
	for (;;)
	{
		Score		last = search->base_score;
		Score		least = remove_one(search);

		if (least.excess == PG_INT32_MAX || (last.excess == 0 && !is_better(least, last)))
			break;
		begin_and_keep(search, search->next);
	}
}

static int
pick(Search *search, int below)
{
	search->random = search->random * 1664525u + 1013904223u;
	return (int) ((search->random >> 8) % (uint32) below);
}

static void
begin_anew(Search *search)
{
	search->score = (Score) {PG_INT32_MAX, 0, 0};
	memset(search->open, 0, sizeof(bool) * search->work->nsites);
}

static bool
keep_better(const Search *search, bool *best, Score *score)
{
	if (!is_better(search->score, *score))
		return false;
	*score = search->score;
	memcpy(best, search->open, sizeof(bool) * search->work->nsites);
	return true;
}

/* Change some sites at random, improve, and keep the result if it is better. */
static void
shake(Search *search, bool *best, Score *score)
{
	int			nsites = search->work->nsites;

	for (int i = 0; i < SHAKES && !is_tired(search->work); i++)
	{
		memcpy(search->next, best, sizeof(bool) * nsites);
		for (int k = 0; k < 3; k++)
		{
			int			site = pick(search, nsites);

			search->next[site] = !search->next[site];
		}
		begin_anew(search);
		begin_and_keep(search, search->next);
		improve(search);
		keep_better(search, best, score);
	}
}

static void
make_search(Search *search, Work *work)
{
	search->work = work;
	search->random = 1;
	search->open = palloc(sizeof(bool) * work->nsites);
	search->trial = palloc(sizeof(bool) * work->nsites);
	search->base = palloc(sizeof(bool) * work->nsites);
	search->next = palloc(sizeof(bool) * work->nsites);
}

void
usom_sourcing_search(Work *work, bool *open)
{
	Search		search;

	make_search(&search, work);
	begin_anew(&search);
	begin_and_keep(&search, open);
	if (work->most_shipments < work->nsites)
		improve(&search);
	else
		while (!is_tired(work) && improve_by_one(&search))
			CHECK_FOR_INTERRUPTS();
	memcpy(open, search.open, sizeof(bool) * work->nsites);
}

void
usom_sourcing_search_on(Work *work, bool *open)
{
	void		(*const starts[]) (Search *) = {add_one_by_one, remove_one_by_one};
	Search		search;
	Score		score;

	make_search(&search, work);
	begin_anew(&search);
	begin_and_keep(&search, open);
	score = search.score;
	for (int i = 0; i < (int) lengthof(starts); i++)
	{
		begin_anew(&search);
		starts[i] (&search);
		improve(&search);
		keep_better(&search, open, &score);
	}
	shake(&search, open, &score);
}
