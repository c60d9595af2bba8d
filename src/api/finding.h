/*
 * finding.h
 *		What checks find about an order that is placed, submitted, changed or
 *		released: all at once, each with the field, a code and the remedy.
 *
 *		A check is a function that looks at an order in memory and adds
 *		findings; it writes nothing and locks nothing.  check.c runs them all,
 *		in the order of its table, and settles what they found: to warn is a
 *		row of messages; to hold places a hold (an order whose hold blocks
 *		confirm stays submitted, without stock); to refuse is US804 that lists
 *		every refusal.  quote() lists them all and raises none.
 *
 *		Texts name fields and business keys, never what a field about a person
 *		holds: they become the reasons of holds, which are not sealed.
 */
#ifndef USOM_API_FINDING_H
#define USOM_API_FINDING_H

#include "api/document.h"
#include "base/query.h"
#include "order/order.h"

typedef enum UsomSeverity
{
	USOM_WARN,
	USOM_HOLD,
	USOM_REFUSE
} UsomSeverity;

typedef struct UsomFinding
{
	const char *path;			/* ship_to.postcode, lines[2].unit_price; NULL: the order */
	const char *code;			/* of the check, or the SQLSTATE that it would be */
	UsomSeverity severity;
	const char *hold_type;		/* of USOM_HOLD: never NULL */
	TimestampTz hold_until;		/* of USOM_HOLD: USOM_NO_TIME, or when the hold ends */
	const char *message;
	const char *detail;			/* may be NULL */
	const char *remedy;			/* may be NULL */
	int32		line_no;		/* of USOM_HOLD: line that the hold is on; 0: the order */
	int64		check_rule_id;	/* row of usom.check_rule that counts it; 0: none */
	int32		rule_version;
	bool		overridden;		/* the document said that it is all right */
	const char *override_reason;	/* may be NULL */
	bool		once;			/* not placed again for the same reason once somebody has released it */
} UsomFinding;

/* When a check looks. */
typedef enum UsomCheckPoint
{
	USOM_AT_PLACE,				/* document is there, nothing is written */
	USOM_AT_SUBMIT,				/* a draft; also confirm after a hold */
	USOM_AT_CHANGE,				/* lines changed and priced, not saved */
	USOM_AT_RELEASE,
	USOM_AT_SHIP
} UsomCheckPoint;

typedef struct UsomChecking
{
	UsomCheckPoint point;
	UsomOrderSet *set;
	int			order;			/* of the set */
	const UsomDocument *document;	/* at USOM_AT_PLACE alone */
	const Numeric *expected;	/* at USOM_AT_CHANGE: prices that the change names, by line of the set, NULL for the others; or NULL */
	const Jsonb *ship_to;		/* as in the document, if it is known in clear; or NULL */
	bool		is_quote;
	List	   *findings;		/* of UsomFinding * */
	int64		address_id;		/* at USOM_AT_PLACE: of the customer, where the document brings none */
	List	   *passed;			/* codes of checks of rules that found nothing to hold */
	int			settled;		/* holds that ended because their cause is gone */
	SPITupleTable *facts;		/* what was read for it together with others; NULL: it is to be read */
	SPITupleTable *products;	/* the same, as the next two */
	SPITupleTable *shippers;
	SPITupleTable *approval;
	int64		claimed_from;	/* duplicate.c: order that had the lines before; 0: none */
	bytea	   *claimed;		/* the same: fingerprint of the lines; NULL: none */
} UsomChecking;

/* Add a finding; the strings live as long as the call. */
extern void usom_api_find(UsomChecking *checking, UsomFinding finding);

/*
 * Read for many at USOM_AT_PLACE what rules of checks compare with: a statement
 * for facts, one for locations that ship, one for products if any are not sold
 * everywhere; approval_check.c: one for rules of approval.  None without rules.
 */
extern void usom_api_foresee_facts(UsomChecking *const *checkings, int count);
extern void usom_api_foresee_approval(UsomChecking *const *checkings, int count);

/* The questions of these orders, for unnest(). */
extern Datum usom_api_check_questions(UsomChecking *const *checkings, int count);

/* Run every check. */
extern void usom_api_check(UsomChecking *checking);

/* US804 with every refusal, if there is one. */
extern void usom_api_refuse_findings(const UsomChecking *checking);

/*
 * All that verbs on orders that are there do: check every order of the set,
 * refuse, write the holds that were found, say the warnings (as WARNING), and
 * note in the history what holds.  One checking for each order.
 */
extern UsomChecking **usom_api_check_orders(UsomOrderSet *set, UsomCheckPoint point, const Jsonb *ship_to);

/* The same at USOM_AT_CHANGE, of the one order of the set, with the prices that the change expects. */
extern UsomChecking *usom_api_check_change(UsomOrderSet *set, const Jsonb *ship_to, const Numeric *expected);

/* The same for one that was checked already. */
extern void usom_api_settle_findings(UsomChecking *checking);

/* Do holds that were found keep the order from an action ("confirm", "release", "ship")? */
extern bool usom_api_findings_block(const UsomChecking *checking, const char *action);

/* Write the holds that were found, of all orders in one statement; their headers are there. */
extern void usom_api_write_found_holds(UsomChecking *const *checkings, int count);

/* check_hit.c: what rules have found, counted; refused: what refused documents of a batch, and nothing else. */
extern void usom_api_write_hits(UsomChecking *const *checkings, int count, bool refused);

/* check.c: after all else is found: the holds that hold rules ask for, less those that were released by hand. */
extern void usom_api_find_raised(UsomChecking *checking);

/* steps.c: an order that waited only for holds whose cause is gone goes on to confirmed. */
extern void usom_api_go_on(UsomOrderSet *set, const UsomChecking *checking);

/* Types of the holds that were found, for the history: "credit, address"; NULL if there are none. */
extern const char *usom_api_found_hold_types(const UsomChecking *checking);

/*
 * What a finding says to the caller, as the keys of an object under
 * construction: code, severity, path, message, detail, remedy, hold_type.
 */
extern void usom_api_push_finding(JsonbParseState **state, const UsomFinding *finding);

#endif							/* USOM_API_FINDING_H */
