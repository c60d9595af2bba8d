-- Which backorder is filled first: priority before age, or as rows say; and the rule is on record (CAP-11).
SELECT count(*) > 0 AS installed FROM usom.install();
INSERT INTO usom.organisation (code) VALUES ('fill_priority');
SET usom.org = 'fill_priority';
BEGIN;
INSERT INTO usom.location (code) VALUES ('W');
INSERT INTO usom.product (sku) VALUES ('X');
INSERT INTO usom.customer (code, segment) VALUES ('KEY', 'key account'), ('SHOP', 'shop');
INSERT INTO usom.channel (code) VALUES ('club');
-- the oldest, the most valuable, the wanted first, the expedited
SELECT usom.place_order(jsonb_build_object('external_id', q.who, 'channel', q.channel, 'customer', q.customer, 'priority', q.priority, 'placed_at', q.placed_at, 'requested_at', q.requested_at,
		'lines', jsonb_build_array(jsonb_build_object('sku', 'X', 'quantity', 10, 'unit_price', q.price))))
FROM (VALUES ('oldest', 'manual', 'SHOP', 5, '2026-01-01', NULL, 1), ('dearest', 'manual', 'KEY', 5, '2026-02-01', '2030-12-01', 9), ('soonest', 'club', 'SHOP', 5, '2026-03-01', '2030-06-01', 2),
	('expedited', 'manual', 'SHOP', 1, '2026-04-01', NULL, 3)) AS q (who, channel, customer, priority, placed_at, requested_at, price) \g /dev/null
CREATE FUNCTION pg_temp.filled(expression text DEFAULT NULL, direction text DEFAULT 'asc', listed text[] DEFAULT NULL, OUT filled text, OUT rule text) LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM usom.fill_priority;
	IF expression IS NOT NULL THEN
		INSERT INTO usom.fill_priority (rank, expression, direction, listed) VALUES (1, expression, direction, listed);
	END IF;
	BEGIN
		PERFORM usom.adjust_stock('W', 'X', 15, 'found');
		PERFORM usom.fill_backorders('X');
		SELECT string_agg(format('%s %s', o.external_id, trim_scale(l.quantity_reserved)), ', ' ORDER BY l.quantity_reserved DESC) INTO filled
		FROM usom.order_lines l JOIN usom.orders o USING (order_no) WHERE l.quantity_reserved > 0;
		SELECT string_agg(DISTINCT t.reference, ' / ') INTO rule FROM usom.timeline t JOIN usom.orders o USING (order_no) WHERE t.event = 'allocate';
		RAISE EXCEPTION SQLSTATE 'XXUND';
	EXCEPTION WHEN SQLSTATE 'XXUND' THEN
		NULL;
	END;
END
$$;
-- no rows: the expedited order wins, then the oldest
SELECT * FROM pg_temp.filled();
SELECT e.*, f.* FROM (VALUES ('priority', 'asc', NULL::text[]), ('priority', 'desc', NULL), ('placed_at', 'asc', NULL), ('placed_at', 'desc', NULL), ('value', 'desc', NULL), ('requested_at', 'asc', NULL),
	('channel', 'asc', '{club}'), ('segment', 'asc', '{key account,shop}'), ('service_level', 'asc', '{express}')) e (expression, direction, listed), pg_temp.filled(e.expression, e.direction, e.listed) f;
-- a service level is that of the sourcing rule of the line
INSERT INTO usom.service_level (code) VALUES ('express');
INSERT INTO usom.sourcing_rule (code, priority, channels, service_level) VALUES ('club', 1, '{club}', 'express');
SELECT * FROM pg_temp.filled('service_level', 'asc', '{express}');
UPDATE usom.sourcing_rule SET active = false;
-- several rows are compared one after the other
DELETE FROM usom.fill_priority;
INSERT INTO usom.fill_priority (rank, expression, direction, listed) VALUES (1, 'segment', 'desc', '{key account}'), (2, 'value', 'desc', NULL);
SELECT usom.adjust_stock('W', 'X', 25, 'found') \g /dev/null
SELECT o.external_id, f.quantity FROM usom.fill_backorders() f JOIN usom.orders o USING (order_no) ORDER BY 2 DESC, 1;
SELECT o.external_id, t.event, t.quantity, t.reference FROM usom.timeline t JOIN usom.orders o USING (order_no) WHERE t.event = 'allocate' ORDER BY 1;
-- what is under way is promised in the same order
SELECT usom.add_supply('purchase', 'W', 'X', 8, '2030-01-01', supply_no => 'FILL-PO') \g /dev/null
SELECT o.external_id, p.quantity, p.supply_no IS NOT NULL AS promised FROM usom.order_pieces p JOIN usom.orders o USING (order_no) WHERE p.status = 'backordered' ORDER BY 1, 2;
SELECT * FROM usom.verify();
ROLLBACK;
