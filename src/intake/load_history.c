/*
 * load_history.c
 *		A chunk of CALL usom.load_history(): documents of a batch become orders
 *		as they ended.
 *
 * Each document is read and planned in a subtransaction without a statement;
 * those without fault are written together, and if that fails as a whole, one
 * by one.
 *
 * Locks: rows of the batch, customers against being erased, then new orders.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "intake/history.h"

#include "api/attempt.h"
#include "base/call.h"
#include "base/card_guard.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/query.h"
#include "miscadmin.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom__load_history);

typedef struct Reading
{
	UsomLoadItem *item;
	UsomHistory *history;
} Reading;

static void
read_item(void *arg)
{
	Reading    *reading = arg;

	usom_card_check_jsonb("history document", reading->item->document);
	reading->history = usom_history_read(reading->item->document);
	reading->history->item = reading->item;
	reading->item->external_id = reading->history->external_id != NULL ? reading->history->external_id : reading->history->order_no;
}

static bytea *
digest_of(const UsomPersonKey *key, Jsonb *document)
{
	return usom_vault_digest(key, "history", VARDATA_ANY(document), VARSIZE_ANY_EXHDR(document));
}

/* Those that can be read; the others are rejected. */
static UsomHistory **
read_items(int64 org_id, UsomLoadItem *items, int count, int *nread)
{
	UsomHistory **histories = palloc_array(UsomHistory *, Max(count, 1));
	UsomPersonKey key;

	usom_person_organisation_key(org_id, &key);
	*nread = 0;
	for (int i = 0; i < count; i++)
	{
		Reading		reading = {.item = &items[i]};
		ErrorData  *error;

		CHECK_FOR_INTERRUPTS();
		if (items[i].document == NULL)
			continue;
		error = usom_api_attempt(read_item, &reading);
		if (error != NULL)
		{
			usom_load_reject(&items[i], error);
			continue;
		}
		reading.history->digest = digest_of(&key, items[i].document);
		histories[(*nread)++] = reading.history;
	}
	explicit_bzero(&key, sizeof(key));
	return histories;
}

typedef struct Planning
{
	UsomHistory *history;
	UsomOrderSet *set;
	int			order;
} Planning;

static void
plan_item(void *arg)
{
	Planning   *planning = arg;

	usom_history_plan(planning->history, planning->set, planning->order, usom_call_time());
	usom_history_check(planning->history);
}

/* Those without problems come first; returns how many they are. */
static int
plan_items(UsomOrderSet *set, UsomHistory **histories, int count)
{
	int			kept = 0;

	for (int i = 0; i < count; i++)
	{
		Planning	planning = {histories[i], set, i};
		ErrorData  *error = usom_api_attempt(plan_item, &planning);

		if (error != NULL)
			usom_load_reject(histories[i]->item, error);
		else
			histories[kept++] = histories[i];
	}
	return kept;
}

typedef struct Writing
{
	UsomOrderSet *set;
	UsomHistory **histories;
	int			count;
	const char *batch;
} Writing;

/* The order of the pointers is changed by writing, so a copy is given. */
static void
write_items(void *arg)
{
	const Writing *writing = arg;
	UsomHistory **histories = palloc_array(UsomHistory *, Max(writing->count, 1));

	memcpy(histories, writing->histories, writing->count * sizeof(UsomHistory *));
	usom_history_write(writing->set, histories, writing->count, writing->batch);
}

static void
migrate(int64 org_id, UsomLoadItem *items, int count, const char *batch)
{
	int			n;
	UsomHistory **histories = read_items(org_id, items, count, &n);
	Writing		all = {.histories = histories, .batch = batch};
	int			nlines = 0;

	for (int i = 0; i < n; i++)
		nlines += histories[i]->nlines;
	if (n == 0)
		return;
	usom_history_resolve(org_id, histories, n);
	all.set = usom_order_set_make(org_id, n, nlines);
	all.count = plan_items(all.set, histories, n);
	if (all.count == 0 || usom_api_attempt(write_items, &all) == NULL)
		return;
	for (int i = 0; i < all.count; i++)
	{
		Writing		one = {all.set, &histories[i], 1, batch};
		ErrorData  *error = usom_api_attempt(write_items, &one);

		if (error != NULL)
			usom_load_reject(histories[i]->item, error);
	}
}

/* usom._load_history(batch, chunk, after, done): as _load_orders(). */
Datum
usom__load_history(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "load_history", -1);
	int64		org_id = usom_party_org();
	char	   *batch = usom_order_arg_text(fcinfo, 0, "batch");
	UsomLoadItem *items;
	int			count;
	int64		last;

	usom_load_check_batch(org_id, batch);
	items = usom_load_take(org_id, batch, PG_GETARG_INT64(2), PG_GETARG_INT32(1), &count, &last);
	migrate(org_id, items, count, batch);
	if (count > 0)
		usom_load_settle(org_id, items, count);
	return usom_load_answer(answer, count, last, PG_GETARG_INT64(2), PG_GETARG_INT64(3));
}
