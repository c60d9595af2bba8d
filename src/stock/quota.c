/*
 * quota.c
 *		Quotas: lock, read, give back, write.
 *
 * Locks: rows of usom.quota, FOR NO KEY UPDATE, by key: whoever reads or
 * changes what is used of a quota has it.  They come after the rows of stock
 * and supply.  Rows of quota_use are written under the lock of their order as
 * well.
 *
 * Exactness.  What is left is read by a statement that begins when the locks
 * are held.  At REPEATABLE READ its snapshot is older: then a load or a stock
 * row that has changed meanwhile is 40001 when it is written.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "stock/quota.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/memo.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static uint64 uses;

bool
usom_quota_is_any(int64 org_id)
{
	return (usom_memo_uses(org_id) & uses) != 0;
}

void
usom_quota_init(void)
{
	uses = usom_memo_use_of("quota") | usom_memo_use_of("pre_order_offer");
}

/* ---- what lines that have lost units used ---- */

static UsomQuery read_uses = {
	.text = "SELECT u.sales_order_id, u.line_no, u.quota_id, u.lender_id, u.starts_at, u.units, r.lost, r.kept, r.live, "
	"EXISTS (SELECT 1 FROM usom.pre_order_offer AS f WHERE f.org_id = $1 AND f.pre_order_offer_id = u.quota_id) "
	"FROM unnest($2) AS r JOIN usom.quota_use AS u "
	"ON u.org_id = $1 AND u.sales_order_id = r.sales_order_id AND u.line_no = r.line_no "
	"ORDER BY u.sales_order_id, u.line_no, u.quota_id, u.quota_id = u.lender_id, u.starts_at DESC, u.lender_id",
	.nargs = 2,
	.argtypes = {"bigint", "usom._quota_loss[]"},
};

/* Units that a line has lost, to be given back under one of its quotas. */
typedef struct Return
{
	const UsomQuotaUse *last;	/* of the same line and quota */
	UsomQuantity lost;
	UsomQuantity kept;
} Return;

/*
 * Of a pre-order what is ordered no more.  Else those of lenders first; of its own what the line
 * has no units for any more.
 */
static UsomQuantity
units_after(Return *give, const UsomQuotaUse *use, bool is_offer, UsomQuantity live)
{
	UsomQuantity back;

	if (is_offer)
		return Min(use->units, live);
	if (use->lender_id != use->quota_id)
	{
		back = Min(use->units, give->lost);
		give->lost -= back;
		give->kept -= Min(use->units - back, give->kept);
		return use->units - back;
	}
	back = Max(use->units - give->kept, 0);
	give->kept -= Min(use->units - back, give->kept);
	return use->units - back;
}

static Datum
loss_rows(const UsomQuotaLoss *losses, int nlosses)
{
	UsomRows   *rows = usom_rows_make("_quota_loss", nlosses);

	for (int i = 0; i < nlosses; i++)
	{
		bool		nulls[5] = {false};
		Datum		values[5] = {
			Int64GetDatum(losses[i].sales_order_id),
			Int32GetDatum(losses[i].line_no),
			NumericGetDatum(usom_quantity_numeric(losses[i].lost)),
			NumericGetDatum(usom_quantity_numeric(losses[i].kept)),
			NumericGetDatum(usom_quantity_numeric(losses[i].live)),
		};

		usom_rows_add(rows, values, nulls);
	}
	return usom_rows_datum(rows);
}

