/*
 * row_scan.c
 *		Rows by the index of an update's key.
 *
 *		As an index scan finds them, but for one thing: that one cleans each
 *		page that it comes to as soon as the page is fuller than its fill
 *		factor.  Pages of rows that are written all the time are so always, and
 *		were cleaned, and that written to the log, for each row that is locked.
 *		Here a page is cleaned when it has less left than LEFT_TO_WRITE, and
 *		then only if the index scan would clean it, too.
 *
 * Memory: the caller's; a buffer is pinned until the end of the scan, which an
 * error gives back.
 *
 * Locks: the index; the row that was found is not locked.
 *
 * Invariant: with the same snapshot a row is found that an index scan finds,
 * and in the same order.
 */
#include "postgres.h"

#include "base/row_scan.h"

#include "access/heapam.h"
#include "base/compat.h"
#include "executor/tuptable.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Of a page that was filled to the half that is several versions for later, and room for one of each row still. */
#define LEFT_TO_WRITE (BLCKSZ * 3 / 8)

void
usom_row_scan_begin(UsomRowScan *scan, const UsomTarget *target, Relation table, int nkeys, TupleTableSlot *slot)
{
	*scan = (UsomRowScan) {.table = table, .nkeys = nkeys, .buffer = InvalidBuffer, .slot = slot};
	scan->is_heap = table->rd_tableam == GetHeapamTableAmRoutine();
	scan->index = index_open(target->key_index, AccessShareLock);
	scan->scan = usom_index_beginscan(table, scan->index, GetActiveSnapshot(), nkeys);
	memcpy(scan->keys, target->scan_keys, nkeys * sizeof(ScanKeyData));
}

void
usom_row_scan_under(UsomRowScan *scan, const Datum *key)
{
	for (int i = 0; i < scan->nkeys; i++)
		scan->keys[i].sk_argument = key[i];
	index_rescan(scan->scan, scan->keys, scan->nkeys, NULL, 0);
}

/* The page of a row; of how full it is we get a rough idea, without its lock. */
static void
go_to_page(UsomRowScan *scan, ItemPointer tid)
{
	Buffer		previous = scan->buffer;

	scan->buffer = ReleaseAndReadBuffer(previous, scan->table, ItemPointerGetBlockNumber(tid));
	if (scan->buffer != previous && PageGetHeapFreeSpace(BufferGetPage(scan->buffer)) < LEFT_TO_WRITE)
		heap_page_prune_opt(scan->table, scan->buffer);
}

/* The version that the snapshot shows, if there is one; the index forgets an entry that leads to none, for anybody. */
static bool
fetch(UsomRowScan *scan, ItemPointer tid)
{
	HeapTuple	row = &((BufferHeapTupleTableSlot *) scan->slot)->base.tupdata;
	bool		is_dead;
	bool		is_there;

	go_to_page(scan, tid);
	LockBuffer(scan->buffer, BUFFER_LOCK_SHARE);
	is_there = heap_hot_search_buffer(tid, scan->table, scan->buffer, scan->scan->xs_snapshot, row, &is_dead, true);
	LockBuffer(scan->buffer, BUFFER_LOCK_UNLOCK);
	if (!scan->scan->xactStartedInRecovery)
		scan->scan->kill_prior_tuple = is_dead;
	if (!is_there)
		return false;
	pgstat_count_heap_fetch(scan->index);
	scan->slot->tts_tableOid = RelationGetRelid(scan->table);
	ExecStoreBufferHeapTuple(row, scan->slot, scan->buffer);
	return true;
}

bool
usom_row_scan_next(UsomRowScan *scan)
{
	ItemPointer tid;

	if (!scan->is_heap)
		return index_getnext_slot(scan->scan, ForwardScanDirection, scan->slot);
	while ((tid = index_getnext_tid(scan->scan, ForwardScanDirection)) != NULL)
	{
		ExecClearTuple(scan->slot);
		if (fetch(scan, tid))
			return true;
	}
	return false;
}

void
usom_row_scan_end(UsomRowScan *scan)
{
	if (BufferIsValid(scan->buffer))
		ReleaseBuffer(scan->buffer);
	index_endscan(scan->scan);
	index_close(scan->index, NoLock);
}
