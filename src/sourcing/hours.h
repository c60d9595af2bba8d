/*
 * hours.h
 *		The calendars of locations, read from their tables.
 */
#ifndef USOM_SOURCING_HOURS_H
#define USOM_SOURCING_HOURS_H

#include "sourcing/calendar.h"

/*
 * Calendars of the locations, in the order of the keys, for orders of the
 * moment at and later; those without rows are always open.  One statement, nothing is locked.  In CurrentMemoryContext.
 */
extern UsomCalendar *usom_sourcing_read_calendars(int64 org_id, const int64 *locations, int nlocations, TimestampTz at);

#endif							/* USOM_SOURCING_HOURS_H */
