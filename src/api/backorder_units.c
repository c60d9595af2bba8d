/*
 * backorder_units.c
 *		Who waits for the products of a backorder run, and who has them.
 *
 * Pieces are read with their lines, orders once each, however many lines they
 * have.  Orders that are locked are in a set: their lines are taken from it.
 *
 * Locks: none.  What others have reserved stands still under the locks of the
 * stock, which the caller has if there is a set.
 *
 * Memory: CurrentMemoryContext; texts of an order are shared by its units.
 */
#include "postgres.h"

#include "api/backorder.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "lib/qunique.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* $3: is the service level asked for?  $4: orders whose lines are known. */
#define SELECT_UNITS \
	"SELECT f.product_id, f.sales_order_id, f.line_no, f.location_id, f.lot, f.supply_id, f.quantity, f.promised_at, " \
	"l.partial, l.location_id, l.requested_at, " \
	"CASE WHEN $3 THEN (SELECT r.service_level FROM usom.sales_order o CROSS JOIN LATERAL usom._matching_rule(ARRAY[ROW(1, " \
	"(SELECT ch.code FROM usom.channel ch WHERE ch.org_id = $1 AND ch.channel_id = o.channel_id), " \
	"(SELECT cu.code FROM usom.customer cu WHERE cu.org_id = $1 AND cu.customer_id = o.customer_id), " \
	"(SELECT a.country FROM usom.address a WHERE a.org_id = $1 AND a.address_id = o.address_id), o.order_type::text, " \
	"(SELECT p.sku FROM usom.product p WHERE p.org_id = $1 AND p.product_id = f.product_id), " \
	"(SELECT p.category FROM usom.product p WHERE p.org_id = $1 AND p.product_id = f.product_id))::usom._rule_case]) m " \
	"JOIN usom.sourcing_rule r ON r.org_id = $1 AND r.sourcing_rule_id = m.sourcing_rule_id " \
	"WHERE o.org_id = $1 AND o.sales_order_id = f.sales_order_id AND m.place = 1) END " \
	"FROM usom.fulfillment_line f " \
	"JOIN usom.order_line l ON l.org_id = $1 AND l.sales_order_id = f.sales_order_id AND l.line_no = f.line_no "

#define MAY_CHANGE \
	"AND l.kit_line_no IS NULL AND ($4 IS NULL OR (f.sales_order_id IN (SELECT pg_catalog.unnest($4))) = false)"

static UsomQuery find_waiting = {
	.text = SELECT_UNITS "WHERE f.org_id = $1 AND f.product_id = ANY ($2) AND f.location_id IS NULL AND f.status = 'backordered' " MAY_CHANGE,
	.nargs = 4,
	.argtypes = {"bigint", "bigint[]", "boolean", "bigint[]"},
};

/* No index leads from products to what is reserved of them: one pass over the pieces, past a hash of the products. */
static UsomQuery find_reserved = {
	.text = SELECT_UNITS "WHERE f.org_id = $1 AND f.status = 'reserved' AND f.location_id IS NOT NULL "
	"AND (f.product_id IN (SELECT pg_catalog.unnest($2))) = true " MAY_CHANGE,
	.nargs = 4,
	.argtypes = {"bigint", "bigint[]", "boolean", "bigint[]"},
};

/* Orders that run.  $3: whose channels the caller sees; $4, $5: is the customer, the country asked for? */
static UsomQuery find_orders = {
	.text = "SELECT o.sales_order_id, o.order_no, o.order_type, o.priority, o.placed_at, o.requested_at, o.total::pg_catalog.float8, "
	"ch.code, c.code, c.segment, "
	"CASE WHEN $5 THEN (SELECT a.country FROM usom.address a WHERE a.org_id = $1 AND a.address_id = o.address_id) END "
	"FROM usom.sales_order o LEFT JOIN usom.channel ch ON ch.org_id = $1 AND ch.channel_id = o.channel_id "
	"LEFT JOIN usom.customer c ON $4 AND c.org_id = $1 AND c.customer_id = o.customer_id "
	"WHERE o.org_id = $1 AND o.sales_order_id = ANY ($2) AND o.status BETWEEN 'confirmed' AND 'delivered' "
	"AND ($3 IS NULL OR o.channel_id = ANY ($3)) ORDER BY o.sales_order_id",
	.nargs = 5,
	.argtypes = {"bigint", "bigint[]", "bigint[]", "boolean", "boolean"},
};

