/*
 * lock.c
 *		Lock stock rows, in the one order.
 *
 * Locks: rows of usom.stock by (product, location, lot).  Past the executor
 * (lock_rows.c) it is the order of sorted keys, and under each of the primary
 * key's index.  Of statements the order is in the
 * shape: sorted keys on the outside, a LATERAL
 * subquery that locks on the inside.  A lateral reference can only be joined
 * by a nested loop with the keys outside, and a subquery with a locking
 * clause is never pulled up, so no plan takes the rows in another order.  The
 * lock is FOR NO KEY UPDATE: what an UPDATE of the balance takes itself.
 *
 * Exactness at READ COMMITTED.  A locking SELECT that waited re-evaluates its
 * conditions and its result for the new version of the row it waited for,
 * but still with the snapshot from before the wait for every other table; what
 * locks past the executor does the same.  So
 * both look at nothing but the stock row itself.  (Which
 * locations are active is remembered, and asked for after the wait.)  In particular they do not
 * add up usom.reservation: they would miss a soft hold that was committed
 * during the wait, and the units would be sold twice.  That is why held and
 * held_until are kept exact in the row:
 *
 *		held = sum of the quantities of all its reservation rows,
 *		held_until = the earliest expiry among them, null if there is none,
 *
 * changed only under the row's lock, together with the reservation rows.
 * While held_until is to come, held is right as it stands.  Once it has
 * passed, some of held counts no more; which, is asked in a statement of its
 * own after the lock was taken, whose snapshot sees all that was committed
 * before (usom_stock_expire).  It removes what has run out, so the row is
 * exact again and the next one need not ask.  No job sweeps.
 *
 * At REPEATABLE READ the same holds for a simpler reason: whoever changes
 * reservation rows updates the stock row as well, so a row that could be
 * locked has not changed since the snapshot, nor have its reservations;
 * otherwise 40001.
 *
 * Stripes (stripe.h) are locked behind the row that lends to them, before the
 * next row, by a subquery that follows it in the same statement.  The row is
 * read as it is under its lock, so it says how many stripes there are; a
 * snapshot from before the wait may not show all of them.  Then, if the row
 * alone has not enough, they are locked by one statement more, behind the rows
 * of all products: the one lock out of order.  It takes a change of the number
 * of stripes while orders of several products wait for the row, and too little
 * left in it; two may then wait for each other, and one gets 40P01.
 *
 * Unless asked for, rows with nothing available are passed over unlocked.  One that is filled
 * up meanwhile is not seen; that is as if the fill came later.
 *
 * Memory: results in CurrentMemoryContext.
 */
#include "postgres.h"

#include "stock/stock.h"

#include "base/errors.h"
#include "base/query.h"
#include "stock/place.h"
#include "stock/row.h"
#include "stock/site.h"
#include "stock/stripe.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

int
usom_stock_key_compare(const void *a, const void *b)
{
	const UsomStockKey *left = a;
	const UsomStockKey *right = b;

	if (left->product_id != right->product_id)
		return left->product_id < right->product_id ? -1 : 1;
	if (left->location_id != right->location_id)
		return left->location_id < right->location_id ? -1 : 1;
	if (strcmp(left->lot, right->lot) != 0)
		return strcmp(left->lot, right->lot);
	return left->stripe - right->stripe;
}

UsomStockKey
usom_stock_read_key(uint64 row, int column)
{
	UsomStockKey key;

	key.product_id = DatumGetInt64(usom_query_get(row, column));
	key.location_id = DatumGetInt64(usom_query_get(row, column + 1));
	key.lot = usom_query_get_text(row, column + 2);
	key.stripe = 0;
	return key;
}

static int
compare_needs(const void *a, const void *b)
{
	const UsomStockNeed *left = a;
	const UsomStockNeed *right = b;

	return (left->product_id > right->product_id) - (left->product_id < right->product_id);
}

/* Sorted and made unique: the rows are locked in the order of this array. */
static UsomStockNeed *
need_all(const int64 *products, int nproducts, int *nneeds)
{
	UsomStockNeed *needs = palloc_array(UsomStockNeed, Max(nproducts, 1));
	int			count = 0;

	for (int i = 0; i < nproducts; i++)
		needs[i] = (UsomStockNeed) {products[i], USOM_ALL_THERE_IS};
	qsort(needs, nproducts, sizeof(UsomStockNeed), compare_needs);
	for (int i = 0; i < nproducts; i++)
		if (i == 0 || needs[i].product_id != needs[i - 1].product_id)
			needs[count++] = needs[i];
	*nneeds = count;
	return needs;
}

