/*
 * revise.c
 *		A newer revision of an order that is there, or changes of it in words
 *		of others: what is to be changed.
 *
 * Lines have no key of the channel's own: of each product, the first line of
 * the document is the first line of the order, and so on.  What was cancelled
 * stays cancelled; the document counts what is alive.  A line of changes that
 * tells the number and the product of a line of the order is that line;
 * otherwise products count as above.
 *
 * Locks: none; the order is locked by the caller.  Memory: that of SPI.
 */
#include "postgres.h"

#include "intake/inbox.h"

#include "base/errors.h"
#include "base/query.h"

static UsomQuery difference = {
	.text = "WITH asked AS (SELECT l.line, l.ordinal, l.line->>'sku' AS sku, (l.line->>'quantity')::pg_catalog.numeric AS quantity, "
	"row_number() OVER (PARTITION BY l.line->>'sku' ORDER BY l.ordinal) AS nth "
	"FROM jsonb_array_elements($3->'lines') WITH ORDINALITY AS l (line, ordinal)), "
	"there AS (SELECT l.line_no, p.sku, l.quantity, l.quantity_cancelled AS cancelled, l.unit_price, "
	"row_number() OVER (PARTITION BY p.sku ORDER BY l.line_no) AS nth FROM usom.order_line AS l "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = l.product_id "
	"WHERE l.org_id = $1 AND l.sales_order_id = $2 AND (l.kit_line_no IS NULL OR l.kit_line_no = l.line_no) AND l.quantity > l.quantity_cancelled), "
	"steps AS (SELECT coalesce(a.ordinal, 0) AS ordinal, t.line_no, CASE "
	"WHEN a.sku IS NULL THEN CASE WHEN t.cancelled = 0 THEN jsonb_build_object('line_no', t.line_no, 'remove', true) "
	"ELSE jsonb_build_object('line_no', t.line_no, 'quantity', t.cancelled) END "
	"WHEN t.sku IS NULL THEN jsonb_strip_nulls(jsonb_build_object('sku', a.line->'sku', 'quantity', a.line->'quantity', 'unit_price', a.line->'unit_price', "
	"'location', a.line->'location', 'requested_at', a.line->'requested_at')) "
	"ELSE jsonb_strip_nulls(jsonb_build_object('line_no', t.line_no, "
	"'quantity', CASE WHEN a.quantity <> t.quantity - t.cancelled THEN to_jsonb(a.quantity + t.cancelled) END, "
	"'unit_price', CASE WHEN (a.line->>'unit_price')::pg_catalog.numeric <> t.unit_price THEN a.line->'unit_price' END)) END AS step "
	"FROM asked AS a FULL JOIN there AS t ON t.sku = a.sku AND t.nth = a.nth) "
	"SELECT jsonb_strip_nulls(jsonb_build_object('ship_to', $3->'ship_to', 'requested_at', $3->'requested_at', 'priority', $3->'priority', "
	"'ship_complete', $3->'ship_complete', 'instructions', $3->'instructions', 'coupons', $3->'coupons', "
	"'lines', (SELECT jsonb_agg(s.step ORDER BY s.ordinal, s.line_no) FROM steps AS s WHERE s.step - 'line_no' <> '{}')))",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "jsonb"},
};

Jsonb *
usom_intake_difference(int64 org_id, int64 sales_order_id, Jsonb *document)
{
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(sales_order_id), JsonbPGetDatum(document)};

	usom_query_run(&difference, values, NULL);
	return DatumGetJsonbPCopy(usom_query_get(0, 1));
}

