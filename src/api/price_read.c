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
	rule ".valid_from <= q.at AND (" rule ".valid_to IS NULL OR " rule ".valid_to > q.at) " \
	"AND (" rule ".currency = q.currency OR " rule ".currency IS NULL) "

/* kind, position, sku, category, segment or rule, unit price, percent, discountable, minimum, of any currency */
#define CONTRACT(kind, from, position, category, rule, condition) \
	"UNION ALL SELECT " kind ", " position ", NULL, " category ", " rule ", c.unit_price::numeric, c.percent, c.discountable, NULL, c.currency IS NULL " \
	"FROM " from " JOIN usom.price_contract c ON c.org_id = $1 AND " condition " WHERE (q.kinds)[" kind "] AND " IN_FORCE("c")

#define BREAK(kind, from, position, category, most, condition) \
	"UNION ALL SELECT " kind ", " position ", NULL, " category ", 'from ' || trim_scale(b.min_quantity), b.unit_price::numeric, b.percent, NULL, " \
	"b.min_quantity::numeric, b.currency IS NULL FROM " from " JOIN usom.price_break b ON b.org_id = $1 AND b.level = 'line' AND " condition \
	" AND b.min_quantity <= " most " WHERE (q.kinds)[" kind "] AND " IN_FORCE("b")

/* Kinds of rows: 0 is a line, the others are those of rules.h. */
#define ROW_LINE 0

/*
 * All rules that lines meet, those of products by the index of their line,
 * those of categories by the category; which of them counts is chosen here.
 * q.kinds: of which there are any; q.most: the most units of a product.  A product
 * that comes with the order has no row yet: it meets the rules for all alone.
 */
#define PRICES \
	"WITH line AS MATERIALIZED (SELECT r.position::int AS position, r.units, coalesce(p.sku, '') AS sku, p.category " \
	"FROM unnest(q.products, q.units) WITH ORDINALITY AS r (product_id, units, position) " \
	"LEFT JOIN usom.product p ON p.org_id = $1 AND p.product_id = r.product_id), " \
	"buyer AS MATERIALIZED (SELECT u.code, u.segment FROM usom.customer u WHERE u.org_id = $1 AND u.customer_id = q.customer_id), " \
	"category AS MATERIALIZED (SELECT DISTINCT l.category FROM line l WHERE l.category IS NOT NULL AND ((q.kinds)[2] OR (q.kinds)[4] OR (q.kinds)[6])) " \
	"SELECT 0, l.position, l.sku, l.category, (SELECT u.segment FROM buyer u), " \
	"(SELECT round(t.unit_price / t.per, 4) FROM usom.price t WHERE t.org_id = $1 AND t.sku = l.sku AND t.unit = '' AND t.currency = q.currency " \
	"AND t.valid_from <= q.at AND (t.valid_to IS NULL OR t.valid_to > q.at) ORDER BY t.valid_from DESC LIMIT 1), " \
	"NULL::numeric, NULL::boolean, NULL::numeric, false FROM line l " \
	CONTRACT("1", "buyer u CROSS JOIN line l", "l.position", "NULL", "'customer ' || c.customer", "c.customer = u.code AND c.sku = l.sku") \
	CONTRACT("2", "buyer u CROSS JOIN category k", "NULL", "k.category", "'customer ' || c.customer", "c.customer = u.code AND c.sku IS NULL AND c.category = k.category") \
	CONTRACT("3", "buyer u CROSS JOIN line l", "l.position", "NULL", "'segment ' || c.segment", "c.segment = u.segment AND c.sku = l.sku") \
	CONTRACT("4", "buyer u CROSS JOIN category k", "NULL", "k.category", "'segment ' || c.segment", "c.segment = u.segment AND c.sku IS NULL AND c.category = k.category") \
	BREAK("5", "line l", "l.position", "NULL", "l.units", "b.sku = l.sku") \
	BREAK("6", "category k", "NULL", "k.category", "q.most", "b.sku IS NULL AND b.category = k.category") \
	BREAK("7", "(SELECT 1) AS one", "NULL", "NULL", "q.most", "b.sku IS NULL AND b.category IS NULL")

static UsomQuery select_prices = {
	.text = "SELECT a.* FROM (SELECT $2 AS products, $3 AS units, $4 AS currency, $5 AS at, $6 AS customer_id, $7 AS kinds, $8 AS most) AS q "
	"CROSS JOIN LATERAL (" PRICES ") AS a",
	.nargs = 8,
	.argtypes = {"bigint", "bigint[]", "numeric[]", "text", "timestamptz", "bigint", "boolean[]", "numeric"},
};

