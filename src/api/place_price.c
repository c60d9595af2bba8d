/*
 * place_price.c
 *		Pricing, where an order is placed.
 *
 * Memory: CurrentMemoryContext, which is the call's.  Locks: those of coupons
 * (redeem.c), after the headers are written and before stock is locked.
 */
#include "postgres.h"

#include "api/override.h"
#include "api/place.h"

static UsomPriceAsk *
asks_of(const Placing *placing)
{
	UsomPriceAsk *asks = palloc0_array(UsomPriceAsk, Max(placing->set->nlines, 1));

	for (int i = 0; i < placing->document->nlines; i++)
	{
		const UsomDocumentLine *line = &placing->document->lines[i];

		if (line->has_price)
			asks[i].unit_price = line->unit_price;
		asks[i].pack = line->ratio;
		asks[i].pack_price = line->pack_price;
		if (line->override_price == NULL)
			continue;
		asks[i].manual = line->override_price;
		asks[i].manual_rule = "override";
		asks[i].manual_reason = line->override_reason;
	}
	return asks;
}

/* Taxes that the document tells. */
static UsomToldTax *
taxes_of(const Placing *placing)
{
	UsomToldTax *taxes = NULL;

	for (int i = 0; i < placing->document->nlines; i++)
	{
		if (placing->document->lines[i].tax.amount == NULL)
			continue;
		if (taxes == NULL)
			taxes = palloc0_array(UsomToldTax, placing->set->nlines);
		taxes[i] = placing->document->lines[i].tax;
	}
	return taxes;
}

static UsomPriceRequest *
make_request(Placing *placing)
{
	UsomPriceRequest *request = palloc_object(UsomPriceRequest);

	*request = (UsomPriceRequest) {
		.asks = asks_of(placing), .has_coupons = true, .coupons = placing->document->coupons, .must_fit = true,
		.problems = &placing->price_problems,
		.charge = {placing->document->ship_to, placing->address_id, taxes_of(placing)},
	};
	return request;
}

void
usom_api_foresee_placing_prices(Placing *const *placings, int count)
{
	UsomPriceWish *wishes = palloc_array(UsomPriceWish, Max(count, 1));

	for (int i = 0; i < count; i++)
	{
		placings[i]->price_request = make_request(placings[i]);
		wishes[i] = (UsomPriceWish) {placings[i]->set, placings[i]->price_request};
	}
	usom_api_foresee_prices(wishes, count);
}

void
usom_api_price_placing(Placing *placing)
{
	const UsomPriceRequest *request = placing->price_request ? placing->price_request : make_request(placing);

	placing->pricing = usom_api_price(placing->set, 0, request);
	for (int i = 0; i < placing->document->nlines; i++)
		if (unlikely(placing->document->lines[i].override_price != NULL))
			usom_api_note_override(placing->set, placing->pricing, i, placing->document->lines[i].override_reason);
	for (int i = 0; i < placing->document->nlines; i++)
		if (placing->set->lines[i].unit_price == usom_order_no_price())
			usom_api_note_message(placing, i + 1, "no_price", 0);
}

void
usom_api_redeem_placings(UsomOrderSet *set, Placing *const *placings)
{
	UsomPricing **pricings = palloc_array(UsomPricing *, Max(set->norders, 1));

	for (int i = 0; i < set->norders; i++)
		pricings[i] = placings[i]->pricing;
	usom_api_redeem(set, pricings);
	usom_api_write_prices(set, pricings);
	usom_api_write_overrides(set);
}
