/*
 * approval_rule.c
 *		Which rules fit an order, and which limit an override passes.
 *
 *		What is configured is remembered (base/memo.h); matching is pure.
 *
 * Memory: rules in a context of the memo; what is matched in
 * CurrentMemoryContext.  No locks.
 */
#include "postgres.h"

#include "order/approval.h"

#include "base/decimal.h"
#include "base/memo.h"
#include "base/query.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* Inactive ones tell that there may be questions. */
static UsomQuery select_rules = {
	.text = "SELECT r.active, r.code, r.outcome = 'approve', r.queue, r.value_above, r.value_up_to, r.currency, "
	"r.discount_above, r.discount_up_to, r.risk_above, r.risk_up_to, r.category, r.customer, r.segment, r.channel, "
	"r.order_type, r.valid_for, r.escalate_after, r.escalate_to, r.if_declined, r.apart_by "
	"FROM usom.approval_rule AS r WHERE r.org_id = $1 ORDER BY r.priority, r.code",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static UsomQuery select_limits = {
	.text = "SELECT l.active, l.code, l.role, p.product_id, l.category, l.max_discount, l.max_markup, l.queue "
	"FROM usom.price_limit AS l LEFT JOIN usom.product AS p ON p.org_id = l.org_id AND p.sku = l.sku "
	"WHERE l.org_id = $1 ORDER BY l.code",
	.nargs = 1,
	.argtypes = {"bigint"},
};

/* ---- reading ---- */

static Numeric
get_numeric(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? NULL : DatumGetNumericCopy(value);
}

static Interval *
get_interval(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);
	Interval   *copy;

	if (isnull)
		return NULL;
	copy = palloc_object(Interval);
	*copy = *DatumGetIntervalP(value);
	return copy;
}

static int
get_risk(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? USOM_NO_RISK : DatumGetInt32(value);
}

static void
take_rule(UsomApprovalRule *rule, uint64 row)
{
	*rule = (UsomApprovalRule) {
		.code = usom_query_get_text(row, 2),
		.approves = DatumGetBool(usom_query_get(row, 3)),
		.queue = usom_query_get_text(row, 4),
		.value_above = get_numeric(row, 5),
		.value_up_to = get_numeric(row, 6),
		.currency = usom_query_get_text(row, 7),
		.discount_above = get_numeric(row, 8),
		.discount_up_to = get_numeric(row, 9),
		.risk_above = get_risk(row, 10),
		.risk_up_to = get_risk(row, 11),
		.category = usom_query_get_text(row, 12),
		.customer = usom_query_get_text(row, 13),
		.segment = usom_query_get_text(row, 14),
		.channel = usom_query_get_text(row, 15),
		.order_type = usom_query_get_text(row, 16),
		.valid_for = get_interval(row, 17),
		.escalate_after = get_interval(row, 18),
		.escalate_to = usom_query_get_text(row, 19),
		.if_declined = usom_query_get_text(row, 20),
		.apart_by = usom_query_get_text(row, 21),
	};
}

static void
read_rules(UsomApprovalRules *rules, int64 org_id)
{
	Datum		values[] = {Int64GetDatum(org_id)};
	int			nrows = (int) usom_memo_look(&select_rules, values);

	rules->any = nrows > 0;
	rules->rules = palloc_array(UsomApprovalRule, Max(nrows, 1));
	for (int row = 0; row < nrows; row++)
		if (DatumGetBool(usom_query_get(row, 1)))
			take_rule(&rules->rules[rules->nrules++], row);
	SPI_freetuptable(SPI_tuptable);
}

static void
take_limit(UsomPriceLimit *limit, uint64 row)
{
	bool		isnull;
	Datum		product_id = usom_query_get_or_null(row, 4, &isnull);

	*limit = (UsomPriceLimit) {
		.code = usom_query_get_text(row, 2),
		.role = usom_query_get_text(row, 3),
		.product_id = isnull ? 0 : DatumGetInt64(product_id),
		.category = usom_query_get_text(row, 5),
		.max_discount = get_numeric(row, 6),
		.max_markup = get_numeric(row, 7),
		.queue = usom_query_get_text(row, 8),
	};
}

