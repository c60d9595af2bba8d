/*
 * resolve.c
 *		Codes of lines to keys.
 *
 * Reads master data only; no locks: codes do not change and rows are retired,
 * not deleted.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/resolve.h"

#include "base/query.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Most documents bring their prices and leave the choice of location to us. */
static UsomQuery resolve_skus = {
	.text = "SELECT r.position::int, p.product_id, " USOM_PRODUCT_NATURE ", NULL::bigint, NULL::numeric "
	"FROM unnest($2) WITH ORDINALITY AS r (sku, position) "
	"JOIN usom.product p ON p.org_id = $1 AND p.sku = r.sku AND p.active",
	.nargs = 2,
	.argtypes = {"bigint", "text[]"},
};

/* The third array repeats the sku of lines whose price is wanted; other lines cost no look-up. */
static UsomQuery resolve_lines = {
	.text = "SELECT r.position::int, p.product_id, " USOM_PRODUCT_NATURE ", l.location_id, "
	"(SELECT round(t.unit_price / t.per, 4) FROM usom.price t WHERE t.org_id = $1 AND t.sku = r.price_sku AND t.unit = '' AND t.currency = $5 "
	"AND t.valid_from <= $6 AND (t.valid_to IS NULL OR t.valid_to > $6) ORDER BY t.valid_from DESC LIMIT 1) "
	"FROM unnest($2, $3, $4) WITH ORDINALITY AS r (sku, location, price_sku, position) "
	"LEFT JOIN usom.product p ON p.org_id = $1 AND p.sku = r.sku AND p.active "
	"LEFT JOIN usom.location l ON l.org_id = $1 AND l.code = r.location AND l.active",
	.nargs = 6,
	.argtypes = {"bigint", "text[]", "text[]", "text[]", "text", "timestamptz"},
};

Datum
usom_api_text_or_null(const char *string, bool *isnull)
{
	*isnull = string == NULL;
	return string == NULL ? (Datum) 0 : CStringGetTextDatum(string);
}

static Datum
text_array(Datum *elements, bool *nulls, int count)
{
	int			lower = 1;

	return PointerGetDatum(construct_md_array(elements, nulls, 1, &count, &lower, TEXTOID, -1, false, TYPALIGN_INT));
}

static void
fill_arrays(const UsomLineReference *references, int count, Datum *values)
{
	Datum	   *skus = palloc_array(Datum, count);
	Datum	   *locations = palloc_array(Datum, count);
	bool	   *no_sku = palloc_array(bool, count);
	bool	   *no_location = palloc_array(bool, count);
	bool	   *no_price = palloc_array(bool, count);

	for (int i = 0; i < count; i++)
	{
		skus[i] = usom_api_text_or_null(references[i].sku, &no_sku[i]);
		locations[i] = usom_api_text_or_null(references[i].location, &no_location[i]);
		no_price[i] = no_sku[i] || !references[i].wants_price;
	}
	values[0] = text_array(skus, no_sku, count);
	values[1] = text_array(locations, no_location, count);
	values[2] = text_array(skus, no_price, count);
}

static void
take_reference(UsomLineReference *reference, uint64 row)
{
	bool		isnull;
	Datum		price;

	reference->product_id = DatumGetInt64(usom_query_get_or_null(row, 2, &isnull));
	if (!isnull)
		reference->nature = (UsomNature) DatumGetInt32(usom_query_get(row, 3));
	reference->location_id = DatumGetInt64(usom_query_get_or_null(row, 4, &isnull));
	price = usom_query_get_or_null(row, 5, &isnull);
	reference->price = isnull ? NULL : DatumGetNumericCopy(price);
}

static bool
skus_alone(const UsomLineReference *references, int count)
{
	for (int i = 0; i < count; i++)
		if (references[i].location != NULL || references[i].wants_price)
			return false;
	return true;
}

void
usom_api_resolve_lines(int64 org_id, UsomLineReference *references, int count, const char *currency, TimestampTz at)
{
	Datum		values[6];
	uint64		n;

	values[0] = Int64GetDatum(org_id);
	fill_arrays(references, count, &values[1]);
	values[4] = CStringGetTextDatum(currency);
	values[5] = TimestampTzGetDatum(at);
	n = usom_query_run(skus_alone(references, count) ? &resolve_skus : &resolve_lines, values, NULL);
	for (uint64 row = 0; row < n; row++)
		take_reference(&references[DatumGetInt32(usom_query_get(row, 1)) - 1], row);
}
