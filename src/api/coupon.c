/*
 * coupon.c
 *		The coupons that an order brings: looked up, and whether they fit.
 *
 * Reads only; whether there is a use left is decided under the lock of the
 * counter (redeem.c), and said here already if it is plain to see.
 *
 * Memory: CurrentMemoryContext; promotions are of what the session remembers.
 */
#include "postgres.h"

#include "api/finding.h"
#include "api/price.h"

#include "base/errors.h"
#include "base/query.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* A code that is given twice counts once. */
#define COUPONS \
	"SELECT w.code, c.coupon_id, c.promotion, c.active AND c.valid_from <= q.at AND (c.valid_to IS NULL OR c.valid_to > q.at), " \
	"coalesce(c.redeemed >= c.limit_uses, false), x.coupon_id IS NOT NULL AND x.released_at IS NULL " \
	"FROM (SELECT n.code, min(n.position) AS position FROM unnest(CASE WHEN q.is_told THEN q.codes ELSE (SELECT o.coupons " \
	"FROM usom.sales_order o WHERE o.org_id = $1 AND o.sales_order_id = q.sales_order_id) END) WITH ORDINALITY AS n (code, position) " \
	"WHERE n.code IS NOT NULL GROUP BY n.code) AS w " \
	"LEFT JOIN usom.coupon c ON c.org_id = $1 AND c.code = w.code " \
	"LEFT JOIN usom.coupon_redemption x ON x.org_id = $1 AND x.sales_order_id = q.sales_order_id AND x.coupon_id = c.coupon_id ORDER BY w.position"

static UsomQuery select_coupons = {
	.text = "SELECT a.* FROM (SELECT $2 AS codes, $3 AS sales_order_id, $4 AS at, $5 AS is_told) AS q CROSS JOIN LATERAL (" COUPONS ") AS a",
	.nargs = 5,
	.argtypes = {"bigint", "text[]", "bigint", "timestamptz", "boolean"},
};

static UsomQuery select_coupons_of_many = {
	.text = "SELECT a.*, q.position FROM unnest($2) AS q CROSS JOIN LATERAL (" COUPONS ") AS a",
	.nargs = 2,
	.argtypes = {"bigint", "usom._coupon_question[]"},
};

/* What is wrong with a coupon: a finding among others, or raised at once. */
static void
complain(const UsomPriceRequest *request, int sqlerrcode, const char *message, const char *detail, const char *remedy)
{
	UsomFinding *finding;

	if (request->problems == NULL)
		ereport(ERROR, errcode(sqlerrcode), errmsg("%s", message), errdetail("%s", detail), errhint("%s", remedy));
	finding = palloc_object(UsomFinding);
	*finding = (UsomFinding) {
		.path = "coupons", .code = pstrdup(unpack_sql_state(sqlerrcode)), .severity = USOM_REFUSE, .hold_until = USOM_NO_TIME,
		.message = message, .detail = detail, .remedy = remedy
	};
	*request->problems = lappend(*request->problems, finding);
}

static void
refuse_unknown(const UsomPriceRequest *request, const char *code)
{
	complain(request, USOM_ERR(UNKNOWN_COUPON), psprintf("coupon \"%s\" does not exist", code),
			 "Coupons are looked up by their exact code.",
			 psprintf("Leave the coupon out, or INSERT INTO usom.coupon (code, promotion) VALUES (%s, ...).", quote_literal_cstr(code)));
}

static void
refuse_invalid(const UsomPriceRequest *request, const char *code, const char *promotion, TimestampTz at)
{
	complain(request, USOM_ERR(COUPON_NOT_VALID), psprintf("coupon \"%s\" is not valid", code),
			 psprintf("It, or its promotion \"%s\", is not active or not in force at %s, when the order was placed.", promotion,
					  timestamptz_to_str(at)),
			 "Leave the coupon out; its dates are in usom.coupon and usom.promotion.");
}

#define ALL_USED "As many orders use it as may."
#define USED_UP_REMEDY "Leave the coupon out, cancel an order that uses it, or raise limit_uses in usom.coupon."

void
usom_api_refuse_coupon(const UsomCouponLoss *loss)
{
	switch (loss->kind)
	{
		case USOM_COUPON_NOT_FOR_GUESTS:
			ereport(ERROR, errcode(USOM_ERR(COUPON_USED_UP)),
					errmsg("coupon \"%s\" is not for guests", loss->code),
					errdetail("Each customer may use it for %d orders, and of guests nobody knows who they are.", loss->limit),
					errhint("Name the customer in the document, or leave the coupon out."));
			break;
		case USOM_COUPON_USED_BY_CUSTOMER:
			ereport(ERROR, errcode(USOM_ERR(COUPON_USED_UP)),
					errmsg("coupon \"%s\" is used up for this customer", loss->code),
					errdetail("Each customer may use it for %d orders.", loss->limit),
					errhint("Leave the coupon out, or cancel an order of the customer that uses it."));
			break;
		case USOM_COUPON_USED_UP:
			ereport(ERROR, errcode(USOM_ERR(COUPON_USED_UP)),
					errmsg("coupon \"%s\" is used up", loss->code), errdetail("%s", ALL_USED), errhint("%s", USED_UP_REMEDY));
			break;
	}
	pg_unreachable();
}

