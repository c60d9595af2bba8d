/*
 * override.c
 *		Prices that people set: override_price(), reprice_order(), documents.
 *
 * An override is the step manual of the waterfall; the row of price_override
 * says who set it, what the rules had said, and whether it goes beyond what
 * the limits let the caller do.  What goes beyond is taken all the same: the
 * order waits for the approval of another person (order/approval.c finds the
 * row when the order is saved).
 *
 * Locks: the order, then what saving locks.
 *
 * Memory: the call's context; what limits say is copied, since what the
 * session remembers may go.
 */
#include "postgres.h"

#include "api/override.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "base/settings.h"
#include "order/answer.h"
#include "order/approval.h"
#include "party/party.h"
#include "payment/credit.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_override_price);
PG_FUNCTION_INFO_V1(usom_reprice_order);

static UsomQuery end_overrides = {
	.text = "UPDATE usom.price_override AS v SET ended_at = $3, ended_by = session_user FROM unnest($2) AS r "
	"WHERE v.org_id = $1 AND v.sales_order_id = r.sales_order_id AND v.line_no = r.line_no AND v.ended_at IS NULL",
	.nargs = 3,
	.argtypes = {"bigint", "usom._override_row[]", "timestamptz"},
};

static UsomQuery insert_overrides = {
	.text = "INSERT INTO usom.price_override (org_id, sales_order_id, line_no, product_id, unit_price, price_before, reason, "
	"queue, beyond, placed_at, placed_for) SELECT $1, r.sales_order_id, r.line_no, r.product_id, r.unit_price, r.price_before, "
	"r.reason, r.queue, r.beyond, $3, nullif($4, '') FROM unnest($2) AS r",
	.nargs = 4,
	.argtypes = {"bigint", "usom._override_row[]", "timestamptz", "text"},
};

static UsomQuery end_override = {
	.text = "UPDATE usom.price_override AS v SET ended_at = $4, ended_by = session_user "
	"WHERE v.org_id = $1 AND v.sales_order_id = $2 AND v.line_no = $3 AND v.ended_at IS NULL "
	"RETURNING v.price_before::numeric",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "integer", "timestamptz"},
};

static UsomQuery write_time = {
	.text = "UPDATE usom.sales_order AS o SET priced_at = $3 WHERE o.org_id = $1 AND o.sales_order_id = $2",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

static UsomQuery end_price_holds = {
	.text = "UPDATE usom.hold AS h SET released_at = $3, released_by = session_user, release_reason = $4 "
	"WHERE h.org_id = $1 AND h.sales_order_id = $2 AND h.hold_type = 'price' AND h.released_at IS NULL "
	"AND (h.expires_at IS NULL OR h.expires_at > $3)",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "timestamptz", "text"},
};

/* ---- what is noted on the line ---- */

/* The unit price that the steps before the manual one left; USOM_NO_UNIT_PRICE if there was none, false without a manual one. */
static bool
find_before(const UsomWaterfall *waterfall, int line, UsomUnitPrice *before)
{
	*before = USOM_NO_UNIT_PRICE;
	for (int i = 0; i < waterfall->nsteps; i++)
	{
		const UsomPriceStep *step = &waterfall->steps[i];

		if (step->line == line && step->kind == USOM_STEP_MANUAL)
			return true;
		if (step->line == line && step->unit_price != USOM_NO_UNIT_PRICE)
			*before = step->unit_price;
	}
	return false;
}

static void
judge(const UsomOrderSet *set, const UsomLine *line, const char *category)
{
	UsomOverride *override = line->override;
	bool		within;
	const UsomPriceLimit *limit = usom_approval_limit(usom_approval_rules(set->org_id), line->product_id, category,
													  override->price_before, override->unit_price, &within);

	if (within)
		return;
	override->queue = pstrdup(limit != NULL ? limit->queue : "manager");
	override->beyond = pstrdup(limit != NULL ? limit->code : "none");
}

