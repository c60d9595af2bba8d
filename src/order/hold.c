/*
 * hold.c
 *		Holds: rows that block named actions of an order.
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
#include "base/update.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
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
	return usom_order_is_among(blocks_of(org_id, hold_type), action);
}

/* ---- holds ---- */

static UsomInsert insert_hold = {
	.table = "hold",
	.row_type = "_hold_row",
	.ncolumns = HOLD_COLUMNS,
	.query.text = "INSERT INTO usom.hold (org_id, sales_order_id, placed_at, hold_type, reason, expires_at, line_no, piece_no, blocks) "
	"SELECT $1, r.* FROM unnest($2) AS r",
	.query.nargs = 2,
	.query.argtypes = {"bigint", "usom._hold_row[]"},
};

static UsomQuery renew_holds = {
	.text = "UPDATE usom.hold AS h SET reason = $3, expires_at = $4 WHERE h.org_id = $1 AND h.hold_id = ANY ($2)",
	.nargs = 4,
	.argtypes = {"bigint", "bigint[]", "text", "timestamptz"},
};

static UsomQuery end_holds = {
	.text = "UPDATE usom.hold AS h SET release_reason = $3, released_at = $4, released_by = session_user "
	"WHERE h.org_id = $1 AND h.hold_id = ANY ($2)",
	.nargs = 4,
	.argtypes = {"bigint", "bigint[]", "text", "timestamptz"},
};

typedef enum HoldColumn
{
	HOLD_ORG,
	HOLD_ID,
	HOLD_REASON,
	HOLD_EXPIRES_AT,
	HOLD_RELEASE_REASON,
	HOLD_RELEASED_AT,
	HOLD_RELEASED_BY,
	HOLD_UPDATED
} HoldColumn;

static UsomUpdate hold_rows = {
	.table = "hold",
	.index = "hold_pkey",
	.nkeys = 2,
	.ncolumns = HOLD_UPDATED,
	.columns = {
		[HOLD_ORG] = {"org_id", "bigint"},
		[HOLD_ID] = {"hold_id", "bigint"},
		[HOLD_REASON] = {"reason", "text"},
		[HOLD_EXPIRES_AT] = {"expires_at", "timestamptz"},
		[HOLD_RELEASE_REASON] = {"release_reason", "text"},
		[HOLD_RELEASED_AT] = {"released_at", "timestamptz"},
		[HOLD_RELEASED_BY] = {"released_by", "text"},
	},
};

/* Holds of an order that change alike. */
typedef struct HoldChange
{
	int			count;
	int64	   *ids;
	bool		ends;			/* or is renewed */
	NullableDatum reason;
	NullableDatum at;			/* expires, or was released */
} HoldChange;

static void
change_hold(void *argument, int i, Datum *values, bool *nulls)
{
	const HoldChange *change = argument;
	int			reason = change->ends ? HOLD_RELEASE_REASON : HOLD_REASON;
	int			at = change->ends ? HOLD_RELEASED_AT : HOLD_EXPIRES_AT;

	values[reason] = change->reason.value;
	nulls[reason] = change->reason.isnull;
	values[at] = change->at.value;
	nulls[at] = change->at.isnull;
	if (!change->ends)
		return;
	values[HOLD_RELEASED_BY] = CStringGetTextDatum(GetUserNameFromId(GetSessionUserId(), false));
	nulls[HOLD_RELEASED_BY] = false;
}

static void
write_change(int64 org_id, HoldChange *change)
{
	UsomQuery  *query = change->ends ? &end_holds : &renew_holds;
	Datum	   *keys = palloc_array(Datum, 2 * change->count);
	UsomRowChanges changes = {
		.update = &hold_rows, .text = query->text, .keys = keys, .count = change->count, .change = change_hold, .argument = change,
	};
	Datum		values[4] = {Int64GetDatum(org_id), usom_query_keys(change->ids, change->count), change->reason.value, change->at.value};
	bool		nulls[4] = {false, false, change->reason.isnull, change->at.isnull};

	for (int i = 0; i < change->count; i++)
	{
		keys[2 * i + HOLD_ORG] = values[0];
		keys[2 * i + HOLD_ID] = Int64GetDatum(change->ids[i]);
	}
	if (unlikely(!usom_update_run(&changes)))
		changes.changed = usom_query_write(query, values, nulls);
	Ensure(changes.changed == (uint64) change->count, "usom wrote " UINT64_FORMAT " of %d holds", changes.changed, change->count);
}

