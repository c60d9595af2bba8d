/*
 * hold.c
 *		Holds: rows that block named actions of an order.
 *
 * Whether a hold is active is read, not swept: an expired one stops counting
 * in the very statement that looks at it.
 *
 * Locks: the order, as for every change of it.
 */
#include "postgres.h"

#include "order/order.h"
#include "order/answer.h"
#include "order/approval.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/insert.h"
#include "base/memo.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "party/party.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define HOLD_COLUMNS 8

PG_FUNCTION_INFO_V1(usom_hold_order);
PG_FUNCTION_INFO_V1(usom_release_hold);

/* ---- types ---- */

static UsomQuery select_types = {
	.text = "SELECT t.code, t.blocks FROM usom.hold_type AS t WHERE t.org_id = $1",
	.nargs = 1,
	.argtypes = {"bigint"},
};

typedef struct HoldType
{
	const char *code;
	ArrayType  *blocks;			/* text[]: actions */
} HoldType;

typedef struct HoldTypes
{
	int			count;
	HoldType   *types;
	ArrayType  *usual;			/* what types that there are not block, here and in statements */
} HoldTypes;

static ArrayType *
usual_blocks(void)
{
	Datum		actions[] = {CStringGetTextDatum("confirm"), CStringGetTextDatum("release"), CStringGetTextDatum("ship")};

	return construct_array_builtin(actions, lengthof(actions), TEXTOID);
}

static const void *
read_types(int64 org_id)
{
	HoldTypes  *types = palloc0_object(HoldTypes);
	Datum		values[] = {Int64GetDatum(org_id)};

	types->usual = usual_blocks();
	types->count = (int) usom_memo_look(&select_types, values);
	types->types = palloc_array(HoldType, Max(types->count, 1));
	for (int i = 0; i < types->count; i++)
		types->types[i] = (HoldType) {usom_query_get_text(i, 1), DatumGetArrayTypePCopy(usom_query_get(i, 2))};
	SPI_freetuptable(SPI_tuptable);
	return types;
}

static UsomMemo memo = {
	.name = "usom types of holds",
	.tables = {"hold_type"},
	.read = read_types,
};

void
usom_order_hold_init(void)
{
	usom_memo_register(&memo);
}

static ArrayType *
blocks_of(int64 org_id, const char *hold_type)
{
	const HoldTypes *types = usom_memo_get(&memo, org_id);

	for (int i = 0; i < types->count; i++)
		if (strcmp(types->types[i].code, hold_type) == 0)
			return types->types[i].blocks;
	return types->usual;
}

bool
usom_order_hold_blocks(int64 org_id, const char *hold_type, const char *action)
{
	Datum	   *actions;
	int			count;

	deconstruct_array_builtin(blocks_of(org_id, hold_type), TEXTOID, &actions, NULL, &count);
	for (int i = 0; i < count; i++)
		if (strcmp(TextDatumGetCString(actions[i]), action) == 0)
			return true;
	return false;
}

/* ---- holds ---- */

#define IS_ACTIVE "h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > $3)"

static UsomQuery find_blocking = {
	.text = "SELECT h.hold_type, h.reason, h.expires_at FROM usom.hold h "
	"WHERE h.org_id = $1 AND h.sales_order_id = $2 AND " IS_ACTIVE " AND $4 = ANY (h.blocks) "
	"ORDER BY h.hold_id LIMIT 1",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "timestamptz", "text"},
};

static UsomQuery renew_hold = {
	.text = "UPDATE usom.hold AS h SET reason = $5, expires_at = $6 "
	"WHERE h.org_id = $1 AND h.sales_order_id = $2 AND " IS_ACTIVE " AND h.hold_type = $4 "
	"AND h.line_no IS NOT DISTINCT FROM $7 AND h.piece_no IS NOT DISTINCT FROM $8 AND h.check_code IS NULL",
	.nargs = 8,
	.argtypes = {"bigint", "bigint", "timestamptz", "text", "text", "timestamptz", "integer", "integer"},
};

static UsomInsert insert_hold = {
	.table = "hold",
	.row_type = "_hold_row",
	.ncolumns = HOLD_COLUMNS,
	.query.text = "INSERT INTO usom.hold (org_id, sales_order_id, placed_at, hold_type, reason, expires_at, line_no, piece_no, blocks) "
	"SELECT $1, r.* FROM unnest($2) AS r",
	.query.nargs = 2,
	.query.argtypes = {"bigint", "usom._hold_row[]"},
};