void
usom_api_note_override(UsomOrderSet *set, const UsomPricing *pricing, int line, const char *reason)
{
	UsomUnitPrice before;
	int			priced = 0;

	Ensure(pricing != NULL, "an order with an override is not priced");
	while (pricing->lines[priced] != line)
		priced++;
	if (!find_before(&pricing->waterfall, priced, &before))
		return;
	set->lines[line].override = palloc_object(UsomOverride);
	*set->lines[line].override = (UsomOverride) {
		.unit_price = set->lines[line].unit_price,
		.price_before = usom_unit_price_numeric(Max(before, 0)),
		.reason = reason,
	};
	judge(set, &set->lines[line], pricing->waterfall.lines[priced].category);
}

/* ---- writing ---- */

static void
add_row(UsomRows *rows, const UsomOrderSet *set, const UsomLine *line)
{
	const UsomOverride *override = line->override;
	Datum		values[8] = {
		Int64GetDatum(set->orders[line->order].sales_order_id),
		Int32GetDatum(line->line_no),
		Int64GetDatum(line->product_id),
		NumericGetDatum(override->unit_price),
		NumericGetDatum(override->price_before),
		CStringGetTextDatum(override->reason),
		override->queue ? CStringGetTextDatum(override->queue) : (Datum) 0,
		override->beyond ? CStringGetTextDatum(override->beyond) : (Datum) 0,
	};
	bool		nulls[8] = {false, false, false, false, false, false, override->queue == NULL, override->beyond == NULL};

	usom_rows_add(rows, values, nulls);
}

void
usom_api_write_overrides(UsomOrderSet *set)
{
	UsomRows   *rows = NULL;
	bool		any_old = false;
	Datum		values[4] = {
		Int64GetDatum(set->org_id), 0, TimestampTzGetDatum(usom_call_time()), CStringGetTextDatum(usom_setting_app_user)
	};

	for (int i = 0; i < set->nlines; i++)
	{
		if (likely(set->lines[i].override == NULL))
			continue;
		if (rows == NULL)
			rows = usom_rows_make("_override_row", set->nlines);
		add_row(rows, set, &set->lines[i]);
		any_old |= !set->orders[set->lines[i].order].is_new;
	}
	if (rows == NULL)
		return;
	values[1] = usom_rows_datum(rows);
	if (any_old)
		usom_query_write(&end_overrides, values, NULL);
	usom_query_write(&insert_overrides, values, NULL);
	for (int i = 0; i < set->nlines; i++)
		set->lines[i].override = NULL;
}

/* ---- on orders that are there ---- */

static void
check_changeable(UsomOrderSet *set, const char *verb)
{
	if (set->orders[0].status >= USOM_ORDER_SHIPPED)
		usom_order_refuse(set->orders[0].order_no, verb, set->orders[0].status);
	usom_order_check_holds(set, 0, "change");
}

/* Priced in memory: checked, settled and saved like a change. */
static void
carry_out(UsomOrderSet *set, UsomPricing *pricing, UsomCredit *credit, const char *event)
{
	usom_order_settle(set, 0, event);
	if (set->orders[0].status != USOM_ORDER_DRAFT)
		usom_api_check_orders(set, USOM_AT_CHANGE, NULL);
	usom_api_redeem(set, &pricing);
	usom_api_write_overrides(set);
	usom_order_save(set);
	usom_credit_close(credit, USOM_CREDIT_CHANGES);
	usom_api_write_prices(set, &pricing);
}

/* What the rules said when the price was overridden; the override ends. */
static Numeric
take_back(const UsomOrderSet *set, int line)
{
	Datum		values[4] = {
		Int64GetDatum(set->org_id), Int64GetDatum(set->orders[0].sales_order_id), Int32GetDatum(set->lines[line].line_no),
		TimestampTzGetDatum(usom_call_time())
	};

	if (usom_query_write(&end_override, values, NULL) == 0)
		ereport(ERROR, errcode(USOM_ERR(NO_OVERRIDE)),
				errmsg("the price of line %d of order \"%s\" is not overridden", set->lines[line].line_no,
					   set->orders[0].order_no),
				errhint("SELECT * FROM usom.price_overrides WHERE order_no = '%s';", set->orders[0].order_no));
	return DatumGetNumericCopy(usom_query_get(0, 1));
}

