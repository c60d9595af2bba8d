/*
 * whole.c
 *		No parts of kits: demands are lowered to what makes whole kits.
 *
 * A plan says what each demand would get; kits of which all components
 * are reserved for whole kits alone are as many as the scarcest component is
 * enough for, and the other components ask for no more than that.  Then it is
 * planned again with the lower demands, so that what they give up goes to
 * others, until every kit is whole.
 *
 * Services are never scarce.  Units that are reserved or further count, so a
 * kit that had a component before is completed by the others.
 *
 * Locks: none; the stock that is planned is locked by the caller.
 *
 * Invariant: demands only fall, so the rounds end.
 *
 * Memory: scratch in CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/allocate.h"

#include "miscadmin.h"

#define PATIENT_ROUNDS 8		/* of plans; after them, kits that are not whole get nothing */

/* By line of the set. */
typedef struct Whole
{
	const UsomOrderSet *set;
	UsomQuantity *got;			/* units of a component that the plan serves */
	UsomQuantity *kits;			/* of a kit: whole ones; -1: not looked at yet */
	UsomQuantity *may;			/* units that a component may still ask for; -1: any number */
} Whole;

/* Reserved or further. */
static UsomQuantity
had_units(const UsomLine *line)
{
	UsomQuantity units = 0;

	for (int state = USOM_PIECE_RESERVED; state < USOM_PIECE_CANCELLED; state++)
		units += line->counters.by_state[state];
	return units;
}

/* Kits that can be whole, with what is planned or without. */
static UsomQuantity
count_kits(const Whole *whole, int kit, bool planned)
{
	const UsomOrderSet *set = whole->set;
	const UsomLine *line = &set->lines[kit];
	UsomQuantity kits = (line->quantity - line->counters.by_state[USOM_PIECE_CANCELLED]) / USOM_UNIT;

	for (int i = usom_order_next_component(set, kit, kit); i >= 0; i = usom_order_next_component(set, kit, i))
		if (set->lines[i].stocked)
			kits = Min(kits, (had_units(&set->lines[i]) + (planned ? whole->got[i] : 0)) / set->lines[i].kit_quantity);
	return kits;
}

static UsomQuantity
whole_kits(const Whole *whole, int kit)
{
	const UsomLine *line = &whole->set->lines[kit];
	UsomQuantity kits = count_kits(whole, kit, true);

	if (!line->partial && kits * USOM_UNIT < line->quantity - line->counters.by_state[USOM_PIECE_CANCELLED])
		kits = count_kits(whole, kit, false);
	return kits;
}

/* What components may ask for; true if one of them gets more than that. */
static bool
limit_components(const Whole *whole, int kit, UsomQuantity kits)
{
	const UsomOrderSet *set = whole->set;
	bool		excess = false;

	for (int i = usom_order_next_component(set, kit, kit); i >= 0; i = usom_order_next_component(set, kit, i))
	{
		whole->may[i] = Max(kits * set->lines[i].kit_quantity - had_units(&set->lines[i]), 0);
		excess |= whole->got[i] > whole->may[i];
	}
	return excess;
}

static UsomQuantity *
make_numbers(const UsomOrderSet *set, UsomQuantity number)
{
	UsomQuantity *numbers = palloc_array(UsomQuantity, set->nlines + 1);

	for (int i = 0; i < set->nlines; i++)
		numbers[i] = number;
	return numbers;
}

static void
lower_demands(const Whole *whole, const Gathered *gathered, UsomQuantity *wanted)
{
	for (int i = 0; i < gathered->count; i++)
	{
		UsomQuantity *may = &whole->may[gathered->wanted[i].line];

		if (*may < 0)
			continue;
		wanted[i] = Min(wanted[i], *may);
		*may -= wanted[i];
	}
}

/* The kit that a line is a component of, if it is served whole and was not looked at yet; else -1. */
static int
new_kit(const Whole *whole, int line)
{
	const UsomOrderSet *set = whole->set;
	int			kit;

	if (!usom_line_is_component(&set->lines[line]))
		return -1;
	kit = usom_order_kit_of(set, line);
	return set->lines[kit].whole_kits && whole->kits[kit] < 0 ? kit : -1;
}

