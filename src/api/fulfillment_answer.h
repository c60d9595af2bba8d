/*
 * fulfillment_answer.h
 *		A message of the outside system of a warehouse, on its way.
 */
#ifndef USOM_API_FULFILLMENT_ANSWER_H
#define USOM_API_FULFILLMENT_ANSWER_H

#include "fulfillment/fulfillment.h"
#include "fulfillment/handover.h"
#include "order/line_list.h"
#include "utils/jsonb.h"

typedef enum UsomAnswerKind
{
	USOM_ACCEPTED, USOM_REJECTED, USOM_SHORT, USOM_PICKED, USOM_PACKED, USOM_SHIPPED, USOM_CANCELLED, USOM_CANCEL_REFUSED,
	USOM_ANSWER_KINDS
} UsomAnswerKind;

extern const char *const usom_answer_kinds[USOM_ANSWER_KINDS];

/* What was told of a line of the hand-over, and what the message tells. */
typedef struct UsomTold
{
	UsomHanded	sums;
	UsomQuantity units;			/* of the message */
	UsomQuantity done;			/* of them, those that moved */
	bool		is_handed;
} UsomTold;

typedef struct UsomMessage
{
	UsomOrderSet *set;
	int64		fulfillment_id;
	const char *fulfillment_no;
	int64		location_id;
	const char *message_id;
	UsomAnswerKind kind;
	Jsonb	   *list;			/* as it came; NULL: all that is left */
	bool		is_marked;		/* the list names lots or serials */
	UsomMarkedUnits *marked;	/* the list, read */
	int			nmarked;
	UsomTold   *told;			/* by line of the set */
	const char *reason;			/* may be NULL */
	const char *shipment_no;	/* NULL: none was made */
	bool		any;			/* it did something beside units */
	bool		reprices;		/* a change was carried out: units are not ordered any more */
} UsomMessage;

/* fulfillment_follow.c: do what it says, in memory; what leaves is written as ship() does. */
extern void usom_message_follow(UsomMessage *message, UsomShipLabel *label);

/* Lines and units as an argument "lines"; NULL: there are none. */
extern Jsonb *usom_message_list(const UsomMessage *message, bool done);

#endif							/* USOM_API_FULFILLMENT_ANSWER_H */