/* The oldest that blocks the action, whatever it stands on; NULL: none. */
static const UsomActiveHold *
find_hold(UsomOrderSet *set, int order, const char *action)
{
	const UsomActiveHold *found = NULL;
	int			count;
	const UsomActiveHold *active = usom_order_active_holds(set, order, &count);

	for (int i = 0; i < count; i++)
		if ((found == NULL || active[i].hold_id < found->hold_id) && usom_order_is_among(active[i].blocks, action))
			found = &active[i];
	return found;
}

bool
usom_order_is_held(UsomOrderSet *set, int order, const char *action)
{
	return find_hold(set, order, action) != NULL;
}

void
usom_order_check_holds(UsomOrderSet *set, int order, const char *action)
{
	const UsomActiveHold *hold = find_hold(set, order, action);

	if (hold == NULL)
		return;
	ereport(ERROR, errcode(USOM_ERR(ACTION_HELD)),
			errmsg("cannot %s order \"%s\" while it is on %s hold", action, set->orders[order].order_no, hold->type),
			errdetail("The reason given: %s.", hold->reason ? hold->reason : "none"),
			strcmp(hold->type, USOM_APPROVAL_HOLD) == 0
			? errhint("Have another person call usom.approve_order('%s', ...).", set->orders[order].order_no)
			: errhint("Call usom.release_hold('%s', '%s', ...) first.", set->orders[order].order_no, hold->type));
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

/* What the caller says of a hold. */
typedef struct Asked
{
	const char *type;
	Place		place;
	NullableDatum reason;
	NullableDatum expires_at;
} Asked;

/* Of the type, and standing there: just there, or, to be released, anywhere within. */
static void
choose_holds(const UsomOrderSet *set, const Asked *asked, HoldChange *change)
{
	int			count;
	const UsomActiveHold *active = usom_order_active_holds(set, 0, &count);

	change->ids = palloc_array(int64, count + 1);
	for (int i = 0; i < count; i++)
	{
		bool		is_there = (active[i].line_no == asked->place.line_no || (change->ends && !asked->place.has_line)) &&
			(active[i].piece_no == asked->place.piece_no || (change->ends && !asked->place.has_piece));

		if (is_there && strcmp(active[i].type, asked->type) == 0 && (change->ends || !active[i].is_found))
			change->ids[change->count++] = active[i].hold_id;
	}
}

static void
insert_asked(const UsomOrderSet *set, const Asked *asked)
{
	UsomRows   *rows = usom_insert_rows(&insert_hold, 1);
	Datum		row[HOLD_COLUMNS] = {
		Int64GetDatum(set->orders[0].sales_order_id), TimestampTzGetDatum(usom_call_time()), CStringGetTextDatum(asked->type),
		asked->reason.value, asked->expires_at.value, Int32GetDatum(asked->place.line_no), Int32GetDatum(asked->place.piece_no),
		PointerGetDatum(blocks_of(set->org_id, asked->type)),
	};
	bool		nulls[HOLD_COLUMNS] = {
		false, false, false, asked->reason.isnull, asked->expires_at.isnull, !asked->place.has_line, !asked->place.has_piece, false
	};

	usom_rows_add(rows, row, nulls);
	usom_insert_run(&insert_hold, set->org_id, rows);
}

static void
renew_or_insert(UsomOrderSet *set, const Asked *asked)
{
	HoldChange	change = {.reason = asked->reason, .at = asked->expires_at};

	choose_holds(set, asked, &change);
	if (change.count > 0)
	{
		write_change(set->org_id, &change);
		return;
	}
	insert_asked(set, asked);
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
	Asked		asked = {.type = type, .place = place, .reason = fcinfo->args[2], .expires_at = fcinfo->args[3]};

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
	Asked		asked = {.type = type, .place = place};
	HoldChange	change = {.ends = true, .reason = fcinfo->args[2], .at = {.value = TimestampTzGetDatum(usom_call_time())}};

	usom_approval_check_release(set, 0, type);
	choose_holds(set, &asked, &change);
	if (change.count == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_HOLD)),
				errmsg("order \"%s\" has no active %s hold%s", set->orders[0].order_no, type,
					   place.has_piece ? psprintf(" on piece %d of line %d", place.piece_no, place.line_no)
					   : place.has_line ? psprintf(" on line %d", place.line_no) : ""),
				errhint("Look it up in usom.holds."));
	write_change(set->org_id, &change);
	note_hold(set, "release_hold", type, place.line_no);
	return usom_order_answer_status(answer, set);
}
