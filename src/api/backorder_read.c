/*
 * backorder_read.c
 *		What a backorder run is about: products, what there is of them, and who
 *		has it or waits for it.
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
#include "utils/builtins.h"
#include "utils/timestamp.h"

static UsomQuery find_products = {
	.text = "SELECT p.product_id, p.sku, p.category, s.reserved FROM usom.product p CROSS JOIN LATERAL ("
	"SELECT EXISTS (SELECT 1 FROM usom.stock t WHERE t.org_id = $1 AND t.product_id = p.product_id AND t.reserved > 0) AS reserved) s "
	"WHERE p.org_id = $1 AND p.kind = 'physical' AND ($2 IS NULL OR p.sku = ANY ($2)) AND ($3 IS NULL OR p.category = ANY ($3)) "
	"AND (EXISTS (SELECT 1 FROM usom.fulfillment_line f WHERE f.org_id = $1 AND f.product_id = p.product_id "
	"AND f.location_id IS NULL AND f.status = 'backordered') OR ($4 AND s.reserved)) ORDER BY p.product_id",
	.nargs = 4,
	.argtypes = {"bigint", "text[]", "text[]", "boolean"},
};

/* $3: whose channels the caller sees; $4, $5, $6: is the customer, the country, the service level asked for? */
#define SELECT_UNITS \
	"SELECT f.product_id, f.sales_order_id, f.line_no, coalesce(f.location_id, 0), f.lot, coalesce(f.supply_id, 0), f.quantity, " \
	"f.promised_at, l.partial, coalesce(l.location_id, 0), coalesce(l.requested_at, o.requested_at), o.order_no, o.order_type::text, " \
	"o.priority, o.placed_at, o.total::pg_catalog.float8, o.channel_id, c.code, c.segment, " \
	"CASE WHEN $5 THEN (SELECT a.country FROM usom.address a WHERE a.org_id = $1 AND a.address_id = o.address_id) END, " \
	"CASE WHEN $6 THEN (SELECT r.service_level FROM usom._matching_rule(ARRAY[ROW(1, " \
	"(SELECT ch.code FROM usom.channel ch WHERE ch.org_id = $1 AND ch.channel_id = o.channel_id), " \
	"(SELECT cu.code FROM usom.customer cu WHERE cu.org_id = $1 AND cu.customer_id = o.customer_id), " \
	"(SELECT a.country FROM usom.address a WHERE a.org_id = $1 AND a.address_id = o.address_id), o.order_type::text, " \
	"(SELECT p.sku FROM usom.product p WHERE p.org_id = $1 AND p.product_id = f.product_id), " \
	"(SELECT p.category FROM usom.product p WHERE p.org_id = $1 AND p.product_id = f.product_id))::usom._rule_case]) m " \
	"JOIN usom.sourcing_rule r ON r.org_id = $1 AND r.sourcing_rule_id = m.sourcing_rule_id WHERE m.place = 1) END " \
	"FROM usom.fulfillment_line f " \
	"JOIN usom.order_line l ON l.org_id = $1 AND l.sales_order_id = f.sales_order_id AND l.line_no = f.line_no " \
	"JOIN usom.sales_order o ON o.org_id = $1 AND o.sales_order_id = f.sales_order_id " \
	"LEFT JOIN usom.customer c ON $4 AND c.org_id = $1 AND c.customer_id = o.customer_id "

#define MAY_CHANGE \
	"AND l.kit_line_no IS NULL AND o.status BETWEEN 'confirmed' AND 'delivered' AND ($3 IS NULL OR o.channel_id = ANY ($3)) " \
	"AND o.order_type::text <> ALL ($7)"

static UsomQuery find_waiting = {
	.text = SELECT_UNITS "WHERE f.org_id = $1 AND f.product_id = ANY ($2) AND f.location_id IS NULL AND f.status = 'backordered' " MAY_CHANGE,
	.nargs = 7,
	.argtypes = {"bigint", "bigint[]", "bigint[]", "boolean", "boolean", "boolean", "text[]"},
};

/* No index leads from products to what is reserved of them: one pass over the pieces, past a hash of the products. */
static UsomQuery find_reserved = {
	.text = SELECT_UNITS "WHERE f.org_id = $1 AND f.status = 'reserved' AND f.location_id IS NOT NULL "
	"AND (f.product_id IN (SELECT pg_catalog.unnest($2))) = true " MAY_CHANGE,
	.nargs = 7,
	.argtypes = {"bigint", "bigint[]", "bigint[]", "boolean", "boolean", "boolean", "text[]"},
};

/* Orders that an active hold keeps from being changed. */
static UsomQuery find_held = {
	.text = "SELECT DISTINCT h.sales_order_id FROM usom.hold h WHERE h.org_id = $1 AND h.released_at IS NULL "
	"AND (h.expires_at IS NULL OR h.expires_at > $2) AND 'change' = ANY (h.blocks) ORDER BY h.sales_order_id",
	.nargs = 2,
	.argtypes = {"bigint", "timestamptz"},
};

