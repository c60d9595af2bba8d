/*
 * refill.c
 *		What a set of sites can do that differs little from one known.
 *
 *		A need is served as in the base unless the site that was closed serves
 *		it there, or the site that was opened is cheaper than the dearest that
 *		does.  Needs that compete are looked at together.
 *
 * Invariant: the score is that of usom_sourcing_fill() for the same set.
 */
#include "postgres.h"

#include <float.h>

#include "sourcing/work.h"

/* Parts of one unit, counted among the users of their sites. */
static Score
fill_unit(Work *work, const bool *open, int unit, Parts *parts, int *users)
{
	int			from = parts->count;
	Score		score = {0};
	Score		ignored = {0};

	usom_sourcing_fill_some(work, open, work->unit[unit], work->unit[unit + 1], parts, &ignored);
	score.unserved = ignored.unserved;
	work->effort -= 8 * (work->first[work->nneeds] / Max(work->nneeds, 1)) * (work->unit[unit + 1] - work->unit[unit]);
	for (int i = from; i < parts->count; i++)
	{
		const UsomSourcingPart *part = &parts->parts[i];

		score.cost += (double) part->quantity * work->cost_at[(Size) part->need * work->nsites + part->site];
		users[part->site]++;
	}
	return score;
}

/* All users are known: which sites are used, and what their shipments cost. */
static void
count_users(Work *work, const int *users, Score *score)
{
	work->nused = 0;
	for (int site = 0; site < work->nsites; site++)
	{
		work->used[site] = users[site] > 0;
		if (users[site] == 0)
			continue;
		score->cost += work->shipment[site];
		work->nused++;
	}
	score->excess = Max(work->nused - work->most_shipments, 0);
}

/* Where limits of parts were in the way, or units are left, any site may help. */
static void
note_parts(Work *work, int unit)
{
	int			begin = work->unit_first[unit];
	bool		any = work->chose || work->unit_score[unit].unserved > 0 || work->unit[unit + 1] - work->unit[unit] > 1;

	for (int i = work->unit[unit]; i < work->unit[unit + 1]; i++)
	{
		int			need = work->sequence[i];

		work->dearest[need] = any ? DBL_MAX : 0;
		memset(&work->serves[(Size) need * work->nsites], 0, sizeof(bool) * work->nsites);
	}
	for (int i = begin; i < work->base.count; i++)
	{
		const UsomSourcingPart *part = &work->base.parts[i];
		Size		index = (Size) part->need * work->nsites + part->site;

		work->dearest[part->need] = Max(work->dearest[part->need], work->cost_at[index]);
		work->serves[index] = true;
	}
}

Score
usom_sourcing_set_base(Work *work, const bool *open)
{
	Score		score = {0};

	work->base.count = 0;
	memset(work->users, 0, sizeof(int) * work->nsites);
	for (int unit = 0; unit < work->nunits; unit++)
	{
		work->unit_first[unit] = work->base.count;
		work->unit_score[unit] = fill_unit(work, open, unit, &work->base, work->users);
		score.unserved += work->unit_score[unit].unserved;
		score.cost += work->unit_score[unit].cost;
		note_parts(work, unit);
	}
	work->unit_first[work->nunits] = work->base.count;
	count_users(work, work->users, &score);
	return score;
}

static bool
is_touched(const Work *work, const bool *open, int need, int site)
{
	Size		index = (Size) need * work->nsites + site;

	return open[site] ? work->cost_at[index] < work->dearest[need] : work->serves[index];
}

static bool
is_unit_touched(const Work *work, const bool *open, int unit, int a, int b)
{
	for (int i = work->unit[unit]; i < work->unit[unit + 1]; i++)
		if (is_touched(work, open, work->sequence[i], a) || is_touched(work, open, work->sequence[i], b))
			return true;
	return false;
}

/* The base with one unit filled anew. */
static void
refill_unit(Work *work, const bool *open, int unit, Score *score)
{
	Score		of_unit;

	for (int i = work->unit_first[unit]; i < work->unit_first[unit + 1]; i++)
		work->users_now[work->base.parts[i].site]--;
	work->spare.count = 0;
	of_unit = fill_unit(work, open, unit, &work->spare, work->users_now);
	score->unserved += of_unit.unserved - work->unit_score[unit].unserved;
	score->cost += of_unit.cost - work->unit_score[unit].cost;
}

static Score
begin_with_base(Work *work)
{
	Score		score = {0};

	work->effort -= 4 * work->nunits + 2 * work->nsites;
	memcpy(work->users_now, work->users, sizeof(int) * work->nsites);
	for (int unit = 0; unit < work->nunits; unit++)
	{
		score.unserved += work->unit_score[unit].unserved;
		score.cost += work->unit_score[unit].cost;
	}
	return score;
}

Score
usom_sourcing_refill(Work *work, const bool *open, int a, int b)
{
	Score		score = begin_with_base(work);

	for (int unit = 0; unit < work->nunits; unit++)
		if (is_unit_touched(work, open, unit, a, b))
			refill_unit(work, open, unit, &score);
	count_users(work, work->users_now, &score);
	return score;
}
