/*
 * pool.c
 *		Sources shared by kinds of claims: the largest flow, kept as it grows.
 *
 * Memory: one pool in CurrentMemoryContext.  Locks: none.
 *
 * Invariant: of each source, what is left and what all kinds use adds up to
 * what it had; a kind uses only sources that serve it.
 */
#include "postgres.h"

#include "sourcing/pool.h"

#include "miscadmin.h"

#define NOT_SEEN (-2)
#define AT_THE_BEGINNING (-1)

UsomPool *
usom_sourcing_make_pool(const UsomQuantity *quantities, int nsources, const bool *serves, int nkinds)
{
	UsomPool   *pool = palloc0(sizeof(UsomPool));

	pool->nsources = nsources;
	pool->nkinds = nkinds;
	pool->serves = serves;
	pool->left = palloc(sizeof(UsomQuantity) * Max(nsources, 1));
	memcpy(pool->left, quantities, sizeof(UsomQuantity) * nsources);
	pool->used = palloc0(sizeof(UsomQuantity) * Max((Size) nkinds * nsources, 1));
	pool->exhausted = palloc0(sizeof(bool) * Max(nkinds, 1));
	pool->queue = palloc(sizeof(int) * 3 * Max(nsources, 1));
	pool->previous = pool->queue + nsources;
	pool->moved = pool->previous + nsources;
	return pool;
}

void
usom_sourcing_free_pool(UsomPool *pool)
{
	pfree(pool->left);
	pfree(pool->used);
	pfree(pool->exhausted);
	pfree(pool->queue);
	pfree(pool);
}

static inline bool
may_serve(const UsomPool *pool, int kind, int source)
{
	return pool->serves[(Size) kind * pool->nsources + source];
}

static inline UsomQuantity *
use_of(UsomPool *pool, int kind, int source)
{
	return &pool->used[(Size) kind * pool->nsources + source];
}

UsomQuantity
usom_sourcing_take_from_source(UsomPool *pool, int kind, int source, UsomQuantity quantity)
{
	UsomQuantity taken = may_serve(pool, kind, source) ? Min(quantity, pool->left[source]) : 0;

	pool->left[source] -= taken;
	*use_of(pool, kind, source) += taken;
	return taken;
}

/* Sources that a kind could move to from a source that it uses. */
static int
look_behind(UsomPool *pool, int source, int nqueue)
{
	for (int kind = 0; kind < pool->nkinds; kind++)
	{
		if (*use_of(pool, kind, source) == 0)
			continue;
		for (int other = 0; other < pool->nsources; other++)
		{
			if (pool->previous[other] != NOT_SEEN || !may_serve(pool, kind, other))
				continue;
			pool->previous[other] = source;
			pool->moved[other] = kind;
			pool->queue[nqueue++] = other;
		}
	}
	return nqueue;
}

/* The nearest source with something left that others can move to for the kind's sake; -1: none. */
static int
find_way(UsomPool *pool, int kind)
{
	int			nqueue = 0;

	for (int source = 0; source < pool->nsources; source++)
	{
		pool->previous[source] = NOT_SEEN;
		if (!may_serve(pool, kind, source))
			continue;
		pool->previous[source] = AT_THE_BEGINNING;
		pool->queue[nqueue++] = source;
	}
	for (int i = 0; i < nqueue; i++)
	{
		if (pool->left[pool->queue[i]] > 0)
			return pool->queue[i];
		nqueue = look_behind(pool, pool->queue[i], nqueue);
	}
	return -1;
}

/* Everybody on the way moves on by one source; returns how many units. */
static UsomQuantity
move_along(UsomPool *pool, int kind, int end, UsomQuantity most)
{
	UsomQuantity units = Min(most, pool->left[end]);
	int			source = end;

	for (int at = end; pool->previous[at] != AT_THE_BEGINNING; at = pool->previous[at])
		units = Min(units, *use_of(pool, pool->moved[at], pool->previous[at]));
	pool->left[end] -= units;
	for (; pool->previous[source] != AT_THE_BEGINNING; source = pool->previous[source])
	{
		*use_of(pool, pool->moved[source], source) += units;
		*use_of(pool, pool->moved[source], pool->previous[source]) -= units;
	}
	*use_of(pool, kind, source) += units;
	return units;
}

UsomQuantity
usom_sourcing_take_from_pool(UsomPool *pool, int kind, UsomQuantity quantity)
{
	UsomQuantity wanted = quantity;

	for (int source = 0; source < pool->nsources && wanted > 0; source++)
		wanted -= usom_sourcing_take_from_source(pool, kind, source, wanted);
	while (wanted > 0 && !pool->exhausted[kind])
	{
		int			end = find_way(pool, kind);

		CHECK_FOR_INTERRUPTS();
		if (end < 0)
			pool->exhausted[kind] = true;
		else
			wanted -= move_along(pool, kind, end, wanted);
	}
	return quantity - wanted;
}

void
usom_sourcing_return_to_pool(UsomPool *pool, int kind, UsomQuantity quantity)
{
	for (int source = pool->nsources - 1; source >= 0 && quantity > 0; source--)
	{
		UsomQuantity units = Min(quantity, *use_of(pool, kind, source));

		if (units == 0)
			continue;
		*use_of(pool, kind, source) -= units;
		pool->left[source] += units;
		quantity -= units;
		memset(pool->exhausted, 0, sizeof(bool) * pool->nkinds);
	}
	Assert(quantity == 0);
}