static Numeric
read_price(FunctionCallInfo fcinfo)
{
	Datum		price = DirectFunctionCall2(numeric_round, PG_GETARG_DATUM(2), Int32GetDatum(USOM_AMOUNT_DECIMALS));

	if (DatumGetBool(DirectFunctionCall2(numeric_lt, price, NumericGetDatum(int64_to_numeric(0)))) ||
		numeric_is_nan(DatumGetNumeric(price)))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a price is not below zero"),
				errhint("Give what one unit costs."));
	return DatumGetNumeric(price);
}

static const char *
read_reason(void)
{
	const char *reason = usom_call_reason();

	if (reason == NULL || reason[0] == '\0')
		ereport(ERROR, errcode(USOM_ERR(NO_OVERRIDE_REASON)),
				errmsg("a price is not overridden without a reason"),
				errhint("Say why the price is another one."));
	return reason;
}

Datum
usom_override_price(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "override_price", 3);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	UsomPriceAsk *asks = palloc0_array(UsomPriceAsk, Max(set->nlines, 1));
	UsomPriceRequest request = {.asks = asks};
	UsomCredit *credit;
	UsomPricing *pricing;
	int			line;

	usom_order_arg_required(fcinfo, 1, "line_no");
	check_changeable(set, "override a price of");
	line = usom_order_find_line(set, 0, PG_GETARG_INT32(1));
	usom_order_check_no_component(set, line, "override the price of");
	credit = usom_credit_open(set);
	if (PG_ARGISNULL(2))
	{
		asks[line].is_told = true;
		asks[line].unit_price = asks[line].fallback = take_back(set, line);
	}
	else
		asks[line] = (UsomPriceAsk) {.manual = read_price(fcinfo), .manual_rule = "override", .manual_reason = read_reason()};
	pricing = usom_api_price(set, 0, &request);
	if (!PG_ARGISNULL(2))
		usom_api_note_override(set, pricing, line, asks[line].manual_reason);
	set->orders[0].event_line = set->lines[line].line_no;
	carry_out(set, pricing, credit, "override");
	return usom_order_answer_status(answer, set);
}

void
usom_api_set_price_time(UsomOrderSet *set, int order, TimestampTz at)
{
	Datum		values[3] = {
		Int64GetDatum(set->org_id), Int64GetDatum(set->orders[order].sales_order_id), TimestampTzGetDatum(at)
	};

	usom_query_write(&write_time, values, NULL);
	set->orders[order].priced_at = at;
}

static void
release_price_holds(const UsomOrderSet *set)
{
	const char *reason = usom_call_reason();
	Datum		values[4] = {
		Int64GetDatum(set->org_id), Int64GetDatum(set->orders[0].sales_order_id), TimestampTzGetDatum(usom_call_time()),
		CStringGetTextDatum(reason != NULL ? reason : "priced again")
	};

	usom_query_write(&end_price_holds, values, NULL);
}

/* What has left has its price. */
Datum
usom_reprice_order(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "reprice_order", 1);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	UsomPriceRequest request = {0};
	UsomCredit *credit;
	UsomPricing *pricing;

	check_changeable(set, "reprice");
	if (set->orders[0].status == USOM_ORDER_PARTIALLY_SHIPPED)
		usom_order_refuse(set->orders[0].order_no, "reprice", set->orders[0].status);
	credit = usom_credit_open(set);
	usom_api_set_price_time(set, 0, usom_call_time());
	pricing = usom_api_price(set, 0, &request);
	release_price_holds(set);
	carry_out(set, pricing, credit, "reprice");
	return usom_order_answer_status(answer, set);
}