static UsomQuery find_channels = {
	.text = "SELECT c.channel_id, c.code FROM usom.channel c WHERE c.org_id = $1 ORDER BY c.channel_id",
	.nargs = 1,
	.argtypes = {"bigint"},
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

typedef struct Channels
{
	int			count;
	int64	   *ids;
	char	  **codes;
} Channels;

typedef struct Location
{
	int64		location_id;
	bool		active;
	bool		ships;
	UsomQuantity protected_quantity;
	int			priority;
} Location;

/* Reading of one run. */
typedef struct Reading
{
	int64		org_id;
	bool		locked;
	const BackorderVariants *variants;
	BackorderFacts *facts;
	Channels	channels;
	const UsomOrderSet *only;
	Datum		firm_types;
	int			nheld;
	int64	   *held;			/* orders that must not change, by key */
	int			capacity;
} Reading;

static uint64
ask(const Reading *reading, UsomQuery *query, Datum *values, const bool *nulls)
{
	return reading->locked ? usom_query_run(query, values, nulls) : usom_query_look(query, values, nulls);
}

static TimestampTz
get_time(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? USOM_NO_TIME : DatumGetTimestampTz(value);
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

static int
compare_product(const void *key, const void *element)
{
	int64		left = *(const int64 *) key;
	int64		right = ((const BackorderProduct *) element)->product_id;

	return (left > right) - (left < right);
}

static int
product_index(const BackorderFacts *facts, int64 product_id)
{
	BackorderProduct *found = bsearch(&product_id, facts->products, facts->nproducts, sizeof(BackorderProduct), compare_product);

	Ensure(found != NULL, "a backorder run met a product that it is not about");
	return (int) (found - facts->products);
}

static void
read_channels(Reading *reading)
{
	Datum		values[] = {Int64GetDatum(reading->org_id)};

	reading->channels.count = (int) ask(reading, &find_channels, values, NULL);
	reading->channels.ids = palloc_array(int64, Max(reading->channels.count, 1));
	reading->channels.codes = palloc_array(char *, Max(reading->channels.count, 1));
	for (int i = 0; i < reading->channels.count; i++)
	{
		reading->channels.ids[i] = get_key(i, 1);
		reading->channels.codes[i] = usom_query_get_text(i, 2);
	}
}

static const char *
channel_code(const Channels *channels, int64 channel_id)
{
	for (int i = 0; i < channels->count; i++)
		if (channels->ids[i] == channel_id)
			return channels->codes[i];
	return NULL;
}

static int
compare_order(const void *key, const void *element)
{
	int64		left = *(const int64 *) key;
	int64		right = ((const UsomOrder *) element)->sales_order_id;

	return (left > right) - (left < right);
}

static int
compare_keys(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return (left > right) - (left < right);
}

static bool
is_wanted(const Reading *reading, int64 sales_order_id)
{
	if (bsearch(&sales_order_id, reading->held, reading->nheld, sizeof(int64), compare_keys) != NULL)
		return false;
	return reading->only == NULL ||
		bsearch(&sales_order_id, reading->only->orders, reading->only->norders, sizeof(UsomOrder), compare_order) != NULL;
}

static void
read_held(Reading *reading)
{
	Datum		values[] = {Int64GetDatum(reading->org_id), TimestampTzGetDatum(usom_call_time())};

	reading->nheld = (int) ask(reading, &find_held, values, NULL);
	reading->held = palloc_array(int64, Max(reading->nheld, 1));
	for (int i = 0; i < reading->nheld; i++)
		reading->held[i] = get_key(i, 1);
}

/* What orders of these types have was got for their buyers. */
static Datum
firm_types(void)
{
	char	   *names[USOM_ORDER_TYPES];
	UsomCodes	codes = {.codes = names};

	for (int type = 0; type < USOM_ORDER_TYPES; type++)
		if (usom_order_type_is_firm((UsomOrderType) type))
			names[codes.count++] = unconstify(char *, usom_order_type_name((UsomOrderType) type));
	return usom_api_codes_datum(&codes);
}

static void
take_units(Reading *reading, uint64 row, bool reserved)
{
	BackorderFacts *facts = reading->facts;
	BackorderUnits *units = &facts->units[facts->nunits];
	int64		product_id = get_key(row, 1);

	units->line = (BackorderLine) {
		.contender = {
			.sales_order_id = get_key(row, 2),
			.line_no = DatumGetInt32(usom_query_get(row, 3)),
			.priority = DatumGetInt32(usom_query_get(row, 14)),
			.placed_at = get_time(row, 15),
			.requested_at = get_time(row, 11),
			.value = DatumGetFloat8(usom_query_get(row, 16)),
			.channel = channel_code(&reading->channels, get_key(row, 17)),
			.segment = usom_query_get_text(row, 19),
			.service_level = usom_query_get_text(row, 21),
		},
		.product = product_index(facts, product_id),
		.order_no = usom_query_get_text(row, 12),
		.order_type = usom_query_get_text(row, 13),
		.customer = usom_query_get_text(row, 18),
		.country = usom_query_get_text(row, 20),
		.location_id = get_key(row, 10),
		.partial = DatumGetBool(usom_query_get(row, 9)),
	};
	units->reserved = reserved;
	units->key = (UsomStockKey) {product_id, get_key(row, 4), usom_query_get_text(row, 5)};
	units->supply_id = get_key(row, 6);
	units->quantity = get_quantity(row, 7);
	units->promised_at = get_time(row, 8);
	facts->nunits++;
}

static void
read_units(Reading *reading, UsomQuery *query, const int64 *products, int nproducts, bool reserved)
{
	BackorderFacts *facts = reading->facts;
	Datum		values[7] = {
		Int64GetDatum(reading->org_id),
		usom_query_keys(products, nproducts),
		(Datum) 0,
		BoolGetDatum(reading->variants->asks_customer),
		BoolGetDatum(reading->variants->asks_country),
		BoolGetDatum(reading->variants->asks_service_level),
		reading->firm_types,
	};
	bool		nulls[7] = {false};
	uint64		n;

	if (nproducts == 0)
		return;
	values[2] = usom_party_channels(&nulls[2]);
	n = ask(reading, query, values, nulls);
	if (facts->nunits + (int) n > reading->capacity)
	{
		reading->capacity = facts->nunits + (int) n;
		facts->units = repalloc_huge(facts->units, sizeof(BackorderUnits) * reading->capacity);
	}
	for (uint64 row = 0; row < n; row++)
		if (is_wanted(reading, get_key(row, 2)))
			take_units(reading, row, reserved);
	SPI_freetuptable(SPI_tuptable);
}

static int
compare_units(const void *a, const void *b)
{
	const BackorderLine *left = &((const BackorderUnits *) a)->line;
	const BackorderLine *right = &((const BackorderUnits *) b)->line;

	if (left->product != right->product)
		return left->product < right->product ? -1 : 1;
	if (left->contender.sales_order_id != right->contender.sales_order_id)
		return left->contender.sales_order_id < right->contender.sales_order_id ? -1 : 1;
	return left->contender.line_no - right->contender.line_no;
}

static Location *
read_locations(const Reading *reading, int *nlocations)
{
	Datum		values[] = {Int64GetDatum(reading->org_id)};
	Location   *locations;

	*nlocations = (int) ask(reading, &find_locations, values, NULL);
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
take_stock(Reading *reading, const UsomStockRow *rows, int nrows)
{
	BackorderFacts *facts = reading->facts;
	int			nlocations;
	const Location *locations = read_locations(reading, &nlocations);

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
take_supply(Reading *reading, Datum *values)
{
	BackorderFacts *facts = reading->facts;
	int			n;

	if (!usom_supply_is_any(reading->org_id))
		return;
	n = facts->nsupply = (int) ask(reading, &find_supply, values, NULL);
	facts->supply = palloc0_array(BackorderSource, Max(n, 1));
	for (int i = 0; i < n; i++)
		facts->supply[i] = (BackorderSource) {
			.key = {get_key(i, 2), get_key(i, 3), ""},
			.supply_id = get_key(i, 1),
			.expected_at = get_time(i, 4),
			.free = get_quantity(i, 5),
			.serves = true,
		};
}

BackorderFacts *
usom_api_backorder_facts(int64 org_id, const BackorderVariants *variants, BackorderProduct *products, int nproducts,
						 bool locked, const UsomOrderSet *only)
{
	BackorderFacts *facts = palloc0_object(BackorderFacts);
	Reading		reading = {.org_id = org_id, .locked = locked, .variants = variants, .facts = facts, .only = only};
	int64	   *ids = palloc_array(int64, Max(nproducts, 1));
	int64	   *reserved = palloc_array(int64, Max(nproducts, 1));
	Datum		values[2] = {Int64GetDatum(org_id)};
	int			nreserved = 0;
	int			nrows;
	int			nlocked;
	UsomStockRow *rows;

	facts->products = products;
	facts->nproducts = nproducts;
	facts->units = palloc(sizeof(BackorderUnits));
	for (int i = 0; i < nproducts; i++)
	{
		ids[i] = products[i].product_id;
		if (products[i].any_reserved || locked)
			reserved[nreserved++] = ids[i];
	}
	if (locked)
	{
		rows = usom_stock_lock_products(org_id, ids, nproducts, usom_call_time(), true, &nrows);
		if (usom_supply_is_any(org_id))
			usom_supply_lock_products(org_id, ids, nproducts, NULL, 0, &nlocked);
	}
	else
		rows = usom_stock_look_at_products(org_id, ids, nproducts, usom_call_time(), &nrows);
	take_stock(&reading, rows, nrows);
	values[1] = usom_query_keys(ids, nproducts);
	take_supply(&reading, values);
	read_channels(&reading);
	read_held(&reading);
	reading.firm_types = firm_types();
	read_units(&reading, &find_waiting, ids, nproducts, false);
	read_units(&reading, &find_reserved, reserved, nreserved, true);
	qsort(facts->units, facts->nunits, sizeof(BackorderUnits), compare_units);
	return facts;
}
