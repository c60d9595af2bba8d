/*
 * waterfall.h
 *		What the lines of an order cost, step by step.
 *
 *		Pure: arrays in, arrays out, no SPI, no locks; memory:
 *		CurrentMemoryContext.  The steps are taken in this order, and no other:
 *
 *		 1. document or list: the price of one unit to begin with
 *		 2. contract: another unit price, or percent off the list price
 *		 3. break: by units of the product (unit price), then by the value of
 *			the goods of the order (taken off)
 *		 4. promotion: those of lines, then those of the order
 *		 5. coupon: the promotions that coupons bring, likewise
 *		 6. manual: a unit price that somebody has decided on; it stands for 2 to 5
 *		 7. freight, 8. tax (freight.h, tax.h, called after usom_price_take_off)
 *
 *		Steps 1 to 3 and 6 make the unit price; 3 (by value), 4 and 5 take off
 *		the amount of the line.  A price that the document brings is touched
 *		by 4 and 5 alone, a net contract price by nothing.
 *
 *		A unit price that is worked out is rounded to the minor unit of the
 *		currency, or to the decimals of the price it comes from, if those are
 *		more; amounts of lines to the minor unit, halves away from zero; what
 *		is taken off the order is shared by the amounts of its lines, by
 *		largest remainder.  Nothing falls below zero.
 *
 *		Sources: SAP's condition technique (steps in a fixed order, each on the
 *		result of the last, net price conditions); the promotion rules of the
 *		order systems named in the scenarios (stacking, exclusion groups);
 *		Hamilton's apportionment.
 */
#ifndef USOM_PRICING_WATERFALL_H
#define USOM_PRICING_WATERFALL_H

#include "datatype/timestamp.h"
#include "nodes/bitmapset.h"
#include "pricing/money.h"

/* Price of one unit, in ten-thousandths of the currency. */
typedef int64 UsomUnitPrice;

#define USOM_NO_UNIT_PRICE (-1)

/* Percent, in ten-thousandths of one: 12.5 % is 125000. */
typedef int64 UsomPercent;

#define USOM_NO_PERCENT 0
#define USOM_WHOLE_PERCENT 1000000

typedef enum UsomPriceStepKind
{
	USOM_STEP_DOCUMENT,
	USOM_STEP_LIST,
	USOM_STEP_CONTRACT,
	USOM_STEP_BREAK,
	USOM_STEP_PROMOTION,
	USOM_STEP_COUPON,
	USOM_STEP_MANUAL,
	USOM_STEP_FREIGHT,
	USOM_STEP_TAX
} UsomPriceStepKind;

/* A price, or a percentage off, or neither. */
typedef struct UsomPriceRule
{
	UsomUnitPrice unit_price;	/* or USOM_NO_UNIT_PRICE */
	UsomPercent percent;		/* or USOM_NO_PERCENT */
	const char *rule;			/* NULL: there is none */
} UsomPriceRule;

typedef struct UsomPriceLine
{
	int32		line_no;
	const char *sku;
	const char *category;		/* NULL: none */
	UsomQuantity quantity;
	UsomQuantity product_units; /* of all lines of the order with the product */
	UsomUnitPrice document;		/* price that counts because the document says so, or none */
	UsomUnitPrice list;			/* or none */
	UsomUnitPrice pack_price;	/* of a box: document or list is its share, rounded up, and the rest is taken off */
	int64		pack_quantity;	/* so many units are ...; 0: there is no box */
	int64		pack_per;		/* ... so many boxes, in lowest terms */
	const char *pack_reason;
	UsomPriceRule contract;
	bool		is_net;			/* the contract's price is not touched */
	UsomPriceRule line_break;
	UsomPriceRule manual;		/* unit_price alone; rule: who or what allowed it */
	const char *manual_reason;

	/* Worked out. */
	UsomUnitPrice unit_price;
	UsomMoney	goods;			/* unit price times quantity */
	UsomMoney	discount;		/* what is taken off, from 0 to goods */
	UsomMoney	freight;		/* set by usom_freight_*, usom_tax_* */
	UsomMoney	tax;
	bool		tax_included;

	/* Which promotions apply to it already. */
	int			npromotions;
	bool		is_closed;		/* one that does not stack */
	bool		is_broken;		/* by a break of the order */
	Bitmapset  *groups;			/* of exclusion */
} UsomPriceLine;

