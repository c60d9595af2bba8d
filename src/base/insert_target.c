/*
 * insert_target.c
 *		May rows go to a table past the executor, and what for does it take?
 *
 *		What is looked up, prepared and allocated is kept by the backend until
 *		the table, one of its indexes or any function changes: PostgreSQL tells
 *		of it by the messages that its own caches rely on.  CHECKs, predicates
 *		of indexes and defaults are prepared once that way, where the executor
 *		reads their text anew for every statement.
 *
 * Memory: a context of each target, below TopMemoryContext once it is whole;
 * freed when the target is looked at again.
 *
 * Locks: ROW EXCLUSIVE of the table, as INSERT takes it, until the transaction
 * ends.
 *
 * Invariant: a target in use is not freed: who comes meanwhile (from a trigger,
 * or from a CHECK that somebody has written) gets none and uses the statement.
 */
#include "postgres.h"

#include "base/insert_target.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/settings.h"
#include "base/watch.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "rewrite/rewriteHandler.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#define MOST_TARGETS 32

PG_FUNCTION_INFO_V1(usom__direct_inserts);

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

/*
 * Statements' triggers and those before a row, of usom itself; nothing that
 * waits in a queue by row.  In partitions statements' triggers do not fire.
 */
static bool
triggers_fit(const TriggerDesc *triggers, Oid schema, bool is_leaf)
{
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (!TRIGGER_FOR_INSERT(trigger->tgtype) || trigger->tgenabled == TRIGGER_DISABLED)
			continue;
		if (is_leaf && !TRIGGER_FOR_ROW(trigger->tgtype))
			continue;
		if (TRIGGER_FOR_ROW(trigger->tgtype) && (is_leaf || !TRIGGER_FOR_BEFORE(trigger->tgtype)))
			return false;
		if (trigger->tgqual != NULL || get_func_namespace(trigger->tgfoid) != schema)
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

/* Partitions by ranges of one key, and nobody wants to see rows of several as one set. */
static bool
partitions_fit(Relation table)
{
	const PartitionKeyData *key = RelationGetPartitionKey(table);

	return key->strategy == PARTITION_STRATEGY_RANGE && key->partnatts == 1 && key->partattrs[0] != 0 &&
		key->parttypid[0] == INT8OID &&
		(table->trigdesc == NULL || (!table->trigdesc->trig_insert_new_table && !table->trigdesc->trig_insert_before_row));
}

/* Rights and policies are those of the table that is named, not of its partition. */
static bool
table_fits(const UsomTarget *target, Relation table, Oid schema)
{
	const FormData_pg_class *class = table->rd_rel;
	bool		is_leaf = target->root != NULL;

	if (class->relkind != RELKIND_RELATION && (is_leaf || class->relkind != RELKIND_PARTITIONED_TABLE || !partitions_fit(table)))
		return false;
	if (class->relispartition != is_leaf)
		return false;
	if (!is_leaf && (table->rd_rules != NULL || class->relowner != GetUserId() || class->relforcerowsecurity ||
					 pg_class_aclcheck(RelationGetRelid(table), GetUserId(), ACL_INSERT) != ACLCHECK_OK))
		return false;
	return triggers_fit(table->trigdesc, schema, is_leaf) && columns_fit(RelationGetDescr(table));
}

/* ---- what it takes ---- */

static int
find_column(const TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
	{
		const FormData_pg_attribute *attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && strcmp(NameStr(attribute->attname), name) == 0)
			return i;
	}
	return -1;
}

/* Where the values of a row go: every column of the row's type is one of the table, of the same type. */
static bool
map_columns(UsomTarget *target, const TupleDesc desc, Oid schema)
{
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(target->insert->row_type), ObjectIdGetDatum(schema));
	TupleDesc	row = lookup_rowtype_tupdesc_copy(type, -1);
	bool		fits = row->natts == target->insert->ncolumns;

	target->columns = palloc_array(int, row->natts);
	target->org_column = find_column(desc, "org_id");
	for (int i = 0; fits && i < row->natts; i++)
	{
		const FormData_pg_attribute *from = TupleDescAttr(row, i);
		int			column = find_column(desc, NameStr(from->attname));

		fits = column >= 0 && TupleDescAttr(desc, column)->atttypid == from->atttypid &&
			TupleDescAttr(desc, column)->atttypmod == from->atttypmod;
		target->columns[i] = column;
	}
	return fits && target->org_column >= 0;
}

