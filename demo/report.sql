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

-- n: whole numbers, p: percentages, m and m3: money with two and three decimals, t: times.
CREATE FUNCTION pg_temp.n(value numeric, width integer DEFAULT 11) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$ SELECT lpad(to_char(coalesce(value, 0), 'FM999,999,999,990'), width) $$;
CREATE FUNCTION pg_temp.m(value numeric) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$ SELECT lpad(to_char(coalesce(value, 0), 'FM999,999,999,990.00'), 14) $$;
CREATE FUNCTION pg_temp.m3(value numeric) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$ SELECT lpad(to_char(coalesce(value, 0), 'FM999,999,999,990.000'), 15) $$;
CREATE FUNCTION pg_temp.p(part numeric, whole numeric) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$ SELECT lpad(to_char(100 * part / nullif(whole, 0), 'FM990.00') || ' %', 9) $$;
CREATE FUNCTION pg_temp.t(value double precision, width integer DEFAULT 9) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$ SELECT lpad(to_char(value, 'FM99990.00'), width) $$;

SELECT format('Online Retail, %s to %s: %s documents, %s lines.', min(day), max(day),
	to_char(count(*), 'FM999,999'), to_char(sum(lines), 'FM999,999')) AS told
FROM retail.document
WHERE played
\gset
\echo :told
\echo
\echo 'Every line has one outcome'
\echo
SELECT coalesce(o.meaning, 'all') AS "what became of it",
	pg_temp.n(count(l.line_id)) AS "      lines",
	pg_temp.n(sum(l.quantity)) AS "     pieces",
	pg_temp.m3(sum(l.quantity * l.unit_price)) AS "    value (GBP)"
FROM retail.outcome o
LEFT JOIN retail.line l ON l.outcome = o.code AND l.played
GROUP BY ROLLUP ((o.ordinal, o.meaning))
ORDER BY o.ordinal;

\echo 'Orders by status'
\echo
SELECT status, status_group AS "the customer reads",
	pg_temp.n(count(*)) AS "     orders",
	pg_temp.m(sum(total)) AS "   value (GBP)"
FROM usom.orders
GROUP BY status, status_group
ORDER BY count(*) DESC;

\echo 'Orders by channel'
\echo
SELECT o.channel,
	pg_temp.n(count(*)) AS "     orders",
	pg_temp.m(sum(o.total)) AS "   value (GBP)",
	pg_temp.m(avg(o.total)) AS "    each (GBP)",
	pg_temp.n(avg(p.lines), 10) AS "lines each",
	pg_temp.p(sum(p.quantity_reserved), sum(p.quantity_reserved + p.quantity_backordered)) AS "fill rate"
FROM usom.orders o
JOIN retail.placed p USING (order_no)
GROUP BY o.channel
ORDER BY sum(o.total) DESC;

\echo 'Best sellers'
\echo
SELECT sku, max(product_name) AS product,
	pg_temp.n(count(*)) AS "      lines",
	pg_temp.n(sum(quantity - quantity_cancelled)) AS "     pieces",
	pg_temp.m(sum(total)) AS "   value (GBP)",
	pg_temp.n(sum(quantity_returned), 9) AS "came back"
FROM usom.order_lines
GROUP BY sku
ORDER BY sum(total) DESC, sku
LIMIT 10;

\echo 'Stock'
\echo
SELECT location,
	pg_temp.n(count(*)) AS "   products",
	pg_temp.n(sum(on_hand)) AS "    on hand",
	pg_temp.n(sum(reserved)) AS "   reserved",
	pg_temp.n(sum(available)) AS "  available"
FROM usom.stock_position
GROUP BY location
ORDER BY location DESC;
SELECT coalesce(movement, 'closing stock') AS movement,
	pg_temp.n(count(*)) AS "  movements",
	pg_temp.n(sum(delta)) AS "     pieces"
FROM (
	SELECT stock_movement_id, delta,
		CASE WHEN kind = 'shipment' THEN 'shipped'
			WHEN kind = 'return' THEN 'returned'
			WHEN reference = 'opening stock' THEN reference
			WHEN reference ~ '^PO-' THEN 'bought in for backorders'
			WHEN reference ~ '^counted in' THEN 'counted in'
			WHEN reason ~ '^goodwill' THEN 'goodwill receipts'
			WHEN delta < 0 THEN 'written off'
			ELSE 'found'
		END AS movement
	FROM usom.stock_movement
) m
GROUP BY ROLLUP (movement)
ORDER BY movement IS NULL, min(stock_movement_id);

\echo 'Service'
\echo
SELECT pg_temp.p(sum(quantity_reserved), sum(quantity_reserved + quantity_backordered)) AS "pieces in stock when ordered",
	pg_temp.p(count(*) FILTER (WHERE quantity_backordered = 0), count(*)) AS "orders served whole at once",
	pg_temp.n(count(*) FILTER (WHERE quantity_backordered > 0)) AS "orders that waited until the evening"
