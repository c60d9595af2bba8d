/*
 * product.c
 *		Products by their code, and what they are to an order.
 *
 *		Reads one row, locks none, keeps no memory.
 */
#include "postgres.h"
#include "fmgr.h"

#include "base/lookup.h"
#include "party/party.h"
#include "product/kit.h"

/* usom.product_id(sku) */
PG_FUNCTION_INFO_V1(usom_product_id);
Datum
usom_product_id(PG_FUNCTION_ARGS)
{
	static UsomFetch fetch = {
		.table = "product", .index = "product_sku_unique", .limit = 1,
		.nkeys = 2, .keys = {{"org_id", "bigint"}, {"sku", "text"}},
		.ncolumns = 1, .columns = {{"product_id", "bigint"}},
		.query = {.text = "SELECT product_id FROM usom.product WHERE org_id = $1 AND sku = $2", .nargs = 2, .argtypes = {"bigint", "text"}},
	};

	PG_RETURN_INT64(usom_lookup_id(&fetch, usom_party_caller_org(), PG_GETARG_TEXT_PP(0), "product", "sku"));
}

static bool
is_word(Datum value, const char *word)
{
	const text *given = DatumGetTextPP(value);

	return VARSIZE_ANY_EXHDR(given) == strlen(word) && memcmp(VARDATA_ANY(given), word, strlen(word)) == 0;
}

/* USOM_PRODUCT_NATURE of kind, decoupling, tracking, kit_policy. */
UsomNature
usom_product_nature(const Datum *columns)
{
	int			nature;

	if (is_word(columns[0], "service"))
		return USOM_SERVICE;
	if (!is_word(columns[0], "physical"))
		return is_word(columns[3], "whole") ? USOM_WHOLE_KIT : USOM_KIT_IN_PARTS;
	nature = is_word(columns[1], "make_to_order") || is_word(columns[1], "engineer_to_order") ? USOM_MADE : USOM_PHYSICAL;
	return (UsomNature) (is_word(columns[2], "serial") ? nature | USOM_BY_SERIAL : nature);
}
