-- Service orders: who can come when, appointments with parts, absences, papers; and what is refused.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('service');
SET usom.org = 'service';
UPDATE usom.document_counter SET prefix = 'SV-' || upper(left(kind, 1)), digits = 1, gap_free = true WHERE org_id = usom.current_org();
INSERT INTO usom.location (code) VALUES ('VAN'), ('DEPOT');
INSERT INTO usom.product (sku, kind) VALUES ('BURNER', 'physical'), ('SEAL', 'physical'), ('CHECK', 'service'), ('PAINT', 'service');
SELECT usom.receive_stocks('[{"location": "VAN", "sku": "BURNER", "quantity": 3}, {"location": "VAN", "sku": "SEAL", "quantity": 4}, {"location": "DEPOT", "sku": "SEAL", "quantity": 10}]');
INSERT INTO usom.technician (code, time_zone) VALUES ('ANN', 'Europe/Berlin'), ('BOB', 'UTC'), ('CID', 'America/New_York'), ('EVE', 'UTC');
UPDATE usom.technician SET active = false WHERE code = 'EVE' AND org_id = usom.current_org();
INSERT INTO usom.technician_skill (technician_id, skill, valid_until) VALUES (usom.technician_id('ANN'), 'gas', NULL), (usom.technician_id('ANN'), 'boiler', NULL),
	(usom.technician_id('BOB'), 'gas', '2099-03-31'), (usom.technician_id('BOB'), 'boiler', NULL), (usom.technician_id('CID'), 'boiler', NULL), (usom.technician_id('EVE'), 'gas', NULL), (usom.technician_id('EVE'), 'boiler', NULL);
-- Ann works in the mornings and afternoons of weekdays, on Fridays until midnight; Cid around the clock of New York.
INSERT INTO usom.technician_hours (technician_id, weekday, begins, ends) SELECT usom.technician_id('ANN'), d, h.b, h.e FROM generate_series(1, 5) d, (VALUES ('08:00'::time, '12:00'::time), ('13:00', '17:00')) h (b, e);
INSERT INTO usom.technician_hours (technician_id, weekday, begins, ends) VALUES (usom.technician_id('ANN'), 5, '20:00', '24:00');
SELECT * FROM pg_temp.refused($$INSERT INTO usom.technician_hours (technician_id, weekday, begins, ends) VALUES (usom.technician_id('ANN'), 5, '11:00', '13:00')$$);
INSERT INTO usom.service_work (product_id, minutes, skills) VALUES (usom.product_id('CHECK'), 120, '{gas,boiler}');
SELECT * FROM pg_temp.refused($$INSERT INTO usom.service_work (product_id) VALUES (usom.product_id('SEAL'))$$);
SELECT * FROM pg_temp.refused($$INSERT INTO usom.technician (code, time_zone) VALUES ('DAN', 'Europe/Nowhere')$$);
SELECT technician, active, skills FROM usom.technicians ORDER BY 1;

-- Who can come: hours by the own clock (2099-03-02 is a Monday), summer time, midnight, skills that run out, lengths.
SELECT * FROM usom.service_slots('CHECK', '2099-03-02 05:00+00', '2099-03-02 19:00+00', 'ANN');
SELECT * FROM usom.service_slots('CHECK', '2099-03-30 05:00+00', '2099-03-30 10:30+00', 'ANN');
SELECT * FROM usom.service_slots('CHECK', '2099-03-06 18:00+00', '2099-03-07 06:00+00', 'ANN');
SELECT * FROM usom.service_slots('CHECK', '2099-03-31 21:40+00', '2099-04-01 12:00+00', 'BOB');
SELECT * FROM usom.service_slots('CHECK', '2099-03-02 10:00+00', slots => 2);
SELECT technician, count(*) FROM usom.service_slots('PAINT', '2099-03-02 10:00+00', '2099-03-02 12:00+00', minutes => 60) GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM usom.service_slots('CHECK', '2099-03-01 00:00+00', '2099-03-02 06:59+00', 'ANN');
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.service_slots('CHECK', '2099-03-01', '2099-09-01')$$);
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.service_slots('CHECK', 'infinity')$$);
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.service_slots('CHECK', technician => 'ZOE')$$);
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.service_slots('CHECK', minutes => 0)$$);

