/*
 * revise.c
 *		A plan improved in place, where needs compete.
 *
 *		To needs that take turns a set of sites looks worse than it is, and
 *		each other set is another plan from scratch.  Here one plan stands and
 *		is changed (change.c) until nothing helps, then shaken a little and
 *		improved again.  Needs choose by rents (rent.c).
 *
 * Memory: CurrentMemoryContext, a few arrays of needs by sites.
 *
 * Invariant: at the end stock_left and capacity_left of the Work are full
 * again, and no rents stand.
 */
#include "postgres.h"

#include "sourcing/revise.h"

#include "miscadmin.h"

static bool
is_spent(const Revision *revision)
{
	return revision->work->effort <= 0;
}

static bool
improve_needs(Revision *revision)
{
	bool		improved = false;

	for (int need = 0; need < revision->work->nneeds && !is_spent(revision); need++)
		improved |= usom_sourcing_try_need(revision, need);
	return improved;
}

static bool
improve_by_one(Revision *revision)
{
	bool		improved = false;

	for (int site = 0; site < revision->work->nsites && !is_spent(revision); site++)
		improved |= revision->users[site] > 0 ? usom_sourcing_try_sites(revision, site, -1) : usom_sourcing_try_sites(revision, -1, site);
	return improved;
}

static bool
improve_by_two(Revision *revision)
{
	int			nsites = revision->work->nsites;

	for (int close = 0; close < nsites; close++)
		for (int open = 0; revision->users[close] > 0 && open < nsites && !is_spent(revision); open++)
			if (revision->users[open] == 0 && usom_sourcing_try_sites(revision, close, open))
				return true;
	return false;
}

static bool
improve_pairs(Revision *revision)
{
	const Work *work = revision->work;
	bool		improved = false;

	for (int i = work->nalone; i < work->nneeds; i++)
	{
		revision->work->effort -= 8 * (work->nneeds - work->nalone);
		for (int k = work->nalone; k < work->nneeds && !is_spent(revision); k++)
			if (i != k && usom_sourcing_misses(revision, work->sequence[i], work->sequence[k]))
				improved |= usom_sourcing_try_pair(revision, work->sequence[i], work->sequence[k]);
	}
	return improved;
}

static void
improve(Revision *revision)
{
	while (!is_spent(revision) && (improve_needs(revision) || improve_by_one(revision) ||
								   improve_pairs(revision) || improve_by_two(revision)))
		CHECK_FOR_INTERRUPTS();
}

static void
keep_best(Revision *revision)
{
	if (!is_better(revision->score, revision->best_score))
		return;
	revision->best_score = revision->score;
	for (int need = 0; need < revision->work->nneeds; need++)
		usom_sourcing_copy_serving(revision, need, revision->best, revision->now);
}

/* Nothing is served any more, and all sites are free for what begins anew. */
static void
clear(Revision *revision)
{
	for (int need = 0; need < revision->work->nneeds; need++)
	{
		usom_sourcing_book(revision, need, -1);
		revision->now.of[need].count = 0;
	}
}

static int
pick(Revision *revision, int below)
{
	revision->random = revision->random * 1664525u + 1013904223u;
	return (int) ((revision->random >> 8) % (uint32) below);
}

#define SHAKEN 3				/* sites at a time */
#define RENTS_AGAIN 3

/* From the best plan: new rents, and some sites closed or opened at random, whatever that costs. */
static void
shake(Revision *revision)
{
	Work	   *work = revision->work;

	usom_sourcing_adjust_rents(work, revision->open, 0.3, RENTS_AGAIN, false);
	for (int need = 0; need < work->nneeds; need++)
	{
		usom_sourcing_copy_serving(revision, need, revision->now, revision->best);
		usom_sourcing_book(revision, need, 1);
	}
	usom_sourcing_settle(revision);
	for (int i = 0; i < SHAKEN; i++)
	{
		int			site = pick(revision, work->nsites);

		if (revision->users[site] > 0)
			usom_sourcing_change_sites(revision, site, -1);
		else
			usom_sourcing_change_sites(revision, -1, site);
		usom_sourcing_settle(revision);
	}
}

static Servings
make_servings(const Work *work)
{
	return (Servings) {
		.of = palloc0(sizeof(Serving) * work->nneeds),
		.parts = palloc(sizeof(UsomSourcingPart) * work->nneeds * work->nsites),
	};
}

static Revision *
make_revision(Work *work)
{
	Revision   *revision = palloc0(sizeof(Revision));

	revision->work = work;
	revision->now = make_servings(work);
	revision->before = make_servings(work);
	revision->pushed = make_servings(work);
	revision->best = make_servings(work);
	revision->least = palloc(sizeof(UsomQuantity) * work->nneeds);
	revision->users = palloc0(sizeof(int) * work->nsites);
	revision->open = palloc(sizeof(bool) * work->nsites);
	revision->attraction = palloc(sizeof(double) * work->nsites);
	revision->touched = palloc(sizeof(int) * work->nneeds);
	revision->is_touched = palloc0(sizeof(bool) * work->nneeds);
	revision->best_score = (Score) {PG_INT32_MAX, 0, 0};
	revision->random = 1;
	return revision;
}

/* What needs get alone, and what they would pay for what others want too, if all sites were open. */
static void
look_ahead(Revision *revision)
{
	Work	   *work = revision->work;
	double		cost;

	memset(revision->open, true, sizeof(bool) * work->nsites);
	for (int need = 0; need < work->nneeds; need++)
		usom_sourcing_fill_need(work, revision->open, need, &revision->least[need], &cost);
	usom_sourcing_adjust_rents(work, revision->open, 1, 40, true);
}

/* All needs anew, in turn, from the open sites. */
static void
serve_all(Revision *revision)
{
	for (int i = 0; i < revision->work->nneeds; i++)
		usom_sourcing_serve(revision, revision->work->sequence[i]);
	usom_sourcing_settle(revision);
}

static void
begin_with(Revision *revision, const bool *open)
{
	memmove(revision->open, open, sizeof(bool) * revision->work->nsites);
	usom_sourcing_adjust_rents(revision->work, open, 2, 30, false);
	serve_all(revision);
	improve(revision);
	keep_best(revision);
	clear(revision);
}

static void
read_best(Revision *revision, Parts *parts)
{
	parts->count = 0;
	for (int need = 0; need < revision->work->nneeds; need++)
	{
		const UsomSourcingPart *of = usom_sourcing_parts_of(revision, revision->best, need);

		for (int i = 0; i < revision->best.of[need].count; i++)
			parts->parts[parts->count++] = of[i];
	}
}

/* Two sets to begin with: those that needs would pay for, and the given one. */
Score
usom_sourcing_revise(Work *work, const bool *open, Parts *parts)
{
	Revision   *revision = make_revision(work);

	look_ahead(revision);
	serve_all(revision);
	clear(revision);
	begin_with(revision, revision->open);
	begin_with(revision, open);
	while (!is_spent(revision))
	{
		shake(revision);
		improve(revision);
		keep_best(revision);
		clear(revision);
	}
	read_best(revision, parts);
	usom_sourcing_waive_rents(work);
	return revision->best_score;
}
