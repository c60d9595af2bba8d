/*
 * stripe_gather.c
 *		What stripes have goes back to the row of stock, and is dealt out again.
 *
 * Locks: usom_stripe_gather() locks the stripes of places by product, location
 * and number, behind the rows of stock that the caller has locked.  Where
 * several places are wanted the statement that locks the rows locks the
 * stripes, too, each place before the next (lock.c); this one is for a
 * single place, and for stripes that were made while the caller waited.
 *
 * Invariant: reserved of a row of stock = its pieces + free of its stripes;
 * both sides are written by one statement.  lent of the row is at least what
 * its stripes have, and 0 once they were emptied: then nobody looks at them.
 *
 * What is dealt out is decided in memory, by deal(), which is pure.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "stock/stripe.h"

#include "base/query.h"
#include "utils/builtins.h"

/* A stripe is worth the while if it serves so many wishes. */
#define WISHES_OF_A_STRIPE 4

/* ---- gather ---- */

static UsomQuery lock_stripes = {
	.text = "SELECT t.product_id, t.location_id, t.free "
	"FROM (SELECT DISTINCT k.product_id, k.location_id FROM unnest($2) AS k ORDER BY 1, 2) AS k "
	"CROSS JOIN LATERAL (SELECT t.product_id, t.location_id, t.free FROM usom.stock_stripe AS t "
	"WHERE t.org_id = $1 AND t.product_id = k.product_id AND t.location_id = k.location_id "
	"ORDER BY t.stripe FOR NO KEY UPDATE) AS t",
	.nargs = 2,
	.argtypes = {"bigint", "usom._stock_key[]"},
};

static bool
is_place(const UsomStockRow *row, int64 product_id, int64 location_id)
{
	return row->key.product_id == product_id && row->key.location_id == location_id;
}

void
usom_stripe_gather(int64 org_id, UsomStockRow **rows, int nrows)
{
	UsomStockKey *keys = palloc_array(UsomStockKey, Max(nrows, 1));
	UsomQuantity *gathered = palloc0_array(UsomQuantity, Max(nrows, 1));
	Datum		values[2] = {Int64GetDatum(org_id)};
	uint64		nstripes;
	int			at = 0;

	if (nrows == 0)
		return;
	for (int i = 0; i < nrows; i++)
		keys[i] = rows[i]->key;
	values[1] = usom_stock_key_rows(keys, nrows);
	nstripes = usom_query_run(&lock_stripes, values, NULL);
	for (uint64 i = 0; i < nstripes; i++)
	{
		while (!is_place(rows[at], DatumGetInt64(usom_query_get(i, 1)), DatumGetInt64(usom_query_get(i, 2))))
			at++;
		gathered[at] = usom_quantity_add(gathered[at], usom_quantity_of_datum(usom_query_get(i, 3)));
	}
	for (int i = 0; i < nrows; i++)
		usom_stripe_take_up(rows[i], gathered[i]);
}

/* ---- write ---- */

/* Both sides at once.  The rows are locked, so they are as they were read. */
static UsomQuery write_stripes = {
	.text = "WITH written AS (UPDATE usom.stock_stripe AS t SET free = d.free FROM unnest($2) AS d "
	"WHERE t.org_id = $1 AND t.product_id = d.product_id AND t.location_id = d.location_id AND t.stripe = d.stripe "
	"AND t.free <> d.free) "
	"UPDATE usom.stock AS s SET reserved = s.reserved + d.reserved, lent = d.lent FROM unnest($3) AS d "
	"WHERE s.org_id = $1 AND s.product_id = d.product_id AND s.location_id = d.location_id AND s.lot = ''",
	.nargs = 3,
	.argtypes = {"bigint", "usom._stripe_free[]", "usom._stripe_lent[]"},
};

/* How the units of a row are dealt out: so many to each of the first stripes. */
typedef struct Deal
{
	int			nstripes;		/* that get something */
	UsomQuantity each;
} Deal;

static void
put_row(UsomRows *frees, UsomRows *lents, const UsomStockRow *row, Deal deal)
{
	Datum		place[] = {Int64GetDatum(row->key.product_id), Int64GetDatum(row->key.location_id)};
	bool		nulls[4] = {false};
	UsomQuantity lent = deal.each * deal.nstripes;
	Datum		sums[] = {
		place[0], place[1],
		NumericGetDatum(usom_quantity_numeric(lent - row->gathered)),
		NumericGetDatum(usom_quantity_numeric(lent)),
	};

	usom_rows_add(lents, sums, nulls);
	for (int i = 1; i <= row->stripes; i++)
	{
		Datum		values[] = {
			place[0], place[1], Int16GetDatum(i),
			NumericGetDatum(usom_quantity_numeric(i <= deal.nstripes ? deal.each : 0)),
		};

		usom_rows_add(frees, values, nulls);
	}
}

