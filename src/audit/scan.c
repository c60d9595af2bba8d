/*
 * scan.c
 *		All entries, read once: digests, chains, blocks, and what they did to
 *		the rows of each table.
 *
 *		Entries come by key, nearly as they lie.  Of each the digest is made
 *		anew; its link goes into the sums of chains.c, its digest to the block
 *		that lists it, its images into the sum of their table.  Where a digest
 *		or a chain is bad this says that some are: walk.c finds out which.
 *
 * Memory: a sum for each table, states of chains up to the number of orders
 * that is asked for, the open blocks, in the SPI connection's context; one
 * entry at a time.  Nothing here locks.
 *
 * Invariant: every entry is counted in each of the four, or the answer is that
 * something is bad.
 */
#include "postgres.h"

#include "base/compat.h"

#include "audit/blocks.h"
#include "audit/chains.h"
#include "audit/digest.h"
#include "audit/stream.h"
#include "audit/sum.h"

#include "base/query.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(usom__audit_scan);

typedef struct TableSum
{
	text	   *name;
	UsomSum    *sum;
} TableSum;

typedef struct AuditScan
{
	MemoryContext context;
	int64		org_id;
	UsomSipKey	key;
	UsomEntryShape *shape;		/* NULL before the first entry */
	UsomDigester digester;
	UsomChains *chains;
	UsomBlocks *blocks;
	bool		broken;			/* a digest, or a link of no order */
	int			ntables;
	int			most_tables;
	TableSum   *tables;			/* the one that was asked for last is first */
} AuditScan;

/* ---- tables ---- */

static bool
is_name(const TableSum *table, const text *name)
{
	return VARSIZE_ANY_EXHDR(table->name) == VARSIZE_ANY_EXHDR(name)
		&& memcmp(VARDATA_ANY(table->name), VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)) == 0;
}

static void
add_table(AuditScan *scan, const text *name)
{
	MemoryContext outer = MemoryContextSwitchTo(scan->context);

	if (scan->ntables == scan->most_tables)
	{
		scan->most_tables *= 2;
		scan->tables = repalloc(scan->tables, scan->most_tables * sizeof(TableSum));
	}
	scan->tables[scan->ntables++] = (TableSum) {
		.name = cstring_to_text_with_len(VARDATA_ANY(name), (int) VARSIZE_ANY_EXHDR(name)),
		.sum = usom_sum_make(scan->context, scan->key),
	};
	MemoryContextSwitchTo(outer);
}

/* Entries of an order are of a few tables that follow one another. */
static UsomSum *
sum_of(AuditScan *scan, const text *name)
{
	TableSum	found;
	int			place = 0;

	while (place < scan->ntables && !is_name(&scan->tables[place], name))
		place++;
	if (place == scan->ntables)
		add_table(scan, name);
	found = scan->tables[place];
	memmove(&scan->tables[1], &scan->tables[0], place * sizeof(TableSum));
	scan->tables[0] = found;
	return found.sum;
}

/* ---- entries ---- */

static void
add_link(AuditScan *scan, const UsomEntryRow *entry)
{
	if (entry->has_order)
		usom_chains_add(scan->chains, entry->sales_order_id, entry->entry_no, entry->previous, entry->digest);
	else
		scan->broken |= entry->previous != NULL;
}

static void
begin(AuditScan *scan, TupleDesc tupdesc)
{
	MemoryContext outer = MemoryContextSwitchTo(scan->context);

	scan->shape = usom_digest_shape(CreateTupleDescCopy(tupdesc));
	usom_digest_open(&scan->digester);
	MemoryContextSwitchTo(outer);
}

