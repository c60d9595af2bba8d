/*
 * credit.h
 *		How much customers may owe: accounts, and what each order takes of them.
 *
 *		An order of a customer with an account takes, at the point where the
 *		account is checked (confirm, release or ship), what it owes: the units
 *		that are neither cancelled nor returned, less what was paid and not
 *		given back.  From then on what it takes follows what it owes.  The
 *		exposure of an account is the sum of what is taken; taking is refused
 *		where it would pass the limit: the order is on hold, type credit, until
 *		others owe less, the limit is raised, or a manager lets it pass.
 *
 *		Locks: the orders first; the accounts, by key; held orders that may go
 *		on because of the call (SKIP LOCKED, so nobody waits for them); then the
 *		stock of all of them, if any is held.  Verbs that take stock or free it
 *		open the accounts before.
 *
 *		Invariants: exposure is the sum of the amounts of its uses; an order
 *		takes at most what it owes; it takes less only while it is held, or
 *		before it comes to a point.  The exposure passes the limit only where a
 *		manager let an order pass, the limit was lowered, or money went back.
 *
 *		All want an open call.  Memory: CurrentMemoryContext.
 */
#ifndef USOM_PAYMENT_CREDIT_H
#define USOM_PAYMENT_CREDIT_H

#include "order/order.h"

/* Where accounts are checked, in the order of an order's life. */
typedef enum UsomCreditPoint
{
	USOM_CREDIT_NOWHERE,		/* counted from its confirmation on, never refused */
	USOM_CREDIT_CONFIRM,
	USOM_CREDIT_RELEASE,
	USOM_CREDIT_SHIP
} UsomCreditPoint;

/* Why a call looks at what an order takes. */
typedef enum UsomCreditEvent
{
	USOM_CREDIT_ARRIVES,		/* comes to a point */
	USOM_CREDIT_CHANGES,		/* the customer wants more or less: more may be refused */
	USOM_CREDIT_FOLLOWS,		/* units or money went back, money came, an order was split: what is, is */
	USOM_CREDIT_PASSES,			/* a manager says so */
	USOM_CREDIT_WAITS			/* is held; may it go on? */
} UsomCreditEvent;

typedef struct UsomCreditAccount
{
	int64		credit_account_id;
	const char *customer;		/* code */
	const char *currency;
	Numeric		limit;
	Numeric		exposure;
	Numeric		exposure_before;	/* when it was locked */
	UsomCreditPoint checked_at;
	bool		refuses_increase;	/* of orders that have passed; else they are held */
	bool		is_forced;		/* something counts whatever the limit says */
	Numeric		given_up;		/* by orders that owe less since the call */
} UsomCreditAccount;

typedef enum UsomCreditOutcome
{
	USOM_CREDIT_NOTHING,		/* not its business */
	USOM_CREDIT_COVERED,
	USOM_CREDIT_SHORT,			/* is held from now on, or still */
	USOM_CREDIT_GOES_ON			/* was held, and is no more */
} UsomCreditOutcome;

/* An order that may take of an account. */
typedef struct UsomCreditDemand
{
	int64		sales_order_id;
	int			order;			/* index in the set of the call; -1: not of it */
	int			account;		/* index */
	bool		is_known;		/* it takes, or is held */
	bool		is_running;		/* confirmed, and not ended */
	bool		is_blocked;		/* held by others as well: let go, but not taken for */
	TimestampTz held_at;		/* or USOM_NO_TIME */
	Numeric		amount;			/* that it takes */
	Numeric		wanted;			/* that it owed when last looked at */
	Numeric		owed;			/* now */
	Numeric		beyond;			/* of that, beyond the limit when a manager let it pass */
	Numeric		paid;			/* and not given back */
	Numeric		used;			/* exposure that stood in its way */
	UsomCreditOutcome outcome;
	bool		changed;
} UsomCreditDemand;

/* What a call has locked of accounts before it changes orders. */
typedef struct UsomCredit
{
	int64		org_id;
	UsomOrderSet *set;			/* NULL: there is none */
	int			naccounts;
	UsomCreditAccount *accounts;	/* by key */
	int			ndemands;
	UsomCreditDemand *demands;	/* those of the set in its order, then held ones */
} UsomCredit;

/* ---- credit_plan.c: pure ---- */

/* Decide what a demand takes, and count it into the exposure of its account. */
extern void usom_credit_decide(UsomCreditAccount *accounts, UsomCreditDemand *demand, UsomCreditEvent event,
							   UsomCreditPoint point);

/* In the order in which held orders go on: the oldest first. */
extern int	usom_credit_compare_held(const void *a, const void *b);

