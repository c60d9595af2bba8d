/*
 * place_answer.c
 *		What placing an order answers: problems, messages, the row.
 *
 * No locks; memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/pick_up.h"
#include "api/place.h"

#include "base/errors.h"
#include "base/fetch.h"
#include "base/json.h"
#include "base/query.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define PROBLEMS_SHOWN 20

static UsomQuery read_placed = {
	.text = "SELECT o.status::text, o.total, o.currency, coalesce(sum(l.quantity_reserved), 0), "
	"coalesce(sum(l.quantity_backordered), 0), "
	"(SELECT CASE WHEN bool_and(f.promised_at IS NOT NULL) THEN max(f.promised_at) END FROM usom.fulfillment_line f "
	"WHERE f.org_id = o.org_id AND f.sales_order_id = o.sales_order_id AND f.status <> 'cancelled') "
	"FROM usom.sales_order o "
	"LEFT JOIN usom.order_line l ON l.org_id = o.org_id AND l.sales_order_id = o.sales_order_id "
	"WHERE o.org_id = $1 AND o.order_no = $2 GROUP BY o.org_id, o.sales_order_id",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

void
usom_api_note_problem(Placing *placing, const char *path, const char *code, const char *what)
{
	UsomProblem *problem = palloc_object(UsomProblem);

	*problem = (UsomProblem) {path, code, what};
	placing->problems = lappend(placing->problems, problem);
}

static char *
list_problems(const List *problems)
{
	StringInfoData listed;

	initStringInfo(&listed);
	for (int i = 0; i < Min(list_length(problems), PROBLEMS_SHOWN); i++)
	{
		const UsomProblem *problem = list_nth(problems, i);

		appendStringInfo(&listed, "%s%s: no active %s \"%s\"", i > 0 ? "; " : "", problem->path, problem->what, problem->code);
	}
	if (list_length(problems) > PROBLEMS_SHOWN)
		appendStringInfo(&listed, "; and %d more", list_length(problems) - PROBLEMS_SHOWN);
	return listed.data;
}

void
usom_api_check_problems(Placing *placing)
{
	int			count = list_length(placing->problems);

	if (count == 0)
		return;
	ereport(ERROR, errcode(USOM_ERR(INVALID_DOCUMENT)),
			errmsg_plural("order document%s%s%s: %d code is not known",
						  "order document%s%s%s: %d codes are not known", count,
						  placing->document->external_id ? " \"" : "",
						  placing->document->external_id ? placing->document->external_id : "",
						  placing->document->external_id ? "\"" : "", count),
			errdetail("%s.", list_problems(placing->problems)),
			errhint("Correct the codes, or insert the rows into usom.channel, usom.customer, usom.product or usom.location."));
}

static void
push_number(JsonbParseState **state, const char *key, Numeric value)
{
	JsonbValue	item;

	usom_json_key(state, key);
	item.type = jbvNumeric;
	item.val.numeric = value;
	pushJsonbValue(state, WJB_VALUE, &item);
}

void
usom_api_note_message(Placing *placing, int32 line_no, const char *code, UsomQuantity quantity)
{
	if (placing->messages == NULL)
		pushJsonbValue(&placing->messages, WJB_BEGIN_ARRAY, NULL);
	pushJsonbValue(&placing->messages, WJB_BEGIN_OBJECT, NULL);
	if (line_no > 0)
		push_number(&placing->messages, "line_no", int64_to_numeric(line_no));
	usom_json_text(&placing->messages, "code", code);
	if (quantity > 0)
		push_number(&placing->messages, "quantity", usom_quantity_numeric(quantity));
	pushJsonbValue(&placing->messages, WJB_END_OBJECT, NULL);
}

void
usom_api_note_finding(Placing *placing, const UsomFinding *finding)
{
	if (placing->messages == NULL)
		pushJsonbValue(&placing->messages, WJB_BEGIN_ARRAY, NULL);
	pushJsonbValue(&placing->messages, WJB_BEGIN_OBJECT, NULL);
	usom_api_push_finding(&placing->messages, finding);
	pushJsonbValue(&placing->messages, WJB_END_OBJECT, NULL);
}

static void
note_quota(Placing *placing, const UsomLine *line)
{
	if (placing->messages == NULL)
		pushJsonbValue(&placing->messages, WJB_BEGIN_ARRAY, NULL);
	pushJsonbValue(&placing->messages, WJB_BEGIN_OBJECT, NULL);
	push_number(&placing->messages, "line_no", int64_to_numeric(line->line_no));
	usom_json_text(&placing->messages, "code", "quota");
	usom_json_text(&placing->messages, "quota", line->capped_by);
	push_number(&placing->messages, "quantity", usom_quantity_numeric(line->capped));
	pushJsonbValue(&placing->messages, WJB_END_OBJECT, NULL);
}

/* Of a pick-up that is short: where else it is to be had. */
static void
note_alternatives(Placing *placing)
{
	const UsomOrderSet *set = placing->set;
	Jsonb	  **alternatives = usom_api_find_alternatives(set, 0);

	for (int i = 0; i < set->nlines; i++)
	{
		JsonbValue	value;

		if (alternatives[i] == NULL)
			continue;
		pushJsonbValue(&placing->messages, WJB_BEGIN_OBJECT, NULL);
		push_number(&placing->messages, "line_no", int64_to_numeric(set->lines[i].line_no));
		usom_json_text(&placing->messages, "code", "pickup_alternatives");
		usom_json_key(&placing->messages, "alternatives");
		value.type = jbvBinary;
		value.val.binary.data = &alternatives[i]->root;
		value.val.binary.len = VARSIZE_ANY_EXHDR(alternatives[i]);
		pushJsonbValue(&placing->messages, WJB_VALUE, &value);
		pushJsonbValue(&placing->messages, WJB_END_OBJECT, NULL);
	}
}

