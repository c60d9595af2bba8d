/*
 * ration.c
 *		Scarce supply shared over demands.
 *
 *		Lots are units of the multiple.  The k-th lot of a claim has the
 *		divisor before + after, where before and after count its lots without
 *		and with it; the first step is as large as the minimum.  A claim has all
 *		its lots whose divisor is at most weight * scale, so one number, the
 *		scale, says what everybody has: it is found by halving, exactly, since
 *		it is a double and products are taken in 128 bits.  What is left are
 *		lots between two neighbouring doubles, mostly ties: they are given out
 *		one by one from a heap.
 *
 * Memory: two arrays of the claims in CurrentMemoryContext, freed at the end.
 * Locks: none.
 *
 * Invariant: what is given out is always the beginning of one sequence of
 * steps that does not depend on the supply; it ends before the first step that
 * is larger than what is left.
 */
#include "postgres.h"

#include "sourcing/ration.h"

#include "miscadmin.h"

#include <math.h>

/* Scales beyond which no claim, or every claim, has all its lots. */
#define SMALLEST_SCALE 0x1p-62
#define LARGEST_SCALE 0x1p62

/* What is shared out among some of the claims. */
typedef struct Sharing
{
	const UsomClaim *claims;
	const int  *members;		/* indexes of claims */
	int			nmembers;
	int64		supply;			/* in lots */
	int64		first;			/* lots of a first step */
	const int64 *most;			/* of each claim */
	int64	   *have;			/* of each claim */
	int		   *heap;			/* members whose next step may come */
	int			nheap;
} Sharing;

/* floor(weight * scale) */
static int64
scaled_weight(int64 weight, double scale)
{
	int			exponent;
	uint128		mantissa = (uint128) (uint64) ldexp(frexp(scale, &exponent), 53);
	uint128		product = mantissa * (uint64) weight;

	exponent -= 53;
	if (exponent >= 0)
		product = product >> (126 - exponent) != 0 ? PG_INT64_MAX : product << exponent;
	else
		product = exponent <= -128 ? 0 : product >> -exponent;
	return product > PG_INT64_MAX ? PG_INT64_MAX : (int64) product;
}

/* Lots of a claim at a scale: those whose divisor is small enough. */
static int64
lots_at(const Sharing *sharing, int claim, double scale)
{
	int64		divisor;

	if (sharing->most[claim] == 0)
		return 0;
	divisor = scaled_weight(sharing->claims[claim].weight, scale);
	if (divisor < sharing->first)
		return 0;
	return Min(Max(sharing->first, divisor / 2 + divisor % 2), sharing->most[claim]);
}

static bool
fits_at(const Sharing *sharing, double scale)
{
	int64		left = sharing->supply;

	for (int i = 0; i < sharing->nmembers; i++)
	{
		left -= lots_at(sharing, sharing->members[i], scale);
		if (left < 0)
			return false;
	}
	return true;
}

/* The largest scale that the supply allows, by halving the numbers of doubles. */
static double
find_scale(const Sharing *sharing)
{
	union
	{
		double		scale;
		uint64		number;		/* positive doubles are ordered as their bits */
	}			low = {SMALLEST_SCALE}, high = {LARGEST_SCALE}, middle;

	if (fits_at(sharing, high.scale))
		return high.scale;
	while (high.number - low.number > 1)
	{
		CHECK_FOR_INTERRUPTS();
		middle.number = low.number + (high.number - low.number) / 2;
		if (fits_at(sharing, middle.scale))
			low = middle;
		else
			high = middle;
	}
	return low.scale;
}

static int64
next_step(const Sharing *sharing, int claim)
{
	return sharing->have[claim] == 0 ? sharing->first : 1;
}

/* Does a's next step come before b's? */
static bool
comes_before(const Sharing *sharing, int a, int b)
{
	uint128		divisor_a = (uint128) (2 * (uint64) sharing->have[a] + next_step(sharing, a));
	uint128		divisor_b = (uint128) (2 * (uint64) sharing->have[b] + next_step(sharing, b));
	uint128		left = divisor_b * (uint64) sharing->claims[a].weight;
	uint128		right = divisor_a * (uint64) sharing->claims[b].weight;

	return left != right ? left > right : a < b;
}