bool
usom_api_lower_to_whole_kits(const UsomOrderSet *set, const Gathered *gathered, UsomQuantity *wanted,
							 const UsomQuantity *served, bool give_up)
{
	Whole		whole = {set, make_numbers(set, 0), make_numbers(set, -1), make_numbers(set, -1)};
	bool		excess = false;

	for (int i = 0; i < gathered->count; i++)
		whole.got[gathered->wanted[i].line] += served[i];
	for (int i = 0; i < gathered->count; i++)
	{
		int			kit = new_kit(&whole, gathered->wanted[i].line);

		if (kit < 0)
			continue;
		whole.kits[kit] = whole_kits(&whole, kit);
		if (!limit_components(&whole, kit, whole.kits[kit]))
			continue;
		excess = true;
		if (give_up)
			limit_components(&whole, kit, 0);
	}
	if (excess)
		lower_demands(&whole, gathered, wanted);
	return excess;
}

/* What each demand would get. */
static void
count_served(const UsomOrderSet *set, const Gathered *gathered, UsomStockRow *rows, int nrows, UsomQuantity *served)
{
	memset(served, 0, sizeof(UsomQuantity) * gathered->count);
	if (usom_sourcing_is_ruled(set->org_id))
	{
		UsomRuledPlan *plan = usom_api_plan_by_rules(set, gathered, rows, nrows);

		for (int i = 0; i < plan->nparts; i++)
			served[plan->parts[i].want] += plan->parts[i].quantity;
	}
	else
	{
		UsomPlan   *plan = usom_sourcing_plan(gathered->demands, gathered->count, rows, nrows);

		for (int i = 0; i < plan->nassignments; i++)
			if (plan->assignments[i].row >= 0)
				served[plan->assignments[i].demand] += plan->assignments[i].quantity;
	}
}

/* Demands that want nothing any more are none. */
static void
take_wanted(Gathered *gathered, const UsomQuantity *wanted)
{
	int			count = 0;

	for (int i = 0; i < gathered->count; i++)
	{
		if (wanted[i] == 0)
			continue;
		gathered->demands[count] = gathered->demands[i];
		gathered->demands[count].quantity = wanted[i];
		gathered->wanted[count++] = gathered->wanted[i];
	}
	gathered->count = count;
}

/* Plans are made on a copy of the stock until there is no part of a kit. */
void
usom_api_ask_for_whole_kits(const UsomOrderSet *set, Gathered *gathered, const UsomStockRow *rows, int nrows)
{
	UsomStockRow *copy = palloc_array(UsomStockRow, nrows + 1);
	UsomQuantity *wanted = palloc_array(UsomQuantity, gathered->count + 1);
	UsomQuantity *served = palloc_array(UsomQuantity, gathered->count + 1);

	for (int round = 0; gathered->count > 0; round++)
	{
		CHECK_FOR_INTERRUPTS();
		memcpy(copy, rows, sizeof(UsomStockRow) * nrows);
		for (int i = 0; i < gathered->count; i++)
			wanted[i] = gathered->demands[i].quantity;
		count_served(set, gathered, copy, nrows, served);
		if (!usom_api_lower_to_whole_kits(set, gathered, wanted, served, round >= PATIENT_ROUNDS))
			break;
		take_wanted(gathered, wanted);
	}
}

void
usom_api_backorder_rests(UsomOrderSet *set)
{
	for (int i = 0; i < set->nlines; i++)
	{
		UsomQuantity open = set->lines[i].counters.by_state[USOM_PIECE_OPEN];

		if (!usom_line_is_kit(&set->lines[i]) && set->lines[i].stocked && !set->lines[i].removed && open > 0 &&
			usom_order_is_running(set->orders[set->lines[i].order].status))
			usom_order_backorder(set, i, open);
	}
}