static Jsonb *
finish_messages(Placing *placing)
{
	JsonbValue *array;

	if (placing->messages == NULL)
		pushJsonbValue(&placing->messages, WJB_BEGIN_ARRAY, NULL);
	array = pushJsonbValue(&placing->messages, WJB_END_ARRAY, NULL);
	return JsonbValueToJsonb(array);
}

/* The latest promise, or none while any piece has none. */
static TimestampTz
latest_promise(const UsomOrderSet *set)
{
	TimestampTz latest = USOM_NO_TIME;

	for (int i = 0; i < set->npieces; i++)
	{
		if (set->pieces[i].status == USOM_PIECE_CANCELLED)
			continue;
		if (set->pieces[i].promised_at == USOM_NO_TIME)
			return USOM_NO_TIME;
		latest = Max(latest, set->pieces[i].promised_at);
	}
	return latest;
}

/* Of an order that was just placed, units are cancelled only because others take their place. */
static void
note_line(Placing *placing, const UsomLine *line)
{
	if (line->counters.by_state[USOM_PIECE_CANCELLED] > 0)
		usom_api_note_message(placing, line->line_no, "substituted", line->counters.by_state[USOM_PIECE_CANCELLED]);
	if (line->counters.by_state[USOM_PIECE_BACKORDERED] > 0)
		usom_api_note_message(placing, line->line_no, "backordered", line->counters.by_state[USOM_PIECE_BACKORDERED]);
}

UsomPlaced *
usom_api_answer(Placing *placing)
{
	const UsomOrderSet *set = placing->set;
	const UsomOrder *order = &set->orders[0];
	UsomPlaced *placed = palloc0_object(UsomPlaced);
	UsomCounters sum = usom_order_sum(set, 0);

	for (int i = 0; i < set->nlines; i++)
		note_line(placing, &set->lines[i]);
	for (int i = 0; i < set->nlines; i++)
		if (set->lines[i].capped > 0)
			note_quota(placing, &set->lines[i]);
	if (unlikely(order->order_type == USOM_TYPE_PICK_UP && sum.by_state[USOM_PIECE_BACKORDERED] > 0))
		note_alternatives(placing);
	placed->order_no = pstrdup(order->order_no);
	placed->status = usom_order_lifecycle_table.labels[order->status];
	placed->total = order->total;
	placed->currency = placing->currency;
	placed->reserved = sum.by_state[USOM_PIECE_RESERVED];
	placed->backordered = sum.by_state[USOM_PIECE_BACKORDERED];
	placed->promised_at = latest_promise(set);
	placed->messages = finish_messages(placing);
	return placed;
}

/* ---- an order that is there ---- */

static UsomFetch order_by_number = {
	.table = "sales_order", .index = "sales_order_no_unique", .limit = 1,
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"order_no", "text"}},
	.ncolumns = 4, .columns = {{"sales_order_id", "bigint"}, {"status", "usom.order_status"}, {"total", "numeric"}, {"currency", "text"}},
};

