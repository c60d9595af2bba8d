/*
 * promotion.c
 *		What is taken off: breaks by the value of goods, promotions, coupons.
 *
 * Pure but for errors: no SPI, no locks.  Memory: CurrentMemoryContext.
 *
 * Invariants: a line's discount is never more than its goods; what is taken
 * off several lines together is rounded once, and their shares add up to it.
 */
#include "postgres.h"

#include "pricing/waterfall.h"

/* What is taken off, and in whose name. */
typedef struct Taking
{
	UsomPriceStepKind kind;
	const char *rule;
	const char *reason;
} Taking;

static UsomMoney
rest_of(const UsomPriceLine *line)
{
	return line->goods - line->discount;
}

/* Nothing is taken off net and manual prices, nor where nothing is left. */
static bool
takes_part(const UsomPriceLine *line)
{
	return !line->is_net && line->manual.unit_price == USOM_NO_UNIT_PRICE && rest_of(line) > 0;
}

static void
take(UsomWaterfall *waterfall, int index, UsomMoney amount, const Taking *taking)
{
	UsomMoney	before = usom_price_line_amount(&waterfall->lines[index]);

	Assert(amount > 0 && amount <= rest_of(&waterfall->lines[index]));
	waterfall->lines[index].discount += amount;
	usom_price_note(waterfall, index, taking->kind, taking->rule, before, taking->reason);
}

static bool
reaches(UsomMoney value, int64 minimum, int decimals)
{
	int128		scaled = value;

	for (int i = decimals; i < USOM_AMOUNT_DECIMALS; i++)
		scaled *= 10;
	return scaled >= minimum;
}

/* Off the members together, by what they cost: percent, or an amount.  Says which got a share in shares. */
static void
take_together(UsomWaterfall *waterfall, const int *members, int nmembers, UsomPercent percent, UsomMoney amount,
			  const Taking *taking, UsomMoney *shares)
{
	int64	   *weights = palloc_array(int64, Max(nmembers, 1));
	UsomMoney	sum = 0;

	for (int i = 0; i < nmembers; i++)
		sum += weights[i] = rest_of(&waterfall->lines[members[i]]);
	if (percent != USOM_NO_PERCENT)
		amount = usom_money_scale(sum, percent, USOM_WHOLE_PERCENT);
	usom_money_apportion(Min(amount, sum), weights, nmembers, shares);
	for (int i = 0; i < nmembers; i++)
		if (shares[i] > 0)
			take(waterfall, members[i], shares[i], taking);
	pfree(weights);
}

/* ---- breaks by value ---- */

static bool
is_in_scope(const UsomOrderBreak *rule, const UsomPriceLine *line)
{
	if (rule->sku != NULL)
		return strcmp(rule->sku, line->sku) == 0;
	return rule->category == NULL || (line->category != NULL && strcmp(rule->category, line->category) == 0);
}

static bool
is_in_force(const UsomWaterfall *waterfall, TimestampTz valid_from, TimestampTz valid_to)
{
	return valid_from <= waterfall->at && waterfall->at < valid_to;
}

/* The lines that another break of the order has not been taken off yet. */
static void
apply_order_break(UsomWaterfall *waterfall, const UsomOrderBreak *rule, int *members, UsomMoney *shares)
{
	Taking		taking = {USOM_STEP_BREAK, rule->rule, NULL};
	UsomMoney	value = 0;
	int			nmembers = 0;

	for (int i = 0; i < waterfall->nlines; i++)
	{
		const UsomPriceLine *line = &waterfall->lines[i];

		if (!is_in_scope(rule, line))
			continue;
		value += line->goods;
		if (takes_part(line) && !line->is_broken && line->document == USOM_NO_UNIT_PRICE)
			members[nmembers++] = i;
	}
	if (nmembers == 0 || !reaches(value, rule->min_value, waterfall->decimals))
		return;
	taking.reason = usom_percent_text(rule->percent);
	take_together(waterfall, members, nmembers, rule->percent, 0, &taking, shares);
	for (int i = 0; i < nmembers; i++)
		waterfall->lines[members[i]].is_broken = true;
}

static void
apply_order_breaks(UsomWaterfall *waterfall, int *members, UsomMoney *shares)
{
	for (int i = 0; i < waterfall->nbreaks; i++)
	{
		const UsomOrderBreak *rule = &waterfall->breaks[i];

		if (is_in_force(waterfall, rule->valid_from, rule->valid_to) && strcmp(rule->currency, waterfall->currency) == 0)
			apply_order_break(waterfall, rule, members, shares);
	}
}

/* ---- promotions ---- */

static bool
is_of(const char *wanted, const char *given)
{
	return wanted == NULL || (given != NULL && strcmp(wanted, given) == 0);
}

static int
compare_sku(const void *key, const void *element)
{
	return strcmp(key, *(const char *const *) element);
}

bool
usom_promotion_is_valid(const UsomWaterfall *waterfall, const UsomPromotion *promotion)
{
	return promotion->active && is_in_force(waterfall, promotion->valid_from, promotion->valid_to);
}

/* What is asked of the order. */
static bool
fits_order(const UsomWaterfall *waterfall, const UsomPromotion *promotion, UsomMoney value)
{
	return usom_promotion_is_valid(waterfall, promotion) && is_of(promotion->channel, waterfall->channel) &&
		is_of(promotion->segment, waterfall->segment) && is_of(promotion->currency, waterfall->currency) &&
		reaches(value, promotion->min_value, waterfall->decimals);
}

