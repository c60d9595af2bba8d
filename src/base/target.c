/*
 * target.c
 *		May a table be written to past the executor, and what is kept for it?
 *
 *		What is looked up, prepared and allocated is kept by the backend until
 *		the table, one of its indexes or any function changes: PostgreSQL tells
 *		of it by the messages that its own caches rely on.  CHECKs, predicates
 *		of indexes and defaults are prepared once that way, where the executor
 *		reads their text anew for every statement.
 *
 * Memory: a context of each target, below TopMemoryContext once it is whole;
 * freed when the target is looked at again.  No descriptor in it is counted.  A
 * slot has a buffer pinned only while a trigger fires after a row; what an
 * error may leave that way is not used again (give_up).
 *
 * Locks: ROW EXCLUSIVE of the table, as INSERT and UPDATE take it, until the
 * transaction ends.
 *
 * Invariant: a target in use is not freed: who comes meanwhile (from a trigger,
 * or from a CHECK that somebody has written) gets none and uses the statement.
 */
#include "postgres.h"

#include "base/target.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/settings.h"
#include "base/watch.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#define MOST_TARGETS 48

static UsomTarget *targets[MOST_TARGETS];
static int	ntargets = 0;

/* ---- forgetting ---- */

static bool
is_of(const UsomTarget *target, Oid relid)
{
	if (relid == InvalidOid || relid == target->relid || target->result == NULL)
		return true;
	for (int i = 0; i < target->result->ri_NumIndices; i++)
		if (target->indexes[i] == relid)
			return true;
	return false;
}

static void
at_table_change(Oid relid)
{
	for (int i = 0; i < ntargets; i++)
		if (targets[i]->is_valid && is_of(targets[i], relid))
			targets[i]->is_valid = false;
}

static void
at_function_change(Datum argument, int cacheid, uint32 hash)
{
	for (int i = 0; i < ntargets; i++)
		targets[i]->is_valid = false;
}

void
usom_target_init(void)
{
	usom_watch_tables(at_table_change);
	CacheRegisterSyscacheCallback(PROCOID, at_function_change, (Datum) 0);
}

/* ---- is the table fit ---- */

static bool
fires(const UsomTarget *target, const Trigger *trigger)
{
	bool		by_command = target->kind->command == CMD_INSERT ? TRIGGER_FOR_INSERT(trigger->tgtype) : TRIGGER_FOR_UPDATE(trigger->tgtype);

	return by_command && trigger->tgenabled != TRIGGER_DISABLED;
}

/* Checks of foreign keys are PostgreSQL's own; all others have to be usom's. */
static bool
is_ours(const Trigger *trigger, Oid schema)
{
	return RI_FKey_trigger_type(trigger->tgfoid) != RI_TRIGGER_NONE || get_func_namespace(trigger->tgfoid) == schema;
}

/*
 * Triggers that fire at once, and ask neither for a condition nor which
 * columns are written.  In partitions statements' triggers do not fire.
 */
static bool
triggers_fit(const UsomTarget *target, const TriggerDesc *triggers, Oid schema)
{
	bool		is_leaf = target->root != NULL;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (!fires(target, trigger) || (is_leaf && !TRIGGER_FOR_ROW(trigger->tgtype)))
			continue;
		if (is_leaf || trigger->tgdeferrable || trigger->tgqual != NULL || !is_ours(trigger, schema))
			return false;
		if (target->kind->command == CMD_UPDATE && trigger->tgnattr > 0)
			return false;
	}
	return true;
}

static bool
columns_fit(const TupleDesc desc)
{
	if (desc->constr != NULL && usom_has_generated(desc->constr))
		return false;
	for (int i = 0; i < desc->natts; i++)
		if (TupleDescAttr(desc, i)->attidentity != '\0')
			return false;
	return true;
}

/* Rights and policies are those of the table that is named, not of its partition. */
static bool
table_fits(const UsomTarget *target, Relation table, Oid schema)
{
	const FormData_pg_class *class = table->rd_rel;
	bool		is_leaf = target->root != NULL;

	if (class->relispartition != is_leaf || !target->kind->fits(target, table))
		return false;
	if (!is_leaf && (table->rd_rules != NULL || class->relowner != GetUserId() || class->relforcerowsecurity ||
					 pg_class_aclmask(RelationGetRelid(table), GetUserId(), target->kind->rights, ACLMASK_ALL) != target->kind->rights))
		return false;
	return triggers_fit(target, table->trigdesc, schema) && columns_fit(RelationGetDescr(table));
}

