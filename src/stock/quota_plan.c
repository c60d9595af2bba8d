/*
 * quota_plan.c
 *		How many units each demand may have: the rule of the quotas.
 *
 * Pure: no SPI, no clock, no locks.  Memory: CurrentMemoryContext.
 *
 * A demand may have what every ceiling over it has left, its lenders' units
 * included, and of the units that there are: those protected for it, then
 * those that nobody has a right to, then those of lenders.  What is protected
 * for others is out of reach.  What there is goes first come, first served
 * where protections promise more than that.
 *
 * Invariant: what a demand is charged with is never more than usom_quota_cap
 * would have let it have, demands before it being charged with as much as
 * they were capped at, or less.
 */
#include "postgres.h"

#include "stock/quota.h"

/* What is left while demands are gone through: by quota, by pool. */
typedef struct Room
{
	UsomQuantity *left;
	UsomQuantity *pool;
} Room;

static Room
make_room(const UsomQuotas *quotas)
{
	Room		room = {palloc_array(UsomQuantity, Max(quotas->count, 1)), palloc_array(UsomQuantity, Max(quotas->npools, 1))};

	for (int i = 0; i < quotas->count; i++)
		room.left[i] = quotas->quotas[i].left;
	for (int i = 0; i < quotas->npools; i++)
		room.pool[i] = quotas->pools[i].available;
	return room;
}

static int
find_pool(const UsomQuotas *quotas, int64 product_id)
{
	for (int i = 0; i < quotas->npools; i++)
		if (quotas->pools[i].product_id == product_id)
			return i;
	return -1;
}

static UsomQuantity
available_to(const UsomQuotas *quotas, const Room *room, const UsomQuotaDemand *demand)
{
	int			pool = find_pool(quotas, demand->product_id);

	return pool < 0 ? 0 : room->pool[pool];
}

/* Is the quota a lender of one that the demand is a member of, and protects the product? */
static bool
lends(const UsomQuotas *quotas, int lender, int demand)
{
	for (int i = 0; i < quotas->count; i++)
	{
		const UsomQuota *quota = &quotas->quotas[i];

		if (!quota->protects || !quota->member[demand])
			continue;
		for (int k = 0; k < quota->nlenders; k++)
			if (quota->lenders[k] == lender)
				return true;
	}
	return false;
}

static UsomQuantity
ceiling_room(const UsomQuotas *quotas, const Room *room, int ceiling)
{
	UsomQuantity units = room->left[ceiling];

	for (int k = 0; k < quotas->quotas[ceiling].nlenders; k++)
		units += room->left[quotas->quotas[ceiling].lenders[k]];
	return units;
}

/* Protected units of a product, as a demand sees them. */
typedef struct Shares
{
	UsomQuantity own;
	UsomQuantity lent;
	UsomQuantity others;
	int			other;			/* one of those that keep them; -1: nobody */
	bool		takes_rest;
} Shares;

static Shares
share_out(const UsomQuotas *quotas, const Room *room, int demand)
{
	Shares		shares = {.other = -1, .takes_rest = true};
	bool		is_member = false;
	bool		may_more = false;

	for (int i = 0; i < quotas->count; i++)
	{
		const UsomQuota *quota = &quotas->quotas[i];

		if (!quota->protects || !quota->covers[demand])
			continue;
		if (quota->member[demand])
		{
			shares.own += room->left[i];
			is_member = true;
			may_more |= quota->takes_rest;
			if (!quota->takes_rest && shares.other < 0)
				shares.other = i;
		}
		else if (lends(quotas, i, demand))
			shares.lent += room->left[i];
		else
		{
			shares.others += room->left[i];
			if (room->left[i] > 0)
				shares.other = i;
		}
	}
	shares.takes_rest = !is_member || may_more;
	return shares;
}

/* Of the units that there are: at most so many for the demand. */
static UsomQuantity
pool_room(const Shares *shares, UsomQuantity available)
{
	UsomQuantity rest = available - shares->own - shares->lent - shares->others;
	UsomQuantity units = shares->own + shares->lent + (shares->takes_rest ? Max(rest, 0) : 0);

	return Min(units, available);
}

static void
limit(UsomQuotaDemand *demand, UsomQuantity units, int quota)
{
	if (units >= demand->cap)
		return;
	demand->cap = demand->partial ? Max(units, 0) : 0;
	demand->capped_by = quota;
}

static void
cap_demand(const UsomQuotas *quotas, const Room *room, UsomQuotaDemand *demands, int demand)
{
	UsomQuotaDemand *of = &demands[demand];
	UsomQuantity available = available_to(quotas, room, of);
	Shares		shares = share_out(quotas, room, demand);

	of->cap = of->quantity;
	of->capped_by = -1;
	/* Where there is too little for all of them, quotas are not to blame. */
	if (pool_room(&shares, available) < Min(of->quantity, available) && shares.other >= 0)
		limit(of, pool_room(&shares, available), shares.other);
	for (int i = 0; i < quotas->count; i++)
		if (!quotas->quotas[i].protects && quotas->quotas[i].member[demand])
			limit(of, ceiling_room(quotas, room, i), i);
}

/* Who is told what a demand takes. */
typedef void (*Note) (UsomQuotas *quotas, const UsomQuotaDemand *of, int quota, int lender, UsomQuantity units);

static UsomQuantity
take(UsomQuotas *quotas, Room *room, const UsomQuotaDemand *of, int quota, int lender, UsomQuantity units, Note note)
{
	UsomQuantity taken = Min(units, room->left[lender]);

	if (taken <= 0)
		return units;
	room->left[lender] -= taken;
	if (note != NULL)
		note(quotas, of, quota, lender, taken);
	return units - taken;
}

