/*
 * payment.h
 *		Payments, where they meet the other rooms: what applications record,
 *		documents that bring an authorisation, cover that release and ship ask
 *		for.
 */
#ifndef USOM_API_PAYMENT_H
#define USOM_API_PAYMENT_H

#include "api/finding.h"
#include "api/place.h"
#include "payment/payment.h"

/* A line of the argument "lines". */
typedef struct UsomPayLine
{
	int32		line_no;
	UsomQuantity quantity;		/* 0: not given */
	Numeric		amount;
	Numeric		tax;
	Numeric		freight;
	bool		has_amount;
	bool		has_tax;
	bool		has_freight;
} UsomPayLine;

/*
 * payment_lines.c: shares of an amount that is captured, or goes back.  US505
 * if they cannot be read, US106 for an unknown line, US501 above what is owed
 * for units that came back.
 */
extern UsomShare *usom_api_read_capture(UsomPayments *payments, Jsonb *lines, int *nshares);
extern UsomShare *usom_api_read_refund(UsomPayments *payments, Jsonb *lines, int *nshares);

/* payment_place.c: does the document bring an authorised amount? */
extern bool usom_api_is_authorized(const Jsonb *payment);

/* The same file: the authorisations that documents bring; a statement more for each kind of row if there is one. */
extern void usom_api_write_payments(Placing **placings, int count);

/* The same for drafts of plain SQL that are submitted; the orders are saved by the caller. */
extern void usom_api_take_payments(UsomOrderSet *set);

/* payment_check.c: a row of the table of checks. */
extern void usom_api_check_payment(UsomChecking *checking);

/* The same file: holds that ask for cover end if there is enough; an order that waited for it goes on. */
extern void usom_api_release_covered(UsomPayments *payments);

#endif							/* USOM_API_PAYMENT_H */
