/*
 * kit.c
 *		Kits taken apart.
 *
 * Reads definitions as they are now, without a lock: what an order was given
 * stays with the order.  Circles are refused when they are written; here depth
 * and size are bounded, so that one that two transactions made together at
 * REPEATABLE READ costs an error, not an endless search.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "product/kit.h"

#include "base/errors.h"
#include "base/fetch.h"
#include "base/query.h"
#include "utils/builtins.h"

#define MOST_PARTS 10000		/* of all kits of a call; the statement has it, too */

/* Leaves are what has no components itself: a kit among them is empty, or deeper than twenty. */
static UsomQuery read_components = {
	.text = "WITH RECURSIVE part (kit_id, product_id, quantity, depth) AS ("
	"SELECT c.kit_product_id, c.component_product_id, c.quantity::pg_catalog.numeric, 1 "
	"FROM (SELECT DISTINCT k FROM unnest($2) AS k) AS k "
	"JOIN usom.kit_component AS c ON c.org_id = $1 AND c.kit_product_id = k.k "
	"UNION ALL SELECT p.kit_id, c.component_product_id, p.quantity * c.quantity, p.depth + 1 "
	"FROM part AS p JOIN usom.kit_component AS c ON c.org_id = $1 AND c.kit_product_id = p.product_id WHERE p.depth < 20), "
	"leaf AS (SELECT n.kit_id, n.product_id, sum(n.quantity) AS quantity, max(n.number) AS number, max(n.depth) AS depth "
	"FROM (SELECT p.*, row_number() OVER () AS number FROM part AS p LIMIT 10001) AS n GROUP BY n.kit_id, n.product_id) "
	"SELECT k.product_id, l.product_id, x.kind = 'physical', CASE WHEN l.quantity < 1e12 "
	"AND l.quantity = round(l.quantity, 6) AND l.number <= 10000 THEN round(l.quantity, 6) END, k.sku, "
	"CASE WHEN x.kind = 'kit' OR NOT x.active THEN x.sku END "
	"FROM (SELECT DISTINCT k FROM unnest($2) AS k) AS d "
	"JOIN usom.product AS k ON k.org_id = $1 AND k.product_id = d.k "
	"LEFT JOIN (leaf AS l JOIN usom.product AS x ON x.org_id = $1 AND x.product_id = l.product_id "
	"AND (x.kind <> 'kit' OR l.depth >= 20 OR NOT EXISTS (SELECT 1 FROM usom.kit_component AS e "
	"WHERE e.org_id = $1 AND e.kit_product_id = x.product_id))) ON l.kit_id = k.product_id "
	"ORDER BY k.product_id, l.product_id",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

/* ---- kits of products that are none ---- */

static UsomFetch parts_of_kit = {
	.table = "kit_component", .index = "kit_component_pkey", .order = {"component_product_id"},
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"kit_product_id", "bigint"}},
	.ncolumns = 2, .columns = {{"component_product_id", "bigint"}, {"quantity", "numeric"}},
};

static UsomFetch product_by_key = {
	.table = "product", .index = "product_pkey", .limit = 1,
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"product_id", "bigint"}},
	.ncolumns = 2, .columns = {{"kind", "text"}, {"active", "boolean"}},
};

typedef struct Reading
{
	int64		org_id;
	const int64 *kits;			/* each once, in order */
	int			nkits;
	UsomComponent *components;
	int			count;
} Reading;

/* False if it is a kit, or not active: more has to be known of it. */
static bool
find_kind(int64 org_id, int64 product_id, bool *stocked)
{
	Datum		keys[] = {Int64GetDatum(org_id), Int64GetDatum(product_id)};
	UsomFetched row;
	char	   *kind;

	if (!usom_fetch_rows(&product_by_key, keys, NULL, &row) || row.count == 0 || !DatumGetBool(row.values[1]))
		return false;
	kind = TextDatumGetCString(row.values[0]);
	*stocked = strcmp(kind, "physical") == 0;
	return strcmp(kind, "kit") != 0;
}

