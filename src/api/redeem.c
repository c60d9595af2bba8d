/*
 * redeem.c
 *		Orders take coupons and let go of them, counted under a lock.
 *
 * Locks: the orders are locked; rows of usom.coupon, FOR NO KEY UPDATE, by
 * key: after orders and credit, before stock.
 *
 * Invariants: coupon.redeemed is the number of its redemptions that count; it
 * is never above limit_uses (the table has the constraint, too); of one
 * customer no more count than limit_per_customer.
 *
 * Exactness.  Limits are compared with the row as the lock found it.  At
 * REPEATABLE READ a row that another transaction has changed is 40001.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/price.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

typedef struct CouponChange
{
	int64		sales_order_id;
	int64		coupon_id;
	int64		customer_id;	/* 0: a guest */
	bool		takes;			/* else lets go */
	UsomPricing *pricing;		/* of the order that takes it */
} CouponChange;

typedef struct CouponChanges
{
	int			count;
	int			capacity;
	CouponChange *changes;
} CouponChanges;

/* A coupon whose row is locked. */
typedef struct Coupon
{
	int64		coupon_id;
	const char *code;
	int32		redeemed;
	int32		limit_uses;		/* PG_INT32_MAX: any number */
	int32		limit_per_customer;
} Coupon;

static void
add_change(CouponChanges *list, const UsomOrder *order, int64 coupon_id, UsomPricing *taker)
{
	if (list->count == list->capacity)
	{
		list->capacity = Max(list->capacity * 2, 8);
		list->changes = list->changes == NULL ? palloc_array(CouponChange, list->capacity)
			: repalloc_array(list->changes, CouponChange, list->capacity);
	}
	list->changes[list->count++] = (CouponChange) {order->sales_order_id, coupon_id, order->customer_id, taker != NULL, taker};
}

/* ---- what orders use already ---- */

