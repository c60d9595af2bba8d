-- Substitution: another product in the place of one that is short.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on
INSERT INTO usom.location (code) VALUES ('SUB-A'), ('SUB-B');
INSERT INTO usom.product (sku) VALUES ('SUB-MUG-RED'), ('SUB-MUG-BLUE'), ('SUB-MUG-GREY'), ('SUB-MUG-BOX');
INSERT INTO usom.price (sku, unit_price) VALUES ('SUB-MUG-RED', 5), ('SUB-MUG-BLUE', 4.5), ('SUB-MUG-GREY', 7), ('SUB-MUG-BOX', 66);
INSERT INTO usom.substitute (sku, substitute_sku, quantity, substitute_quantity, priority, price_rule) VALUES
	('SUB-MUG-RED', 'SUB-MUG-BLUE', 1, 1, 10, 'lower'),
	('SUB-MUG-RED', 'SUB-MUG-GREY', 1, 1, 20, 'keep'),
	('SUB-MUG-RED', 'SUB-MUG-BOX', 12, 1, 30, 'actual');
SELECT * FROM usom.substitutes WHERE sku LIKE 'SUB-%' ORDER BY sku, priority;
CREATE VIEW pg_temp.line AS SELECT order_no, line_no, sku, status, trim_scale(quantity) AS quantity, trim_scale(unit_price) AS price, trim_scale(total) AS total,
	trim_scale(quantity_reserved) AS reserved, trim_scale(quantity_backordered) AS waits, trim_scale(quantity_cancelled) AS cancelled FROM usom.order_lines;

-- Rules that make no sense are refused.
INSERT INTO usom.substitute (sku, substitute_sku) VALUES ('SUB-MUG-RED', 'SUB-MUG-RED');
INSERT INTO usom.substitute (sku, substitute_sku) VALUES ('SUB-MUG-RED', 'SUB-UNKNOWN');
INSERT INTO usom.substitute (sku, substitute_sku, quantity) VALUES ('SUB-MUG-BLUE', 'SUB-MUG-RED', 0);

-- The customer is asked: five wait, three blue ones and nine grey ones are there.  Grey has all.
SELECT FROM usom.receive_stock('SUB-A', 'SUB-MUG-RED', 2);
SELECT FROM usom.receive_stock('SUB-A', 'SUB-MUG-BLUE', 3);
SELECT FROM usom.receive_stock('SUB-A', 'SUB-MUG-GREY', 4);
SELECT FROM usom.receive_stock('SUB-B', 'SUB-MUG-GREY', 5);
SELECT order_no AS o, status, total, quantity_reserved, quantity_backordered FROM usom.place_order('{"lines": [{"sku": "SUB-MUG-RED", "quantity": 7}]}') \gset
SELECT usom.propose_substitution(:'o', 1) AS s \gset
SELECT sku, quantity, substitute_sku, substitute_quantity, unit_price, status, automatic, expires_at - proposed_at > '1 day' AS stands FROM usom.substitutions WHERE substitution_id = :s;
SELECT usom.available('SUB-MUG-GREY') AS grey_left, usom.available('SUB-MUG-GREY', 'SUB-B') AS at_b;
SELECT kind, payload - 'substitution_id' AS payload FROM usom.events WHERE order_no = :'o' AND kind LIKE 'subst%' ORDER BY event_no;
-- The order as it was is not touched until the customer agrees.
SELECT line_no, sku, status, quantity, price, total, reserved, waits, cancelled FROM pg_temp.line WHERE order_no = :'o' ORDER BY line_no;
SELECT status FROM usom.accept_substitution(:s);
SELECT line_no, sku, status, quantity, price, total, reserved, waits, cancelled FROM pg_temp.line WHERE order_no = :'o' ORDER BY line_no;
SELECT location, quantity, status FROM usom.order_pieces WHERE order_no = :'o' AND line_no = 2 ORDER BY location;
SELECT total FROM usom.orders WHERE order_no = :'o';
SELECT status, substitute_line_no, decided_by = session_user AS by_me FROM usom.substitutions WHERE substitution_id = :s;
SELECT count(*) AS still_kept FROM usom.reservation WHERE owner LIKE 'substitution %';
SELECT event, line_no, quantity FROM usom.timeline WHERE order_no = :'o' AND event LIKE '%subst%' ORDER BY version;
-- It was decided; nothing waits any more.
DO $$ BEGIN PERFORM usom.accept_substitution((SELECT max(substitution_id) FROM usom.substitutions));
EXCEPTION WHEN SQLSTATE 'US118' THEN RAISE NOTICE '%', regexp_replace(SQLERRM, '\d+', 'N'); END $$;
DO $$ BEGIN PERFORM usom.propose_substitution((SELECT max(order_no) FROM usom.orders), 1);
EXCEPTION WHEN SQLSTATE 'US116' THEN RAISE NOTICE '%', regexp_replace(SQLERRM, '"SO-\d+"', 'the order'); END $$;

