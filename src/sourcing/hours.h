/*
 * hours.h
 *		The calendars of locations, from master data or given rows.
 */
#ifndef USOM_SOURCING_HOURS_H
#define USOM_SOURCING_HOURS_H

#include "sourcing/master.h"

/* Columns of a row of hours: weekday, on_date, opens, closes, cut_off. */
#define USOM_HOURS_FIELDS 5
extern UsomHours usom_sourcing_make_hours(const Datum *values, const bool *nulls);

/* Calendar of a location for orders of the moment and later; US301 for a zone that the server does not know. */
extern UsomCalendar usom_sourcing_calendar(const MasterLocation *location, TimestampTz at);

/*
 * Calendars of the locations, in the order of the keys, for orders of the
 * moment at and later; those without rows are always open.  In
 * CurrentMemoryContext; the caller is connected to SPI.
 */
extern UsomCalendar *usom_sourcing_read_calendars(int64 org_id, const int64 *locations, int nlocations, TimestampTz at);

#endif							/* USOM_SOURCING_HOURS_H */
