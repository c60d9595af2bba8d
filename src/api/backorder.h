/*
 * backorder.h
 *		Backorder processing: what the files of backorder_run() share; nothing
 *		else includes it.
 *
 *		Read without a lock what waits and what is reserved, plan product by
 *		product, lock the orders that would change, their stock and supply,
 *		read and plan those products again, and write it if it concerns no
 *		order that is not locked; else let go and begin again with more.
 *
 *		Memory: a run and what it reads in the context of the call (SPI's).
 */
#ifndef USOM_API_BACKORDER_H
#define USOM_API_BACKORDER_H

#include "order/order.h"
#include "sourcing/precedence.h"
#include "sourcing/rationing.h"

typedef struct BackorderSegment
{
	int32		rank;
	UsomStrategy strategy;
	int64		sales_order_id; /* this order alone; 0: any */
	UsomCodes	channels;
	UsomCodes	customers;
	UsomCodes	segments;
	UsomCodes	order_types;
	UsomCodes	countries;
	UsomCodes	skus;
	UsomCodes	categories;
	int32		priority_from;
	int32		priority_to;
	TimestampTz placed_from;
	TimestampTz placed_before;
	UsomPrecedence precedence;
} BackorderSegment;

typedef struct BackorderVariant
{
	const char *code;
	bool		stops_run;
	UsomCodes	skus;
	UsomCodes	categories;
	int			nsegments;
	BackorderSegment *segments; /* by rank */
} BackorderVariant;

/* A variant and those that it falls back to, one after the other. */
typedef struct BackorderVariants
{
	int			count;
	BackorderVariant *variants;
	bool		asks_customer;	/* what must be read for them */
	bool		asks_country;
	bool		asks_service_level;
	bool		loses;			/* products may change of which nothing waits */
} BackorderVariants;

typedef struct BackorderProduct
{
	int64		product_id;
	const char *sku;
	const char *category;		/* or NULL */
	bool		any_reserved;
} BackorderProduct;

/* A line as segments and precedence see it. */
typedef struct BackorderLine
{
	UsomContender contender;
	int			product;		/* index */
	const char *order_no;
	const char *order_type;
	const char *customer;		/* or NULL */
	const char *country;		/* or NULL */
	int64		location_id;	/* must be served from here; 0: any */
	bool		partial;
} BackorderLine;

/* Units of a line: reserved at a place, pegged to a supply, or waiting for either. */
typedef struct BackorderUnits
{
	BackorderLine line;
	bool		reserved;
	UsomStockKey key;
	int64		supply_id;		/* 0: none */
	UsomQuantity quantity;
	TimestampTz promised_at;	/* or USOM_NO_TIME */
} BackorderUnits;

/* Where units come from: a row of stock, or a supply. */
typedef struct BackorderSource
{
	UsomStockKey key;
	int64		supply_id;		/* 0: stock */
	TimestampTz expected_at;	/* of supply */
	UsomQuantity free;
	bool		serves;			/* others than who has something of it */
	int			priority;		/* of the location */
} BackorderSource;

typedef struct BackorderFacts
{
	int			nproducts;
	BackorderProduct *products; /* by key */
	int			nunits;
	BackorderUnits *units;		/* by product, order, line */
	int			nstock;
	BackorderSource *stock;		/* by product, then as they are to be used */
	int			nsupply;
	BackorderSource *supply;	/* by product, then as it arrives */
} BackorderFacts;

/* What happens to a line. */
typedef struct BackorderChange
{
	const BackorderLine *line;
	const BackorderVariant *variant;
	const BackorderSegment *segment;
	UsomQuantity wanted;
	UsomQuantity before;
	UsomQuantity after;
	TimestampTz promised_before;	/* or USOM_NO_TIME */
	TimestampTz promised_after;
	int			nsources;
	const BackorderSource *sources; /* of the product */
	const UsomQuantity *held;	/* of each of them, before */
	const UsomQuantity *given;	/* and after */
} BackorderChange;

typedef struct BackorderException
{
	const BackorderLine *line;
	const BackorderVariant *variant;
	const BackorderSegment *segment;
	UsomQuantity wanted;
	UsomQuantity possible;
} BackorderException;

typedef struct BackorderPlan
{
	const BackorderFacts *facts;
	bool		stopped;		/* by an exception: nothing changes */
	int			nitems;			/* products looked at */
	int			nitems_changed;
	int			nchanges;
	int			changes_capacity;
	BackorderChange *changes;	/* by order, line */
	int			nexceptions;
	int			exceptions_capacity;
	BackorderException *exceptions;
} BackorderPlan;

/* backorder_variant.c: US006 if there is no such variant. */
extern BackorderVariants *usom_api_read_variants(int64 org_id, const char *code);

/*
 * The same file: what expediting an order means.  It gains; orders that are
 * less urgent than its new priority keep what is left, by usom.fill_priority;
 * others are left as they are.  Products: those that it waits for.
 */
extern BackorderVariants *usom_api_expedite_variant(int64 org_id, int64 sales_order_id, int32 priority, UsomCodes skus);

/* backorder_run.c: deal out by variants and record it under the code; lines and orders changed. */
extern BackorderPlan *usom_api_backorder_run(int64 org_id, BackorderVariants *variants, const char *code, bool simulate,
											 char **run_no, int *norders);

/* The segment of a line, or NULL: it is left as it is. */
extern const BackorderSegment *usom_api_segment_of(const BackorderVariant *variant, const BackorderProduct *product,
												   const BackorderLine *line);

/* backorder_read.c */

/* Products that a run is about. */
extern BackorderProduct *usom_api_backorder_products(int64 org_id, const BackorderVariants *variants, int *nproducts);

/*
 * What there is of products, and who has it or waits for it.  Without a set
 * everything is of the snapshot of the statement.  With one, its orders are
 * locked; the stock and supply of the products are locked here, and the facts
 * are the newest there are; is_last: other orders are left out.
 */
extern BackorderFacts *usom_api_backorder_facts(int64 org_id, const BackorderVariants *variants, BackorderProduct *products,
												int nproducts, const UsomOrderSet *set, bool is_last);

/* backorder_units.c: the part of that about lines. */
extern void usom_api_backorder_units(BackorderFacts *facts, int64 org_id, const BackorderVariants *variants,
									 const UsomOrderSet *set, bool is_last);

/* backorder_plan.c */
extern BackorderPlan *usom_api_backorder_plan(int64 org_id, const BackorderVariants *variants, const BackorderFacts *facts);

/* backorder_write.c */

/* Carry the plan out on locked orders, and save. */
extern void usom_api_backorder_carry_out(UsomOrderSet *set, const BackorderPlan *plan, const char *run_no);

/* Append the run and its changes.  Returns how many orders they are of. */
extern int	usom_api_backorder_record(int64 org_id, const BackorderPlan *plan, const char *run_no, const char *variant,
									  bool simulated);

#endif							/* USOM_API_BACKORDER_H */
