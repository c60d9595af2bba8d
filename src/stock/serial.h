/*
 * serial.h
 *		Units that have a number of their own.
 *
 *		A row of usom.serial_unit is one unit for ever: on hand at a location,
 *		reserved, picked or shipped for a line of an order, or gone.  It is
 *		claimed under its row lock without waiting: who comes second is refused
 *		at once.
 *
 *		Serials follow the counters of their line: usom_order_save() calls
 *		usom_stock_serials_follow() for the lines of such products that it
 *		writes.  So a verb that picks or ships needs to name serials only where
 *		the caller named them (take); else those that are reserved for the line
 *		go, and US213 if there are not enough.
 *
 *		All functions want an SPI connection and the lock of the order.
 */
#ifndef USOM_STOCK_SERIAL_H
#define USOM_STOCK_SERIAL_H

#include "base/quantity.h"
#include "fmgr.h"

/*
 * These units are for the line from now on: on hand at the location (0: at
 * any) and nobody's, or the line's already.  Call it before the pieces move; then the
 * named ones are the first to be picked or shipped.  reference: the pick list
 * or the like, may be NULL.  US212 names one that is not there or is
 * another's; who claims it at the same time wins.  Returns the location where all
 * of them lie; 0: at several.  Two statements.
 */
extern int64 usom_stock_serials_take(int64 org_id, int64 product_id, int64 location_id, const char *const *serials,
									int nserials, int64 sales_order_id, int32 line_no, const char *reference);

/*
 * Units of the line are on hand at the location again, and nobody's: returned,
 * put back or out of a shipment.  location 0: they are gone, not in stock.  US212
 * names one that is none of the line's.  Call it before the set is saved.  One
 * statement, two to refuse.
 */
extern void usom_stock_serials_give_back(int64 org_id, int64 product_id, int64 location_id, const char *const *serials,
										 int nserials, int64 sales_order_id, int32 line_no, const char *reference);

/* A text[] argument: 22004 if null, 22023 for an empty number, US212 for one that is named twice. */
extern const char **usom_stock_serials_argument(FunctionCallInfo fcinfo, int argument, int *nserials);

/* Units come in stock, and leave it without an order.  US212 names one that is there already, or is not to be had.  The balance is the caller's to change. */
extern void usom_stock_serials_receive(int64 org_id, int64 product_id, int64 location_id, const char *const *serials,
									   int nserials, const char *reference);

/* What is taken out may be an order's, too (0: nobody's alone), if it is on the shelf: then the order keeps one unit less by number. */
extern void usom_stock_serials_remove(int64 org_id, int64 product_id, int64 location_id, const char *const *serials, int nserials,
									  int64 sales_order_id);

/*
 * Numbers of the units at a location that are nobody's or the order's, at most
 * so many, and how many there are.  Nothing is locked.
 */
extern const char **usom_stock_serials_there(int64 org_id, int64 product_id, int64 location_id, int64 sales_order_id, int most, int *nserials);

/*
 * Numbers of units of a line that have left (location_id 0: from anywhere), as
 * far as they are among those given (NULL: all), by where they left from.
 * places may be NULL.  One statement.
 */
extern const char **usom_stock_serials_shipped(int64 org_id, int64 sales_order_id, int32 line_no, int64 location_id,
											   const char *const *given, int ngiven, int *nserials, int64 **places);

/* How many units of a line stand in which state at a location now. */
typedef struct UsomSerialLine
{
	int64		sales_order_id;
	int32		line_no;
	int64		location_id;
	UsomQuantity kept;			/* reserved, released, picked, packed */
	UsomQuantity picked;		/* of them picked, packed */
	UsomQuantity shipped;		/* shipped, delivered */
} UsomSerialLine;

/*
 * Bring the serials of lines in line with their units: those asked for by
 * number go first; what a line keeps no more is free.  All locations of a line
 * are given.  US213 if more units are shipped than serials are named; US212 if one
 * was asked for by number that lies where the line keeps no unit.  Two
 * statements.
 */
extern void usom_stock_serials_follow(int64 org_id, const UsomSerialLine *lines, int nlines);

#endif							/* USOM_STOCK_SERIAL_H */