/* The changed uses of lines with losses stand in returned; units are what is left of them. */
static void
read_returned(UsomQuotas *quotas, const UsomQuotaLoss *losses, int nlosses)
{
	Datum		values[] = {Int64GetDatum(quotas->org_id), loss_rows(losses, nlosses)};
	int			n = (int) usom_query_run(&read_uses, values, NULL);
	Return		give = {0};

	quotas->returned = palloc_array(UsomQuotaUse, n + 1);
	for (int i = 0; i < n; i++)
	{
		UsomQuotaUse *use = &quotas->returned[i];

		*use = (UsomQuotaUse) {
			DatumGetInt64(usom_query_get(i, 1)), DatumGetInt32(usom_query_get(i, 2)),
			DatumGetInt64(usom_query_get(i, 3)), DatumGetInt64(usom_query_get(i, 4)),
			DatumGetTimestampTz(usom_query_get(i, 5)), usom_quantity_of(DatumGetNumeric(usom_query_get(i, 6))),
		};
		if (give.last == NULL || give.last->sales_order_id != use->sales_order_id ||
			give.last->line_no != use->line_no || give.last->quota_id != use->quota_id)
			give = (Return) {
			use, usom_quantity_of(DatumGetNumeric(usom_query_get(i, 7))), usom_quantity_of(DatumGetNumeric(usom_query_get(i, 8)))
		};
		give.last = use;
		/* Until they are written: units given back, with a minus. */
		use->units = units_after(&give, use, DatumGetBool(usom_query_get(i, 10)),
								 usom_quantity_of(DatumGetNumeric(usom_query_get(i, 9)))) - use->units;
	}
	quotas->nreturned = n;
}

/* ---- locks, and what is left ---- */

static UsomQuery lock_quotas = {
	.text = "SELECT q.quota_id FROM usom.quota AS q WHERE q.org_id = $1 AND (q.quota_id = ANY ($3) OR q.active "
	"AND (q.sku IS NULL OR q.sku IN (SELECT p.sku FROM usom.product AS p WHERE p.org_id = $1 AND p.product_id = ANY ($2))) "
	"AND (q.category IS NULL OR q.category IN (SELECT p.category FROM usom.product AS p WHERE p.org_id = $1 "
	"AND p.product_id = ANY ($2)))) ORDER BY q.quota_id FOR NO KEY UPDATE",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "bigint[]"},
};

/* A quota that is not in force has neither products nor members; its row is there for what is given back to it. */
static UsomQuery read_quotas = {
	.text = "WITH demand AS MATERIALIZED ("
	"SELECT w.ordinal, p.sku, p.category, c.code AS channel, u.code AS customer, u.segment, a.country "
	"FROM unnest($3) AS w "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = w.product_id "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = w.sales_order_id "
	"JOIN usom.channel AS c ON c.org_id = $1 AND c.channel_id = o.channel_id "
	"LEFT JOIN usom.customer AS u ON u.org_id = $1 AND u.customer_id = o.customer_id "
	"LEFT JOIN usom.address AS a ON a.org_id = $1 AND a.address_id = o.address_id) "
	"SELECT q.quota_id, q.code, q.meaning = 'protection', q.takes_rest, q.quantity, t.starts_at, coalesce(l.used, 0), "
	"ARRAY(SELECT b.quota_id FROM unnest(q.borrows_from) WITH ORDINALITY AS n (code, place) "
	"JOIN usom.quota AS b ON b.org_id = $1 AND b.code = n.code ORDER BY n.place), "
	"ARRAY(SELECT d.ordinal FROM demand AS d WHERE t.in_force AND (q.sku IS NULL OR q.sku = d.sku) "
	"AND (q.category IS NULL OR q.category = d.category)), "
	"ARRAY(SELECT d.ordinal FROM demand AS d WHERE t.in_force AND (q.sku IS NULL OR q.sku = d.sku) "
	"AND (q.category IS NULL OR q.category = d.category) "
	"AND (q.channel IS NULL OR q.channel = d.channel) AND (q.customer IS NULL OR q.customer = d.customer) "
	"AND (q.segment IS NULL OR q.segment = d.segment) AND (q.country IS NULL OR q.country = d.country)) "
	"FROM usom.quota AS q "
	"CROSS JOIN LATERAL (SELECT CASE WHEN q.every IS NULL THEN q.valid_from "
	"ELSE date_trunc(q.every, $4 AT TIME ZONE q.time_zone) AT TIME ZONE q.time_zone END AS starts_at, "
	"q.active AND q.valid_from <= $4 AND (q.valid_to IS NULL OR q.valid_to > $4) "
	"AND (q.release_at IS NULL OR q.release_at > $4) AS in_force) AS t "
	"LEFT JOIN usom.quota_load AS l ON l.org_id = $1 AND l.quota_id = q.quota_id AND l.starts_at = t.starts_at "
	"WHERE q.org_id = $1 AND q.quota_id = ANY ($2) ORDER BY q.quota_id",
	.nargs = 4,
	.argtypes = {"bigint", "bigint[]", "usom._quota_demand[]", "timestamptz"},
};

