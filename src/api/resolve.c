/*
 * resolve.c
 *		Codes of lines to keys.
 *
 * Each code is looked up by its index, past the executor (base/fetch.c), or all
 * of them by one statement: both find the same.
 *
 * Reads master data only; no locks: codes do not change and rows are retired,
 * not deleted.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/resolve.h"

#include "base/fetch.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* ---- as statements ---- */

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
	"(SELECT round(t.unit_price / t.per, 4) FROM usom.price t WHERE t.org_id = $1 AND t.sku = r.price_sku AND t.unit = '' AND t.currency = r.currency "
	"AND t.valid_from <= r.at AND (t.valid_to IS NULL OR t.valid_to > r.at) ORDER BY t.valid_from DESC LIMIT 1) "
	"FROM unnest($2, $3, $4, $5, $6) WITH ORDINALITY AS r (sku, location, price_sku, currency, at, position) "
	"LEFT JOIN usom.product p ON p.org_id = $1 AND p.sku = r.sku AND p.active "
	"LEFT JOIN usom.location l ON l.org_id = $1 AND l.code = r.location AND l.active",
	.nargs = 6,
	.argtypes = {"bigint", "text[]", "text[]", "text[]", "text[]", "timestamptz[]"},
};

Datum
usom_api_text_or_null(const char *string, bool *isnull)
{
	*isnull = string == NULL;
	return string == NULL ? (Datum) 0 : CStringGetTextDatum(string);
}

Datum
usom_api_texts(const char *const *strings, int count)
{
	Datum	   *elements = palloc_array(Datum, Max(count, 1));
	bool	   *nulls = palloc_array(bool, Max(count, 1));
	int			lower = 1;

	for (int i = 0; i < count; i++)
		elements[i] = usom_api_text_or_null(strings[i], &nulls[i]);
	return PointerGetDatum(construct_md_array(elements, nulls, 1, &count, &lower, TEXTOID, -1, false, TYPALIGN_INT));
}

static Datum
skus_of(const UsomLineReference *references, int count, bool of_wanted_prices)
{
	const char **skus = palloc_array(const char *, Max(count, 1));

	for (int i = 0; i < count; i++)
		skus[i] = of_wanted_prices && !references[i].wants_price ? NULL : references[i].sku;
	return usom_api_texts(skus, count);
}

/* Locations, and what prices are wanted in and of when. */
static void
fill_arrays(const UsomLineReference *references, int count, Datum *values)
{
	const char **texts = palloc_array(const char *, Max(count, 1));
	Datum	   *times = palloc_array(Datum, Max(count, 1));

	for (int i = 0; i < count; i++)
		texts[i] = references[i].location;
	values[0] = usom_api_texts(texts, count);
	values[1] = skus_of(references, count, true);
	for (int i = 0; i < count; i++)
	{
		texts[i] = references[i].wants_price ? references[i].currency : NULL;
		times[i] = TimestampTzGetDatum(references[i].at);
	}
	values[2] = usom_api_texts(texts, count);
	values[3] = PointerGetDatum(construct_array(times, count, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
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

/* ---- past the executor ---- */

static UsomFetch product_by_sku = {
	.table = "product", .index = "product_sku_unique",
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"sku", "text"}},
	.limit = 1, .ncolumns = 6, .columns = {{"product_id", "bigint"}, {"active", "boolean"}, USOM_NATURE_OF},
};

static UsomFetch location_by_code = {
	.table = "location", .index = "location_code_unique",
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"code", "text"}},
	.limit = 1, .ncolumns = 2, .columns = {{"location_id", "bigint"}, {"active", "boolean"}},
};

/* The price that began last. */
static UsomFetch price_of_sku = {
	.table = "price", .index = "price_once_at_a_time", .upto = true, .backward = true, .limit = 1,
	.nkeys = 5, .keys = {{"org_id", "bigint"}, {"sku", "text"}, {"unit", "text"}, {"currency", "text"}, {"valid_from", "timestamptz"}},
	.ncolumns = 3, .columns = {{"unit_price", "numeric"}, {"per", "numeric"}, {"valid_to", "timestamptz"}},
};

