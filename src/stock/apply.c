/*
 * apply.c
 *		Write the balance and the ledger, a set at a time.
 *
 * Locks: usom_stock_apply() wants its rows locked and takes none;
 * usom_stock_add() takes them itself in lock order, by the ORDER BY of the
 * SELECT that feeds its INSERT.
 *
 * What is taken from a stripe is written there alone: one statement more.
 *
 * Invariant: balance and ledger are two statements of one call, so whoever
 * adds to on_hand books the same units.  A balance below zero, or below what
 * is reserved, is refused by the table's own constraints.
 *
 * Memory: rows for the statements in CurrentMemoryContext.
 */
#include "postgres.h"

#include "stock/stock.h"

#include "base/errors.h"
#include "base/insert.h"
#include "stock/lot.h"
#include "stock/place.h"
#include "stock/row.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define KEY_COLUMNS 3
#define DELTA_COLUMNS 5
#define MOVEMENT_COLUMNS 8

static void
put_key(Datum *values, const UsomStockKey *key)
{
	values[0] = Int64GetDatum(key->product_id);
	values[1] = Int64GetDatum(key->location_id);
	values[2] = CStringGetTextDatum(key->lot);
}

void
usom_stock_key_values(int64 org_id, const UsomStockKey *key, Datum *values)
{
	values[STOCK_ORG] = Int64GetDatum(org_id);
	put_key(&values[STOCK_PRODUCT], key);
}

Datum
usom_stock_key_rows(const UsomStockKey *keys, int nkeys)
{
	UsomRows   *rows = usom_rows_make("_stock_key", nkeys);

	for (int i = 0; i < nkeys; i++)
	{
		Datum		values[KEY_COLUMNS];
		bool		nulls[KEY_COLUMNS] = {false};

		put_key(values, &keys[i]);
		usom_rows_add(rows, values, nulls);
	}
	return usom_rows_datum(rows);
}

static UsomStockDelta *
copy_sorted(const UsomStockDelta *deltas, int ndeltas)
{
	UsomStockDelta *sorted = palloc_array(UsomStockDelta, Max(ndeltas, 1));

	for (int i = 0; i < ndeltas; i++)
		sorted[i] = deltas[i];
	qsort(sorted, ndeltas, sizeof(UsomStockDelta), usom_stock_key_compare);
	return sorted;
}

UsomStockDelta *
usom_stock_merge(const UsomStockDelta *deltas, int ndeltas, int *nmerged)
{
	UsomStockDelta *merged = copy_sorted(deltas, ndeltas);
	int			count = 0;

	for (int i = 0; i < ndeltas;)
	{
		UsomStockDelta sum = merged[i++];

		for (; i < ndeltas && usom_stock_key_compare(&merged[i], &sum) == 0; i++)
		{
			sum.on_hand = usom_quantity_add(sum.on_hand, merged[i].on_hand);
			sum.reserved = usom_quantity_add(sum.reserved, merged[i].reserved);
		}
		if (sum.on_hand != 0 || sum.reserved != 0)
			merged[count++] = sum;
	}
	*nmerged = count;
	return merged;
}

static Datum
delta_rows(const UsomStockDelta *deltas, int ndeltas)
{
	UsomRows   *rows = usom_rows_make("_stock_delta", ndeltas);

	for (int i = 0; i < ndeltas; i++)
	{
		Datum		values[DELTA_COLUMNS];
		bool		nulls[DELTA_COLUMNS] = {false};

		put_key(values, &deltas[i].key);
		values[3] = NumericGetDatum(usom_quantity_numeric(deltas[i].on_hand));
		values[4] = NumericGetDatum(usom_quantity_numeric(deltas[i].reserved));
		usom_rows_add(rows, values, nulls);
	}
	return usom_rows_datum(rows);
}

