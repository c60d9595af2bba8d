/*
 * place.h
 *		What the verbs of stock share: codes become keys, rows are read under
 *		their lock, the position is told.
 *
 *		All functions want an SPI connection and allocate in
 *		CurrentMemoryContext.
 */
#ifndef USOM_STOCK_PLACE_H
#define USOM_STOCK_PLACE_H

#include "fmgr.h"
#include "stock/stock.h"

/* How units of a product are told apart. */
typedef enum UsomTracking
{
	USOM_UNTRACKED,
	USOM_BY_LOT,
	USOM_BY_NUMBER
} UsomTracking;

/* A product at a location, as the caller names them and as the tables do. */
typedef struct UsomPlace
{
	const char *location;		/* code; NULL: anywhere */
	const char *sku;
	int64		org_id;
	int64		location_id;	/* 0: anywhere */
	int64		product_id;
	bool		active;			/* the location is */
	bool		fills;			/* what is received goes to who waits; by find_places alone */
	bool		takes_kits;		/* asked for: the product may be a kit */
	bool		is_kit;
	UsomTracking tracking;
} UsomPlace;

/* A stock row under its lock. */
typedef struct UsomLot
{
	UsomStockKey key;
	UsomQuantity on_hand;
	UsomQuantity reserved;
	bool		run_out;		/* some of its soft holds have expired */
	int			stripes;		/* that units are lent to, which reserved counts, too; see usom_stripe_gather_lots() */
} UsomLot;

/* Change of the soft holds on a row, or what is held there. */
typedef struct UsomStockHold
{
	UsomStockKey key;
	UsomQuantity held;
} UsomStockHold;

/* place.c */

/* The text of a required argument: 22004 if it is null, 22023 if it is empty. */
extern char *usom_stock_required_text(FunctionCallInfo fcinfo, int argument, const char *name);
extern char *usom_stock_optional_text(FunctionCallInfo fcinfo, int argument);	/* NULL if null */

/* A required quantity: 22004 if null, 22003 if it does not fit, 22023 unless it is above zero. */
extern UsomQuantity usom_stock_required_quantity(FunctionCallInfo fcinfo, int argument, const char *name);
extern UsomQuantity usom_stock_positive(UsomQuantity quantity, const char *name);

/* Fill in the keys: one statement.  US006 names an unknown code, US203 what has no stock: a service, or a kit. */
extern void usom_stock_find_places(UsomPlace *places, int nplaces);

/*
 * US210 unless units that come to the place, or leave it, have the name that
 * their product wants: a lot ("" and NULL are none), or serial numbers.
 */
extern void usom_stock_check_named(const UsomPlace *place, const char *lot, bool by_number);
extern UsomTracking usom_stock_tracking(const char *name);

/* US006: entity is the table, column its code. */
extern void usom_stock_refuse_code(const char *entity, const char *column, const char *code);

/* US203: a service, or a kit, has no stock. */
extern void usom_stock_refuse(const UsomPlace *place) pg_attribute_noreturn();

/* Fill in the keys and lock the rows of the place (one lot, or with NULL all), in lock order: one statement. */
extern UsomLot *usom_stock_lock_place(UsomPlace *place, const char *lot, int *nlots);

/*
 * movement.c: the row the caller means, locked.  A row that is missing is
 * made, if wanted, or else read as empty.  22023 if several lots have stock
 * and none is named.
 */
extern UsomLot usom_stock_open_lot(UsomPlace *place, const char *lot, bool make);

/* Units come to the shelf: balance and ledger, two statements.  The place has its keys; lot and reference may be NULL. */
extern void usom_stock_receive(const UsomPlace *place, const char *lot, UsomQuantity quantity, const char *reference);

/* Balance and ledger of a locked row: two statements.  US201 below what is reserved. */
extern void usom_stock_change_on_hand(const UsomPlace *place, const UsomLot *lot, UsomQuantity delta, const char *kind);

extern void usom_stock_refuse_below_reserved(const UsomPlace *place, const UsomLot *lot, UsomQuantity target);
extern void usom_stock_check_not_negative(UsomQuantity quantity, const char *name, const char *hint);

/* position.c: return the one row (location, sku, on_hand, available) of a verb; one statement. */
extern void usom_stock_return_position(FunctionCallInfo fcinfo, const UsomPlace *place);

/* apply.c: rows of the types that unnest() takes; deltas of one key summed, without those that are zero. */
extern Datum usom_stock_key_rows(const UsomStockKey *keys, int nkeys);
extern UsomStockDelta *usom_stock_merge(const UsomStockDelta *deltas, int ndeltas, int *nmerged);

/* A key from columns of SPI_tuptable, the first of them given. */
extern UsomStockKey usom_stock_read_key(uint64 row, int column);

/*
 * reservation.c: take away the soft holds of locked rows that expire at or
 * before "at".  Returns what is held now on the rows it changed.  Two
 * statements.
 */
extern UsomStockHold *usom_stock_expire(int64 org_id, const UsomStockKey *keys, int nkeys,
										TimestampTz at, int *nholds);

/* reservation.c: products that the owners have soft holds of; no locks, one statement. */
extern int64 *usom_stock_products_of_owners(int64 org_id, const char *const *owners, int nowners, int *nproducts);

/*
 * reservation.c: delete the soft holds of the owners on locked rows.  Returns
 * the changes, all of them negative.  Two statements.
 */
extern UsomStockHold *usom_stock_give_up(int64 org_id, const char *const *owners, int nowners,
										 const UsomStockRow *rows, int nrows, int *nholds);

/*
 * reservation.c: from now on an owner holds what is wanted, as far as it is
 * free, until then, and nothing else.  Locks the rows of both in lock order;
 * a fixed number of statements.  Returns what is held, by key, those with
 * nothing among them.
 */
extern UsomStockHold *usom_stock_hold(int64 org_id, const char *owner, const UsomStockHold *wanted, int nwanted,
									  TimestampTz until, int *nholds);

/* reservation.c: what an owner holds, without a lock; what has run out counts as nothing.  One statement. */
extern UsomStockHold *usom_stock_holds_of(int64 org_id, const char *owner, int *nholds);

#endif							/* USOM_STOCK_PLACE_H */
