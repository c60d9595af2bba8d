/*
 * load_orders.c
 *		A chunk of CALL usom.load_orders(): documents of a batch become orders.
 *
 * The procedure commits after each chunk.  A chunk is one batch of
 * usom.place_orders(); if that fails as a whole, its documents are placed one
 * by one, so that only those are rejected that cannot be placed.
 *
 * Locks: rows of the batch, then what place_orders() locks.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "intake/load.h"

#include "api/attempt.h"
#include "base/call.h"
#include "base/card_guard.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/query.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom__load_begin);
PG_FUNCTION_INFO_V1(usom__load_orders);

#define MOST_DOCUMENTS 10000

static UsomQuery place_orders = {
	.text = "SELECT p.outcome, p.order_no, p.external_id, p.sqlstate, p.message FROM usom.place_orders($1) AS p ORDER BY p.ordinal",
	.nargs = 1,
	.argtypes = {"jsonb"},
};

static UsomQuery try_again = {
	.text = "UPDATE usom.load_row AS r SET outcome = NULL, sqlstate = NULL, message = NULL, external_id = NULL, loaded_at = NULL "
	"WHERE r.org_id = $1 AND r.batch = $2 AND r.outcome = 'rejected' AND r.document IS NOT NULL",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

typedef struct Chunk
{
	UsomLoadItem **items;
	int			count;
} Chunk;

static Jsonb *
array_of(const Chunk *chunk)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < chunk->count; i++)
	{
		JsonbValue	value;

		if (JB_ROOT_IS_SCALAR(chunk->items[i]->document))
			JsonbExtractScalar(&chunk->items[i]->document->root, &value);
		else
			value = (JsonbValue) {
				.type = jbvBinary,
				.val.binary = {.len = VARSIZE_ANY_EXHDR(chunk->items[i]->document), .data = &chunk->items[i]->document->root}
			};
		pushJsonbValue(&state, WJB_ELEM, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

static void
place(void *arg)
{
	const Chunk *chunk = arg;
	Datum		values[] = {JsonbPGetDatum(array_of(chunk))};

	if (usom_query_run(&place_orders, values, NULL) != (uint64) chunk->count)
		elog(ERROR, "place_orders() answers for another number of documents");
	for (int i = 0; i < chunk->count; i++)
	{
		UsomLoadItem *item = chunk->items[i];

		item->outcome = usom_query_get_text(i, 1);
		item->order_no = usom_query_get_text(i, 2);
		item->external_id = usom_query_get_text(i, 3);
		item->sqlstate = usom_query_get_text(i, 4);
		item->message = usom_query_get_text(i, 5);
	}
}

/* Those that can be read; all of them in one, or else one by one. */
static void
place_chunk(UsomLoadItem *items, int count)
{
	Chunk		all = {.items = palloc_array(UsomLoadItem *, Max(count, 1))};

	for (int i = 0; i < count; i++)
		if (items[i].document != NULL)
			all.items[all.count++] = &items[i];
	if (all.count == 0 || usom_api_attempt(place, &all) == NULL)
		return;
	for (int i = 0; i < all.count; i++)
	{
		Chunk		one = {&all.items[i], 1};
		ErrorData  *error = usom_api_attempt(place, &one);

		if (error != NULL)
			usom_load_reject(all.items[i], error);
	}
}

/* usom._load_begin(batch, chunk, again, verb): how many are due. */
Datum
usom__load_begin(PG_FUNCTION_ARGS)
{
	int64		org_id;
	char	   *batch;
	Datum		values[2];
	int64		due;

	usom_card_check_call(fcinfo);
	usom_call_begin("load", NULL);
	org_id = usom_party_org();
	batch = usom_order_arg_text(fcinfo, 0, "batch");
	usom_order_arg_required(fcinfo, 1, "chunk");
	if (PG_GETARG_INT32(1) < 1 || PG_GETARG_INT32(1) > MOST_DOCUMENTS)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("chunk must be from 1 to %d", MOST_DOCUMENTS), errdetail("It is %d.", PG_GETARG_INT32(1)));
	usom_load_check_batch(org_id, batch);
	values[0] = Int64GetDatum(org_id);
	values[1] = CStringGetTextDatum(batch);
	if (!PG_ARGISNULL(2) && PG_GETARG_BOOL(2))
		usom_query_write(&try_again, values, NULL);
	due = usom_load_due(org_id, batch);
	usom_progress_begin(usom_order_arg_text(fcinfo, 3, "verb"), due);
	usom_call_end();
	PG_RETURN_INT64(due);
}

Datum
usom_load_answer(UsomAnswer *answer, int count, int64 last, int64 after, int64 done)
{
	Datum		values[2] = {Int64GetDatum(last), Int64GetDatum(done + count)};
	bool		nulls[2] = {count == 0, false};

	if (count == 0 && after == 0)
		usom_progress_end();
	else
		usom_progress_step(done + count);
	return usom_order_answer_row(answer, values, nulls);
}

/* usom._load_orders(batch, chunk, after, done): the last row that was taken, and how many this call has done; null: none are left behind it. */
Datum
usom__load_orders(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "load_orders", -1);
	int64		org_id = usom_party_org();
	char	   *batch = usom_order_arg_text(fcinfo, 0, "batch");
	UsomLoadItem *items;
	int			count;
	int64		last;

	usom_load_check_batch(org_id, batch);
	items = usom_load_take(org_id, batch, PG_GETARG_INT64(2), PG_GETARG_INT32(1), &count, &last);
	place_chunk(items, count);
	if (count > 0)
		usom_load_settle(org_id, items, count);
	return usom_load_answer(answer, count, last, PG_GETARG_INT64(2), PG_GETARG_INT64(3));
}