static void
read_limits(UsomApprovalRules *rules, int64 org_id)
{
	Datum		values[] = {Int64GetDatum(org_id)};
	int			nrows = (int) usom_memo_look(&select_limits, values);

	rules->any |= nrows > 0;
	rules->limits = palloc_array(UsomPriceLimit, Max(nrows, 1));
	for (int row = 0; row < nrows; row++)
		if (DatumGetBool(usom_query_get(row, 1)))
			take_limit(&rules->limits[rules->nlimits++], row);
	SPI_freetuptable(SPI_tuptable);
}

static const void *
read_all(int64 org_id)
{
	UsomApprovalRules *rules = palloc0_object(UsomApprovalRules);

	read_rules(rules, org_id);
	read_limits(rules, org_id);
	return rules;
}

static const UsomApprovalRules no_rules;

static UsomMemo memo = {
	.name = "usom approval rules",
	.tables = {"approval_rule", "price_limit"},
	.read = read_all,
	.rules = {"approval_rule", "price_limit"},
	.nothing = &no_rules,
};

const UsomApprovalRules *
usom_approval_rules(int64 org_id)
{
	return usom_memo_get(&memo, org_id);
}

void
usom_approval_init(void)
{
	usom_memo_register(&memo);
}

/* ---- numbers ---- */

static Numeric
multiply(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_mul, NumericGetDatum(a), NumericGetDatum(b)));
}

static bool
is_above(Numeric a, Numeric b)
{
	return DatumGetBool(DirectFunctionCall2(numeric_gt, NumericGetDatum(a), NumericGetDatum(b)));
}

static bool
is_zero(Numeric a)
{
	return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(a), NumericGetDatum(int64_to_numeric(0))));
}

/* part / whole > percent / 100, without a division */
static bool
is_percent_above(Numeric part, Numeric whole, Numeric percent)
{
	return is_above(multiply(part, int64_to_numeric(100)), multiply(whole, percent));
}

void
usom_approval_add_line(UsomApprovalFacts *facts, Numeric unit_price, Numeric price_before, Numeric discount,
					   UsomQuantity quantity, const char *category)
{
	Numeric		units = usom_quantity_numeric(quantity);
	Numeric		base = is_above(price_before, unit_price) ? price_before : unit_price;

	if (facts->gross == NULL)
		facts->gross = facts->reduction = int64_to_numeric(0);
	facts->gross = usom_decimal_add(facts->gross, multiply(base, units));
	facts->reduction = usom_decimal_add(facts->reduction, usom_decimal_add(discount, multiply(usom_decimal_subtract(base, unit_price), units)));
	facts->categories[facts->ncategories++] = category;
}

Numeric
usom_approval_discount(const UsomApprovalFacts *facts)
{
	if (facts->gross == NULL || is_zero(facts->gross))
		return int64_to_numeric(0);
	return DatumGetNumeric(DirectFunctionCall2(numeric_round, DirectFunctionCall2(numeric_div,
		NumericGetDatum(multiply(facts->reduction, int64_to_numeric(100))), NumericGetDatum(facts->gross)), Int32GetDatum(2)));
}

/* ---- matching ---- */

static bool
is_code(const char *wanted, const char *code)
{
	return wanted == NULL || (code != NULL && strcmp(wanted, code) == 0);
}

/* The number counts in every currency unless the rule names one. */
static bool
fits_value(const UsomApprovalRule *rule, const UsomApprovalFacts *facts)
{
	if (!is_code(rule->currency, facts->currency))
		return false;
	if (rule->value_above != NULL && !is_above(facts->total, rule->value_above))
		return false;
	return rule->value_up_to == NULL || !is_above(facts->total, rule->value_up_to);
}

static bool
fits_discount(const UsomApprovalRule *rule, const UsomApprovalFacts *facts)
{
	if (facts->gross == NULL)
		return rule->discount_above == NULL;
	if (rule->discount_above != NULL && !is_percent_above(facts->reduction, facts->gross, rule->discount_above))
		return false;
	return rule->discount_up_to == NULL || !is_percent_above(facts->reduction, facts->gross, rule->discount_up_to);
}

/* A score that nobody has told is neither high nor low. */
static bool
fits_risk(const UsomApprovalRule *rule, const UsomApprovalFacts *facts)
{
	if (rule->risk_above != USOM_NO_RISK && facts->risk <= rule->risk_above)
		return false;
	return rule->risk_up_to == USOM_NO_RISK || (facts->risk != USOM_NO_RISK && facts->risk <= rule->risk_up_to);
}

