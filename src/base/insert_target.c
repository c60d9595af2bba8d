/*
 * insert_target.c
 *		What it takes to insert into a table past the executor: where values of
 *		rows go, defaults of what they do not have, and which partition is
 *		theirs.
 *
 * Memory, locks: see target.c.
 *
 * Invariant: a target is fit only if every value of a row goes to a column of
 * its own type, and every other column gets what INSERT would give it.
 */
#include "postgres.h"

#include "base/target.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/partcache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(usom__direct_inserts);

/* ---- is the table fit ---- */

/* Partitions by ranges of one key, and nobody wants to see rows of several as one set. */
static bool
partitions_fit(Relation table)
{
	const PartitionKeyData *key = RelationGetPartitionKey(table);

	return key->strategy == PARTITION_STRATEGY_RANGE && key->partnatts == 1 && key->partattrs[0] != 0 &&
		key->parttypid[0] == INT8OID &&
		(table->trigdesc == NULL || (!table->trigdesc->trig_insert_new_table && !table->trigdesc->trig_insert_before_row));
}

static bool
fits(const UsomTarget *target, Relation table)
{
	char		kind = table->rd_rel->relkind;

	return kind == RELKIND_RELATION || (target->root == NULL && kind == RELKIND_PARTITIONED_TABLE && partitions_fit(table));
}

/* ---- what it takes ---- */

/* Where the values of a row go: every column of the row's type is one of the table, of the same type. */
static bool
map_columns(UsomTarget *target, const TupleDesc desc)
{
	Oid			type = usom_query_type(target->insert->row_type);
	TupleDesc	row = lookup_rowtype_tupdesc_copy(type, -1);
	bool		fits = row->natts == target->insert->ncolumns;

	target->columns = palloc_array(int, row->natts);
	target->org_column = usom_target_column(desc, "org_id");
	for (int i = 0; fits && i < row->natts; i++)
	{
		const FormData_pg_attribute *from = TupleDescAttr(row, i);
		int			column = usom_target_column(desc, NameStr(from->attname));

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
prepare(UsomTarget *target, Relation table)
{
	if (!map_columns(target, RelationGetDescr(table)))
		return false;
	if (table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		return target->arbiter == NULL && note_key(target, table);
	prepare_defaults(target, table);
	return usom_target_note_indexes(target, table);
}

static const UsomTargetKind insertion = {
	.name = "insert", .command = CMD_INSERT, .rights = ACL_INSERT, .fits = fits, .prepare = prepare,
};

Relation
usom_insert_target_open(UsomInsert *insert)
{
	if (insert->target == NULL)
		insert->target = usom_target_make(&(UsomTarget) {
			.kind = &insertion, .table = insert->table, .insert = insert, .arbiter = insert->arbiter});
	return usom_target_open(insert->target);
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
usom_insert_target_open_leaf(UsomTarget *root, Relation table, const UsomRows *rows)
{
	Oid			relid = route_all(root, table, rows);

	if (root->leaf == NULL)
		root->leaf = usom_target_make(&(UsomTarget) {
			.kind = &insertion, .table = root->table, .insert = root->insert, .root = root});
	return root->leaf != NULL && OidIsValid(relid) ? usom_target_open_relid(root->leaf, relid) : NULL;
}

/* usom._direct_inserts(): for tests. */
Datum
usom__direct_inserts(PG_FUNCTION_ARGS)
{
	return usom_target_names(CMD_INSERT);
}
