/*
 * short_pick.h
 *		Units that are released and not there.
 */
#ifndef USOM_API_SHORT_PICK_H
#define USOM_API_SHORT_PICK_H

#include "order/order.h"

typedef struct UsomShort
{
	int			piece;			/* released, at a location */
	UsomQuantity units;			/* of it that are missing; above 0 */
} UsomShort;

/*
 * Units of released pieces of the set are missing: they are taken off the
 * shelf by an adjustment, and with shelf_empty what no order keeps there too;
 * a case short_pick is raised for each; and the units wait again, and are
 * sourced from elsewhere as far as there is stock.  A fixed number of
 * statements and one round of sourcing for each product.  The orders are
 * locked; locks the stock of the products, in stock order, so it must be the
 * first to do so in the call.  The caller saves with
 * usom_api_save_promises(set, event).
 */
extern void usom_api_short_pick(UsomOrderSet *set, const UsomShort *shorts, int nshorts, const char *reason, bool shelf_empty);

/*
 * Which released units of a line at a location (0: any) are missing: the
 * newest pieces first.  shorts has room for set->npieces.  US611 if there are
 * not so many.  Returns how many entries were written.
 */
extern int	usom_api_choose_short(const UsomOrderSet *set, int line, int64 location_id, UsomQuantity units, UsomShort *shorts);

#endif							/* USOM_API_SHORT_PICK_H */
