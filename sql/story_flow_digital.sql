-- A digital order from the order to the end: nothing is sent. And what fails most: the money does not come.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
INSERT INTO usom.organisation (code) VALUES ('story digital');
SET usom.org = 'story digital';

-- An editor is sold as a licence: of services no stock is kept.
INSERT INTO usom.product (sku, name, kind) VALUES ('EDITOR', 'Editor, one year', 'service');
-- The flow of the shop: a licence is drawn before access is granted, and only for money that is there.
INSERT INTO usom.flow (code, description) VALUES ('licences', 'A licence is drawn, then granted');
INSERT INTO usom.flow_state (flow_id, state, status) VALUES (usom.flow_id('licences'), 'drawn', 'confirmed');
INSERT INTO usom.flow_transition (flow_id, from_state, to_state) SELECT usom.flow_id('licences'), t.* FROM (VALUES
	('confirmed', 'drawn'), ('confirmed', 'cancelled'), ('drawn', 'processing'), ('drawn', 'cancelled')) t;
INSERT INTO usom.flow_guard (flow_id, from_state, to_state, guard, message) VALUES (usom.flow_id('licences'), 'confirmed', 'drawn', 'paid', 'it is not paid');
SELECT usom.publish_flow('licences');
INSERT INTO usom.flow_rule (code, flow, order_type) VALUES ('digital orders', 'licences', 'digital');

-- Ann buys one; her card is charged, the licence drawn, access granted: she has it.
SELECT order_no AS ann, status, quantity_reserved FROM usom.place_order('{"external_id": "ANN", "order_type": "digital", "payment": {"method": "card", "reference": "psp-digital-1", "authorized": 49}, "lines": [{"sku": "EDITOR", "quantity": 1, "unit_price": 49}]}') \gset
SELECT :'status' AS status, :'quantity_reserved' AS reserved;
SELECT * FROM pg_temp.refused(format('SELECT usom.take_step(%L, ''drawn'')', :'ann'));
SELECT usom.capture_payment(:'ann', 49, 'psp-digital-1-capture') IS NOT NULL AS captured;
SELECT status, flow_state FROM usom.take_step(:'ann', 'drawn', 'licence 4711');
SELECT usom.grant_order(:'ann', 'licence 4711') IS NOT NULL AS granted;
SELECT status, flow_state, payment_status FROM usom.orders WHERE order_no = :'ann';
SELECT location, tracking, status FROM usom.shipments WHERE order_no = :'ann';
SELECT usom.grant_order(:'ann') = (SELECT shipment_no FROM usom.shipments WHERE order_no = :'ann') AS a_repeated_call_is_the_same;
SELECT status FROM usom.close_order(:'ann');
SELECT event, to_status, flow_state FROM usom.timeline WHERE order_no = :'ann' ORDER BY version;

-- Bob buys one and never pays: no licence is drawn, nothing granted, and the order is cancelled.
SELECT order_no AS bob FROM usom.place_order('{"external_id": "BOB", "order_type": "digital", "lines": [{"sku": "EDITOR", "quantity": 1, "unit_price": 49}]}') \gset
SELECT to_state, taken_by, open, guard, message FROM usom.explain_steps(:'bob');
SELECT * FROM pg_temp.refused(format('SELECT usom.grant_order(%L)', :'bob'));
SELECT status FROM usom.cancel_order(:'bob', 'not paid within a week');
SELECT * FROM pg_temp.refused(format('SELECT usom.grant_order(%L)', :'bob'));

-- Goods are shipped, not granted.
SELECT order_no AS post FROM usom.place_order('{"external_id": "POST", "lines": [{"sku": "EDITOR", "quantity": 1}]}') \gset
SELECT * FROM pg_temp.refused(format('SELECT usom.grant_order(%L)', :'post'));
SELECT external_id, status, flow, flow_state FROM usom.orders ORDER BY 1;
SELECT * FROM usom.verify();
RESET usom.org;
