/*
 * pick_claim_rows.c
 *		Pick tasks are claimed past the executor: four steps in place of one
 *		statement, most of whose cost is to begin it.
 *
 * The tasks that may be his are looked for without a lock: those that the
 * picker has, those whose lease has run out, and free ones in their sequence,
 * some more than he wants, as others take them meanwhile.  Then they are
 * locked, those that others look at left out, and looked at again.  What is
 * locked is read with all that the picker is told, and written.
 *
 * Locks: as pick_claim.c has it.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "fulfillment/pick_claim.h"

#include "base/call.h"
#include "base/fetch.h"
#include "base/update.h"
#include "miscadmin.h"
#include "order/order.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define MORE_THAN_WANTED 8

/* ---- tasks ---- */

enum
{
	TASK_ORG, TASK_ID, TASK_LOCATION, TASK_WAVE, TASK_LEAVES_AT, TASK_SEQUENCE, TASK_ORDER, TASK_LINE, TASK_PIECE, TASK_PRODUCT,
	TASK_BIN, TASK_QUANTITY, TASK_PICKED, TASK_STATUS, TASK_CLAIMED_BY, TASK_CLAIMED_UNTIL, TASK_ENDED_AT, TASK_COLUMNS
};

#define TASK_KEYS 2

static UsomUpdate task_rows = {
	.table = "pick_task",
	.index = "pick_task_pkey",
	.nkeys = TASK_KEYS,
	.ncolumns = TASK_COLUMNS,
	.columns = {
		[TASK_ORG] = {"org_id", "bigint"},
		[TASK_ID] = {"pick_task_id", "bigint"},
		[TASK_LOCATION] = {"location_id", "bigint"},
		[TASK_WAVE] = {"wave_id", "bigint"},
		[TASK_LEAVES_AT] = {"leaves_at", "timestamptz"},
		[TASK_SEQUENCE] = {"sequence", "integer"},
		[TASK_ORDER] = {"order_id", "bigint"},
		[TASK_LINE] = {"line_no", "integer"},
		[TASK_PIECE] = {"piece_no", "integer"},
		[TASK_PRODUCT] = {"product_id", "bigint"},
		[TASK_BIN] = {"bin_id", "bigint"},
		[TASK_QUANTITY] = {"quantity", "numeric"},
		[TASK_PICKED] = {"quantity_picked", "numeric"},
		[TASK_STATUS] = {"status", "text"},
		[TASK_CLAIMED_BY] = {"claimed_by", "text"},
		[TASK_CLAIMED_UNTIL] = {"claimed_until", "timestamptz"},
		[TASK_ENDED_AT] = {"ended_at", "timestamptz"},
	},
};

typedef struct Claiming
{
	const UsomPickClaim *wanted;
	const char *picker;
	TimestampTz now;
	bool		own;			/* are those of the picker locked, or those of nobody? */
	UsomPickClaimed *claimed;
	int			nclaimed;
	int			capacity;
} Claiming;

/* ---- look ---- */

static UsomFetch find_own = {
	.table = "pick_task", .index = "pick_task_of_picker",
	.nkeys = 3, .keys = {{"org_id", "bigint"}, {"claimed_by", "text"}, {"location_id", "bigint"}},
	.ncolumns = 1, .columns = {{"pick_task_id", "bigint"}},
};

static UsomFetch find_run_out = {
	.table = "pick_task", .index = "pick_task_lease", .upto = true,
	.nkeys = 3, .keys = {{"org_id", "bigint"}, {"location_id", "bigint"}, {"claimed_until", "timestamptz"}},
	.ncolumns = 1, .columns = {{"pick_task_id", "bigint"}},
};

static UsomFetch find_free = {
	.table = "pick_task", .index = "pick_task_free", .null_columns = {"claimed_until", "ended_at"},
	.order = {"leaves_at", "wave_id", "sequence"},
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"location_id", "bigint"}},
	.ncolumns = 1, .columns = {{"pick_task_id", "bigint"}},
};

/* Keys of tasks that he may lock. */
typedef struct Seen
{
	const Claiming *claiming;
	uint64		limit;
	UsomFetched own;
	UsomFetched run_out;
	UsomFetched free;
} Seen;