/* ---- what it takes ---- */

int
usom_target_column(const TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
	{
		const FormData_pg_attribute *attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && strcmp(NameStr(attribute->attname), name) == 0)
			return i;
	}
	return -1;
}

/* One index; false if it is checked later than at once, or excludes. */
static bool
note_index(UsomTarget *target, int i, Relation index)
{
	IndexInfo  *info = BuildIndexInfo(index);

	target->indexes[i] = RelationGetRelid(index);
	target->result->ri_IndexRelationInfo[i] = info;
	if (target->arbiter != NULL && index->rd_index->indisunique && index->rd_index->indisvalid &&
		strcmp(RelationGetRelationName(index), target->arbiter) == 0)
		target->arbiters = list_make1_oid(RelationGetRelid(index));
	if (target->arbiter != NULL && info->ii_Unique)
		BuildSpeculativeIndexInfo(index, info);
	return info->ii_ExclusionOps == NULL && index->rd_index->indimmediate;
}

bool
usom_target_note_indexes(UsomTarget *target, Relation table)
{
	ResultRelInfo *result = target->result;
	List	   *oids = RelationGetIndexList(table);
	bool		fits = true;

	target->indexes = palloc_array(Oid, list_length(oids) + 1);
	result->ri_IndexRelationDescs = palloc0_array(Relation, list_length(oids) + 1);
	result->ri_IndexRelationInfo = palloc0_array(IndexInfo *, list_length(oids) + 1);
	result->ri_NumIndices = list_length(oids);
	for (int i = 0; i < result->ri_NumIndices; i++)
	{
		Relation	index = index_open(list_nth_oid(oids, i), RowExclusiveLock);

		fits &= note_index(target, i, index);
		index_close(index, NoLock);
	}
	return fits && (target->arbiter == NULL || target->arbiters != NIL);
}

/* Functions of triggers are found once, where they stay. */
static void
note_triggers(UsomTarget *target)
{
	const TriggerDesc *triggers = target->result->ri_TrigDesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (fires(target, &triggers->triggers[i]))
			fmgr_info_cxt(triggers->triggers[i].tgfoid, &target->result->ri_TrigFunctions[i], target->estate->es_query_cxt);
}

/* Rows that triggers get: PostgreSQL would make slots that count the table's descriptor. */
static TupleTableSlot *
make_slot(Relation table)
{
	return MakeTupleTableSlot(CreateTupleDescCopy(RelationGetDescr(table)), table_slot_callbacks(table));
}

static bool
has_row_triggers(const UsomTarget *target)
{
	const TriggerDesc *triggers = target->result->ri_TrigDesc;

	return triggers != NULL && (triggers->trig_insert_after_row || triggers->trig_update_after_row);
}

static bool
prepare(UsomTarget *target, Relation table)
{
	target->estate = CreateExecutorState();
	target->result = makeNode(ResultRelInfo);
	InitResultRelInfo(target->result, table, 0, NULL, 0);
	target->estate->es_opened_result_relations = list_make1(target->result);
	target->slots = palloc0_array(TupleTableSlot *, TARGET_SLOTS);
	if (target->kind->command == CMD_UPDATE || has_row_triggers(target))
		target->result->ri_TrigOldSlot = make_slot(table);
	if (has_row_triggers(target))
		target->result->ri_TrigNewSlot = make_slot(table);
	note_triggers(target);
	return target->kind->prepare(target, table);
}

TupleTableSlot *
usom_target_slot(UsomTarget *target, Relation table, int i)
{
	Assert(i < TARGET_SLOTS);
	if (unlikely(target->slots[i] == NULL))
	{
		MemoryContext caller = MemoryContextSwitchTo(target->context);

		target->slots[i] = make_slot(table);
		MemoryContextSwitchTo(caller);
	}
	return ExecClearTuple(target->slots[i]);
}

/* ---- a target ---- */

UsomTarget *
usom_target_make(const UsomTarget *target)
{
	UsomTarget *made;

	if (ntargets == MOST_TARGETS)
		return NULL;
	made = MemoryContextAlloc(TopMemoryContext, sizeof(UsomTarget));
	*made = *target;
	targets[ntargets++] = made;
	return made;
}

static void
forget(UsomTarget *target)
{
	if (target->context != NULL)
		MemoryContextDelete(target->context);
	*target = (UsomTarget) {
		.kind = target->kind, .table = target->table, .insert = target->insert, .update = target->update,
		.arbiter = target->arbiter, .root = target->root, .leaf = target->leaf};
}

