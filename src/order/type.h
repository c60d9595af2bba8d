/*
 * type.h
 *		The types of orders.  Tables, documents and rules name them by text.
 */
#ifndef USOM_ORDER_TYPE_H
#define USOM_ORDER_TYPE_H

#define ORDER_TYPE(name, label, firm, meaning) USOM_TYPE_##name,
typedef enum UsomOrderType
{
#include "order/type.def"
	USOM_ORDER_TYPES
} UsomOrderType;
#undef ORDER_TYPE

/* False if there is no type of this name. */
extern bool usom_order_type_find(const char *name, UsomOrderType *type);

extern const char *usom_order_type_name(UsomOrderType type);

/* Was what orders of the type have got for their buyers? */
extern bool usom_order_type_is_firm(UsomOrderType type);

/* "standard, pre_order, ...": for hints. */
extern const char *usom_order_type_list(void);

#endif							/* USOM_ORDER_TYPE_H */
