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

/* kind, position, sku, category, rule or segment, unit price, percent, discountable, minimum, of any currency */
#define CONTRACT(kind, rule, condition) \
	"UNION ALL SELECT " kind ", l.position, NULL, NULL, " rule ", c.unit_price::numeric, c.percent, c.discountable, NULL, c.currency IS NULL " \
	"FROM line l JOIN usom.price_contract c ON c.org_id = $1 AND " condition " WHERE $7 AND " IN_FORCE("c")

#define BREAK(kind, condition) \
	"UNION ALL SELECT " kind ", l.position, NULL, NULL, 'from ' || trim_scale(b.min_quantity), b.unit_price::numeric, b.percent, NULL, " \
	"b.min_quantity::numeric, b.currency IS NULL FROM line l JOIN usom.price_break b ON b.org_id = $1 AND b.level = 'line' AND " condition \
	" AND b.min_quantity <= l.units WHERE $8 AND " IN_FORCE("b")

/* Kinds of rows, the more specific of a rule first. */
#define ROW_LINE 0
#define ROW_BREAK 5				/* to 7; 1 to 4 are contracts */

/* All rules that lines meet, each by its index; which of them counts is chosen here.  $7 and $8: there are contracts, breaks. */
static UsomQuery select_prices = {
	.text = "WITH line AS MATERIALIZED (SELECT r.position::int AS position, r.units, p.sku, p.category, "
	"(SELECT u.code FROM usom.customer u WHERE u.org_id = $1 AND u.customer_id = $6) AS customer, "
	"(SELECT u.segment FROM usom.customer u WHERE u.org_id = $1 AND u.customer_id = $6) AS segment "
	"FROM unnest($2, $3) WITH ORDINALITY AS r (product_id, units, position) "
	"JOIN usom.product p ON p.org_id = $1 AND p.product_id = r.product_id) "
	"SELECT 0, l.position, l.sku, l.category, l.segment, "
	"(SELECT round(t.unit_price / t.per, 4) FROM usom.price t WHERE t.org_id = $1 AND t.sku = l.sku AND t.unit = '' AND t.currency = $4 "
	"AND t.valid_from <= $5 AND (t.valid_to IS NULL OR t.valid_to > $5) ORDER BY t.valid_from DESC LIMIT 1), "
	"NULL::numeric, NULL::boolean, NULL::numeric, false FROM line l "
	CONTRACT("1", "'customer ' || c.customer", "c.customer = l.customer AND c.sku = l.sku")
	CONTRACT("2", "'customer ' || c.customer", "c.customer = l.customer AND c.sku IS NULL AND c.category = l.category")
	CONTRACT("3", "'segment ' || c.segment", "c.segment = l.segment AND c.sku = l.sku")
	CONTRACT("4", "'segment ' || c.segment", "c.segment = l.segment AND c.sku IS NULL AND c.category = l.category")
	BREAK("5", "b.sku = l.sku")
	BREAK("6", "b.sku IS NULL AND b.category = l.category")
	BREAK("7", "b.sku IS NULL AND b.category IS NULL"),
	.nargs = 8,
	.argtypes = {"bigint", "bigint[]", "numeric[]", "text", "timestamptz", "bigint", "boolean", "boolean"},
};

/* A contract or break that a line has met: which row of the result, and how well it fits. */
typedef struct MetRule
{
	int			kind;			/* 0: none */
	int64		minimum;
	bool		any_currency;
} MetRule;

/* A line, to be sorted by its product. */
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

/* The more specific one, then the one with the higher minimum, then the one of the currency. */
static bool
fits_better(const MetRule *rule, const MetRule *best)
{
	if (best->kind == 0 || rule->kind != best->kind)
		return best->kind == 0 || rule->kind < best->kind;
	if (rule->minimum != best->minimum)
		return rule->minimum > best->minimum;
	return best->any_currency && !rule->any_currency;
}

static void
take_rule(UsomPriceLine *line, MetRule *contract, MetRule *met_break, uint64 row, int kind)
{
	bool		isnull;
	MetRule		rule = {kind, get_scaled(row, 9, 0), DatumGetBool(usom_query_get(row, 10))};
	bool		is_break = kind >= ROW_BREAK;
	UsomPriceRule found;

	if (!fits_better(&rule, is_break ? met_break : contract))
		return;
	found = (UsomPriceRule) {
		get_scaled(row, 6, USOM_NO_UNIT_PRICE), get_scaled(row, 7, USOM_NO_PERCENT), usom_query_get_text(row, 5)
	};
	*(is_break ? met_break : contract) = rule;
	*(is_break ? &line->line_break : &line->contract) = found;
	if (!is_break)
		line->is_net = !DatumGetBool(usom_query_get_or_null(row, 8, &isnull));
}

/* Returns how many lines there are among the rows. */
static int
take_rows(UsomWaterfall *waterfall, uint64 nrows)
{
	MetRule    *contracts = palloc0_array(MetRule, Max(waterfall->nlines, 1));
	MetRule    *breaks = palloc0_array(MetRule, Max(waterfall->nlines, 1));
	int			nlines = 0;

	for (int i = 0; i < waterfall->nlines; i++)
		waterfall->lines[i].contract = waterfall->lines[i].line_break =
			(UsomPriceRule) {USOM_NO_UNIT_PRICE, USOM_NO_PERCENT, NULL};
	for (uint64 row = 0; row < nrows; row++)
	{
		int			kind = DatumGetInt32(usom_query_get(row, 1));
		int			place = DatumGetInt32(usom_query_get(row, 2)) - 1;
		UsomPriceLine *line = &waterfall->lines[place];

		if (kind != ROW_LINE)
		{
			take_rule(line, &contracts[place], &breaks[place], row, kind);
			continue;
		}
		line->sku = usom_query_get_text(row, 3);
		line->category = usom_query_get_text(row, 4);
		line->list = get_scaled(row, 6, USOM_NO_UNIT_PRICE);
		if (nlines++ == 0)
			waterfall->segment = usom_query_get_text(row, 5);
	}
	return nlines;
}

