/*
 * short_pick.h
 *		Units that are released and not there.
 */
#ifndef USOM_API_SHORT_PICK_H
#define USOM_API_SHORT_PICK_H

#include "order/line_list.h"

typedef struct UsomShort
{
	int			piece;			/* released, at a location */
	UsomQuantity units;			/* of it that are missing; above 0 */
	int			nserials;		/* numbers that are missing from its shelf; 0: not told */
	const char *const *serials; /* entries of one shelf have the same */
} UsomShort;

/*
 * Units of released pieces of the set are missing: they are taken off the
 * shelf by an adjustment, and with shelf_empty what no order keeps there too.
 * Where units have numbers, the missing ones are named, or US213: unless
 * nothing else than what is taken off is there.  For each piece a case short_pick
 * is raised; and the units wait again, and are sourced from elsewhere as far as there is stock.  A fixed number of
 * statements and one round of sourcing for each product.  The orders are
 * locked; locks the stock of the products, in stock order, so it must be the
 * first to do so in the call.  The caller saves with
 * usom_api_save_promises(set, event).
 */
extern void usom_api_short_pick(UsomOrderSet *set, const UsomShort *shorts, int nshorts, const char *reason, bool shelf_empty);

/*
 * Which released units of a line at a location (0: any), of a lot if the entry
 * names one, are missing: the newest pieces first, beside those that are in
 * shorts already, which has room for set->npieces.  Returns how many units
 * there are not.
 */
extern UsomQuantity usom_api_choose_short(const UsomOrderSet *set, const UsomMarkedUnits *entry, int64 location_id, UsomShort *shorts,
										  int *nshorts);

#endif							/* USOM_API_SHORT_PICK_H */
