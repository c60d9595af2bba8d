/*
 * zone.c
 *		A time zone is checked when it is written.
 *
 *		pg_tzset() takes more than names: any case, and rules of POSIX such as
 *		FOO5, which mean a clock that nobody keeps.  Only names of the
 *		database of time zones are let in, as they are written there.
 *
 *		Locks nothing, keeps no memory: a zone that was loaded stays in
 *		PostgreSQL's own cache.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/trigger.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/rel.h"

/* Does the database of time zones list the name?  Reads all of its folder. */
static bool
is_listed(const char *name)
{
	pg_tzenum  *all = pg_tzenumerate_start();
	pg_tz	   *zone;
	bool		found = false;

	while (!found && (zone = pg_tzenumerate_next(all)) != NULL)
		found = strcmp(pg_get_timezone_name(zone), name) == 0;
	pg_tzenumerate_end(all);
	return found;
}

/* A rule of POSIX has a digit; what pg_tzset() finds without one comes from a file, in its own spelling. */
static bool
is_time_zone(const char *name)
{
	pg_tz	   *zone = pg_tzset(name);

	if (zone == NULL || !pg_tz_acceptable(zone) || strcmp(pg_get_timezone_name(zone), name) != 0)
		return false;
	return strpbrk(name, "0123456789") == NULL || is_listed(name);
}

/* A zone that stays is not looked at again: the server's data may have lost it, and the row has other columns. */
static bool
is_new(TriggerData *trigdata, int column, const char *name)
{
	char	   *before;

	if (!TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		return true;
	before = SPI_getvalue(trigdata->tg_trigtuple, RelationGetDescr(trigdata->tg_relation), column);
	return before == NULL || strcmp(before, name) != 0;
}

PG_FUNCTION_INFO_V1(usom__check_time_zone);
Datum
usom__check_time_zone(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {"usom._check_time_zone", .before = true, .row = true, .nargs = 0};
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);
	HeapTuple	row = usom_trigger_row(trigdata);
	int			column = usom_trigger_column(trigdata, "time_zone", TEXTOID);
	char	   *name = SPI_getvalue(row, RelationGetDescr(trigdata->tg_relation), column);

	if (name != NULL && !usom_trigger_is_replay() && is_new(trigdata, column, name) && !is_time_zone(name))
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_TIME_ZONE)),
				errmsg("time zone \"%s\" does not exist", name),
				errdetail("Names are written as in pg_timezone_names: Europe/Berlin, America/New_York, UTC."),
				errhint("SELECT name FROM pg_timezone_names WHERE name ILIKE '%%/%%' ORDER BY name;"));
	return PointerGetDatum(row);
}
