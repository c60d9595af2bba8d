/*
 * waterfall.c
 *		The unit prices of an order: document, list, contract, break, manual.
 *
 * Pure but for errors: no SPI, no locks.  Memory: CurrentMemoryContext.
 *
 * Invariant: the steps of a line are a chain.  Each begins with the amount
 * that the one before it left, and the last leaves what the line costs.
 */
#include "postgres.h"

#include "pricing/waterfall.h"

#include "utils/builtins.h"

static const int64 powers[] = {1, 10, 100, 1000, 10000};

static const char *const names[] = {
	[USOM_STEP_DOCUMENT] = "document",
	[USOM_STEP_LIST] = "list",
	[USOM_STEP_CONTRACT] = "contract",
	[USOM_STEP_BREAK] = "break",
	[USOM_STEP_PROMOTION] = "promotion",
	[USOM_STEP_COUPON] = "coupon",
	[USOM_STEP_MANUAL] = "manual",
	[USOM_STEP_FREIGHT] = "freight",
	[USOM_STEP_TAX] = "tax",
};

const char *
usom_price_step_name(UsomPriceStepKind kind)
{
	return names[kind];
}

UsomUnitPrice
usom_unit_price_of(Numeric price)
{
	return usom_money_of(price, USOM_AMOUNT_DECIMALS);
}

Numeric
usom_unit_price_numeric(UsomUnitPrice price)
{
	return usom_money_numeric(price, USOM_AMOUNT_DECIMALS);
}

UsomMoney
usom_price_extend(UsomUnitPrice price, UsomQuantity quantity, int decimals)
{
	Assert(price >= 0 && quantity >= 0);
	return usom_money_scale(price, quantity, USOM_UNIT * powers[USOM_AMOUNT_DECIMALS - decimals]);
}

char *
usom_percent_text(UsomPercent percent)
{
	int64		rest = percent % powers[USOM_AMOUNT_DECIMALS];
	int			digits = USOM_AMOUNT_DECIMALS;

	while (digits > 0 && rest % 10 == 0)
	{
		rest /= 10;
		digits--;
	}
	if (digits == 0)
		return psprintf(INT64_FORMAT " %% off", percent / powers[USOM_AMOUNT_DECIMALS]);
	return psprintf(INT64_FORMAT ".%0*d %% off", percent / powers[USOM_AMOUNT_DECIMALS], digits, (int) rest);
}

/* Decimals that a price has. */
static int
decimals_of(UsomUnitPrice price)
{
	int			decimals = USOM_AMOUNT_DECIMALS;

	while (decimals > 0 && price % powers[USOM_AMOUNT_DECIMALS - decimals + 1] == 0)
		decimals--;
	return decimals;
}

/* Rounded to the minor unit, or to the decimals of the price if those are more. */
static UsomUnitPrice
percent_off(UsomUnitPrice price, UsomPercent percent, int decimals)
{
	int64		digit = powers[USOM_AMOUNT_DECIMALS - Max(decimals, decimals_of(price))];

	return usom_money_scale(price, USOM_WHOLE_PERCENT - percent, USOM_WHOLE_PERCENT * digit) * digit;
}

UsomMoney
usom_price_line_amount(const UsomPriceLine *line)
{
	UsomMoney	amount = line->goods - line->discount + line->freight;

	return line->tax_included ? amount : amount + line->tax;
}

static UsomPriceStep *
add_step(UsomWaterfall *waterfall)
{
	if (waterfall->nsteps == waterfall->steps_capacity)
	{
		waterfall->steps_capacity = Max(waterfall->steps_capacity * 2, 4 * waterfall->nlines);
		waterfall->steps = waterfall->steps == NULL ? palloc_array(UsomPriceStep, waterfall->steps_capacity)
			: repalloc_array(waterfall->steps, UsomPriceStep, waterfall->steps_capacity);
	}
	return &waterfall->steps[waterfall->nsteps++];
}

void
usom_price_note(UsomWaterfall *waterfall, int line, UsomPriceStepKind kind, const char *rule, UsomMoney before,
				const char *reason)
{
	*add_step(waterfall) = (UsomPriceStep) {
		.line = line,
		.kind = kind,
		.rule = rule,
		.unit_price = USOM_NO_UNIT_PRICE,
		.before = before,
		.after = usom_price_line_amount(&waterfall->lines[line]),
		.reason = reason,
	};
	if (kind > USOM_STEP_LIST)
		waterfall->is_changed = true;
}

