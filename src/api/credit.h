/*
 * credit.h
 *		Credit in the verbs: orders that it holds, and that go on.
 */
#ifndef USOM_API_CREDIT_H
#define USOM_API_CREDIT_H

#include "order/order.h"
#include "payment/credit.h"

/*
 * Orders of the set that are confirmed in memory take their part of credit;
 * those that it does not cover are submitted again, and on hold.  Answers why,
 * by order; NULL: nobody's business.  The stock is not locked yet.
 */
extern const char **usom_api_take_credit(UsomOrderSet *set);

/* May the order be released or shipped?  If not, it is held now. */
extern bool usom_api_credit_covers(UsomOrderSet *set, int order, UsomCreditPoint point);

/* _PG_init of the room. */
extern void usom_api_credit_init(void);

#endif							/* USOM_API_CREDIT_H */
