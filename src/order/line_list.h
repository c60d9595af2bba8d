/*
 * line_list.h
 *		The argument "lines" of verbs: [{"line_no": 1, "quantity": 2}].  Verbs
 *		that move goods may be told which: "lot", "serials".
 */
#ifndef USOM_ORDER_LINE_LIST_H
#define USOM_ORDER_LINE_LIST_H

#include "order/order.h"
#include "utils/jsonb.h"

typedef struct UsomLineUnits
{
	int			line;			/* index into set->lines */
	UsomQuantity quantity;		/* summed over the entries of one line */
} UsomLineUnits;

/*
 * Read the list for the first order of the set: one entry per line, whatever
 * the list repeats.  US108 on a wrong shape, US106 on an unknown line.
 */
extern UsomLineUnits *usom_order_read_line_list(const UsomOrderSet *set, Jsonb *list, int *count);

typedef struct UsomMarkedUnits
{
	UsomLineUnits units;
	const char *lot;			/* NULL: any */
	int			nserials;		/* 0, or as many as units */
	const char **serials;
} UsomMarkedUnits;

/*
 * The same where an entry may have the keys lot and serials: one entry for each
 * line and lot.  Of a kit they are not told: its components have lines.
 */
extern UsomMarkedUnits *usom_order_read_marked_list(const UsomOrderSet *set, Jsonb *list, int *count);

#endif							/* USOM_ORDER_LINE_LIST_H */
