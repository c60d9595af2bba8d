/*
 * split_money.c
 *		Amounts of a line, cut between it and the units that leave it for an
 *		order of their own.
 *
 * Invariant: decision 040: what units cost is a function of how many they are.
 * So the child's shares are differences of two values of that function, and
 * the sum over both lines is what it was.  Where the child's goods, price times
 * units, are rounded otherwise than that, the difference (a minor unit) is
 * taken from its discount or added to its freight, or the other way round.
 *
 * Locks: none.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/split_order.h"

#include "base/errors.h"
#include "base/query.h"
#include "utils/builtins.h"

static UsomQuantity
kept(const UsomLine *line)
{
	return line->quantity - line->counters.by_state[USOM_PIECE_CANCELLED];
}

/* The part of an amount of all units that goes. */
static UsomMoney
share(Numeric amount, const UsomLine *before, const UsomLine *after, int decimals)
{
	UsomMoney	whole = usom_money_of(amount, decimals);

	return usom_money_part(whole, kept(before), before->quantity) - usom_money_part(whole, kept(after), before->quantity);
}

static UsomMoney
cost(const UsomLine *line, int decimals)
{
	return usom_money_of(usom_order_line_part(line, kept(line)), decimals);
}

/* Nothing is added or taken off, and price times units is exact to the last decimal there is. */
static bool
is_plain(const UsomLine *line, UsomMoney wanted)
{
	return line->decimals == USOM_NO_DECIMALS && cost(line, USOM_AMOUNT_DECIMALS) == wanted;
}

void
usom_api_share_charges(const UsomLine *before, const UsomLine *after, UsomLine *child)
{
	int			decimals = before->decimals == USOM_NO_DECIMALS ? USOM_AMOUNT_DECIMALS : before->decimals;
	UsomMoney	wanted = cost(before, decimals) - cost(after, decimals);
	UsomMoney	discount = share(before->discount, before, after, decimals);
	UsomMoney	freight = share(before->freight, before, after, decimals);
	UsomMoney	tax = share(before->tax, before, after, decimals);
	UsomMoney	goods = usom_money_extend(child->unit_price, child->quantity, decimals);
	UsomMoney	more = wanted - (goods - discount + freight + (before->tax_included ? 0 : tax));
	UsomMoney	of_discount = more > 0 ? Min(more, discount) : more;

	if (before->decimals == USOM_NO_DECIMALS && is_plain(child, wanted))
		return;
	if (discount - of_discount > goods)
		of_discount = discount - goods;
	discount -= of_discount;
	freight += more - of_discount;
	Ensure(discount >= 0 && freight >= 0, "amounts of a line cannot be cut");
	child->decimals = decimals;
	child->tax_included = before->tax_included;
	child->discount = usom_money_numeric(discount, decimals);
	child->freight = usom_money_numeric(freight, decimals);
	child->tax = usom_money_numeric(tax, decimals);
}

/* ---- how the amounts came about ---- */

static UsomQuery insert_steps = {
	.text = "INSERT INTO usom.price_step (org_id, sales_order_id, version, step_no, line_no, step, rule, unit_price, before, after, reason) "
	"SELECT $1, $2, 1, row_number() OVER (ORDER BY l.line_no, s.place), l.line_no, s.step, NULL, CASE WHEN s.place = 1 THEN l.unit_price::pg_catalog.numeric END, s.before, s.after, $3 "
	"FROM usom.order_line AS l "
	"CROSS JOIN LATERAL (SELECT round(l.unit_price * l.quantity, l.decimals) AS amount) AS g "
	"CROSS JOIN LATERAL (VALUES (1, 'document', NULL, g.amount), (2, 'promotion', g.amount, g.amount - l.discount), "
	"(3, 'freight', g.amount - l.discount, g.amount - l.discount + l.freight), "
	"(4, 'tax', g.amount - l.discount + l.freight, g.amount - l.discount + l.freight + CASE WHEN l.tax_included THEN 0 ELSE l.tax END)) "
	"AS s (place, step, before, after) "
	"WHERE l.org_id = $1 AND l.sales_order_id = $2 AND l.decimals IS NOT NULL AND (s.place = 1 OR s.before <> s.after)",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "text"},
};

void
usom_api_write_shares(const UsomOrderSet *set, int order, const char *parent_no)
{
	Datum		values[] = {
		Int64GetDatum(set->org_id),
		Int64GetDatum(set->orders[order].sales_order_id),
		CStringGetTextDatum(psprintf("split from %s", parent_no)),
	};
	bool		any = false;

	for (int i = 0; i < set->nlines; i++)
		any |= set->lines[i].order == order && set->lines[i].decimals != USOM_NO_DECIMALS;
	if (any)
		usom_query_write(&insert_steps, values, NULL);
}
