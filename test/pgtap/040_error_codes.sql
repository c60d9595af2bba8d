-- Every SQLSTATE of class US is raised by something, and says something.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
\pset pager off
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS usom;
SELECT count(*) FROM usom.install() \g /dev/null
SELECT no_plan();

INSERT INTO usom.location (code) VALUES ('TAP-A');
INSERT INTO usom.product (sku) VALUES ('TAP-1');
INSERT INTO usom.product (sku, kind) VALUES ('TAP-POST', 'service');
SELECT count(*) FROM usom.receive_stock('TAP-A', 'TAP-1', 10) \g /dev/null
INSERT INTO usom.product (sku, kind) VALUES ('TAP-KIT', 'kit');
INSERT INTO usom.kit_component (kit_product_id, component_product_id) VALUES (usom.product_id('TAP-KIT'), usom.product_id('TAP-1'));
SELECT order_no AS kit FROM usom.place_order('{"lines": [{"sku": "TAP-KIT", "quantity": 1}]}') \gset
SELECT order_no AS o FROM usom.place_order('{"external_id": "TAP-1", "revision": 2, "lines": [{"sku": "TAP-1", "quantity": 3}]}') \gset
SELECT order_no AS waits FROM usom.place_order('{"lines": [{"sku": "TAP-1", "quantity": 30, "partial": false}]}') \gset
SELECT order_no AS held FROM usom.place_order('{"lines": [{"sku": "TAP-1", "quantity": 1}]}') \gset
SELECT * FROM usom.hold_order(:'held', 'credit', 'overdue') \g /dev/null
SELECT order_no AS sent FROM usom.place_order('{"lines": [{"sku": "TAP-1", "quantity": 2}]}') \gset
SELECT * FROM usom.release_order(:'sent') \g /dev/null
SELECT usom.ship(:'sent', '[{"line_no": 1, "quantity": 1}]') AS s \gset
SELECT usom.authorize_return(:'sent', '[{"line_no": 1, "quantity": 1}]', NULL) AS r \gset
INSERT INTO usom.flow (code) VALUES ('TAP-1');
INSERT INTO usom.flow_transition (flow_id, from_state, to_state) SELECT usom.flow_id('TAP-1'), 'confirmed', s FROM unnest(ARRAY['processing', 'cancelled']) s;
INSERT INTO usom.product (sku, category) VALUES ('TAP-ASK', 'TAP-ASK'), ('TAP-SOON', 'TAP-SOON');
SELECT message_no AS broken_message FROM usom.ingest('web', '{"lines": []}', 'TAP-BROKEN') \gset
SELECT message_no AS processed_message FROM usom.ingest('web', '{"lines": [{"sku": "TAP-1", "quantity": 1}]}', 'TAP-DONE') \gset
INSERT INTO usom.approval_rule (code, category) VALUES ('TAP-ASK', 'TAP-ASK');
INSERT INTO usom.approval_rule (code, category, valid_for) VALUES ('TAP-SOON', 'TAP-SOON', interval '1 microsecond');
SELECT order_no AS asked FROM usom.place_order('{"lines": [{"sku": "TAP-ASK", "quantity": 1, "unit_price": 1}]}') \gset
SELECT order_no AS soon FROM usom.place_order('{"lines": [{"sku": "TAP-SOON", "quantity": 1, "unit_price": 1}]}') \gset
INSERT INTO usom.location (code, picks_up) VALUES ('TAP-STORE', true);
INSERT INTO usom.product (sku, kind) VALUES ('TAP-WORK', 'service');
INSERT INTO usom.technician (code) VALUES ('TAP-ANN'), ('TAP-BOB');
INSERT INTO usom.service_work (product_id, skills) VALUES (usom.product_id('TAP-WORK'), '{tap}');
INSERT INTO usom.technician_skill (technician_id, skill) VALUES (usom.technician_id('TAP-ANN'), 'tap');
SELECT count(*) FROM usom.receive_stock('TAP-STORE', 'TAP-1', 10) \g /dev/null
SELECT order_no AS fetched FROM usom.place_order('{"order_type": "pick_up", "lines": [{"sku": "TAP-1", "quantity": 1, "location": "TAP-STORE"}]}') \gset
SELECT order_no AS kept FROM usom.place_order('{"order_type": "pick_up", "lines": [{"sku": "TAP-1", "quantity": 1, "location": "TAP-STORE"}]}') \gset
SELECT status FROM usom.ready_pickup(:'kept') \g /dev/null
SELECT order_no AS work FROM usom.place_order('{"order_type": "service", "lines": [{"sku": "TAP-WORK", "quantity": 1}, {"sku": "TAP-WORK", "quantity": 1}, {"sku": "TAP-WORK", "quantity": 1}]}') \gset
SELECT order_no AS parts FROM usom.place_order('{"order_type": "service", "lines": [{"sku": "TAP-WORK", "quantity": 1}, {"sku": "TAP-1", "quantity": 500}]}') \gset
SELECT appointment_no AS visit FROM usom.book_appointment(:'work', 1, '2100-01-04 09:00+00') \gset
SELECT appointment_no AS off FROM usom.book_appointment(:'work', 2, '2100-01-05 09:00+00') \gset
SELECT usom.fail_appointment(:'off', 'nobody at home') \g /dev/null
CREATE ROLE tap_desk;
SELECT usom.grant_access('tap_desk', 'agent') \g /dev/null
CREATE FUNCTION pg_temp.again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM usom.hold_order((SELECT order_no FROM usom.sales_order WHERE sales_order_id = NEW.sales_order_id), 'again ' || NEW.version, NULL);
	RETURN NULL;
