/*
 * unit.h
 *		Lines that are ordered in another unit than the product's own.
 *
 *		The set has the product's own unit alone; what the line was ordered in
 *		stands in usom.line_unit, and says what a unit costs that does not come
 *		out for one of the product's own.
 */
#ifndef USOM_API_UNIT_H
#define USOM_API_UNIT_H

#include "api/place.h"
#include "product/unit.h"

/* A row of usom.line_unit, until it is written. */
typedef struct UsomLineUnit
{
	int64		sales_order_id;
	int32		line_no;
	int64		product_id;
	const UsomUnitRatio *ratio;
	Numeric		unit_price;		/* told for one of it; NULL: none */
} UsomLineUnit;

/* One statement, none without rows; one that is there is replaced. */
extern void usom_api_write_line_units(int64 org_id, const UsomLineUnit *units, int count);

/* Units that lines of the documents name; products of lines are looked up.  One statement if a line names one. */
extern void usom_api_look_up_units(Placing *const *placings, int count);

/*
 * Quantities and prices of lines that name a unit become those of the
 * product's own; units that products have not are problems.
 */
extern void usom_api_take_units(Placing *placing);

/* When the lines of placed orders are written. */
extern void usom_api_write_placed_units(Placing *const *placings, int count);

/* For one unit of the product: exact, or rounded up in the fourth decimal; the rest is taken off when the line is priced. */
extern Numeric usom_api_unit_share(const UsomUnitRatio *ratio, Numeric price);

/* Lines of a child order are in the units of those that they came from: parent and child line numbers. */
extern void usom_api_copy_line_units(const UsomOrderSet *set, int parent, int child, const int32 *from, const int32 *to, int count);

#endif							/* USOM_API_UNIT_H */
