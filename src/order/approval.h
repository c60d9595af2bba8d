/*
 * approval.h
 *		Approvals: whose yes an order waits for, bound to what it says.
 *
 *		Rules say which orders wait for whose approval, price limits which
 *		overrides do.  A question (a row of usom.approval) and its answer hold
 *		for one content: the digest over type, parties, address, and lines with
 *		their prices.  usom_order_save() follows every change of content: what
 *		was asked or answered about another one is void, what still needs an
 *		answer is asked anew, and a hold of type approval stands as long as an
 *		answer is missing.  So no verb can forget it.
 *
 *		Locks: those of the orders, which the caller has; rows of approval are
 *		written under them.
 *
 *		Invariants: of an order and a queue at most one question is not void;
 *		the order is held while one of them is pending or declined.
 *
 *		The functions want an SPI connection; memory: CurrentMemoryContext.
 */
#ifndef USOM_ORDER_APPROVAL_H
#define USOM_ORDER_APPROVAL_H

#include "audit/sha256.h"
#include "order/order.h"

#define USOM_APPROVAL_HOLD "approval"
#define USOM_NO_RISK (-1)

/* A price that somebody sets on a line. */
typedef struct UsomOverride
{
	Numeric		unit_price;
	Numeric		price_before;	/* what the rules say */
	const char *reason;
	const char *queue;			/* that has to approve it; NULL: nobody */
	const char *beyond;			/* code of the limit that it passes, or none */
} UsomOverride;

/* ---- approval_rule.c: what is configured, and pure matching ---- */

typedef struct UsomApprovalRule
{
	const char *code;
	bool		approves;		/* the standard case: rules after it are not asked */
	const char *queue;
	Numeric		value_above;	/* NULL: any; so are all that follow */
	Numeric		value_up_to;
	const char *currency;
	Numeric		discount_above;
	Numeric		discount_up_to;
	int			risk_above;		/* USOM_NO_RISK: any */
	int			risk_up_to;
	const char *category;
	const char *customer;
	const char *segment;
	const char *channel;
	const char *order_type;
	Interval   *valid_for;		/* NULL: for ever */
	Interval   *escalate_after; /* NULL: never */
	const char *escalate_to;
	const char *if_declined;
	const char *apart_by;
} UsomApprovalRule;

typedef struct UsomPriceLimit
{
	const char *code;
	const char *role;
	int64		product_id;		/* 0: of the category, or all */
	const char *category;		/* NULL: any */
	Numeric		max_discount;	/* per cent */
	Numeric		max_markup;
	const char *queue;
} UsomPriceLimit;

typedef struct UsomApprovalRules
{
	bool		any;			/* was there ever a rule or limit? */
	int			nrules;
	UsomApprovalRule *rules;	/* active ones, in the order in which they are asked */
	int			nlimits;
	UsomPriceLimit *limits;		/* active ones */
} UsomApprovalRules;

/* Remembered by the backend: no statement. */
extern const UsomApprovalRules *usom_approval_rules(int64 org_id);

/* An override beyond a limit. */
typedef struct UsomApprovalExcess
{
	int32		line_no;
	Numeric		unit_price;
	Numeric		price_before;
	const char *queue;
	const char *beyond;			/* code of the limit, or none */
} UsomApprovalExcess;

/* What rules look at. */
typedef struct UsomApprovalFacts
{
	Numeric		total;
	const char *currency;
	Numeric		gross;			/* of the goods, without what is taken off */
	Numeric		reduction;		/* taken off by discounts and overrides */
	int			risk;			/* USOM_NO_RISK: nobody has said */
	const char *customer;		/* code; NULL: a guest */
	const char *segment;
	const char *channel;
	UsomOrderType order_type;
	int			ncategories;
	const char **categories;	/* of the lines; NULL: none */
	List	   *excesses;		/* of UsomApprovalExcess * */
} UsomApprovalFacts;

/* A queue that has to be asked. */
typedef struct UsomApprovalWanted
{
	const char *queue;
	const UsomApprovalRule *rule;	/* that asks first; NULL: a price limit does */
	List	   *codes;			/* of all rules and limits that ask */
} UsomApprovalWanted;

/* List of UsomApprovalWanted *; standard: the rule that approves, if one does. */
extern List *usom_approval_match(const UsomApprovalRules *rules, const UsomApprovalFacts *facts,
								 const UsomApprovalRule **standard);

/* Facts of a line: price before is unit_price unless it was overridden. */
extern void usom_approval_add_line(UsomApprovalFacts *facts, Numeric unit_price, Numeric price_before,
								   Numeric discount, UsomQuantity quantity, const char *category);

/* Per cent with two decimals, for people. */
extern Numeric usom_approval_discount(const UsomApprovalFacts *facts);

/*
 * Which limit says how far the caller may go on a product; NULL: none does.
 * within is whether price is inside of it; with no limits at all everything is.
 */
extern const UsomPriceLimit *usom_approval_limit(const UsomApprovalRules *rules, int64 product_id, const char *category,
												 Numeric price_before, Numeric unit_price, bool *within);

/* ---- approval_queue.c: who is of a queue ---- */

/* Has the role that acts the rights of a profile, or of the role that the queue is called after? */
extern bool usom_approval_is_member(const char *queue);

/* ---- approval_content.c: what the order says ---- */

typedef struct UsomContent
{
	int64		sales_order_id;
	UsomDigest	digest;
	UsomApprovalFacts facts;
} UsomContent;

/* Of orders that are written, in one statement; sorted by key.  Orders without lines are not there. */
extern int	usom_approval_read_content(int64 org_id, const int64 *ids, int nids, UsomContent **contents);

/* ---- approval.c: asking ---- */

/* After lines and headers of the set are written: follow what changed.  Nothing is asked if there are no rules. */
extern void usom_approval_follow(UsomOrderSet *set);

/* The same for orders whose lines did not change; news are the caller's to write. */
extern void usom_approval_follow_all(UsomOrderSet *set);

/* US136 if a hold of this type may not be released by hand. */
extern void usom_approval_check_release(const UsomOrderSet *set, int order, const char *hold_type);

/* All answers are there: the order is no longer held for them. */
extern void usom_approval_settle(UsomOrderSet *set, int order);

/* _PG_init of the room. */
extern void usom_approval_init(void);

#endif							/* USOM_ORDER_APPROVAL_H */
