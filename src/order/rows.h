/*
 * rows.h
 *		The rows of orders, lines and pieces, as base/update.h locks and writes them.
 *
 *		Between load.c, which locks orders, and save.c, which writes what
 *		changed.  Nobody else includes it.
 */
#ifndef USOM_ORDER_ROWS_H
#define USOM_ORDER_ROWS_H

#include "base/query.h"
#include "base/update.h"

typedef enum UsomHeaderColumn
{
	HEADER_ORG,
	HEADER_NO,
	HEADER_ID,
	HEADER_STATUS,
	HEADER_VERSION,
	HEADER_TOTAL,
	HEADER_CURRENCY,
	HEADER_REQUESTED_AT,
	HEADER_SHIP_COMPLETE,
	HEADER_TYPE,
	HEADER_PRIORITY,
	HEADER_PLACED_AT,
	HEADER_CHANNEL,
	HEADER_CUSTOMER,
	HEADER_PAID,
	HEADER_PAYMENT,
	HEADER_PRICED_AT,
	HEADER_FLOW,
	HEADER_FLOW_STATE,
	HEADER_COLUMNS
} UsomHeaderColumn;

#define HEADER_KEYS 2

extern UsomUpdate usom_header_rows;

/*
 * Rows that are changed as a whole: the columns behind org_id are those of the
 * rows, in their order, and the statement beside it does the same.
 */
typedef struct UsomRowsUpdate
{
	UsomUpdate	update;
	uint32		kept;			/* a bit for each column of the update that stays as it is */
	UsomQuery	query;			/* $1: org_id, $2: the rows */
} UsomRowsUpdate;

extern UsomRowsUpdate usom_line_rows;	/* of _line_row */
extern UsomRowsUpdate usom_piece_rows;	/* of _piece_row */

/* Late rows; returns how many were there.  Their orders are locked. */
extern uint64 usom_rows_change(UsomRowsUpdate *update, int64 org_id, UsomRows *rows);

#endif							/* USOM_ORDER_ROWS_H */