static UsomQuery apply_deltas = {
	.text = "UPDATE usom.stock AS s SET on_hand = s.on_hand + d.on_hand, reserved = s.reserved + d.reserved "
	"FROM unnest($2) AS d "
	"WHERE s.org_id = $1 AND s.product_id = d.product_id AND s.location_id = d.location_id AND s.lot = d.lot",
	.nargs = 2,
	.argtypes = {"bigint", "usom._stock_delta[]"},
};

/* A balance out of bounds: said as the domain of the column says it. */
static Datum
refuse_balance(UsomQuantity value)
{
	Oid			type = usom_query_type("quantity");
	Oid			input;
	Oid			argument;

	getTypeInputInfo(type, &input, &argument);
	return OidInputFunctionCall(input, usom_quantity_text(value), argument, -1);
}

/* What is not changed stays as it is stored. */
static Datum
add_to_balance(Datum balance, UsomQuantity delta)
{
	UsomQuantity sum;

	if (delta == 0)
		return balance;
	sum = usom_quantity_add(usom_quantity_of_datum(balance), delta);
	if (unlikely(sum < 0 || sum >= USOM_QUANTITY_LIMIT))
		return refuse_balance(sum);
	return NumericGetDatum(usom_quantity_stored(sum));
}

static void
add_delta(void *argument, int i, Datum *values, bool *nulls)
{
	const UsomStockDelta *delta = &((const UsomStockDelta *) argument)[i];

	values[STOCK_ON_HAND] = add_to_balance(values[STOCK_ON_HAND], delta->on_hand);
	values[STOCK_RESERVED] = add_to_balance(values[STOCK_RESERVED], delta->reserved);
}

/* The same past the executor; false: it must be the statement. */
static bool
apply_directly(int64 org_id, UsomStockDelta *deltas, int ndeltas, uint64 *changed)
{
	Datum	   *keys = palloc_array(Datum, ndeltas * STOCK_KEYS);
	UsomRowChanges changes = {
		.update = &usom_stock_rows, .text = apply_deltas.text, .keys = keys, .count = ndeltas,
		.change = add_delta, .argument = deltas,
	};

	for (int i = 0; i < ndeltas; i++)
		usom_stock_key_values(org_id, &deltas[i].key, &keys[i * STOCK_KEYS]);
	if (!usom_update_run(&changes))
		return false;
	*changed = changes.changed;
	return true;
}

static uint64
apply_by_statement(int64 org_id, const UsomStockDelta *deltas, int ndeltas)
{
	Datum		values[2] = {Int64GetDatum(org_id), delta_rows(deltas, ndeltas)};

	return usom_query_write(&apply_deltas, values, NULL);
}

/* What stripes give is reserved in stock already. */
static UsomQuery take_from_stripes = {
	.text = "UPDATE usom.stock_stripe AS t SET free = t.free - d.free, takes = t.takes + 1 FROM unnest($2) AS d "
	"WHERE t.org_id = $1 AND t.product_id = d.product_id AND t.location_id = d.location_id AND t.stripe = d.stripe",
	.nargs = 2,
	.argtypes = {"bigint", "usom._stripe_free[]"},
};

enum
{
	STRIPE_ORG, STRIPE_PRODUCT, STRIPE_LOCATION, STRIPE_NUMBER, STRIPE_FREE, STRIPE_TAKES, STRIPE_COLUMNS
};

static UsomUpdate stripe_rows = {
	.table = "stock_stripe",
	.index = "stock_stripe_pkey",
	.nkeys = STRIPE_FREE,
	.ncolumns = STRIPE_COLUMNS,
	.columns = {
		[STRIPE_ORG] = {"org_id", "bigint"},
		[STRIPE_PRODUCT] = {"product_id", "bigint"},
		[STRIPE_LOCATION] = {"location_id", "bigint"},
		[STRIPE_NUMBER] = {"stripe", "smallint"},
		[STRIPE_FREE] = {"free", "numeric"},
		[STRIPE_TAKES] = {"takes", "bigint"},
	},
};

