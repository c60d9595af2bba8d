/*
 * change.c
 *		Changes to a plan that stands, each taken back if it is no better.
 *
 *		Only what a change touches is served anew: one need, two that exchange
 *		what they have, the needs of a site that is closed, those that a site
 *		attracts that is opened, or both.  Units that are lost by it may be
 *		served if others make room.
 *
 * Memory: none of its own.
 *
 * Invariant: while a plan stands, stock_left and capacity_left of the Work
 * are what it leaves, and the open sites are those it uses.
 */
#include "postgres.h"

#include <float.h>

#include "sourcing/revise.h"

UsomSourcingPart *
usom_sourcing_parts_of(const Revision *revision, Servings servings, int need)
{
	return &servings.parts[(Size) need * revision->work->nsites];
}

void
usom_sourcing_copy_serving(const Revision *revision, int need, Servings to, Servings from)
{
	to.of[need] = from.of[need];
	memcpy(usom_sourcing_parts_of(revision, to, need), usom_sourcing_parts_of(revision, from, need), sizeof(UsomSourcingPart) * from.of[need].count);
}

/* The need takes what it has from the sites, or gives it back (sign -1). */
void
usom_sourcing_book(Revision *revision, int need, int sign)
{
	Work	   *work = revision->work;
	const UsomSourcingPart *part = usom_sourcing_parts_of(revision, revision->now, need);
	const UsomSourcingPart *end = part + revision->now.of[need].count;
	UsomQuantity *stock = &work->stock_left[(Size) work->problem->needs[need].product * work->nsites];

	for (; part < end; part++)
	{
		int			users = revision->users[part->site];

		if (work->competes[need])
		{
			stock[part->site] -= sign * part->quantity;
			work->capacity_left[part->site] -= sign * part->quantity;
		}
		revision->users[part->site] += sign;
		if (users > 0 && users + sign > 0)
			continue;
		revision->shipments += sign * work->shipment[part->site];
		revision->nused += sign;
	}
}

/* ---- changes ---- */

/* The need goes without until it is served anew. */
static void
lift(Revision *revision, int need)
{
	if (!revision->is_touched[need])
	{
		revision->is_touched[need] = true;
		revision->touched[revision->ntouched++] = need;
		usom_sourcing_copy_serving(revision, need, revision->before, revision->now);
	}
	usom_sourcing_book(revision, need, -1);
	revision->now.of[need] = (Serving) {0, revision->work->problem->needs[need].quantity, 0};
}

void
usom_sourcing_serve(Revision *revision, int need)
{
	Work	   *work = revision->work;
	Serving    *now = &revision->now.of[need];
	UsomSourcingPart *parts = usom_sourcing_parts_of(revision, revision->now, need);

	usom_sourcing_fill_need(work, revision->open, need, &now->left, &now->cost);
	now->count = work->nfilled;
	for (int i = 0; i < work->nfilled; i++)
		parts[i] = (UsomSourcingPart) {need, work->filled_site[i], work->filled[i]};
	usom_sourcing_book(revision, need, 1);
	work->effort -= 90 + 8 * (work->first[need + 1] - work->first[need]);
}

static void
serve_anew(Revision *revision, int need)
{
	lift(revision, need);
	usom_sourcing_serve(revision, need);
}

static Score
sum_up(Revision *revision)
{
	const Work *work = revision->work;
	Score		score = {0};

	revision->shipments = 0;
	for (int site = 0; site < work->nsites; site++)
		revision->shipments += revision->users[site] > 0 ? work->shipment[site] : 0;
	for (int need = 0; need < work->nneeds; need++)
	{
		score.unserved += revision->now.of[need].left;
		score.cost += revision->now.of[need].cost;
	}
	score.cost += revision->shipments;
	score.excess = Max(revision->nused - work->most_shipments, 0);
	return score;
}

