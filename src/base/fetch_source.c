/*
 * fetch_source.c
 *		May a table be read past the executor, and what for does it take?
 *
 *		What is looked up and allocated is kept by the backend until the table or
 *		the index changes: PostgreSQL tells of it by the messages that its own
 *		caches rely on.
 *
 * Memory: a context of each source, below TopMemoryContext once it is whole;
 * freed when the source is looked at again, which is never while it is open.
 *
 * Locks: ACCESS SHARE of the table and the index until the transaction ends, as
 * SELECT takes them.  With it neither can go or change.
 *
 * Invariant: a source that is fit says of every row of its table what the
 * statement would: whoever owns the tables may see them all, and an equal key
 * is what the operator "=" of the columns takes for equal.
 */
#include "postgres.h"

#include "base/fetch_source.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "base/owner.h"
#include "base/settings.h"
#include "base/watch.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "nodes/primnodes.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#define MOST_SOURCES 128

PG_FUNCTION_INFO_V1(usom__direct_reads);

static UsomSource *sources[MOST_SOURCES];
static int	nsources = 0;

/* ---- forgetting ---- */

/* An index that was not there may be any that gets its name now, which the table is not told. */
static bool
is_of(const UsomSource *source, Oid relid)
{
	return relid == InvalidOid || relid == source->relid || relid == source->index_id || !OidIsValid(source->index_id);
}

static void
at_table_change(Oid relid)
{
	for (int i = 0; i < nsources; i++)
		if (is_of(sources[i], relid))
			sources[i]->is_valid = false;
}

void
usom_source_init(void)
{
	usom_watch_tables(at_table_change);
}

/* ---- is the table fit ---- */

/* Nothing but the table itself has its rows, and its owner sees them all. */
static bool
table_fits(Relation table)
{
	const FormData_pg_class *class = table->rd_rel;

	return class->relkind == RELKIND_RELATION && !class->relhassubclass && !class->relforcerowsecurity &&
		class->relowner == usom_owner_get() &&
		pg_class_aclcheck(RelationGetRelid(table), class->relowner, ACL_SELECT) == ACLCHECK_OK;
}

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

/*
 * The function of the operator; InvalidOid unless it is PostgreSQL's own, of
 * the usual order of the type.  Nobody can alter what the frequent ones are:
 * their families are pinned.
 */
static RegProcedure
find_comparison(Oid family, Oid type, StrategyNumber strategy)
{
	static const struct
	{
		Oid			type;
		Oid			family;
		RegProcedure equal;
	}			frequent[] = {
		{INT8OID, INTEGER_BTREE_FAM_OID, F_INT8EQ}, {TEXTOID, TEXT_BTREE_FAM_OID, F_TEXTEQ}, {INT4OID, INTEGER_BTREE_FAM_OID, F_INT4EQ}
	};
	Oid			operator;

	for (int i = 0; strategy == BTEqualStrategyNumber && i < (int) lengthof(frequent); i++)
		if (frequent[i].type == type && frequent[i].family == family)
			return frequent[i].equal;
	operator = get_opfamily_member(family, type, type, strategy);
	if (lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY)->btree_opf != family || operator >= FirstUnpinnedObjectId)
		return InvalidOid;
	return OidIsValid(operator) ? get_opcode(operator) : InvalidOid;
}

/* Is the column of the index the one that was meant, from the lowest to the highest? */
static bool
is_column(const UsomSource *source, int i, const char *name)
{
	Relation	index = source->index;
	int			column = find_column(RelationGetDescr(source->table), name);

	return column >= 0 && i < IndexRelationGetNumberOfKeyAttributes(index) && index->rd_index->indkey.values[i] == column + 1 &&
		index->rd_indoption[i] == 0 && index->rd_indcollation[i] == TupleDescAttr(RelationGetDescr(source->table), column)->attcollation;
}