static void
take_one(void *argument, int i, Datum *values, bool *nulls)
{
	const UsomStockDelta *delta = &((const UsomStockDelta *) argument)[i];

	values[STRIPE_FREE] = add_to_balance(values[STRIPE_FREE], -delta->reserved);
	values[STRIPE_TAKES] = Int64GetDatum(DatumGetInt64(values[STRIPE_TAKES]) + 1);
}

static bool
take_directly(int64 org_id, UsomStockDelta *deltas, int ndeltas, uint64 *changed)
{
	Datum	   *keys = palloc_array(Datum, ndeltas * STRIPE_FREE);
	UsomRowChanges changes = {
		.update = &stripe_rows, .text = take_from_stripes.text, .keys = keys, .count = ndeltas,
		.change = take_one, .argument = deltas,
	};

	for (int i = 0; i < ndeltas; i++)
	{
		Datum	   *key = &keys[i * STRIPE_FREE];

		key[STRIPE_ORG] = Int64GetDatum(org_id);
		key[STRIPE_PRODUCT] = Int64GetDatum(deltas[i].key.product_id);
		key[STRIPE_LOCATION] = Int64GetDatum(deltas[i].key.location_id);
		key[STRIPE_NUMBER] = Int16GetDatum(deltas[i].key.stripe);
	}
	if (!usom_update_run(&changes))
		return false;
	*changed = changes.changed;
	return true;
}

static uint64
take_by_statement(int64 org_id, const UsomStockDelta *deltas, int ndeltas)
{
	UsomRows   *rows = usom_rows_make("_stripe_free", ndeltas);
	Datum		values[2] = {Int64GetDatum(org_id)};

	for (int i = 0; i < ndeltas; i++)
	{
		bool		nulls[4] = {false};
		Datum		take[] = {
			Int64GetDatum(deltas[i].key.product_id),
			Int64GetDatum(deltas[i].key.location_id),
			Int16GetDatum(deltas[i].key.stripe),
			NumericGetDatum(usom_quantity_numeric(deltas[i].reserved)),
		};

		usom_rows_add(rows, take, nulls);
	}
	values[1] = usom_rows_datum(rows);
	return usom_query_write(&take_from_stripes, values, NULL);
}

static void
take_free(int64 org_id, UsomStockDelta *deltas, int ndeltas)
{
	uint64		changed;

	for (int i = 0; i < ndeltas; i++)
		Ensure(deltas[i].on_hand == 0, "a stripe has nothing on hand");
	if (unlikely(!take_directly(org_id, deltas, ndeltas, &changed)))
		changed = take_by_statement(org_id, deltas, ndeltas);
	Ensure(changed == (uint64) ndeltas, "usom changed " UINT64_FORMAT " of %d stripes", changed, ndeltas);
}

/* Those of stripes go to the end; returns how many others there are. */
static int
part_stripes(UsomStockDelta *deltas, int ndeltas)
{
	UsomStockDelta *stripes = palloc_array(UsomStockDelta, Max(ndeltas, 1));
	int			nrows = 0;
	int			nstripes = 0;

	for (int i = 0; i < ndeltas; i++)
		if (likely(deltas[i].key.stripe == 0))
			deltas[nrows++] = deltas[i];
		else
			stripes[nstripes++] = deltas[i];
	memcpy(deltas + nrows, stripes, nstripes * sizeof(UsomStockDelta));
	return nrows;
}

void
usom_stock_apply(int64 org_id, const UsomStockDelta *deltas, int ndeltas)
{
	int			nall;
	UsomStockDelta *merged = usom_stock_merge(deltas, ndeltas, &nall);
	int			nmerged = part_stripes(merged, nall);
	uint64		changed;

	if (unlikely(nall > nmerged))
		take_free(org_id, merged + nmerged, nall - nmerged);
	if (nmerged == 0)
		return;
	if (unlikely(!apply_directly(org_id, merged, nmerged, &changed)))
		changed = apply_by_statement(org_id, merged, nmerged);
	Ensure(changed == (uint64) nmerged, "usom changed " UINT64_FORMAT " of %d stock rows", changed, nmerged);
}

