/*
 * lifecycle.h
 *		The states of orders and pieces as C constants.
 */
#ifndef USOM_ORDER_LIFECYCLE_H
#define USOM_ORDER_LIFECYCLE_H

#include "base/quantity.h"
#include "base/state.h"

#define ORDER_STATE(number, name, label) USOM_ORDER_##name = number,
typedef enum UsomOrderStatus
{
#include "order/lifecycle.def"
	USOM_ORDER_STATES
} UsomOrderStatus;

#define PIECE_STATE(number, name, label) USOM_PIECE_##name = number,
typedef enum UsomPieceStatus
{
#include "order/lifecycle.def"
	USOM_PIECE_STATES
} UsomPieceStatus;

extern const UsomLifecycle usom_order_lifecycle_table;
extern const UsomLifecycle usom_piece_lifecycle_table;

/* Units by piece state: of a line, or summed over an order. */
typedef struct UsomCounters
{
	UsomQuantity by_state[USOM_PIECE_STATES];
} UsomCounters;

extern UsomQuantity usom_order_counters_total(const UsomCounters *counters);

/* May lines of an order in this status have pieces? */
static inline bool
usom_order_is_running(UsomOrderStatus status)
{
	return status >= USOM_ORDER_CONFIRMED && status <= USOM_ORDER_DELIVERED;
}

/* Do pieces in this state keep stock reserved? */
static inline bool
usom_piece_keeps_stock(UsomPieceStatus status)
{
	return status >= USOM_PIECE_RESERVED && status <= USOM_PIECE_PACKED;
}

/*
 * The status that follows from the quantities of all lines.  Decisions (draft,
 * submitted, closed, cancelled, rejected) stay, except that an order of which
 * every unit is cancelled is cancelled.
 */
extern UsomOrderStatus usom_order_derive_status(UsomOrderStatus decided, const UsomCounters *sum);

/* US101 with the business key in the message and the legal next steps in the hint. */
extern void usom_order_refuse(const char *order_no, const char *verb, UsomOrderStatus from) pg_attribute_noreturn();

extern void usom_order_init(void);
extern void usom_order_hold_init(void);
extern void usom_order_hold_rule_init(void);

#endif							/* USOM_ORDER_LIFECYCLE_H */
