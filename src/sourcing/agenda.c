/*
 * agenda.c
 *		What is left of the days of counted locations, while orders are
 *		planned one after another.
 *
 *		Read once, by two statements: which locations are counted, and what is
 *		left of the days on which they ship next.  Then kept in memory: each
 *		order takes its units, and one of the orders of the day unless it uses
 *		the day already.
 *
 * Memory: CurrentMemoryContext of who reads the agenda.  Locks: none unless
 * asked for; whoever takes the capacity compares again (stock/capacity.h).
 *
 * Invariant: uses is sorted, one of each order and day; mine are the days of the order at hand.
 * What is left is below zero where a limit was lowered; it grows from there.
 */
#include "postgres.h"

#include "sourcing/agenda.h"

#include "base/errors.h"

typedef struct AgendaDay
{
	UsomLocationDay at;
	UsomFreeCapacity left;
} AgendaDay;

/* Units that the order at hand has of a day. */
typedef struct DayOfOrder
{
	UsomLocationDay at;
	UsomQuantity units;
} DayOfOrder;

struct Agenda
{
	int			ncounted;
	int64	   *counted;		/* by key */
	int			nschedules;
	int			schedules_capacity;
	Schedule   *schedules;
	int			ndays;
	AgendaDay  *days;			/* by location, then day */
	int			nuses;
	UsomDayUse *uses;			/* by order */
	int			nmine;
	int			mine_capacity;
	DayOfOrder *mine;
};

static int
compare_days(UsomLocationDay a, UsomLocationDay b)
{
	if (a.location_id != b.location_id)
		return a.location_id < b.location_id ? -1 : 1;
	return (a.day > b.day) - (a.day < b.day);
}

static int
compare_agenda_days(const void *a, const void *b)
{
	return compare_days(((const AgendaDay *) a)->at, ((const AgendaDay *) b)->at);
}

/* By order, then day. */
static int
compare_uses(const void *a, const void *b)
{
	const UsomDayUse *left = a;
	const UsomDayUse *right = b;

	if (left->sales_order_id != right->sales_order_id)
		return left->sales_order_id < right->sales_order_id ? -1 : 1;
	return compare_days(left->at, right->at);
}

int
usom_sourcing_merge_uses(UsomDayUse *uses, int nuses)
{
	int			count = 0;

	qsort(uses, nuses, sizeof(UsomDayUse), compare_uses);
	for (int i = 0; i < nuses; i++)
	{
		if (count > 0 && compare_uses(&uses[count - 1], &uses[i]) == 0)
		{
			uses[count - 1].counted += uses[i].counted;
			uses[count - 1].units += uses[i].units;
		}
		else
			uses[count++] = uses[i];
	}
	return count;
}

/* ---- schedules ---- */

static bool
is_counted(const Agenda *agenda, int64 location_id)
{
	for (int i = 0; i < agenda->ncounted; i++)
		if (agenda->counted[i] == location_id)
			return true;
	return false;
}

/* After the first day, when an order leaves depends on the location alone. */
const Schedule *
usom_sourcing_schedule(const Agenda *agenda, const UsomLane *lane)
{
	if (agenda != NULL)
		for (int i = 0; i < agenda->nschedules; i++)
			if (agenda->schedules[i].location_id == lane->location_id && agenda->schedules[i].ships_at == lane->ships_at)
				return &agenda->schedules[i];
	return NULL;
}

/* On a later day than that.  Midnight itself still belongs to hours that end then, so a moment after is asked for. */
static TimestampTz
next_shipment(const UsomCalendar *calendar, DateADT day)
{
	TimestampTz midnight = usom_calendar_instant(calendar->zone, day + 1, 0);
	TimestampTz ships_at = usom_calendar_ship(calendar, midnight + 1);

	return ships_at == midnight + 1 ? midnight : ships_at;
}

