/*
 * tax.h
 *		Tax on the lines of an order.
 *
 *		Lines with the same rate are a group: the group's tax is computed once,
 *		rounded once, and cut back to its lines by largest remainder, so the
 *		lines' taxes add up to it.  A rate that is added takes amount * rate, one
 *		that is in the prices amount * rate / (1 + rate).  Source: EN 16931-1,
 *		rules BR-CO-17 (tax of a category is its taxable amount times its rate,
 *		rounded) and BR-S-08 (the taxable amount is the sum over its lines, with
 *		allowances and charges); decision 042.
 *
 *		What somebody else computed for a line stands as it is.
 *
 *		usom_tax_lines and usom_tax_find are pure: no SPI, no locks; memory:
 *		CurrentMemoryContext.
 */
#ifndef USOM_PRICING_TAX_H
#define USOM_PRICING_TAX_H

#include "datatype/timestamp.h"
#include "pricing/money.h"

#define USOM_TAX_PARTS 1000000	/* a rate of 1 */

typedef struct UsomTaxRate
{
	const char *key;			/* country, region, postcode, class and exemption in one text */
	const char *jurisdiction;
	int64		millionths;		/* of the taxable amount: 190000 is 19 % */
	bool		included;		/* in the prices */
	bool		on_freight;
	TimestampTz valid_from;
	TimestampTz valid_to;		/* that moment not; DT_NOEND: no end */
} UsomTaxRate;

typedef struct UsomTaxRates
{
	int			count;
	UsomTaxRate *rates;			/* by key, the latest of a key first */
} UsomTaxRates;

/* Where goods go and who buys them; NULL: not known, or none. */
typedef struct UsomTaxPlace
{
	const char *country;
	const char *region;
	const char *postcode;		/* as it is written: blanks and dashes do not count */
	const char *exemption;		/* of the customer */
	TimestampTz at;
} UsomTaxPlace;

/* A line of an order, in the minor unit of its currency, for all its units. */
typedef struct UsomTaxLine
{
	UsomMoney	goods;			/* less discount; never negative */
	UsomMoney	freight;		/* its share */
	const UsomTaxRate *rate;	/* NULL: not taxed */
	bool		is_told;		/* tax and included come from outside and stand */
	UsomMoney	tax;			/* out */
	bool		included;		/* out */
} UsomTaxLine;

/* Fill in the taxes of the lines of one order. */
extern void usom_tax_lines(UsomTaxLine *lines, int nlines);

/* The rate that counts for a tax class (NULL: none); NULL: not taxed. */
extern const UsomTaxRate *usom_tax_find(const UsomTaxRates *rates, const UsomTaxPlace *place, const char *tax_class);

/* tax_rate.c: those of an organisation, remembered by the backend; NULL: it has none.  Wants an SPI connection. */
extern const UsomTaxRates *usom_tax_rates(int64 org_id);

/* Lives as long as what usom_tax_rates gave; for explain_price: "7.75 %", "19 % included". */
extern char *usom_tax_describe(const UsomTaxRate *rate);

/* _PG_init of the room calls it. */
extern void usom_tax_init(void);

#endif							/* USOM_PRICING_TAX_H */