/* Orders that an active hold keeps from being changed. */
static UsomQuery find_held = {
	.text = "SELECT DISTINCT h.sales_order_id FROM usom.hold h WHERE h.org_id = $1 AND h.released_at IS NULL "
	"AND (h.expires_at IS NULL OR h.expires_at > $2) AND 'change' = ANY (h.blocks) ORDER BY h.sales_order_id",
	.nargs = 2,
	.argtypes = {"bigint", "timestamptz"},
};

/* Place of units in the order of the facts. */
typedef struct UnitsKey
{
	int			product;
	int32		line_no;
	int64		sales_order_id;
	int			index;			/* as they were read */
} UnitsKey;

/* Reading of one run. */
typedef struct Reading
{
	int64		org_id;
	const BackorderVariants *variants;
	BackorderFacts *facts;
	const UsomOrderSet *set;	/* locked orders, or NULL */
	int			capacity;		/* of units */
	int			nheld;
	int64	   *held;			/* orders that must not change, by key */
	int			norders;
	BackorderLine *orders;		/* that may change, by key: what all their lines have in common */
} Reading;

static uint64
ask(const Reading *reading, UsomQuery *query, Datum *values, const bool *nulls)
{
	return reading->set != NULL ? usom_query_run(query, values, nulls) : usom_query_look(query, values, nulls);
}

static int
compare_keys(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return (left > right) - (left < right);
}

static int
compare_product(const void *key, const void *element)
{
	int64		left = *(const int64 *) key;
	int64		right = ((const BackorderProduct *) element)->product_id;

	return (left > right) - (left < right);
}

static const BackorderProduct *
find_product(const BackorderFacts *facts, int64 product_id)
{
	return bsearch(&product_id, facts->products, facts->nproducts, sizeof(BackorderProduct), compare_product);
}

/* ---- units, each with what is its line's alone ---- */

static BackorderUnits *
next_units(Reading *reading, int more)
{
	BackorderFacts *facts = reading->facts;

	if (facts->nunits + more > reading->capacity)
	{
		reading->capacity = Max(facts->nunits + more, 2 * reading->capacity);
		facts->units = repalloc_huge(facts->units, sizeof(BackorderUnits) * reading->capacity);
	}
	return &facts->units[facts->nunits];
}

static void
take_units(Reading *reading, uint64 row, bool reserved)
{
	BackorderFacts *facts = reading->facts;
	int64		product_id = usom_query_get_key(row, 1);
	const BackorderProduct *product = find_product(facts, product_id);

	Ensure(product != NULL, "a backorder run met a product that it is not about");
	*next_units(reading, 1) = (BackorderUnits) {
		.line = {
			.contender = {
				.sales_order_id = usom_query_get_key(row, 2),
				.line_no = DatumGetInt32(usom_query_get(row, 3)),
				.requested_at = usom_query_get_time(row, 11, USOM_NO_TIME),
				.service_level = usom_query_get_text(row, 12),
			},
			.product = (int) (product - facts->products),
			.location_id = usom_query_get_key(row, 10),
			.partial = DatumGetBool(usom_query_get(row, 9)),
		},
		.reserved = reserved,
		.key = {product_id, usom_query_get_key(row, 4), reserved ? usom_query_get_text(row, 5) : "", 0},
		.supply_id = usom_query_get_key(row, 6),
		.quantity = usom_quantity_of(DatumGetNumeric(usom_query_get(row, 7))),
		.promised_at = usom_query_get_time(row, 8, USOM_NO_TIME),
	};
	facts->nunits++;
}

/* known: orders whose lines are not read; or 0. */
static void
read_units(Reading *reading, UsomQuery *query, const int64 *products, int nproducts, Datum known, bool reserved)
{
	Datum		values[4] = {
		Int64GetDatum(reading->org_id),
		usom_query_keys(products, nproducts),
		BoolGetDatum(reading->variants->asks_service_level),
		known,
	};
	bool		nulls[4] = {false, false, false, known == (Datum) 0};
	uint64		n;

	if (nproducts == 0)
		return;
	n = ask(reading, query, values, nulls);
	(void) next_units(reading, (int) n);
	for (uint64 row = 0; row < n; row++)
		take_units(reading, row, reserved);
	SPI_freetuptable(SPI_tuptable);
}