static bool
find_parts(Reading *reading, int64 kit_id)
{
	Datum		keys[] = {Int64GetDatum(reading->org_id), Int64GetDatum(kit_id)};
	UsomFetched rows;

	if (!usom_fetch_rows(&parts_of_kit, keys, NULL, &rows) || rows.count == 0 || reading->count + rows.count > MOST_PARTS)
		return false;
	reading->components = repalloc_array(reading->components, UsomComponent, reading->count + rows.count);
	for (uint64 i = 0; i < rows.count; i++)
	{
		UsomComponent *component = &reading->components[reading->count++];

		component->kit_id = kit_id;
		component->product_id = DatumGetInt64(rows.values[2 * i]);
		component->quantity = usom_quantity_of(DatumGetNumeric(rows.values[2 * i + 1]));
		if (!find_kind(reading->org_id, component->product_id, &component->stocked))
			return false;
	}
	return true;
}

static bool
find_all(void *argument)
{
	Reading    *reading = argument;

	for (int i = 0; i < reading->nkits; i++)
		if (!find_parts(reading, reading->kits[i]))
			return false;
	return true;
}

static int
compare_keys(const void *a, const void *b)
{
	int64		one = *(const int64 *) a;
	int64		other = *(const int64 *) b;

	return one < other ? -1 : one > other ? 1 : 0;
}

/* Most kits have one floor.  False if some of these have more, or there is something to refuse. */
static bool
read_plain_kits(Reading *reading, const int64 *kits, int nkits)
{
	int64	   *sorted = palloc_array(int64, Max(nkits, 1));
	int			n = 0;

	memcpy(sorted, kits, nkits * sizeof(int64));
	qsort(sorted, nkits, sizeof(int64), compare_keys);
	for (int i = 0; i < nkits; i++)
		if (n == 0 || sorted[n - 1] != sorted[i])
			sorted[n++] = sorted[i];
	reading->kits = sorted;
	reading->nkits = n;
	reading->components = palloc_array(UsomComponent, 1);
	return usom_fetch_together(find_all, reading);
}

/* ---- kits of whatever ---- */

static void
refuse_empty(const char *kit)
{
	ereport(ERROR, errcode(USOM_ERR(BAD_KIT)),
			errmsg("kit \"%s\" has no components", kit),
			errhint("INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) VALUES "
					"(usom.product_id(%s), usom.product_id('...'), 1);", quote_literal_cstr(kit)));
}

static void
refuse_leaf(const char *kit, const char *component)
{
	ereport(ERROR, errcode(USOM_ERR(BAD_KIT)),
			errmsg("kit \"%s\" cannot be ordered because of its component \"%s\"", kit, component),
			errdetail("The component is not active, or it is a kit that has no components itself."),
			errhint("Look at usom.kits, and change usom.kit_component or set usom.product.active."));
}

static void
refuse_size(const char *kit)
{
	ereport(ERROR, errcode(USOM_ERR(BAD_KIT)),
			errmsg("kit \"%s\" cannot be taken apart", kit),
			errdetail("The kits of a call have at most %d parts, and a kit below 1e12 units of each, with six decimals.",
					  MOST_PARTS),
			errhint("Look at usom.kits, and make it of fewer kits."));
}

static UsomComponent *
read_any_kits(int64 org_id, const int64 *kits, int nkits, int *ncomponents)
{
	Datum		values[2] = {Int64GetDatum(org_id), usom_query_keys(kits, nkits)};
	uint64		n = usom_query_run(&read_components, values, NULL);
	UsomComponent *components = palloc_array(UsomComponent, n + 1);

	for (uint64 row = 0; row < n; row++)
	{
		UsomComponent *component = &components[row];
		const char *kit = usom_query_get_text(row, 5);
		const char *leaf = usom_query_get_text(row, 6);
		bool		isnull;
		Datum		product_id = usom_query_get_or_null(row, 2, &isnull);
		Datum		quantity;

		if (isnull)
			refuse_empty(kit);
		if (leaf != NULL)
			refuse_leaf(kit, leaf);
		quantity = usom_query_get_or_null(row, 4, &isnull);
		if (isnull)
			refuse_size(kit);
		component->kit_id = DatumGetInt64(usom_query_get(row, 1));
		component->product_id = DatumGetInt64(product_id);
		component->stocked = DatumGetBool(usom_query_get(row, 3));
		component->quantity = usom_quantity_of(DatumGetNumeric(quantity));
	}
	*ncomponents = (int) n;
	return components;
}

UsomComponent *
usom_product_components(int64 org_id, const int64 *kits, int nkits, int *ncomponents)
{
	Reading		reading = {.org_id = org_id};

	if (!read_plain_kits(&reading, kits, nkits))
		return read_any_kits(org_id, kits, nkits, ncomponents);
	*ncomponents = reading.count;
	return reading.components;
}
