/*
 * kit.c
 *		Kits of an order get lines for their components.
 *
 * Done where the demand becomes binding: when an order is placed, submitted,
 * or gets a kit by a change.  A draft has the line of the kit alone.
 *
 * Locks: none; one statement reads what the kits are made of.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/api.h"

static bool
wants_components(const UsomLine *line)
{
	return unlikely(line->is_kit) && line->kit_line_no == 0 && !line->removed;
}

static UsomComponent *
read_components(const UsomOrderSet *set, int *ncomponents)
{
	int64	   *kits = NULL;
	int			nkits = 0;

	for (int i = 0; i < set->nlines; i++)
		if (wants_components(&set->lines[i]))
		{
			if (kits == NULL)
				kits = palloc_array(int64, set->nlines - i);
			kits[nkits++] = set->lines[i].product_id;
		}
	return kits == NULL ? NULL : usom_product_components(set->org_id, kits, nkits, ncomponents);
}

/* The highest number of a line, by order. */
static int32 *
last_numbers(const UsomOrderSet *set)
{
	int32	   *last = palloc0_array(int32, set->norders + 1);

	for (int i = 0; i < set->nlines; i++)
		last[set->lines[i].order] = Max(last[set->lines[i].order], set->lines[i].line_no);
	return last;
}

/* What was cancelled of the kit while it was a draft is cancelled of the component. */
static void
add_component(UsomOrderSet *set, int kit, const UsomComponent *component, int32 line_no)
{
	UsomQuantity cancelled = set->lines[kit].counters.by_state[USOM_PIECE_CANCELLED];
	UsomLine   *line = usom_order_add_line(set);
	const UsomLine *of = &set->lines[kit];

	line->order = of->order;
	line->line_no = line_no;
	line->product_id = component->product_id;
	line->stocked = component->stocked;
	line->quantity = usom_order_kit_units(of->quantity, component->quantity);
	line->unit_price = line->total = usom_order_no_price();
	line->location_id = of->location_id;
	line->requested_at = of->requested_at;
	line->substitution = "none";
	line->partial = of->partial;
	line->kit_line_no = of->line_no;
	line->kit_quantity = component->quantity;
	line->counters.by_state[USOM_PIECE_OPEN] = line->quantity;
	if (cancelled > 0)
		usom_order_add_piece(set, set->nlines - 1, USOM_PIECE_CANCELLED,
							 usom_order_kit_units(cancelled, component->quantity), NULL);
}

/* From now on its counters say what its components do; the pieces that a draft had were cancelled ones. */
static void
begin_kit(UsomOrderSet *set, int kit)
{
	UsomLine   *line = &set->lines[kit];

	usom_order_check_whole_kits(set, kit, line->quantity);
	usom_order_check_whole_kits(set, kit, line->counters.by_state[USOM_PIECE_CANCELLED]);
	line->kit_line_no = line->line_no;
	line->changed = true;
	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].line == kit)
		{
			set->pieces[i].quantity = 0;
			set->pieces[i].changed = true;
		}
}

/* Components come by kit: the first of a kit is found by halves. */
static int
first_component(const UsomComponent *components, int ncomponents, int64 kit_id)
{
	int			low = 0;
	int			high = ncomponents;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (components[middle].kit_id < kit_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
usom_api_expand_kits(UsomOrderSet *set)
{
	int			nlines = set->nlines;
	int			ncomponents;
	UsomComponent *components = read_components(set, &ncomponents);
	int32	   *last;

	if (likely(components == NULL))
		return;
	last = last_numbers(set);
	for (int kit = 0; kit < nlines; kit++)
	{
		int64		kit_id = set->lines[kit].product_id;

		if (!wants_components(&set->lines[kit]))
			continue;
		begin_kit(set, kit);
		for (int i = first_component(components, ncomponents, kit_id);
			 i < ncomponents && components[i].kit_id == kit_id; i++)
			add_component(set, kit, &components[i], ++last[set->lines[kit].order]);
	}
	usom_order_sort_lines(set);
}
