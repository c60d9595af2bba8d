/*
 * update_target.c
 *		What it takes to lock and update rows of a table past the executor:
 *		which columns are read and written, the index by which rows are found,
 *		and where those are that this transaction has found already.
 *
 * Memory, locks: see target.c.
 *
 * Invariant: a hint is looked at only by the (sub)transaction that has locked
 * or written the row since it began.  It has the table locked as well, so the
 * page is there still, whatever is on it.
 */
#include "postgres.h"

#include "base/target.h"

#include "access/genam.h"
#include "access/nbtree.h"
#include "access/transam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#define HINTS 1024				/* a power of two */

PG_FUNCTION_INFO_V1(usom__direct_updates);

/* ---- is the table fit ---- */

static bool
fits(const UsomTarget *target, Relation table)
{
	return table->rd_rel->relkind == RELKIND_RELATION && !table->rd_rel->relhassubclass;
}

/* ---- what it takes ---- */

static bool
map_columns(UsomTarget *target, const TupleDesc desc)
{
	const UsomUpdate *update = target->update;

	target->columns = palloc_array(int, update->ncolumns);
	for (int i = 0; i < update->ncolumns; i++)
	{
		int			column = usom_target_column(desc, update->columns[i].name);

		if (column < 0 || getBaseType(TupleDescAttr(desc, column)->atttypid) != usom_query_find_type(update->columns[i].type))
			return false;
		target->columns[i] = column;
		target->last_column = Max(target->last_column, column + 1);
	}
	return true;
}

/*
 * One column of the index; false if it is not that of the key, in the order in
 * which statements sort it, by PostgreSQL's own operators: another's would be
 * run as the owner.
 */
static bool
note_scan_key(UsomTarget *target, Relation table, Relation index, int i)
{
	Oid			type = index->rd_opcintype[i];
	Oid			equal = get_opfamily_member(index->rd_opfamily[i], type, type, BTEqualStrategyNumber);

	if (index->rd_index->indkey.values[i] != target->columns[i] + 1 || index->rd_indoption[i] != 0 ||
		type != usom_query_find_type(target->update->columns[i].type) ||
		index->rd_indcollation[i] != TupleDescAttr(RelationGetDescr(table), target->columns[i])->attcollation)
		return false;
	if (!OidIsValid(equal) || equal >= FirstUnpinnedObjectId ||
		lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY)->btree_opf != index->rd_opfamily[i])
		return false;
	target->hashed[i] = type == INT8OID;
	ScanKeyEntryInitialize(&target->scan_keys[i], 0, i + 1, BTEqualStrategyNumber, InvalidOid,
						   index->rd_indcollation[i], get_opcode(equal), (Datum) 0);
	return true;
}

static bool
note_key_index(UsomTarget *target, Relation table, Relation index)
{
	const FormData_pg_index *form = index->rd_index;
	int			nkeys = target->update->nkeys;

	if (index->rd_rel->relam != BTREE_AM_OID || !form->indisunique || !form->indisvalid || form->indnkeyatts != nkeys ||
		RelationGetIndexPredicate(index) != NIL)
		return false;
	target->key_index = RelationGetRelid(index);
	target->scan_keys = palloc0_array(ScanKeyData, nkeys);
	target->hashed = palloc0_array(bool, nkeys);
	for (int i = 0; i < nkeys; i++)
		if (!note_scan_key(target, table, index, i))
			return false;
	return true;
}

static bool
find_key_index(UsomTarget *target, Relation table)
{
	bool		fits = false;

	for (int i = 0; i < target->result->ri_NumIndices && !OidIsValid(target->key_index); i++)
	{
		Relation	index = index_open(target->indexes[i], AccessShareLock);

		if (strcmp(RelationGetRelationName(index), target->update->index) == 0)
			fits = note_key_index(target, table, index);
		index_close(index, NoLock);
	}
	return fits;
}

static bool
prepare(UsomTarget *target, Relation table)
{
	target->hints = palloc0_array(UsomTargetHint, HINTS);
	return map_columns(target, RelationGetDescr(table)) && usom_target_note_indexes(target, table) && find_key_index(target, table);
}

static const UsomTargetKind update_kind = {
	.name = "update", .command = CMD_UPDATE, .rights = ACL_SELECT | ACL_UPDATE, .fits = fits, .prepare = prepare,
};

Relation
usom_update_target_open(UsomUpdate *update)
{
	if (update->target == NULL)
		update->target = usom_target_make(&(UsomTarget) {.kind = &update_kind, .table = update->table, .update = update});
	return usom_target_open(update->target);
}

void
usom_update_target_read(const UsomTarget *target, TupleTableSlot *slot, Datum *values, bool *nulls)
{
	slot_getsomeattrs(slot, target->last_column);
	for (int i = 0; i < target->update->ncolumns; i++)
	{
		values[i] = slot->tts_values[target->columns[i]];
		nulls[i] = slot->tts_isnull[target->columns[i]];
	}
}

/* ---- hints ---- */

/* Numbers alone: rows that share them may take each other's place. */
static uint64
hash_of(const UsomTarget *target, const Datum *key)
{
	uint64		hash = 0;

	for (int i = 0; i < target->update->nkeys; i++)
		if (target->hashed[i])
			hash = hash_combine64(hash, (uint64) DatumGetInt64(key[i]));
	return hash;
}

void
usom_update_target_remember(UsomTarget *target, const Datum *key, ItemPointer tid)
{
	uint64		hash = hash_of(target, key);

	target->hints[hash % HINTS] = (UsomTargetHint) {GetCurrentFullTransactionId(), hash, *tid};
}

bool
usom_update_target_recall(const UsomTarget *target, const Datum *key, ItemPointer tid)
{
	uint64		hash = hash_of(target, key);
	const UsomTargetHint *hint = &target->hints[hash % HINTS];

	*tid = hint->tid;
	return hint->hash == hash && FullTransactionIdIsValid(hint->transaction) &&
		FullTransactionIdEquals(hint->transaction, GetCurrentFullTransactionIdIfAny());
}

/* usom._direct_updates(): for tests. */
Datum
usom__direct_updates(PG_FUNCTION_ARGS)
{
	return usom_target_names(CMD_UPDATE);
}
