/*
 * answer.h
 *		What every verb on one order begins and ends with.
 *
 *		begin refuses card numbers (US502), opens the call with the reason that the
 *		argument at reason_arg gives (-1: none); the answer is the status and
 *		version of the order, built in the caller's memory after the call has
 *		ended.
 */
#ifndef USOM_ORDER_ANSWER_H
#define USOM_ORDER_ANSWER_H

#include "fmgr.h"
#include "order/order.h"

typedef struct UsomAnswer UsomAnswer;

extern UsomAnswer *usom_order_answer_begin(FunctionCallInfo fcinfo, const char *verb, int reason_arg);

/* The text argument; 22004 that names it if it is null. */
extern char *usom_order_arg_text(FunctionCallInfo fcinfo, int arg, const char *name);

/* 22004 that names the argument if it is null. */
extern void usom_order_arg_required(FunctionCallInfo fcinfo, int arg, const char *name);

/* End the call and return (status, version) of the first order of the set. */
extern Datum usom_order_answer_status(UsomAnswer *answer, const UsomOrderSet *set);

/* End the call and return the given columns, which are copied first. */
extern Datum usom_order_answer_row(UsomAnswer *answer, Datum *values, bool *nulls);

/* End the call and return null. */
extern Datum usom_order_answer_null(UsomAnswer *answer);

/* End the call and return a text. */
extern Datum usom_order_answer_string(UsomAnswer *answer, const char *value);

#endif							/* USOM_ORDER_ANSWER_H */
