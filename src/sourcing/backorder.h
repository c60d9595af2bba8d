/*
 * backorder.h
 *		What waits, cut into dated parts: pure.
 */
#ifndef USOM_SOURCING_BACKORDER_H
#define USOM_SOURCING_BACKORDER_H

#include "base/quantity.h"
#include "datatype/timestamp.h"

/* Units that are due together. */
typedef struct UsomDatedPart
{
	UsomQuantity quantity;		/* > 0 */
	TimestampTz due_at;			/* PG_INT64_MIN: no date */
} UsomDatedPart;

/*
 * Cut units by a schedule: its parts by date, those of one date together,
 * then what the schedule leaves, without a date.  The parts sum to the units.
 * NULL if the schedule has more than there is.  palloc'd.
 */
extern UsomDatedPart *usom_sourcing_cut_by_schedule(UsomQuantity units, const UsomDatedPart *schedule, int nschedule,
													int *nparts);

/* How many parts of so many units there are, the last one with the rest. */
extern int64 usom_sourcing_count_parts(UsomQuantity units, UsomQuantity rate);

/* Cut units by a production rate: a part for each date, the rest in the last one.  palloc'd. */
extern UsomDatedPart *usom_sourcing_cut_by_rate(UsomQuantity units, UsomQuantity rate, const TimestampTz *dates, int ndates);

#endif							/* USOM_SOURCING_BACKORDER_H */
