/*
 * hold_units.c
 *		Holds on lines and on pieces, and what becomes of them when units move.
 *
 * A hold on a line or a piece keeps its units from being released and shipped
 * and lets the others go.  What concerns the order as a whole (confirm, cancel,
 * close, change of the header) is blocked by every hold of the order.
 *
 * Locks: the order, as for every change of it.
 *
 * Memory: CurrentMemoryContext.
 *
 * Invariant: units that are cut off a held piece, or join another, stay held:
 * the hold is copied for the piece that they are in now, in the transaction
 * that moved them.
 */
#include "postgres.h"

#include "order/order.h"
#include "order/approval.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static UsomQuery copy_holds = {
	.text = "INSERT INTO usom.hold (org_id, sales_order_id, line_no, piece_no, hold_type, reason, blocks, expires_at, "
	"placed_at, placed_by, check_code) "
	"SELECT DISTINCT ON (r.sales_order_id, r.line_no, r.piece_no, h.hold_type, h.check_code) "
	"$1, r.sales_order_id, r.line_no, r.piece_no, h.hold_type, h.reason, h.blocks, h.expires_at, h.placed_at, h.placed_by, h.check_code "
	"FROM unnest($2) AS r JOIN usom.hold AS h ON h.org_id = $1 AND h.sales_order_id = r.sales_order_id "
	"AND h.line_no = r.line_no AND h.piece_no = r.from_piece_no "
	"AND h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > $3) "
	"WHERE NOT EXISTS (SELECT 1 FROM usom.hold AS x WHERE x.org_id = $1 AND x.sales_order_id = r.sales_order_id "
	"AND x.line_no = r.line_no AND x.piece_no = r.piece_no AND x.hold_type = h.hold_type "
	"AND x.check_code IS NOT DISTINCT FROM h.check_code AND x.released_at IS NULL "
	"AND (x.expires_at IS NULL OR x.expires_at > $3)) "
	"ORDER BY r.sales_order_id, r.line_no, r.piece_no, h.hold_type, h.check_code, h.expires_at DESC NULLS FIRST, h.hold_id",
	.nargs = 3,
	.argtypes = {"bigint", "usom._held_piece[]", "timestamptz"},
};

static UsomQuery end_holds_of_gone = {
	.text = "UPDATE usom.hold AS h SET released_at = $3, released_by = session_user, "
	"release_reason = 'its units are gone', settled = true FROM unnest($2) AS r "
	"WHERE h.org_id = $1 AND h.sales_order_id = r.sales_order_id AND h.line_no = r.line_no "
	"AND (r.piece_no IS NULL OR h.piece_no = r.piece_no) AND h.released_at IS NULL",
	.nargs = 3,
	.argtypes = {"bigint", "usom._held_piece[]", "timestamptz"},
};

/* ---- what is held ---- */

UsomHolds *
usom_order_read_holds(const UsomOrderSet *set, int order, const char *action)
{
	UsomHolds  *holds = palloc0_object(UsomHolds);
	int			count;
	const UsomActiveHold *active = usom_order_active_holds(set, order, &count);

	holds->order = order;
	holds->action = action;
	holds->holds = palloc_array(UsomHold, count + 1);
	for (int i = 0; i < count; i++)
		if (usom_order_is_among(active[i].blocks, action))
			holds->holds[holds->count++] = (UsomHold) {active[i].line_no, active[i].piece_no, active[i].type, active[i].reason};
	return holds;
}

const UsomHold *
usom_order_hold_of_all(const UsomHolds *holds)
{
	return holds->count > 0 && holds->holds[0].line_no == 0 ? &holds->holds[0] : NULL;
}

/* A component is held with its kit; in a kit that is served whole, with any of the others, too. */
static bool
is_held_with(const UsomOrderSet *set, int line, int32 held_line_no)
{
	const UsomLine *of = &set->lines[line];
	int			kit;

	if (of->line_no == held_line_no || of->kit_line_no == held_line_no)
		return true;
	if (!usom_line_is_component(of))
		return false;
	kit = usom_order_kit_of(set, line);
	if (!set->lines[kit].whole_kits)
		return false;
	for (int i = usom_order_next_component(set, kit, kit); i >= 0; i = usom_order_next_component(set, kit, i))
		if (set->lines[i].line_no == held_line_no)
			return true;
	return false;
}

const UsomHold *
usom_order_hold_of_line(const UsomOrderSet *set, const UsomHolds *holds, int line)
{
	for (int i = 0; i < holds->count; i++)
		if (holds->holds[i].line_no == 0 ||
			(holds->holds[i].piece_no == 0 && is_held_with(set, line, holds->holds[i].line_no)))
			return &holds->holds[i];
	return NULL;
}

const UsomHold *
usom_order_hold_of_piece(const UsomOrderSet *set, const UsomHolds *holds, int piece)
{
	const UsomLine *line = &set->lines[set->pieces[piece].line];

	if (likely(holds == NULL || holds->count == 0))
		return NULL;
	for (int i = 0; i < holds->count; i++)
		if (holds->holds[i].piece_no != 0 && holds->holds[i].line_no == line->line_no &&
			holds->holds[i].piece_no == set->pieces[piece].piece_no)
			return &holds->holds[i];
	return usom_order_hold_of_line(set, holds, set->pieces[piece].line);
}

