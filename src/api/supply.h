/*
 * supply.h
 *		What the verbs of supply share.
 */
#ifndef USOM_API_SUPPLY_H
#define USOM_API_SUPPLY_H

#include "fmgr.h"
#include "order/order.h"

/* The argument, or 22023 for infinity. */
extern TimestampTz usom_api_expected_argument(FunctionCallInfo fcinfo, int arg);

/* The argument with three decimals; 22004 if it is null, 22023 unless it is above 0 and at most 1. */
extern Numeric usom_api_confidence_argument(FunctionCallInfo fcinfo, int arg);

/* Orders with pieces of the product that count on nothing, as many as units could serve; locked. */
extern UsomOrderSet *usom_api_load_unpegged(int64 org_id, int64 product_id, UsomQuantity quantity);

/* Settle the orders of which pieces changed, with the event in their history, and save. */
extern void usom_api_save_promises(UsomOrderSet *set, const char *event);

#endif							/* USOM_API_SUPPLY_H */