/* A message that comes while we look makes it look again the next time. */
static Relation
look_at(UsomTarget *target, Oid relid)
{
	MemoryContext context;
	MemoryContext caller;
	Relation	table;

	forget(target);
	target->relid = relid;
	table = OidIsValid(relid) ? try_table_open(relid, RowExclusiveLock) : NULL;
	if (table == NULL)
		return NULL;
	target->is_valid = true;
	context = AllocSetContextCreate(CurrentMemoryContext, "usom target", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSetIdentifier(context, target->table);
	caller = MemoryContextSwitchTo(context);
	target->is_fit = table_fits(target, table, get_namespace_oid("usom", true)) && prepare(target, table);
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, TopMemoryContext);
	target->context = context;
	return table;
}

/* NULL if it has changed meanwhile. */
static Relation
open_known(UsomTarget *target)
{
	Relation	table = try_table_open(target->relid, RowExclusiveLock);

	if (likely(table != NULL && target->is_valid))
		return table;
	if (table != NULL)
		table_close(table, NoLock);
	return NULL;
}

/* A table that was looked at, or is now. */
Relation
usom_target_open_relid(UsomTarget *target, Oid relid)
{
	Relation	table = NULL;

	if (target->is_valid && target->relid == relid)
	{
		if (!target->is_fit)
			return NULL;
		table = open_known(target);
	}
	if (table == NULL)
		table = look_at(target, relid);
	if (table == NULL || likely(target->is_fit))
		return table;
	table_close(table, NoLock);
	return NULL;
}

Relation
usom_target_open(UsomTarget *target)
{
	if (!usom_setting_direct || target == NULL || target->is_busy || XactReadOnly || IsInParallelMode())
		return NULL;
	return usom_target_open_relid(target, target->is_valid ? target->relid : get_relname_relid(target->table, get_namespace_oid("usom", true)));
}

/*
 * What an access method has noted (of a BRIN index: its columns as the relation
 * has them) holds while the index is open: opening it may build its relation
 * anew.
 */
void
usom_target_open_indexes(UsomTarget *target, MemoryContext context)
{
	ResultRelInfo *result = target->result;

	for (int i = 0; i < result->ri_NumIndices; i++)
	{
		IndexInfo  *info = result->ri_IndexRelationInfo[i];

		result->ri_IndexRelationDescs[i] = index_open(target->indexes[i], RowExclusiveLock);
		info->ii_AmCache = NULL;
		info->ii_Context = context;
	}
}

void
usom_target_close_indexes(UsomTarget *target)
{
	ResultRelInfo *result = target->result;

	for (int i = 0; i < result->ri_NumIndices; i++)
		index_close(result->ri_IndexRelationDescs[i], NoLock);
}

/* ---- as a statement ---- */

/* As SPI tells it of a statement. */
static void
tell_context(void *argument)
{
	errcontext("SQL statement \"%s\"", (const char *) argument);
}

/* An error has left it: a slot may say that a buffer is pinned, which is not any more. */
static void
give_up(UsomTarget *target)
{
	target->is_busy = false;
	if (has_row_triggers(target))
		target->is_valid = false;
}

void
usom_target_run(UsomTarget *target, const char *statement, void (*work) (void *argument), void *argument)
{
	ErrorContextCallback context = {error_context_stack, tell_context, unconstify(char *, statement)};

	error_context_stack = &context;
	target->is_busy = true;
	usom_query_note_direct();
	CommandCounterIncrement();
	PG_TRY();
	{
		work(argument);
	}
	PG_CATCH();
	{
		give_up(target);
		PG_RE_THROW();
	}
	PG_END_TRY();
	target->is_busy = false;
	CommandCounterIncrement();
	error_context_stack = context.previous;
}

/* ---- for tests ---- */

static bool
is_in_use(const UsomTarget *target)
{
	return target->is_valid && target->is_fit;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(TextDatumGetCString(*(const Datum *) a), TextDatumGetCString(*(const Datum *) b));
}

Datum
usom_target_names(CmdType command)
{
	Datum		names[MOST_TARGETS];
	int			count = 0;

	for (int i = 0; i < ntargets; i++)
		if (targets[i]->kind->command == command && targets[i]->root == NULL && is_in_use(targets[i]) &&
			(targets[i]->leaf == NULL || is_in_use(targets[i]->leaf)))
			names[count++] = CStringGetTextDatum(targets[i]->table);
	qsort(names, count, sizeof(Datum), compare_names);
	return PointerGetDatum(construct_array_builtin(names, count, TEXTOID));
}
