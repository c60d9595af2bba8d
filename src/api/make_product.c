/*
 * make_product.c
 *		A product outside the catalogue, made on the spot with its order.
 *
 * Locks: the unique key of the product's code, after that of the order: a
 * second call that makes the same waits for the first, and is refused.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/make_product.h"

#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

typedef struct UsomMade
{
	int			line;
	const char *sku;
	int64		product_id;
	Jsonb	   *make;
} UsomMade;

static UsomQuery insert_product = {
	.text = "INSERT INTO usom.product (org_id, product_id, sku, name, unit, category, weight, decoupling, based_on, attributes) "
	"SELECT $1, $2, $3, coalesce($4->>'name', b.name), coalesce(b.unit, 'each'), b.category, coalesce(b.weight, 0), "
	"'engineer_to_order', b.sku, $4->'attributes' FROM (SELECT 1) AS one "
	"LEFT JOIN usom.product AS b ON b.org_id = $1 AND b.sku = $4->>'based_on' "
	"WHERE $4->>'based_on' IS NULL OR b.sku IS NOT NULL ON CONFLICT (org_id, sku) DO NOTHING",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "text", "jsonb"},
};

/* The statements of usom run as the owner; here it is for the caller to be allowed. */
static void
check_right(int line)
{
	Oid			product = get_relname_relid("product", get_namespace_oid("usom", false));

	if (pg_class_aclcheck(product, GetUserId(), ACL_INSERT) == ACLCHECK_OK)
		return;
	ereport(ERROR, errcode(USOM_ERR(INVALID_DOCUMENT)),
			errmsg("order document: lines[%d].make is not for this role", line),
			errdetail("It may not insert products."),
			errhint("Name a product that there is, or have somebody insert it first."));
}

int64
usom_api_plan_product(Placing *placing, int line)
{
	const UsomDocumentLine *from = &placing->document->lines[line];
	UsomMade   *made;

	for (int i = 0; i < placing->nmade; i++)
		if (strcmp(placing->made[i].sku, from->sku) == 0)
			return placing->made[i].product_id;
	check_right(line);
	if (placing->made == NULL)
		placing->made = palloc_array(UsomMade, placing->document->nlines);
	made = &placing->made[placing->nmade++];
	*made = (UsomMade) {line, from->sku, usom_ident_next(), from->make};
	return made->product_id;
}

void
usom_api_write_products(const Placing *placing)
{
	for (int i = 0; i < placing->nmade; i++)
	{
		const UsomMade *made = &placing->made[i];
		Datum		values[] = {
			Int64GetDatum(placing->org_id), Int64GetDatum(made->product_id), CStringGetTextDatum(made->sku),
			JsonbPGetDatum(made->make)
		};

		if (usom_query_write(&insert_product, values, NULL) == 0)
			ereport(ERROR, errcode(USOM_ERR(INVALID_DOCUMENT)),
					errmsg("order document: lines[%d].make cannot make product \"%s\"", made->line, made->sku),
					errdetail("The product that it is based on does not exist, or another call has made it meanwhile."),
					errhint("Correct based_on, or send the document again."));
	}
}