static void
take_piece(Reading *reading, const UsomPiece *piece)
{
	BackorderFacts *facts = reading->facts;
	const UsomLine *line = &reading->set->lines[piece->line];
	bool		reserved = piece->status == USOM_PIECE_RESERVED && piece->location_id != 0;
	bool		waits = piece->status == USOM_PIECE_BACKORDERED && piece->location_id == 0;
	const BackorderProduct *product;

	if (line->kit_line_no != 0 || !(reserved || waits))
		return;
	product = find_product(facts, line->product_id);
	if (product == NULL)
		return;
	*next_units(reading, 1) = (BackorderUnits) {
		.line = {
			.contender = {
				.sales_order_id = reading->set->orders[line->order].sales_order_id,
				.line_no = line->line_no,
				.requested_at = line->requested_at,
			},
			.product = (int) (product - facts->products),
			.location_id = line->location_id,
			.partial = line->partial,
		},
		.reserved = reserved,
		.key = {line->product_id, piece->location_id, piece->lot, 0},
		.supply_id = piece->supply_id,
		.quantity = piece->quantity,
		.promised_at = piece->promised_at,
	};
	facts->nunits++;
}

static Datum
keys_of_set(const UsomOrderSet *set)
{
	int64	   *keys = palloc_array(int64, Max(set->norders, 1));

	for (int i = 0; i < set->norders; i++)
		keys[i] = set->orders[i].sales_order_id;
	return usom_query_keys(keys, set->norders);
}

/* Of what is reserved only the products of which there is any; under the locks that may be another. */
static void
read_lines(Reading *reading, bool from_set)
{
	const BackorderFacts *facts = reading->facts;
	int64	   *ids = palloc_array(int64, Max(facts->nproducts, 1));
	int64	   *reserved = palloc_array(int64, Max(facts->nproducts, 1));
	int			nreserved = 0;
	Datum		known = from_set ? keys_of_set(reading->set) : (Datum) 0;

	for (int i = 0; i < facts->nproducts; i++)
	{
		ids[i] = facts->products[i].product_id;
		if (facts->products[i].any_reserved || reading->set != NULL)
			reserved[nreserved++] = ids[i];
	}
	read_units(reading, &find_waiting, ids, facts->nproducts, known, false);
	read_units(reading, &find_reserved, reserved, nreserved, known, true);
}

/* ---- orders ---- */

static void
read_held(Reading *reading)
{
	Datum		values[] = {Int64GetDatum(reading->org_id), TimestampTzGetDatum(usom_call_time())};

	reading->nheld = (int) ask(reading, &find_held, values, NULL);
	reading->held = palloc_array(int64, Max(reading->nheld, 1));
	for (int i = 0; i < reading->nheld; i++)
		reading->held[i] = usom_query_get_key(i, 1);
}

/* Orders of the units, each once, by key. */
static Datum
keys_of_units(const BackorderFacts *facts)
{
	int64	   *keys = palloc_extended(sizeof(int64) * Max(facts->nunits, 1), MCXT_ALLOC_HUGE);
	int			count = 0;
	Datum		datum;

	for (int i = 0; i < facts->nunits; i++)
		if (count == 0 || keys[count - 1] != facts->units[i].line.contender.sales_order_id)
			keys[count++] = facts->units[i].line.contender.sales_order_id;
	qsort(keys, count, sizeof(int64), compare_keys);
	count = (int) qunique(keys, count, sizeof(int64), compare_keys);
	datum = usom_query_keys(keys, count);
	pfree(keys);
	return datum;
}

static int
compare_locked(const void *key, const void *element)
{
	return compare_keys(key, &((const UsomOrder *) element)->sales_order_id);
}

/* What was got for its buyer stays with him, and nobody changes what is held. */
static bool
may_change(const Reading *reading, int64 sales_order_id, const char *type_name, bool is_last)
{
	UsomOrderType type;

	Ensure(usom_order_type_find(type_name, &type), "an order is of no known type");
	return !usom_order_type_is_firm(type) &&
		bsearch(&sales_order_id, reading->held, reading->nheld, sizeof(int64), compare_keys) == NULL &&
		(!is_last || bsearch(&sales_order_id, reading->set->orders, reading->set->norders, sizeof(UsomOrder), compare_locked) != NULL);
}

static void
take_order(BackorderLine *order, uint64 row)
{
	*order = (BackorderLine) {
		.contender = {
			.sales_order_id = usom_query_get_key(row, 1),
			.priority = DatumGetInt32(usom_query_get(row, 4)),
			.placed_at = usom_query_get_time(row, 5, USOM_NO_TIME),
			.requested_at = usom_query_get_time(row, 6, USOM_NO_TIME),
			.value = DatumGetFloat8(usom_query_get(row, 7)),
			.channel = usom_query_get_text(row, 8),
			.segment = usom_query_get_text(row, 10),
		},
		.order_no = usom_query_get_text(row, 2),
		.order_type = usom_query_get_text(row, 3),
		.customer = usom_query_get_text(row, 9),
		.country = usom_query_get_text(row, 11),
	};
}

