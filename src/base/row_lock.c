/*
 * row_lock.c
 *		Rows that are locked past the executor, as SELECT ... FOR NO KEY UPDATE
 *		or FOR UPDATE locks them.
 *
 *		A row is looked at as the snapshot shows it; one that is not wanted is
 *		passed over unlocked.  One that is wanted is locked; who waited for it
 *		has locked its last version, and that is looked at again.  These are
 *		the steps of the executor's scan, LockRows and EvalPlanQual, by the
 *		same functions of the table's access method.
 *
 * Memory: slots and scan of one call in CurrentMemoryContext: they have buffers
 * pinned, which an error gives back, and so are not kept.
 *
 * Locks: rows as they are met; see update.h for the order.
 *
 * Invariant: at REPEATABLE READ a row that has changed since the snapshot is
 * an error (40001), never a version that the snapshot does not show.
 */
#include "postgres.h"

#include "base/row_scan.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/query.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

typedef struct Locking
{
	const UsomRowLocks *locks;
	UsomTarget *target;
	Relation	table;
	bool		is_done;
	CommandId	command;
	TupleTableSlot *seen;		/* as the snapshot shows it */
	TupleTableSlot *last;		/* as it is under the lock */
	int			nlocked;
} Locking;

static bool
is_wanted(const Locking *locking, TupleTableSlot *slot, Datum *values, bool *nulls)
{
	usom_update_target_read(locking->target, slot, values, nulls);
	return locking->locks->wanted == NULL || locking->locks->wanted(locking->locks->argument, values, nulls);
}

/* Has it still the key under which it was found? */
static bool
is_under(const Locking *locking, ScanKeyData *keys, const Datum *values, const bool *nulls)
{
	for (int i = 0; i < locking->locks->nkeys; i++)
		if (nulls[i] || !DatumGetBool(FunctionCall2Coll(&keys[i].sk_func, keys[i].sk_collation, values[i], keys[i].sk_argument)))
			return false;
	return true;
}

/* False: it is gone, or another has it, or this command has written it itself.  As the executor's LockRows has it. */
static bool
lock_version(const Locking *locking, ItemPointer tid, bool *traversed)
{
	int			flags = TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS;
	TM_FailureData failure;
	TM_Result	result;

	if (!IsolationUsesXactSnapshot())
		flags |= TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
	result = table_tuple_lock(locking->table, tid, GetActiveSnapshot(), locking->last, locking->command,
							  locking->locks->exclusive ? LockTupleExclusive : LockTupleNoKeyExclusive,
							  locking->locks->skip_locked ? LockWaitSkip : LockWaitBlock, flags, &failure);
	*traversed = failure.traversed;
	if (likely(result == TM_Ok))
		return true;
	if (result == TM_WouldBlock && locking->locks->skip_locked)
		return false;
	if (result != TM_SelfModified && IsolationUsesXactSnapshot())
		ereport(ERROR,
				errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("could not serialize access due to concurrent update"));
	if (result != TM_SelfModified && result != TM_Deleted)
		elog(ERROR, "unexpected table_tuple_lock status: %u", result);
	return false;
}

static void
lock_row(Locking *locking, ScanKeyData *keys)
{
	Datum		values[USOM_UPDATE_MOST_COLUMNS];
	bool		nulls[USOM_UPDATE_MOST_COLUMNS];
	ItemPointerData tid = locking->seen->tts_tid;
	bool		traversed;

	if (!is_wanted(locking, locking->seen, values, nulls) || !lock_version(locking, &tid, &traversed))
		return;
	if (unlikely(traversed) && (!is_wanted(locking, locking->last, values, nulls) || !is_under(locking, keys, values, nulls)))
		return;
	usom_update_target_remember(locking->target, values, &locking->last->tts_tid);
	locking->nlocked++;
	if (locking->locks->locked != NULL)
		locking->locks->locked(locking->locks->argument, values, nulls);
}

static bool
is_enough(const Locking *locking)
{
	return locking->locks->limit > 0 && locking->nlocked >= locking->locks->limit;
}

static void
lock_all(void *argument)
{
	Locking    *locking = argument;
	const UsomRowLocks *locks = locking->locks;
	UsomRowScan scan;

	PushActiveSnapshot(GetTransactionSnapshot());
	locking->command = GetCurrentCommandId(true);
	locking->seen = table_slot_create(locking->table, NULL);
	locking->last = table_slot_create(locking->table, NULL);
	usom_row_scan_begin(&scan, locking->target, locking->table, locks->nkeys, locking->seen);
	for (int i = 0; i < locks->count && !is_enough(locking); i++)
	{
		usom_row_scan_under(&scan, &locks->keys[i * locks->nkeys]);
		while (!is_enough(locking) && usom_row_scan_next(&scan))
		{
			CHECK_FOR_INTERRUPTS();
			lock_row(locking, scan.keys);
		}
	}
	usom_row_scan_end(&scan);
	ExecDropSingleTupleTableSlot(locking->last);
	ExecDropSingleTupleTableSlot(locking->seen);
	PopActiveSnapshot();
}

static uint64
work(void *argument)
{
	Locking    *locking = argument;

	locking->table = usom_update_target_open(locking->locks->update);
	locking->target = locking->locks->update->target;
	if (locking->table == NULL)
		return 0;
	usom_target_run(locking->target, locking->locks->text, lock_all, locking);
	table_close(locking->table, NoLock);
	locking->is_done = true;
	return 0;
}

bool
usom_row_locks_take(const UsomRowLocks *locks)
{
	Locking		locking = {.locks = locks};

	Assert(locks->nkeys <= locks->update->nkeys);
	usom_query_write_by(work, &locking);
	return locking.is_done;
}
