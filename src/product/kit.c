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

UsomComponent *
usom_product_components(int64 org_id, const int64 *kits, int nkits, int *ncomponents)
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
