/*
 * pick_task.c
 *		One pick task: opened under the lock of its order, checked, written.
 *
 * Locks: the order, then the task.  Who claims tasks passes over locked ones,
 * so nobody waits for a picker.
 *
 * Invariant: units picked and missing are never more than were planned, and
 * each unit that is picked moved its piece in the same call.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "fulfillment/pick_task.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "party/party.h"
#include "stock/lot.h"
#include "stock/serial.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom__pick_task_sound);

static UsomQuery find_order = {
	.text = "SELECT o.order_no FROM usom.pick_task AS t "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = t.order_id AND ($3 IS NULL OR o.channel_id = ANY ($3)) "
	"WHERE t.org_id = $1 AND t.pick_task_id = $2",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "bigint[]"},
};

static UsomQuery lock_task = {
	.text = "SELECT w.wave_no, t.location_id, l.code, t.line_no, t.piece_no, t.product_id, p.sku, b.code, t.quantity, t.quantity_picked, "
	"t.quantity_short, t.status, CASE WHEN t.claimed_until > $3 THEN t.claimed_by END, t.sequence FROM usom.pick_task AS t "
	"JOIN usom.wave AS w ON w.org_id = $1 AND w.wave_id = t.wave_id "
	"LEFT JOIN usom.location AS l ON l.org_id = $1 AND l.location_id = t.location_id "
	"LEFT JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = t.product_id "
	"LEFT JOIN usom.bin AS b ON b.org_id = $1 AND b.bin_id = t.bin_id "
	"WHERE t.org_id = $1 AND t.pick_task_id = $2 FOR NO KEY UPDATE OF t",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

/* Does the product lie in the bin that was scanned, too? */
static UsomQuery find_bin = {
	.text = "SELECT 1 FROM usom.bin AS b JOIN usom.bin_product AS p ON p.org_id = $1 AND p.bin_id = b.bin_id AND p.product_id = $4 "
	"WHERE b.org_id = $1 AND b.location_id = $2 AND b.code = $3",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "text", "bigint"},
};

static UsomQuery update_task = {
	.text = "UPDATE usom.pick_task AS t SET quantity_picked = $3, quantity_short = $4, status = $5, picked_by = coalesce($6, t.claimed_by, t.picked_by), "
	"claimed_by = CASE WHEN $5 = 'open' THEN t.claimed_by END, claimed_until = CASE WHEN $5 = 'open' THEN t.claimed_until END, "
	"ended_at = CASE WHEN $5 <> 'open' THEN $7 END WHERE t.org_id = $1 AND t.pick_task_id = $2",
	.nargs = 7,
	.argtypes = {"bigint", "bigint", "numeric", "numeric", "text", "text", "timestamptz"},
};

/* ---- what must hold of a row ---- */

static bool
is_label(const text *value, const char *label)
{
	size_t		length = strlen(label);

	return VARSIZE_ANY_EXHDR(value) == length && memcmp(VARDATA_ANY(value), label, length) == 0;
}

/* usom._pick_task_sound(status, quantity, quantity_picked, quantity_short, claimed_by, claimed_until, ended_at) */
Datum
usom__pick_task_sound(PG_FUNCTION_ARGS)
{
	const text *status;
	UsomQuantity picked;
	UsomQuantity missing;
	bool		open;
	bool		is_short;
	bool		is_picked;
	bool		claimed = !PG_ARGISNULL(5);

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		PG_RETURN_BOOL(false);
	status = PG_GETARG_TEXT_PP(0);
	picked = usom_quantity_of(PG_GETARG_NUMERIC(2));
	missing = usom_quantity_of(PG_GETARG_NUMERIC(3));
	open = is_label(status, "open");
	is_short = is_label(status, "short");
	is_picked = is_label(status, "picked");
	PG_RETURN_BOOL((open || is_short || is_picked || is_label(status, "void")) &&
				   usom_quantity_add(picked, missing) <= usom_quantity_of(PG_GETARG_NUMERIC(1)) &&
				   is_short == (missing > 0) && (!is_picked || picked > 0) &&
				   claimed == !PG_ARGISNULL(4) && open == PG_ARGISNULL(6) && (open || !claimed));
}

/* ---- open ---- */

static void
refuse_unknown(int64 number)
{
	ereport(ERROR, errcode(USOM_ERR(UNKNOWN_PICK_TASK)),
			errmsg("no pick task " INT64_FORMAT, number),
			errhint("Look it up in usom.pick_tasks."));
}

