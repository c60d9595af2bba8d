/*
 * lot.h
 *		Lots: until when their stock may be promised.
 *
 *		A row of usom.lot says when a lot expires and whether it is blocked; a
 *		row of usom.stock keeps both as usable_until, so that whoever locks it
 *		to plan sees them in the row itself.
 *
 *		Locks: a row of usom.lot is locked before stock rows of the lot are made
 *		(share) or changed by it, so that none is made with an old end.
 *
 *		All functions want an SPI connection.
 */
#ifndef USOM_STOCK_LOT_H
#define USOM_STOCK_LOT_H

#include "stock/stock.h"

/* Over a row l of usom.lot: usable_until of its stock. */
#define USOM_LOT_USABLE_UNTIL "CASE WHEN l.blocked IS NOT NULL THEN '-infinity' ELSE l.expires_at END"

/*
 * Before stock rows with these keys are made: their lots are there, and stay
 * as they are until the transaction ends.  None of the lots is ''.  No
 * statement for no key, one if all rows are there, else three.
 */
extern void usom_stock_open_lots(int64 org_id, const UsomStockKey *keys, int nkeys);

/* US211 names the first of the rows that must not leave: its lot has expired or is blocked.  One statement. */
extern void usom_stock_check_usable(int64 org_id, const UsomStockKey *keys, int nkeys);

/*
 * May so many units be taken from this lot there, instead of another one?
 * US211 if it is not there, has expired or is blocked; US201 if fewer are free.
 * A look, without a lock: the stock row guards the rest.  One statement.
 */
extern void usom_stock_check_lot(int64 org_id, int64 product_id, int64 location_id, const char *lot, UsomQuantity units);

#endif							/* USOM_STOCK_LOT_H */
