/*
 * precedence.h
 *		Precedence as rows: read, and the one of filling.
 */
#ifndef USOM_API_PRECEDENCE_H
#define USOM_API_PRECEDENCE_H

#include "base/query.h"
#include "order/order.h"
#include "sourcing/precedence.h"

/* A text[] column of the last result; null: any. */
extern UsomCodes usom_api_read_codes(uint64 row, int column);

/* A text[] for a statement. */
extern Datum usom_api_codes_datum(const UsomCodes *codes);

/* The query gives expression, descending and listed, in their order. */
extern UsomPrecedence usom_api_read_precedence(UsomQuery *query, Datum *values);

/*
 * By usom.fill_priority: for each order of the set its place among them, 0 the
 * first to be served; that of its first line.  NULL: there is one order only.
 */
extern int *usom_api_fill_places(const UsomOrderSet *set);

/* usom.fill_priority itself; no keys: priority, placed_at. */
extern UsomPrecedence usom_api_fill_precedence(int64 org_id);

/* The rule in words, for the record: "priority, placed_at". */
extern const char *usom_api_fill_rule(int64 org_id);

#endif							/* USOM_API_PRECEDENCE_H */