static void
make_schedule(Schedule *schedule, const UsomLane *lane)
{
	TimestampTz ships_at = lane->ships_at;

	schedule->location_id = lane->location_id;
	schedule->ships_at = lane->ships_at;
	schedule->ndays = 0;
	while (schedule->ndays < USOM_DAYS_AHEAD && ships_at != USOM_NEVER)
	{
		DateADT		day = usom_calendar_day(lane->calendar->zone, ships_at);

		schedule->days[schedule->ndays++] = (ShippingDay) {day, ships_at};
		ships_at = next_shipment(lane->calendar, day);
	}
}

static void
add_schedule(Agenda *agenda, const UsomLane *lane)
{
	if (lane->ships_at == USOM_NEVER || !is_counted(agenda, lane->location_id) ||
		usom_sourcing_schedule(agenda, lane) != NULL)
		return;
	if (agenda->nschedules == agenda->schedules_capacity)
	{
		agenda->schedules_capacity *= 2;
		agenda->schedules = repalloc_array(agenda->schedules, Schedule, agenda->schedules_capacity);
	}
	make_schedule(&agenda->schedules[agenda->nschedules++], lane);
}

/* ---- what is left ---- */

static AgendaDay *
find_day(const Agenda *agenda, UsomLocationDay at)
{
	AgendaDay	key = {.at = at};

	return bsearch(&key, agenda->days, agenda->ndays, sizeof(AgendaDay), compare_agenda_days);
}

static void
list_days(Agenda *agenda)
{
	int			count = 0;

	agenda->days = palloc_array(AgendaDay, agenda->nschedules * USOM_DAYS_AHEAD + 1);
	for (int i = 0; i < agenda->nschedules; i++)
		for (int day = 0; day < agenda->schedules[i].ndays; day++)
			agenda->days[count++].at =
				(UsomLocationDay) {agenda->schedules[i].location_id, agenda->schedules[i].days[day].day};
	qsort(agenda->days, count, sizeof(AgendaDay), compare_agenda_days);
	for (int i = 0; i < count; i++)
		if (i == 0 || compare_days(agenda->days[i].at, agenda->days[i - 1].at) != 0)
			agenda->days[agenda->ndays++] = agenda->days[i];
}

/* The days of the orders as well: what is given back there is given back under the same locks. */
static void
lock(const Agenda *agenda, int64 org_id)
{
	UsomLocationDay *days = palloc_array(UsomLocationDay, agenda->ndays + agenda->nuses + 1);

	for (int i = 0; i < agenda->ndays; i++)
		days[i] = agenda->days[i].at;
	for (int i = 0; i < agenda->nuses; i++)
		days[agenda->ndays + i] = agenda->uses[i].at;
	usom_capacity_lock(org_id, days, agenda->ndays + agenda->nuses);
}

static void
look(Agenda *agenda, int64 org_id)
{
	UsomLocationDay *days = palloc_array(UsomLocationDay, agenda->ndays + 1);
	UsomFreeCapacity *left;

	for (int i = 0; i < agenda->ndays; i++)
		days[i] = agenda->days[i].at;
	left = usom_capacity_look(org_id, days, agenda->ndays);
	for (int i = 0; i < agenda->ndays; i++)
		agenda->days[i].left = left[i];
}

static void
add_left(AgendaDay *day, UsomQuantity units, int orders)
{
	if (day->left.units != USOM_NO_LIMIT)
		day->left.units += units;
	if (day->left.orders != USOM_NO_LIMIT)
		day->left.orders += orders;
}

/* What the call has decided already, and not written yet. */
static void
count_uses(Agenda *agenda)
{
	for (int i = 0; i < agenda->nuses; i++)
	{
		const UsomDayUse *use = &agenda->uses[i];
		AgendaDay  *day = find_day(agenda, use->at);

		if (day != NULL)
			add_left(day, use->counted - use->units, (use->counted > 0) - (use->units > 0));
	}
}

