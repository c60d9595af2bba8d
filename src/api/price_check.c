/*
 * price_check.c
 *		Are prices the expected ones, and at the release still the agreed ones?
 *
 * Both are for channels that go by usom's prices (pricing list).  Expected is
 * what the document or the change said, or the line of a draft; a sender who means the price
 * after what is taken off is understood, too.  Agreed is what list, contract
 * and breaks said when the order was priced.  A price that drifted is looked
 * at once: after its hold was released, the same price holds the order no more.
 *
 * Memory: CurrentMemoryContext, which is the call's.  No locks.
 */
#include "postgres.h"

#include "api/override.h"

#include "base/call.h"
#include "base/query.h"
#include "lib/stringinfo.h"
#include "party/house.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#define DRIFT_CODE "price_drift"

/* Has somebody seen exactly these prices? */
static UsomQuery find_seen = {
	.text = "SELECT 1 FROM usom.hold AS h WHERE h.org_id = $1 AND h.sales_order_id = $2 AND h.hold_type = 'price' "
	"AND h.check_code = '" DRIFT_CODE "' AND h.released_at IS NOT NULL "
	"AND pg_catalog.right(h.reason, pg_catalog.length($3)) = $3 LIMIT 1",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "text"},
};

static Datum
number(int64 value)
{
	return NumericGetDatum(int64_to_numeric(value));
}

static const char *
text_of(Numeric value)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out,
											   DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(value))));
}

static bool
is_zero(Numeric value)
{
	return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(value), number(0)));
}

/* From one price to another in per cent of the first, two decimals; 100 from nothing. */
static Numeric
percent_between(Numeric from, Numeric to)
{
	Datum		difference = DirectFunctionCall2(numeric_sub, NumericGetDatum(to), NumericGetDatum(from));

	if (is_zero(from))
		return DatumGetNumeric(number(is_zero(to) ? 0 : 100));
	return DatumGetNumeric(DirectFunctionCall2(numeric_round, DirectFunctionCall2(numeric_div,
		DirectFunctionCall2(numeric_mul, difference, number(100)), NumericGetDatum(from)), Int32GetDatum(2)));
}

/* |to - from| * 1000000 > tolerance * from, so that nothing is rounded; tolerance in ten-thousandths of a per cent */
static bool
is_beyond(Numeric from, Numeric to, int64 tolerance)
{
	Datum		difference = DirectFunctionCall1(numeric_abs,
												 DirectFunctionCall2(numeric_sub, NumericGetDatum(to), NumericGetDatum(from)));

	return DatumGetBool(DirectFunctionCall2(numeric_gt, DirectFunctionCall2(numeric_mul, difference, number(1000000)),
											DirectFunctionCall2(numeric_mul, NumericGetDatum(from), number(tolerance))));
}

static bool
is_priced(const UsomLine *line, int order)
{
	return line->order == order && !line->removed && !usom_line_is_component(line);
}

/* ---- expected prices ---- */

/* What one unit costs after what is taken off. */
static Numeric
net_price(const UsomLine *line)
{
	Datum		units = NumericGetDatum(usom_quantity_numeric(line->quantity));
	Datum		goods = DirectFunctionCall2(numeric_mul, NumericGetDatum(line->unit_price), units);
	Datum		rest = DirectFunctionCall2(numeric_sub, goods, NumericGetDatum(line->discount));

	return DatumGetNumeric(DirectFunctionCall2(numeric_div, rest, units));
}

/* The price that the sender or writer of a line expects; NULL: none. */
static Numeric
expected_price(const UsomChecking *checking, int index)
{
	const UsomLine *line = &checking->set->lines[index];
	const UsomDocument *document = checking->document;

	if (checking->point == USOM_AT_PLACE)
		return index < document->nlines && document->lines[index].has_price && document->lines[index].override_price == NULL
			? document->lines[index].unit_price : NULL;
	if (checking->point == USOM_AT_CHANGE)
		return checking->expected[index];
	return line->agreed.unit_price != NULL && !is_zero(line->agreed.unit_price) ? line->agreed.unit_price : NULL;
}

static UsomSeverity
severity_of(const UsomChannel *channel)
{
	return strcmp(channel->price_difference, "refuse") == 0 ? USOM_REFUSE
		: strcmp(channel->price_difference, "hold") == 0 ? USOM_HOLD : USOM_WARN;
}