static UsomQuery end_holds = {
	.text = "UPDATE usom.hold AS h SET released_at = $3, released_by = session_user, release_reason = $5 "
	"WHERE h.org_id = $1 AND h.sales_order_id = $2 AND " IS_ACTIVE " AND h.hold_type = $4 "
	"AND ($6 IS NULL OR h.line_no = $6) AND ($7 IS NULL OR h.piece_no = $7)",
	.nargs = 7,
	.argtypes = {"bigint", "bigint", "timestamptz", "text", "text", "integer", "integer"},
};

static bool
find_hold(UsomOrderSet *set, int order, const char *action)
{
	Datum		values[4] = {
		Int64GetDatum(set->org_id),
		Int64GetDatum(set->orders[order].sales_order_id),
		TimestampTzGetDatum(usom_call_time()),
		CStringGetTextDatum(action),
	};

	return usom_query_run(&find_blocking, values, NULL) > 0;
}

bool
usom_order_is_held(UsomOrderSet *set, int order, const char *action)
{
	return find_hold(set, order, action);
}

void
usom_order_check_holds(UsomOrderSet *set, int order, const char *action)
{
	const char *type;
	const char *reason;

	if (!find_hold(set, order, action))
		return;
	type = usom_query_get_text(0, 1);
	reason = usom_query_get_text(0, 2);
	ereport(ERROR, errcode(USOM_ERR(ACTION_HELD)),
			errmsg("cannot %s order \"%s\" while it is on %s hold", action, set->orders[order].order_no, type),
			errdetail("The reason given: %s.", reason ? reason : "none"),
			strcmp(type, USOM_APPROVAL_HOLD) == 0
			? errhint("Have another person call usom.approve_order('%s', ...).", set->orders[order].order_no)
			: errhint("Call usom.release_hold('%s', '%s', ...) first.", set->orders[order].order_no, type));
}

static void
check_hold(const UsomOrder *order, const char *type, bool expires, TimestampTz expires_at)
{
	if (order->status >= USOM_ORDER_CLOSED)
		usom_order_refuse(order->order_no, "hold", order->status);
	if (type[0] == '\0')
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a hold needs a type"),
				errhint("Use a type of usom.hold_type, or a word of your own."));
	if (expires && expires_at <= usom_call_time())
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("the hold on order \"%s\" would expire in the past", order->order_no),
				errdetail("It would expire at %s.", timestamptz_to_str(expires_at)),
				errhint("Give a later time, or null for a hold without end."));
}

/* A new version of the order, so that a reader sees that something changed. */
static void
note_hold(UsomOrderSet *set, const char *event, const char *type, int32 line_no)
{
	set->orders[0].event = event;
	set->orders[0].event_reference = type;
	set->orders[0].event_line = line_no;
	set->orders[0].changed = true;
	usom_order_save(set);
}

/* Where a hold stands: line_no and piece_no of the call. */
typedef struct Place
{
	bool		has_line;
	bool		has_piece;
	int32		line_no;
	int32		piece_no;
} Place;

static Place
read_place(FunctionCallInfo fcinfo, int arg)
{
	Place		place = {.has_line = !PG_ARGISNULL(arg), .has_piece = !PG_ARGISNULL(arg + 1)};

	place.line_no = place.has_line ? PG_GETARG_INT32(arg) : 0;
	place.piece_no = place.has_piece ? PG_GETARG_INT32(arg + 1) : 0;
	if (place.has_piece && !place.has_line)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a piece is a piece of a line"),
				errhint("Give line_no, too; look them up in usom.order_pieces."));
	return place;
}

/* US106 for a line, US120 for a piece that there is not; US101 for units that have left. */
static void
check_place(const UsomOrderSet *set, const Place *place)
{
	int			line = place->has_line ? usom_order_find_line(set, 0, place->line_no) : -1;
	const UsomPiece *piece = NULL;

	if (!place->has_piece)
		return;
	for (int i = 0; i < set->npieces && piece == NULL; i++)
		if (set->pieces[i].line == line && set->pieces[i].piece_no == place->piece_no)
			piece = &set->pieces[i];
	if (piece == NULL)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_PIECE)),
				errmsg("line %d of order \"%s\" has no piece %d", place->line_no, set->orders[0].order_no, place->piece_no),
				errhint("Look it up in usom.order_pieces."));
	if (piece->status >= USOM_PIECE_SHIPPED)
		ereport(ERROR, errcode(USOM_ERR(ILLEGAL_TRANSITION)),
				errmsg("cannot hold piece %d of line %d of order \"%s\" that is %s", place->piece_no, place->line_no,
					   set->orders[0].order_no, usom_piece_lifecycle_table.labels[piece->status]),
				errhint("Hold a piece that has not left yet."));
}