static void
take_entry(void *argument, TupleDesc tupdesc, Datum *values, bool *nulls)
{
	AuditScan  *scan = argument;
	UsomEntryRow entry;
	UsomDigest	computed;

	if (unlikely(scan->shape == NULL))
		begin(scan, tupdesc);
	if (!usom_digest_take(scan->shape, values, nulls, &scan->digester, &entry, &computed) || !usom_digest_is(entry.digest, &computed))
		scan->broken = true;
	if (unlikely(entry.digest == NULL || entry.table_name == NULL))
	{
		/* somebody took the constraints away */
		scan->broken = true;
		return;
	}
	add_link(scan, &entry);
	usom_blocks_take(scan->blocks, entry.audit_entry_id, entry.digest);
	usom_sum_add_entry(sum_of(scan, entry.table_name), entry.audit_entry_id, entry.operation, entry.row_count, entry.before, entry.after);
}

/* The entry before the first that is here is in an archive, which left its digest. */
static bool
find_head(void *argument, int64 sales_order_id, int32 entry_no, UsomDigest *digest)
{
	static UsomQuery query = {
		.text = "SELECT h.digest FROM usom.audit_head AS h WHERE h.org_id = $1 AND h.sales_order_id = $2 AND h.entry_no = $3",
		.nargs = 3,
		.argtypes = {"pg_catalog.int8", "pg_catalog.int8", "pg_catalog.int4"},
	};
	const AuditScan *scan = argument;
	Datum		values[] = {Int64GetDatum(scan->org_id), Int64GetDatum(sales_order_id), Int32GetDatum(entry_no)};
	bool		found = usom_query_look(&query, values, NULL) == 1;
	const bytea *head = found ? DatumGetByteaPP(usom_query_get(0, 1)) : NULL;

	found = found && VARSIZE_ANY_EXHDR(head) == USOM_DIGEST_SIZE;
	if (found)
		memcpy(digest->bytes, VARDATA_ANY(head), USOM_DIGEST_SIZE);
	SPI_freetuptable(SPI_tuptable);
	return found;
}

/* ---- the answer ---- */

static void
put_row(ReturnSetInfo *result, Datum table, Datum total, const UsomBlockFinding *found, const char *kind)
{
	bool		of_table = found == NULL && kind == NULL;
	bool		nulls[5] = {!of_table, !of_table, found == NULL || !found->has_entry, of_table, found == NULL};
	Datum		values[5] = {table, total};

	if (found != NULL)
	{
		values[2] = Int64GetDatum(found->audit_entry_id);
		values[4] = CStringGetTextDatum(found->detail);
	}
	if (kind != NULL)
		values[3] = CStringGetTextDatum(kind);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
answer(ReturnSetInfo *result, AuditScan *scan)
{
	UsomBlockFinding found = usom_blocks_close(scan->blocks);

	if (!usom_chains_whole(scan->chains, find_head, scan) || scan->broken)
		put_row(result, (Datum) 0, (Datum) 0, NULL, "broken");
	if (found.kind != NULL)
		put_row(result, (Datum) 0, (Datum) 0, &found, found.kind);
	for (int i = 0; i < scan->ntables; i++)
		put_row(result, PointerGetDatum(scan->tables[i].name), usom_sum_result(scan->tables[i].sum), NULL, NULL);
}

/*
 * usom._audit_scan(org_id bigint, settled bigint[], key bytea, orders integer)
 * RETURNS SETOF usom._audit_scanned (table_name text, total bigint[],
 * audit_entry_id bigint, kind text, detail text)
 */
Datum
usom__audit_scan(PG_FUNCTION_ARGS)
{
	AuditScan	scan = {.org_id = PG_GETARG_INT64(0), .key = usom_sum_key(PG_GETARG_BYTEA_PP(2)), .most_tables = 64};

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	SPI_connect();
	scan.context = CurrentMemoryContext;
	scan.chains = usom_chains_make(scan.key, PG_GETARG_INT32(3));
	scan.blocks = usom_blocks_open(scan.org_id, PG_GETARG_ARRAYTYPE_P(1), -1);
	scan.tables = palloc(scan.most_tables * sizeof(TableSum));
	usom_audit_stream("SELECT e.* FROM usom.audit_entry AS e WHERE e.org_id = $1 ORDER BY e.audit_entry_id",
					  scan.org_id, 0, take_entry, &scan);
	answer((ReturnSetInfo *) fcinfo->resultinfo, &scan);
	SPI_finish();
	return (Datum) 0;
}
