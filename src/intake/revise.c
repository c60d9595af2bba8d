/*
 * revise.c
 *		A newer revision of an order that is there, or changes of it in words
 *		of others: what is to be changed.
 *
 * Lines have no key of the channel's own: of each product, the first line of
 * the document is the first line of the order, and so on.  What was cancelled
 * stays cancelled; the document counts what is alive.  A line that names a
 * unit is compared in that unit, as it was when the line was ordered.  A line
 * of changes that tells the number and the product of a line of the order is
 * that line; otherwise products count as above.
 *
 * Locks: none; the order is locked by the caller.  Memory: that of SPI.
 */
#include "postgres.h"

#include "intake/inbox.h"

#include "base/errors.h"
#include "base/query.h"

static UsomQuery difference = {
	.text = "WITH asked AS (SELECT l.line, l.ordinal, l.line->>'sku' AS sku, (l.line->>'quantity')::pg_catalog.numeric AS quantity, "
	"l.line->>'unit' AS unit, (l.line->>'unit_price')::pg_catalog.numeric AS price, "
	"row_number() OVER (PARTITION BY l.line->>'sku' ORDER BY l.ordinal) AS nth "
	"FROM jsonb_array_elements($3->'lines') WITH ORDINALITY AS l (line, ordinal)), "
	"there AS (SELECT l.line_no, l.product_id, p.sku, l.quantity - l.quantity_cancelled AS alive, l.quantity_cancelled AS cancelled, l.unit_price, "
	"row_number() OVER (PARTITION BY p.sku ORDER BY l.line_no) AS nth FROM usom.order_line AS l "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = l.product_id "
	"WHERE l.org_id = $1 AND l.sales_order_id = $2 AND (l.kit_line_no IS NULL OR l.kit_line_no = l.line_no) AND l.quantity > l.quantity_cancelled), "
	"met AS (SELECT a.*, t.sku AS sku_there, t.line_no, t.alive, t.cancelled, t.unit_price, u.unit_price AS pack_price, "
	"CASE WHEN a.unit IS NULL THEN 1 WHEN u.unit IS NOT NULL THEN u.quantity ELSE (SELECT n.quantity FROM usom._unit_of($1, a.sku, a.unit) AS n) END AS so_many, "
	"CASE WHEN a.unit IS NULL THEN 1 WHEN u.unit IS NOT NULL THEN u.per ELSE (SELECT n.per FROM usom._unit_of($1, a.sku, a.unit) AS n) END AS per "
	"FROM asked AS a FULL JOIN there AS t ON t.sku = a.sku AND t.nth = a.nth "
	"LEFT JOIN usom.line_unit AS u ON u.org_id = $1 AND u.sales_order_id = $2 AND u.line_no = t.line_no AND u.product_id = t.product_id AND u.unit = a.unit), "
	"shared AS (SELECT b.*, round(b.quantity * b.so_many / b.per, 6) AS units, "
	"CASE WHEN b.unit IS NULL THEN b.price ELSE ceil(b.price * b.per / b.so_many * 10000) / 10000 END AS share FROM met AS b), "
	"compared AS (SELECT b.*, b.quantity * b.so_many <> b.alive * b.per AS other_quantity, "
	"b.price <> coalesce(b.pack_price, b.price - 1) AND b.share <> b.unit_price AS other_price FROM shared AS b), "
	"steps AS (SELECT coalesce(c.ordinal, 0) AS ordinal, c.line_no, CASE "
	"WHEN c.sku IS NULL THEN CASE WHEN c.cancelled = 0 THEN jsonb_build_object('line_no', c.line_no, 'remove', true) "
	"ELSE jsonb_build_object('line_no', c.line_no, 'quantity', c.cancelled) END "
	"WHEN c.sku_there IS NULL THEN jsonb_build_object('sku', c.line->'sku', 'quantity', c.line->'quantity', 'unit', c.line->'unit', "
	"'unit_price', c.line->'unit_price', 'location', c.line->'location', 'requested_at', c.line->'requested_at') "
	"WHEN c.unit IS NOT NULL AND c.cancelled = 0 AND (c.other_quantity OR c.other_price) THEN jsonb_build_object('line_no', c.line_no, "
	"'quantity', c.quantity, 'unit', c.unit, 'unit_price', CASE WHEN c.other_price THEN c.price END) "
	"ELSE jsonb_build_object('line_no', c.line_no, 'quantity', CASE WHEN c.other_quantity THEN trim_scale(c.units + c.cancelled) END, "
	"'unit_price', CASE WHEN c.other_price THEN trim_scale(c.share) END) END AS step FROM compared AS c) "
	"SELECT jsonb_strip_nulls(jsonb_build_object('ship_to', $3->'ship_to', 'requested_at', $3->'requested_at', 'priority', $3->'priority', "
	"'ship_complete', $3->'ship_complete', 'instructions', $3->'instructions', 'coupons', $3->'coupons', "
	"'lines', (SELECT jsonb_agg(s.step ORDER BY s.ordinal, s.line_no) FROM (SELECT x.ordinal, x.line_no, jsonb_strip_nulls(x.step) AS step "
	"FROM steps AS x) AS s WHERE s.step - 'line_no' <> '{}')))",
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
