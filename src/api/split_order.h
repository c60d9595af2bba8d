/*
 * split_order.h
 *		What some units of a line take with them to an order of their own.
 */
#ifndef USOM_API_SPLIT_ORDER_H
#define USOM_API_SPLIT_ORDER_H

#include "order/order.h"

/*
 * split_money.c: pure.  Units of a line were cancelled (before, after) and are
 * those of the child: it gets its shares of discount, freight and tax, and
 * costs what the line costs less.
 */
extern void usom_api_share_charges(const UsomLine *before, const UsomLine *after, UsomLine *child);

/* The steps of its prices, where lines have charges; once its lines are written.  One statement. */
extern void usom_api_write_shares(const UsomOrderSet *set, int order, const char *parent_no);

#endif							/* USOM_API_SPLIT_ORDER_H */
