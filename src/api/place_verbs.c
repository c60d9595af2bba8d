/*
 * place_verbs.c
 *		usom.place_order() and usom.place_orders().
 *
 * A batch places each document in a subtransaction of its own: a document
 * that fails costs that document, and its error becomes its row.
 *
 * Memory: the call's context; for a batch one context per document, reset
 * after each.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/document.h"

#include "access/xact.h"
#include "base/call.h"
#include "base/errors.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "order/answer.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_place_order);
PG_FUNCTION_INFO_V1(usom_place_orders);

static Datum
answer_placed(UsomAnswer *answer, const UsomPlaced *placed)
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
	return answer_placed(answer, usom_api_place(PG_GETARG_JSONB_P(0)));
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

/* As far as it can be read: the document may be anything. */
static const char *
external_id_of(Jsonb *document)
{
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(document) ||
		getKeyJsonValueFromContainer(&document->root, "external_id", strlen("external_id"), &value) == NULL ||
		value.type != jbvString)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

static void
take_error(Outcome *outcome, MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	outcome->outcome = "rejected";
	outcome->sqlstate = pstrdup(unpack_sql_state(error->sqlerrcode));
	outcome->message = error->detail
		? psprintf("%s (%s)", error->message, error->detail) : error->message;
}

/* Cancelling the batch is not a fault of the document it happened in. */
static bool
is_fault_of_document(void)
{
	int			category = ERRCODE_TO_CATEGORY(geterrcode());

	return category != ERRCODE_TO_CATEGORY(ERRCODE_QUERY_CANCELED) &&
		category != ERRCODE_TO_CATEGORY(ERRCODE_INTERNAL_ERROR) &&
		category != ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES);
}

static void
place_in_subtransaction(Jsonb *document, Outcome *outcome)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		UsomPlaced *placed;

		/* A connection of its own, so that results do not pile up over the batch. */
		SPI_connect();
		MemoryContextSwitchTo(context);
		placed = usom_api_place(document);
		outcome->outcome = placed->repeated ? "repeated" : "placed";
		outcome->order_no = placed->order_no;
		SPI_finish();
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		if (!is_fault_of_document())
			PG_RE_THROW();
		take_error(outcome, context);
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}

static void
put_outcome(ReturnSetInfo *result, int ordinal, const Outcome *outcome)
{
	const char *texts[] = {
		outcome->external_id, outcome->outcome, outcome->order_no, outcome->sqlstate, outcome->message
	};
	Datum		values[lengthof(texts) + 1] = {Int32GetDatum(ordinal)};
	bool		nulls[lengthof(texts) + 1] = {false};

	for (int i = 0; i < lengthof(texts); i++)
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

static void
place_one_of_batch(ReturnSetInfo *result, Jsonb *documents, int index)
{
	Outcome		outcome = {0};
	Jsonb	   *document = element_document(documents, index);

	outcome.external_id = external_id_of(document);
	place_in_subtransaction(document, &outcome);
	put_outcome(result, index + 1, &outcome);
}

Datum
usom_place_orders(PG_FUNCTION_ARGS)
{
	Jsonb	   *documents;
	MemoryContext per_document;
	MemoryContext call;

	usom_order_arg_required(fcinfo, 0, "documents");
	documents = PG_GETARG_JSONB_P(0);
	if (!JB_ROOT_IS_ARRAY(documents) || JB_ROOT_IS_SCALAR(documents))
		ereport(ERROR, errcode(USOM_ERR(INVALID_DOCUMENT)),
				errmsg("order documents must be a JSON array"),
				errhint("For one document call usom.place_order()."));
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("place_orders", NULL);
	call = CurrentMemoryContext;
	per_document = AllocSetContextCreate(call, "usom document", ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < JB_ROOT_COUNT(documents); i++)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(per_document);
		place_one_of_batch((ReturnSetInfo *) fcinfo->resultinfo, documents, i);
		MemoryContextReset(per_document);
	}
	MemoryContextSwitchTo(call);
	usom_call_end();
	return (Datum) 0;
}
