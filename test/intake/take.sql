-- For run.sh: the messages are taken in, and what became of them is compared.
\set QUIET on
CREATE EXTENSION usom;
SELECT count(*) FROM usom.install() \g /dev/null
SET timezone = 'UTC';
CREATE TABLE found (n integer GENERATED ALWAYS AS IDENTITY, what text, good boolean, detail text);
CREATE TABLE read (mode text DEFAULT 'strict', raw jsonb);
\set copy '\\copy read (raw) FROM ' :'strict' ' WITH (FORMAT csv, QUOTE E''\\x01'', DELIMITER E''\\x02'')'
:copy
ALTER TABLE read ALTER mode SET DEFAULT 'lenient';
\set copy '\\copy read (raw) FROM ' :'lenient' ' WITH (FORMAT csv, QUOTE E''\\x01'', DELIMITER E''\\x02'')'
:copy

-- A channel for each file, so that orders of one number do not meet; but for files that belong together.
CREATE TABLE message AS
SELECT r.mode, r.raw->>'file' AS file, (r.raw->>'ordinal')::integer AS ordinal, r.raw->'message' AS message, r.mode || ' ' || CASE
	WHEN r.raw->>'file' ~ '^edi/own/8[56]0' THEN 'own x12' WHEN r.raw->>'file' ~ '^edi/own/ord' THEN 'own edifact'
	WHEN r.raw->>'file' ~ '/(UBL-Order-2.1|UBL-OrderChange|UBL-OrderCancellation)' THEN 'ubl 34' ELSE md5(r.raw->>'file') END AS channel
FROM read r;
INSERT INTO usom.channel (code) SELECT DISTINCT channel FROM message UNION VALUES ('huge'), ('order.json'), ('orders.json'), ('send');
SELECT count(usom.add_mapping(code)) FROM usom.standard_mappings() \g /dev/null

-- Master data: every partner is a customer, every product is there, counted in the unit that it is first ordered in, and enough of it.
CREATE TABLE mapped AS SELECT m.mode, m.file, m.ordinal, p.* FROM message m, usom.map_payload(m.channel, m.message) p;
INSERT INTO usom.mapping_value (list, source, target)
SELECT DISTINCT 'party', w, 'C-' || w FROM mapped m, jsonb_array_elements(m.findings) f, substring(f->>'message' FROM '^list "party" has no word "(.*)"$') w WHERE w IS NOT NULL;
INSERT INTO usom.customer (code) SELECT target FROM usom.mapping_value WHERE list = 'party';
INSERT INTO usom.location (code) VALUES ('W');
CREATE TABLE product AS SELECT l->>'sku' AS sku, coalesce(l->>'unit', 'each') AS unit, count(*) AS lines
FROM mapped m, jsonb_array_elements(m.document->'lines') l WHERE l->>'sku' IS NOT NULL GROUP BY 1, 2;
INSERT INTO usom.product (sku, unit) SELECT DISTINCT ON (sku) sku, unit FROM product ORDER BY sku, lines DESC, unit;
INSERT INTO usom.product_unit (sku, unit) SELECT p.sku, p.unit FROM product p JOIN usom.product u USING (sku) WHERE u.unit <> p.unit;
SELECT count(*) FROM usom.product p, usom.receive_stock('W', p.sku, 10000000) \g /dev/null
TRUNCATE mapped;
INSERT INTO mapped SELECT m.mode, m.file, m.ordinal, p.* FROM message m, usom.map_payload(m.channel, m.message) p;

-- Orders come before what changes them, but for one change that comes too early and is tried again.
CREATE TABLE took (mode text, file text, ordinal integer, message_no text, status text, outcome text, order_no text, findings jsonb);
CREATE FUNCTION take(m message) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO took SELECT m.mode, m.file, m.ordinal, i.message_no, i.status, i.outcome, i.order_no, i.findings FROM usom.ingest(m.channel, m.message) i;
EXCEPTION WHEN OTHERS THEN
	INSERT INTO took VALUES (m.mode, m.file, m.ordinal, NULL, 'refused', NULL, NULL, jsonb_build_array(jsonb_build_object('code', SQLSTATE, 'message', SQLERRM)));
