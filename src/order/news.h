/*
 * news.h
 *		What a change makes known: events for the outside, cases for people.
 *
 *		An event tells customers and other systems what happened to an order;
 *		its number counts within the order, without gaps.  A case is an
 *		exception that somebody should look at; of one kind, order, line and
 *		reference at most one is open.
 *
 *		Both are queued in a set of orders and written by usom_order_save(), in
 *		the transaction of the change: one statement for all events, one for
 *		cases raised, one for cases settled, none if there is nothing.
 *		Payloads and details hold business keys (order, line, SKU), never
 *		surrogate ones and nothing about people.
 *
 *		kind and the other texts are kept by pointer until the save.
 */
#ifndef USOM_ORDER_NEWS_H
#define USOM_ORDER_NEWS_H

#include "order/order.h"
#include "utils/jsonb.h"

extern void usom_order_tell(UsomOrderSet *set, int order, const char *kind, Jsonb *payload);

/*
 * Open a case, or bring the open one up to date.  line_no 0: the order;
 * reference NULL: none; due_at USOM_NO_TIME: none.
 */
extern void usom_order_raise(UsomOrderSet *set, int order, int32 line_no, const char *kind, const char *reference,
							 const char *message, Jsonb *detail, TimestampTz due_at);

/* Close the open cases of the kind on the line, whatever their reference: their cause is gone. */
extern void usom_order_settle_case(UsomOrderSet *set, int order, int32 line_no, const char *kind);

/* Close the open one of an order with this reference. */
extern void usom_order_settle_one(UsomOrderSet *set, int order, const char *kind, const char *reference);

/* For save.c. */
extern void usom_order_write_news(UsomOrderSet *set);

#endif							/* USOM_ORDER_NEWS_H */
