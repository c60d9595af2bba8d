/*
 * capacity.c
 *		Take capacity of a location's day, and give it back.
 *
 * Locks: rows of usom.location_load by (location, day), by the ORDER BY of the
 * SELECT that feeds the INSERT; the row of usom.capacity_use only under the
 * lock of its order, which the caller holds.
 *
 * Exactness.  The statement reads what the order has taken so far
 * (capacity_use) with its snapshot: nobody else writes rows of an order that
 * the caller has locked.  What the day has taken (location_load) is read by ON
 * CONFLICT DO UPDATE, which waits for whoever holds the row and then looks at
 * its newest version, so the limit is compared with what is really there.  The
 * limits themselves are those of the moment the statement began.  At
 * REPEATABLE READ a row that has changed meanwhile is 40001.
 *
 * Memory: arrays in CurrentMemoryContext.
 */
#include "postgres.h"

#include "stock/capacity.h"

#include "base/query.h"

/* ---- reading ---- */

static UsomQuery find_counted = {
	.text = "SELECT DISTINCT c.location_id FROM usom.location_capacity AS c "
	"WHERE c.org_id = $1 AND c.location_id = ANY ($2) ORDER BY c.location_id",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

int64 *
usom_capacity_counted(int64 org_id, const int64 *locations, int nlocations, int *ncounted)
{
	Datum		values[] = {Int64GetDatum(org_id), usom_query_keys(locations, nlocations)};
	int64	   *counted;

	*ncounted = (int) usom_query_run(&find_counted, values, NULL);
	counted = palloc_array(int64, Max(*ncounted, 1));
	for (int i = 0; i < *ncounted; i++)
		counted[i] = DatumGetInt64(usom_query_get(i, 1));
	return counted;
}

static Datum
day_rows(const UsomLocationDay *days, int ndays)
{
	UsomRows   *rows = usom_rows_make("_location_day", ndays);

	for (int i = 0; i < ndays; i++)
	{
		Datum		values[2] = {Int64GetDatum(days[i].location_id), DateADTGetDatum(days[i].day)};
		bool		nulls[2] = {false};

		usom_rows_add(rows, values, nulls);
	}
	return usom_rows_datum(rows);
}

static UsomQuery look_at_days = {
	.text = "SELECT (c.units - coalesce(l.units, 0))::pg_catalog.numeric, c.orders::bigint - coalesce(l.orders, 0) "
	"FROM unnest($2) WITH ORDINALITY AS d (location_id, on_date, ordinal) "
	"LEFT JOIN usom.location_load AS l ON l.org_id = $1 AND l.location_id = d.location_id AND l.on_date = d.on_date "
	"LEFT JOIN LATERAL (SELECT c.units, c.orders FROM usom.location_capacity AS c "
	"WHERE c.org_id = $1 AND c.location_id = d.location_id AND (c.on_date = d.on_date OR c.on_date IS NULL) "
	"ORDER BY c.on_date LIMIT 1) AS c ON true "
	"ORDER BY d.ordinal",
	.nargs = 2,
	.argtypes = {"bigint", "usom._location_day[]"},
};

UsomFreeCapacity *
usom_capacity_look(int64 org_id, const UsomLocationDay *days, int ndays)
{
	Datum		values[] = {Int64GetDatum(org_id), day_rows(days, ndays)};
	UsomFreeCapacity *free_capacity = palloc_array(UsomFreeCapacity, Max(ndays, 1));

	usom_query_run(&look_at_days, values, NULL);
	for (int i = 0; i < ndays; i++)
	{
		bool		many_units;
		bool		many_orders;
		Datum		units = usom_query_get_or_null(i, 1, &many_units);
		Datum		orders = usom_query_get_or_null(i, 2, &many_orders);

		free_capacity[i].units = many_units ? USOM_NO_LIMIT : usom_quantity_of(DatumGetNumeric(units));
		free_capacity[i].orders = many_orders ? USOM_NO_LIMIT : DatumGetInt64(orders);
	}
	return free_capacity;
}

/*
 * What is there already is locked by DO UPDATE, and not written because its
 * condition is false; so both kinds of row are locked in the order of the days.
 */
static UsomQuery lock_days = {
	.text = "INSERT INTO usom.location_load AS l (org_id, location_id, on_date) "
	"SELECT DISTINCT $1, d.location_id, d.on_date FROM unnest($2) AS d ORDER BY d.location_id, d.on_date "
	"ON CONFLICT (org_id, location_id, on_date) DO UPDATE SET units = l.units WHERE false",
	.nargs = 2,
	.argtypes = {"bigint", "usom._location_day[]"},
};

void
usom_capacity_lock(int64 org_id, const UsomLocationDay *days, int ndays)
{
	Datum		values[] = {Int64GetDatum(org_id), day_rows(days, ndays)};

	usom_query_write(&lock_days, values, NULL);
}

static UsomQuery lock_all = {
	.text = "SELECT true FROM usom.location_load AS l WHERE l.org_id = $1 AND l.on_date >= current_date - 31 "
	"ORDER BY l.location_id, l.on_date FOR NO KEY UPDATE",
	.nargs = 1,
	.argtypes = {"bigint"},
};

void
usom_capacity_lock_all(int64 org_id)
{
	Datum		values[] = {Int64GetDatum(org_id)};

	usom_query_run(&lock_all, values, NULL);
}

/* ---- taking and giving back ---- */

static int
compare_changes(const void *a, const void *b)
{
	const UsomCapacityChange *left = a;
	const UsomCapacityChange *right = b;

	if (left->at.location_id != right->at.location_id)
		return left->at.location_id < right->at.location_id ? -1 : 1;
	if (left->at.day != right->at.day)
		return left->at.day < right->at.day ? -1 : 1;
	if (left->sales_order_id != right->sales_order_id)
		return left->sales_order_id < right->sales_order_id ? -1 : 1;
	return 0;
}

/* Sorted, one of each order and day, without those that change nothing. */
static UsomCapacityChange *
merge(const UsomCapacityChange *changes, int nchanges, int *nmerged)
{
	UsomCapacityChange *merged = palloc_array(UsomCapacityChange, Max(nchanges, 1));
	int			count = 0;

	if (nchanges > 0)
		memcpy(merged, changes, nchanges * sizeof(UsomCapacityChange));
	qsort(merged, nchanges, sizeof(UsomCapacityChange), compare_changes);
	for (int i = 0; i < nchanges;)
	{
		UsomCapacityChange sum = merged[i++];

		for (; i < nchanges && compare_changes(&merged[i], &sum) == 0; i++)
			sum.units = usom_quantity_add(sum.units, merged[i].units);
		if (sum.units != 0)
			merged[count++] = sum;
	}
	*nmerged = count;
	return merged;
}

static Datum
change_rows(const UsomCapacityChange *changes, int nchanges)
{
	UsomRows   *rows = usom_rows_make("_capacity_change", nchanges);

	for (int i = 0; i < nchanges; i++)
	{
		Datum		values[4] = {
			Int64GetDatum(changes[i].at.location_id),
			DateADTGetDatum(changes[i].at.day),
			Int64GetDatum(changes[i].sales_order_id),
			NumericGetDatum(usom_quantity_numeric(changes[i].units)),
		};
		bool		nulls[4] = {false};

		usom_rows_add(rows, values, nulls);
	}
	return usom_rows_datum(rows);
}

/*
 * changed: what each order will have of each day, where it has or gets any.
 * moved: what that makes of the day.  kept: the days that had room, or are rid
 * of something; a new row is inserted within the limit, an old one changed
 * within it.  The rest follows the days that were kept.
 */
static UsomQuery change_capacity = {
	.text = "WITH changed AS MATERIALIZED ("
	"SELECT w.location_id, w.on_date, w.sales_order_id, greatest(coalesce(u.units, 0) + w.units, 0) AS units, "
	"greatest(w.units, - coalesce(u.units, 0)) AS more_units, "
	"(coalesce(u.units, 0) + w.units > 0)::int - (u.units IS NOT NULL)::int AS more_orders "
	"FROM unnest($2) AS w LEFT JOIN usom.capacity_use AS u "
	"ON u.org_id = $1 AND u.sales_order_id = w.sales_order_id AND u.location_id = w.location_id AND u.on_date = w.on_date "
	"WHERE u.units IS NOT NULL OR w.units > 0"
	"), moved AS MATERIALIZED ("
	"SELECT m.*, c.units AS most_units, c.orders AS most_orders FROM ("
	"SELECT location_id, on_date, sum(more_units) AS more_units, sum(more_orders)::int AS more_orders "
	"FROM changed GROUP BY location_id, on_date) AS m "
	"LEFT JOIN LATERAL (SELECT c.units, c.orders FROM usom.location_capacity AS c "
	"WHERE c.org_id = $1 AND c.location_id = m.location_id AND (c.on_date = m.on_date OR c.on_date IS NULL) "
	"ORDER BY c.on_date LIMIT 1) AS c ON true"
	"), kept AS ("
	"INSERT INTO usom.location_load AS l (org_id, location_id, on_date, units, orders) "
	"SELECT $1, m.location_id, m.on_date, greatest(m.more_units, 0), greatest(m.more_orders, 0) FROM moved AS m "
	"WHERE (m.more_units <= 0 OR m.most_units IS NULL OR m.more_units <= m.most_units) "
	"AND (m.more_orders <= 0 OR m.most_orders IS NULL OR m.more_orders <= m.most_orders) "
	"ORDER BY m.location_id, m.on_date "
	"ON CONFLICT (org_id, location_id, on_date) DO UPDATE SET (units, orders) = ("
	"SELECT l.units + m.more_units, l.orders + m.more_orders FROM moved AS m "
	"WHERE m.location_id = l.location_id AND m.on_date = l.on_date) "
	"WHERE EXISTS (SELECT FROM moved AS m WHERE m.location_id = l.location_id AND m.on_date = l.on_date "
	"AND (m.more_units <= 0 OR m.most_units IS NULL OR l.units + m.more_units <= m.most_units) "
	"AND (m.more_orders <= 0 OR m.most_orders IS NULL OR l.orders + m.more_orders <= m.most_orders)) "
	"RETURNING l.location_id, l.on_date"
	"), used AS ("
	"INSERT INTO usom.capacity_use AS u (org_id, location_id, on_date, sales_order_id, units) "
	"SELECT $1, c.location_id, c.on_date, c.sales_order_id, c.units "
	"FROM changed AS c JOIN kept AS k ON k.location_id = c.location_id AND k.on_date = c.on_date WHERE c.units > 0 "
	"ON CONFLICT (org_id, sales_order_id, location_id, on_date) DO UPDATE SET units = excluded.units"
	"), ended AS ("
	"DELETE FROM usom.capacity_use AS u USING changed AS c, kept AS k "
	"WHERE k.location_id = c.location_id AND k.on_date = c.on_date AND c.units = 0 AND u.org_id = $1 "
	"AND u.sales_order_id = c.sales_order_id AND u.location_id = c.location_id AND u.on_date = c.on_date"
	") SELECT m.location_id, m.on_date FROM moved AS m "
	"WHERE NOT EXISTS (SELECT FROM kept AS k WHERE k.location_id = m.location_id AND k.on_date = m.on_date) "
	"ORDER BY m.location_id, m.on_date",
	.nargs = 2,
	.argtypes = {"bigint", "usom._capacity_change[]"},
};

UsomLocationDay *
usom_capacity_change(int64 org_id, const UsomCapacityChange *changes, int nchanges, int *nrefused)
{
	int			nmerged;
	UsomCapacityChange *merged = merge(changes, nchanges, &nmerged);
	UsomLocationDay *refused;
	Datum		values[2];

	*nrefused = 0;
	if (nmerged == 0)
		return NULL;
	values[0] = Int64GetDatum(org_id);
	values[1] = change_rows(merged, nmerged);
	*nrefused = (int) usom_query_write(&change_capacity, values, NULL);
	refused = palloc_array(UsomLocationDay, Max(*nrefused, 1));
	for (int i = 0; i < *nrefused; i++)
	{
		refused[i].location_id = DatumGetInt64(usom_query_get(i, 1));
		refused[i].day = DatumGetDateADT(usom_query_get(i, 2));
	}
	return refused;
}