static void
take_of_ceiling(UsomQuotas *quotas, Room *room, const UsomQuotaDemand *of, int ceiling, UsomQuantity units, Note note)
{
	const UsomQuota *quota = &quotas->quotas[ceiling];

	units = take(quotas, room, of, ceiling, ceiling, units, note);
	for (int k = 0; k < quota->nlenders; k++)
		units = take(quotas, room, of, ceiling, quota->lenders[k], units, note);
}

/* Own units, then the rest, then those of lenders. */
static void
take_of_pool(UsomQuotas *quotas, Room *room, const UsomQuotaDemand *of, int demand, UsomQuantity units, Note note)
{
	int			pool = find_pool(quotas, of->product_id);
	UsomQuantity available = available_to(quotas, room, of);
	Shares		shares = share_out(quotas, room, demand);
	UsomQuantity rest = Max(available - shares.own - shares.lent - shares.others, 0);

	if (pool >= 0)
		room->pool[pool] -= Min(units, available);
	for (int i = 0; i < quotas->count; i++)
		if (quotas->quotas[i].protects && quotas->quotas[i].member[demand])
			units = take(quotas, room, of, i, i, units, note);
	if (shares.takes_rest)
		units -= Min(units, rest);
	for (int i = 0; i < quotas->count && units > 0; i++)
		if (quotas->quotas[i].protects && quotas->quotas[i].member[demand])
			for (int k = 0; k < quotas->quotas[i].nlenders; k++)
				if (quotas->quotas[quotas->quotas[i].lenders[k]].covers[demand])
					units = take(quotas, room, of, i, quotas->quotas[i].lenders[k], units, note);
}

static void
take_all(UsomQuotas *quotas, Room *room, const UsomQuotaDemand *of, int demand, UsomQuantity units, Note note)
{
	take_of_pool(quotas, room, of, demand, units, note);
	for (int i = 0; i < quotas->count; i++)
		if (!quotas->quotas[i].protects && quotas->quotas[i].member[demand])
			take_of_ceiling(quotas, room, of, i, units, note);
}

void
usom_quota_cap(const UsomQuotas *quotas, UsomQuotaDemand *demands, int ndemands)
{
	Room		room = make_room(quotas);

	for (int i = 0; i < ndemands; i++)
	{
		cap_demand(quotas, &room, demands, i);
		/* What is not there is not taken from any quota. */
		take_all(unconstify(UsomQuotas *, quotas), &room, &demands[i], i,
				 Min(demands[i].cap, available_to(quotas, &room, &demands[i])), NULL);
	}
}

/* One row for each line, quota, lender and period. */
static void
note_use(UsomQuotas *quotas, const UsomQuotaDemand *of, int quota, int lender, UsomQuantity units)
{
	UsomQuota  *from = &quotas->quotas[lender];
	UsomQuotaUse use = {
		of->sales_order_id, of->line_no, quotas->quotas[quota].quota_id, from->quota_id, from->starts_at, units
	};

	from->left -= units;
	if (from->is_offer && from->release_at == 0)
		return;
	for (int i = 0; i < quotas->nuses; i++)
	{
		UsomQuotaUse *same = &quotas->uses[i];

		if (same->sales_order_id == use.sales_order_id && same->line_no == use.line_no &&
			same->quota_id == use.quota_id && same->lender_id == use.lender_id)
		{
			same->units += units;
			return;
		}
	}
	if (quotas->nuses == quotas->uses_capacity)
	{
		quotas->uses_capacity = Max(quotas->uses_capacity * 2, 8);
		quotas->uses = quotas->uses ? repalloc_array(quotas->uses, UsomQuotaUse, quotas->uses_capacity)
			: palloc_array(UsomQuotaUse, quotas->uses_capacity);
	}
	quotas->uses[quotas->nuses++] = use;
}

void
usom_quota_charge(UsomQuotas *quotas, const UsomQuotaDemand *demands, int demand, UsomQuantity units)
{
	Room		room = make_room(quotas);
	int			pool = find_pool(quotas, demands[demand].product_id);

	take_all(quotas, &room, &demands[demand], demand, units, note_use);
	if (pool >= 0)
		quotas->pools[pool].available = room.pool[pool];
}

const UsomQuota *
usom_quota_unreleased(const UsomQuotas *quotas, int demand)
{
	for (int i = 0; i < quotas->count; i++)
		if (quotas->quotas[i].is_offer && quotas->quotas[i].release_at != 0 && quotas->quotas[i].covers[demand])
			return &quotas->quotas[i];
	return NULL;
}

int
usom_quota_count_pre_orders(UsomQuotas *quotas, UsomQuotaDemand *demands, int ndemands)
{
	for (int i = 0; i < ndemands; i++)
	{
		const UsomQuota *found = demands[i].is_new ? usom_quota_unreleased(quotas, i) : NULL;
		UsomQuota  *offer = unconstify(UsomQuota *, found);

		if (offer == NULL)
			continue;
		if (demands[i].quantity > offer->offered)
		{
			if (offer->refuses)
				return i;
			continue;
		}
		if (offer->offered != PG_INT64_MAX)
			offer->offered -= demands[i].quantity;
		note_use(quotas, &demands[i], (int) (offer - quotas->quotas), (int) (offer - quotas->quotas), demands[i].quantity);
		offer->left = 0;
		demands[i].is_pre_order = true;
	}
	return -1;
}