FROM retail.placed;
SELECT pg_temp.n(count(*)) AS "  shipments",
	pg_temp.n(count(*) FILTER (WHERE status = 'delivered')) AS "  delivered",
	pg_temp.n((SELECT count(DISTINCT return_no) FROM usom.returns)) AS "    returns",
	pg_temp.n((SELECT sum(quantity_received) FROM usom.returns)) AS "pieces back"
FROM usom.shipments;

\echo 'What was refused, and why'
\echo
SELECT asked || '()' AS asked, sqlstate, pg_temp.n(count(*), 6) AS " times", then_done AS "what was done then"
FROM retail.refusal
GROUP BY asked, sqlstate, then_done
ORDER BY count(*) DESC;
SELECT coalesce((
	SELECT concat_ws(chr(10), 'The first of them, document ' || d.invoice_no || ':',
		'  ERROR:  ' || r.sqlstate || ': ' || r.message,
		'  DETAIL:  ' || nullif(r.detail, ''),
		'  HINT:  ' || nullif(r.hint, ''))
	FROM retail.refusal r JOIN retail.document d USING (seq)
	ORDER BY seq LIMIT 1), 'Nothing.') AS refusal
\gset
\echo :refusal
\echo
\echo 'Speed'
\echo
SELECT verb, pg_temp.n(calls) AS "      calls", pg_temp.t(ms / 1000) AS "  seconds", pg_temp.t(ms / nullif(calls, 0)) AS "  ms each"
FROM (
	SELECT verb, calls, ms FROM retail.timing WHERE verb <> 'whole replay'
	UNION ALL SELECT 'place_order', count(*), sum(ms) FROM retail.placed
	UNION ALL SELECT 'verify', count(*), sum(ms) FROM retail.verified
) t
WHERE calls > 0
ORDER BY ms DESC;

\echo 'place_order by size of the order: the statements do not grow'
\echo
SELECT (ARRAY['1', '2 to 9', '10 to 99', '100 to 499', '500 and more'])[1 + size] AS lines,
	pg_temp.n(count(*), 9) AS "   orders",
	pg_temp.n(percentile_disc(0.5) WITHIN GROUP (ORDER BY statements), 10) AS "statements",
	pg_temp.n(max(statements), 9) AS "  at most",
	pg_temp.t(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)) AS "median ms",
	pg_temp.t(max(ms)) AS "   max ms"
FROM retail.placed, width_bucket(lines, ARRAY[2, 10, 100, 500]) AS size
GROUP BY size
ORDER BY size;
SELECT format('%s documents in %s s. place_order alone: %s orders a second, %s lines a second.',
		to_char(calls, 'FM999,999'), to_char(t.ms / 1000, 'FM9990.0'),
		to_char(1000 * p.orders / p.ms, 'FM999,990'), to_char(1000 * p.lines / p.ms, 'FM999,990')) AS told
FROM retail.timing t, (SELECT count(*) AS orders, sum(lines) AS lines, sum(ms) AS ms FROM retail.placed) p
WHERE verb = 'whole replay'
\gset
\echo :told
SELECT format('The largest order, invoice %s of %s lines, took %s ms and %s statements.',
		invoice_no, to_char(lines, 'FM9,999'), to_char(ms, 'FM9990.0'), statements) AS told
FROM retail.placed
ORDER BY lines DESC, seq
LIMIT 1
\gset
\echo :told
SELECT CASE WHEN sum(problems) = 0 THEN 'usom.verify() was asked after each month and at the end, and found nothing.'
		ELSE 'usom.verify() FOUND DIFFERENCES: SELECT * FROM usom.verify();' END AS told
FROM retail.verified
\gset
\echo :told

\echo
\echo 'Audit'
\echo
SELECT clock_timestamp() AS begun \gset
SELECT ok, coalesce(' ' || kind || ': ' || detail, '') AS finding FROM usom.verify_audit() \gset
SELECT format('%s entries in %s; usom.verify_audit() answers %s after %s s.%s', to_char((d->>'entries')::bigint, 'FM9,999,999'),
		CASE d->>'blocks' WHEN '1' THEN 'one block' ELSE (d->>'blocks') || ' blocks' END,
		CASE WHEN :'ok' THEN 'true' ELSE 'FALSE' END, to_char(extract(epoch FROM clock_timestamp() - :'begun'::timestamptz), 'FM9990.0'), :'finding') AS told,
	d->>'head' AS head
FROM usom.export_digest() d
\gset
\echo :told
\echo 'What to keep where the database cannot reach it (usom.export_digest()):' :head
