-- The life cycle: decisions, holds, and plain SQL that is as good as the functions.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code, priority) VALUES ('ORD-A', 1);
INSERT INTO usom.product (sku) VALUES ('ORD-1'), ('ORD-2'), ('ORD-3');
SELECT usom.receive_stocks('[{"location": "ORD-A", "sku": "ORD-1", "quantity": 100}, {"location": "ORD-A", "sku": "ORD-2", "quantity": 3}]');

-- A life in eight steps, each asked for twice: the second time changes nothing.
SELECT order_no AS o FROM usom.place_order('{"draft": true, "lines": [{"sku": "ORD-1", "quantity": 2, "unit_price": 5}]}') \gset
SELECT s.* FROM usom.submit_order(:'o') s UNION ALL SELECT s.* FROM usom.submit_order(:'o') s;
SELECT * FROM usom.confirm_order(:'o');
SELECT s.* FROM usom.release_order(:'o') s UNION ALL SELECT s.* FROM usom.release_order(:'o') s;
SELECT usom.ship(:'o') AS s \gset
SELECT d.* FROM usom.deliver(:'s') d UNION ALL SELECT d.* FROM usom.deliver(:'s') d;
SELECT c.* FROM usom.close_order(:'o') c UNION ALL SELECT c.* FROM usom.close_order(:'o') c;
SELECT h.version, event, from_status, to_status, quantity, pg_temp.mask(reference) AS reference FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.order_no = :'o' ORDER BY version;
SELECT * FROM pg_temp.shelf('ORD-1');

