--
-- report.sql
--		What happened, told in plain text.
--
\set ON_ERROR_STOP on
\pset footer off
\pset border 0
\pset null ''
\pset linestyle ascii
SET client_min_messages = warning;
SET work_mem = '128MB';

CREATE FUNCTION pg_temp.n(value numeric, width integer DEFAULT 11) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$ SELECT lpad(to_char(value, 'FM999,999,999,990'), width) $$;
CREATE FUNCTION pg_temp.m(value numeric) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$ SELECT lpad(to_char(value, 'FM999,999,999,990.000'), 15) $$;
CREATE FUNCTION pg_temp.share(part numeric, whole numeric) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$ SELECT lpad(to_char(100 * part / nullif(whole, 0), 'FM990.00') || ' %', 8) $$;

SELECT format('Online Retail, %s to %s: %s documents, %s lines.', min(day), max(day),
	to_char(count(*), 'FM999,999'), to_char(sum(lines), 'FM999,999')) AS told FROM retail.document WHERE played
\gset
\echo :told
\echo
\echo 'Every line of the file has one outcome'
\echo
SELECT coalesce(o.meaning, 'all') AS "what became of it", pg_temp.n(count(l.line_id)) AS "      lines",
	pg_temp.n(coalesce(sum(l.quantity), 0)) AS "     pieces", pg_temp.m(coalesce(sum(l.quantity * l.unit_price), 0)) AS "    value (GBP)"
FROM retail.outcome o LEFT JOIN retail.line l ON l.outcome = o.code AND l.played
GROUP BY ROLLUP ((o.ordinal, o.meaning)) ORDER BY o.ordinal;

\echo 'Orders by status'
\echo
SELECT status, status_group AS "the customer reads", pg_temp.n(count(*)) AS "     orders", pg_temp.m(sum(total)) AS "    value (GBP)"
FROM usom.orders GROUP BY status, status_group ORDER BY count(*) DESC;

\echo 'Orders by channel'
\echo
SELECT o.channel, pg_temp.n(count(*)) AS "     orders", pg_temp.m(sum(o.total)) AS "    value (GBP)",
	pg_temp.m(round(avg(o.total), 2)) AS "   each (GBP)", pg_temp.n(round(avg(p.lines), 1), 5) AS lines,
	pg_temp.share(sum(p.quantity_reserved), sum(p.quantity_reserved + p.quantity_backordered)) AS "fill rate"
FROM usom.orders o JOIN retail.placed p USING (order_no) GROUP BY o.channel ORDER BY sum(o.total) DESC;

\echo 'Best sellers'
\echo
SELECT sku, max(product_name) AS product, pg_temp.n(count(*)) AS "      lines", pg_temp.n(sum(quantity - quantity_cancelled)) AS "     pieces",
	pg_temp.m(sum(total)) AS "    value (GBP)", pg_temp.n(sum(quantity_returned), 9) AS "came back"
FROM usom.order_lines GROUP BY sku ORDER BY sum(total) DESC LIMIT 10;

\echo 'Stock'
\echo
SELECT location, pg_temp.n(count(*)) AS "   products", pg_temp.n(sum(on_hand)) AS "    on hand", pg_temp.n(sum(reserved)) AS "   reserved",
	pg_temp.n(sum(available)) AS "  available"
FROM usom.stock_position GROUP BY location ORDER BY location DESC;
SELECT CASE WHEN reference = 'opening stock' THEN 'opening stock' WHEN reference ~ '^PO-' THEN 'bought in for backorders'
		WHEN reference ~ '^counted in' THEN 'counted in' WHEN kind = 'return' THEN 'returned'
		WHEN kind = 'shipment' THEN 'shipped' WHEN reason ~ '^goodwill' THEN 'goodwill receipts'
		WHEN delta < 0 THEN 'written off' ELSE 'found' END AS movement,
	pg_temp.n(count(*)) AS "  movements", pg_temp.n(sum(delta)) AS "     pieces"
FROM usom.stock_movement GROUP BY 1 ORDER BY min(stock_movement_id);

