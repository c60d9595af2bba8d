/*
 * set.c
 *		Sets of orders: made, searched, and lines added to them.
 *
 * Pure: everything in CurrentMemoryContext; nothing here reads or locks.
 */
#include "postgres.h"

#include "order/order.h"

#include "base/errors.h"

UsomOrderSet *
usom_order_set_make(int64 org_id, int norders, int nlines)
{
	UsomOrderSet *set = palloc0_object(UsomOrderSet);

	set->org_id = org_id;
	set->norders = norders;
	set->orders = palloc0_array(UsomOrder, Max(norders, 1));
	set->lines_capacity = Max(nlines, 8);
	set->lines = palloc0_array(UsomLine, set->lines_capacity);
	set->pieces_capacity = Max(nlines, 8);
	set->pieces = palloc0_array(UsomPiece, set->pieces_capacity);
	set->deltas_capacity = Max(nlines, 8);
	set->deltas = palloc0_array(UsomStockDelta, set->deltas_capacity);
	set->loads_capacity = 8;
	set->loads = palloc0_array(UsomCapacityChange, set->loads_capacity);
	set->pegs_capacity = 8;
	set->pegs = palloc0_array(UsomPegDelta, set->pegs_capacity);
	set->movements_capacity = 8;
	set->movements = palloc0_array(UsomStockMovement, set->movements_capacity);
	return set;
}

bool
usom_order_set_has(const UsomOrderSet *set, const int64 *ids, int nids)
{
	int			order = 0;

	for (int i = 0; i < nids; i++)
	{
		while (order < set->norders && set->orders[order].sales_order_id < ids[i])
			order++;
		if (order == set->norders || set->orders[order].sales_order_id != ids[i])
			return false;
	}
	return true;
}

UsomLine *
usom_order_add_line(UsomOrderSet *set)
{
	UsomLine   *line;

	if (set->nlines == set->lines_capacity)
	{
		set->lines_capacity *= 2;
		set->lines = repalloc_array(set->lines, UsomLine, set->lines_capacity);
	}
	line = &set->lines[set->nlines++];
	memset(line, 0, sizeof(UsomLine));
	line->is_new = true;
	line->requested_at = USOM_NO_TIME;
	usom_order_clear_charges(line);
	return line;
}

UsomLine *
usom_order_insert_line(UsomOrderSet *set, int order)
{
	int			first = usom_order_first_line(set, order);
	int			place = usom_order_first_line(set, order + 1);
	UsomLine	line;

	line = *usom_order_add_line(set);
	memmove(&set->lines[place + 1], &set->lines[place], (set->nlines - 1 - place) * sizeof(UsomLine));
	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].line >= place)
			set->pieces[i].line++;
	line.order = order;
	for (int i = first; i < place; i++)
		line.line_no = Max(line.line_no, set->lines[i].line_no);
	line.line_no++;
	set->lines[place] = line;
	return &set->lines[place];
}

void
usom_order_mark_agreed(UsomLine *line)
{
	line->agreed = (struct UsomAgreed) {
		line->product_id, line->quantity, line->unit_price, line->discount, line->freight, line->tax
	};
}

void
usom_order_take_nature(UsomLine *line, UsomNature nature)
{
	line->by_serial = (nature & USOM_BY_SERIAL) != 0;
	nature = (UsomNature) (nature & ~USOM_BY_SERIAL);
	line->stocked = nature == USOM_PHYSICAL || nature == USOM_MADE;
	line->is_made = nature == USOM_MADE;
	line->is_kit = nature >= USOM_KIT_IN_PARTS;
	line->whole_kits = nature == USOM_WHOLE_KIT;
}

int
usom_order_first_line(const UsomOrderSet *set, int order)
{
	int			low = 0;
	int			high = set->nlines;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (set->lines[middle].order < order)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Places of lines by order, those of an order as they came. */
static int *
places_by_order(const UsomOrderSet *set)
{
	int		   *next = palloc0_array(int, set->norders + 1);
	int		   *places = palloc_array(int, set->nlines + 1);

	for (int i = 0; i < set->nlines; i++)
		next[set->lines[i].order + 1]++;
	for (int i = 1; i <= set->norders; i++)
		next[i] += next[i - 1];
	for (int i = 0; i < set->nlines; i++)
		places[i] = next[set->lines[i].order]++;
	return places;
}

void
usom_order_sort_lines(UsomOrderSet *set)
{
	int		   *places = places_by_order(set);
	UsomLine   *sorted = palloc_array(UsomLine, set->lines_capacity);

	for (int i = 0; i < set->nlines; i++)
		sorted[places[i]] = set->lines[i];
	for (int i = 0; i < set->npieces; i++)
		set->pieces[i].line = places[set->pieces[i].line];
	set->lines = sorted;
}

int
usom_order_find_line(const UsomOrderSet *set, int order, int32 line_no)
{
	Ensure(!set->without_lines, "a line of an order without lines is asked for");
	for (int i = usom_order_first_line(set, order); i < set->nlines && set->lines[i].order == order; i++)
		if (set->lines[i].line_no == line_no && !set->lines[i].removed)
			return i;
	ereport(ERROR, errcode(USOM_ERR(UNKNOWN_LINE)),
			errmsg("order \"%s\" has no line %d", set->orders[order].order_no, line_no),
			errhint("Look it up in usom.order_lines."));
}
