/*
 * waits.c
 *		What waits, and what customers and the desk are told of it.
 *
 * Locks: none; the orders of the set are locked.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/waits.h"

#include "base/payload.h"
#include "base/query.h"
#include "order/news.h"
#include "utils/timestamp.h"

static UsomQuery find_skus = {
	.text = "SELECT p.product_id, p.sku FROM usom.product p WHERE p.org_id = $1 AND p.product_id = ANY ($2) "
	"ORDER BY p.product_id",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

/* What a case is about was once promised for then: the earliest date that was not kept. */
static UsomQuery find_late_cases = {
	.text = "SELECT c.sales_order_id, c.line_no, c.due_at FROM usom.exception_case c WHERE c.org_id = $1 "
	"AND c.sales_order_id = ANY ($2) AND c.kind = 'promise_late' AND c.resolved_at IS NULL AND c.due_at IS NOT NULL "
	"AND c.line_no IS NOT NULL ORDER BY c.sales_order_id, c.line_no, c.due_at DESC",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

/* ---- what waits ---- */

static void
add_piece(UsomWait *wait, const UsomPiece *piece, bool *undated)
{
	if (piece->quantity == 0 || piece->status >= USOM_PIECE_SHIPPED)
		return;
	if (piece->status == USOM_PIECE_BACKORDERED)
	{
		wait->waiting += piece->quantity;
		if (piece->supply_id == 0)
			wait->unpegged += piece->quantity;
		if (piece->promised_at != USOM_NO_TIME)
		{
			wait->dated += piece->quantity;
			wait->dates += (int128) piece->quantity * (piece->promised_at / USECS_PER_SEC);
			if (wait->first_at == USOM_NO_TIME || piece->promised_at < wait->first_at)
				wait->first_at = piece->promised_at;
		}
	}
	if (piece->promised_at == USOM_NO_TIME)
		*undated = true;
	wait->promised_at = Max(wait->promised_at, piece->promised_at);
}

UsomWait *
usom_api_look_at_waits(const UsomOrderSet *set)
{
	UsomWait   *waits = palloc0_array(UsomWait, set->nlines + 1);
	bool	   *undated = palloc0_array(bool, set->nlines + 1);

	for (int i = 0; i < set->nlines; i++)
		waits[i].promised_at = waits[i].first_at = USOM_NO_TIME;
	for (int i = 0; i < set->npieces; i++)
		add_piece(&waits[set->pieces[i].line], &set->pieces[i], &undated[set->pieces[i].line]);
	for (int i = 0; i < set->nlines; i++)
		if (undated[i])
			waits[i].promised_at = USOM_NO_TIME;
	return waits;
}

/* ---- what customers are told ---- */

static const char *
event_of(const UsomWait *before, const UsomWait *after)
{
	if (after->waiting > before->waiting)
		return "backordered";
	if (after->waiting < before->waiting)
		return "filled";
	return after->waiting > 0 && (after->promised_at != before->promised_at || after->dated != before->dated ||
								  after->dates != before->dates) ? "promise_changed" : NULL;
}

static const char *
sku_of(int64 product_id, uint64 nskus)
{
	uint64		low = 0;
	uint64		high = nskus;

	while (low < high)
	{
		uint64		middle = low + (high - low) / 2;

		if (DatumGetInt64(usom_query_get(middle, 1)) < product_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < nskus ? usom_query_get_text(low, 2) : NULL;
}

static void
tell_line(UsomOrderSet *set, int index, const UsomWait *before, const UsomWait *after, const char *sku)
{
	const char *kind = event_of(before, after);
	const UsomLine *line = &set->lines[index];
	UsomPayload payload = usom_payload_begin();
	UsomQuantity moved = Max(after->waiting - before->waiting, before->waiting - after->waiting);

	usom_payload_integer(&payload, "line_no", line->line_no);
	usom_payload_text(&payload, "sku", sku);
	usom_payload_quantity(&payload, "quantity", moved > 0 ? moved : after->waiting);
	usom_payload_time(&payload, "promised_at", after->promised_at);
	if (strcmp(kind, "backordered") != 0)
		usom_payload_time(&payload, "promised_before", before->promised_at);
	if (strcmp(kind, "promise_changed") == 0 && (after->first_at != after->promised_at || before->first_at != before->promised_at))
	{
		usom_payload_time(&payload, "first_promised_at", after->first_at);
		usom_payload_time(&payload, "first_promised_before", before->first_at);
	}
	usom_order_tell(set, line->order, kind, usom_payload_end(&payload));
}

void
usom_api_tell_waits(UsomOrderSet *set, const UsomWait *before)
{
	UsomWait   *after = usom_api_look_at_waits(set);
	int64	   *products = NULL;
	int			nproducts = 0;
	uint64		nskus;

	for (int i = 0; i < set->nlines; i++)
		if (event_of(&before[i], &after[i]) != NULL)
		{
			if (products == NULL)
				products = palloc_array(int64, set->nlines);
			products[nproducts++] = set->lines[i].product_id;
		}
	if (likely(nproducts == 0))
		return;
	nskus = usom_query_run(&find_skus, (Datum[]) {Int64GetDatum(set->org_id), usom_query_keys(products, nproducts)}, NULL);
	for (int i = 0; i < set->nlines; i++)
		if (event_of(&before[i], &after[i]) != NULL)
			tell_line(set, i, &before[i], &after[i], sku_of(set->lines[i].product_id, nskus));
}

/* ---- what the desk is told ---- */

/* Is the row of a case about an earlier line of the set, or about this one?  Both are sorted. */
static int
compare_case(uint64 row, const UsomOrderSet *set, const UsomLine *line)
{
	int64		order_id = DatumGetInt64(usom_query_get(row, 1));
	int64		wanted = set->orders[line->order].sales_order_id;

	if (order_id != wanted)
		return order_id < wanted ? -1 : 1;
	return DatumGetInt32(usom_query_get(row, 2)) - line->line_no;
}

/* By when the line should be there: as the customer wants it, or as it was first promised. */
static TimestampTz *
due_dates(const UsomOrderSet *set, const UsomWait *before)
{
	TimestampTz *due = palloc_array(TimestampTz, set->nlines + 1);
	int64	   *ids = palloc_array(int64, set->norders);
	uint64		row = 0;
	uint64		n;

	for (int i = 0; i < set->norders; i++)
		ids[i] = set->orders[i].sales_order_id;
	n = usom_query_run(&find_late_cases, (Datum[]) {Int64GetDatum(set->org_id), usom_query_keys(ids, set->norders)}, NULL);
	for (int i = 0; i < set->nlines; i++)
	{
		const UsomLine *line = &set->lines[i];
		const UsomOrder *order = &set->orders[line->order];

		due[i] = line->requested_at != USOM_NO_TIME ? line->requested_at : order->requested_at;
		if (due[i] == USOM_NO_TIME)
			due[i] = before[i].first_at != USOM_NO_TIME ? before[i].first_at : before[i].promised_at;
		while (row < n && compare_case(row, set, line) < 0)
			row++;
		for (; row < n && compare_case(row, set, line) == 0; row++)
			due[i] = DatumGetTimestampTz(usom_query_get(row, 3));
	}
	return due;
}

static void
judge_short(UsomOrderSet *set, int index, const UsomWait *before, const UsomWait *after, const char *reference)
{
	const UsomLine *line = &set->lines[index];
	UsomPayload detail;

	if (after->unpegged <= before->unpegged)
		return;
	detail = usom_payload_begin();
	usom_payload_quantity(&detail, "missing", after->unpegged);
	usom_payload_quantity(&detail, "waiting", after->waiting);
	usom_payload_time(&detail, "promised_before", before->promised_at);
	usom_order_raise(set, line->order, line->line_no, "supply_short", reference,
					 psprintf("line %d of order \"%s\": %s units count on nothing any more", line->line_no,
							  set->orders[line->order].order_no, usom_quantity_text(after->unpegged)),
					 usom_payload_end(&detail), before->promised_at);
}

/* Is the line, or a part of what waits of it, promised later than before? */
static bool
is_later(const UsomWait *before, const UsomWait *after)
{
	return after->promised_at > before->promised_at ||
		(after->dated == before->dated && after->waiting == before->waiting && after->dates > before->dates);
}

static void
judge_late(UsomOrderSet *set, int index, const UsomWait *before, const UsomWait *after, TimestampTz due,
		   const char *reference)
{
	const UsomLine *line = &set->lines[index];
	UsomPayload detail;

	if (!is_later(before, after) || after->promised_at <= due || due == USOM_NO_TIME)
		return;
	detail = usom_payload_begin();
	usom_payload_time(&detail, "promised_at", after->promised_at);
	usom_payload_time(&detail, "promised_before", before->promised_at);
	usom_payload_quantity(&detail, "waiting", after->waiting);
	usom_order_raise(set, line->order, line->line_no, "promise_late", reference,
					 psprintf("line %d of order \"%s\" is promised later than it should be there", line->line_no,
							  set->orders[line->order].order_no),
					 usom_payload_end(&detail), due);
}

/* Cases whose cause is gone; to close one that is not there costs nothing but its row on the way. */
static void
settle_line(UsomOrderSet *set, int index, const UsomWait *before, const UsomWait *after, TimestampTz due)
{
	const UsomLine *line = &set->lines[index];

	if (before->unpegged > 0 && after->unpegged == 0)
		usom_order_settle_case(set, line->order, line->line_no, "supply_short");
	if (after->waiting == 0 || (after->promised_at != USOM_NO_TIME && after->promised_at <= due))
		usom_order_settle_case(set, line->order, line->line_no, "promise_late");
}

void
usom_api_settle_waiting(UsomOrderSet *set, int index)
{
	static const char *const kinds[] = {"supply_short", "promise_late", "unsourced"};
	const UsomLine *line = &set->lines[index];

	for (int i = 0; i < (int) lengthof(kinds); i++)
		usom_order_settle_case(set, line->order, line->line_no, kinds[i]);
}

void
usom_api_judge_waits(UsomOrderSet *set, const UsomWait *before, const char *reference)
{
	UsomWait   *after = usom_api_look_at_waits(set);
	TimestampTz *due = due_dates(set, before);

	for (int i = 0; i < set->nlines; i++)
	{
		if (before[i].waiting == 0 && after[i].waiting == 0)
			continue;
		settle_line(set, i, &before[i], &after[i], due[i]);
		judge_short(set, i, &before[i], &after[i], reference);
		judge_late(set, i, &before[i], &after[i], due[i], reference);
	}
}
