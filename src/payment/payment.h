/*
 * payment.h
 *		What orders are paid with: authorised, captured, refunded.
 *
 *		A payment is an instrument of an order (a card, a gift card, an
 *		account).  What the payment provider did is a row of the ledger
 *		payment_transaction; payment and payment_line are its sums.  What the
 *		provider is to do leaves as an event with a row of payment_request, and
 *		is counted as wanted until the answer is recorded.  No provider is
 *		called, and nothing is locked while one is waited for.
 *
 *		Amounts are UsomMoney in units of 10^-4, whatever the currency.
 *
 *		Ceilings: of a payment captured + voided <= authorised and refunded +
 *		refund wanted + charged back <= captured; of a line, and of its tax,
 *		refunded + wanted <= captured.  They are checked before anything is
 *		written (US501), kept by the statements that write, and constraints.
 *
 *		Locks: the order; its payment rows are changed under it alone.
 *
 *		Memory: CurrentMemoryContext, which is the call's.
 */
#ifndef USOM_PAYMENT_PAYMENT_H
#define USOM_PAYMENT_PAYMENT_H

#include "order/order.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

/* ---- method.c: terms, remembered by the backend ---- */

typedef enum UsomPaymentTerms
{
	USOM_PREPAID,
	USOM_ON_ACCOUNT,
	USOM_COD
} UsomPaymentTerms;

typedef enum UsomPaymentCover
{
	USOM_COVER_NONE,
	USOM_COVER_RELEASE,
	USOM_COVER_SHIP
} UsomPaymentCover;

typedef struct UsomPaymentMethod
{
	const char *code;
	UsomPaymentTerms terms;
	UsomPaymentCover cover;
	int			days_due;
	Interval   *valid_for;		/* NULL: without end */
	bool		refuses_late;	/* captures after the authorisation has expired */
} UsomPaymentMethod;

/* Never NULL: a method without a row is prepaid and demands nothing. */
extern const UsomPaymentMethod *usom_payment_method(int64 org_id, const char *code);

extern void usom_payment_method_init(void);

/* Does any method ask for cover?  One look at what is remembered. */
extern bool usom_payment_cover_is_asked(int64 org_id);

/* ---- ledger.c: rows ---- */

typedef struct UsomPaymentSums
{
	UsomMoney	authorized;
	UsomMoney	voided;
	UsomMoney	captured;
	UsomMoney	capture_wanted;
	UsomMoney	refunded;
	UsomMoney	refund_wanted;
	UsomMoney	charged_back;
} UsomPaymentSums;

typedef struct UsomPayment
{
	int64		payment_id;
	int32		payment_no;
	const char *method;
	const char *reference;		/* NULL: none */
	UsomPaymentSums was;		/* when loaded */
	UsomPaymentSums sums;
	TimestampTz expires_at;		/* or USOM_NO_TIME */
	bool		is_new;
} UsomPayment;

typedef struct UsomPaidSums
{
	UsomMoney	captured;
	UsomMoney	captured_tax;
	UsomMoney	capture_wanted;
	UsomMoney	refunded;		/* or charged back */
	UsomMoney	refunded_tax;
	UsomMoney	refund_wanted;
	UsomMoney	refund_wanted_tax;
	UsomMoney	for_units;		/* of both, for units that came back or were cancelled */
	UsomMoney	for_freight;
	UsomMoney	credited;		/* for units that came back before they were paid: the sum of credit notes; in for_units, too */
} UsomPaidSums;

/* What was captured for a line and went back; line_no 0 is what belongs to no line. */
typedef struct UsomPaidLine
{
	int32		line_no;
	UsomPaidSums was;
	UsomPaidSums sums;
	bool		is_new;
} UsomPaidLine;

/* Part of an amount that is a line's. */
typedef struct UsomShare
{
	int32		line_no;
	UsomMoney	amount;
	UsomMoney	tax;			/* in it */
	UsomMoney	units;			/* of a refund: so much of it is for units */
	UsomMoney	freight;		/* and for freight */
} UsomShare;

typedef struct UsomPaymentRequest
{
	int32		request_no;
	int			payment;		/* index */
	const char *kind;			/* capture, void, refund, invoice, credit */
	UsomMoney	amount;
	const char *reference;
	int			nshares;
	UsomShare  *shares;
	const char *reason;
	TimestampTz due_at;
	const char *status;
} UsomPaymentRequest;

typedef struct UsomPaymentFact
{
	const char *kind;
	UsomMoney	amount;
	const char *reference;
	bool		failed;
	int			payment;		/* index */
	int32		request_no;		/* 0: answers none */
	int			nshares;
	UsomShare  *shares;
	TimestampTz expires_at;
	TimestampTz occurred_at;
	int32		transaction_no;
} UsomPaymentFact;

