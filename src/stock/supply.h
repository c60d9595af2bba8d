/*
 * supply.h
 *		Supply: what is under way, and the units of it that pieces count on.
 *
 *		The rows of usom.supply are locks, taken after those of stock, by key.
 *		Whoever pegs or lets go changes pegged under that lock, in the call
 *		that changes the pieces.
 *
 *		Invariant: pegged = sum of the waiting pieces that name the supply, and
 *		at most what has not arrived yet.
 *
 *		All functions want an SPI connection (usom_call_begin) and allocate in
 *		CurrentMemoryContext.
 */
#ifndef USOM_STOCK_SUPPLY_H
#define USOM_STOCK_SUPPLY_H

#include "base/quantity.h"
#include "datatype/timestamp.h"

/* Units that pieces count on, or with a minus count on no more. */
typedef struct UsomPegDelta
{
	int64		supply_id;
	UsomQuantity pegged;		/* signed */
} UsomPegDelta;

/* A supply, locked, as far as pegging needs it. */
typedef struct UsomSupply
{
	int64		supply_id;
	int64		product_id;
	int64		location_id;
	TimestampTz expected_at;
	UsomQuantity free;			/* what is to come and nobody counts on */
	int64		sales_order_id; /* it is for this order's line and no other; 0: for all */
	int32		line_no;
} UsomSupply;

/* A supply as it is recorded. */
typedef struct UsomNewSupply
{
	int64		supply_id;
	const char *supply_no;
	const char *kind;
	int64		product_id;
	int64		location_id;
	UsomQuantity quantity;
	TimestampTz expected_at;
	Numeric		confidence;
	const char *reference;		/* may be NULL */
	int64		sales_order_id; /* 0: for all */
	int32		line_no;
} UsomNewSupply;

/* Was anything ever under way to the organisation?  Remembered by the backend: no statement. */
extern bool usom_supply_is_any(int64 org_id);

/*
 * Lock what is expected of the products, and other supply that is written
 * later in the call, and say what is free of it: by product, date and key.
 * One statement.
 */
extern UsomSupply *usom_supply_lock_products(int64 org_id, const int64 *products, int nproducts,
											 const int64 *others, int nothers, int *nsupplies);

/* The same without a lock, for explanations. */
extern UsomSupply *usom_supply_look_at_products(int64 org_id, const int64 *products, int nproducts, int *nsupplies);

/* Lock the supply with these keys, in lock order.  One statement. */
extern void usom_supply_lock_keys(int64 org_id, const int64 *keys, int nkeys);

/*
 * Add deltas; those of one supply are summed first, sums of zero are left
 * out.  Two statements, one for a single supply, none for no delta.  XX000 if a row is missing, 23514
 * supply_not_overpegged if more would be pegged than is to come.
 */
extern void usom_supply_apply(int64 org_id, const UsomPegDelta *deltas, int ndeltas);

/* Record a supply, and an empty stock row where it will arrive.  Two statements.  US205 if the number is taken. */
extern void usom_supply_insert(int64 org_id, const UsomNewSupply *supply);

/* _PG_init of the room. */
extern void usom_supply_init(void);

#endif							/* USOM_STOCK_SUPPLY_H */
