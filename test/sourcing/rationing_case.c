/*
 * rationing_case.c
 *		Seeded items for backorder processing, and judges of the outcome.
 */
#include "rationing_case.h"

void
point_item(RationCase *of)
{
	of->item.claims = of->claims;
	of->item.sources = of->sources;
	of->item.masks = of->masks;
	of->item.held = of->held;
}

static UsomQuantity
units_at(const RationCase *of, const UsomQuantity *units, int claim, int source)
{
	return units[claim * of->item.nsources + source];
}

/* Units of a claim that are there by a level. */
static UsomQuantity
units_by(const RationCase *of, const UsomQuantity *units, int claim, int level)
{
	UsomQuantity sum = 0;

	for (int source = 0; source < of->item.nsources; source++)
		sum += of->sources[source].level <= level ? units_at(of, units, claim, source) : 0;
	return sum;
}

static UsomQuantity
units_in_all(const RationCase *of, const UsomQuantity *units, int claim)
{
	return units_by(of, units, claim, MOST_SOURCES);
}

static UsomQuantity
left_at(const RationCase *of, const UsomQuantity *units, int source)
{
	UsomQuantity left = of->sources[source].quantity;

	for (int claim = 0; claim < of->item.nclaims; claim++)
		left -= units_at(of, units, claim, source);
	return left;
}

static bool
may_serve(const RationCase *of, int claim, int source)
{
	return of->masks[of->claims[claim].mask * of->item.nsources + source];
}

void
draw_ration_case(RationCase *of, uint64 seed)
{
	UsomRationItem *item = &of->item;
	int			level = 0;

	memset(of, 0, sizeof(RationCase));
	point_item(of);
	item->nclaims = draw_between(&seed, 0, MOST_CLAIMS);
	item->nsources = draw_between(&seed, 0, MOST_SOURCES);
	item->nmasks = draw_between(&seed, 1, MOST_MASKS);
	for (int i = 0; i < item->nsources; i++)
	{
		level += i > 0 && draw_between(&seed, 0, 2) == 0;
		of->sources[i] = (UsomRationSource) {draw_between(&seed, 0, 12), level};
	}
	for (int i = 0; i < item->nmasks * item->nsources; i++)
		of->masks[i] = draw_between(&seed, 0, 3) > 0;
	for (int i = 0; i < item->nclaims; i++)
	{
		UsomRationClaim *claim = &of->claims[i];

		claim->strategy = (UsomStrategy) draw_between(&seed, USOM_WIN, USOM_SKIP);
		claim->mask = draw_between(&seed, 0, item->nmasks - 1);
		claim->on_time = draw_between(&seed, 0, level + 1);
		claim->whole = draw_between(&seed, 0, 3) == 0;
		for (int k = 0; k < item->nsources; k++)
			if (may_serve(of, i, k) && draw_between(&seed, 0, 2) == 0)
			{
				UsomQuantity units = draw_between(&seed, 0, 5);

				of->held[i * item->nsources + k] = Min(units, left_at(of, of->held, k));
			}
		claim->wanted = Max(units_in_all(of, of->held, i) + draw_between(&seed, 0, 6), 1);
	}
	if (item->nsources > 0 && draw_between(&seed, 0, 5) == 0)
	{
		of->sources[0].quantity /= 2;
		of->overheld = left_at(of, of->held, 0) < 0;
	}
}

const char *
judge_conserved(const RationCase *of)
{
	const UsomQuantity *given = of->item.given;

	for (int claim = 0; claim < of->item.nclaims; claim++)
	{
		for (int source = 0; source < of->item.nsources; source++)
			if (units_at(of, given, claim, source) < 0 || (units_at(of, given, claim, source) > 0 && !may_serve(of, claim, source)))
				return "a claim is served by what may not serve it";
		if (units_in_all(of, given, claim) > of->claims[claim].wanted)
			return "a claim has more than it wants";
	}
	if (of->item.exception >= 0)
		return memcmp(given, of->held, sizeof(UsomQuantity) * of->item.nclaims * of->item.nsources) == 0 ? NULL
			: "an exception changes something";
	for (int source = 0; source < of->item.nsources; source++)
	{
		UsomQuantity left = left_at(of, given, source);

		/* What is skipped stays, even if it was more than there is. */
		for (int claim = 0; claim < of->item.nclaims; claim++)
			left += left < 0 && of->claims[claim].strategy == USOM_SKIP ? units_at(of, given, claim, source) : 0;
		if (left < 0)
			return "more is given than there is";
	}
	return NULL;
}

