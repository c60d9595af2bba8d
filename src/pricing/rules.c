/*
 * rules.c
 *		Promotions and breaks of orders, remembered by the backend.
 *
 * Of contracts, breaks of lines and coupons it is remembered whether there are
 * any: those of an order are read with its lines.
 *
 * Memory: in a context of the memo (base/memo.h).  Locks: none.
 */
#include "postgres.h"

#include "pricing/rules.h"

#include "base/memo.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static UsomQuery ask = {
	.text = "SELECT EXISTS (SELECT 1 FROM usom.price_contract c WHERE c.org_id = $1 AND c.customer IS NOT NULL AND c.sku IS NOT NULL), "
	"EXISTS (SELECT 1 FROM usom.price_contract c WHERE c.org_id = $1 AND c.customer IS NOT NULL AND c.sku IS NULL), "
	"EXISTS (SELECT 1 FROM usom.price_contract c WHERE c.org_id = $1 AND c.segment IS NOT NULL AND c.sku IS NOT NULL), "
	"EXISTS (SELECT 1 FROM usom.price_contract c WHERE c.org_id = $1 AND c.segment IS NOT NULL AND c.sku IS NULL), "
	"EXISTS (SELECT 1 FROM usom.price_break b WHERE b.org_id = $1 AND b.level = 'line' AND b.sku IS NOT NULL), "
	"EXISTS (SELECT 1 FROM usom.price_break b WHERE b.org_id = $1 AND b.level = 'line' AND b.category IS NOT NULL), "
	"EXISTS (SELECT 1 FROM usom.price_break b WHERE b.org_id = $1 AND b.level = 'line' AND b.sku IS NULL AND b.category IS NULL), "
	"EXISTS (SELECT 1 FROM usom.coupon c WHERE c.org_id = $1)",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static UsomQuery select_promotions = {
	.text = "SELECT p.code, concat_ws(': ', p.name, CASE WHEN p.percent IS NOT NULL THEN format('%s %% off', trim_scale(p.percent)) "
	"WHEN p.amount IS NULL THEN format('%s %s a unit', trim_scale(p.unit_price), p.currency) "
	"WHEN p.level = 'order' THEN format('%s %s off', trim_scale(p.amount), p.currency) "
	"ELSE format('%s %s off a unit', trim_scale(p.amount), p.currency) END), "
	"p.level = 'order', p.segment, p.channel, p.category, "
	"ARRAY(SELECT s.sku FROM unnest(p.skus) AS s (sku) ORDER BY s.sku COLLATE \"C\"), p.currency::text, "
	"p.min_quantity::numeric, p.max_quantity::numeric, p.min_value::numeric, p.percent, p.amount::numeric, p.unit_price::numeric, "
	"p.stacks, (SELECT count(DISTINCT g.exclusion_group) FROM usom.promotion g WHERE g.org_id = $1 "
	"AND g.exclusion_group <= p.exclusion_group)::int - 1, "
	"p.needs_coupon, p.active, p.valid_from, coalesce(p.valid_to, 'infinity') "
	"FROM usom.promotion p WHERE p.org_id = $1 ORDER BY p.priority, p.code COLLATE \"C\"",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static UsomQuery select_breaks = {
	.text = "SELECT b.sku, b.category, b.currency::text, format('from %s %s', trim_scale(b.min_value), b.currency), "
	"b.min_value::numeric, b.percent, b.valid_from, coalesce(b.valid_to, 'infinity') "
	"FROM usom.price_break b WHERE b.org_id = $1 AND b.level = 'order' "
	"ORDER BY b.sku IS NULL, b.category IS NULL, b.min_value DESC, b.price_break_id",
	.nargs = 1,
	.argtypes = {"bigint"},
};

/* A numeric with four decimals as it is kept here, or what stands for null. */
static int64
get_scaled(uint64 row, int column, int64 missing)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? missing : usom_money_of(DatumGetNumeric(value), USOM_AMOUNT_DECIMALS);
}

static UsomQuantity
get_quantity(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? 0 : usom_quantity_of(DatumGetNumeric(value));
}

static const char **
get_skus(uint64 row, int column, int *count)
{
	Datum	   *elements;
	bool	   *nulls;
	const char **skus;

	deconstruct_array(DatumGetArrayTypeP(usom_query_get(row, column)), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, count);
	skus = palloc_array(const char *, Max(*count, 1));
	for (int i = 0; i < *count; i++)
		skus[i] = TextDatumGetCString(elements[i]);
	return skus;
}

