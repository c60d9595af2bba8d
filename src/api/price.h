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

#include "api/charge.h"
#include "api/document.h"
#include "order/order.h"
#include "pricing/rules.h"

/* What the sender says about a line. */
typedef struct UsomPriceAsk
{
	bool		is_told;		/* what the line was priced with before counts no more */
	Numeric		unit_price;		/* NULL: nothing */
	bool		stands;			/* unit_price counts before every list price, as that of a substitute does */
	const UsomUnitRatio *pack;	/* the unit that the line is ordered in; NULL: the product's own */
	Numeric		pack_price;		/* told for one such; NULL: none */
	Numeric		pack_list;		/* list price of one such; NULL: there is none */
	Numeric		fallback;		/* price if there is no other; NULL: none */
	Numeric		manual;			/* price that somebody has decided on; NULL: none */
	const char *manual_rule;	/* who or what allowed it */
	const char *manual_reason;
} UsomPriceAsk;

typedef struct UsomPriceRequest
{
	const UsomPriceAsk *asks;	/* by line of the set; NULL: as the order was priced before */
	bool		has_coupons;	/* else those that the order has */
	ArrayType  *coupons;		/* codes; NULL: none */
	UsomChargeRequest charge;
	bool		must_fit;		/* a coupon that does not fit the order is an error, and not passed over */
	SPITupleTable *prices;		/* what was read for it together with others; NULL: it is to be read */
	SPITupleTable *pack_prices; /* the same, as the next one */
	SPITupleTable *found_coupons;
	List	  **problems;		/* such errors become findings of this list, all of them; NULL: the first is raised */
} UsomPriceRequest;

typedef enum UsomCouponLossKind
{
	USOM_COUPON_USED_UP,
	USOM_COUPON_USED_BY_CUSTOMER,
	USOM_COUPON_NOT_FOR_GUESTS
} UsomCouponLossKind;

/* Why an order does not get the use of a coupon that it wants. */
typedef struct UsomCouponLoss
{
	UsomCouponLossKind kind;
	const char *code;
	int32		limit;			/* of a customer */
} UsomCouponLoss;

/* A priced order, until its steps are written. */
typedef struct UsomPricing
{
	int			order;			/* of the set */
	int			nlines;
	int		   *lines;			/* of the set, by those of the waterfall */
	UsomWaterfall waterfall;
	UsomTaxAnswers *taxes;		/* that were told now */
	UsomCouponLoss *loss;		/* a use of a coupon that others have; NULL: none was wanted in vain */
} UsomPricing;

/*
 * Prices the lines of an order of the set, those of components of kits and
 * removed ones aside, by the rules in force at its placed_at.  NULL: there is
 * nothing to price by.  US404, US405, US407 for coupons.
 */
extern UsomPricing *usom_api_price(UsomOrderSet *set, int order, const UsomPriceRequest *request);

/* An order of a batch that is to be priced, alone in its set. */
typedef struct UsomPriceWish
{
	UsomOrderSet *set;
	UsomPriceRequest *request;
} UsomPriceWish;

/* Read for all of them what usom_api_price() reads for one: a statement each for prices of products and of boxes, coupons and charges, if any are wanted. */
extern void usom_api_foresee_prices(UsomPriceWish *wishes, int count);

/* All orders of a set with what they were priced with before; by order.  Settle them afterwards. */
extern UsomPricing **usom_api_price_again(UsomOrderSet *set);

/* price_read.c: prices of the lines and the segment of the customer; one statement. */
extern void usom_api_read_prices(const UsomOrderSet *set, UsomPricing *pricing, const UsomPriceRules *rules, SPITupleTable *foreseen);

/* The same for new orders, alone in their sets. */
extern void usom_api_foresee_line_prices(const UsomPriceWish *wishes, UsomPricing *const *pricings, int count, const UsomPriceRules *rules);

/* The same file: what the order was priced with before, for lines that nothing is asked for; one statement. */
extern void usom_api_read_asks(const UsomOrderSet *set, int order, UsomPriceAsk *asks);

/* The same file: list prices of the units that lines are ordered in, where none was told; one statement if there are such lines. */
extern void usom_api_read_pack_prices(const UsomOrderSet *set, UsomPricing *pricing, UsomPriceAsk *asks, SPITupleTable *foreseen);
extern void usom_api_foresee_pack_prices(const UsomPriceWish *wishes, UsomPricing *const *pricings, int count);

/* charge.c: the same of freight and tax. */
extern void usom_api_foresee_charges(const UsomPriceWish *wishes, UsomPricing *const *pricings, int count);

/* coupon.c: those that the order brings, valid or used by it already; one statement at most. */
extern void usom_api_read_coupons(const UsomOrderSet *set, UsomPricing *pricing, const UsomPriceRequest *request,
								  const UsomPriceRules *rules);

/* The same file: US406. */
extern void usom_api_refuse_coupon(const UsomCouponLoss *loss) pg_attribute_noreturn();

/* The same for all orders of a batch. */
extern void usom_api_foresee_coupons(const UsomPriceWish *wishes, UsomPricing *const *pricings, int count, const UsomPriceRules *rules);

/* The same file: US407 for a coupon that took nothing off, if it must fit. */
extern void usom_api_check_coupons(const UsomPricing *pricing, const UsomPriceRequest *request);

/*
 * redeem.c: the orders take the coupons that they use, and let go of those that they use
 * no more.  US406 if there is no use left: of several orders the first ones
 * take it, and the pricing of each other says what it has lost.  No statement without coupons.
 * pricings are by order of the set, NULL where nothing was priced.
 */
extern void usom_api_redeem(const UsomOrderSet *set, UsomPricing *const *pricings);

/* redeem.c: orders of the set that are cancelled or rejected let go of their coupons. */
extern void usom_api_release_coupons(const UsomOrderSet *set);

/* The steps of the orders, for the versions that they are in, in one statement; taxes that were told in another. */
extern void usom_api_write_prices(const UsomOrderSet *set, UsomPricing *const *pricings);

#endif							/* USOM_API_PRICE_H */