-- What no step leads to.
SELECT * FROM pg_temp.refused(format('SELECT usom.cancel_order(%L, %L)', :'o', 'too late'));
SELECT * FROM pg_temp.refused(format('SELECT usom.submit_order(%L)', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.confirm_order(%L)', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.reject_order(%L, NULL)', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.release_order(%L)', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L)', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.hold_order(%L, %L, NULL)', :'o', 'credit'));
SELECT * FROM pg_temp.refused(format('SELECT usom.change_order(%L, %L)', :'o', '{"priority": 1}'));
SELECT * FROM pg_temp.refused(format('SELECT usom.allocate_order(%L)', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.cancel_line(%L, 1, 1, NULL)', :'o'));
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "ORD-1", "quantity": 1}]}') \gset
SELECT * FROM pg_temp.refused(format('SELECT usom.close_order(%L)', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.reject_order(%L, NULL)', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L)', :'o'));

-- US105: no such order; and nothing for null.
SELECT call, r.* FROM unnest(ARRAY['submit_order(''NONE'')', 'confirm_order(''NONE'')', 'reject_order(''NONE'', NULL)',
	'cancel_order(''NONE'', NULL)', 'close_order(''NONE'')', 'cancel_line(''NONE'', 1, 1, NULL)', 'change_order(''NONE'', ''{}'')', 'allocate_order(''NONE'')',
	'hold_order(''NONE'', ''credit'', NULL)', 'release_hold(''NONE'', ''credit'', NULL)', 'release_order(''NONE'')', 'ship(''NONE'')',
	'authorize_return(''NONE'', ''[{"line_no": 1, "quantity": 1}]'', NULL)', 'order_timeline(''NONE'')', 'explain_status(''NONE'')']) AS call, pg_temp.refused(format('SELECT usom.%s', call)) r;
SELECT call, r.* FROM unnest(ARRAY['submit_order(NULL)', 'cancel_order(NULL, NULL)', 'ship(NULL)', 'deliver(NULL)', 'change_order(NULL, NULL)']) AS call, pg_temp.refused(format('SELECT usom.%s', call)) r;

-- Several holds at once: each blocks what its type says; the last one gone, all is open.
SELECT order_no AS o FROM usom.place_order('{"draft": true, "lines": [{"sku": "ORD-1", "quantity": 2, "unit_price": 5}]}') \gset
SELECT * FROM usom.hold_order(:'o', 'credit', 'invoice 4711 is overdue');
SELECT * FROM usom.hold_order(:'o', 'fraud', NULL);
SELECT * FROM usom.hold_order(:'o', 'mood', 'a type of our own');
SELECT hold_type, reason, blocks, expires_at, active FROM usom.holds WHERE order_no = :'o' ORDER BY hold_type;
SELECT held FROM usom.orders WHERE order_no = :'o';
SELECT status FROM usom.submit_order(:'o');
SELECT * FROM pg_temp.refused(format('SELECT usom.confirm_order(%L)', :'o'));
SELECT * FROM pg_temp.refused(format('UPDATE usom.sales_order SET status = %L WHERE order_no = %L', 'confirmed', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.change_order(%L, %L)', :'o', '{"priority": 1}'));
SELECT status FROM usom.release_hold(:'o', 'credit', 'paid');
SELECT * FROM pg_temp.refused(format('SELECT usom.release_hold(%L, %L, NULL)', :'o', 'credit'));
SELECT * FROM pg_temp.refused(format('SELECT usom.confirm_order(%L)', :'o'));
SELECT status FROM usom.release_hold(:'o', 'fraud', NULL);
SELECT status FROM usom.release_hold(:'o', 'mood', NULL);
SELECT status FROM usom.confirm_order(:'o');
SELECT hold_type, active FROM usom.holds WHERE order_no = :'o' ORDER BY hold_type;
SELECT * FROM usom.hold_order(:'o', 'address', 'no such street');
SELECT * FROM pg_temp.refused(format('SELECT usom.release_order(%L)', :'o'));
SELECT status FROM usom.release_hold(:'o', 'address', 'called');
SELECT status FROM usom.release_order(:'o');
SELECT status FROM usom.hold_order(:'o', 'address', 'again');
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L)', :'o'));

-- Expiry is read, not swept: nobody does anything between the two answers.
SELECT * FROM usom.hold_order(:'o', 'address', 'for a moment', clock_timestamp() + interval '0.3 s');
SELECT count(*) AS rows, bool_or(active) AS active FROM usom.holds WHERE order_no = :'o' AND hold_type = 'address';
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L)', :'o'));
SELECT pg_sleep(0.4);
SELECT reason, active FROM usom.holds WHERE order_no = :'o' AND hold_type = 'address' ORDER BY reason;
SELECT held FROM usom.orders WHERE order_no = :'o';
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
SELECT * FROM pg_temp.refused(format('SELECT usom.hold_order(%L, %L, NULL, %L)', :'o', 'credit', '2000-01-01 00:00:00+00'));
SELECT * FROM pg_temp.refused(format('SELECT usom.hold_order(%L, %L, NULL)', :'o', ''));

-- Plain SQL is as good as place_order: the same order, written twice, leaves the same rows.
WITH made AS (INSERT INTO usom.sales_order (channel_id, external_id, customer_id, priority, instructions) VALUES (usom.channel_id('web'), 'ORD-sql', NULL, 3, 'ring twice') RETURNING sales_order_id)
SELECT sales_order_id AS id FROM made \gset
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity, unit_price) VALUES
	(:id, 1, usom.product_id('ORD-1'), 4, 2.5), (:id, 2, usom.product_id('ORD-2'), 5, 1);
SELECT status, total, version FROM usom.orders WHERE external_id = 'ORD-sql';
UPDATE usom.sales_order SET status = 'submitted' WHERE sales_order_id = :id;
SELECT status, total, version FROM usom.orders WHERE external_id = 'ORD-sql';
SELECT p.* FROM usom.orders o, pg_temp.pieces(o.order_no) p WHERE external_id = 'ORD-sql';
UPDATE usom.sales_order SET status = 'cancelled' WHERE sales_order_id = :id;
SELECT status, total, version FROM usom.orders WHERE external_id = 'ORD-sql';
SELECT order_no AS o FROM usom.place_order('{"channel": "web", "external_id": "ORD-function", "priority": 3, "instructions": "ring twice",
	"lines": [{"sku": "ORD-1", "quantity": 4, "unit_price": 2.5}, {"sku": "ORD-2", "quantity": 5, "unit_price": 1}]}') \gset
