/*
 * optimise.h
 *		The plan of least cost for one order: where each line is served from.
 *
 *		Arrays in, plan out: no SPI, no catalog, no clock.  Of PostgreSQL it
 *		uses palloc, qsort and CHECK_FOR_INTERRUPTS.
 *
 *		What is decided: how many units of each line each site serves.  A site
 *		is a location on a day that it can ship; stock that arrives later is at
 *		another site of the same location, with a later arrival.
 *
 *		First the most units are served, then the cost is least.  The cost is
 *		the sum over the sites used of what a shipment costs (freight,
 *		handling, location, preference) and over all units of what they cost
 *		(freight by weight, by unit, lateness).
 *
 *		No plan breaks: the stock of a product at a site less what is
 *		protected, the capacity of a site, what a line may be cut into (parts,
 *		smallest part, whole or not at all), the most shipments of the order,
 *		ship complete, verdicts of the caller.
 */
#ifndef USOM_SOURCING_OPTIMISE_H
#define USOM_SOURCING_OPTIMISE_H

#include "base/quantity.h"

#define USOM_REASON(name, code, sentence) USOM_REASON_##name,
typedef enum UsomReason
{
	USOM_REASON_NONE,			/* as a verdict: may serve */
#include "sourcing/reason.def"
	USOM_REASONS
} UsomReason;
#undef USOM_REASON

/* A line, or part of one, that wants units. */
typedef struct UsomSourcingNeed
{
	int			product;		/* 0 .. nproducts - 1; needs of one product share its stock */
	UsomQuantity quantity;		/* > 0 */
	UsomQuantity smallest;		/* part that is worth its while; 0: any.  The whole line is always worth it */
	int			most_parts;		/* from different sites; 0: no limit */
	bool		partial;		/* a rest may stay unserved */
	double		weight;			/* of a unit */
	double		late_cost;		/* of a unit, a day */
	int64		requested_at;	/* microseconds; PG_INT64_MIN: never late */
} UsomSourcingNeed;

/* Costs are finite and not negative. */
typedef struct UsomSourcingSite
{
	int64		location_id;
	int64		arrives_at;		/* at the customer, in microseconds */
	double		freight;		/* of a shipment */
	double		freight_by_weight;
	double		handling;		/* of a shipment */
	double		fixed;			/* of a shipment: what the location costs */
	double		penalty;		/* of a shipment: preference for others */
	double		unit_cost;		/* of a unit */
	double		unit_penalty;	/* of a unit: preference for others */
	UsomQuantity capacity;		/* units it can ship that day; PG_INT64_MAX: no limit */
} UsomSourcingSite;

/* needs by sites and products by sites are arrays of nsites for each of the first. */
typedef struct UsomSourcingProblem
{
	int			nneeds;
	int			nsites;
	int			nproducts;
	int			most_shipments; /* 0: no limit */
	bool		ship_complete;
	const UsomSourcingNeed *needs;	/* their quantities sum to less than 2^63 */
	const UsomSourcingSite *sites;	/* of equal plans, one that uses earlier ones */
	const UsomQuantity *stock;	/* products by sites */
	const UsomQuantity *protected_stock;	/* products by sites, or NULL */
	const uint8 *verdicts;		/* needs by sites: UsomReason, or NULL */
} UsomSourcingProblem;

typedef struct UsomSourcingPart
{
	int			need;
	int			site;
	UsomQuantity quantity;
} UsomSourcingPart;

typedef struct UsomSourcingCost
{
	double		freight;
	double		handling;
	double		fixed;
	double		penalty;
	double		by_unit;
	double		lateness;
} UsomSourcingCost;

typedef struct UsomSourcingPlan
{
	int			nparts;
	UsomSourcingPart *parts;	/* by need, then site */
	UsomQuantity unserved;
	int			shipments;
	UsomSourcingCost cost;
	double		total;
	bool		exact;			/* proven to be the best */
	UsomQuantity least_unserved;	/* proven: no plan leaves less */
	double		least_total;	/* proven: no plan that leaves least_unserved costs less */
	uint8	   *reasons;		/* needs by sites: UsomReason, or NULL where not asked for */
} UsomSourcingPlan;

/* Memory: CurrentMemoryContext, what is not returned included. */
extern UsomSourcingPlan *usom_sourcing_optimise(const UsomSourcingProblem *problem, bool with_reasons);

/* What one unit of the need costs from the site, its shipment aside. */
extern double usom_sourcing_unit_cost(const UsomSourcingNeed *need, const UsomSourcingSite *site);
extern double usom_sourcing_lateness(const UsomSourcingNeed *need, const UsomSourcingSite *site);
extern double usom_sourcing_shipment_cost(const UsomSourcingSite *site);

#endif							/* USOM_SOURCING_OPTIMISE_H */
