/*
 * pick_claim.c
 *		usom.claim_picks() and usom.unclaim_picks(): pickers share out the tasks of a location.
 *
 * A picker asks for so many tasks on his cart: those he has already come
 * first, renewed, so that a repeated call answers as before; then tasks whose
 * lease has run out, and free ones, in the sequence of what leaves first.
 * Leases are read, not swept.  A task that nobody wants any more ends here,
 * and another one is looked for.
 *
 * Locks: the tasks, in any order, those that others look at left out; nothing
 * is locked after them.
 *
 * Memory: SPI's; the answer in the result's own.
 */
#include "postgres.h"

#include "fulfillment/pick_claim.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/query.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "order/answer.h"
#include "party/party.h"
#include "stock/site.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_claim_picks);
PG_FUNCTION_INFO_V1(usom_unclaim_picks);

#define MOST_TASKS 1000			/* of one call */
#define ANSWER_COLUMNS 13

static UsomQuery find_unknown = {
	.text = "SELECT usom.location_id($1)",
	.nargs = 1,
	.argtypes = {"text"},
};

static UsomQuery find_wave_no = {
	.text = "SELECT w.wave_id FROM usom.wave AS w WHERE w.org_id = $1 AND w.wave_no = $2",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

#define TASK \
	"t.leaves_at, t.wave_id, t.sequence, t.pick_task_id, t.order_id, t.line_no, t.piece_no, t.product_id, t.bin_id"

#define OPEN_HERE \
	"usom.pick_task AS t WHERE t.org_id = $1 AND t.location_id = $2 AND ($7 IS NULL OR t.wave_id = $7) " \
	"AND ($8 IS NULL OR t.channel_id = ANY ($8)) "

/*
 * $3 picker, $4 now, $5 until, $6 how many at most.  Each of the three looks fits the predicate of one
 * partial index and of no other: what few tasks are claimed makes them all look alike to the planner.
 * Nearly all of its cost is to begin it: no node more than needed, and few columns where many nodes
 * pass them on.  The rows are sorted afterwards.
 */
static UsomQuery claim = {
	.text = "WITH chosen (turn, leaves_at, wave_id, sequence, pick_task_id, order_id, line_no, piece_no, product_id, bin_id) AS ("
	"SELECT m.* FROM (SELECT 1 AS turn, " TASK " FROM " OPEN_HERE
	"AND t.claimed_by = $3 FOR NO KEY UPDATE SKIP LOCKED) AS m UNION ALL "
	"SELECT e.* FROM (SELECT 2, " TASK " FROM " OPEN_HERE
	"AND t.claimed_until <= $4 AND t.claimed_by IS DISTINCT FROM $3 ORDER BY t.claimed_until LIMIT $6 FOR NO KEY UPDATE SKIP LOCKED) AS e UNION ALL "
	"SELECT f.* FROM (SELECT 2, " TASK " FROM " OPEN_HERE
	"AND t.claimed_until IS NULL AND t.ended_at IS NULL "
	"ORDER BY t.leaves_at, t.wave_id, t.sequence LIMIT $6 FOR NO KEY UPDATE SKIP LOCKED) AS f ORDER BY 1, 2, 3, 4 LIMIT $6) "
	"UPDATE usom.pick_task AS t SET claimed_by = CASE WHEN s.live THEN $3 END, claimed_until = CASE WHEN s.live THEN $5 END, "
	"status = CASE WHEN s.live THEN 'open' WHEN t.quantity_picked > 0 THEN 'picked' ELSE 'void' END, ended_at = CASE WHEN NOT s.live THEN $4 END "
	"FROM (SELECT c.pick_task_id, f.status IS NOT NULL AS live, f.lot, f.quantity, w.wave_no, o.order_no, p.sku, p.name, "
	"b.zone, b.code AS bin FROM chosen AS c "
	"JOIN usom.wave AS w ON w.org_id = $1 AND w.wave_id = c.wave_id "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = c.order_id "
	"LEFT JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = c.product_id "
	"LEFT JOIN usom.bin AS b ON b.org_id = $1 AND b.bin_id = c.bin_id "
	"LEFT JOIN usom.fulfillment_line AS f ON f.org_id = $1 AND f.sales_order_id = c.order_id AND f.line_no = c.line_no "
	"AND f.piece_no = c.piece_no AND f.status = 'released' AND f.location_id = $2 AND f.product_id = c.product_id) AS s "
	"WHERE t.org_id = $1 AND t.pick_task_id = s.pick_task_id "
	"RETURNING s.live, t.pick_task_id, s.wave_no, t.sequence, s.zone, s.bin, s.sku, s.name, s.lot, "
	"pg_catalog.trim_scale(least(s.quantity, t.quantity - t.quantity_picked)), s.order_no, t.line_no, t.claimed_until, t.leaves_at, t.wave_id",
	.nargs = 8,
	.argtypes = {"bigint", "bigint", "text", "timestamptz", "timestamptz", "integer", "bigint", "bigint[]"},
};

static UsomQuery unclaim = {
	.text = "UPDATE usom.pick_task AS t SET claimed_by = NULL, claimed_until = NULL "
	"WHERE t.org_id = $1 AND t.location_id = $2 AND t.claimed_by = $3 "
	"AND ($4 IS NULL OR t.pick_task_id = $4)",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "text", "bigint"},
};

