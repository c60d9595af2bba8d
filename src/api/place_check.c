/*
 * place_check.c
 *		What checks and credit find about orders that are placed.
 *
 * Locks: none but those of the new orders, and of the credit of their customers.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/credit.h"
#include "api/place.h"

#include "base/query.h"

void
usom_api_check_placing(Placing *placing)
{
	UsomChecking *checking = &placing->checking;
	UsomOrder  *order = &placing->set->orders[0];

	if (order->status == USOM_ORDER_DRAFT)
		return;
	*checking = (UsomChecking) {
		.point = USOM_AT_PLACE, .set = placing->set, .document = placing->document,
		.ship_to = placing->document->ship_to, .is_quote = placing->is_quote
	};
	usom_api_check(checking);
	if (likely(checking->findings == NIL))
		return;
	if (!placing->is_quote)
		usom_api_refuse_findings(checking);
	if (usom_api_findings_block(checking, "confirm"))
		order->status = USOM_ORDER_SUBMITTED;
	order->event_reference = usom_api_found_hold_types(checking);
}

void
usom_api_write_findings(Placing **placings, int count)
{
	UsomChecking **checkings = palloc_array(UsomChecking *, count);
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		const List *findings = placings[i]->checking.findings;

		if (findings != NIL)
			checkings[n++] = &placings[i]->checking;
		for (int j = 0; j < list_length(findings); j++)
		{
			const UsomFinding *finding = list_nth(findings, j);

			if (finding->severity == USOM_WARN || !placings[i]->is_quote)
				usom_api_note_finding(placings[i], finding);
		}
	}
	usom_api_write_found_holds(checkings, n);
}

static UsomQuery hold_back = {
	.text = "UPDATE usom.sales_order AS o SET status = 'submitted' WHERE o.org_id = $1 AND o.sales_order_id = ANY ($2)",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

void
usom_api_place_on_credit(UsomOrderSet *set, Placing **placings)
{
	const char **why = usom_api_take_credit(set);
	int64	   *held;
	Datum		values[2] = {Int64GetDatum(set->org_id)};
	int			n = 0;

	if (likely(why == NULL))
		return;
	held = palloc_array(int64, set->norders);
	for (int i = 0; i < set->norders; i++)
	{
		UsomFinding finding = {.code = "credit", .severity = USOM_HOLD, .hold_type = "credit", .hold_until = USOM_NO_TIME};

		if (why[i] == NULL)
			continue;
		held[n++] = set->orders[i].sales_order_id;
		placings[i]->set->orders[0].status = USOM_ORDER_SUBMITTED;
		finding.message = "the credit of the customer does not cover the order";
		finding.detail = why[i];
		finding.remedy = "It goes on when there is credit again; usom.release_credit_hold() lets it pass.";
		if (placings[i]->is_quote)
			usom_api_find(&placings[i]->checking, finding);
		else
			usom_api_note_finding(placings[i], &finding);
	}
	values[1] = usom_query_keys(held, n);
	if (n > 0)
		usom_query_write(&hold_back, values, NULL);
}
