/*
 * price_read.c
 *		The prices that lines of an order meet, and what they were priced with.
 *
 * Reads only; no locks: an order keeps the prices that it was placed at, and
 * is priced again by those in force then.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/price.h"

#include "base/errors.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define IN_FORCE(rule) \
	rule ".valid_from <= $5 AND (" rule ".valid_to IS NULL OR " rule ".valid_to > $5) " \
	"AND (" rule ".currency = $4 OR " rule ".currency IS NULL) "

#define CONTRACT(rank, condition) \
	"(SELECT " rank " AS rank, c.unit_price, c.percent, c.discountable, " \
	"CASE WHEN c.customer IS NULL THEN 'segment ' || c.segment ELSE 'customer ' || c.customer END AS rule " \
	"FROM usom.price_contract c WHERE $7 AND c.org_id = $1 AND " condition " AND " IN_FORCE("c") \
	"ORDER BY c.currency IS NULL LIMIT 1) "

#define BREAK(rank, condition) \
	"(SELECT " rank " AS rank, b.unit_price, b.percent, 'from ' || trim_scale(b.min_quantity) AS rule " \
	"FROM usom.price_break b WHERE $8 AND b.org_id = $1 AND b.level = 'line' AND " condition \
	" AND b.min_quantity <= r.units AND " IN_FORCE("b") \
	"ORDER BY b.min_quantity DESC, b.currency IS NULL LIMIT 1) "

/* $7 and $8: there are contracts, breaks. */
static UsomQuery select_prices = {
	.text = "SELECT r.position::int, p.sku, p.category, "
	"(SELECT round(t.unit_price / t.per, 4) FROM usom.price t WHERE t.org_id = $1 AND t.sku = p.sku AND t.currency = $4 "
	"AND t.valid_from <= $5 AND (t.valid_to IS NULL OR t.valid_to > $5) ORDER BY t.valid_from DESC LIMIT 1), "
	"k.unit_price::numeric, k.percent, k.rule, k.discountable, b.unit_price::numeric, b.percent, b.rule, u.segment "
	"FROM unnest($2, $3) WITH ORDINALITY AS r (product_id, units, position) "
	"JOIN usom.product p ON p.org_id = $1 AND p.product_id = r.product_id "
	"LEFT JOIN usom.customer u ON u.org_id = $1 AND u.customer_id = $6 "
	"LEFT JOIN LATERAL (SELECT * FROM (" CONTRACT("1", "c.customer = u.code AND c.sku = p.sku")
	"UNION ALL " CONTRACT("2", "c.customer = u.code AND c.sku IS NULL AND c.category = p.category")
	"UNION ALL " CONTRACT("3", "c.segment = u.segment AND c.sku = p.sku")
	"UNION ALL " CONTRACT("4", "c.segment = u.segment AND c.sku IS NULL AND c.category = p.category")
	") AS ranked ORDER BY rank LIMIT 1) AS k ON true "
	"LEFT JOIN LATERAL (SELECT * FROM (" BREAK("1", "b.sku = p.sku")
	"UNION ALL " BREAK("2", "b.sku IS NULL AND b.category = p.category")
	"UNION ALL " BREAK("3", "b.sku IS NULL AND b.category IS NULL")
	") AS ranked ORDER BY rank LIMIT 1) AS b ON true",
	.nargs = 8,
	.argtypes = {"bigint", "bigint[]", "numeric[]", "text", "timestamptz", "bigint", "boolean", "boolean"},
};

/* Units of the product in all lines of the order; few orders are so long that a look at each pair would matter. */
typedef struct ProductUnits
{
	int64		product_id;
	int			line;
} ProductUnits;

static int
compare_products(const void *a, const void *b)
{
	const ProductUnits *x = a;
	const ProductUnits *y = b;

	if (x->product_id != y->product_id)
		return x->product_id < y->product_id ? -1 : 1;
	return x->line - y->line;
}

static void
sum_units(const UsomOrderSet *set, UsomPricing *pricing)
{
	ProductUnits *products = palloc_array(ProductUnits, Max(pricing->nlines, 1));
	UsomPriceLine *lines = pricing->waterfall.lines;

	for (int i = 0; i < pricing->nlines; i++)
		products[i] = (ProductUnits) {set->lines[pricing->lines[i]].product_id, i};
	qsort(products, pricing->nlines, sizeof(ProductUnits), compare_products);
	for (int first = 0, next; first < pricing->nlines; first = next)
	{
		UsomQuantity units = 0;

		for (next = first; next < pricing->nlines && products[next].product_id == products[first].product_id; next++)
			units = usom_quantity_add(units, lines[products[next].line].quantity);
		for (int i = first; i < next; i++)
			lines[products[i].line].product_units = units;
	}
	pfree(products);
}

static void
fill_arrays(const UsomOrderSet *set, const UsomPricing *pricing, Datum *values)
{
	Datum	   *products = palloc_array(Datum, Max(pricing->nlines, 1));
	Datum	   *units = palloc_array(Datum, Max(pricing->nlines, 1));

	for (int i = 0; i < pricing->nlines; i++)
	{
		products[i] = Int64GetDatum(set->lines[pricing->lines[i]].product_id);
		units[i] = NumericGetDatum(usom_quantity_numeric(pricing->waterfall.lines[i].product_units));
	}
	values[0] = PointerGetDatum(construct_array_builtin(products, pricing->nlines, INT8OID));
	values[1] = PointerGetDatum(construct_array(units, pricing->nlines, NUMERICOID, -1, false, TYPALIGN_INT));
}

