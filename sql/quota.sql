-- Quotas: scarce stock goes by rule, not to whoever called last.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('quotas');
SET usom.org = 'quotas';
INSERT INTO usom.location (code) VALUES ('QTA-A');
INSERT INTO usom.product (sku, category) VALUES ('QTA-1', 'QTA'), ('QTA-2', 'QTA'), ('QTA-3', NULL), ('QTA-4', NULL);
INSERT INTO usom.customer (code, segment) VALUES ('QTA-GOLD', 'gold'), ('QTA-IRON', 'iron');
SELECT usom.receive_stocks('[{"location": "QTA-A", "sku": "QTA-1", "quantity": 100}, {"location": "QTA-A", "sku": "QTA-2", "quantity": 100}]');
CREATE FUNCTION pg_temp.ask(channel text, sku text, quantity numeric, more jsonb DEFAULT '{}') RETURNS TABLE (order_no text, reserved numeric, backordered numeric, messages jsonb) LANGUAGE sql AS $$
	SELECT p.order_no, p.quantity_reserved, p.quantity_backordered, p.messages
	FROM usom.place_order(jsonb_build_object('channel', channel, 'lines', jsonb_build_array(jsonb_build_object('sku', sku, 'quantity', quantity, 'unit_price', 1) || more - 'customer' - 'ship_to')) || more - 'partial') p
$$;

-- A ceiling: the web shop gets 30 of the category, whatever the product.
INSERT INTO usom.quota (code, category, channel, quantity) VALUES ('QTA-WEB', 'QTA', 'web', 30);
SELECT reserved, backordered, messages FROM pg_temp.ask('web', 'QTA-1', 20);
SELECT order_no AS o, reserved, backordered, messages FROM pg_temp.ask('web', 'QTA-2', 20) \gset
SELECT :reserved AS reserved, :backordered AS backordered, :'messages' AS messages;
SELECT reserved, backordered, messages FROM pg_temp.ask('web', 'QTA-2', 20);
SELECT reserved, backordered, messages FROM pg_temp.ask('pos', 'QTA-2', 20);
SELECT quota, meaning, quantity, used, "left", in_force FROM usom.quotas;
SELECT * FROM usom.why_not_allocated(:'o', 1) WHERE location = 'QTA-A' OR location IS NULL;

-- Filling does not go around it; cancelling gives back, and the next fill takes it.
SELECT count(*) FROM usom.fill_backorders('QTA-2');
SELECT status FROM usom.cancel_line(:'o', 1, 15, 'too many');
SELECT used FROM usom.quotas;
SELECT line_no, filled FROM usom.fill_backorders('QTA-2') AS f (order_no, line_no, filled);
SELECT used FROM usom.quotas;
SELECT status FROM usom.reallocate_order(:'o', 'again');
SELECT status FROM usom.cancel_order(:'o', 'no more');
SELECT used FROM usom.quotas;
SELECT * FROM usom.verify();

-- Whole or nothing.
SELECT reserved, backordered, messages FROM pg_temp.ask('web', 'QTA-1', 10, '{"partial": false}');

-- Shipped units stay used; the quota is more generous from now on.
UPDATE usom.quota SET quantity = 40 WHERE code = 'QTA-WEB';
SELECT used, "left" FROM usom.quotas;
SELECT order_no AS o, reserved FROM pg_temp.ask('web', 'QTA-1', 5) \gset
SELECT status FROM usom.release_order(:'o');
SELECT count(*) FROM usom.ship(:'o');
SELECT used, "left" FROM usom.quotas;
UPDATE usom.quota SET active = false WHERE code = 'QTA-WEB';
SELECT reserved, messages FROM pg_temp.ask('web', 'QTA-1', 15);