void
usom_order_refuse_held(const UsomOrderSet *set, const UsomHolds *holds, const UsomHold *hold)
{
	const char *order_no = set->orders[holds->order].order_no;
	const char *of = hold->piece_no != 0 ? psprintf("piece %d of line %d of ", hold->piece_no, hold->line_no)
		: hold->line_no != 0 ? psprintf("line %d of ", hold->line_no) : "";
	const char *at = hold->piece_no != 0 ? psprintf(", line_no => %d, piece_no => %d", hold->line_no, hold->piece_no)
		: hold->line_no != 0 ? psprintf(", line_no => %d", hold->line_no) : "";

	ereport(ERROR, errcode(USOM_ERR(ACTION_HELD)),
			errmsg("cannot %s %sorder \"%s\" while it is on %s hold", holds->action, of, order_no, hold->type),
			errdetail("The reason given: %s.", hold->reason ? hold->reason : "none"),
			strcmp(hold->type, USOM_APPROVAL_HOLD) == 0
			? errhint("Have another person call usom.approve_order('%s', ...).", order_no)
			: errhint("Call usom.release_hold('%s', '%s', ...%s) first.", order_no, hold->type, at));
}

UsomHolds *
usom_order_check_whole(const UsomOrderSet *set, int order, const char *action)
{
	UsomHolds  *holds = usom_order_read_holds(set, order, action);
	const UsomHold *hold = usom_order_hold_of_all(holds);

	if (hold != NULL)
		usom_order_refuse_held(set, holds, hold);
	return holds;
}

void
usom_order_check_line(const UsomOrderSet *set, const UsomHolds *holds, int line)
{
	const UsomHold *hold = usom_order_hold_of_line(set, holds, line);

	for (int i = 0; i < holds->count && hold == NULL; i++)
		if (holds->holds[i].piece_no != 0 && is_held_with(set, line, holds->holds[i].line_no))
			hold = &holds->holds[i];
	if (hold != NULL)
		usom_order_refuse_held(set, holds, hold);
}

/* ---- holds follow the units ---- */

typedef struct Joined
{
	int64		sales_order_id;
	int32		line_no;
	int32		from_piece_no;
	int32		piece_no;
} Joined;

int32
usom_order_piece_origin(const UsomPiece *piece)
{
	return piece->is_new ? piece->from_piece_no : piece->piece_no;
}

void
usom_order_note_joined(UsomOrderSet *set, const UsomPiece *into, const UsomPiece *piece)
{
	const UsomLine *line = &set->lines[piece->line];
	Joined	   *joined;

	if (likely(!set->unit_holds) || usom_order_piece_origin(piece) == 0)
		return;
	joined = palloc_object(Joined);
	*joined = (Joined) {
		set->orders[line->order].sales_order_id, line->line_no, usom_order_piece_origin(piece), into->piece_no
	};
	set->joined = lappend(set->joined, joined);
}

static void
add_row(UsomRows **rows, int64 sales_order_id, int32 line_no, int32 piece_no, int32 from_piece_no)
{
	Datum		values[4] = {
		Int64GetDatum(sales_order_id), Int32GetDatum(line_no), Int32GetDatum(piece_no), Int32GetDatum(from_piece_no)
	};
	bool		nulls[4] = {false, false, piece_no == 0, from_piece_no == 0};

	if (*rows == NULL)
		*rows = usom_rows_make("_held_piece", 8);
	usom_rows_add(*rows, values, nulls);
}

static void
run(UsomQuery *query, const UsomOrderSet *set, UsomRows *rows)
{
	Datum		values[3] = {Int64GetDatum(set->org_id), (Datum) 0, TimestampTzGetDatum(usom_call_time())};

	if (rows == NULL)
		return;
	values[1] = usom_rows_datum(rows);
	usom_query_write(query, values, NULL);
}

/* Pieces that have units of others, and those units have not left. */
static UsomRows *
gather_heirs(const UsomOrderSet *set)
{
	UsomRows   *rows = NULL;

	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];
		const UsomLine *line = &set->lines[piece->line];

		if (piece->is_new && piece->from_piece_no != 0 && piece->quantity > 0 && piece->status < USOM_PIECE_SHIPPED)
			add_row(&rows, set->orders[line->order].sales_order_id, line->line_no, piece->piece_no, piece->from_piece_no);
	}
	for (int i = 0; i < list_length(set->joined); i++)
	{
		const Joined *joined = list_nth(set->joined, i);

		add_row(&rows, joined->sales_order_id, joined->line_no, joined->piece_no, joined->from_piece_no);
	}
	return rows;
}

static UsomRows *
gather_gone(const UsomOrderSet *set)
{
	UsomRows   *rows = NULL;

	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];
		const UsomLine *line = &set->lines[piece->line];

		if (piece->changed && piece->quantity == 0 && !piece->is_new)
			add_row(&rows, set->orders[line->order].sales_order_id, line->line_no, piece->piece_no, 0);
	}
	for (int i = 0; i < set->nlines; i++)
		if (set->lines[i].removed && !set->lines[i].is_new)
			add_row(&rows, set->orders[set->lines[i].order].sales_order_id, set->lines[i].line_no, 0, 0);
	return rows;
}

void
usom_order_move_holds(UsomOrderSet *set)
{
	if (likely(!set->unit_holds))
		return;
	run(&copy_holds, set, gather_heirs(set));
	run(&end_holds_of_gone, set, gather_gone(set));
	set->joined = NIL;
}