\echo 'Service'
\echo
SELECT pg_temp.share(sum(quantity_reserved), sum(quantity_reserved + quantity_backordered)) AS "pieces in stock when ordered",
	pg_temp.share(count(*) FILTER (WHERE quantity_backordered = 0), count(*)) AS "orders served whole at once",
	pg_temp.n(count(*) FILTER (WHERE quantity_backordered > 0)) AS "orders that waited for stock (until the evening)"
FROM retail.placed;
SELECT pg_temp.n(count(DISTINCT return_no)) AS "    returns", pg_temp.n(sum(quantity_received)) AS "pieces back",
	pg_temp.n((SELECT count(*) FROM usom.shipments)) AS "  shipments",
	pg_temp.n((SELECT count(*) FROM usom.shipments WHERE status = 'delivered')) AS "  delivered"
FROM usom.returns;

\echo 'What was refused, and why'
\echo
SELECT asked || '()' AS asked, sqlstate, pg_temp.n(count(*), 6) AS " times", then_done AS "what was done then"
FROM retail.refusal GROUP BY asked, sqlstate, then_done ORDER BY count(*) DESC;
SELECT 'First of them, ' || (SELECT invoice_no FROM retail.document d WHERE d.seq = r.seq) || ':' || chr(10)
	|| '  ERROR:  ' || sqlstate || ': ' || message || coalesce(chr(10) || '  DETAIL:  ' || nullif(detail, ''), '') || coalesce(chr(10) || '  HINT:  ' || nullif(hint, ''), '')
	AS first_refusal
FROM retail.refusal r ORDER BY seq LIMIT 1
\gset
\echo :first_refusal
\echo
\echo 'Speed'
\echo
SELECT verb, pg_temp.n(calls) AS "      calls", lpad(to_char(ms / 1000, 'FM9990.0'), 8) AS " seconds", lpad(to_char(ms / nullif(calls, 0), 'FM9990.00'), 8) AS " ms each"
FROM (
	SELECT verb, calls, ms FROM retail.timing
	UNION ALL SELECT 'place_order', count(*), sum(ms) FROM retail.placed
	UNION ALL SELECT 'verify', count(*), sum(ms) FROM retail.verified
) t WHERE calls > 0 AND verb <> 'whole replay' ORDER BY ms DESC;
\echo 'Statements of place_order by size of the order: they do not grow'
\echo
SELECT CASE WHEN width_bucket = 0 THEN '1' WHEN width_bucket = 1 THEN '2 to 9' WHEN width_bucket = 2 THEN '10 to 99'
		WHEN width_bucket = 3 THEN '100 to 499' ELSE '500 and more' END AS lines,
	pg_temp.n(count(*), 8) AS "  orders", pg_temp.n(min(statements), 8) AS "   least", pg_temp.n(max(statements), 8) AS "    most",
	lpad(to_char(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms), 'FM9990.00'), 9) AS "median ms",
	lpad(to_char(max(ms), 'FM9990.00'), 9) AS "   max ms"
FROM retail.placed, width_bucket(lines, ARRAY[2, 10, 100, 500]) GROUP BY width_bucket ORDER BY width_bucket;
SELECT format('%s documents in %s s. place_order alone: %s orders a second, %s lines a second.',
	to_char((SELECT calls FROM retail.timing WHERE verb = 'whole replay'), 'FM999,999'),
	to_char((SELECT ms / 1000 FROM retail.timing WHERE verb = 'whole replay'), 'FM9990.0'),
	to_char(count(*) / sum(ms) * 1000, 'FM999,990'), to_char(sum(lines) / sum(ms) * 1000, 'FM999,990')) AS told,
	(SELECT format('The largest order, invoice %s of %s lines, took %s ms and %s statements.', invoice_no, to_char(lines, 'FM9,999'),
		to_char(ms, 'FM9990.0'), statements) FROM retail.placed ORDER BY lines DESC, seq LIMIT 1) AS largest
FROM retail.placed
\gset
\echo :told
\echo :largest
\echo
SELECT CASE WHEN count(*) FILTER (WHERE problems > 0) = 0 THEN format('usom.verify() found nothing, %s times.', count(*))
	ELSE format('usom.verify() FOUND DIFFERENCES: SELECT * FROM usom.verify();') END AS told FROM retail.verified
\gset
\echo :told
