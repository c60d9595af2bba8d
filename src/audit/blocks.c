/*
 * blocks.c
 *		Verification of blocks: what they list is there, as it was sealed, and
 *		nothing is there that should be listed and is not.
 *
 *		Entries come by key, and each is looked for in the blocks whose range
 *		of keys it is in: mostly one, a few where transactions committed late.
 *		When the last entry of a block has come, the root over its entries is
 *		made and compared.
 *
 * Memory: of each block its first key and its number are held (24 bytes), and
 * the digests of those that are open (32 bytes an entry), in the context of
 * open.  Nothing here locks.
 *
 * Invariant: open blocks are those that begin at or before the key reached and
 * have keys at or behind it; next is the first of their keys that has not come.
 */
#include "postgres.h"

#include "audit/blocks.h"
#include "audit/merkle.h"
#include "audit/stream.h"

#include "base/compat.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(usom__verify_blocks);

#define NODE_SHIFT 53

/* Where a block stands and begins. */
typedef struct Place
{
	int64		first_id;
	int16		node;
	int32		block_no;
} Place;

typedef struct OpenBlock
{
	Place		place;
	int			count;
	int64	   *ids;
	UsomDigest *leaves;
	UsomDigest	root;			/* as the block says */
	int			next;
	bool		whole;			/* all entries so far have come, from the first */
} OpenBlock;

struct UsomBlocks
{
	MemoryContext context;
	int64		org_id;
	int64		above;			/* entries up to this key are not looked at, nor blocks that end there */
	int64	   *settled;		/* by node: entries up to this key must be in a block */
	int			nsettled;
	Place	   *places;			/* by first key */
	int			nplaces;
	int			place;			/* the first that is not open yet */
	List	   *open;
	int64		entries;
	int64		unsealed;
	UsomBlockFinding entry;		/* with the least key */
	UsomBlockFinding tree;		/* of the block that was seen first */
};

typedef struct UsomBlocks Check;

/* In words that outlive the row. */
static UsomBlockFinding
make_finding(const Check *check, const char *kind, const char *detail)
{
	return (UsomBlockFinding) {.kind = kind, .detail = MemoryContextStrdup(check->context, detail)};
}

static void
note_entry(Check *check, int64 id, const char *kind, const char *detail)
{
	if (check->entry.kind != NULL && check->entry.audit_entry_id <= id)
		return;
	check->entry = make_finding(check, kind, detail);
	check->entry.has_entry = true;
	check->entry.audit_entry_id = id;
}

/* ---- blocks ---- */

/*
 * Those whose entries are here: the blocks of an archive are wholly its own.
 * In a copy by logical replication they may be here still.
 */
static void
read_places(Check *check)
{
	static UsomQuery query = {
		.text = "SELECT b.entry_ids[1], b.node, b.block_no FROM usom.audit_block AS b"
		" WHERE b.org_id = $1 AND b.last_id > $2 AND pg_catalog.cardinality(b.entry_ids) > 0"
		" AND NOT EXISTS (SELECT FROM usom.audit_archive AS a WHERE a.org_id = b.org_id AND b.last_id >= a.first_key AND b.last_id < a.end_key"
		" AND NOT EXISTS (SELECT FROM usom.audit_entry AS e WHERE e.org_id = b.org_id AND e.audit_entry_id = b.entry_ids[1]))"
		" ORDER BY 1, 2, 3",
		.nargs = 2,
		.argtypes = {"pg_catalog.int8", "pg_catalog.int8"},
	};
	Datum		values[] = {Int64GetDatum(check->org_id), Int64GetDatum(check->above)};

	check->nplaces = (int) usom_query_look(&query, values, NULL);
	check->places = palloc_array(Place, check->nplaces + 1);
	for (int i = 0; i < check->nplaces; i++)
		check->places[i] = (Place) {
			.first_id = DatumGetInt64(usom_query_get(i, 1)),
			.node = DatumGetInt16(usom_query_get(i, 2)),
			.block_no = DatumGetInt32(usom_query_get(i, 3)),
		};
	SPI_freetuptable(SPI_tuptable);
}

