/*
 * judge.c
 *		How the lines of an order stand: which return rule they fall under, how
 *		many units are with the customer, and how many are in time.
 *
 * Locks: none beyond the order, which the caller has.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "returns/returns.h"

#include "base/call.h"
#include "base/query.h"
#include "utils/timestamp.h"

/* What has come of a return that has run out still waits for its inspection; the rest of it is not expected. */
static UsomQuery read_expected = {
	.text = "SELECT t.line_no, sum(CASE WHEN r.expires_at <= $3 THEN t.quantity_received ELSE t.quantity - t.quantity_given_up END "
	"- t.quantity_accepted - t.quantity_rejected) FROM usom.return_order r "
	"JOIN usom.return_line t ON t.org_id = r.org_id AND t.return_order_id = r.return_order_id "
	"WHERE r.org_id = $1 AND r.sales_order_id = $2 AND r.status NOT IN ('inspected', 'refused', 'cancelled') GROUP BY t.line_no",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

static UsomQuery read_facts = {
	.text = "SELECT p.product_id, p.sku, p.category, c.code, u.segment FROM usom.sales_order o "
	"JOIN usom.order_line l ON l.org_id = $1 AND l.sales_order_id = o.sales_order_id "
	"JOIN usom.product p ON p.org_id = $1 AND p.product_id = l.product_id "
	"LEFT JOIN usom.channel c ON c.org_id = $1 AND c.channel_id = o.channel_id "
	"LEFT JOIN usom.customer u ON u.org_id = $1 AND u.customer_id = o.customer_id "
	"WHERE o.org_id = $1 AND o.sales_order_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery read_shipments = {
	.text = "SELECT s.shipment_id, s.delivered_at FROM usom.shipment s WHERE s.org_id = $1 AND s.sales_order_id = $2 "
	"AND s.delivered_at IS NOT NULL",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static uint64
ask(UsomQuery *query, const UsomOrderSet *set)
{
	Datum		values[3] = {
		Int64GetDatum(set->org_id), Int64GetDatum(set->orders[0].sales_order_id), TimestampTzGetDatum(usom_call_time())
	};

	return usom_query_run(query, values, NULL);
}

/* Units that earlier returns still expect, by line of the set. */
static UsomQuantity *
expected_units(const UsomOrderSet *set)
{
	UsomQuantity *expected = palloc0_array(UsomQuantity, set->nlines + 1);
	uint64		n = ask(&read_expected, set);

	for (uint64 row = 0; row < n; row++)
		expected[usom_order_find_line(set, 0, DatumGetInt32(usom_query_get(row, 1)))] =
			usom_quantity_of(DatumGetNumeric(usom_query_get(row, 2)));
	return expected;
}

/* It outlives what the memo remembers. */
static const UsomReturnRule *
keep_rule(const UsomReturnRule *rule)
{
	UsomReturnRule *kept;

	if (rule == NULL)
		return NULL;
	kept = palloc_object(UsomReturnRule);
	*kept = *rule;
	kept->code = pstrdup(rule->code);
	kept->sku = kept->category = kept->channel = kept->segment = kept->reason = NULL;
	return kept;
}

/* The rule of each line of the set. */
static const UsomReturnRule **
find_rules(const UsomOrderSet *set, const UsomReturnRules *rules, const char *reason)
{
	const UsomReturnRule **found = palloc0_array(const UsomReturnRule *, set->nlines + 1);
	uint64		n = rules->count > 0 ? ask(&read_facts, set) : 0;

	for (uint64 row = 0; row < n; row++)
	{
		int64		product_id = DatumGetInt64(usom_query_get(row, 1));
		UsomReturnFacts facts = {
			.sku = usom_query_get_text(row, 2), .category = usom_query_get_text(row, 3), .channel = usom_query_get_text(row, 4),
			.segment = usom_query_get_text(row, 5), .reason = reason
		};
		const UsomReturnRule *rule = keep_rule(usom_return_find_rule(rules, &facts));

		for (int i = 0; i < set->nlines; i++)
			if (set->lines[i].product_id == product_id)
				found[i] = rule;
	}
	return found;
}

static bool
any_has_days(const UsomReturnRules *rules)
{
	for (int i = 0; i < rules->count; i++)
		if (rules->rules[i].days >= 0)
			return true;
	return false;
}

/* When shipments arrived is asked where a rule counts days. */
static UsomReturnStay *
find_stays(const UsomOrderSet *set, bool with_times, int *count)
{
	UsomReturnStay *stays = palloc_array(UsomReturnStay, set->npieces + 1);
	uint64		n = with_times ? ask(&read_shipments, set) : 0;

	*count = 0;
	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];
		TimestampTz since = USOM_NO_TIME;

		if (piece->status != USOM_PIECE_SHIPPED && piece->status != USOM_PIECE_DELIVERED)
			continue;
		for (uint64 row = 0; row < n && piece->status == USOM_PIECE_DELIVERED; row++)
			if (DatumGetInt64(usom_query_get(row, 1)) == piece->shipment_id)
				since = DatumGetTimestampTz(usom_query_get(row, 2));
		stays[(*count)++] = (UsomReturnStay) {piece->line, piece->quantity, since};
	}
	return stays;
}

UsomReturnJudgement *
usom_return_judge_lines(const UsomOrderSet *set, const char *reason)
{
	UsomReturnJudgement *judgements = palloc_array(UsomReturnJudgement, set->nlines + 1);
	const UsomReturnRules *rules = usom_return_rules(set->org_id);
	UsomQuantity *expected = expected_units(set);
	const UsomReturnRule **found = find_rules(set, rules, reason);
	int			nstays;
	UsomReturnStay *stays = find_stays(set, any_has_days(rules), &nstays);

	for (int i = 0; i < set->nlines; i++)
		judgements[i] = usom_return_judge(found[i], stays, nstays, i, expected[i], usom_call_time());
	return judgements;
}
