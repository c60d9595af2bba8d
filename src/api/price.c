/*
 * price.c
 *		An order in memory is priced; its steps are written.
 *
 * Statements: prices of all lines; for an order that is there, the steps it
 * was priced with; coupons, if it brings any; and one for the steps.
 *
 * Locks: none.  Memory: CurrentMemoryContext, which is the call's; nothing of
 * what the session remembers is kept beyond usom_api_price().
 *
 * Invariant: of each line, the last step leaves what all its units cost.
 */
#include "postgres.h"

#include "api/price.h"

#include "base/query.h"
#include "party/house.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

static bool
is_priced(const UsomLine *line, int order)
{
	return line->order == order && !line->removed && !usom_line_is_component(line);
}

/* Is there a rule that this order may meet, or was it priced by one? */
static bool
must_price(const UsomOrderSet *set, int order, const UsomPriceRequest *request, const UsomPriceRules *rules,
		   const UsomChannel *channel)
{
	int			first;

	if (rules->is_any || (channel != NULL && channel->prices_by_list) || usom_api_is_charged(set, order, &request->charge))
		return true;
	first = usom_order_first_line(set, order);
	for (int i = first; i < set->nlines && set->lines[i].order == order; i++)
		if (set->lines[i].decimals != USOM_NO_DECIMALS ||
			(request->asks != NULL && (request->asks[i].manual != NULL || request->asks[i].pack != NULL)))
			return true;
	return false;
}

static UsomPricing *
make_pricing(const UsomOrderSet *set, int order)
{
	UsomPricing *pricing = palloc0_object(UsomPricing);

	pricing->order = order;
	pricing->lines = palloc_array(int, Max(set->nlines, 1));
	pricing->waterfall.lines = palloc0_array(UsomPriceLine, Max(set->nlines, 1));
	for (int i = usom_order_first_line(set, order); i < set->nlines && set->lines[i].order == order; i++)
		if (is_priced(&set->lines[i], order))
		{
			pricing->waterfall.lines[pricing->nlines].line_no = set->lines[i].line_no;
			pricing->waterfall.lines[pricing->nlines].quantity = set->lines[i].quantity;
			pricing->lines[pricing->nlines++] = i;
		}
	pricing->waterfall.nlines = pricing->nlines;
	return pricing;
}

static UsomPriceAsk *
gather_asks(const UsomOrderSet *set, int order, const UsomPriceRequest *request)
{
	UsomPriceAsk *asks = palloc0_array(UsomPriceAsk, Max(set->nlines, 1));

	if (request->asks != NULL)
		memcpy(asks, request->asks, set->nlines * sizeof(UsomPriceAsk));
	if (!set->orders[order].is_new)
		usom_api_read_asks(set, order, asks);
	return asks;
}

/* What a box costs, if that is what the line's price is a share of. */
static void
take_pack(UsomPriceLine *line, const UsomPriceAsk *ask)
{
	Numeric		price = line->document == USOM_NO_UNIT_PRICE ? ask->pack_list : ask->pack_price;
	UsomUnitPrice share = line->document == USOM_NO_UNIT_PRICE ? line->list : line->document;

	if (price == NULL || usom_unit_share(ask->pack, usom_unit_price_of(price)) != share)
		return;
	line->pack_price = usom_unit_price_of(price);
	line->pack_quantity = ask->pack->quantity;
	line->pack_per = ask->pack->per;
	line->pack_reason = psprintf("%s for one %s", DatumGetCString(DirectFunctionCall1(numeric_out,
		DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(price)))), ask->pack->name);
}

/* The document's price counts if the channel goes by documents, or if usom has none. */
static void
take_ask(UsomPriceLine *line, const UsomPriceAsk *ask, bool by_list)
{
	bool		has_price;

	if (unlikely(ask->pack_list != NULL))
		line->list = usom_unit_share(ask->pack, usom_unit_price_of(ask->pack_list));
	has_price = line->list != USOM_NO_UNIT_PRICE || line->contract.unit_price != USOM_NO_UNIT_PRICE;
	line->document = line->manual.unit_price = USOM_NO_UNIT_PRICE;
	if (ask->unit_price != NULL && (!by_list || !has_price || ask->stands))
		line->document = usom_unit_price_of(ask->unit_price);
	else if (ask->fallback != NULL && !has_price)
		line->document = usom_unit_price_of(ask->fallback);
	if (line->document != USOM_NO_UNIT_PRICE)
		line->is_net = false;
	if (unlikely(ask->pack != NULL))
		take_pack(line, ask);
	if (ask->manual == NULL)
		return;
	line->manual = (UsomPriceRule) {usom_unit_price_of(ask->manual), USOM_NO_PERCENT, ask->manual_rule};
	line->manual_reason = ask->manual_reason;
}

