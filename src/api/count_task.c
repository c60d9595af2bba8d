/*
 * count_task.c
 *		Cycle counts: usom.plan_count() says what is to be counted next,
 *		usom.record_count() takes what somebody counted.
 *
 * A difference within the tolerance of its rule is booked at once.  A larger
 * one is counted again, and booked when two counts in a row find the same
 * difference, whatever came or went between them, or when somebody says that
 * it is final.
 *
 * Locks: those of usom.count_stock(); the row of the stock is the lock of its
 * task.
 *
 * Memory: SPI's context of the call.
 */
#include "postgres.h"

#include "api/count.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/query.h"
#include "miscadmin.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_plan_count);
PG_FUNCTION_INFO_V1(usom_record_count);

/* ---- plan ---- */

/* What was never counted comes first, then what is overdue longest; without a rule everything is always due. */
static UsomQuery plan_tasks = {
	.text = "INSERT INTO usom.count_task AS t (org_id, location_id, product_id, lot) "
	"SELECT $1, d.location_id, d.product_id, d.lot FROM (SELECT s.location_id, s.product_id, s.lot FROM usom.stock AS s "
	"JOIN usom.location AS l ON l.org_id = $1 AND l.location_id = s.location_id AND l.code = $2 "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = s.product_id "
	"LEFT JOIN LATERAL (SELECT max(c.counted_at) AS at FROM usom.count_task AS c WHERE c.org_id = $1 "
	"AND c.location_id = s.location_id AND c.product_id = s.product_id AND c.lot = s.lot AND c.status = 'done') AS c ON true "
	"LEFT JOIN LATERAL (SELECT r.every FROM usom.count_rule AS r WHERE r.org_id = $1 AND r.active "
	"AND coalesce(r.location, l.code) = l.code AND coalesce(r.sku, p.sku) = p.sku "
	"AND (r.category IS NULL OR r.category = p.category) ORDER BY r.priority, r.code LIMIT 1) AS r ON true "
	"WHERE s.org_id = $1 AND s.on_hand > 0 AND (c.at IS NULL OR r.every IS NULL OR c.at + r.every <= $4) "
	"AND NOT EXISTS (SELECT 1 FROM usom.count_task AS o WHERE o.org_id = $1 AND o.location_id = s.location_id "
	"AND o.product_id = s.product_id AND o.lot = s.lot AND o.status IN ('open', 'recount')) "
	"ORDER BY c.at + coalesce(r.every, '0') NULLS FIRST, p.sku, s.lot LIMIT $3) AS d "
	"ON CONFLICT (org_id, location_id, product_id, lot) WHERE status IN ('open', 'recount') DO NOTHING",
	.nargs = 4,
	.argtypes = {"bigint", "text", "integer", "timestamptz"},
};

static void
check_location(int64 org_id, const char *code)
{
	static UsomQuery query = {
		.text = "SELECT l.location_id FROM usom.location AS l WHERE l.org_id = $1 AND l.code = $2",
		.nargs = 2,
		.argtypes = {"bigint", "text"},
	};

	if (usom_query_run(&query, (Datum[]) {Int64GetDatum(org_id), CStringGetTextDatum(code)}, NULL) == 0)
		usom_stock_refuse_code("location", "code", code);
}

/* usom.plan_count(location text, lines integer) */
Datum
usom_plan_count(PG_FUNCTION_ARGS)
{
	Datum		values[4];
	const char *location;
	int			lines;
	uint64		planned;

	usom_card_check_call(fcinfo);
	location = usom_stock_required_text(fcinfo, 0, "location");
	lines = PG_ARGISNULL(1) ? 50 : PG_GETARG_INT32(1);
	usom_stock_positive((UsomQuantity) lines * USOM_UNIT, "lines");
	usom_call_begin("plan_count", NULL);
	values[0] = Int64GetDatum(usom_party_org());
	values[1] = CStringGetTextDatum(location);
	values[2] = Int32GetDatum(lines);
	values[3] = TimestampTzGetDatum(usom_call_time());
	check_location(DatumGetInt64(values[0]), location);
	planned = usom_query_write(&plan_tasks, values, NULL);
	usom_call_end();
	PG_RETURN_INT32((int32) planned);
}

/* ---- record ---- */

typedef struct Task
{
	bool		was_counted;	/* the difference is of an earlier count */
	UsomQuantity difference;
	UsomQuantity tolerance;
} Task;

/* One row always. */
static UsomQuery read_task = {
	.text = "SELECT t.status = 'recount', t.difference, greatest(coalesce(r.tolerance_units, 0), "
	"round(coalesce(r.tolerance_percent, 0) * $5 / 100, 6))::pg_catalog.numeric FROM usom.product AS p "
	"LEFT JOIN usom.count_task AS t ON t.org_id = $1 AND t.location_id = $3 AND t.product_id = $2 AND t.lot = $4 "
	"AND t.status IN ('open', 'recount') "
	"LEFT JOIN LATERAL (SELECT r.tolerance_units, r.tolerance_percent FROM usom.count_rule AS r JOIN usom.location AS l "
	"ON l.org_id = $1 AND l.location_id = $3 WHERE r.org_id = $1 AND r.active AND coalesce(r.location, l.code) = l.code "
	"AND coalesce(r.sku, p.sku) = p.sku AND (r.category IS NULL OR r.category = p.category) ORDER BY r.priority, r.code LIMIT 1) AS r ON true "
	"WHERE p.org_id = $1 AND p.product_id = $2",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "bigint", "text", "numeric"},
};

