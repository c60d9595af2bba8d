/*
 * backorder_read.c
 *		What a backorder run is about: products, and what there is of them.
 *
 * Locks, where asked for: the stock rows of the products, then their supply,
 * in lock order.  The orders are the caller's: those that change are locked.
 * Whoever reserves or frees units of the products wants a stock row, so what
 * others have reserved stands still under these locks, though their orders
 * are not locked.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/backorder.h"
#include "api/precedence.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "party/party.h"
#include "sourcing/ruled.h"
#include "stock/stripe.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static UsomQuery find_products = {
	.text = "SELECT p.product_id, p.sku, p.category, s.reserved FROM usom.product p CROSS JOIN LATERAL ("
	"SELECT EXISTS (SELECT 1 FROM usom.stock s WHERE s.org_id = $1 AND s.product_id = p.product_id AND s.reserved > " USOM_STRIPED_FREE ") AS reserved) s "
	"WHERE p.org_id = $1 AND p.kind = 'physical' AND ($2 IS NULL OR p.sku = ANY ($2)) AND ($3 IS NULL OR p.category = ANY ($3)) "
	"AND (EXISTS (SELECT 1 FROM usom.fulfillment_line f WHERE f.org_id = $1 AND f.product_id = p.product_id "
	"AND f.location_id IS NULL AND f.status = 'backordered') OR ($4 AND s.reserved)) ORDER BY p.product_id",
	.nargs = 4,
	.argtypes = {"bigint", "text[]", "text[]", "boolean"},
};

static UsomQuery find_locations = {
	.text = "SELECT l.location_id, l.active, l.ships, l.protected_quantity, l.priority FROM usom.location l WHERE l.org_id = $1 ORDER BY l.location_id",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static UsomQuery find_supply = {
	.text = "SELECT u.supply_id, u.product_id, u.location_id, u.expected_at, u.quantity - u.received - u.pegged FROM usom.supply u "
	"WHERE u.org_id = $1 AND u.product_id = ANY ($2) AND u.status = 'expected' AND u.sales_order_id IS NULL "
	"ORDER BY u.product_id, u.expected_at, u.supply_id",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

typedef struct Location
{
	int64		location_id;
	bool		active;
	bool		ships;
	UsomQuantity protected_quantity;
	int			priority;
} Location;

static uint64
ask(bool locked, UsomQuery *query, Datum *values)
{
	return locked ? usom_query_run(query, values, NULL) : usom_query_look(query, values, NULL);
}

static int64
get_key(uint64 row, int column)
{
	return DatumGetInt64(usom_query_get(row, column));
}

static UsomQuantity
get_quantity(uint64 row, int column)
{
	return usom_quantity_of(DatumGetNumeric(usom_query_get(row, column)));
}

BackorderProduct *
usom_api_backorder_products(int64 org_id, const BackorderVariants *variants, int *nproducts)
{
	const BackorderVariant *variant = &variants->variants[0];
	Datum		values[4] = {Int64GetDatum(org_id)};
	bool		nulls[4] = {false, variant->skus.any, variant->categories.any};
	BackorderProduct *products;

	if (!variant->skus.any)
		values[1] = usom_api_codes_datum(&variant->skus);
	if (!variant->categories.any)
		values[2] = usom_api_codes_datum(&variant->categories);
	values[3] = BoolGetDatum(variants->loses);
	*nproducts = (int) usom_query_look(&find_products, values, nulls);
	products = palloc_array(BackorderProduct, Max(*nproducts, 1));
	for (int i = 0; i < *nproducts; i++)
		products[i] = (BackorderProduct) {
			.product_id = get_key(i, 1),
			.sku = usom_query_get_text(i, 2),
			.category = usom_query_get_text(i, 3),
			.any_reserved = DatumGetBool(usom_query_get(i, 4)),
		};
	return products;
}

static Location *
read_locations(int64 org_id, bool locked, int *nlocations)
{
	Datum		values[] = {Int64GetDatum(org_id)};
	Location   *locations;

	*nlocations = (int) ask(locked, &find_locations, values);
	locations = palloc_array(Location, Max(*nlocations, 1));
	for (int i = 0; i < *nlocations; i++)
		locations[i] = (Location) {
			.location_id = get_key(i, 1),
			.active = DatumGetBool(usom_query_get(i, 2)),
			.ships = DatumGetBool(usom_query_get(i, 3)),
			.protected_quantity = get_quantity(i, 4),
			.priority = DatumGetInt32(usom_query_get(i, 5)),
		};
	return locations;
}

static const Location *
find_location(const Location *locations, int nlocations, int64 location_id)
{
	for (int i = 0; i < nlocations; i++)
		if (locations[i].location_id == location_id)
			return &locations[i];
	return NULL;
}

static int
compare_sources(const void *a, const void *b)
{
	const BackorderSource *left = a;
	const BackorderSource *right = b;

	if (left->key.product_id != right->key.product_id)
		return left->key.product_id < right->key.product_id ? -1 : 1;
	if (left->expected_at != right->expected_at)
		return left->expected_at < right->expected_at ? -1 : 1;
	if (left->priority != right->priority)
		return left->priority < right->priority ? -1 : 1;
	if (left->supply_id != right->supply_id)
		return left->supply_id < right->supply_id ? -1 : 1;
	return usom_stock_key_compare(&left->key, &right->key);
}

/* What a shop keeps for itself, and what does not ship, is for those who have it already. */
static void
take_stock(BackorderFacts *facts, const UsomStockRow *rows, int nrows, int64 org_id, bool locked)
{
	int			nlocations;
	const Location *locations = read_locations(org_id, locked, &nlocations);

	facts->stock = palloc_array(BackorderSource, Max(nrows, 1));
	facts->nstock = nrows;
	for (int i = 0; i < nrows; i++)
	{
		const Location *location = find_location(locations, nlocations, rows[i].key.location_id);
		bool		serves = location != NULL && location->active && location->ships;

		facts->stock[i] = (BackorderSource) {
			.key = rows[i].key,
			.expected_at = PG_INT64_MIN,
			.free = serves ? Max(rows[i].available - location->protected_quantity, 0) : 0,
			.serves = serves,
			.priority = rows[i].priority,
		};
	}
	qsort(facts->stock, nrows, sizeof(BackorderSource), compare_sources);
}

