/*
 * rationing.c
 *		Backorder processing of one product.
 *
 *		First it is decided how many units each claim has by when, then which
 *		source they come from.  While it is decided, a pool says what is
 *		possible; a kind of claim there is a mask with the latest level that
 *		units may be of.  A claim's decision is a profile: units by the level
 *		that they are due by, the earliest first.
 *
 *		What was decided for one claim is never taken back for the sake of a
 *		later one, so each has the best profile that those before it leave.
 *		That makes a second run over its own result change nothing: everybody
 *		is offered at least what it has, and those before it take no less.
 *
 * Memory: a Run and its arrays in CurrentMemoryContext.  Locks: none.
 *
 * Invariant: the profiles of all claims can be served together by the sources.
 */
#include "postgres.h"

#include "sourcing/pool.h"
#include "sourcing/rationing.h"

typedef struct Run
{
	UsomRationItem *item;
	int			nlevels;
	UsomPool   *pool;
	UsomQuantity *quantities;	/* of sources, without those of claims that are skipped */
	bool	   *serves;			/* kinds by sources */
	UsomQuantity *had;			/* claims by levels */
	UsomQuantity *has;			/* claims by levels: what is decided */
} Run;

static const char *const strategy_names[] = {"win", "gain", "improve", "redistribute", "fill", "lose", "skip"};

int
usom_sourcing_strategy_of(const char *name)
{
	for (int strategy = 0; strategy < (int) lengthof(strategy_names); strategy++)
		if (strcmp(name, strategy_names[strategy]) == 0)
			return strategy;
	return -1;
}

const char *
usom_sourcing_strategy_name(UsomStrategy strategy)
{
	return strategy_names[strategy];
}

static inline int
kind_of(const Run *run, int claim, int level)
{
	return run->item->claims[claim].mask * run->nlevels + level;
}

static inline UsomQuantity *
profile_of(UsomQuantity *profiles, const Run *run, int claim)
{
	return &profiles[(Size) claim * run->nlevels];
}

static UsomQuantity
sum_up(const UsomQuantity *quantities, int count)
{
	UsomQuantity sum = 0;

	for (int i = 0; i < count; i++)
		sum += quantities[i];
	return sum;
}

static UsomQuantity
units_of(UsomQuantity *profiles, const Run *run, int claim)
{
	return sum_up(profile_of(profiles, run, claim), run->nlevels);
}

/* Up to so many units due by a level; returns whether it were all. */
static bool
take(Run *run, int claim, int level, UsomQuantity quantity)
{
	UsomQuantity taken = usom_sourcing_take_from_pool(run->pool, kind_of(run, claim, level), quantity);

	profile_of(run->has, run, claim)[level] += taken;
	return taken == quantity;
}

static void
give_back(Run *run, int claim)
{
	UsomQuantity *has = profile_of(run->has, run, claim);

	for (int level = 0; level < run->nlevels; level++)
	{
		usom_sourcing_return_to_pool(run->pool, kind_of(run, claim, level), has[level]);
		has[level] = 0;
	}
}

/* What it had, no later than it had it; false if some of it is not there. */
static bool
keep(Run *run, int claim)
{
	const UsomQuantity *had = profile_of(run->had, run, claim);
	bool		all = true;

	for (int level = 0; level < run->nlevels; level++)
		all &= take(run, claim, level, had[level]);
	return all;
}

/* All that it wants, as soon as possible, up to a level. */
static UsomQuantity
take_soonest(Run *run, int claim, int last_level)
{
	UsomQuantity wanted = run->item->claims[claim].wanted;

	for (int level = 0; level <= last_level && wanted > 0; level++)
	{
		take(run, claim, level, wanted);
		wanted = run->item->claims[claim].wanted - units_of(run->has, run, claim);
	}
	return run->item->claims[claim].wanted - wanted;
}

/* A claim that is not to be cut keeps what it had rather than have some of it. */
static void
settle_whole(Run *run, int claim)
{
	if (!run->item->claims[claim].whole || units_of(run->has, run, claim) == run->item->claims[claim].wanted)
		return;
	give_back(run, claim);
	if (!keep(run, claim))
		give_back(run, claim);
}

static bool
raise_exception(Run *run, int claim)
{
	run->item->exception = claim;
	run->item->possible = units_of(run->has, run, claim);
	return false;
}

