/*
 * rules.h
 *		What a session remembers of the price rules of an organisation.
 */
#ifndef USOM_PRICING_RULES_H
#define USOM_PRICING_RULES_H

#include "pricing/waterfall.h"

/* Contracts and breaks of lines, the more specific of either first. */
typedef enum UsomPriceRuleKind
{
	USOM_CONTRACT_OF_CUSTOMER = 1,	/* for a product */
	USOM_CONTRACT_OF_CUSTOMER_FOR_CATEGORY,
	USOM_CONTRACT_OF_SEGMENT,
	USOM_CONTRACT_OF_SEGMENT_FOR_CATEGORY,
	USOM_BREAK_OF_PRODUCT,
	USOM_BREAK_OF_CATEGORY,
	USOM_BREAK_OF_ALL
} UsomPriceRuleKind;

#define USOM_PRICE_RULE_KINDS USOM_BREAK_OF_ALL

typedef struct UsomPriceRules
{
	bool		is_any;			/* any contract, break, promotion or coupon */
	bool		has_kind[USOM_PRICE_RULE_KINDS + 1];	/* contracts and breaks of lines; by kind, 0 says nothing */
	bool		has_coupons;
	int			npromotions;
	const UsomPromotion **promotions;	/* by priority and code, retired ones too */
	int			nbreaks;
	UsomOrderBreak *breaks;		/* of orders */
} UsomPriceRules;

/* Lives as usom_memo_get() says: copy what is to stay.  The caller is connected to SPI. */
extern const UsomPriceRules *usom_price_rules(int64 org_id);

/* NULL if there is none. */
extern const UsomPromotion *usom_price_find_promotion(const UsomPriceRules *rules, const char *code);

/* _PG_init of the room calls it. */
extern void usom_price_rules_init(void);

#endif							/* USOM_PRICING_RULES_H */
