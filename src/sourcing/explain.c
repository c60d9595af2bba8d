/*
 * explain.c
 *		What a plan would be now, and why: by rules, or by the first location
 *		that serves.
 *
 *		Where nothing is configured, the planner is asked want by want, over
 *		the same rows: what it had left to choose from is the reason.
 *
 * Memory: CurrentMemoryContext.  Locks: none.
 */
#include "postgres.h"

#include "sourcing/lanes.h"
#include "sourcing/sourcing.h"

static UsomQuantity
available_at(const UsomStockRow *rows, int nrows, int64 product_id, int64 location_id)
{
	UsomQuantity sum = 0;

	for (int i = 0; i < nrows; i++)
		if (rows[i].key.product_id == product_id && rows[i].key.location_id == location_id)
			sum = usom_quantity_add(sum, Max(rows[i].available, 0));
	return sum;
}

static UsomReason
simple_reason(const UsomWant *want, const UsomLane *lane, UsomQuantity available, UsomQuantity served, bool chosen)
{
	if (chosen)
		return USOM_REASON_CHOSEN;
	if (want->location_id != 0 && want->location_id != lane->location_id)
		return USOM_REASON_ELSEWHERE;
	if (lane->verdict == USOM_REASON_INACTIVE)
		return USOM_REASON_INACTIVE;
	if (available == 0)
		return USOM_REASON_STOCK;
	return available < want->quantity && (served == want->quantity || !want->partial)
		? USOM_REASON_TOO_LITTLE : USOM_REASON_LATER;
}

static void
explain_want(UsomRuledPlan *plan, int index, const UsomWant *want, const LaneGroup *group, UsomStockRow *rows, int nrows)
{
	UsomDemand	demand = {want->product_id, want->location_id, want->quantity, want->partial};
	UsomRuledReason *reasons = &plan->reasons[index * group->nlanes];
	UsomQuantity served = 0;
	UsomPlan   *simple;
	int64		chosen = 0;

	for (int i = 0; i < group->nlanes; i++)
		reasons[i].available = available_at(rows, nrows, want->product_id, group->lanes[i].location_id);
	simple = usom_sourcing_plan(&demand, 1, rows, nrows);
	for (int i = 0; i < simple->nassignments; i++)
	{
		const UsomAssignment *assignment = &simple->assignments[i];

		if (assignment->row < 0)
			continue;
		chosen = rows[assignment->row].key.location_id;
		served += assignment->quantity;
	}
	for (int i = 0; i < group->nlanes; i++)
	{
		reasons[i].lane = &group->lanes[i];
		reasons[i].reason = simple_reason(want, &group->lanes[i], reasons[i].available, served,
										  group->lanes[i].location_id == chosen);
		reasons[i].arrives_at = group->lanes[i].site.arrives_at;
		reasons[i].ships_on = reasons[i].full_on = USOM_NO_DAY;
	}
}

UsomRuledPlan *
usom_sourcing_explain(int64 org_id, TimestampTz at, const UsomWant *wants, int nwants, const UsomOutlook *outlook,
					  UsomStockRow *rows, int nrows, const int64 *locations, int nlocations)
{
	UsomRuledPlan *plan;
	LaneGroup  *group;

	if (usom_sourcing_is_ruled(org_id))
		return usom_sourcing_plan_by_rules(org_id, at, wants, nwants, outlook, rows, nrows, locations, nlocations, true);
	plan = palloc0_object(UsomRuledPlan);
	group = palloc0_object(LaneGroup);
	if (nwants == 0)
		return plan;
	group->facts = usom_sourcing_read_facts(org_id, wants, 1);
	usom_sourcing_make_lanes(at, group, 1, locations, nlocations);
	plan->nlocations = group->nlanes;
	plan->reasons = palloc0_array(UsomRuledReason, Max(nwants * group->nlanes, 1));
	for (int i = 0; i < nwants; i++)
		explain_want(plan, i, &wants[i], group, rows, nrows);
	return plan;
}