static bool
win(Run *run, int claim)
{
	UsomQuantity won = take_soonest(run, claim, Min(run->item->claims[claim].on_time, run->nlevels - 1));

	return won == run->item->claims[claim].wanted || raise_exception(run, claim);
}

static bool
keep_or_raise(Run *run, int claim)
{
	return keep(run, claim) || raise_exception(run, claim);
}

static bool
set_aside(Run *run, int claim)
{
	if (!keep(run, claim) && run->item->claims[claim].whole)
		give_back(run, claim);
	return true;
}

/* What is kept is not at risk: whatever is taken instead is as much, as soon. */
static bool
improve(Run *run, int claim)
{
	give_back(run, claim);
	take_soonest(run, claim, run->nlevels - 1);
	settle_whole(run, claim);
	return true;
}

/* No more than it had, neither in all nor by any time. */
static bool
fill(Run *run, int claim)
{
	const UsomQuantity *had = profile_of(run->had, run, claim);
	UsomQuantity most = 0;

	for (int level = 0; level < run->nlevels; level++)
	{
		most += had[level];
		take(run, claim, level, most - units_of(run->has, run, claim));
	}
	if (run->item->claims[claim].whole && units_of(run->has, run, claim) < most)
		give_back(run, claim);
	return true;
}

typedef bool (*Step) (Run *run, int claim);

static bool
for_all(Run *run, UsomStrategy strategy, Step step)
{
	for (int claim = 0; claim < run->item->nclaims; claim++)
		if (run->item->claims[claim].strategy == strategy && !step(run, claim))
			return false;
	return true;
}

static bool
decide(Run *run)
{
	return for_all(run, USOM_IMPROVE, set_aside) &&
		for_all(run, USOM_WIN, win) &&
		for_all(run, USOM_GAIN, keep_or_raise) &&
		for_all(run, USOM_GAIN, improve) &&
		for_all(run, USOM_IMPROVE, improve) &&
		for_all(run, USOM_REDISTRIBUTE, improve) &&
		for_all(run, USOM_FILL, fill);
}

/* ---- which source ---- */

static inline UsomQuantity *
given_of(const Run *run, int claim)
{
	return &run->item->given[(Size) claim * run->item->nsources];
}

static inline const UsomQuantity *
held_of(const Run *run, int claim)
{
	return &run->item->held[(Size) claim * run->item->nsources];
}

/*
 * Units stay where they are held, as far as the profile allows: a unit that is
 * there at a level serves what is due then or later, the latest first.
 * Returns in due what is not served so.
 */
static void
stay(Run *run, int claim, UsomQuantity *due)
{
	const UsomRationItem *item = run->item;
	UsomQuantity *given = given_of(run, claim);

	memset(given, 0, sizeof(UsomQuantity) * item->nsources);
	memcpy(due, profile_of(run->has, run, claim), sizeof(UsomQuantity) * run->nlevels);
	for (int level = 0; level < run->nlevels; level++)
		for (int source = item->nsources - 1; source >= 0 && due[level] > 0; source--)
		{
			UsomQuantity units = Min(due[level], held_of(run, claim)[source] - given[source]);

			if (item->sources[source].level > level || units <= 0)
				continue;
			units = usom_sourcing_take_from_source(run->pool, kind_of(run, claim, level), source, units);
			given[source] += units;
			due[level] -= units;
		}
}

/* Of what the kinds of a claim use: where it holds units, or wherever there is some. */
static void
settle_claim(Run *run, int claim, bool where_held)
{
	const UsomRationItem *item = run->item;
	UsomQuantity *given = given_of(run, claim);

	for (int level = 0; level < run->nlevels; level++)
	{
		UsomQuantity *due = &profile_of(run->has, run, claim)[level];
		UsomQuantity *used = &run->pool->used[(Size) kind_of(run, claim, level) * item->nsources];

		for (int n = 0; n < item->nsources && *due > 0; n++)
		{
			int			source = where_held ? item->nsources - 1 - n : n;
			UsomQuantity most = where_held ? Max(held_of(run, claim)[source] - given[source], 0) : *due;
			UsomQuantity units = Min(Min(*due, used[source]), most);

			used[source] -= units;
			given[source] += units;
			*due -= units;
		}
	}
}