SELECT status FROM usom.cancel_order(:'o', NULL);
WITH written AS (SELECT o.external_id, l.line_no, l.product_id, l.quantity, l.unit_price, l.total, l.quantity_cancelled, f.piece_no, f.status, f.quantity AS units, o.status AS order_status, o.total AS order_total, o.priority, usom._open(o.org_id, o.instructions) AS instructions
	FROM usom.sales_order o JOIN usom.order_line l USING (org_id, sales_order_id) JOIN usom.fulfillment_line f USING (org_id, sales_order_id, line_no) WHERE o.external_id IN ('ORD-sql', 'ORD-function'))
SELECT count(*) AS different FROM (
	SELECT to_jsonb(w) - 'external_id' AS image FROM written w WHERE external_id = 'ORD-sql' EXCEPT ALL SELECT to_jsonb(w) - 'external_id' FROM written w WHERE external_id = 'ORD-function') AS x;
SELECT * FROM pg_temp.shelf('ORD-%');

-- A draft is written freely, in every way SQL has; its total follows.
INSERT INTO usom.sales_order (external_id) VALUES ('ORD-draft') RETURNING status, total, version;
SELECT sales_order_id AS id, order_no AS o FROM usom.sales_order WHERE external_id = 'ORD-draft' \gset
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity, unit_price) SELECT :id, n, usom.product_id('ORD-1'), n, 1 FROM generate_series(1, 3) n;
MERGE INTO usom.order_line l USING (VALUES (3, 10), (4, 4)) AS w (line_no, quantity) ON l.sales_order_id = :id AND l.line_no = w.line_no
	WHEN MATCHED THEN UPDATE SET quantity = w.quantity
	WHEN NOT MATCHED THEN INSERT (sales_order_id, line_no, product_id, quantity, unit_price) VALUES (:id, w.line_no, usom.product_id('ORD-2'), w.quantity, 1);
DELETE FROM usom.order_line WHERE sales_order_id = :id AND line_no = 1;
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity, unit_price) VALUES (:id, 2, usom.product_id('ORD-1'), 20, 1)
	ON CONFLICT (org_id, sales_order_id, line_no) DO UPDATE SET quantity = excluded.quantity;
SELECT line_no, quantity, quantity_open, total FROM usom.order_lines WHERE order_no = :'o' ORDER BY 1;
UPDATE usom.sales_order SET currency = 'GBP', priority = 1, revision = 2 WHERE sales_order_id = :id RETURNING total, version;
SELECT total, version FROM usom.orders WHERE order_no = :'o';
SELECT * FROM pg_temp.refused(format('UPDATE usom.order_line SET quantity_reserved = 1 WHERE sales_order_id = %s', :id));
SELECT * FROM pg_temp.refused(format('UPDATE usom.order_line SET quantity = 0 WHERE sales_order_id = %s', :id));
SELECT * FROM pg_temp.refused(format('UPDATE usom.order_line SET quantity = %L WHERE sales_order_id = %s', 'NaN', :id));
SELECT * FROM pg_temp.refused(format('UPDATE usom.order_line SET unit_price = -1 WHERE sales_order_id = %s', :id));
SELECT * FROM pg_temp.refused(format('UPDATE usom.sales_order SET total = 1 WHERE sales_order_id = %s', :id));
SELECT * FROM pg_temp.refused(format('UPDATE usom.sales_order SET version = 9 WHERE sales_order_id = %s', :id));
SELECT * FROM pg_temp.refused(format('UPDATE usom.sales_order SET order_no = %L WHERE sales_order_id = %s', 'MINE', :id));

-- Units of a draft that were cancelled stay on record: their line is not taken away by hand.
SELECT order_no AS o FROM usom.place_order('{"external_id": "ORD-cancelled", "draft": true, "lines": [{"sku": "ORD-1", "quantity": 5, "unit_price": 2}, {"sku": "ORD-2", "quantity": 1}]}') \gset
SELECT sales_order_id AS cancelled_id FROM usom.sales_order WHERE order_no = :'o' \gset
SELECT status FROM usom.cancel_line(:'o', 1, 2, 'fewer');
SELECT * FROM pg_temp.refused(format('DELETE FROM usom.order_line WHERE sales_order_id = %s AND line_no = 1', :cancelled_id));
SELECT * FROM pg_temp.refused(format('DELETE FROM usom.order_line WHERE sales_order_id = %s', :cancelled_id));
SELECT * FROM pg_temp.refused(format('UPDATE usom.order_line SET quantity = 9 WHERE sales_order_id = %s AND line_no = 1', :cancelled_id));
DELETE FROM usom.order_line WHERE sales_order_id = :cancelled_id AND line_no = 2;
SELECT line_no, quantity, quantity_open, quantity_cancelled, total FROM usom.order_lines WHERE order_no = :'o';
SELECT * FROM pg_temp.pieces(:'o');