/* ---- pre-order offers ---- */

static UsomQuery lock_offers = {
	.text = "SELECT f.pre_order_offer_id FROM usom.pre_order_offer AS f WHERE f.org_id = $1 AND (f.pre_order_offer_id = ANY ($3) "
	"OR f.ended_at IS NULL AND f.sku IN (SELECT p.sku FROM usom.product AS p WHERE p.org_id = $1 "
	"AND p.product_id = ANY ($2))) ORDER BY f.pre_order_offer_id FOR NO KEY UPDATE",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "bigint[]"},
};

/* What is still to be given to its lines matters from the release on. */
static UsomQuery read_offers = {
	.text = "SELECT f.pre_order_offer_id, f.sku, f.created_at, CASE WHEN f.release_at > $4 THEN f.release_at END, "
	"f.when_full = 'refuse', f.quantity - coalesce(l.used, 0), "
	"CASE WHEN f.release_at <= $4 THEN (SELECT sum(w.quantity) FROM usom.quota_use AS u JOIN usom.fulfillment_line AS w "
	"ON w.org_id = $1 AND w.sales_order_id = u.sales_order_id AND w.line_no = u.line_no "
	"WHERE u.org_id = $1 AND u.lender_id = f.pre_order_offer_id AND w.status = 'backordered') END, "
	"ARRAY(SELECT d.ordinal FROM unnest($3) AS d JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = d.product_id "
	"WHERE p.sku = f.sku), "
	"ARRAY(SELECT d.ordinal FROM unnest($3) AS d JOIN usom.quota_use AS u ON u.org_id = $1 "
	"AND u.sales_order_id = d.sales_order_id AND u.line_no = d.line_no AND u.quota_id = f.pre_order_offer_id) "
	"FROM usom.pre_order_offer AS f "
	"LEFT JOIN usom.quota_load AS l ON l.org_id = $1 AND l.quota_id = f.pre_order_offer_id AND l.starts_at = f.created_at "
	"WHERE f.org_id = $1 AND f.pre_order_offer_id = ANY ($2) AND f.ended_at IS NULL AND f.opens_at <= $4 "
	"ORDER BY f.pre_order_offer_id",
	.nargs = 4,
	.argtypes = {"bigint", "bigint[]", "usom._quota_demand[]", "timestamptz"},
};

static UsomQuery find_offers = {
	.text = "SELECT f.pre_order_offer_id FROM usom.pre_order_offer AS f WHERE f.org_id = $1 AND f.ended_at IS NULL",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static UsomQuery find_quotas = {
	.text = "SELECT q.quota_id FROM usom.quota AS q WHERE q.org_id = $1 ORDER BY q.quota_id",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static Datum
demand_rows(const UsomQuotaDemand *demands, int ndemands)
{
	UsomRows   *rows = usom_rows_make("_quota_demand", ndemands);

	for (int i = 0; i < ndemands; i++)
	{
		bool		nulls[4] = {false};
		Datum		values[4] = {
			Int32GetDatum(i), Int64GetDatum(demands[i].sales_order_id), Int32GetDatum(demands[i].line_no),
			Int64GetDatum(demands[i].product_id)
		};

		usom_rows_add(rows, values, nulls);
	}
	return usom_rows_datum(rows);
}

static bool *
read_marks(uint64 row, int column, int ndemands)
{
	bool	   *marks = palloc0_array(bool, ndemands + 1);
	Datum	   *ordinals;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(usom_query_get(row, column)), INT4OID, sizeof(int32), true, TYPALIGN_INT,
					  &ordinals, NULL, &n);
	for (int i = 0; i < n; i++)
		marks[DatumGetInt32(ordinals[i])] = true;
	return marks;
}

static int
find_quota(const UsomQuotas *quotas, int64 quota_id)
{
	for (int i = 0; i < quotas->count; i++)
		if (quotas->quotas[i].quota_id == quota_id)
			return i;
	return -1;
}

static void
take_quota(UsomQuota *quota, uint64 row, int ndemands)
{
	quota->quota_id = DatumGetInt64(usom_query_get(row, 1));
	quota->code = usom_query_get_text(row, 2);
	quota->protects = DatumGetBool(usom_query_get(row, 3));
	quota->takes_rest = DatumGetBool(usom_query_get(row, 4));
	quota->quantity = usom_quantity_of(DatumGetNumeric(usom_query_get(row, 5)));
	quota->starts_at = DatumGetTimestampTz(usom_query_get(row, 6));
	quota->left = Max(quota->quantity - usom_quantity_of(DatumGetNumeric(usom_query_get(row, 7))), 0);
	quota->covers = read_marks(row, 9, ndemands);
	quota->member = read_marks(row, 10, ndemands);
}

/* Lenders that were not locked are of other products: they have nothing to lend here. */
static void
take_lenders(UsomQuotas *quotas, uint64 row)
{
	UsomQuota  *quota = &quotas->quotas[row];
	Datum	   *ids;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(usom_query_get(row, 8)), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &ids, NULL, &n);
	quota->lenders = palloc_array(int, n + 1);
	for (int i = 0; i < n; i++)
	{
		int			lender = find_quota(quotas, DatumGetInt64(ids[i]));

		if (lender >= 0 && lender != (int) row)
			quota->lenders[quota->nlenders++] = lender;
	}
}