static UsomQuery add_deltas = {
	.text = "INSERT INTO usom.stock AS s (org_id, product_id, location_id, lot, on_hand, usable_until) "
	"SELECT $1, d.product_id, d.location_id, d.lot, d.on_hand, "
	"CASE WHEN d.lot <> '' THEN (SELECT " USOM_LOT_USABLE_UNTIL " FROM usom.lot AS l "
	"WHERE l.org_id = $1 AND l.product_id = d.product_id AND l.lot = d.lot) END FROM unnest($2) AS d "
	"ORDER BY d.product_id, d.location_id, d.lot "
	"ON CONFLICT (org_id, product_id, location_id, lot) DO UPDATE SET on_hand = s.on_hand + excluded.on_hand",
	.nargs = 2,
	.argtypes = {"bigint", "usom._stock_delta[]"},
};

/* Rows may be new, and those of a lot are as usable as it is. */
static void
open_lots(int64 org_id, const UsomStockDelta *deltas, int ndeltas)
{
	UsomStockKey *keys = palloc_array(UsomStockKey, ndeltas);
	int			count = 0;

	for (int i = 0; i < ndeltas; i++)
		if (deltas[i].key.lot[0] != '\0')
			keys[count++] = deltas[i].key;
	usom_stock_open_lots(org_id, keys, count);
}

void
usom_stock_add(int64 org_id, const UsomStockDelta *deltas, int ndeltas)
{
	int			nmerged;
	UsomStockDelta *merged = usom_stock_merge(deltas, ndeltas, &nmerged);
	Datum		values[2];

	if (nmerged == 0)
		return;
	open_lots(org_id, merged, nmerged);
	values[0] = Int64GetDatum(org_id);
	values[1] = delta_rows(merged, nmerged);
	usom_query_write(&add_deltas, values, NULL);
}

static UsomInsert book_movements = {
	.table = "stock_movement",
	.row_type = "_movement_row",
	.ncolumns = MOVEMENT_COLUMNS,
	.query = {
		.text = "INSERT INTO usom.stock_movement (org_id, product_id, location_id, lot, kind, delta, reference, reason, "
		"sales_order_id) SELECT $1, m.* FROM unnest($2) AS m",
		.nargs = 2,
		.argtypes = {"bigint", "usom._movement_row[]"},
	},
};

static void
add_movement(UsomRows *rows, const UsomStockMovement *movement)
{
	Datum		values[MOVEMENT_COLUMNS];
	bool		nulls[MOVEMENT_COLUMNS] = {false};

	put_key(values, &movement->key);
	values[3] = CStringGetTextDatum(movement->kind);
	values[4] = NumericGetDatum(usom_quantity_stored(movement->delta));
	values[5] = movement->reference ? CStringGetTextDatum(movement->reference) : (Datum) 0;
	values[6] = movement->reason ? CStringGetTextDatum(movement->reason) : (Datum) 0;
	values[7] = Int64GetDatum(movement->sales_order_id);
	nulls[5] = movement->reference == NULL;
	nulls[6] = movement->reason == NULL;
	nulls[7] = movement->sales_order_id == 0;
	usom_rows_add(rows, values, nulls);
}

void
usom_stock_book(int64 org_id, const UsomStockMovement *movements, int nmovements)
{
	UsomRows   *rows;

	if (nmovements == 0)
		return;
	rows = usom_insert_rows(&book_movements, nmovements);
	for (int i = 0; i < nmovements; i++)
		add_movement(rows, &movements[i]);
	usom_insert_run(&book_movements, org_id, rows);
}
