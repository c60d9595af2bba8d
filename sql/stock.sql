-- Stock: the ledger, the balance, soft reservations.
\set VERBOSITY default
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
INSERT INTO usom.location (code, name, priority) VALUES ('STK-A', 'First', 1), ('STK-B', 'Second', 2);
INSERT INTO usom.product (sku) VALUES ('STK-1'), ('STK-2'), ('STK-3');
INSERT INTO usom.product (sku, kind) VALUES ('STK-POST', 'service');

-- What comes in, what is corrected, what is counted.
SELECT * FROM usom.receive_stock('STK-A', 'STK-1', 10, reference => 'PO-1');
SELECT * FROM usom.receive_stock(location => 'STK-A', sku => 'STK-1', quantity => 2.5);
SELECT * FROM usom.adjust_stock('STK-A', 'STK-1', -2.5, 'broken');
SELECT * FROM usom.count_stock('STK-A', 'STK-1', 9);
SELECT * FROM usom.count_stock('STK-A', 'STK-1', 9);
SELECT * FROM usom.count_stock('STK-B', 'STK-1', 0);
SELECT * FROM usom.count_stock('STK-B', 'STK-1', 4);
SELECT * FROM usom.adjust_stock('STK-B', 'STK-2', 3, 'found');
SELECT l.code, p.sku, m.lot, m.kind, trim_scale(m.delta) AS delta, m.reference, m.reason
FROM usom.stock_movement m JOIN usom.product p USING (product_id) JOIN usom.location l USING (location_id)
WHERE l.code LIKE 'STK-%' ORDER BY m.stock_movement_id;

-- Lots: received by name, chosen where there is no choice.
SELECT * FROM usom.receive_stock('STK-A', 'STK-3', 5, lot => 'L2');
SELECT * FROM usom.adjust_stock('STK-A', 'STK-3', -1, 'sample');
SELECT * FROM usom.receive_stock('STK-A', 'STK-3', 7, lot => 'L1');
SELECT * FROM usom.count_stock('STK-A', 'STK-3', 11);
SELECT * FROM usom.count_stock('STK-A', 'STK-3', 8, lot => 'L1');

-- Many at once.
SELECT usom.receive_stocks('[{"location": "STK-A", "sku": "STK-2", "quantity": 4, "reference": "PO-2"},
	{"location": "STK-B", "sku": "STK-2", "quantity": 1.5, "lot": "L9"},
	{"location": "STK-A", "sku": "STK-2", "quantity": 6}]');
SELECT usom.receive_stocks('[]');
SELECT usom.available('STK-2'), usom.available('STK-2', 'STK-A'), usom.available('STK-2', 'STK-B');
SELECT usom.receive_stocks('[{"location": "STK-A", "sku": "STK-2", "quantity": 4}, {"location": "STK-A", "qty": 4}]');
SELECT usom.receive_stocks('[{"location": "STK-A", "quantity": 4}]');
SELECT usom.receive_stocks('[{"location": "STK-A", "sku": "STK-2"}]');
SELECT usom.receive_stocks('[{"location": "STK-A", "sku": "STK-2", "quantity": 4}, {"location": "STK-A", "sku": "STK-2", "quantity": 0}]');
SELECT usom.receive_stocks('[{"location": "STK-A", "sku": "STK-NONE", "quantity": 4}]');
SELECT usom.receive_stocks('{"location": "STK-A"}');
SELECT usom.receive_stocks('[1]');

