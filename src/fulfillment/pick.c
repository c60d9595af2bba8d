/*
 * pick.c
 *		usom.pick() and usom.confirm_pick(): released units are taken off the shelf.
 *
 * Picking is a step that a location may use or skip: with tasks, which pickers
 * claim and confirm, or order by order without.  The stock stays reserved
 * until the units leave.
 *
 * Locks: the order; then, of confirm_pick(), the task.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "fulfillment/pick_task.h"

#include "base/errors.h"
#include "base/query.h"
#include "order/line_list.h"
#include "party/party.h"
#include "stock/serial.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_pick);
PG_FUNCTION_INFO_V1(usom_confirm_pick);

static UsomQuery find_location = {
	.text = "SELECT usom.location_id($1)",
	.nargs = 1,
	.argtypes = {"text"},
};

static int64
location_argument(FunctionCallInfo fcinfo, int arg)
{
	Datum		code;

	if (PG_ARGISNULL(arg))
		return 0;
	code = PG_GETARG_DATUM(arg);
	usom_query_run(&find_location, &code, NULL);
	return DatumGetInt64(usom_query_get(0, 1));
}

/* On a shelf, of that location (0: of any). */
static bool
lies_at(const UsomPiece *piece, UsomPieceStatus status, int64 location_id)
{
	return piece->status == status && piece->location_id != 0 && piece->quantity > 0 &&
		(location_id == 0 || piece->location_id == location_id);
}

static UsomQuantity
units_at(const UsomOrderSet *set, int line, UsomPieceStatus status, int64 location_id)
{
	UsomQuantity units = 0;

	for (int i = 0; i < set->npieces; i++)
		if ((line < 0 || set->pieces[i].line == line) && lies_at(&set->pieces[i], status, location_id))
			units = usom_quantity_add(units, set->pieces[i].quantity);
	return units;
}

static UsomQuantity
pick_all(UsomOrderSet *set, int64 location_id)
{
	UsomQuantity picked = 0;

	for (int i = 0, npieces = set->npieces; i < npieces; i++)
	{
		if (!lies_at(&set->pieces[i], USOM_PIECE_RELEASED, location_id))
			continue;
		picked = usom_quantity_add(picked, set->pieces[i].quantity);
		usom_order_move_piece(set, i, USOM_PIECE_PICKED, set->pieces[i].quantity, NULL);
	}
	return picked;
}

static void
check_enough(const UsomOrderSet *set, const UsomLineUnits *units, int64 location_id)
{
	UsomQuantity released = units_at(set, units->line, USOM_PIECE_RELEASED, location_id);

	if (units->quantity > released)
		ereport(ERROR, errcode(USOM_ERR(NOT_PICKABLE)),
				errmsg("cannot pick %s of line %d of order \"%s\"", usom_quantity_text(units->quantity),
					   set->lines[units->line].line_no, set->orders[0].order_no),
				errdetail("%s released, %s picked already.", usom_quantity_text(released),
						  usom_quantity_text(units_at(set, units->line, USOM_PIECE_PICKED, location_id))),
				errhint("Pick %s at most, or call usom.release_order('%s') first.", usom_quantity_text(released),
						set->orders[0].order_no));
}

/* Pieces of the lot first, if one is named; then others, whose units are taken from it instead. */
static void
pick_units(UsomOrderSet *set, const UsomMarkedUnits *marked, int64 location_id)
{
	UsomQuantity left = marked->units.quantity;

	check_enough(set, &marked->units, location_id);
	for (int turn = 0; turn < 2 && left > 0; turn++)
		for (int i = 0, npieces = set->npieces; i < npieces && left > 0; i++)
		{
			UsomQuantity quantity = Min(left, set->pieces[i].quantity);

			if (set->pieces[i].line != marked->units.line || !lies_at(&set->pieces[i], USOM_PIECE_RELEASED, location_id) ||
				(turn == 0 && marked->lot != NULL && strcmp(set->pieces[i].lot, marked->lot) != 0))
				continue;
			left -= quantity;
			usom_pick_piece(set, i, quantity, marked->lot);
		}
}

/* Where they are picked: where the units of these numbers lie. */
static int64
take_serials(const UsomOrderSet *set, const UsomMarkedUnits *marked, int64 location_id)
{
	const UsomLine *line = &set->lines[marked->units.line];

	return usom_stock_serials_take(set->org_id, line->product_id, location_id, marked->serials, marked->nserials,
								   set->orders[0].sales_order_id, line->line_no, NULL);
}

static UsomQuantity
pick_lines(UsomOrderSet *set, Jsonb *list, int64 location_id)
{
	int			count;
	UsomMarkedUnits *marked = usom_order_read_marked_list(set, list, &count);
	UsomQuantity picked = 0;

	for (int i = 0; i < count; i++)
	{
		pick_units(set, &marked[i], take_serials(set, &marked[i], location_id));
		picked = usom_quantity_add(picked, marked[i].units.quantity);
	}
	return picked;
}

/* A repeated call is fine while something is picked. */
static void
check_picked(const UsomOrderSet *set, int64 location_id)
{
	const UsomOrder *order = &set->orders[0];

	if (units_at(set, -1, USOM_PIECE_PICKED, location_id) > 0 || units_at(set, -1, USOM_PIECE_PACKED, location_id) > 0)
		return;
	if (!usom_order_is_running(order->status) || order->status >= USOM_ORDER_SHIPPED)
		usom_order_refuse(order->order_no, "pick", order->status);
	ereport(ERROR, errcode(USOM_ERR(NOTHING_TO_DO)),
			errmsg("nothing of order \"%s\" is released there", order->order_no),
			errdetail("Only released pieces are picked."),
			errhint("Call usom.release_order('%s') first.", order->order_no));
}

/* usom.pick(order_no text, lines jsonb, location text) */
Datum
usom_pick(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "pick", -1);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	int64		location_id = location_argument(fcinfo, 2);
	UsomQuantity picked;

	picked = PG_ARGISNULL(1) ? pick_all(set, location_id) : pick_lines(set, PG_GETARG_JSONB_P(1), location_id);
	if (picked == 0)
		check_picked(set, location_id);
	else
	{
		set->orders[0].event_quantity = picked;
		usom_order_settle(set, 0, "pick");
		usom_order_save(set);
	}
	return usom_order_answer_status(answer, set);
}

static const char *
text_or_null(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

/* usom.confirm_pick(task bigint, quantity numeric, picker text, sku text, bin text, lot text, serials text[]) */
Datum
usom_confirm_pick(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "confirm_pick", -1);
	UsomPickTask *task = usom_pick_open(fcinfo, 2);
	UsomScan	scan = {.sku = text_or_null(fcinfo, 3), .bin = text_or_null(fcinfo, 4), .lot = text_or_null(fcinfo, 5)};
	UsomQuantity units = usom_pick_units(task, fcinfo, 1) - task->picked;

	if (units > 0)
	{
		if (!PG_ARGISNULL(6))
			scan.serials = usom_stock_serials_argument(fcinfo, 6, &scan.nserials);
		usom_pick_check_scan(task, &scan, units);
		usom_pick_take(task, units, &scan);
		usom_order_settle(task->set, 0, "pick");
		usom_order_save(task->set);
		usom_pick_write(task);
	}
	return usom_pick_answer(answer, task);
}
