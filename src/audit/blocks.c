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
 * Memory: entries come in pages.  Of each block its first key and its number
 * are held (24 bytes), and the digests of those that are open (32 bytes an
 * entry).  All is in the SPI connection's context.  Nothing here locks.
 *
 * Invariant: open blocks are those that begin at or before the key reached and
 * have keys at or behind it; next is the first of their keys that has not come.
 */
#include "postgres.h"

#include "audit/merkle.h"

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

#define PAGE 8192				/* entries read at a time */
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

typedef struct Finding
{
	bool		has_entry;
	int64		audit_entry_id;
	char	   *kind;			/* NULL: none */
	char	   *detail;
} Finding;

typedef struct Check
{
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
	Finding		entry;			/* with the least key */
	Finding		tree;			/* of the block that was seen first */
} Check;

static void
note_entry(Check *check, int64 id, const char *kind, char *detail)
{
	if (check->entry.kind != NULL && check->entry.audit_entry_id <= id)
		return;
	check->entry = (Finding) {true, id, pstrdup(kind), detail};
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

static void
open_block(Check *check, const Place *place)
{
	static UsomQuery query = {
		.text = "SELECT b.entry_ids, b.root FROM usom.audit_block AS b WHERE b.org_id = $1 AND b.node = $2 AND b.block_no = $3",
		.nargs = 3,
		.argtypes = {"pg_catalog.int8", "pg_catalog.int2", "pg_catalog.int4"},
	};
	Datum		values[] = {Int64GetDatum(check->org_id), Int16GetDatum(place->node), Int32GetDatum(place->block_no)};
	OpenBlock  *block = palloc0(sizeof(OpenBlock));
	bytea	   *root;
	Datum	   *ids;

	if (usom_query_look(&query, values, NULL) != 1)
		return;
	block->place = *place;
	deconstruct_array(DatumGetArrayTypeP(usom_query_get(0, 1)), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &ids, NULL, &block->count);
	block->ids = palloc_array(int64, block->count);
	for (int i = 0; i < block->count; i++)
		block->ids[i] = DatumGetInt64(ids[i]);
	pfree(ids);
	root = DatumGetByteaPP(usom_query_get(0, 2));
	if (VARSIZE_ANY_EXHDR(root) == USOM_DIGEST_SIZE)
		block->root = usom_sha256_from_bytea(root);
	SPI_freetuptable(SPI_tuptable);
	block->leaves = palloc_array(UsomDigest, block->count);
	while (block->next < block->count && block->ids[block->next] <= check->above)
		block->next++;
	block->whole = block->next == 0;
	check->open = lappend(check->open, block);
}

static void
check_tree(Check *check, const OpenBlock *block)
{
	UsomDigest	root = usom_merkle_root(block->leaves, block->count);

	if (memcmp(root.bytes, block->root.bytes, USOM_DIGEST_SIZE) == 0 || check->tree.kind != NULL)
		return;
	check->tree = (Finding) {false, 0, pstrdup("entry_rewritten"),
		psprintf("block %d of node %d: its entries (%d, from " INT64_FORMAT " to " INT64_FORMAT
				 ") are not those that were sealed: at least one was written anew, with a digest that fits it",
				 block->place.block_no, block->place.node, block->count, block->ids[0], block->ids[block->count - 1])
	};
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
	if (VARSIZE_ANY_EXHDR(digest) == USOM_DIGEST_SIZE)
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
		note_entry(check, id, "entry_sealed_twice", pstrdup("it is in two blocks"));
	if (blocks > 0)
		return;
	check->unsealed++;
	if (must_be_sealed(check, id))
		note_entry(check, id, "entry_inserted",
				   pstrdup("it is in no block, and all entries of its time were sealed long ago"));
}

/* The entries behind a key, by key; returns how many there were. */
static uint64
check_page(Check *check, int64 *above)
{
	static UsomQuery query = {
		.text = "SELECT audit_entry_id, digest FROM usom.audit_entry WHERE org_id = $1 AND audit_entry_id > $2"
		" ORDER BY audit_entry_id LIMIT $3",
		.nargs = 3,
		.argtypes = {"pg_catalog.int8", "pg_catalog.int8", "pg_catalog.int8"},
	};
	Datum		values[] = {Int64GetDatum(check->org_id), Int64GetDatum(*above), Int64GetDatum(PAGE)};
	uint64		nrows = usom_query_look(&query, values, NULL);
	SPITupleTable *page = SPI_tuptable;
	bool		isnull;

	for (uint64 i = 0; i < nrows; i++)
	{
		*above = DatumGetInt64(SPI_getbinval(page->vals[i], page->tupdesc, 1, &isnull));
		check_entry(check, *above, DatumGetByteaPP(SPI_getbinval(page->vals[i], page->tupdesc, 2, &isnull)));
	}
	SPI_freetuptable(page);
	return nrows;
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

/* ---- the answer ---- */

static Datum
answer(FunctionCallInfo fcinfo, const Check *check)
{
	const Finding *found = check->entry.kind != NULL ? &check->entry : &check->tree;
	bool		nulls[5] = {false};
	Datum		values[5];
	TupleDesc	tupdesc;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "usom._verify_blocks must return a row");
	values[0] = Int64GetDatum(check->entries);
	values[1] = Int64GetDatum(check->unsealed);
	values[2] = Int64GetDatum(found->audit_entry_id);
	nulls[2] = !found->has_entry;
	nulls[3] = nulls[4] = found->kind == NULL;
	if (found->kind != NULL)
	{
		values[3] = CStringGetTextDatum(found->kind);
		values[4] = CStringGetTextDatum(found->detail);
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
	Check		check = {.org_id = PG_GETARG_INT64(0), .above = PG_GETARG_INT64(2)};
	int64		above = check.above;
	Datum		result;

	SPI_connect();
	read_settled(&check, PG_GETARG_ARRAYTYPE_P(1));
	read_places(&check);
	while (check_page(&check, &above) == PAGE)
		CHECK_FOR_INTERRUPTS();
	open_and_close(&check, PG_INT64_MAX);
	result = answer(fcinfo, &check);
	SPI_finish();
	return result;
}
