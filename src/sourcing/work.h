/*
 * work.h
 *		What the files of the optimiser share; nothing else includes it.
 *
 *		candidates.c makes the Work from the problem.  fill.c serves needs
 *		from a given set of open sites, one need after another; share.c does
 *		so exactly for needs that compete, by flow.c.  search.c looks for a
 *		good set, from the one greedy.c uses; where needs compete revise.c
 *		goes on from there with one plan, guided by the rents of rent.c.
 *		bound.c says what no set can beat, branch.c proves.
 *
 *		Costs are doubles per millionth of a unit, so that a quantity times a
 *		cost is an amount.
 */
#ifndef USOM_SOURCING_WORK_H
#define USOM_SOURCING_WORK_H

#include "sourcing/optimise.h"

/* A site that may serve a need. */
typedef struct Candidate
{
	int			site;
	UsomQuantity most;			/* of the need, if no other need took any; > 0 */
	double		cost;			/* of a millionth */
	double		price;			/* cost, and a share of what a shipment costs (bound.c) */
} Candidate;

/* How good a plan is: excess is never allowed in the end. */
typedef struct Score
{
	int			excess;			/* shipments above the limit */
	UsomQuantity unserved;
	double		cost;
} Score;

typedef struct Parts
{
	int			count;
	UsomSourcingPart *parts;
} Parts;

typedef struct Work
{
	const UsomSourcingProblem *problem;
	int			nneeds;
	int			nsites;
	int			most_shipments; /* nsites if there is no limit */
	UsomQuantity *smallest;		/* by need: never above its quantity, at least 1 */
	int		   *most_parts;		/* by need: nsites if there is no limit */
	int		   *first;			/* by need: its candidates begin here; nneeds + 1 of them */
	Candidate  *candidates;		/* of a need: by cost, then site */
	int		   *by_price;		/* of a need: offsets of its candidates by price */
	int		   *by_most;		/* of a need: offsets of its candidates, most first */
	double	   *rented;			/* by candidate: its cost, and a rent for what is scarce (rent.c) */
	int		   *by_rent;		/* of a need: its candidates by that */
	double	   *shipment;		/* by site: cost of using it */

	/* Needs that compete for stock or capacity stand together, in a cluster. */
	bool	   *competes;		/* by need */
	int		   *sequence;		/* needs that do not compete, then cluster by cluster */
	int			nalone;			/* how many do not */
	int			nclusters;
	int		   *cluster;		/* where in sequence a cluster begins; nclusters + 1 of them */
	UsomQuantity *capacity;		/* by site; PG_INT64_MAX where it cannot bind */

	/* Scratch of fill.c. */
	bool	   *used;			/* by site: by the plan that was evaluated last */
	int			nused;
	UsomQuantity *stock_left;	/* products by sites */
	UsomQuantity *capacity_left;
	int			nfilled;
	int		   *filled_site;
	UsomQuantity *filled;
	Parts		booked;			/* of needs that compete */
	int		   *choice_site;
	UsomQuantity *choice_most;
	double	   *choice_cost;

	/* The base of refill.c, in units of the sequence: a need alone, or a cluster. */
	int			nunits;
	int		   *unit;			/* where in sequence a unit begins; nunits + 1 of them */
	Score	   *unit_score;
	int		   *unit_first;		/* by unit: its parts begin here */
	Parts		base;			/* in units */
	double	   *dearest;		/* by need: what dearer sites cannot better; DBL_MAX: all may */
	double	   *cost_at;		/* needs by sites: DBL_MAX where it is no candidate */
	bool	   *serves;			/* needs by sites */
	int		   *users;			/* by site: needs it serves */
	int		   *users_now;
	Parts		spare;

	UsomQuantity *served;		/* by need, of bound.c */
	UsomQuantity *scratch;		/* by product or site */
	double	   *weight;			/* by site */
	struct Sharing *sharing;	/* of share.c */
	struct Rents *rents;		/* of rent.c */

	bool		small;			/* of the class that is always solved exactly */
	bool		gave_up;		/* some step was not exact, so nothing is proven by it */
	bool		chose;			/* the need that was filled last had a choice of parts */
	int64		effort;			/* left to spend, in nanoseconds or so: no clock is read */
} Work;

