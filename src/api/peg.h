/*
 * peg.h
 *		What waits counts on what is under way.
 */
#ifndef USOM_API_PEG_H
#define USOM_API_PEG_H

#include "order/order.h"

/*
 * Let the waiting pieces of running orders of the set that count on no supply
 * count on what is free of it: orders by priority, then as they were placed;
 * a piece is cut where one supply does not reach.  Their promise follows: the
 * date of the supply, not before a date that was agreed, or that the customer
 * wants.  Locks the supply of their products, in one statement; none if
 * nothing waits or the organisation has no supply.  product_id: what it is
 * about, 0: all products; a call that has locked the supply of a product must
 * not ask for others.  Call it after the stock
 * was planned.  Returns the number of pieces that count on something now.
 */
extern int	usom_api_peg(UsomOrderSet *set, int64 product_id);

/*
 * The same, and pieces that count on a supply take what is free of earlier
 * ones then: for verbs that change supply or stock.
 */
extern int	usom_api_peg_anew(UsomOrderSet *set, int64 product_id);

/*
 * Lock the supply of the products of the set, in one statement: what it lets
 * go of, and what it may come to count on.  It comes before quotas and
 * capacity.  Says what is free of it, by product, date and key; NULL if the
 * organisation has none.
 */
extern UsomSupply *usom_api_lock_supply(const UsomOrderSet *set, int *nsupplies);

/* Waiting pieces of a line that count on the same and have the same date become one. */
extern void usom_api_join_alike(UsomOrderSet *set);

/* Sort indexes of pieces, who is served first, first: firm orders, then by usom.fill_priority. */
extern void usom_api_sort_pieces(UsomOrderSet *set, int *pieces, int npieces);

#endif							/* USOM_API_PEG_H */