/* What hold rules place because of it, at the same line or on the whole order. */
static void
follow_hold(const UsomOrderSet *set, const char *type, int32 line_no)
{
	List	   *raised = usom_order_raise_holds(set, 0, NULL, list_make1(unconstify(char *, type)), NULL);
	UsomRows   *rows = NULL;

	for (int i = 0; i < list_length(raised); i++)
		rows = usom_order_add_hold(rows, set->orders[0].sales_order_id, line_no, list_nth(raised, i));
	usom_order_write_holds(set->org_id, rows);
}

/* What the caller says of a hold, as renew_hold has it. */
typedef struct Asked
{
	const char *type;
	Place		place;
	Datum		values[8];		/* org_id, sales_order_id, placed_at, hold_type, reason, expires_at, line_no, piece_no */
	bool		nulls[8];
} Asked;

static void
renew_or_insert(UsomOrderSet *set, Asked *asked)
{
	Datum		row[HOLD_COLUMNS];
	bool		nulls[HOLD_COLUMNS] = {false};
	UsomRows   *rows;

	if (usom_query_write(&renew_hold, asked->values, asked->nulls) > 0)
		return;
	memcpy(row, &asked->values[1], sizeof(asked->values) - sizeof(Datum));
	memcpy(nulls, &asked->nulls[1], sizeof(asked->nulls) - sizeof(bool));
	row[HOLD_COLUMNS - 1] = PointerGetDatum(blocks_of(set->org_id, asked->type));
	rows = usom_insert_rows(&insert_hold, 1);
	usom_rows_add(rows, row, nulls);
	usom_insert_run(&insert_hold, set->org_id, rows);
	follow_hold(set, asked->type, asked->place.line_no);
}

/* Holds of the whole order do not look at its lines. */
static UsomOrderSet *
load_held(FunctionCallInfo fcinfo, const Place *place)
{
	char	   *order_no = usom_order_arg_text(fcinfo, 0, "order_no");

	return place->has_line ? usom_order_load(usom_party_org(), order_no) : usom_order_load_header(usom_party_org(), order_no);
}

Datum
usom_hold_order(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "hold_order", 2);
	const char *type = usom_order_arg_text(fcinfo, 1, "hold_type");
	bool		expires = !PG_ARGISNULL(3);
	Place		place = read_place(fcinfo, 4);
	UsomOrderSet *set = load_held(fcinfo, &place);
	Asked		asked = {
		.type = type,
		.place = place,
		.values = {
			Int64GetDatum(set->org_id),
			Int64GetDatum(set->orders[0].sales_order_id),
			TimestampTzGetDatum(usom_call_time()),
			CStringGetTextDatum(type),
			PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2),
			expires ? PG_GETARG_DATUM(3) : (Datum) 0,
			Int32GetDatum(place.line_no),
			Int32GetDatum(place.piece_no),
		},
		.nulls = {false, false, false, false, PG_ARGISNULL(2), !expires, !place.has_line, !place.has_piece},
	};

	check_hold(&set->orders[0], type, expires, expires ? PG_GETARG_TIMESTAMPTZ(3) : 0);
	check_place(set, &place);
	renew_or_insert(set, &asked);
	note_hold(set, "hold", type, place.line_no);
	return usom_order_answer_status(answer, set);
}

Datum
usom_release_hold(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "release_hold", 2);
	const char *type = usom_order_arg_text(fcinfo, 1, "hold_type");
	Place		place = read_place(fcinfo, 3);
	UsomOrderSet *set = load_held(fcinfo, &place);
	Datum		values[7] = {
		Int64GetDatum(set->org_id),
		Int64GetDatum(set->orders[0].sales_order_id),
		TimestampTzGetDatum(usom_call_time()),
		CStringGetTextDatum(type),
		PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2),
		Int32GetDatum(place.line_no),
		Int32GetDatum(place.piece_no),
	};
	bool		nulls[7] = {false, false, false, false, PG_ARGISNULL(2), !place.has_line, !place.has_piece};

	usom_approval_check_release(set, 0, type);
	if (usom_query_write(&end_holds, values, nulls) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_HOLD)),
				errmsg("order \"%s\" has no active %s hold%s", set->orders[0].order_no, type,
					   place.has_piece ? psprintf(" on piece %d of line %d", place.piece_no, place.line_no)
					   : place.has_line ? psprintf(" on line %d", place.line_no) : ""),
				errhint("Look it up in usom.holds."));
	note_hold(set, "release_hold", type, place.line_no);
	return usom_order_answer_status(answer, set);
}