/* To ask, one line is enough; to approve, all of them have to be of the category. */
static bool
fits_category(const UsomApprovalRule *rule, const UsomApprovalFacts *facts)
{
	int			nfits = 0;

	if (rule->category == NULL)
		return true;
	for (int i = 0; i < facts->ncategories; i++)
		nfits += is_code(rule->category, facts->categories[i]);
	return rule->approves ? nfits == facts->ncategories : nfits > 0;
}

static bool
fits(const UsomApprovalRule *rule, const UsomApprovalFacts *facts)
{
	return is_code(rule->customer, facts->customer) && is_code(rule->segment, facts->segment) &&
		is_code(rule->channel, facts->channel) &&
		is_code(rule->order_type, usom_order_type_name(facts->order_type)) &&
		fits_value(rule, facts) && fits_discount(rule, facts) && fits_risk(rule, facts) && fits_category(rule, facts);
}

static List *
want(List *wanted, const char *queue, const UsomApprovalRule *rule, const char *code)
{
	UsomApprovalWanted *one = NULL;

	for (int i = 0; i < list_length(wanted) && one == NULL; i++)
		if (strcmp(((UsomApprovalWanted *) list_nth(wanted, i))->queue, queue) == 0)
			one = list_nth(wanted, i);
	if (one == NULL)
	{
		one = palloc0_object(UsomApprovalWanted);
		one->queue = queue;
		wanted = lappend(wanted, one);
	}
	if (one->rule == NULL)
		one->rule = rule;
	for (int i = 0; i < list_length(one->codes); i++)
		if (strcmp(list_nth(one->codes, i), code) == 0)
			return wanted;
	one->codes = lappend(one->codes, unconstify(char *, code));
	return wanted;
}

List *
usom_approval_match(const UsomApprovalRules *rules, const UsomApprovalFacts *facts, const UsomApprovalRule **standard)
{
	List	   *wanted = NIL;

	*standard = NULL;
	for (int i = 0; i < rules->nrules && *standard == NULL; i++)
	{
		const UsomApprovalRule *rule = &rules->rules[i];

		if (!fits(rule, facts))
			continue;
		if (rule->approves)
			*standard = rule;
		else
			wanted = want(wanted, rule->queue, rule, rule->code);
	}
	for (int i = 0; i < list_length(facts->excesses); i++)
	{
		const UsomApprovalExcess *excess = list_nth(facts->excesses, i);

		wanted = want(wanted, excess->queue, NULL, excess->beyond);
	}
	return wanted;
}

/* ---- limits ---- */

/* Product before category before all; 0: it is about something else. */
static int
narrowness(const UsomPriceLimit *limit, int64 product_id, const char *category)
{
	if (limit->product_id != 0)
		return limit->product_id == product_id ? 3 : 0;
	if (limit->category != NULL)
		return is_code(limit->category, category) ? 2 : 0;
	return 1;
}

/* The narrowest limit of a role has no narrower one beside it. */
static bool
is_narrowest(const UsomApprovalRules *rules, const UsomPriceLimit *limit, int64 product_id, const char *category)
{
	int			mine = narrowness(limit, product_id, category);

	if (mine == 0)
		return false;
	for (int i = 0; i < rules->nlimits; i++)
		if (strcmp(rules->limits[i].role, limit->role) == 0 &&
			narrowness(&rules->limits[i], product_id, category) > mine)
			return false;
	return true;
}

static bool
is_within(const UsomPriceLimit *limit, Numeric price_before, Numeric unit_price)
{
	if (is_above(price_before, unit_price))
		return !is_percent_above(usom_decimal_subtract(price_before, unit_price), price_before, limit->max_discount);
	return !is_percent_above(usom_decimal_subtract(unit_price, price_before), price_before, limit->max_markup);
}

const UsomPriceLimit *
usom_approval_limit(const UsomApprovalRules *rules, int64 product_id, const char *category, Numeric price_before,
					Numeric unit_price, bool *within)
{
	const UsomPriceLimit *passed = NULL;

	*within = rules->nlimits == 0;
	for (int i = 0; i < rules->nlimits && !*within; i++)
	{
		const UsomPriceLimit *limit = &rules->limits[i];

		if (!is_narrowest(rules, limit, product_id, category) || !usom_approval_is_member(limit->role))
			continue;
		*within = is_within(limit, price_before, unit_price);
		if (passed == NULL || *within)
			passed = limit;
	}
	return passed;
}
