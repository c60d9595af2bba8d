/*
 * planning.h
 *		What the files of the planner by rules share; nothing else includes it.
 *
 *		together.c goes through orders, ruled.c through the rules of one; offers.c says which days of
 *		which locations are the sites of one problem; round.c makes the
 *		problem, has it solved and takes what the plan says.
 */
#ifndef USOM_SOURCING_PLANNING_H
#define USOM_SOURCING_PLANNING_H

#include "sourcing/agenda.h"

typedef struct Planning
{
	const UsomWant *wants;
	int			nwants;
	WantFacts  *facts;
	UsomStockRow *rows;
	int			nrows;
	TimestampTz at;
	const int64 *locations;
	int			nlocations;
	int			ngroups;
	LaneGroup  *groups;			/* lanes are made when a group's turn comes, with an agenda at once */
	int			nlanes;
	const UsomLane *lanes;		/* of the first group: which locations there are */
	Agenda	   *agenda;			/* NULL: no location is counted */
	const UsomOutlook *outlook;
	MemoryContext scratch;
	UsomRuledPlan *plan;
	int			parts_capacity;
} Planning;

/* One order while it is planned. */
typedef struct Ordering
{
	int			nwants;
	int		   *wants;			/* indexes into those of the planning */
	UsomQuantity *left;			/* by place in wants */
	int		   *rule;			/* by place in wants: of its facts; their number once it is done */
	int			nshipments;
	int			shipments_capacity;
	UsomLocationDay *shipments; /* that it uses; USOM_NO_DAY where days are not counted */
	int			first_part;
	bool		complete;
	double		cost;			/* of the plans that were made */
} Ordering;

/* A site of a problem: a location, and the day if its days are counted; or a supply that arrives there. */
typedef struct Offer
{
	int			lane;
	DateADT		day;			/* or USOM_NO_DAY */
	TimestampTz arrives_at;
	UsomQuantity room;			/* USOM_NO_LIMIT: any number */
	int			supply;			/* -1: what is there */
	bool		whole;			/* all the stock of the location is offered here */
} Offer;

/* Needs of an order under one rule, as a problem. */
typedef struct Round
{
	Planning   *planning;
	Ordering   *ordering;
	const LaneGroup *group;
	const RuleRow *rule;
	int			nneeds;
	int		   *places;			/* by need: place in the wants of the order */
	int64	   *products;		/* by product of the problem */
	int			noffers;
	int			offers_capacity;
	Offer	   *offers;			/* lane by lane, day by day; then the supplies */
	UsomQuantity *portions;		/* offers by needs: products of the problem of an offer that is not whole */
	int		   *only_day;		/* by lane: the one of its schedule that is offered; -1: as many as are wanted */
	UsomSourcingProblem problem;
	UsomSourcingNeed *needs;
	UsomSourcingSite *sites;
	UsomQuantity *stock;
	UsomQuantity *kept;
	uint8	   *lane_verdicts;	/* needs by lanes */
	uint8	   *verdicts;		/* needs by sites */
	UsomSourcingPlan *solved;
} Round;

/* together.c: plan all orders; ruled.c: one, of which nothing is planned, over what is left */
extern void usom_sourcing_plan_together(Planning *planning);
extern void usom_sourcing_plan_order(Planning *planning, Ordering *ordering);

/* round.c: solve, take what is best, lower what is left of the wants */
extern void usom_sourcing_solve_round(Round *round);
extern UsomQuantity usom_sourcing_available_at(const Planning *planning, int64 product_id, int64 location_id);
extern void usom_sourcing_give_back(Planning *planning, int first_part);

/* round.c: may the need be served by what is under way? */
extern bool usom_sourcing_may_wait(const Round *round, int need);

/* offers.c: list the offers */
extern void usom_sourcing_make_offers(Round *round);

/* offers.c: parts of later days that an earlier one has room for go there */
extern void usom_sourcing_pull_forward(Round *round);

#endif							/* USOM_SOURCING_PLANNING_H */