static void
take_supply(BackorderFacts *facts, Datum *values, bool locked)
{
	int			n = (int) ask(locked, &find_supply, values);

	facts->nsupply = n;
	facts->supply = palloc0_array(BackorderSource, Max(n, 1));
	for (int i = 0; i < n; i++)
		facts->supply[i] = (BackorderSource) {
			.key = {get_key(i, 2), get_key(i, 3), ""},
			.supply_id = get_key(i, 1),
			.expected_at = DatumGetTimestampTz(usom_query_get(i, 4)),
			.free = get_quantity(i, 5),
			.serves = true,
		};
}

/* Stock and supply of the products, locked where asked for. */
static void
read_sources(BackorderFacts *facts, int64 org_id, bool locked)
{
	int64	   *ids = palloc_array(int64, Max(facts->nproducts, 1));
	Datum		values[2] = {Int64GetDatum(org_id)};
	bool		any_supply = usom_supply_is_any(org_id);
	int			nrows;
	int			nlocked;
	UsomStockRow *rows;

	for (int i = 0; i < facts->nproducts; i++)
		ids[i] = facts->products[i].product_id;
	if (locked)
		rows = usom_stock_lock_products(org_id, ids, facts->nproducts, usom_call_time(), true, &nrows);
	else
		rows = usom_stock_look_at_products(org_id, ids, facts->nproducts, usom_call_time(), &nrows);
	take_stock(facts, rows, nrows, org_id, locked);
	if (!any_supply)
		return;
	if (locked)
		usom_supply_lock_products(org_id, ids, facts->nproducts, NULL, 0, &nlocked);
	values[1] = usom_query_keys(ids, facts->nproducts);
	take_supply(facts, values, locked);
}

BackorderFacts *
usom_api_backorder_facts(int64 org_id, const BackorderVariants *variants, BackorderProduct *products, int nproducts,
						 const UsomOrderSet *set, bool is_last)
{
	BackorderFacts *facts = palloc0_object(BackorderFacts);

	facts->products = products;
	facts->nproducts = nproducts;
	read_sources(facts, org_id, set != NULL);
	usom_api_backorder_units(facts, org_id, variants, set, is_last);
	return facts;
}
