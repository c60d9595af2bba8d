/*
 * disposition.c
 *		What becomes of units that came back.
 *
 * Pure: no SPI, no locks, no clock.  Pieces of a return are cut as its units
 * go different ways; the order and the ledger follow in take.c.
 *
 * Memory: pieces of the return, in the context of the call.
 *
 * Invariant: the pieces of a line sum to its units received, those that are
 * taken back to its units accepted, those that go to the customer again to its
 * units rejected.
 */
#include "postgres.h"

#include "returns/returns.h"

#define DISPOSITION(name, label, is_final) label,
static const char *const labels[] = {
#include "returns/disposition.def"
};

#define DISPOSITION(name, label, is_final) is_final,
static const bool is_final[] = {
#include "returns/disposition.def"
};

const char *
usom_disposition_label(UsomDisposition disposition)
{
	return labels[disposition];
}

UsomDisposition
usom_disposition_of(const char *label)
{
	UsomDisposition found = USOM_RESTOCK;

	while (found < USOM_DISPOSITIONS && strcmp(labels[found], label) != 0)
		found++;
	return found;
}

bool
usom_disposition_allows(UsomDisposition from, UsomDisposition to)
{
	if (is_final[from] || to == USOM_WAITS || to == from)
		return false;
	return from == USOM_WAITS || to != USOM_REJECT;
}

UsomQuantity
usom_return_units(const UsomReturn *back, int line, UsomDisposition disposition)
{
	UsomQuantity units = 0;

	for (int i = 0; i < back->npieces; i++)
		if (back->pieces[i].line == line && back->pieces[i].disposition == disposition)
			units += back->pieces[i].quantity;
	return units;
}

static UsomReturnPiece *
new_piece(UsomReturn *back, int line)
{
	UsomReturnPiece *piece;

	if (back->npieces == back->pieces_capacity)
	{
		back->pieces_capacity = Max(2 * back->pieces_capacity, 8);
		back->pieces = back->pieces == NULL ? palloc_array(UsomReturnPiece, back->pieces_capacity)
			: repalloc_array(back->pieces, UsomReturnPiece, back->pieces_capacity);
	}
	piece = &back->pieces[back->npieces++];
	memset(piece, 0, sizeof(UsomReturnPiece));
	piece->line = line;
	piece->return_piece_no = ++back->lines[line].last_piece_no;
	piece->inspected_at = USOM_NO_TIME;
	piece->is_new = true;
	return piece;
}

int
usom_return_add_piece(UsomReturn *back, int line, UsomQuantity quantity, int64 location_id, TimestampTz at)
{
	UsomReturnPiece *piece = new_piece(back, line);

	piece->quantity = quantity;
	piece->location_id = location_id;
	piece->received_at = at;
	back->lines[line].received = usom_quantity_add(back->lines[line].received, quantity);
	back->lines[line].changed = true;
	return back->npieces - 1;
}

int
usom_return_cut_piece(UsomReturn *back, int index, UsomQuantity quantity)
{
	UsomReturnPiece *part;
	int32		number;

	Assert(quantity > 0 && quantity <= back->pieces[index].quantity);
	if (quantity == back->pieces[index].quantity)
		return index;
	part = new_piece(back, back->pieces[index].line);
	number = part->return_piece_no;
	*part = back->pieces[index];
	part->return_piece_no = number;
	part->is_new = true;
	part->quantity = quantity;
	back->pieces[index].quantity -= quantity;
	back->pieces[index].changed = true;
	return back->npieces - 1;
}

/* One piece, or a part of it, becomes something else. */
static void
turn(UsomReturn *back, int index, UsomQuantity quantity, UsomDisposition to, const char *condition, TimestampTz at)
{
	UsomDisposition from = back->pieces[index].disposition;
	UsomReturnPiece *piece;

	index = usom_return_cut_piece(back, index, quantity);
	piece = &back->pieces[index];
	piece->disposition = to;
	piece->inspected_at = at;
	piece->changed = true;
	if (condition != NULL)
		piece->condition = condition;
	usom_return_take(back, index, from);
}

UsomQuantity
usom_return_dispose(UsomReturn *back, int line, UsomQuantity quantity, UsomDisposition to, const char *condition,
					TimestampTz at)
{
	static const UsomDisposition froms[] = {USOM_WAITS, USOM_REFURBISH};

	for (int from = 0; from < (int) lengthof(froms); from++)
	{
		int			npieces = back->npieces;

		for (int i = 0; i < npieces && quantity > 0; i++)
		{
			UsomQuantity part = Min(quantity, back->pieces[i].quantity);

			if (back->pieces[i].line != line || back->pieces[i].disposition != froms[from] ||
				!usom_disposition_allows(froms[from], to))
				continue;
			turn(back, i, part, to, condition, at);
			quantity -= part;
		}
	}
	return quantity;
}

UsomReturnStatus
usom_return_derive_status(const UsomReturn *back)
{
	UsomReturnLine sum = {0};
	UsomQuantity undecided = 0;
	bool		inspects = false;

	for (int i = 0; i < back->nlines; i++)
	{
		const UsomReturnLine *line = &back->lines[i];

		sum.quantity = usom_quantity_add(sum.quantity, line->quantity);
		sum.received += line->received;
		sum.given_up += line->given_up;
		undecided += line->received - line->accepted - line->rejected;
		inspects |= line->inspects && line->received > 0;
	}
	if (back->status == USOM_RETURN_REFUSED)
		return USOM_RETURN_REFUSED;
	if (sum.received == 0 && sum.given_up == sum.quantity)
		return USOM_RETURN_CANCELLED;
	if (sum.received == 0)
		return back->status == USOM_RETURN_REQUESTED ? USOM_RETURN_REQUESTED : USOM_RETURN_AUTHORIZED;
	if (usom_return_due(&sum) > 0)
		return USOM_RETURN_PARTIALLY_RECEIVED;
	return inspects && undecided == 0 ? USOM_RETURN_INSPECTED : USOM_RETURN_RECEIVED;
}