/* The score with the change that was made. */
static Score
changed_score(const Revision *revision, double shipments_before)
{
	Score		score = revision->score;

	for (int i = 0; i < revision->ntouched; i++)
	{
		const Serving *now = &revision->now.of[revision->touched[i]];
		const Serving *before = &revision->before.of[revision->touched[i]];

		score.unserved += now->left - before->left;
		score.cost += now->cost - before->cost;
	}
	score.cost += revision->shipments - shipments_before;
	score.excess = Max(revision->nused - revision->work->most_shipments, 0);
	return score;
}

static void
forget(Revision *revision)
{
	while (revision->ntouched > 0)
		revision->is_touched[revision->touched[--revision->ntouched]] = false;
}

static void
take_back(Revision *revision)
{
	for (int i = 0; i < revision->ntouched; i++)
	{
		usom_sourcing_book(revision, revision->touched[i], -1);
		usom_sourcing_copy_serving(revision, revision->touched[i], revision->now, revision->before);
		usom_sourcing_book(revision, revision->touched[i], 1);
	}
	forget(revision);
}

/* The most that the need could save if the site were open, units that are short aside. */
static double
saving_at(const Revision *revision, int need, int site)
{
	const Work *work = revision->work;
	const double *cost = &work->cost_at[(Size) need * work->nsites];
	const UsomSourcingPart *part = usom_sourcing_parts_of(revision, revision->now, need);
	const UsomSourcingPart *end = part + revision->now.of[need].count;
	double		saving = 0;

	if (cost[site] == DBL_MAX)
		return 0;
	if (revision->now.of[need].left > revision->least[need])
		return DBL_MAX;
	for (; part < end; part++)
		saving += (double) part->quantity * Max(cost[part->site] - cost[site], 0);
	return saving;
}

/* A plan stands. */
void
usom_sourcing_settle(Revision *revision)
{
	Work	   *work = revision->work;

	forget(revision);
	revision->score = sum_up(revision);
	for (int site = 0; site < work->nsites; site++)
	{
		revision->open[site] = revision->users[site] > 0;
		revision->attraction[site] = 0;
		for (int need = 0; need < work->nneeds && revision->attraction[site] < DBL_MAX; need++)
		{
			double		saving = saving_at(revision, need, site);

			revision->attraction[site] = saving == DBL_MAX ? DBL_MAX : revision->attraction[site] + saving;
		}
	}
	work->effort -= 300 + work->first[work->nneeds] * 3;
}

/* A change is complete; it stays if the plan is better by it. */
static bool
decide(Revision *revision, double shipments_before)
{
	revision->work->effort -= 80 + 30 * revision->ntouched;
	if (is_better(changed_score(revision, shipments_before), revision->score))
	{
		usom_sourcing_settle(revision);
		return true;
	}
	take_back(revision);
	revision->shipments = shipments_before;
	return false;
}

/* ---- one need, or two ---- */

bool
usom_sourcing_try_need(Revision *revision, int need)
{
	double		shipments = revision->shipments;

	serve_anew(revision, need);
	return decide(revision, shipments);
}

/* What a unit of the need costs more, at least, if it may not come from the site. */
static double
loss_without(const Revision *revision, int need, int site)
{
	const Work *work = revision->work;

	for (int i = work->first[need]; i < work->first[need + 1]; i++)
		if (work->candidates[i].site != site && revision->open[work->candidates[i].site])
			return work->candidates[i].cost - work->cost_at[(Size) need * work->nsites + site];
	return -DBL_MAX;			/* it would stay unserved, and cost nothing */
}

/*
 * Might it pay that the need takes from the site what another one has there?
 * Not if there is room enough, nor if that one loses more.
 */
static bool
would_pay(const Revision *revision, int need, int other, int site)
{
	const Work *work = revision->work;
	Size		stock = (Size) work->problem->needs[need].product * work->nsites + site;
	UsomQuantity wanted = work->problem->needs[need].quantity;
	UsomQuantity room = Min(work->stock_left[stock], work->capacity_left[site]);
	double		saving = saving_at(revision, need, site);

	if (room >= wanted || saving <= 0)
		return false;
	return saving == DBL_MAX || saving > (double) (wanted - room) * loss_without(revision, other, site);
}

