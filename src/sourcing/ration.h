/*
 * ration.h
 *		Scarce supply shared over demands: pure arithmetic.
 *
 *		The supply is given out lot by lot, and who gets the next lot does not
 *		depend on how many there are: so nobody gets less when there is more,
 *		which rounding quotas (largest remainders) cannot promise (the Alabama
 *		paradox).  The next lot goes to the claim whose weight is largest
 *		against the middle of what it has and what it would have: highest
 *		averages with the divisors of Webster and Sainte-Lague (Balinski and
 *		Young, Fair Representation, 1982: divisor methods, and they alone, are
 *		free of such paradoxes).  Of equals the first one given is served first.
 */
#ifndef USOM_SOURCING_RATION_H
#define USOM_SOURCING_RATION_H

#include "base/quantity.h"

typedef struct UsomClaim
{
	UsomQuantity demand;		/* >= 0 */
	int64		weight;			/* > 0 where demand is */
	int			group;			/* index into the caps; -1: of none */
	UsomQuantity share;			/* out */
} UsomClaim;

/* How it is cut. */
typedef struct UsomLots
{
	UsomQuantity minimum;		/* a share is nothing or at least this; >= 0 */
	UsomQuantity multiple;		/* and a multiple of this; > 0 */
} UsomLots;

/*
 * Fill in the shares.  caps[g] is what group g gets at most.
 *
 * A share is a multiple, never above the demand, and 0 or at least the
 * minimum.  Shares sum to the supply, or to what all may have if that is
 * less, both in whole multiples; where the minimum is larger than a multiple,
 * up to one minimum stays behind, because it would start no further share.
 * No SPI; scratch in CurrentMemoryContext.
 */
extern void usom_sourcing_ration(UsomClaim *claims, int nclaims, UsomQuantity supply, UsomLots lots,
								 const UsomQuantity *caps, int ncaps);

#endif							/* USOM_SOURCING_RATION_H */
