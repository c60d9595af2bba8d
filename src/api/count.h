/*
 * count.h
 *		What counting verbs share: a place is locked with whoever keeps units
 *		there, and becomes what was counted.
 */
#ifndef USOM_API_COUNT_H
#define USOM_API_COUNT_H

#include "order/order.h"
#include "stock/place.h"

typedef struct UsomCounting
{
	UsomPlace	place;			/* codes given */
	const char *lot_name;		/* NULL: the only one */
	UsomQuantity counted;
	UsomLot		lot;			/* locked */
	bool		is_short;		/* units are missing that orders keep */
	UsomOrderSet *set;			/* orders that lose units, if any do */
} UsomCounting;

/* Read the first three arguments and the lot: location, sku, counted. */
extern void usom_api_count_arguments(FunctionCallInfo fcinfo, UsomCounting *counting);

/* Lock the row of stock, and the orders that lose units if it becomes what was counted.  US201 if picked units are missing. */
extern void usom_api_count_lock(UsomCounting *counting);

/* What is on hand is what was counted: the ledger has the difference. */
extern void usom_api_count_book(UsomCounting *counting);

#endif							/* USOM_API_COUNT_H */
