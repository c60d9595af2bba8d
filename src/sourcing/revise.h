/*
 * revise.h
 *		A plan that stands, and changes to it: what revise.c and change.c
 *		share.
 */
#ifndef USOM_SOURCING_REVISE_H
#define USOM_SOURCING_REVISE_H

#include "sourcing/work.h"

typedef struct Serving
{
	int			count;
	UsomQuantity left;
	double		cost;
} Serving;

/* What needs have: parts are needs by sites, of each need the first count. */
typedef struct Servings
{
	Serving    *of;
	UsomSourcingPart *parts;
} Servings;

typedef struct Revision
{
	Work	   *work;
	Servings	now;
	UsomQuantity *least;		/* by need: what stays unserved even if it is alone */
	int		   *users;			/* by site */
	int			nused;
	double		shipments;		/* what those that are used cost */
	bool	   *open;			/* by site: may serve; while a plan stands those that do */
	Score		score;			/* of the plan that stands */
	double	   *attraction;		/* by site: what needs could save there at most */

	/* What a change has touched, as it was. */
	int			ntouched;
	int		   *touched;
	bool	   *is_touched;		/* by need */
	Servings	before;
	Servings	pushed;			/* the same of two needs within a change */

	Servings	best;
	Score		best_score;
	uint32		random;
} Revision;

extern UsomSourcingPart *usom_sourcing_parts_of(const Revision *revision, Servings servings, int need);
extern void usom_sourcing_copy_serving(const Revision *revision, int need, Servings to, Servings from);

/* The need takes what it has from the sites, or gives it back (sign -1). */
extern void usom_sourcing_book(Revision *revision, int need, int sign);

/* A need that has nothing is served from the open sites. */
extern void usom_sourcing_serve(Revision *revision, int need);

/* Close one site and open another; either may be -1. */
extern void usom_sourcing_change_sites(Revision *revision, int close, int open);

/* What was changed stays: a plan stands. */
extern void usom_sourcing_settle(Revision *revision);

/*
 * Changes that stay only if the plan is better by them: a need served anew;
 * two, the first before the second; sites closed and opened.
 */
extern bool usom_sourcing_try_need(Revision *revision, int need);
extern bool usom_sourcing_try_pair(Revision *revision, int first, int second);
extern bool usom_sourcing_try_sites(Revision *revision, int close, int open);

/* Does the need miss what the other one has: a site that is scarce, or stock of its product? */
extern bool usom_sourcing_misses(const Revision *revision, int need, int other);

#endif							/* USOM_SOURCING_REVISE_H */
