/*
 * fulfillment.h
 *		From reserved to delivered: release, ship, deliver.
 */
#ifndef USOM_FULFILLMENT_FULFILLMENT_H
#define USOM_FULFILLMENT_FULFILLMENT_H

#include "base/state.h"
#include "order/order.h"

#define SHIPMENT_STATE(number, name, label) USOM_SHIPMENT_##name = number,
typedef enum UsomShipmentStatus
{
#include "fulfillment/lifecycle.def"
	USOM_SHIPMENT_STATES
} UsomShipmentStatus;

extern const UsomLifecycle usom_shipment_lifecycle_table;

extern void usom_fulfillment_init(void);

#endif							/* USOM_FULFILLMENT_FULFILLMENT_H */