/* Into CurrentMemoryContext, from the one row that SPI has. */
static OpenBlock *
read_block(const Place *place)
{
	OpenBlock  *block = palloc0(sizeof(OpenBlock));
	bytea	   *root = DatumGetByteaPP(usom_query_get(0, 2));
	Datum	   *ids;

	block->place = *place;
	deconstruct_array(DatumGetArrayTypeP(usom_query_get(0, 1)), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &ids, NULL, &block->count);
	block->ids = palloc_array(int64, block->count);
	for (int i = 0; i < block->count; i++)
		block->ids[i] = DatumGetInt64(ids[i]);
	pfree(ids);
	if (VARSIZE_ANY_EXHDR(root) == USOM_DIGEST_SIZE)
		block->root = usom_sha256_from_bytea(root);
	block->leaves = palloc_array(UsomDigest, block->count);
	return block;
}

static void
add_block(Check *check, const Place *place)
{
	OpenBlock  *block = read_block(place);

	while (block->next < block->count && block->ids[block->next] <= check->above)
		block->next++;
	block->whole = block->next == 0;
	check->open = lappend(check->open, block);
}

/* In the midst of a statement, so by a connection of its own. */
static void
open_block(Check *check, const Place *place)
{
	static UsomQuery query = {
		.text = "SELECT b.entry_ids, b.root FROM usom.audit_block AS b WHERE b.org_id = $1 AND b.node = $2 AND b.block_no = $3",
		.nargs = 3,
		.argtypes = {"pg_catalog.int8", "pg_catalog.int2", "pg_catalog.int4"},
	};
	Datum		values[] = {Int64GetDatum(check->org_id), Int16GetDatum(place->node), Int32GetDatum(place->block_no)};
	MemoryContext outer;

	SPI_connect();
	if (usom_query_look(&query, values, NULL) == 1)
	{
		outer = MemoryContextSwitchTo(check->context);
		add_block(check, place);
		MemoryContextSwitchTo(outer);
	}
	SPI_finish();
}

static void
check_tree(Check *check, const OpenBlock *block)
{
	UsomDigest	root = usom_merkle_root(block->leaves, block->count);

	if (memcmp(root.bytes, block->root.bytes, USOM_DIGEST_SIZE) == 0 || check->tree.kind != NULL)
		return;
	check->tree = make_finding(check, "entry_rewritten",
							   psprintf("block %d of node %d: its entries (%d, from " INT64_FORMAT " to " INT64_FORMAT
										") are not those that were sealed: at least one was written anew, with a digest that fits it",
										block->place.block_no, block->place.node, block->count, block->ids[0], block->ids[block->count - 1]));
}

static void
free_block(OpenBlock *block)
{
	pfree(block->ids);
	pfree(block->leaves);
	pfree(block);
}

/* Keys below the one reached have not come. */
static void
miss_below(Check *check, OpenBlock *block, int64 reached)
{
	while (block->next < block->count && block->ids[block->next] < reached)
	{
		note_entry(check, block->ids[block->next], "entry_missing",
				   psprintf("block %d of node %d has sealed it, and it is gone", block->place.block_no, block->place.node));
		block->whole = false;
		block->next++;
	}
}

/* Is the entry the next one of the block?  Closes the block behind its last entry. */
static bool
take_leaf(OpenBlock *block, int64 id, const bytea *digest)
{
	if (block->next == block->count || block->ids[block->next] != id)
		return false;
	memset(block->leaves[block->next].bytes, 0, USOM_DIGEST_SIZE);
	if (digest != NULL && VARSIZE_ANY_EXHDR(digest) == USOM_DIGEST_SIZE)
		memcpy(block->leaves[block->next].bytes, VARDATA_ANY(digest), USOM_DIGEST_SIZE);
	block->next++;
	return true;
}

/* Blocks begin at the key reached, or end before it. */
static void
open_and_close(Check *check, int64 reached)
{
	ListCell   *cell;

	while (check->place < check->nplaces && check->places[check->place].first_id <= reached)
		open_block(check, &check->places[check->place++]);
	foreach(cell, check->open)
	{
		OpenBlock  *block = lfirst(cell);

		miss_below(check, block, reached);
		if (block->next < block->count)
			continue;
		if (block->whole)
			check_tree(check, block);
		free_block(block);
		check->open = foreach_delete_current(check->open, cell);
	}
}

