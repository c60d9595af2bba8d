/*
 * check.c
 *		The table of checks, and their place in the verbs of other rooms.
 *
 * A check adds findings (finding.h); it writes nothing and locks nothing.  With
 * nothing configured each costs one look at what the backend remembers, at most.
 *
 * Memory: CurrentMemoryContext, which is the call's.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/credit.h"
#include "api/finding.h"
#include "api/override.h"
#include "api/payment.h"

#include "fulfillment/fulfillment.h"

typedef void (*Check) (UsomChecking *checking);

/* In the order in which their findings are listed; NULL after the last. */
static const Check checks[] = {
	usom_api_check_expected_prices,
	usom_api_check_approval,
	usom_api_check_drift,
	usom_api_check_payment,
	NULL
};

void
usom_api_check(UsomChecking *checking)
{
	for (const Check *check = checks; *check != NULL; check++)
		(*check) (checking);
}

/* fulfillment.h: an order is about to be released or shipped. */
static bool
check_leaving(UsomOrderSet *set, int order, const char *action)
{
	UsomChecking checking = {
		.point = strcmp(action, "release") == 0 ? USOM_AT_RELEASE : USOM_AT_SHIP, .set = set, .order = order
	};

	usom_api_check(&checking);
	if (checking.findings != NIL)
		usom_api_settle_findings(&checking);
	if (checking.findings != NIL && usom_api_findings_block(&checking, action))
		return false;
	return usom_api_credit_covers(set, order, checking.point == USOM_AT_RELEASE ? USOM_CREDIT_RELEASE : USOM_CREDIT_SHIP);
}

void
usom_api_init(void)
{
	usom_fulfillment_check_by(check_leaving);
	usom_api_credit_init();
}