/* Another price of one unit; nothing is noted if it is the same. */
static void
set_price(UsomWaterfall *waterfall, int index, UsomPriceStepKind kind, UsomUnitPrice price, const char *rule,
		  const char *reason)
{
	UsomPriceLine *line = &waterfall->lines[index];
	bool		is_first = line->unit_price == USOM_NO_UNIT_PRICE;
	UsomMoney	before = line->goods - line->discount;

	if (price == line->unit_price)
		return;
	line->unit_price = price;
	line->discount = 0;
	line->goods = usom_price_extend(price, line->quantity, waterfall->decimals);
	usom_price_note(waterfall, index, kind, rule, before, reason);
	waterfall->steps[waterfall->nsteps - 1].unit_price = price;
	waterfall->steps[waterfall->nsteps - 1].is_first = is_first;
}

/* Percent are off the list price, which there must be. */
static void
apply_contract(UsomWaterfall *waterfall, int index)
{
	const UsomPriceRule *contract = &waterfall->lines[index].contract;
	UsomUnitPrice list = waterfall->lines[index].list;

	if (contract->rule == NULL)
		return;
	if (contract->unit_price != USOM_NO_UNIT_PRICE)
		set_price(waterfall, index, USOM_STEP_CONTRACT, contract->unit_price, contract->rule, "agreed price");
	else if (list != USOM_NO_UNIT_PRICE)
		set_price(waterfall, index, USOM_STEP_CONTRACT, percent_off(list, contract->percent, waterfall->decimals),
				  contract->rule, usom_percent_text(contract->percent));
}

/* Never up. */
static void
apply_break(UsomWaterfall *waterfall, int index)
{
	const UsomPriceLine *line = &waterfall->lines[index];
	const UsomPriceRule *rule = &line->line_break;

	if (rule->rule == NULL || line->is_net || line->unit_price == USOM_NO_UNIT_PRICE)
		return;
	if (rule->unit_price == USOM_NO_UNIT_PRICE)
		set_price(waterfall, index, USOM_STEP_BREAK, percent_off(line->unit_price, rule->percent, waterfall->decimals),
				  rule->rule, usom_percent_text(rule->percent));
	else if (rule->unit_price < line->unit_price)
		set_price(waterfall, index, USOM_STEP_BREAK, rule->unit_price, rule->rule, "price for as many");
}

/* What boxes cost, exactly. */
static UsomMoney
pack_amount(const UsomPriceLine *line, int decimals)
{
	int64		boxes;
	int64		denominator;

	if (pg_mul_s64_overflow(line->quantity, line->pack_per, &boxes) ||
		pg_mul_s64_overflow(line->pack_quantity, USOM_UNIT * powers[USOM_AMOUNT_DECIMALS - decimals], &denominator))
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("quantity out of range"));
	return usom_money_scale(line->pack_price, boxes, denominator);
}

/* The price of one unit is that of a box, rounded up: what is too much is taken off the line. */
static void
settle_pack(UsomWaterfall *waterfall, int index, UsomPriceStepKind kind)
{
	UsomPriceLine *line = &waterfall->lines[index];
	UsomMoney	before = line->goods;

	if (likely(line->pack_quantity == 0) || (int128) line->unit_price * line->pack_quantity == (int128) line->pack_price * line->pack_per)
		return;
	waterfall->is_changed = true;
	line->discount = before - pack_amount(line, waterfall->decimals);
	Assert(line->discount >= 0);
	if (line->discount > 0)
		usom_price_note(waterfall, index, kind, NULL, before, "share of one unit was rounded up");
}

static void
make_unit(UsomWaterfall *waterfall, int index)
{
	UsomPriceLine *line = &waterfall->lines[index];

	line->unit_price = USOM_NO_UNIT_PRICE;
	if (line->document != USOM_NO_UNIT_PRICE)
	{
		set_price(waterfall, index, USOM_STEP_DOCUMENT, line->document, NULL,
				  line->pack_quantity > 0 ? line->pack_reason : "price of the document");
		settle_pack(waterfall, index, USOM_STEP_DOCUMENT);
	}
	else
	{
		if (line->list != USOM_NO_UNIT_PRICE)
		{
			set_price(waterfall, index, USOM_STEP_LIST, line->list, NULL, line->pack_quantity > 0 ? line->pack_reason : "list price");
			settle_pack(waterfall, index, USOM_STEP_LIST);
		}
		apply_contract(waterfall, index);
		apply_break(waterfall, index);
	}
	if (line->manual.unit_price != USOM_NO_UNIT_PRICE)
		set_price(waterfall, index, USOM_STEP_MANUAL, line->manual.unit_price, line->manual.rule, line->manual_reason);
	if (line->unit_price == USOM_NO_UNIT_PRICE)
		line->unit_price = 0;
}

void
usom_price_make_units(UsomWaterfall *waterfall)
{
	for (int i = 0; i < waterfall->nlines; i++)
	{
		UsomPriceLine *line = &waterfall->lines[i];

		line->goods = line->discount = line->freight = line->tax = 0;
		line->tax_included = line->is_closed = line->is_broken = false;
		line->npromotions = 0;
		line->groups = NULL;
		make_unit(waterfall, i);
	}
}
