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

static int
gather_kits(UsomOrderSet *const *sets, int nsets, int64 *kits)
{
	int			nkits = 0;

	for (int i = 0; i < nsets; i++)
		for (int j = 0; j < sets[i]->nlines; j++)
			if (wants_components(&sets[i]->lines[j]))
			{
				if (kits != NULL)
					kits[nkits] = sets[i]->lines[j].product_id;
				nkits++;
			}
	return nkits;
}

const UsomComponents *
usom_api_read_components(UsomOrderSet *const *sets, int nsets)
{
	int			nkits = gather_kits(sets, nsets, NULL);
	UsomComponents *components;
	int64	   *kits;

	if (likely(nkits == 0))
		return NULL;
	kits = palloc_array(int64, nkits);
	gather_kits(sets, nsets, kits);
	components = palloc_object(UsomComponents);
	components->components = usom_product_components(sets[0]->org_id, kits, nkits, &components->count);
	return components;
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
usom_api_expand_kits_by(UsomOrderSet *set, const UsomComponents *known)
{
	int			nlines = set->nlines;
	const UsomComponents *all = known != NULL ? known : usom_api_read_components(&set, 1);
	int32	   *last;

	if (likely(all == NULL) || gather_kits(&set, 1, NULL) == 0)
		return;
	last = last_numbers(set);
	for (int kit = 0; kit < nlines; kit++)
	{
		int64		kit_id = set->lines[kit].product_id;

		if (!wants_components(&set->lines[kit]))
			continue;
		begin_kit(set, kit);
		for (int i = first_component(all->components, all->count, kit_id);
			 i < all->count && all->components[i].kit_id == kit_id; i++)
			add_component(set, kit, &all->components[i], ++last[set->lines[kit].order]);
	}
	usom_order_sort_lines(set);
}

void
usom_api_expand_kits(UsomOrderSet *set)
{
	usom_api_expand_kits_by(set, NULL);
}
