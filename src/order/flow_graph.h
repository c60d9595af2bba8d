/*
 * flow_graph.h
 *		A flow as a graph: completed, and what is wrong with it.
 *
 *		Pure: plain C on arrays, without SPI.  Nodes are states, arcs the
 *		transitions; what is built in is told apart from what somebody wrote.
 *		Memory: CurrentMemoryContext.
 */
#ifndef USOM_ORDER_FLOW_GRAPH_H
#define USOM_ORDER_FLOW_GRAPH_H

#include "order/lifecycle.h"

typedef struct UsomFlowNode
{
	UsomOrderStatus status;
	bool		starts;			/* where orders begin that come into the status */
	bool		built_in;
	bool		written;		/* out: an arc that somebody wrote leads from it, or to it */
	bool		gone;			/* out: built in, and nothing leads to it any more */
} UsomFlowNode;

typedef struct UsomFlowArc
{
	int			from;			/* indexes of nodes */
	int			to;
	bool		built_in;
} UsomFlowArc;

typedef struct UsomFlowGraph
{
	int			nnodes;
	UsomFlowNode *nodes;
	int			narcs;
	int			capacity;
	UsomFlowArc *arcs;
} UsomFlowGraph;

typedef enum UsomFlowFaultKind
{
	USOM_FLOW_BAD_STEP,			/* between statuses that orders do not go between */
	USOM_FLOW_NO_START,			/* no state of the status is where orders begin */
	USOM_FLOW_UNREACHABLE,
	USOM_FLOW_DEAD_END,			/* no end of an order can be reached */
	USOM_FLOW_NO_CANCEL			/* it could be cancelled in its status, but no way leads there within it */
} UsomFlowFaultKind;

typedef struct UsomFlowFault
{
	UsomFlowFaultKind kind;
	int			node;			/* -1: of the status */
	int			other;			/* BAD_STEP: node that the arc leads to; else -1 */
	UsomOrderStatus status;
} UsomFlowFault;

extern UsomFlowGraph *usom_flow_graph_make(int nnodes, int narcs);
extern void usom_flow_graph_add(UsomFlowGraph *graph, int from, int to, bool built_in);

/* The node of a status that orders begin in; -1: none. */
extern int	usom_flow_graph_start(const UsomFlowGraph *graph, UsomOrderStatus status);

/*
 * Nodes that are built in, and that no arc was written from, go on as orders
 * do without a flow: forward, to where the next statuses start.  Those that
 * nothing leads to then are gone, unless something was written about them.
 */
extern void usom_flow_graph_complete(UsomFlowGraph *graph);

/* Of a completed one; by kind, then node. */
extern UsomFlowFault *usom_flow_graph_check(const UsomFlowGraph *graph, int *nfaults);

extern const char *usom_flow_fault_name(UsomFlowFaultKind kind);

#endif							/* USOM_ORDER_FLOW_GRAPH_H */
