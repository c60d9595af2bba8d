-- Pre-orders: sold before the release, served before later orders when stock comes, at the price agreed.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('pre_orders');
SET usom.org = 'pre_orders';
INSERT INTO usom.location (code) VALUES ('PRE-A');
INSERT INTO usom.product (sku, name) VALUES ('PRE-GAME', 'The game of the year'), ('PRE-BOX', 'A box'), ('PRE-OPEN', 'As many as you like');
CREATE FUNCTION pg_temp.ask(name text, sku text, quantity numeric, more jsonb DEFAULT '{}') RETURNS TABLE (order_no text, reserved numeric, backordered numeric, promised_at timestamptz, messages jsonb) LANGUAGE sql AS $$
	SELECT p.order_no, p.quantity_reserved, p.quantity_backordered, p.promised_at, p.messages
	FROM usom.place_order(jsonb_build_object('external_id', name, 'lines', jsonb_build_array(jsonb_build_object('sku', sku, 'quantity', quantity, 'unit_price', 50))) || more) p
$$;

-- 10 are sold before the first of March; more are refused.
INSERT INTO usom.pre_order_offer (sku, opens_at, release_at, quantity) VALUES ('PRE-GAME', now() - interval '2 days', '2100-03-01', 10);
SELECT reserved, backordered, promised_at, messages FROM pg_temp.ask('ann', 'PRE-GAME', 4, '{"order_type": "pre_order"}');
-- Who does not say pre_order waits as well.
SELECT reserved, backordered, promised_at FROM pg_temp.ask('bob', 'PRE-GAME', 3);
SELECT * FROM pg_temp.refused($$SELECT * FROM pg_temp.ask('cid', 'PRE-GAME', 4)$$);
SELECT order_no AS dan, backordered FROM pg_temp.ask('dan', 'PRE-GAME', 3) \gset
SELECT sku, release_at, quantity, used, "left", waiting, released, ended_at FROM usom.pre_orders;

-- What a customer gives back is sold again; what is taken back is conserved over changes.
SELECT status FROM usom.cancel_order(:'dan', 'changed my mind');
SELECT used, "left" FROM usom.pre_orders;
SELECT order_no AS eve, backordered FROM pg_temp.ask('eve', 'PRE-GAME', 1) \gset
SELECT status FROM usom.change_order(:'eve', '{"lines": [{"line_no": 1, "quantity": 3}]}');
SELECT used, "left" FROM usom.pre_orders;
SELECT * FROM pg_temp.refused(format($$SELECT * FROM usom.change_order(%L, '{"lines": [{"line_no": 1, "quantity": 4}]}')$$, :'eve'));
SELECT status FROM usom.change_order(:'eve', '{"lines": [{"line_no": 1, "quantity": 2}]}');
SELECT used, "left" FROM usom.pre_orders;
SELECT * FROM usom.verify();

-- Stock that comes before the release is nobody's yet.
SELECT on_hand FROM usom.receive_stock('PRE-A', 'PRE-GAME', 8);
SELECT count(*) FROM usom.fill_backorders('PRE-GAME');
SELECT count(*) FROM usom.convert_pre_orders('PRE-GAME');
SELECT location, reason_code, reason, available FROM usom.why_not_allocated(:'eve', 1);

-- The release. A new order, and an urgent one, come before anybody has converted anything: they get what the pre-orders leave.
UPDATE usom.pre_order_offer SET release_at = now() - interval '1 minute' WHERE sku = 'PRE-GAME';
SELECT reserved, backordered FROM pg_temp.ask('fay', 'PRE-GAME', 2, '{"priority": 1}');
SELECT o.external_id, f.line_no, f.quantity FROM usom.convert_pre_orders() f JOIN usom.orders o ON o.order_no = f.order_no ORDER BY 1;
-- 9 were waiting, 8 had come: eve waits for one, and is before fay.
SELECT sku, used, waiting, released, ended_at FROM usom.pre_orders;
SELECT on_hand FROM usom.receive_stock('PRE-A', 'PRE-GAME', 2);
SELECT reserved, backordered FROM pg_temp.ask('gus', 'PRE-GAME', 2, '{"priority": 1}');
SELECT o.external_id, f.line_no, f.quantity FROM usom.fill_backorders('PRE-GAME') f JOIN usom.orders o ON o.order_no = f.order_no ORDER BY 1;
SELECT count(*) FROM usom.convert_pre_orders();
SELECT sku, used, waiting, ended_at IS NOT NULL AS ended FROM usom.pre_orders;
SELECT o.external_id, l.unit_price, l.quantity_reserved AS reserved, l.quantity_backordered AS backordered FROM usom.order_lines l JOIN usom.orders o ON o.order_no = l.order_no WHERE o.status <> 'cancelled' ORDER BY 1;
-- It is an ordinary product from now on.
SELECT on_hand FROM usom.receive_stock('PRE-A', 'PRE-GAME', 10);
SELECT reserved, backordered FROM pg_temp.ask('hal', 'PRE-GAME', 4);
SELECT * FROM usom.verify();

-- A line that is beyond what is sold may wait instead, without a promise.
INSERT INTO usom.pre_order_offer (sku, release_at, quantity, when_full) VALUES ('PRE-BOX', '2100-03-01', 5, 'wait');
SELECT backordered, promised_at FROM pg_temp.ask('ann2', 'PRE-BOX', 4);
SELECT backordered, promised_at IS NULL AS no_promise FROM pg_temp.ask('bob2', 'PRE-BOX', 4);
SELECT used, waiting FROM usom.pre_orders WHERE sku = 'PRE-BOX';
-- Any number
INSERT INTO usom.pre_order_offer (sku, release_at) VALUES ('PRE-OPEN', '2100-03-01');
SELECT backordered, promised_at FROM pg_temp.ask('ann3', 'PRE-OPEN', 100000);
SELECT used, "left" FROM usom.pre_orders WHERE sku = 'PRE-OPEN';

-- What makes no sense is refused.
SELECT * FROM pg_temp.refused($$INSERT INTO usom.pre_order_offer (sku, release_at) VALUES ('none', '2100-03-01')$$);
SELECT * FROM pg_temp.refused($$INSERT INTO usom.pre_order_offer (sku, release_at) VALUES ('PRE-OPEN', '2100-04-01')$$);
SELECT * FROM pg_temp.refused($$INSERT INTO usom.pre_order_offer (sku, release_at) VALUES ('PRE-GAME', '2000-03-01')$$);
SELECT * FROM usom.verify();
