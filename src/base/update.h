/*
 * update.h
 *		Rows that are locked and updated past the executor.
 *
 *		An UsomUpdate is static and tells which columns of a table are read and
 *		written, those of a unique index first:
 *
 *			static UsomUpdate stock_rows = {
 *				.table = "stock", .index = "stock_pkey", .nkeys = 4, .ncolumns = 6,
 *				.columns = {{"org_id", "bigint"}, ..., {"on_hand", "numeric"}, {"reserved", "numeric"}},
 *			};
 *
 *		usom_row_locks_take() locks the rows under parts of keys, in the order
 *		in which these are given, and under each in the order of the index, as
 *		SELECT ... FOR NO KEY UPDATE does, or FOR UPDATE.  usom_update_run() changes rows that
 *		are locked, by their keys, as UPDATE does.  Both go to the table, its index,
 *		constraints and triggers directly where the table is as install() made
 *		it, and count as one statement.  Where it is not, or usom.direct
 *		is off, they return false and have done nothing: the caller then runs
 *		the statement whose text he gives, which must do the same.
 *
 *		Memory: values that a callback gets stay as they are while it runs.
 *		What usom_update_run()'s leaves may be of its CurrentMemoryContext;
 *		that of the others is the caller's.
 *		Locks: those of the statement.
 */
#ifndef USOM_BASE_UPDATE_H
#define USOM_BASE_UPDATE_H

#include "postgres.h"

#define USOM_UPDATE_MOST_COLUMNS 32

typedef struct UsomColumn
{
	const char *name;
	const char *type;			/* as UsomQuery names types; of a domain what it is of */
} UsomColumn;

typedef struct UsomUpdate
{
	const char *table;			/* of schema usom */
	const char *index;			/* unique, on the first nkeys columns in this order */
	int			nkeys;
	int			ncolumns;
	UsomColumn	columns[USOM_UPDATE_MOST_COLUMNS];
	struct UsomTarget *target;	/* what update_target.c keeps */
} UsomUpdate;

/* Rows to be locked. */
typedef struct UsomRowLocks
{
	UsomUpdate *update;
	const char *text;			/* the statement that would lock them */
	const Datum *keys;			/* leading columns of the index, nkeys for each of count */
	int			nkeys;
	int			count;
	bool		exclusive;		/* FOR UPDATE */
	bool		skip_locked;	/* SKIP LOCKED */
	int			limit;			/* no more than so many; 0: all */

	/*
	 * Is the row wanted?  It is asked of the row as the snapshot shows it,
	 * before the lock, and again of what it has become if that is not the
	 * last: so it looks at nothing but these values.  NULL: all are.
	 */
	bool		(*wanted) (void *argument, const Datum *values, const bool *nulls);

	/* A row that is wanted and locked; may be NULL. */
	void		(*locked) (void *argument, const Datum *values, const bool *nulls);
	void	   *argument;
} UsomRowLocks;

extern bool usom_row_locks_take(const UsomRowLocks *locks);

/* Rows to be changed, all of them locked by this transaction. */
typedef struct UsomRowChanges
{
	UsomUpdate *update;
	const char *text;			/* the statement that would change them */
	const Datum *keys;			/* all columns of the index, for each of count; none twice */
	int			count;

	/* Set what changes of row i, whose values these are. */
	void		(*change) (void *argument, int i, Datum *values, bool *nulls);
	void	   *argument;
	uint64		changed;		/* out: rows that were there */
} UsomRowChanges;

extern bool usom_update_run(UsomRowChanges *changes);

#endif							/* USOM_BASE_UPDATE_H */
