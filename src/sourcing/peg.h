/*
 * peg.h
 *		Which supply a piece that waits counts on: a pure plan.
 *
 *		A demand takes first what is under way for its own line, then what is
 *		for all, in both the earliest first; of a line tied to a location only
 *		what arrives there.  A demand that may not be cut takes the first
 *		supply that has all of it, or none.  One that counts on a supply takes
 *		what is free of earlier ones for it, and what it leaves others may
 *		take.  Demands are served in the order given, so nobody is worse off
 *		than before.
 */
#ifndef USOM_SOURCING_PEG_H
#define USOM_SOURCING_PEG_H

#include "stock/supply.h"

typedef struct UsomPegDemand
{
	int64		product_id;
	int64		location_id;	/* must be served from here; 0: anywhere */
	int64		sales_order_id;
	int32		line_no;
	UsomQuantity quantity;		/* > 0 */
	bool		partial;		/* may be cut */
	int			from;			/* supply it counts on: it takes earlier ones alone, and gives it back; -1: none */
} UsomPegDemand;

typedef struct UsomPeg
{
	int			demand;			/* index into the demands */
	int			supply;			/* index into the supplies */
	UsomQuantity quantity;
} UsomPeg;

/*
 * Plan demands over supplies that stand by product, date and key; lowers
 * supplies[].free by what it takes.  The pegs come in the order of demands,
 * those of one by how they were taken; their sum is at most the quantity of
 * the demand.  palloc'd.
 */
extern UsomPeg *usom_sourcing_peg(const UsomPegDemand *demands, int ndemands,
								  UsomSupply *supplies, int nsupplies, int *npegs);

#endif							/* USOM_SOURCING_PEG_H */