END
$$;

INSERT INTO usom.location (code, ships_from) VALUES ('TAP-P', 'packed');
SELECT count(*) FROM usom.receive_stock('TAP-P', 'TAP-1', 10) \g /dev/null
SELECT order_no AS door FROM usom.place_order('{"lines": [{"sku": "TAP-1", "quantity": 3, "location": "TAP-P"}]}') \gset
SELECT * FROM usom.release_order(:'door') \g /dev/null
SELECT usom.pack(:'door', '[{"line_no": 1, "quantity": 2}]') AS p \gset
INSERT INTO usom.packaging (code, max_weight) VALUES ('TAP-S', 1);
INSERT INTO usom.product (sku, weight) VALUES ('TAP-LEAD', 9);
SELECT count(*) FROM usom.receive_stock('TAP-A', 'TAP-LEAD', 10) \g /dev/null
SELECT order_no AS lead FROM usom.place_order('{"lines": [{"sku": "TAP-LEAD", "quantity": 3}]}') \gset
SELECT * FROM usom.release_order(:'lead') \g /dev/null
SELECT usom.ship(:'lead', '[{"line_no": 1, "quantity": 1}]', 'TAP', 'TAP-T') AS t \gset
SELECT usom.close_manifest('TAP-A', 'TAP') \g /dev/null
INSERT INTO usom.load_document (batch, document) VALUES ('TAP-1', '{"external_id": "TAP-LOAD", "lines": [{"sku": "TAP-1", "quantity": 1}]}');
SELECT * FROM usom._load_orders('TAP-1', 10, 0, 0) \g /dev/null
CREATE TEMP TABLE raised (code text, command text);
INSERT INTO raised VALUES
	('US001', 'ALTER TABLE usom._schema_step RENAME TO _gone; SELECT usom.place_order(''{}'')'),
	('US002', 'UPDATE usom._schema_step SET version = version + 1; SELECT usom.place_order(''{}'')'),
	('US003', 'DROP EXTENSION usom CASCADE'),
	('US004', 'UPDATE usom.stock SET on_hand = 0'),
	('US005', 'DELETE FROM usom.product'),
	('US006', 'SELECT usom.product_id(''TAP-NONE'')'),
	('US007', format('CREATE TRIGGER again AFTER INSERT ON usom.order_history FOR EACH ROW EXECUTE FUNCTION pg_temp.again(); SELECT usom.hold_order(%L, ''credit'', NULL)', :'o')),
	('US101', format('SELECT usom.close_order(%L)', :'o')),
	('US102', format('SELECT usom.release_order(%L)', :'held')),
	('US103', format('SELECT usom.change_order(%L, ''{"priority": 1}'', version => 99)', :'o')),
	('US104', format('SELECT usom.change_order(%L, ''{"lines": [{"line_no": 1, "quantity": 0.5}]}'')', :'sent')),
	('US105', 'SELECT usom.cancel_order(''TAP-NONE'', NULL)'),
	('US106', format('SELECT usom.cancel_line(%L, 9, 1, NULL)', :'o')),
	('US107', format('SELECT usom.release_hold(%L, ''credit'', NULL)', :'o')),
	('US108', format('SELECT usom.change_order(%L, ''{"colour": "red"}'')', :'o')),
	('US109', 'INSERT INTO usom.sales_order (order_no) VALUES (''TAP-EMPTY''); SELECT usom.submit_order(''TAP-EMPTY'')'),
	('US110', 'INSERT INTO usom.sales_order (order_type) VALUES (''laptop'')'),
	('US113', format('SELECT usom.cancel_line(%L, 2, 1, NULL)', :'kit')),
	('US114', 'SELECT usom.place_order(''{"lines": [{"sku": "TAP-KIT", "quantity": 1.5}]}'')'),
	('US130', format('SELECT usom.approve_order(%L, ''test'')', :'o')),
	('US131', format('SET LOCAL ROLE tap_desk; SELECT usom.approve_order(%L, ''test'')', :'asked')),
	('US132', format('SELECT usom.approve_order(%L, ''test'')', :'asked')),
	('US133', format('SELECT usom.decline_order(%L, ''test'')', :'soon')),
	('US134', format('SELECT usom.approve_order(%L, ''test'', digest => ''00'')', :'asked')),
	('US135', 'INSERT INTO usom.approval_rule (code, queue) VALUES (''TAP-2'', ''tap_nobody'')'),
	('US136', format('SELECT usom.release_hold(%L, ''approval'', ''test'')', :'asked')),
	('US111', format('SELECT usom.request_make(%L, 1, ''TAP-A'')', :'o')),
	('US112', 'SELECT usom.approve_make(''TAP-NONE'')'),
	('US201', 'SELECT usom.reserve_stock(''TAP'', ''TAP-A'', ''TAP-1'', 1000, ''1 hour'')'),
	('US203', 'SELECT usom.receive_stock(''TAP-A'', ''TAP-POST'', 1)'),
	('US204', 'SELECT usom.cancel_supply(''TAP-NONE'')'),
	('US209', 'SELECT usom.add_supply(''purchase'', ''TAP-A'', ''TAP-1'', 2, now(), supply_no => ''TAP-BACK''); SELECT usom.receive_supply(''TAP-BACK'', 1); SELECT usom.reverse_receipt(''TAP-BACK'', 2)'),
	('US206', 'SELECT usom.add_supply(''purchase'', ''TAP-A'', ''TAP-1'', 1, now(), supply_no => ''TAP-END''); SELECT usom.cancel_supply(''TAP-END''); SELECT usom.receive_supply(''TAP-END'')'),
	('US205', 'SELECT usom.add_supply(''purchase'', ''TAP-A'', ''TAP-1'', 1, now(), supply_no => ''TAP-PO''), usom.add_supply(''purchase'', ''TAP-A'', ''TAP-1'', 1, now(), supply_no => ''TAP-PO'')'),
	('US210', 'INSERT INTO usom.product (sku, tracking) VALUES (''TAP-LOT'', ''lot''); SELECT usom.receive_stock(''TAP-A'', ''TAP-LOT'', 1)'),
	('US211', 'INSERT INTO usom.product (sku) VALUES (''TAP-OLD''); SELECT usom.receive_stock(''TAP-A'', ''TAP-OLD'', 1, ''L''); SELECT usom.release_order((usom.place_order(''{"external_id": "TAP-OLD", "lines": [{"sku": "TAP-OLD", "quantity": 1}]}'')).order_no); UPDATE usom.lot SET expires_at = now() WHERE sku = ''TAP-OLD''; SELECT usom.ship(order_no) FROM usom.orders WHERE external_id = ''TAP-OLD'''),
	('US212', 'INSERT INTO usom.product (sku, tracking) VALUES (''TAP-SER'', ''serial''); SELECT usom.receive_serials(''TAP-A'', ''TAP-SER'', ARRAY[''1'']); SELECT usom.receive_serials(''TAP-A'', ''TAP-SER'', ARRAY[''1''])'),
	('US213', 'INSERT INTO usom.product (sku, tracking) VALUES (''TAP-SER'', ''serial''); SELECT usom.receive_serials(''TAP-A'', ''TAP-SER'', ARRAY[''1'']); SELECT usom.release_order((usom.place_order(''{"external_id": "TAP-SER", "lines": [{"sku": "TAP-SER", "quantity": 1}]}'')).order_no); SELECT usom.ship(order_no) FROM usom.orders WHERE external_id = ''TAP-SER'''),
	('US218', 'SELECT * FROM usom.receive_stock(''TAP-A'', ''TAP-1'', 5, ''TAP-LOT''); SELECT * FROM usom.set_stock_stripes(''TAP-1'', ''TAP-A'', 2)'),
	('US216', 'UPDATE usom.product SET tracking = ''lot'' WHERE sku = ''TAP-1'''),
	('US217', 'SELECT * FROM usom.block_lot(''TAP-1'', ''TAP-NONE'', ''x'')'),
	('US207', 'INSERT INTO usom.quota (code, quantity, borrows_from) VALUES (''TAP-Q'', 1, ''{TAP-NONE}'')'),
	('US208', 'INSERT INTO usom.pre_order_offer (sku, release_at, quantity) VALUES (''TAP-1'', now() + interval ''1 day'', 1); SELECT usom.place_order(''{"lines": [{"sku": "TAP-1", "quantity": 2}]}'')'),
	('US301', 'INSERT INTO usom.location (code, time_zone) VALUES (''TAP-ZONE'', ''Europe/Nowhere'')'),
	('US309', 'INSERT INTO usom.backorder_variant (code, fallback) VALUES (''TAP-RUN'', ''TAP-RUN'')'),
	('US302', 'INSERT INTO usom.sourcing_rule (code, when_short, next_rule) VALUES (''TAP-RULE'', ''next_rule'', ''TAP-RULE'')'),
	('US306', format('SELECT usom.pickup_alternatives(%L)', :'o')),
	('US307', 'SELECT usom.ship_consolidated(''TAP-NONE'')'),
	('US220', 'INSERT INTO usom.product_unit (sku, unit, quantity, divisible) VALUES (''TAP-1'', ''box'', 12, false); SELECT usom.place_order(''{"lines": [{"sku": "TAP-1", "quantity": 0.5, "unit": "box"}]}'')'),
	('US221', 'SELECT usom.convert_quantity(''TAP-1'', 1, ''crate'')'),
	('US308', 'SELECT usom._begin_allocation(''{"colour": "red"}'', 5, NULL)'),
	('US401', 'SELECT usom.place_order(''{"currency": "EUU", "lines": [{"sku": "TAP-1", "quantity": 1}]}'')'),
	('US402', 'INSERT INTO usom.price_break (sku, min_quantity, percent) VALUES (''TAP-1'', 5, 1), (''TAP-1'', 5, 2)'),
	('US403', 'INSERT INTO usom.promotion (code, percent, valid_from, valid_to) VALUES (''TAP-1'', 10, ''2030-01-01'', ''2029-01-01'')'),
	('US404', 'INSERT INTO usom.promotion (code, percent) VALUES (''TAP-1'', 10); INSERT INTO usom.coupon (code, promotion) VALUES (''TAP-1'', ''TAP-1''); SELECT usom.place_order(''{"coupons": ["TAP-NONE"], "lines": [{"sku": "TAP-1", "quantity": 1}]}'')'),
	('US405', 'INSERT INTO usom.promotion (code, percent) VALUES (''TAP-1'', 10); INSERT INTO usom.coupon (code, promotion, active) VALUES (''TAP-1'', ''TAP-1'', false); SELECT usom.place_order(''{"coupons": ["TAP-1"], "lines": [{"sku": "TAP-1", "quantity": 1}]}'')'),
	('US406', 'INSERT INTO usom.promotion (code, percent) VALUES (''TAP-1'', 10); INSERT INTO usom.coupon (code, promotion, limit_uses) VALUES (''TAP-1'', ''TAP-1'', 0); SELECT usom.place_order(''{"coupons": ["TAP-1"], "lines": [{"sku": "TAP-1", "quantity": 1}]}'')'),
	('US407', 'INSERT INTO usom.promotion (code, percent, min_quantity) VALUES (''TAP-1'', 10, 9); INSERT INTO usom.coupon (code, promotion) VALUES (''TAP-1'', ''TAP-1''); SELECT usom.place_order(''{"coupons": ["TAP-1"], "lines": [{"sku": "TAP-1", "quantity": 1}]}'')'),
	('US420', format('SELECT usom.set_order_tax(%L, ''[{"line_no": 1, "amount": 0.001}]'')', :'o')),
	('US421', format('SELECT usom.set_order_tax(%L, ''[{"line_no": 1, "amount": 1}]'')', :'sent')),
	('US501', format('SELECT usom.record_payment(%1$L, ''sale'', 5, ''TAP-SALE''); SELECT usom.refund_order(%1$L, 5.01)', :'o')),
	('US503', format('INSERT INTO usom.payment_method (code, valid_for, late_capture) VALUES (''TAP-SHORT'', ''1 day'', ''refuse''); SELECT usom.authorize_payment(%1$L, 5, ''TAP-AUTH'', ''TAP-SHORT''); SELECT usom.record_payment(%1$L, ''capture'', 5, ''TAP-CAP'', occurred_at => now() + interval ''2 days'')', :'o')),
	('US504', format('SELECT usom.record_payment(%1$L, ''sale'', 5, ''TAP-SALE''); SELECT usom.record_payment(%1$L, ''sale'', 6, ''TAP-SALE'')', :'o')),
	('US505', format('SELECT usom.record_payment(%1$L, ''barter'', 5, ''TAP-SALE'')', :'o')),
	('US506', format('SELECT usom.capture_payment(%1$L, 5, ''TAP-CAP'')', :'o')),
	('US430', format('SELECT usom.override_price(%L, 1, 2, NULL)', :'asked')),
	('US431', format('SELECT usom.override_price(%L, 1, NULL, ''test'')', :'asked')),
	('US502', 'SELECT usom.cancel_order(''TAP-NONE'', ''refund 4111 1111 1111 1111'')'),
	('US510', 'INSERT INTO usom.customer (code) VALUES (''TAP-1''); INSERT INTO usom.credit_account (customer_id, limit_amount, on_increase) VALUES (usom.customer_id(''TAP-1''), 5, ''refuse''); SELECT usom.change_order((usom.place_order(''{"customer": "TAP-1", "lines": [{"sku": "TAP-1", "quantity": 1, "unit_price": 4}]}'')).order_no, ''{"lines": [{"line_no": 1, "quantity": 2}]}'')'),
	('US511', 'SELECT usom.review_credit(''TAP-NONE'')'),
	('US601', format('SELECT usom.ship(%L, ''[{"line_no": 1, "quantity": 9}]'')', :'sent')),
	('US602', 'SELECT usom.deliver(''TAP-NONE'')'),
	('US620', format('SELECT usom.ship(%L, ''[{"line_no": 1, "quantity": 3}]'')', :'door')),
	('US621', format('SELECT usom.pack(%L, ''[{"line_no": 1, "quantity": 9}]'')', :'door')),
	('US622', 'SELECT usom.unpack(''TAP-NONE'')'),
	('US623', format('SELECT usom.ship(%L, ''[{"line_no": 1, "quantity": 1}]'')', :'door')),
	('US624', format('SELECT usom.pack(%L, packaging => ''TAP-S'')', :'lead')),
	('US625', format('SELECT usom.void_shipment(%L, NULL)', :'t')),
	('US626', format('SELECT usom.record_tracking(%L, ''TAP-NONE'')', :'t')),
	('US627', 'SELECT usom.manifest_sheet(''TAP-NONE'')'),
	('US603', format('SELECT usom.release_order(%L)', :'waits')),
	('US640', format('SELECT usom.collect_pickup(%L)', :'fetched')),
	('US641', format('SELECT usom.put_back_pickups(order_no => %L)', :'kept')),
	('US642', 'SELECT usom.receive_drop_ship(usom.add_supply(''purchase'', ''TAP-A'', ''TAP-1'', 1, ''2100-01-01''))'),
	('US650', format('SELECT usom.book_appointment(%L, 1, ''2100-01-04 09:00+00'')', :'o')),
	('US651', format('SELECT usom.book_appointment(%L, 2, ''2100-01-04 09:30+00'')', :'work')),
	('US652', format('SELECT usom.book_appointment(%L, 2, ''2100-01-04 09:30+00'', ''TAP-BOB'')', :'work')),
	('US653', format('SELECT usom.book_appointment(%L, 1, ''2100-01-06 09:00+00'')', :'parts')),
	('US654', 'SELECT usom.cancel_appointment(''TAP-NONE'')'),
	('US655', format('SELECT usom.move_appointment(%L, ''2100-01-07 09:00+00'')', :'off')),
	('US656', format('SELECT usom.complete_service(%L, ''{"colour": "red"}'')', :'visit')),
	('US657', format('SELECT usom.book_appointment(%L, 1, ''2100-01-08 09:00+00'')', :'work')),
	('US630', 'SELECT usom.record_fulfillment(''TAP-NONE'', ''1'', ''accepted'')'),
	('US631', 'SELECT usom.answer_request(''TAP-NONE'', true)'),
	('US633', format('UPDATE usom.location SET wms = ''tap'' WHERE code = ''TAP-A''; INSERT INTO usom.cut_off (code, minutes) VALUES (''TAP-NOW'', 0); SELECT usom.cancel_line(%1$L, 1, NULL, ''TAP''); SELECT usom.ship(%1$L); SELECT usom.answer_request((SELECT request_no FROM usom.warehouse_requests WHERE order_no = %1$L), true)', :'sent')),
	('US632', format('INSERT INTO usom.cut_off (code, minutes) VALUES (''TAP-NOW'', 0); SELECT usom.void_release(%L, ''TAP'')', :'sent')),
	('US610', 'SELECT usom.confirm_pick(0)'),
	('US611', format('SELECT usom.report_short(%L, 1, 9, ''test'')', :'sent')),
	('US612', 'SELECT usom.plan_wave(''TAP-A''); SELECT usom.confirm_pick(c.task, picker => ''TAP-2'') FROM usom.claim_picks(''TAP-A'', ''TAP-1'') c'),
	('US613', 'SELECT usom.plan_wave(''TAP-A''); SELECT usom.confirm_pick(c.task, sku => ''TAP-NONE'') FROM usom.claim_picks(''TAP-A'', ''TAP-1'') c'),
	('US614', 'SELECT usom.claim_picks(''TAP-A'', ''TAP-1'', wave => ''TAP-NONE'')'),
	('US701', format('SELECT usom.receive_return(%L, ''[{"line_no": 1, "quantity": 9}]'')', :'r')),
	('US702', 'SELECT usom.receive_return(''TAP-NONE'', NULL)'),
	('US703', format('INSERT INTO usom.return_rule (code, outcome) VALUES (''TAP-R'', ''refuse''); SELECT usom.cancel_return(%1$L, ''x''); SELECT usom.authorize_return(order_no, ''[{"line_no": 1, "quantity": 1}]'', ''x'') FROM usom.returns WHERE return_no = %1$L', :'r')),
	('US704', format('SELECT usom.refuse_return(%L, ''x'')', :'r')),
	('US705', format('ALTER TABLE usom.return_order DISABLE TRIGGER USER; UPDATE usom.return_order SET expires_at = now() WHERE return_no = %1$L; SELECT usom.receive_return(%1$L)', :'r')),
	('US706', format('SELECT usom.inspect_return(%L, ''[{"line_no": 1, "quantity": 1}]'')', :'r')),
	('US708', $q$INSERT INTO usom.product (sku, tracking) VALUES ('TAP-NO', 'serial'); SELECT usom.receive_serials('TAP-A', 'TAP-NO', '{a}');
		SELECT usom.place_order('{"external_id": "TAP-NO", "lines": [{"sku": "TAP-NO", "quantity": 1}]}'); SELECT usom.release_order(order_no) FROM usom.orders WHERE external_id = 'TAP-NO';
		SELECT usom.ship(order_no, '[{"line_no": 1, "quantity": 1, "serials": ["a"]}]') FROM usom.orders WHERE external_id = 'TAP-NO';
		SELECT usom.receive_return(usom.authorize_return(order_no, '[{"line_no": 1, "quantity": 1}]', 'x')) FROM usom.orders WHERE external_id = 'TAP-NO'$q$),
	('US707', format('SELECT usom.cancel_return(%1$L, ''x''); SELECT usom.exchange_return(%1$L)', :'r')),
	('US116', format('SELECT usom.propose_substitution(%L, 1)', :'o')),
	('US117', 'INSERT INTO usom.product (sku) VALUES (''TAP-NONE''); SELECT usom.propose_substitution((usom.place_order(''{"lines": [{"sku": "TAP-NONE", "quantity": 1}]}'')).order_no, 1)'),
	('US119', format('SELECT usom.split_order(%L)', :'o')),
	('US118', 'SELECT usom.accept_substitution(0)'),
	('US115', 'SELECT usom.resolve_exception(0, ''test'')'),
	('US801', 'SELECT usom.place_order(''{"external_id": "TAP-1", "revision": 2, "lines": [{"sku": "TAP-1", "quantity": 4}]}'')'),
	('US802', 'SELECT usom.place_order(''{"external_id": "TAP-1", "revision": 1, "lines": [{"sku": "TAP-1", "quantity": 3}]}'')'),
	('US803', 'SELECT usom.place_order(''{"colour": "red"}'')'),
	('US120', format('SELECT usom.hold_order(%L, ''fraud'', ''test'', line_no => 1, piece_no => 9)', :'o')),
	('US121', 'INSERT INTO usom.hold_rule (code, when_held, hold_type) VALUES (''TAP-AB'', ''A'', ''B''), (''TAP-BA'', ''B'', ''A'')'),
	('US140', format('UPDATE usom.sales_order SET flow_state = ''x'' WHERE order_no = %L', :'o')),
	('US141', $q$INSERT INTO usom.flow_guard (flow_id, from_state, to_state, guard) VALUES (usom.flow_id('TAP-1'), 'confirmed', 'processing', 'paid'); SELECT usom.publish_flow('TAP-1'); INSERT INTO usom.flow_rule (code, flow) VALUES ('TAP-1', 'TAP-1');
		SELECT usom.release_order((usom.place_order('{"lines": [{"sku": "TAP-1", "quantity": 1, "unit_price": 1}]}')).order_no)$q$),
	('US142', $q$DELETE FROM usom.flow_transition WHERE to_state = 'cancelled'; SELECT usom.publish_flow('TAP-1')$q$),
	('US143', $q$INSERT INTO usom.flow_guard (flow_id, from_state, to_state, guard) VALUES (usom.flow_id('TAP-1'), 'confirmed', 'processing', 'tap.none'); SELECT usom.publish_flow('TAP-1')$q$),
	('US144', $q$SELECT usom.publish_flow('TAP-1'); UPDATE usom.flow SET description = 'x'$q$),
	('US820', 'SELECT usom.replay(''MS-NONE'')'),
	('US821', format('SELECT usom.park(%L, ''test'')', :'processed_message')),
	('US822', format('SELECT usom.mend(%L, ''{}'')', :'broken_message')),
	('US823', 'SELECT usom.add_mapping(''none'')'),
	('US830', 'INSERT INTO usom.load_document (document) VALUES (''{}'')'),
	('US831', 'UPDATE usom.load_document SET document = ''{}'' WHERE batch = ''TAP-1'''),
	('US832', 'CALL usom.load_orders(''TAP-NONE'')'),
	('US835', 'SELECT usom.submit_draft(''DR-NONE'')'),
	('US836', $q$SELECT usom.drop_draft(draft_no), usom.submit_draft(draft_no) FROM usom.start_draft()$q$),
	('US837', $q$SELECT usom.hand_over_draft(draft_no, 'bert'), usom.submit_draft(draft_no) FROM usom.start_draft()$q$),
	('US838', $q$INSERT INTO usom.mapping (code, channel, kind) VALUES ('TAP-CANCEL', 'web', 'cancellation');
		SELECT usom.draft_from_message(message_no) FROM usom.ingest('web', '{"cancel": 1}', 'TAP-CANCEL')$q$),
	('US833', 'DO $$ DECLARE h usom.load_row; BEGIN INSERT INTO usom.load_document (batch, document) VALUES (''TAP-2'', ''{"order_no": "TAP-OLD", "placed_at": "2020-01-01T00:00:00Z", "lines": [{"sku": "TAP-1", "quantity": 1}]}''); PERFORM usom._load_history(''TAP-2'', 1, 0, 0); SELECT * INTO h FROM usom.load_row r WHERE r.batch = ''TAP-2''; RAISE EXCEPTION ''%'', h.message USING ERRCODE = h.sqlstate, HINT = ''Mend it.''; END $$'),
	('US805', 'INSERT INTO usom.check_rule (check_code) VALUES (''colour'')'),
	('US804', 'INSERT INTO usom.check_rule (check_code, severity, parameters) VALUES (''limits'', ''refuse'', ''{"line_quantity": 1}''); SELECT usom.place_order(''{"lines": [{"sku": "TAP-1", "quantity": 2}]}'')'),
	('US904', 'INSERT INTO usom.customer (code) VALUES (''TAP-GONE''); SELECT usom.erase_customer(''TAP-GONE'', ''test''); SELECT usom.place_order(''{"customer": "TAP-GONE", "lines": [{"sku": "TAP-1", "quantity": 1}]}'')'),
	('US905', format('SELECT usom.erase_order_person(%L, ''test'')', :'o')),
	('US901', 'DELETE FROM usom.stock_movement'),
	('US902', 'SET LOCAL ROLE usom_break_glass; UPDATE usom.stock SET safety = 0'),
	('US903', 'CREATE ROLE tap_both; SELECT usom.grant_access(''tap_both'', ''integrator''); SELECT usom.grant_access(''tap_both'', ''manager'')'),
	('US906', 'SELECT usom.inclusion_proof(0)'),
	('US908', 'SELECT setval(''usom.id_seq'', 16777300); SELECT * FROM usom.archive_audit(''infinity'')'),
	('US909', 'SELECT setval(''usom.id_seq'', 16777300), usom.seal_audit(); ALTER TABLE usom.audit_block DISABLE TRIGGER usom_guard; UPDATE usom.audit_block SET settled_to = sequence_at;
		SELECT * FROM usom.archive_audit(''infinity'')'),
	('US910', 'ALTER TABLE usom.audit_archive DISABLE TRIGGER usom_guard; INSERT INTO usom.audit_archive (org_id, relation, node, first_key, end_key, entries, orders, first_at, last_at, root)
		VALUES (usom.current_org(), ''TAP'', 1023, 1::bigint << 62, (1::bigint << 62) + 1, 1, 0, now(), now(), ''x''); SELECT usom.inclusion_proof(1::bigint << 62)'),
	('US911', 'SELECT usom.restore_audit(''none'')'),
	('US907', $q$SELECT usom.consistency_proof('{"blocks": 99}')$q$);
SELECT last_value AS key_before FROM usom.id_seq \gset
CREATE TEMP TABLE said (code text, command text, sqlstate text, message text, hint text);
-- A rolled-back call makes the next one look again whether all is installed.
DO $$
DECLARE
	r record;
	h text;
	m text;
BEGIN
	BEGIN
		PERFORM usom.place_order('{}');
	EXCEPTION WHEN OTHERS THEN
		NULL;
	END;
	FOR r IN SELECT * FROM raised ORDER BY code LOOP
		BEGIN
			EXECUTE r.command;
			INSERT INTO said VALUES (r.code, r.command, 'none');
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, h = PG_EXCEPTION_HINT;
			INSERT INTO said VALUES (r.code, r.command, SQLSTATE, m, h);
		END;
	END LOOP;
END
$$;
SELECT is(s.sqlstate, s.code, format('%s: %s', s.code, s.message)) FROM said s ORDER BY s.code;
SELECT isnt(s.hint, '', format('%s has a hint: %s', s.code, s.hint)) FROM said s ORDER BY s.code;
SELECT is_empty($$SELECT sqlstate FROM usom.error_codes() EXCEPT SELECT code FROM raised$$, 'no code without a test');
SELECT is_empty($$SELECT code FROM raised EXCEPT SELECT sqlstate FROM usom.error_codes()$$, 'no test without a code');
SELECT is_empty($$SELECT * FROM usom.error_codes() WHERE sqlstate !~ '^US[0-9]{3}$' OR name = '' OR meaning = '' OR remedy = ''$$, 'each has a name, a meaning and a remedy');
-- What is retried by clients keeps its own code.
SELECT is_empty($$SELECT * FROM usom.error_codes() WHERE sqlstate IN ('40001', '40P01', '55P03')$$, 'what can be repeated keeps its standard code');
SELECT is_empty('SELECT * FROM usom.verify()', 'all is well after');
SELECT * FROM finish();
ROLLBACK;
SELECT setval('usom.id_seq', :key_before) \g /dev/null