void
usom_api_read_prices(const UsomOrderSet *set, UsomPricing *pricing, const UsomPriceRules *rules)
{
	const UsomOrder *order = &set->orders[pricing->order];
	UsomWaterfall *waterfall = &pricing->waterfall;
	Datum		values[8] = {Int64GetDatum(set->org_id)};
	bool		nulls[8] = {false};
	uint64		nrows;
	int			nlines;

	sum_units(set, pricing);
	fill_arrays(set, pricing, &values[1]);
	values[3] = CStringGetTextDatum(order->currency);
	values[4] = TimestampTzGetDatum(usom_order_price_time(order));
	values[5] = Int64GetDatum(order->customer_id);
	values[6] = BoolGetDatum(rules->has_contracts && order->customer_id != 0);
	values[7] = BoolGetDatum(rules->has_breaks);
	nulls[5] = order->customer_id == 0;
	nrows = usom_query_run(&select_prices, values, nulls);
	nlines = take_rows(waterfall, nrows);
	Ensure(nlines == pricing->nlines, "prices of %d lines of %d", nlines, pricing->nlines);
}

/* ---- what the order was priced with before ---- */

static UsomQuery select_steps = {
	.text = "SELECT s.line_no, s.step, s.unit_price::numeric, s.rule, s.reason, u.product_id, u.unit, u.quantity::numeric, u.per::numeric, "
	"u.unit_price::numeric FROM usom.price_step s "
	"LEFT JOIN usom.line_unit u ON u.org_id = $1 AND u.sales_order_id = $2 AND u.line_no = s.line_no "
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

/* The unit that the line was ordered in, if it is about that product still. */
static void
take_pack(const UsomLine *line, UsomPriceAsk *ask, uint64 row)
{
	bool		isnull;
	Datum		product_id = usom_query_get_or_null(row, 6, &isnull);
	Datum		price;

	if (likely(isnull) || ask->pack != NULL || DatumGetInt64(product_id) != line->product_id)
		return;
	ask->pack = usom_unit_make(usom_query_get_text(row, 7), usom_quantity_of(DatumGetNumeric(usom_query_get(row, 8))),
							   usom_quantity_of(DatumGetNumeric(usom_query_get(row, 9))), true, false);
	price = usom_query_get_or_null(row, 10, &isnull);
	ask->pack_price = isnull ? NULL : DatumGetNumericCopy(price);
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
	if (asks[line].is_told)
		return;
	take_pack(&set->lines[line], &asks[line], row);
	if (isnull)
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

/* ---- list prices of boxes ---- */

static UsomQuery select_pack_prices = {
	.text = "SELECT r.position::int, (SELECT round(t.unit_price / t.per, 4) FROM usom.price t WHERE t.org_id = $1 AND t.sku = r.sku "
	"AND t.unit = r.unit AND t.currency = $4 AND t.valid_from <= $5 AND (t.valid_to IS NULL OR t.valid_to > $5) "
	"ORDER BY t.valid_from DESC LIMIT 1) FROM unnest($2, $3) WITH ORDINALITY AS r (sku, unit, position)",
	.nargs = 5,
	.argtypes = {"bigint", "text[]", "text[]", "text", "timestamptz"},
};

void
usom_api_read_pack_prices(const UsomOrderSet *set, UsomPricing *pricing, UsomPriceAsk *asks)
{
	Datum	   *skus = palloc_array(Datum, Max(pricing->nlines, 1));
	Datum	   *units = palloc_array(Datum, Max(pricing->nlines, 1));
	int		   *lines = palloc_array(int, Max(pricing->nlines, 1));
	Datum		values[5] = {Int64GetDatum(set->org_id)};
	int			n = 0;

	for (int i = 0; i < pricing->nlines; i++)
	{
		if (likely(asks[pricing->lines[i]].pack == NULL))
			continue;
		skus[n] = CStringGetTextDatum(pricing->waterfall.lines[i].sku);
		units[n] = CStringGetTextDatum(asks[pricing->lines[i]].pack->name);
		lines[n++] = pricing->lines[i];
	}
	if (likely(n == 0))
		return;
	values[1] = PointerGetDatum(construct_array_builtin(skus, n, TEXTOID));
	values[2] = PointerGetDatum(construct_array_builtin(units, n, TEXTOID));
	values[3] = CStringGetTextDatum(pricing->waterfall.currency);
	values[4] = TimestampTzGetDatum(pricing->waterfall.at);
	usom_query_run(&select_pack_prices, values, NULL);
	for (int row = 0; row < n; row++)
	{
		bool		isnull;
		Datum		price = usom_query_get_or_null(row, 2, &isnull);

		asks[lines[DatumGetInt32(usom_query_get(row, 1)) - 1]].pack_list = isnull ? NULL : DatumGetNumericCopy(price);
	}
}
