/*
 * stripe.h
 *		Stock of one product at one place in several rows, for what everybody
 *		wants at once.
 *
 *		A row of usom.stock lends units to its stripes.  They stay counted as
 *		reserved in it: reserved = its pieces + what its stripes have free.  So
 *		an order takes units from one stripe alone: what the stripe has free
 *		becomes a piece, and the row of stock does not change.
 *
 *		Two ways.  The fast one locks one stripe that has enough and that nobody
 *		else has, and then waits for nothing else of the product.  The slow one
 *		locks the row of stock, then all of its stripes by number, and gathers:
 *		what they have goes back to the row, so what it reads is the one whole
 *		stock.  An order that came the slow way deals out what it leaves.
 *		Whoever only needs the row (to ship, to give back) does not gather.
 *
 *		Lock order: product, location, lot, and of each place its row of stock,
 *		then its stripes.  Who has a stripe from the fast way waits for rows of
 *		higher products alone.
 *
 *		All functions want an SPI connection; results are in
 *		CurrentMemoryContext.
 */
#ifndef USOM_STOCK_STRIPE_H
#define USOM_STOCK_STRIPE_H

#include "stock/place.h"
#include "stock/stock.h"

#define USOM_MOST_STRIPES 256

/* What an order wants of a product. */
typedef struct UsomStockWish
{
	int64		product_id;
	int64		location_id;	/* from here alone; 0: from anywhere */
	UsomQuantity quantity;
} UsomStockWish;

/* A product whose rows are to be locked. */
typedef struct UsomStockNeed
{
	int64		product_id;
	UsomQuantity wanted;		/* a row that has as much without its stripes is not gathered; USOM_ALL_THERE_IS: all are */
} UsomStockNeed;

#define USOM_ALL_THERE_IS PG_INT64_MAX

/* Over a row s of usom.stock: units that its stripes have free, which are as free as its own. */
#define USOM_STRIPED_FREE \
	"CASE WHEN s.lent > 0 THEN (SELECT pg_catalog.sum(stripe.free) FROM usom.stock_stripe AS stripe WHERE stripe.org_id = s.org_id " \
	"AND stripe.product_id = s.product_id AND stripe.location_id = s.location_id) ELSE 0 END"

/* ---- lock.c ---- */

/*
 * Lock the rows of the needs, by product, each once; as
 * usom_stock_lock_products(), but what was gathered is not yet written, and
 * available may be below zero.
 */
extern UsomStockRow *usom_stock_lock_needs(int64 org_id, const UsomStockNeed *needs, int nneeds, TimestampTz at,
										   bool exhausted_too, int *nrows);

/* As usom_stock_lock_keys(), and what stripes have is gathered.  Two statements more where they have something. */
extern void usom_stock_lock_whole_keys(int64 org_id, const UsomStockKey *keys, int nkeys);

/* ---- stripe_take.c ---- */

/*
 * Lock stock to serve wishes for.  Of a product that has stripes, one stripe,
 * if the plan would serve all of it from there; its row has key.stripe set.
 * Of others what usom_stock_lock_products() locks.  ruled: locations are
 * chosen by rules, so that the first one by priority need not be it.
 */
extern UsomStockRow *usom_stock_lock_to_serve(int64 org_id, const UsomStockWish *wishes, int nwishes, TimestampTz at,
											  bool exhausted_too, bool ruled, int *nrows);

/* ---- stripe_gather.c ---- */

/* So many units of a row are in its stripes, which are locked. */
static inline void
usom_stripe_take_up(UsomStockRow *row, UsomQuantity gathered)
{
	row->lent = true;
	row->gathered = gathered;
	row->available += gathered;
}

/* Lock the stripes of locked rows and add what they have; no statement for no row, else one. */
extern void usom_stripe_gather(int64 org_id, UsomStockRow **rows, int nrows);

/* Write what was gathered: the units are the rows' own.  No statement if there is nothing, else one. */
extern void usom_stripe_empty(int64 org_id, UsomStockRow *rows, int nrows);

/*
 * Deal out what a plan has left of gathered rows; and write what was gathered.
 * A stripe gets so many units that it serves a few wishes.  No statement if no
 * row has stripes, else one.
 */
extern void usom_stripe_deal(int64 org_id, UsomStockRow *rows, int nrows, const UsomStockWish *wishes, int nwishes);

/* The same for rows of a place: reserved is without what stripes have. */
extern void usom_stripe_gather_lots(const UsomPlace *place, UsomLot *lots, int nlots);

/* ---- stripe_set.c ---- */

/*
 * From now on the place has so many stripes, 0 or 1: none.  All of its units
 * are gathered and dealt out anew.  US218 for a place that has lots.
 */
extern void usom_stripe_set(const UsomPlace *place, int stripes);

#endif							/* USOM_STOCK_STRIPE_H */
