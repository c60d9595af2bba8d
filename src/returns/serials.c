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

/* ---- where they left from ---- */

static void
note_place(UsomReturn *back, int line, int64 location_id)
{
	UsomReturnPlace *last = back->nplaces > 0 ? &back->places[back->nplaces - 1] : NULL;

	if (last != NULL && last->line == line && last->location_id == location_id)
		last->units += USOM_UNIT;
	else
		back->places[back->nplaces++] = (UsomReturnPlace) {line, location_id, USOM_UNIT};
}

/* Each goes to the shelf that it left from, or to where the goods came; those that are none of the line's are refused. */
static void
give_back(UsomReturn *back, int index, UsomDisposition to, const char *const *serials, int nserials)
{
	const UsomOrderSet *set = back->set;
	int			line = back->lines[index].line;
	const UsomReturnPiece *piece = find_piece(back, index, USOM_WAITS);
	int64		order_id = set->orders[0].sales_order_id;
	int64	   *places;
	int			count;
	const char **left = usom_stock_serials_shipped(set->org_id, order_id, set->lines[line].line_no, 0, serials, nserials, &count, &places);

	if (count < nserials)
		usom_stock_serials_give_back(set->org_id, set->lines[line].product_id, 0, serials, nserials, order_id,
									 set->lines[line].line_no, back->return_no);
	back->places = back->places ? repalloc(back->places, sizeof(UsomReturnPlace) * (back->nplaces + count))
		: palloc_array(UsomReturnPlace, count);
	for (int from = 0, i = 0; i < count; i++)
	{
		note_place(back, line, places[i]);
		if (i + 1 < count && places[i + 1] == places[i])
			continue;
		usom_stock_serials_give_back(set->org_id, set->lines[line].product_id,
									 to != USOM_RESTOCK ? 0 : piece != NULL && piece->location_id != 0 ? piece->location_id : places[i],
									 left + from, i + 1 - from, order_id, set->lines[line].line_no, back->return_no);
		from = i + 1;
	}
}

void
usom_return_name_units(UsomReturn *back, int index, UsomQuantity quantity, UsomDisposition to, const char *const *serials,
					   int nserials)
{
	const UsomOrderSet *set = back->set;
	const UsomLine *line = &set->lines[back->lines[index].line];
	UsomQuantity waiting = usom_return_units(back, index, USOM_WAITS);

	if (likely(!line->by_serial && nserials == 0) || to == USOM_REJECT)
		return;
	if (nserials * USOM_UNIT != quantity)
		refuse(back, line, quantity, psprintf("%d are named.", nserials));
	if (waiting > 0 && waiting < quantity)
		refuse(back, line, quantity, "Some of them wait, others are refurbished: say each in a call of its own.");
	if (waiting > 0)
		give_back(back, index, to, serials, nserials);
	else if (to == USOM_RESTOCK)
		usom_stock_serials_receive(set->org_id, line->product_id, find_place(back, index, USOM_REFURBISH), serials, nserials, back->return_no);
}

void
usom_return_find_units(const UsomReturn *back, UsomMarkedUnits *units, int64 location_id, const char *const *given, int ngiven)
{
	const UsomLine *line = &back->set->lines[units->units.line];

	if (likely(!line->by_serial))
		return;
	units->serials = usom_stock_serials_shipped(back->set->org_id, back->set->orders[0].sales_order_id, line->line_no, location_id,
												given, ngiven, &units->nserials, NULL);
	if (units->nserials * USOM_UNIT != units->units.quantity)
		ereport(ERROR, errcode(USOM_ERR(RETURN_SERIALS)),
				errmsg("%s units of line %d of order \"%s\" have numbers, and it is not told which they are",
					   usom_quantity_text(units->units.quantity), line->line_no, back->set->orders[0].order_no),
				errdetail("%d units that left from there %s.", units->nserials, given ? "are named" : "are with the customer or on their way"),
				errhint("Name those of the shipment: serials => ARRAY['...']."));
}