static UsomQuery select_redemptions = {
	.text = "SELECT x.sales_order_id, x.coupon_id FROM usom.coupon_redemption x "
	"WHERE x.org_id = $1 AND x.sales_order_id = ANY ($2) AND x.released_at IS NULL ORDER BY x.sales_order_id, x.coupon_id",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

static uint64
look_at_redemptions(const UsomOrderSet *set, const int64 *ids, int nids)
{
	Datum		values[2] = {Int64GetDatum(set->org_id), usom_query_keys(ids, nids)};

	return nids == 0 ? 0 : usom_query_run(&select_redemptions, values, NULL);
}

static int
find_order(const UsomOrderSet *set, int64 sales_order_id)
{
	for (int i = 0; i < set->norders; i++)
		if (set->orders[i].sales_order_id == sales_order_id)
			return i;
	return -1;
}

/* ---- the counters ---- */

static UsomQuery lock_coupons = {
	.text = "SELECT c.coupon_id, c.code, c.redeemed, coalesce(c.limit_uses, 2147483647), coalesce(c.limit_per_customer, 2147483647) "
	"FROM usom.coupon c WHERE c.org_id = $1 AND c.coupon_id = ANY ($2) ORDER BY c.coupon_id FOR NO KEY UPDATE",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

/* A statement of its own: it sees what was committed before the locks were got. */
static UsomQuery count_uses = {
	.text = "SELECT r.position::int, count(*)::int FROM unnest($2, $3) WITH ORDINALITY AS r (coupon_id, customer_id, position) "
	"JOIN usom.coupon_redemption x ON x.org_id = $1 AND x.coupon_id = r.coupon_id AND x.customer_id = r.customer_id "
	"AND x.released_at IS NULL GROUP BY r.position",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "bigint[]"},
};

static UsomQuery write_changes = {
	.text = "WITH taken AS (INSERT INTO usom.coupon_redemption AS x (org_id, sales_order_id, coupon_id, customer_id, redeemed_at) "
	"SELECT $1, r.sales_order_id, r.coupon_id, r.customer_id, $3 FROM unnest($2) AS r WHERE r.takes "
	"ON CONFLICT (org_id, sales_order_id, coupon_id) DO UPDATE SET redeemed_at = $3, released_at = NULL), "
	"freed AS (UPDATE usom.coupon_redemption AS x SET released_at = $3 FROM unnest($2) AS r WHERE NOT r.takes "
	"AND x.org_id = $1 AND x.sales_order_id = r.sales_order_id AND x.coupon_id = r.coupon_id) "
	"UPDATE usom.coupon AS c SET redeemed = c.redeemed + d.delta FROM (SELECT r.coupon_id, "
	"sum(CASE WHEN r.takes THEN 1 ELSE -1 END)::int AS delta FROM unnest($2) AS r GROUP BY r.coupon_id) AS d "
	"WHERE c.org_id = $1 AND c.coupon_id = d.coupon_id",
	.nargs = 3,
	.argtypes = {"bigint", "usom._coupon_change[]", "timestamptz"},
};

static Coupon *
lock_rows(int64 org_id, const CouponChanges *list, int *count)
{
	int64	   *ids = palloc_array(int64, list->count);
	Datum		values[2] = {Int64GetDatum(org_id)};
	Coupon	   *coupons;

	for (int i = 0; i < list->count; i++)
		ids[i] = list->changes[i].coupon_id;
	values[1] = usom_query_keys(ids, list->count);
	*count = (int) usom_query_run(&lock_coupons, values, NULL);
	coupons = palloc_array(Coupon, Max(*count, 1));
	for (int row = 0; row < *count; row++)
		coupons[row] = (Coupon) {
			DatumGetInt64(usom_query_get(row, 1)), usom_query_get_text(row, 2), DatumGetInt32(usom_query_get(row, 3)),
			DatumGetInt32(usom_query_get(row, 4)), DatumGetInt32(usom_query_get(row, 5))
		};
	return coupons;
}

static Coupon *
find_coupon(Coupon *coupons, int count, int64 coupon_id)
{
	for (int i = 0; i < count; i++)
		if (coupons[i].coupon_id == coupon_id)
			return &coupons[i];
	elog(ERROR, "coupon " INT64_FORMAT " is not there", coupon_id);
}

static bool
any_per_customer(const Coupon *coupons, int ncoupons)
{
	for (int i = 0; i < ncoupons; i++)
		if (coupons[i].limit_per_customer != PG_INT32_MAX)
			return true;
	return false;
}

/* Uses of customers that are written, by change. */
static int32 *
read_uses(int64 org_id, const CouponChanges *list, const Coupon *coupons, int ncoupons)
{
	int32	   *uses = palloc0_array(int32, list->count);
	int64	   *keys = palloc_array(int64, list->count);
	Datum		values[3] = {Int64GetDatum(org_id)};
	uint64		nrows;

	if (!any_per_customer(coupons, ncoupons))
		return uses;
	for (int i = 0; i < list->count; i++)
		keys[i] = list->changes[i].coupon_id;
	values[1] = usom_query_keys(keys, list->count);
	for (int i = 0; i < list->count; i++)
		keys[i] = list->changes[i].customer_id;
	values[2] = usom_query_keys(keys, list->count);
	nrows = usom_query_run(&count_uses, values, NULL);
	for (uint64 row = 0; row < nrows; row++)
		uses[DatumGetInt32(usom_query_get(row, 1)) - 1] = DatumGetInt32(usom_query_get(row, 2));
	return uses;
}

/* Uses of the customer: those that are written, and those of this call before. */
static int32
uses_of_customer(const CouponChanges *list, int index, int32 written)
{
	const CouponChange *change = &list->changes[index];
	int32		uses = written;

	for (int i = 0; i < index; i++)
		if (list->changes[i].coupon_id == change->coupon_id && list->changes[i].customer_id == change->customer_id &&
			(!list->changes[i].takes || list->changes[i].pricing->loss == NULL))
			uses += list->changes[i].takes ? 1 : -1;
	return uses;
}

/* Has the order no use of the coupon, as the ones before it have theirs? */
static bool
is_lost(const CouponChanges *list, int index, int32 written, const Coupon *coupon, UsomCouponLossKind *kind)
{
	*kind = USOM_COUPON_USED_UP;
	if (coupon->redeemed >= coupon->limit_uses)
		return true;
	if (coupon->limit_per_customer == PG_INT32_MAX)
		return false;
	*kind = list->changes[index].customer_id == 0 ? USOM_COUPON_NOT_FOR_GUESTS : USOM_COUPON_USED_BY_CUSTOMER;
	return list->changes[index].customer_id == 0 || uses_of_customer(list, index, written) >= coupon->limit_per_customer;
}

/* Those that let go come first in the list: what they free can be taken.  All losses are found before the first is raised. */
static void
check_limits(int64 org_id, const CouponChanges *list, Coupon *coupons, int ncoupons)
{
	const int32 *uses = read_uses(org_id, list, coupons, ncoupons);
	const UsomCouponLoss *first = NULL;

	for (int i = 0; i < list->count; i++)
	{
		CouponChange *change = &list->changes[i];
		Coupon	   *coupon = find_coupon(coupons, ncoupons, change->coupon_id);
		UsomCouponLossKind kind;

		if (!change->takes)
			coupon->redeemed--;
		else if (change->pricing->loss == NULL && !is_lost(list, i, uses[i], coupon, &kind))
			coupon->redeemed++;
		else if (change->pricing->loss == NULL)
		{
			change->pricing->loss = palloc_object(UsomCouponLoss);
			*change->pricing->loss = (UsomCouponLoss) {kind, coupon->code, coupon->limit_per_customer};
		}
		if (first == NULL && change->takes)
			first = change->pricing->loss;
	}
	if (first != NULL)
		usom_api_refuse_coupon(first);
}

static void
write_list(int64 org_id, const CouponChanges *list)
{
	Datum		values[3] = {Int64GetDatum(org_id), (Datum) 0, TimestampTzGetDatum(usom_call_time())};
	UsomRows   *rows;
	Coupon	   *coupons;
	int			ncoupons;

	if (list->count == 0)
		return;
	coupons = lock_rows(org_id, list, &ncoupons);
	check_limits(org_id, list, coupons, ncoupons);
	rows = usom_rows_make("_coupon_change", list->count);
	for (int i = 0; i < list->count; i++)
	{
		const CouponChange *change = &list->changes[i];
		bool		nulls[4] = {false, false, change->customer_id == 0, false};

		usom_rows_add(rows, (Datum[]) {
			Int64GetDatum(change->sales_order_id), Int64GetDatum(change->coupon_id),
			Int64GetDatum(change->customer_id), BoolGetDatum(change->takes)
		}, nulls);
	}
	values[1] = usom_rows_datum(rows);
	usom_query_write(&write_changes, values, NULL);
}

/* ---- what orders want ---- */

static UsomCouponUse *
find_use(const UsomPricing *pricing, int64 coupon_id)
{
	for (int i = 0; i < pricing->waterfall.ncoupons; i++)
		if (pricing->waterfall.coupons[i].coupon_id == coupon_id)
			return &pricing->waterfall.coupons[i];
	return NULL;
}

static bool
counts(const UsomOrderSet *set, int order, UsomPricing *const *pricings)
{
	return pricings[order] != NULL && set->orders[order].status != USOM_ORDER_DRAFT;
}

/* Orders that are there let go of what does not apply any more. */
static void
gather_freed(const UsomOrderSet *set, UsomPricing *const *pricings, CouponChanges *list)
{
	int64	   *ids = palloc_array(int64, Max(set->norders, 1));
	int			nids = 0;
	uint64		nrows;

	for (int i = 0; i < set->norders; i++)
		if (counts(set, i, pricings) && !set->orders[i].is_new)
			ids[nids++] = set->orders[i].sales_order_id;
	nrows = look_at_redemptions(set, ids, nids);
	for (uint64 row = 0; row < nrows; row++)
	{
		int			order = find_order(set, DatumGetInt64(usom_query_get(row, 1)));
		int64		coupon_id = DatumGetInt64(usom_query_get(row, 2));
		UsomCouponUse *use = find_use(pricings[order], coupon_id);

		if (use == NULL || !use->applies)
			add_change(list, &set->orders[order], coupon_id, NULL);
	}
}

void
usom_api_redeem(const UsomOrderSet *set, UsomPricing *const *pricings)
{
	CouponChanges list = {0};

	if (!usom_price_rules(set->org_id)->has_coupons)
		return;
	gather_freed(set, pricings, &list);
	for (int i = 0; i < set->norders; i++)
		for (int j = 0; counts(set, i, pricings) && j < pricings[i]->waterfall.ncoupons; j++)
		{
			const UsomCouponUse *use = &pricings[i]->waterfall.coupons[j];

			if (use->applies && !use->is_used)
				add_change(&list, &set->orders[i], use->coupon_id, pricings[i]);
		}
	write_list(set->org_id, &list);
}

void
usom_api_release_coupons(const UsomOrderSet *set)
{
	CouponChanges list = {0};
	int64	   *ids;
	int			nids = 0;
	uint64		nrows;

	if (likely(!usom_price_rules(set->org_id)->has_coupons))
		return;
	ids = palloc_array(int64, Max(set->norders, 1));
	for (int i = 0; i < set->norders; i++)
		if (set->orders[i].status == USOM_ORDER_CANCELLED || set->orders[i].status == USOM_ORDER_REJECTED)
			ids[nids++] = set->orders[i].sales_order_id;
	nrows = look_at_redemptions(set, ids, nids);
	for (uint64 row = 0; row < nrows; row++)
	{
		int			order = find_order(set, DatumGetInt64(usom_query_get(row, 1)));

		add_change(&list, &set->orders[order], DatumGetInt64(usom_query_get(row, 2)), NULL);
	}
	write_list(set->org_id, &list);
}
