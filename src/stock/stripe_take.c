/*
 * stripe_take.c
 *		Lock stock to serve wishes for: one stripe of what is in stripes, the
 *		rows of all else.
 *
 * Which products may be served from a stripe.  The plan is the one that would
 * be made of the whole stock: a wish goes to the first location that can serve
 * it whole.  A stripe that has enough for all wishes for the product does that
 * where no other row comes before it: it is the first, by priority and key, of
 * the active locations that have anything of the product; or, where rules
 * choose, the only one.  Others are looked at without a lock; one that is
 * filled meanwhile counts from the next order on, as with any row that had
 * nothing when it was looked at.
 *
 * Locks.  A stripe is found by a look and locked as the version that was seen,
 * without waiting: a version that is no longer the last, or that somebody else
 * has, is passed over, and nothing is left locked.  (A locking SELECT would
 * follow the row to its last version, and keep it locked where that has too
 * little; two such could wait for each other.)  If all that have enough are
 * taken, we wait until one of them is given back, having no lock of the
 * product, and look again.  If none has enough, the row of stock is locked and
 * its stripes are gathered.
 *
 * Products are gone through in ascending order: rows of those that are not in
 * stripes are locked, a run of products in one statement, before the stripe of
 * the next one.  So whoever has a stripe waits for rows of higher products
 * alone, and whoever waits for a stripe has rows of its product and lower
 * ones: no circle.
 *
 * Exactness.  At READ COMMITTED the version that is locked is the last, and
 * stays it.  At REPEATABLE READ a stripe that has changed since the snapshot is
 * none; the row of stock, or its stripes, then give 40001.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "stock/stripe.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/query.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "stock/site.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* So often a stripe that others have is waited for. */
#define MOST_ROUNDS 100

/* Which other rows stand in the way, if they have anything. */
typedef enum Reach
{
	REACH_NONE,					/* the wish names the place */
	REACH_BEFORE,				/* those of places that come first */
	REACH_ALL
} Reach;

/* A stripe as it was seen. */
typedef struct Seen
{
	int			stripe;
	UsomQuantity free;
	ItemPointerData tid;
} Seen;

/* A product of the wishes. */
typedef struct Want
{
	int64		product_id;
	UsomQuantity quantity;		/* of all wishes for it */
	int64		location_id;	/* the one that they name, or 0 */
	bool		anywhere;		/* some of them name none */
	bool		torn;			/* they name several */
	bool		striped;		/* the stripes of site may serve it */
	UsomSite	site;			/* a copy: the memo may be read anew meanwhile */
	int			stripes;
	Reach		reach;
	bool		seen;
	Seen		own;			/* the stripe of this backend */
} Want;

typedef struct Taking
{
	int64		org_id;
	TimestampTz at;
	bool		exhausted_too;
	Want	   *wants;			/* by product */
	int			nwants;
	UsomStockNeed *run;			/* products whose rows are to be locked next */
	int			nrun;
	UsomStockRow *rows;
	int			nrows;
	int			capacity;
} Taking;

/* ---- what is wanted ---- */

static int
compare_wants(const void *a, const void *b)
{
	const Want *left = a;
	const Want *right = b;

	return (left->product_id > right->product_id) - (left->product_id < right->product_id);
}

static void
add_want(Want *sum, const Want *want)
{
	if (sum->location_id != 0 && want->location_id != 0 && sum->location_id != want->location_id)
		sum->torn = true;
	if (sum->location_id == 0 || want->location_id == 0)
		sum->anywhere = true;
	sum->location_id = Max(sum->location_id, want->location_id);
	sum->quantity = usom_quantity_add(sum->quantity, want->quantity);
}

/* By product, each once. */
static void
sum_up(Taking *taking, const UsomStockWish *wishes, int nwishes)
{
	Want	   *wants = palloc0_array(Want, Max(nwishes, 1));
	int			count = 0;

	for (int i = 0; i < nwishes; i++)
		wants[i] = (Want) {
			.product_id = wishes[i].product_id, .quantity = wishes[i].quantity, .location_id = wishes[i].location_id};
	qsort(wants, nwishes, sizeof(Want), compare_wants);
	for (int i = 0; i < nwishes; i++)
	{
		if (count > 0 && wants[count - 1].product_id == wants[i].product_id)
			add_want(&wants[count - 1], &wants[i]);
		else
			wants[count++] = wants[i];
	}
	taking->wants = wants;
	taking->nwants = count;
}

/* The place whose stripes may serve a product: the one that is named, or the first. */
static void
choose_place(Want *want, const UsomSites *sites, bool ruled)
{
	const UsomStriped *first = usom_stock_find_striped(sites, want->product_id);
	const UsomStriped *end = sites->striped + sites->nstriped;

	if (want->torn)
		return;
	for (const UsomStriped *place = first; place != NULL && place < end && place->product_id == want->product_id; place++)
	{
		const UsomSite *site = usom_stock_find_site(sites, place->location_id);

		if (site == NULL || !site->active || (want->location_id != 0 && want->location_id != place->location_id))
			continue;
		want->striped = !site->protects;
		want->site = *site;
		want->stripes = place->stripes;
		want->reach = ruled ? REACH_ALL : want->location_id != 0 && !want->anywhere ? REACH_NONE : REACH_BEFORE;
		return;
	}
}

