/*
 * backorder_variant.c
 *		Variants of backorder runs: read with their segments, and which segment
 *		a line belongs to.
 *
 * Memory: CurrentMemoryContext.  Locks: none.
 */
#include "postgres.h"

#include "api/backorder.h"
#include "api/precedence.h"

#include "base/errors.h"
#include "base/query.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* A fallback that two writers made a circle of between them is followed so far. */
static UsomQuery find_variants = {
	.text = "WITH RECURSIVE chain AS ("
	"SELECT v.*, 1 AS place FROM usom.backorder_variant v WHERE v.org_id = $1 AND v.code = $2 "
	"UNION ALL SELECT v.*, c.place + 1 FROM chain c "
	"JOIN usom.backorder_variant v ON v.org_id = $1 AND v.code = c.fallback WHERE c.place < 20) "
	"SELECT c.code, c.on_exception = 'stop_run', c.skus, c.categories FROM chain c ORDER BY c.place",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

static UsomQuery find_segments = {
	.text = "SELECT s.rank::integer, s.strategy, s.channels, s.customers, s.segments, s.order_types, s.countries, s.skus, s.categories, "
	"s.priority_from, s.priority_to, s.placed_from, s.placed_before FROM usom.backorder_segment s "
	"WHERE s.org_id = $1 AND s.variant = $2 ORDER BY s.rank",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

static UsomQuery find_sorts = {
	.text = "SELECT s.expression, s.direction = 'desc', s.listed FROM usom.backorder_sort s "
	"WHERE s.org_id = $1 AND s.variant = $2 AND s.segment_rank = $3 ORDER BY s.rank",
	.nargs = 3,
	.argtypes = {"bigint", "text", "integer"},
};

static int32
number_or(uint64 row, int column, int32 otherwise)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? otherwise : DatumGetInt32(value);
}

static TimestampTz
time_or(uint64 row, int column, TimestampTz otherwise)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? otherwise : DatumGetTimestampTz(value);
}

static void
read_segment(BackorderSegment *segment, uint64 row)
{
	segment->rank = DatumGetInt32(usom_query_get(row, 1));
	segment->strategy = (UsomStrategy) usom_sourcing_strategy_of(usom_query_get_text(row, 2));
	segment->channels = usom_api_read_codes(row, 3);
	segment->customers = usom_api_read_codes(row, 4);
	segment->segments = usom_api_read_codes(row, 5);
	segment->order_types = usom_api_read_codes(row, 6);
	segment->countries = usom_api_read_codes(row, 7);
	segment->skus = usom_api_read_codes(row, 8);
	segment->categories = usom_api_read_codes(row, 9);
	segment->priority_from = number_or(row, 10, PG_INT32_MIN);
	segment->priority_to = number_or(row, 11, PG_INT32_MAX);
	segment->placed_from = time_or(row, 12, PG_INT64_MIN);
	segment->placed_before = time_or(row, 13, PG_INT64_MAX);
}

static void
read_segments(int64 org_id, BackorderVariant *variant)
{
	Datum		values[3] = {Int64GetDatum(org_id), CStringGetTextDatum(variant->code)};

	variant->nsegments = (int) usom_query_run(&find_segments, values, NULL);
	variant->segments = palloc0_array(BackorderSegment, Max(variant->nsegments, 1));
	for (int i = 0; i < variant->nsegments; i++)
		read_segment(&variant->segments[i], i);
	for (int i = 0; i < variant->nsegments; i++)
	{
		values[2] = Int32GetDatum(variant->segments[i].rank);
		variant->segments[i].precedence = usom_api_read_precedence(&find_sorts, values);
	}
}

static void
note_needs(BackorderVariants *variants, const BackorderSegment *segment)
{
	variants->asks_customer |= !segment->customers.any || !segment->segments.any;
	variants->asks_country |= !segment->countries.any;
	variants->loses |= segment->strategy == USOM_LOSE;
	for (int i = 0; i < segment->precedence.nkeys; i++)
	{
		variants->asks_customer |= segment->precedence.keys[i].expression == USOM_BY_SEGMENT;
		variants->asks_service_level |= segment->precedence.keys[i].expression == USOM_BY_SERVICE_LEVEL;
	}
}

