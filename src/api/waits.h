/*
 * waits.h
 *		What waits, and what customers are told when that changes.
 *
 *		A verb looks at what waits before it changes a set and tells the
 *		difference before it saves: an event for each line that got units
 *		(filled), waits for more (backordered), or is promised for another date
 *		(promise_changed).
 */
#ifndef USOM_API_WAITS_H
#define USOM_API_WAITS_H

#include "order/order.h"

/* A line: units that wait, and the latest promise of what has not left. */
typedef struct UsomWait
{
	UsomQuantity waiting;
	UsomQuantity unpegged;		/* of them, those that count on nothing */
	TimestampTz promised_at;	/* USOM_NO_TIME: a piece has no date, or there is none */
	TimestampTz first_at;		/* earliest promise of what waits; USOM_NO_TIME: none */
	UsomQuantity dated;			/* units that wait with a date */
	int128		dates;			/* sum of unit times second over them: it tells whether any part moved */
} UsomWait;

/* Of each line of the set; palloc'd. */
extern UsomWait *usom_api_look_at_waits(const UsomOrderSet *set);

/* Queue the events.  No line has come since before.  One statement if there is anything to tell. */
extern void usom_api_tell_waits(UsomOrderSet *set, const UsomWait *before);

/*
 * After supply or stock moved: a line that counts on less than before, or is
 * promised later than the customer wants it or was told before, becomes a
 * case (supply_short, promise_late) for people to look at before the date is
 * missed; where the cause is gone the case is closed.  reference: the number
 * of the supply, or the place of the stock.  One statement or two.
 */
extern void usom_api_judge_waits(UsomOrderSet *set, const UsomWait *before, const char *reference);

/* A line that waited and does not any more, because nobody wants its units: its cases are closed. */
extern void usom_api_settle_waiting(UsomOrderSet *set, int line);

#endif							/* USOM_API_WAITS_H */
