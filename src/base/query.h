/*
 * query.h
 *		Statements with kept plans: the only way usom reads and writes tables.
 *
 *		A UsomQuery is static, stands beside the only function that runs it,
 *		and has constant text with every name qualified.  Values travel as
 *		parameters, sets as arrays of composite values (usom_rows).  The plan
 *		is made once per backend, generic, for nested loops over keys, and kept
 *		until the backend ends.
 *
 *		Statements run as the owner of the tables, with a fixed search_path,
 *		whoever calls and from wherever: no privilege of the caller is asked
 *		for, and row security does not apply.  So who may see what is for the
 *		caller of these functions to say: usom_party_org() does.
 *
 *		Memory: SPI_tuptable is the result of the last run; values taken from it
 *		live as long as the SPI connection, which the caller has opened
 *		(usom_call_begin does that).
 */
#ifndef USOM_BASE_QUERY_H
#define USOM_BASE_QUERY_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "executor/spi.h"

#define USOM_QUERY_MAX_ARGS 24

typedef struct UsomQuery
{
	const char *text;
	int			nargs;
	const char *argtypes[USOM_QUERY_MAX_ARGS];	/* type names, qualified */
	SPIPlanPtr	plan;			/* NULL until first run */
	uint32		era;			/* usom_owner_era() that the plan is of */
} UsomQuery;

/* _PG_init of the room. */
extern void usom_query_init(void);

/* Run; returns the number of rows processed.  nulls is NULL when no value is null. */
extern uint64 usom_query_run(UsomQuery *query, Datum *values, const bool *nulls);

/* The same for reading alone, with the snapshot of the statement that asks. */
extern uint64 usom_query_look(UsomQuery *query, Datum *values, const bool *nulls);

/* The same as usom's own writer: the guards of the tables let it pass. */
extern uint64 usom_query_write(UsomQuery *query, Datum *values, const bool *nulls);

/*
 * For base/insert.c: work writes by itself, with the user, the path and the
 * trust that a statement of usom_query_write() has, and notes that it counts
 * as one; it returns the number of rows.
 */
typedef uint64 (*UsomQueryWork) (void *argument);
extern uint64 usom_query_write_by(UsomQueryWork work, void *argument);
extern void usom_query_note_direct(void);

/* Is the trigger that asks fired by a statement of usom_query_write itself? */
extern bool usom_query_is_writer(void);

/* For base/fetch.c: make rows that no statement read the last result; values of row i begin at i * ncolumns and stay. */
extern void usom_query_publish(int ncolumns, uint64 nrows, const Datum *values, const bool *nulls);

/* Statements run by this backend since it began; _statement_count() shows it. */
extern uint64 usom_query_count(void);

/*
 * A question that is asked for many at once: the last result is cut by its last
 * column, a position from 1 to count, those of one position standing together.
 * To take a part makes it the last result, and returns how many rows it has.
 */
extern SPITupleTable **usom_query_cut(int count);
extern uint64 usom_query_take(SPITupleTable *part);

/* Read one column of one row of SPI_tuptable; the plain form raises on NULL. */
extern Datum usom_query_get(uint64 row, int column);
extern Datum usom_query_get_or_null(uint64 row, int column, bool *isnull);
extern char *usom_query_get_text(uint64 row, int column);	/* palloc'd; NULL if null */

extern int64 usom_query_get_key(uint64 row, int column);	/* 0 if null */
extern int32 usom_query_get_number(uint64 row, int column);	/* the same of an integer */
extern TimestampTz usom_query_get_time(uint64 row, int column, TimestampTz missing);

/* A type by its name, as statements name those of their parameters; ERROR if there is none. */
extern Oid	usom_query_find_type(const char *name);

/* A type of schema usom by its name, perhaps with [] after it. */
extern Oid	usom_query_type(const char *name);

/* Keys as a bigint[] for a statement. */
extern Datum usom_query_keys(const int64 *keys, int nkeys);

/*
 * Rows for unnest(): an array of a composite type of schema usom.
 *
 *		UsomRows   *rows = usom_rows_make("_piece_row", n);
 *		usom_rows_add(rows, values, nulls);		-- once per row
 *		values[2] = usom_rows_datum(rows);
 */
typedef struct UsomRows UsomRows;

extern UsomRows *usom_rows_make(const char *type_name, int capacity);

/* Rows that are formed when they are asked for: what values point to stays till then. */
extern UsomRows *usom_rows_make_late(const char *type_name, int ncolumns, int capacity);
extern void usom_rows_values(const UsomRows *rows, int row, const Datum **values, const bool **nulls);

extern void usom_rows_add(UsomRows *rows, Datum *values, bool *nulls);
extern int	usom_rows_count(const UsomRows *rows);
extern Datum usom_rows_datum(UsomRows *rows);

#endif							/* USOM_BASE_QUERY_H */
