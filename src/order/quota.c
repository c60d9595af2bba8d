/*
 * quota.c
 *		What lines have lost since quotas were told, and giving it back.
 *
 * Locks: those of usom_quota_lock.  Memory: CurrentMemoryContext.
 *
 * Invariant: when a set is saved, no line has fewer units than quotas think.
 */
#include "postgres.h"

#include "order/order.h"

#include "base/call.h"

UsomQuantity
usom_order_countable(const UsomLine *line)
{
	UsomQuantity units = 0;

	for (UsomPieceStatus state = USOM_PIECE_RESERVED; state <= USOM_PIECE_RETURNED; state++)
		units += line->counters.by_state[state];
	return line->removed || !line->stocked || usom_line_is_kit(line) ? 0 : units;
}

UsomQuantity
usom_order_live(const UsomLine *line)
{
	return line->removed || !line->stocked || usom_line_is_kit(line) ? 0
		: line->quantity - line->counters.by_state[USOM_PIECE_CANCELLED];
}

UsomQuotaLoss *
usom_order_losses(const UsomOrderSet *set, int *count)
{
	UsomQuotaLoss *losses = NULL;

	*count = 0;
	for (int i = 0; i < set->nlines; i++)
	{
		const UsomLine *line = &set->lines[i];
		UsomQuantity kept = usom_order_countable(line);
		UsomQuantity live = usom_order_live(line);

		if (likely(kept >= line->counted && live >= line->alive))
			continue;
		if (losses == NULL)
			losses = palloc_array(UsomQuotaLoss, set->nlines - i);
		losses[(*count)++] = (UsomQuotaLoss) {
			set->orders[line->order].sales_order_id, line->line_no, Max(line->counted - kept, 0), kept, live
		};
	}
	return losses;
}

void
usom_order_mark_counted(UsomOrderSet *set)
{
	for (int i = 0; i < set->nlines; i++)
	{
		set->lines[i].counted = usom_order_countable(&set->lines[i]);
		set->lines[i].alive = usom_order_live(&set->lines[i]);
	}
}

void
usom_order_give_back(UsomOrderSet *set)
{
	int			nlosses;
	UsomQuotaLoss *losses = usom_order_losses(set, &nlosses);

	if (likely(nlosses == 0))
		return;
	if (usom_quota_is_any(set->org_id))
		usom_quota_write(usom_quota_lock(set->org_id, usom_call_time(), NULL, 0, losses, nlosses, NULL, 0));
	usom_order_mark_counted(set);
}