static UsomQuery select_prices_of_many = {
	.text = "SELECT a.*, q.position FROM unnest($2) AS q CROSS JOIN LATERAL (" PRICES ") AS a",
	.nargs = 2,
	.argtypes = {"bigint", "usom._price_question[]"},
};

/* A contract or break that a line has met, and how well it fits. */
typedef struct MetRule
{
	int			kind;			/* 0: none */
	UsomQuantity minimum;
	bool		any_currency;
} MetRule;

/* A line, to be sorted by its category. */
typedef struct CategoryLine
{
	const char *category;
	int			line;
} CategoryLine;

/* What is taken from the rows of the statement. */
typedef struct Reading
{
	UsomPriceLine *lines;
	int			nlines;
	MetRule    *contracts;		/* by line */
	MetRule    *breaks;
	CategoryLine *by_category;	/* lines that have one, once all lines are read */
	int			ncategorized;
} Reading;

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
take_rule(Reading *reading, int line, const MetRule *rule, const UsomPriceRule *found, bool is_net)
{
	bool		is_break = rule->kind >= USOM_BREAK_OF_PRODUCT;
	MetRule    *best = is_break ? &reading->breaks[line] : &reading->contracts[line];

	if (rule->minimum > reading->lines[line].product_units || !fits_better(rule, best))
		return;
	*best = *rule;
	*(is_break ? &reading->lines[line].line_break : &reading->lines[line].contract) = *found;
	if (!is_break)
		reading->lines[line].is_net = is_net;
}

static int
compare_categories(const void *a, const void *b)
{
	return strcmp(((const CategoryLine *) a)->category, ((const CategoryLine *) b)->category);
}

