-- Orders that are planned together leave each other what only one of them can use.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
UPDATE usom.location SET active = false;
INSERT INTO usom.location (code, kind, priority) VALUES ('TOG-A', 'warehouse', 1), ('TOG-B', 'warehouse', 2), ('TOG-C', 'store', 3);
INSERT INTO usom.product (sku) VALUES ('TOG-P'), ('TOG-Q');
-- B asks a little more for a shipment than A; the store a lot.
UPDATE usom.location SET handling_cost = CASE code WHEN 'TOG-A' THEN 1 WHEN 'TOG-B' THEN 2 ELSE 9 END WHERE code LIKE 'TOG%';
INSERT INTO usom.sourcing_rule (code, priority, when_short) VALUES ('all', 1, 'backorder');

-- Placed while nothing is there, so that all wait.  n: as they are served.
CREATE FUNCTION pg_temp.place(n integer, lines jsonb, ship_complete boolean DEFAULT false) RETURNS void LANGUAGE sql AS $$
	SELECT FROM usom.place_order(jsonb_build_object('external_id', 'TOG-' || n, 'priority', n, 'ship_complete', ship_complete, 'lines', lines))
$$;
CREATE FUNCTION pg_temp.stock(location text, sku text, quantity numeric) RETURNS void LANGUAGE sql AS 'SELECT FROM usom.receive_stock(location, sku, quantity)';
CREATE VIEW pg_temp.got AS SELECT s.external_id, string_agg(format('%s %s%s', trim_scale(p.quantity), p.status, ' at ' || p.location), ', ' ORDER BY p.line_no, p.location, p.piece_no) AS got
	FROM usom.order_pieces p JOIN usom.orders s USING (order_no) WHERE s.external_id LIKE 'TOG%' GROUP BY s.external_id ORDER BY s.external_id;

-- The second must be served from A.  One by one the first, for whom A is a little cheaper, would take all that is there.
SELECT pg_temp.place(1, '[{"sku": "TOG-P", "quantity": 4}]'), pg_temp.place(2, '[{"sku": "TOG-P", "quantity": 4, "location": "TOG-A"}]');
SELECT pg_temp.stock('TOG-A', 'TOG-P', 4), pg_temp.stock('TOG-B', 'TOG-P', 4);
SELECT count(*) > 0 AS filled FROM usom.fill_backorders();
SELECT * FROM pg_temp.got;

-- What one gets by its place is not taken from it for one that comes after, however much more that would be served.
SAVEPOINT short;
SELECT pg_temp.place(3, '[{"sku": "TOG-Q", "quantity": 4}]'), pg_temp.place(4, '[{"sku": "TOG-Q", "quantity": 6}, {"sku": "TOG-P", "quantity": 1}]', true);
SELECT pg_temp.stock('TOG-A', 'TOG-Q', 6), pg_temp.stock('TOG-B', 'TOG-P', 1);
SELECT count(*) > 0 AS filled FROM usom.fill_backorders();
SELECT * FROM pg_temp.got OFFSET 2;
ROLLBACK TO short;

-- Two shipments or one: who can take all from one place is left it.
SELECT pg_temp.place(5, '[{"sku": "TOG-P", "quantity": 2}]'), pg_temp.place(6, '[{"sku": "TOG-P", "quantity": 2}, {"sku": "TOG-Q", "quantity": 2}]');
SELECT pg_temp.stock('TOG-A', 'TOG-P', 2), pg_temp.stock('TOG-A', 'TOG-Q', 2), pg_temp.stock('TOG-B', 'TOG-P', 2);
SELECT count(*) > 0 AS filled FROM usom.fill_backorders();
SELECT * FROM pg_temp.got OFFSET 2;

-- Chains of rules: the first may go to the store only after its first rule, and does so when another needs the warehouse.
UPDATE usom.sourcing_rule SET location_kinds = '{warehouse}', when_short = 'next_rule' WHERE code = 'all';
INSERT INTO usom.sourcing_rule (code, priority, when_short) VALUES ('stores', 2, 'backorder');
SELECT pg_temp.place(7, '[{"sku": "TOG-Q", "quantity": 3}]'), pg_temp.place(8, '[{"sku": "TOG-Q", "quantity": 3, "location": "TOG-A"}]');
SELECT pg_temp.stock('TOG-A', 'TOG-Q', 3), pg_temp.stock('TOG-C', 'TOG-Q', 3);
SELECT count(*) > 0 AS filled FROM usom.fill_backorders();
SELECT * FROM pg_temp.got OFFSET 4;

-- Days: A ships one order a day, and being late costs; the first goes by B so that the second leaves today.
UPDATE usom.sourcing_rule SET active = false WHERE code = 'stores';
UPDATE usom.sourcing_rule SET location_kinds = '{warehouse}', when_short = 'backorder', late_cost = 10 WHERE code = 'all';
UPDATE usom.location SET time_zone = 'Etc/GMT' || to_char(extract(hour FROM now() AT TIME ZONE 'UTC') - 12, 'SGFM99') WHERE code LIKE 'TOG%';
INSERT INTO usom.location_capacity (location_id, orders) VALUES (usom.location_id('TOG-A'), 1);
SELECT FROM usom.place_order(jsonb_build_object('external_id', 'TOG-9', 'priority', 9, 'requested_at', now(), 'lines', '[{"sku": "TOG-P", "quantity": 1}]'::jsonb));
SELECT FROM usom.place_order(jsonb_build_object('external_id', 'TOG-91', 'priority', 9, 'requested_at', now(), 'lines', '[{"sku": "TOG-Q", "quantity": 1, "location": "TOG-A"}]'::jsonb));
SELECT pg_temp.stock('TOG-A', 'TOG-P', 1), pg_temp.stock('TOG-B', 'TOG-P', 1), pg_temp.stock('TOG-A', 'TOG-Q', 1);
SELECT count(*) > 0 AS filled FROM usom.fill_backorders();
SELECT * FROM pg_temp.got OFFSET 6;
SELECT location, units, orders FROM usom.location_loads WHERE location = 'TOG-A' AND orders > 0;
SELECT count(*) FROM usom.verify();
ROLLBACK;
