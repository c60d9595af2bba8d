/*
 * make_product.h
 *		Products that an order document brings with it.
 */
#ifndef USOM_API_MAKE_PRODUCT_H
#define USOM_API_MAKE_PRODUCT_H

#include "api/place.h"

/*
 * The line names a product that there is not, and says how to make it: its
 * key, for the row that is written with the order.  US803 if the role may not
 * write products.
 */
extern int64 usom_api_plan_product(Placing *placing, int line);

/* Write them; engineering has to approve what they are to be.  A statement for each. */
extern void usom_api_write_products(const Placing *placing);

#endif							/* USOM_API_MAKE_PRODUCT_H */
