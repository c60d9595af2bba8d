/*
 * replan.h
 *		A supply changes: all that waits for its product is locked with it,
 *		changed and planned anew in one call.
 */
#ifndef USOM_API_REPLAN_H
#define USOM_API_REPLAN_H

#include "api/waits.h"
#include "order/answer.h"
#include "order/order.h"
#include "stock/place.h"

/* Units that arrived go back: they leave the shelf, whoever keeps them. */
typedef struct UsomLeaving
{
	UsomPlace	place;			/* codes given */
	const char *lot_name;		/* NULL: the only one */
	bool		all;			/* that were received */
	UsomQuantity quantity;
	UsomLot		lot;			/* locked */
	UsomQuantity missing;		/* units that orders keep and lose; they are locked */
} UsomLeaving;

typedef struct UsomReplan
{
	/* what is wanted */
	int64		org_id;
	const char *supply_no;
	bool		with_stock;		/* the stock of the product is locked, too */
	UsomLeaving *leaving;		/* or NULL; with_stock then */
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
	bool		of_line;		/* it is for one order line alone */
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

/* The stock of a product, and of what serving it to orders of the set may look at: one statement, in stock order. */
extern void usom_api_lock_to_serve(UsomOrderSet *set, int64 product_id);

/* Peg what waits anew, tell customers and desk what that changes, and save. */
extern void usom_api_close_supply(UsomReplan *replan, const char *event);

/* supply_verbs.c: the supply as it is now, and units that orders got, or with a minus lost. */
extern Datum usom_api_answer_supply(UsomAnswer *answer, const UsomReplan *replan);

#endif							/* USOM_API_REPLAN_H */
