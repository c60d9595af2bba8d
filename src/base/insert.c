/*
 * insert.c
 *		Rows that are inserted past the executor.
 *
 *		The steps are those of the executor's INSERT and of COPY, by the same
 *		functions of PostgreSQL: triggers before the statement and before each
 *		row, constraints, the rows (in one piece, as COPY writes them), index
 *		entries, transition tables, triggers after the statement.
 *
 * Memory: what a row needs in the context of the target's expressions, which is
 * reset for each batch; see insert_target.c for what is kept.
 *
 * Locks: as INSERT: the table and its indexes.
 *
 * Invariant: like a statement, an insertion sees what was done before it, and
 * what comes after sees its rows.  Rows in slots are written, or the
 * transaction is rolled back.
 */
#include "postgres.h"

#include "base/target.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/rel.h"

/* One insertion. */
typedef struct Insertion
{
	UsomInsert *insert;
	int64		org_id;
	UsomRows   *rows;
	Relation	root;			/* the table of the statement, whose triggers fire */
	Relation	table;			/* the same, or its partition that the rows go to */
	UsomTarget *target;			/* of table */
	TransitionCaptureState *capture;
	CommandId	command;
	uint64		inserted;
} Insertion;

/* ---- a batch of rows ---- */

/* Fill a slot; what no row has is null or the default. */
static void
fill(Insertion *insertion, int row, TupleTableSlot *slot)
{
	UsomTarget *target = insertion->target;
	ExprContext *expressions = GetPerTupleExprContext(target->estate);
	int			natts = slot->tts_tupleDescriptor->natts;
	const Datum *values;
	const bool *nulls;

	usom_rows_values(insertion->rows, row, &values, &nulls);
	memset(slot->tts_isnull, true, natts * sizeof(bool));
	memset(slot->tts_values, 0, natts * sizeof(Datum));
	for (int i = 0; i < target->insert->ncolumns; i++)
	{
		slot->tts_values[target->columns[i]] = values[i];
		slot->tts_isnull[target->columns[i]] = nulls[i];
	}
	slot->tts_values[target->org_column] = Int64GetDatum(insertion->org_id);
	slot->tts_isnull[target->org_column] = false;
	for (int i = 0; i < target->ndefaults; i++)
	{
		int			column = target->defaults[i].column;

		slot->tts_values[column] = ExecEvalExprSwitchContext(target->defaults[i].value, expressions, &slot->tts_isnull[column]);
	}
	ExecStoreVirtualTuple(slot);
}

/* What comes before a row is written; false: a trigger wants it left out. */
static bool
check(Insertion *insertion, TupleTableSlot *slot)
{
	ResultRelInfo *result = insertion->target->result;
	EState	   *estate = insertion->target->estate;

	if (result->ri_TrigDesc != NULL && result->ri_TrigDesc->trig_insert_before_row &&
		!ExecBRInsertTriggers(estate, result, slot))
		return false;
	slot->tts_tableOid = RelationGetRelid(insertion->table);
	if (insertion->table->rd_att->constr != NULL)
		ExecConstraints(result, slot, estate);
	return true;
}

/* What comes after: the transition tables; nothing fires by row. */
static void
follow(Insertion *insertion, TupleTableSlot *slot)
{
	ExecARInsertTriggers(insertion->target->estate, insertion->target->result, slot, NIL, insertion->capture);
	insertion->inserted++;
}

static void
write_batch(Insertion *insertion, TupleTableSlot **slots, int count)
{
	EState	   *estate = insertion->target->estate;
	MemoryContext caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));

	table_multi_insert(insertion->table, slots, count, insertion->command, 0, NULL);
	for (int i = 0; i < count; i++)
	{
		(void) usom_insert_index_tuples(insertion->target->result, slots[i], estate, false, NULL, NIL);
		follow(insertion, slots[i]);
	}
	MemoryContextSwitchTo(caller);
}

static void
insert_batch(Insertion *insertion, int first, int end)
{
	TupleTableSlot *slots[TARGET_SLOTS];
	int			count = 0;

	CHECK_FOR_INTERRUPTS();
	ResetPerTupleExprContext(insertion->target->estate);
	for (int row = first; row < end; row++)
	{
		slots[count] = usom_target_slot(insertion->target, insertion->table, row - first);
		fill(insertion, row, slots[count]);
		if (likely(check(insertion, slots[count])))
			count++;
	}
	if (count > 0)
		write_batch(insertion, slots, count);
	for (int i = 0; i < end - first; i++)
		ExecClearTuple(insertion->target->slots[i]);
}

/* ---- a row unless its key is there ---- */