static bool
has_packs(const UsomWaterfall *waterfall)
{
	for (int i = 0; i < waterfall->nlines; i++)
		if (waterfall->lines[i].pack_reason != NULL)
			return true;
	return false;
}

static void
run_waterfall(const UsomOrderSet *set, const UsomPriceRequest *request, UsomPricing *pricing)
{
	UsomWaterfall *waterfall = &pricing->waterfall;

	usom_price_make_units(waterfall);
	usom_price_take_off(waterfall);
	if (!set->orders[pricing->order].is_new || usom_api_is_charged(set, pricing->order, &request->charge))
		pricing->taxes = usom_api_add_charges(set, pricing->order, &request->charge, waterfall, pricing->lines);
	/* Who orders a box is told what it costs: such an order is priced again with each change. */
	waterfall->is_changed = waterfall->is_changed || has_packs(waterfall);
	if (waterfall->is_changed)
		return;

	/* Nothing was added or taken off: prices stand as they came, with all their decimals. */
	waterfall->nsteps = 0;
	waterfall->decimals = USOM_AMOUNT_DECIMALS;
	usom_price_make_units(waterfall);
}

/* What is in memory of the session may go when another statement runs. */
static void
keep_words(UsomWaterfall *waterfall)
{
	for (int i = 0; i < waterfall->nsteps; i++)
	{
		UsomPriceStep *step = &waterfall->steps[i];

		step->rule = step->rule != NULL ? pstrdup(step->rule) : NULL;
		step->reason = step->reason != NULL ? pstrdup(step->reason) : NULL;
	}
	waterfall->promotions = NULL;
	waterfall->npromotions = 0;
	waterfall->breaks = NULL;
	waterfall->nbreaks = 0;
	for (int i = 0; i < waterfall->ncoupons; i++)
		waterfall->coupons[i].promotion = NULL;
}

static bool
is_same(Numeric a, Numeric b)
{
	return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(a), NumericGetDatum(b)));
}

static void
set_amount(UsomLine *line, Numeric *amount, Numeric value)
{
	if (is_same(*amount, value))
		return;
	*amount = value;
	line->changed = true;
}

static void
set_line(UsomLine *line, const UsomPriceLine *priced, bool is_changed, int decimals)
{
	int			before = line->decimals;

	set_amount(line, &line->unit_price, usom_unit_price_numeric(priced->unit_price));
	line->decimals = is_changed ? decimals : USOM_NO_DECIMALS;
	set_amount(line, &line->discount, usom_money_numeric(priced->discount, decimals));
	set_amount(line, &line->freight, usom_money_numeric(priced->freight, decimals));
	set_amount(line, &line->tax, usom_money_numeric(priced->tax, decimals));
	line->changed = line->changed || line->decimals != before || line->tax_included != priced->tax_included;
	line->tax_included = priced->tax_included;
}

/* NULL: there is nothing to price by. */
static UsomPricing *
begin_pricing(const UsomOrderSet *set, int order, const UsomPriceRequest *request, const UsomPriceRules *rules,
			  const UsomChannel *channel)
{
	UsomPricing *pricing;
	UsomWaterfall *waterfall;

	if (likely(!must_price(set, order, request, rules, channel)) ||
		usom_currency_decimals(set->orders[order].currency) == USOM_NO_DECIMALS)
		return NULL;
	pricing = make_pricing(set, order);
	waterfall = &pricing->waterfall;
	waterfall->at = usom_order_price_time(&set->orders[order]);
	waterfall->currency = set->orders[order].currency;
	waterfall->decimals = usom_currency_decimals(waterfall->currency);
	waterfall->channel = channel != NULL ? pstrdup(channel->code) : NULL;
	waterfall->promotions = rules->promotions;
	waterfall->npromotions = rules->npromotions;
	waterfall->breaks = rules->breaks;
	waterfall->nbreaks = rules->nbreaks;
	return pricing;
}

UsomPricing *
usom_api_price(UsomOrderSet *set, int order, const UsomPriceRequest *request)
{
	const UsomChannel *channel = usom_party_channel_of(usom_party_house(set->org_id), set->orders[order].channel_id);
	bool		by_list = channel != NULL && channel->prices_by_list;
	const UsomPriceRules *rules = usom_price_rules(set->org_id);
	UsomPricing *pricing = begin_pricing(set, order, request, rules, channel);
	UsomWaterfall *waterfall;
	UsomPriceAsk *asks;

	if (likely(pricing == NULL))
		return NULL;
	waterfall = &pricing->waterfall;
	usom_api_read_prices(set, pricing, rules, request->prices);
	asks = gather_asks(set, order, request);
	usom_api_read_pack_prices(set, pricing, asks, request->pack_prices);
	for (int i = 0; i < pricing->nlines; i++)
		take_ask(&waterfall->lines[i], &asks[pricing->lines[i]], by_list);
	usom_api_read_coupons(set, pricing, request, rules);
	run_waterfall(set, request, pricing);
	usom_api_check_coupons(pricing, request);
	keep_words(waterfall);
	for (int i = 0; i < pricing->nlines; i++)
		set_line(&set->lines[pricing->lines[i]], &waterfall->lines[i], waterfall->is_changed, waterfall->decimals);
	return pricing;
}

