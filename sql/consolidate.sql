-- Orders of one customer to one address leave as one shipment.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on
SET LOCAL client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('parcels');
SET LOCAL usom.org = 'parcels';
UPDATE usom.document_counter SET gap_free = true;
INSERT INTO usom.location (code, priority) VALUES ('A', 1), ('B', 2);
INSERT INTO usom.product (sku, kind) VALUES ('CUP', 'physical'), ('POT', 'physical'), ('WRAP', 'service');
INSERT INTO usom.customer (code) VALUES ('ADA'), ('BEN');
SELECT count(*) FROM (VALUES ('A', 'CUP', 100), ('B', 'POT', 100)) AS s (location, sku, quantity), LATERAL usom.receive_stock(s.location, s.sku, s.quantity);
CREATE FUNCTION pg_temp.place(number text, customer text, line1 text, lines text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT status FROM usom.place_order(jsonb_strip_nulls(jsonb_build_object('external_id', number, 'customer', customer,
		'ship_to', jsonb_build_object('name', 'Ada', 'line1', line1, 'postcode', 'LS1 4DY', 'city', 'Leeds', 'country', 'GB'),
		'lines', (SELECT jsonb_agg(jsonb_build_object('sku', split_part(l, ' ', 1), 'quantity', split_part(l, ' ', 2)::numeric, 'unit_price', 1)) FROM unnest(string_to_array(lines, ', ')) l))) || more)
$$;
CREATE FUNCTION pg_temp.no(VARIADIC numbers text[]) RETURNS text[] LANGUAGE sql AS $$SELECT array_agg(o.order_no ORDER BY array_position(numbers, o.external_id)) FROM usom.orders o WHERE o.external_id = ANY (numbers)$$;
CREATE FUNCTION pg_temp.pieces(VARIADIC numbers text[]) RETURNS TABLE (n text, status text, pieces text) LANGUAGE sql AS $$
	SELECT o.external_id, o.status, string_agg(format('%s %s %s%s', trim_scale(p.quantity), p.sku, p.status, ' at ' || p.location), ', ' ORDER BY p.line_no, p.piece_no)
	FROM usom.order_pieces p JOIN usom.orders o USING (order_no) WHERE o.external_id = ANY (numbers) GROUP BY 1, 2 ORDER BY 1
$$;
SELECT pg_temp.place(v.n, v.customer, v.line1, v.lines) FROM (VALUES ('1', 'ADA', '1 High Street', 'CUP 2, WRAP 1'), ('2', 'ADA', '1  high street', 'CUP 1, POT 1'), ('3', 'ADA', '2 Low Road', 'CUP 1'), ('4', 'BEN', '1 High Street', 'CUP 1'),
	('5', NULL, '1 High Street', 'CUP 1'), ('6', 'ADA', '1 High Street', 'POT 3'), ('7', 'ADA', '1 High Street', 'CUP 5')) AS v (n, customer, line1, lines);
SELECT pg_temp.place('8', 'ADA', '1 High Street', 'CUP 1, POT 1', '{"ship_complete": true}'), pg_temp.place('9', 'ADA', '1 High Street', 'CUP 1', '{"draft": true}'),
	pg_temp.place('10', 'ADA', '', 'CUP 1'), pg_temp.place('11', 'ADA', '1 High Street', 'CUP 1');
SELECT status FROM usom.hold_order((pg_temp.no('11'))[1], 'credit', 'late');
-- Candidates: not guests, drafts, what is held, what ships complete from two places, what has no address.
SELECT buyer, address, location, units, (SELECT array_agg(o.external_id ORDER BY o.external_id) FROM usom.orders o WHERE o.order_no = ANY (c.orders)) AS orders FROM usom.consolidation_candidates() c;
SELECT count(*) FROM usom.consolidation_candidates('BEN');
SELECT * FROM usom.consolidation_candidates('ZOE');

-- What cannot be one parcel is refused, and nothing has happened.
SELECT usom.consolidate(pg_temp.no('1'), 'alone');
SELECT usom.consolidate(pg_temp.no('1') || pg_temp.no('1'), 'twice the same');
SELECT usom.consolidate('{}', 'none');
SELECT usom.consolidate(NULL, 'none');
SELECT usom.consolidate(pg_temp.no('1') || '{SO-999999}', 'unknown');
SELECT usom.consolidate(pg_temp.no('1') || NULL::text, 'null');
SELECT usom.consolidate(pg_temp.no('1', '4'), 'two customers');
SELECT usom.consolidate(pg_temp.no('1', '5'), 'a guest');
SELECT usom.consolidate(pg_temp.no('1', '3'), 'two addresses');
SELECT usom.consolidate(pg_temp.no('1', '10'), 'no address');
SELECT usom.consolidate(pg_temp.no('1', '6'), 'two locations');
SELECT usom.consolidate(pg_temp.no('1', '2'), 'elsewhere', 'B');
SELECT usom.consolidate(pg_temp.no('1', '2'), 'nowhere', 'C');
SELECT usom.consolidate(pg_temp.no('1', '8'), 'complete elsewhere');
SELECT usom.consolidate(pg_temp.no('1', '9'), 'a draft');
SELECT usom.consolidate(pg_temp.no('1', '11'), 'held');
SELECT count(*) FROM usom.consolidations;

-- Released together at the location that all have something at; the rest of an order stays reserved elsewhere, services go along.
SELECT usom.consolidate(pg_temp.no('7', '1', '2'), 'one parcel');
SELECT * FROM pg_temp.pieces('1', '2', '7');
SELECT consolidation_no, customer, location, orders = pg_temp.no('1', '2', '7') AS orders, reason, shipped_at FROM usom.consolidations;
SELECT o.external_id, h.event, h.reason, h.reference FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE h.event = 'release' AND h.reference IS NOT NULL ORDER BY 1;
SELECT count(*) FROM usom.consolidation_candidates() c WHERE pg_temp.no('1') && c.orders;
SELECT usom.consolidate(pg_temp.no('1', '2'), 'again');
-- One is cancelled: the others leave, with one carrier, one number of tracking, one consolidation.
SELECT status FROM usom.cancel_order((pg_temp.no('7'))[1], 'changed her mind');
SELECT status FROM usom.hold_order((pg_temp.no('2'))[1], 'credit', 'late');
SELECT * FROM usom.ship_consolidated('CN-000001', 'DHL', 'JD014600003');
SELECT status FROM usom.release_hold((pg_temp.no('2'))[1], 'credit', 'paid');
SELECT o.external_id, s.shipment_no FROM usom.ship_consolidated('CN-000001', 'DHL', 'JD014600003') s JOIN usom.orders o USING (order_no) ORDER BY 1;
SELECT o.external_id, s.shipment_no, s.location, s.carrier, s.tracking, s.status, s.quantity, s.consolidation_no FROM usom.shipments s JOIN usom.orders o USING (order_no) ORDER BY 1;
SELECT * FROM pg_temp.pieces('1', '2', '7');
SELECT shipped_at IS NOT NULL AS shipped FROM usom.consolidations;
SELECT * FROM usom.ship_consolidated('CN-000001', 'DHL', 'JD014600003');
SELECT * FROM usom.ship_consolidated('CN-999999');
SELECT * FROM usom.ship_consolidated(NULL);
-- Delivered and sent back as any shipment.
SELECT status FROM usom.deliver((SELECT shipment_no FROM usom.shipments s JOIN usom.orders o USING (order_no) WHERE o.external_id = '1'));
SELECT usom.authorize_return((pg_temp.no('1'))[1], '[{"line_no": 1, "quantity": 1}]', 'broken') IS NOT NULL AS authorised;
-- What is left of an order goes as ever, and alone.
SELECT status FROM usom.release_order((pg_temp.no('2'))[1]);
SELECT usom.ship((pg_temp.no('2'))[1], NULL, 'UPS') IS NOT NULL AS shipped;
SELECT carrier, consolidation_no FROM usom.shipments s JOIN usom.orders o USING (order_no) WHERE o.external_id = '2' ORDER BY shipment_no;

-- Complete orders: when all is at one place; and not while something waits.
SELECT pg_temp.place('12', 'BEN', '5 Park Row', 'CUP 2', '{"ship_complete": true}'), pg_temp.place('13', 'BEN', '5 Park Row', 'CUP 1');
SELECT pg_temp.place('14', 'BEN', '5 Park Row', 'CUP 1, POT 900', '{"ship_complete": true}');
SELECT usom.consolidate(pg_temp.no('13', '14'), 'waits');
SELECT usom.consolidate(pg_temp.no('12', '13'), 'complete');
SELECT o.external_id, s.shipment_no FROM usom.ship_consolidated('CN-000002') s JOIN usom.orders o USING (order_no) ORDER BY 1;
SELECT * FROM pg_temp.pieces('12', '13', '14');
-- Of several locations that they share the one with most.
SELECT status FROM usom.cancel_order((pg_temp.no('14'))[1], 'too long');
SELECT pg_temp.place('15', 'BEN', '5 Park Row', 'CUP 2, POT 4'), pg_temp.place('16', 'BEN', '5 Park Row', 'CUP 1, POT 1');
SELECT location, units FROM usom.consolidation_candidates('BEN');
SELECT usom.consolidate(pg_temp.no('15', '16'), NULL);
SELECT location, reason FROM usom.consolidations WHERE consolidation_no = 'CN-000003';
-- All of it cancelled: there is nothing to ship.
SELECT (SELECT status FROM usom.cancel_order(o, 'x')) FROM unnest(pg_temp.no('15', '16')) o;
SELECT * FROM usom.ship_consolidated('CN-000003');
DELETE FROM usom.consolidation_order;
SELECT * FROM usom.verify();
ROLLBACK;