static void
read_left(UsomQuotas *quotas, TimestampTz at, const UsomQuotaDemand *demands, int ndemands, Datum ids)
{
	Datum		values[] = {
		Int64GetDatum(quotas->org_id), ids, demand_rows(demands, ndemands), TimestampTzGetDatum(at)
	};

	quotas->count = (int) usom_query_run(&read_quotas, values, NULL);
	quotas->quotas = palloc0_array(UsomQuota, quotas->count + 1);
	for (int i = 0; i < quotas->count; i++)
		take_quota(&quotas->quotas[i], i, ndemands);
	for (int i = 0; i < quotas->count; i++)
		take_lenders(quotas, i);
}

/* Before the release nobody gets any; then its lines come first. */
static void
take_offer(UsomQuota *offer, uint64 row, int ndemands)
{
	bool		is_due;
	bool		no_limit;
	bool		none_waits;
	Datum		release_at = usom_query_get_or_null(row, 4, &is_due);
	Datum		left = usom_query_get_or_null(row, 6, &no_limit);
	Datum		waiting = usom_query_get_or_null(row, 7, &none_waits);

	offer->quota_id = DatumGetInt64(usom_query_get(row, 1));
	offer->code = usom_query_get_text(row, 2);
	offer->starts_at = DatumGetTimestampTz(usom_query_get(row, 3));
	offer->is_offer = offer->takes_rest = true;
	offer->protects = is_due;
	offer->release_at = is_due ? 0 : DatumGetTimestampTz(release_at);
	offer->refuses = DatumGetBool(usom_query_get(row, 5));
	offer->offered = no_limit ? PG_INT64_MAX : usom_quantity_of(DatumGetNumeric(left));
	offer->left = none_waits ? 0 : usom_quantity_of(DatumGetNumeric(waiting));
	offer->covers = read_marks(row, 8, ndemands);
	offer->member = is_due ? read_marks(row, 9, ndemands) : offer->covers;
}

static void
add_offers(UsomQuotas *quotas, TimestampTz at, const UsomQuotaDemand *demands, int ndemands, Datum ids)
{
	Datum		values[] = {
		Int64GetDatum(quotas->org_id), ids, demand_rows(demands, ndemands), TimestampTzGetDatum(at)
	};
	int			n = (int) usom_query_run(&read_offers, values, NULL);
	UsomQuota  *all = palloc0_array(UsomQuota, quotas->count + n + 1);

	if (quotas->count > 0)
		memcpy(all, quotas->quotas, quotas->count * sizeof(UsomQuota));
	quotas->quotas = all;
	for (int i = 0; i < n; i++)
		take_offer(&all[quotas->count++], i, ndemands);
}

