/*
 * flow.c
 *		The cheapest of the largest flows: shortest augmenting paths.
 *
 *		A path is found by relaxing nodes in a queue, which takes the negative
 *		costs of arcs back.  Each step sends as much as the path holds, so all
 *		quantities stay whole.
 *
 * Memory: allocated once for the largest network, then used again.
 *
 * Invariant: after each step no circle of arcs with room has a negative
 * cost, so what flows is the cheapest for the amounts that left the source.
 */
#include "postgres.h"

#include "sourcing/flow.h"

Flow *
usom_sourcing_flow_make(int most_nodes, int most_arcs)
{
	Flow	   *flow = palloc0(sizeof(Flow));

	flow->leaving = palloc(sizeof(int) * most_nodes);
	flow->arcs = palloc(sizeof(FlowArc) * 2 * Max(most_arcs, 1));
	flow->distance = palloc(sizeof(double) * most_nodes);
	flow->via = palloc(sizeof(int) * most_nodes);
	flow->waiting = palloc(sizeof(bool) * most_nodes);
	flow->queue = palloc(sizeof(int) * (most_nodes + 1));
	return flow;
}

void
usom_sourcing_flow_clear(Flow *flow, int nnodes)
{
	flow->nnodes = nnodes;
	flow->narcs = 0;
	flow->noise = 0;
	memset(flow->leaving, -1, sizeof(int) * nnodes);
}

int
usom_sourcing_flow_add_node(Flow *flow)
{
	flow->leaving[flow->nnodes] = -1;
	return flow->nnodes++;
}

static void
put_arc(Flow *flow, int from, int to, UsomQuantity room, double cost)
{
	flow->arcs[flow->narcs] = (FlowArc) {to, flow->leaving[from], room, cost};
	flow->leaving[from] = flow->narcs++;
}

int
usom_sourcing_flow_connect(Flow *flow, int from, int to, UsomQuantity room, double cost)
{
	put_arc(flow, from, to, room, cost);
	put_arc(flow, to, from, 0, -cost);
	flow->noise = Max(flow->noise, cost * 1e-11);
	return flow->narcs - 2;
}

UsomQuantity
usom_sourcing_flow_along(const Flow *flow, int arc)
{
	return flow->arcs[arc + 1].room;
}

#define SOURCE (-2)

/*
 * No path leads back to where it begins: what left the source stays.  The
 * queue is circular: a node waits in it once at most, so one more place than
 * nodes is enough.
 */
static void
relax_from(Flow *flow, int node, int *end)
{
	for (int i = flow->leaving[node]; i >= 0; i = flow->arcs[i].next)
	{
		const FlowArc *arc = &flow->arcs[i];
		double		distance = flow->distance[node] + arc->cost;

		if (arc->room == 0 || flow->via[arc->to] == SOURCE)
			continue;
		if (flow->via[arc->to] != -1 && distance >= flow->distance[arc->to] - flow->noise)
			continue;
		flow->distance[arc->to] = distance;
		flow->via[arc->to] = i;
		if (flow->waiting[arc->to])
			continue;
		flow->waiting[arc->to] = true;
		flow->queue[*end] = arc->to;
		*end = (*end + 1) % (flow->nnodes + 1);
	}
}

static bool
find_path(Flow *flow, int from, int to)
{
	int			begin = 0;
	int			end = 1;

	memset(flow->via, -1, sizeof(int) * flow->nnodes);
	memset(flow->waiting, 0, sizeof(bool) * flow->nnodes);
	flow->queue[0] = from;
	flow->via[from] = SOURCE;
	flow->distance[from] = 0;
	while (begin != end)
	{
		int			node = flow->queue[begin];

		begin = (begin + 1) % (flow->nnodes + 1);
		flow->waiting[node] = false;
		if (node != to)
			relax_from(flow, node, &end);
	}
	return flow->via[to] >= 0;
}

static UsomQuantity
send_along(Flow *flow, int from, int to)
{
	UsomQuantity amount = PG_INT64_MAX;

	for (int node = to; node != from; node = flow->arcs[flow->via[node] ^ 1].to)
		amount = Min(amount, flow->arcs[flow->via[node]].room);
	for (int node = to; node != from; node = flow->arcs[flow->via[node] ^ 1].to)
	{
		flow->arcs[flow->via[node]].room -= amount;
		flow->arcs[flow->via[node] ^ 1].room += amount;
	}
	return amount;
}

UsomQuantity
usom_sourcing_flow_send(Flow *flow, int from, int to)
{
	UsomQuantity sent = 0;

	while (find_path(flow, from, to))
		sent += send_along(flow, from, to);
	return sent;
}
