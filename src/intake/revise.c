/*
 * revise.c
 *		A newer revision of an order that is there: what is to be changed.
 *
 * Lines have no key of the channel's own: of each product, the first line of
 * the document is the first line of the order, and so on.  What was cancelled
 * stays cancelled; the document counts what is alive.
 *
 * Locks: none; the order is locked by the caller.  Memory: that of SPI.
 */
#include "postgres.h"

#include "intake/inbox.h"

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