/* What was bought or made for an order is not for quotas to share out; it is gone from the pool, though. */
static void
leave_alone(UsomQuotas *quotas, const UsomQuotaDemand *demands, int ndemands)
{
	for (int i = 0; i < ndemands; i++)
		for (int k = 0; demands[i].is_free && k < quotas->count; k++)
			if (!quotas->quotas[k].is_offer)
				quotas->quotas[k].covers[i] = quotas->quotas[k].member[i] = false;
}

/* Rows stand by product. */
static void
fill_pools(UsomQuotas *quotas, const UsomStockRow *rows, int nrows)
{
	quotas->pools = palloc_array(UsomQuotaPool, nrows + 1);
	for (int i = 0; i < nrows; i++)
	{
		if (quotas->npools == 0 || quotas->pools[quotas->npools - 1].product_id != rows[i].key.product_id)
			quotas->pools[quotas->npools++] = (UsomQuotaPool) {rows[i].key.product_id, 0};
		quotas->pools[quotas->npools - 1].available =
			usom_quantity_add(quotas->pools[quotas->npools - 1].available, rows[i].available);
	}
}

/* What the query found, as keys. */
static int64 *
found_keys(uint64 n)
{
	int64	   *keys = palloc_array(int64, n + 1);

	for (uint64 i = 0; i < n; i++)
		keys[i] = DatumGetInt64(usom_query_get(i, 1));
	return keys;
}

static uint64
lock_rows(UsomQuery *query, const UsomQuotas *quotas, const UsomQuotaDemand *demands, int ndemands)
{
	int64	   *products = palloc_array(int64, ndemands + 1);
	int64	   *lenders = palloc_array(int64, quotas->nreturned + 1);
	Datum		values[3];

	for (int i = 0; i < ndemands; i++)
		products[i] = demands[i].product_id;
	for (int i = 0; i < quotas->nreturned; i++)
		lenders[i] = quotas->returned[i].lender_id;
	values[0] = Int64GetDatum(quotas->org_id);
	values[1] = usom_query_keys(products, ndemands);
	values[2] = usom_query_keys(lenders, quotas->nreturned);
	return usom_query_run(query, values, NULL);
}

/* Units given back to the present period are left again. */
static void
take_back(UsomQuotas *quotas)
{
	for (int i = 0; i < quotas->nreturned; i++)
	{
		int			index = find_quota(quotas, quotas->returned[i].lender_id);

		if (index >= 0 && quotas->quotas[index].starts_at == quotas->returned[i].starts_at)
			quotas->quotas[index].left -= quotas->returned[i].units;
	}
}

UsomQuotas *
usom_quota_lock(int64 org_id, TimestampTz at, const UsomQuotaDemand *demands, int ndemands,
				const UsomQuotaLoss *losses, int nlosses, const UsomStockRow *rows, int nrows)
{
	UsomQuotas *quotas = palloc0_object(UsomQuotas);
	uint64		nquotas;
	uint64		noffers;
	int64	   *quota_ids;
	int64	   *offer_ids;

	quotas->org_id = org_id;
	if (nlosses > 0)
		read_returned(quotas, losses, nlosses);
	nquotas = lock_rows(&lock_quotas, quotas, demands, ndemands);
	quota_ids = found_keys(nquotas);
	noffers = lock_rows(&lock_offers, quotas, demands, ndemands);
	offer_ids = found_keys(noffers);
	if (nquotas + noffers == 0)
		return NULL;
	if (nquotas > 0)
		read_left(quotas, at, demands, ndemands, usom_query_keys(quota_ids, (int) nquotas));
	if (noffers > 0 && ndemands > 0)
		add_offers(quotas, at, demands, ndemands, usom_query_keys(offer_ids, (int) noffers));
	leave_alone(quotas, demands, ndemands);
	fill_pools(quotas, rows, nrows);
	take_back(quotas);
	return quotas;
}

UsomQuotas *
usom_quota_look(int64 org_id, TimestampTz at, const UsomQuotaDemand *demands, int ndemands,
				const UsomStockRow *rows, int nrows)
{
	UsomQuotas *quotas = palloc0_object(UsomQuotas);
	Datum		values[] = {Int64GetDatum(org_id)};
	uint64		n = usom_query_run(&find_quotas, values, NULL);

	quotas->org_id = org_id;
	read_left(quotas, at, demands, ndemands, usom_query_keys(found_keys(n), (int) n));
	n = usom_query_run(&find_offers, values, NULL);
	add_offers(quotas, at, demands, ndemands, usom_query_keys(found_keys(n), (int) n));
	leave_alone(quotas, demands, ndemands);
	fill_pools(quotas, rows, nrows);
	return quotas;
}

