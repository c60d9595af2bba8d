/*
 * pool.h
 *		Who may have how much of several sources, without saying yet which
 *		source serves whom.
 *
 *		Claims of one kind may be served by the same sources.  What is taken
 *		stands in the sources as it happens to fit, and is moved aside when
 *		another kind can be served in no other way: so take() gives all that any
 *		way of serving everybody allows.
 */
#ifndef USOM_SOURCING_POOL_H
#define USOM_SOURCING_POOL_H

#include "base/quantity.h"

typedef struct UsomPool
{
	int			nsources;
	int			nkinds;
	const bool *serves;			/* kinds by sources */
	UsomQuantity *left;			/* of each source */
	UsomQuantity *used;			/* kinds by sources */
	bool	   *exhausted;		/* no more for this kind until something is given back */
	int		   *queue;			/* sources, while a way is looked for */
	int		   *previous;		/* source that one is reached from; -1: none */
	int		   *moved;			/* kind that would move between the two */
} UsomPool;

/* serves is kept, quantities are copied. */
extern UsomPool *usom_sourcing_make_pool(const UsomQuantity *quantities, int nsources, const bool *serves, int nkinds);

/* Returns how much of it there was. */
extern UsomQuantity usom_sourcing_take_from_pool(UsomPool *pool, int kind, UsomQuantity quantity);

/* From one source, as far as it goes. */
extern UsomQuantity usom_sourcing_take_from_source(UsomPool *pool, int kind, int source, UsomQuantity quantity);

extern void usom_sourcing_return_to_pool(UsomPool *pool, int kind, UsomQuantity quantity);
extern void usom_sourcing_free_pool(UsomPool *pool);

#endif							/* USOM_SOURCING_POOL_H */
