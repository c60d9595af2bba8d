-- Waves, tasks that pickers claim and confirm, and what is not there.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on
SET LOCAL client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('pickers');
SET LOCAL usom.org = 'pickers';
UPDATE usom.document_counter SET gap_free = true;
INSERT INTO usom.location (code, priority, time_zone) VALUES ('W', 1, 'Europe/London'), ('V', 2, 'UTC');
INSERT INTO usom.product (sku, kind) VALUES ('MUG', 'physical'), ('PLATE', 'physical'), ('BOWL', 'physical'), ('FORK', 'physical'), ('CARD', 'service');
SELECT count(*) FROM (VALUES ('W', 'MUG', 20), ('W', 'PLATE', 20), ('W', 'BOWL', 20), ('W', 'FORK', 20), ('V', 'MUG', 2), ('V', 'BOWL', 50)) AS s (location, sku, quantity), LATERAL usom.receive_stock(s.location, s.sku, s.quantity);

-- Bins are rows: codes once in a location, and products that lie there.
INSERT INTO usom.bin (location_id, code, zone, sequence) SELECT usom.location_id('W'), b.code, b.zone, b.sequence FROM (VALUES ('A-02', 'A', 2), ('A-01', 'A', 1), ('B-01', 'B', 1), ('B-02', 'B', 2)) AS b (code, zone, sequence);
INSERT INTO usom.bin (location_id, code) VALUES (usom.location_id('V'), 'A-01');
\set VERBOSITY terse
INSERT INTO usom.bin (location_id, code) VALUES (usom.location_id('W'), 'A-01');
\set VERBOSITY default
INSERT INTO usom.bin_product (bin_id, product_id) SELECT b.bin_id, usom.product_id(p.sku)
FROM (VALUES ('A-01', 'PLATE'), ('A-02', 'MUG'), ('B-01', 'BOWL'), ('B-02', 'MUG')) AS p (bin, sku) JOIN usom.bin b ON b.code = p.bin AND b.location_id = usom.location_id('W');
DELETE FROM usom.bin WHERE code = 'B-02';

