/*
 * precedence.c
 *		Precedence as rows, and which line is filled first.
 *
 * Memory: CurrentMemoryContext.  Locks: none; the orders of the set are locked.
 */
#include "postgres.h"

#include "api/precedence.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

static UsomQuery find_priorities = {
	.text = "SELECT f.expression, f.direction = 'desc', f.listed FROM usom.fill_priority f WHERE f.org_id = $1 ORDER BY f.rank",
	.nargs = 1,
	.argtypes = {"bigint"},
};

/* What orders are compared by that the set does not know; only if a row asks for it. */
static UsomQuery describe_orders = {
	.text = "SELECT o.sales_order_id, (SELECT ch.code FROM usom.channel ch WHERE ch.org_id = $1 AND ch.channel_id = o.channel_id), "
	"(SELECT c.segment FROM usom.customer c WHERE c.org_id = $1 AND c.customer_id = o.customer_id) "
	"FROM usom.sales_order o WHERE o.org_id = $1 AND o.sales_order_id = ANY ($2) ORDER BY o.sales_order_id",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

/* The service level of the sourcing rule that holds for a line. */
static UsomQuery find_service_levels = {
	.text = "SELECT t.n::integer, (SELECT r.service_level FROM usom._matching_rule(ARRAY[ROW(1, ch.code, c.code, a.country, "
	"o.order_type::text, p.sku, p.category)::usom._rule_case]) m JOIN usom.sourcing_rule r ON r.org_id = $1 "
	"AND r.sourcing_rule_id = m.sourcing_rule_id WHERE m.place = 1) "
	"FROM unnest($2, $3) WITH ORDINALITY AS t (sales_order_id, product_id, n) "
	"JOIN usom.sales_order o ON o.org_id = $1 AND o.sales_order_id = t.sales_order_id "
	"JOIN usom.product p ON p.org_id = $1 AND p.product_id = t.product_id "
	"LEFT JOIN usom.channel ch ON ch.org_id = $1 AND ch.channel_id = o.channel_id "
	"LEFT JOIN usom.customer c ON c.org_id = $1 AND c.customer_id = o.customer_id "
	"LEFT JOIN usom.address a ON a.org_id = $1 AND a.address_id = o.address_id",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "bigint[]"},
};

UsomCodes
usom_api_read_codes(uint64 row, int column)
{
	UsomCodes	codes = {0};
	Datum		array = usom_query_get_or_null(row, column, &codes.any);
	Datum	   *elements;

	if (codes.any)
		return codes;
	deconstruct_array_builtin(DatumGetArrayTypeP(array), TEXTOID, &elements, NULL, &codes.count);
	codes.codes = palloc_array(char *, Max(codes.count, 1));
	for (int i = 0; i < codes.count; i++)
		codes.codes[i] = TextDatumGetCString(elements[i]);
	return codes;
}

Datum
usom_api_codes_datum(const UsomCodes *codes)
{
	Datum	   *elements = palloc_array(Datum, Max(codes->count, 1));

	for (int i = 0; i < codes->count; i++)
		elements[i] = CStringGetTextDatum(codes->codes[i]);
	return PointerGetDatum(construct_array_builtin(elements, codes->count, TEXTOID));
}

UsomPrecedence
usom_api_read_precedence(UsomQuery *query, Datum *values)
{
	UsomPrecedence precedence = {(int) usom_query_run(query, values, NULL), NULL};

	precedence.keys = palloc_array(UsomSortKey, Max(precedence.nkeys, 1));
	for (int i = 0; i < precedence.nkeys; i++)
		precedence.keys[i] = (UsomSortKey) {
			.expression = usom_sourcing_expression_of(usom_query_get_text(i, 1)),
			.descending = DatumGetBool(usom_query_get(i, 2)),
			.listed = usom_api_read_codes(i, 3),
		};
	return precedence;
}

UsomPrecedence
usom_api_fill_precedence(int64 org_id)
{
	Datum		values[] = {Int64GetDatum(org_id)};

	return usom_api_read_precedence(&find_priorities, values);
}

static bool
asks(const UsomPrecedence *precedence, UsomSortExpression expression)
{
	for (int i = 0; i < precedence->nkeys; i++)
		if (precedence->keys[i].expression == expression)
			return true;
	return false;
}

