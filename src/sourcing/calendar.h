/*
 * calendar.h
 *		When a location ships: hours in, instants out.
 *
 *		Pure: arrays and a time zone, no SPI, no catalog, no clock.  Days and
 *		hours are of the location's own clock.
 *
 *		A local time is the first instant at which the clock of the location
 *		shows it or more.  So in spring an hour that does not exist is the
 *		moment of the change, and in autumn an hour that comes twice is the
 *		first of the two.
 */
#ifndef USOM_SOURCING_CALENDAR_H
#define USOM_SOURCING_CALENDAR_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "pgtime.h"
#include "utils/date.h"

/* A row of location_calendar. */
typedef struct UsomHours
{
	int			weekday;		/* 1 Monday .. 7 Sunday; 0: on one date */
	DateADT		on_date;		/* where weekday is 0 */
	bool		closed;			/* all day */
	TimeADT		opens;
	TimeADT		closes;
	TimeADT		cut_off;		/* opens .. closes */
} UsomHours;

typedef struct UsomCalendar
{
	pg_tz	   *zone;
	int			nhours;
	const UsomHours *hours;		/* in any order; those of a day do not overlap */
} UsomCalendar;

/* First instant at which the local clock shows time of day on the date, or more. */
extern TimestampTz usom_calendar_instant(const pg_tz *zone, DateADT date, TimeADT time);

/* Day that the local clock shows. */
extern DateADT usom_calendar_day(const pg_tz *zone, TimestampTz at);

/*
 * When an order of this moment leaves at the earliest: within the first hours
 * whose cut-off it meets.  USOM_NEVER if there are none within a year.
 */
#define USOM_NEVER DT_NOEND
extern TimestampTz usom_calendar_ship(const UsomCalendar *calendar, TimestampTz at);

#endif							/* USOM_SOURCING_CALENDAR_H */