bool
usom_sourcing_misses(const Revision *revision, int need, int other)
{
	const Work *work = revision->work;
	const UsomSourcingPart *part = usom_sourcing_parts_of(revision, revision->now, other);
	const UsomSourcingPart *end = part + revision->now.of[other].count;
	bool		same = work->problem->needs[need].product == work->problem->needs[other].product;

	for (; part < end; part++)
		if ((same || work->capacity[part->site] < PG_INT64_MAX) && would_pay(revision, need, other, part->site))
			return true;
	return false;
}

/* Room that a change left may be enough for others that are short. */
static void
serve_short(Revision *revision)
{
	const Work *work = revision->work;

	for (int i = work->nalone; i < work->nneeds; i++)
	{
		int			need = work->sequence[i];

		if (revision->now.of[need].left > revision->least[need] && !revision->is_touched[need])
			serve_anew(revision, need);
	}
}

bool
usom_sourcing_try_pair(Revision *revision, int first, int second)
{
	double		shipments = revision->shipments;

	lift(revision, first);
	lift(revision, second);
	usom_sourcing_serve(revision, first);
	usom_sourcing_serve(revision, second);
	if (revision->now.of[second].left > revision->before.of[second].left)
		serve_short(revision);
	return decide(revision, shipments);
}

/* ---- sites ---- */

static bool
uses(const Revision *revision, int need, int site)
{
	const UsomSourcingPart *part = usom_sourcing_parts_of(revision, revision->now, need);
	const UsomSourcingPart *end = part + revision->now.of[need].count;

	for (; part < end; part++)
		if (part->site == site)
			return true;
	return false;
}

/* Close one site and open another; either may be -1. */
void
usom_sourcing_change_sites(Revision *revision, int close, int open)
{
	Work	   *work = revision->work;

	if (close >= 0)
		revision->open[close] = false;
	if (open >= 0)
		revision->open[open] = true;
	for (int i = 0; i < work->nneeds; i++)
	{
		int			need = work->sequence[i];

		if ((close >= 0 && uses(revision, need, close)) || (open >= 0 && saving_at(revision, need, open) > 0))
			lift(revision, need);
	}
	for (int i = 0; i < revision->ntouched; i++)
		usom_sourcing_serve(revision, revision->touched[i]);
	work->effort -= 5 * work->nneeds;
}

/* The need is served before the other one; back if that serves no more units. */
static bool
push(Revision *revision, int need, int other)
{
	int			needs[] = {need, other};
	UsomQuantity left = revision->now.of[need].left + revision->now.of[other].left;

	for (int i = 0; i < 2; i++)
	{
		usom_sourcing_copy_serving(revision, needs[i], revision->pushed, revision->now);
		lift(revision, needs[i]);
	}
	usom_sourcing_serve(revision, need);
	usom_sourcing_serve(revision, other);
	if (revision->now.of[need].left + revision->now.of[other].left < left)
		return true;
	for (int i = 0; i < 2; i++)
	{
		usom_sourcing_book(revision, needs[i], -1);
		usom_sourcing_copy_serving(revision, needs[i], revision->now, revision->pushed);
		usom_sourcing_book(revision, needs[i], 1);
	}
	return false;
}

static UsomQuantity
room_at(const Revision *revision, int need, int site)
{
	const Work *work = revision->work;

	if (!work->competes[need])
		return PG_INT64_MAX;
	return Min(work->stock_left[(Size) work->problem->needs[need].product * work->nsites + site], work->capacity_left[site]);
}

/* Is there anything for the need at another open site? */
static bool
may_go_elsewhere(const Revision *revision, int need, int site)
{
	const Work *work = revision->work;

	for (int i = work->first[need]; i < work->first[need + 1]; i++)
		if (work->candidates[i].site != site && revision->open[work->candidates[i].site] &&
			room_at(revision, need, work->candidates[i].site) >= work->smallest[need])
			return true;
	return false;
}

