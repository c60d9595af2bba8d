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

#include "api/price.h"

#include "base/errors.h"
#include "base/query.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* A code that is given twice counts once. */
static UsomQuery select_coupons = {
	.text = "SELECT w.code, c.coupon_id, c.promotion, c.active AND c.valid_from <= $4 AND (c.valid_to IS NULL OR c.valid_to > $4), "
	"coalesce(c.redeemed >= c.limit_uses, false), EXISTS (SELECT 1 FROM usom.coupon_redemption x WHERE x.org_id = $1 "
	"AND x.sales_order_id = $3 AND x.coupon_id = c.coupon_id AND x.released_at IS NULL) "
	"FROM (SELECT n.code, min(n.position) AS position FROM unnest(CASE WHEN $5 THEN $2 ELSE (SELECT o.coupons "
	"FROM usom.sales_order o WHERE o.org_id = $1 AND o.sales_order_id = $3) END) WITH ORDINALITY AS n (code, position) "
	"WHERE n.code IS NOT NULL GROUP BY n.code) AS w "
	"LEFT JOIN usom.coupon c ON c.org_id = $1 AND c.code = w.code ORDER BY w.position",
	.nargs = 5,
	.argtypes = {"bigint", "text[]", "bigint", "timestamptz", "boolean"},
};

static void
refuse_unknown(const char *code)
{
	ereport(ERROR, errcode(USOM_ERR(UNKNOWN_COUPON)),
			errmsg("coupon \"%s\" does not exist", code),
			errdetail("Coupons are looked up by their exact code."),
			errhint("Leave the coupon out, or INSERT INTO usom.coupon (code, promotion) VALUES (%s, ...).", quote_literal_cstr(code)));
}

static void
refuse_invalid(const char *code, const char *promotion, TimestampTz at)
{
	ereport(ERROR, errcode(USOM_ERR(COUPON_NOT_VALID)),
			errmsg("coupon \"%s\" is not valid", code),
			errdetail("It, or its promotion \"%s\", is not active or not in force at %s, when the order was placed.", promotion,
					  timestamptz_to_str(at)),
			errhint("Leave the coupon out; its dates are in usom.coupon and usom.promotion."));
}

void
usom_api_refuse_used_up(const char *code)
{
	ereport(ERROR, errcode(USOM_ERR(COUPON_USED_UP)),
			errmsg("coupon \"%s\" is used up", code),
			errdetail("As many orders use it as may."),
			errhint("Leave the coupon out, cancel an order that uses it, or raise limit_uses in usom.coupon."));
}

/* Fields of one row; false if the coupon is passed over. */
static bool
take_coupon(UsomPricing *pricing, const UsomPriceRules *rules, bool must_fit, uint64 row)
{
	UsomWaterfall *waterfall = &pricing->waterfall;
	UsomCouponUse *coupon = &waterfall->coupons[waterfall->ncoupons];
	const char *promotion = usom_query_get_text(row, 3);
	bool		isnull;

	*coupon = (UsomCouponUse) {.code = usom_query_get_text(row, 1), .is_used = DatumGetBool(usom_query_get(row, 6))};
	coupon->coupon_id = DatumGetInt64(usom_query_get_or_null(row, 2, &isnull));
	if (isnull && must_fit)
		refuse_unknown(coupon->code);
	if (isnull)
		return false;
	coupon->promotion = usom_price_find_promotion(rules, promotion);
	if (coupon->is_used)
		return coupon->promotion != NULL;
	if (!DatumGetBool(usom_query_get(row, 4)) || coupon->promotion == NULL ||
		!usom_promotion_is_valid(waterfall, coupon->promotion))
	{
		if (must_fit)
			refuse_invalid(coupon->code, promotion, waterfall->at);
		return false;
	}
	if (!DatumGetBool(usom_query_get(row, 5)))
		return true;
	if (must_fit)
		usom_api_refuse_used_up(coupon->code);
	return false;
}

void
usom_api_read_coupons(const UsomOrderSet *set, UsomPricing *pricing, const UsomPriceRequest *request,
					  const UsomPriceRules *rules)
{
	const UsomOrder *order = &set->orders[pricing->order];
	bool		is_told = request->has_coupons || order->is_new;
	Datum		values[5] = {
		Int64GetDatum(set->org_id), PointerGetDatum(request->coupons), Int64GetDatum(order->sales_order_id),
		TimestampTzGetDatum(order->placed_at), BoolGetDatum(is_told)
	};
	bool		nulls[5] = {false, request->coupons == NULL, false, false, false};
	uint64		nrows;

	if (!rules->has_coupons || (is_told && request->coupons == NULL))
		return;
	nrows = usom_query_run(&select_coupons, values, nulls);
	pricing->waterfall.coupons = palloc_array(UsomCouponUse, Max(nrows, 1));
	for (uint64 row = 0; row < nrows; row++)
		if (take_coupon(pricing, rules, request->must_fit, row))
			pricing->waterfall.ncoupons++;
}

void
usom_api_check_coupons(const UsomPricing *pricing, const UsomPriceRequest *request)
{
	for (int i = 0; i < pricing->waterfall.ncoupons; i++)
	{
		const UsomCouponUse *coupon = &pricing->waterfall.coupons[i];

		if (!coupon->applies && request->must_fit)
			ereport(ERROR, errcode(USOM_ERR(COUPON_NOT_FOR_ORDER)),
					errmsg("coupon \"%s\" takes nothing off this order", coupon->code),
					errdetail("Its promotion \"%s\" (%s) has conditions that the order does not meet, or goes with no other promotion.",
							  coupon->promotion->code, coupon->promotion->reason),
					errhint("Leave the coupon out, or order what usom.promotion asks for."));
	}
}
