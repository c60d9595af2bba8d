/*
 * branch.c
 *		Proves that a set of sites is the best, or finds the better one.
 *
 *		In depth: a site is opened, then closed, and what cannot be better than
 *		the best plan known is left out.  Small problems are always gone
 *		through to the end.  Others until the effort is spent; what was not
 *		gone into then makes the proven bound.
 *
 * Memory: CurrentMemoryContext, a few arrays.
 */
#include "postgres.h"

#include "sourcing/work.h"

#include "miscadmin.h"

typedef struct Branch
{
	Work	   *work;
	uint8	   *status;			/* by site */
	bool	   *open;
	int			nopen;
	Parts		parts;
	Parts	   *best_parts;
	Score		best;
	Score		bound;			/* of what was not gone into */
} Branch;

static void
keep_bound(Branch *branch, Score bound)
{
	if (is_better(bound, branch->bound))
		branch->bound = bound;
}

static void
evaluate(Branch *branch, Score bound)
{
	Score		score;

	for (int site = 0; site < branch->work->nsites; site++)
		branch->open[site] = branch->status[site] == SITE_OPEN;
	branch->work->gave_up = false;
	score = usom_sourcing_fill_exactly(branch->work, branch->open, &branch->parts);
	if (branch->work->gave_up)
		keep_bound(branch, bound);
	if (!is_better(score, branch->best))
		return;
	branch->best = score;
	branch->best_parts->count = branch->parts.count;
	memcpy(branch->best_parts->parts, branch->parts.parts, sizeof(UsomSourcingPart) * branch->parts.count);
}

static int
any_undecided(const Branch *branch)
{
	for (int site = 0; site < branch->work->nsites; site++)
		if (branch->status[site] == SITE_UNDECIDED)
			return site;
	return -1;
}

static void
explore(Branch *branch)
{
	const Work *work = branch->work;
	int			site;
	Score		bound = usom_sourcing_bound(branch->work, branch->status, &site);

	CHECK_FOR_INTERRUPTS();
	if (!is_better(bound, branch->best) || (bound.unserved > 0 && work->problem->ship_complete))
		return;
	if (site < 0 || branch->nopen == work->most_shipments)
		evaluate(branch, bound);
	if (site < 0)
		site = any_undecided(branch);
	if (site < 0 || branch->nopen == work->most_shipments || !is_better(bound, branch->best))
		return;
	if (is_tired(work))
	{
		keep_bound(branch, bound);
		return;
	}
	branch->status[site] = SITE_OPEN;
	branch->nopen++;
	explore(branch);
	branch->nopen--;
	branch->status[site] = SITE_CLOSED;
	explore(branch);
	branch->status[site] = SITE_UNDECIDED;
}

Score
usom_sourcing_branch(Work *work, const bool *open, Parts *parts, Score *score)
{
	Size		most = Max(work->first[work->nneeds], 1);
	Branch		branch = {
		.work = work,
		.best_parts = parts,
		.best = *score,
		.bound = {PG_INT32_MAX, 0, 0},
	};

	branch.status = palloc0(sizeof(uint8) * work->nsites);
	branch.open = palloc(sizeof(bool) * work->nsites);
	branch.parts.parts = palloc(sizeof(UsomSourcingPart) * most);
	for (int site = 0; site < work->nsites; site++)
		branch.status[site] = open[site] ? SITE_OPEN : SITE_CLOSED;
	evaluate(&branch, branch.bound);
	memset(branch.status, SITE_UNDECIDED, sizeof(uint8) * work->nsites);
	explore(&branch);
	*score = branch.best;
	return is_better(branch.bound, branch.best) ? branch.bound : branch.best;
}