static void
refuse_number(const char *name, const char *rule)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("argument %s must be %s", name, rule),
			errhint("For example: SELECT * FROM usom.claim_picks('MAIN', 'picker 7', 10);"));
}

/* What is remembered of locations spares a statement; who names none that there is is told so by it. */
static void
find_location(UsomPickClaim *wanted, const char *location)
{
	const UsomSite *site = usom_stock_find_code(usom_stock_sites(wanted->org_id), location);
	Datum		code = CStringGetTextDatum(location);

	if (unlikely(site == NULL))
		usom_query_run(&find_unknown, &code, NULL);
	wanted->location_id = site != NULL ? site->location_id : DatumGetInt64(usom_query_get(0, 1));
}

static void
find_wave(UsomPickClaim *wanted, Datum wave_no)
{
	Datum		values[2] = {Int64GetDatum(wanted->org_id), wave_no};

	if (usom_query_run(&find_wave_no, values, NULL) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_WAVE)),
				errmsg("no wave \"%s\"", TextDatumGetCString(wave_no)),
				errhint("Look it up in usom.waves."));
	wanted->wave_id = DatumGetInt64(usom_query_get(0, 1));
}

static void
find(UsomPickClaim *wanted, FunctionCallInfo fcinfo, int wave_arg)
{
	char	   *location = usom_order_arg_text(fcinfo, 0, "location");
	char	   *picker = usom_order_arg_text(fcinfo, 1, "picker");

	if (picker[0] == '\0')
		refuse_number("picker", "the name of a person or a cart");
	wanted->picker = CStringGetTextDatum(picker);
	find_location(wanted, location);
	if (wave_arg >= 0 && !PG_ARGISNULL(wave_arg))
		find_wave(wanted, PG_GETARG_DATUM(wave_arg));
}

static TimestampTz
lease_end(FunctionCallInfo fcinfo, int arg)
{
	TimestampTz now = usom_call_time();
	TimestampTz until;

	usom_order_arg_required(fcinfo, arg, "lease");
	until = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(now), PG_GETARG_DATUM(arg)));
	if (until <= now)
		refuse_number("lease", "an interval above 0");
	return until;
}

static bool
is_live(uint64 row)
{
	return DatumGetBool(usom_query_get(row, 1));
}

static bool
any_void(uint64 nrows)
{
	for (uint64 row = 0; row < nrows; row++)
		if (!is_live(row))
			return true;
	return false;
}

/* What turned out to be void is made up for: the next run brings the same tasks again, and others. */
static uint64
claim_by_statement(const UsomPickClaim *wanted)
{
	bool		nulls[8] = {false, false, false, false, false, false, wanted->wave_id == 0};
	Datum		values[8] = {
		Int64GetDatum(wanted->org_id), Int64GetDatum(wanted->location_id), wanted->picker,
		TimestampTzGetDatum(usom_call_time()), TimestampTzGetDatum(wanted->until), Int32GetDatum(wanted->tasks),
		Int64GetDatum(wanted->wave_id)
	};
	uint64		nrows;

	values[7] = usom_party_channels(&nulls[7]);
	do
	{
		CHECK_FOR_INTERRUPTS();
		nrows = usom_query_write(&claim, values, nulls);
	} while (nrows == (uint64) wanted->tasks && any_void(nrows));
	return nrows;
}

/* A row of the last statement, and its place in the sequence. */
typedef struct Turn
{
	uint64		row;
	TimestampTz leaves_at;		/* DT_NOEND: at no set time, last */
	int64		wave_id;
	int32		sequence;
} Turn;

