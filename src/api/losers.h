/*
 * losers.h
 *		Units leave a shelf that orders keep: who of them waits again.
 *
 *		Firm orders lose last; then what is released, the more urgent orders,
 *		those placed earlier.  Picked and packed units have left the shelf.
 */
#ifndef USOM_API_LOSERS_H
#define USOM_API_LOSERS_H

#include "order/order.h"

/* Orders that keep units there, the first to lose first, until they have so many; by key.  A look, without a lock. */
extern int64 *usom_api_find_losers(int64 org_id, const UsomStockKey *key, UsomQuantity units, int *nids);

/* What orders of the set could lose there. */
extern UsomQuantity usom_api_units_to_lose(const UsomOrderSet *set, const UsomStockKey *key);

/* So many units of them wait again; they have as many. */
extern void usom_api_take_from_losers(UsomOrderSet *set, const UsomStockKey *key, UsomQuantity units);

#endif							/* USOM_API_LOSERS_H */