static bool
look(void *argument)
{
	Seen	   *seen = argument;
	const UsomPickClaim *wanted = seen->claiming->wanted;
	Datum		own[3] = {Int64GetDatum(wanted->org_id), wanted->picker, Int64GetDatum(wanted->location_id)};
	Datum		others[3] = {Int64GetDatum(wanted->org_id), Int64GetDatum(wanted->location_id), TimestampTzGetDatum(seen->claiming->now)};

	find_run_out.limit = find_free.limit = seen->limit;
	return usom_fetch_rows(&find_own, own, NULL, &seen->own) &&
		usom_fetch_rows(&find_run_out, others, NULL, &seen->run_out) &&
		usom_fetch_rows(&find_free, others, NULL, &seen->free);
}

/* ---- lock ---- */

static bool
is_of(Datum value, bool isnull, const char *name)
{
	return !isnull && strlen(name) == VARSIZE_ANY_EXHDR(DatumGetPointer(value)) &&
		memcmp(VARDATA_ANY(DatumGetPointer(value)), name, strlen(name)) == 0;
}

static bool
is_wanted(void *argument, const Datum *values, const bool *nulls)
{
	const Claiming *claiming = argument;

	if (!nulls[TASK_ENDED_AT] || DatumGetInt64(values[TASK_LOCATION]) != claiming->wanted->location_id ||
		is_of(values[TASK_CLAIMED_BY], nulls[TASK_CLAIMED_BY], claiming->picker) != claiming->own)
		return false;
	return claiming->own || nulls[TASK_CLAIMED_UNTIL] || DatumGetTimestampTz(values[TASK_CLAIMED_UNTIL]) <= claiming->now;
}

static void
add_locked(void *argument, const Datum *values, const bool *nulls)
{
	Claiming   *claiming = argument;
	UsomQuantity picked = usom_quantity_of_datum(values[TASK_PICKED]);

	if (claiming->nclaimed == claiming->capacity)
	{
		claiming->capacity = Max(claiming->capacity * 2, 16);
		claiming->claimed = claiming->claimed == NULL ? palloc_array(UsomPickClaimed, claiming->capacity) :
			repalloc_array(claiming->claimed, UsomPickClaimed, claiming->capacity);
	}
	claiming->claimed[claiming->nclaimed++] = (UsomPickClaimed) {
		.pick_task_id = DatumGetInt64(values[TASK_ID]),
		.untimed = nulls[TASK_LEAVES_AT],
		.leaves_at = nulls[TASK_LEAVES_AT] ? DT_NOEND : DatumGetTimestampTz(values[TASK_LEAVES_AT]),
		.wave_id = DatumGetInt64(values[TASK_WAVE]),
		.sequence = DatumGetInt32(values[TASK_SEQUENCE]),
		.order_id = DatumGetInt64(values[TASK_ORDER]),
		.line_no = DatumGetInt32(values[TASK_LINE]),
		.piece_no = DatumGetInt32(values[TASK_PIECE]),
		.product_id = DatumGetInt64(values[TASK_PRODUCT]),
		.bin_id = nulls[TASK_BIN] ? 0 : DatumGetInt64(values[TASK_BIN]),
		.quantity = usom_quantity_of_datum(values[TASK_QUANTITY]) - picked,
		.began = picked > 0,
	};
}

static bool
lock_seen(Claiming *claiming, const UsomFetched *seen, bool own, int limit)
{
	Datum	   *keys = palloc_array(Datum, seen->count * TASK_KEYS);
	UsomRowLocks locks = {
		.update = &task_rows, .text = "SELECT ... FROM usom.pick_task FOR NO KEY UPDATE SKIP LOCKED", .keys = keys, .nkeys = TASK_KEYS,
		.count = (int) seen->count, .skip_locked = true, .limit = limit, .wanted = is_wanted, .locked = add_locked, .argument = claiming,
	};

	claiming->own = own;
	for (uint64 i = 0; i < seen->count; i++)
	{
		keys[i * TASK_KEYS] = Int64GetDatum(claiming->wanted->org_id);
		keys[i * TASK_KEYS + 1] = seen->values[i];
	}
	return seen->count == 0 || usom_row_locks_take(&locks);
}

