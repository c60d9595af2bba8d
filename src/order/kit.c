/*
 * kit.c
 *		Kits among the lines of an order: what a kit's line says follows from
 *		its components.
 *
 * No SPI, no locks.  A kit is as far as its components are: the kits that got
 * at least to a state are as many as all components have units for there.
 * What is cancelled is told by the verb, for the kit and its components alike.
 *
 * Invariant: units of a component = kits * units for one kit, ordered and
 * cancelled ones; the counters of a kit add up to its quantity.  The line of a
 * kit comes before those of its components, and lines of an order stand by
 * number.
 *
 * Memory: scratch in CurrentMemoryContext.
 */
#include "postgres.h"

#include "order/order.h"

#include "base/errors.h"

#define PROGRESS USOM_PIECE_CANCELLED	/* the states before it are a way from open to returned */

/* Kits that got at least so far. */
typedef struct Reach
{
	UsomQuantity kits[PROGRESS];
} Reach;

static int
last_line(const UsomOrderSet *set, int order)
{
	return usom_order_first_line(set, order + 1);
}

int
usom_order_kit_of(const UsomOrderSet *set, int component)
{
	const UsomLine *line = &set->lines[component];
	int			low = usom_order_first_line(set, line->order);
	int			high = component;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (set->lines[middle].line_no < line->kit_line_no)
			low = middle + 1;
		else
			high = middle;
	}
	Ensure(low < component && set->lines[low].line_no == line->kit_line_no,
		   "line %d of order \"%s\" is a component of no kit: see usom.verify()", line->line_no,
		   set->orders[line->order].order_no);
	return low;
}

int
usom_order_next_component(const UsomOrderSet *set, int kit, int after)
{
	for (int i = after + 1; i < set->nlines && set->lines[i].order == set->lines[kit].order; i++)
		if (set->lines[i].kit_line_no == set->lines[kit].line_no && !set->lines[i].removed)
			return i;
	return -1;
}

UsomQuantity
usom_order_kit_units(UsomQuantity kits, UsomQuantity kit_quantity)
{
	UsomQuantity units;

	if (pg_mul_s64_overflow(kits / USOM_UNIT, kit_quantity, &units) || units >= USOM_QUANTITY_LIMIT)
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("quantity out of range"),
				errdetail("%s kits have %s units of a component each.", usom_quantity_text(kits),
						  usom_quantity_text(kit_quantity)));
	return units;
}

UsomQuantity
usom_order_units_left(const UsomLine *line)
{
	return line->counters.by_state[USOM_PIECE_SHIPPED] + line->counters.by_state[USOM_PIECE_DELIVERED] +
		line->counters.by_state[USOM_PIECE_RETURNED];
}

UsomQuantity
usom_order_kits_left(const UsomOrderSet *set, int kit)
{
	UsomQuantity kits = set->lines[kit].quantity - set->lines[kit].counters.by_state[USOM_PIECE_CANCELLED];

	for (int i = usom_order_next_component(set, kit, kit); i >= 0; i = usom_order_next_component(set, kit, i))
		if (set->lines[i].stocked)
			kits = Min(kits, usom_order_units_left(&set->lines[i]) / set->lines[i].kit_quantity * USOM_UNIT);
	return kits;
}

/* Kits that the units of a component are enough for, at most those there are. */
static void
lower_reach(Reach *reach, const UsomLine *component)
{
	UsomQuantity units = 0;

	for (int state = PROGRESS - 1; state >= 0; state--)
	{
		units += component->counters.by_state[state];
		reach->kits[state] = Min(reach->kits[state], units / component->kit_quantity * USOM_UNIT);
	}
}

static void
take_reach(UsomLine *kit, const Reach *reach)
{
	UsomCounters counters = {.by_state[USOM_PIECE_CANCELLED] = kit->counters.by_state[USOM_PIECE_CANCELLED]};
	UsomQuantity further = 0;

	for (int state = PROGRESS - 1; state > 0; state--)
	{
		counters.by_state[state] = reach->kits[state] - further;
		further = reach->kits[state];
	}
	counters.by_state[USOM_PIECE_OPEN] = kit->quantity - kit->counters.by_state[USOM_PIECE_CANCELLED] - further;
	if (memcmp(&counters, &kit->counters, sizeof(UsomCounters)) == 0)
		return;
	kit->counters = counters;
	kit->changed = true;
}

static bool
has_kits(const UsomOrderSet *set, int first, int end)
{
	for (int i = first; i < end; i++)
		if (set->lines[i].kit_line_no != 0)
			return true;
	return false;
}

void
usom_order_mirror_kits(UsomOrderSet *set, int order)
{
	int			first = usom_order_first_line(set, order);
	int			end = last_line(set, order);
	Reach	   *reaches;

	if (likely(!has_kits(set, first, end)))
		return;
	reaches = palloc_array(Reach, end - first);
	for (int i = first; i < end; i++)
	{
		UsomLine   *line = &set->lines[i];

		for (int state = 0; usom_line_is_kit(line) && state < PROGRESS; state++)
			reaches[i - first].kits[state] = line->quantity - line->counters.by_state[USOM_PIECE_CANCELLED];
		if (usom_line_is_component(line) && !line->removed)
			lower_reach(&reaches[usom_order_kit_of(set, i) - first], line);
	}
	for (int i = first; i < end; i++)
		if (usom_line_is_kit(&set->lines[i]) && !set->lines[i].removed)
			take_reach(&set->lines[i], &reaches[i - first]);
	pfree(reaches);
}

void
usom_order_cancel_kits(UsomOrderSet *set, int kit, UsomQuantity kits)
{
	UsomLine   *line = &set->lines[kit];

	line->counters.by_state[USOM_PIECE_CANCELLED] += kits;
	line->counters.by_state[USOM_PIECE_OPEN] -= kits;
	line->changed |= kits != 0;
}

void
usom_order_add_kits(UsomOrderSet *set, int kit, UsomQuantity kits)
{
	UsomLine   *line = &set->lines[kit];

	line->quantity = usom_quantity_add(line->quantity, kits);
	line->counters.by_state[USOM_PIECE_OPEN] += kits;
	line->changed = true;
}

void
usom_order_check_no_component(const UsomOrderSet *set, int index, const char *verb)
{
	const UsomLine *line = &set->lines[index];
	const char *order_no = set->orders[line->order].order_no;

	if (likely(!usom_line_is_component(line)))
		return;
	ereport(ERROR, errcode(USOM_ERR(KIT_COMPONENT)),
			errmsg("cannot %s line %d of order \"%s\" that is a component of a kit", verb, line->line_no, order_no),
			errdetail("The kit is line %d, with %s units of line %d for each.", line->kit_line_no,
					  usom_quantity_text(line->kit_quantity), line->line_no),
			errhint("Do it on line %d: the components follow.", line->kit_line_no));
}

void
usom_order_check_whole_kits(const UsomOrderSet *set, int index, UsomQuantity kits)
{
	const UsomLine *line = &set->lines[index];

	if (likely(kits % USOM_UNIT == 0))
		return;
	ereport(ERROR, errcode(USOM_ERR(BAD_KIT)),
			errmsg("%s kits of line %d of order \"%s\" are not whole kits", usom_quantity_text(kits), line->line_no,
				   set->orders[line->order].order_no),
			errhint("Kits are counted in whole numbers; units of components may have decimals."));
}