-- A protection: 60 of 100 are kept for the shops, 10 for gold customers; others have the rest.
SELECT on_hand FROM usom.receive_stock('QTA-A', 'QTA-3', 100);
INSERT INTO usom.quota (code, meaning, sku, channel, quantity, takes_rest) VALUES ('QTA-SHOP', 'protection', 'QTA-3', 'pos', 60, false);
INSERT INTO usom.quota (code, meaning, sku, segment, quantity, borrows_from) VALUES ('QTA-GOLDEN', 'protection', 'QTA-3', 'gold', 10, '{QTA-SHOP}');
SELECT reserved, backordered, messages FROM pg_temp.ask('web', 'QTA-3', 50);
-- The shops have what is theirs, and no more.
SELECT order_no AS o, reserved, backordered FROM pg_temp.ask('pos', 'QTA-3', 20) \gset
SELECT quota, used, "left" FROM usom.quotas WHERE sku = 'QTA-3' ORDER BY 1;
-- Gold takes its own, then borrows from the shops.
SELECT order_no AS g, reserved, backordered, messages FROM pg_temp.ask('web', 'QTA-3', 25, '{"customer": "QTA-GOLD"}') \gset
SELECT :reserved AS reserved, :backordered AS backordered;
SELECT quota, used, "left" FROM usom.quotas WHERE sku = 'QTA-3' ORDER BY 1;
SELECT reserved, backordered, messages FROM pg_temp.ask('web', 'QTA-3', 5, '{"customer": "QTA-IRON"}');
SELECT reserved, backordered, messages FROM pg_temp.ask('pos', 'QTA-3', 30);
-- What is borrowed goes back first.
SELECT status FROM usom.cancel_line(:'g', 1, 12, 'fewer');
SELECT quota, used, "left" FROM usom.quotas WHERE sku = 'QTA-3' ORDER BY 1;
SELECT status FROM usom.cancel_order(:'g', 'none');
SELECT quota, used, "left" FROM usom.quotas WHERE sku = 'QTA-3' ORDER BY 1;
SELECT * FROM usom.verify();

-- From the release date on the unused part is for all.
UPDATE usom.quota SET release_at = now() - interval '1 hour' WHERE code = 'QTA-SHOP';
SELECT reserved, backordered FROM pg_temp.ask('web', 'QTA-3', 100);
SELECT quota, used, "left", in_force FROM usom.quotas WHERE sku = 'QTA-3' ORDER BY 1;

-- By country, each month anew.
SELECT on_hand FROM usom.receive_stock('QTA-A', 'QTA-4', 100);
INSERT INTO usom.quota (code, sku, country, quantity, every, time_zone) VALUES ('QTA-FR', 'QTA-4', 'FR', 10, 'month', 'Europe/Paris');
SELECT reserved, backordered FROM pg_temp.ask('web', 'QTA-4', 12, '{"ship_to": {"city": "Lyon", "country": "FR"}}');
SELECT reserved, backordered FROM pg_temp.ask('web', 'QTA-4', 12, '{"ship_to": {"city": "Köln", "country": "DE"}}');
SELECT used, period_start = date_trunc('month', now() AT TIME ZONE 'Europe/Paris') AT TIME ZONE 'Europe/Paris' AS this_month FROM usom.quotas WHERE quota = 'QTA-FR';

-- What makes no sense is refused when it is written.
SELECT * FROM pg_temp.refused($$INSERT INTO usom.quota (code, sku, quantity) VALUES ('QTA-X', 'none', 1)$$);
SELECT * FROM pg_temp.refused($$INSERT INTO usom.quota (code, quantity, time_zone) VALUES ('QTA-X', 1, 'Mars')$$);
SELECT * FROM pg_temp.refused($$INSERT INTO usom.quota (code, quantity, borrows_from) VALUES ('QTA-X', 1, '{QTA-X}')$$);
SELECT * FROM pg_temp.refused($$INSERT INTO usom.quota (code, quantity, borrows_from) VALUES ('QTA-X', 1, '{QTA-SHOP}')$$);
SELECT * FROM pg_temp.refused($$INSERT INTO usom.quota (code, meaning, sku, quantity) VALUES ('QTA-X', 'protection', 'QTA-1', 1)$$);
SELECT * FROM pg_temp.refused($$INSERT INTO usom.quota (code, meaning, channel, quantity) VALUES ('QTA-X', 'protection', 'web', 1)$$);
SELECT * FROM pg_temp.refused($$UPDATE usom.quota_load SET used = 0$$);
SELECT * FROM pg_temp.refused($$DELETE FROM usom.quota WHERE org_id = usom.current_org() AND code = 'QTA-WEB'$$);

-- verify_quota() finds what is wrong
BEGIN;
SET LOCAL session_replication_role = replica;
ALTER TABLE usom.quota_load DISABLE TRIGGER ALL;
ALTER TABLE usom.quota_use DISABLE TRIGGER ALL;
UPDATE usom.quota_load SET used = used + 1;
UPDATE usom.quota_use SET units = 1000 WHERE units = 12;
SELECT regexp_replace(entity, 'from .*|order .*', '...') AS entity, problem, expected, actual FROM usom.verify_quota() ORDER BY 1, 2, 3, 4;
ROLLBACK;
UPDATE usom.quota SET active = false WHERE org_id = usom.current_org();
SELECT * FROM usom.verify();
