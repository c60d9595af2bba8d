-- Is the price the expected one, and at the release still the agreed one?
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('drifts');
SET usom.org = 'drifts';
INSERT INTO usom.location (code) VALUES ('DRF-A');
INSERT INTO usom.product (sku) VALUES ('DRF-1'), ('DRF-2');
INSERT INTO usom.customer (code) VALUES ('DRF-C');
INSERT INTO usom.price (sku, unit_price) VALUES ('DRF-1', 10), ('DRF-2', 20);
SELECT usom.receive_stocks('[{"location": "DRF-A", "sku": "DRF-1", "quantity": 1000}, {"location": "DRF-A", "sku": "DRF-2", "quantity": 1000}]') \g /dev/null
CREATE FUNCTION pg_temp.no(external_id text) RETURNS text LANGUAGE sql AS $$SELECT o.order_no FROM usom.orders o WHERE o.external_id = $1$$;
CREATE FUNCTION pg_temp.ask(external_id text, lines jsonb, more jsonb DEFAULT '{}') RETURNS TABLE (status text, total numeric, messages jsonb) LANGUAGE sql AS $$
	SELECT p.status, p.total, p.messages FROM usom.place_order(jsonb_build_object('external_id', external_id, 'channel', 'web', 'lines', lines) || more) p
$$;

-- A channel that goes by documents has the prices of documents; one that goes by the list expects.
SELECT * FROM pg_temp.ask('document', '[{"sku": "DRF-1", "quantity": 2, "unit_price": 9}]');
UPDATE usom.channel SET pricing = 'list' WHERE org_id = usom.current_org() AND code = 'web';
SELECT * FROM pg_temp.ask('accepted', '[{"sku": "DRF-1", "quantity": 2, "unit_price": 9}]');
UPDATE usom.channel SET price_difference = 'warn' WHERE org_id = usom.current_org() AND code = 'web';
SELECT * FROM pg_temp.ask('right', '[{"sku": "DRF-1", "quantity": 2, "unit_price": 10}, {"sku": "DRF-2", "quantity": 1}]');
SELECT * FROM pg_temp.ask('warned', '[{"sku": "DRF-1", "quantity": 2, "unit_price": 9}, {"sku": "DRF-2", "quantity": 1, "unit_price": 20.01}]');
UPDATE usom.channel SET price_tolerance = 5 WHERE org_id = usom.current_org() AND code = 'web';
SELECT * FROM pg_temp.ask('tolerated', '[{"sku": "DRF-1", "quantity": 2, "unit_price": 9.5}, {"sku": "DRF-2", "quantity": 1, "unit_price": 21}]');
SELECT * FROM pg_temp.ask('not tolerated', '[{"sku": "DRF-1", "quantity": 2, "unit_price": 9.4999}]');
UPDATE usom.channel SET price_difference = 'hold' WHERE org_id = usom.current_org() AND code = 'web';
SELECT * FROM pg_temp.ask('held', '[{"sku": "DRF-1", "quantity": 2, "unit_price": 8}, {"sku": "DRF-2", "quantity": 1, "unit_price": 30}]');
SELECT hold_type, reason, blocks, active FROM usom.holds WHERE order_no = pg_temp.no('held');
SELECT status FROM usom.release_hold(pg_temp.no('held'), 'price', 'told the customer');
SELECT status FROM usom.confirm_order(pg_temp.no('held'));
UPDATE usom.channel SET price_difference = 'refuse' WHERE org_id = usom.current_org() AND code = 'web';
SELECT pg_temp.refused($$SELECT * FROM pg_temp.ask('refused', '[{"sku": "DRF-1", "quantity": 2, "unit_price": 8}]')$$);
SELECT usom.quote('{"channel": "web", "lines": [{"sku": "DRF-1", "quantity": 2, "unit_price": 8}]}') -> 'problems' AS problems;
-- Who overrides expects nothing; who means the price after what is taken off is understood.
SELECT * FROM pg_temp.ask('override', '[{"sku": "DRF-1", "quantity": 2, "unit_price": 8, "override": {"unit_price": 7, "reason": "scratched"}}]');
INSERT INTO usom.promotion (code, percent, skus) VALUES ('DRF-TENTH', 10, '{DRF-2}');
SELECT status, total FROM pg_temp.ask('net', '[{"sku": "DRF-2", "quantity": 1, "unit_price": 18}]');
SELECT status, total FROM pg_temp.ask('gross', '[{"sku": "DRF-2", "quantity": 1, "unit_price": 20}]');
UPDATE usom.promotion SET active = false WHERE code = 'DRF-TENTH';
-- Lines that plain SQL writes expect their price, too.
INSERT INTO usom.sales_order (order_no, external_id, channel_id) VALUES ('DRF-DRAFT', 'draft', usom.channel_id('web'));
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity, unit_price) SELECT sales_order_id, 1, usom.product_id('DRF-1'), 2, 7 FROM usom.sales_order WHERE order_no = 'DRF-DRAFT';
SELECT pg_temp.refused($$UPDATE usom.sales_order SET status = 'submitted' WHERE order_no = 'DRF-DRAFT'$$);
UPDATE usom.order_line SET unit_price = 10 WHERE sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE order_no = 'DRF-DRAFT');
UPDATE usom.sales_order SET status = 'submitted' WHERE order_no = 'DRF-DRAFT';
SELECT status, total FROM usom.orders WHERE order_no = 'DRF-DRAFT';
-- Changes expect the prices that they name, of old lines and new ones; other lines expect nothing.
SELECT pg_temp.refused(format('SELECT usom.change_order(%L, %L)', 'DRF-DRAFT', '{"lines": [{"line_no": 1, "quantity": 3, "unit_price": 8}, {"sku": "DRF-2", "quantity": 1, "unit_price": 30}]}'));
SELECT status FROM usom.change_order('DRF-DRAFT', '{"lines": [{"line_no": 1, "quantity": 3}, {"sku": "DRF-2", "quantity": 1, "unit_price": 20}]}');
UPDATE usom.channel SET price_difference = 'hold' WHERE org_id = usom.current_org() AND code = 'web';
SET client_min_messages = error;
SELECT status FROM usom.change_order('DRF-DRAFT', '{"lines": [{"line_no": 2, "quantity": 1, "unit_price": 12}]}');
RESET client_min_messages;
SELECT hold_type, reason, active FROM usom.holds WHERE order_no = 'DRF-DRAFT';
SELECT line_no, unit_price, total FROM usom.order_lines WHERE order_no = 'DRF-DRAFT' ORDER BY 1;
UPDATE usom.channel SET price_difference = 'accept', price_tolerance = 0 WHERE org_id = usom.current_org() AND code = 'web';

