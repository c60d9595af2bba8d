/*
 * stock.h
 *		Stock: the ledger, the balance, soft reservations.
 *
 *		The rows of usom.stock are the locks of the stock.  They are taken in
 *		one order everywhere: product, location, lot (bytes).  Whoever changes
 *		several rows locks them first with one of the two lock functions, in
 *		one statement, and applies all deltas with one more.
 *
 *		Invariants: on_hand = sum of the movements; reserved = sum of the
 *		pieces in reserved, released, picked, packed; reserved <= on_hand.
 *
 *		All functions want an SPI connection (usom_call_begin) and return
 *		arrays allocated in CurrentMemoryContext of the caller, not in SPI's.
 */
#ifndef USOM_STOCK_STOCK_H
#define USOM_STOCK_STOCK_H

#include "base/quantity.h"
#include "datatype/timestamp.h"

typedef struct UsomStockKey
{
	int64		product_id;
	int64		location_id;
	const char *lot;			/* "" where there is none */
	int			stripe;			/* 0: the row of usom.stock; else one of usom.stock_stripe (stripe.h) */
} UsomStockKey;

/* A locked row, as far as planning needs it. */
typedef struct UsomStockRow
{
	UsomStockKey key;
	int			priority;		/* of the location; lower first */
	UsomQuantity available;		/* on_hand - reserved - soft holds at that time - safety, never below 0 */
	TimestampTz usable_until;	/* PG_INT64_MAX: for ever; what is over then has nothing available */
	int			stripes;		/* that its units may be dealt out to; 0: none, or not all of them are known */
	bool		lent;			/* its stripes were emptied in memory and not yet in the table */
	UsomQuantity gathered;		/* so many units were in them; available counts them */
} UsomStockRow;

typedef struct UsomStockDelta
{
	UsomStockKey key;
	UsomQuantity on_hand;		/* signed */
	UsomQuantity reserved;		/* signed */
} UsomStockDelta;

/* A row for the ledger. */
typedef struct UsomStockMovement
{
	UsomStockKey key;
	const char *kind;
	UsomQuantity delta;			/* signed, not 0 */
	const char *reference;		/* may be NULL */
	const char *reason;			/* may be NULL */
	int64		sales_order_id; /* 0: none */
} UsomStockMovement;

/* product, location, lot: the one lock order.  For qsort. */
extern int	usom_stock_key_compare(const void *a, const void *b);

/*
 * Lock, in lock order, the rows of active locations that have something
 * available of any of the products, and say how much.  Soft holds that
 * expire at or before "at" do not count.  One statement; two more take away
 * the soft holds that have run out on rows it met.  products may repeat and
 * need not be sorted.
 *
 * exhausted_too locks and returns the rows with nothing available, and those
 * of locations that are not active, as well (available 0): a caller that
 * frees units of these products in the same call applies its deltas under
 * these locks.
 */
extern UsomStockRow *usom_stock_lock_products(int64 org_id, const int64 *products, int nproducts,
											  TimestampTz at, bool exhausted_too, int *nrows);

/*
 * The same for carts that become orders, exhausted rows too: locks also the
 * products that the owners have soft reservations of.  What they hold on the
 * rows is given up under the lock, and available.  Three statements more.
 * What an owner reserves meanwhile on other rows stays until it is released
 * or runs out: to lock those then would be out of lock order.
 */
extern UsomStockRow *usom_stock_take_over(int64 org_id, const int64 *products, int nproducts, TimestampTz at,
										  const char *const *owners, int nowners, int *nrows);

/* How much there is of products at every location, without a lock: for explanations.  One statement. */
extern UsomStockRow *usom_stock_look_at_products(int64 org_id, const int64 *products, int nproducts, TimestampTz at,
												 int *nrows);

/*
 * Rows in the order in which planning uses them up: by product and location
 * as before, there the lot that expires first.  Keys are no longer in order.
 */
extern void usom_stock_first_expired_first(UsomStockRow *rows, int nrows);

/* Lock the rows with these keys (sorted and made unique inside), in lock order.  One statement. */
extern void usom_stock_lock_keys(int64 org_id, const UsomStockKey *keys, int nkeys);

/*
 * Add deltas to rows that are locked.  Deltas of one key are summed first;
 * sums of zero are left out.  One statement, one more for stripes; XX000 if a row is missing, 23514
 * stock_not_oversold if reserved would pass on_hand.
 */
extern void usom_stock_apply(int64 org_id, const UsomStockDelta *deltas, int ndeltas);

/*
 * Add on_hand of the deltas, which must not be negative in sum, and make the
 * rows that are missing: a race to make one gives one row.  Locks in lock
 * order by itself.  One statement.
 */
extern void usom_stock_add(int64 org_id, const UsomStockDelta *deltas, int ndeltas);

/* Append to the ledger.  One statement.  Does not touch the balance. */
extern void usom_stock_book(int64 org_id, const UsomStockMovement *movements, int nmovements);

#endif							/* USOM_STOCK_STOCK_H */