CREATE FUNCTION pg_temp.ask(lines jsonb) RETURNS text LANGUAGE sql AS $$SELECT order_no FROM usom.place_order(jsonb_build_object('order_type', 'service', 'lines', lines))$$;
CREATE VIEW pg_temp.shown AS SELECT appointment_no AS no, order_no, line_no AS line, technician AS who, starts_at, status, reason, parts_ready AS parts, moved_from AS before FROM usom.appointments ORDER BY booked_at, appointment_no;
SELECT pg_temp.ask('[{"sku": "CHECK", "quantity": 1, "unit_price": 100}, {"sku": "BURNER", "quantity": 1, "unit_price": 50}, {"sku": "SEAL", "quantity": 6, "unit_price": 2}]');
SELECT pg_temp.ask('[{"sku": "CHECK", "quantity": 1, "unit_price": 100}, {"sku": "PAINT", "quantity": 1, "unit_price": 60}]');
SELECT pg_temp.ask('[{"sku": "CHECK", "quantity": 1, "unit_price": 100}, {"sku": "BURNER", "quantity": 4, "unit_price": 50}]');
-- The first by code who can; the next one when she is busy; nobody when all are.
SELECT * FROM usom.book_appointment('SV-O1', 1, '2099-03-02 08:00+00');
SELECT * FROM usom.book_appointment('SV-O2', 1, '2099-03-02 09:00+00');
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.book_appointment('SV-O3', 1, '2099-03-02 09:30+00')$$);
-- Parts that are not there, and a supply that comes too late, or in time.
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.book_appointment('SV-O3', 1, '2099-03-03 09:00+00')$$);
SELECT usom.add_supply('purchase', 'VAN', 'BURNER', 5, '2099-03-04 12:00+00', supply_no => 'SV-PO');
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.book_appointment('SV-O3', 1, '2099-03-04 09:00+00')$$);
SELECT * FROM usom.book_appointment('SV-O3', 1, '2099-03-05 09:00+00', minutes => 30);
SELECT * FROM pg_temp.shown;
SELECT status FROM usom.change_supply('SV-PO', expected_at => '2099-03-08 12:00+00', reason => 'a strike');
SELECT no, parts FROM pg_temp.shown WHERE order_no = 'SV-O3';
-- Moved, to another technician, and when that cannot be the old one stands.
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.move_appointment('SV-A2', '2099-03-02 08:30+00', 'ANN')$$);
SELECT * FROM usom.move_appointment('SV-A2', '2099-03-02 12:30+00', 'ANN', 'the customer works');
SELECT * FROM pg_temp.shown WHERE order_no = 'SV-O2';
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.move_appointment('SV-A2', '2099-03-02 12:30+00')$$);
-- Leave: not over appointments, not twice, not after it was given back.
SELECT * FROM pg_temp.refused($$SELECT usom.block_technician('ANN', '2099-03-02 00:00+00', '2099-03-03 00:00+00', 'leave')$$);
SELECT usom.block_technician('BOB', '2099-03-02 00:00+00', '2099-03-09 00:00+00', 'leave');
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.move_appointment('SV-A4', '2099-03-02 10:00+00', 'BOB')$$);
SELECT count(*) FROM usom.service_slots('CHECK', '2099-03-02 00:00+00', '2099-03-09 00:00+00', 'BOB');
-- Slots are the half hours at which the rule of booking finds nothing in the way, of all services and lengths, and no others.
SELECT count(free) > 500 AS many, count(*) FILTER (WHERE slot IS NULL OR free IS NULL) AS otherwise
FROM (VALUES ('CHECK', 120), ('CHECK', 30), ('CHECK', 300), ('PAINT', 60)) w (sku, minutes) CROSS JOIN (VALUES ('2099-03-01 21:10+00'::timestamptz), ('2099-03-27 00:00+00')) d (at)
CROSS JOIN LATERAL (
	SELECT a.starts_at AS slot, b.starts_at AS free FROM (SELECT s.starts_at, s.technician FROM usom.service_slots(w.sku, d.at, d.at + '7 days', NULL, w.minutes, 10000) s) AS a
	FULL JOIN (SELECT h.at AS starts_at, t.technician FROM generate_series(date_bin('30 minutes', d.at + '29 minutes', '2000-01-01 00:00+00'), d.at + '7 days' - w.minutes * interval '1 minute', '30 minutes') h (at)
		CROSS JOIN LATERAL usom._technicians_for(usom.current_org(), usom.product_id(w.sku), h.at, h.at + w.minutes * interval '1 minute') t WHERE t.obstacle IS NULL) b
	USING (starts_at, technician)) c;
