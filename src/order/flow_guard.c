/*
 * flow_guard.c
 *		What must be true of orders that take a step of their flow.
 *
 * Guards are functions that a superuser or the owner of usom has made; they
 * run as the owner, by usom._ask_flow_guard(), and see orders as they are
 * before the step is written.  All that a save asks is one statement.
 *
 * Memory: CurrentMemoryContext.  Locks: the orders, by the caller.
 */
#include "postgres.h"

#include "order/flow.h"

#include "base/errors.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

static UsomQuery ask_guards = {
	.text = "SELECT coalesce(usom._ask_flow_guard(q.guard, $1, q.order_no), false) "
	"FROM unnest($2, $3) WITH ORDINALITY AS q (guard, order_no, place) ORDER BY q.place",
	.nargs = 3,
	.argtypes = {"bigint", "text[]", "text[]"},
};

UsomFlowAsking *
usom_flow_asking_make(const UsomOrderSet *set)
{
	UsomFlowAsking *asking = palloc0_object(UsomFlowAsking);

	asking->set = set;
	asking->capacity = 8;
	asking->guards = palloc_array(Datum, asking->capacity);
	asking->order_nos = palloc_array(Datum, asking->capacity);
	return asking;
}

void
usom_flow_asking_add(UsomFlowAsking *asking, int order, const UsomFlowStep *step)
{
	for (int i = 0; i < step->nguards; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (asking->count == asking->capacity)
		{
			asking->capacity *= 2;
			asking->guards = repalloc_array(asking->guards, Datum, asking->capacity);
			asking->order_nos = repalloc_array(asking->order_nos, Datum, asking->capacity);
		}
		asking->guards[asking->count] = CStringGetTextDatum(step->guards[i].name);
		asking->order_nos[asking->count++] = CStringGetTextDatum(asking->set->orders[order].order_no);
	}
}

void
usom_flow_asking_ask(UsomFlowAsking *asking)
{
	Datum		values[3] = {Int64GetDatum(asking->set->org_id)};

	if (asking->count == 0)
		return;
	values[1] = PointerGetDatum(construct_array_builtin(asking->guards, asking->count, TEXTOID));
	values[2] = PointerGetDatum(construct_array_builtin(asking->order_nos, asking->count, TEXTOID));
	Ensure(usom_query_run(&ask_guards, values, NULL) == (uint64) asking->count, "a guard has not answered");
	asking->answers = palloc_array(bool, asking->count);
	for (int i = 0; i < asking->count; i++)
		asking->answers[i] = DatumGetBool(usom_query_get(i, 1));
}

List *
usom_flow_asking_failed(UsomFlowAsking *asking, const UsomFlowStep *step)
{
	List	   *failed = NIL;

	for (int i = 0; i < step->nguards; i++)
		if (!asking->answers[asking->next++])
			failed = lappend(failed, &step->guards[i]);
	return failed;
}

bool
usom_flow_is_refused(const List *failed)
{
	for (int i = 0; i < list_length(failed); i++)
		if (((const UsomFlowGuard *) list_nth(failed, i))->severity == USOM_FLOW_REFUSE)
			return true;
	return false;
}

void
usom_flow_refuse_guards(const UsomOrder *order, const UsomFlow *flow, const UsomFlowStep *step, const List *failed)
{
	StringInfoData words;

	initStringInfo(&words);
	for (int i = 0; i < list_length(failed); i++)
	{
		const UsomFlowGuard *guard = list_nth(failed, i);

		if (guard->severity == USOM_FLOW_REFUSE)
			appendStringInfo(&words, "%s%s: %s", words.len > 0 ? "; " : "", guard->name, guard->message);
	}
	ereport(ERROR, errcode(USOM_ERR(FLOW_GUARD)),
			errmsg("flow \"%s\" does not let order \"%s\" go from \"%s\" to \"%s\" yet", flow->code, order->order_no,
				   flow->states[step->from].name, flow->states[step->to].name),
			errdetail("%s.", words.data),
			errhint("usom.explain_steps('%s') shows every guard.", order->order_no));
}