static int
compare_turns(const void *a, const void *b)
{
	const Turn *left = a;
	const Turn *right = b;

	if (left->leaves_at != right->leaves_at)
		return left->leaves_at < right->leaves_at ? -1 : 1;
	if (left->wave_id != right->wave_id)
		return left->wave_id < right->wave_id ? -1 : 1;
	return (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

static Turn *
sort_claimed(uint64 nrows, int *count)
{
	Turn	   *turns = palloc_array(Turn, nrows + 1);

	*count = 0;
	for (uint64 row = 0; row < nrows; row++)
	{
		bool		untimed;
		Datum		leaves_at = usom_query_get_or_null(row, 14, &untimed);

		if (is_live(row))
			turns[(*count)++] = (Turn) {
				row, untimed ? DT_NOEND : DatumGetTimestampTz(leaves_at), DatumGetInt64(usom_query_get(row, 15)),
				DatumGetInt32(usom_query_get(row, 4))
			};
	}
	qsort(turns, *count, sizeof(Turn), compare_turns);
	return turns;
}

static void
put_claimed(ReturnSetInfo *result, uint64 nrows)
{
	int			count;
	const Turn *turns = sort_claimed(nrows, &count);

	for (int i = 0; i < count; i++)
	{
		Datum		values[ANSWER_COLUMNS];
		bool		nulls[ANSWER_COLUMNS];

		for (int column = 0; column < ANSWER_COLUMNS; column++)
			values[column] = usom_query_get_or_null(turns[i].row, column + 2, &nulls[column]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

static bool
all_live(const UsomPickClaimed *tasks, int ntasks)
{
	for (int i = 0; i < ntasks; i++)
		if (!tasks[i].live)
			return false;
	return true;
}

static void
put_task(ReturnSetInfo *result, const UsomPickClaim *wanted, const UsomPickClaimed *task)
{
	Datum		values[ANSWER_COLUMNS] = {
		Int64GetDatum(task->pick_task_id), task->wave_no, Int32GetDatum(task->sequence), task->zone, task->bin, task->sku, task->name,
		task->lot, NumericGetDatum(usom_quantity_numeric(task->quantity)), task->order_no, Int32GetDatum(task->line_no),
		TimestampTzGetDatum(wanted->until), TimestampTzGetDatum(task->leaves_at)
	};
	bool		nulls[ANSWER_COLUMNS] = {
		false, task->wave_no == 0, false, task->zone == 0, task->bin == 0, task->sku == 0, task->name == 0,
		task->lot == 0, false, task->order_no == 0, false, false, task->untimed
	};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Any wave, of all channels; false: the statement has to do it. */
static bool
claim_directly(const UsomPickClaim *wanted, ReturnSetInfo *result)
{
	UsomPickClaimed *tasks;
	int			ntasks;
	bool		any_channel;

	usom_party_channels(&any_channel);
	if (wanted->wave_id != 0 || !any_channel)
		return false;
	do
	{
		CHECK_FOR_INTERRUPTS();
		if (!usom_pick_claim_rows(wanted, &tasks, &ntasks))
			return false;
	} while (ntasks == wanted->tasks && !all_live(tasks, ntasks));
	for (int i = 0; i < ntasks; i++)
		if (tasks[i].live)
			put_task(result, wanted, &tasks[i]);
	return true;
}

/* usom.claim_picks(location text, picker text, tasks integer, lease interval, wave text) */
Datum
usom_claim_picks(PG_FUNCTION_ARGS)
{
	UsomPickClaim	wanted = {0};

	usom_card_check_call(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("claim_picks", NULL);
	wanted.org_id = usom_party_org();
	find(&wanted, fcinfo, 4);
	usom_order_arg_required(fcinfo, 2, "tasks");
	wanted.tasks = PG_GETARG_INT32(2);
	if (wanted.tasks < 1 || wanted.tasks > MOST_TASKS)
		refuse_number("tasks", psprintf("from 1 to %d", MOST_TASKS));
	wanted.until = lease_end(fcinfo, 3);
	if (!claim_directly(&wanted, (ReturnSetInfo *) fcinfo->resultinfo))
		put_claimed((ReturnSetInfo *) fcinfo->resultinfo, claim_by_statement(&wanted));
	usom_call_end();
	return (Datum) 0;
}

/* usom.unclaim_picks(location text, picker text, task bigint) */
Datum
usom_unclaim_picks(PG_FUNCTION_ARGS)
{
	UsomPickClaim	wanted = {0};
	bool		nulls[4] = {false, false, false, PG_ARGISNULL(2)};
	int32		given;

	usom_card_check_call(fcinfo);
	usom_call_begin("unclaim_picks", NULL);
	wanted.org_id = usom_party_org();
	find(&wanted, fcinfo, -1);
	given = (int32) usom_query_write(&unclaim, (Datum[]) {
		Int64GetDatum(wanted.org_id), Int64GetDatum(wanted.location_id), wanted.picker, nulls[3] ? (Datum) 0 : PG_GETARG_DATUM(2)
	}, nulls);
	usom_call_end();
	PG_RETURN_INT32(given);
}