CREATE FUNCTION pg_temp.place(number text, lines text, more text DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT r.status FROM usom.place_order(jsonb_build_object('external_id', number, 'placed_at', '2020-01-01'::timestamptz + make_interval(hours => number::integer),
		'lines', (SELECT jsonb_agg(jsonb_build_object('sku', split_part(l, ' ', 1), 'quantity', split_part(l, ' ', 2)::numeric, 'unit_price', 1)) FROM unnest(string_to_array(lines, ', ')) l)) || more::jsonb) o, usom.release_order(o.order_no) r
$$;
CREATE FUNCTION pg_temp.no(number text) RETURNS text LANGUAGE sql AS $$SELECT o.order_no FROM usom.orders o WHERE o.external_id = number$$;
CREATE VIEW pg_temp.list AS SELECT t.wave, t.sequence AS step, t.zone, t.bin, t.sku, o.external_id AS n, t.quantity, t.quantity_picked AS picked, t.quantity_short AS short, t.quantity_left AS "left", t.status, t.picker, t.picked_by, t.task
FROM usom.pick_tasks t JOIN usom.orders o USING (order_no);
CREATE FUNCTION pg_temp.task(wave text, step integer) RETURNS bigint LANGUAGE sql AS $$SELECT t.task FROM usom.pick_tasks t WHERE t.wave = $1 AND t.sequence = $2$$;
CREATE FUNCTION pg_temp.pieces(number text) RETURNS TABLE (status text, pieces text) LANGUAGE sql AS $$
	SELECT o.status, string_agg(format('%s %s %s%s', trim_scale(p.quantity), p.sku, p.status, ' at ' || p.location), ', ' ORDER BY p.line_no, p.piece_no)
	FROM usom.order_pieces p JOIN usom.orders o USING (order_no) WHERE o.external_id = number GROUP BY 1
$$;
-- A claim, with orders by the number the test gave them.
CREATE FUNCTION pg_temp.claim(picker text, tasks integer DEFAULT 1, wave text DEFAULT NULL, lease interval DEFAULT '15 minutes') RETURNS TABLE (step integer, bin text, sku text, quantity numeric, n text) LANGUAGE sql AS $$
	SELECT c.sequence, c.bin, c.sku, c.quantity, o.external_id FROM usom.claim_picks('W', picker, tasks, lease, wave) c JOIN usom.orders o USING (order_no)
$$;

SELECT * FROM usom.plan_wave('W');
SELECT pg_temp.place(v.n, v.lines, v.more) FROM (VALUES ('1', 'MUG 2, PLATE 1, CARD 1', '{}'), ('2', 'MUG 1', '{}'), ('3', 'BOWL 3', '{"priority": 1}'), ('4', 'FORK 2, MUG 3', '{}'), ('5', 'PLATE 4', '{}')) AS v (n, lines, more);
-- One walk for all orders, past the bins; of two bins the first; what has no bin comes last. Services are not picked.
SELECT * FROM usom.plan_wave('W');
SELECT wave, step, zone, bin, sku, n, quantity, "left", status FROM pg_temp.list ORDER BY step;
SELECT wave, location, status, orders, tasks, units, tasks_open FROM usom.waves;
SELECT * FROM usom.plan_wave('W');

-- Claims: each task once, in sequence; a repeated call gives the same.
SELECT * FROM pg_temp.claim('ann', 2);
SELECT * FROM pg_temp.claim('bob', 2);
SELECT * FROM pg_temp.claim('ann', 2);
SELECT * FROM pg_temp.claim('ann', 3);
SELECT step, picker FROM pg_temp.list WHERE picker IS NOT NULL ORDER BY step;
SELECT usom.unclaim_picks('W', 'bob', pg_temp.task('WV-000001', 4));
SELECT * FROM pg_temp.claim('cid');
SELECT usom.unclaim_picks('W', 'cid');
SELECT usom.unclaim_picks('W', 'nobody');
SELECT * FROM pg_temp.claim('cid', 1, 'WV-9');
SELECT * FROM pg_temp.claim('cid', 0);
SELECT * FROM pg_temp.claim('cid', 1, NULL, '0 minutes');
SELECT * FROM pg_temp.claim('');
SELECT * FROM usom.claim_picks('NOWHERE', 'cid');

-- Confirming: by scan, in parts, once.
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 1), 1, 'bob');
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 1), NULL, 'ann', 'MUG');
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 1), NULL, 'ann', 'PLATE', 'A-02');
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 1), NULL, 'ann', lot => 'L1');
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 1), NULL, 'ann', serials => '{S1,S2}');
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 1), 2, 'ann');
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 1), NULL, 'ann', 'PLATE', 'A-01');
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 1), NULL, 'ann', 'PLATE', 'A-01');
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 2), 1, 'ann');
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 2), 1, 'ann');
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 2), 0.5, 'ann');
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 2), 5, 'ann');
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 2), 4, 'ann');
-- Another bin in which the product lies will do.
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 3), NULL, 'bob', 'MUG', 'B-01');
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 3), NULL, 'bob', 'MUG', 'B-02');
SELECT * FROM usom.confirm_pick(0);
SELECT * FROM usom.confirm_pick(NULL);
SELECT * FROM pg_temp.pieces('1');
SELECT * FROM pg_temp.pieces('5');
SELECT step, quantity, picked, "left", status, picked_by FROM pg_temp.list ORDER BY step;
SELECT wave, status, tasks_open, units_picked FROM usom.waves;
SELECT o.external_id, h.event, h.line_no, trim_scale(h.quantity) AS quantity, h.reference FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE h.org_id = usom.current_org() AND h.event = 'pick' ORDER BY o.placed_at, h.version;

-- Nothing of it is left for others.
SELECT * FROM pg_temp.claim('ann', 1, NULL, '1 hour');
SELECT usom.unclaim_picks('W', 'ann');

-- A lease that has run out: read, not swept.
SELECT * FROM pg_temp.claim('bob', 1);
SELECT * FROM pg_temp.claim('dan', 1);
SELECT * FROM pg_temp.claim('bob', 1, NULL, '1 microsecond');
SELECT pg_sleep(0.01);
SELECT * FROM pg_temp.claim('dan', 2);
SELECT * FROM pg_temp.claim('bob', 1);