Agenda *
usom_sourcing_read_agenda(int64 org_id, const LaneGroup *groups, int ngroups, const UsomOutlook *outlook)
{
	int			nlanes = ngroups > 0 ? groups[0].nlanes : 0;
	Agenda	   *agenda = palloc0_object(Agenda);
	int64	   *locations = palloc_array(int64, nlanes + 1);

	for (int i = 0; i < nlanes; i++)
		locations[i] = groups[0].lanes[i].location_id;
	agenda->counted = usom_capacity_counted(org_id, locations, nlanes, &agenda->ncounted);
	if (agenda->ncounted == 0)
		return NULL;
	agenda->schedules_capacity = agenda->ncounted;
	agenda->schedules = palloc_array(Schedule, agenda->schedules_capacity);
	for (int group = 0; group < ngroups; group++)
		for (int i = 0; i < nlanes; i++)
			add_schedule(agenda, &groups[group].lanes[i]);
	list_days(agenda);
	agenda->uses = palloc_array(UsomDayUse, outlook->nuses + 1);
	if (outlook->nuses > 0)
		memcpy(agenda->uses, outlook->uses, sizeof(UsomDayUse) * outlook->nuses);
	agenda->nuses = usom_sourcing_merge_uses(agenda->uses, outlook->nuses);
	if (outlook->lock_days)
		lock(agenda, org_id);
	look(agenda, org_id);
	count_uses(agenda);
	agenda->mine_capacity = 8;
	agenda->mine = palloc_array(DayOfOrder, agenda->mine_capacity);
	return agenda;
}

/* ---- one order ---- */

static DayOfOrder *
find_mine(const Agenda *agenda, UsomLocationDay at)
{
	for (int i = 0; i < agenda->nmine; i++)
		if (compare_days(agenda->mine[i].at, at) == 0)
			return &agenda->mine[i];
	return NULL;
}

static DayOfOrder *
add_mine(Agenda *agenda, UsomLocationDay at, UsomQuantity units)
{
	if (agenda->nmine == agenda->mine_capacity)
	{
		agenda->mine_capacity *= 2;
		agenda->mine = repalloc_array(agenda->mine, DayOfOrder, agenda->mine_capacity);
	}
	agenda->mine[agenda->nmine] = (DayOfOrder) {at, units};
	return &agenda->mine[agenda->nmine++];
}

void
usom_sourcing_turn_to(Agenda *agenda, int64 sales_order_id)
{
	int			low = 0;
	int			high = agenda->nuses;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (agenda->uses[middle].sales_order_id < sales_order_id)
			low = middle + 1;
		else
			high = middle;
	}
	agenda->nmine = 0;
	for (; low < agenda->nuses && agenda->uses[low].sales_order_id == sales_order_id; low++)
		add_mine(agenda, agenda->uses[low].at, agenda->uses[low].units);
}

void
usom_sourcing_recall_day(Agenda *agenda, UsomLocationDay at, UsomQuantity units)
{
	DayOfOrder *mine = find_mine(agenda, at);

	if (mine == NULL)
		mine = add_mine(agenda, at, 0);
	mine->units += units;
}

UsomQuantity
usom_sourcing_room(const Agenda *agenda, UsomLocationDay at)
{
	const AgendaDay *day = find_day(agenda, at);
	const DayOfOrder *mine = find_mine(agenda, at);

	Ensure(day != NULL, "a day is planned that was not looked at");
	return day->left.orders > 0 || (mine != NULL && mine->units > 0) ? Max(day->left.units, 0) : 0;
}

void
usom_sourcing_use_day(Agenda *agenda, UsomLocationDay at, UsomQuantity units)
{
	AgendaDay  *day = find_day(agenda, at);
	DayOfOrder *mine = find_mine(agenda, at);
	bool		used;

	Ensure(day != NULL, "a day is planned that was not looked at");
	if (mine == NULL)
		mine = add_mine(agenda, at, 0);
	used = mine->units > 0;
	mine->units += units;
	add_left(day, -units, used - (mine->units > 0));
}