/* Fields of one row; false if the coupon is passed over. */
static bool
take_coupon(UsomPricing *pricing, const UsomPriceRules *rules, const UsomPriceRequest *request, uint64 row)
{
	UsomWaterfall *waterfall = &pricing->waterfall;
	UsomCouponUse *coupon = &waterfall->coupons[waterfall->ncoupons];
	const char *promotion = usom_query_get_text(row, 3);
	bool		isnull;

	*coupon = (UsomCouponUse) {.code = usom_query_get_text(row, 1), .is_used = DatumGetBool(usom_query_get(row, 6))};
	coupon->coupon_id = DatumGetInt64(usom_query_get_or_null(row, 2, &isnull));
	if (isnull && request->must_fit)
		refuse_unknown(request, coupon->code);
	if (isnull)
		return false;
	coupon->promotion = usom_price_find_promotion(rules, promotion);
	if (coupon->is_used)
		return coupon->promotion != NULL;
	if (!DatumGetBool(usom_query_get(row, 4)) || coupon->promotion == NULL ||
		!usom_promotion_is_valid(waterfall, coupon->promotion))
	{
		if (request->must_fit)
			refuse_invalid(request, coupon->code, promotion, waterfall->at);
		return false;
	}
	if (!DatumGetBool(usom_query_get(row, 5)))
		return true;
	if (request->must_fit)
		complain(request, USOM_ERR(COUPON_USED_UP), psprintf("coupon \"%s\" is used up", coupon->code), ALL_USED, USED_UP_REMEDY);
	return false;
}

/* codes, order, at, whether the codes are told */
static bool
fill_question(const UsomOrderSet *set, const UsomPricing *pricing, const UsomPriceRequest *request, const UsomPriceRules *rules,
			  Datum *values, bool *nulls)
{
	const UsomOrder *order = &set->orders[pricing->order];
	bool		is_told = request->has_coupons || order->is_new;

	values[0] = PointerGetDatum(request->coupons);
	values[1] = Int64GetDatum(order->sales_order_id);
	values[2] = TimestampTzGetDatum(order->placed_at);
	values[3] = BoolGetDatum(is_told);
	nulls[0] = request->coupons == NULL;
	return rules->has_coupons && !(is_told && request->coupons == NULL);
}

void
usom_api_read_coupons(const UsomOrderSet *set, UsomPricing *pricing, const UsomPriceRequest *request,
					  const UsomPriceRules *rules)
{
	Datum		values[5] = {Int64GetDatum(set->org_id)};
	bool		nulls[5] = {false};
	SPITupleTable *foreseen = request->found_coupons;
	uint64		nrows;

	if (!fill_question(set, pricing, request, rules, &values[1], &nulls[1]))
		return;
	nrows = foreseen != NULL ? usom_query_take(foreseen) : usom_query_run(&select_coupons, values, nulls);
	pricing->waterfall.coupons = palloc_array(UsomCouponUse, Max(nrows, 1));
	for (uint64 row = 0; row < nrows; row++)
		if (take_coupon(pricing, rules, request, row))
			pricing->waterfall.ncoupons++;
}

void
usom_api_foresee_coupons(const UsomPriceWish *wishes, UsomPricing *const *pricings, int count, const UsomPriceRules *rules)
{
	UsomRows   *rows = usom_rows_make("_coupon_question", count);
	Datum		values[2] = {Int64GetDatum(wishes[0].set->org_id)};
	SPITupleTable **parts;

	for (int i = 0; i < count; i++)
	{
		Datum		question[5] = {Int32GetDatum(i + 1)};
		bool		nulls[5] = {false};

		if (fill_question(wishes[i].set, pricings[i], wishes[i].request, rules, &question[1], &nulls[1]))
			usom_rows_add(rows, question, nulls);
	}
	if (usom_rows_count(rows) == 0)
		return;
	values[1] = usom_rows_datum(rows);
	usom_query_run(&select_coupons_of_many, values, NULL);
	parts = usom_query_cut(count);
	for (int i = 0; i < count; i++)
		wishes[i].request->found_coupons = parts[i];
}

void
usom_api_check_coupons(const UsomPricing *pricing, const UsomPriceRequest *request)
{
	for (int i = 0; i < pricing->waterfall.ncoupons; i++)
	{
		const UsomCouponUse *coupon = &pricing->waterfall.coupons[i];

		if (!coupon->applies && request->must_fit)
			complain(request, USOM_ERR(COUPON_NOT_FOR_ORDER), psprintf("coupon \"%s\" takes nothing off this order", coupon->code),
					 psprintf("Its promotion \"%s\" (%s) has conditions that the order does not meet, or goes with no other promotion.",
							  coupon->promotion->code, coupon->promotion->reason),
					 "Leave the coupon out, or order what usom.promotion asks for.");
	}
}
