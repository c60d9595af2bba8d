/*
 * capacity.h
 *		What a location can ship in a day, and what of it is taken.
 *
 *		The rows of usom.location_load are the locks of the capacity; they come
 *		after those of stock (decision 008), by location and day.  A call that
 *		takes here and gives back there says both at once, so that its locks
 *		are in order.
 *
 *		Invariants: units and orders of a load are the sum and the number of
 *		the rows of usom.capacity_use of its location and day; nothing is taken
 *		beyond a limit.  A row of capacity_use is the sum of the pieces of its
 *		order that ship from there that day (fulfillment_line.ships_on).
 *		Locations without a row in usom.location_capacity have no limit, and
 *		allocation does not count what they ship.
 *
 *		All functions want an SPI connection; their callers hold the locks of
 *		the orders, and of stock.  Results are in CurrentMemoryContext.
 */
#ifndef USOM_STOCK_CAPACITY_H
#define USOM_STOCK_CAPACITY_H

#include "base/quantity.h"
#include "utils/date.h"

#define USOM_NO_LIMIT PG_INT64_MAX
#define USOM_NO_DAY DATEVAL_NOEND	/* where nothing is counted */

/* A day of a location, at its own clock. */
typedef struct UsomLocationDay
{
	int64		location_id;
	DateADT		day;
} UsomLocationDay;

/* What is left of it, below zero where a limit was lowered; USOM_NO_LIMIT where there is none. */
typedef struct UsomFreeCapacity
{
	UsomQuantity units;
	int64		orders;
} UsomFreeCapacity;

/* Units of an order that a day gets (positive) or is rid of (negative). */
typedef struct UsomCapacityChange
{
	UsomLocationDay at;
	int64		sales_order_id;
	UsomQuantity units;
} UsomCapacityChange;

/* Which of the locations are counted, by key; one statement. */
extern int64 *usom_capacity_counted(int64 org_id, const int64 *locations, int nlocations, int *ncounted);

/* How much is left of each day, in their order; one statement that locks nothing. */
extern UsomFreeCapacity *usom_capacity_look(int64 org_id, const UsomLocationDay *days, int ndays);

/* Lock days, in lock order, so that what is left of them stays; one statement. */
extern void usom_capacity_lock(int64 org_id, const UsomLocationDay *days, int ndays);

/* Lock all days of the organisation that anything is counted on, but for those long past; one statement. */
extern void usom_capacity_lock_all(int64 org_id);

/*
 * Take and give back, in one statement: of each day all changes or none.
 * Changes of one order and day are summed first.  No more is given back than
 * was taken.  Returns the days for which there was too little left; nothing
 * has happened to those, and what others asked for there is to be planned
 * anew.
 */
extern UsomLocationDay *usom_capacity_change(int64 org_id, const UsomCapacityChange *changes, int nchanges, int *nrefused);

#endif							/* USOM_STOCK_CAPACITY_H */
