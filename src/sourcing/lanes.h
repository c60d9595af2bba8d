/*
 * lanes.h
 *		What the tables say about wants: which rules hold, and what each
 *		location is to an order under a rule.  For ruled.c alone.
 */
#ifndef USOM_SOURCING_LANES_H
#define USOM_SOURCING_LANES_H

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
	bool		has_place;
	double		latitude;
	double		longitude;
	const char *country;		/* or NULL */
	int			nrules;
	RuleRow    *rules;
} WantFacts;

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

extern WantFacts *usom_sourcing_read_facts(int64 org_id, const UsomWant *wants, int nwants);

/* Fill in the lanes of groups; one statement, and one for the calendars. */
extern void usom_sourcing_read_lanes(int64 org_id, TimestampTz at, LaneGroup *groups, int ngroups,
									 const int64 *locations, int nlocations);

/* The reason of a code of reason.def. */
extern UsomReason usom_sourcing_reason_of(const char *code);

#endif							/* USOM_SOURCING_LANES_H */
