/*
 * row.h
 *		The rows of usom.stock, as base/update.h locks and writes them.
 *
 *		Between lock.c and lock_rows.c, which lock them, and apply.c, which
 *		writes them.  Nobody else includes it.
 */
#ifndef USOM_STOCK_ROW_H
#define USOM_STOCK_ROW_H

#include "base/update.h"
#include "stock/place.h"
#include "stock/stock.h"
#include "stock/stripe.h"

typedef enum UsomStockColumn
{
	STOCK_ORG,
	STOCK_PRODUCT,
	STOCK_LOCATION,
	STOCK_LOT,
	STOCK_ON_HAND,
	STOCK_RESERVED,
	STOCK_HELD,
	STOCK_HELD_UNTIL,
	STOCK_SAFETY,
	STOCK_USABLE_UNTIL,
	STOCK_STRIPES,
	STOCK_LENT,
	STOCK_COLUMNS
} UsomStockColumn;

#define STOCK_KEYS 4

extern UsomUpdate usom_stock_rows;

/* apply.c: the columns of the key, STOCK_KEYS of them. */
extern void usom_stock_key_values(int64 org_id, const UsomStockKey *key, Datum *values);

/* A row that was locked, perhaps with one of its stripes: as it is under the lock. */
typedef struct UsomStockLocked
{
	UsomStockKey key;
	UsomQuantity free;			/* without stripes, maybe below zero */
	bool		run_out;		/* soft holds have: what still counts of them is not off */
	TimestampTz usable_until;	/* PG_INT64_MAX: for ever */
	int			stripes;
	bool		lent;
	bool		has_stripe;
	UsomQuantity stripe_free;
} UsomStockLocked;

/*
 * lock_rows.c: lock the rows of the products, sorted and unique, in lock
 * order: all, or those with something available or lent at that time;
 * striped: with the stripes that are to be gathered, each behind its row.
 */
extern UsomStockLocked *usom_stock_lock_rows(int64 org_id, const UsomStockNeed *needs, int nneeds, TimestampTz at,
											 bool exhausted_too, bool striped, int *nlocked);

#endif							/* USOM_STOCK_ROW_H */
