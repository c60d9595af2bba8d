/*
 * withdraw.h
 *		Take units of a line back, least committed first.
 */
#ifndef USOM_API_WITHDRAW_H
#define USOM_API_WITHDRAW_H

#include "order/order.h"

typedef enum UsomWithdrawal
{
	USOM_WITHDRAW_CANCEL,		/* units become cancelled; released ones too */
	USOM_WITHDRAW_DROP			/* units were never ordered; released ones stay */
} UsomWithdrawal;

/* Units that the withdrawal could take; of a kit, kits none of whose components is committed. */
extern UsomQuantity usom_api_withdrawable(const UsomOrderSet *set, int line, UsomWithdrawal kind);

/* US104 if the line has fewer such units.  Of a kit, the units of its components go with it. */
extern void usom_api_withdraw(UsomOrderSet *set, int line, UsomQuantity quantity, UsomWithdrawal kind);

#endif							/* USOM_API_WITHDRAW_H */
