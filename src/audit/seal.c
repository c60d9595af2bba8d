/*
 * seal.c
 *		Blocks: what has committed is sealed, without anybody waiting.
 *
 *		A block lists the entries that are visible and in no block yet, of one
 *		partition of the audit: so a partition is sealed by blocks that are
 *		wholly its own, and may go to an archive with them.  It
 *		does not matter in which order transactions commit: what commits late,
 *		after days as a prepared transaction, goes into a later block.
 *
 * Which entries may still come: keys rise with time, so a key up to the last
 * value of the sequence at some moment was drawn by a transaction older than
 * the next one of that moment.  When all of these have ended (the oldest that
 * runs is younger), no entry with such a key can appear any more.  A block
 * notes both; settled_to is the greatest key of which this is known.  Sealing
 * reads the entries beyond it alone.  In another cluster (restored, upgraded)
 * transaction numbers mean nothing, and none of the old ones runs.
 *
 * Memory: that of the SPI connection.
 *
 * Locks: an advisory lock per organisation, tried and not waited for, so that
 * one sealer at a time adds a block; writers of entries take no lock that is
 * taken here.  It comes last: nothing else is locked after it.
 *
 * Invariant: an entry is in one block at most, a block in one partition, and blocks of an organisation
 * and node are numbered from 1 without gaps, each with the digest of the one
 * before; the primary key refuses a second block of one number.
 */
#include "postgres.h"

#include "audit/entry.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "base/call.h"
#include "base/compat.h"
#include "base/ident.h"
#include "base/query.h"
#include "base/settings.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom__seal);

/* Advisory locks of our own kind: pg_locks shows it as objsubid. */
#define LOCK_KIND 21366

#define BLOCK_LIMIT 32768		/* entries in a block, and rows read at a time */

/* Does this transaction hold a sealer's lock? */
static bool has_sealed = false;

/* Where the chain of blocks stands, and what a further one will say. */
typedef struct Chain
{
	int64		org_id;
	int			node;
	int32		block_no;		/* last block; 0: none yet */
	Datum		digest;			/* of the last block; 0: none yet */
	int64		entries_total;	/* in all blocks */
	int64		settled_to;		/* as the last block says */
	int64		settled_now;	/* as was known when sealing began */
	int64		sequence_at;	/* last key drawn, read before next_xid */
	int64		next_xid;
	int64		scanned_to;		/* entries up to this key were looked at */
} Chain;

/* Entries for a block. */
typedef struct Leaves
{
	int			count;
	Oid			partition;		/* that all of them are in */
	Datum		ids[BLOCK_LIMIT];
	Datum		digests[BLOCK_LIMIT];
	bool		more;			/* further entries were not looked at */
	bool		full;			/* the next entry is of a further block */
} Leaves;

/* Keys, ascending. */
typedef struct Sealed
{
	int			count;
	int64	   *ids;
	int			next;			/* the first that is not below what was asked for */
} Sealed;

/* Of a kind that no function of PostgreSQL takes, so nobody keeps others from sealing. */
static bool
try_lock(int64 org_id)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (org_id >> 32), (uint32) org_id, LOCK_KIND);
	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

/* The last key first: whoever drew it has a transaction older than the next one. */
static void
read_clock(Chain *chain)
{
	static UsomQuery query = {
		.text = "SELECT coalesce(pg_catalog.pg_sequence_last_value('usom.id_seq'::pg_catalog.regclass), 0)",
	};

	usom_query_run(&query, NULL, NULL);
	chain->sequence_at = usom_ident_of_node(chain->node, DatumGetInt64(usom_query_get(0, 1)));
	chain->next_xid = (int64) U64FromFullTransactionId(ReadNextFullTransactionId());
}

/* If nothing older than the clock runs, all keys drawn until then are settled. */
static void
read_last_block(Chain *chain)
{
	static UsomQuery query = {
		.text = "SELECT b.block_no, b.digest, b.entries_total, b.settled_to,"
		" CASE WHEN $4 <= x.oldest THEN $5 ELSE (SELECT s.sequence_at FROM usom.audit_block s"
		" WHERE s.org_id = $1 AND s.node = $2 AND (s.system_id <> $3 OR s.next_xid <= x.oldest)"
		" ORDER BY s.block_no DESC LIMIT 1) END"
		" FROM (SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::pg_catalog.text::pg_catalog.int8 AS oldest) AS x"
		" LEFT JOIN LATERAL (SELECT l.block_no, l.digest, l.entries_total, l.settled_to FROM usom.audit_block l"
		" WHERE l.org_id = $1 AND l.node = $2 ORDER BY l.block_no DESC LIMIT 1) AS b ON true",
		.nargs = 5,
		.argtypes = {"pg_catalog.int8", "pg_catalog.int2", "pg_catalog.int8", "pg_catalog.int8", "pg_catalog.int8"},
	};
	Datum		values[] = {Int64GetDatum(chain->org_id), Int16GetDatum(chain->node), Int64GetDatum((int64) GetSystemIdentifier()),
	Int64GetDatum(chain->next_xid), Int64GetDatum(chain->sequence_at)};
	bool		isnull;
	Datum		settled;

	usom_query_run(&query, values, NULL);
	chain->settled_to = usom_ident_of_node(chain->node, 0);
	chain->block_no = DatumGetInt32(usom_query_get_or_null(0, 1, &isnull));
	if (!isnull)
	{
		chain->digest = usom_query_get(0, 2);
		chain->entries_total = DatumGetInt64(usom_query_get(0, 3));
		chain->settled_to = DatumGetInt64(usom_query_get(0, 4));
	}
	settled = usom_query_get_or_null(0, 5, &isnull);
	chain->settled_now = isnull ? chain->settled_to : Max(chain->settled_to, DatumGetInt64(settled));
	chain->scanned_to = chain->settled_to;
}