static UsomFetch sums_of_lines = {
	.table = "order_line", .index = "order_line_pkey",
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"sales_order_id", "bigint"}},
	.ncolumns = 2, .columns = {{"quantity_reserved", "numeric"}, {"quantity_backordered", "numeric"}},
};

static UsomFetch promises_of_pieces = {
	.table = "fulfillment_line", .index = "fulfillment_line_pkey",
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"sales_order_id", "bigint"}},
	.ncolumns = 2, .columns = {{"status", "usom.piece_status"}, {"promised_at", "timestamptz"}},
};

typedef struct Reading
{
	int64		org_id;
	UsomPlaced *placed;
} Reading;

static bool
find_sums(UsomPlaced *placed, const Datum *keys)
{
	UsomFetched rows;

	if (!usom_fetch_rows(&sums_of_lines, keys, NULL, &rows))
		return false;
	for (uint64 i = 0; i < rows.count; i++)
	{
		placed->reserved = usom_quantity_add(placed->reserved, usom_quantity_of(DatumGetNumeric(rows.values[2 * i])));
		placed->backordered = usom_quantity_add(placed->backordered, usom_quantity_of(DatumGetNumeric(rows.values[2 * i + 1])));
	}
	return true;
}

/* The latest; none if one of the pieces has none. */
static bool
find_promise(UsomPlaced *placed, const Datum *keys)
{
	UsomFetched rows;
	TimestampTz latest = USOM_NO_TIME;

	placed->promised_at = USOM_NO_TIME;
	if (!usom_fetch_rows(&promises_of_pieces, keys, NULL, &rows))
		return false;
	for (uint64 i = 0; i < rows.count; i++)
	{
		if (DatumGetUInt8(rows.values[2 * i]) == USOM_PIECE_CANCELLED)
			continue;
		if (rows.nulls[2 * i + 1])
			return true;
		if (latest == USOM_NO_TIME || latest < DatumGetTimestampTz(rows.values[2 * i + 1]))
			latest = DatumGetTimestampTz(rows.values[2 * i + 1]);
	}
	placed->promised_at = latest;
	return true;
}

static bool
find_placed(void *argument)
{
	const Reading *reading = argument;
	UsomPlaced *placed = reading->placed;
	Datum		number[] = {Int64GetDatum(reading->org_id), CStringGetTextDatum(placed->order_no)};
	Datum		keys[2] = {Int64GetDatum(reading->org_id)};
	UsomFetched row;

	if (!usom_fetch_rows(&order_by_number, number, NULL, &row))
		return false;
	Ensure(row.count == 1, "order \"%s\" is gone", placed->order_no);
	placed->status = usom_order_lifecycle_table.labels[DatumGetUInt8(row.values[1])];
	placed->total = DatumGetNumeric(row.values[2]);
	placed->currency = TextDatumGetCString(row.values[3]);
	keys[1] = row.values[0];
	return find_sums(placed, keys) && find_promise(placed, keys);
}

static void
read_by_statement(int64 org_id, UsomPlaced *placed)
{
	Datum		values[2] = {Int64GetDatum(org_id), CStringGetTextDatum(placed->order_no)};
	Datum		promised;
	bool		no_promise;

	Ensure(usom_query_run(&read_placed, values, NULL) == 1, "order \"%s\" is gone", placed->order_no);
	placed->status = usom_query_get_text(0, 1);
	placed->total = DatumGetNumeric(usom_query_get(0, 2));
	placed->currency = usom_query_get_text(0, 3);
	placed->reserved = usom_quantity_of(DatumGetNumeric(usom_query_get(0, 4)));
	placed->backordered = usom_quantity_of(DatumGetNumeric(usom_query_get(0, 5)));
	promised = usom_query_get_or_null(0, 6, &no_promise);
	placed->promised_at = no_promise ? USOM_NO_TIME : DatumGetTimestampTz(promised);
}

UsomPlaced *
usom_api_answer_repeat(Placing *placing)
{
	UsomPlaced *placed = palloc0_object(UsomPlaced);

	placed->repeated = true;
	placed->order_no = placing->repeats;
	if (unlikely(!usom_fetch_together(find_placed, &(Reading) {placing->org_id, placed})))
		read_by_statement(placing->org_id, placed);
	usom_api_note_message(placing, 0, "repeated", 0);
	placed->messages = finish_messages(placing);
	return placed;
}
