/*
 * fetch_source.h
 *		What a backend keeps of a table that it reads past the executor.
 *
 *		Between fetch.c, which reads, and fetch_source.c, which looks at the
 *		table.  Nobody else includes it.
 */
#ifndef USOM_BASE_FETCH_SOURCE_H
#define USOM_BASE_FETCH_SOURCE_H

#include "access/genam.h"
#include "access/skey.h"
#include "base/fetch.h"
#include "executor/tuptable.h"

#define SOURCE_TID (-1)			/* the column that says where the row stands */

typedef struct UsomSourceColumn
{
	int			column;			/* of the table, from 0; SOURCE_TID */
	int16		length;
	bool		by_value;
} UsomSourceColumn;

typedef struct UsomSource
{
	UsomFetch  *fetch;
	Oid			relid;
	Oid			index_id;
	bool		is_valid;		/* nobody has changed the table since it was looked at */
	bool		is_fit;			/* is there nothing that only the executor handles? */
	MemoryContext context;		/* of what is below; NULL: not looked at */
	ScanKeyData keys[USOM_FETCH_MOST_KEYS];
	UsomSourceColumn *columns;
	int			last;			/* how many columns of the table a row is taken apart into */
	TupleTableSlot *slot;

	/* While it is read. */
	Relation	table;
	Relation	index;
	IndexScanDesc scan;
	struct UsomSource *next;	/* that is read with it */
} UsomSource;

/* Its table and index, locked for reading; NULL if they are not fit. */
extern UsomSource *usom_source_open(UsomFetch *fetch);
extern void usom_source_close(UsomSource *source);

extern void usom_source_init(void);

#endif							/* USOM_BASE_FETCH_SOURCE_H */
