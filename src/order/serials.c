/*
 * serials.c
 *		Units with serial numbers follow the counters of their line.
 *
 * Locks: none of its own; the orders are locked.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "order/order.h"

#include "stock/serial.h"

/* The entry of the piece's line and location; entries of a line stand together at the end. */
static UsomSerialLine *
entry_of(const UsomOrderSet *set, const UsomPiece *piece, UsomSerialLine *entries, int *count)
{
	const UsomLine *line = &set->lines[piece->line];
	int64		sales_order_id = set->orders[line->order].sales_order_id;

	for (int i = *count - 1; i >= 0; i--)
		if (entries[i].sales_order_id == sales_order_id && entries[i].line_no == line->line_no &&
			entries[i].location_id == piece->location_id)
			return &entries[i];
	entries[*count] = (UsomSerialLine) {
		.sales_order_id = sales_order_id, .line_no = line->line_no, .location_id = piece->location_id
	};
	return &entries[(*count)++];
}

static void
add_piece(UsomSerialLine *entry, const UsomPiece *piece)
{
	if (usom_piece_keeps_stock(piece->status))
		entry->kept = usom_quantity_add(entry->kept, piece->quantity);
	if (piece->status == USOM_PIECE_PICKED || piece->status == USOM_PIECE_PACKED)
		entry->picked = usom_quantity_add(entry->picked, piece->quantity);
	if (piece->status == USOM_PIECE_SHIPPED || piece->status == USOM_PIECE_DELIVERED)
		entry->shipped = usom_quantity_add(entry->shipped, piece->quantity);
}

/* What the line had may be claimed still, so one without a piece counts, too. */
void
usom_order_follow_serials(UsomOrderSet *set)
{
	UsomSerialLine *entries = NULL;
	int			count = 0;

	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];

		if (likely(!set->lines[piece->line].by_serial) || !set->lines[piece->line].changed)
			continue;
		if (entries == NULL)
			entries = palloc_array(UsomSerialLine, set->npieces);
		add_piece(entry_of(set, piece, entries, &count), piece);
	}
	if (unlikely(count > 0))
		usom_stock_serials_follow(set->org_id, entries, count);
}
