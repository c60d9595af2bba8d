/*
 * take.c
 *		Units of a return become returned ones of the order, and what that means
 *		for the shelf.
 *
 * The order puts back on the shelf what is returned; what is not restocked
 * leaves it again in the same save, by a movement whose kind says where to.
 * So the ledger tells everything that came, and nothing that is not for sale
 * is ever on hand.
 *
 * Locks: the order, then the stock rows, in stock order.
 *
 * Memory: the set and the return, in the context of the call.
 */
#include "postgres.h"

#include "returns/returns.h"

#include "base/errors.h"

static void
move_stock(UsomReturn *back, const UsomPiece *piece, int64 location_id, const char *kind, UsomQuantity delta,
		   const char *reason)
{
	UsomOrderSet *set = back->set;
	UsomStockMovement movement = {
		.key = {set->lines[piece->line].product_id, location_id, piece->lot, 0},
		.kind = kind,
		.delta = delta,
		.reference = back->return_no,
		.reason = reason,
		.sales_order_id = set->orders[0].sales_order_id
	};

	usom_order_move_stock(set, &movement);
}

/* Units that are on the shelf they left from go where they belong. */
static void
place_stock(UsomReturn *back, const UsomReturnPiece *part, const UsomPiece *piece)
{
	if (piece->location_id == 0)
		return;
	if (part->disposition != USOM_RESTOCK)
		move_stock(back, piece, piece->location_id, usom_disposition_label(part->disposition), -part->quantity, part->condition);
	else if (part->location_id != 0 && part->location_id != piece->location_id)
	{
		move_stock(back, piece, piece->location_id, "transfer", -part->quantity, part->condition);
		move_stock(back, piece, part->location_id, "transfer", part->quantity, part->condition);
		back->moves_on = true;
	}
}

/* Units with numbers come back to the pieces that they left with; NULL: none of the line are named. */
static UsomReturnPlace *
find_named(const UsomReturn *back, int line)
{
	for (int i = 0; i < back->nplaces; i++)
		if (back->places[i].line == line && back->places[i].units > 0)
			return &back->places[i];
	return NULL;
}

/*
 * Units that were delivered come back before units that are still on their
 * way, and what left last before what left earlier: so what stays with the
 * customer is never younger than it was.
 */
int
usom_return_find_out(const UsomReturn *back, int line, int32 piece_no)
{
	const UsomOrderSet *set = back->set;
	const UsomReturnPlace *place = find_named(back, line);
	int			found = -1;

	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];

		if (piece->line == line && piece_no != 0 && piece->piece_no == piece_no)
			return i;
		if (piece_no != 0 || piece->line != line || (piece->status != USOM_PIECE_DELIVERED && piece->status != USOM_PIECE_SHIPPED) ||
			(back->shipment_id != 0 && piece->shipment_id != back->shipment_id) || (place != NULL && piece->location_id != place->location_id))
			continue;
		if (found < 0 || piece->status > set->pieces[found].status ||
			(piece->status == set->pieces[found].status && piece->shipment_id > set->pieces[found].shipment_id))
			found = i;
	}
	return found;
}

/* They may have left in several pieces: then they are several here, too. */
static void
take_back(UsomReturn *back, int index)
{
	UsomOrderSet *set = back->set;
	int			line = back->lines[back->pieces[index].line].line;
	UsomQuantity left = back->pieces[index].quantity;

	while (left > 0)
	{
		UsomReturnPlace *place = find_named(back, line);
		int			out = usom_return_find_out(back, line, 0);
		UsomQuantity quantity;
		int			part;
		int			moved;

		Ensure(out >= 0, "a return expects more than is with the customer");
		quantity = Min(left, set->pieces[out].quantity);
		if (place != NULL)
		{
			quantity = Min(quantity, place->units);
			place->units -= quantity;
		}
		part = usom_return_cut_piece(back, index, quantity);
		moved = usom_order_move_piece(set, out, USOM_PIECE_RETURNED, quantity, back->return_no);
		back->pieces[part].piece_no = set->pieces[moved].piece_no;
		place_stock(back, &back->pieces[part], &set->pieces[moved]);
		left -= quantity;
	}
}

/* They were off the shelf. */
static void
take_refurbished(UsomReturn *back, const UsomReturnPiece *part)
{
	const UsomOrderSet *set = back->set;
	int			out = usom_return_find_out(back, back->lines[part->line].line, part->piece_no);
	const UsomPiece *piece = &set->pieces[Max(out, 0)];

	Ensure(out >= 0, "a piece of a return is none of its order");
	if (piece->location_id != 0)
		move_stock(back, piece, piece->location_id, usom_disposition_label(USOM_REFURBISH), part->quantity, part->condition);
	place_stock(back, part, piece);
}

void
usom_return_take(UsomReturn *back, int index, UsomDisposition from)
{
	const UsomReturnPiece *piece = &back->pieces[index];
	UsomReturnLine *line = &back->lines[piece->line];

	line->changed = true;
	if (from == USOM_REFURBISH)
		take_refurbished(back, piece);
	else if (piece->disposition == USOM_REJECT)
		line->rejected += piece->quantity;
	else
	{
		line->accepted += piece->quantity;
		back->takes = true;
		take_back(back, index);
	}
}

/* Rows of other shelves may be missing: they are made with what comes to them, in stock order. */
static void
write_stock(UsomOrderSet *set)
{
	usom_stock_add(set->org_id, set->deltas, set->ndeltas);
	usom_stock_book(set->org_id, set->movements, set->nmovements);
	set->ndeltas = set->nmovements = 0;
}

void
usom_return_save(UsomReturn *back, const char *event, UsomQuantity quantity)
{
	UsomOrder  *order = &back->set->orders[0];

	order->event_quantity = quantity;
	order->event_reference = back->return_no;
	if (back->takes)
		usom_order_settle(back->set, 0, "return");
	else
		order->event = event;
	order->changed = true;
	if (back->exchange_order_id != 0)
		usom_return_follow_exchange(back);
	if (back->moves_on)
		write_stock(back->set);
	usom_order_save(back->set);
}