/* Is the other one in the way of the need, and could it go elsewhere? */
static bool
may_push(const Revision *revision, int need, int other)
{
	const Work *work = revision->work;
	const UsomSourcingPart *part = usom_sourcing_parts_of(revision, revision->now, other);
	const UsomSourcingPart *end = part + revision->now.of[other].count;

	for (; part < end; part++)
		if (work->cost_at[(Size) need * work->nsites + part->site] < DBL_MAX &&
			room_at(revision, need, part->site) < work->problem->needs[need].quantity &&
			may_go_elsewhere(revision, other, part->site))
			return true;
	return false;
}

/* Units that a change lost may be served if others make room. */
static void
make_room(Revision *revision)
{
	const Work *work = revision->work;
	int			count = revision->ntouched;

	for (int i = 0; i < count; i++)
	{
		int			need = revision->touched[i];

		if (!work->competes[need] || revision->now.of[need].left <= revision->before.of[need].left)
			continue;
		for (int k = work->nalone; k < work->nneeds && revision->now.of[need].left > revision->least[need]; k++)
			if (work->sequence[k] != need && may_push(revision, need, work->sequence[k]))
				push(revision, need, work->sequence[k]);
	}
}

/* If all units that a change lost were served from the cheapest open site, would the plan be better? */
static bool
is_worth_room(const Revision *revision, Score score)
{
	const Work *work = revision->work;

	if (score.unserved <= revision->score.unserved || score.excess > revision->score.excess)
		return false;
	for (int i = 0; i < revision->ntouched; i++)
	{
		int			need = revision->touched[i];
		UsomQuantity lost = revision->now.of[need].left - revision->before.of[need].left;

		for (int k = work->first[need]; lost > 0 && k < work->first[need + 1]; k++)
			if (revision->open[work->candidates[k].site])
			{
				score.cost += (double) lost * work->candidates[k].cost;
				break;
			}
	}
	return score.cost < revision->score.cost;
}

/* The most that needs of a site can save when it is closed, if another one is open; negative: what they lose at least. */
static double
saving_without(const Revision *revision, int close, int open)
{
	const Work *work = revision->work;
	double		saving = 0;

	for (int need = 0; need < work->nneeds; need++)
	{
		const UsomSourcingPart *part = usom_sourcing_parts_of(revision, revision->now, need);
		const UsomSourcingPart *end = part + revision->now.of[need].count;
		double		least = open >= 0 ? work->cost_at[(Size) need * work->nsites + open] : DBL_MAX;

		if (!uses(revision, need, close))
			continue;
		for (int i = work->first[need]; i < work->first[need + 1] && work->candidates[i].cost < least; i++)
			if (work->candidates[i].site != close && revision->open[work->candidates[i].site])
				least = work->candidates[i].cost;
		for (; part < end && least < DBL_MAX; part++)
			saving += (double) part->quantity * (work->cost_at[(Size) need * work->nsites + part->site] - least);
	}
	return saving;
}

/* Could it be better to close one site and open another? */
static bool
is_promising(const Revision *revision, int close, int open)
{
	const Work *work = revision->work;
	double		saving = 0;

	if (open >= 0 && revision->attraction[open] == DBL_MAX)
		return true;
	if (revision->score.excess > 0)
		return true;
	if (open >= 0)
		saving += revision->attraction[open] - work->shipment[open];
	if (close >= 0 && saving + work->shipment[close] < 0)
		saving += work->shipment[close] + Max(saving_without(revision, close, open), 0);
	else if (close >= 0)
		saving += work->shipment[close] + saving_without(revision, close, open);
	return saving > 0;
}

bool
usom_sourcing_try_sites(Revision *revision, int close, int open)
{
	double		shipments = revision->shipments;
	Score		score;

	revision->work->effort -= 3 * revision->work->nneeds;
	if (!is_promising(revision, close, open))
		return false;
	usom_sourcing_change_sites(revision, close, open);
	score = changed_score(revision, shipments);
	if (is_worth_room(revision, score))
		make_room(revision);
	if (decide(revision, shipments))
		return true;
	if (close >= 0)
		revision->open[close] = true;
	if (open >= 0)
		revision->open[open] = false;
	return false;
}
