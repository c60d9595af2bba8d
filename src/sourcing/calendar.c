/*
 * calendar.c
 *		The earliest time at which a location ships.
 *
 *		Pure computation.  Of PostgreSQL it uses the data of time zones.
 *
 * How: the days from the one before the order on are looked at one by one (on
 * the day before, its last hour may come a second time).  Of a day's hours the
 * first is taken whose cut-off the order meets.  Everything is compared as
 * instants, so a change of the clock between two local times needs no thought.
 *
 * Invariant: the answer is not before the order, and lies within the hours of
 * a day that is open.  Hours that a change of the clock swallows are none.
 *
 * Memory: none.  Locks: none.
 */
#include "postgres.h"

#include "sourcing/calendar.h"

#define DAYS_AHEAD 366

/* No clock is farther from UTC than this. */
#define FARTHEST (INT64CONST(26) * USECS_PER_HOUR)

static pg_time_t
to_seconds(TimestampTz at)
{
	int64		seconds = at / USECS_PER_SEC;

	if (at % USECS_PER_SEC < 0)
		seconds--;
	return seconds + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY;
}

static TimestampTz
from_seconds(pg_time_t seconds)
{
	return (seconds - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY) * USECS_PER_SEC;
}

/* What is added to UTC at an instant, and the next instant at which that changes (USOM_NEVER: none). */
static int64
offset_at(const pg_tz *zone, TimestampTz at, TimestampTz *until)
{
	pg_time_t	seconds = to_seconds(at);
	pg_time_t	boundary;
	long		before = 0;
	long		after;
	int			dst_before;
	int			dst_after;
	int			found = pg_next_dst_boundary(&seconds, &before, &dst_before, &boundary, &after, &dst_after, zone);

	*until = found == 1 ? from_seconds(boundary) : USOM_NEVER;
	return before * USECS_PER_SEC;
}

/* From change to change of the clock: the first stretch that reaches the local time has it, or begins after it. */
TimestampTz
usom_calendar_instant(const pg_tz *zone, DateADT date, TimeADT time)
{
	int64		local = date * USECS_PER_DAY + time;
	TimestampTz begin = local - FARTHEST;

	for (;;)
	{
		TimestampTz until;
		TimestampTz at = local - offset_at(zone, begin, &until);

		at = Max(at, begin);
		if (at < until)
			return at;
		begin = until;
	}
}

DateADT
usom_calendar_day(const pg_tz *zone, TimestampTz at)
{
	TimestampTz until;
	int64		local = at + offset_at(zone, at, &until);

	return (DateADT) (local / USECS_PER_DAY - (local % USECS_PER_DAY < 0 ? 1 : 0));
}

/* 1 Monday .. 7 Sunday; day 0 is 2000-01-01, a Saturday. */
static int
weekday_of(DateADT date)
{
	return (date % 7 + 7 + 5) % 7 + 1;
}

static bool
has_weekdays(const UsomCalendar *calendar)
{
	for (int i = 0; i < calendar->nhours; i++)
		if (calendar->hours[i].weekday != 0)
			return true;
	return false;
}

static bool
is_exception(const UsomCalendar *calendar, DateADT date)
{
	for (int i = 0; i < calendar->nhours; i++)
		if (calendar->hours[i].weekday == 0 && calendar->hours[i].on_date == date)
			return true;
	return false;
}

/* When an order leaves within these hours of the day; USOM_NEVER: it does not meet them. */
static TimestampTz
ship_within(const pg_tz *zone, DateADT date, const UsomHours *hours, TimestampTz at)
{
	TimestampTz opens;

	if (hours->closed || usom_calendar_instant(zone, date, hours->cut_off) < at)
		return USOM_NEVER;
	opens = usom_calendar_instant(zone, date, hours->opens);
	if (opens >= usom_calendar_instant(zone, date, hours->closes))
		return USOM_NEVER;
	return Max(opens, at);
}

static TimestampTz
ship_on(const UsomCalendar *calendar, DateADT date, bool weekdays, TimestampTz at)
{
	static const UsomHours all_day = {.closes = USECS_PER_DAY, .cut_off = USECS_PER_DAY};
	bool		exception = is_exception(calendar, date);
	TimestampTz earliest = USOM_NEVER;

	if (!exception && !weekdays)
		return ship_within(calendar->zone, date, &all_day, at);
	for (int i = 0; i < calendar->nhours; i++)
	{
		const UsomHours *hours = &calendar->hours[i];

		if (exception ? hours->weekday == 0 && hours->on_date == date : hours->weekday == weekday_of(date))
			earliest = Min(earliest, ship_within(calendar->zone, date, hours, at));
	}
	return earliest;
}

TimestampTz
usom_calendar_ship(const UsomCalendar *calendar, TimestampTz at)
{
	bool		weekdays = has_weekdays(calendar);
	DateADT		today;

	if (calendar->nhours == 0 || TIMESTAMP_NOT_FINITE(at))
		return at;
	today = usom_calendar_day(calendar->zone, at);
	for (DateADT date = today - 1; date <= today + DAYS_AHEAD; date++)
	{
		TimestampTz earliest = ship_on(calendar, date, weekdays, at);

		if (earliest != USOM_NEVER)
			return earliest;
	}
	return USOM_NEVER;
}
