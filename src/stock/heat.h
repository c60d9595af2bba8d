/*
 * heat.h
 *		Products that everybody wants: which they are, and what tick() does
 *		about it.
 */
#ifndef USOM_STOCK_HEAT_H
#define USOM_STOCK_HEAT_H

#include "postgres.h"

/* What is known of the stock of a product at a location when it is looked at. */
typedef struct UsomHeat
{
	int			stripes;		/* that it has */
	int			made;			/* by tick(); 0: none */
	int			waiters;		/* for its rows, on the average */
	int64		free;			/* whole units that can be promised */
	int64		taken;			/* orders served by its stripes since it was looked at last */
	bool		cold;			/* its stripes have not been busy for long enough */
	bool		rests;			/* stripes did not help */
	int			limit;			/* stripes at most */
	int			enough;			/* waiters from which it is hot */
} UsomHeat;

/* How many stripes it is to have: as many as now where nothing is to be done. */
extern int	usom_stock_stripes_wanted(const UsomHeat *heat);

/* Stripes that orders wait in spite of, and that serve none although there is something: they only cost. */
extern bool usom_stock_stripes_fruitless(const UsomHeat *heat);

/* Forget that tick() made the stripes: they are set by hand.  One statement. */
extern void usom_stock_forget_heat(int64 org_id, int64 product_id, int64 location_id);

#endif							/* USOM_STOCK_HEAT_H */
