/*
 * returns.h
 *		Goods that come back.
 */
#ifndef USOM_RETURNS_RETURNS_H
#define USOM_RETURNS_RETURNS_H

#include "base/state.h"
#include "order/order.h"

#define RETURN_STATE(number, name, label) USOM_RETURN_##name = number,
typedef enum UsomReturnStatus
{
#include "returns/lifecycle.def"
	USOM_RETURN_STATES
} UsomReturnStatus;

extern const UsomLifecycle usom_return_lifecycle_table;

extern void usom_returns_init(void);

#endif							/* USOM_RETURNS_RETURNS_H */