/* The key that it is looked up by. */
static bool
note_key(UsomSource *source, int i)
{
	const UsomFetch *fetch = source->fetch;
	Relation	index = source->index;
	Oid			type = usom_query_find_type(fetch->keys[i].type);
	StrategyNumber strategy = fetch->upto && i == fetch->nkeys - 1 ? BTLessEqualStrategyNumber : BTEqualStrategyNumber;
	RegProcedure compare;

	if (!is_column(source, i, fetch->keys[i].name) || index->rd_opcintype[i] != type)
		return false;
	compare = find_comparison(index->rd_opfamily[i], type, strategy);
	if (!OidIsValid(compare))
		return false;
	ScanKeyEntryInitialize(&source->keys[i], 0, i + 1, strategy, type, index->rd_indcollation[i], compare, (Datum) 0);
	return true;
}

static bool
is_key(const UsomFetch *fetch, const char *name)
{
	for (int i = 0; i < fetch->nkeys; i++)
		if (strcmp(fetch->keys[i].name, name) == 0)
			return true;
	return false;
}

/* As a bit. */
static unsigned
null_column(const UsomFetch *fetch, const char *name)
{
	for (int i = 0; i < USOM_FETCH_MOST_NULLS; i++)
		if (fetch->null_columns[i] != NULL && strcmp(fetch->null_columns[i], name) == 0)
			return 1u << i;
	return 0;
}

static unsigned
null_columns(const UsomFetch *fetch)
{
	unsigned	all = 0;

	for (int i = 0; i < USOM_FETCH_MOST_NULLS && fetch->null_columns[i] != NULL; i++)
		all |= 1u << i;
	return all;
}

/* Does the index leave out nothing but what is not asked for? */
static bool
predicate_fits(UsomSource *source)
{
	const UsomFetch *fetch = source->fetch;
	List	   *predicate = RelationGetIndexPredicate(source->index);
	unsigned	told = 0;
	ListCell   *cell;

	foreach(cell, predicate)
	{
		const NullTest *test = lfirst(cell);
		const char *name;

		if (!IsA(test, NullTest) || test->argisrow || !IsA(test->arg, Var) || ((Var *) test->arg)->varattno <= 0)
			return false;
		name = NameStr(TupleDescAttr(RelationGetDescr(source->table), ((Var *) test->arg)->varattno - 1)->attname);
		if (test->nulltesttype == IS_NULL && null_column(fetch, name) != 0)
			told |= null_column(fetch, name);
		else if (test->nulltesttype != IS_NOT_NULL || !is_key(fetch, name))
			return false;
	}
	return told == null_columns(fetch);
}

static bool
index_fits(UsomSource *source)
{
	Form_pg_index form = source->index->rd_index;

	if (source->index->rd_rel->relam != BTREE_AM_OID || !form->indisvalid || form->indcheckxmin)
		return false;
	for (int i = 0; i < source->fetch->nkeys; i++)
		if (!note_key(source, i))
			return false;
	for (int i = 0; i < USOM_FETCH_MOST_KEYS && source->fetch->order[i] != NULL; i++)
		if (!is_column(source, source->fetch->nkeys + i, source->fetch->order[i]))
			return false;
	return predicate_fits(source);
}

/* ---- what it takes ---- */

static bool
note_column(UsomSource *source, int i)
{
	const UsomFetchColumn *wanted = &source->fetch->columns[i];
	const TupleDesc desc = RelationGetDescr(source->table);
	int			column;
	const FormData_pg_attribute *attribute;

	if (strcmp(wanted->name, "ctid") == 0)
	{
		source->columns[i] = (UsomSourceColumn) {.column = SOURCE_TID};
		return true;
	}
	column = find_column(desc, wanted->name);
	if (column < 0)
		return false;
	attribute = TupleDescAttr(desc, column);
	source->columns[i] = (UsomSourceColumn) {.column = column, .length = attribute->attlen, .by_value = attribute->attbyval};
	source->last = Max(source->last, column + 1);
	return getBaseType(attribute->atttypid) == getBaseType(usom_query_find_type(wanted->type));
}