static int64
get_scaled(uint64 row, int column, int64 missing)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? missing : usom_money_of(DatumGetNumeric(value), USOM_AMOUNT_DECIMALS);
}

/* Columns: unit price, percent, rule. */
static UsomPriceRule
get_rule(uint64 row, int column)
{
	return (UsomPriceRule) {
		get_scaled(row, column, USOM_NO_UNIT_PRICE), get_scaled(row, column + 1, USOM_NO_PERCENT),
		usom_query_get_text(row, column + 2)
	};
}

static void
take_prices(UsomPriceLine *line, uint64 row)
{
	bool		isnull;

	line->sku = usom_query_get_text(row, 2);
	line->category = usom_query_get_text(row, 3);
	line->list = get_scaled(row, 4, USOM_NO_UNIT_PRICE);
	line->contract = get_rule(row, 5);
	line->is_net = !DatumGetBool(usom_query_get_or_null(row, 8, &isnull)) && !isnull;
	line->line_break = get_rule(row, 9);
}

void
usom_api_read_prices(const UsomOrderSet *set, UsomPricing *pricing, const UsomPriceRules *rules)
{
	const UsomOrder *order = &set->orders[pricing->order];
	UsomWaterfall *waterfall = &pricing->waterfall;
	Datum		values[8] = {Int64GetDatum(set->org_id)};
	bool		nulls[8] = {false};
	uint64		nrows;

	sum_units(set, pricing);
	fill_arrays(set, pricing, &values[1]);
	values[3] = CStringGetTextDatum(order->currency);
	values[4] = TimestampTzGetDatum(usom_order_price_time(order));
	values[5] = Int64GetDatum(order->customer_id);
	values[6] = BoolGetDatum(rules->has_contracts && order->customer_id != 0);
	values[7] = BoolGetDatum(rules->has_breaks);
	nulls[5] = order->customer_id == 0;
	nrows = usom_query_run(&select_prices, values, nulls);
	Ensure(nrows == (uint64) pricing->nlines, "prices of " UINT64_FORMAT " lines of %d", nrows, pricing->nlines);
	for (uint64 row = 0; row < nrows; row++)
		take_prices(&waterfall->lines[DatumGetInt32(usom_query_get(row, 1)) - 1], row);
	waterfall->segment = nrows > 0 ? usom_query_get_text(0, 12) : NULL;
}

/* ---- what the order was priced with before ---- */

static UsomQuery select_steps = {
	.text = "SELECT s.line_no, s.step, s.unit_price::numeric, s.rule, s.reason FROM usom.price_step s "
	"WHERE s.org_id = $1 AND s.sales_order_id = $2 AND s.version = (SELECT max(m.version) FROM usom.price_step m "
	"WHERE m.org_id = $1 AND m.sales_order_id = $2) ORDER BY s.line_no, s.step_no",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static int
find_line(const UsomOrderSet *set, int order, int32 line_no)
{
	for (int i = usom_order_first_line(set, order); i < set->nlines && set->lines[i].order == order; i++)
		if (set->lines[i].line_no == line_no)
			return i;
	return -1;
}

/* A line that has steps, but none of the document, was priced by rules. */
static void
take_step(const UsomOrderSet *set, int order, UsomPriceAsk *asks, bool *was_priced, uint64 row)
{
	int			line = find_line(set, order, DatumGetInt32(usom_query_get(row, 1)));
	const char *step = usom_query_get_text(row, 2);
	bool		isnull;
	Datum		price = usom_query_get_or_null(row, 3, &isnull);

	if (line < 0)
		return;
	was_priced[line] = true;
	if (isnull || asks[line].is_told)
		return;
	if (strcmp(step, "document") == 0)
		asks[line].unit_price = DatumGetNumericCopy(price);
	else if (strcmp(step, "manual") == 0 && asks[line].manual == NULL)
	{
		asks[line].manual = DatumGetNumericCopy(price);
		asks[line].manual_rule = usom_query_get_text(row, 4);
		asks[line].manual_reason = usom_query_get_text(row, 5);
	}
}

/* Plain SQL need not name the price of a draft's line. */
static bool
is_left_open(const UsomOrderSet *set, int line)
{
	return set->orders[set->lines[line].order].status_before == USOM_ORDER_DRAFT &&
		usom_unit_price_of(set->lines[line].unit_price) == 0;
}

void
usom_api_read_asks(const UsomOrderSet *set, int order, UsomPriceAsk *asks)
{
	Datum		values[] = {Int64GetDatum(set->org_id), Int64GetDatum(set->orders[order].sales_order_id)};
	uint64		nrows = usom_query_run(&select_steps, values, NULL);
	bool	   *was_priced = palloc0_array(bool, Max(set->nlines, 1));

	for (uint64 row = 0; row < nrows; row++)
		take_step(set, order, asks, was_priced, row);
	for (int i = usom_order_first_line(set, order); i < set->nlines && set->lines[i].order == order; i++)
		if (!asks[i].is_told && !was_priced[i] && asks[i].unit_price == NULL && asks[i].manual == NULL &&
			!is_left_open(set, i))
			asks[i].unit_price = set->lines[i].unit_price;
}
