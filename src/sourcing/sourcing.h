/*
 * sourcing.h
 *		Which stock serves which demand: a pure plan.
 *
 *		Arrays in, plan out: no SPI, no catalog, no clock.  The choice at this
 *		stage: a demand goes to the first location (by priority, then key)
 *		that can serve it whole; if none can and the demand may be cut, to the
 *		location that has most of it, the rest is backordered.  A later engine
 *		replaces the choice behind the same face.
 */
#ifndef USOM_SOURCING_SOURCING_H
#define USOM_SOURCING_SOURCING_H

#include "stock/stock.h"

typedef struct UsomDemand
{
	int64		product_id;
	int64		location_id;	/* must be served from here; 0: anywhere */
	UsomQuantity quantity;		/* > 0 */
	bool		partial;		/* may be cut */
} UsomDemand;

/* One piece of the plan. */
typedef struct UsomAssignment
{
	int			demand;			/* index into the demands */
	int			row;			/* index into the rows, or -1: backordered */
	UsomQuantity quantity;
} UsomAssignment;

typedef struct UsomPlan
{
	int			nassignments;
	UsomAssignment *assignments;	/* in order of demands */
} UsomPlan;

/*
 * Plan demands in the order given over rows in lock order; lowers
 * rows[].available by what it takes, so that demands for one product share.
 * The assignments of a demand sum to its quantity.  The plan is allocated in
 * CurrentMemoryContext.
 */
extern UsomPlan *usom_sourcing_plan(const UsomDemand *demands, int ndemands,
									UsomStockRow *rows, int nrows);

#endif							/* USOM_SOURCING_SOURCING_H */
