-- The SQL of doc/loading.md, made by tools/make-story.sh: edit the document.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS usom_story;
CREATE DATABASE usom_story TEMPLATE template0;
\c usom_story
SET lc_messages = 'C';
SET client_min_messages = warning;
CREATE EXTENSION usom;
SELECT count(*) > 0 AS installed FROM usom.install();

SET timezone = 'UTC';
INSERT INTO usom.location (code) VALUES ('MAIN');
INSERT INTO usom.product (sku, name) VALUES ('MUG', 'White mug'), ('BOWL', 'Blue bowl');
SELECT location, sku, on_hand FROM unnest(ARRAY['MUG', 'BOWL']) p, usom.receive_stock('MAIN', p, 100);

-- A batch of orders
INSERT INTO usom.load_document (batch, document) VALUES
  ('monday', '{"channel": "edi", "external_id": "E-1", "lines": [{"sku": "MUG", "quantity": 2, "unit_price": 4.50}]}'),
  ('monday', '{"channel": "edi", "external_id": "E-2", "lines": [{"sku": "MUGG", "quantity": 1, "unit_price": 4.50}]}'),
  ('monday', '{"channel": "edi", "external_id": "E-3", "lines": [{"sku": "BOWL", "quantity": 1, "unit_price": 9}]}');
CALL usom.load_orders('monday');
SELECT external_id, outcome, order_no, message FROM usom.load_document ORDER BY ordinal;

UPDATE usom.load_document SET document = replace(document, 'MUGG', 'MUG') WHERE external_id = 'E-2';
CALL usom.load_orders('monday');
SELECT batch, documents, placed, rejected, waiting FROM usom.load_batches;

-- History
INSERT INTO usom.load_document (batch, document) VALUES
  ('old shop', '{"order_no": "OLD-1", "placed_at": "2020-01-02T10:00:00Z", "currency": "EUR", "status": "delivered", "total": 27,
    "lines": [{"sku": "MUG", "quantity": 10, "unit_price": 3, "cancelled": 1}],
    "shipments": [{"location": "MAIN", "carrier": "DHL", "shipped_at": "2020-01-03T10:00:00Z", "delivered_at": "2020-01-05T10:00:00Z"}],
    "returns": [{"return_no": "RMA-1", "received_at": "2020-01-09T10:00:00Z", "lines": [{"line_no": 1, "quantity": 2}]}]}'),
  ('old shop', '{"order_no": "OLD-2", "placed_at": "2020-01-02T10:00:00Z", "currency": "EUR", "status": "delivered", "total": 9,
    "lines": [{"sku": "MUG", "quantity": 3, "unit_price": 3}],
    "shipments": [{"location": "MAIN", "shipped_at": "2020-01-01T10:00:00Z", "lines": [{"line_no": 1, "quantity": 2}]}]}');
CALL usom.load_history('old shop');
SELECT outcome, order_no, sqlstate FROM usom.load_document WHERE batch = 'old shop' ORDER BY ordinal;
SELECT regexp_split_to_table(substring(message FROM '\((.*)\.\)'), '; ') AS contradiction FROM usom.load_document WHERE batch = 'old shop' AND outcome = 'rejected';

SELECT order_no, line_no, piece_no, status, quantity, shipment_no FROM usom.order_pieces WHERE order_no = 'OLD-1' ORDER BY piece_no;
SELECT sku, on_hand, reserved FROM usom.stock_position WHERE sku = 'MUG';

SELECT status, measure, brought, stands, ok FROM usom.verify_load('old shop');

-- Without a connection
SELECT right(client_id, 4) AS client, outcome, order_no, line_no, field, told, actual FROM usom.sync_orders('[
  {"client_id": "8c1f0a52-6f5e-4f0e-9a3b-0d4a7c1e0001", "channel": "rep", "placed_at": "2024-05-01T09:00:00Z",
   "lines": [{"sku": "MUG", "quantity": 2, "unit_price": 4.50}], "told": {"total": 9}},
  {"client_id": "8c1f0a52-6f5e-4f0e-9a3b-0d4a7c1e0002", "channel": "rep", "placed_at": "2024-05-01T09:30:00Z",
   "lines": [{"sku": "BOWL", "quantity": 150, "unit_price": 9}], "told": {"lines": [{"line_no": 1, "unit_price": 8.50, "quantity_now": 150}]}}]');

\c :home
DROP DATABASE usom_story;
