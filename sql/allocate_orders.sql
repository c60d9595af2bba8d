-- Many orders planned together: chunks that commit, by priority and age, resumable.
-- In a database of its own, since the chunks commit.
SELECT current_database() AS home \gset
CREATE DATABASE usom_allocate_orders;
\c usom_allocate_orders
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION usom;
SELECT count(*) > 0 AS installed FROM usom.install();
INSERT INTO usom.location (code) VALUES ('A'), ('B');
INSERT INTO usom.product (sku) VALUES ('P'), ('Q');
INSERT INTO usom.customer (code) VALUES ('C1');
-- Ten orders that wait: priorities 1 to 3, each a day older than the next, in the wrong order.
SELECT count(*) FROM generate_series(1, 10) n, usom.place_order(jsonb_build_object('external_id', n::text, 'channel', CASE WHEN n % 2 = 0 THEN 'web' ELSE 'pos' END,
	'customer', CASE WHEN n > 8 THEN 'C1' END, 'priority', 1 + n % 3, 'placed_at', date '2026-01-31' - n, 'ship_to', jsonb_build_object('country', CASE WHEN n < 4 THEN 'DE' ELSE 'FR' END, 'postcode', '10115'),
	'lines', '[{"sku": "P", "quantity": 2}, {"sku": "Q", "quantity": 1}]'::jsonb || CASE WHEN n = 7 THEN '[{"sku": "Q", "quantity": 1, "location": "B"}]'::jsonb ELSE '[]' END)) p;
-- o: what each order has, as they are served.
CREATE VIEW o AS SELECT h.external_id::integer AS n, h.priority, h.placed_at::date, h.version, string_agg(format('%s %s/%s', l.sku, l.quantity_reserved, l.quantity), ', ' ORDER BY l.line_no) AS has
	FROM usom.orders h JOIN usom.order_lines l USING (order_no) GROUP BY h.order_no, h.external_id, h.priority, h.placed_at, h.version ORDER BY h.priority, h.placed_at;
CREATE VIEW runs AS SELECT filter, batch_size, orders, orders_done, percent, units, ended_at IS NOT NULL AS ended, started_by IS NOT NULL AS by_somebody FROM usom.allocation_runs ORDER BY run;

-- Nothing is free: nothing to do, and orders that cannot get anything are not even looked at.
CALL usom.allocate_orders();
SELECT * FROM runs;

-- Five of P, planned in chunks of two: the highest priority first, then the oldest, across chunks and within one.
CREATE FUNCTION stock(location text, sku text, quantity numeric) RETURNS void LANGUAGE sql AS 'SELECT FROM usom.receive_stock(location, sku, quantity)';
SELECT count(*) FROM stock('A', 'P', 5);
CALL usom.allocate_orders(batch_size => 2);
SELECT * FROM o;
SELECT * FROM runs OFFSET 1;
SELECT event, quantity, from_status, to_status FROM usom.order_history h JOIN usom.sales_order s USING (org_id, sales_order_id) WHERE s.external_id = '9' ORDER BY h.version;
SELECT count(*) FROM usom.verify();

