/*
 * heads.c
 *		The last entries of the chains of orders.
 *
 * The recent partitions are those that usom._see_recent() has in its view: the
 * last three of this node, all of others, and the rest.  Here they are found by
 * the bounds of the table, which PostgreSQL keeps.
 *
 * Memory: results in CurrentMemoryContext; what is kept of a partition stays
 * with the backend.
 *
 * Locks: those of SELECT, of the table and of the partitions that are read.
 */
#include "postgres.h"

#include "audit/entry.h"

#include "access/table.h"
#include "access/xact.h"
#include "base/fetch.h"
#include "base/ident.h"
#include "base/settings.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define OWN_PARTITIONS 3		/* usom._see_recent() has it, too */
#define MOST_PARTITIONS 16		/* that a backend reads past the executor; then it asks by statements */

/* ---- partitions ---- */

static UsomFetch *partitions[MOST_PARTITIONS];
static int	npartitions = 0;

/* A reading of a partition by its chains; made once, by name. */
static UsomFetch *
partition_of(const char *name)
{
	MemoryContext caller;
	UsomFetch  *fetch;

	for (int i = 0; i < npartitions; i++)
		if (strcmp(partitions[i]->table, name) == 0)
			return partitions[i];
	if (npartitions == MOST_PARTITIONS)
		return NULL;
	caller = MemoryContextSwitchTo(TopMemoryContext);
	fetch = palloc_object(UsomFetch);
	*fetch = (UsomFetch) {
		.table = pstrdup(name), .index = psprintf("%s_chain_has_no_fork", name), .backward = true, .limit = 1,
		.nkeys = 2, .keys = {{"org_id", "bigint"}, {"sales_order_id", "bigint"}},
		.ncolumns = 2, .columns = {{"entry_no", "integer"}, {"digest", "bytea"}},
	};
	MemoryContextSwitchTo(caller);
	partitions[npartitions++] = fetch;
	return fetch;
}

/* Is it of another node, or one of the last of this? */
static bool
is_recent(int64 end_key, int *nown)
{
	return end_key - 1 < usom_ident_of_node(usom_setting_node, 0) || end_key - 1 >= usom_ident_of_node(usom_setting_node + 1, 0) ||
		(*nown)++ < OWN_PARTITIONS;
}

/* From the last to the first; false: one has no bounds of its own, or there are too many. */
static bool
list_partitions(const PartitionDescData *all, UsomFetch **recent, int *count)
{
	const PartitionBoundInfoData *bounds = all->boundinfo;
	int			nown = 0;

	for (int i = bounds->ndatums - 1; i >= -1; i--)
	{
		int			partition = i < 0 ? bounds->default_index : bounds->indexes[i];

		if (partition < 0)
			continue;
		if (i >= 0 && bounds->kind[i][0] != PARTITION_RANGE_DATUM_VALUE)
			return false;
		if (i >= 0 && !is_recent(DatumGetInt64(bounds->datums[i][0]), &nown))
			continue;
		if (*count == MOST_PARTITIONS)
			return false;
		recent[*count] = partition_of(get_rel_name(all->oids[partition]));
		if (recent[(*count)++] == NULL)
			return false;
	}
	return true;
}

static bool
find_partitions(UsomFetch **recent, int *count)
{
	Relation	table = try_table_open(get_relname_relid("audit_entry", get_namespace_oid("usom", true)), AccessShareLock);
	const PartitionDescData *all;
	bool		found;

	*count = 0;
	if (table == NULL)
		return false;
	all = table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? RelationGetPartitionDesc(table, true) : NULL;
	found = all != NULL && all->boundinfo != NULL && all->boundinfo->strategy == PARTITION_STRATEGY_RANGE &&
		list_partitions(all, recent, count);
	table_close(table, NoLock);
	return found;
}

/* ---- heads ---- */

#define HEAD_COLUMNS 3			/* sales_order_id, entry_no, digest */

typedef struct Heads
{
	int64		org_id;
	const Datum *orders;
	int			norders;
	UsomFetch  *partitions[MOST_PARTITIONS];
	int			npartitions;
	Datum	   *values;			/* of those that were found */
	bool	   *nulls;
	int			found;
} Heads;

