/*
 * lifecycle.c
 *		The life cycles shown: as rows, and as a picture for Graphviz.
 *
 *		Reads the registered tables of state.c alone; no locks, results in
 *		the memory of the call.
 */
#include "postgres.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "base/state.h"

#define LIFECYCLE_COLUMNS 4

/* usom.lifecycle(entity): one row per edge. */
PG_FUNCTION_INFO_V1(usom_lifecycle);
Datum
usom_lifecycle(PG_FUNCTION_ARGS)
{
	const UsomLifecycle *lifecycle = usom_lifecycle_of_entity(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < lifecycle->nedges; i++)
	{
		const UsomEdge *edge = &lifecycle->edges[i];
		bool		nulls[LIFECYCLE_COLUMNS] = {false};
		Datum		values[LIFECYCLE_COLUMNS] = {
			CStringGetTextDatum(lifecycle->labels[edge->from]),
			CStringGetTextDatum(lifecycle->labels[edge->to]),
			CStringGetTextDatum(edge->verb),
			BoolGetDatum(edge->commanded),
		};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* Does an edge leave the state? */
static bool
has_next(const UsomLifecycle *lifecycle, int state)
{
	for (int i = 0; i < lifecycle->nedges; i++)
	{
		if (lifecycle->edges[i].from == state)
			return true;
	}
	return false;
}

/* usom.lifecycle_dot(entity): final states have a double border, derived steps are dashed. */
PG_FUNCTION_INFO_V1(usom_lifecycle_dot);
Datum
usom_lifecycle_dot(PG_FUNCTION_ARGS)
{
	const UsomLifecycle *lifecycle = usom_lifecycle_of_entity(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	StringInfoData dot;

	initStringInfo(&dot);
	appendStringInfo(&dot, "digraph \"%s\" {\n\trankdir = LR;\n\tnode [shape = box];\n", lifecycle->entity);
	for (int i = 0; i < lifecycle->nstates; i++)
		appendStringInfo(&dot, "\t%s%s;\n", lifecycle->labels[i],
						 has_next(lifecycle, i) ? "" : " [peripheries = 2]");
	for (int i = 0; i < lifecycle->nedges; i++)
	{
		const UsomEdge *edge = &lifecycle->edges[i];

		appendStringInfo(&dot, "\t%s -> %s [label = \"%s\"%s];\n",
						 lifecycle->labels[edge->from], lifecycle->labels[edge->to],
						 edge->verb, edge->commanded ? "" : ", style = dashed");
	}
	appendStringInfoString(&dot, "}\n");
	PG_RETURN_TEXT_P(cstring_to_text_with_len(dot.data, dot.len));
}