/* ---- entries that are in no block ---- */

static int
compare_ids(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return (left > right) - (left < right);
}

static void
add_ids(Sealed *sealed, ArrayType *array)
{
	Datum	   *elements;
	int			count;

	deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, NULL, &count);
	sealed->ids = repalloc(sealed->ids, (Size) (sealed->count + count + 1) * sizeof(int64));
	for (int i = 0; i < count; i++)
		sealed->ids[sealed->count++] = DatumGetInt64(elements[i]);
	pfree(elements);
}

/* Keys beyond settled_to that are in blocks already. */
static Sealed
read_sealed(const Chain *chain)
{
	static UsomQuery query = {
		.text = "SELECT entry_ids FROM usom.audit_block WHERE org_id = $1 AND node = $2 AND last_id > $3",
		.nargs = 3,
		.argtypes = {"pg_catalog.int8", "pg_catalog.int2", "pg_catalog.int8"},
	};
	Datum		values[] = {Int64GetDatum(chain->org_id), Int16GetDatum(chain->node), Int64GetDatum(chain->settled_to)};
	Sealed		sealed = {.ids = palloc(sizeof(int64))};
	uint64		nblocks = usom_query_run(&query, values, NULL);

	for (uint64 i = 0; i < nblocks; i++)
		add_ids(&sealed, DatumGetArrayTypeP(usom_query_get(i, 1)));
	qsort(sealed.ids, sealed.count, sizeof(int64), compare_ids);
	return sealed;
}

/* Ids are asked for in ascending order. */
static bool
is_sealed(Sealed *sealed, int64 id)
{
	while (sealed->next < sealed->count && sealed->ids[sealed->next] < id)
		sealed->next++;
	return sealed->next < sealed->count && sealed->ids[sealed->next] == id;
}

/* Entry of the row, if it is of the partition of the others; else the block is full. */
static bool
add_leaf(Leaves *leaves, uint64 row)
{
	Oid			partition = DatumGetObjectId(usom_query_get(row, 3));

	if (leaves->count > 0 && leaves->partition != partition)
		return false;
	leaves->partition = partition;
	leaves->ids[leaves->count] = usom_query_get(row, 1);
	leaves->digests[leaves->count++] = datumCopy(usom_query_get(row, 2), false, -1);
	return true;
}

/* Look at the next visible entries; returns how many there were. */
static uint64
scan(Chain *chain, Sealed *sealed, Leaves *leaves)
{
	static UsomQuery query = {
		.text = "SELECT audit_entry_id, digest, tableoid FROM usom.audit_entry"
		" WHERE org_id = $1 AND audit_entry_id > $2 AND audit_entry_id <= $3 ORDER BY audit_entry_id LIMIT $4",
		.nargs = 4,
		.argtypes = {"pg_catalog.int8", "pg_catalog.int8", "pg_catalog.int8", "pg_catalog.int8"},
	};
	Datum		values[] = {Int64GetDatum(chain->org_id), Int64GetDatum(chain->scanned_to),
	Int64GetDatum(usom_ident_of_node(chain->node + 1, 0)), Int64GetDatum(BLOCK_LIMIT - leaves->count)};
	uint64		nrows = usom_query_run(&query, values, NULL);

	for (uint64 i = 0; i < nrows && !leaves->full; i++)
	{
		int64		id = DatumGetInt64(usom_query_get(i, 1));

		leaves->full = !is_sealed(sealed, id) && !add_leaf(leaves, i);
		if (!leaves->full)
			chain->scanned_to = id;
	}
	SPI_freetuptable(SPI_tuptable);
	return nrows;
}

/* Fill a block; what was looked at for the block before is not looked at again. */
static void
find_leaves(Chain *chain, Sealed *sealed, Leaves *leaves)
{
	leaves->count = 0;
	leaves->full = false;
	do
	{
		CHECK_FOR_INTERRUPTS();
		leaves->more = scan(chain, sealed, leaves) > 0;
	} while (leaves->more && !leaves->full && leaves->count < BLOCK_LIMIT);
}