END
$$;
SELECT take(m) FROM message m WHERE file = 'edi/own/ordchg.edi' ORDER BY mode \g /dev/null
SELECT take(m) FROM message m JOIN mapped p USING (mode, file, ordinal) WHERE m.file <> 'edi/own/ordchg.edi'
ORDER BY m.mode DESC, array_position('{order,change,cancellation}', p.kind), m.file, m.ordinal \g /dev/null
CREATE TABLE early AS SELECT * FROM took WHERE file = 'edi/own/ordchg.edi';
UPDATE took t SET (status, outcome, order_no, findings) = (SELECT r.status, r.outcome, r.order_no, r.findings FROM usom.replay(t.message_no) r) WHERE file = 'edi/own/ordchg.edi';

-- What was read off the files by hand.
CREATE TABLE expected (mode text, file text, ordinal integer, status text, outcome text, lines integer, quantity numeric, total numeric, finding text);
\set copy '\\copy expected FROM ' :'expected' ' WITH (FORMAT csv, HEADER)'
:copy
CREATE TABLE actual AS
SELECT t.mode, t.file, t.ordinal, t.status, t.outcome, o.lines, o.quantity, o.total, t.findings->0->>'message' AS finding
FROM took t LEFT JOIN LATERAL (SELECT count(*)::integer AS lines, trim_scale(sum(l.quantity)) AS quantity, (SELECT trim_scale(o.total) FROM usom.orders o WHERE o.order_no = t.order_no) AS total
	FROM usom.order_lines l WHERE l.order_no = t.order_no AND t.outcome IN ('placed', 'repeated')) o ON t.outcome IN ('placed', 'repeated')
WHERE t.findings->0->>'message' IS DISTINCT FROM 'no order is made of messages of this type';

INSERT INTO found (what, good, detail)
SELECT 'the files convert as before: ' || split_part(c, ':', 2), c LIKE 'ok:%', c FROM string_to_table(trim(:'compared'), ' ') c WHERE c <> '';
INSERT INTO found (what, good, detail)
SELECT 'every message was taken', count(*) = (SELECT count(*) FROM message) AND bool_and(status <> 'refused'), string_agg(DISTINCT file || ': ' || (findings->0->>'message'), '; ') FILTER (WHERE status = 'refused') FROM took;
INSERT INTO found (what, good, detail)
SELECT 'what is no order is dead, and says so', count(*) > 100 AND bool_and(status = 'dead'), count(*)::text FROM took WHERE findings->0->>'message' = 'no order is made of messages of this type';
INSERT INTO found (what, good, detail)
SELECT 'what cannot be read, or contradicts its envelope, is dead, and names the place', count(*) > 40 AND bool_and(t.status = 'dead' AND t.order_no IS NULL AND jsonb_array_length(t.findings) = jsonb_array_length(m.message->'errors')
	AND t.findings->0->>'path' ~ '^(segment|behind segment|line|start of)' AND t.findings->0->>'message' = m.message->'errors'->0->>'message'), string_agg(t.file, ' ') FILTER (WHERE t.status <> 'dead' OR t.findings->0->>'path' IS NULL)
FROM message m JOIN took t USING (mode, file, ordinal) WHERE m.message ? 'errors';
INSERT INTO found (what, good, detail)
SELECT 'orders, and what was found instead, as read by hand', count(*) = 0, string_agg(format('%s %s %s: %s, not %s', coalesce(a.mode, e.mode), coalesce(a.file, e.file), coalesce(a.ordinal, e.ordinal),
	coalesce(concat_ws(' ', a.status, a.outcome, a.lines, a.quantity, a.total, a.finding), 'not there'), coalesce(concat_ws(' ', e.status, e.outcome, e.lines, e.quantity, e.total, e.finding), 'expected')), E'\n')
FROM actual a FULL JOIN expected e ON a::text = e::text WHERE a.file IS NULL OR e.file IS NULL;