/* ---- look ---- */

/* Stripes that have enough, unless another row stands in the way. */
static UsomQuery look_at_stripes = {
	.text = "SELECT k.product_id, t.stripe, t.free, t.ctid FROM unnest($2) AS k "
	"CROSS JOIN LATERAL (SELECT t.stripe, t.free, t.ctid FROM usom.stock_stripe AS t "
	"WHERE t.org_id = $1 AND t.product_id = k.product_id AND t.location_id = k.location_id "
	"AND t.stripe BETWEEN k.first AND k.last AND t.free >= k.wanted) AS t "
	"WHERE k.reach = 0 OR NOT EXISTS (SELECT 1 FROM usom.stock AS s "
	"JOIN usom.location AS l ON l.org_id = $1 AND l.location_id = s.location_id AND l.active "
	"WHERE s.org_id = $1 AND s.product_id = k.product_id AND (s.location_id <> k.location_id OR s.lot <> '') "
	"AND (k.reach = 2 OR s.location_id = k.location_id OR l.priority < k.priority "
	"OR (l.priority = k.priority AND l.location_id < k.location_id)) "
	"AND ((s.stripes > 0 AND s.lent > 0) "
	"OR usom._free(s.on_hand, s.reserved, s.safety, s.held, s.held_until, s.usable_until, $3) > 0))",
	.nargs = 3,
	.argtypes = {"bigint", "usom._stripe_wish[]", "timestamptz"},
};

static int
own_stripe(const Want *want)
{
	return 1 + USOM_BACKEND_NUMBER % want->stripes;
}

static void
put_wish(UsomRows *rows, const Want *want, int first, int last)
{
	Datum		values[] = {
		Int64GetDatum(want->product_id),
		Int64GetDatum(want->site.location_id),
		Int32GetDatum(want->site.priority),
		Int16GetDatum(first),
		Int16GetDatum(last),
		NumericGetDatum(usom_quantity_numeric(want->quantity)),
		Int16GetDatum(want->reach),
	};
	bool		nulls[lengthof(values)] = {false};

	usom_rows_add(rows, values, nulls);
}

static uint64
look(const Taking *taking, UsomRows *wishes)
{
	Datum		values[] = {Int64GetDatum(taking->org_id), usom_rows_datum(wishes), TimestampTzGetDatum(taking->at)};

	return usom_query_run(&look_at_stripes, values, NULL);
}

static Seen
read_seen(uint64 row)
{
	Seen		seen = {.stripe = DatumGetInt16(usom_query_get(row, 2)), .free = usom_quantity_of_datum(usom_query_get(row, 3))};

	ItemPointerCopy((ItemPointer) DatumGetPointer(usom_query_get(row, 4)), &seen.tid);
	return seen;
}

/* This backend's own stripes, of all products in one statement. */
static void
look_at_own(Taking *taking)
{
	UsomRows   *wishes = usom_rows_make("_stripe_wish", taking->nwants);
	uint64		found;

	for (int i = 0; i < taking->nwants; i++)
		if (taking->wants[i].striped)
			put_wish(wishes, &taking->wants[i], own_stripe(&taking->wants[i]), own_stripe(&taking->wants[i]));
	found = look(taking, wishes);
	for (uint64 row = 0; row < found; row++)
	{
		Want		key = {.product_id = DatumGetInt64(usom_query_get(row, 1))};
		Want	   *want = bsearch(&key, taking->wants, taking->nwants, sizeof(Want), compare_wants);

		want->seen = true;
		want->own = read_seen(row);
	}
}

static Seen *
look_at_all(const Taking *taking, const Want *want, int *count)
{
	UsomRows   *wishes = usom_rows_make("_stripe_wish", 1);
	Seen	   *seen;

	put_wish(wishes, want, 1, USOM_MOST_STRIPES);
	*count = (int) look(taking, wishes);
	seen = palloc_array(Seen, Max(*count, 1));
	for (int i = 0; i < *count; i++)
		seen[i] = read_seen(i);
	return seen;
}

/* ---- lock ---- */

/* The version that was seen, if it is still the last and (unless we wait) nobody has it. */
static TM_Result
lock_seen(Relation relation, Seen *seen, LockWaitPolicy policy)
{
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TM_FailureData failure;
	TM_Result	result = table_tuple_lock(relation, &seen->tid, GetActiveSnapshot(), slot, GetCurrentCommandId(false),
										  LockTupleNoKeyExclusive, policy, 0, &failure);

	ExecDropSingleTupleTableSlot(slot);
	return result;
}