-- What is refused.
SELECT usom.receive_stock('STK-NONE', 'STK-1', 1);
SELECT usom.receive_stock('STK-A', 'STK-NONE', 1);
SELECT usom.receive_stock('STK-A', 'STK-POST', 1);
SELECT usom.receive_stock('STK-A', 'STK-1', 0);
SELECT usom.receive_stock('STK-A', 'STK-1', -1);
SELECT usom.receive_stock('STK-A', 'STK-1', 'NaN');
SELECT usom.receive_stock('STK-A', 'STK-1', 'Infinity');
SELECT usom.receive_stock('STK-A', 'STK-1', 1e30);
SELECT usom.receive_stock('STK-A', 'STK-1', 0.0000001);
SELECT usom.receive_stock('STK-A', 'STK-1', NULL);
SELECT usom.receive_stock(NULL, 'STK-1', 1);
SELECT usom.receive_stock('STK-A', '', 1);
SELECT usom.adjust_stock('STK-A', 'STK-1', 0, 'nothing');
SELECT usom.adjust_stock('STK-A', 'STK-1', 1, NULL);
SELECT usom.adjust_stock('STK-A', 'STK-1', -10, 'too many');
SELECT usom.adjust_stock('STK-B', 'STK-3', -1, 'none there');
SELECT usom.count_stock('STK-A', 'STK-1', -1);
SELECT usom.available('STK-NONE');
SELECT usom.available('STK-1', 'STK-NONE');
SELECT usom.available('STK-POST');
SELECT usom.location_id('STK-NONE');

-- By hand nothing of it can be written.
UPDATE usom.stock SET on_hand = 1000;
INSERT INTO usom.stock (org_id, product_id, location_id) VALUES (1, 1, 1);
DELETE FROM usom.stock_movement;
UPDATE usom.reservation SET quantity = 0.5;
TRUNCATE usom.stock_movement;
DELETE FROM usom.location WHERE code = 'STK-A';
UPDATE usom.location SET code = 'STK-Z' WHERE code = 'STK-A';
UPDATE usom.location SET name = 'Main' WHERE code = 'STK-A';

-- Soft reservations: kept, renewed under the same number, given back once.
CREATE TEMP TABLE kept AS SELECT usom.reserve_stock('cart-1', 'STK-A', 'STK-1', 6, '15 minutes') AS id;
SELECT usom.available('STK-1', 'STK-A');
SELECT usom.reserve_stock('cart-2', 'STK-A', 'STK-1', 4, '15 minutes');
SELECT usom.reserve_stock('cart-1', 'STK-A', 'STK-1', 9, '15 minutes') = id AS renewed FROM kept;
SELECT usom.available('STK-1', 'STK-A');
SELECT usom.reserve_stock('cart-1', 'STK-A', 'STK-1', 10, '15 minutes');
SELECT usom.release_stock(id) FROM kept;
SELECT usom.release_stock(id) FROM kept;
SELECT usom.available('STK-1', 'STK-A');
SELECT usom.reserve_stock('cart-1', 'STK-A', 'STK-1', 1, '0');
SELECT usom.reserve_stock('cart-1', 'STK-A', 'STK-1', 1, '-1 hour');
SELECT usom.reserve_stock('cart-1', 'STK-A', 'STK-1', 1, NULL);
SELECT usom.reserve_stock('', 'STK-A', 'STK-1', 1, '1 hour');
SELECT usom.reserve_stock('cart-1', 'STK-A', 'STK-POST', 1, '1 hour');
SELECT usom.reserve_stock('cart-1', 'STK-B', 'STK-3', 1, '1 hour');

-- A hold on another lot is superseded by the new one.
SELECT usom.reserve_stock('cart-3', 'STK-A', 'STK-3', 3, '1 hour') > 0 AS kept;
SELECT usom.reserve_stock('cart-4', 'STK-A', 'STK-3', 5, '1 hour') > 0 AS kept;
SELECT usom.reserve_stock('cart-3', 'STK-A', 'STK-3', 4, '1 hour') > 0 AS kept;
SELECT usom.reserve_stock('cart-5', 'STK-A', 'STK-3', 4, '1 hour') > 0 AS kept;
SELECT usom.reserve_stock('cart-3', 'STK-A', 'STK-3', 3, '1 hour') > 0 AS kept;
SELECT r.owner, r.lot, trim_scale(r.quantity) AS quantity FROM usom.reservation r WHERE r.org_id = usom.current_org() ORDER BY r.owner;

