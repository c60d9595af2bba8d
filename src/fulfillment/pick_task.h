/*
 * pick_task.h
 *		One pick task, opened with its order: what picking and short picking share.
 *
 *		The order is locked, then the task.  The piece says what is left to
 *		pick; the task says what somebody was sent for.
 *
 *		All want an open call; memory is the call's.
 */
#ifndef USOM_FULFILLMENT_PICK_TASK_H
#define USOM_FULFILLMENT_PICK_TASK_H

#include "order/answer.h"
#include "order/order.h"

typedef struct UsomPickTask
{
	int64		org_id;
	int64		pick_task_id;
	UsomOrderSet *set;			/* its order */
	const char *name;			/* for people: its place in its wave */
	const char *wave_no;
	int64		location_id;
	const char *location;
	int			line;			/* index into set->lines; -1: its line is gone */
	int			piece;			/* index into set->pieces; -1: nothing is left to pick */
	int64		product_id;
	const char *sku;
	const char *bin;			/* NULL: none */
	UsomQuantity quantity;		/* when it was planned */
	UsomQuantity picked;
	UsomQuantity missing;
	UsomQuantity left;			/* of the piece, to be picked now */
	const char *status;
	const char *claimed_by;		/* NULL: nobody, or the lease has run out */
	const char *picker;			/* who does it now; NULL: not said */
} UsomPickTask;

/* What was scanned; NULL: not. */
typedef struct UsomScan
{
	const char *sku;
	const char *bin;
	const char *lot;			/* that the units are taken from, if it is not the one that was kept */
	int			nserials;		/* of the units that are picked now; 0: not scanned */
	const char *const *serials;
} UsomScan;

/* The task of the first argument.  US610 if there is none; US612 if another picker than that of picker_arg works on it. */
extern UsomPickTask *usom_pick_open(FunctionCallInfo fcinfo, int picker_arg);

/* US613 for another product or bin; 22023 unless there are as many serials as units. */
extern void usom_pick_check_scan(const UsomPickTask *task, const UsomScan *scan, UsomQuantity units);

/* Units by now, of the argument; null: all that are left.  US611 if fewer are picked already, or there are not so many. */
extern UsomQuantity usom_pick_units(const UsomPickTask *task, FunctionCallInfo fcinfo, int arg);

/* So many units more are picked: piece and task, in memory; the serials are the line's.  US211, US201 for the lot, US212 for a serial. */
extern void usom_pick_take(UsomPickTask *task, UsomQuantity units, const UsomScan *scan);

/*
 * Units of a released piece are picked, of another lot if one is given; what
 * is left of the piece keeps its index.
 */
extern void usom_pick_piece(UsomOrderSet *set, int piece, UsomQuantity units, const char *lot);

/* Write the task, ended if nothing is left of it: one statement. */
extern void usom_pick_write(UsomPickTask *task);

/* End the call: status of the task, units picked, missing and left, status of the order. */
extern Datum usom_pick_answer(UsomAnswer *answer, const UsomPickTask *task);

#endif							/* USOM_FULFILLMENT_PICK_TASK_H */