static bool
is_given(const UsomTarget *target, int column)
{
	for (int i = 0; i < target->insert->ncolumns; i++)
		if (target->columns[i] == column)
			return true;
	return column == target->org_column;
}

static void
prepare_defaults(UsomTarget *target, Relation table)
{
	TupleDesc	desc = RelationGetDescr(table);

	target->defaults = palloc_array(UsomTargetDefault, desc->natts);
	for (int i = 0; i < desc->natts; i++)
	{
		Node	   *value = is_given(target, i) || TupleDescAttr(desc, i)->attisdropped ? NULL : build_column_default(table, i + 1);

		if (value != NULL)
			target->defaults[target->ndefaults++] = (UsomTargetDefault) {i, ExecPrepareExpr((Expr *) value, target->estate)};
	}
}

/* One index; false if it is checked later than at once, or excludes. */
static bool
note_index(UsomTarget *target, int i, Relation index)
{
	IndexInfo  *info = BuildIndexInfo(index);

	target->indexes[i] = RelationGetRelid(index);
	target->result->ri_IndexRelationInfo[i] = info;
	if (target->insert->arbiter != NULL && strcmp(RelationGetRelationName(index), target->insert->arbiter) == 0)
		target->arbiters = list_make1_oid(RelationGetRelid(index));
	if (target->insert->arbiter != NULL && info->ii_Unique)
		BuildSpeculativeIndexInfo(index, info);
	return info->ii_ExclusionOps == NULL && index->rd_index->indimmediate;
}

static bool
note_indexes(UsomTarget *target, Relation table)
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
	return fits && (target->insert->arbiter == NULL || target->arbiters != NIL);
}

/* Functions of triggers are found once, where they stay. */
static void
note_triggers(UsomTarget *target)
{
	const TriggerDesc *triggers = target->result->ri_TrigDesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (TRIGGER_FOR_INSERT(triggers->triggers[i].tgtype))
			fmgr_info_cxt(triggers->triggers[i].tgfoid, &target->result->ri_TrigFunctions[i], target->estate->es_query_cxt);
}

/* Which value of a row is the key of the partitions. */
static bool
note_key(UsomTarget *target, Relation table)
{
	int			column = RelationGetPartitionKey(table)->partattrs[0] - 1;

	for (int i = 0; i < target->insert->ncolumns; i++)
		if (target->columns[i] == column)
		{
			target->key = i;
			return true;
		}
	return false;
}

