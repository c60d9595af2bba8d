/*
 * serials.c
 *		Units with serial numbers that come back: which ones.
 *
 * Nothing leaves without its number, and nothing is taken back without it.
 * What is restocked is on hand again under its number, what is not is gone;
 * a repaired one comes in once more.
 *
 * Locks: the order; the units are its line's, or gone.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "returns/returns.h"

#include "base/errors.h"
#include "stock/serial.h"

/* The first piece of the return's line that units are taken from. */
static const UsomReturnPiece *
find_piece(const UsomReturn *back, int line, UsomDisposition from)
{
	for (int i = 0; i < back->npieces; i++)
		if (back->pieces[i].line == line && back->pieces[i].disposition == from)
			return &back->pieces[i];
	return NULL;
}

/* Where they are on hand: where they came to, or where what is out of the line left from. */
static int64
find_place(const UsomReturn *back, int line, UsomDisposition from)
{
	const UsomReturnPiece *piece = find_piece(back, line, from);
	int			out;

	if (piece != NULL && piece->location_id != 0)
		return piece->location_id;
	out = usom_return_find_out(back, back->lines[line].line, piece != NULL ? piece->piece_no : 0);
	return out < 0 ? 0 : back->set->pieces[out].location_id;
}

static void
refuse(const UsomReturn *back, const UsomLine *line, UsomQuantity quantity, const char *problem)
{
	ereport(ERROR, errcode(USOM_ERR(RETURN_SERIALS)),
			errmsg("%s units of line %d of return \"%s\" have numbers, and it is not told which they are", usom_quantity_text(quantity),
				   line->line_no, back->return_no),
			errdetail("%s", problem),
			errhint("Name them: {\"line_no\": %d, \"quantity\": 1, \"serials\": [\"...\"]}.", line->line_no));
}

void
usom_return_name_units(const UsomReturn *back, int index, UsomQuantity quantity, UsomDisposition to, const char *const *serials,
					   int nserials)
{
	const UsomOrderSet *set = back->set;
	const UsomLine *line = &set->lines[back->lines[index].line];
	UsomQuantity waiting = usom_return_units(back, index, USOM_WAITS);
	int64		place;

	if (likely(!line->by_serial && nserials == 0) || to == USOM_REJECT)
		return;
	if (nserials * USOM_UNIT != quantity)
		refuse(back, line, quantity, psprintf("%d are named.", nserials));
	if (waiting > 0 && waiting < quantity)
		refuse(back, line, quantity, "Some of them wait, others are refurbished: say each in a call of its own.");
	place = to == USOM_RESTOCK ? find_place(back, index, waiting > 0 ? USOM_WAITS : USOM_REFURBISH) : 0;
	if (waiting > 0)
		usom_stock_serials_give_back(set->org_id, line->product_id, place, serials, nserials, set->orders[0].sales_order_id,
									 line->line_no, back->return_no);
	else if (to == USOM_RESTOCK)
		usom_stock_serials_receive(set->org_id, line->product_id, place, serials, nserials, back->return_no);
}