/* ---- writing ---- */

/* Uses and loads follow the same changes; rows that come to nothing go. */
static UsomQuery write_changes = {
	.text = "WITH changed AS MATERIALIZED ("
	"SELECT r.sales_order_id, r.line_no, r.quota_id, r.lender_id, r.starts_at, sum(r.units) AS units FROM unnest($2) AS r "
	"GROUP BY r.sales_order_id, r.line_no, r.quota_id, r.lender_id, r.starts_at"
	"), moved AS MATERIALIZED ("
	"SELECT c.lender_id AS quota_id, c.starts_at, sum(c.units) AS units FROM changed AS c GROUP BY c.lender_id, c.starts_at"
	"), used AS ("
	"INSERT INTO usom.quota_use AS u (org_id, sales_order_id, line_no, quota_id, lender_id, starts_at, units) "
	"SELECT $1, c.sales_order_id, c.line_no, c.quota_id, c.lender_id, c.starts_at, c.units + coalesce(b.units, 0) "
	"FROM changed AS c LEFT JOIN usom.quota_use AS b ON b.org_id = $1 AND b.sales_order_id = c.sales_order_id "
	"AND b.line_no = c.line_no AND b.quota_id = c.quota_id AND b.lender_id = c.lender_id AND b.starts_at = c.starts_at "
	"WHERE c.units <> 0 AND c.units + coalesce(b.units, 0) > 0 "
	"ON CONFLICT (org_id, sales_order_id, line_no, quota_id, lender_id, starts_at) DO UPDATE SET units = excluded.units"
	"), ended AS ("
	"DELETE FROM usom.quota_use AS u USING changed AS c WHERE u.org_id = $1 AND u.sales_order_id = c.sales_order_id "
	"AND u.line_no = c.line_no AND u.quota_id = c.quota_id AND u.lender_id = c.lender_id AND u.starts_at = c.starts_at "
	"AND u.units + c.units <= 0"
	") INSERT INTO usom.quota_load AS l (org_id, quota_id, starts_at, used) "
	"SELECT $1, m.quota_id, m.starts_at, m.units + coalesce(b.used, 0) FROM moved AS m "
	"LEFT JOIN usom.quota_load AS b ON b.org_id = $1 AND b.quota_id = m.quota_id AND b.starts_at = m.starts_at "
	"WHERE m.units <> 0 ORDER BY m.quota_id, m.starts_at "
	"ON CONFLICT (org_id, quota_id, starts_at) DO UPDATE SET used = excluded.used",
	.nargs = 2,
	.argtypes = {"bigint", "usom._quota_change[]"},
};

static void
add_use(UsomRows *rows, const UsomQuotaUse *use)
{
	bool		nulls[6] = {false};
	Datum		values[6] = {
		Int64GetDatum(use->sales_order_id), Int32GetDatum(use->line_no), Int64GetDatum(use->quota_id),
		Int64GetDatum(use->lender_id), TimestampTzGetDatum(use->starts_at), NumericGetDatum(usom_quantity_numeric(use->units)),
	};

	if (use->units != 0)
		usom_rows_add(rows, values, nulls);
}

void
usom_quota_write(UsomQuotas *quotas)
{
	UsomRows   *rows;
	Datum		values[2];

	if (quotas == NULL || quotas->nuses + quotas->nreturned == 0)
		return;
	rows = usom_rows_make("_quota_change", quotas->nuses + quotas->nreturned);
	for (int i = 0; i < quotas->nreturned; i++)
		add_use(rows, &quotas->returned[i]);
	for (int i = 0; i < quotas->nuses; i++)
		add_use(rows, &quotas->uses[i]);
	if (usom_rows_count(rows) == 0)
		return;
	values[0] = Int64GetDatum(quotas->org_id);
	values[1] = usom_rows_datum(rows);
	usom_query_write(&write_changes, values, NULL);
}
