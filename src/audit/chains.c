/*
 * chains.c
 *		The chains of all orders at once: see chains.h.
 *
 *		An entry has a keyed hash of its number and digest, and another of the
 *		number before it and the digest that it holds of that.  Of each order
 *		the first ones less the second ones are added up.  If it is one chain
 *		from first to last, all but the hash of its last entry cancels out, and
 *		if that is left, it is one chain: each number below the last is named
 *		as often as it is there, so all are there once, down to the first.
 *		Which order the entries come in does not matter, so they are read as
 *		they lie.  Who does not know the key cannot make other entries with
 *		the same sum.
 *
 *		This says whether, not where: walk.c does.
 *
 * Memory: a table of states in the context of make.  When it is full its
 * states go to a temporary file; in the end those of one order are brought
 * together, in passes over the file, each for as many orders as the table can
 * hold.  The file is closed by whole(), or by the end of the transaction.
 * Nothing here locks.
 *
 * Invariant: the states of an order, in the table and in the file, add up to
 * the state over its entries so far.
 */
#include "postgres.h"

#include "base/compat.h"

#include "audit/chains.h"

#include "miscadmin.h"
#include "storage/buffile.h"

#define LEAST_SLOTS 64

typedef struct Chain
{
	int64		sales_order_id;
	uint64		rest;			/* modulo 2^64 */
	uint64		last;			/* hash of the entry with the greatest number */
	int32		greatest;
	int32		count;			/* of entries; 0: the slot is free */
} Chain;

struct UsomChains
{
	UsomSipKey	key;
	int			most;			/* orders in the table */
	Chain	   *slots;
	int			nslots;			/* a power of two */
	int			used;
	bool		broken;			/* an entry is wrong by itself */
	BufFile    *file;			/* NULL: all fit so far */
	int64		filed;
	MemoryContext context;
};

/* ---- the table ---- */

static inline uint64
scatter(int64 sales_order_id)
{
	uint64		hash = (uint64) sales_order_id * UINT64CONST(0x9E3779B97F4A7C15);

	return hash ^ (hash >> 32);
}

/* The slot of an order, or the free one that is to be its own. */
static Chain *
find(const UsomChains *chains, int64 sales_order_id)
{
	int			place = (int) (scatter(sales_order_id) & (uint64) (chains->nslots - 1));

	while (chains->slots[place].count != 0 && chains->slots[place].sales_order_id != sales_order_id)
		place = (place + 1) & (chains->nslots - 1);
	return &chains->slots[place];
}

