/*
 * run.c
 *		usom.allocate_orders(): many orders, planned in chunks.
 *
 * The procedure keeps the list of orders and commits; here are its two steps.
 * What a run has done stands in its row, so whoever takes it up goes on behind
 * the order that was done last.
 *
 * Locks: the row of the run, which runs alone take and always first; then as
 * every verb: the orders of the chunk, by key; their stock, in one statement.
 *
 * Invariant: two sessions do not work on one run at once.  Between two chunks
 * nothing is locked, so another may take the run; its row tells, and who
 * finds it further than it was leaves it.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "api/api.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/progress.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom__begin_allocation);
PG_FUNCTION_INFO_V1(usom__continue_allocation);

#define MOST_ORDERS 10000

/* $2: a run; null: the first that is unfinished and has the filter $3. */
static UsomQuery take_run = {
	.text = "SELECT r.allocation_run_id, r.orders_done, r.reached_priority, r.reached_placed_at, r.reached_key, r.filter "
	"FROM usom.allocation_run AS r WHERE r.org_id = $1 AND r.ended_at IS NULL "
	"AND CASE WHEN $2 IS NULL THEN r.filter = $3 ELSE r.allocation_run_id = $2 END "
	"ORDER BY r.allocation_run_id LIMIT 1 FOR UPDATE SKIP LOCKED",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "jsonb"},
};

static UsomQuery read_run = {
	.text = "SELECT r.ended_at IS NULL FROM usom.allocation_run AS r WHERE r.org_id = $1 AND r.allocation_run_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery select_orders = {
	.text = "SELECT ARRAY(SELECT usom._select_orders($1, $2, false, $3, $4, $5))",
	.nargs = 5,
	.argtypes = {"jsonb", "bigint[]", "integer", "timestamptz", "bigint"},
};

static UsomQuery insert_run = {
	.text = "INSERT INTO usom.allocation_run (org_id, filter, batch_size, orders, ended_at) "
	"VALUES ($1, $2, $3, $4, CASE WHEN $4 = 0 THEN pg_catalog.now() END) RETURNING allocation_run_id",
	.nargs = 4,
	.argtypes = {"bigint", "jsonb", "integer", "bigint"},
};

/* What is left may have become more or less since the run was broken off. */
static UsomQuery resume_run = {
	.text = "UPDATE usom.allocation_run AS r SET orders = r.orders_done + $3, batch_size = $4, worked_at = pg_catalog.now(), "
	"ended_at = CASE WHEN $3 = 0 THEN pg_catalog.now() END WHERE r.org_id = $1 AND r.allocation_run_id = $2",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "bigint", "integer"},
};

static UsomQuery lock_run = {
	.text = "SELECT r.orders_done, r.batch_size FROM usom.allocation_run AS r "
	"WHERE r.org_id = $1 AND r.allocation_run_id = $2 AND r.ended_at IS NULL FOR UPDATE",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery note_chunk = {
	.text = "UPDATE usom.allocation_run AS r SET orders_done = r.orders_done + $3, units = r.units + $4, "
	"reached_priority = o.priority, reached_placed_at = o.placed_at, reached_key = o.sales_order_id, "
	"worked_at = pg_catalog.now(), ended_at = CASE WHEN r.orders_done + $3 = r.orders THEN pg_catalog.now() END "
	"FROM usom.sales_order AS o WHERE r.org_id = $1 AND r.allocation_run_id = $2 AND o.org_id = $1 AND o.sales_order_id = $5",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "bigint", "numeric", "bigint"},
};

/* Of the keys, those of orders that the caller may see. */
static UsomQuery visible_orders = {
	.text = "SELECT o.sales_order_id FROM usom.sales_order AS o WHERE o.org_id = $1 AND o.sales_order_id = ANY ($2) "
	"AND ($3 IS NULL OR o.channel_id = ANY ($3))",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "bigint[]"},
};

/* A run as its row has it, while it is begun. */
typedef struct Run
{
	int64		org_id;
	int64		id;				/* 0: to be made */
	int64		done;
	Datum		filter;
	int32		batch_size;
	Datum		reached[3];		/* priority, placed_at, key */
	bool		none_reached;
} Run;

static void
refuse_run(int64 org_id, int64 id)
{
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(id)};

	if (usom_query_run(&read_run, values, NULL) == 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("there is no run " INT64_FORMAT, id),
				errhint("Look it up in usom.allocation_runs."));
	if (!DatumGetBool(usom_query_get(0, 1)))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("run " INT64_FORMAT " has ended", id),
				errhint("CALL usom.allocate_orders() without resume begins another."));
	ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE),
			errmsg("another session works on run " INT64_FORMAT, id),
			errhint("Look at it in usom.allocation_runs; if that session has gone, try again."));
}

/* The run to go on with, if there is one. */
static void
find_run(Run *run)
{
	bool		nulls[3] = {false, run->id == 0, false};
	Datum		values[3] = {Int64GetDatum(run->org_id), Int64GetDatum(run->id), run->filter};

	if (usom_query_run(&take_run, values, nulls) == 0)
	{
		if (run->id != 0)
			refuse_run(run->org_id, run->id);
		return;
	}
	run->id = DatumGetInt64(usom_query_get(0, 1));
	run->done = DatumGetInt64(usom_query_get(0, 2));
	for (int i = 0; i < 3; i++)
		run->reached[i] = usom_query_get_or_null(0, 3 + i, &run->none_reached);
	run->filter = usom_query_get(0, 6);
}