static int
compare_turns(const void *a, const void *b)
{
	const UsomPickClaimed *left = a;
	const UsomPickClaimed *right = b;

	if (left->leaves_at != right->leaves_at)
		return left->leaves_at < right->leaves_at ? -1 : 1;
	if (left->wave_id != right->wave_id)
		return left->wave_id < right->wave_id ? -1 : 1;
	return (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

static void
sort(Claiming *claiming, int from)
{
	if (claiming->nclaimed > from)
		qsort(&claiming->claimed[from], claiming->nclaimed - from, sizeof(UsomPickClaimed), compare_turns);
}

/* His own first, then those of nobody. */
static bool
lock_some(Claiming *claiming, const Seen *seen)
{
	int			tasks = claiming->wanted->tasks;
	int			own;

	claiming->nclaimed = 0;
	if (!lock_seen(claiming, &seen->own, true, 0))
		return false;
	sort(claiming, 0);
	own = claiming->nclaimed;
	if (own < tasks && (!lock_seen(claiming, &seen->run_out, false, tasks - own) || !lock_seen(claiming, &seen->free, false, tasks - own)))
		return false;
	sort(claiming, Min(own, tasks));
	return true;
}

/* Are there perhaps more, behind those that were seen and taken by others? */
static bool
want_more(const Claiming *claiming, const Seen *seen)
{
	return claiming->nclaimed < claiming->wanted->tasks && Max(seen->free.count, seen->run_out.count) == seen->limit;
}

static bool
lock_tasks(Claiming *claiming)
{
	Seen		seen = {.claiming = claiming, .limit = claiming->wanted->tasks * 2 + MORE_THAN_WANTED};

	for (;; seen.limit *= 4)
	{
		CHECK_FOR_INTERRUPTS();
		if (!usom_fetch_together(look, &seen) || !lock_some(claiming, &seen))
			return false;
		if (!want_more(claiming, &seen))
			break;
	}
	claiming->nclaimed = Min(claiming->nclaimed, claiming->wanted->tasks);
	sort(claiming, 0);
	return true;
}

/* ---- read ---- */

static UsomFetch read_piece = {
	.table = "fulfillment_line", .index = "fulfillment_line_pkey",
	.nkeys = 4, .keys = {{"org_id", "bigint"}, {"sales_order_id", "bigint"}, {"line_no", "integer"}, {"piece_no", "integer"}},
	.ncolumns = 5, .columns = {{"status", "usom.piece_status"}, {"location_id", "bigint"}, {"product_id", "bigint"}, {"lot", "text"}, {"quantity", "numeric"}},
};

static UsomFetch read_wave = {
	.table = "wave", .index = "wave_pkey",
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"wave_id", "bigint"}},
	.ncolumns = 1, .columns = {{"wave_no", "text"}},
};

static UsomFetch read_order = {
	.table = "sales_order", .index = "sales_order_pkey",
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"sales_order_id", "bigint"}},
	.ncolumns = 1, .columns = {{"order_no", "text"}},
};

static UsomFetch read_product = {
	.table = "product", .index = "product_pkey",
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"product_id", "bigint"}},
	.ncolumns = 2, .columns = {{"sku", "text"}, {"name", "text"}},
};

static UsomFetch read_bin = {
	.table = "bin", .index = "bin_pkey",
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"bin_id", "bigint"}},
	.ncolumns = 2, .columns = {{"zone", "text"}, {"code", "text"}},
};

/* Texts of the row under a key; those of none stay null. */
static bool
read_texts(UsomFetch *fetch, int64 org_id, int64 key, Datum *first, Datum *second)
{
	Datum		keys[2] = {Int64GetDatum(org_id), Int64GetDatum(key)};
	UsomFetched row;

	if (!usom_fetch_rows(fetch, keys, NULL, &row))
		return false;
	if (row.count > 0 && !row.nulls[0])
		*first = row.values[0];
	if (row.count > 0 && second != NULL && !row.nulls[1])
		*second = row.values[1];
	return true;
}