/* Take what is held off the locked rows; a hold below zero was given up. */
static void
take_off(UsomStockRow *rows, int nrows, const UsomStockHold *holds, int nholds)
{
	for (int i = 0; i < nholds; i++)
	{
		UsomStockRow *row = bsearch(&holds[i].key, rows, nrows, sizeof(UsomStockRow), usom_stock_key_compare);

		Ensure(row != NULL, "soft holds changed on a stock row that is not locked");
		row->available -= holds[i].held;
	}
}

/* Rows on which soft holds have run out were read as if nothing were held: count what still is. */
static void
settle_holds(int64 org_id, const UsomStockKey *keys, int nkeys, TimestampTz at, UsomStockRow *rows, int nrows)
{
	int			nholds;
	UsomStockHold *holds = usom_stock_expire(org_id, keys, nkeys, at, &nholds);

	take_off(rows, nrows, holds, nholds);
}

/* What planning sees of it; of a location that is not active, nothing is available, whatever is given back. */
static UsomStockRow
get_row(const UsomStockLocked *locked, const UsomSites *sites)
{
	UsomStockRow result = {.key = locked->key, .usable_until = locked->usable_until, .stripes = locked->stripes};
	const UsomSite *site = usom_stock_find_site(sites, result.key.location_id);
	bool		active = site != NULL && site->active;

	result.priority = site != NULL ? site->priority : 0;
	result.available = active ? locked->free : -USOM_QUANTITY_LIMIT;
	return result;
}

/* Rows that were locked, and what is still to be done about them. */
typedef struct Locking
{
	const UsomStockNeed *needs;
	int			nneeds;
	bool		striped;		/* by the statement that locks stripes, too */
	const UsomStockLocked *locked;	/* a row with stripes once for each of them */
	int			nlocked;
	UsomStockRow *rows;
	int			nrows;
	UsomStockKey *run_out;
	int			nrun_out;
	UsomStockRow **behind;		/* whose stripes are not all locked */
	int			nbehind;
} Locking;

/* What the row has without its stripes is enough for all that is wanted. */
static bool
is_enough(const Locking *locking, const UsomStockLocked *locked)
{
	UsomStockNeed key = {.product_id = locked->key.product_id};
	const UsomStockNeed *need = bsearch(&key, locking->needs, locking->nneeds, sizeof(UsomStockNeed), compare_needs);

	return locked->free >= need->wanted && !locked->run_out;
}

/* What the stripes of the row have that begins here; returns for how many of them it stands. */
static int
add_stripes(const Locking *locking, int first, UsomQuantity *gathered, int *count)
{
	const UsomStockLocked *row = &locking->locked[first];
	int			n = 0;

	*gathered = 0;
	*count = 0;
	if (!locking->striped)
		return 1;
	for (; first + n < locking->nlocked && usom_stock_key_compare(&row[n].key, &row->key) == 0; n++)
	{
		*count += row[n].has_stripe;
		*gathered = usom_quantity_add(*gathered, row[n].stripe_free);
	}
	return n;
}

/*
 * Gather the row that begins here, if it has lent and that is wanted; returns
 * as add_stripes().  Of stripes that its statement did not see the row is
 * behind: somebody has made them while we waited for it.
 */
static int
take_stripes(Locking *locking, int first)
{
	UsomStockRow *row = &locking->rows[locking->nrows - 1];
	UsomQuantity gathered;
	int			count;
	int			n;

	if (likely(row->stripes == 0 || !locking->locked[first].lent))
		return 1;
	n = add_stripes(locking, first, &gathered, &count);
	if (is_enough(locking, &locking->locked[first]))
		row->stripes = 0;
	else if (count == row->stripes)
		usom_stripe_take_up(row, gathered);
	else
		locking->behind[locking->nbehind++] = row;
	return n;
}

static void
read_locked(Locking *locking, const UsomSites *sites, bool exhausted_too)
{
	locking->rows = palloc_array(UsomStockRow, Max(locking->nlocked, 1));
	locking->run_out = palloc_array(UsomStockKey, Max(locking->nlocked, 1));
	locking->behind = palloc_array(UsomStockRow *, Max(locking->nlocked, 1));
	for (int i = 0; i < locking->nlocked;)
	{
		UsomStockRow row = get_row(&locking->locked[i], sites);

		if (row.available == -USOM_QUANTITY_LIMIT && !exhausted_too && row.stripes == 0)
		{
			i++;
			continue;
		}
		if (locking->locked[i].run_out)
			locking->run_out[locking->nrun_out++] = row.key;
		locking->rows[locking->nrows++] = row;
		i += take_stripes(locking, i);
	}
}

/* Any of the products has stripes, as far as is known. */
static bool
any_striped(const UsomSites *sites, const UsomStockNeed *needs, int nneeds)
{
	if (likely(sites->nstriped == 0))
		return false;
	for (int i = 0; i < nneeds; i++)
		if (usom_stock_find_striped(sites, needs[i].product_id) != NULL)
			return true;
	return false;
}