-- A task whose units nobody wants any more ends when a picker would get it, and he gets another.
SELECT usom.unclaim_picks('W', p) FROM unnest(ARRAY['bob', 'dan']) AS p;
SELECT status FROM usom.cancel_order(pg_temp.no('2'), 'changed his mind');
SELECT step, sku, n, "left", status FROM pg_temp.list WHERE n = '2';
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 4));
SELECT * FROM pg_temp.claim('eve', 2);
SELECT status, ended_at IS NOT NULL AS ended FROM usom.pick_task WHERE pick_task_id = pg_temp.task('WV-000001', 4);
-- Fewer units are wanted: as many are left.
SELECT status FROM usom.cancel_line(pg_temp.no('4'), 2, 1, 'one less');
SELECT * FROM pg_temp.claim('eve', 2);
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 5), 3);
SELECT * FROM usom.confirm_pick(pg_temp.task('WV-000001', 5), NULL);

-- Not enough is there: what was found is picked, the rest is taken off, and sourced from elsewhere.
SELECT sku, location, on_hand, reserved FROM usom.stock_position WHERE sku IN ('BOWL', 'FORK') ORDER BY 1, 2;
SELECT * FROM usom.short_pick(pg_temp.task('WV-000001', 6), 1, NULL);
SELECT * FROM usom.short_pick(pg_temp.task('WV-000001', 6), 1, '');
SELECT * FROM usom.short_pick(pg_temp.task('WV-000001', 6), 4, 'bin empty');
SELECT * FROM usom.short_pick(pg_temp.task('WV-000001', 6), 1, 'bin empty', 'bob');
SELECT * FROM usom.short_pick(pg_temp.task('WV-000001', 6), 1, 'bin empty', 'eve');
SELECT * FROM usom.short_pick(pg_temp.task('WV-000001', 6), 1, 'bin empty', 'eve');
SELECT * FROM pg_temp.pieces('3');
SELECT sku, location, on_hand, reserved FROM usom.stock_position WHERE sku = 'BOWL' ORDER BY 1, 2;
SELECT kind, trim_scale(delta) AS delta, reason, reference = pg_temp.no('3') AS of_order FROM usom.stock_movement WHERE org_id = usom.current_org() AND kind = 'adjustment' ORDER BY stock_movement_id;
SELECT kind, line_no, reference, message, detail FROM usom.exceptions WHERE order_no = pg_temp.no('3');
-- Nobody else has any: the units wait. A part of the shelf is damaged: what is left there serves them.
SELECT * FROM usom.short_pick(pg_temp.task('WV-000001', 7), 0, 'fell down', shelf_empty => false);
SELECT * FROM pg_temp.pieces('4');
SELECT * FROM usom.report_short(pg_temp.no('4'), 1, 1, 'nothing there');
SELECT * FROM usom.release_order(pg_temp.no('4'));
SELECT * FROM usom.report_short(pg_temp.no('4'), 1, 1, 'gone', 'V');
SELECT status FROM usom.report_short(pg_temp.no('4'), 1, 1, 'gone', 'W');
SELECT * FROM pg_temp.pieces('4');
SELECT sku, location, on_hand, reserved FROM usom.stock_position WHERE sku = 'FORK';
SELECT kind, line_no, reference, message FROM usom.exceptions WHERE order_no = pg_temp.no('4') ORDER BY 1;
SELECT step, quantity, picked, short, "left", status, picked_by FROM pg_temp.list ORDER BY step;
SELECT wave, status, tasks_open, tasks_short, units_picked, units_short FROM usom.waves;
SELECT * FROM usom.short_pick(pg_temp.task('WV-000001', 1), 1, 'late');
SELECT * FROM usom.short_pick(pg_temp.task('WV-000001', 1), 2, 'late');

-- Without tasks: order by order.
SELECT pg_temp.place('6', 'MUG 2, BOWL 2, CARD 1');
SELECT status FROM usom.pick(pg_temp.no('6'), '[{"line_no": 1, "quantity": 3}]');
SELECT status FROM usom.pick(pg_temp.no('6'), '[{"line_no": 1, "quantity": 1}]');
SELECT status FROM usom.pick(pg_temp.no('6'), NULL, 'W');
SELECT status FROM usom.pick(pg_temp.no('6'), location => 'NOWHERE');
SELECT * FROM pg_temp.pieces('6');
SELECT status FROM usom.pick(pg_temp.no('6'));
SELECT status FROM usom.pick(pg_temp.no('6'));
SELECT * FROM pg_temp.pieces('6');
SELECT status FROM usom.pick(pg_temp.no('2'));

