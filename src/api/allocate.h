/*
 * allocate.h
 *		What the files of allocation share; nothing else includes it.
 *
 *		allocate.c gathers what is wanted, locks the stock and has it planned;
 *		allocate_ruled.c does so where rules, costs or capacities are kept.
 */
#ifndef USOM_API_ALLOCATE_H
#define USOM_API_ALLOCATE_H

#include "api/api.h"
#include "sourcing/ruled.h"
#include "sourcing/sourcing.h"

/* What is planned for: an open line, or a waiting piece. */
typedef struct Wanted
{
	int			line;
	int			piece;			/* -1: open units of the line */
} Wanted;

typedef struct Gathered
{
	int			count;
	UsomDemand *demands;
	Wanted	   *wanted;
	bool		left_out;		/* there are lines that wait for their own supply */
	bool		whole_kits;		/* there are components that are reserved for whole kits alone */
} Gathered;

/* Units of a plan. */
typedef struct Served
{
	const UsomStockKey *from;	/* NULL: they wait */
	UsomQuantity quantity;
	TimestampTz arrives_at;		/* PG_INT64_MIN: at once */
	DateADT		ships_on;		/* or USOM_NO_DAY */
} Served;

/* allocate.c: write units of a plan into the set. */
extern void usom_api_carry_out(UsomOrderSet *set, const Wanted *wanted, Served served);

/*
 * allocate_ruled.c: serve demands over locked rows, by rules, costs and
 * capacities, which are taken here; what is not served waits.  Returns how
 * many parts took stock.
 */
extern int	usom_api_serve_by_rules(UsomOrderSet *set, const Gathered *gathered, UsomStockRow *rows, int nrows);

/* The same plan, of which nothing is carried out; lowers rows[].available. */
extern UsomRuledPlan *usom_api_plan_by_rules(const UsomOrderSet *set, const Gathered *gathered, UsomStockRow *rows,
											 int nrows);

/*
 * whole.c: lower what demands want to what makes whole kits, where components
 * are reserved for whole kits alone.  served: what a plan would give each
 * demand.  give_up: kits that still are not whole get nothing.  Returns
 * whether anything was lowered.
 */
extern bool usom_api_lower_to_whole_kits(const UsomOrderSet *set, const Gathered *gathered, UsomQuantity *wanted,
										 const UsomQuantity *served, bool give_up);

/* Lower the demands until a plan of them makes whole kits; rows stay as they are. */
extern void usom_api_ask_for_whole_kits(const UsomOrderSet *set, Gathered *gathered, const UsomStockRow *rows, int nrows);

/* What did not ask waits: components of which others are short, and what quotas keep. */
extern void usom_api_backorder_rests(UsomOrderSet *set);

#endif							/* USOM_API_ALLOCATE_H */