/* A step that set or changed the amount of a line. */
typedef struct UsomPriceStep
{
	int			line;			/* index */
	UsomPriceStepKind kind;
	const char *rule;			/* may be NULL */
	UsomUnitPrice unit_price;	/* from this step on, or USOM_NO_UNIT_PRICE: it stays */
	bool		is_first;		/* there is nothing before */
	UsomMoney	before;
	UsomMoney	after;
	const char *reason;			/* may be NULL */
} UsomPriceStep;

typedef struct UsomPromotion
{
	const char *code;
	const char *reason;			/* its name and what it does */
	bool		of_order;		/* else of each line */
	const char *segment;		/* NULL: any, as the next ones */
	const char *channel;
	const char *category;
	int			nskus;			/* 0: any */
	const char **skus;			/* sorted */
	const char *currency;
	UsomQuantity min_quantity;	/* 0: any */
	UsomQuantity max_quantity;	/* 0: any */
	int64		min_value;		/* in ten-thousandths of the currency; 0: any */
	UsomPercent percent;
	int64		amount;			/* in ten-thousandths; 0: none */
	UsomUnitPrice unit_price;
	bool		stacks;
	int			group;			/* of exclusion; -1: none */
	bool		needs_coupon;
	bool		active;
	TimestampTz valid_from;
	TimestampTz valid_to;
} UsomPromotion;

/* A break by the value of goods. */
typedef struct UsomOrderBreak
{
	const char *sku;			/* NULL: any */
	const char *category;
	const char *currency;
	const char *rule;
	int64		min_value;		/* in ten-thousandths */
	UsomPercent percent;
	TimestampTz valid_from;
	TimestampTz valid_to;
} UsomOrderBreak;

/* A coupon that the order brings. */
typedef struct UsomCouponUse
{
	int64		coupon_id;
	const char *code;
	const UsomPromotion *promotion;
	bool		is_used;		/* by the order already */
	bool		applies;		/* worked out: it took something off */
} UsomCouponUse;

typedef struct UsomWaterfall
{
	TimestampTz at;				/* rules in force then */
	const char *currency;
	int			decimals;		/* of its minor unit: usom_currency_decimals() */
	const char *channel;
	const char *segment;		/* of the customer; NULL: none */
	int			nlines;
	UsomPriceLine *lines;
	int			npromotions;
	const UsomPromotion *const *promotions; /* by priority and code */
	int			nbreaks;
	const UsomOrderBreak *breaks;	/* of a product first, then of a category; the highest first */
	int			ncoupons;
	UsomCouponUse *coupons;

	/* Worked out. */
	bool		is_changed;		/* by more than document and list prices */
	int			nsteps;
	int			steps_capacity;
	UsomPriceStep *steps;
} UsomWaterfall;

/* Steps 1 to 3 and 6, and goods. */
extern void usom_price_make_units(UsomWaterfall *waterfall);

/* The values of orders, promotions and coupons: after usom_price_make_units(). */
extern void usom_price_take_off(UsomWaterfall *waterfall);

/* What the line costs by now: goods less discount, plus freight, plus tax unless it is included. */
extern UsomMoney usom_price_line_amount(const UsomPriceLine *line);

/* For freight.c and tax.c, too: what the amount was before; it is what the line says now. */
extern void usom_price_note(UsomWaterfall *waterfall, int line, UsomPriceStepKind kind, const char *rule,
							UsomMoney before, const char *reason);

/* Is it in force for this order, coupons and conditions aside? */
extern bool usom_promotion_is_valid(const UsomWaterfall *waterfall, const UsomPromotion *promotion);

/* Price times quantity in the minor unit, halves up. */
extern UsomMoney usom_price_extend(UsomUnitPrice price, UsomQuantity quantity, int decimals);

/* "12.5 % off" */
extern char *usom_percent_text(UsomPercent percent);

/* document, list, ... */
extern const char *usom_price_step_name(UsomPriceStepKind kind);

/* From and to numeric, exact; 22003 beyond what 64 bits hold. */
extern UsomUnitPrice usom_unit_price_of(Numeric price);
extern Numeric usom_unit_price_numeric(UsomUnitPrice price);

#endif							/* USOM_PRICING_WATERFALL_H */
