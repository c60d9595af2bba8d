/*
 * substitute_price.c
 *		What substitutes cost: price, discount, freight and tax.
 *
 * The unit price is what the rule says.  Discount and freight of the units
 * that are replaced go over to those that replace them, the discount in
 * proportion to the price, so nobody pays delivery twice or loses what was
 * taken off.  Their tax is that of the product that is sent, or follows what
 * was told for the line that it replaces.
 *
 * Statements: list prices; told taxes and facts about taxes, where there are
 * taxes; the steps, after the lines are saved.  Locks: none; the orders are
 * locked.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/charge.h"
#include "api/substitute.h"

#include "base/call.h"
#include "base/compat.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "pricing/tax.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#define PRICE_DECIMALS 4

static UsomQuery read_prices = {
	.text = "SELECT r.ordinal, (SELECT round(t.unit_price / t.per, 4) FROM usom.price t WHERE t.org_id = $1 AND t.sku = r.sku AND t.unit = '' "
	"AND t.currency = r.currency AND t.valid_from <= $3 AND (t.valid_to IS NULL OR t.valid_to > $3) "
	"ORDER BY t.valid_from DESC LIMIT 1) FROM unnest($2) AS r",
	.nargs = 3,
	.argtypes = {"bigint", "usom._price_wanted[]", "timestamptz"},
};

static Numeric
kept_price(const UsomLine *line, const UsomSubstitute *substitute)
{
	Datum		value = DirectFunctionCall2(numeric_mul, NumericGetDatum(line->unit_price),
											NumericGetDatum(usom_quantity_numeric(substitute->quantity)));

	value = DirectFunctionCall2(numeric_div, value, NumericGetDatum(usom_quantity_numeric(substitute->substitute_quantity)));
	return DatumGetNumeric(DirectFunctionCall2(numeric_round, value, Int32GetDatum(PRICE_DECIMALS)));
}

static void
price_by_rule(const UsomOrderSet *set, UsomReplacement *replacement, Numeric list_price)
{
	int			line = usom_order_find_line(set, replacement->order, replacement->line_no);
	Numeric		kept = kept_price(&set->lines[line], replacement->substitute);

	replacement->unit_price = kept;
	if (list_price == NULL || strcmp(replacement->substitute->price_rule, "keep") == 0)
		return;
	if (strcmp(replacement->substitute->price_rule, "actual") == 0)
		replacement->unit_price = list_price;
	else
		replacement->unit_price = DatumGetNumeric(DirectFunctionCall2(numeric_smaller, NumericGetDatum(kept),
																	  NumericGetDatum(list_price)));
}

void
usom_api_price_replacements(const UsomOrderSet *set, UsomReplacement *replacements, int count)
{
	UsomRows   *rows = usom_rows_make("_price_wanted", count);
	Datum		parameters[3] = {Int64GetDatum(set->org_id)};

	for (int i = 0; i < count; i++)
	{
		Datum		values[3] = {
			Int32GetDatum(i),
			CStringGetTextDatum(replacements[i].substitute->substitute_sku),
			CStringGetTextDatum(set->orders[replacements[i].order].currency),
		};
		bool		nulls[3] = {false};

		usom_rows_add(rows, values, nulls);
	}
	parameters[1] = usom_rows_datum(rows);
	parameters[2] = TimestampTzGetDatum(usom_call_time());
	usom_query_run(&read_prices, parameters, NULL);
	for (int i = 0; i < count; i++)
	{
		bool		isnull;
		Datum		price = usom_query_get_or_null(i, 2, &isnull);

		price_by_rule(set, &replacements[DatumGetInt32(usom_query_get(i, 1))], isnull ? NULL : DatumGetNumericCopy(price));
	}
}

/* ---- discount and freight ---- */

/* What of an amount of all units of the line belongs to those that were cancelled meanwhile. */
static UsomMoney
gone(UsomMoney amount, const UsomLine *before, const UsomLine *after)
{
	UsomQuantity all = before->quantity;

	return usom_money_part(amount, all - before->counters.by_state[USOM_PIECE_CANCELLED], all) -
		usom_money_part(amount, all - after->counters.by_state[USOM_PIECE_CANCELLED], all);
}