void
usom_api_foresee_prices(UsomPriceWish *wishes, int count)
{
	UsomPricing **pricings = palloc_array(UsomPricing *, Max(count, 1));
	int			n = 0;
	const UsomPriceRules *rules;

	for (int i = 0; i < count; i++)
	{
		const UsomOrderSet *set = wishes[i].set;
		const UsomChannel *channel = usom_party_channel_of(usom_party_house(set->org_id), set->orders[0].channel_id);

		pricings[n] = begin_pricing(set, 0, wishes[i].request, usom_price_rules(set->org_id), channel);
		if (pricings[n] != NULL)
			wishes[n++] = wishes[i];
	}
	if (n < 2)
		return;
	rules = usom_price_rules(wishes[0].set->org_id);
	usom_api_foresee_line_prices(wishes, pricings, n, rules);
	usom_api_foresee_pack_prices(wishes, pricings, n);
	usom_api_foresee_coupons(wishes, pricings, n, rules);
	usom_api_foresee_charges(wishes, pricings, n);
}

UsomPricing **
usom_api_price_again(UsomOrderSet *set)
{
	UsomPricing **pricings = palloc0_array(UsomPricing *, Max(set->norders, 1));
	UsomPriceRequest request = {.must_fit = true};

	for (int i = 0; i < set->norders; i++)
		pricings[i] = usom_api_price(set, i, &request);
	return pricings;
}

/* ---- the steps are written ---- */

static UsomQuery insert_steps = {
	.text = "INSERT INTO usom.price_step (org_id, sales_order_id, version, step_no, line_no, step, rule, unit_price, "
	"before, after, reason) SELECT $1, r.* FROM unnest($2) AS r",
	.nargs = 2,
	.argtypes = {"bigint", "usom._price_step_row[]"},
};

static void
add_step(UsomRows *rows, const UsomOrder *order, const UsomWaterfall *waterfall, int index)
{
	const UsomPriceStep *step = &waterfall->steps[index];
	bool		nulls[10] = {false};
	Datum		values[10] = {
		Int64GetDatum(order->sales_order_id),
		Int32GetDatum(order->version),
		Int32GetDatum(index + 1),
		Int32GetDatum(waterfall->lines[step->line].line_no),
		CStringGetTextDatum(usom_price_step_name(step->kind)),
		step->rule != NULL ? CStringGetTextDatum(step->rule) : (Datum) 0,
		NumericGetDatum(usom_unit_price_numeric(Max(step->unit_price, 0))),
		NumericGetDatum(usom_money_numeric(step->before, waterfall->decimals)),
		NumericGetDatum(usom_money_numeric(step->after, waterfall->decimals)),
		step->reason != NULL ? CStringGetTextDatum(step->reason) : (Datum) 0,
	};

	nulls[5] = step->rule == NULL;
	nulls[6] = step->unit_price == USOM_NO_UNIT_PRICE;
	nulls[7] = step->is_first;
	nulls[9] = step->reason == NULL;
	usom_rows_add(rows, values, nulls);
}

static void
write_taxes(const UsomOrderSet *set, UsomPricing *const *pricings)
{
	UsomTaxAnswers **taxes = palloc_array(UsomTaxAnswers *, Max(set->norders, 1));
	int64	   *order_ids = palloc_array(int64, Max(set->norders, 1));

	for (int i = 0; i < set->norders; i++)
	{
		taxes[i] = pricings[i] != NULL ? pricings[i]->taxes : NULL;
		order_ids[i] = set->orders[i].sales_order_id;
	}
	usom_api_write_taxes(set->org_id, taxes, order_ids, set->norders);
}

void
usom_api_write_prices(const UsomOrderSet *set, UsomPricing *const *pricings)
{
	Datum		values[2] = {Int64GetDatum(set->org_id)};
	UsomRows   *rows = NULL;

	for (int i = 0; i < set->norders; i++)
		for (int j = 0; pricings[i] != NULL && j < pricings[i]->waterfall.nsteps; j++)
		{
			if (rows == NULL)
				rows = usom_rows_make("_price_step_row", 4 * set->nlines);
			add_step(rows, &set->orders[i], &pricings[i]->waterfall, j);
		}
	if (rows == NULL)
		return;
	values[1] = usom_rows_datum(rows);
	usom_query_write(&insert_steps, values, NULL);
	write_taxes(set, pricings);
}
