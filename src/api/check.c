/*
 * check.c
 *		The table of checks, and their place in the verbs of other rooms.
 *
 * A check adds findings (finding.h); it writes nothing and locks nothing.  With
 * nothing configured each costs one look at what the backend remembers, at most.
 *
 * What a check or rule wants held again for a reason for which somebody has
 * released the hold by hand is not held again; a hold whose cause is gone when
 * the order changes ends by itself (finding.c).
 *
 * Memory: CurrentMemoryContext, which is the call's.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/check_rule.h"
#include "api/credit.h"
#include "api/override.h"
#include "api/payment.h"

#include "base/query.h"
#include "fulfillment/fulfillment.h"

typedef void (*Check) (UsomChecking *checking);

/* In the order in which their findings are listed; NULL after the last. */
static const Check checks[] = {
	usom_api_check_by_rules,
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

static UsomQuery read_released = {
	.text = "SELECT h.check_code, h.reason FROM usom.hold AS h WHERE h.org_id = $1 AND h.sales_order_id = $2 "
	"AND h.check_code IS NOT NULL AND h.released_at IS NOT NULL AND NOT h.settled",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

/* Holds of the same reason that somebody released by hand are not placed again. */
static void
drop_released(UsomChecking *checking)
{
	Datum		values[2] = {
		Int64GetDatum(checking->set->org_id), Int64GetDatum(checking->set->orders[checking->order].sales_order_id)
	};
	int			n = (int) usom_query_run(&read_released, values, NULL);
	List	   *kept = NIL;

	for (int i = 0; i < list_length(checking->findings); i++)
	{
		UsomFinding *finding = list_nth(checking->findings, i);
		bool		is_released = false;

		for (int row = 0; row < n && finding->severity == USOM_HOLD && finding->once && !is_released; row++)
		{
			const char *reason = usom_query_get_text(row, 2);

			is_released = strcmp(usom_query_get_text(row, 1), finding->code) == 0 &&
				reason != NULL && strstr(reason, finding->message) != NULL;
		}
		if (!is_released)
			kept = lappend(kept, finding);
	}
	checking->findings = kept;
}

static bool
has_hold_to_drop(const List *findings)
{
	for (int i = 0; i < list_length(findings); i++)
	{
		const UsomFinding *finding = list_nth(findings, i);

		if (finding->severity == USOM_HOLD && finding->once)
			return true;
	}
	return false;
}

/* Where hold rules look; NULL: only holds that are placed call them. */
static const char *
point_of(const UsomChecking *checking)
{
	if (checking->point == USOM_AT_PLACE)
		return "place";
	if (checking->point == USOM_AT_CHANGE)
		return "change";
	return checking->point == USOM_AT_SUBMIT && checking->set->orders[checking->order].status_before == USOM_ORDER_DRAFT
		? "submit" : NULL;
}

static void
follow_hold_rules(UsomChecking *checking)
{
	UsomHoldFacts facts = usom_api_hold_facts(checking);
	List	   *types = NIL;
	List	   *raised;

	for (int i = 0; i < list_length(checking->findings); i++)
	{
		UsomFinding *finding = list_nth(checking->findings, i);

		if (finding->severity == USOM_HOLD)
			types = lappend(types, unconstify(char *, finding->hold_type));
	}
	raised = usom_order_raise_holds(checking->set, checking->order, point_of(checking), types, &facts);
	for (int i = 0; i < list_length(raised); i++)
	{
		const UsomRaisedHold *hold = list_nth(raised, i);

		usom_api_find(checking, (UsomFinding) {
			.code = hold->code, .severity = USOM_HOLD, .hold_type = hold->hold_type, .hold_until = hold->until,
			.message = hold->reason, .remedy = "Release the hold when it is looked at.", .once = true
		});
	}
}

void
usom_api_find_raised(UsomChecking *checking)
{
	if (unlikely(usom_api_check_rules(checking->set->org_id)->has_hold_rules))
		follow_hold_rules(checking);
	if (checking->point != USOM_AT_PLACE && has_hold_to_drop(checking->findings))
		drop_released(checking);
}

/* fulfillment.h: an order is about to be released or shipped. */
static bool
check_leaving(UsomOrderSet *set, int order, const char *action)
{
	UsomChecking checking = {
		.point = strcmp(action, "release") == 0 ? USOM_AT_RELEASE : USOM_AT_SHIP, .set = set, .order = order
	};

	usom_api_check(&checking);
	usom_api_find_raised(&checking);
	if (checking.findings != NIL)
		usom_api_settle_findings(&checking);
	if (checking.findings != NIL && usom_api_findings_block(&checking, action))
		return false;
	return usom_api_credit_covers(set, order, checking.point == USOM_AT_RELEASE ? USOM_CREDIT_RELEASE : USOM_CREDIT_SHIP);
}

void
usom_api_init(void)
{
	usom_api_check_rule_init();
	usom_fulfillment_check_by(check_leaving);
	usom_api_credit_init();
}
