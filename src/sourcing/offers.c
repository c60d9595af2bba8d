/*
 * offers.c
 *		Which days of which locations are the sites of a problem.
 *
 *		A location whose days are not counted is one site.  One that is counted
 *		offers the next day that has room; if what the needs could take from it
 *		does not fit there, what is left over is offered on the days after,
 *		need by need, as the stock of sites of their own.  Or it offers one day
 *		alone, with all its stock: round.c tries which is cheaper.
 *
 *		Supply that is under way is a site of its location from when it arrives
 *		on, for lines for which it has a price to be late.
 *
 * Memory: CurrentMemoryContext, which ends with the problem.  Locks: none.
 *
 * Invariant: what the days of a location offer of a product is not more than
 * it has; what is taken of a day is not more than its room.
 */
#include "postgres.h"

#include "sourcing/planning.h"

/* The days of one location, while the needs are dealt out among them. */
typedef struct Dealing
{
	Round	   *round;
	int			lane;
	const Schedule *schedule;
	UsomQuantity room[USOM_DAYS_AHEAD];
	UsomQuantity *stock;		/* by product: what the location can still give */
	UsomQuantity *portions;		/* days by products */
	bool		used[USOM_DAYS_AHEAD];
} Dealing;

static int
add_offer(Round *round, int lane, DateADT day, TimestampTz arrives_at, UsomQuantity room)
{
	if (round->noffers == round->offers_capacity)
	{
		round->offers_capacity *= 2;
		round->offers = repalloc_array(round->offers, Offer, round->offers_capacity);
		round->portions = repalloc_array(round->portions, UsomQuantity, round->offers_capacity * round->nneeds);
	}
	round->offers[round->noffers] = (Offer) {lane, day, arrives_at, room, -1, true};
	return round->noffers++;
}

static int
offer_day(Round *round, int lane, const Schedule *schedule, int day, UsomQuantity room)
{
	return add_offer(round, lane, schedule->days[day].day,
					 schedule->days[day].ships_at + round->group->lanes[lane].transit, room);
}

/* ---- dealing ---- */

static UsomQuantity
wanted_of(const Dealing *dealing, int need)
{
	const Round *round = dealing->round;
	const UsomSourcingNeed *of = &round->needs[need];
	UsomQuantity wanted = Min(of->quantity, dealing->stock[of->product]);

	if (round->lane_verdicts[need * round->planning->nlanes + dealing->lane] != USOM_REASON_NONE ||
		(!of->partial && of->most_parts == 1 && wanted < of->quantity))
		return 0;
	return wanted;
}

static void
deal(Dealing *dealing, int need, int day, UsomQuantity quantity)
{
	int			product = dealing->round->needs[need].product;

	dealing->used[day] = true;
	dealing->portions[day * dealing->round->nneeds + product] += quantity;
	dealing->stock[product] -= quantity;
	if (dealing->room[day] != USOM_NO_LIMIT)
		dealing->room[day] -= quantity;
}

/* In one part: the first day that has room for it, else what fits on the day that has most. */
static void
deal_whole(Dealing *dealing, int need, UsomQuantity wanted)
{
	int			best = 0;

	for (int day = 0; day < dealing->schedule->ndays && dealing->room[best] < wanted; day++)
		if (dealing->room[day] > dealing->room[best])
			best = day;
	wanted = Min(wanted, dealing->room[best]);
	if (wanted == dealing->round->needs[need].quantity || (wanted > 0 && dealing->round->needs[need].partial))
		deal(dealing, need, best, wanted);
}

static void
deal_parts(Dealing *dealing, int need, UsomQuantity wanted)
{
	UsomQuantity smallest = dealing->round->needs[need].smallest;

	for (int day = 0; day < dealing->schedule->ndays && wanted > 0; day++)
	{
		UsomQuantity part = Min(dealing->room[day], wanted);

		if (part == 0 || (part < smallest && part < dealing->round->needs[need].quantity))
			continue;
		deal(dealing, need, day, part);
		wanted -= part;
	}
}

static void
begin_dealing(Dealing *dealing, Round *round, int lane, const Schedule *schedule)
{
	*dealing = (Dealing) {.round = round, .lane = lane, .schedule = schedule};
	for (int day = 0; day < schedule->ndays; day++)
		dealing->room[day] = usom_sourcing_room(round->planning->agenda,
												(UsomLocationDay) {schedule->location_id, schedule->days[day].day});
	dealing->portions = palloc0_array(UsomQuantity, USOM_DAYS_AHEAD * round->nneeds);
	dealing->stock = palloc_array(UsomQuantity, round->nneeds);
	for (int product = 0; product < round->problem.nproducts; product++)
	{
		UsomQuantity available =
			usom_sourcing_available_at(round->planning, round->products[product], schedule->location_id);

		dealing->stock[product] = Max(available - round->group->lanes[lane].protected_quantity, 0);
	}
}

/* ---- offers ---- */

/* The first day that has room, or the first of all. */
static int
first_day(const UsomQuantity *room, int ndays)
{
	for (int day = 0; day < ndays; day++)
		if (room[day] > 0)
			return day;
	return 0;
}

