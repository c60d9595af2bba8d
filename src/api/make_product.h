/*
 * make_product.h
 *		Products that an order document brings with it.
 */
#ifndef USOM_API_MAKE_PRODUCT_H
#define USOM_API_MAKE_PRODUCT_H

#include "api/place.h"

/* Products that documents of a call bring with them: each is made once, whichever of them names it. */
typedef struct UsomMaking UsomMaking;

extern UsomMaking *usom_api_making_begin(void);

/*
 * The line names a product that there is not, and says how to make it: its
 * key, for the row that is written with the order.  US803 if the role may not
 * write products.
 */
extern int64 usom_api_plan_product(Placing *placing, int line);

/*
 * Write them, in one statement; engineering has to approve what they are to
 * be.  Documents with a product that cannot be made have it as unmade, and the
 * first of them is refused: US803.
 */
extern void usom_api_write_products(Placing *const *placings, int count);
extern void usom_api_refuse_made(const Placing *placing) pg_attribute_noreturn();

#endif							/* USOM_API_MAKE_PRODUCT_H */
