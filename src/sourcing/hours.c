/*
 * hours.c
 *		Calendars from their tables, and from arrays for tests.
 *
 *		Reads, locks nothing.
 *
 * Memory: calendars in CurrentMemoryContext; zones in PostgreSQL's own cache.
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

/* The columns from the first on: weekday, on_date, opens, closes, cut_off. */
static UsomHours
make_hours(const Datum *values, const bool *nulls)
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

static UsomHours
read_hours(uint64 row, int column)
{
	Datum		values[5];
	bool		nulls[5];

	for (int i = 0; i < 5; i++)
		values[i] = usom_query_get_or_null(row, column + i, &nulls[i]);
	return make_hours(values, nulls);
}

/* A row for each of the location's hours, one with nulls for none. */
static UsomQuery read_rows = {
	.text = "SELECT k.ordinal::int, l.time_zone, c.location_id IS NOT NULL, c.weekday, c.on_date, c.opens, c.closes, c.cut_off "
	"FROM unnest($2) WITH ORDINALITY AS k (location_id, ordinal) "
	"JOIN usom.location AS l ON l.org_id = $1 AND l.location_id = k.location_id "
	"LEFT JOIN usom.location_calendar AS c ON c.org_id = $1 AND c.location_id = k.location_id "
	"AND (c.on_date IS NULL OR c.on_date >= $3) "
	"ORDER BY k.ordinal",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "date"},
};

/* Exceptions before this day are of no interest to an order of this moment, wherever the location is. */
static DateADT
first_day(TimestampTz at)
{
	return TIMESTAMP_NOT_FINITE(at) ? 0 : (DateADT) (at / USECS_PER_DAY) - 3;
}

UsomCalendar *
usom_sourcing_read_calendars(int64 org_id, const int64 *locations, int nlocations, TimestampTz at)
{
	Datum		values[] = {Int64GetDatum(org_id), usom_query_keys(locations, nlocations), DateADTGetDatum(first_day(at))};
	UsomCalendar *calendars = palloc0_array(UsomCalendar, Max(nlocations, 1));
	int			nrows = (int) usom_query_run(&read_rows, values, NULL);
	UsomHours  *hours = palloc_array(UsomHours, Max(nrows, 1));

	for (int row = 0; row < nrows; row++)
	{
		UsomCalendar *calendar = &calendars[DatumGetInt32(usom_query_get(row, 1)) - 1];

		if (calendar->zone == NULL)
			*calendar = (UsomCalendar) {find_zone(usom_query_get_text(row, 2)), 0, &hours[row]};
		hours[row] = read_hours(row, 4);
		calendar->nhours += DatumGetBool(usom_query_get(row, 3));
	}
	for (int i = 0; i < nlocations; i++)
		Ensure(calendars[i].zone != NULL, "location " INT64_FORMAT " has no calendar", locations[i]);
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
		Datum		values[5];
		bool		nulls[5];

		for (int field = 0; field < 5; field++)
			values[field] = usom_sourcing_field_or_null(elements[i], field + 1, &nulls[field]);
		hours[i] = make_hours(values, nulls);
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
	static UsomQuery query = {
		.text = "SELECT l.location_id FROM usom.location AS l WHERE l.org_id = $1 AND l.code = $2",
		.nargs = 2,
		.argtypes = {"bigint", "text"},
	};
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(1);
	TimestampTz ships_at;
	int64		org_id;
	int64		location_id;

	usom_card_check_call(fcinfo);
	usom_call_begin("earliest_shipment", NULL);
	org_id = usom_party_org();
	location_id = usom_lookup_id(&query, org_id, PG_GETARG_TEXT_PP(0), "location", "code");
	ships_at = usom_calendar_ship(usom_sourcing_read_calendars(org_id, &location_id, 1, at), at);
	usom_call_end();
	if (ships_at == USOM_NEVER)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(ships_at);
}