typedef struct Resolving
{
	int64		org_id;
	UsomLineReference *references;
	int			count;
} Resolving;

static bool
find_product(int64 org_id, UsomLineReference *reference)
{
	Datum		keys[] = {Int64GetDatum(org_id), CStringGetTextDatum(reference->sku)};
	UsomFetched row;

	if (!usom_fetch_rows(&product_by_sku, keys, NULL, &row))
		return false;
	if (row.count == 0 || !DatumGetBool(row.values[1]))
		return true;
	reference->product_id = DatumGetInt64(row.values[0]);
	reference->nature = usom_product_nature(&row.values[2]);
	return true;
}

static bool
find_location(int64 org_id, UsomLineReference *reference)
{
	Datum		keys[] = {Int64GetDatum(org_id), CStringGetTextDatum(reference->location)};
	UsomFetched row;

	if (!usom_fetch_rows(&location_by_code, keys, NULL, &row))
		return false;
	if (row.count > 0 && DatumGetBool(row.values[1]))
		reference->location_id = DatumGetInt64(row.values[0]);
	return true;
}

/* If it has ended, those that began before have to be looked at: the statement does. */
static bool
find_price(int64 org_id, UsomLineReference *reference)
{
	Datum		keys[] = {
		Int64GetDatum(org_id), CStringGetTextDatum(reference->sku), CStringGetTextDatum(""),
		CStringGetTextDatum(reference->currency), TimestampTzGetDatum(reference->at)
	};
	UsomFetched row;
	Datum		price;

	if (!usom_fetch_rows(&price_of_sku, keys, NULL, &row))
		return false;
	if (row.count == 0)
		return true;
	if (!row.nulls[2] && DatumGetTimestampTz(row.values[2]) <= reference->at)
		return false;
	price = DirectFunctionCall2(numeric_div, row.values[0], row.values[1]);
	reference->price = DatumGetNumeric(DirectFunctionCall2(numeric_round, price, Int32GetDatum(4)));
	return true;
}

static bool
find_all(void *argument)
{
	const Resolving *resolving = argument;

	for (int i = 0; i < resolving->count; i++)
	{
		UsomLineReference *reference = &resolving->references[i];

		if ((reference->sku != NULL && !find_product(resolving->org_id, reference)) ||
			(reference->location != NULL && !find_location(resolving->org_id, reference)) ||
			(reference->sku != NULL && reference->wants_price && !find_price(resolving->org_id, reference)))
			return false;
	}
	return true;
}

/* ---- either way ---- */

static bool
skus_alone(const UsomLineReference *references, int count)
{
	for (int i = 0; i < count; i++)
		if (references[i].location != NULL || references[i].wants_price)
			return false;
	return true;
}

static void
clear(UsomLineReference *reference)
{
	reference->product_id = reference->location_id = 0;
	reference->nature = USOM_SERVICE;
	reference->price = NULL;
}

static void
resolve_as_statement(int64 org_id, UsomLineReference *references, int count)
{
	bool		alone = skus_alone(references, count);
	Datum		values[6] = {Int64GetDatum(org_id), skus_of(references, count, false)};
	uint64		n;

	if (!alone)
		fill_arrays(references, count, &values[2]);
	n = usom_query_run(alone ? &resolve_skus : &resolve_lines, values, NULL);
	for (uint64 row = 0; row < n; row++)
		take_reference(&references[DatumGetInt32(usom_query_get(row, 1)) - 1], row);
}

void
usom_api_resolve_lines(int64 org_id, UsomLineReference *references, int count)
{
	if (likely(usom_fetch_together(find_all, &(Resolving) {org_id, references, count})))
		return;
	for (int i = 0; i < count; i++)
		clear(&references[i]);
	resolve_as_statement(org_id, references, count);
}