-- Totals that messages tell of themselves: lines (CTT, CNT), value (AMT, LineExtensionAmount).
CREATE VIEW told AS
SELECT m.mode, m.file, m.ordinal, t.order_no, (coalesce(m.message #>> '{CTT,0,CTT01}', jsonb_path_query_first(m.message, '$.CNT ? (@.CNT01[0] == "2").CNT01[1]') #>> '{}'))::integer AS lines,
	coalesce(jsonb_path_query_first(m.message, '$.CTT.AMT ? (@.AMT01 == "1").AMT02'), jsonb_path_query_first(m.message, '$.Order.AnticipatedMonetaryTotal.LineExtensionAmount._')) #>> '{}' AS total
FROM message m JOIN took t USING (mode, file, ordinal) WHERE t.outcome = 'placed';
INSERT INTO found (what, good, detail)
SELECT 'orders have the lines that their messages count', count(*) >= 15 AND bool_and(t.lines = (SELECT count(*) FROM usom.order_lines l WHERE l.order_no = t.order_no)), count(*)::text FROM told t WHERE t.lines IS NOT NULL;

-- The documents, and what stands in the orders.
CREATE TABLE document (file text, document jsonb);
\set copy '\\copy document FROM ' :'documents' ' WITH (FORMAT csv, QUOTE E''\\x01'', DELIMITER E''\\x02'')'
:copy
INSERT INTO found (what, good, detail)
SELECT 'field by field: ' || d.file, coalesce(m.document - 'channel' = d.document->'document', false), format('%s', m.document - 'channel')
FROM document d LEFT JOIN mapped m ON m.mode = d.document->>'mode' AND m.file = d.document->>'file' AND m.ordinal = (d.document->>'ordinal')::integer
WHERE d.file !~ 'shopify' ORDER BY d.file;
CREATE VIEW stands AS
SELECT o.order_no, jsonb_strip_nulls(jsonb_build_object('external_id', o.external_id, 'customer', o.customer, 'currency', o.currency, 'placed_at', o.placed_at, 'requested_at', o.requested_at, 'instructions', o.instructions)) AS header,
	(SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('sku', l.sku, 'quantity', l.quantity, 'unit_price', nullif(l.unit_price, 0))) ORDER BY l.line_no) FROM usom.order_lines l WHERE l.order_no = o.order_no) AS lines
FROM usom.orders o;
INSERT INTO found (what, good, detail)
SELECT 'orders are what their documents say', count(*) >= 25 AND bool_and(s.lines = d.lines AND s.header @> d.header), string_agg(m.file || ': ' || s.header::text || d.header::text || s.lines::text || d.lines::text, '; ') FILTER (WHERE s.lines <> d.lines OR NOT s.header @> d.header)
FROM took t JOIN mapped m USING (mode, file, ordinal) JOIN stands s USING (order_no)
CROSS JOIN LATERAL (SELECT (SELECT jsonb_object_agg(k, v) FROM jsonb_each(m.document) e (k, v) WHERE k IN ('external_id', 'customer', 'currency', 'placed_at', 'requested_at', 'instructions')) AS header,
	(SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('sku', l.line->'sku', 'quantity', l.line->'quantity', 'unit_price', l.line->'unit_price')) ORDER BY l.n) FROM jsonb_array_elements(m.document->'lines') WITH ORDINALITY l (line, n)) AS lines) d
WHERE t.outcome = 'placed' AND t.file !~ '/own/|UBL-Order-2.1';

-- Changes and cancellations.
INSERT INTO found (what, good, detail)
SELECT 'a change that comes too early waits for its order', count(*) = 2 AND bool_and(e.status = 'failed' AND e.findings->0->>'code' = 'US105' AND t.outcome = 'changed'), string_agg(concat_ws(' ', e.status, e.findings, t.status, t.findings), '; ')
FROM early e JOIN took t USING (mode, file, ordinal);
INSERT INTO found (what, good, detail)
SELECT 'orders that were changed: ' || x.channel, x.lines = x.expected AND (x.status = 'cancelled') = x.cancelled, x.status || ' ' || x.lines
FROM (SELECT o.channel, o.status, string_agg(concat_ws(' ', l.line_no, l.sku, l.quantity, l.unit_price), ', ' ORDER BY l.line_no) AS lines, e.expected, e.cancelled
	FROM usom.orders o JOIN usom.order_lines l USING (order_no)
	JOIN (VALUES ('own x12', '1 OWN-A 8 2.5, 2 OWN-B 4 7, 4 OWN-D 6 1.75', true), ('own edifact', '1 OWN-A 12.5 2.5, 3 OWN-C 2 1.5', false),
		('ubl 34', '1 SItemNo001 240 50, 2 SItemNo011 15 15', true)) e (family, expected, cancelled) ON o.channel LIKE '% ' || e.family
	GROUP BY o.channel, o.status, e.expected, e.cancelled) x;

-- Sent again, in another envelope, everything is answered as before.
INSERT INTO found (what, good, detail)
SELECT 'sent again, it is answered as before', count(*) > 250 AND bool_and((i.message_no, i.status, i.outcome) IS NOT DISTINCT FROM (t.message_no, t.status, t.outcome)), count(*)::text
FROM took t JOIN message m USING (mode, file, ordinal)
CROSS JOIN LATERAL usom.ingest(m.channel, CASE WHEN m.message ? 'interchange' THEN jsonb_set(m.message, '{interchange,control}', '"again"') ELSE m.message END) i WHERE t.status <> 'refused';