static bool
note_columns(UsomSource *source)
{
	source->columns = palloc_array(UsomSourceColumn, source->fetch->ncolumns);
	for (int i = 0; i < source->fetch->ncolumns; i++)
		if (!note_column(source, i))
			return false;
	source->slot = MakeTupleTableSlot(CreateTupleDescCopyConstr(RelationGetDescr(source->table)), table_slot_callbacks(source->table));
	return true;
}

/* ---- a source ---- */

/* NULL: so many are enough. */
static UsomSource *
make_source(UsomFetch *fetch)
{
	UsomSource *source;

	if (nsources == MOST_SOURCES)
		return NULL;
	source = MemoryContextAllocZero(TopMemoryContext, sizeof(UsomSource));
	source->fetch = fetch;
	sources[nsources++] = source;
	return source;
}

static void
forget(UsomSource *source)
{
	if (source->context != NULL)
		MemoryContextDelete(source->context);
	*source = (UsomSource) {.fetch = source->fetch};
}

void
usom_source_close(UsomSource *source)
{
	if (source->index != NULL)
		index_close(source->index, NoLock);
	if (source->table != NULL)
		table_close(source->table, NoLock);
	source->index = source->table = NULL;
}

/* The index of that name, if it is one of the table. */
static bool
open_index(UsomSource *source, Oid schema)
{
	Oid			relid = get_relname_relid(source->fetch->index, schema);

	if (!list_member_oid(RelationGetIndexList(source->table), relid))
		return false;
	source->index_id = relid;
	source->index = index_open(relid, AccessShareLock);
	return true;
}

/* A message that comes while we look makes it look again the next time. */
static void
look_at(UsomSource *source)
{
	Oid			schema = get_namespace_oid("usom", true);
	MemoryContext context;
	MemoryContext caller;

	forget(source);
	source->relid = OidIsValid(schema) ? get_relname_relid(source->fetch->table, schema) : InvalidOid;
	source->table = OidIsValid(source->relid) ? try_table_open(source->relid, AccessShareLock) : NULL;
	if (source->table == NULL)
		return;
	source->is_valid = true;
	context = AllocSetContextCreate(CurrentMemoryContext, "usom fetch", ALLOCSET_SMALL_SIZES);
	MemoryContextSetIdentifier(context, source->fetch->index);
	caller = MemoryContextSwitchTo(context);
	source->is_fit = table_fits(source->table) && open_index(source, schema) && index_fits(source) && note_columns(source);
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, TopMemoryContext);
	source->context = context;
}

/* False if it has changed meanwhile. */
static bool
open_known(UsomSource *source)
{
	source->table = try_table_open(source->relid, AccessShareLock);
	if (unlikely(source->table == NULL || !source->is_valid))
		return false;
	source->index = index_open(source->index_id, AccessShareLock);
	return source->is_valid;
}

UsomSource *
usom_source_open(UsomFetch *fetch)
{
	UsomSource *source = fetch->source;

	if (!usom_setting_direct)
		return NULL;
	if (unlikely(source == NULL))
		source = fetch->source = make_source(fetch);
	if (unlikely(source == NULL))
		return NULL;
	source->table = source->index = NULL;
	if (source->is_valid && !source->is_fit)
		return NULL;
	if (unlikely(!source->is_valid || !open_known(source)))
	{
		usom_source_close(source);
		look_at(source);
	}
	if (likely(source->is_fit))
		return source;
	usom_source_close(source);
	return NULL;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(TextDatumGetCString(*(const Datum *) a), TextDatumGetCString(*(const Datum *) b));
}

/* usom._direct_reads(): for tests. */
Datum
usom__direct_reads(PG_FUNCTION_ARGS)
{
	Datum		names[MOST_SOURCES];
	int			count = 0;

	for (int i = 0; i < nsources; i++)
		if (sources[i]->is_valid && sources[i]->is_fit)
			names[count++] = CStringGetTextDatum(sources[i]->fetch->index);
	qsort(names, count, sizeof(Datum), compare_names);
	PG_RETURN_ARRAYTYPE_P(construct_array_builtin(names, count, TEXTOID));
}