/* The piece is the truth. */
static bool
read_truth(const UsomPickClaim *wanted, UsomPickClaimed *task)
{
	Datum		keys[4] = {
		Int64GetDatum(wanted->org_id), Int64GetDatum(task->order_id), Int32GetDatum(task->line_no), Int32GetDatum(task->piece_no)
	};
	UsomFetched piece;

	if (!usom_fetch_rows(&read_piece, keys, NULL, &piece))
		return false;
	task->live = piece.count > 0 && DatumGetUInt8(piece.values[0]) == USOM_PIECE_RELEASED &&
		!piece.nulls[1] && DatumGetInt64(piece.values[1]) == wanted->location_id && DatumGetInt64(piece.values[2]) == task->product_id;
	if (!task->live)
		return true;
	task->lot = piece.values[3];
	task->quantity = Min(task->quantity, usom_quantity_of_datum(piece.values[4]));
	return true;
}

/* One wave gives most of a cart. */
static bool
read_names(const UsomPickClaim *wanted, UsomPickClaimed *task, const UsomPickClaimed *before)
{
	if (before != NULL && before->wave_id == task->wave_id)
		task->wave_no = before->wave_no;
	else if (!read_texts(&read_wave, wanted->org_id, task->wave_id, &task->wave_no, NULL))
		return false;
	return read_texts(&read_order, wanted->org_id, task->order_id, &task->order_no, NULL) &&
		read_texts(&read_product, wanted->org_id, task->product_id, &task->sku, &task->name) &&
		(task->bin_id == 0 || read_texts(&read_bin, wanted->org_id, task->bin_id, &task->zone, &task->bin));
}

static bool
read_all(void *argument)
{
	Claiming   *claiming = argument;

	for (int i = 0; i < claiming->nclaimed; i++)
		if (!read_truth(claiming->wanted, &claiming->claimed[i]) ||
			!read_names(claiming->wanted, &claiming->claimed[i], i > 0 ? &claiming->claimed[i - 1] : NULL))
			return false;
	return true;
}

/* ---- write ---- */

static void
change(void *argument, int i, Datum *values, bool *nulls)
{
	const Claiming *claiming = argument;
	const UsomPickClaimed *task = &claiming->claimed[i];

	nulls[TASK_CLAIMED_BY] = nulls[TASK_CLAIMED_UNTIL] = !task->live;
	nulls[TASK_ENDED_AT] = task->live;
	values[TASK_CLAIMED_BY] = claiming->wanted->picker;
	values[TASK_CLAIMED_UNTIL] = TimestampTzGetDatum(claiming->wanted->until);
	values[TASK_ENDED_AT] = TimestampTzGetDatum(claiming->now);
	if (!task->live)
		values[TASK_STATUS] = CStringGetTextDatum(task->began ? "picked" : "void");
}

static bool
write_all(Claiming *claiming)
{
	Datum	   *keys = palloc_array(Datum, claiming->nclaimed * TASK_KEYS);
	UsomRowChanges changes = {
		.update = &task_rows, .text = "UPDATE usom.pick_task SET claimed_by = ..., claimed_until = ...", .keys = keys, .count = claiming->nclaimed,
		.change = change, .argument = claiming,
	};

	for (int i = 0; i < claiming->nclaimed; i++)
	{
		keys[i * TASK_KEYS] = Int64GetDatum(claiming->wanted->org_id);
		keys[i * TASK_KEYS + 1] = Int64GetDatum(claiming->claimed[i].pick_task_id);
	}
	return claiming->nclaimed == 0 || usom_update_run(&changes);
}

bool
usom_pick_claim_rows(const UsomPickClaim *wanted, UsomPickClaimed **claimed, int *nclaimed)
{
	Claiming	claiming = {.wanted = wanted, .picker = TextDatumGetCString(wanted->picker), .now = usom_call_time()};

	if (!lock_tasks(&claiming) || !usom_fetch_together(read_all, &claiming) || !write_all(&claiming))
		return false;
	*claimed = claiming.claimed;
	*nclaimed = claiming.nclaimed;
	return true;
}