static void
read_orders(Reading *reading, bool is_last)
{
	Datum		values[5] = {
		Int64GetDatum(reading->org_id),
		keys_of_units(reading->facts),
		(Datum) 0,
		BoolGetDatum(reading->variants->asks_customer),
		BoolGetDatum(reading->variants->asks_country),
	};
	bool		nulls[5] = {false};
	uint64		n;

	values[2] = usom_party_channels(&nulls[2]);
	n = ask(reading, &find_orders, values, nulls);
	reading->orders = palloc_extended(sizeof(BackorderLine) * Max(n, 1), MCXT_ALLOC_HUGE);
	for (uint64 row = 0; row < n; row++)
		if (may_change(reading, usom_query_get_key(row, 1), usom_query_get_text(row, 3), is_last))
			take_order(&reading->orders[reading->norders++], row);
	SPI_freetuptable(SPI_tuptable);
}

/* ---- units of those orders, sorted ---- */

static int
compare_units(const void *a, const void *b)
{
	const UnitsKey *left = a;
	const UnitsKey *right = b;

	if (left->product != right->product)
		return left->product < right->product ? -1 : 1;
	if (left->sales_order_id != right->sales_order_id)
		return left->sales_order_id < right->sales_order_id ? -1 : 1;
	if (left->line_no != right->line_no)
		return left->line_no < right->line_no ? -1 : 1;
	return left->index - right->index;
}

static UnitsKey *
sort_units(const BackorderFacts *facts)
{
	UnitsKey   *keys = palloc_extended(sizeof(UnitsKey) * Max(facts->nunits, 1), MCXT_ALLOC_HUGE);

	for (int i = 0; i < facts->nunits; i++)
	{
		const BackorderLine *line = &facts->units[i].line;

		keys[i] = (UnitsKey) {line->product, line->contender.line_no, line->contender.sales_order_id, i};
	}
	qsort(keys, facts->nunits, sizeof(UnitsKey), compare_units);
	return keys;
}

static int
compare_order(const void *key, const void *element)
{
	return compare_keys(key, &((const BackorderLine *) element)->contender.sales_order_id);
}

/* What the line has of its own, and what it has of its order. */
static void
complete_line(BackorderLine *line, const BackorderLine *order)
{
	BackorderLine whole = *order;

	whole.contender.line_no = line->contender.line_no;
	whole.contender.service_level = line->contender.service_level;
	if (line->contender.requested_at != USOM_NO_TIME)
		whole.contender.requested_at = line->contender.requested_at;
	whole.product = line->product;
	whole.location_id = line->location_id;
	whole.partial = line->partial;
	*line = whole;
}

static void
join_orders(Reading *reading)
{
	BackorderFacts *facts = reading->facts;
	UnitsKey   *keys = sort_units(facts);
	BackorderUnits *joined = palloc_extended(sizeof(BackorderUnits) * Max(facts->nunits, 1), MCXT_ALLOC_HUGE);
	int			count = 0;

	for (int i = 0; i < facts->nunits; i++)
	{
		const BackorderLine *order = bsearch(&keys[i].sales_order_id, reading->orders, reading->norders, sizeof(BackorderLine), compare_order);

		if (order == NULL)
			continue;
		joined[count] = facts->units[keys[i].index];
		complete_line(&joined[count++].line, order);
	}
	pfree(keys);
	pfree(facts->units);
	pfree(reading->orders);
	facts->units = joined;
	facts->nunits = count;
}

void
usom_api_backorder_units(BackorderFacts *facts, int64 org_id, const BackorderVariants *variants, const UsomOrderSet *set,
						 bool is_last)
{
	Reading		reading = {.org_id = org_id, .variants = variants, .facts = facts, .set = set};
	bool		from_set = set != NULL && !variants->asks_service_level;

	facts->units = palloc(sizeof(BackorderUnits));
	reading.capacity = 1;
	for (int i = 0; from_set && i < set->npieces; i++)
		take_piece(&reading, &set->pieces[i]);
	if (!(from_set && is_last))
		read_lines(&reading, from_set);
	read_held(&reading);
	read_orders(&reading, is_last);
	join_orders(&reading);
}
