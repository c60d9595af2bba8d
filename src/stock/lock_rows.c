/*
 * lock_rows.c
 *		The rows of stock of some products, locked in the one order and read.
 *
 *		Past the executor where nothing is in stripes and the table is as
 *		install() made it (base/update.h); by a statement else.  Both look at a
 *		row by itself alone, and pass over the same rows: see lock.c.
 *
 * Locks: rows of usom.stock by (product, location, lot): the products are
 * sorted, and under each the index has them in that order.
 *
 * Memory: results in CurrentMemoryContext.
 */
#include "postgres.h"

#include "stock/row.h"

#include "base/errors.h"
#include "base/query.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

UsomUpdate	usom_stock_rows = {
	.table = "stock",
	.index = "stock_pkey",
	.nkeys = STOCK_KEYS,
	.ncolumns = STOCK_COLUMNS,
	.columns = {
		[STOCK_ORG] = {"org_id", "bigint"},
		[STOCK_PRODUCT] = {"product_id", "bigint"},
		[STOCK_LOCATION] = {"location_id", "bigint"},
		[STOCK_LOT] = {"lot", "text"},
		[STOCK_ON_HAND] = {"on_hand", "numeric"},
		[STOCK_RESERVED] = {"reserved", "numeric"},
		[STOCK_HELD] = {"held", "numeric"},
		[STOCK_HELD_UNTIL] = {"held_until", "timestamptz"},
		[STOCK_SAFETY] = {"safety", "numeric"},
		[STOCK_USABLE_UNTIL] = {"usable_until", "timestamptz"},
		[STOCK_STRIPES] = {"stripes", "smallint"},
		[STOCK_LENT] = {"lent", "numeric"},
	},
};

/* ---- what a row has ---- */

/* A moment that may be missing: then it lasts for ever. */
static TimestampTz
moment(Datum value, bool isnull)
{
	return isnull ? PG_INT64_MAX : DatumGetTimestampTz(value);
}

/* Units of a row, maybe below zero; of what is held those that have run out are not off. */
static UsomQuantity
free_of(Datum on_hand, Datum reserved, Datum safety, Datum held, TimestampTz held_until, TimestampTz usable_until, TimestampTz at)
{
	UsomQuantity taken = usom_quantity_of_datum(reserved) + usom_quantity_of_datum(safety);
	UsomQuantity left;

	if (held_until != PG_INT64_MAX && held_until > at)
		taken += usom_quantity_of_datum(held);
	left = usom_quantity_of_datum(on_hand) - taken;
	return usable_until <= at ? Min(left, 0) : left;
}

/*
 * usom._free(on_hand, reserved, safety, held, held_until, usable_until, at):
 * millionths, maybe below zero; for the statements that lock
 */
PG_FUNCTION_INFO_V1(usom__free);
Datum
usom__free(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(free_of(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), PG_GETARG_DATUM(3),
							moment(PG_GETARG_DATUM(4), PG_ARGISNULL(4)), moment(PG_GETARG_DATUM(5), PG_ARGISNULL(5)),
							PG_GETARG_TIMESTAMPTZ(6)));
}

/* ---- past the executor ---- */

typedef struct Rows
{
	TimestampTz at;
	bool		exhausted_too;
	UsomStockLocked *locked;
	int			nlocked;
	int			capacity;
} Rows;

static UsomQuantity
free_in(const Rows *rows, const Datum *values, const bool *nulls)
{
	return free_of(values[STOCK_ON_HAND], values[STOCK_RESERVED], values[STOCK_SAFETY], values[STOCK_HELD],
				   moment(values[STOCK_HELD_UNTIL], nulls[STOCK_HELD_UNTIL]),
				   moment(values[STOCK_USABLE_UNTIL], nulls[STOCK_USABLE_UNTIL]), rows->at);
}

static bool
has_lent(const Datum *values)
{
	return DatumGetInt16(values[STOCK_STRIPES]) > 0 && usom_quantity_of_datum(values[STOCK_LENT]) > 0;
}

static bool
is_wanted(void *argument, const Datum *values, const bool *nulls)
{
	const Rows *rows = argument;

	return rows->exhausted_too || free_in(rows, values, nulls) > 0 || has_lent(values);
}

static void
add_locked(void *argument, const Datum *values, const bool *nulls)
{
	Rows	   *rows = argument;
	UsomStockLocked *row;

	if (rows->nlocked == rows->capacity)
	{
		rows->capacity *= 2;
		rows->locked = repalloc_array(rows->locked, UsomStockLocked, rows->capacity);
	}
	row = &rows->locked[rows->nlocked++];
	*row = (UsomStockLocked) {.key = {DatumGetInt64(values[STOCK_PRODUCT]), DatumGetInt64(values[STOCK_LOCATION])}};
	row->key.lot = TextDatumGetCString(values[STOCK_LOT]);
	row->free = free_in(rows, values, nulls);
	row->run_out = !nulls[STOCK_HELD_UNTIL] && DatumGetTimestampTz(values[STOCK_HELD_UNTIL]) <= rows->at;
	row->usable_until = moment(values[STOCK_USABLE_UNTIL], nulls[STOCK_USABLE_UNTIL]);
	row->stripes = DatumGetInt16(values[STOCK_STRIPES]);
	row->lent = has_lent(values);
}

/* ---- by a statement ---- */