/* One of them that nobody has, from the own one on; the one to wait for, if all are taken. */
static Seen *
lock_any(Relation relation, Seen *seen, int count, int own, Seen **taken)
{
	int			start = 0;

	*taken = NULL;
	while (start < count && seen[start].stripe < own)
		start++;
	for (int i = 0; i < count; i++)
	{
		Seen	   *one = &seen[(start + i) % count];
		TM_Result	result = lock_seen(relation, one, LockWaitSkip);

		if (result == TM_Ok)
			return one;
		if (result == TM_WouldBlock && *taken == NULL)
			*taken = one;
	}
	return NULL;
}

static int
compare_stripes(const void *a, const void *b)
{
	return ((const Seen *) a)->stripe - ((const Seen *) b)->stripe;
}

/* NULL: none has enough. */
static const Seen *
take_any(const Taking *taking, Relation relation, const Want *want)
{
	int			rounds = IsolationUsesXactSnapshot() ? 1 : MOST_ROUNDS;

	for (int i = 0; i < rounds; i++)
	{
		int			count;
		Seen	   *seen = look_at_all(taking, want, &count);
		Seen	   *taken;
		const Seen *locked;

		CHECK_FOR_INTERRUPTS();
		if (count == 0)
			return NULL;
		qsort(seen, count, sizeof(Seen), compare_stripes);
		locked = lock_any(relation, seen, count, own_stripe(want), &taken);
		if (locked != NULL)
			return locked;
		if (taken != NULL && lock_seen(relation, taken, LockWaitBlock) == TM_Ok)
			return taken;
	}
	return NULL;
}

static const Seen *
take(const Taking *taking, Relation relation, Want *want)
{
	if (want->seen && lock_seen(relation, &want->own, LockWaitSkip) == TM_Ok)
		return &want->own;
	return take_any(taking, relation, want);
}

/* ---- in the order of products ---- */

static void
add_rows(Taking *taking, const UsomStockRow *rows, int nrows)
{
	if (taking->nrows + nrows > taking->capacity)
	{
		taking->capacity = (taking->nrows + nrows) * 2;
		taking->rows = repalloc_array(taking->rows, UsomStockRow, taking->capacity);
	}
	memcpy(taking->rows + taking->nrows, rows, nrows * sizeof(UsomStockRow));
	taking->nrows += nrows;
}

static void
lock_run(Taking *taking)
{
	UsomStockRow *rows;
	int			nrows;

	if (taking->nrun == 0)
		return;
	rows = usom_stock_lock_needs(taking->org_id, taking->run, taking->nrun, taking->at, taking->exhausted_too, &nrows);
	for (int i = 0; i < nrows; i++)
		rows[i].available = Max(rows[i].available, 0);
	add_rows(taking, rows, nrows);
	taking->nrun = 0;
}

static void
lock_want(Taking *taking, Relation relation, Want *want)
{
	if (unlikely(want->striped))
	{
		const Seen *taken;

		lock_run(taking);
		taken = take(taking, relation, want);
		if (taken != NULL)
		{
			UsomStockRow row = {
				.key = {want->product_id, want->site.location_id, "", taken->stripe},
				.priority = want->site.priority,
				.available = taken->free,
				.usable_until = PG_INT64_MAX,
			};

			add_rows(taking, &row, 1);
			return;
		}
	}
	taking->run[taking->nrun++] = (UsomStockNeed) {want->product_id, want->quantity};
}

/* NULL where stripes are no rows of a table of this server. */
static Relation
open_stripes(void)
{
	Relation	relation = table_open(get_relname_relid("stock_stripe", get_namespace_oid("usom", false)), RowShareLock);

	if (relation->rd_rel->relkind == RELKIND_RELATION)
		return relation;
	table_close(relation, NoLock);
	return NULL;
}

UsomStockRow *
usom_stock_lock_to_serve(int64 org_id, const UsomStockWish *wishes, int nwishes, TimestampTz at,
						 bool exhausted_too, bool ruled, int *nrows)
{
	const UsomSites *sites = usom_stock_sites(org_id);
	Taking		taking = {.org_id = org_id, .at = at, .exhausted_too = exhausted_too, .capacity = 16};
	bool		any = false;
	Relation	relation = NULL;

	sum_up(&taking, wishes, nwishes);
	taking.run = palloc_array(UsomStockNeed, Max(taking.nwants, 1));
	taking.rows = palloc_array(UsomStockRow, taking.capacity);
	for (int i = 0; i < taking.nwants && unlikely(sites->nstriped > 0); i++)
	{
		choose_place(&taking.wants[i], sites, ruled);
		any |= taking.wants[i].striped;
	}
	if (unlikely(any) && (relation = open_stripes()) != NULL)
		look_at_own(&taking);
	for (int i = 0; i < taking.nwants; i++)
	{
		if (relation == NULL)
			taking.wants[i].striped = false;
		lock_want(&taking, relation, &taking.wants[i]);
	}
	lock_run(&taking);
	if (relation != NULL)
		table_close(relation, NoLock);
	*nrows = taking.nrows;
	return taking.rows;
}