static void
sift_down(Sharing *sharing, int place)
{
	int		   *heap = sharing->heap;

	for (;;)
	{
		int			best = place;
		int			moved = heap[place];

		for (int child = 2 * place + 1; child <= 2 * place + 2 && child < sharing->nheap; child++)
			if (comes_before(sharing, heap[child], heap[best]))
				best = child;
		if (best == place)
			return;
		heap[place] = heap[best];
		heap[best] = moved;
		place = best;
	}
}

/* Step by step, until the next one is larger than what is left. */
static void
give_rest(Sharing *sharing, int64 left)
{
	sharing->nheap = 0;
	for (int i = 0; i < sharing->nmembers; i++)
		if (sharing->have[sharing->members[i]] < sharing->most[sharing->members[i]])
			sharing->heap[sharing->nheap++] = sharing->members[i];
	for (int place = sharing->nheap / 2 - 1; place >= 0; place--)
		sift_down(sharing, place);

	while (sharing->nheap > 0)
	{
		int			claim = sharing->heap[0];
		int64		step = next_step(sharing, claim);

		CHECK_FOR_INTERRUPTS();
		if (step > left)
			return;
		left -= step;
		sharing->have[claim] += step;
		if (sharing->have[claim] == sharing->most[claim])
			sharing->heap[0] = sharing->heap[--sharing->nheap];
		sift_down(sharing, 0);
	}
}

static void
share(Sharing *sharing)
{
	double		scale = find_scale(sharing);
	int64		left = sharing->supply;

	for (int i = 0; i < sharing->nmembers; i++)
	{
		int			claim = sharing->members[i];

		sharing->have[claim] = lots_at(sharing, claim, scale);
		left -= sharing->have[claim];
	}
	give_rest(sharing, left);
}

/* Members by group, those of none first: where each group begins. */
static int *
sort_by_group(const UsomClaim *claims, int nclaims, int ncaps, int *members)
{
	int		   *begin = palloc0(sizeof(int) * (ncaps + 3));

	for (int i = 0; i < nclaims; i++)
		begin[claims[i].group + 3]++;
	for (int group = 0; group <= ncaps; group++)
		begin[group + 2] += begin[group + 1];
	for (int i = 0; i < nclaims; i++)
		members[begin[claims[i].group + 2]++] = i;
	return begin + 1;
}

/* A group is shared out as if there were nothing but its cap: more than that none of its members gets. */
static void
limit_groups(const Sharing *all, int64 *most, const int *begin, const UsomQuantity *caps, int ncaps, UsomQuantity multiple)
{
	for (int group = 0; group < ncaps; group++)
	{
		Sharing		of_group = *all;

		of_group.members += begin[group];
		of_group.nmembers = begin[group + 1] - begin[group];
		of_group.supply = caps[group] / multiple;
		share(&of_group);
		for (int i = 0; i < of_group.nmembers; i++)
			most[of_group.members[i]] = all->have[of_group.members[i]];
	}
}

void
usom_sourcing_ration(UsomClaim *claims, int nclaims, UsomQuantity supply, UsomLots lots,
					 const UsomQuantity *caps, int ncaps)
{
	int64	   *most = palloc(sizeof(int64) * Max(nclaims, 1));
	int64	   *have = palloc0(sizeof(int64) * Max(nclaims, 1));
	int		   *members = palloc(sizeof(int) * 2 * Max(nclaims, 1));
	Sharing		sharing = {
		.claims = claims,
		.members = members,
		.nmembers = nclaims,
		.supply = supply / lots.multiple,
		.first = Max(lots.minimum / lots.multiple + (lots.minimum % lots.multiple > 0), 1),
		.most = most,
		.have = have,
		.heap = members + nclaims,
	};

	for (int i = 0; i < nclaims; i++)
	{
		most[i] = claims[i].demand / lots.multiple;
		if (most[i] < sharing.first)
			most[i] = 0;
	}
	limit_groups(&sharing, most, sort_by_group(claims, nclaims, ncaps, members), caps, ncaps, lots.multiple);
	share(&sharing);
	for (int i = 0; i < nclaims; i++)
		claims[i].share = have[i] * lots.multiple;
	pfree(members);
	pfree(have);
	pfree(most);
}