/*
 * available may be below zero: of a row with less than its safety stock, and,
 * by more than any hold, of a location that is not active.  Locations are
 * looked at before the lock: one that is made meanwhile counts from the next
 * call on.
 */
UsomStockRow *
usom_stock_lock_needs(int64 org_id, const UsomStockNeed *needs, int nneeds, TimestampTz at, bool exhausted_too, int *nrows)
{
	bool		striped = any_striped(usom_stock_sites(org_id), needs, nneeds);
	Locking		locking = {.needs = needs, .nneeds = nneeds, .striped = striped};

	locking.locked = usom_stock_lock_rows(org_id, needs, nneeds, at, exhausted_too, striped, &locking.nlocked);
	read_locked(&locking, usom_stock_sites(org_id), exhausted_too);
	if (unlikely(locking.nbehind > 0))
		usom_stripe_gather(org_id, locking.behind, locking.nbehind);
	if (locking.nrun_out > 0)
		settle_holds(org_id, locking.run_out, locking.nrun_out, at, locking.rows, locking.nrows);
	*nrows = locking.nrows;
	return locking.rows;
}

static UsomStockRow *
lock_all(int64 org_id, const int64 *products, int nproducts, TimestampTz at, bool exhausted_too, int *nrows)
{
	int			nneeds;
	UsomStockNeed *needs = need_all(products, nproducts, &nneeds);
	UsomStockRow *rows = usom_stock_lock_needs(org_id, needs, nneeds, at, exhausted_too, nrows);

	usom_stripe_empty(org_id, rows, *nrows);
	return rows;
}

static UsomStockRow *
not_below_zero(UsomStockRow *rows, int nrows)
{
	for (int i = 0; i < nrows; i++)
		rows[i].available = Max(rows[i].available, 0);
	return rows;
}

UsomStockRow *
usom_stock_lock_products(int64 org_id, const int64 *products, int nproducts, TimestampTz at,
						 bool exhausted_too, int *nrows)
{
	UsomStockRow *rows = lock_all(org_id, products, nproducts, at, exhausted_too, nrows);

	return not_below_zero(rows, *nrows);
}

UsomStockRow *
usom_stock_take_over(int64 org_id, const int64 *products, int nproducts, TimestampTz at,
					 const char *const *owners, int nowners, int *nrows)
{
	int			nall;
	int64	   *all = usom_stock_products_of_owners(org_id, owners, nowners, &nall);
	UsomStockRow *rows;
	UsomStockHold *holds;
	int			nholds;

	all = repalloc_array(all, int64, nall + nproducts + 1);
	memcpy(all + nall, products, nproducts * sizeof(int64));
	rows = lock_all(org_id, all, nall + nproducts, at, true, nrows);
	holds = usom_stock_give_up(org_id, owners, nowners, rows, *nrows, &nholds);
	take_off(rows, *nrows, holds, nholds);
	return not_below_zero(rows, *nrows);
}

/* The same without a lock, all rows; a row whose soft holds have run out is asked for what still holds. */
static UsomQuery look_at_products = {
	.text = "SELECT s.product_id, s.location_id, s.lot, l.priority, "
	"CASE WHEN l.active AND coalesce(s.usable_until > $3, true) THEN s.on_hand - s.reserved + " USOM_STRIPED_FREE " - s.safety "
	"- CASE WHEN s.held_until > $3 THEN s.held WHEN s.held_until IS NULL THEN 0 ELSE "
	"coalesce((SELECT sum(r.quantity) FROM usom.reservation AS r WHERE r.org_id = $1 AND r.product_id = s.product_id "
	"AND r.location_id = s.location_id AND r.lot = s.lot AND r.expires_at > $3), 0) END ELSE 0 END, s.usable_until "
	"FROM usom.stock AS s JOIN usom.location AS l ON l.org_id = $1 AND l.location_id = s.location_id "
	"WHERE s.org_id = $1 AND s.product_id = ANY ($2) ORDER BY s.product_id, s.location_id, s.lot",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "timestamptz"},
};

UsomStockRow *
usom_stock_look_at_products(int64 org_id, const int64 *products, int nproducts, TimestampTz at, int *nrows)
{
	Datum		values[] = {Int64GetDatum(org_id), usom_query_keys(products, nproducts), TimestampTzGetDatum(at)};
	UsomStockRow *rows;

	*nrows = (int) usom_query_look(&look_at_products, values, NULL);
	rows = palloc_array(UsomStockRow, Max(*nrows, 1));
	for (int i = 0; i < *nrows; i++)
	{
		UsomQuantity available = usom_quantity_of(DatumGetNumeric(usom_query_get(i, 5)));

		rows[i] = (UsomStockRow) {.key = usom_stock_read_key(i, 1)};
		rows[i].priority = DatumGetInt32(usom_query_get(i, 4));
		rows[i].available = Max(available, 0);
		rows[i].usable_until = usom_query_get_time(i, 6, PG_INT64_MAX);
	}
	return rows;
}

