-- The SQL of doc/edi.md, made by tools/make-story.sh: edit the document.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS usom_story;
CREATE DATABASE usom_story TEMPLATE template0;
\c usom_story
SET lc_messages = 'C';
SET client_min_messages = warning;
CREATE EXTENSION usom;
SELECT count(*) > 0 AS installed FROM usom.install();

-- From files to orders
SET timezone = 'UTC';
INSERT INTO usom.location (code) VALUES ('MAIN');
INSERT INTO usom.product (sku) VALUES ('AB3542'), ('RD5322');
INSERT INTO usom.customer (code) VALUES ('XYZ');
INSERT INTO usom.product_unit (sku, unit, quantity) VALUES ('RD5322', 'CA', 12);
SELECT location, sku, on_hand FROM unnest(ARRAY['AB3542', 'RD5322']) p, usom.receive_stock('MAIN', p, 100);
SELECT count(usom.add_mapping(code, 'edi')) FROM usom.standard_mappings() WHERE code ~ '^(edi|x12|edifact|tradacoms|ubl)_';
INSERT INTO usom.mapping_value (list, source, target) VALUES
  ('party', '4405197800', 'XYZ'),       -- whoever sends as 4405197800, or has that number as buyer, is this customer
  ('item', '065322-117', 'AB3542');     -- what they call it is not what we do

SELECT status, outcome, order_no FROM usom.ingest('edi', '{"format": "x12", "type": "850", "interchange": {"sender": "4405197800", "control": "3438"},
  "BEG": [{"BEG01": "00", "BEG02": "SA", "BEG03": "08292233294", "BEG05": "20261101"}], "CUR": [{"CUR01": "BY", "CUR02": "USD"}],
  "PO1": [{"PO101": "1", "PO102": "20", "PO103": "EA", "PO104": "9.25", "ids": {"CB": "065322-117"}},
          {"PO101": "2", "PO102": "10", "PO103": "CA", "PO104": "165.48", "ids": {"CB": "066850-116", "VN": "RD5322"}}]}');
SELECT o.customer, o.external_id, l.line_no, l.sku, l.quantity, l.unit_price FROM usom.orders o JOIN usom.order_lines l USING (order_no) ORDER BY line_no;

DELETE FROM usom.mapping_field WHERE mapping_id = usom.mapping_id('x12_850') AND source::text = '$."ids"."VP"';

-- What cannot be read
SELECT status, f ->> 'path' AS path, f ->> 'message' AS message FROM usom.ingest('edi', '{"format": "x12", "type": "850", "interchange": {"sender": "4405197800"},
  "BEG": [{"BEG03": "PO-9"}], "PO1": [{"PO102": "1", "ids": {"VN": "AB3542"}}],
  "errors": [{"path": "segment 35, IEA02", "message": "segment 35, IEA02: control number 1, where ISA13 has 55"}], "raw": "ISA*00*..."}') m, jsonb_array_elements(m.findings) f;

SELECT m.status, m.outcome, m.order_no FROM usom.inbox i, usom.mend(i.message_no, '[{"path": ["errors"], "remove": true}]', 'their trailers are always wrong') m WHERE i.status = 'dead';

-- Changes
SELECT status, outcome FROM usom.ingest('edi', '{"format": "x12", "type": "860", "interchange": {"sender": "4405197800"}, "BCH": [{"BCH01": "04", "BCH03": "PO-9", "BCH05": "1"}],
  "POC": [{"POC01": "1", "POC02": "QI", "POC03": "150", "POC05": "EA", "ids": {"VN": "AB3542"}}]}');

-- Answers
SELECT line_no, status, quantity, quantity_accepted, quantity_backordered FROM usom.order_response_lines WHERE order_no = 'SO-000002';
SELECT a ->> 'ACK01' AS ack, a ->> 'ACK02' AS quantity FROM usom.x12_855, jsonb_path_query(document, '$.PO1.ACK[*]') a WHERE external_id = 'PO-9';

\c :home
DROP DATABASE usom_story;