/* Quantities that were cancelled come back in the unit of the message. */
static UsomQuery resolve = {
	.text = "WITH asked AS (SELECT l.line, l.ordinal, l.line->>'action' AS action, l.line->>'sku' AS sku, (l.line->>'line_no')::pg_catalog.numeric AS line_no, "
	"row_number() OVER (PARTITION BY l.line->>'sku', l.line->>'action' = 'add' ORDER BY l.ordinal) AS nth "
	"FROM jsonb_array_elements($3->'lines') WITH ORDINALITY AS l (line, ordinal)), "
	"there AS (SELECT l.line_no, p.sku, l.quantity_cancelled AS cancelled, l.unit_price, "
	"row_number() OVER (PARTITION BY p.sku ORDER BY l.line_no) AS nth FROM usom.order_line AS l "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = l.product_id "
	"WHERE l.org_id = $1 AND l.sales_order_id = $2 AND (l.kit_line_no IS NULL OR l.kit_line_no = l.line_no) AND l.quantity > l.quantity_cancelled), "
	"found AS (SELECT a.line, a.ordinal, a.action, a.sku, coalesce(t.line_no, n.line_no) AS line_no, coalesce(t.cancelled, n.cancelled) AS cancelled, "
	"coalesce(t.unit_price, n.unit_price) AS unit_price, a.line->'unit' IS NOT NULL AS has_unit "
	"FROM asked AS a LEFT JOIN there AS t ON t.line_no = a.line_no AND t.sku = coalesce(a.sku, t.sku) "
	"LEFT JOIN there AS n ON n.sku = a.sku AND n.nth = a.nth), "
	"steps AS (SELECT f.ordinal, f.sku, f.action IN ('change', 'remove') AND f.line_no IS NULL AS lost, CASE "
	"WHEN f.action = 'none' THEN NULL "
	"WHEN f.action = 'add' THEN f.line - '{action,line_no}'::text[] "
	"WHEN f.action = 'remove' AND f.cancelled = 0 THEN jsonb_build_object('line_no', f.line_no, 'remove', true) "
	"WHEN f.action = 'remove' THEN jsonb_build_object('line_no', f.line_no, 'quantity', f.cancelled) "
	"WHEN f.action = 'change' THEN jsonb_strip_nulls((f.line - '{action,sku}'::text[]) || jsonb_build_object('line_no', f.line_no, "
	"'quantity', (f.line->>'quantity')::pg_catalog.numeric + f.cancelled * coalesce(u.per / u.quantity, 1), "
	"'unit_price', CASE WHEN f.has_unit OR (f.line->>'unit_price')::pg_catalog.numeric <> f.unit_price THEN f.line->'unit_price' END)) "
	"ELSE f.line END AS step "
	"FROM found AS f LEFT JOIN usom.product_unit AS u ON u.org_id = $1 AND u.sku = f.sku AND u.unit = f.line->>'unit') "
	"SELECT ($3 - 'lines') || jsonb_build_object('lines', coalesce(jsonb_agg(s.step ORDER BY s.ordinal) FILTER (WHERE s.step IS NOT NULL), '[]')), "
	"min(s.ordinal) FILTER (WHERE s.lost) - 1, (array_agg(s.sku ORDER BY s.ordinal) FILTER (WHERE s.lost))[1] FROM steps AS s",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "jsonb"},
};

/* A change is told by its lines' actions; there are none in changes as change_order() takes them. */
static bool
has_actions(const Jsonb *changes)
{
	JsonbValue	lines;
	JsonbValue	action;

	if (getKeyJsonValueFromContainer(unconstify(JsonbContainer *, &changes->root), "lines", (int) strlen("lines"), &lines) == NULL ||
		lines.type != jbvBinary || !JsonContainerIsArray(lines.val.binary.data))
		return false;
	for (uint32 i = 0; i < JsonContainerSize(lines.val.binary.data); i++)
	{
		JsonbValue *line = getIthJsonbValueFromContainer(lines.val.binary.data, i);

		if (line->type != jbvBinary || !JsonContainerIsObject(line->val.binary.data))
			return false;
		if (getKeyJsonValueFromContainer(line->val.binary.data, "action", (int) strlen("action"), &action) != NULL)
			return true;
	}
	return false;
}

Jsonb *
usom_intake_resolve(int64 org_id, int64 sales_order_id, Jsonb *changes)
{
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(sales_order_id), JsonbPGetDatum(changes)};
	bool		isnull;
	Datum		lost;

	if (!has_actions(changes))
		return changes;
	usom_query_run(&resolve, values, NULL);
	lost = usom_query_get_or_null(0, 2, &isnull);
	if (!isnull)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_LINE)),
				errmsg("lines[" INT64_FORMAT "] changes a line that the order does not have", DatumGetInt64(lost)),
				errdetail("There is no open line of \"%s\" left to be changed.", usom_query_get_text(0, 3)),
				errhint("Mend the message, or change the order by hand."));
	return DatumGetJsonbPCopy(usom_query_get(0, 1));
}
