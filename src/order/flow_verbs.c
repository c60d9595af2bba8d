/*
 * flow_verbs.c
 *		usom.take_step(), usom.explain_steps(), and what is wrong with a graph
 *		for those who try the checks.
 *
 * Memory: the call's context, answers in the caller's.  Locks: take_step() the
 * order; the others none.
 */
#include "postgres.h"

#include "order/flow.h"
#include "order/flow_graph.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(usom_take_step);
PG_FUNCTION_INFO_V1(usom_explain_steps);
PG_FUNCTION_INFO_V1(usom__flow_graph);

/* usom.take_step(order_no, to_state, reason) */
Datum
usom_take_step(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "take_step", 2);
	char	   *to_state = usom_order_arg_text(fcinfo, 1, "to_state");
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	const UsomOrder *order = &set->orders[0];
	bool		nulls[3] = {false};
	Datum		values[3];

	usom_flow_step(set, 0, to_state);
	if (order->changed)
		usom_order_save(set);
	values[0] = CStringGetTextDatum(usom_order_lifecycle_table.labels[order->status]);
	values[1] = Int32GetDatum(order->version);
	values[2] = CStringGetTextDatum(order->flow_state);
	return usom_order_answer_row(answer, values, nulls);
}

/* ---- explained ---- */

#define STEP_COLUMNS 8

