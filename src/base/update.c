/*
 * update.c
 *		Rows that are updated past the executor.
 *
 *		The steps are those of the executor's UPDATE, by the same functions of
 *		PostgreSQL: triggers before the statement and before each row,
 *		constraints, the new version, index entries where it is not a heap-only
 *		one, transition tables, triggers after each row and after the statement.
 *
 * Finding a row.  Where this transaction has locked it, a hint says where.
 * What is there counts if the snapshot of the statement shows it and it has
 * the key: of a unique key a snapshot shows one version, so it is the one that
 * the index would lead to.  Else the index is asked.
 *
 * Meeting nobody.  All rows are locked by this transaction before: then its
 * snapshot, which is from after the lock, shows the last version, and nobody
 * else changes it.  So there is nothing to wait for and nothing to look at
 * again.  What others than usom write, by break-glass, may be written without the
 * lock that usom takes: who meets it is refused with 40001, as at REPEATABLE
 * READ, since what was read is not true any more.
 *
 * Memory: what a row needs in the context of the target's expressions, which is
 * reset for each row; slots and scan of one call in CurrentMemoryContext, since
 * they have buffers pinned, which an error gives back.
 *
 * Locks: as UPDATE: the table and its indexes, and the rows.
 */
#include "postgres.h"

#include "base/row_scan.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/snapmgr.h"

#define NEW_SLOT 0				/* of the target: it never has a buffer pinned */

typedef struct Updating
{
	UsomRowChanges *changes;
	UsomTarget *target;
	Relation	table;
	bool		is_done;
	MemoryContext context;		/* of the call */
	bool		has_indexes;	/* opened */
	CommandId	command;
	TransitionCaptureState *capture;
	bool		has_scan;		/* begun: a hint failed */
	UsomRowScan scan;
	TupleTableSlot *old;
} Updating;

/* ---- find ---- */

/* Bytes, not operators: what differs there alone is found by the index. */
static bool
has_key(const Updating *updating, const Datum *key)
{
	const UsomTarget *target = updating->target;

	for (int i = 0; i < target->update->nkeys; i++)
	{
		const FormData_pg_attribute *attribute = TupleDescAttr(RelationGetDescr(updating->table), target->columns[i]);
		bool		isnull;
		Datum		value = slot_getattr(updating->old, target->columns[i] + 1, &isnull);

		if (isnull || !datum_image_eq(value, key[i], attribute->attbyval, attribute->attlen))
			return false;
	}
	return true;
}

static bool
find_by_hint(const Updating *updating, const Datum *key)
{
	ItemPointerData tid;

	return usom_update_target_recall(updating->target, key, &tid) &&
		table_tuple_fetch_row_version(updating->table, &tid, GetActiveSnapshot(), updating->old) &&
		has_key(updating, key);
}

static bool
find_by_index(Updating *updating, const Datum *key)
{
	if (!updating->has_scan)
		usom_row_scan_begin(&updating->scan, updating->target, updating->table, updating->target->update->nkeys, updating->old);
	updating->has_scan = true;
	usom_row_scan_under(&updating->scan, key);
	return usom_row_scan_next(&updating->scan);
}

/* ---- change ---- */

/* The new version in its slot, from the old one. */
static TupleTableSlot *
form(const Updating *updating, int row)
{
	const UsomTarget *target = updating->target;
	TupleTableSlot *slot = usom_target_slot(updating->target, updating->table, NEW_SLOT);
	int			natts = slot->tts_tupleDescriptor->natts;
	Datum		values[USOM_UPDATE_MOST_COLUMNS];
	bool		nulls[USOM_UPDATE_MOST_COLUMNS];

	slot_getallattrs(updating->old);
	memcpy(slot->tts_values, updating->old->tts_values, natts * sizeof(Datum));
	memcpy(slot->tts_isnull, updating->old->tts_isnull, natts * sizeof(bool));
	usom_update_target_read(target, updating->old, values, nulls);
	updating->changes->change(updating->changes->argument, row, values, nulls);
	for (int i = 0; i < target->update->ncolumns; i++)
	{
		slot->tts_values[target->columns[i]] = values[i];
		slot->tts_isnull[target->columns[i]] = nulls[i];
	}
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(updating->table);
	return slot;
}

/* What the executor says of a row that another has written, or the statement or a trigger of it before. */
static void
refuse_conflict(const Updating *updating, TM_Result result, const TM_FailureData *failure)
{
	if (result == TM_SelfModified && failure->cmax != updating->command)
		ereport(ERROR,
				errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				errmsg("tuple to be updated was already modified by an operation triggered by the current command"));
	if (result != TM_SelfModified)
		ereport(ERROR,
				errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("could not serialize access due to concurrent update"));
	elog(ERROR, "a row of usom.%s is changed twice: %d", updating->changes->update->table, (int) result);
}

static HeapTuple
old_tuple(const Updating *updating)
{
	bool		is_copy;

	return ExecFetchSlotHeapTuple(updating->old, false, &is_copy);
}

