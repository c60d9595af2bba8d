/*
 * quota.h
 *		Scarce stock by rule: who may have how much of it.
 *
 *		A ceiling lets its members (a channel, a segment, a country, a
 *		customer) have so many units of a product or category in a period; a
 *		protection keeps so many units of a product for its members, so that
 *		others cannot take below.  Both may borrow from other quotas.
 *
 *		A pre-order offer is planned with as one more quota: before its release
 *		a ceiling of nothing for everybody, and after it a protection of what
 *		its lines still wait for.
 *
 *		The rows of usom.quota are the locks, taken after those of stock and
 *		supply, by key; then those of usom.pre_order_offer.  What is used of a period stands in quota_load, kept
 *		from quota_use, which says what each line uses.
 *
 *		Invariants: used of a load is the sum of its uses; a line uses at most
 *		the units that it has (reserved or further); nothing is allocated
 *		beyond a ceiling, or into what is kept for others.
 *
 *		All functions but the pure ones want an SPI connection; results are in
 *		CurrentMemoryContext.
 */
#ifndef USOM_STOCK_QUOTA_H
#define USOM_STOCK_QUOTA_H

#include "datatype/timestamp.h"
#include "stock/stock.h"

/* Units that an order line wants. */
typedef struct UsomQuotaDemand
{
	int64		sales_order_id;
	int32		line_no;
	int64		product_id;
	UsomQuantity quantity;
	bool		partial;		/* less is welcome, too */
	bool		is_new;			/* just ordered: counts as a pre-order where there is an offer */
	bool		is_free;		/* of an order that no quota is about */
	UsomQuantity cap;			/* out: so many at most */
	bool		is_pre_order;	/* out: an offer has counted it */
	int			capped_by;		/* out: the quota that says so; -1: none */
} UsomQuotaDemand;

/* A line has fewer units than before. */
typedef struct UsomQuotaLoss
{
	int64		sales_order_id;
	int32		line_no;
	UsomQuantity lost;
	UsomQuantity kept;			/* units that it has still */
	UsomQuantity live;			/* units that are ordered still */
} UsomQuotaLoss;

typedef struct UsomQuota
{
	int64		quota_id;
	const char *code;
	bool		protects;		/* else a ceiling */
	bool		takes_rest;		/* protection: members may have unprotected units, too */
	UsomQuantity quantity;
	TimestampTz starts_at;		/* of the period */
	UsomQuantity left;			/* of the period, never below 0 */
	int			nlenders;
	int		   *lenders;		/* indexes; whose units members take when there are no others */
	bool		is_offer;		/* stands for a pre-order offer: nothing is charged to it */
	TimestampTz release_at;		/* of the offer, if it is still to come; else 0 */
	bool		refuses;		/* orders that the offer has no units for */
	UsomQuantity offered;		/* units left of the offer; PG_INT64_MAX: any number */
	bool	   *covers;			/* by demand: its product is meant */
	bool	   *member;			/* by demand: and its order, too */
} UsomQuota;

/* Units that a line has under a quota, from its own or a lender's. */
typedef struct UsomQuotaUse
{
	int64		sales_order_id;
	int32		line_no;
	int64		quota_id;
	int64		lender_id;		/* whose units they are; quota_id: its own */
	TimestampTz starts_at;		/* period of the lender */
	UsomQuantity units;			/* 0: none any more */
} UsomQuotaUse;

/* What there is of a product to allocate. */
typedef struct UsomQuotaPool
{
	int64		product_id;
	UsomQuantity available;
} UsomQuotaPool;

typedef struct UsomQuotas
{
	int64		org_id;
	int			count;
	UsomQuota  *quotas;			/* by key */
	int			npools;
	UsomQuotaPool *pools;		/* by product */
	int			nuses;
	int			uses_capacity;
	UsomQuotaUse *uses;			/* that changed */
	int			nreturned;
	UsomQuotaUse *returned;		/* of units that lines have lost */
} UsomQuotas;

/* ---- quota_plan.c: pure ---- */

/* How many units each demand may have, first come, first served; nothing is noted. */
extern void usom_quota_cap(const UsomQuotas *quotas, UsomQuotaDemand *demands, int ndemands);

/*
 * New demands for what is not released: whether the offers have units for
 * them, which are then counted.  Returns the demand that is refused, or -1.
 */
extern int	usom_quota_count_pre_orders(UsomQuotas *quotas, UsomQuotaDemand *demands, int ndemands);

/* The offer that a demand has to wait for until its release; NULL: none. */
extern const UsomQuota *usom_quota_unreleased(const UsomQuotas *quotas, int demand);

/* The demand has got so many units: on whose account. */
extern void usom_quota_charge(UsomQuotas *quotas, const UsomQuotaDemand *demands, int demand, UsomQuantity units);

/* ---- quota.c ---- */

/* Does the organisation have quotas?  Remembered by the backend: no statement. */
extern bool usom_quota_is_any(int64 org_id);

/*
 * Lock the quotas that the demands may meet and those that the losses give
 * back to, and say what is left of them, what is given back included.  rows
 * say what there is; three statements, one more with losses.  NULL: there are
 * none.
 */
extern UsomQuotas *usom_quota_lock(int64 org_id, TimestampTz at, const UsomQuotaDemand *demands, int ndemands,
								   const UsomQuotaLoss *losses, int nlosses, const UsomStockRow *rows, int nrows);

/* The same without locks, for explanations. */
extern UsomQuotas *usom_quota_look(int64 org_id, TimestampTz at, const UsomQuotaDemand *demands, int ndemands,
								   const UsomStockRow *rows, int nrows);

/* Write what was charged and given back: two statements at most. */
extern void usom_quota_write(UsomQuotas *quotas);

/* _PG_init of the room. */
extern void usom_quota_init(void);

#endif							/* USOM_STOCK_QUOTA_H */