static void
find_place(Run *run, int claim, const UsomQuantity *due)
{
	for (int level = 0; level < run->nlevels; level++)
		if (usom_sourcing_take_from_pool(run->pool, kind_of(run, claim, level), due[level]) < due[level])
			ereport(ERROR, errmsg_internal("what was decided for a claim cannot be served"));
}

/*
 * Keep what can stay, let the rest find its way, moving others only where
 * there is no other way, and tell each claim what its kinds use in the end.
 */
static void
place(Run *run)
{
	const UsomRationItem *item = run->item;
	UsomQuantity *due = palloc0(sizeof(UsomQuantity) * Max((Size) item->nclaims * run->nlevels, 1));

	run->pool = usom_sourcing_make_pool(run->quantities, item->nsources, run->serves, item->nmasks * run->nlevels);
	for (int claim = 0; claim < item->nclaims; claim++)
		if (item->claims[claim].strategy != USOM_SKIP)
			stay(run, claim, profile_of(due, run, claim));
	for (int claim = 0; claim < item->nclaims; claim++)
		find_place(run, claim, profile_of(due, run, claim));
	for (int claim = 0; claim < item->nclaims; claim++)
		if (item->claims[claim].strategy != USOM_SKIP)
			memset(given_of(run, claim), 0, sizeof(UsomQuantity) * item->nsources);
	for (int claim = 0; claim < item->nclaims; claim++)
		settle_claim(run, claim, true);
	for (int claim = 0; claim < item->nclaims; claim++)
		settle_claim(run, claim, false);
	usom_sourcing_free_pool(run->pool);
	pfree(due);
}

/* ---- the run ---- */

/* What is skipped is not there for anybody else. */
static void
take_skipped_out(Run *run)
{
	const UsomRationItem *item = run->item;

	for (int source = 0; source < item->nsources; source++)
		run->quantities[source] = item->sources[source].quantity;
	for (int claim = 0; claim < item->nclaims; claim++)
		for (int source = 0; source < item->nsources && item->claims[claim].strategy == USOM_SKIP; source++)
			run->quantities[source] = Max(run->quantities[source] - held_of(run, claim)[source], 0);
}

static Run *
begin_run(UsomRationItem *item)
{
	Run		   *run = palloc0(sizeof(Run));
	int			nsources = item->nsources;

	run->item = item;
	run->nlevels = nsources > 0 ? item->sources[nsources - 1].level + 1 : 1;
	run->quantities = palloc(sizeof(UsomQuantity) * Max(nsources, 1));
	take_skipped_out(run);
	run->serves = palloc(sizeof(bool) * Max((Size) item->nmasks * run->nlevels * nsources, 1));
	for (int mask = 0; mask < item->nmasks; mask++)
		for (int level = 0; level < run->nlevels; level++)
			for (int source = 0; source < nsources; source++)
				run->serves[((Size) mask * run->nlevels + level) * nsources + source] =
					item->masks[(Size) mask * nsources + source] && item->sources[source].level <= level;
	run->had = palloc0(sizeof(UsomQuantity) * Max((Size) item->nclaims * run->nlevels, 1));
	run->has = palloc0(sizeof(UsomQuantity) * Max((Size) item->nclaims * run->nlevels, 1));
	for (int claim = 0; claim < item->nclaims; claim++)
		for (int source = 0; source < nsources; source++)
			profile_of(run->had, run, claim)[item->sources[source].level] += held_of(run, claim)[source];
	return run;
}

static void
end_run(Run *run)
{
	pfree(run->quantities);
	pfree(run->serves);
	pfree(run->had);
	pfree(run->has);
	pfree(run);
}

bool
usom_sourcing_ration_item(UsomRationItem *item)
{
	Size		size = sizeof(UsomQuantity) * (Size) item->nclaims * item->nsources;
	Run		   *run = begin_run(item);
	bool		decided;

	item->given = palloc(Max(size, 1));
	if (size > 0)
		memcpy(item->given, item->held, size);
	item->exception = -1;
	item->possible = 0;
	run->pool = usom_sourcing_make_pool(run->quantities, item->nsources, run->serves, item->nmasks * run->nlevels);
	decided = decide(run);
	usom_sourcing_free_pool(run->pool);
	if (decided)
		place(run);
	end_run(run);
	return decided;
}
