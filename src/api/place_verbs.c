/*
 * place_verbs.c
 *		usom.place_order() and usom.place_orders().
 *
 * Locks: as place.c.  Memory: the call's context.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/place_batch.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "order/answer.h"
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

static void
put_outcome(ReturnSetInfo *result, int ordinal, const UsomOutcome *outcome)
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

/* Elements as documents of their own; a scalar is refused like any other wrong shape. */
static Jsonb **
take_apart(Jsonb *array, int count)
{
	Jsonb	  **documents = palloc_array(Jsonb *, Max(count, 1));

	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		documents[i] = JsonbValueToJsonb(getIthJsonbValueFromContainer(&array->root, i));
	}
	return documents;
}

Datum
usom_place_orders(PG_FUNCTION_ARGS)
{
	Jsonb	   *documents;
	UsomOutcome *outcomes;
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
	outcomes = usom_api_place_batch(take_apart(documents, count), count);
	for (int i = 0; i < count; i++)
		put_outcome((ReturnSetInfo *) fcinfo->resultinfo, i + 1, &outcomes[i]);
	usom_call_end();
	return (Datum) 0;
}