static UsomPromotion *
get_promotion(uint64 row)
{
	UsomPromotion *promotion = palloc_object(UsomPromotion);

	*promotion = (UsomPromotion) {
		.code = usom_query_get_text(row, 1),
		.reason = usom_query_get_text(row, 2),
		.of_order = DatumGetBool(usom_query_get(row, 3)),
		.segment = usom_query_get_text(row, 4),
		.channel = usom_query_get_text(row, 5),
		.category = usom_query_get_text(row, 6),
		.currency = usom_query_get_text(row, 8),
		.min_quantity = get_quantity(row, 9),
		.max_quantity = get_quantity(row, 10),
		.min_value = get_scaled(row, 11, 0),
		.percent = get_scaled(row, 12, USOM_NO_PERCENT),
		.amount = get_scaled(row, 13, 0),
		.unit_price = get_scaled(row, 14, USOM_NO_UNIT_PRICE),
		.stacks = DatumGetBool(usom_query_get(row, 15)),
		.group = DatumGetInt32(usom_query_get(row, 16)),
		.needs_coupon = DatumGetBool(usom_query_get(row, 17)),
		.active = DatumGetBool(usom_query_get(row, 18)),
		.valid_from = DatumGetTimestampTz(usom_query_get(row, 19)),
		.valid_to = DatumGetTimestampTz(usom_query_get(row, 20)),
	};
	promotion->skus = get_skus(row, 7, &promotion->nskus);
	return promotion;
}

static void
read_promotions(UsomPriceRules *rules, Datum *values)
{
	rules->npromotions = (int) usom_memo_look(&select_promotions, values);
	rules->promotions = palloc_array(const UsomPromotion *, Max(rules->npromotions, 1));
	for (int row = 0; row < rules->npromotions; row++)
		rules->promotions[row] = get_promotion(row);
	SPI_freetuptable(SPI_tuptable);
}

static void
read_breaks(UsomPriceRules *rules, Datum *values)
{
	rules->nbreaks = (int) usom_memo_look(&select_breaks, values);
	rules->breaks = palloc_array(UsomOrderBreak, Max(rules->nbreaks, 1));
	for (int row = 0; row < rules->nbreaks; row++)
		rules->breaks[row] = (UsomOrderBreak) {
			.sku = usom_query_get_text(row, 1),
			.category = usom_query_get_text(row, 2),
			.currency = usom_query_get_text(row, 3),
			.rule = usom_query_get_text(row, 4),
			.min_value = get_scaled(row, 5, 0),
			.percent = get_scaled(row, 6, USOM_NO_PERCENT),
			.valid_from = DatumGetTimestampTz(usom_query_get(row, 7)),
			.valid_to = DatumGetTimestampTz(usom_query_get(row, 8)),
		};
	SPI_freetuptable(SPI_tuptable);
}

static const void *
read_rules(int64 org_id)
{
	UsomPriceRules *rules = palloc0_object(UsomPriceRules);
	Datum		values[] = {Int64GetDatum(org_id)};

	usom_memo_look(&ask, values);
	for (int kind = 1; kind <= USOM_PRICE_RULE_KINDS; kind++)
		rules->is_any |= rules->has_kind[kind] = DatumGetBool(usom_query_get(0, kind));
	rules->has_coupons = DatumGetBool(usom_query_get(0, USOM_PRICE_RULE_KINDS + 1));
	SPI_freetuptable(SPI_tuptable);
	read_promotions(rules, values);
	read_breaks(rules, values);
	rules->is_any = rules->is_any || rules->has_coupons || rules->npromotions > 0 || rules->nbreaks > 0;
	return rules;
}

static const UsomPriceRules no_rules;

static UsomMemo memo = {
	.name = "usom price rules",
	.tables = {"price_contract", "price_break", "promotion", "coupon"},
	.read = read_rules,
	.rules = {"price_contract", "price_break", "promotion", "coupon"},
	.nothing = &no_rules,
};

const UsomPriceRules *
usom_price_rules(int64 org_id)
{
	return usom_memo_get(&memo, org_id);
}

const UsomPromotion *
usom_price_find_promotion(const UsomPriceRules *rules, const char *code)
{
	for (int i = 0; i < rules->npromotions; i++)
		if (strcmp(rules->promotions[i]->code, code) == 0)
			return rules->promotions[i];
	return NULL;
}

void
usom_price_rules_init(void)
{
	usom_memo_register(&memo);
}
