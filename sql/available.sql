-- available() answers the same past the executor and by its statement, whatever there is of a product.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
INSERT INTO usom.organisation (code) VALUES ('available');
SET usom.org = 'available';
INSERT INTO usom.location (code, active) VALUES ('AVL-A', true), ('AVL-B', true), ('AVL-OFF', true);
INSERT INTO usom.product (sku, kind, tracking) VALUES ('AVL-PLAIN', 'physical', 'none'), ('AVL-NONE', 'physical', 'none'), ('AVL-HELD', 'physical', 'none'), ('AVL-PAST', 'physical', 'none'),
	('AVL-SAFE', 'physical', 'none'), ('AVL-LOT', 'physical', 'lot'), ('AVL-STRIPES', 'physical', 'none'), ('AVL-KIT', 'kit', 'none'), ('AVL-WORK', 'service', 'none');
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) VALUES (usom.product_id('AVL-KIT'), usom.product_id('AVL-PLAIN'), 3);
SELECT count(*) FROM unnest('{AVL-A,AVL-B,AVL-OFF}'::text[]) l, unnest('{PLAIN,HELD,PAST,SAFE,STRIPES}'::text[]) p, usom.receive_stock(l, 'AVL-' || p, 100.5);
SELECT count(*) FROM generate_series(1, 4) n, usom.receive_stock('AVL-A', 'AVL-LOT', n, lot => 'L' || n);
UPDATE usom.lot SET expires_at = '2001-01-01' WHERE org_id = usom.current_org() AND lot = 'L2';
UPDATE usom.lot SET expires_at = '2199-01-01' WHERE org_id = usom.current_org() AND lot = 'L3';
UPDATE usom.location SET active = false WHERE org_id = usom.current_org() AND code = 'AVL-OFF';
SELECT count(usom.reserve_stock('cart', 'AVL-A', 'AVL-HELD', 2.25, '1 hour'));
SELECT count(usom.reserve_stock('cart', 'AVL-A', 'AVL-PAST', 2.25, '1 millisecond'));
SELECT count(*) FROM usom.set_safety('AVL-A', 'AVL-SAFE', 1000) a, usom.set_safety('AVL-B', 'AVL-SAFE', 0.000001) b;
SELECT count(*) FROM usom.set_stock_stripes('AVL-STRIPES', 'AVL-A', 4);
SELECT count(*) FROM usom.place_order('{"lines": [{"sku": "AVL-PLAIN", "quantity": 7, "unit_price": 1}, {"sku": "AVL-STRIPES", "quantity": 9, "unit_price": 1}]}');
SELECT pg_sleep(0.002);
CREATE FUNCTION pg_temp.answer(direct boolean, sku text, location text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('usom.direct', direct::text, false);
	RETURN usom.available(sku, location);
EXCEPTION WHEN OTHERS THEN
	RETURN sqlstate || ' ' || sqlerrm;
END
$$;
CREATE VIEW pg_temp.answers AS SELECT p.sku, l.code AS location, pg_temp.answer(true, p.sku, l.code) AS direct, pg_temp.answer(false, p.sku, l.code) AS statement
FROM (SELECT sku FROM usom.product WHERE org_id = usom.current_org() UNION ALL VALUES ('AVL-NEVER')) p,
	(SELECT code FROM usom.location WHERE org_id = usom.current_org() UNION ALL VALUES (NULL), ('AVL-NOWHERE')) l;
SELECT sku, location, direct, statement = direct AS same FROM pg_temp.answers ORDER BY sku, location;
-- How many statements each way takes; the plain case is one.
CREATE FUNCTION pg_temp.statements(direct boolean, sku text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE before bigint := usom._statement_count(); BEGIN PERFORM pg_temp.answer(direct, sku, 'AVL-A'); RETURN usom._statement_count() - before; END $$;
SELECT sku, pg_temp.statements(true, sku) AS direct, pg_temp.statements(false, sku) AS statements FROM usom.product WHERE org_id = usom.current_org() ORDER BY sku;
-- What the same transaction has done counts.
BEGIN;
SELECT count(*) FROM usom.receive_stock('AVL-B', 'AVL-PLAIN', 1);
UPDATE usom.location SET active = true WHERE org_id = usom.current_org() AND code = 'AVL-OFF';
SELECT * FROM pg_temp.answers WHERE sku = 'AVL-PLAIN' ORDER BY location;
ROLLBACK;
SELECT * FROM pg_temp.answers WHERE sku = 'AVL-PLAIN' ORDER BY location;
RESET usom.direct;