/* False: the key is there.  As INSERT does it: the row is withdrawn if another with its key came at the same time. */
static bool
write_unless_there(Insertion *insertion, TupleTableSlot *slot)
{
	UsomTarget *target = insertion->target;
	bool		conflict;

	do
	{
		uint32		token;

		CHECK_FOR_INTERRUPTS();
		conflict = false;
		if (!usom_check_index_constraints(target->result, slot, target->estate, target->arbiters))
			return false;
		token = SpeculativeInsertionLockAcquire(GetCurrentTransactionId());
		table_tuple_insert_speculative(insertion->table, slot, insertion->command, 0, NULL, token);
		(void) usom_insert_index_tuples(target->result, slot, target->estate, true, &conflict, target->arbiters);
		table_tuple_complete_speculative(insertion->table, slot, token, !conflict);
		SpeculativeInsertionLockRelease(GetCurrentTransactionId());
	} while (conflict);
	return true;
}

static void
insert_unless_there(Insertion *insertion, int row)
{
	TupleTableSlot *slot = usom_target_slot(insertion->target, insertion->table, 0);

	ResetPerTupleExprContext(insertion->target->estate);
	fill(insertion, row, slot);
	if (check(insertion, slot) && write_unless_there(insertion, slot))
		follow(insertion, slot);
	ExecClearTuple(slot);
}

/* ---- the whole ---- */

/* The table of the statement fires triggers and is told as root of its partition. */
static void
connect_root(Insertion *insertion)
{
	UsomTarget *root = insertion->target->root;

	insertion->target->result->ri_RelationDesc = insertion->table;
	if (root == NULL)
		return;
	root->result->ri_RelationDesc = insertion->root;
	insertion->target->result->ri_RootResultRelInfo = root->result;
}

static void
insert_all(void *argument)
{
	Insertion  *insertion = argument;
	const UsomTarget *named = insertion->insert->target;
	int			count = usom_rows_count(insertion->rows);

	connect_root(insertion);
	usom_target_open_indexes(insertion->target, CurrentMemoryContext);
	AfterTriggerBeginQuery();
	insertion->capture = MakeTransitionCaptureState(named->result->ri_TrigDesc, named->relid, CMD_INSERT);
	insertion->command = GetCurrentCommandId(true);
	ExecBSInsertTriggers(named->estate, named->result);
	if (insertion->target->arbiters != NIL)
		for (int row = 0; row < count; row++)
			insert_unless_there(insertion, row);
	else
		for (int first = 0; first < count; first += TARGET_SLOTS)
			insert_batch(insertion, first, Min(first + TARGET_SLOTS, count));
	ExecASInsertTriggers(named->estate, named->result, insertion->capture);
	AfterTriggerEndQuery(named->estate);
	usom_target_close_indexes(insertion->target);
}

static void
run_statement(Insertion *insertion)
{
	Datum		values[2] = {Int64GetDatum(insertion->org_id), usom_rows_datum(insertion->rows)};

	insertion->inserted = usom_query_run(&insertion->insert->query, values, NULL);
}

/* At a higher isolation level what conflicts may be an error, of which the executor knows more. */
static void
open_tables(Insertion *insertion)
{
	UsomInsert *insert = insertion->insert;

	if (unlikely(insert->arbiter != NULL && IsolationUsesXactSnapshot()))
		return;
	insertion->root = insertion->table = usom_insert_target_open(insert);
	insertion->target = insert->target;
	if (insertion->root == NULL || insertion->root->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	insertion->table = usom_insert_target_open_leaf(insert->target, insertion->root, insertion->rows);
	insertion->target = insert->target->leaf;
}

static void
close_tables(const Insertion *insertion)
{
	if (insertion->table != NULL && insertion->table != insertion->root)
		table_close(insertion->table, NoLock);
	if (insertion->root != NULL)
		table_close(insertion->root, NoLock);
}

static uint64
work(void *argument)
{
	Insertion  *insertion = argument;

	open_tables(insertion);
	if (likely(insertion->table != NULL))
		usom_target_run(insertion->insert->target, insertion->insert->query.text, insert_all, insertion);
	else
		run_statement(insertion);
	close_tables(insertion);
	return insertion->inserted;
}

UsomRows *
usom_insert_rows(UsomInsert *insert, int capacity)
{
	return usom_rows_make_late(insert->row_type, insert->ncolumns, capacity);
}

uint64
usom_insert_run(UsomInsert *insert, int64 org_id, UsomRows *rows)
{
	Insertion	insertion = {.insert = insert, .org_id = org_id, .rows = rows};

	return usom_query_write_by(work, &insertion);
}

void
usom_insert_init(void)
{
	usom_target_init();
}