/* What comes before a row is written; NULL: a trigger wants it left as it is. */
static TupleTableSlot *
check(const Updating *updating, int row)
{
	UsomTarget *target = updating->target;
	TupleTableSlot *new = form(updating, row);

	if (target->result->ri_TrigDesc != NULL && target->result->ri_TrigDesc->trig_update_before_row &&
		!usom_before_update(target->estate, target->result, old_tuple(updating), new))
		return NULL;
	if (updating->table->rd_att->constr != NULL)
		ExecConstraints(target->result, new, target->estate);
	return new;
}

/* Put the new version in the place of the old one. */
static void
put(const Updating *updating, TupleTableSlot *new, UsomIndexEntries *entries)
{
	ItemPointerData tid = updating->old->tts_tid;
	TM_FailureData failure;
	TM_Result	result;

	result = usom_tuple_update(updating->table, &tid, new, updating->command, GetActiveSnapshot(), &failure, entries);
	if (unlikely(result != TM_Ok))
		refuse_conflict(updating, result, &failure);
}

/* A heap-only version needs none: indexes are opened for the first row that is not one. */
static void
add_index_entries(Updating *updating, TupleTableSlot *new, UsomIndexEntries entries)
{
	if (!usom_needs_entries(entries))
		return;
	if (!updating->has_indexes)
		usom_target_open_indexes(updating->target, updating->context);
	updating->has_indexes = true;
	(void) usom_update_index_tuples(updating->target->result, new, updating->target->estate, entries);
}

/* What comes after a row was written: where it is, the transition tables, and what fires by row, which wants to find it. */
static void
finish(const Updating *updating, const Datum *key, TupleTableSlot *new)
{
	UsomTarget *target = updating->target;
	const TriggerDesc *triggers = target->result->ri_TrigDesc;
	bool		by_row = triggers != NULL && triggers->trig_update_after_row;

	usom_update_target_remember(target, key, &new->tts_tid);
	ExecARUpdateTriggers(target->estate, target->result, NULL, NULL, by_row ? &updating->old->tts_tid : NULL,
						 by_row ? NULL : old_tuple(updating), new, NIL, updating->capture, false);
	updating->changes->changed++;
}

static void
update_row(Updating *updating, int row)
{
	UsomTarget *target = updating->target;
	const Datum *key = &updating->changes->keys[row * target->update->nkeys];
	TupleTableSlot *new;
	UsomIndexEntries entries;
	MemoryContext caller;

	if (!find_by_hint(updating, key) && !find_by_index(updating, key))
		return;
	ResetPerTupleExprContext(target->estate);
	caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(target->estate));
	new = check(updating, row);
	if (likely(new != NULL))
	{
		put(updating, new, &entries);
		add_index_entries(updating, new, entries);
		finish(updating, key, new);
	}
	MemoryContextSwitchTo(caller);
	ExecClearTuple(target->slots[NEW_SLOT]);
}

/* ---- the whole ---- */

static void
update_rows(Updating *updating)
{
	updating->old = table_slot_create(updating->table, NULL);
	for (int row = 0; row < updating->changes->count; row++)
	{
		CHECK_FOR_INTERRUPTS();
		update_row(updating, row);
	}
	if (updating->has_scan)
		usom_row_scan_end(&updating->scan);
	ExecDropSingleTupleTableSlot(updating->old);
	ExecClearTuple(updating->target->result->ri_TrigOldSlot);
}

static void
update_all(void *argument)
{
	Updating   *updating = argument;
	UsomTarget *target = updating->target;
	ResultRelInfo *result = target->result;

	CheckCmdReplicaIdentity(updating->table, CMD_UPDATE);
	result->ri_RelationDesc = updating->table;
	PushActiveSnapshot(GetTransactionSnapshot());
	AfterTriggerBeginQuery();
	updating->capture = MakeTransitionCaptureState(result->ri_TrigDesc, target->relid, CMD_UPDATE);
	updating->command = GetCurrentCommandId(true);
	ExecBSUpdateTriggers(target->estate, result);
	update_rows(updating);
	ExecASUpdateTriggers(target->estate, result, updating->capture);
	AfterTriggerEndQuery(target->estate);
	if (updating->has_indexes)
		usom_target_close_indexes(target);
	PopActiveSnapshot();
}

static uint64
work(void *argument)
{
	Updating   *updating = argument;

	updating->table = usom_update_target_open(updating->changes->update);
	updating->target = updating->changes->update->target;
	if (updating->table == NULL)
		return 0;
	usom_target_run(updating->target, updating->changes->text, update_all, updating);
	table_close(updating->table, NoLock);
	updating->is_done = true;
	return updating->changes->changed;
}

bool
usom_update_run(UsomRowChanges *changes)
{
	Updating	updating = {.changes = changes, .context = CurrentMemoryContext};

	changes->changed = 0;
	usom_query_write_by(work, &updating);
	return updating.is_done;
}