/* Why it is held, in words and numbers. */
extern char *usom_credit_explain(const UsomCreditAccount *account, const UsomCreditDemand *demand);

/* What an order owes: units neither cancelled nor returned, less what was paid; never below zero. */
extern Numeric usom_credit_owed(const UsomOrderSet *set, int order, Numeric paid);

/* ---- credit_lock.c ---- */

#define USOM_CREDIT_HELD_AT_MOST 100	/* held orders that one call looks at, the oldest */

/* Of an order o: is it on account?  $1 is the organisation. */
#define USOM_IS_ON_ACCOUNT "(o.payment->>'method' IS NULL OR EXISTS (SELECT 1 FROM usom.payment_method AS m " \
	"WHERE m.org_id = $1 AND m.code = o.payment->>'method' AND m.terms = 'on_account'))"

/* Has the organisation accounts; might any order of the set be of one?  Remembered by the backend: no statement. */
extern bool usom_credit_is_any(int64 org_id);
extern bool usom_credit_concerns(const UsomOrderSet *set);

/* Keys of the orders of a set, with room for more behind. */
extern int64 *usom_credit_keys(const UsomOrderSet *set, int more);

/* Lock the accounts of orders, those of the set (or NULL) being the first of ids, and read what they take. */
extern UsomCredit *usom_credit_read(int64 org_id, UsomOrderSet *set, const int64 *ids, int nids);

/* Lock the accounts of sets, of which some may be NULL, before a call does several things to them. */
extern void usom_credit_lock(int64 org_id, UsomOrderSet *const *sets, int nsets);

/*
 * Before a verb changes what orders owe and before it locks stock: lock the
 * accounts, the held orders that may go on, and the stock of both if there are
 * such.  NULL: no account is concerned, and closing it does nothing.
 */
extern UsomCredit *usom_credit_open(UsomOrderSet *set);

/* The accounts of customers and their held orders, before anything else is locked.  NULL: none is held. */
extern UsomCredit *usom_credit_open_held(int64 org_id, const int64 *customers, int ncustomers);

/* ---- credit.c ---- */

/*
 * Orders come to a point, the ones marked: first come, first served, in the
 * order of the set.  Those that do not fit are held, which is written;
 * the headers are the caller's.  Returns why, by order, NULL being those that may
 * go on; NULL: all may.  Before any stock is locked.
 */
extern const char **usom_credit_take(UsomOrderSet *set, const bool *marked, UsomCreditPoint point);

/*
 * The orders are saved: what they take follows, and held orders go on as far as
 * there is room, oldest first.  US510 for more than the account allows, if it
 * refuses such changes.
 */
extern void usom_credit_close(UsomCredit *credit, UsomCreditEvent event);

/* What orders owe has changed, and nothing of it is held or freed in stock: open and close in one. */
extern void usom_credit_follow(int64 org_id, const int64 *sales_order_ids, int count);

/* The same for a set that is loaded and saved; no held order goes on. */
extern void usom_credit_follow_set(UsomOrderSet *set, UsomCreditEvent event);

/* A manager lets the first order of the set pass.  False: credit does not hold it. */
extern bool usom_credit_pass(UsomOrderSet *set);

/* Held orders of customers go on as far as there is room.  Answers how many, and which. */
extern int	usom_credit_review(int64 org_id, const int64 *customers, int ncustomers, int64 **orders);

/*
 * What rooms to the right do with orders that are held no more: confirm them.
 * The orders are locked, their holds are ended.  saved, which may be NULL, is
 * what the call has loaded and may hold some of them.
 */
typedef void (*UsomCreditGoOn) (UsomOrderSet *saved, int64 org_id, const int64 *sales_order_ids, int count);
extern void usom_credit_go_on_by(UsomCreditGoOn go_on);

/* ---- credit_write.c ---- */

/* Uses and exposures, in one statement; nothing if nothing changed. */
extern void usom_credit_write(int64 org_id, const UsomCreditAccount *accounts, int naccounts,
							  UsomCreditDemand *const *demands, int ndemands);

/* Holds of type credit on orders, with reasons; renewed where they stand. */
extern void usom_credit_hold(int64 org_id, const int64 *sales_order_ids, const char *const *reasons, int count);

/* End them; by hand: those that people have placed, too.  Returns how many there were. */
extern int	usom_credit_end_holds(int64 org_id, const int64 *sales_order_ids, int count, const char *reason, bool by_hand);

/* _PG_init of the room. */
extern void usom_credit_init(void);

#endif							/* USOM_PAYMENT_CREDIT_H */
