/*
 * supply.c
 *		Rows of usom.supply: lock, peg, record.
 *
 * Whether an organisation has ever had supply is remembered (base/memo.h), so
 * whoever has none pays nothing for it.
 *
 * Locks: rows of usom.supply by key, after those of stock.  A locking SELECT
 * that waited gives the values of the new version of the row; it looks at
 * nothing else.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "stock/supply.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/memo.h"
#include "base/query.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static uint64 uses;

bool
usom_supply_is_any(int64 org_id)
{
	return (usom_memo_uses(org_id) & uses) != 0;
}

#define SELECT_SUPPLY "SELECT s.supply_id, s.product_id, s.location_id, s.expected_at, s.quantity - s.received - s.pegged, " \
	"coalesce(s.sales_order_id, 0), coalesce(s.line_no, 0) FROM usom.supply AS s " \
	"WHERE s.org_id = $1 AND "

static UsomQuery lock_products = {
	.text = SELECT_SUPPLY "((s.product_id = ANY ($2) AND s.status = 'expected') OR s.supply_id = ANY ($3)) "
	"ORDER BY s.supply_id FOR NO KEY UPDATE",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "bigint[]"},
};

static UsomQuery look_at_products = {
	.text = SELECT_SUPPLY "s.product_id = ANY ($2) AND s.status = 'expected'",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

static int
compare_supplies(const void *a, const void *b)
{
	const UsomSupply *left = a;
	const UsomSupply *right = b;

	if (left->product_id != right->product_id)
		return left->product_id < right->product_id ? -1 : 1;
	if (left->expected_at != right->expected_at)
		return left->expected_at < right->expected_at ? -1 : 1;
	return left->supply_id < right->supply_id ? -1 : left->supply_id > right->supply_id;
}

static UsomSupply *
read_supplies(int nsupplies)
{
	UsomSupply *supplies = palloc_array(UsomSupply, Max(nsupplies, 1));

	for (int i = 0; i < nsupplies; i++)
		supplies[i] = (UsomSupply) {
			.supply_id = DatumGetInt64(usom_query_get(i, 1)),
			.product_id = DatumGetInt64(usom_query_get(i, 2)),
			.location_id = DatumGetInt64(usom_query_get(i, 3)),
			.expected_at = DatumGetTimestampTz(usom_query_get(i, 4)),
			.free = usom_quantity_of(DatumGetNumeric(usom_query_get(i, 5))),
			.sales_order_id = DatumGetInt64(usom_query_get(i, 6)),
			.line_no = DatumGetInt32(usom_query_get(i, 7)),
		};
	qsort(supplies, nsupplies, sizeof(UsomSupply), compare_supplies);
	return supplies;
}

UsomSupply *
usom_supply_lock_products(int64 org_id, const int64 *products, int nproducts, const int64 *others, int nothers,
						  int *nsupplies)
{
	Datum		values[] = {Int64GetDatum(org_id), usom_query_keys(products, nproducts), usom_query_keys(others, nothers)};

	*nsupplies = (int) usom_query_run(&lock_products, values, NULL);
	return read_supplies(*nsupplies);
}

UsomSupply *
usom_supply_look_at_products(int64 org_id, const int64 *products, int nproducts, int *nsupplies)
{
	Datum		values[] = {Int64GetDatum(org_id), usom_query_keys(products, nproducts)};

	*nsupplies = (int) usom_query_look(&look_at_products, values, NULL);
	return read_supplies(*nsupplies);
}

static UsomQuery lock_keys = {
	.text = "SELECT s.supply_id FROM usom.supply AS s WHERE s.org_id = $1 AND s.supply_id = ANY ($2) "
	"ORDER BY s.supply_id FOR NO KEY UPDATE",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

void
usom_supply_lock_keys(int64 org_id, const int64 *keys, int nkeys)
{
	Datum		values[] = {Int64GetDatum(org_id), usom_query_keys(keys, nkeys)};

	usom_query_run(&lock_keys, values, NULL);
}

static int
compare_deltas(const void *a, const void *b)
{
	int64		left = ((const UsomPegDelta *) a)->supply_id;
	int64		right = ((const UsomPegDelta *) b)->supply_id;

	return left < right ? -1 : left > right;
}

static UsomPegDelta *
merge_deltas(const UsomPegDelta *deltas, int ndeltas, int *nmerged)
{
	UsomPegDelta *merged = palloc_array(UsomPegDelta, ndeltas);
	int			count = 0;

	memcpy(merged, deltas, sizeof(UsomPegDelta) * ndeltas);
	qsort(merged, ndeltas, sizeof(UsomPegDelta), compare_deltas);
	for (int i = 0; i < ndeltas;)
	{
		UsomPegDelta sum = merged[i++];

		for (; i < ndeltas && merged[i].supply_id == sum.supply_id; i++)
			sum.pegged = usom_quantity_add(sum.pegged, merged[i].pegged);
		if (sum.pegged != 0)
			merged[count++] = sum;
	}
	*nmerged = count;
	return merged;
}

static UsomQuery apply_deltas = {
	.text = "UPDATE usom.supply AS s SET pegged = s.pegged + d.pegged FROM unnest($2) AS d "
	"WHERE s.org_id = $1 AND s.supply_id = d.supply_id",
	.nargs = 2,
	.argtypes = {"bigint", "usom._supply_delta[]"},
};

static void
write_deltas(int64 org_id, const UsomPegDelta *deltas, int ndeltas)
{
	UsomRows   *rows = usom_rows_make("_supply_delta", ndeltas);
	Datum		values[2] = {Int64GetDatum(org_id)};
	uint64		changed;

	for (int i = 0; i < ndeltas; i++)
	{
		bool		nulls[2] = {false};
		Datum		delta[2] = {
			Int64GetDatum(deltas[i].supply_id),
			NumericGetDatum(usom_quantity_numeric(deltas[i].pegged)),
		};

		usom_rows_add(rows, delta, nulls);
	}
	values[1] = usom_rows_datum(rows);
	changed = usom_query_write(&apply_deltas, values, NULL);
	Ensure(changed == (uint64) ndeltas, "usom changed " UINT64_FORMAT " of %d supply rows", changed, ndeltas);
}

void
usom_supply_apply(int64 org_id, const UsomPegDelta *deltas, int ndeltas)
{
	int			nmerged;
	UsomPegDelta *merged;

	if (likely(ndeltas == 0))
		return;
	merged = merge_deltas(deltas, ndeltas, &nmerged);
	if (nmerged > 1)
	{
		int64	   *keys = palloc_array(int64, nmerged);

		for (int i = 0; i < nmerged; i++)
			keys[i] = merged[i].supply_id;
		usom_supply_lock_keys(org_id, keys, nmerged);
	}
	if (nmerged > 0)
		write_deltas(org_id, merged, nmerged);
}

static UsomQuery make_place = {
	.text = "INSERT INTO usom.stock (org_id, product_id, location_id) VALUES ($1, $2, $3) "
	"ON CONFLICT (org_id, product_id, location_id, lot) DO NOTHING",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "bigint"},
};

static UsomQuery insert_supply = {
	.text = "INSERT INTO usom.supply (org_id, supply_id, supply_no, kind, product_id, location_id, quantity, expected_at, "
	"confidence, reference, sales_order_id, line_no) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) "
	"ON CONFLICT ON CONSTRAINT supply_no_unique DO NOTHING",
	.nargs = 12,
	.argtypes = {"bigint", "bigint", "text", "text", "bigint", "bigint", "numeric", "timestamptz", "numeric", "text",
	"bigint", "integer"},
};

void
usom_supply_insert(int64 org_id, const UsomNewSupply *supply)
{
	Datum		place[] = {Int64GetDatum(org_id), Int64GetDatum(supply->product_id), Int64GetDatum(supply->location_id)};
	bool		nulls[12] = {false};
	Datum		values[12] = {
		Int64GetDatum(org_id),
		Int64GetDatum(supply->supply_id),
		CStringGetTextDatum(supply->supply_no),
		CStringGetTextDatum(supply->kind),
		Int64GetDatum(supply->product_id),
		Int64GetDatum(supply->location_id),
		NumericGetDatum(usom_quantity_stored(supply->quantity)),
		TimestampTzGetDatum(supply->expected_at),
		NumericGetDatum(supply->confidence),
		supply->reference ? CStringGetTextDatum(supply->reference) : (Datum) 0,
		Int64GetDatum(supply->sales_order_id),
		Int32GetDatum(supply->line_no),
	};

	nulls[9] = supply->reference == NULL;
	nulls[10] = nulls[11] = supply->sales_order_id == 0;
	usom_query_write(&make_place, place, NULL);
	if (usom_query_write(&insert_supply, values, nulls) == 0)
		ereport(ERROR, errcode(USOM_ERR(SUPPLY_TAKEN)),
				errmsg("there is a supply \"%s\" already", supply->supply_no),
				errdetail("The number of a supply is given once in an organisation."),
				errhint("Give another supply_no, or change this one with usom.change_supply()."));
}

void
usom_supply_init(void)
{
	uses = usom_memo_use_of("supply");
}