/* What is asked of the line, and of the promotions that it has. */
static bool
fits_line(const UsomPriceLine *line, const UsomPromotion *promotion)
{
	if (!takes_part(line) || line->is_closed || (!promotion->stacks && line->npromotions > 0))
		return false;
	if (promotion->group >= 0 && bms_is_member(promotion->group, line->groups))
		return false;
	if (line->product_units < promotion->min_quantity ||
		(promotion->max_quantity > 0 && line->product_units > promotion->max_quantity))
		return false;
	if (!is_of(promotion->category, line->category))
		return false;
	return promotion->nskus == 0 ||
		bsearch(line->sku, promotion->skus, promotion->nskus, sizeof(char *), compare_sku) != NULL;
}

static void
mark_line(UsomPriceLine *line, const UsomPromotion *promotion)
{
	line->npromotions++;
	line->is_closed = line->is_closed || !promotion->stacks;
	if (promotion->group >= 0)
		line->groups = bms_add_member(line->groups, promotion->group);
}

static UsomMoney
line_reduction(const UsomPriceLine *line, const UsomPromotion *promotion, int decimals)
{
	UsomMoney	rest = rest_of(line);

	if (promotion->percent != USOM_NO_PERCENT)
		return usom_money_scale(rest, promotion->percent, USOM_WHOLE_PERCENT);
	if (promotion->unit_price != USOM_NO_UNIT_PRICE)
		return Max(rest - usom_price_extend(promotion->unit_price, line->quantity, decimals), 0);
	return Min(rest, usom_price_extend(promotion->amount, line->quantity, decimals));
}

/* Returns whether anything was taken off. */
static bool
apply_to_lines(UsomWaterfall *waterfall, const UsomPromotion *promotion, const Taking *taking)
{
	bool		took = false;

	for (int i = 0; i < waterfall->nlines; i++)
	{
		UsomPriceLine *line = &waterfall->lines[i];
		UsomMoney	amount = fits_line(line, promotion) ? line_reduction(line, promotion, waterfall->decimals) : 0;

		if (amount == 0)
			continue;
		take(waterfall, i, amount, taking);
		mark_line(line, promotion);
		took = true;
	}
	return took;
}

/* An amount off the order, in the minor unit. */
static UsomMoney
order_amount(const UsomPromotion *promotion, int decimals)
{
	return usom_price_extend(promotion->amount, USOM_UNIT, decimals);
}

static bool
apply_to_order(UsomWaterfall *waterfall, const UsomPromotion *promotion, const Taking *taking, int *members,
			   UsomMoney *shares)
{
	int			nmembers = 0;
	bool		took = false;

	for (int i = 0; i < waterfall->nlines; i++)
		if (fits_line(&waterfall->lines[i], promotion))
			members[nmembers++] = i;
	take_together(waterfall, members, nmembers, promotion->percent, order_amount(promotion, waterfall->decimals),
				  taking, shares);
	for (int i = 0; i < nmembers; i++)
		if (shares[i] > 0)
		{
			mark_line(&waterfall->lines[members[i]], promotion);
			took = true;
		}
	return took;
}

static bool
apply(UsomWaterfall *waterfall, const UsomPromotion *promotion, const Taking *taking, int *members, UsomMoney *shares)
{
	return promotion->of_order ? apply_to_order(waterfall, promotion, taking, members, shares)
		: apply_to_lines(waterfall, promotion, taking);
}

/* Those of lines, or those of the order. */
static void
apply_promotions(UsomWaterfall *waterfall, UsomMoney value, bool of_order, int *members, UsomMoney *shares)
{
	for (int i = 0; i < waterfall->npromotions; i++)
	{
		const UsomPromotion *promotion = waterfall->promotions[i];
		Taking		taking = {USOM_STEP_PROMOTION, promotion->code, promotion->reason};

		if (promotion->of_order == of_order && !promotion->needs_coupon && fits_order(waterfall, promotion, value))
			apply(waterfall, promotion, &taking, members, shares);
	}
}

static void
apply_coupons(UsomWaterfall *waterfall, UsomMoney value, bool of_order, int *members, UsomMoney *shares)
{
	for (int i = 0; i < waterfall->ncoupons; i++)
	{
		UsomCouponUse *coupon = &waterfall->coupons[i];
		Taking		taking = {USOM_STEP_COUPON, coupon->code, coupon->promotion->reason};

		if (coupon->promotion->of_order == of_order && fits_order(waterfall, coupon->promotion, value))
			coupon->applies = apply(waterfall, coupon->promotion, &taking, members, shares);
	}
}

void
usom_price_take_off(UsomWaterfall *waterfall)
{
	int		   *members = palloc_array(int, Max(waterfall->nlines, 1));
	UsomMoney  *shares = palloc_array(UsomMoney, Max(waterfall->nlines, 1));
	UsomMoney	value = 0;

	for (int i = 0; i < waterfall->nlines; i++)
		value += waterfall->lines[i].goods;
	apply_order_breaks(waterfall, members, shares);
	apply_promotions(waterfall, value, false, members, shares);
	apply_promotions(waterfall, value, true, members, shares);
	apply_coupons(waterfall, value, false, members, shares);
	apply_coupons(waterfall, value, true, members, shares);
	pfree(shares);
	pfree(members);
}
