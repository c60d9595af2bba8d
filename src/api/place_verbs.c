/*
 * place_verbs.c
 *		usom.place_order() and usom.place_orders().
 *
 * A batch reads and resolves each document in a subtransaction of its own: one
 * that fails costs that document, and its error becomes its row.  The others
 * are then written together, so that the whole batch locks its stock once, in
 * lock order.
 *
 * Memory: the call's context, for the whole batch.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/attempt.h"
#include "api/place.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_place_order);
PG_FUNCTION_INFO_V1(usom_place_orders);

Datum
usom_api_answer_placed(UsomAnswer *answer, const UsomPlaced *placed)
{
	Datum		values[] = {
		CStringGetTextDatum(placed->order_no),
		CStringGetTextDatum(placed->status),
		DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(placed->total)),
		CStringGetTextDatum(placed->currency),
		NumericGetDatum(usom_quantity_numeric(placed->reserved)),
		NumericGetDatum(usom_quantity_numeric(placed->backordered)),
		TimestampTzGetDatum(placed->promised_at),
		JsonbPGetDatum(placed->messages),
	};
	bool		nulls[lengthof(values)] = {false};

	nulls[6] = placed->promised_at == USOM_NO_TIME;
	return usom_order_answer_row(answer, values, nulls);
}

Datum
usom_place_order(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "place_order", -1);

	usom_order_arg_required(fcinfo, 0, "document");
	return usom_api_answer_placed(answer, usom_api_place(PG_GETARG_JSONB_P(0)));
}

/* One row of place_orders(). */
typedef struct Outcome
{
	const char *external_id;	/* NULL: none, or not readable */
	const char *outcome;
	const char *order_no;
	const char *sqlstate;
	const char *message;
} Outcome;

/* As far as it can be read and repeated: the document may be anything. */
static const char *
external_id_of(Jsonb *document)
{
	JsonbValue	value;
	char	   *external_id;

	if (!JB_ROOT_IS_OBJECT(document) ||
		getKeyJsonValueFromContainer(&document->root, "external_id", strlen("external_id"), &value) == NULL ||
		value.type != jbvString)
		return NULL;
	external_id = pnstrdup(value.val.string.val, value.val.string.len);
	return usom_card_is_in(external_id) ? NULL : external_id;
}

static void
reject(Outcome *outcome, const ErrorData *error)
{
	outcome->outcome = "rejected";
	outcome->sqlstate = pstrdup(unpack_sql_state(error->sqlerrcode));
	outcome->message = error->detail
		? psprintf("%s (%s)", error->message, error->detail) : error->message;
}

/* One document of a batch. */
typedef struct BatchItem
{
	Jsonb	   *document;
	Placing    *placing;		/* NULL: not prepared, or rejected */
	Placing    *read;			/* the same, rejected or not; NULL: not readable */
	Outcome		outcome;
} BatchItem;

typedef void (*Attempt) (BatchItem *item, int count);

static void
prepare_item(BatchItem *item, int count)
{
	usom_card_check_jsonb("order document", item->document);
	item->read = usom_api_read(item->document);
	if (item->read->repeats == NULL)
		usom_api_finish(item->read);
	item->placing = item->read;
}

/* A check refuses it, now that the others are known. */
static void
refuse_item(BatchItem *item, int count)
{
	usom_api_refuse_findings(&item->placing->checking);
}

/* Another call took the external id while this one waited. */
static void
compare_item(BatchItem *item, int count)
{
	usom_api_resolve_again(item->placing);
}

typedef struct Trial
{
	Attempt		run;
	BatchItem  *items;
	int			count;
} Trial;

static void
run_trial(void *arg)
{
	Trial	   *trial = arg;

	trial->run(trial->items, trial->count);
}

static ErrorData *
try_run(Attempt run, BatchItem *items, int count)
{
	Trial		trial = {run, items, count};

	return usom_api_attempt(run_trial, &trial);
}

/* An error costs this document alone. */
static void
attempt(BatchItem *item, Attempt run)
{
	ErrorData  *error = try_run(run, item, 1);

	if (error == NULL)
		return;
	item->placing = NULL;
	reject(&item->outcome, error);
}

static void
write_all(BatchItem *items, int count)
{
	Placing   **placings = palloc_array(Placing *, Max(count, 1));
	int			n = 0;

	for (int i = 0; i < count; i++)
		if (items[i].placing != NULL && items[i].placing->repeats == NULL)
			placings[n++] = items[i].placing;
	if (n > 0)
		usom_api_write(placings, n);
}

