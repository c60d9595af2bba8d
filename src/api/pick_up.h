/*
 * pick_up.h
 *		Orders that customers fetch: where, and where else.
 *
 *		Every line of a pick-up order that is stocked names the one location
 *		where it is fetched; a line that names none takes the one of the
 *		others.  So allocation, whatever its rules, reserves it there or not at
 *		all: a pick-up is never sent instead.
 */
#ifndef USOM_API_PICK_UP_H
#define USOM_API_PICK_UP_H

#include "order/order.h"
#include "utils/jsonb.h"

/*
 * Of the running pick-up orders of the set: one location for all lines of each, where
 * customers may fetch them.  US306 if that cannot be.  No statement if there is
 * no such order.
 */
extern void usom_api_settle_pick_ups(UsomOrderSet *set);

/* Where an order is fetched: what its first stocked line says that says something; 0: none does. */
extern int64 usom_api_pick_up_place(const UsomOrderSet *set, int order);

/* US306 if nobody fetches the order; the hint says what is for others. */
extern void usom_api_check_pick_up(const UsomOrder *order, const char *hint);

/*
 * Where else the waiting units of the lines of an order could be fetched: an
 * array by line, nearest first; NULL for lines without.  The order is saved.
 */
extern Jsonb **usom_api_find_alternatives(const UsomOrderSet *set, int order);

#endif							/* USOM_API_PICK_UP_H */