/* The last entry of an order is the one with the greatest number, wherever it is. */
static bool
fetch_head(Heads *heads, Datum order)
{
	Datum		keys[] = {Int64GetDatum(heads->org_id), order};
	Datum	   *head = &heads->values[heads->found * HEAD_COLUMNS];
	bool		is_there = false;

	for (int i = 0; i < heads->npartitions; i++)
	{
		UsomFetched last;

		if (!usom_fetch_rows(heads->partitions[i], keys, NULL, &last))
			return false;
		if (last.count == 0 || (is_there && DatumGetInt32(head[1]) > DatumGetInt32(last.values[0])))
			continue;
		is_there = true;
		head[0] = order;
		head[1] = last.values[0];
		head[2] = last.values[1];
	}
	heads->found += is_there;
	return true;
}

static bool
fetch_all(void *argument)
{
	Heads	   *heads = argument;

	for (int i = 0; i < heads->norders; i++)
		if (!fetch_head(heads, heads->orders[i]))
			return false;
	return true;
}

/* How many are found, in SPI_tuptable; -1: they cannot be read so. */
static int
fetch_heads(int64 org_id, const Datum *orders, int norders)
{
	Heads		heads = {.org_id = org_id, .orders = orders, .norders = norders};

	if (!usom_setting_direct || !find_partitions(heads.partitions, &heads.npartitions))
		return -1;
	heads.values = palloc_array(Datum, (norders + 1) * HEAD_COLUMNS);
	heads.nulls = palloc0_array(bool, (norders + 1) * HEAD_COLUMNS);
	if (!usom_fetch_together(fetch_all, &heads))
		return -1;
	usom_query_publish(HEAD_COLUMNS, heads.found, heads.values, heads.nulls);
	return heads.found;
}

/*
 * Partitions go to an archive for everybody at once, also for who has an old
 * snapshot: what was noted of them meanwhile is to be seen by him as well.
 * Chains of orders that he has locked are no longer than they were in it.
 */
static int
look_now(UsomQuery *query, Datum *values)
{
	int			found;

	if (likely(!IsolationUsesXactSnapshot()))
		return (int) usom_query_run(query, values, NULL);
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	found = (int) usom_query_look(query, values, NULL);
	PopActiveSnapshot();
	return found;
}

/*
 * The last entries of the orders whose chains go on, by order, in SPI_tuptable.
 * Whoever writes about an order has its row locked, so nobody adds to the chain
 * meanwhile; if somebody did, the key of the chain would refuse the fork.
 *
 * Most have entries in the last partitions, which are read past the executor,
 * or by usom._audit_recent; the others are looked for in all, and those whose
 * entries are away in usom.audit_head.
 */
int
usom_audit_find_heads(int64 org_id, Datum *orders, int norders)
{
	static UsomQuery recent = {
		.text = "SELECT k.sales_order_id, h.entry_no, h.digest FROM pg_catalog.unnest($2) AS k (sales_order_id)"
		" CROSS JOIN LATERAL (SELECT e.entry_no, e.digest FROM usom._audit_recent e"
		" WHERE e.org_id = $1 AND e.sales_order_id = k.sales_order_id ORDER BY e.entry_no DESC LIMIT 1) AS h"
		" ORDER BY k.sales_order_id",
		.nargs = 2,
		.argtypes = {"pg_catalog.int8", "pg_catalog.int8[]"},
	};
	static UsomQuery all = {
		.text = "SELECT k.sales_order_id, h.entry_no, h.digest FROM pg_catalog.unnest($2) AS k (sales_order_id)"
		" CROSS JOIN LATERAL (SELECT u.entry_no, u.digest FROM ((SELECT e.entry_no, e.digest FROM usom.audit_entry e"
		" WHERE e.org_id = $1 AND e.sales_order_id = k.sales_order_id ORDER BY e.entry_no DESC LIMIT 1)"
		" UNION ALL SELECT a.entry_no, a.digest FROM usom.audit_head a"
		" WHERE a.org_id = $1 AND a.sales_order_id = k.sales_order_id) AS u ORDER BY u.entry_no DESC LIMIT 1) AS h"
		" ORDER BY k.sales_order_id",
		.nargs = 2,
		.argtypes = {"pg_catalog.int8", "pg_catalog.int8[]"},
	};
	Datum		values[] = {Int64GetDatum(org_id),
	PointerGetDatum(construct_array(orders, norders, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE))};
	int			found = fetch_heads(org_id, orders, norders);

	if (unlikely(found < 0))
		found = (int) usom_query_run(&recent, values, NULL);
	return found == norders ? found : look_now(&all, values);
}
