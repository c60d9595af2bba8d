-- What a location should have at work is released, and what it should not have is called back.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on
SET LOCAL client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('due');
SET LOCAL usom.org = 'due';
UPDATE usom.document_counter SET gap_free = true;
INSERT INTO usom.location (code, wms) VALUES ('MAIN', 'wms-1'), ('SIDE', NULL);
INSERT INTO usom.product (sku, kind) VALUES ('CUP', 'physical'), ('POT', 'physical'), ('WRAP', 'service');
SELECT usom.receive_stock('MAIN', 'CUP', 30), usom.receive_stock('SIDE', 'POT', 10);
CREATE FUNCTION pg_temp.pieces() RETURNS TABLE (order_no text, status text, pieces text) LANGUAGE sql AS $$
	SELECT o.order_no, o.status, string_agg(format('%s %s %s%s', trim_scale(p.quantity), p.sku, p.status, ' at ' || p.location), ', ' ORDER BY p.line_no, p.piece_no)
	FROM usom.order_pieces p JOIN usom.orders o USING (order_no) GROUP BY 1, 2 ORDER BY 1
$$;
CREATE VIEW pg_temp.handed AS SELECT fulfillment_no, order_no, location, wms, status, lines, units_at_work FROM usom.fulfillments ORDER BY fulfillment_no;

-- One that is due, one that is asked for later, one with a line that is, one that ships complete and waits;
-- one on hold, one with a line on hold, one that is wanted first.
SELECT p.order_no, p.status FROM jsonb_array_elements('[
	{"lines": [{"sku": "CUP", "quantity": 4}, {"sku": "POT", "quantity": 1}, {"sku": "WRAP", "quantity": 1}]},
	{"requested_at": "2101-05-01T12:00:00Z", "lines": [{"sku": "CUP", "quantity": 3}]},
	{"lines": [{"sku": "CUP", "quantity": 2}, {"sku": "CUP", "quantity": 1, "requested_at": "2101-05-01T12:00:00Z"}]},
	{"ship_complete": true, "lines": [{"sku": "CUP", "quantity": 1}, {"sku": "POT", "quantity": 99}]},
	{"lines": [{"sku": "CUP", "quantity": 1}]},
	{"lines": [{"sku": "CUP", "quantity": 1}, {"sku": "CUP", "quantity": 5}]},
	{"priority": 1, "lines": [{"sku": "CUP", "quantity": 2}]},
	{"ship_complete": true, "lines": [{"sku": "CUP", "quantity": 1}, {"sku": "POT", "quantity": 2}]}]') AS d (document), LATERAL usom.place_order(d.document) AS p;
SELECT count(*) FROM usom.hold_order('SO-000005', 'manual', 'ask the customer');
SELECT count(*) FROM usom.hold_order('SO-000006', 'manual', 'ask the customer', line_no => 2);

SELECT * FROM usom.release_due('MAIN', max_orders => 1);
SELECT * FROM usom.release_due('MAIN') ORDER BY order_no;
SELECT * FROM usom.release_due('MAIN') ORDER BY order_no;
SELECT * FROM pg_temp.pieces();
SELECT * FROM pg_temp.handed;
-- What the first release left, later; services went with the goods.
SELECT * FROM usom.release_due('MAIN', '2101-05-01T12:00:00Z') ORDER BY order_no;
SELECT * FROM usom.release_due('SIDE') ORDER BY order_no;
SELECT * FROM pg_temp.handed;
SELECT kind, count(*) FROM usom.events WHERE kind LIKE 'fulfillment%' GROUP BY kind;
SELECT payload FROM usom.events WHERE kind = 'fulfillment_sent' AND order_no = 'SO-000001';
SELECT * FROM usom.release_due('NOWHERE');
SELECT * FROM usom.release_due(NULL);
SELECT * FROM usom.release_due('MAIN', max_orders => 0);

-- Called back: reserved as before; the outside system is told; all the same twice.
SELECT * FROM usom.void_release('SO-000001', 'too early', 'MAIN');
SELECT * FROM usom.void_release('SO-000001', 'too early', 'MAIN');
SELECT * FROM pg_temp.handed WHERE order_no = 'SO-000001';
SELECT kind, payload FROM usom.events WHERE kind = 'fulfillment_changed';
SELECT sku, on_hand, reserved FROM usom.stock_position ORDER BY sku;
SELECT event, from_status, to_status, quantity, reason FROM usom.timeline WHERE order_no = 'SO-000001' AND event IN ('release', 'void_release') ORDER BY version;
SELECT status FROM usom.release_order('SO-000001');
SELECT status, lines FROM pg_temp.handed WHERE order_no = 'SO-000001' ORDER BY fulfillment_no;
SELECT * FROM usom.void_release('SO-000001', 'once more');
SELECT * FROM pg_temp.pieces() WHERE order_no = 'SO-000001';
SELECT * FROM usom.void_release('SO-000099', 'why');
SELECT * FROM usom.void_release((SELECT order_no FROM usom.place_order('{"draft": true, "lines": [{"sku": "CUP", "quantity": 1}]}')), 'why');
-- After a cut-off the warehouse is asked, by those who cancel.
INSERT INTO usom.cut_off (code, location, minutes) VALUES ('at once', 'MAIN', 0);
SELECT status FROM usom.release_order('SO-000001');
SELECT * FROM usom.void_release('SO-000001', 'too late');
SELECT * FROM usom.void_release('SO-000001', 'not there', 'SIDE');
INSERT INTO usom.cut_off (code, location) VALUES ('nowhere', 'NOWHERE');
-- An order whose flow does not let it begin is refused, and costs the others nothing.
INSERT INTO usom.flow (code) VALUES ('paid first');
INSERT INTO usom.flow_transition (flow_id, from_state, to_state) SELECT usom.flow_id('paid first'), 'confirmed', t FROM unnest('{processing,cancelled}'::text[]) t;
INSERT INTO usom.flow_guard (flow_id, from_state, to_state, guard, severity, message) VALUES (usom.flow_id('paid first'), 'confirmed', 'processing', 'paid', 'refuse', 'it is not paid');
SELECT usom.publish_flow('paid first');
INSERT INTO usom.channel (code) VALUES ('fair');
INSERT INTO usom.flow_rule (code, flow, channel) VALUES ('FAIR', 'paid first', 'fair');
SELECT p.order_no, p.status FROM jsonb_array_elements('[{"channel": "fair", "lines": [{"sku": "CUP", "quantity": 1, "unit_price": 3}]}, {"lines": [{"sku": "CUP", "quantity": 1, "unit_price": 3}]}]') AS d (document),
	LATERAL usom.place_order(d.document) AS p;
SELECT * FROM usom.release_due('MAIN') ORDER BY order_no;
SELECT * FROM usom.verify();
ROLLBACK;
