/*
 * history.h
 *		Orders of another system, in the states in which they ended.
 *
 *		A history document says what was ordered and what became of it: lines,
 *		shipments, returns.  It is read (history_read.c), brought into lines
 *		and pieces or refused with all its contradictions (history_plan.c), and
 *		written as it is (history_write.c): nothing is reserved, paid, booked
 *		or told to anybody.
 *
 *		Invariants: every unit is cancelled, or in one shipment; none comes back
 *		that was not delivered.
 *
 *		Memory: CurrentMemoryContext, that of the call.
 */
#ifndef USOM_INTAKE_HISTORY_H
#define USOM_INTAKE_HISTORY_H

#include "intake/load.h"

#include "order/order.h"
#include "party/person.h"

typedef struct UsomHistoryLine
{
	char	   *sku;
	UsomQuantity quantity;
	Numeric		unit_price;		/* NULL: 0 */
	char	   *location;		/* that its shipments left from; NULL: they say */
	Numeric		told_cancelled; /* NULL: none */
	Numeric		discount;		/* NULL: none, as the next two */
	Numeric		freight;
	Numeric		tax;
	bool		tax_included;
	UsomQuantity cancelled;

	int64		product_id;		/* 0: there is none */
	char	   *kind;			/* of the product */
	int64		location_id;
} UsomHistoryLine;

/* Units of a line in a shipment or return. */
typedef struct UsomHistoryShare
{
	int32		line_no;
	UsomQuantity quantity;
	char	   *lot;			/* NULL: none */
} UsomHistoryShare;

typedef struct UsomHistoryParcel
{
	char	   *number;			/* of the shipment or return; NULL: made of the order's */
	char	   *location;		/* of a shipment */
	char	   *carrier;
	char	   *tracking;
	char	   *service;
	char	   *reason;			/* of a return */
	TimestampTz at;				/* it left; of a return: it came */
	TimestampTz delivered_at;	/* USOM_NO_TIME: it is on its way */
	int			nshares;		/* -1: all that is in no other */
	UsomHistoryShare *shares;

	int64		id;				/* once it is to be written */
	int64		location_id;
} UsomHistoryParcel;

typedef struct UsomHistoryPiece
{
	int			line;			/* of the document */
	int32		piece_no;
	UsomPieceStatus status;
	UsomQuantity quantity;
	int			shipment;		/* of the document; -1: none */
	int			back;			/* return of the document; -1: none */
	const char *lot;
} UsomHistoryPiece;

typedef struct UsomHistory
{
	UsomLoadItem *item;
	bytea	   *digest;

	char	   *order_no;
	char	   *channel;
	char	   *external_id;	/* NULL: none */
	char	   *customer;		/* NULL: a guest */
	char	   *currency;		/* NULL: the organisation's */
	char	   *order_type;
	UsomOrderType type;
	int32		priority;
	TimestampTz placed_at;
	TimestampTz requested_at;
	Jsonb	   *ship_to;
	char	   *instructions;
	char	   *status;			/* as told; NULL: nothing */
	Numeric		total;			/* as told; NULL: nothing */
	int			nlines;
	UsomHistoryLine *lines;
	int			nshipments;
	UsomHistoryParcel *shipments;
	int			nreturns;
	UsomHistoryParcel *returns;

	int64		channel_id;
	int64		customer_id;	/* 0: a guest */
	UsomPersonKey key;
	bool		has_key;
	UsomAddress *address;		/* NULL: none */

	int			npieces;
	UsomHistoryPiece *pieces;
	List	   *problems;		/* of char *: what contradicts itself */
	int			order;			/* of the set; -1: not planned */
} UsomHistory;

/* ---- history_read.c: pure ---- */

/* US803 for an unknown key or a wrong type. */
extern UsomHistory *usom_history_read(Jsonb *document);

/* ---- history_plan.c: pure ---- */

extern void usom_history_note(UsomHistory *history, const char *format,...) pg_attribute_printf(2, 3);

/*
 * Pieces of the document, and its order and lines in the set, settled.  What
 * contradicts itself is noted, and then the set is not to be written.
 */
extern void usom_history_plan(UsomHistory *history, UsomOrderSet *set, int order, TimestampTz now);

/* US833 that lists what was noted, if there is anything. */
extern void usom_history_check(const UsomHistory *history);

/* ---- history_resolve.c: codes to keys, a statement for each kind of code ---- */

extern void usom_history_resolve(int64 org_id, UsomHistory **histories, int count);

/* ---- history_write.c ---- */

/* The orders of the set that stand for the documents; those that were there before are repeated or rejected. */
extern void usom_history_write(UsomOrderSet *set, UsomHistory **histories, int count, const char *batch);

#endif							/* USOM_INTAKE_HISTORY_H */
