-- tick() divides the stock of products that many wait for into stripes, and merges it when they are wanted no more.
-- What it sees is given here; test/isolation/specs/hot_tick.spec has those who wait.
\set VERBOSITY terse
INSERT INTO usom.organisation (code) VALUES ('heat');
SET usom.org = 'heat';
INSERT INTO usom.location (code, priority) VALUES ('W', 1), ('X', 2);
INSERT INTO usom.product (sku, tracking) VALUES ('HEAT-A', 'none'), ('HEAT-B', 'none'), ('HEAT-C', 'none'), ('HEAT-LOT', 'lot');
SELECT count(*) FROM (VALUES ('HEAT-A', 'W', 10000), ('HEAT-A', 'X', 50), ('HEAT-B', 'W', 15), ('HEAT-C', 'W', 1000)) v (sku, location, units), usom.receive_stock(v.location, v.sku, v.units);
SELECT count(*) FROM usom.receive_stock('W', 'HEAT-LOT', 100, 'L1');
CREATE FUNCTION heat_seen(VARIADIC seen text[]) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('org_id', usom.current_org(), 'product_id', usom.product_id(split_part(s, ' ', 1)),
		'location_id', usom.location_id(split_part(s, ' ', 2)), 'waiters', split_part(s, ' ', 3)::integer)) FROM unnest(seen) s
$$;
CREATE FUNCTION heat_buy(sku text, units integer DEFAULT 1) RETURNS numeric LANGUAGE sql AS $$
	SELECT quantity_reserved FROM usom.place_order(jsonb_build_object('lines', jsonb_build_array(jsonb_build_object('sku', sku, 'quantity', units, 'unit_price', 1))))
$$;
CREATE VIEW heat_now AS SELECT sku, location, stripes, by_tick, waiters, rests_until IS NOT NULL AS rests FROM usom.hot_products ORDER BY 1, 2;

-- One who waits is none; two are; with several at once each is told apart.
CALL usom._tend_stripes(heat_seen('HEAT-A W 1'));
SELECT * FROM heat_now;
CALL usom._tend_stripes(heat_seen('HEAT-A W 2', 'HEAT-A X 3', 'HEAT-C W 1'));
SELECT * FROM heat_now;
SELECT sku, location, count(*) AS stripes FROM usom.stock_stripes WHERE sku LIKE 'HEAT-%' GROUP BY 1, 2 ORDER BY 1, 2;

-- Too few units for stripes, a lot, an unknown product: left as they are.
CALL usom._tend_stripes(heat_seen('HEAT-B W 9', 'HEAT-LOT W 9') || jsonb_build_array(jsonb_build_object('org_id', usom.current_org(), 'product_id', 7, 'location_id', 7, 'waiters', 9)));
SELECT * FROM heat_now;

-- Still somebody waits, although its stripes serve orders: it gets more, up to the limit of the organisation.
SELECT heat_buy('HEAT-A');
CALL usom._tend_stripes(heat_seen('HEAT-A W 5'));
SELECT * FROM heat_now WHERE location = 'W';
SELECT heat_buy('HEAT-A', 2);
UPDATE usom.organisation SET hot_stripes = 40 WHERE org_id = usom.current_org();
CALL usom._tend_stripes(heat_seen('HEAT-A W 5'));
SELECT heat_buy('HEAT-A', 3);
CALL usom._tend_stripes(heat_seen('HEAT-A W 5'));
SELECT * FROM heat_now WHERE location = 'W';

-- A lower limit counts at once.
UPDATE usom.organisation SET hot_stripes = 8 WHERE org_id = usom.current_org();
CALL usom._tend_stripes('[]');
SELECT * FROM heat_now;

-- Nobody waits: they stay as long as hot_for says, and go then.
CALL usom._tend_stripes('[]');
SELECT * FROM heat_now;
UPDATE usom.organisation SET hot_stripes = 64, hot_for = '0' WHERE org_id = usom.current_org();
CALL usom._tend_stripes('[]');
SELECT * FROM heat_now;
SELECT count(*) AS stripes FROM usom.stock_stripes WHERE sku LIKE 'HEAT-%';

-- Stripes that serve nobody although many wait only cost: they are merged, and it is not tried again for a day.
UPDATE usom.organisation SET hot_for = '1 hour' WHERE org_id = usom.current_org();
CALL usom._tend_stripes(heat_seen('HEAT-C W 4'));
SELECT * FROM heat_now WHERE sku = 'HEAT-C';
CALL usom._tend_stripes(heat_seen('HEAT-C W 4'));
SELECT * FROM heat_now WHERE sku = 'HEAT-C';
CALL usom._tend_stripes(heat_seen('HEAT-C W 4'));
SELECT * FROM heat_now WHERE sku = 'HEAT-C';

-- What is set by hand is never touched; set back to one row it is tick()'s again.
SELECT count(*) FROM usom.set_stock_stripes('HEAT-A', 'W', 4);
SELECT * FROM heat_now WHERE sku = 'HEAT-A';
CALL usom._tend_stripes(heat_seen('HEAT-A W 9'));
UPDATE usom.organisation SET hot_stripes = 0, hot_for = '0' WHERE org_id = usom.current_org();
CALL usom._tend_stripes('[]');
SELECT count(*) AS stripes FROM usom.stock_stripes WHERE sku = 'HEAT-A' AND location = 'W';
SELECT count(*) FROM usom.set_stock_stripes('HEAT-A', 'W', 0);
CALL usom._tend_stripes(heat_seen('HEAT-A W 9'));
SELECT count(*) AS stripes FROM usom.stock_stripes WHERE sku = 'HEAT-A' AND location = 'W';
UPDATE usom.organisation SET hot_stripes = 64 WHERE org_id = usom.current_org();
CALL usom._tend_stripes(heat_seen('HEAT-A W 9'));
SELECT count(*) AS stripes FROM usom.stock_stripes WHERE sku = 'HEAT-A' AND location = 'W';

-- The same number by hand is by hand.
SELECT count(*) FROM usom.set_stock_stripes('HEAT-A', 'W', 8);
CALL usom._tend_stripes('[]');
SELECT count(*) AS stripes FROM usom.stock_stripes WHERE sku = 'HEAT-A' AND location = 'W';

-- Nothing was lost, nobody waits just now, and settings have bounds.
SELECT sku, location, on_hand, reserved, available FROM usom.stock_position WHERE sku LIKE 'HEAT-%' ORDER BY 1, 2;
SELECT count(*) FROM usom._stock_waits(2, 1);
UPDATE usom.organisation SET hot_stripes = 257 WHERE org_id = usom.current_org();
UPDATE usom.organisation SET hot_waiters = 0 WHERE org_id = usom.current_org();
UPDATE usom.organisation SET hot_for = '-1 s' WHERE org_id = usom.current_org();
SELECT * FROM usom.verify();
DROP VIEW heat_now;
DROP FUNCTION heat_seen(text[]), heat_buy(text, integer);
RESET usom.org;
