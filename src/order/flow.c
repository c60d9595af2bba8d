/*
 * flow.c
 *		Orders follow their flow: where it begins, and each step of it.
 *
 * usom_order_save() calls usom_flow_follow() before it writes.  An order that
 * is placed or submitted takes the flow that the rules name, and begins in its
 * state for the status; one that goes to another status takes the first step
 * there that its guards let pass, or the save fails.  What goes back (units put
 * back, a shipment void) needs no step of its own: the order returns to the
 * state that it had in that status.
 *
 * Statements: none without flows; one for all guards of a save, one for each
 * order that goes back, two for the holds of effects.
 *
 * Locks: the orders, by load.  Memory: CurrentMemoryContext; nothing of what
 * backends remember is kept over a statement.
 *
 * Invariant: the state of an order lies within its status.
 */
#include "postgres.h"

#include "order/flow.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "utils/builtins.h"

static UsomQuery find_last_state = {
	.text = "SELECT h.flow_state FROM usom.order_history AS h WHERE h.org_id = $1 AND h.sales_order_id = $2 "
	"AND h.to_status = $3 AND h.flow_state IS NOT NULL ORDER BY h.version DESC LIMIT 1",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "usom.order_status"},
};

static void
enter(UsomOrder *order, const UsomFlow *flow, int state)
{
	order->flow_id = flow->flow_id;
	order->flow_state = pstrdup(flow->states[state].name);
	order->flow_changed = true;
}

static void
refuse_status(const UsomOrder *order, const UsomFlow *flow, int state, UsomOrderStatus to)
{
	ereport(ERROR, errcode(USOM_ERR(FLOW_STEP)),
			errmsg("flow \"%s\" does not let order \"%s\" become %s", flow->code, order->order_no,
				   usom_order_lifecycle_table.labels[to]),
			state >= 0 ? errdetail("No step of version %d leads there from \"%s\".", flow->version, flow->states[state].name)
			: errdetail("Version %d has no state for it.", flow->version),
			state >= 0 ? errhint("Next steps: %s.", usom_flow_next_steps(flow, state)) : 0);
}

/* ---- orders that begin ---- */

static bool
is_beginning(const UsomOrder *order)
{
	return order->is_new || (order->flow_id == 0 && order->status_before == USOM_ORDER_DRAFT);
}

/* An order that was split off takes the flow of the other, and begins anew unless it is in the same status. */
static void
begin(const UsomOrderSet *set, UsomOrder *order)
{
	const UsomFlow *flow;
	int			state;

	if (order->status != USOM_ORDER_SUBMITTED && order->status != USOM_ORDER_CONFIRMED)
		return;
	flow = order->flow_id != 0 ? usom_flow_get(set->org_id, order->flow_id)
		: usom_flow_of(set->org_id, order->order_type, order->channel_id);
	if (likely(flow == NULL))
		return;
	state = order->flow_id != 0 ? usom_flow_find_state(flow, order->flow_state) : -1;
	if (state < 0 || flow->states[state].status != order->status)
		state = usom_flow_start(flow, order->status);
	if (state < 0)
		refuse_status(order, flow, -1, order->status);
	enter(order, flow, state);
}

/* ---- orders that go to another status ---- */

/* Index of the present state. */
static int
present_state(const UsomOrder *order, const UsomFlow *flow)
{
	int			state = usom_flow_find_state(flow, order->flow_state);

	Ensure(state >= 0, "an order is in no state of its flow: see usom.verify()");
	return state;
}

static bool
leads(const UsomFlow *flow, const UsomFlowStep *step, int from, UsomOrderStatus to)
{
	return step->from == from && flow->states[step->to].status == to;
}

/* The guards of all steps that lead there. */
static void
ask_about(UsomFlowAsking *asking, int order, UsomOrderStatus to)
{
	const UsomFlow *flow = usom_flow_get(asking->set->org_id, asking->set->orders[order].flow_id);
	int			from = present_state(&asking->set->orders[order], flow);

	for (int i = 0; i < flow->nsteps; i++)
		if (leads(flow, &flow->steps[i], from, to))
			usom_flow_asking_add(asking, order, &flow->steps[i]);
}