static UsomQuery lock_keys = {
	.text = "SELECT s.locked "
	"FROM (SELECT DISTINCT k.product_id, k.location_id, k.lot FROM unnest($2) AS k ORDER BY 1, 2, 3) AS k "
	"CROSS JOIN LATERAL (SELECT true AS locked FROM usom.stock AS s "
	"WHERE s.org_id = $1 AND s.product_id = k.product_id AND s.location_id = k.location_id AND s.lot = k.lot "
	"FOR NO KEY UPDATE) AS s",
	.nargs = 2,
	.argtypes = {"bigint", "usom._stock_key[]"},
};

/* With their stripes, each row's before the next row; it is repeated for each of them. */
static UsomQuery lock_whole_keys = {
	.text = "SELECT s.product_id, s.location_id, s.lot, s.stripes, s.lent "
	"FROM (SELECT DISTINCT k.product_id, k.location_id, k.lot FROM unnest($2) AS k ORDER BY 1, 2, 3) AS k "
	"CROSS JOIN LATERAL (SELECT s.product_id, s.location_id, s.lot, s.stripes, s.stripes > 0 AND s.lent > 0 AS lent FROM usom.stock AS s "
	"WHERE s.org_id = $1 AND s.product_id = k.product_id AND s.location_id = k.location_id AND s.lot = k.lot "
	"FOR NO KEY UPDATE) AS s "
	"LEFT JOIN LATERAL (SELECT true FROM usom.stock_stripe AS t WHERE s.lent AND t.org_id = $1 "
	"AND t.product_id = s.product_id AND t.location_id = s.location_id ORDER BY t.stripe FOR NO KEY UPDATE) AS t ON true",
	.nargs = 2,
	.argtypes = {"bigint", "usom._stock_key[]"},
};

void
usom_stock_lock_whole_keys(int64 org_id, const UsomStockKey *keys, int nkeys)
{
	Datum		values[] = {Int64GetDatum(org_id), usom_stock_key_rows(keys, nkeys)};
	uint64		found = usom_query_run(&lock_whole_keys, values, NULL);
	UsomStockRow *rows = palloc0_array(UsomStockRow, found + 1);
	UsomStockRow **behind = palloc_array(UsomStockRow *, found + 1);
	int			nrows = 0;

	for (uint64 i = 0; i < found; i++)
	{
		UsomStockRow row = {.key = usom_stock_read_key(i, 1), .stripes = DatumGetInt16(usom_query_get(i, 4))};

		if (likely(!DatumGetBool(usom_query_get(i, 5))) || (nrows > 0 && usom_stock_key_compare(&rows[nrows - 1], &row) == 0))
			continue;
		rows[nrows] = row;
		behind[nrows] = &rows[nrows];
		nrows++;
	}
	usom_stripe_gather(org_id, behind, nrows);
	usom_stripe_empty(org_id, rows, nrows);
}

/* The same past the executor: in order, each once. */
static bool
lock_keys_directly(int64 org_id, const UsomStockKey *keys, int nkeys)
{
	UsomStockKey *sorted = palloc_array(UsomStockKey, Max(nkeys, 1));
	Datum	   *values = palloc_array(Datum, Max(nkeys, 1) * STOCK_KEYS);
	UsomRowLocks locks = {.update = &usom_stock_rows, .text = lock_keys.text, .keys = values, .nkeys = STOCK_KEYS};

	for (int i = 0; i < nkeys; i++)
	{
		sorted[i] = keys[i];
		sorted[i].stripe = 0;
	}
	qsort(sorted, nkeys, sizeof(UsomStockKey), usom_stock_key_compare);
	for (int i = 0; i < nkeys; i++)
		if (i == 0 || usom_stock_key_compare(&sorted[i], &sorted[i - 1]) != 0)
			usom_stock_key_values(org_id, &sorted[i], &values[locks.count++ * STOCK_KEYS]);
	return usom_row_locks_take(&locks);
}

void
usom_stock_lock_keys(int64 org_id, const UsomStockKey *keys, int nkeys)
{
	Datum		values[] = {Int64GetDatum(org_id), (Datum) 0};

	if (likely(lock_keys_directly(org_id, keys, nkeys)))
		return;
	values[1] = usom_stock_key_rows(keys, nkeys);
	usom_query_run(&lock_keys, values, NULL);
}