#define SMALL_NEEDS 8
#define SMALL_SITES 8

/* Once effort is spent, only small problems go on. */
static inline bool
is_tired(const Work *work)
{
	return work->effort <= 0 && !work->small;
}

/* Differences below this part of an amount are noise of addition. */
#define NOISE 1e-11

static inline bool
is_better(Score a, Score b)
{
	if (a.excess != b.excess)
		return a.excess < b.excess;
	if (a.unserved != b.unserved)
		return a.unserved < b.unserved;
	return a.cost < b.cost - NOISE * (1 + b.cost);
}

/* candidates.c */
extern Work *usom_sourcing_prepare(const UsomSourcingProblem *problem);

/* fill.c: the best that open sites can do; need by need, so not exact for needs that compete */
extern Score usom_sourcing_fill(Work *work, const bool *open, Parts *parts);
extern void usom_sourcing_fill_some(Work *work, const bool *open, int begin, int end, Parts *parts, Score *score);
extern void usom_sourcing_fill_need(Work *work, const bool *open, int need, UsomQuantity *left, double *cost);	/* in filled */
extern UsomQuantity usom_sourcing_room_for(const Work *work, int need, const Candidate *candidate);	/* what is there for it now */
extern void usom_sourcing_use(Work *work, int site, Score *score);

/* share.c: the same, exactly (unless limited) */
extern Score usom_sourcing_fill_exactly(Work *work, const bool *open, Parts *parts);

/*
 * refill.c: what a set can do that differs from the base in two sites at most
 * (the same twice for one).  Says in work->used what the set uses.
 */
extern Score usom_sourcing_set_base(Work *work, const bool *open);
extern Score usom_sourcing_refill(Work *work, const bool *open, int a, int b);

/* search.c: a set of sites fast, and a good one; both say so in open, the second begins with it */
extern void usom_sourcing_search(Work *work, bool *open);
extern void usom_sourcing_search_on(Work *work, bool *open);

/* greedy.c: the plan of someone who does not look ahead, and the sites it uses */
extern Score usom_sourcing_be_greedy(Work *work, Parts *parts, bool *used);

/* revise.c: where needs compete, a plan of the open sites to begin with, improved; returns its score. */
extern Score usom_sourcing_revise(Work *work, const bool *open, Parts *parts);

/*
 * rent.c: round by round, with the rents that stand, each need asks for what
 * it likes best from the open sites; what is asked for too much gets dearer,
 * what is not gets cheaper.  The first step is in parts of what costs differ
 * by.  priced: a share of what a shipment costs counts (bound.c).
 */
extern void usom_sourcing_adjust_rents(Work *work, const bool *open, double step, int rounds, bool priced);
extern void usom_sourcing_waive_rents(Work *work);

/* bound.c */
extern void usom_sourcing_set_prices(Work *work);

#define SITE_UNDECIDED 0
#define SITE_OPEN 1
#define SITE_CLOSED 2

/* What no set can beat that has the open sites and none of the closed; site: where to branch, or -1. */
extern Score usom_sourcing_bound(Work *work, const uint8 *status, int *site);

/*
 * branch.c: a better plan than parts, of that score, if there is one; looks
 * at the open sites first.  Returns a proven bound of all plans.
 */
extern Score usom_sourcing_branch(Work *work, const bool *open, Parts *parts, Score *score);

/* reason.c: needs by sites */
extern uint8 *usom_sourcing_reasons(const Work *work, const UsomSourcingPlan *plan);

#endif							/* USOM_SOURCING_WORK_H */
