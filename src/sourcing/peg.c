/*
 * peg.c
 *		The pure plan of pegs: see peg.h.
 *
 * No SPI, no locks, no clock.  Memory: CurrentMemoryContext.
 *
 * Invariant: what is taken of a supply is never more than was free of it.
 */
#include "postgres.h"

#include "sourcing/peg.h"

#include "miscadmin.h"

typedef struct Planning
{
	UsomSupply *supplies;
	int			nsupplies;
	int		   *begin;			/* of the group that a supply begins: the first that has something */
	UsomPeg    *pegs;
	int			npegs;
	int			capacity;
} Planning;

static int
find_group(const Planning *planning, int64 product_id)
{
	int			low = 0;
	int			high = planning->nsupplies;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (planning->supplies[middle].product_id < product_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_of_product(const Planning *planning, int index, int64 product_id)
{
	return index < planning->nsupplies && planning->supplies[index].product_id == product_id;
}

static bool
may_take(const Planning *planning, const UsomPegDemand *demand, const UsomSupply *supply, bool own)
{
	if (demand->from >= 0 && supply->expected_at >= planning->supplies[demand->from].expected_at)
		return false;
	if (supply->free <= 0 || (demand->location_id != 0 && demand->location_id != supply->location_id))
		return false;
	if (!own)
		return supply->sales_order_id == 0;
	return supply->sales_order_id == demand->sales_order_id && supply->line_no == demand->line_no;
}

static void
give_back(Planning *planning, int group, int supply, UsomQuantity quantity)
{
	planning->supplies[supply].free += quantity;
	planning->begin[group] = Min(planning->begin[group], supply);
}

static void
take(Planning *planning, int demand, int supply, UsomQuantity quantity)
{
	if (planning->npegs == planning->capacity)
	{
		planning->capacity *= 2;
		planning->pegs = repalloc_array(planning->pegs, UsomPeg, planning->capacity);
	}
	planning->pegs[planning->npegs++] = (UsomPeg) {demand, supply, quantity};
	planning->supplies[supply].free -= quantity;
}

/* Returns what is left of the demand. */
static UsomQuantity
take_from_group(Planning *planning, int index, const UsomPegDemand *demand, int group, bool own, UsomQuantity left)
{
	for (int i = planning->begin[group]; left > 0 && is_of_product(planning, i, demand->product_id); i++)
	{
		UsomQuantity units;

		if (!may_take(planning, demand, &planning->supplies[i], own))
			continue;
		units = Min(planning->supplies[i].free, left);
		if (units < left && !demand->partial)
			continue;
		take(planning, index, i, units);
		left -= units;
	}
	return left;
}

static void
plan_demand(Planning *planning, int index, const UsomPegDemand *demand)
{
	int			group = find_group(planning, demand->product_id);
	UsomQuantity left = demand->quantity;

	if (!is_of_product(planning, group, demand->product_id))
		return;
	left = take_from_group(planning, index, demand, group, true, left);
	left = take_from_group(planning, index, demand, group, false, left);
	if (demand->from >= 0 && left < demand->quantity)
		give_back(planning, group, demand->from, demand->quantity - left);
	while (is_of_product(planning, planning->begin[group], demand->product_id) &&
		   planning->supplies[planning->begin[group]].free <= 0)
		planning->begin[group]++;
}

UsomPeg *
usom_sourcing_peg(const UsomPegDemand *demands, int ndemands, UsomSupply *supplies, int nsupplies, int *npegs)
{
	Planning	planning = {
		.supplies = supplies,
		.nsupplies = nsupplies,
		.begin = palloc_array(int, Max(nsupplies, 1)),
		.capacity = Max(ndemands, 1),
	};

	planning.pegs = palloc_array(UsomPeg, planning.capacity);
	for (int i = 0; i < nsupplies; i++)
		planning.begin[i] = i;
	for (int i = 0; i < ndemands; i++)
	{
		CHECK_FOR_INTERRUPTS();
		plan_demand(&planning, i, &demands[i]);
	}
	*npegs = planning.npegs;
	return planning.pegs;
}
