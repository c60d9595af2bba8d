/*
 * fulfillment.h
 *		From reserved to delivered: release, ship, deliver.
 */
#ifndef USOM_FULFILLMENT_FULFILLMENT_H
#define USOM_FULFILLMENT_FULFILLMENT_H

#include "base/state.h"
#include "order/order.h"
#include "utils/jsonb.h"

#define SHIPMENT_STATE(number, name, label) USOM_SHIPMENT_##name = number,
typedef enum UsomShipmentStatus
{
#include "fulfillment/lifecycle.def"
	USOM_SHIPMENT_STATES
} UsomShipmentStatus;

extern const UsomLifecycle usom_shipment_lifecycle_table;

extern void usom_fulfillment_init(void);

/* release.c: US201 if the order ships complete and waits for stock. */
extern void usom_fulfillment_check_releasable(const UsomOrderSet *set, int order);

/* What the order has reserved and is not held, at one location (0: at all) and of services; returns how many pieces.  Not settled. */
extern int	usom_fulfillment_release(UsomOrderSet *set, int order, int64 location_id, const UsomHolds *holds);

/*
 * release.c: what rooms to the right have to say before an order of the set is
 * released or shipped (action).  False: it is held now, and what holds it is
 * written; or an error.
 */
typedef bool (*UsomFulfillmentCheck) (UsomOrderSet *set, int order, const char *action);
extern void usom_fulfillment_check_by(UsomFulfillmentCheck check);

/* Ask them.  Of an order that is held now, a version of its own says so when it is saved. */
extern bool usom_fulfillment_may_leave(UsomOrderSet *set, int order, const char *action);

/* What shipments say besides what is in them. */
typedef struct UsomShipLabel
{
	Datum		carrier;
	Datum		tracking;
	bool		no_carrier;
	bool		no_tracking;
	int64		consolidation_id;	/* 0: none */
	int64		location_id;	/* ships from here alone; 0: from all */
	const char *service;		/* of the carrier; NULL: none */
	int			npackages;		/* ships these packages alone; 0: whatever it is in */
	int64	   *packages;
} UsomShipLabel;

/*
 * ship.c: ship what is released of an order of the set, and settle it; its
 * event_reference names the shipments.  False if no goods are released; then
 * nothing is done.
 */
extern bool usom_fulfillment_ship_some(UsomOrderSet *set, int order, const UsomShipLabel *label);

/*
 * The same for what a list like the argument "lines" of ship() names, of the
 * first order of the set; NULL: all that is ready.  US601 if there is less,
 * US620 if it is not so far as its location asks.  False: the order is held now.
 */
extern bool usom_fulfillment_ship_list(UsomOrderSet *set, Jsonb *list, const UsomShipLabel *label);

#endif							/* USOM_FULFILLMENT_FULFILLMENT_H */