static void
find_difference(UsomChecking *checking, int index, Numeric expected, UsomSeverity severity)
{
	const UsomLine *line = &checking->set->lines[index];

	usom_api_find(checking, (UsomFinding) {
		.path = checking->point == USOM_AT_PLACE ? psprintf("lines[%d].unit_price", index) : NULL,
		.code = "price",
		.severity = severity,
		.hold_type = severity == USOM_HOLD ? "price" : NULL,
		.hold_until = USOM_NO_TIME,
		.message = psprintf("line %d: the expected price is not the price", line->line_no),
		.detail = psprintf("expected %s, it is %s (%s %%)", text_of(expected), text_of(line->unit_price),
						   text_of(percent_between(expected, line->unit_price))),
		.remedy = "Correct the price in the document, or leave it out.",
	});
}

void
usom_api_check_expected_prices(UsomChecking *checking)
{
	UsomOrderSet *set = checking->set;
	const UsomOrder *order = &set->orders[checking->order];
	const UsomChannel *channel = usom_party_channel_of(usom_party_house(set->org_id), order->channel_id);
	UsomSeverity severity;
	int64		tolerance;

	if (likely(channel == NULL || !channel->prices_by_list) || strcmp(channel->price_difference, "accept") == 0 ||
		!(checking->point == USOM_AT_PLACE || (checking->point == USOM_AT_CHANGE && checking->expected != NULL) ||
		  (checking->point == USOM_AT_SUBMIT && order->status_before == USOM_ORDER_DRAFT)))
		return;
	severity = severity_of(channel);
	tolerance = channel->price_tolerance;
	for (int i = usom_order_first_line(set, checking->order); i < set->nlines; i++)
	{
		Numeric		expected = is_priced(&set->lines[i], checking->order) ? expected_price(checking, i) : NULL;

		if (expected != NULL && is_beyond(set->lines[i].unit_price, expected, tolerance) &&
			is_beyond(net_price(&set->lines[i]), expected, tolerance))
			find_difference(checking, i, expected, severity);
	}
}

/* ---- drift ---- */

/* The order as it would be priced now; nothing of the set changes. */
static const UsomLine *
price_now(const UsomOrderSet *set, int order)
{
	UsomOrderSet now = *set;
	UsomPriceRequest request = {0};

	now.orders = palloc_array(UsomOrder, set->norders);
	memcpy(now.orders, set->orders, set->norders * sizeof(UsomOrder));
	now.lines = palloc_array(UsomLine, Max(set->nlines, 1));
	memcpy(now.lines, set->lines, set->nlines * sizeof(UsomLine));
	now.orders[order].priced_at = usom_call_time();
	return usom_api_price(&now, order, &request) != NULL ? now.lines : NULL;
}

static void
add_drift(StringInfo drifts, const UsomLine *agreed, const UsomLine *now)
{
	appendStringInfo(drifts, "%sline %d: %s agreed, %s now (%s %%)", drifts->len > 0 ? "; " : "", agreed->line_no,
					 text_of(agreed->unit_price), text_of(now->unit_price),
					 text_of(percent_between(agreed->unit_price, now->unit_price)));
}

static bool
is_seen(const UsomChecking *checking, const char *drifts)
{
	Datum		values[3] = {
		Int64GetDatum(checking->set->org_id), Int64GetDatum(checking->set->orders[checking->order].sales_order_id),
		CStringGetTextDatum(drifts)
	};

	return usom_query_run(&find_seen, values, NULL) > 0;
}

void
usom_api_check_drift(UsomChecking *checking)
{
	UsomOrderSet *set = checking->set;
	const UsomChannel *channel = usom_party_channel_of(usom_party_house(set->org_id), set->orders[checking->order].channel_id);
	const UsomLine *now;
	StringInfoData drifts;
	int64		tolerance;

	if (checking->point != USOM_AT_RELEASE || channel == NULL || !channel->prices_by_list || channel->price_drift < 0)
		return;
	tolerance = channel->price_drift;
	now = price_now(set, checking->order);
	initStringInfo(&drifts);
	for (int i = usom_order_first_line(set, checking->order); now != NULL && i < set->nlines; i++)
		if (is_priced(&set->lines[i], checking->order) &&
			is_beyond(set->lines[i].unit_price, now[i].unit_price, tolerance))
			add_drift(&drifts, &set->lines[i], &now[i]);
	if (drifts.len == 0 || is_seen(checking, drifts.data))
		return;
	usom_api_find(checking, (UsomFinding) {
		.code = DRIFT_CODE,
		.severity = USOM_HOLD,
		.hold_type = "price",
		.hold_until = USOM_NO_TIME,
		.message = "prices have moved since they were agreed",
		.detail = drifts.data,
		.remedy = "usom.release_hold() lets the agreed prices stand, usom.reprice_order() takes the new ones.",
	});
}
