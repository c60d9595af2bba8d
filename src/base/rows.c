/*
 * rows.c
 *		Rows on their way into a statement, by unnest().
 *
 * Memory: rows and their arrays in CurrentMemoryContext of the caller.  Nothing
 * here locks.
 *
 * Invariant: early rows are tuples as soon as they are added.  Late rows are
 * values until their array is asked for, which may be never: base/insert.c
 * takes the values.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/query.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/typcache.h"

struct UsomRows
{
	const char *type_name;
	int			count;
	int			capacity;
	Oid			type;
	TupleDesc	tupdesc;		/* NULL: late rows */
	Datum	   *rows;			/* of early rows */
	int			ncolumns;
	Datum	   *values;			/* of late rows */
	bool	   *nulls;
};

/* The type is looked up per call: the system cache makes that cheap, and nothing can go stale. */
static void
find_type(UsomRows *rows)
{
	TupleDesc	shared;

	rows->type = usom_query_type(rows->type_name);
	shared = lookup_rowtype_tupdesc(rows->type, -1);
	rows->tupdesc = CreateTupleDescCopy(shared);
	ReleaseTupleDesc(shared);
	rows->tupdesc->tdtypeid = rows->type;
	rows->tupdesc->tdtypmod = -1;
}

UsomRows *
usom_rows_make(const char *type_name, int capacity)
{
	UsomRows   *rows = palloc0_object(UsomRows);

	rows->type_name = type_name;
	rows->capacity = Max(capacity, 1);
	find_type(rows);
	rows->rows = palloc_array(Datum, rows->capacity);
	return rows;
}

UsomRows *
usom_rows_make_late(const char *type_name, int ncolumns, int capacity)
{
	UsomRows   *rows = palloc0_object(UsomRows);

	rows->type_name = type_name;
	rows->capacity = Max(capacity, 1);
	rows->ncolumns = ncolumns;
	rows->values = palloc_array(Datum, rows->capacity * ncolumns);
	rows->nulls = palloc_array(bool, rows->capacity * ncolumns);
	return rows;
}

static void
grow(UsomRows *rows)
{
	rows->capacity *= 2;
	if (rows->rows != NULL)
		rows->rows = repalloc_array(rows->rows, Datum, rows->capacity);
	if (rows->values == NULL)
		return;
	rows->values = repalloc_array(rows->values, Datum, rows->capacity * rows->ncolumns);
	rows->nulls = repalloc_array(rows->nulls, bool, rows->capacity * rows->ncolumns);
}

void
usom_rows_add(UsomRows *rows, Datum *values, bool *nulls)
{
	if (rows->count == rows->capacity)
		grow(rows);
	if (rows->tupdesc != NULL)
		rows->rows[rows->count] = HeapTupleGetDatum(heap_form_tuple(rows->tupdesc, values, nulls));
	else
	{
		memcpy(&rows->values[rows->count * rows->ncolumns], values, rows->ncolumns * sizeof(Datum));
		memcpy(&rows->nulls[rows->count * rows->ncolumns], nulls, rows->ncolumns * sizeof(bool));
	}
	rows->count++;
}

void
usom_rows_values(const UsomRows *rows, int row, const Datum **values, const bool **nulls)
{
	Assert(rows->values != NULL && row < rows->count);
	*values = &rows->values[row * rows->ncolumns];
	*nulls = &rows->nulls[row * rows->ncolumns];
}

int
usom_rows_count(const UsomRows *rows)
{
	return rows->count;
}

static void
form(UsomRows *rows)
{
	find_type(rows);
	Ensure(rows->tupdesc->natts == rows->ncolumns, "rows of usom.%s have %d columns, not %d",
		   rows->type_name, rows->tupdesc->natts, rows->ncolumns);
	rows->rows = palloc_array(Datum, rows->capacity);
	for (int i = 0; i < rows->count; i++)
		rows->rows[i] = HeapTupleGetDatum(heap_form_tuple(rows->tupdesc, &rows->values[i * rows->ncolumns],
														  &rows->nulls[i * rows->ncolumns]));
}

Datum
usom_rows_datum(UsomRows *rows)
{
	if (rows->tupdesc == NULL)
		form(rows);
	return PointerGetDatum(construct_array(rows->rows, rows->count, rows->type, -1, false, TYPALIGN_DOUBLE));
}
