/*
 * price.h
 *		Orders are priced in memory, by the waterfall of the room pricing.
 *
 *		usom_api_price() reads the prices of all lines in one statement and
 *		sets unit_price, discount, freight, tax, tax_included and decimals of
 *		the lines; it writes nothing and locks nothing.  usom_api_redeem()
 *		takes the coupons, under the locks of their counters: after orders and
 *		credit, before stock.  usom_api_write_prices() writes the steps, once
 *		the headers are there.
 *
 *		Where no price rule is set up and the channel goes by documents, all
 *		of that is a look at what the session remembers.
 *
 *		Memory: CurrentMemoryContext, which is the call's.
 */
#ifndef USOM_API_PRICE_H
#define USOM_API_PRICE_H

#include "api/document.h"
#include "order/order.h"
#include "pricing/waterfall.h"

/* What the sender says about a line. */
typedef struct UsomPriceAsk
{
	Numeric		unit_price;		/* NULL: nothing */
	Numeric		manual;			/* price that somebody has decided on; NULL: none */
	const char *manual_rule;	/* who or what allowed it */
	const char *manual_reason;
} UsomPriceAsk;

typedef struct UsomPriceRequest
{
	const UsomPriceAsk *asks;	/* by line of the set; NULL: as the order was priced before */
	bool		has_coupons;	/* else those that the order has */
	ArrayType  *coupons;		/* codes; NULL: none */
	bool		is_new;			/* the order is not written yet; a coupon that does not fit is an error */
} UsomPriceRequest;

/* A priced order, until its steps are written. */
typedef struct UsomPricing
{
	int64		sales_order_id; /* set by who writes the order */
	int64		customer_id;	/* 0: a guest */
	int32		version;
	UsomWaterfall waterfall;
} UsomPricing;

/*
 * Prices the lines of an order of the set, those of components of kits and
 * removed ones aside, by the rules in force at its placed_at.  NULL: there is
 * nothing to price by.  US404, US405, US407 for coupons.
 */
extern UsomPricing *usom_api_price(UsomOrderSet *set, int order, const UsomPriceRequest *request);

/*
 * The orders take the coupons that they use, and let go of those that they use
 * no more.  US406 if there is no use left.  No statement without coupons.
 */
extern void usom_api_redeem(int64 org_id, UsomPricing *const *pricings, int count);

/* Orders of the set that are cancelled or rejected let go of their coupons. */
extern void usom_api_release_coupons(const UsomOrderSet *set);

/* The steps of the orders, in one statement; NULLs among them are passed over. */
extern void usom_api_write_prices(int64 org_id, UsomPricing *const *pricings, int count);

#endif							/* USOM_API_PRICE_H */
