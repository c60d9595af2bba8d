/*
 * product.c
 *		Products by their code.
 *
 *		Reads one row, locks none, keeps no memory.
 */
#include "postgres.h"
#include "fmgr.h"

#include "base/lookup.h"
#include "party/party.h"

/* usom.product_id(sku) */
PG_FUNCTION_INFO_V1(usom_product_id);
Datum
usom_product_id(PG_FUNCTION_ARGS)
{
	static UsomQuery query = {
		.text = "SELECT product_id FROM usom.product WHERE org_id = $1 AND sku = $2",
		.nargs = 2,
		.argtypes = {"pg_catalog.int8", "pg_catalog.text"},
	};

	PG_RETURN_INT64(usom_lookup_id(&query, usom_party_caller_org(), PG_GETARG_TEXT_PP(0), "product", "sku"));
}
