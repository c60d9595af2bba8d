/*
 * withdraw.h
 *		Take units of a line back, least committed first.
 *
 *		What is at work in a warehouse is taken back by us alone until its
 *		cut-off (fulfillment/handover.h); after it the warehouse is asked: the
 *		units stay where they are, and a row of warehouse_request stands for
 *		them until somebody answers.
 */
#ifndef USOM_API_WITHDRAW_H
#define USOM_API_WITHDRAW_H

#include "order/order.h"

typedef enum UsomWithdrawal
{
	USOM_WITHDRAW_CANCEL,		/* units become cancelled */
	USOM_WITHDRAW_DROP			/* units were never ordered */
} UsomWithdrawal;

/* What one verb takes back from the orders of a set. */
typedef struct UsomWithdrawing UsomWithdrawing;

/* Before the set is changed.  Without cut-offs no statement is run. */
extern UsomWithdrawing *usom_api_withdraw_begin(UsomOrderSet *set, UsomWithdrawal kind);

/* Units that we can take alone; of a kit, kits none of whose components is committed. */
extern UsomQuantity usom_api_takeable(UsomWithdrawing *withdrawing, int line);

/* Units that a warehouse can be asked for and is not yet; none of kits. */
extern UsomQuantity usom_api_askable(UsomWithdrawing *withdrawing, int line);

/* Units that a warehouse is asked for already. */
extern UsomQuantity usom_api_asked(UsomWithdrawing *withdrawing, int line);

/*
 * Take units, and ask for those that we cannot take; returns how many were
 * taken.  US104 if there are not so many of both.
 */
extern UsomQuantity usom_api_take(UsomWithdrawing *withdrawing, int line, UsomQuantity quantity);

/* The same for what we can take alone; else US104. */
extern void usom_api_take_alone(UsomWithdrawing *withdrawing, int line, UsomQuantity quantity);

/* Is anything of the order past its cut-off?  Or committed altogether, picked or packed? */
extern bool usom_api_must_ask(UsomWithdrawing *withdrawing, int order);
extern UsomQuantity usom_api_committed_units(UsomWithdrawing *withdrawing, int order);

/* Before the save: requests are written, warehouses told.  Returns how many requests were made. */
extern int	usom_api_withdraw_end(UsomWithdrawing *withdrawing);

/* All of it for one line, without asking: US104 if we cannot take so many alone. */
extern void usom_api_withdraw(UsomOrderSet *set, int line, UsomQuantity quantity, UsomWithdrawal kind);

/* Units that it could take. */
extern UsomQuantity usom_api_withdrawable(UsomOrderSet *set, int line, UsomWithdrawal kind);

/* Units of a piece, in whatever state before it leaves, are cancelled or dropped. */
extern void usom_api_take_from_piece(UsomOrderSet *set, int piece, UsomQuantity quantity, UsomWithdrawal kind);

#endif							/* USOM_API_WITHDRAW_H */