SELECT no, who, status, reason FROM pg_temp.shown WHERE order_no IS NULL;
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.move_appointment('SV-A5', '2099-03-02 10:00+00')$$);
SELECT usom.cancel_appointment('SV-A5', 'stays'), usom.cancel_appointment('SV-A5', 'stays') AS again;
SELECT * FROM pg_temp.refused($$SELECT usom.block_technician('BOB', '2099-03-02', '2099-03-02', 'leave')$$);
-- A failed one is a case until there is another.
SELECT usom.fail_appointment('SV-A1', 'nobody at home'), usom.fail_appointment('SV-A1', 'nobody at home') AS again;
SELECT kind, line_no, reference, open FROM usom.exceptions WHERE order_no = 'SV-O1';
SELECT * FROM pg_temp.refused($$SELECT usom.complete_service('SV-A1', '{}')$$);
SELECT * FROM usom.book_appointment('SV-O1', 1, '2099-03-03 08:00+00');
SELECT kind, open FROM usom.exceptions WHERE order_no = 'SV-O1';

-- Done: parts of two places, those that were not used go back with the last service.
SELECT jsonb_pretty(usom.complete_service('SV-A6', '{"work": "seals replaced", "parts": [{"line_no": 3, "quantity": 5}], "accepted": false}') - 'shipments');
SELECT usom.complete_service('SV-A6', '{"work": "something else"}')->>'work' AS said_before;
SELECT line_no, sku, quantity_delivered AS delivered, quantity_cancelled AS cancelled, total FROM usom.order_lines WHERE order_no = 'SV-O1' ORDER BY 1;
SELECT status, total FROM usom.orders WHERE order_no = 'SV-O1';
SELECT sku, location, on_hand, reserved FROM usom.stock_position ORDER BY 1, 2;
SELECT kind, message FROM usom.exceptions WHERE open AND order_no = 'SV-O1';
SELECT kind FROM usom.events WHERE order_no = 'SV-O1' ORDER BY event_no;
SELECT appointment_no, line_no, paper->>'technician' AS technician, paper->'parts' AS parts FROM usom.service_papers;
-- Of two services the first leaves the parts to the second.
SELECT * FROM usom.book_appointment('SV-O2', 2, '2099-03-04 10:00+00', 'CID');
SELECT usom.complete_service('SV-A4', '{}') - 'shipments' AS paper;
SELECT line_no, status FROM usom.order_lines WHERE order_no = 'SV-O2' ORDER BY 1;
-- Cancelled with its line, or with the order: the time is free again. Delivered by the plain verbs it was done.
SELECT status FROM usom.cancel_order('SV-O3', 'moved away');
SELECT status FROM usom.release_order('SV-O2');
SELECT usom.ship('SV-O2');
SELECT no, status, parts FROM pg_temp.shown WHERE order_no IN ('SV-O2', 'SV-O3');