/* What the save will ask, asked now; a guard that is off is shown and not asked. */
static UsomQuery select_steps = {
	.text = "SELECT a.to_state, a.status, a.taken_by, "
	"bool_and(NOT (a.severity IS NOT DISTINCT FROM 'refuse' AND NOT a.passes)) OVER (PARTITION BY a.to_state), "
	"a.guard, a.severity, a.passes, a.message "
	"FROM (SELECT t.rank, t.to_state, s.status::text AS status, "
	"CASE WHEN s.status = o.status THEN 'take_step' ELSE (SELECT e.verb FROM usom.order_lifecycle() AS e "
	"WHERE e.from_status = o.status::text AND e.to_status = s.status::text LIMIT 1) END AS taken_by, "
	"g.guard, g.severity, CASE WHEN g.severity <> 'off' THEN coalesce(usom._ask_flow_guard(g.guard, $1, o.order_no), false) END AS passes, g.message "
	"FROM usom.sales_order AS o "
	"JOIN usom.flow_transition AS t ON t.org_id = $1 AND t.flow_id = o.flow_id AND t.from_state = o.flow_state "
	"JOIN usom.flow_state AS s ON s.org_id = $1 AND s.flow_id = o.flow_id AND s.state = t.to_state "
	"LEFT JOIN usom.flow_guard AS g ON g.org_id = $1 AND g.flow_id = o.flow_id AND g.from_state = t.from_state AND g.to_state = t.to_state "
	"WHERE o.org_id = $1 AND o.order_no = $2 AND ($3 IS NULL OR o.channel_id = ANY ($3))) AS a "
	"ORDER BY a.rank, a.to_state COLLATE \"C\", a.guard COLLATE \"C\"",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

static UsomQuery find_order = {
	.text = "SELECT 1 FROM usom.sales_order AS o WHERE o.org_id = $1 AND o.order_no = $2 AND ($3 IS NULL OR o.channel_id = ANY ($3))",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

static void
put_steps(ReturnSetInfo *result, uint64 count)
{
	for (uint64 row = 0; row < count; row++)
	{
		Datum		values[STEP_COLUMNS];
		bool		nulls[STEP_COLUMNS];

		for (int i = 0; i < STEP_COLUMNS; i++)
			values[i] = usom_query_get_or_null(row, i + 1, &nulls[i]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* usom.explain_steps(order_no) */
Datum
usom_explain_steps(PG_FUNCTION_ARGS)
{
	char	   *order_no;
	bool		nulls[3] = {false};
	Datum		values[3];
	uint64		count;

	usom_card_check_call(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("explain_steps", NULL);
	order_no = usom_order_arg_text(fcinfo, 0, "order_no");
	values[0] = Int64GetDatum(usom_party_org());
	values[1] = CStringGetTextDatum(order_no);
	values[2] = usom_party_channels(&nulls[2]);
	count = usom_query_look(&select_steps, values, nulls);
	put_steps((ReturnSetInfo *) fcinfo->resultinfo, count);
	if (count == 0 && usom_query_look(&find_order, values, nulls) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_ORDER)),
				errmsg("no order \"%s\"", order_no),
				errhint("Look it up in usom.orders."));
	usom_call_end();
	return (Datum) 0;
}

/* ---- the graph alone ---- */

#define GRAPH_COLUMNS 4

static Datum *
elements_of(FunctionCallInfo fcinfo, int arg, Oid type, int *count)
{
	Datum	   *elements;
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(arg), type, length, by_value, align, &elements, NULL, count);
	return elements;
}

static UsomFlowGraph *
graph_of_call(FunctionCallInfo fcinfo)
{
	int			nnodes;
	int			narcs;
	int			n;
	Datum	   *statuses = elements_of(fcinfo, 0, TEXTOID, &nnodes);
	Datum	   *starts = elements_of(fcinfo, 1, BOOLOID, &n);
	Datum	   *built_in;
	Datum	   *from;
	Datum	   *to;
	UsomFlowGraph *graph;

	Ensure(n == nnodes, "as many starts as states");
	built_in = elements_of(fcinfo, 2, BOOLOID, &n);
	Ensure(n == nnodes, "as many marks as states");
	from = elements_of(fcinfo, 3, INT4OID, &narcs);
	to = elements_of(fcinfo, 4, INT4OID, &n);
	Ensure(n == narcs, "as many ends as beginnings");
	graph = usom_flow_graph_make(nnodes, narcs);
	for (int i = 0; i < nnodes; i++)
	{
		graph->nodes[i].status = (UsomOrderStatus) usom_state_of_label(&usom_order_lifecycle_table, TextDatumGetCString(statuses[i]));
		graph->nodes[i].starts = DatumGetBool(starts[i]);
		graph->nodes[i].built_in = DatumGetBool(built_in[i]);
	}
	for (int i = 0; i < narcs; i++)
	{
		Ensure(DatumGetInt32(from[i]) >= 1 && DatumGetInt32(from[i]) <= nnodes && DatumGetInt32(to[i]) >= 1 && DatumGetInt32(to[i]) <= nnodes,
			   "a step leads between states");
		usom_flow_graph_add(graph, DatumGetInt32(from[i]) - 1, DatumGetInt32(to[i]) - 1, false);
	}
	return graph;
}

/* Places count from 1, as in SQL; below that: none. */
static void
put(FunctionCallInfo fcinfo, const char *what, int place, int other, UsomOrderStatus status)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		nulls[GRAPH_COLUMNS] = {false, place < 0, other < 0, false};
	Datum		values[GRAPH_COLUMNS] = {
		CStringGetTextDatum(what), Int32GetDatum(place + 1), Int32GetDatum(other + 1),
		CStringGetTextDatum(usom_order_lifecycle_table.labels[status])
	};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* usom._flow_graph(statuses, starts, built_in, from_place, to_place) */
Datum
usom__flow_graph(PG_FUNCTION_ARGS)
{
	UsomFlowGraph *graph = graph_of_call(fcinfo);
	UsomFlowFault *faults;
	int			count;

	InitMaterializedSRF(fcinfo, 0);
	usom_flow_graph_complete(graph);
	for (int i = 0; i < graph->narcs; i++)
		if (graph->arcs[i].built_in)
			put(fcinfo, "adds", graph->arcs[i].from, graph->arcs[i].to, graph->nodes[graph->arcs[i].from].status);
	for (int i = 0; i < graph->nnodes; i++)
		if (graph->nodes[i].gone)
			put(fcinfo, "gone", i, -1, graph->nodes[i].status);
	faults = usom_flow_graph_check(graph, &count);
	for (int i = 0; i < count; i++)
		put(fcinfo, usom_flow_fault_name(faults[i].kind), faults[i].node, faults[i].other, faults[i].status);
	return (Datum) 0;
}
