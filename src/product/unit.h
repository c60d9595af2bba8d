/*
 * unit.h
 *		Other units of products than their own.
 */
#ifndef USOM_PRODUCT_UNIT_H
#define USOM_PRODUCT_UNIT_H

#include "base/quantity.h"

/* So many units of the product are so many of this one; in lowest terms. */
typedef struct UsomUnitRatio
{
	const char *name;
	UsomQuantity quantity;
	UsomQuantity per;
	bool		divisible;
	bool		is_own;			/* the product's own: one is one */
} UsomUnitRatio;

/* A unit that a line names. */
typedef struct UsomUnitWanted
{
	int64		product_id;
	const char *name;
	UsomUnitRatio *ratio;		/* found; NULL: the product has no such unit */
} UsomUnitWanted;

/* One statement. */
extern void usom_unit_read(int64 org_id, UsomUnitWanted *wanted, int count);

/* Pure from here on.  From amounts that a row or a document has. */
extern UsomUnitRatio *usom_unit_make(const char *name, UsomQuantity quantity, UsomQuantity per, bool divisible, bool is_own);

/* Units of the product; US220 with the path unless they are exact. */
extern UsomQuantity usom_unit_convert(const UsomUnitRatio *ratio, UsomQuantity quantity, const char *path);

/* amount of one of the unit, for one unit of the product, rounded up; 22003 beyond int64. */
extern int64 usom_unit_share(const UsomUnitRatio *ratio, int64 amount);

#endif							/* USOM_PRODUCT_UNIT_H */
