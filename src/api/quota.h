/*
 * quota.h
 *		Allocation under quotas: demands are cut before the plan, and what the
 *		plan has given is charged after it.
 */
#ifndef USOM_API_QUOTA_H
#define USOM_API_QUOTA_H

#include "order/order.h"
#include "sourcing/sourcing.h"

typedef struct UsomCapping
{
	UsomQuotas *quotas;			/* NULL: none of them is about these demands */
	int			count;
	UsomQuotaDemand *demands;
	int		   *lines;			/* by demand */
} UsomCapping;

extern UsomCapping *usom_api_capping_make(const UsomOrderSet *set, int capacity);
extern void usom_api_capping_add(UsomCapping *capping, const UsomOrderSet *set, int line, bool is_new,
								 const UsomDemand *demand);

/*
 * Say how much each demand may have, and give back what lines have lost so
 * far.  Locks the quotas; the stock is locked.  Notes at the lines what was
 * kept from them, and by which quota.
 */
extern void usom_api_cap(UsomCapping *capping, UsomOrderSet *set, const UsomStockRow *rows, int nrows);

/* What waits for a release in this call is promised for it. */
extern void usom_api_promise_release(UsomOrderSet *set);

/* Charge what the lines have got, and write it.  capping may be NULL. */
extern void usom_api_charge(UsomCapping *capping, UsomOrderSet *set);

/* Why a line that waits would get less than it wants, though there is more.  NULL: no quota stands in its way. */
typedef struct UsomQuotaObstacle
{
	const char *code;			/* of the quota */
	bool		is_offer;		/* it is no quota: pre-orders go first, or the release is to come */
	UsomQuantity cap;			/* units that it would let the line have */
} UsomQuotaObstacle;

extern UsomQuotaObstacle *usom_api_quota_obstacle(int64 org_id, int64 sales_order_id, int32 line_no);

#endif							/* USOM_API_QUOTA_H */
