-- Units with serial numbers come back under their numbers.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
INSERT INTO usom.organisation (code) VALUES ('returns_serial');
SET usom.org = 'returns_serial';
INSERT INTO usom.location (code) VALUES ('RS-A'), ('RS-B');
INSERT INTO usom.product (sku, tracking, category) VALUES ('RS-1', 'serial', 'now'), ('RS-2', 'serial', 'later');
INSERT INTO usom.return_rule (code, category, inspects) VALUES ('RS', 'later', true);
SELECT on_hand FROM usom.receive_serials('RS-A', 'RS-1', ARRAY['a', 'b', 'c']);
SELECT on_hand FROM usom.receive_serials('RS-A', 'RS-2', ARRAY['m', 'n', 'o', 'p']);
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "RS-1", "quantity": 2, "unit_price": 5}, {"sku": "RS-2", "quantity": 4, "unit_price": 7}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 2, "serials": ["a", "b"]}, {"line_no": 2, "quantity": 4, "serials": ["m", "n", "o", "p"]}]') IS NOT NULL AS shipped;
CREATE VIEW pg_temp.units AS SELECT s.sku, s.serial, s.status, s.location, s.order_no IS NOT NULL AS of_order FROM usom.serials s;
-- Taken back at once: by number, of those that were shipped.
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 1}]', 'x') AS r \gset
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.receive_return(%L)', :'r'));
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.receive_return(%L, %L)', :'r', '[{"line_no": 1, "quantity": 1, "serials": ["c"]}]'));
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.receive_return(%L, %L)', :'r', '[{"line_no": 1, "quantity": 1, "lot": "L"}]'));
SELECT status FROM usom.receive_return(:'r', '[{"line_no": 1, "quantity": 1, "serials": ["b"]}]', 'RS-B');
SELECT * FROM pg_temp.units WHERE sku = 'RS-1' ORDER BY 1, 2;
-- Inspected: they are named when somebody looks at them.
SELECT usom.authorize_return(:'o', '[{"line_no": 2, "quantity": 4}]', 'x') AS r \gset
SELECT status FROM usom.receive_return(:'r');
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.inspect_return(%L)', :'r'));
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.inspect_return(%L, %L)', :'r', '[{"line_no": 2, "quantity": 1, "serials": 7}]'));
SELECT status FROM usom.inspect_return(:'r', '[{"line_no": 2, "quantity": 1, "serials": ["n"]}, {"line_no": 2, "quantity": 1, "disposition": "scrap", "serials": ["m"]}, {"line_no": 2, "quantity": 1, "disposition": "refurbish", "serials": ["o"]}, {"line_no": 2, "quantity": 1, "disposition": "reject"}]');
SELECT * FROM pg_temp.units WHERE sku = 'RS-2' ORDER BY 1, 2;
SELECT * FROM usom.verify();
-- What is repaired comes in again.
SELECT status FROM usom.inspect_return(:'r', '[{"line_no": 2, "quantity": 1, "disposition": "restock", "serials": ["o"]}]');
SELECT * FROM pg_temp.units WHERE sku = 'RS-2' ORDER BY 1, 2;
SELECT * FROM pg_temp.shelf('RS-%');
SELECT * FROM usom.verify();
