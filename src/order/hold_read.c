/*
 * hold_read.c
 *		Which holds of an order are active.
 *
 * Whether a hold is active is read, not swept: an expired one stops counting
 * in the very call that looks at it.  Most orders have none, which costs a look
 * into an index that has only holds that nobody has released.
 *
 * Memory: CurrentMemoryContext.  No locks: who changes holds has the order.
 */
#include "postgres.h"

#include "order/order.h"

#include "base/call.h"
#include "base/fetch.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static UsomFetch read_holds = {
	.table = "hold", .index = "hold_of_order", .null_columns = {"released_at"},
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"sales_order_id", "bigint"}},
	.ncolumns = 8, .columns = {{"hold_id", "bigint"}, {"line_no", "integer"}, {"piece_no", "integer"}, {"hold_type", "text"},
		{"reason", "text"}, {"expires_at", "timestamptz"}, {"blocks", "text[]"}, {"check_code", "text"}},
	.query = {
		.text = "SELECT h.hold_id, h.line_no, h.piece_no, h.hold_type, h.reason, h.expires_at, h.blocks, h.check_code "
		"FROM usom.hold AS h WHERE h.org_id = $1 AND h.sales_order_id = $2 AND h.released_at IS NULL",
		.nargs = 2, .argtypes = {"bigint", "bigint"},
	},
};

static int
compare(const void *a, const void *b)
{
	const UsomActiveHold *left = a;
	const UsomActiveHold *right = b;

	if (left->line_no != right->line_no)
		return left->line_no < right->line_no ? -1 : 1;
	if (left->piece_no != right->piece_no)
		return left->piece_no < right->piece_no ? -1 : 1;
	return (left->hold_id > right->hold_id) - (left->hold_id < right->hold_id);
}

UsomActiveHold *
usom_order_active_holds(const UsomOrderSet *set, int order, int *count)
{
	Datum		keys[2] = {Int64GetDatum(set->org_id), Int64GetDatum(set->orders[order].sales_order_id)};
	uint64		nrows = usom_fetch_run(&read_holds, keys, NULL);
	UsomActiveHold *holds = palloc_array(UsomActiveHold, nrows + 1);

	*count = 0;
	for (uint64 row = 0; row < nrows; row++)
		if (usom_query_get_time(row, 6, PG_INT64_MAX) > usom_call_time())
			holds[(*count)++] = (UsomActiveHold) {
				.hold_id = usom_query_get_key(row, 1), .line_no = usom_query_get_number(row, 2), .piece_no = usom_query_get_number(row, 3),
				.type = usom_query_get_text(row, 4), .reason = usom_query_get_text(row, 5),
				.blocks = DatumGetArrayTypePCopy(usom_query_get(row, 7)), .is_found = usom_query_get_text(row, 8) != NULL
			};
	if (*count > 1)
		qsort(holds, *count, sizeof(UsomActiveHold), compare);
	return holds;
}

bool
usom_order_is_among(ArrayType *actions, const char *action)
{
	Datum	   *elements;
	int			count;

	deconstruct_array_builtin(actions, TEXTOID, &elements, NULL, &count);
	for (int i = 0; i < count; i++)
		if (strcmp(TextDatumGetCString(elements[i]), action) == 0)
			return true;
	return false;
}
