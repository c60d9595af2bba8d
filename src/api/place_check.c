/*
 * place_check.c
 *		What checks find about orders that are placed.
 *
 * Locks: none but those of the new orders.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/place.h"

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
