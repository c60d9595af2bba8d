-- Units with serial numbers: each is one line's, and leaves by its number.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
\set SHOW_CONTEXT never
INSERT INTO usom.organisation (code) VALUES ('serials');
SET usom.org = 'serials';
INSERT INTO usom.location (code, priority) VALUES ('SER-A', 1), ('SER-B', 2);
INSERT INTO usom.product (sku, tracking) VALUES ('SER-1', 'serial'), ('SER-2', 'serial'), ('SER-0', 'none');
CREATE FUNCTION pg_temp.ask(sku text, quantity numeric, id text) RETURNS text LANGUAGE sql AS $$
	SELECT p.order_no FROM usom.place_order(jsonb_build_object('external_id', id, 'lines', jsonb_build_array(jsonb_build_object('sku', sku, 'quantity', quantity, 'unit_price', 1)))) p
$$;
CREATE VIEW pg_temp.units AS
SELECT s.sku, s.serial, s.status, s.location, o.external_id AS asked, s.line_no, s.reference IS NOT NULL AS documented
FROM usom.serials s LEFT JOIN usom.orders o USING (order_no);

-- In by number, and by number alone; each is in stock once.
SELECT * FROM usom.receive_serials('SER-A', 'SER-1', ARRAY['a', 'b', 'c', 'd'], 'PO-1');
SELECT * FROM usom.receive_serials('SER-B', 'SER-1', ARRAY['e']);
SELECT * FROM usom.receive_serials('SER-B', 'SER-1', ARRAY['f', 'a']);
SELECT * FROM usom.receive_serials('SER-B', 'SER-1', ARRAY['f', 'f']);
SELECT * FROM usom.receive_serials('SER-B', 'SER-1', ARRAY['f', '']);
SELECT * FROM usom.receive_serials('SER-B', 'SER-1', ARRAY[]::text[]);
SELECT * FROM usom.receive_serials('SER-B', 'SER-1', NULL);
SELECT * FROM usom.receive_serials('SER-A', 'SER-0', ARRAY['x']);
SELECT * FROM usom.receive_stock('SER-A', 'SER-1', 1);
SELECT * FROM usom.adjust_stock('SER-A', 'SER-1', -1, 'lost');
SELECT * FROM usom.count_stock('SER-A', 'SER-1', 3);
SELECT * FROM usom.count_stock('SER-A', 'SER-1', 4);
-- The same number of another product is another unit.
SELECT on_hand FROM usom.receive_serials('SER-A', 'SER-2', ARRAY['a']);

-- Out by number.
SELECT * FROM usom.remove_serials('SER-A', 'SER-1', ARRAY['e'], 'broken');
SELECT * FROM usom.remove_serials('SER-A', 'SER-1', ARRAY['d'], 'broken');
SELECT * FROM usom.remove_serials('SER-A', 'SER-1', ARRAY['d'], 'broken');
SELECT kind, delta::real, reason FROM usom.stock_movement WHERE org_id = usom.current_org() AND product_id = usom.product_id('SER-1') ORDER BY stock_movement_id;

-- Nothing leaves without its number.
SELECT pg_temp.ask('SER-1', 2, 'ser-1') AS one, pg_temp.ask('SER-1', 1, 'ser-2') AS two \gset
SELECT status FROM usom.release_order(:'one');
SELECT * FROM pg_temp.refused(format($$SELECT usom.ship(%L)$$, :'one'));
SELECT * FROM pg_temp.refused(format($$SELECT usom.assign_serials(%L, 1, ARRAY['b', 'e'])$$, :'one'));
SELECT usom.assign_serials(:'one', 1, ARRAY['b', 'd']);
SELECT * FROM pg_temp.refused(format($$SELECT usom.assign_serials(%L, 1, ARRAY['a', 'b', 'c'])$$, :'one'));
SELECT usom.assign_serials(:'one', 1, ARRAY['a', 'b']);
SELECT * FROM pg_temp.refused(format($$SELECT usom.assign_serials(%L, 1, ARRAY['b'])$$, :'two'));
SELECT usom.assign_serials(:'two', 1, ARRAY['c']);
SELECT * FROM pg_temp.units ORDER BY 1, 2;
-- A later word stands: who was named before has to make room.
SELECT usom.assign_serials(:'one', 1, ARRAY['b']);
SELECT serial, status FROM pg_temp.units WHERE asked = 'ser-1' ORDER BY 1;
SELECT usom.cancel_order(:'two', 'never mind') \g /dev/null
SELECT usom.assign_serials(:'one', 1, ARRAY['c']);
SELECT serial, status, asked FROM pg_temp.units WHERE sku = 'SER-1' ORDER BY 1;
SELECT usom.ship(:'one', '[{"line_no": 1, "quantity": 1}]') IS NOT NULL AS shipped;
SELECT serial, status, asked FROM pg_temp.units WHERE sku = 'SER-1' ORDER BY 1;
SELECT usom.ship(:'one') IS NOT NULL AS shipped;
SELECT serial, status, asked FROM pg_temp.units WHERE sku = 'SER-1' ORDER BY 1;
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.receive_serials('SER-A', 'SER-1', ARRAY['c'])$$);
SELECT on_hand, available FROM usom.receive_serials('SER-A', 'SER-1', ARRAY['d']);
-- Of a line without numbers none are told.
SELECT * FROM pg_temp.refused(format($$SELECT usom.assign_serials(%L, 1, ARRAY['a'])$$, pg_temp.ask('SER-0', 1, 'ser-0')));

SELECT * FROM usom.verify();
RESET usom.org;
