/*
 * agenda.h
 *		The days of counted locations while orders are planned: what is left
 *		of each, and which the order at hand uses.  For the planner by rules
 *		alone.
 */
#ifndef USOM_SOURCING_AGENDA_H
#define USOM_SOURCING_AGENDA_H

#include "sourcing/lanes.h"

/* Days on which a location ships are looked at, from the first on. */
#define USOM_DAYS_AHEAD 14

/* A day on which a location ships. */
typedef struct ShippingDay
{
	DateADT		day;
	TimestampTz ships_at;
} ShippingDay;

/* The days of a location for orders that leave at the earliest at a time. */
typedef struct Schedule
{
	int64		location_id;
	TimestampTz ships_at;
	int			ndays;
	ShippingDay days[USOM_DAYS_AHEAD];
} Schedule;

typedef struct Agenda Agenda;

/* NULL if none of the locations is counted.  Two statements, or three if days are locked. */
extern Agenda *usom_sourcing_read_agenda(int64 org_id, const LaneGroup *groups, int ngroups, const UsomOutlook *outlook);

/* NULL if the location is not counted, or never ships. */
extern const Schedule *usom_sourcing_schedule(const Agenda *agenda, const UsomLane *lane);

/* Another order is planned from now on. */
extern void usom_sourcing_turn_to(Agenda *agenda, int64 sales_order_id);

/* The order has taken units of the day before: so much may be given back. */
extern void usom_sourcing_recall_day(Agenda *agenda, UsomLocationDay at, UsomQuantity units);

/* Units that the order may take of the day; USOM_NO_LIMIT: any number. */
extern UsomQuantity usom_sourcing_room(const Agenda *agenda, UsomLocationDay at);

/* Take units for it, or with a minus give them back. */
extern void usom_sourcing_use_day(Agenda *agenda, UsomLocationDay at, UsomQuantity units);

#endif							/* USOM_SOURCING_AGENDA_H */