BackorderVariants *
usom_api_read_variants(int64 org_id, const char *code)
{
	BackorderVariants *variants = palloc0_object(BackorderVariants);
	Datum		values[2] = {Int64GetDatum(org_id), CStringGetTextDatum(code)};

	variants->count = (int) usom_query_run(&find_variants, values, NULL);
	if (variants->count == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_CODE)), errmsg("backorder variant \"%s\" does not exist", code),
				errhint("INSERT INTO usom.backorder_variant (code) VALUES (%s), and its segments.", quote_literal_cstr(code)));
	variants->variants = palloc0_array(BackorderVariant, variants->count);
	for (int i = 0; i < variants->count; i++)
		variants->variants[i] = (BackorderVariant) {
			.code = usom_query_get_text(i, 1),
			.stops_run = DatumGetBool(usom_query_get(i, 2)),
			.skus = usom_api_read_codes(i, 3),
			.categories = usom_api_read_codes(i, 4),
		};
	for (int i = 0; i < variants->count; i++)
	{
		read_segments(org_id, &variants->variants[i]);
		for (int k = 0; k < variants->variants[i].nsegments; k++)
			note_needs(variants, &variants->variants[i].segments[k]);
	}
	return variants;
}

/* Every line, as far as a segment may ask. */
static BackorderSegment
any_line(int32 rank, UsomStrategy strategy)
{
	const UsomCodes any = {.any = true};

	return (BackorderSegment) {
		.rank = rank, .strategy = strategy, .channels = any, .customers = any, .segments = any, .order_types = any, .countries = any,
		.skus = any, .categories = any, .priority_from = PG_INT32_MIN, .priority_to = PG_INT32_MAX,
		.placed_from = PG_INT64_MIN, .placed_before = PG_INT64_MAX
	};
}

BackorderVariants *
usom_api_expedite_variant(int64 org_id, int64 sales_order_id, int32 priority, UsomCodes skus)
{
	BackorderVariants *variants = palloc0_object(BackorderVariants);
	BackorderVariant *variant = palloc0_object(BackorderVariant);
	BackorderSegment *segments = palloc_array(BackorderSegment, 2);

	segments[0] = any_line(1, USOM_GAIN);
	segments[0].sales_order_id = sales_order_id;
	segments[1] = any_line(2, USOM_FILL);
	segments[1].priority_from = priority + 1;
	segments[1].precedence = usom_api_fill_precedence(org_id);
	*variant = (BackorderVariant) {.code = "expedite", .skus = skus, .categories = {.any = true}, .nsegments = 2, .segments = segments};
	*variants = (BackorderVariants) {.count = 1, .variants = variant};
	note_needs(variants, &segments[1]);
	return variants;
}

static bool
fits(const BackorderSegment *segment, const BackorderProduct *product, const BackorderLine *line)
{
	const UsomContender *contender = &line->contender;

	return (segment->sales_order_id == 0 || contender->sales_order_id == segment->sales_order_id) &&
		contender->priority >= segment->priority_from && contender->priority <= segment->priority_to &&
		contender->placed_at >= segment->placed_from && contender->placed_at < segment->placed_before &&
		usom_sourcing_lists(&segment->channels, contender->channel) &&
		usom_sourcing_lists(&segment->customers, line->customer) &&
		usom_sourcing_lists(&segment->segments, contender->segment) &&
		usom_sourcing_lists(&segment->order_types, line->order_type) &&
		usom_sourcing_lists(&segment->countries, line->country) &&
		usom_sourcing_lists(&segment->skus, product->sku) &&
		usom_sourcing_lists(&segment->categories, product->category);
}

const BackorderSegment *
usom_api_segment_of(const BackorderVariant *variant, const BackorderProduct *product, const BackorderLine *line)
{
	for (int i = 0; i < variant->nsegments; i++)
		if (fits(&variant->segments[i], product, line))
			return &variant->segments[i];
	return NULL;
}