static UsomOrderSet *
load_order(int64 org_id, int64 number)
{
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(org_id), Int64GetDatum(number)};

	values[2] = usom_party_channels(&nulls[2]);
	if (usom_query_run(&find_order, values, nulls) == 0)
		refuse_unknown(number);
	return usom_order_load(org_id, usom_query_get_text(0, 1));
}

static int
line_of(const UsomOrderSet *set, int32 line_no)
{
	for (int i = 0; i < set->nlines; i++)
		if (set->lines[i].line_no == line_no)
			return i;
	return -1;
}

/* The piece, as far as it lies there and is to be picked. */
static int
piece_of(const UsomPickTask *task, int32 piece_no)
{
	const UsomOrderSet *set = task->set;

	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];

		if (piece->line == task->line && piece->piece_no == piece_no)
			return piece->status == USOM_PIECE_RELEASED && piece->location_id == task->location_id &&
				set->lines[task->line].product_id == task->product_id ? i : -1;
	}
	return -1;
}

static UsomQuantity
quantity_column(int column)
{
	return usom_quantity_of(DatumGetNumeric(usom_query_get(0, column)));
}

static void
take_row(UsomPickTask *task)
{
	task->wave_no = usom_query_get_text(0, 1);
	task->location_id = DatumGetInt64(usom_query_get(0, 2));
	task->location = usom_query_get_text(0, 3);
	task->line = line_of(task->set, DatumGetInt32(usom_query_get(0, 4)));
	task->product_id = DatumGetInt64(usom_query_get(0, 6));
	task->sku = usom_query_get_text(0, 7);
	task->bin = usom_query_get_text(0, 8);
	task->quantity = quantity_column(9);
	task->picked = quantity_column(10);
	task->missing = quantity_column(11);
	task->status = usom_query_get_text(0, 12);
	task->claimed_by = usom_query_get_text(0, 13);
	task->name = psprintf("pick task %d of wave \"%s\"", DatumGetInt32(usom_query_get(0, 14)), task->wave_no);
	task->piece = strcmp(task->status, "open") == 0 ? piece_of(task, DatumGetInt32(usom_query_get(0, 5))) : -1;
	if (task->piece >= 0)
		task->left = Min(task->set->pieces[task->piece].quantity, task->quantity - task->picked);
}

static void
check_picker(const UsomPickTask *task)
{
	if (task->picker != NULL && task->claimed_by != NULL && strcmp(task->picker, task->claimed_by) != 0)
		ereport(ERROR, errcode(USOM_ERR(CLAIMED_BY_OTHER)),
				errmsg("%s is not of \"%s\"", task->name, task->picker),
				errdetail("\"%s\" works on it.", task->claimed_by),
				errhint("Claim others with usom.claim_picks()."));
}

UsomPickTask *
usom_pick_open(FunctionCallInfo fcinfo, int picker_arg)
{
	UsomPickTask *task = palloc0_object(UsomPickTask);

	usom_order_arg_required(fcinfo, 0, "task");
	task->org_id = usom_party_org();
	task->pick_task_id = PG_GETARG_INT64(0);
	task->picker = PG_ARGISNULL(picker_arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(picker_arg));
	task->set = load_order(task->org_id, task->pick_task_id);
	if (usom_query_run(&lock_task, (Datum[]) {Int64GetDatum(task->org_id), Int64GetDatum(task->pick_task_id),
					   TimestampTzGetDatum(usom_call_time())}, NULL) == 0)
		refuse_unknown(task->pick_task_id);
	take_row(task);
	check_picker(task);
	return task;
}

static void
refuse_scan(const UsomPickTask *task, const char *what, const char *scanned, const char *wanted)
{
	ereport(ERROR, errcode(USOM_ERR(WRONG_SCAN)),
			errmsg("%s is not about %s \"%s\"", task->name, what, scanned),
			errdetail("It is about %s \"%s\".", what, wanted),
			errhint("Take that, or tell with usom.short_pick() that it is not there."));
}

static bool
lies_in(const UsomPickTask *task, const char *bin)
{
	return usom_query_run(&find_bin, (Datum[]) {Int64GetDatum(task->org_id), Int64GetDatum(task->location_id),
						  CStringGetTextDatum(bin), Int64GetDatum(task->product_id)}, NULL) > 0;
}

