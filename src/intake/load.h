/*
 * load.h
 *		Documents that wait in batches to be loaded.
 *
 *		They come by INSERT or COPY into the view usom.load_document, and are
 *		rows of usom.load_row, each sealed under a key of its own.  A row
 *		without an outcome is due.  Whoever works on a row has it locked, before
 *		any order; rows that another session has are passed over.
 *
 *		Invariants: a document that became an order is not kept, nor is its key;
 *		one that was rejected is kept until it is mended, or deleted.
 *
 *		Memory: CurrentMemoryContext.  The caller has an open call.
 */
#ifndef USOM_INTAKE_LOAD_H
#define USOM_INTAKE_LOAD_H

#include "postgres.h"

#include "order/answer.h"
#include "utils/jsonb.h"

typedef struct UsomLoadItem
{
	int64		load_row_id;
	Jsonb	   *document;		/* NULL: it cannot be read, and is rejected */
	const char *external_id;	/* NULL: none, or not known */
	const char *outcome;		/* placed, repeated, migrated, rejected; NULL: none yet */
	const char *order_no;		/* NULL: none */
	const char *sqlstate;		/* of rejected */
	const char *message;
} UsomLoadItem;

/* ---- load_take.c ---- */

/* 42501 unless the caller sees all channels; 22004, US832 for a batch that nobody has brought. */
extern void usom_load_check_batch(int64 org_id, const char *batch);

/* Rows of a batch that are due. */
extern int64 usom_load_due(int64 org_id, const char *batch);

/* Lock those that follow on a row and nobody else works on, up to limit, in the order in which they came; last: the last of them. */
extern UsomLoadItem *usom_load_take(int64 org_id, const char *batch, int64 after, int limit, int *count, int64 *last);

/* Rejected, for an error. */
extern void usom_load_reject(UsomLoadItem *item, const ErrorData *error);

/* What became of them; documents of orders are forgotten with their keys. */
extern void usom_load_settle(int64 org_id, const UsomLoadItem *items, int count);

/* ---- load_orders.c ---- */

/* End the call of a chunk: the last row that was taken, null if none was, and how many are done; progress is told. */
extern Datum usom_load_answer(UsomAnswer *answer, int count, int64 last, int64 after, int64 done);

/* ---- load_row.c ---- */

/* _PG_init of the room calls it. */
extern void usom_load_init(void);

#endif							/* USOM_INTAKE_LOAD_H */
