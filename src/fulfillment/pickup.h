/*
 * pickup.h
 *		Rows of usom.pickup: what is put aside for a customer who fetches it.
 *
 *		Of an order at most one row is open.  They change under the lock of the
 *		order; all functions want an open call.
 */
#ifndef USOM_FULFILLMENT_PICKUP_H
#define USOM_FULFILLMENT_PICKUP_H

#include "order/order.h"

/* A hold of this type keeps what a store has rejected until somebody decides. */
#define USOM_REJECTED_PICKUP "pickup_rejected"

typedef struct UsomPickup
{
	const char *location;		/* code */
	const char *status;
	TimestampTz collect_until;	/* or USOM_NO_TIME */
} UsomPickup;

/* The open row of an order; false: there is none. */
extern bool usom_pickup_read(const UsomOrderSet *set, int order, UsomPickup *pickup);

/*
 * Ready for the customer, until a time or (USOM_NO_TIME) as long as the
 * location keeps things.  One statement.
 */
extern UsomPickup usom_pickup_make_ready(const UsomOrderSet *set, int order, int64 location_id, TimestampTz until);

/* The location cannot serve it: the row, the case, the hold, the event.  Two statements. */
extern void usom_pickup_reject(UsomOrderSet *set, int order, int64 location_id, const char *reason);

/* Somebody has decided about a rejected one: row, case and hold end.  False: it was not rejected. */
extern bool usom_pickup_decide(UsomOrderSet *set, int order);

/* Which of the orders were missed by now: their rows end as put back.  Their indexes; one statement. */
extern int *usom_pickup_put_back(const UsomOrderSet *set, const int *orders, int norders, const char *reason, int *count);

/* service_follow.c: rows of pick-ups and appointments follow what becomes of their orders. */
extern void usom_service_init(void);

#endif							/* USOM_FULFILLMENT_PICKUP_H */
