/*
 * flow_graph.c
 *		A flow as a graph: completed, and what is wrong with it.
 *
 * Pure: no SPI, no locks.  Memory: CurrentMemoryContext.
 *
 * Which statuses orders go between, which of them are ends and from which an
 * order can be cancelled is read from the life cycle of orders, so that it is
 * told once.
 */
#include "postgres.h"

#include "order/flow_graph.h"

#include "miscadmin.h"

static const char *const fault_names[] = {
	[USOM_FLOW_BAD_STEP] = "bad_step",
	[USOM_FLOW_NO_START] = "no_start",
	[USOM_FLOW_UNREACHABLE] = "unreachable",
	[USOM_FLOW_DEAD_END] = "dead_end",
	[USOM_FLOW_NO_CANCEL] = "no_cancel",
};

const char *
usom_flow_fault_name(UsomFlowFaultKind kind)
{
	return fault_names[kind];
}

UsomFlowGraph *
usom_flow_graph_make(int nnodes, int narcs)
{
	UsomFlowGraph *graph = palloc0_object(UsomFlowGraph);

	graph->nnodes = nnodes;
	graph->nodes = palloc0_array(UsomFlowNode, Max(nnodes, 1));
	graph->capacity = Max(narcs, 8);
	graph->arcs = palloc_array(UsomFlowArc, graph->capacity);
	return graph;
}

void
usom_flow_graph_add(UsomFlowGraph *graph, int from, int to, bool built_in)
{
	if (graph->narcs == graph->capacity)
	{
		graph->capacity *= 2;
		graph->arcs = repalloc_array(graph->arcs, UsomFlowArc, graph->capacity);
	}
	graph->arcs[graph->narcs++] = (UsomFlowArc) {from, to, built_in};
}

int
usom_flow_graph_start(const UsomFlowGraph *graph, UsomOrderStatus status)
{
	for (int i = 0; i < graph->nnodes; i++)
		if (graph->nodes[i].status == status && graph->nodes[i].starts && !graph->nodes[i].gone)
			return i;
	return -1;
}

/* ---- what the life cycle of orders says ---- */

static bool
is_end(UsomOrderStatus status)
{
	for (int i = 0; i < usom_order_lifecycle_table.nedges; i++)
		if (usom_order_lifecycle_table.edges[i].from == status)
			return false;
	return true;
}

static bool
is_cancelled(UsomOrderStatus status)
{
	return status == USOM_ORDER_CANCELLED;
}

static bool
is_cancellable(UsomOrderStatus status)
{
	return usom_lifecycle_allows(&usom_order_lifecycle_table, status, USOM_ORDER_CANCELLED);
}

/* May a way to the goal go on between the two? */
static bool
by_any(UsomOrderStatus from, UsomOrderStatus to)
{
	return true;
}

/* Who cancels has no order released or shipped for it. */
static bool
to_cancelled(UsomOrderStatus from, UsomOrderStatus to)
{
	return from == to || is_cancelled(to);
}

static bool
is_any(UsomOrderStatus status)
{
	return true;
}

/* ---- paths ---- */

/* Nodes that can be reached from those that are marked: mark them, too. */
static void
spread(const UsomFlowGraph *graph, bool *reached)
{
	bool		is_done = false;

	while (!is_done)
	{
		is_done = true;
		for (int i = 0; i < graph->narcs; i++)
		{
			CHECK_FOR_INTERRUPTS();
			if (!reached[graph->arcs[i].from] || reached[graph->arcs[i].to])
				continue;
			reached[graph->arcs[i].to] = true;
			is_done = false;
		}
	}
}

/* Orders come in where submitted and confirmed start. */
static bool *
reach_from_starts(const UsomFlowGraph *graph)
{
	bool	   *reached = palloc0_array(bool, Max(graph->nnodes, 1));

	for (int i = 0; i < graph->nnodes; i++)
		reached[i] = graph->nodes[i].starts && !graph->nodes[i].gone &&
			(graph->nodes[i].status == USOM_ORDER_SUBMITTED || graph->nodes[i].status == USOM_ORDER_CONFIRMED);
	spread(graph, reached);
	return reached;
}

typedef bool (*Sort) (UsomOrderStatus status);
typedef bool (*Way) (UsomOrderStatus from, UsomOrderStatus to);

/* Nodes from which one of a sort is reached. */
static bool *
lead_to(const UsomFlowGraph *graph, Sort goal, Way way)
{
	bool	   *leads = palloc0_array(bool, Max(graph->nnodes, 1));
	bool		is_done = false;

	for (int i = 0; i < graph->nnodes; i++)
		leads[i] = goal(graph->nodes[i].status);
	while (!is_done)
	{
		is_done = true;
		for (int i = 0; i < graph->narcs; i++)
		{
			const UsomFlowArc *arc = &graph->arcs[i];

			CHECK_FOR_INTERRUPTS();
			if (leads[arc->from] || !leads[arc->to] || !way(graph->nodes[arc->from].status, graph->nodes[arc->to].status))
				continue;
			leads[arc->from] = true;
			is_done = false;
		}
	}
	return leads;
}

