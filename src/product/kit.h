/*
 * kit.h
 *		What kits are made of.
 */
#ifndef USOM_PRODUCT_KIT_H
#define USOM_PRODUCT_KIT_H

#include "base/quantity.h"

/* What a product is to an order, in one number: an expression over a row p of usom.product. */
#define USOM_PRODUCT_NATURE \
	"CASE p.kind WHEN 'physical' THEN 1 + (p.decoupling IN ('make_to_order', 'engineer_to_order'))::integer " \
	"+ CASE p.tracking WHEN 'serial' THEN 8 ELSE 0 END " \
	"WHEN 'service' THEN 0 ELSE 3 + (p.kit_policy = 'whole')::integer END"

typedef enum UsomNature
{
	USOM_SERVICE,
	USOM_PHYSICAL,
	USOM_MADE,					/* physical, and made for each order */
	USOM_KIT_IN_PARTS,
	USOM_WHOLE_KIT
} UsomNature;

#define USOM_BY_SERIAL 8		/* added to the nature of what has a number on each unit */

/* The same without a statement: of these columns of a product, as base/fetch.h names and brings them. */
#define USOM_NATURE_COLUMNS 4
#define USOM_NATURE_OF {"kind", "text"}, {"decoupling", "text"}, {"tracking", "text"}, {"kit_policy", "text"}
extern UsomNature usom_product_nature(const Datum *columns);

/* Units of a product that is no kit, for one kit. */
typedef struct UsomComponent
{
	int64		kit_id;
	int64		product_id;
	bool		stocked;		/* a physical product */
	UsomQuantity quantity;
} UsomComponent;

/*
 * The components of kits, kits in kits taken apart, each product once for a
 * kit; by kit, then product.  Keys may repeat.  US114 names a kit that has
 * none, or cannot be taken apart.  One statement; wants an SPI connection, the
 * result is in CurrentMemoryContext.
 */
extern UsomComponent *usom_product_components(int64 org_id, const int64 *kits, int nkits, int *ncomponents);

#endif							/* USOM_PRODUCT_KIT_H */
