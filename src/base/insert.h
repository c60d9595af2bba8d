/*
 * insert.h
 *		Rows that are inserted past the executor.
 *
 *		An UsomInsert is a statement that inserts rows of a composite type into
 *		a table whose columns have the same names, and the same told in words:
 *
 *			static UsomInsert insert_pieces = {
 *				.table = "fulfillment_line", .row_type = "_piece_row", .ncolumns = 13,
 *				.query = {.text = "INSERT INTO usom.fulfillment_line (org_id, ...) SELECT $1, r.* FROM unnest($2) AS r",
 *					.nargs = 2, .argtypes = {"bigint", "usom._piece_row[]"}},
 *			};
 *			UsomRows *rows = usom_insert_rows(&insert_pieces, n);
 *			usom_rows_add(rows, values, nulls);		-- what they point to stays until it has run
 *			usom_insert_run(&insert_pieces, org_id, rows);
 *
 *		Where the table is as install() made it, the rows go to it, to its
 *		indexes, constraints and triggers directly, as COPY does it.  Where it
 *		has anything that this does not handle (triggers, rules, partitions of
 *		somebody else's, forced row security, ...), or where usom.direct
 *		is off, the statement runs.  Both write the same rows, fire the same
 *		triggers, raise the same errors, and count as one statement.
 *
 *		Memory: see query.h.  Locks: those of INSERT.
 */
#ifndef USOM_BASE_INSERT_H
#define USOM_BASE_INSERT_H

#include "base/query.h"

typedef struct UsomInsert
{
	UsomQuery	query;
	const char *table;			/* of schema usom */
	const char *row_type;		/* of schema usom; all columns of it are the table's, and org_id is not one */
	int			ncolumns;		/* of the type */
	const char *arbiter;		/* unique index: ON CONFLICT of it DO NOTHING; NULL: none */
	struct UsomTarget *target;	/* what insert_target.c keeps */
} UsomInsert;

extern UsomRows *usom_insert_rows(UsomInsert *insert, int capacity);

/* The number of rows that were inserted. */
extern uint64 usom_insert_run(UsomInsert *insert, int64 org_id, UsomRows *rows);

/* _PG_init of the room. */
extern void usom_insert_init(void);

#endif							/* USOM_BASE_INSERT_H */
