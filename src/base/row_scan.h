/*
 * row_scan.h
 *		Rows by the index of an update's key, as the active snapshot shows them.
 *
 *		Between row_lock.c, update.c and row_scan.c.  Nobody else includes it.
 */
#ifndef USOM_BASE_ROW_SCAN_H
#define USOM_BASE_ROW_SCAN_H

#include "access/genam.h"
#include "base/target.h"
#include "storage/buf.h"

typedef struct UsomRowScan
{
	Relation	table;
	Relation	index;
	IndexScanDesc scan;
	int			nkeys;
	ScanKeyData keys[INDEX_MAX_KEYS];
	bool		is_heap;
	Buffer		buffer;			/* of the row that was fetched last */
	TupleTableSlot *slot;		/* the row that was found */
} UsomRowScan;

/* With so many columns of the key; the slot is the caller's, one of the table's kind. */
extern void usom_row_scan_begin(UsomRowScan *scan, const UsomTarget *target, Relation table, int nkeys, TupleTableSlot *slot);

/* Look for rows under a key, and get the next one of them: false if there is no more. */
extern void usom_row_scan_under(UsomRowScan *scan, const Datum *key);
extern bool usom_row_scan_next(UsomRowScan *scan);

extern void usom_row_scan_end(UsomRowScan *scan);

#endif							/* USOM_BASE_ROW_SCAN_H */