-- By name, in part, and declined: what was kept is free again.
SELECT order_no AS o2 FROM usom.place_order('{"lines": [{"sku": "SUB-MUG-RED", "quantity": 6}]}') \gset
SELECT usom.propose_substitution(:'o2', 1, 'SUB-MUG-BLUE', 2, '1 hour') AS s2 \gset
SELECT usom.available('SUB-MUG-BLUE') AS blue_left;
SELECT status FROM usom.decline_substitution(:s2, 'wants red');
SELECT usom.available('SUB-MUG-BLUE') AS blue_left;
SELECT status, reason, unit_price FROM usom.substitutions WHERE substitution_id = :s2;
-- One that expired is as good as none, without anybody's doing.
SELECT usom.propose_substitution(:'o2', 1, 'SUB-MUG-BLUE', 2, '1 hour') AS s3 \gset
ALTER TABLE usom.line_substitution DISABLE TRIGGER usom_guard;
UPDATE usom.line_substitution SET expires_at = now() - interval '1 minute' WHERE substitution_id = :s3;
ALTER TABLE usom.line_substitution ENABLE ALWAYS TRIGGER usom_guard;
SELECT status FROM usom.substitutions WHERE substitution_id = :s3;
DO $$ BEGIN PERFORM usom.accept_substitution((SELECT max(substitution_id) FROM usom.substitutions));
EXCEPTION WHEN SQLSTATE 'US118' THEN RAISE NOTICE '%', regexp_replace(SQLERRM, '\d+', 'N'); END $$;
\set VERBOSITY sqlstate
SELECT usom.propose_substitution(:'o2', 1, 'SUB-MUG-BOX', 6);
SELECT usom.propose_substitution(:'o2', 1, NULL, 7);
SELECT usom.propose_substitution(:'o2', 1, NULL, 1, '0 days');
SELECT usom.propose_substitution(:'o2', 9);
\set VERBOSITY default
SELECT status FROM usom.cancel_order(:'o2', 'no longer wanted');
SELECT usom.release_stock(reservation_id) FROM usom.reservation WHERE owner LIKE 'substitution %';

-- Agreed beforehand, on the line: done in the call that places the order.  Blue first, at the lower price.
SELECT order_no AS o3, status, total, quantity_reserved, quantity_backordered, messages
FROM usom.place_order('{"lines": [{"sku": "SUB-MUG-RED", "quantity": 3, "substitution": "allowed"}]}') \gx /dev/null
SELECT order_no AS o3 FROM usom.orders WHERE order_no = (SELECT max(order_no) FROM usom.substitutions WHERE automatic) \gset
SELECT line_no, sku, status, quantity, price, total, reserved, waits, cancelled FROM pg_temp.line WHERE order_no = :'o3' ORDER BY line_no;
SELECT sku, quantity, substitute_sku, substitute_quantity, status, automatic FROM usom.substitutions WHERE order_no = :'o3';
-- Agreed beforehand by the customer; the line may say otherwise.  Grey has four left of the six wanted.
INSERT INTO usom.customer (code, substitution) VALUES ('SUB-EASY', 'allowed');
SELECT quantity_reserved, quantity_backordered, messages FROM usom.place_order('{"customer": "SUB-EASY", "lines": [{"sku": "SUB-MUG-RED", "quantity": 6},
	{"sku": "SUB-MUG-RED", "quantity": 1, "substitution": "none"}]}');