void
usom_api_take_over_charges(const UsomLine *before, const UsomLine *after, UsomLine *substitute, UsomReplacement *replacement)
{
	int			decimals = before->decimals;
	UsomMoney	goods;
	UsomMoney	replaced;
	UsomMoney	discount;

	usom_order_clear_charges(substitute);
	if (likely(decimals == USOM_NO_DECIMALS))
		return;
	goods = usom_money_extend(substitute->unit_price, substitute->quantity, decimals);
	replaced = gone(usom_money_extend(before->unit_price, before->quantity, decimals), before, after);
	discount = gone(usom_money_of(before->discount, decimals), before, after);
	discount = replaced > 0 ? usom_money_scale(discount, goods, replaced) : 0;
	replacement->costs_the_same = goods == replaced;
	replacement->tax_before = gone(usom_money_of(before->tax, decimals), before, after);
	substitute->decimals = decimals;
	substitute->discount = usom_money_numeric(Min(discount, goods), decimals);
	substitute->freight = usom_money_numeric(gone(usom_money_of(before->freight, decimals), before, after), decimals);
}

/* ---- tax ---- */

static UsomQuery read_told = {
	.text = "SELECT r.n::integer, t.jurisdiction, t.amount::numeric, t.included, t.taxable::numeric "
	"FROM unnest($2, $3, $4) WITH ORDINALITY AS r (sales_order_id, line_no, product_id, n) "
	"JOIN usom.order_tax AS t ON t.org_id = $1 AND t.sales_order_id = r.sales_order_id AND t.line_no = r.line_no AND t.product_id = r.product_id",
	.nargs = 4,
	.argtypes = {"bigint", "bigint[]", "integer[]", "bigint[]"},
};

static UsomLine *
line_of(const UsomOrderSet *set, const UsomReplacement *replacement)
{
	return &set->lines[usom_order_find_line(set, replacement->order, replacement->substitute_line_no)];
}

static UsomMoney
taxable_of(const UsomLine *line)
{
	return usom_money_extend(line->unit_price, line->quantity, line->decimals) - usom_money_of(line->discount, line->decimals) +
		usom_money_of(line->freight, line->decimals);
}

/* In the proportion that was told for what is replaced. */
static void
take_told(const UsomOrderSet *set, UsomReplacement *replacement, uint64 row)
{
	UsomLine   *line = line_of(set, replacement);
	UsomMoney	told = usom_money_of(DatumGetNumeric(usom_query_get(row, 3)), line->decimals);
	UsomMoney	for_amount = usom_money_of(DatumGetNumeric(usom_query_get(row, 5)), line->decimals);
	UsomTaxAnswer *answer = palloc_object(UsomTaxAnswer);

	*answer = (UsomTaxAnswer) {
		line->line_no, line->product_id, usom_query_get_text(row, 2), 0, DatumGetBool(usom_query_get(row, 4)), taxable_of(line), line->decimals
	};
	answer->amount = for_amount > 0 ? usom_money_scale(told, answer->taxable, for_amount) : 0;
	line->tax = usom_money_numeric(answer->amount, line->decimals);
	line->tax_included = answer->included;
	replacement->told = answer;
	replacement->jurisdiction = answer->jurisdiction;
}