static void
describe(const UsomOrderSet *set, UsomContender *contenders)
{
	int64	   *ids = palloc_array(int64, set->norders);
	Datum		values[2] = {Int64GetDatum(set->org_id)};
	uint64		n;
	uint64		row = 0;

	for (int i = 0; i < set->norders; i++)
		ids[i] = set->orders[i].sales_order_id;
	values[1] = usom_query_keys(ids, set->norders);
	n = usom_query_run(&describe_orders, values, NULL);
	for (int i = 0; i < set->nlines; i++)
	{
		while (row < n && DatumGetInt64(usom_query_get(row, 1)) != contenders[i].sales_order_id)
			row++;
		if (row == n)
			break;
		contenders[i].channel = usom_query_get_text(row, 2);
		contenders[i].segment = usom_query_get_text(row, 3);
	}
}

static void
describe_service(const UsomOrderSet *set, UsomContender *contenders)
{
	int64	   *orders = palloc_array(int64, set->nlines);
	int64	   *products = palloc_array(int64, set->nlines);
	Datum		values[3] = {Int64GetDatum(set->org_id)};
	uint64		n;

	for (int i = 0; i < set->nlines; i++)
	{
		orders[i] = contenders[i].sales_order_id;
		products[i] = set->lines[i].product_id;
	}
	values[1] = usom_query_keys(orders, set->nlines);
	values[2] = usom_query_keys(products, set->nlines);
	n = usom_query_run(&find_service_levels, values, NULL);
	for (uint64 row = 0; row < n; row++)
		contenders[DatumGetInt32(usom_query_get(row, 1)) - 1].service_level = usom_query_get_text(row, 2);
}

static UsomContender *
contenders_of(const UsomOrderSet *set)
{
	UsomContender *contenders = palloc0_array(UsomContender, set->nlines + 1);

	for (int i = 0; i < set->nlines; i++)
	{
		const UsomLine *line = &set->lines[i];
		const UsomOrder *order = &set->orders[line->order];

		contenders[i] = (UsomContender) {
			.sales_order_id = order->sales_order_id,
			.line_no = line->line_no,
			.priority = order->priority,
			.placed_at = order->placed_at,
			.requested_at = line->requested_at != USOM_NO_TIME ? line->requested_at : order->requested_at,
			.value = DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(order->total))),
		};
	}
	return contenders;
}

typedef struct Sorting
{
	UsomPrecedence precedence;
	UsomContender *contenders;
} Sorting;

static int
compare_lines(const void *a, const void *b, void *arg)
{
	const Sorting *sorting = arg;

	return usom_sourcing_compare(&sorting->precedence, &sorting->contenders[*(const int *) a],
								 &sorting->contenders[*(const int *) b]);
}

int *
usom_api_fill_places(const UsomOrderSet *set)
{
	Sorting		sorting;
	int		   *sorted;
	int		   *places;
	int			next = 0;

	if (set->norders < 2)
		return NULL;
	sorting.precedence = usom_api_fill_precedence(set->org_id);
	sorting.contenders = contenders_of(set);
	if (asks(&sorting.precedence, USOM_BY_CHANNEL) || asks(&sorting.precedence, USOM_BY_SEGMENT))
		describe(set, sorting.contenders);
	if (asks(&sorting.precedence, USOM_BY_SERVICE_LEVEL))
		describe_service(set, sorting.contenders);
	sorted = palloc_array(int, set->nlines + 1);
	places = palloc_array(int, set->norders);
	for (int i = 0; i < set->norders; i++)
		places[i] = set->norders;
	for (int i = 0; i < set->nlines; i++)
		sorted[i] = i;
	qsort_arg(sorted, set->nlines, sizeof(int), compare_lines, &sorting);
	for (int i = 0; i < set->nlines; i++)
		if (places[set->lines[sorted[i]].order] == set->norders)
			places[set->lines[sorted[i]].order] = next++;
	return places;
}

const char *
usom_api_fill_rule(int64 org_id)
{
	UsomPrecedence precedence = usom_api_fill_precedence(org_id);
	StringInfoData rule;

	if (precedence.nkeys == 0)
		return "priority, placed_at";
	initStringInfo(&rule);
	for (int i = 0; i < precedence.nkeys; i++)
		appendStringInfo(&rule, "%s%s%s", i > 0 ? ", " : "",
						 usom_sourcing_expression_name(precedence.keys[i].expression),
						 precedence.keys[i].descending ? " desc" : "");
	return rule.data;
}