typedef struct Choice
{
	const UsomFlowStep *step;	/* to take; NULL: none */
	List	   *failed;			/* its guards that are not true */
	const UsomFlowStep *refused;	/* the first that is not to be taken; NULL: none */
	List	   *why;
} Choice;

/* The answers are there, in the order of the questions: all of them are looked up. */
static Choice
choose(UsomFlowAsking *asking, const UsomFlow *flow, int from, UsomOrderStatus to)
{
	Choice		choice = {0};

	for (int i = 0; i < flow->nsteps; i++)
	{
		const UsomFlowStep *step = &flow->steps[i];
		List	   *failed;

		if (!leads(flow, step, from, to))
			continue;
		failed = usom_flow_asking_failed(asking, step);
		if (!usom_flow_is_refused(failed) && choice.step == NULL)
		{
			choice.step = step;
			choice.failed = failed;
		}
		else if (choice.refused == NULL)
		{
			choice.refused = step;
			choice.why = failed;
		}
	}
	return choice;
}

/* The state that the order had in the status, or where it starts; -1: the flow has none. */
static int
state_before(const UsomOrderSet *set, const UsomOrder *order, const UsomFlow *flow)
{
	Datum		values[3] = {Int64GetDatum(set->org_id), Int64GetDatum(order->sales_order_id), UInt8GetDatum(order->status)};
	int			state = -1;

	if (usom_query_run(&find_last_state, values, NULL) > 0)
		state = usom_flow_find_state(flow, usom_query_get_text(0, 1));
	return state >= 0 && flow->states[state].status == order->status ? state : usom_flow_start(flow, order->status);
}

static void
go_on(UsomOrderSet *set, UsomFlowAsking *asking, int index)
{
	UsomOrder  *order = &set->orders[index];
	const UsomFlow *flow = usom_flow_get(set->org_id, order->flow_id);
	int			from = present_state(order, flow);
	Choice		choice = choose(asking, flow, from, order->status);
	int			back = -1;

	if (choice.step != NULL)
	{
		enter(order, flow, choice.step->to);
		usom_flow_take_effect(set, index, flow, choice.step, choice.failed);
		return;
	}
	if (choice.refused != NULL)
		usom_flow_refuse_guards(order, flow, choice.refused, choice.why);
	if (order->status < flow->states[from].status)
		back = state_before(set, order, flow);
	if (back < 0)
		refuse_status(order, flow, from, order->status);
	enter(order, flow, back);
}

/* Does the order go to another status than its state is of? */
static bool
is_going(const UsomOrderSet *set, const UsomOrder *order)
{
	const UsomFlow *flow;

	if (likely(order->flow_id == 0))
		return false;
	flow = usom_flow_get(set->org_id, order->flow_id);
	return flow->states[present_state(order, flow)].status != order->status;
}

static void
follow_going(UsomOrderSet *set, const int *going, int count)
{
	UsomFlowAsking *asking = usom_flow_asking_make(set);

	for (int i = 0; i < count; i++)
		ask_about(asking, going[i], set->orders[going[i]].status);
	usom_flow_asking_ask(asking);
	for (int i = 0; i < count; i++)
		go_on(set, asking, going[i]);
}

void
usom_flow_follow(UsomOrderSet *set)
{
	int		   *going = NULL;
	int			count = 0;

	for (int i = 0; i < set->norders; i++)
	{
		UsomOrder  *order = &set->orders[i];

		if (!order->changed || order->status == USOM_ORDER_DRAFT)
			continue;
		if (is_beginning(order))
			begin(set, order);
		else if (unlikely(is_going(set, order)))
		{
			if (going == NULL)
				going = palloc_array(int, set->norders);
			going[count++] = i;
		}
	}
	if (count > 0)
		follow_going(set, going, count);
	usom_flow_write_effects(set);
}