static Task
find_task(const UsomCounting *counting)
{
	Task		task = {0};
	bool		none;
	Datum		values[] = {
		Int64GetDatum(counting->place.org_id),
		Int64GetDatum(counting->place.product_id),
		Int64GetDatum(counting->place.location_id),
		CStringGetTextDatum(counting->lot.key.lot),
		NumericGetDatum(usom_quantity_numeric(counting->lot.on_hand)),
	};
	Datum		value;

	usom_query_run(&read_task, values, NULL);
	value = usom_query_get_or_null(0, 1, &none);
	task.was_counted = !none && DatumGetBool(value);
	if (task.was_counted)
		task.difference = usom_quantity_of(DatumGetNumeric(usom_query_get(0, 2)));
	task.tolerance = usom_quantity_of(DatumGetNumeric(usom_query_get(0, 3)));
	return task;
}

/* Pure: may the difference be booked? */
static bool
is_settled(const Task *task, UsomQuantity difference, bool final)
{
	UsomQuantity most = difference < 0 ? -difference : difference;

	return final || most <= task->tolerance || (task->was_counted && difference == task->difference);
}

/* The first difference stays: accuracy is judged by it. */
static UsomQuery update_task = {
	.text = "UPDATE usom.count_task AS t SET status = $5, book = $6, counted = $7, first_difference = coalesce(t.first_difference, $7 - $6), "
	"difference = $7 - $6, tolerance = $8, times = t.times + 1, counted_at = $9, counted_by = session_user "
	"WHERE t.org_id = $1 AND t.product_id = $2 AND t.location_id = $3 AND t.lot = $4 AND t.status IN ('open', 'recount')",
	.nargs = 9,
	.argtypes = {"bigint", "bigint", "bigint", "text", "text", "numeric", "numeric", "numeric", "timestamptz"},
};

static UsomQuery insert_task = {
	.text = "INSERT INTO usom.count_task (org_id, product_id, location_id, lot, status, book, counted, first_difference, difference, "
	"tolerance, times, counted_at, counted_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $7 - $6, $7 - $6, $8, 1, $9, session_user) "
	"ON CONFLICT (org_id, location_id, product_id, lot) WHERE status IN ('open', 'recount') DO NOTHING",
	.nargs = 9,
	.argtypes = {"bigint", "bigint", "bigint", "text", "text", "numeric", "numeric", "numeric", "timestamptz"},
};

/* Where it was planned while this one waited, the task is there to be updated. */
static void
put_task(const UsomCounting *counting, const Task *task, bool settled)
{
	Datum		values[] = {
		Int64GetDatum(counting->place.org_id),
		Int64GetDatum(counting->place.product_id),
		Int64GetDatum(counting->place.location_id),
		CStringGetTextDatum(counting->lot.key.lot),
		CStringGetTextDatum(settled ? "done" : "recount"),
		NumericGetDatum(usom_quantity_numeric(counting->lot.on_hand)),
		NumericGetDatum(usom_quantity_numeric(counting->counted)),
		NumericGetDatum(usom_quantity_numeric(task->tolerance)),
		TimestampTzGetDatum(usom_call_time()),
	};

	while (usom_query_write(&update_task, values, NULL) == 0 && usom_query_write(&insert_task, values, NULL) == 0)
		CHECK_FOR_INTERRUPTS();
}

/* usom.record_count(location text, sku text, counted numeric, lot text, final boolean) */
Datum
usom_record_count(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "record_count", -1);
	UsomCounting counting = {.set = NULL};
	UsomQuantity difference;
	Task		task;
	bool		settled;
	bool		nulls[4] = {false};
	Datum		values[4];

	usom_api_count_arguments(fcinfo, &counting);
	usom_api_count_lock(&counting);
	difference = counting.counted - counting.lot.on_hand;
	task = find_task(&counting);
	settled = is_settled(&task, difference, !PG_ARGISNULL(4) && PG_GETARG_BOOL(4));
	put_task(&counting, &task, settled);
	if (settled)
		usom_api_count_book(&counting);
	values[0] = CStringGetTextDatum(settled ? "done" : "recount");
	values[1] = NumericGetDatum(usom_quantity_numeric(counting.lot.on_hand));
	values[2] = NumericGetDatum(usom_quantity_numeric(counting.counted));
	values[3] = NumericGetDatum(usom_quantity_numeric(difference));
	return usom_order_answer_row(answer, values, nulls);
}
