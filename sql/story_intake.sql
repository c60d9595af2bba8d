-- The SQL of doc/intake.md, made by tools/make-story.sh: edit the document.
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

-- A message
SELECT message_no, status, outcome, order_no FROM usom.ingest('web', '{"lines": [{"sku": "MUG", "quantity": 2, "unit_price": 4.50}]}', 'A-1');

SELECT status, outcome, order_no FROM usom.ingest('web', '{"lines": [{"sku": "MUG", "quantity": 3, "unit_price": 4.50}, {"sku": "BOWL", "quantity": 1, "unit_price": 9}]}', 'A-1', 3);

SELECT status, findings #>> '{0,message}' AS finding FROM usom.ingest('web', '{"lines": [{"sku": "MUG", "quantity": 9}]}', 'A-1', 2);

-- What cannot be placed
SELECT message_no, status, f ->> 'path' AS path, f ->> 'code' AS code, f ->> 'detail' AS detail
FROM usom.ingest('web', '{"lines": [{"sku": "MUGG", "quantity": 1, "unit_price": 4.50}]}', 'A-2') m, jsonb_array_elements(m.findings) f;

SELECT status, outcome, order_no FROM usom.mend('MS-000004', '[{"path": ["lines", "0", "sku"], "value": "MUG"}]', 'misspelt in their catalogue');

-- Payloads of other shapes
SELECT code, kind FROM usom.standard_mappings();

INSERT INTO usom.mapping (code, channel, applies, lines) VALUES ('partner', 'edi', 'exists ($.bestellung)', '$.bestellung.positionen[*]');
INSERT INTO usom.mapping_field (mapping_id, target, source, transforms, argument, required)
SELECT usom.mapping_id('partner'), f.target, f.source::jsonpath, f.transforms, f.argument, f.required FROM (VALUES
  ('external_id', '$.bestellung.nummer', ARRAY['trim'], '{}'::jsonb, true),
  ('placed_at', '$.bestellung.datum', ARRAY['date'], '{"date": "DD.MM.YYYY", "zone": "Europe/Berlin"}', false),
  ('lines[].sku', '$.artikel', ARRAY['trim', 'upper'], '{}', true),
  ('lines[].quantity', '$.menge', ARRAY['number'], '{"decimal": ","}', true),
  ('lines[].unit_price', '$.cent', ARRAY['number', 'multiply'], '{"multiply": 0.01}', false)) f (target, source, transforms, argument, required);

SELECT kind, mapping, jsonb_pretty(document) AS document
FROM usom.map_payload('edi', '{"bestellung": {"nummer": " 4711 ", "datum": "24.12.2026", "positionen": [{"artikel": "mug", "menge": "1,5", "cent": 450}]}}');

SELECT f ->> 'path' AS path, f ->> 'source' AS source, f ->> 'message' AS message
FROM usom.ingest('edi', '{"bestellung": {"nummer": "4712", "positionen": [{"artikel": "MUG", "menge": "viele"}, {"menge": "1"}]}}') m, jsonb_array_elements(m.findings) f;

\c :home
DROP DATABASE usom_story;
