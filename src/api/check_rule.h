/*
 * check_rule.h
 *		Rules of checks: rows of usom.check_rule, remembered by the backend.
 *
 *		Of the rules of a check the most specific counts: for channel and
 *		customer, for the customer, for the channel, for all.
 */
#ifndef USOM_API_CHECK_RULE_H
#define USOM_API_CHECK_RULE_H

#include "api/finding.h"

#define USOM_CHECK(name, code, function, hold_type, description, parameters) USOM_CHECK_##name,
typedef enum UsomCheckKind
{
#include "api/check.def"
	USOM_CHECK_KINDS
} UsomCheckKind;
#undef USOM_CHECK

/* At which points of an order a rule looks; bits. */
typedef enum UsomLooksAt
{
	USOM_LOOKS_AT_PLACE = 1,
	USOM_LOOKS_AT_SUBMIT = 2,
	USOM_LOOKS_AT_CHANGE = 4,
	USOM_LOOKS_AT_CONFIRM = 8,
	USOM_LOOKS_AT_RELEASE = 16,
	USOM_LOOKS_AT_SHIP = 32
} UsomLooksAt;

/* Lists of texts, NULL after the last; NULL: not given. */
typedef struct UsomCheckParameters
{
	char	  **require;
	char	  **segments;
	char	  **blocked_segments;
	bool		no_guests;
	char	  **countries;
	char	  **not_countries;
	char	  **not_postcodes;
	char	  **accept;
	bool		required;
	UsomQuantity line_quantity; /* 0: not given, as the next two */
	UsomQuantity order_quantity;
	int32		lines;
	Numeric		line_total;		/* NULL: not given */
	Numeric		order_total;
	int64		window;			/* microseconds */
} UsomCheckParameters;

typedef struct UsomCheckRule
{
	int64		check_rule_id;
	int32		version;
	UsomCheckKind kind;
	int64		channel_id;		/* 0: any */
	int64		customer_id;	/* 0: any, guests too */
	bool		is_off;
	UsomSeverity severity;
	const char *hold_type;
	int64		hold_for;		/* microseconds; 0: until it is released */
	int			looks_at;		/* of UsomLooksAt */
	UsomCheckParameters parameters;
} UsomCheckRule;

/* A row of usom.product_restriction; NULL and 0: any. */
typedef struct UsomRestriction
{
	const char *sku;
	const char *category;
	int64		channel_id;
	const char *country;
	TimestampTz from;
	TimestampTz to;
	const char *reason;
} UsomRestriction;

typedef struct UsomCheckRules
{
	int			nrules;
	UsomCheckRule *rules;
	int			nrestrictions;
	UsomRestriction *restrictions;
	bool		has_hold_rules;
} UsomCheckRules;

/* check_rule.c: lives as usom_memo_get() says. */
extern const UsomCheckRules *usom_api_check_rules(int64 org_id);

/* The rule of a check that counts for the order at this point; NULL: none, or it is off. */
extern const UsomCheckRule *usom_api_check_rule_of(const UsomCheckRules *rules, const UsomChecking *checking, UsomCheckKind kind);

/* Add what a rule's check has found; line: index into the set, or -1. */
extern void usom_api_find_by_rule(UsomChecking *checking, const UsomCheckRule *rule, const char *path, int line,
								  const char *message, const char *detail, const char *remedy);

/* lines[2].sku of a document, or NULL where there is none. */
extern const char *usom_api_line_path(const UsomChecking *checking, int line, const char *field);

/* _PG_init of the room. */
extern void usom_api_check_rule_init(void);

/* check_order.c: run what rules ask for. */
extern void usom_api_check_by_rules(UsomChecking *checking);

/* The same file: what hold rules compare with. */
extern UsomHoldFacts usom_api_hold_facts(UsomChecking *checking);

/*
 * duplicate.c: find orders that look like ones that were placed before.  The
 * ids of the orders are known; locks a row of usom.order_fingerprint for each
 * customer and lines, in order.
 */
extern void usom_api_find_duplicates(UsomChecking *const *checkings, int count);

/* Orders that were not placed after all let go of what they claimed; is_gone for each checking. */
extern void usom_api_unclaim_duplicates(UsomChecking *const *checkings, const bool *is_gone, int count);

#endif							/* USOM_API_CHECK_RULE_H */