static void
refuse_lost(BatchItem *item, int count)
{
	usom_api_refuse_coupon(item->placing->pricing->loss);
}

/* What is left of a batch that was undone begins anew, without those that others were before; false if there are none. */
static bool
begin_again(BatchItem *items, int count)
{
	bool		any = false;

	for (int i = 0; i < count; i++)
	{
		if (items[i].placing == NULL)
			continue;
		if (items[i].placing->pricing != NULL && items[i].placing->pricing->loss != NULL)
		{
			attempt(&items[i], refuse_lost);
			any = true;
		}
		else
			attempt(&items[i], prepare_item);
	}
	return any;
}

/* Of those that want the last use of a coupon the first has it; the others are rejected, and the rest is written. */
static void
write_items(BatchItem *items, int count)
{
	ErrorData  *error;

	if (likely(!usom_price_rules(usom_party_org())->has_coupons))
	{
		write_all(items, count);
		return;
	}
	while ((error = try_run(write_all, items, count)) != NULL)
	{
		if (error->sqlerrcode != USOM_ERR(COUPON_USED_UP) || !begin_again(items, count))
			ReThrowError(error);
	}
}

static void
settle_item(BatchItem *item)
{
	if (item->placing != NULL && item->placing->refused)
		attempt(item, refuse_item);
	if (item->placing != NULL && !item->placing->placed && item->placing->repeats == NULL)
		attempt(item, compare_item);
	if (item->placing == NULL)
		return;
	item->outcome.outcome = item->placing->placed ? "placed" : "repeated";
	item->outcome.order_no = item->placing->placed
		? item->placing->set->orders[0].order_no : item->placing->repeats;
}

/* What has refused documents is counted, too. */
static void
write_refusals(BatchItem *items, int count)
{
	UsomChecking **checkings = palloc_array(UsomChecking *, count + 1);
	int			n = 0;

	for (int i = 0; i < count; i++)
		if (items[i].placing == NULL && items[i].read != NULL && items[i].read->checking.findings != NIL)
			checkings[n++] = &items[i].read->checking;
	usom_api_write_hits(checkings, n, true);
}

static void
put_outcome(ReturnSetInfo *result, int ordinal, const Outcome *outcome)
{
	const char *texts[] = {
		outcome->external_id, outcome->outcome, outcome->order_no, outcome->sqlstate, outcome->message
	};
	Datum		values[lengthof(texts) + 1] = {Int32GetDatum(ordinal)};
	bool		nulls[lengthof(texts) + 1] = {false};

	for (int i = 0; i < (int) lengthof(texts); i++)
	{
		nulls[i + 1] = texts[i] == NULL;
		values[i + 1] = texts[i] ? CStringGetTextDatum(texts[i]) : (Datum) 0;
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* An element as a document of its own; a scalar is refused like any other wrong shape. */
static Jsonb *
element_document(Jsonb *array, int index)
{
	return JsonbValueToJsonb(getIthJsonbValueFromContainer(&array->root, index));
}

static BatchItem *
prepare_items(Jsonb *documents, int count)
{
	BatchItem	   *items = palloc0_array(BatchItem, Max(count, 1));

	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		items[i].document = element_document(documents, i);
		items[i].outcome.external_id = external_id_of(items[i].document);
		attempt(&items[i], prepare_item);
	}
	return items;
}

Datum
usom_place_orders(PG_FUNCTION_ARGS)
{
	Jsonb	   *documents;
	BatchItem	   *items;
	int			count;

	usom_order_arg_required(fcinfo, 0, "documents");
	documents = PG_GETARG_JSONB_P(0);
	if (!JB_ROOT_IS_ARRAY(documents) || JB_ROOT_IS_SCALAR(documents))
	{
		usom_card_check_call(fcinfo);
		ereport(ERROR, errcode(USOM_ERR(INVALID_DOCUMENT)),
				errmsg("order documents must be a JSON array"),
				errhint("For one document call usom.place_order()."));
	}
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("place_orders", NULL);
	count = JB_ROOT_COUNT(documents);
	items = prepare_items(documents, count);
	write_items(items, count);
	for (int i = 0; i < count; i++)
	{
		settle_item(&items[i]);
		put_outcome((ReturnSetInfo *) fcinfo->resultinfo, i + 1, &items[i].outcome);
	}
	write_refusals(items, count);
	usom_call_end();
	return (Datum) 0;
}
