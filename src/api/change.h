/*
 * change.h
 *		A change of an order, between change.c (what becomes of its units) and
 *		change_price.c (what it costs).
 *
 *		Memory: CurrentMemoryContext, which is the call's.
 */
#ifndef USOM_API_CHANGE_H
#define USOM_API_CHANGE_H

#include "api/price.h"
#include "api/resolve.h"
#include "api/unit.h"
#include "party/person.h"

typedef struct UsomLineChange
{
	int32		line_no;
	bool		has_line_no;	/* else a new line */
	char	   *sku;
	UsomQuantity quantity;
	bool		has_quantity;
	char	   *unit;
	UsomUnitRatio *ratio;		/* of the unit; quantity and unit_price are the product's own from then on */
	Numeric		pack_price;		/* of one such unit; NULL: none is told */
	Numeric		unit_price;
	bool		has_price;
	char	   *location;
	TimestampTz requested_at;
	bool		remove;
	int32		changed_line;	/* its line number, of new ones too, once prices are asked for */
} UsomLineChange;

typedef struct UsomChanges
{
	int			nlines;
	UsomLineChange *lines;
	int32		priority;
	bool		has_priority;
	Jsonb	   *ship_to;
	TimestampTz requested_at;
	char	   *instructions;
	bool		ship_complete;
	bool		has_ship_complete;
	ArrayType  *coupons;
	bool		has_coupons;
	UsomAddress *address;		/* what ship_to became; NULL: none */
	text	   *sealed_instructions;
	struct UsomWithdrawing *withdrawing;	/* what it takes back */
	const UsomHolds *holds;		/* on lines and pieces, that block changes */
} UsomChanges;

/* Quantities and prices of lines that name a unit become those of the product's own.  A statement for each such line. */
extern void usom_api_resolve_change_units(const UsomOrderSet *set, const UsomChanges *changes, const UsomSchema *schema,
										  const UsomLineReference *references);

/* When the lines are as they will be; NULL: nothing is priced. */
extern UsomPricing *usom_api_price_change(UsomOrderSet *set, const UsomChanges *changes);

/* By line of the set: the prices that the change names, NULL for other lines; NULL: it names none. */
extern const Numeric *usom_api_expected_prices(const UsomOrderSet *set, const UsomChanges *changes);

/* What was wanted of lines that are gone: wrapping, units, told taxes.  No statement if none is. */
extern void usom_api_forget_removed_lines(const UsomOrderSet *set);

/* When they are written. */
extern void usom_api_write_change_units(const UsomOrderSet *set, const UsomChanges *changes);

#endif							/* USOM_API_CHANGE_H */