static Chain *
make_slots(const UsomChains *chains, int nslots)
{
	return MemoryContextAllocExtended(chains->context, nslots * sizeof(Chain), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* At most three in four slots are used. */
static bool
is_full(const UsomChains *chains)
{
	return chains->used >= chains->nslots / 4 * 3;
}

static void
grow(UsomChains *chains)
{
	Chain	   *slots = chains->slots;
	int			nslots = chains->nslots;

	chains->slots = make_slots(chains, 2 * nslots);
	chains->nslots = 2 * nslots;
	for (int i = 0; i < nslots; i++)
		if (slots[i].count != 0)
			*find(chains, slots[i].sales_order_id) = slots[i];
	pfree(slots);
}

static void
combine(UsomChains *chains, const Chain *more)
{
	Chain	   *chain = find(chains, more->sales_order_id);

	if (chain->count == 0)
	{
		*chain = *more;
		chains->used++;
		return;
	}
	chain->rest += more->rest;
	chain->count += more->count;
	if (more->greatest > chain->greatest)
	{
		chain->greatest = more->greatest;
		chain->last = more->last;
	}
}

static void
clear(UsomChains *chains)
{
	memset(chains->slots, 0, chains->nslots * sizeof(Chain));
	chains->used = 0;
}

/* ---- the file ---- */

static void
file_all(UsomChains *chains)
{
	MemoryContext outer = MemoryContextSwitchTo(chains->context);

	if (chains->file == NULL)
		chains->file = BufFileCreateTemp(false);
	MemoryContextSwitchTo(outer);
	for (int i = 0; i < chains->nslots; i++)
		if (chains->slots[i].count != 0)
			BufFileWrite(chains->file, &chains->slots[i], sizeof(Chain));
	chains->filed += chains->used;
	clear(chains);
}

/* States of the orders whose turn it is come into the table. */
static void
read_pass(UsomChains *chains, int pass, int passes)
{
	Chain		chain;

	clear(chains);
	if (BufFileSeek(chains->file, 0, 0, SEEK_SET) != 0)
		elog(ERROR, "could not rewind a temporary file");
	for (int64 i = 0; i < chains->filed; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (BufFileRead(chains->file, &chain, sizeof(Chain)) != sizeof(Chain))
			elog(ERROR, "could not read a temporary file");
		if ((int) ((scatter(chain.sales_order_id) >> 40) % passes) != pass)
			continue;
		if (chains->used + 1 >= chains->nslots)
			grow(chains);
		combine(chains, &chain);
	}
}

/* ---- entries ---- */

UsomChains *
usom_chains_make(UsomSipKey key, int orders)
{
	UsomChains *chains = palloc0(sizeof(UsomChains));

	chains->key = key;
	chains->most = orders;
	chains->context = CurrentMemoryContext;
	chains->nslots = LEAST_SLOTS;
	chains->slots = make_slots(chains, LEAST_SLOTS);
	return chains;
}

/* Of a digest that has not its length, which is that of no digest: bytes cannot wander from one to the next. */
static uint64
hash_link(const UsomChains *chains, int32 entry_no, const bytea *digest)
{
	struct
	{
		int32		entry_no;
		int32		size;
		uint8		bytes[USOM_DIGEST_SIZE];
	}			link = {.entry_no = entry_no, .size = (int32) VARSIZE_ANY_EXHDR(digest)};

	memcpy(link.bytes, VARDATA_ANY(digest), Min(link.size, USOM_DIGEST_SIZE));
	return usom_siphash(chains->key, &link, sizeof(link));
}

void
usom_chains_add(UsomChains *chains, int64 sales_order_id, int32 entry_no, const bytea *previous, const bytea *digest)
{
	Chain		chain = {.sales_order_id = sales_order_id, .greatest = entry_no, .count = 1};

	if (entry_no < 1 || (entry_no == 1) != (previous == NULL))
	{
		chains->broken = true;
		return;
	}
	chain.rest = chain.last = hash_link(chains, entry_no, digest);
	if (previous != NULL)
		chain.rest -= hash_link(chains, entry_no - 1, previous);
	combine(chains, &chain);
	if (likely(!is_full(chains)))
		return;
	if (chains->used >= chains->most)
		file_all(chains);
	else
		grow(chains);
}

/* ---- the answer ---- */

static bool
is_whole(const UsomChains *chains, const Chain *chain, UsomChainBegins begins, void *argument)
{
	uint64		rest = chain->rest - chain->last;
	int32		before = chain->greatest - chain->count;
	union
	{
		bytea		head;
		char		bytes[VARHDRSZ + USOM_DIGEST_SIZE];
	}			digest;

	if (before == 0)
		return rest == 0;
	if (before < 0 || !begins(argument, chain->sales_order_id, before, (UsomDigest *) VARDATA(&digest.head)))
		return false;
	SET_VARSIZE(&digest.head, sizeof(digest.bytes));
	return rest + hash_link(chains, before, &digest.head) == 0;
}

static bool
are_whole(const UsomChains *chains, UsomChainBegins begins, void *argument)
{
	for (int i = 0; i < chains->nslots; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (chains->slots[i].count != 0 && !is_whole(chains, &chains->slots[i], begins, argument))
			return false;
	}
	return true;
}

bool
usom_chains_whole(UsomChains *chains, UsomChainBegins begins, void *argument)
{
	bool		whole = !chains->broken;
	int			passes;

	if (chains->file == NULL)
		return whole && are_whole(chains, begins, argument);
	file_all(chains);
	passes = (int) (chains->filed / (chains->nslots / 2) + 1);
	for (int pass = 0; whole && pass < passes; pass++)
	{
		read_pass(chains, pass, passes);
		whole = are_whole(chains, begins, argument);
	}
	BufFileClose(chains->file);
	chains->file = NULL;
	return whole;
}
