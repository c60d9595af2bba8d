-- Expediting: one order goes before others in a shortage, by rule, and it is on record.
SET client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('expedite');
SET usom.org = 'expedite';
INSERT INTO usom.location (code) VALUES ('EX-W');
INSERT INTO usom.product (sku) VALUES ('EX-A'), ('EX-B');
INSERT INTO usom.customer (code, segment) VALUES ('EX-GOLD', 'gold'), ('EX-IRON', NULL);
SELECT p.sku, r.on_hand FROM usom.product p, usom.receive_stock('EX-W', p.sku, 10) r WHERE p.org_id = usom.current_org() ORDER BY 1;
CREATE FUNCTION pg_temp.put(name text, quantity numeric, priority integer DEFAULT 5, customer text DEFAULT NULL, sku text DEFAULT 'EX-A', partial boolean DEFAULT true) RETURNS void LANGUAGE sql AS $$
	SELECT usom.place_order(jsonb_strip_nulls(jsonb_build_object('external_id', name, 'priority', priority, 'customer', customer, 'placed_at', '2026-01-01'::timestamptz + (SELECT count(*) FROM usom.orders) * interval '1 day',
		'lines', jsonb_build_array(jsonb_build_object('sku', sku, 'quantity', quantity, 'unit_price', 1, 'partial', partial)))))
$$;
CREATE FUNCTION pg_temp.no(name text) RETURNS text LANGUAGE sql AS $$ SELECT order_no FROM usom.orders WHERE external_id = name $$;
CREATE VIEW pg_temp.has AS SELECT o.external_id, o.priority, sum(l.quantity) AS quantity, sum(l.quantity_reserved) AS reserved, sum(l.quantity_backordered) AS waits, sum(l.quantity_released) AS released
	FROM usom.orders o JOIN usom.order_lines l USING (order_no) GROUP BY 1, 2 ORDER BY 1;

-- Ten units: the first to come have them.  The last of the less urgent lose them to the expedited order; what is released, or as urgent, does not.
SELECT pg_temp.put('1 urgent', 2, 1), pg_temp.put('2 released', 2), pg_temp.put('3 early', 3), pg_temp.put('4 late', 3), pg_temp.put('5 line down', 5), pg_temp.put('6 waits', 4, 2) \g /dev/null
SELECT usom.release_order(pg_temp.no('2 released')) \g /dev/null
SELECT * FROM pg_temp.has;
SELECT priority, quantity_gained, quantity_waiting, orders_changed, rule FROM usom.expedite_order(pg_temp.no('5 line down'), 'line is down');
SELECT * FROM pg_temp.has;
SELECT * FROM usom.verify();

-- It is on record: the run, what it did to each line, the order's history, and who asked why.
SELECT r.variant, r.status, r.items_changed, r.lines_changed, r.orders_changed FROM usom.backorder_runs r WHERE r.variant = 'expedite';
SELECT o.external_id, c.strategy, c.quantity_before, c.quantity_after FROM usom.backorder_changes c JOIN usom.orders o USING (order_no) WHERE c.variant = 'expedite' ORDER BY 1;
SELECT h.event, h.reason, h.reference = (SELECT run_no FROM usom.backorder_runs) AS of_run FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.external_id = '5 line down' AND h.event = 'expedite';

-- Again, it changes nothing.  What is free goes first: nobody loses then, and who is more urgent already stays so.
SELECT priority, quantity_gained, quantity_waiting, orders_changed FROM usom.expedite_order(pg_temp.no('5 line down'), 'line is still down');
SELECT count(*) FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.external_id = '5 line down' AND h.event = 'expedite';
SELECT location, on_hand FROM usom.receive_stock('EX-W', 'EX-A', 4);
SELECT quantity_gained, quantity_waiting FROM usom.expedite_order(pg_temp.no('6 waits'), 'called twice', 3);
SELECT * FROM pg_temp.has;

-- The rule that says who loses is usom.fill_priority: of these, gold customers keep theirs.  An order that is taken whole or not at all gives all of it back.
INSERT INTO usom.fill_priority (rank, expression, listed) VALUES (1, 'segment', '{gold}'), (2, 'placed_at', NULL);
SELECT pg_temp.put('7 iron', 4, 5, 'EX-IRON', 'EX-B', false), pg_temp.put('8 gold', 6, 5, 'EX-GOLD', 'EX-B'), pg_temp.put('9 made', 2, 5, NULL, 'EX-B') \g /dev/null
SELECT quantity_gained, quantity_waiting, orders_changed, rule FROM usom.expedite_order(pg_temp.no('9 made'), 'promised by the chief', 0);
SELECT * FROM pg_temp.has WHERE external_id > '7';
SELECT * FROM usom.verify();

-- An order that is placed by the same statement is there, too.
SELECT e.priority, e.quantity_gained, e.quantity_waiting FROM usom.place_order('{"lines": [{"sku": "EX-B", "quantity": 1}]}') p, usom.expedite_order(p.order_no, 'at once') e;

-- Who may: managers.  Of what: orders that still wait for goods.
DO $$ BEGIN
	IF to_regrole('regress_expedite_agent') IS NULL THEN CREATE ROLE regress_expedite_agent; END IF;
	IF to_regrole('regress_expedite_manager') IS NULL THEN CREATE ROLE regress_expedite_manager; END IF;
END $$;
SELECT usom.grant_access('regress_expedite_agent', 'agent'), usom.grant_access('regress_expedite_manager', 'manager') \g /dev/null
\set VERBOSITY terse
SET ROLE regress_expedite_agent;
SELECT quantity_gained FROM usom.expedite_order('any', 'please');
SET ROLE regress_expedite_manager;
SELECT quantity_gained FROM usom.expedite_order(pg_temp.no('7 iron'), 'please', 4);
RESET ROLE;
\set VERBOSITY sqlstate
SELECT quantity_gained FROM usom.expedite_order('EX-NONE', 'please');
SELECT quantity_gained FROM usom.expedite_order(pg_temp.no('7 iron'), NULL);
SELECT quantity_gained FROM usom.expedite_order(pg_temp.no('7 iron'), 'please', -1);
SELECT usom.cancel_order(pg_temp.no('7 iron'), 'no use any more') \g /dev/null
SELECT quantity_gained FROM usom.expedite_order(pg_temp.no('7 iron'), 'please');
\set VERBOSITY default
SELECT usom.revoke_access('regress_expedite_agent', 'agent'), usom.revoke_access('regress_expedite_manager', 'manager') \g /dev/null
SELECT * FROM usom.verify();
RESET usom.org;