-- Shopify.
CREATE TABLE shop (file text, payload jsonb);
\set copy '\\copy shop FROM ' :'shop' ' WITH (FORMAT csv, QUOTE E''\\x01'', DELIMITER E''\\x02'')'
:copy
CREATE TABLE shop_order AS SELECT file, row_number() OVER (PARTITION BY file) AS ordinal, p AS payload FROM shop, jsonb_path_query(payload, '$.keyvalue().value[*]') p;
INSERT INTO usom.product (sku) SELECT DISTINCT l->>'sku' FROM shop_order s, jsonb_array_elements(s.payload->'line_items') l ON CONFLICT DO NOTHING;
CREATE TABLE shop_took AS SELECT s.file, s.ordinal, s.payload, i.* FROM shop_order s, usom.ingest(s.file, s.payload) i;
INSERT INTO found (what, good, detail)
SELECT 'Shopify: ' || s.file || ' ' || s.ordinal, CASE WHEN coalesce(s.payload->'line_items', '[]') = '[]' THEN s.status = 'failed' AND s.findings->0->>'message' LIKE '%lines must have at least one line'
	ELSE s.outcome = 'placed' AND o.total = (SELECT sum((l->>'price')::numeric * (l->>'quantity')::numeric) FROM jsonb_array_elements(s.payload->'line_items') l)
		AND o.external_id = s.payload->>'id' AND o.currency = s.payload->>'currency' AND o.placed_at = (s.payload->>'created_at')::timestamptz END, concat_ws(' ', s.status, s.outcome, o.total, s.findings->0)
FROM shop_took s LEFT JOIN usom.orders o USING (order_no);
INSERT INTO found (what, good, detail)
SELECT 'field by field: ' || d.file, coalesce(m.document - 'channel' = d.document->'document', false), format('%s', m.document - 'channel')
FROM document d LEFT JOIN shop_order s ON s.file = d.document->>'file' AND s.ordinal = (d.document->>'ordinal')::integer LEFT JOIN LATERAL usom.map_payload(s.file, s.payload) m ON true WHERE d.file ~ 'shopify';

-- Answers of others are read as ours are (sql/edi.sql).
INSERT INTO found (what, good, detail)
SELECT 'an 855 of the data', string_agg(concat_ws(' ', l->>'PO101', l->>'PO104', a->>'ACK01', a->>'ACK02'), ', ' ORDER BY l->>'PO101') = '1 4.5 IA 3, 2 15.99 IR 0, 3 0 IR 0, 4 4.5 IA 2', max(m.message #>> '{BAK,0,BAK03}')
FROM message m, jsonb_path_query(m.message, '$.PO1[*]') l, jsonb_path_query(l, '$.ACK[*]') a WHERE m.mode = 'strict' AND m.file LIKE '%data__855.edi';
INSERT INTO found (what, good, detail)
SELECT 'an ORDRSP of the data', string_agg(concat_ws(' ', l #>> '{LIN01,0}', l #>> '{LIN03,0}', l #>> '{QTY,0,QTY01,1}', l #>> '{PRI,0,PRI01,1}', m.message #>> '{CUX,0,CUX01,1}'), ', ') = '1 9900010000649 1 50.5 EUR', NULL
FROM message m, jsonb_path_query(m.message, '$.LIN[*]') l WHERE m.mode = 'lenient' AND m.file LIKE '%edifact.ORDRSP.edi';

-- The ORDERS of 16,864 lines.
CREATE TABLE huge (payload jsonb);
\if :has_huge
	\set copy '\\copy huge FROM ' :'huge' ' WITH (FORMAT csv, QUOTE E''\\x01'', DELIMITER E''\\x02'')'
	:copy
	SELECT clock_timestamp() AS began \gset
	CREATE TABLE huge_took AS SELECT i.* FROM huge h, usom.ingest('huge', h.payload) i;
	SELECT round(extract(epoch FROM clock_timestamp() - :'began'::timestamptz), 1) AS seconds \gset
	\echo ORDERS of 16,864 lines: :seconds s
	INSERT INTO found (what, good, detail)
	SELECT 'ORDERS of 16,864 lines', max(t.outcome) = 'placed' AND count(*) = 16864 AND sum(l.quantity) = 16864 * 8 AND count(DISTINCT l.sku) = 2, max(t.findings::text) FROM huge_took t LEFT JOIN usom.order_lines l USING (order_no);
\endif
