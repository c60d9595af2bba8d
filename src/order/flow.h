/*
 * flow.h
 *		Flows that somebody wrote, on top of the built-in one.
 *
 *		A version of a flow is states, each within one status of orders, and
 *		steps between them, with guards and effects.  Published ones do not
 *		change, and orders keep theirs, so what backends remember of them stays
 *		right.  An order without a flow costs nothing here but a look at
 *		memory, when it is placed or submitted.
 *
 *		Enforced where orders are saved: whoever takes an order to another
 *		status, by function or by plain SQL, takes a step of its flow.
 *
 *		Invariant: an order with a flow is in a state of it that lies within
 *		its status.
 */
#ifndef USOM_ORDER_FLOW_H
#define USOM_ORDER_FLOW_H

#include "order/order.h"

typedef struct UsomFlowState
{
	const char *name;
	UsomOrderStatus status;
	bool		starts;
	bool		built_in;
} UsomFlowState;

typedef enum UsomFlowSeverity
{
	USOM_FLOW_WARN,
	USOM_FLOW_HOLD,
	USOM_FLOW_REFUSE
} UsomFlowSeverity;

typedef struct UsomFlowGuard
{
	const char *name;			/* what usom._ask_flow_guard() takes */
	UsomFlowSeverity severity;
	const char *hold_type;
	const char *message;		/* never NULL */
} UsomFlowGuard;

typedef enum UsomFlowEffectKind
{
	USOM_FLOW_PLACES_HOLD,
	USOM_FLOW_RELEASES_HOLD,
	USOM_FLOW_TELLS,
	USOM_FLOW_RAISES
} UsomFlowEffectKind;

typedef struct UsomFlowEffect
{
	UsomFlowEffectKind kind;
	const char *argument;
	const char *message;		/* NULL: none */
} UsomFlowEffect;

/* A transition. */
typedef struct UsomFlowStep
{
	int			from;			/* indexes of states */
	int			to;
	bool		built_in;
	int			nguards;
	UsomFlowGuard *guards;		/* that are asked; by name */
	int			neffects;
	UsomFlowEffect *effects;
} UsomFlowStep;

typedef struct UsomFlow
{
	int64		flow_id;
	const char *code;
	int32		version;
	bool		stays_submitted;	/* somebody wrote what is to happen to orders that are submitted */
	int			nstates;
	UsomFlowState *states;		/* by name */
	int			nsteps;
	UsomFlowStep *steps;		/* by state that they lead from, rank, name of the state that they lead to */
} UsomFlow;

/* ---- flow_read.c: remembered; what they give lives until the next of them is asked ---- */

/* A published version; XX000 if there is none. */
extern const UsomFlow *usom_flow_get(int64 org_id, int64 flow_id);

/* What an order of the type and channel takes; NULL: the built-in flow. */
extern const UsomFlow *usom_flow_of(int64 org_id, UsomOrderType type, int64 channel_id);

/* Index of a state, or -1. */
extern int	usom_flow_find_state(const UsomFlow *flow, const char *name);

/* Where orders begin that come into the status; -1: the flow has no such state. */
extern int	usom_flow_start(const UsomFlow *flow, UsomOrderStatus status);

/* "engraved (confirmed), cancelled (cancelled)"; palloc'd */
extern char *usom_flow_next_steps(const UsomFlow *flow, int state);

/* ---- flow_guard.c ---- */

/* Questions about orders of a set, asked in one statement. */
typedef struct UsomFlowAsking
{
	const UsomOrderSet *set;
	int			count;
	int			capacity;
	Datum	   *guards;
	Datum	   *order_nos;
	bool	   *answers;		/* once they are asked */
	int			next;			/* that is looked up */
} UsomFlowAsking;

extern UsomFlowAsking *usom_flow_asking_make(const UsomOrderSet *set);
extern void usom_flow_asking_add(UsomFlowAsking *asking, int order, const UsomFlowStep *step);
extern void usom_flow_asking_ask(UsomFlowAsking *asking);

/*
 * The answers to the guards of a step, in the order in which they were added.
 * List of those that are not true: const UsomFlowGuard *.
 */
extern List *usom_flow_asking_failed(UsomFlowAsking *asking, const UsomFlowStep *step);

/* Does one of them refuse? */
extern bool usom_flow_is_refused(const List *failed);

/* US141 */
extern void usom_flow_refuse_guards(const UsomOrder *order, const UsomFlow *flow, const UsomFlowStep *step,
									const List *failed) pg_attribute_noreturn();

/* ---- flow_effect.c: what a step that is taken does ---- */

/* A hold that a step ends; in a list of the set until it is written. */
typedef struct UsomFlowRelease
{
	int64		sales_order_id;
	const char *hold_type;
	const char *reason;
} UsomFlowRelease;

extern void usom_flow_take_effect(UsomOrderSet *set, int order, const UsomFlow *flow, const UsomFlowStep *step, const List *failed);

/* Holds that the steps of a save place and end: two statements at most. */
extern void usom_flow_write_effects(UsomOrderSet *set);

/* ---- flow.c ---- */

/* For save.c: orders of the set that begin, or that go to another status. */
extern void usom_flow_follow(UsomOrderSet *set);

/* Take the order to another state of its status; settled, not saved.  US140, US141. */
extern void usom_flow_step(UsomOrderSet *set, int order, const char *to_state);

/* Does the flow of the order, or that it will take, keep it submitted until somebody confirms it? */
extern bool usom_flow_keeps_submitted(const UsomOrderSet *set, int order);

/*
 * Would the flow let the order go to the status as it is now?  For verbs on
 * many orders, which pass over those that it would not.
 */
extern bool usom_flow_allows(const UsomOrderSet *set, int order, UsomOrderStatus to);

/* _PG_init of the room */
extern void usom_flow_init(void);

#endif							/* USOM_ORDER_FLOW_H */