void
usom_pick_check_scan(const UsomPickTask *task, const UsomScan *scan, UsomQuantity units)
{
	if (scan->sku != NULL && strcmp(scan->sku, task->sku) != 0)
		refuse_scan(task, "product", scan->sku, task->sku);
	if (scan->bin != NULL && (task->bin == NULL || strcmp(scan->bin, task->bin) != 0) && !lies_in(task, scan->bin))
		refuse_scan(task, "bin", scan->bin, task->bin ? task->bin : "");
	if (scan->nserials > 0 && scan->nserials * USOM_UNIT != units)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%d serial numbers are scanned for %s units", scan->nserials, usom_quantity_text(units)),
				errhint("Give one for each unit that is picked now, or none."));
}

UsomQuantity
usom_pick_units(const UsomPickTask *task, FunctionCallInfo fcinfo, int arg)
{
	UsomQuantity units = PG_ARGISNULL(arg) ? task->picked + task->left : usom_quantity_of(PG_GETARG_NUMERIC(arg));

	if (units < task->picked || units > task->picked + task->left)
		ereport(ERROR, errcode(USOM_ERR(NOT_PICKABLE)),
				errmsg("of %s not %s units can be picked in all", task->name, usom_quantity_text(units)),
				errdetail("%s are picked, %s are left.", usom_quantity_text(task->picked), usom_quantity_text(task->left)),
				errhint("Give the units that are picked by now. Units that nobody wants any more go back to their bin."));
	if (units == 0 && PG_ARGISNULL(arg))
		ereport(ERROR, errcode(USOM_ERR(NOT_PICKABLE)),
				errmsg("nothing is left of %s", task->name),
				errdetail("Its units are not released at \"%s\" any more.", task->location),
				errhint("Look at the pieces of order \"%s\" in usom.order_pieces.", task->set->orders[0].order_no));
	return units;
}

/* What the call keeps of a lot already, and nobody else sees yet. */
static UsomQuantity
units_noted(const UsomOrderSet *set, const UsomStockKey *key)
{
	UsomQuantity units = 0;

	for (int i = 0; i < set->ndeltas; i++)
		if (usom_stock_key_compare(&set->deltas[i].key, key) == 0)
			units += set->deltas[i].reserved;
	return Max(units, 0);
}

void
usom_pick_piece(UsomOrderSet *set, int piece, UsomQuantity units, const char *lot)
{
	const UsomPiece *from = &set->pieces[piece];

	if (lot != NULL && strcmp(lot, from->lot) != 0)
	{
		UsomStockKey key = {set->lines[from->line].product_id, from->location_id, lot, 0};

		usom_stock_check_lot(set->org_id, key.product_id, key.location_id, lot, usom_quantity_add(units, units_noted(set, &key)));
		piece = usom_order_swap_lot(set, piece, units, lot);
	}
	usom_order_move_piece(set, piece, USOM_PIECE_PICKED, units, NULL);
}

void
usom_pick_take(UsomPickTask *task, UsomQuantity units, const UsomScan *scan)
{
	UsomOrder  *order = &task->set->orders[0];

	if (units == 0)
		return;
	if (scan->nserials > 0)
		usom_stock_serials_take(task->org_id, task->product_id, task->location_id, scan->serials, scan->nserials,
								order->sales_order_id, task->set->lines[task->line].line_no, task->wave_no);
	usom_pick_piece(task->set, task->piece, units, scan->lot);
	task->picked += units;
	task->left -= units;
	order->event_line = task->set->lines[task->line].line_no;
	order->event_quantity = units;
	order->event_reference = task->wave_no;
}

void
usom_pick_write(UsomPickTask *task)
{
	bool		nulls[7] = {false, false, false, false, false, task->picker == NULL, false};

	if (task->left == 0)
		task->status = task->missing > 0 ? "short" : "picked";
	usom_query_write(&update_task, (Datum[]) {
		Int64GetDatum(task->org_id),
		Int64GetDatum(task->pick_task_id),
		NumericGetDatum(usom_quantity_stored(task->picked)),
		NumericGetDatum(usom_quantity_stored(task->missing)),
		CStringGetTextDatum(task->status),
		task->picker ? CStringGetTextDatum(task->picker) : (Datum) 0,
		TimestampTzGetDatum(usom_call_time()),
	}, nulls);
}

Datum
usom_pick_answer(UsomAnswer *answer, const UsomPickTask *task)
{
	bool		nulls[5] = {false};
	Datum		values[5] = {
		CStringGetTextDatum(task->status),
		NumericGetDatum(usom_quantity_numeric(task->picked)),
		NumericGetDatum(usom_quantity_numeric(task->missing)),
		NumericGetDatum(usom_quantity_numeric(task->left)),
		CStringGetTextDatum(usom_order_lifecycle_table.labels[task->set->orders[0].status]),
	};

	return usom_order_answer_row(answer, values, nulls);
}