/* ---- entries ---- */

static bool
must_be_sealed(const Check *check, int64 id)
{
	int64		node = id >> NODE_SHIFT;

	return node >= 0 && node < check->nsettled && id <= check->settled[node];
}

static void
check_entry(Check *check, int64 id, const bytea *digest)
{
	ListCell   *cell;
	int			blocks = 0;

	open_and_close(check, id);
	foreach(cell, check->open)
		blocks += take_leaf(lfirst(cell), id, digest);
	check->entries++;
	if (blocks > 1)
		note_entry(check, id, "entry_sealed_twice", "it is in two blocks");
	if (blocks > 0)
		return;
	check->unsealed++;
	if (must_be_sealed(check, id))
		note_entry(check, id, "entry_inserted",
				   "it is in no block, and all entries of its time were sealed long ago");
}

static void
read_settled(Check *check, ArrayType *array)
{
	Datum	   *elements;
	bool	   *nulls;

	deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, &nulls, &check->nsettled);
	check->settled = palloc_array(int64, check->nsettled + 1);
	for (int i = 0; i < check->nsettled; i++)
		check->settled[i] = nulls[i] ? PG_INT64_MIN : DatumGetInt64(elements[i]);
}

/* ---- from C ---- */

UsomBlocks *
usom_blocks_open(int64 org_id, ArrayType *settled, int64 above)
{
	UsomBlocks *blocks = palloc0(sizeof(UsomBlocks));

	blocks->context = CurrentMemoryContext;
	blocks->org_id = org_id;
	blocks->above = above;
	read_settled(blocks, settled);
	read_places(blocks);
	return blocks;
}

void
usom_blocks_take(UsomBlocks *blocks, int64 audit_entry_id, const bytea *digest)
{
	check_entry(blocks, audit_entry_id, digest);
}

UsomBlockFinding
usom_blocks_close(UsomBlocks *blocks)
{
	open_and_close(blocks, PG_INT64_MAX);
	return blocks->entry.kind != NULL ? blocks->entry : blocks->tree;
}

/* ---- from SQL ---- */

static void
take_row(void *argument, TupleDesc tupdesc, Datum *values, bool *nulls)
{
	usom_blocks_take(argument, DatumGetInt64(values[0]), nulls[1] ? NULL : DatumGetByteaPP(values[1]));
}

static Datum
answer(FunctionCallInfo fcinfo, UsomBlocks *blocks)
{
	UsomBlockFinding found = usom_blocks_close(blocks);
	bool		nulls[5] = {false};
	Datum		values[5];
	TupleDesc	tupdesc;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "usom._verify_blocks must return a row");
	values[0] = Int64GetDatum(blocks->entries);
	values[1] = Int64GetDatum(blocks->unsealed);
	values[2] = Int64GetDatum(found.audit_entry_id);
	nulls[2] = !found.has_entry;
	nulls[3] = nulls[4] = found.kind == NULL;
	if (found.kind != NULL)
	{
		values[3] = CStringGetTextDatum(found.kind);
		values[4] = CStringGetTextDatum(found.detail);
	}
	return SPI_datumTransfer(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)), false, -1);
}

/*
 * usom._verify_blocks(org_id bigint, settled bigint[], above bigint, OUT entries bigint, OUT unsealed bigint,
 * OUT audit_entry_id bigint, OUT kind text, OUT detail text): settled is by node from 0; above is the key
 * behind which to begin.
 */
Datum
usom__verify_blocks(PG_FUNCTION_ARGS)
{
	UsomBlocks *blocks;
	Datum		result;

	SPI_connect();
	blocks = usom_blocks_open(PG_GETARG_INT64(0), PG_GETARG_ARRAYTYPE_P(1), PG_GETARG_INT64(2));
	usom_audit_stream("SELECT e.audit_entry_id, e.digest FROM usom.audit_entry AS e"
					  " WHERE e.org_id = $1 AND e.audit_entry_id > $2 ORDER BY e.audit_entry_id", blocks->org_id, blocks->above, take_row, blocks);
	result = answer(fcinfo, blocks);
	SPI_finish();
	return result;
}