-- Time runs out without anybody's doing.
SELECT usom.reserve_stock('cart-6', 'STK-B', 'STK-1', 4, '1 second') > 0 AS kept;
SELECT usom.available('STK-1', 'STK-B');
SELECT pg_sleep(1.1);
SELECT usom.available('STK-1', 'STK-B');
SELECT usom.reserve_stock('cart-7', 'STK-B', 'STK-1', 3, '1 hour') > 0 AS kept;
SELECT r.owner FROM usom.reservation r JOIN usom.product p USING (product_id) WHERE p.sku = 'STK-1';

-- Safety stock and a count below the soft holds: no row counts below zero.
SELECT * FROM usom.set_safety('STK-A', 'STK-1', 2);
SELECT * FROM usom.set_safety('STK-A', 'STK-1', -2);
SELECT * FROM usom.count_stock('STK-B', 'STK-1', 1);
SELECT usom.available('STK-1');
UPDATE usom.location SET active = false WHERE code = 'STK-A';
SELECT usom.available('STK-1'), usom.available('STK-1', 'STK-A');
SELECT usom.reserve_stock('cart-8', 'STK-A', 'STK-1', 1, '1 hour');
UPDATE usom.location SET active = true WHERE code = 'STK-A';

-- Statements a call makes, whatever its size, with the one of the audit.
SELECT usom.available('STK-1');
CREATE TEMP TABLE counted (verb text, statements bigint);
DO $$
DECLARE
	before bigint := usom._statement_count();
	verb text;
BEGIN
	FOREACH verb IN ARRAY ARRAY[
		$q$usom.receive_stock('STK-A', 'STK-1', 1)$q$,
		$q$usom.receive_stocks((SELECT jsonb_agg(jsonb_build_object('location', 'STK-A', 'sku', 'STK-1', 'quantity', n)) FROM generate_series(1, 500) n))$q$,
		$q$usom.adjust_stock('STK-A', 'STK-1', 1, 'found')$q$,
		$q$usom.count_stock('STK-A', 'STK-1', 20)$q$,
		$q$usom.count_stock('STK-A', 'STK-1', 20)$q$,
		$q$usom.set_safety('STK-A', 'STK-1', 1)$q$,
		$q$usom.reserve_stock('cart-9', 'STK-A', 'STK-1', 1, '1 hour')$q$,
		$q$usom.release_stock((SELECT reservation_id FROM usom.reservation WHERE owner = 'cart-9'))$q$,
		$q$usom.available('STK-1')$q$]
	LOOP
		before := usom._statement_count();
		EXECUTE 'SELECT ' || verb;
		INSERT INTO counted VALUES (substr(verb, 6, strpos(verb, '(') - 6), usom._statement_count() - before);
	END LOOP;
END
$$;
SELECT * FROM counted;

-- What is kept is what is recomputed; whoever gets past the guards is found.
SELECT * FROM usom.verify_stock();
BEGIN;
ALTER TABLE usom.stock DISABLE TRIGGER ALL;
UPDATE usom.stock SET on_hand = on_hand + 1 WHERE location_id = usom.location_id('STK-B') AND lot = 'L9';
UPDATE usom.stock SET held = held + 1, held_until = '2000-01-01 00:00:00+00'
WHERE location_id = usom.location_id('STK-A') AND lot = 'L2';
UPDATE usom.stock SET product_id = -7 WHERE product_id = usom.product_id('STK-1') AND location_id = usom.location_id('STK-B');
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO, YMD';
SELECT v.entity, v.problem, v.expected, v.actual FROM usom.verify_stock() v
WHERE v.problem NOT LIKE 'held%' OR v.entity LIKE '%L2' ORDER BY v.entity COLLATE "C", v.problem COLLATE "C";
ROLLBACK;
