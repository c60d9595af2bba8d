-- Documents come by COPY, are placed in chunks that commit, and say what became of them.
SET client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('load');
SET usom.org = 'load';
INSERT INTO usom.location (code) VALUES ('LO-W');
INSERT INTO usom.product (sku) VALUES ('LO-A'), ('LO-B');
INSERT INTO usom.customer (code) VALUES ('LO-1');
SELECT r.sku, r.on_hand FROM usom.product p, usom.receive_stock('LO-W', p.sku, 1000) r WHERE p.org_id = usom.current_org() ORDER BY 1;

COPY usom.load_document (batch, document) FROM stdin;
first	{"channel": "web", "external_id": "L-1", "lines": [{"sku": "LO-A", "quantity": 2, "unit_price": 3}]}
first	{"channel": "web", "external_id": "L-2", "customer": "LO-1", "ship_to": {"name": "Ada Lovelace", "line1": "12 St James Square", "city": "London", "country": "GB"}, "lines": [{"sku": "LO-B", "quantity": 1, "unit_price": 5}]}
first	{"channel": "web", "external_id": "L-3", "lines": [{"sku": "LO-NONE", "quantity": 1}]}
first	{"channel": "web", "external_id": "L-4", "colour": "red", "lines": [{"sku": "LO-A", "quantity": 1}]}
first	{"channel": "web", "external_id": "L-1", "lines": [{"sku": "LO-A", "quantity": 2, "unit_price": 3}]}
first	{"channel": "web", "external_id": "L-1", "lines": [{"sku": "LO-A", "quantity": 7, "unit_price": 3}]}
first	this is no JSON
first	"a word"
first	{"channel": "web", "external_id": "L-5", "instructions": "card 4111 1111 1111 1111", "lines": [{"sku": "LO-A", "quantity": 1}]}
first	{"channel": "web", "external_id": "L-6", "lines": [{"sku": "LO-A", "quantity": 4, "unit_price": 3}]}
\.
-- What is kept is sealed.
SELECT count(*) AS kept, count(*) FILTER (WHERE usom._is_sealed(document) AND document NOT LIKE '%Lovelace%') AS sealed, count(*) FILTER (WHERE document IS NULL) AS not_kept FROM usom.load_row WHERE org_id = usom.current_org();
SELECT documents, waiting, rejected FROM usom.load_batches;

CALL usom.load_orders('first', 3);
SELECT row_number() OVER (ORDER BY ordinal) AS n, outcome, order_no IS NOT NULL AS has_order, external_id, sqlstate, regexp_replace(left(message, 100), 'SO-[0-9]+', 'SO-n') AS message, document FROM usom.load_document ORDER BY ordinal;
SELECT documents, waiting, placed, repeated, migrated, rejected, seconds_left FROM usom.load_batches;
-- Nothing of those that became orders is left, nor a key for it.
SELECT count(*) FROM usom.vault_key k JOIN usom.load_row r ON r.org_id = k.org_id AND r.load_row_id = k.person_id WHERE r.org_id = usom.current_org() AND r.outcome <> 'rejected';
SELECT sku, on_hand, reserved FROM usom.stock_position WHERE sku LIKE 'LO-%' ORDER BY 1;

-- Again: nothing is due.  What was rejected is mended, or tried as it is when the master data are there.
CALL usom.load_orders('first');
INSERT INTO usom.product (sku) VALUES ('LO-NONE');
UPDATE usom.load_document SET document = replace(document, '"colour": "red", ', '') WHERE external_id = 'L-4';
UPDATE usom.load_document SET document = '{"channel": "web", "external_id": "L-5", "lines": [{"sku": "LO-A", "quantity": 1}]}' WHERE sqlstate = 'US502';
DELETE FROM usom.load_document WHERE sqlstate = '22P02';
SELECT documents, waiting, rejected FROM usom.load_batches;
CALL usom.load_orders('first', again => true);
SELECT outcome, external_id, sqlstate FROM usom.load_document ORDER BY ordinal;

-- What may not be written.
\set VERBOSITY terse
UPDATE usom.load_document SET document = '{}' WHERE external_id = 'L-2';
UPDATE usom.load_document SET outcome = 'placed' WHERE outcome = 'rejected';
UPDATE usom.load_document SET batch = 'second' WHERE outcome = 'rejected';
INSERT INTO usom.load_document (batch, document, outcome) VALUES ('x', '{}', 'placed');
INSERT INTO usom.load_document (batch) VALUES ('x');
INSERT INTO usom.load_document (document) VALUES ('{}');
INSERT INTO usom.load_row (org_id, load_row_id, batch, document) VALUES (1, 1, 'x', '');
CALL usom.load_orders('nobody brought it');
CALL usom.load_orders('first', 0);
BEGIN;
CALL usom.load_orders('first');
ROLLBACK;
\set VERBOSITY default

-- Thousands by INSERT, in one statement; a statement that fails, or is undone, brings none.
INSERT INTO usom.load_document (batch, document)
SELECT 'second', jsonb_build_object('channel', 'edi', 'external_id', 'S-' || n, 'lines', jsonb_build_array(jsonb_build_object('sku', 'LO-B', 'quantity', 1, 'unit_price', 2)))
FROM generate_series(1, 2100) n;
INSERT INTO usom.load_document (batch, document) SELECT 'third', CASE WHEN n < 1500 THEN '{}' END FROM generate_series(1, 1500) n;
BEGIN;
INSERT INTO usom.load_document (batch, document) VALUES ('third', '{}');
SAVEPOINT s;
INSERT INTO usom.load_document (batch, document) SELECT 'fourth', '{}' FROM generate_series(1, 3);
ROLLBACK TO s;
INSERT INTO usom.load_document (batch, document) VALUES ('third', '{}');
COMMIT;
SELECT batch, documents FROM usom.load_batches ORDER BY batch;
CALL usom.load_orders('second', 1000);
SELECT documents, placed, waiting, rate IS NOT NULL AS has_rate FROM usom.load_batches WHERE batch = 'second';
-- (with statistics from before, the organisation looks as if it had one order)
ANALYZE usom.sales_order, usom.order_line;
SELECT quantity_reserved, quantity_backordered, count(*) FROM usom.order_lines WHERE sku = 'LO-B' AND order_no IN (SELECT order_no FROM usom.orders WHERE channel = 'edi') GROUP BY 1, 2 ORDER BY 1;
SELECT * FROM usom.verify();

-- What was rejected is kept sealed as long as usom.retention says; then nobody can read it, and trying it again says so.
INSERT INTO usom.load_document (batch, document) VALUES ('old', '{"external_id": "O-1", "lines": [{"sku": "not there", "quantity": 1}]}');
CALL usom.load_orders('old');
INSERT INTO usom.retention (what, keep_for) VALUES ('message', interval '1 microsecond') ON CONFLICT (org_id, what) DO UPDATE SET keep_for = EXCLUDED.keep_for, looked_at = NULL;
SELECT usom._retain_messages(usom.current_org()) > 0 AS forgotten;
SELECT document, outcome, external_id FROM usom.load_document WHERE batch = 'old';
CALL usom.load_orders('old', again => true);
SELECT outcome, sqlstate, message FROM usom.load_document WHERE batch = 'old';
DELETE FROM usom.retention WHERE what = 'message';
SELECT * FROM usom.verify();