static ArrayType *
list_orders(const Run *run)
{
	bool		nulls[5] = {false};
	Datum		values[5] = {run->filter, 0, run->reached[0], run->reached[1], run->reached[2]};

	values[1] = usom_party_channels(&nulls[1]);
	nulls[2] = nulls[3] = nulls[4] = run->none_reached;
	usom_query_run(&select_orders, values, nulls);
	return DatumGetArrayTypeP(usom_query_get(0, 1));
}

static int64
count_of(ArrayType *orders)
{
	return ArrayGetNItems(ARR_NDIM(orders), ARR_DIMS(orders));
}

static void
write_run(Run *run, int64 norders)
{
	if (run->id != 0)
	{
		Datum		values[] = {
			Int64GetDatum(run->org_id), Int64GetDatum(run->id), Int64GetDatum(norders), Int32GetDatum(run->batch_size)
		};

		usom_query_write(&resume_run, values, NULL);
		ereport(NOTICE, errmsg("run " INT64_FORMAT " goes on behind " INT64_FORMAT " of its orders, " INT64_FORMAT " are left",
							   run->id, run->done, norders));
	}
	else
	{
		Datum		values[] = {
			Int64GetDatum(run->org_id), run->filter, Int32GetDatum(run->batch_size), Int64GetDatum(norders)
		};

		usom_query_write(&insert_run, values, NULL);
		run->id = DatumGetInt64(usom_query_get(0, 1));
	}
}

/* usom._begin_allocation(filter, batch_size, resume) */
Datum
usom__begin_allocation(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "allocate_orders", -1);
	bool		nulls[3] = {false};
	Datum		values[3];
	Run			run = {.none_reached = true};
	ArrayType  *orders;

	usom_order_arg_required(fcinfo, 0, "filter");
	usom_order_arg_required(fcinfo, 1, "batch_size");
	run.org_id = usom_party_org();
	run.filter = PG_GETARG_DATUM(0);
	run.batch_size = PG_GETARG_INT32(1);
	run.id = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2);
	if (run.batch_size < 1 || run.batch_size > MOST_ORDERS)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("batch_size must be from 1 to %d", MOST_ORDERS), errdetail("It is %d.", run.batch_size));
	find_run(&run);
	orders = list_orders(&run);
	write_run(&run, count_of(orders));
	usom_progress_begin("allocate_orders", count_of(orders));
	values[0] = Int64GetDatum(run.id);
	values[1] = PointerGetDatum(orders);
	values[2] = Int64GetDatum(run.done);
	return usom_order_answer_row(answer, values, nulls);
}

/* The orders of the chunk that the caller may see, in no order. */
static UsomOrderSet *
load_chunk(int64 org_id, const int64 *keys, int nkeys)
{
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(org_id), usom_query_keys(keys, nkeys)};
	int64	   *ids = palloc_array(int64, Max(nkeys, 1));
	uint64		n;

	values[2] = usom_party_channels(&nulls[2]);
	n = usom_query_run(&visible_orders, values, nulls);
	for (uint64 row = 0; row < n; row++)
		ids[row] = DatumGetInt64(usom_query_get(row, 1));
	return usom_order_load_many(org_id, ids, (int) n);
}

static void
note(int64 org_id, int64 run, int nkeys, int64 last, UsomQuantity units)
{
	Datum		values[] = {
		Int64GetDatum(org_id), Int64GetDatum(run), Int64GetDatum(nkeys), NumericGetDatum(usom_quantity_numeric(units)),
		Int64GetDatum(last)
	};

	usom_query_write(&note_chunk, values, NULL);
}

/* Orders done, of those that the caller counts from begun_at; -1 if the run is not his any more. */
static int64
lock_own(int64 org_id, int64 run, int64 begun_at, int32 *batch_size)
{
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(run)};

	if (usom_query_run(&lock_run, values, NULL) == 0)
		return -1;
	*batch_size = DatumGetInt32(usom_query_get(0, 2));
	return DatumGetInt64(usom_query_get(0, 1)) - begun_at;
}

static int64
continue_run(int64 run, ArrayType *orders, int64 begun_at, int64 reached)
{
	int64		org_id = usom_party_org();
	const int64 *keys;
	int64		norders = count_of(orders);
	int32		batch_size = 1;
	int			nkeys;

	if (reached < 0 || reached >= norders)
		return -1;
	if (array_contains_nulls(orders))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("keys of orders must not be null"));
	keys = (const int64 *) ((const char *) orders + ARR_OVERHEAD_NONULLS(ARR_NDIM(orders)));
	if (lock_own(org_id, run, begun_at, &batch_size) != reached)
	{
		ereport(NOTICE, errmsg("another session goes on with run " INT64_FORMAT, run));
		return -1;
	}
	nkeys = (int) Min(batch_size, norders - reached);
	note(org_id, run, nkeys, keys[reached + nkeys - 1], usom_api_allocate_many(load_chunk(org_id, keys + reached, nkeys)));
	usom_progress_step(reached + nkeys);
	return reached + nkeys;
}

/* usom._continue_allocation(run, orders, begun_at, reached) */
Datum
usom__continue_allocation(PG_FUNCTION_ARGS)
{
	int64		reached;

	usom_call_begin("allocate_orders", NULL);
	reached = continue_run(PG_GETARG_INT64(0), PG_GETARG_ARRAYTYPE_P(1), PG_GETARG_INT64(2), PG_GETARG_INT64(3));
	usom_call_end();
	if (reached >= 0)
		PG_RETURN_INT64(reached);
	usom_progress_end();
	PG_RETURN_NULL();
}
