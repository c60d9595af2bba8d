/*
 * rationing.h
 *		Backorder processing of one product: who keeps, gets and gives up what,
 *		by strategy.  Pure: arrays in, arrays out.
 *
 *		The strategies, in the order in which they are carried out:
 *
 *		win				all of it, on time, or an exception
 *		gain			at least what it has, none of it later, or an exception
 *		improve			the same without exception: what it has is set aside first
 *		redistribute	more, the same or less
 *		fill			what it has, or less, never more
 *		lose			nothing; what it has is for the others
 *		skip			untouched
 *
 *		Within a strategy claims come in the order given.  Whoever comes later
 *		gets nothing that an earlier claim could have, nor anything sooner.
 */
#ifndef USOM_SOURCING_RATIONING_H
#define USOM_SOURCING_RATIONING_H

#include "base/quantity.h"

typedef enum UsomStrategy
{
	USOM_WIN,
	USOM_GAIN,
	USOM_IMPROVE,
	USOM_REDISTRIBUTE,
	USOM_FILL,
	USOM_LOSE,
	USOM_SKIP
} UsomStrategy;

/* Something that units come from: a shelf, or what will arrive at a time. */
typedef struct UsomRationSource
{
	UsomQuantity quantity;		/* for all claims together, what they hold included */
	int			level;			/* 0: is there; from 1 on: in the order of arrival */
} UsomRationSource;

typedef struct UsomRationClaim
{
	UsomStrategy strategy;
	UsomQuantity wanted;		/* what it holds, and what waits; > 0 */
	int			on_time;		/* the last level that is in time for it; >= 0 */
	bool		whole;			/* all of it or nothing (or what it has) */
	int			mask;			/* the sources that may serve it, those that it holds units of included */
} UsomRationClaim;

typedef struct UsomRationItem
{
	int			nclaims;
	const UsomRationClaim *claims;
	int			nsources;
	const UsomRationSource *sources;	/* by level */
	int			nmasks;
	const bool *masks;			/* masks by sources */
	const UsomQuantity *held;	/* claims by sources */

	/* Out. */
	UsomQuantity *given;		/* claims by sources */
	int			exception;		/* the claim that could not have what its strategy promises; -1: none */
	UsomQuantity possible;		/* what it could have had */
} UsomRationItem;

/*
 * Plan; false if there is an exception: then given is what is held.  Units
 * stay where they are held as far as that is possible.  Scratch and given in
 * CurrentMemoryContext.
 */
extern bool usom_sourcing_ration_item(UsomRationItem *item);

/* The strategy of a name, or -1; and its name. */
extern int	usom_sourcing_strategy_of(const char *name);
extern const char *usom_sourcing_strategy_name(UsomStrategy strategy);

#endif							/* USOM_SOURCING_RATIONING_H */