static void
follow_told(const UsomOrderSet *set, UsomReplacement *replacements, int count)
{
	Datum	   *orders = palloc_array(Datum, Max(count, 1));
	Datum	   *lines = palloc_array(Datum, Max(count, 1));
	Datum	   *products = palloc_array(Datum, Max(count, 1));
	Datum		values[4] = {Int64GetDatum(set->org_id)};
	bool		any = false;
	uint64		nrows;

	for (int i = 0; i < count; i++)
	{
		orders[i] = Int64GetDatum(set->orders[replacements[i].order].sales_order_id);
		lines[i] = Int32GetDatum(replacements[i].line_no);
		products[i] = Int64GetDatum(replacements[i].substitute->product_id);
		any |= line_of(set, &replacements[i])->decimals != USOM_NO_DECIMALS;
	}
	if (likely(!any))
		return;
	values[1] = PointerGetDatum(construct_array(orders, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[2] = PointerGetDatum(construct_array(lines, count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	values[3] = PointerGetDatum(construct_array(products, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	nrows = usom_query_run(&read_told, values, NULL);
	for (uint64 row = 0; row < nrows; row++)
		take_told(set, &replacements[DatumGetInt32(usom_query_get(row, 1)) - 1], row);
}

/* A line that nothing is told for, as the rates see it. */
static UsomPriceLine
as_priced(const UsomLine *line, int decimals)
{
	return (UsomPriceLine) {
		.line_no = line->line_no, .quantity = line->quantity,
		.goods = usom_money_extend(line->unit_price, line->quantity, decimals),
		.discount = usom_money_of(line->discount, decimals), .freight = usom_money_of(line->freight, decimals)
	};
}

/* What costs the same at the same rate has the very tax that went, so that the whole is as before. */
static void
set_tax(UsomLine *line, const UsomPriceLine *priced, const UsomReplacement *replacement, int decimals)
{
	bool		as_before = replacement->costs_the_same && Abs(priced->tax - replacement->tax_before) <= 1;

	line->decimals = decimals;
	line->discount = usom_money_numeric(priced->discount, decimals);
	line->freight = usom_money_numeric(priced->freight, decimals);
	line->tax = usom_money_numeric(as_before ? replacement->tax_before : priced->tax, decimals);
	line->tax_included = priced->tax_included;
}

/* Those of one order together, as rates are rounded. */
static void
tax_order(const UsomOrderSet *set, int order, UsomReplacement *replacements, int count)
{
	UsomChargeRequest request = {0};
	UsomWaterfall waterfall = {
		.at = usom_order_price_time(&set->orders[order]), .currency = set->orders[order].currency,
		.decimals = usom_currency_decimals(set->orders[order].currency), .lines = palloc_array(UsomPriceLine, count)
	};
	UsomReplacement **taxed = palloc_array(UsomReplacement *, count);
	int		   *lines = palloc_array(int, count);

	for (int i = 0; i < count; i++)
		if (replacements[i].order == order && replacements[i].told == NULL)
		{
			lines[waterfall.nlines] = usom_order_find_line(set, order, replacements[i].substitute_line_no);
			waterfall.lines[waterfall.nlines] = as_priced(&set->lines[lines[waterfall.nlines]], Max(waterfall.decimals, 0));
			taxed[waterfall.nlines++] = &replacements[i];
		}
	if (waterfall.nlines == 0 || waterfall.decimals == USOM_NO_DECIMALS)
		return;
	usom_api_add_taxes(set, order, &request, &waterfall, lines);
	for (int i = 0; i < waterfall.nsteps; i++)
	{
		const UsomPriceStep *step = &waterfall.steps[i];

		set_tax(&set->lines[lines[step->line]], &waterfall.lines[step->line], taxed[step->line], waterfall.decimals);
		taxed[step->line]->jurisdiction = pstrdup(step->rule);
	}
}

void
usom_api_tax_replacements(const UsomOrderSet *set, UsomReplacement *replacements, int count)
{
	follow_told(set, replacements, count);
	if (likely(usom_tax_rates(set->org_id) == NULL))
		return;
	for (int i = 0; i < set->norders; i++)
		tax_order(set, i, replacements, count);
}

/* ---- how the amounts came about ---- */

/* The steps of the other lines are those of the version that was priced last. */
static UsomQuery insert_steps = {
	.text = "WITH done AS (SELECT * FROM unnest($2, $3, $4, $5, $6) AS r (sales_order_id, version, line_no, substitute_line_no, jurisdiction)), "
	"kept AS (SELECT d.sales_order_id, d.version, s.line_no, s.step, s.rule, s.unit_price, s.before, s.after, s.reason, s.step_no "
	"FROM (SELECT DISTINCT x.sales_order_id, x.version FROM done AS x) AS d "
	"JOIN usom.price_step AS s ON s.org_id = $1 AND s.sales_order_id = d.sales_order_id AND s.version = ("
	"SELECT max(m.version) FROM usom.price_step AS m WHERE m.org_id = $1 AND m.sales_order_id = d.sales_order_id)), "
	"added AS (SELECT d.sales_order_id, d.version, l.line_no, x.step, x.rule, x.unit_price, x.before, x.after, x.reason, 2147483000 + x.place "
	"FROM done AS d JOIN usom.order_line AS l ON l.org_id = $1 AND l.sales_order_id = d.sales_order_id AND l.line_no = d.substitute_line_no "
	"CROSS JOIN LATERAL (SELECT round(l.unit_price * l.quantity, coalesce(l.decimals::integer, 4)) AS amount) AS g "
	"CROSS JOIN LATERAL (VALUES "
	"(1, 'document', 'substitution', l.unit_price::numeric, NULL, g.amount, format('in the place of line %s', d.line_no)), "
	"(2, 'promotion', NULL, NULL, g.amount, g.amount - l.discount, format('as for line %s', d.line_no)), "
	"(3, 'freight', NULL, NULL, g.amount - l.discount, g.amount - l.discount + l.freight, format('of line %s', d.line_no)), "
	"(4, 'tax', d.jurisdiction, NULL, g.amount - l.discount + l.freight, "
	"g.amount - l.discount + l.freight + CASE WHEN l.tax_included THEN 0 ELSE l.tax END, CASE WHEN l.tax_included THEN 'included' END)) "
	"AS x (place, step, rule, unit_price, before, after, reason) "
	"WHERE (x.place = 1 OR x.before <> x.after OR x.place = 4 AND d.jurisdiction IS NOT NULL) "
	"AND (l.decimals IS NOT NULL OR EXISTS (SELECT 1 FROM kept AS k WHERE k.sales_order_id = d.sales_order_id))), "
	"step AS (TABLE kept UNION ALL TABLE added) "
	"INSERT INTO usom.price_step (org_id, sales_order_id, version, step_no, line_no, step, rule, unit_price, before, after, reason) "
	"SELECT $1, s.sales_order_id, s.version, row_number() OVER (PARTITION BY s.sales_order_id ORDER BY s.step_no, s.line_no), s.line_no, "
	"s.step, s.rule, s.unit_price, s.before, s.after, s.reason FROM step AS s",
	.nargs = 6,
	.argtypes = {"bigint", "bigint[]", "integer[]", "integer[]", "integer[]", "text[]"},
};

static void
write_told(const UsomOrderSet *set, const UsomReplacement *replacements, int count)
{
	UsomTaxAnswers **answers = palloc_array(UsomTaxAnswers *, count);
	int64	   *orders = palloc_array(int64, count);
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		if (replacements[i].told == NULL)
			continue;
		answers[n] = palloc_object(UsomTaxAnswers);
		*answers[n] = (UsomTaxAnswers) {1, replacements[i].told};
		orders[n++] = set->orders[replacements[i].order].sales_order_id;
	}
	usom_api_write_taxes(set->org_id, answers, orders, n);
}

void
usom_api_write_replacement_prices(const UsomOrderSet *set, const UsomReplacement *replacements, int count)
{
	enum {ORDER, VERSION, LINE, SUBSTITUTE, JURISDICTION, COLUMNS};
	Datum	   *columns[COLUMNS];
	bool	   *no_tax = palloc_array(bool, Max(count, 1));
	Datum		values[6] = {Int64GetDatum(set->org_id)};
	int			lower = 1;

	for (int i = 0; i < COLUMNS; i++)
		columns[i] = palloc_array(Datum, Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		const UsomOrder *order = &set->orders[replacements[i].order];

		columns[ORDER][i] = Int64GetDatum(order->sales_order_id);
		columns[VERSION][i] = Int32GetDatum(order->version);
		columns[LINE][i] = Int32GetDatum(replacements[i].line_no);
		columns[SUBSTITUTE][i] = Int32GetDatum(replacements[i].substitute_line_no);
		no_tax[i] = replacements[i].jurisdiction == NULL;
		columns[JURISDICTION][i] = no_tax[i] ? (Datum) 0 : CStringGetTextDatum(replacements[i].jurisdiction);
	}
	values[1] = PointerGetDatum(construct_array(columns[ORDER], count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	for (int i = VERSION; i <= SUBSTITUTE; i++)
		values[1 + i] = PointerGetDatum(construct_array(columns[i], count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	values[5] = PointerGetDatum(construct_md_array(columns[JURISDICTION], no_tax, 1, &count, &lower, TEXTOID, -1, false, TYPALIGN_INT));
	usom_query_write(&insert_steps, values, NULL);
	write_told(set, replacements, count);
}
