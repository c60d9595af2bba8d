/*
 * flow.h
 *		The cheapest of the largest flows through a small network.
 */
#ifndef USOM_SOURCING_FLOW_H
#define USOM_SOURCING_FLOW_H

#include "base/quantity.h"

typedef struct FlowArc
{
	int			to;
	int			next;			/* arc that leaves the same node; -1: none */
	UsomQuantity room;
	double		cost;			/* of one */
} FlowArc;

/* Arcs stand in pairs: 2i there, 2i + 1 back. */
typedef struct Flow
{
	int			nnodes;
	int			narcs;
	int		   *leaving;		/* by node: first arc */
	FlowArc    *arcs;
	double		noise;			/* paths that differ by less cost the same */
	double	   *distance;
	int		   *via;			/* by node: arc that the shortest path comes in by */
	bool	   *waiting;
	int		   *queue;
} Flow;

extern Flow *usom_sourcing_flow_make(int most_nodes, int most_arcs);
extern void usom_sourcing_flow_clear(Flow *flow, int nnodes);

extern int	usom_sourcing_flow_add_node(Flow *flow);

/* Returns the arc. */
extern int	usom_sourcing_flow_connect(Flow *flow, int from, int to, UsomQuantity room, double cost);

/*
 * Send as much as fits from one node to another, as cheaply as that can be,
 * on top of what flows already; what left by an arc of "from" before stays.
 * Returns what was sent.
 */
extern UsomQuantity usom_sourcing_flow_send(Flow *flow, int from, int to);

/* What flows along an arc. */
extern UsomQuantity usom_sourcing_flow_along(const Flow *flow, int arc);

#endif							/* USOM_SOURCING_FLOW_H */