static const char *
judge_promise(const RationCase *of, int i)
{
	const UsomRationClaim *claim = &of->claims[i];
	const UsomQuantity *given = of->item.given;
	UsomQuantity has = units_in_all(of, given, i);
	UsomQuantity had = units_in_all(of, of->held, i);

	if (claim->whole && has != 0 && has != claim->wanted && (has != had || claim->strategy == USOM_WIN) && !of->overheld)
		return "what is not to be cut is cut";
	if (claim->strategy == USOM_WIN && units_by(of, given, i, claim->on_time) < claim->wanted)
		return "a win is not whole or not on time";
	if (claim->strategy == USOM_FILL && has > had)
		return "a fill has more than it had";
	if (claim->strategy == USOM_LOSE && has > 0)
		return "a lose keeps something";
	for (int level = 0; level < MOST_SOURCES; level++)
		if ((claim->strategy == USOM_GAIN || (claim->strategy == USOM_IMPROVE && !of->overheld)) &&
			units_by(of, given, i, level) < units_by(of, of->held, i, level))
			return "a gain or improve has less than it had, or later";
	for (int source = 0; source < of->item.nsources; source++)
		if (claim->strategy == USOM_SKIP && units_at(of, given, i, source) != units_at(of, of->held, i, source))
			return "a skip is touched";
	return NULL;
}

const char *
judge_promises(const RationCase *of)
{
	const char *broken = NULL;

	if (of->item.exception >= 0)
	{
		UsomStrategy strategy = of->claims[of->item.exception].strategy;

		if (strategy != USOM_WIN && strategy != USOM_GAIN)
			return "an exception of a strategy that has none";
		return of->item.possible < of->claims[of->item.exception].wanted ? NULL : "an exception though all is possible";
	}
	for (int i = 0; i < of->item.nclaims && broken == NULL; i++)
		broken = judge_promise(of, i);
	return broken;
}

static bool
takes_all(const RationCase *of, int claim)
{
	UsomStrategy strategy = of->claims[claim].strategy;

	return !of->claims[claim].whole && strategy >= USOM_GAIN && strategy <= USOM_REDISTRIBUTE;
}

const char *
judge_idle(const RationCase *of)
{
	for (int claim = 0; claim < of->item.nclaims && of->item.exception < 0; claim++)
		for (int source = 0; source < of->item.nsources; source++)
			if (takes_all(of, claim) && units_in_all(of, of->item.given, claim) < of->claims[claim].wanted &&
				may_serve(of, claim, source) && left_at(of, of->item.given, source) > 0)
				return "a unit is idle that a claim waits for";
	return NULL;
}

static bool
comes_before(const RationCase *of, int a, int b)
{
	UsomStrategy first = of->claims[a].strategy;
	UsomStrategy second = of->claims[b].strategy;

	return second == USOM_FILL ? first < second : second == USOM_REDISTRIBUTE && (first < second || (first == second && a < b));
}

const char *
judge_order(const RationCase *of)
{
	for (int a = 0; a < of->item.nclaims && of->item.exception < 0; a++)
		for (int b = 0; b < of->item.nclaims; b++)
			for (int source = 0; source < of->item.nsources; source++)
				if (takes_all(of, a) && comes_before(of, a, b) && units_in_all(of, of->item.given, a) < of->claims[a].wanted &&
					may_serve(of, a, source) && units_at(of, of->item.given, b, source) > 0)
					return "a later claim has what an earlier one waits for";
	return NULL;
}

const char *
judge_again(const RationCase *of)
{
	RationCase	other = *of;
	Size		size = sizeof(UsomQuantity) * of->item.nclaims * of->item.nsources;

	point_item(&other);
	if (of->item.exception < 0)
		memcpy(other.held, of->item.given, size);
	if (usom_sourcing_ration_item(&other.item) != (of->item.exception < 0))
		return "a second run ends otherwise";
	return memcmp(other.item.given, other.held, size) == 0 ? NULL : "a second run changes something";
}

const char *
judge_more(const RationCase *of)
{
	RationCase	other = *of;
	UsomQuantity before = 0;
	UsomQuantity after = 0;

	if (of->item.exception >= 0 || of->item.nsources == 0)
		return NULL;
	point_item(&other);
	other.sources[of->item.nclaims % of->item.nsources].quantity++;
	if (!usom_sourcing_ration_item(&other.item))
		return "one more unit raises an exception";
	for (int i = 0; i < of->item.nclaims; i++)
	{
		if (of->claims[i].whole)
			return NULL;
		before += units_in_all(of, of->item.given, i);
		after += units_in_all(&other, other.item.given, i);
	}
	return after >= before ? NULL : "of one more unit less is given";
}