-- Twelve of one for a box of the other, whole boxes only; a draft is served when it is submitted.
SELECT FROM usom.receive_stock('SUB-B', 'SUB-MUG-BOX', 5);
SELECT order_no AS o4 FROM usom.place_order('{"draft": true, "customer": "SUB-EASY", "lines": [{"sku": "SUB-MUG-RED", "quantity": 30}]}') \gset
SELECT status FROM usom.submit_order(:'o4');
SELECT line_no, sku, status, quantity, price, total, reserved, waits, cancelled FROM pg_temp.line WHERE order_no = :'o4' ORDER BY line_no;
-- A line that is not to be cut is replaced whole or not at all; a batch is one set.
SELECT outcome FROM usom.place_orders('[{"customer": "SUB-EASY", "lines": [{"sku": "SUB-MUG-RED", "quantity": 37, "partial": false}]},
	{"customer": "SUB-EASY", "lines": [{"sku": "SUB-MUG-RED", "quantity": 12}, {"sku": "SUB-MUG-RED", "quantity": 24}]},
	{"customer": "SUB-EASY", "lines": [{"sku": "SUB-MUG-RED", "quantity": 12}]}]');
SELECT dense_rank() OVER (ORDER BY order_no) AS "order", line_no, sku, quantity, reserved, waits, cancelled FROM pg_temp.line
WHERE order_no > :'o4' ORDER BY 1, 2;
-- Later, for all that agreed.
SELECT FROM usom.receive_stock('SUB-A', 'SUB-MUG-GREY', 100);
SELECT dense_rank() OVER (ORDER BY order_no) AS "order", line_no, quantity, substitute_line_no, substitute_sku, substitute_quantity FROM usom.substitute_backorders('SUB-MUG-RED') ORDER BY 1, 2;
SELECT count(*) AS wait FROM pg_temp.line WHERE sku = 'SUB-MUG-RED' AND waits > 0;
SELECT * FROM usom.substitute_backorders();
SELECT * FROM usom.verify();

-- Who wants to be told: those who asked first, as long as units last, once.
INSERT INTO usom.product (sku) VALUES ('SUB-LAMP');
INSERT INTO usom.customer (code) VALUES ('SUB-1'), ('SUB-2'), ('SUB-3'), ('SUB-4');
SELECT usom.watch_stock('SUB-1', 'SUB-LAMP', 2) > 0 AS noted;
SELECT usom.watch_stock('SUB-2', 'SUB-LAMP') = usom.watch_stock('SUB-2', 'SUB-LAMP', 3) AS same;
SELECT usom.watch_stock('SUB-3', 'SUB-LAMP', 1, 'SUB-B') > 0 AS noted;
SELECT usom.watch_stock('SUB-4', 'SUB-LAMP', 1, expires_at => now() - interval '1 day') > 0 AS noted;
SELECT usom.tell_back_in_stock('SUB-LAMP') AS told;
SELECT FROM usom.receive_stock('SUB-A', 'SUB-LAMP', 4);
SELECT usom.reserve_stock('SUB-cart', 'SUB-A', 'SUB-LAMP', 1, '1 hour') > 0 AS kept;
SELECT usom.tell_back_in_stock() AS told;
SELECT payload FROM usom.events WHERE kind = 'back_in_stock' AND payload->>'sku' = 'SUB-LAMP' ORDER BY event_id;
SELECT FROM usom.receive_stock('SUB-B', 'SUB-LAMP', 2);
SELECT usom.tell_back_in_stock('SUB-LAMP') AS told, usom.tell_back_in_stock('SUB-LAMP') AS again;
SELECT payload FROM usom.events WHERE kind = 'back_in_stock' AND payload->>'sku' = 'SUB-LAMP' ORDER BY event_id OFFSET 1;
SELECT customer, location, quantity, open, told_at IS NOT NULL AS told FROM usom.stock_interests WHERE sku = 'SUB-LAMP' ORDER BY customer;
SELECT usom.unwatch_stock('SUB-4', 'SUB-LAMP'), usom.unwatch_stock('SUB-4', 'SUB-LAMP') AS again;
SELECT usom.watch_stock('SUB-1', 'SUB-LAMP', 0);
SELECT usom.watch_stock('NOBODY', 'SUB-LAMP');
SELECT * FROM usom.verify();
ROLLBACK;