static void
offer_days(Round *round, int lane, const Schedule *schedule)
{
	UsomQuantity room[USOM_DAYS_AHEAD];
	Dealing		dealing;
	int			nused = 0;

	begin_dealing(&dealing, round, lane, schedule);
	memcpy(room, dealing.room, sizeof(room));
	for (int need = 0; need < round->nneeds; need++)
	{
		UsomQuantity wanted = wanted_of(&dealing, need);

		if (wanted > 0 && round->needs[need].most_parts == 1)
			deal_whole(&dealing, need, wanted);
		else if (wanted > 0)
			deal_parts(&dealing, need, wanted);
	}
	for (int day = 0; day < schedule->ndays; day++)
		nused += dealing.used[day];
	if (nused == 0)
		dealing.used[first_day(room, schedule->ndays)] = true;
	for (int day = 0; day < schedule->ndays; day++)
		if (dealing.used[day])
		{
			int			offer = offer_day(round, lane, schedule, day, room[day]);

			round->offers[offer].whole = nused <= 1;
			memcpy(&round->portions[offer * round->nneeds], &dealing.portions[day * round->nneeds],
				   sizeof(UsomQuantity) * round->nneeds);
		}
}

/* Somebody would rather wait for it than be served from anywhere at any cost. */
static bool
is_waited_for(const Round *round, const UsomSupply *supply, int lane)
{
	for (int need = 0; need < round->nneeds; need++)
		if (round->products[round->needs[need].product] == supply->product_id && usom_sourcing_may_wait(round, need) &&
			round->lane_verdicts[need * round->planning->nlanes + lane] == USOM_REASON_NONE)
			return true;
	return false;
}

static void
offer_supply(Round *round, int index, int lane)
{
	const UsomSupply *supply = &round->planning->outlook->supplies[index];
	const UsomLane *of = &round->group->lanes[lane];
	TimestampTz ships_at = usom_calendar_ship(of->calendar, Max(supply->expected_at, of->ships_at));
	int			offer;

	if (ships_at == USOM_NEVER || !is_waited_for(round, supply, lane))
		return;
	offer = add_offer(round, lane, usom_calendar_day(of->calendar->zone, ships_at), ships_at + of->transit, supply->free);
	round->offers[offer].supply = index;
	round->offers[offer].whole = false;
	for (int product = 0; product < round->problem.nproducts; product++)
		round->portions[offer * round->nneeds + product] =
			round->products[product] == supply->product_id ? supply->free : 0;
}

/* What is firmly for a line is not here: its line counts on it without a plan. */
static void
offer_supplies(Round *round)
{
	const UsomOutlook *outlook = round->planning->outlook;

	for (int i = 0; i < outlook->nsupplies; i++)
		for (int lane = 0; lane < round->planning->nlanes; lane++)
			if (outlook->supplies[i].free > 0 && outlook->supplies[i].sales_order_id == 0 &&
				outlook->supplies[i].location_id == round->group->lanes[lane].location_id)
				offer_supply(round, i, lane);
}

void
usom_sourcing_make_offers(Round *round)
{
	const Planning *planning = round->planning;

	round->noffers = 0;
	round->offers_capacity = planning->nlanes + USOM_DAYS_AHEAD;
	round->offers = palloc_array(Offer, round->offers_capacity);
	round->portions = palloc_array(UsomQuantity, round->offers_capacity * round->nneeds);
	for (int lane = 0; lane < planning->nlanes; lane++)
	{
		const UsomLane *of = &round->group->lanes[lane];
		const Schedule *schedule = usom_sourcing_schedule(planning->agenda, of);
		int			day = round->only_day[lane];

		if (schedule == NULL)
			add_offer(round, lane, USOM_NO_DAY, of->site.arrives_at, USOM_NO_LIMIT);
		else if (day < 0)
			offer_days(round, lane, schedule);
		else
			offer_day(round, lane, schedule, day, usom_sourcing_room(planning->agenda,
					  (UsomLocationDay) {schedule->location_id, schedule->days[day].day}));
	}
	offer_supplies(round);
}

/* ---- afterwards ---- */

static void
move_parts(const Round *round, int from, int to)
{
	UsomSourcingPlan *solved = round->solved;

	for (int i = 0; i < solved->nparts; i++)
	{
		UsomSourcingPart *part = &solved->parts[i];

		if (part->site != from)
			continue;
		part->site = to;
		if (solved->reasons != NULL)
		{
			solved->reasons[part->need * round->noffers + to] = USOM_REASON_CHOSEN;
			solved->reasons[part->need * round->noffers + from] = USOM_REASON_COST;
		}
		for (int k = 0; k < solved->nparts; k++)
			if (k != i && solved->parts[k].need == part->need && solved->parts[k].site == to)
			{
				solved->parts[k].quantity += part->quantity;
				part->quantity = 0;
			}
	}
}

/* What a day was kept for may have gone elsewhere. */
void
usom_sourcing_pull_forward(Round *round)
{
	UsomQuantity *taken = palloc0_array(UsomQuantity, round->noffers + 1);

	for (int i = 0; i < round->solved->nparts; i++)
		taken[round->solved->parts[i].site] += round->solved->parts[i].quantity;
	for (int offer = 0; offer < round->noffers; offer++)
		for (int earlier = 0; earlier < offer && taken[offer] > 0; earlier++)
			if (round->offers[earlier].lane == round->offers[offer].lane && round->offers[offer].supply < 0 &&
				taken[offer] <= round->offers[earlier].room - taken[earlier])
			{
				move_parts(round, offer, earlier);
				taken[earlier] += taken[offer];
				taken[offer] = 0;
			}
}