-- Filters, each alone.
SELECT count(*) FROM stock('A', 'Q', 1);
CREATE FUNCTION chosen(filter jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(s.external_id, ' ' ORDER BY k.place) FROM usom._select_orders(filter, NULL, false, NULL, NULL, NULL) WITH ORDINALITY AS k (id, place) JOIN usom.sales_order s ON s.sales_order_id = k.id
$$;
SELECT f.filter, chosen(f.filter) FROM (VALUES ('{}'::jsonb), ('{"channel": "web"}'), ('{"channel": ["web", "pos"], "priority": 1}'), ('{"priority": [1, 2], "country": "DE"}'), ('{"customer": "C1"}'), ('{"sku": "P"}'), ('{"sku": ["P", "Q"], "priority": 3}'),
	('{"location": "B"}'), ('{"location": "A"}'), ('{"order_type": "standard", "country": ["DE", "AT"]}'), ('{"order_type": "service"}'), ('{"placed_from": "2026-01-28"}'), ('{"placed_to": "2026-01-23T00:00:00Z", "channel": null}'), ('{"channel": []}')) AS f (filter);
SELECT chosen(jsonb_build_object('order_nos', jsonb_agg(order_no))) FROM usom.orders WHERE external_id IN ('3', '4');
-- What cannot be read is named.
\set VERBOSITY default
CALL usom.allocate_orders('{"colour": "red", "channel": "web"}');
CALL usom.allocate_orders('["web"]');
CALL usom.allocate_orders('{"channel": {"code": "web"}}');
CALL usom.allocate_orders('{"sku": ["P", "Z"]}');
CALL usom.allocate_orders('{"order_nos": "SO-999999"}');
CALL usom.allocate_orders('{"placed_from": "some day"}');
CALL usom.allocate_orders(NULL);
CALL usom.allocate_orders(batch_size => 0);
CALL usom.allocate_orders(batch_size => 10001);
CALL usom.allocate_orders(resume => 1);
BEGIN;
CALL usom.allocate_orders();
ROLLBACK;
SELECT count(*) FROM runs;

-- Broken off in the fourth chunk: what was committed stays, and the same filter goes on behind it.
CREATE FUNCTION break_off() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'broken off'; END$$;
CREATE TRIGGER break_off BEFORE UPDATE ON usom.sales_order FOR EACH ROW WHEN (NEW.external_id = '1') EXECUTE FUNCTION break_off();
SELECT count(*) FROM (VALUES ('A', 'Q'), ('B', 'Q'), ('B', 'P')) AS v (location, sku), LATERAL stock(v.location, v.sku, 20);
CALL usom.allocate_orders('{"channel": "pos"}', 1);
SELECT * FROM runs OFFSET 2;
SELECT * FROM o WHERE n % 2 = 1;
DROP TRIGGER break_off ON usom.sales_order;
SELECT run AS broken FROM usom.allocation_runs WHERE ended_at IS NULL \gset
CALL usom.allocate_orders(resume => :broken);
SELECT * FROM runs OFFSET 2;
SELECT * FROM o WHERE n % 2 = 1;
\set VERBOSITY sqlstate
CALL usom.allocate_orders(resume => :broken);
\set VERBOSITY default

-- A chunk that finds its run further than it was left leaves it.
SELECT run, orders, begun_at FROM usom._begin_allocation('{"channel": "web"}', 2, NULL) \gset one_
SELECT usom._continue_allocation(:one_run, :'one_orders', :one_begun_at, 0);
SELECT usom._continue_allocation(:one_run, :'one_orders', :one_begun_at, 0);
SELECT usom._continue_allocation(:one_run, :'one_orders', :one_begun_at, 2);
SELECT usom._continue_allocation(:one_run, :'one_orders', :one_begun_at, -1), usom._continue_allocation(:one_run, :'one_orders', :one_begun_at, 99);
SELECT usom._continue_allocation(:one_run, '{1,NULL,3,4,5,6,7}', :one_begun_at, 4);
CALL usom.allocate_orders('{"channel": "web"}');
SELECT * FROM o WHERE n % 2 = 0;
SELECT * FROM runs;

-- Not by hand; and for managers and warehouses, who see the channels they see.
UPDATE usom.allocation_run SET orders_done = 0;
SELECT count(*) FROM usom.verify();
CREATE ROLE usom_test_allocator;
SELECT usom.grant_access('usom_test_allocator', 'manager', NULL, 'web');
SELECT count(*) FROM usom.place_orders('[{"channel": "web", "external_id": "11", "lines": [{"sku": "P", "quantity": 30}]}, {"channel": "pos", "external_id": "12", "lines": [{"sku": "P", "quantity": 30}]}]');
SELECT count(*) FROM stock('A', 'P', 100);
SET ROLE usom_test_allocator;
CALL usom.allocate_orders();
RESET ROLE;
SELECT n, has FROM o WHERE n > 10;
SELECT usom.revoke_access('usom_test_allocator', 'manager', NULL, 'web');
SELECT count(*) FROM usom.verify();
\c :home
DROP DATABASE usom_allocate_orders;
DROP ROLE usom_test_allocator;