static bool
prepare(UsomTarget *target, Relation table, Oid schema)
{
	target->estate = CreateExecutorState();
	target->result = makeNode(ResultRelInfo);
	InitResultRelInfo(target->result, table, 0, NULL, 0);
	target->estate->es_opened_result_relations = list_make1(target->result);
	target->slots = palloc0_array(TupleTableSlot *, TARGET_SLOTS);
	note_triggers(target);
	if (!map_columns(target, RelationGetDescr(table), schema))
		return false;
	if (table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		return target->insert->arbiter == NULL && note_key(target, table);
	prepare_defaults(target, table);
	return note_indexes(target, table);
}

/* ---- a target ---- */

static UsomTarget *
make_target(UsomInsert *insert, UsomTarget *root)
{
	UsomTarget *target = MemoryContextAllocZero(TopMemoryContext, sizeof(UsomTarget));

	Ensure(ntargets < MOST_TARGETS, "too many tables are inserted into");
	*target = (UsomTarget) {.insert = insert, .root = root};
	targets[ntargets++] = target;
	return target;
}

static void
forget(UsomTarget *target)
{
	if (target->context != NULL)
		MemoryContextDelete(target->context);
	*target = (UsomTarget) {.insert = target->insert, .root = target->root, .leaf = target->leaf};
}

/* A message that comes while we look makes it look again the next time. */
static Relation
look_at(UsomTarget *target, Oid relid)
{
	Oid			schema = get_namespace_oid("usom", true);
	MemoryContext context;
	MemoryContext caller;
	Relation	table;

	forget(target);
	target->relid = relid;
	table = OidIsValid(relid) ? try_table_open(relid, RowExclusiveLock) : NULL;
	if (table == NULL)
		return NULL;
	target->is_valid = true;
	context = AllocSetContextCreate(CurrentMemoryContext, "usom insert", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSetIdentifier(context, target->insert->table);
	caller = MemoryContextSwitchTo(context);
	target->is_fit = table_fits(target, table, schema) && prepare(target, table, schema);
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
static Relation
open_fit(UsomTarget *target, Oid relid)
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
usom_target_open(UsomInsert *insert)
{
	UsomTarget *target;

	if (insert->target == NULL)
		insert->target = make_target(insert, NULL);
	target = insert->target;
	if (!usom_setting_direct || target->is_busy)
		return NULL;
	return open_fit(target, target->is_valid ? target->relid : get_relname_relid(insert->table, get_namespace_oid("usom", true)));
}

/* ---- partitions ---- */

/* Where PostgreSQL would route the row: the partition of its key, or the one of the rest; -1: to none. */
static int
route(Relation table, const PartitionDescData *partitions, Datum value)
{
	const PartitionKeyData *key = RelationGetPartitionKey(table);
	PartitionBoundInfo bounds = partitions->boundinfo;
	bool		is_equal;
	int			offset = partition_range_datum_bsearch(key->partsupfunc, key->partcollation, bounds, 1, &value, &is_equal);
	int			partition = bounds->indexes[offset + 1];

	return partition < 0 ? bounds->default_index : partition;
}

/* As the executor sees them: those that are being detached count only for whoever has an old snapshot. */
static Oid
route_all(const UsomTarget *root, Relation table, const UsomRows *rows)
{
	const PartitionDescData *partitions = RelationGetPartitionDesc(table, !IsolationUsesXactSnapshot());
	int			partition = -1;

	for (int i = 0; partitions->nparts > 0 && i < usom_rows_count(rows); i++)
	{
		const Datum *values;
		const bool *nulls;
		int			of_row;

		usom_rows_values(rows, i, &values, &nulls);
		of_row = nulls[root->key] ? -1 : route(table, partitions, values[root->key]);
		if (of_row < 0 || (i > 0 && of_row != partition))
			return InvalidOid;
		partition = of_row;
	}
	return partition >= 0 ? partitions->oids[partition] : InvalidOid;
}

Relation
usom_target_open_leaf(UsomTarget *root, Relation table, const UsomRows *rows)
{
	Oid			relid = route_all(root, table, rows);

	if (root->leaf == NULL)
		root->leaf = make_target(root->insert, root);
	return OidIsValid(relid) ? open_fit(root->leaf, relid) : NULL;
}

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

/* usom._direct_inserts(): for tests. */
Datum
usom__direct_inserts(PG_FUNCTION_ARGS)
{
	Datum		names[MOST_TARGETS];
	int			count = 0;

	for (int i = 0; i < ntargets; i++)
		if (targets[i]->root == NULL && is_in_use(targets[i]) && (targets[i]->leaf == NULL || is_in_use(targets[i]->leaf)))
			names[count++] = CStringGetTextDatum(targets[i]->insert->table);
	qsort(names, count, sizeof(Datum), compare_names);
	PG_RETURN_ARRAYTYPE_P(construct_array_builtin(names, count, TEXTOID));
}

TupleTableSlot *
usom_target_slot(UsomTarget *target, Relation table, int i)
{
	if (unlikely(target->slots[i] == NULL))
	{
		MemoryContext caller = MemoryContextSwitchTo(target->context);

		target->slots[i] = MakeTupleTableSlot(CreateTupleDescCopy(RelationGetDescr(table)), table_slot_callbacks(table));
		MemoryContextSwitchTo(caller);
	}
	return ExecClearTuple(target->slots[i]);
}