-- 22003: the units of an order are below 9e12, whichever way they come; a draft beyond that stays as it was.
INSERT INTO usom.sales_order (external_id) VALUES ('ORD-vast') RETURNING sales_order_id AS vast_id \gset
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) SELECT :vast_id, n, usom.product_id('ORD-1'), 999999999999 FROM generate_series(1, 9) n;
SELECT * FROM pg_temp.refused(format('INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) VALUES (%s, 10, usom.product_id(%L), 9)', :vast_id, 'ORD-1'));
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) VALUES (:vast_id, 10, usom.product_id('ORD-1'), 8.999999);
SELECT * FROM pg_temp.refused(format('UPDATE usom.order_line SET quantity = 9 WHERE sales_order_id = %s AND line_no = 10', :vast_id));
SELECT * FROM pg_temp.refused(format('SELECT usom.change_order(order_no, %L) FROM usom.sales_order WHERE sales_order_id = %s', '{"lines": [{"sku": "ORD-2", "quantity": 999999999999}]}', :vast_id));
SELECT count(*), sum(quantity) FROM usom.order_line WHERE sales_order_id = :vast_id;
SELECT s.* FROM usom.sales_order o, usom.submit_order(o.order_no) s WHERE o.sales_order_id = :vast_id;
SELECT c.* FROM usom.sales_order o, usom.cancel_order(o.order_no, 'a slip of the keyboard') c WHERE o.sales_order_id = :vast_id;

-- US109: nothing to submit.
INSERT INTO usom.sales_order (external_id) VALUES ('ORD-empty');
SELECT * FROM pg_temp.refused($$UPDATE usom.sales_order SET status = 'submitted' WHERE external_id = 'ORD-empty'$$);
SELECT * FROM pg_temp.refused($$SELECT usom.submit_order(order_no) FROM usom.sales_order WHERE external_id = 'ORD-empty'$$);
SELECT status, version FROM usom.orders WHERE external_id = 'ORD-empty';

-- What plain SQL gets wrong is refused, not half taken.
SELECT pg_temp.is_refused(format('INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) VALUES (%s, 9, -1, 1)', :id)) AS unknown_product;
SELECT pg_temp.is_refused(format('INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity, location_id) VALUES (%s, 9, usom.product_id(%L), 1, -1)', :id, 'ORD-1')) AS unknown_location;
SELECT pg_temp.is_refused($$INSERT INTO usom.sales_order (external_id, customer_id) VALUES ('ORD-customer', -1)$$) AS unknown_customer;
SELECT pg_temp.is_refused($$INSERT INTO usom.sales_order (external_id, channel_id) VALUES ('ORD-channel', -1)$$) AS unknown_channel;
SELECT pg_temp.is_refused($$INSERT INTO usom.sales_order (external_id, total) VALUES ('ORD-total', 1000)$$) AS total_by_hand;
SELECT * FROM pg_temp.refused($$INSERT INTO usom.sales_order (external_id, version) VALUES ('ORD-version', 7)$$);
SELECT * FROM pg_temp.refused($$INSERT INTO usom.sales_order (external_id, status) VALUES ('ORD-status', 'confirmed')$$);
SELECT * FROM pg_temp.refused($$INSERT INTO usom.sales_order (external_id, status) VALUES ('ORD-status', 'confrimed')$$);
SELECT * FROM usom.verify();

