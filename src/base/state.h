/*
 * state.h
 *		The lifecycle machine: states and edges as one constant table.
 *
 *		A room lists its states and edges in lifecycle.def and makes a
 *		UsomLifecycle from them.  The SQL type (one byte, by value), the
 *		transition check, usom.<entity>_lifecycle() and the Graphviz picture
 *		all read that table.  Nothing here touches a catalog or allocates
 *		beyond the result it returns.
 *
 *		State numbers are append-only: they are on disk.  They are listed in
 *		the order of the life cycle, so they sort that way.
 */
#ifndef USOM_BASE_STATE_H
#define USOM_BASE_STATE_H

#include "postgres.h"
#include "fmgr.h"

typedef struct UsomEdge
{
	uint8		from;
	uint8		to;
	const char *verb;			/* imperative: "ship" */
	bool		commanded;		/* may be asked for by status; else derived */
} UsomEdge;

typedef struct UsomLifecycle
{
	const char *entity;			/* "order" */
	const char *type_name;		/* "order_status" */
	int			nstates;
	const char *const *labels;	/* by state number */
	int			nedges;
	const UsomEdge *edges;
} UsomLifecycle;

/* Rooms register their life cycles from _PG_init; the table must be static. */
extern void usom_lifecycle_register(const UsomLifecycle *lifecycle);

/* The life cycle of an entity, or ERROR 22023 with the entities in the hint. */
extern const UsomLifecycle *usom_lifecycle_of_entity(const char *entity);

/* Is there an edge?  The second form asks for commanded ones only. */
extern bool usom_lifecycle_allows(const UsomLifecycle *lifecycle, uint8 from, uint8 to);
extern bool usom_lifecycle_commands(const UsomLifecycle *lifecycle, uint8 from, uint8 to);

/* "submit (submitted), cancel (cancelled)"; palloc'd; "none: ... is final" if no edge leaves. */
extern char *usom_lifecycle_next_steps(const UsomLifecycle *lifecycle, uint8 from);

/* State number of a label, or ERROR 22P02 with the labels in the hint. */
extern uint8 usom_state_of_label(const UsomLifecycle *lifecycle, const char *label);

/* Bodies of the SQL-callable functions that USOM_STATE_TYPE declares. */
extern Datum usom_state_in(const UsomLifecycle *lifecycle, FunctionCallInfo fcinfo);
extern Datum usom_state_out(const UsomLifecycle *lifecycle, FunctionCallInfo fcinfo);
extern Datum usom_state_recv(const UsomLifecycle *lifecycle, FunctionCallInfo fcinfo);
extern Datum usom_state_send(const UsomLifecycle *lifecycle, FunctionCallInfo fcinfo);

/*
 * The four input and output functions of a state type.  Comparison and hash
 * are PostgreSQL's own for "char": see state_type.sql.in.
 */
#define USOM_STATE_FUNCTION(type, verb, lifecycle) \
	PG_FUNCTION_INFO_V1(usom_##type##_##verb); \
	Datum usom_##type##_##verb(PG_FUNCTION_ARGS) { return usom_state_##verb(&(lifecycle), fcinfo); }

#define USOM_STATE_TYPE(type, lifecycle) \
	USOM_STATE_FUNCTION(type, in, lifecycle) \
	USOM_STATE_FUNCTION(type, out, lifecycle) \
	USOM_STATE_FUNCTION(type, recv, lifecycle) \
	USOM_STATE_FUNCTION(type, send, lifecycle)

#endif							/* USOM_BASE_STATE_H */