bool
usom_flow_allows(const UsomOrderSet *set, int order, UsomOrderStatus to)
{
	const UsomFlow *flow;
	UsomFlowAsking *asking;
	int			from;

	if (set->orders[order].flow_id == 0)
		return true;
	flow = usom_flow_get(set->org_id, set->orders[order].flow_id);
	from = present_state(&set->orders[order], flow);
	if (flow->states[from].status == to || to < flow->states[from].status)
		return true;
	asking = usom_flow_asking_make(set);
	ask_about(asking, order, to);
	usom_flow_asking_ask(asking);
	flow = usom_flow_get(set->org_id, set->orders[order].flow_id);
	return choose(asking, flow, from, to).step != NULL;
}

bool
usom_flow_keeps_submitted(const UsomOrderSet *set, int index)
{
	const UsomOrder *order = &set->orders[index];
	const UsomFlow *flow = order->flow_id != 0 ? usom_flow_get(set->org_id, order->flow_id)
		: usom_flow_of(set->org_id, order->order_type, order->channel_id);

	return flow != NULL && flow->stays_submitted;
}

/* ---- steps within a status ---- */

static void
refuse_step(const UsomOrder *order, const UsomFlow *flow, int from, const char *to_state, const char *why)
{
	ereport(ERROR, errcode(USOM_ERR(FLOW_STEP)),
			errmsg("cannot take order \"%s\" from \"%s\" to \"%s\"", order->order_no, flow->states[from].name, to_state),
			errdetail("%s", why),
			errhint("Next steps: %s.", usom_flow_next_steps(flow, from)));
}

/* What is called to go to another status. */
static const char *
verb_between(UsomOrderStatus from, UsomOrderStatus to)
{
	for (int i = 0; i < usom_order_lifecycle_table.nedges; i++)
		if (usom_order_lifecycle_table.edges[i].from == from && usom_order_lifecycle_table.edges[i].to == to)
			return usom_order_lifecycle_table.edges[i].verb;
	return "none";
}

static const UsomFlowStep *
find_step(const UsomOrder *order, const UsomFlow *flow, int from, const char *to_state)
{
	int			to = usom_flow_find_state(flow, to_state);

	if (to < 0)
		refuse_step(order, flow, from, to_state, psprintf("Flow \"%s\" has no such state in version %d.", flow->code, flow->version));
	for (int i = 0; i < flow->nsteps; i++)
		if (flow->steps[i].from == from && flow->steps[i].to == to)
		{
			if (flow->states[to].status == order->status)
				return &flow->steps[i];
			refuse_step(order, flow, from, to_state, psprintf("The order is then %s: that step is called \"%s\".",
															  usom_order_lifecycle_table.labels[flow->states[to].status],
															  verb_between(order->status, flow->states[to].status)));
		}
	refuse_step(order, flow, from, to_state, psprintf("Flow \"%s\" has no such step in version %d.", flow->code, flow->version));
	return NULL;
}

void
usom_flow_step(UsomOrderSet *set, int index, const char *to_state)
{
	UsomOrder  *order = &set->orders[index];
	UsomFlowAsking *asking = usom_flow_asking_make(set);
	const UsomFlow *flow;
	const UsomFlowStep *step;
	List	   *failed;

	if (order->flow_id == 0)
		ereport(ERROR, errcode(USOM_ERR(FLOW_STEP)),
				errmsg("order \"%s\" has no state \"%s\" to go to", order->order_no, to_state),
				errdetail("It takes the built-in flow."),
				errhint("usom.explain_status('%s') tells its next steps.", order->order_no));
	if (strcmp(order->flow_state, to_state) == 0)
		return;
	if (order->status >= USOM_ORDER_CLOSED)
		usom_order_refuse(order->order_no, "step", order->status);
	flow = usom_flow_get(set->org_id, order->flow_id);
	usom_flow_asking_add(asking, index, find_step(order, flow, present_state(order, flow), to_state));
	usom_flow_asking_ask(asking);
	flow = usom_flow_get(set->org_id, order->flow_id);
	step = find_step(order, flow, present_state(order, flow), to_state);
	failed = usom_flow_asking_failed(asking, step);
	if (usom_flow_is_refused(failed))
		usom_flow_refuse_guards(order, flow, step, failed);
	enter(order, flow, step->to);
	usom_flow_take_effect(set, index, flow, step, failed);
	order->event_reference = order->flow_state;
	usom_order_settle(set, index, "step");
}