-- The price moves between order and release.
SELECT status, total FROM pg_temp.ask('drift', '[{"sku": "DRF-1", "quantity": 2}, {"sku": "DRF-2", "quantity": 1}]', '{"placed_at": "2020-01-01"}');
SELECT status, total FROM pg_temp.ask('drift 2', '[{"sku": "DRF-1", "quantity": 2}]', '{"placed_at": "2020-01-01"}');
SELECT status, total FROM pg_temp.ask('drift 3', '[{"sku": "DRF-1", "quantity": 2, "override": {"unit_price": 4, "reason": "agreed"}}]', '{"placed_at": "2020-01-01"}');
SELECT status, total FROM pg_temp.ask('unwatched', '[{"sku": "DRF-1", "quantity": 2}]', '{"placed_at": "2020-01-01"}');
INSERT INTO usom.price (sku, unit_price, valid_from) VALUES ('DRF-1', 12, '2021-01-01'), ('DRF-2', 20.5, '2021-01-01');
SELECT status FROM usom.release_order(pg_temp.no('unwatched'));
UPDATE usom.channel SET price_drift = 5 WHERE org_id = usom.current_org() AND code = 'web';
SET client_min_messages = error;
SELECT status FROM usom.release_order(pg_temp.no('drift'));
SELECT hold_type, reason, active FROM usom.holds WHERE order_no = pg_temp.no('drift');
SELECT pg_temp.refused(format('SELECT usom.release_order(%L)', pg_temp.no('drift')));
-- Let the agreed prices stand: the same prices do not hold it again, others do.
SELECT status FROM usom.release_hold(pg_temp.no('drift'), 'price', 'a promise is a promise');
INSERT INTO usom.price (sku, unit_price, valid_from) VALUES ('DRF-1', 13, '2022-01-01');
SELECT status FROM usom.release_order(pg_temp.no('drift'));
SELECT reason, active FROM usom.holds WHERE order_no = pg_temp.no('drift') ORDER BY placed_at;
SELECT status FROM usom.release_hold(pg_temp.no('drift'), 'price', 'that too');
SELECT status FROM usom.release_order(pg_temp.no('drift'));
SELECT line_no, unit_price FROM usom.order_lines WHERE order_no = pg_temp.no('drift') ORDER BY 1;
-- Or take the new ones; then they are the agreed ones, for later changes, too.
SELECT status FROM usom.release_order(pg_temp.no('drift 2'));
SELECT status FROM usom.reprice_order(pg_temp.no('drift 2'), 'the customer agrees');
SELECT line_no, unit_price, total FROM usom.order_lines WHERE order_no = pg_temp.no('drift 2');
SELECT reason, active, release_reason FROM usom.holds WHERE order_no = pg_temp.no('drift 2');
SELECT status FROM usom.change_order(pg_temp.no('drift 2'), '{"lines": [{"line_no": 1, "quantity": 3}]}');
SELECT line_no, unit_price, total FROM usom.order_lines WHERE order_no = pg_temp.no('drift 2');
SELECT status FROM usom.release_order(pg_temp.no('drift 2'));
SELECT event, reference, reason FROM usom.order_history WHERE sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE external_id = 'drift 2') ORDER BY version;
-- What was set by hand does not drift.
SELECT status FROM usom.release_order(pg_temp.no('drift 3'));
SELECT pg_temp.refused($$UPDATE usom.sales_order SET priced_at = now() WHERE external_id = 'drift 3'$$);
SELECT usom.ship(pg_temp.no('drift 3')) IS NOT NULL AS shipped;
SELECT pg_temp.refused(format('SELECT usom.reprice_order(%L)', pg_temp.no('drift 3')));
RESET client_min_messages;
SELECT * FROM usom.verify();
RESET usom.org;
