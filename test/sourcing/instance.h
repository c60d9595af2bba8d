/*
 * instance.h
 *		Seeded problems for the optimiser, and a judge of its plans that
 *		shares no code with it.
 */
#ifndef TEST_SOURCING_INSTANCE_H
#define TEST_SOURCING_INSTANCE_H

#include "sourcing/optimise.h"

#define MOST_NEEDS 64
#define MOST_SITES 32

typedef struct Instance
{
	UsomSourcingProblem problem;
	UsomSourcingNeed needs[MOST_NEEDS];
	UsomSourcingSite sites[MOST_SITES];
	UsomQuantity stock[MOST_NEEDS * MOST_SITES];
	UsomQuantity protected_stock[MOST_NEEDS * MOST_SITES];
	uint8		verdicts[MOST_NEEDS * MOST_SITES];
} Instance;

/* What an instance should be like; the rest is drawn. */
typedef struct Shape
{
	int			least_needs;
	int			most_needs;
	int			least_sites;
	int			most_sites;
	int			most_units;		/* of a need */
	int			most_cost;		/* in whole amounts; 0: fractions as they come */
	bool		days;			/* sites are also later days of locations: today is full soon, supply comes later */
} Shape;

extern void draw_instance(Instance *instance, uint64 seed, const Shape *shape);

/* NULL, or the constraint that the plan breaks or the figure that is wrong. */
extern const char *judge_plan(const Instance *instance, const UsomSourcingPlan *plan);

/* What a clerk pays who goes line by line to the cheapest location. */
typedef struct Clerk
{
	UsomQuantity unserved;
	double		cost;
} Clerk;

extern Clerk be_clerk(const Instance *instance);

/* Units of the product that may be taken at the site for the need, before anything else is. */
extern UsomQuantity most_of(const Instance *instance, int need, int site);
extern double cost_of_unit(const Instance *instance, int need, int site);
extern double cost_of_shipment(const Instance *instance, int site);

extern uint64 draw(uint64 *state);
extern int	draw_between(uint64 *state, int low, int high);

#endif							/* TEST_SOURCING_INSTANCE_H */