/* ---- completed ---- */

static bool
leads_on(const UsomFlowGraph *graph, int node)
{
	for (int i = 0; i < graph->narcs; i++)
		if (graph->arcs[i].from == node && !graph->arcs[i].built_in)
			return true;
	return false;
}

/* What goes back needs no arc: the order returns to the state that it had. */
static void
add_built_in(UsomFlowGraph *graph, int node)
{
	UsomOrderStatus status = graph->nodes[node].status;

	for (int i = 0; i < usom_order_lifecycle_table.nedges; i++)
	{
		const UsomEdge *edge = &usom_order_lifecycle_table.edges[i];
		int			next = usom_flow_graph_start(graph, edge->to);
		bool		is_known = false;

		for (int j = 0; j < graph->narcs; j++)
			is_known |= graph->arcs[j].from == node && graph->arcs[j].to == next;
		if (edge->from == status && edge->to > status && next >= 0 && !is_known)
			usom_flow_graph_add(graph, node, next, true);
	}
}

static void
drop_gone(UsomFlowGraph *graph)
{
	int			left = 0;

	for (int i = 0; i < graph->narcs; i++)
		if (!graph->nodes[graph->arcs[i].from].gone && !graph->nodes[graph->arcs[i].to].gone)
			graph->arcs[left++] = graph->arcs[i];
	graph->narcs = left;
}

void
usom_flow_graph_complete(UsomFlowGraph *graph)
{
	int			nwritten = graph->narcs;
	bool	   *reached;

	for (int i = 0; i < nwritten; i++)
		graph->nodes[graph->arcs[i].from].written = graph->nodes[graph->arcs[i].to].written = true;
	for (int i = 0; i < graph->nnodes; i++)
		if (graph->nodes[i].built_in && !leads_on(graph, i))
			add_built_in(graph, i);
	reached = reach_from_starts(graph);
	for (int i = 0; i < graph->nnodes; i++)
		graph->nodes[i].gone = graph->nodes[i].built_in && !graph->nodes[i].written && !reached[i];
	drop_gone(graph);
}

/* ---- what is wrong ---- */

typedef struct Faults
{
	const UsomFlowGraph *graph;
	int			count;
	UsomFlowFault *faults;
} Faults;

static void
note(Faults *faults, UsomFlowFaultKind kind, int node, int other, UsomOrderStatus status)
{
	faults->faults[faults->count++] = (UsomFlowFault) {kind, node, other, status};
}

static void
find_bad_steps(Faults *faults)
{
	const UsomFlowGraph *graph = faults->graph;

	for (int i = 0; i < graph->narcs; i++)
	{
		UsomOrderStatus from = graph->nodes[graph->arcs[i].from].status;
		UsomOrderStatus to = graph->nodes[graph->arcs[i].to].status;

		if (from != to && !usom_lifecycle_allows(&usom_order_lifecycle_table, from, to))
			note(faults, USOM_FLOW_BAD_STEP, graph->arcs[i].from, graph->arcs[i].to, from);
	}
}

/* Orders begin submitted or confirmed, so that these have states at all. */
static void
find_missing_starts(Faults *faults)
{
	const UsomFlowGraph *graph = faults->graph;

	for (UsomOrderStatus status = USOM_ORDER_SUBMITTED; status < USOM_ORDER_STATES; status++)
	{
		bool		is_there = status == USOM_ORDER_SUBMITTED || status == USOM_ORDER_CONFIRMED;

		for (int i = 0; i < graph->nnodes; i++)
			is_there |= graph->nodes[i].status == status && !graph->nodes[i].gone;
		if (is_there && usom_flow_graph_start(graph, status) < 0)
			note(faults, USOM_FLOW_NO_START, -1, -1, status);
	}
}

static void
find_nodes(Faults *faults, UsomFlowFaultKind kind, const bool *is_fine, Sort concerned)
{
	const UsomFlowGraph *graph = faults->graph;

	for (int i = 0; i < graph->nnodes; i++)
		if (!graph->nodes[i].gone && !is_fine[i] && concerned(graph->nodes[i].status))
			note(faults, kind, i, -1, graph->nodes[i].status);
}

UsomFlowFault *
usom_flow_graph_check(const UsomFlowGraph *graph, int *nfaults)
{
	Faults		faults = {.graph = graph};

	faults.faults = palloc_array(UsomFlowFault, graph->narcs + USOM_ORDER_STATES + 3 * graph->nnodes + 1);
	find_bad_steps(&faults);
	find_missing_starts(&faults);
	find_nodes(&faults, USOM_FLOW_UNREACHABLE, reach_from_starts(graph), is_any);
	find_nodes(&faults, USOM_FLOW_DEAD_END, lead_to(graph, is_end, by_any), is_any);
	find_nodes(&faults, USOM_FLOW_NO_CANCEL, lead_to(graph, is_cancelled, to_cancelled), is_cancellable);
	*nfaults = faults.count;
	return faults.faults;
}
