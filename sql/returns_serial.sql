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
-- A line that left from two places: each unit comes back to the piece and the shelf that it left with.
SELECT on_hand FROM usom.receive_serials('RS-B', 'RS-1', ARRAY['x', 'y']);
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "RS-1", "quantity": 4, "unit_price": 5}]}') \gset
SELECT status FROM usom.allocate_order(:'o');
SELECT location, quantity FROM usom.order_pieces WHERE order_no = :'o' ORDER BY 1;
SELECT usom.assign_serials(:'o', 1, '{b,c,x,y}');
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 2}]', 'x') AS r \gset
SELECT s.serial AS of_a FROM usom.serials s WHERE s.order_no = :'o' AND s.location = 'RS-A' ORDER BY 1 LIMIT 1 \gset
SELECT s.serial AS of_b FROM usom.serials s WHERE s.order_no = :'o' AND s.location = 'RS-B' ORDER BY 1 LIMIT 1 \gset
SELECT status FROM usom.receive_return(:'r', jsonb_build_array(jsonb_build_object('line_no', 1, 'quantity', 2, 'serials', jsonb_build_array(:'of_a', :'of_b'))));
SELECT location, status, sum(quantity) AS units FROM usom.order_pieces WHERE order_no = :'o' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT * FROM pg_temp.units WHERE sku = 'RS-1' ORDER BY 1, 2;
SELECT * FROM usom.verify();
-- A shipment that never arrives: its units are those that left with it, as far as that can be known.
SELECT on_hand FROM usom.receive_serials('RS-A', 'RS-1', ARRAY['k1', 'k2', 'k3', 'k4']);
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "RS-1", "quantity": 3, "unit_price": 5, "location": "RS-A"}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 1, "serials": ["k1"]}]') AS s1 \gset
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 2, "serials": ["k3", "k4"]}]') AS s2 \gset
SELECT status FROM usom.return_to_sender(:'s2', 'nobody at home');
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.receive_undelivered(%L)', :'s2'));
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.receive_undelivered(%L, serials => %L)', :'s2', '{k2,k3}'));
SELECT status FROM usom.receive_undelivered(:'s2', 'nobody at home', serials => '{k3,k4}');
SELECT status FROM usom.receive_undelivered(:'s2', 'nobody at home', serials => '{k3,k4}');
SELECT status FROM usom.return_to_sender(:'s1', 'nobody at home');
SELECT status FROM usom.receive_undelivered(:'s1', 'nobody at home', 'scrap');
SELECT * FROM pg_temp.units WHERE serial LIKE 'k%' ORDER BY 1, 2;
SELECT * FROM usom.verify();