static void
write_deals(int64 org_id, UsomStockRow *rows, int nrows, const Deal *deals)
{
	UsomRows   *frees = NULL;
	UsomRows   *lents = NULL;
	Datum		values[3] = {Int64GetDatum(org_id)};

	for (int i = 0; i < nrows; i++)
	{
		if (likely(rows[i].stripes == 0 || !(rows[i].lent || deals[i].nstripes > 0)))
			continue;
		if (frees == NULL)
		{
			frees = usom_rows_make("_stripe_free", rows[i].stripes);
			lents = usom_rows_make("_stripe_lent", nrows);
		}
		put_row(frees, lents, &rows[i], deals[i]);
		rows[i].available -= deals[i].each * deals[i].nstripes;
		rows[i].lent = false;
		rows[i].gathered = 0;
	}
	if (frees == NULL)
		return;
	values[1] = usom_rows_datum(frees);
	values[2] = usom_rows_datum(lents);
	usom_query_write(&write_stripes, values, NULL);
}

static bool
any_in_stripes(const UsomStockRow *rows, int nrows)
{
	for (int i = 0; i < nrows; i++)
		if (unlikely(rows[i].stripes > 0))
			return true;
	return false;
}

void
usom_stripe_empty(int64 org_id, UsomStockRow *rows, int nrows)
{
	if (any_in_stripes(rows, nrows))
		write_deals(org_id, rows, nrows, palloc0_array(Deal, nrows));
}

/* ---- deal ---- */

/*
 * Even parts for the stripes and one more, with the rest, for the row itself,
 * which serves those who lock it.  Parts are whole units, since units mostly
 * are, and serve some wishes; where there is too little for two of them the
 * row keeps it all.
 */
static Deal
deal_out(UsomQuantity units, int stripes, UsomQuantity wish)
{
	UsomQuantity least = Max(wish, USOM_UNIT) * WISHES_OF_A_STRIPE;
	int64		parts = Min(units / least, stripes + 1);
	Deal		deal = {0, 0};

	if (parts < 3)
		return deal;
	deal.nstripes = (int) parts - 1;
	deal.each = units / parts / USOM_UNIT * USOM_UNIT;
	return deal;
}

/* The largest wish for the product. */
static UsomQuantity
largest_wish(const UsomStockWish *wishes, int nwishes, int64 product_id)
{
	UsomQuantity largest = 0;

	for (int i = 0; i < nwishes; i++)
		if (wishes[i].product_id == product_id)
			largest = Max(largest, wishes[i].quantity);
	return Min(largest, USOM_QUANTITY_LIMIT / WISHES_OF_A_STRIPE);
}

void
usom_stripe_deal(int64 org_id, UsomStockRow *rows, int nrows, const UsomStockWish *wishes, int nwishes)
{
	Deal	   *deals;

	if (likely(!any_in_stripes(rows, nrows)))
		return;
	deals = palloc0_array(Deal, nrows);
	for (int i = 0; i < nrows; i++)
		if (rows[i].stripes > 0 && rows[i].available > 0)
			deals[i] = deal_out(rows[i].available, rows[i].stripes, largest_wish(wishes, nwishes, rows[i].key.product_id));
	write_deals(org_id, rows, nrows, deals);
}

/* ---- a place ---- */

void
usom_stripe_gather_lots(const UsomPlace *place, UsomLot *lots, int nlots)
{
	UsomStockRow *rows = palloc0_array(UsomStockRow, Max(nlots, 1));
	UsomStockRow **lent = palloc_array(UsomStockRow *, Max(nlots, 1));
	int			nlent = 0;

	for (int i = 0; i < nlots; i++)
		if (unlikely(lots[i].stripes > 0))
		{
			rows[i] = (UsomStockRow) {.key = lots[i].key, .stripes = lots[i].stripes};
			lent[nlent++] = &rows[i];
		}
	usom_stripe_gather(place->org_id, lent, nlent);
	for (int i = 0; i < nlots; i++)
	{
		lots[i].reserved -= rows[i].gathered;
		lots[i].stripes = 0;
	}
	usom_stripe_empty(place->org_id, rows, nlots);
}
