/*
 * replan.h
 *		A supply changes: all that waits for its product is locked with it,
 *		changed and planned anew in one call.
 */
#ifndef USOM_API_REPLAN_H
#define USOM_API_REPLAN_H

#include "api/waits.h"
#include "order/order.h"

typedef struct UsomReplan
{
	/* what is wanted */
	int64		org_id;
	const char *supply_no;
	bool		with_stock;		/* the stock of the product is locked, too */
	UsomQuantity more;			/* orders are wanted that could take so many units besides; -1: what is to come */

	/* what is found, under locks */
	int64		supply_id;
	int64		product_id;
	int64		location_id;
	UsomQuantity quantity;
	UsomQuantity received;
	TimestampTz expected_at;
	TimestampTz expected_before;	/* when it was opened */
	Numeric		confidence;
	const char *status;
	UsomOrderSet *set;
	UsomWait   *before;
	bool	   *counted_on_it;	/* pieces that did when it was opened */
	int			nloaded;
	UsomPiece  *loaded;			/* as they were then */
} UsomReplan;

/*
 * Lock the orders that count on the supply, and others that wait for its
 * product, those that are served first until they want so many more units;
 * then the stock of the product, if it is wanted; then its supply.  US204 if
 * there is no such supply.
 */
extern void usom_api_open_supply(UsomReplan *replan);

/* US206 if it was received to its end or cancelled. */
extern void usom_api_check_expected(const UsomReplan *replan);

/* No piece counts on it any more, and the row becomes what the struct says.  Two statements. */
extern void usom_api_write_supply(UsomReplan *replan);

/* Peg what waits anew, tell customers and desk what that changes, and save. */
extern void usom_api_close_supply(UsomReplan *replan, const char *event);

#endif							/* USOM_API_REPLAN_H */