typedef struct UsomPayments
{
	UsomOrderSet *set;
	int			order;			/* index */
	UsomMoney	unit;			/* smallest of the currency */
	int			count;
	UsomPayment *payments;		/* by payment_no; room for one more */
	int			nlines;
	int			lines_capacity;
	UsomPaidLine *lines;
	int32		last_request_no;
	int32		last_transaction_no;
	List	   *requests;		/* new ones: UsomPaymentRequest * */
	List	   *answered;		/* loaded ones with another status */
	List	   *facts;			/* UsomPaymentFact * */
} UsomPayments;

extern UsomPayments *usom_payments_load(UsomOrderSet *set, int order);

/* Of a new order, which has none. */
extern UsomPayments *usom_payments_make(UsomOrderSet *set, int order);

/* A new payment with the next number. */
extern UsomPayment *usom_payments_add(UsomPayments *payments, const char *method, const char *reference);

extern UsomPaidLine *usom_payments_line(UsomPayments *payments, int32 line_no);

/*
 * Write what changed, and what is paid into the order, which is saved by the
 * caller.  US504 if another order has a reference.
 */
extern void usom_payments_write(UsomPayments *payments);

/* Requests of the order that wait for an answer, oldest first. */
extern UsomPaymentRequest *usom_payments_wanted(UsomPayments *payments, int *count);

/*
 * Was the fact recorded before?  US504 if with another amount or for another order.
 */
extern bool usom_payments_is_repeat(const UsomPayments *payments, const UsomPaymentFact *fact);

/* Payments of orders that are placed: those whose reference another order has are left out, and false for them. */
extern void usom_payments_write_new(UsomPayments **payments, int count, bool *written);

extern Jsonb *usom_payment_shares_json(const UsomShare *shares, int nshares);

/* reversal.c: shares of the amount in what was charged back of a payment and not reversed since; one statement. */
extern UsomShare *usom_payment_cut_reversal(UsomPayments *payments, int payment, UsomMoney amount, int *nshares);

/* ---- ceiling.c: pure ---- */

static inline UsomMoney
usom_payment_capturable(const UsomPayment *payment)
{
	return payment->sums.authorized - payment->sums.voided - payment->sums.captured;
}

static inline UsomMoney
usom_payment_refundable(const UsomPayment *payment)
{
	return payment->sums.captured - payment->sums.refunded - payment->sums.refund_wanted - payment->sums.charged_back;
}

/* Captured for a line and neither back nor asked back. */
static inline UsomMoney
usom_paid_net(const UsomPaidLine *line)
{
	return line->sums.captured - line->sums.refunded - line->sums.refund_wanted;
}

/* 19.90 */
extern char *usom_payment_text(UsomMoney amount);

/* Shares of an amount that is captured, by what the lines still cost; the rest belongs to no line. */
extern UsomShare *usom_payment_cut_capture(UsomPayments *payments, UsomMoney amount, int *nshares);

/* Shares of an amount that goes back, by what was captured for the lines. */
extern UsomShare *usom_payment_cut_refund(UsomPayments *payments, UsomMoney amount, int *nshares);

/* Shares in proportion to others. */
extern UsomShare *usom_payment_scale_shares(const UsomPayments *payments, const UsomShare *shares, int nshares, UsomMoney amount);

/* Tax in a share that goes back: what makes the tax of all that went back the part that it has of what was captured. */
extern UsomMoney usom_payment_refund_tax(const UsomPayments *payments, const UsomPaidLine *line, UsomMoney amount);

/* So much of a share is taken from it: units and freight first, of the tax its part. */
extern UsomShare usom_payment_take(const UsomPayments *payments, UsomShare *share, UsomMoney amount);

/* The fact happened: counters follow.  US501 above a ceiling. */
extern void usom_payment_apply(UsomPayments *payments, UsomPaymentFact *fact);

/* Something is asked of the provider: counted as wanted, told.  US501 above a ceiling. */
extern void usom_payment_ask(UsomPayments *payments, UsomPaymentRequest request);

/* A credit note about shares that are not paid yet: it stands at once, nobody answers it. */
extern void usom_payment_credit(UsomPayments *payments, UsomPaymentRequest request);

/* A request is no longer wanted. */
extern void usom_payment_unask(UsomPayments *payments, UsomPaymentRequest *request, const char *status);

/* Ask for a refund in shares, from the payment with the highest number down. */
extern void usom_payment_ask_refund(UsomPayments *payments, const UsomShare *shares, int nshares, const char *reference,
									const char *reason);

/* ---- follow.c: what orders do has consequences ---- */

/* What is owed back for the units of a line that came back or were cancelled. */
extern UsomMoney usom_payment_owed(UsomPayments *payments, int line);

/* Ask to capture what has left and is neither captured nor asked for. */
extern void usom_payment_collect(UsomPayments *payments, const char *reference);

/* What covers the order at a time: authorised and not expired, or captured and not gone back. */
extern UsomMoney usom_payment_cover(const UsomPayments *payments, TimestampTz at);

/* _PG_init of the room. */
extern void usom_payment_init(void);

#endif							/* USOM_PAYMENT_PAYMENT_H */