-- While it runs, what was agreed is changed by change_order, words and dates by hand.
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "ORD-1", "quantity": 4, "unit_price": 2.5}]}') \gset
UPDATE usom.sales_order SET priority = 1, instructions = 'hurry', requested_at = '2100-01-01', ship_complete = true WHERE order_no = :'o';
SELECT status, priority, instructions, requested_at, version FROM usom.orders WHERE order_no = :'o';
SELECT * FROM pg_temp.refused(format('UPDATE usom.sales_order SET currency = %L WHERE order_no = %L', 'USD', :'o'));
SELECT * FROM pg_temp.refused(format('UPDATE usom.sales_order SET customer_id = 1 WHERE order_no = %L', :'o'));
SELECT * FROM pg_temp.refused(format('UPDATE usom.order_line SET quantity = 5 WHERE sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE order_no = %L)', :'o'));
SELECT * FROM pg_temp.refused(format('DELETE FROM usom.order_line WHERE sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE order_no = %L)', :'o'));
SELECT * FROM pg_temp.refused(format('INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) SELECT sales_order_id, 2, usom.product_id(%L), 1 FROM usom.sales_order WHERE order_no = %L', 'ORD-1', :'o'));
SELECT * FROM pg_temp.refused(format('DELETE FROM usom.sales_order WHERE order_no = %L', :'o'));
-- A status set to what it is changes nothing.
SELECT version FROM usom.orders WHERE order_no = :'o';
UPDATE usom.sales_order SET status = 'confirmed' WHERE order_no = :'o';
SELECT version FROM usom.orders WHERE order_no = :'o';

-- Many in one statement.
SELECT count(*) FROM usom.place_orders((SELECT jsonb_agg(jsonb_build_object('external_id', 'ORD-many-' || n, 'draft', true, 'lines', jsonb_build_array(jsonb_build_object('sku', 'ORD-1', 'quantity', 1)))) FROM generate_series(1, 5) n));
UPDATE usom.sales_order SET status = 'submitted' WHERE external_id LIKE 'ORD-many-%';
SELECT status, count(*) FROM usom.orders WHERE external_id LIKE 'ORD-many-%' GROUP BY 1;
UPDATE usom.sales_order SET status = 'cancelled' WHERE external_id LIKE 'ORD-many-%';
SELECT status, count(*) FROM usom.orders WHERE external_id LIKE 'ORD-many-%' GROUP BY 1;

-- A rejected order keeps nothing; a submitted one is turned down by its function or by plain SQL.
SELECT order_no AS o FROM usom.place_order('{"draft": true, "lines": [{"sku": "ORD-1", "quantity": 2, "unit_price": 5}]}') \gset
SELECT status FROM usom.hold_order(:'o', 'credit', 'check');
SELECT status FROM usom.submit_order(:'o');
SELECT r.* FROM usom.reject_order(:'o', 'fraud') r UNION ALL SELECT r.* FROM usom.reject_order(:'o', 'fraud') r;
SELECT * FROM pg_temp.pieces(:'o');

-- Backordered units get stock first come, first served; ship_complete waits for all of it.
SELECT order_no AS first FROM usom.place_order('{"lines": [{"sku": "ORD-3", "quantity": 4}]}') \gset
SELECT order_no AS second FROM usom.place_order('{"ship_complete": true, "lines": [{"sku": "ORD-3", "quantity": 3}]}') \gset
SELECT * FROM usom.receive_stock('ORD-A', 'ORD-3', 5);
SELECT CASE order_no WHEN :'first' THEN 'first' WHEN :'second' THEN 'second' END AS order, line_no, quantity FROM usom.fill_backorders('ORD-3');
SELECT count(*) AS again FROM usom.fill_backorders('ORD-3');
SELECT * FROM pg_temp.pieces(:'second');
SELECT * FROM pg_temp.refused(format('SELECT usom.release_order(%L)', :'second'));
SELECT * FROM usom.receive_stock('ORD-A', 'ORD-3', 5);
SELECT status FROM usom.allocate_order(:'second');
SELECT status FROM usom.release_order(:'second');
SELECT * FROM pg_temp.pieces(:'second');
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.fill_backorders('ORD-NONE')$$);
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "ORD-2", "quantity": 40}]}') \gset
SELECT status FROM usom.cancel_line(:'o', 1, NULL, NULL);
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "ORD-2", "quantity": 40, "partial": false}]}') \gset
SELECT * FROM pg_temp.refused(format('SELECT usom.release_order(%L)', :'o'));
SELECT * FROM usom.verify();