/* The first of the lines with the category, or where they would be. */
static int
first_of_category(const Reading *reading, const char *category)
{
	int			low = 0;
	int			high = reading->ncategorized;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (strcmp(reading->by_category[middle].category, category) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A rule of one line, of those of a category, or of all. */
static void
take_row(Reading *reading, uint64 row)
{
	bool		isnull;
	bool		not_discountable = !DatumGetBool(usom_query_get_or_null(row, 8, &isnull));
	bool		is_net = !isnull && not_discountable;
	Datum		minimum = usom_query_get_or_null(row, 9, &isnull);
	MetRule		rule = {
		DatumGetInt32(usom_query_get(row, 1)), isnull ? 0 : usom_quantity_of(DatumGetNumeric(minimum)), DatumGetBool(usom_query_get(row, 10))
	};
	UsomPriceRule found = {get_scaled(row, 6, USOM_NO_UNIT_PRICE), get_scaled(row, 7, USOM_NO_PERCENT), usom_query_get_text(row, 5)};
	int32		position = DatumGetInt32(usom_query_get_or_null(row, 2, &isnull));
	const char *category = usom_query_get_text(row, 4);

	if (!isnull)
		take_rule(reading, position - 1, &rule, &found, is_net);
	else if (category == NULL)
		for (int i = 0; i < reading->nlines; i++)
			take_rule(reading, i, &rule, &found, is_net);
	else
		for (int i = first_of_category(reading, category);
			 i < reading->ncategorized && strcmp(reading->by_category[i].category, category) == 0; i++)
			take_rule(reading, reading->by_category[i].line, &rule, &found, is_net);
}

static void
take_line(UsomWaterfall *waterfall, uint64 row)
{
	UsomPriceLine *line = &waterfall->lines[DatumGetInt32(usom_query_get(row, 2)) - 1];

	line->sku = usom_query_get_text(row, 3);
	line->category = usom_query_get_text(row, 4);
	line->list = get_scaled(row, 6, USOM_NO_UNIT_PRICE);
	if (waterfall->segment == NULL)
		waterfall->segment = usom_query_get_text(row, 5);
}

static void
sort_by_category(Reading *reading)
{
	reading->by_category = palloc_array(CategoryLine, Max(reading->nlines, 1));
	for (int i = 0; i < reading->nlines; i++)
		if (reading->lines[i].category != NULL)
			reading->by_category[reading->ncategorized++] = (CategoryLine) {reading->lines[i].category, i};
	qsort(reading->by_category, reading->ncategorized, sizeof(CategoryLine), compare_categories);
}

/* Lines come first.  Returns how many there are among the rows. */
static int
take_rows(UsomWaterfall *waterfall, uint64 nrows)
{
	Reading		reading = {
		.lines = waterfall->lines, .nlines = waterfall->nlines,
		.contracts = palloc0_array(MetRule, Max(waterfall->nlines, 1)), .breaks = palloc0_array(MetRule, Max(waterfall->nlines, 1))
	};
	uint64		row = 0;
	int			nlines;

	for (int i = 0; i < waterfall->nlines; i++)
		waterfall->lines[i].contract = waterfall->lines[i].line_break =
			(UsomPriceRule) {USOM_NO_UNIT_PRICE, USOM_NO_PERCENT, NULL};
	for (; row < nrows && DatumGetInt32(usom_query_get(row, 1)) == ROW_LINE; row++)
		take_line(waterfall, row);
	nlines = (int) row;
	sort_by_category(&reading);
	for (; row < nrows; row++)
		take_row(&reading, row);
	return nlines;
}

/* Which kinds of rules there are for an order of the customer. */
static Datum
kinds_wanted(const UsomPriceRules *rules, bool has_customer)
{
	Datum		kinds[USOM_PRICE_RULE_KINDS];

	for (int i = 0; i < USOM_PRICE_RULE_KINDS; i++)
		kinds[i] = BoolGetDatum(rules->has_kind[i + 1] && (has_customer || i + 1 >= USOM_BREAK_OF_PRODUCT));
	return PointerGetDatum(construct_array(kinds, USOM_PRICE_RULE_KINDS, BOOLOID, 1, true, TYPALIGN_CHAR));
}

static Datum
most_units(const UsomPricing *pricing)
{
	UsomQuantity most = 0;

	for (int i = 0; i < pricing->nlines; i++)
		most = Max(most, pricing->waterfall.lines[i].product_units);
	return NumericGetDatum(usom_quantity_numeric(most));
}

/* products, units, currency, at, customer, kinds, most */
static void
fill_question(const UsomOrderSet *set, UsomPricing *pricing, const UsomPriceRules *rules, Datum *values, bool *nulls)
{
	const UsomOrder *order = &set->orders[pricing->order];

	sum_units(set, pricing);
	fill_arrays(set, pricing, values);
	values[2] = CStringGetTextDatum(order->currency);
	values[3] = TimestampTzGetDatum(usom_order_price_time(order));
	values[4] = Int64GetDatum(order->customer_id);
	values[5] = kinds_wanted(rules, order->customer_id != 0);
	values[6] = most_units(pricing);
	nulls[4] = order->customer_id == 0;
}

void
usom_api_read_prices(const UsomOrderSet *set, UsomPricing *pricing, const UsomPriceRules *rules, SPITupleTable *foreseen)
{
	Datum		values[8] = {Int64GetDatum(set->org_id)};
	bool		nulls[8] = {false};
	uint64		nrows;
	int			nlines;

	fill_question(set, pricing, rules, &values[1], &nulls[1]);
	nrows = foreseen != NULL ? usom_query_take(foreseen) : usom_query_run(&select_prices, values, nulls);
	nlines = take_rows(&pricing->waterfall, nrows);
	Ensure(nlines == pricing->nlines, "prices of %d lines of %d", nlines, pricing->nlines);
}

void
usom_api_foresee_line_prices(const UsomPriceWish *wishes, UsomPricing *const *pricings, int count, const UsomPriceRules *rules)
{
	UsomRows   *rows = usom_rows_make("_price_question", count);
	Datum		values[2] = {Int64GetDatum(wishes[0].set->org_id)};
	SPITupleTable **parts;

	for (int i = 0; i < count; i++)
	{
		Datum		question[8] = {Int32GetDatum(i + 1)};
		bool		nulls[8] = {false};

		fill_question(wishes[i].set, pricings[i], rules, &question[1], &nulls[1]);
		usom_rows_add(rows, question, nulls);
	}
	values[1] = usom_rows_datum(rows);
	usom_query_run(&select_prices_of_many, values, NULL);
	parts = usom_query_cut(count);
	for (int i = 0; i < count; i++)
		wishes[i].request->prices = parts[i];
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
	const char *rule = usom_query_get_text(row, 4);
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
	{
		asks[line].unit_price = DatumGetNumericCopy(price);
		asks[line].stands = rule != NULL && strcmp(rule, "substitution") == 0;
	}
	else if (strcmp(step, "manual") == 0 && asks[line].manual == NULL)
	{
		asks[line].manual = DatumGetNumericCopy(price);
		asks[line].manual_rule = rule;
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

#define PACK_PRICES \
	"SELECT r.position::int, (SELECT round(t.unit_price / t.per, 4) FROM usom.price t JOIN usom.product p ON p.org_id = $1 AND p.sku = t.sku " \
	"WHERE t.org_id = $1 AND p.product_id = r.product_id AND t.unit = r.unit AND t.currency = q.currency AND t.valid_from <= q.at " \
	"AND (t.valid_to IS NULL OR t.valid_to > q.at) ORDER BY t.valid_from DESC LIMIT 1) " \
	"FROM unnest(q.products, q.units) WITH ORDINALITY AS r (product_id, unit, position)"

static UsomQuery select_pack_prices = {
	.text = "SELECT a.* FROM (SELECT $2 AS products, $3 AS units, $4 AS currency, $5 AS at) AS q CROSS JOIN LATERAL (" PACK_PRICES ") AS a",
	.nargs = 5,
	.argtypes = {"bigint", "bigint[]", "text[]", "text", "timestamptz"},
};

static UsomQuery select_pack_prices_of_many = {
	.text = "SELECT a.*, q.position FROM unnest($2) AS q CROSS JOIN LATERAL (" PACK_PRICES ") AS a",
	.nargs = 2,
	.argtypes = {"bigint", "usom._pack_question[]"},
};

/* products, units, currency, at; returns of how many lines, whose indexes in the set are noted. */
static int
fill_packs(const UsomOrderSet *set, const UsomPricing *pricing, const UsomPriceAsk *asks, Datum *values, int *lines)
{
	Datum	   *products = palloc_array(Datum, Max(pricing->nlines, 1));
	Datum	   *units = palloc_array(Datum, Max(pricing->nlines, 1));
	int			n = 0;

	for (int i = 0; i < pricing->nlines; i++)
	{
		int			line = pricing->lines[i];

		if (likely(asks[line].pack == NULL))
			continue;
		products[n] = Int64GetDatum(set->lines[line].product_id);
		units[n] = CStringGetTextDatum(asks[line].pack->name);
		lines[n++] = line;
	}
	values[0] = PointerGetDatum(construct_array_builtin(products, n, INT8OID));
	values[1] = PointerGetDatum(construct_array_builtin(units, n, TEXTOID));
	values[2] = CStringGetTextDatum(pricing->waterfall.currency);
	values[3] = TimestampTzGetDatum(pricing->waterfall.at);
	return n;
}

static bool
has_packs(const UsomPricing *pricing, const UsomPriceAsk *asks)
{
	for (int i = 0; i < pricing->nlines; i++)
		if (unlikely(asks[pricing->lines[i]].pack != NULL))
			return true;
	return false;
}

void
usom_api_read_pack_prices(const UsomOrderSet *set, UsomPricing *pricing, UsomPriceAsk *asks, SPITupleTable *foreseen)
{
	Datum		values[5] = {Int64GetDatum(set->org_id)};
	int		   *lines;
	int			n;

	if (likely(!has_packs(pricing, asks)))
		return;
	lines = palloc_array(int, pricing->nlines);
	n = fill_packs(set, pricing, asks, &values[1], lines);
	if (foreseen != NULL)
		usom_query_take(foreseen);
	else
		usom_query_run(&select_pack_prices, values, NULL);
	for (int row = 0; row < n; row++)
	{
		bool		isnull;
		Datum		price = usom_query_get_or_null(row, 2, &isnull);

		asks[lines[DatumGetInt32(usom_query_get(row, 1)) - 1]].pack_list = isnull ? NULL : DatumGetNumericCopy(price);
	}
}

void
usom_api_foresee_pack_prices(const UsomPriceWish *wishes, UsomPricing *const *pricings, int count)
{
	UsomRows   *rows = usom_rows_make("_pack_question", count);
	Datum		values[2] = {Int64GetDatum(wishes[0].set->org_id)};
	SPITupleTable **parts;

	for (int i = 0; i < count; i++)
	{
		Datum		question[5] = {Int32GetDatum(i + 1)};
		bool		nulls[5] = {false};

		if (likely(!has_packs(pricings[i], wishes[i].request->asks)))
			continue;
		fill_packs(wishes[i].set, pricings[i], wishes[i].request->asks, &question[1], palloc_array(int, pricings[i]->nlines));
		usom_rows_add(rows, question, nulls);
	}
	if (usom_rows_count(rows) == 0)
		return;
	values[1] = usom_rows_datum(rows);
	usom_query_run(&select_pack_prices_of_many, values, NULL);
	parts = usom_query_cut(count);
	for (int i = 0; i < count; i++)
		if (has_packs(pricings[i], wishes[i].request->asks))
			wishes[i].request->pack_prices = parts[i];
}