/* ---- blocks ---- */

/* The root and the digests are made where the rows are written; the new digest goes out at commit. */
static void
write_block(Chain *chain, Leaves *leaves)
{
	static UsomQuery query = {
		.text = "INSERT INTO usom.audit_block (org_id, node, block_no, sealed_at, entry_ids, last_id, entries_total, previous,"
		" system_id, sequence_at, next_xid, settled_to, root, digest)"
		" SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, r.root, usom._block_digest(r.root, r.header)"
		" FROM (SELECT usom._merkle_root($13) AS root,"
		" usom._block_header($1, $2, $3, $4, $5, $7, $8, $9, $10, $11, $12) AS header) AS r"
		" ON CONFLICT DO NOTHING RETURNING digest, pg_catalog.pg_notify('usom_audit', pg_catalog.jsonb_build_object('org_id', org_id, 'node', node,"
		" 'blocks', block_no, 'entries', entries_total, 'head', pg_catalog.encode(digest, 'hex'), 'sealed_at', sealed_at)::pg_catalog.text)",
		.nargs = 13,
		.argtypes = {"pg_catalog.int8", "pg_catalog.int2", "pg_catalog.int4", "pg_catalog.timestamptz", "pg_catalog.int8[]",
		"pg_catalog.int8", "pg_catalog.int8", "pg_catalog.bytea", "pg_catalog.int8", "pg_catalog.int8", "pg_catalog.int8",
		"pg_catalog.int8", "pg_catalog.bytea[]"},
	};
	int64		settled = leaves->more ? Min(chain->settled_now, chain->scanned_to) : chain->settled_now;
	bool		nulls[13] = {false};
	Datum		values[13];

	nulls[7] = chain->block_no == 0;
	values[0] = Int64GetDatum(chain->org_id);
	values[1] = Int16GetDatum(chain->node);
	values[2] = Int32GetDatum(chain->block_no + 1);
	values[3] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[4] = PointerGetDatum(construct_array(leaves->ids, leaves->count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[5] = leaves->ids[leaves->count - 1];
	values[6] = Int64GetDatum(chain->entries_total + leaves->count);
	values[7] = chain->digest;
	values[8] = Int64GetDatum((int64) GetSystemIdentifier());
	values[9] = Int64GetDatum(chain->sequence_at);
	values[10] = Int64GetDatum(chain->next_xid);
	values[11] = Int64GetDatum(Max(settled, chain->settled_to));
	values[12] = PointerGetDatum(construct_array(leaves->digests, leaves->count, BYTEAOID, -1, false, TYPALIGN_INT));
	if (usom_query_write(&query, values, nulls) == 0)
		ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("another session sealed the audit meanwhile"),
				errhint("Repeat the transaction."));
	chain->block_no++;
	chain->digest = usom_query_get(0, 1);
	chain->entries_total += leaves->count;
}

static void
put_block(ReturnSetInfo *result, int32 block_no, int entries)
{
	Datum		values[] = {Int32GetDatum(block_no), Int32GetDatum(entries)};
	bool		nulls[] = {false, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
seal(int64 org_id, ReturnSetInfo *result)
{
	Chain		chain = {.org_id = org_id, .node = usom_setting_node};
	Leaves	   *leaves = palloc(sizeof(Leaves));
	Sealed		sealed;

	read_clock(&chain);
	read_last_block(&chain);
	sealed = read_sealed(&chain);
	for (;;)
	{
		find_leaves(&chain, &sealed, leaves);
		if (leaves->count == 0)
			break;
		write_block(&chain, leaves);
		put_block(result, chain.block_no, leaves->count);
	}
}

/* Prepared, it would hold the lock until somebody remembers it. */
static void
at_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_PRE_PREPARE && has_sealed)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot prepare a transaction that has sealed the audit"),
				errdetail("It would keep others from sealing until it ends."),
				errhint("Seal in a transaction of its own: CALL usom.tick();"));
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		has_sealed = false;
}

void
usom_audit_seal_init(void)
{
	RegisterXactCallback(at_transaction, NULL);
}

/*
 * usom._seal(org_id bigint) RETURNS TABLE (block_no integer, entries integer):
 * seals all that has committed; no rows if there is nothing, or if another
 * session seals the same organisation just now.
 */
Datum
usom__seal(PG_FUNCTION_ARGS)
{
	int64		org_id = PG_GETARG_INT64(0);

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	usom_call_begin("seal_audit", NULL);
	if (try_lock(org_id))
	{
		has_sealed = true;
		seal(org_id, (ReturnSetInfo *) fcinfo->resultinfo);
	}
	usom_call_end();
	return (Datum) 0;
}
