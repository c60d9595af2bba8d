/*
 * lanes.h
 *		What wants are, which rules hold for them, and what each location is
 *		to an order under a rule.  For ruled.c and explain.c alone.
 */
#ifndef USOM_SOURCING_LANES_H
#define USOM_SOURCING_LANES_H

#include "sourcing/master.h"
#include "sourcing/ruled.h"

typedef struct RuleRow
{
	int64		sourcing_rule_id;	/* 0: there is none */
	const char *code;
	const char *next_rule;		/* NULL: the next that fits */
	const char *when_short;
	double		shipment_cost;
	double		distance_cost;
	double		late_cost;		/* negative: that of the service level */
	int			most_shipments; /* 0: no limit */
	int			most_parts;
	UsomQuantity smallest_part;
	bool		ship_complete;	/* or as the order says */
	bool		as_ordered;
} RuleRow;

/* What a want is, and the rules it passes as they are asked; one without any has the empty rule. */
typedef struct WantFacts
{
	double		weight;			/* of a unit */
	bool		ship_complete;	/* the order says so */
	bool		fetched;		/* by the customer */
	bool		has_place;
	double		latitude;
	double		longitude;
	const char *country;		/* or NULL */
	int			nrules;
	RuleRow    *rules;
	const SourcingMaster *master;	/* that the rules are of: make lanes before it is asked for again */
} WantFacts;

/* What rules ask of a line and its order; what it lacks is NULL. */
typedef struct RuleCase
{
	const char *channel;
	const char *customer;
	const char *country;
	const char *order_type;
	const char *sku;
	const char *category;
} RuleCase;

/* An order under a rule. */
typedef struct LaneGroup
{
	int64		sales_order_id;
	int64		sourcing_rule_id;
	const WantFacts *facts;
	double		weight;			/* of all its units */
	UsomLane   *lanes;			/* by priority, then key; as many as locations that exist */
	int			nlanes;
} LaneGroup;

/* Is the filter of the rule passed?  The twin of usom._matching_rule(). */
extern bool usom_sourcing_rule_matches(const MasterRule *rule, const RuleCase *of);

/* A statement or two, besides those that read the master data anew.  The caller is connected to SPI. */
extern WantFacts *usom_sourcing_read_facts(int64 org_id, const UsomWant *wants, int nwants);

/* Fill in the lanes of groups, from the master data of their facts; no statement.  Locations that are not there have no lane. */
extern void usom_sourcing_make_lanes(TimestampTz at, LaneGroup *groups, int ngroups,
									 const int64 *locations, int nlocations);

#endif							/* USOM_SOURCING_LANES_H */
