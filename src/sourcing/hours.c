/*
 * hours.c
 *		Calendars from master data, and from arrays for tests.
 *
 * Memory: calendars in CurrentMemoryContext; zones in PostgreSQL's own cache.
 * Locks: none.
 */
#include "postgres.h"

#include "sourcing/hours.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/lookup.h"
#include "base/query.h"
#include "party/party.h"
#include "sourcing/door.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* A zone that was let in, and that the server's data has lost since, is an error. */
static pg_tz *
find_zone(const char *name)
{
	pg_tz	   *zone = pg_tzset(name);

	if (zone == NULL)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_TIME_ZONE)),
				errmsg("time zone \"%s\" does not exist", name),
				errdetail("The server's data of time zones does not have it."),
				errhint("UPDATE usom.location SET time_zone = ...; SELECT name FROM pg_timezone_names; lists what there is."));
	return zone;
}

UsomHours
usom_sourcing_make_hours(const Datum *values, const bool *nulls)
{
	UsomHours	hours = {0};

	hours.weekday = nulls[0] ? 0 : DatumGetInt32(values[0]);
	hours.on_date = nulls[1] ? 0 : DatumGetDateADT(values[1]);
	hours.closed = nulls[2];
	hours.opens = nulls[2] ? 0 : DatumGetTimeADT(values[2]);
	hours.closes = nulls[3] ? 0 : DatumGetTimeADT(values[3]);
	hours.cut_off = nulls[4] ? hours.closes : DatumGetTimeADT(values[4]);
	return hours;
}

/* Exceptions before this day are of no interest to an order of this moment, wherever the location is. */
static DateADT
first_day(TimestampTz at)
{
	return TIMESTAMP_NOT_FINITE(at) ? 0 : (DateADT) (at / USECS_PER_DAY) - 3;
}

/* Exceptions come first, by date: those of interest and the weekdays are the end of the array. */
UsomCalendar
usom_sourcing_calendar(const MasterLocation *location, TimestampTz at)
{
	DateADT		day = first_day(at);
	int			low = 0;
	int			high = location->nhours;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (location->hours[middle].weekday == 0 && location->hours[middle].on_date < day)
			low = middle + 1;
		else
			high = middle;
	}
	return (UsomCalendar) {
		find_zone(location->zone_name), location->nhours - low, location->nhours > 0 ? location->hours + low : NULL
	};
}

/* A location so new that master data do not show it is always open. */
static UsomCalendar
calendar_of(const SourcingMaster *master, int64 location_id, TimestampTz at)
{
	int			index = usom_sourcing_find_location(master, location_id);

	return index >= 0 ? usom_sourcing_calendar(&master->locations[index], at) : (UsomCalendar) {find_zone("GMT"), 0, NULL};
}

UsomCalendar *
usom_sourcing_read_calendars(int64 org_id, const int64 *locations, int nlocations, TimestampTz at)
{
	const SourcingMaster *master = usom_sourcing_master(org_id);
	UsomCalendar *calendars = palloc_array(UsomCalendar, Max(nlocations, 1));

	for (int i = 0; i < nlocations; i++)
	{
		UsomCalendar calendar = calendar_of(master, locations[i], at);
		UsomHours  *hours = palloc_array(UsomHours, Max(calendar.nhours, 1));

		if (calendar.nhours > 0)
			memcpy(hours, calendar.hours, sizeof(UsomHours) * calendar.nhours);
		calendars[i] = (UsomCalendar) {calendar.zone, calendar.nhours, hours};
	}
	return calendars;
}

/* usom._ship_time(hours usom._hours[], time_zone text, at timestamptz): null for never */
PG_FUNCTION_INFO_V1(usom__ship_time);
Datum
usom__ship_time(PG_FUNCTION_ARGS)
{
	UsomCalendar calendar = {find_zone(text_to_cstring(PG_GETARG_TEXT_PP(1))), 0, NULL};
	Datum	   *elements = usom_sourcing_elements(PG_GETARG_ARRAYTYPE_P(0), &calendar.nhours);
	UsomHours  *hours;
	TimestampTz ships_at;

	hours = palloc_array(UsomHours, Max(calendar.nhours, 1));
	for (int i = 0; i < calendar.nhours; i++)
	{
		Datum		values[USOM_HOURS_FIELDS];
		bool		nulls[USOM_HOURS_FIELDS];

		for (int field = 0; field < USOM_HOURS_FIELDS; field++)
			values[field] = usom_sourcing_field_or_null(elements[i], field + 1, &nulls[field]);
		hours[i] = usom_sourcing_make_hours(values, nulls);
	}
	calendar.hours = hours;
	ships_at = usom_calendar_ship(&calendar, PG_GETARG_TIMESTAMPTZ(2));
	if (ships_at == USOM_NEVER)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(ships_at);
}

/* usom._local_day(time_zone text, at timestamptz) */
PG_FUNCTION_INFO_V1(usom__local_day);
Datum
usom__local_day(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATEADT(usom_calendar_day(find_zone(text_to_cstring(PG_GETARG_TEXT_PP(0))), PG_GETARG_TIMESTAMPTZ(1)));
}

/* usom.earliest_shipment(location text, at timestamptz): null for never */
PG_FUNCTION_INFO_V1(usom_earliest_shipment);
Datum
usom_earliest_shipment(PG_FUNCTION_ARGS)
{
	static UsomFetch fetch = {
		.table = "location", .index = "location_code_unique", .limit = 1,
		.nkeys = 2, .keys = {{"org_id", "bigint"}, {"code", "text"}},
		.ncolumns = 1, .columns = {{"location_id", "bigint"}},
		.query = {.text = "SELECT l.location_id FROM usom.location AS l WHERE l.org_id = $1 AND l.code = $2", .nargs = 2, .argtypes = {"bigint", "text"}},
	};
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(1);
	TimestampTz ships_at;
	int64		org_id;
	int64		location_id;

	usom_card_check_call(fcinfo);
	usom_call_begin("earliest_shipment", NULL);
	org_id = usom_party_org();
	location_id = usom_lookup_id(&fetch, org_id, PG_GETARG_TEXT_PP(0), "location", "code");
	ships_at = usom_calendar_ship(usom_sourcing_read_calendars(org_id, &location_id, 1, at), at);
	usom_call_end();
	if (ships_at == USOM_NEVER)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(ships_at);
}