/* Only row-local terms, see lock.c. */
#define FREE "usom._free(s.on_hand, s.reserved, s.safety, s.held, s.held_until, s.usable_until, $3)"

#define LOCKED_ROW "SELECT s.product_id, s.location_id, s.lot, " FREE " AS free, s.held_until <= $3 AS run_out, s.usable_until, " \
	"s.stripes, s.stripes > 0 AND s.lent > 0 AS lent FROM usom.stock AS s " \
	"WHERE s.org_id = $1 AND s.product_id = p.product_id AND ($4 OR " FREE " > 0 OR (s.stripes > 0 AND s.lent > 0)) " \
	"ORDER BY s.location_id, s.lot FOR NO KEY UPDATE OF s"

/* For products that have no stripes, as far as is known. */
static UsomQuery lock_products = {
	.text = "SELECT s.product_id, s.location_id, s.lot, s.free, coalesce(s.run_out, false), s.usable_until, s.stripes, s.lent, NULL::numeric "
	"FROM unnest($2) AS p (product_id) CROSS JOIN LATERAL (" LOCKED_ROW ") AS s",
	.nargs = 4,
	.argtypes = {"bigint", "bigint[]", "timestamptz", "boolean"},
};

/* A row for each stripe that is gathered, or one. */
static UsomQuery lock_striped = {
	.text = "SELECT s.product_id, s.location_id, s.lot, s.free, coalesce(s.run_out, false), s.usable_until, s.stripes, s.lent, t.free "
	"FROM unnest($2, $5) AS p (product_id, wanted) CROSS JOIN LATERAL (" LOCKED_ROW ") AS s "
	"LEFT JOIN LATERAL (SELECT t.free FROM usom.stock_stripe AS t WHERE s.lent AND (s.free < p.wanted OR s.run_out) "
	"AND t.org_id = $1 AND t.product_id = s.product_id AND t.location_id = s.location_id "
	"ORDER BY t.stripe FOR NO KEY UPDATE OF t) AS t ON true",
	.nargs = 5,
	.argtypes = {"bigint", "bigint[]", "timestamptz", "boolean", "bigint[]"},
};

/* The products, or how many units of each are wanted. */
static Datum
need_array(const UsomStockNeed *needs, int nneeds, bool wanted)
{
	int64	   *elements = palloc_array(int64, Max(nneeds, 1));

	for (int i = 0; i < nneeds; i++)
		elements[i] = wanted ? needs[i].wanted : needs[i].product_id;
	return usom_query_keys(elements, nneeds);
}

static UsomStockLocked
read_row(uint64 row)
{
	UsomStockLocked locked = {.key = usom_stock_read_key(row, 1)};
	bool		is_missing;
	Datum		value = usom_query_get_or_null(row, 9, &is_missing);

	locked.free = DatumGetInt64(usom_query_get(row, 4));
	locked.run_out = DatumGetBool(usom_query_get(row, 5));
	locked.usable_until = usom_query_get_time(row, 6, PG_INT64_MAX);
	locked.stripes = DatumGetInt16(usom_query_get(row, 7));
	locked.lent = DatumGetBool(usom_query_get(row, 8));
	locked.has_stripe = !is_missing;
	locked.stripe_free = is_missing ? 0 : usom_quantity_of_datum(value);
	return locked;
}

static UsomStockLocked *
lock_by_statement(int64 org_id, const UsomStockNeed *needs, int nneeds, const Rows *rows, bool striped, int *nlocked)
{
	Datum		values[] = {
		Int64GetDatum(org_id),
		need_array(needs, nneeds, false),
		TimestampTzGetDatum(rows->at),
		BoolGetDatum(rows->exhausted_too),
		striped ? need_array(needs, nneeds, true) : (Datum) 0,
	};
	UsomStockLocked *locked;

	*nlocked = (int) usom_query_run(striped ? &lock_striped : &lock_products, values, NULL);
	locked = palloc_array(UsomStockLocked, Max(*nlocked, 1));
	for (int i = 0; i < *nlocked; i++)
		locked[i] = read_row(i);
	return locked;
}

/* ---- either way ---- */

static bool
lock_directly(int64 org_id, const UsomStockNeed *needs, int nneeds, Rows *rows)
{
	Datum	   *keys = palloc_array(Datum, 2 * Max(nneeds, 1));
	UsomRowLocks locks = {
		.update = &usom_stock_rows, .text = lock_products.text, .keys = keys, .nkeys = 2, .count = nneeds,
		.wanted = is_wanted, .locked = add_locked, .argument = rows,
	};

	for (int i = 0; i < nneeds; i++)
	{
		keys[2 * i] = Int64GetDatum(org_id);
		keys[2 * i + 1] = Int64GetDatum(needs[i].product_id);
	}
	rows->capacity = nneeds + 1;
	rows->locked = palloc_array(UsomStockLocked, rows->capacity);
	return usom_row_locks_take(&locks);
}

UsomStockLocked *
usom_stock_lock_rows(int64 org_id, const UsomStockNeed *needs, int nneeds, TimestampTz at, bool exhausted_too, bool striped, int *nlocked)
{
	Rows		rows = {.at = at, .exhausted_too = exhausted_too};

	if (striped || !lock_directly(org_id, needs, nneeds, &rows))
		return lock_by_statement(org_id, needs, nneeds, &rows, striped, nlocked);
	*nlocked = rows.nlocked;
	return rows.locked;
}
