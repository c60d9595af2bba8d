/*
 * answer.c
 *		What every verb on one order begins and ends with.
 *
 * Memory: the call works in SPI's context, the answer is built in the context
 * the function was called in.  The one-row answer of a set-returning function
 * is a plain tuple: such functions are declared to return one row at most.
 */
#include "postgres.h"

#include "order/answer.h"

#include "access/htup_details.h"
#include "base/call.h"
#include "base/card_guard.h"
#include "funcapi.h"
#include "utils/builtins.h"

struct UsomAnswer
{
	FunctionCallInfo fcinfo;
	MemoryContext caller;
};

UsomAnswer *
usom_order_answer_begin(FunctionCallInfo fcinfo, const char *verb, int reason_arg)
{
	UsomAnswer *answer = palloc_object(UsomAnswer);

	usom_card_check_call(fcinfo);
	answer->fcinfo = fcinfo;
	answer->caller = CurrentMemoryContext;
	usom_call_begin(verb, reason_arg >= 0 && !PG_ARGISNULL(reason_arg)
					? text_to_cstring(PG_GETARG_TEXT_PP(reason_arg)) : NULL);
	return answer;
}

void
usom_order_arg_required(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("argument %s must not be null", name));
}

char *
usom_order_arg_text(FunctionCallInfo fcinfo, int arg, const char *name)
{
	usom_order_arg_required(fcinfo, arg, name);
	return text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

Datum
usom_order_answer_row(UsomAnswer *answer, Datum *values, bool *nulls)
{
	MemoryContext call = MemoryContextSwitchTo(answer->caller);
	TupleDesc	tupdesc;
	HeapTuple	tuple;

	if (get_call_result_type(answer->fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "a row-returning function was called where no row is wanted");
	tuple = heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls);
	MemoryContextSwitchTo(call);
	usom_call_end();
	return HeapTupleGetDatum(tuple);
}

Datum
usom_order_answer_status(UsomAnswer *answer, const UsomOrderSet *set)
{
	const UsomOrder *order = &set->orders[0];
	Datum		values[2] = {
		CStringGetTextDatum(usom_order_lifecycle_table.labels[order->status]),
		Int32GetDatum(order->version),
	};
	bool		nulls[2] = {false, false};

	return usom_order_answer_row(answer, values, nulls);
}

Datum
usom_order_answer_null(UsomAnswer *answer)
{
	FunctionCallInfo fcinfo = answer->fcinfo;

	MemoryContextSwitchTo(answer->caller);
	usom_call_end();
	PG_RETURN_NULL();
}

Datum
usom_order_answer_string(UsomAnswer *answer, const char *value)
{
	MemoryContext call = MemoryContextSwitchTo(answer->caller);
	text	   *result = cstring_to_text(value);

	MemoryContextSwitchTo(call);
	usom_call_end();
	PG_RETURN_TEXT_P(result);
}
