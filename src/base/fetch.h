/*
 * fetch.h
 *		Rows that are read past the executor.
 *
 *		An UsomFetch asks a table for the rows whose values in the first columns
 *		of an index are given, and may have the same told in words:
 *
 *			static UsomFetch read_lines = {
 *				.table = "order_line", .index = "order_line_pkey",
 *				.nkeys = 2, .keys = {{"org_id", "bigint"}, {"sales_order_id", "bigint"}},
 *				.order = {"line_no"},
 *				.ncolumns = 2, .columns = {{"line_no", "integer"}, {"quantity", "numeric"}},
 *				.query = {.text = "SELECT l.line_no, l.quantity FROM usom.order_line AS l "
 *					"WHERE l.org_id = $1 AND l.sales_order_id = $2 ORDER BY l.line_no",
 *					.nargs = 2, .argtypes = {"bigint", "bigint"}},
 *			};
 *			n = usom_fetch_run(&read_lines, values, nulls);
 *			quantity = usom_query_get(0, 2);
 *
 *		Keys and columns are named with their types; a domain counts as what it
 *		is over, and {"ctid", "tid"} is where the row stands.  Equality with null
 *		finds none.  Without keys all rows are read.
 *
 *		Where the table is as install() made it, the index and the table are
 *		read directly, as an index scan does it.  Where it has anything that
 *		this does not handle (partitions, heirs, forced row security, another
 *		type of a column, ...), or where usom.direct is off, the statement runs.
 *		Both see the same rows and count as one statement.
 *
 *		Memory: rows are in CurrentMemoryContext.  Locks: those of SELECT.
 */
#ifndef USOM_BASE_FETCH_H
#define USOM_BASE_FETCH_H

#include "base/query.h"

#define USOM_FETCH_MOST_KEYS 5
#define USOM_FETCH_MOST_NULLS 2
#define USOM_FETCH_MOST_COLUMNS 40

typedef struct UsomFetchColumn
{
	const char *name;
	const char *type;			/* as UsomQuery names types */
} UsomFetchColumn;

typedef struct UsomFetch
{
	const char *table;			/* of schema usom */
	const char *index;			/* of the table: a btree, whole, or but for rows where a key is null */
	const char *null_columns[USOM_FETCH_MOST_NULLS];	/* of a partial index: it has the rows where these are null, and they alone are read */
	bool		upto;			/* the last key is a bound: rows with it, and with what is less */
	bool		backward;		/* against the order of the index */
	uint64		limit;			/* no more rows than these; 0: all */
	int			nkeys;
	UsomFetchColumn keys[USOM_FETCH_MOST_KEYS];
	const char *order[USOM_FETCH_MOST_KEYS];	/* columns of the index behind the keys that rows have to be sorted by, for whom it matters */
	int			ncolumns;
	UsomFetchColumn columns[USOM_FETCH_MOST_COLUMNS];
	UsomQuery	query;			/* the same as a statement, parameters first those keys; none for what is read with others */
	struct UsomSource *source;	/* what fetch_source.c keeps */
} UsomFetch;

/* Rows as they were found; values of row i begin at i * ncolumns. */
typedef struct UsomFetched
{
	uint64		count;
	Datum	   *values;
	bool	   *nulls;
} UsomFetched;

/*
 * Read; the rows are the last result of a statement (usom_query_get() and
 * others; not for SPI_freetuptable(), usom_query_cut()).  Returns how many.
 */
extern uint64 usom_fetch_run(UsomFetch *fetch, Datum *values, const bool *nulls);

/* The same with the snapshot of the statement that asks, as usom_query_look() does it. */
extern uint64 usom_fetch_look(UsomFetch *fetch, Datum *values, const bool *nulls);

/*
 * Several tables with one snapshot, which counts as one statement.  The work
 * asks usom_fetch_rows() as often as it likes, each false of which it returns:
 * then a table is not fit, what was read so far is void, and the caller has to
 * run his statement instead.
 */
typedef bool (*UsomFetchWork) (void *argument);
extern bool usom_fetch_together(UsomFetchWork work, void *argument);

/* Within such work. */
extern bool usom_fetch_rows(UsomFetch *fetch, const Datum *keys, const bool *nulls, UsomFetched *fetched);

/* _PG_init of the room. */
extern void usom_fetch_init(void);

#endif							/* USOM_BASE_FETCH_H */