-- Waves by rule: carrier, cut-off at the clock of the place, zone, lines, priority, limits.
INSERT INTO usom.wave_rule (code, lines) VALUES ('SINGLES', 'single'), ('MULTIS', 'multi');
INSERT INTO usom.wave_rule (code, zone, sequence_by) VALUES ('ZONE-A', 'A', 'order');
INSERT INTO usom.wave_rule (code, priority_to, carrier, cut_off) SELECT 'URGENT', 2, 'DHL', (now() AT TIME ZONE 'Europe/London' - interval '1 hour')::time;
INSERT INTO usom.wave_rule (code, max_orders) VALUES ('ONE', 1);
INSERT INTO usom.wave_rule (code, max_units) VALUES ('FEW', 5);
INSERT INTO usom.wave_rule (code, channel) VALUES ('WEB', 'web');
INSERT INTO usom.wave_rule (code, active) VALUES ('OFF', false);
\set VERBOSITY terse
INSERT INTO usom.wave_rule (code, lines) VALUES ('ODD', 'some');
\set VERBOSITY default
SELECT count(*) FROM usom.receive_stock('W', 'BOWL', 50);
SELECT pg_temp.place(v.n, v.lines, v.more) FROM (VALUES ('11', 'MUG 1, BOWL 1', '{}'), ('12', 'PLATE 2', '{}'), ('13', 'MUG 1', '{"priority": 1}'), ('14', 'PLATE 1, MUG 1', '{"channel": "web"}'), ('15', 'BOWL 9', '{}'), ('16', 'BOWL 1', '{}')) AS v (n, lines, more);
CREATE FUNCTION pg_temp.try(rule text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	made record;
	answer text;
BEGIN
	SELECT * INTO made FROM usom.plan_wave('W', rule);
	SELECT format('%s orders, %s units: %s', made.orders, made.units, string_agg(format('%s of %s', l.sku, l.n), ', ' ORDER BY l.step)) INTO answer FROM pg_temp.list l WHERE l.wave = made.wave;
	RAISE EXCEPTION '%', answer USING ERRCODE = 'ZZ001';
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
	RETURN SQLERRM;
END
$$;
SELECT r AS rule, pg_temp.try(r) FROM unnest(ARRAY['SINGLES', 'MULTIS', 'ZONE-A', 'URGENT', 'ONE', 'FEW', 'WEB']) AS r;
SELECT * FROM usom.plan_wave('W', 'OFF');
SELECT * FROM usom.plan_wave('W', 'NONE');
SELECT * FROM usom.plan_wave('NOWHERE');
SELECT orders, tasks, units, (leaves_at AT TIME ZONE 'Europe/London')::time = (SELECT r.cut_off FROM usom.wave_rule r WHERE r.code = 'URGENT') AS local, leaves_at > now() AND leaves_at <= now() + interval '25 hours' AS next FROM usom.plan_wave('W', 'URGENT');
SELECT orders, tasks FROM usom.plan_wave('W', 'ONE');
-- What leaves first is picked first, whoever was planned first.
SELECT orders, tasks FROM usom.plan_wave('W', 'MULTIS');
INSERT INTO usom.wave_rule (code, carrier, cut_off) SELECT 'SOON', 'UPS', (now() AT TIME ZONE 'Europe/London' + interval '1 minute')::time;
SELECT orders, tasks FROM usom.plan_wave('W', 'SOON');
SELECT n, sku FROM pg_temp.claim('fay', 3);
SELECT w.rule, w.carrier, w.status, w.tasks FROM usom.waves w WHERE w.rule IS NOT NULL ORDER BY w.wave;
-- What a carrier may not take is left for another one.
INSERT INTO usom.handling_class (code, carriers) VALUES ('brittle', '{SOFT}');
UPDATE usom.product SET handling = '{brittle}' WHERE sku = 'BOWL' AND org_id = usom.current_org();
INSERT INTO usom.wave_rule (code, carrier) VALUES ('BY-UPS', 'UPS'), ('BY-SOFT', 'SOFT');
SELECT pg_temp.place('17', 'BOWL 1, MUG 1', '{}');
SELECT r AS rule, pg_temp.try(r) FROM unnest(ARRAY['BY-UPS', 'BY-SOFT']) AS r;
UPDATE usom.product SET handling = '{}' WHERE sku = 'BOWL' AND org_id = usom.current_org();
SELECT status FROM usom.cancel_order(pg_temp.no('17'), 'test');
SELECT n, sku FROM pg_temp.claim('gus', 1, (SELECT w.wave FROM usom.waves w WHERE w.rule = 'MULTIS'));

-- Lots and serial numbers: the first to expire is on the list, another one may be taken; units that have numbers are picked by number.
INSERT INTO usom.product (sku, tracking) VALUES ('MILK', 'lot'), ('PHONE', 'serial');
INSERT INTO usom.lot (sku, lot, expires_at) VALUES ('MILK', 'L1', '2099-02-01'), ('MILK', 'L2', '2099-01-01'), ('MILK', 'L3', '2020-01-01');
SELECT count(*) FROM unnest(ARRAY['L1', 'L2', 'L3']) AS l, usom.receive_stock('W', 'MILK', 5, l);
SELECT on_hand FROM usom.receive_serials('W', 'PHONE', '{S1,S2,S3}');
SELECT pg_temp.place('21', 'MILK 4, PHONE 2', '{"priority": 0}');
INSERT INTO usom.wave_rule (code, priority_to) VALUES ('NOW', 0);
SELECT wave AS w FROM usom.plan_wave('W', 'NOW') \gset
SELECT t.sequence, t.sku, t.lot, t.quantity FROM usom.pick_tasks t WHERE t.wave = :'w' ORDER BY 1;
SELECT * FROM usom.confirm_pick(pg_temp.task(:'w', 1), 1, lot => 'L3');
SELECT * FROM usom.confirm_pick(pg_temp.task(:'w', 1), 2, lot => 'L9');
SELECT * FROM usom.confirm_pick(pg_temp.task(:'w', 1), 3, lot => 'L1');
SELECT * FROM usom.confirm_pick(pg_temp.task(:'w', 1), 4);
SELECT sku, lot, trim_scale(on_hand) AS on_hand, trim_scale(reserved) AS reserved FROM usom.stock s JOIN usom.product p USING (org_id, product_id) WHERE sku = 'MILK' ORDER BY lot;
SELECT * FROM usom.confirm_pick(pg_temp.task(:'w', 2), serials => '{S3}');
SELECT * FROM usom.confirm_pick(pg_temp.task(:'w', 2), serials => '{S3,S9}');
SELECT * FROM usom.short_pick(pg_temp.task(:'w', 2), 0, 'stolen', shelf_empty => false);
SELECT * FROM usom.confirm_pick(pg_temp.task(:'w', 2), serials => '{S3,S1}');
SELECT serial, status, line_no FROM usom.serials WHERE sku = 'PHONE' ORDER BY 1;
SELECT pg_temp.place('22', 'MILK 2, PHONE 1');
SELECT status FROM usom.pick(pg_temp.no('22'), '[{"line_no": 1, "quantity": 2, "lot": "L1"}, {"line_no": 2, "quantity": 1, "serials": ["S2"]}]');
SELECT line_no, lot, status, quantity FROM usom.order_pieces WHERE order_no = pg_temp.no('22') ORDER BY line_no, piece_no;

-- What must hold of a task: known, no more than planned, short if something is missing, claimed until a time, ended if not open.
SELECT string_agg(usom._pick_task_sound(v.status, 5, v.picked, v.missing, v.who, v.until, v.ended)::text, ' ' ORDER BY v.n) FROM (VALUES
	(1, 'open', 0, 0, NULL, NULL::timestamptz, NULL::timestamptz), (2, 'open', 2, 0, 'eve', 'infinity', NULL), (3, 'picked', 5, 0, NULL, NULL, 'epoch'),
	(4, 'short', 2, 3, NULL, NULL, 'epoch'), (5, 'void', 0, 0, NULL, NULL, 'epoch'),
	(6, 'lost', 0, 0, NULL, NULL, 'epoch'), (7, 'picked', 6, 0, NULL, NULL, 'epoch'), (8, 'short', 2, 0, NULL, NULL, 'epoch'), (9, 'open', 0, 1, NULL, NULL, NULL),
	(10, 'picked', 0, 0, NULL, NULL, 'epoch'), (11, 'open', 0, 0, 'eve', NULL, NULL), (12, 'open', 0, 0, NULL, NULL, 'epoch'), (13, 'void', 0, 0, 'eve', 'infinity', 'epoch'),
	(14, NULL, 0, 0, NULL, NULL, NULL)) v (n, status, picked, missing, who, until, ended);
-- What plain SQL could do to what is kept is refused.
UPDATE usom.pick_task SET status = 'void';
DELETE FROM usom.wave;
SELECT * FROM usom.verify();
ROLLBACK;