-- What is refused.
SELECT order_no AS goods FROM usom.place_order('{"lines": [{"sku": "CHECK", "quantity": 1}]}') \gset
SELECT pg_temp.ask('[{"sku": "CHECK", "quantity": 1, "unit_price": 1}, {"sku": "SEAL", "quantity": 1, "unit_price": 1}]') AS w \gset
SELECT * FROM pg_temp.refused(format($$SELECT usom.book_appointment(%L, 1, '2099-03-10 09:00+00')$$, :'goods'));
SELECT * FROM pg_temp.refused(format($$SELECT usom.book_appointment(%L, 2, '2099-03-10 09:00+00')$$, :'w'));
SELECT * FROM pg_temp.refused(format($$SELECT usom.book_appointment(%L, 9, '2099-03-10 09:00+00')$$, :'w'));
SELECT * FROM pg_temp.refused(format($$SELECT usom.book_appointment(%L, 1, NULL)$$, :'w'));
SELECT * FROM pg_temp.refused(format($$SELECT usom.book_appointment(%L, 1, 'infinity')$$, :'w'));
SELECT * FROM pg_temp.refused(format($$SELECT usom.book_appointment(%L, 1, '2099-03-10 09:00+00', minutes => 2000)$$, :'w'));
SELECT t.who, r.* FROM unnest('{ANN,CID,EVE,ZOE}'::text[]) t (who), LATERAL pg_temp.refused(format($$SELECT usom.book_appointment(%L, 1, '2099-03-10 05:00+00', %L)$$, :'w', t.who)) r;
SELECT status FROM usom.hold_order(:'w', 'fraud', 'odd');
SELECT * FROM pg_temp.refused(format($$SELECT usom.book_appointment(%L, 1, '2099-03-10 09:00+00')$$, :'w'));
SELECT status FROM usom.release_hold(:'w', 'fraud', 'fine');
SELECT appointment_no AS a FROM usom.book_appointment(:'w', 1, '2099-03-10 09:00+00') \gset
SELECT * FROM pg_temp.refused(format($$SELECT usom.book_appointment(%L, 1, '2099-03-11 09:00+00')$$, :'w'));
SELECT j.report, r.* FROM unnest(ARRAY['[]', '{"colour": "red"}', '{"work": 1}', '{"accepted": "yes"}', '{"parts": {}}', '{"parts": [{"line_no": 2}]}', '{"parts": [{"line_no": 9, "quantity": 1}]}', '{"parts": [{"line_no": 2, "quantity": 2}]}', '{"started_at": "soon"}', '{"work": "card 4111 1111 1111 1111"}']) j (report),
	LATERAL pg_temp.refused(format('SELECT usom.complete_service(%L, %L)', :'a', j.report)) r;
SELECT * FROM pg_temp.refused($$SELECT usom.cancel_appointment('SV-A99')$$);
SELECT status FROM usom.hold_order(:'w', 'fraud', 'odd');
SELECT * FROM pg_temp.refused(format($$SELECT usom.complete_service(%L, '{}')$$, :'a'));
SELECT status FROM usom.release_hold(:'w', 'fraud', 'fine');
SELECT usom.complete_service(:'a', '{"parts": []}')->'parts' AS no_parts;
SELECT line_no, status, quantity_cancelled FROM usom.order_lines WHERE order_no = :'w' ORDER BY 1;
SELECT * FROM pg_temp.refused(format($$SELECT usom.cancel_appointment(%L)$$, :'a'));
SELECT * FROM pg_temp.refused($$UPDATE usom.appointment SET status = 'booked'$$);
SELECT * FROM pg_temp.refused($$DELETE FROM usom.service_report$$);
SELECT * FROM pg_temp.refused($$DELETE FROM usom.technician$$);
SELECT * FROM usom.verify();

-- verify_service() finds what is wrong.
BEGIN;
SET LOCAL session_replication_role = replica;
ALTER TABLE usom.appointment DISABLE TRIGGER ALL;
ALTER TABLE usom.technician DISABLE TRIGGER ALL;
ALTER TABLE usom.appointment DROP CONSTRAINT technician_booked_once;
UPDATE usom.appointment SET status = 'booked', ended_at = NULL WHERE appointment_no IN ('SV-A6', 'SV-A5', 'SV-A7') AND org_id = usom.current_org();
UPDATE usom.appointment a SET during = b.during, technician_id = b.technician_id FROM usom.appointment b WHERE a.appointment_no = 'SV-A7' AND b.appointment_no = 'SV-A6' AND (a.org_id, b.org_id) = (usom.current_org(), usom.current_org());
UPDATE usom.appointment SET technician_id = 1 WHERE appointment_no = 'SV-A5' AND org_id = usom.current_org();
SELECT * FROM usom.verify_service() ORDER BY problem, entity;
ROLLBACK;
