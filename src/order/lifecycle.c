/*
 * lifecycle.c
 *		The life cycles of orders and pieces, made from lifecycle.def.
 *
 * Constant tables and pure functions: no memory, no locks.
 */
#include "postgres.h"

#include "order/lifecycle.h"
#include "order/approval.h"
#include "order/flow.h"

#include "base/errors.h"
#include "utils/builtins.h"

#define ORDER_STATE(number, name, label) [number] = label,
static const char *const order_labels[] = {
#include "order/lifecycle.def"
};

#define PIECE_STATE(number, name, label) [number] = label,
static const char *const piece_labels[] = {
#include "order/lifecycle.def"
};

#define ORDER_EDGE(from, to, verb, commanded) {USOM_ORDER_##from, USOM_ORDER_##to, verb, commanded},
static const UsomEdge order_edges[] = {
#include "order/lifecycle.def"
};

#define PIECE_EDGE(from, to, verb, commanded) {USOM_PIECE_##from, USOM_PIECE_##to, verb, commanded},
static const UsomEdge piece_edges[] = {
#include "order/lifecycle.def"
};

const UsomLifecycle usom_order_lifecycle_table = {
	.entity = "order",
	.type_name = "order_status",
	.nstates = USOM_ORDER_STATES,
	.labels = order_labels,
	.nedges = lengthof(order_edges),
	.edges = order_edges,
};

const UsomLifecycle usom_piece_lifecycle_table = {
	.entity = "piece",
	.type_name = "piece_status",
	.nstates = USOM_PIECE_STATES,
	.labels = piece_labels,
	.nedges = lengthof(piece_edges),
	.edges = piece_edges,
};

USOM_STATE_TYPE(order_status, usom_order_lifecycle_table)
USOM_STATE_TYPE(piece_status, usom_piece_lifecycle_table)

PG_FUNCTION_INFO_V1(usom__status_text);

/* Leakproof: there is nothing that it could complain of. */
Datum
usom__status_text(PG_FUNCTION_ARGS)
{
	uint8		status = (uint8) PG_GETARG_CHAR(0);

	PG_RETURN_TEXT_P(cstring_to_text(status < USOM_ORDER_STATES ? order_labels[status] : "unknown"));
}

UsomQuantity
usom_order_counters_total(const UsomCounters *counters)
{
	UsomQuantity total = 0;

	for (int i = 0; i < USOM_PIECE_STATES; i++)
		total = usom_quantity_add(total, counters->by_state[i]);
	return total;
}

/* The running states, from the quantities alone. */
static UsomOrderStatus
derive_running(const UsomCounters *sum, UsomQuantity live)
{
	const UsomQuantity *units = sum->by_state;
	UsomQuantity arrived = units[USOM_PIECE_DELIVERED] + units[USOM_PIECE_RETURNED];
	UsomQuantity left = arrived + units[USOM_PIECE_SHIPPED];

	if (arrived == live)
		return USOM_ORDER_DELIVERED;
	if (left == live)
		return USOM_ORDER_SHIPPED;
	if (left > 0)
		return USOM_ORDER_PARTIALLY_SHIPPED;
	if (units[USOM_PIECE_RELEASED] + units[USOM_PIECE_PICKED] + units[USOM_PIECE_PACKED] > 0)
		return USOM_ORDER_PROCESSING;
	return USOM_ORDER_CONFIRMED;
}

UsomOrderStatus
usom_order_derive_status(UsomOrderStatus decided, const UsomCounters *sum)
{
	UsomQuantity total = usom_order_counters_total(sum);
	UsomQuantity live = total - sum->by_state[USOM_PIECE_CANCELLED];

	if (decided >= USOM_ORDER_CLOSED)
		return decided;
	if (live == 0 && total > 0)
		return USOM_ORDER_CANCELLED;
	return usom_order_is_running(decided) ? derive_running(sum, live) : decided;
}

void
usom_order_refuse(const char *order_no, const char *verb, UsomOrderStatus from)
{
	ereport(ERROR, errcode(USOM_ERR(ILLEGAL_TRANSITION)),
			errmsg("cannot %s order \"%s\" that is %s", verb, order_no, order_labels[from]),
			errdetail("The life cycle of orders has no such step from \"%s\".", order_labels[from]),
			errhint("Next steps: %s.", usom_lifecycle_next_steps(&usom_order_lifecycle_table, from)));
}

void
usom_order_init(void)
{
	usom_lifecycle_register(&usom_order_lifecycle_table);
	usom_lifecycle_register(&usom_piece_lifecycle_table);
	usom_order_hold_init();
	usom_approval_init();
	usom_order_hold_rule_init();
	usom_flow_init();
}
