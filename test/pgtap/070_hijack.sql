-- Whoever can lay objects of his own in the way of usom, in a schema that comes
-- first in search_path or in pg_temp, captures nothing: six such ways for every
-- public function.  What is laid there counts its calls in a sequence, which no
-- rollback sets back, and tells by whose rights it ran.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
\pset pager off
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS usom;
SELECT count(*) FROM usom.install() \g /dev/null
SET LOCAL search_path = public, pg_temp;
SELECT no_plan();

-- ---- calls that go all the way ----

INSERT INTO usom.location (code) VALUES ('H-LOC');
INSERT INTO usom.location (code, wms) VALUES ('H-WMS', 'H-WMS');
INSERT INTO usom.product (sku) VALUES ('H-WMS');
INSERT INTO usom.cut_off (code, location, minutes) VALUES ('H-WMS', 'H-WMS', 0);
SELECT usom.receive_stock('H-WMS', 'H-WMS', 3) \g /dev/null
SELECT order_no AS at_work FROM usom.place_order('{"lines": [{"sku": "H-WMS", "quantity": 2}]}') \gset
SELECT usom.release_order(:'at_work'), usom.cancel_line(:'at_work', 1, 1, 'why') \g /dev/null
SELECT fulfillment_no AS handed FROM usom.fulfillments WHERE order_no = :'at_work' \gset
SELECT request_no AS at_door FROM usom.warehouse_requests WHERE order_no = :'at_work' \gset
INSERT INTO usom.product (sku) VALUES ('H-SKU'), ('H-NONE');
INSERT INTO usom.customer (code, email) VALUES ('H-CUST', 'h@example.com'), ('H-GONE', 'g@example.com');
INSERT INTO usom.credit_account (customer_id, limit_amount) VALUES (usom.customer_id('H-CUST'), 1000000);
SELECT usom.receive_stock('H-LOC', 'H-SKU', 1000) \g /dev/null
INSERT INTO usom.product (sku, tracking) VALUES ('H-SER', 'serial');
SELECT usom.receive_serials('H-LOC', 'H-SER', ARRAY['1', '2']) \g /dev/null
SELECT usom.reserve_stock('H-CART', 'H-LOC', 'H-SKU', 1, interval '1 hour') AS cart \gset
SELECT order_no AS waits FROM usom.place_order('{"lines": [{"sku": "H-NONE", "quantity": 5000}]}') \gset
CREATE FUNCTION pg_temp.placed(draft boolean, held boolean DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	o text := (usom.place_order(jsonb_build_object('draft', draft OR held, 'lines', '[{"sku": "H-SKU", "quantity": 3}]'::jsonb))).order_no;
BEGIN
	IF held THEN
		PERFORM usom.hold_order(o, 'credit', 'x');
		PERFORM usom.submit_order(o);
	END IF;
	RETURN o;
END $$;
SELECT pg_temp.placed(false) AS o, pg_temp.placed(true) AS draft, pg_temp.placed(false, true) AS held, pg_temp.placed(false) AS sent, pg_temp.placed(false) AS done, pg_temp.placed(false) AS back \gset
SELECT usom.release_order(n) FROM unnest(ARRAY[:'sent', :'done', :'back']) n \g /dev/null
SELECT usom.ship(:'done') AS done_s, usom.ship(:'back') AS back_s \gset
SELECT usom.deliver(:'back_s') \g /dev/null
SELECT usom.authorize_return(:'back', '[{"line_no": 1, "quantity": 1}]', 'x') AS r \gset
INSERT INTO usom.return_rule (code, outcome, reason) VALUES ('H-ASK', 'ask', 'ask');
SELECT order_no AS returned FROM usom.place_order('{"lines": [{"sku": "H-SKU", "quantity": 9}]}') \gset
SELECT usom.release_order(:'returned'), usom.ship(:'returned') \g /dev/null
SELECT usom.authorize_return(:'returned', '[{"line_no": 1, "quantity": 1}]', 'ask') AS ask_1, usom.authorize_return(:'returned', '[{"line_no": 1, "quantity": 1}]', 'ask') AS ask_2, usom.authorize_return(:'returned', '[{"line_no": 1, "quantity": 1}]', 'x') AS off, usom.authorize_return(:'returned', '[{"line_no": 1, "quantity": 1}]', 'x') AS other_goods \gset
SELECT return_no AS looked_at FROM usom.receive_blind_return(:'returned', '[{"line_no": 1, "quantity": 1}]') \gset
SELECT sales_order_id AS draft_id, usom.product_id('H-SKU') AS product_id FROM usom.sales_order WHERE order_no = :'draft' \gset
SELECT usom.seal_audit() \g /dev/null
SELECT usom.export_digest() AS digest, (SELECT min(audit_entry_id) FROM usom.audit_entry) AS entry \gset
INSERT INTO usom.product (sku) VALUES ('H-TOO');
SELECT order_no AS short FROM usom.place_order('{"lines": [{"sku": "H-TOO", "quantity": 2, "substitution": "allowed"}, {"sku": "H-TOO", "quantity": 1}]}') \gset
INSERT INTO usom.substitute (sku, substitute_sku) VALUES ('H-TOO', 'H-SKU');
SELECT usom.propose_substitution(:'short', 2) AS offer, usom.watch_stock('H-CUST', 'H-SKU') AS interest \gset
INSERT INTO usom.product (sku, decoupling) VALUES ('H-MADE', 'engineer_to_order');
SELECT order_no AS made FROM usom.place_order('{"lines": [{"sku": "H-MADE", "quantity": 9}]}') \gset
SELECT usom.request_make(:'made', 1, 'H-LOC', 1) AS designed, usom.request_make(:'made', 1, 'H-LOC', 1) AS asked, usom.request_make(:'made', 1, 'H-LOC', 2) AS begun, usom.request_make(:'made', 1, 'H-LOC', 1) AS unwanted \gset
SELECT usom.approve_make(m) FROM unnest(ARRAY[:'asked', :'begun']) m \g /dev/null
SELECT usom.start_make(:'begun', now() + interval '1 day') \g /dev/null
SELECT usom._raise_case(NULL, NULL, 'x', 'y', 'z') \g /dev/null
SELECT exception_id AS exception FROM usom.exceptions WHERE kind = 'x' \gset
INSERT INTO usom.location (code, picks_up) VALUES ('H-SHOP', true), ('H-STORE', true);
SELECT usom.receive_stock('H-STORE', 'H-SKU', 5) \g /dev/null
SELECT usom.receive_stock('H-SHOP', 'H-SKU', 1) \g /dev/null
SELECT order_no AS kept FROM usom.place_order('{"order_type": "pick_up", "lines": [{"sku": "H-SKU", "quantity": 1, "location": "H-SHOP"}]}') \gset
SELECT usom.add_supply('drop_ship', 'H-LOC', 'H-TOO', 1, '2100-01-01', order_no => order_no, line_no => 1) AS drop FROM usom.place_order('{"order_type": "drop_ship", "lines": [{"sku": "H-TOO", "quantity": 1}]}') \gset
INSERT INTO usom.product (sku, kind) VALUES ('H-WORK', 'service');
INSERT INTO usom.technician (code) VALUES ('H-ANN');
SELECT order_no AS work FROM usom.place_order('{"order_type": "service", "lines": [{"sku": "H-WORK", "quantity": 1}, {"sku": "H-WORK", "quantity": 1}]}') \gset
SELECT appointment_no AS visit FROM usom.book_appointment(:'work', 1, '2100-01-04 09:00+00') \gset
SELECT order_no AS fetched FROM usom.place_order('{"order_type": "pick_up", "lines": [{"sku": "H-SKU", "quantity": 2, "location": "H-SHOP"}]}') \gset
SELECT array_agg(p.order_no) AS parcel FROM generate_series(1, 2) n, usom.place_order(jsonb_build_object('priority', n, 'customer', 'H-CUST', 'ship_to', '{"line1": "1 High Street"}'::jsonb, 'lines', '[{"sku": "H-SKU", "quantity": 1}]'::jsonb)) p \gset
SELECT usom.release_order((usom.place_order('{"lines": [{"sku": "H-SKU", "quantity": 2, "location": "H-STORE"}]}')).order_no) \g /dev/null
SELECT usom.plan_wave('H-STORE') \g /dev/null
SELECT task FROM usom.claim_picks('H-STORE', 'H-CART') \gset
CREATE ROLE tap_some;
CREATE ROLE tap_boss;
SELECT usom.grant_access('tap_boss', 'manager') \g /dev/null
INSERT INTO usom.product (sku, category) VALUES ('H-ASK', 'H-ASK');
SELECT usom.add_mapping('shopify', 'pos') \g /dev/null
INSERT INTO usom.load_document (batch, document) VALUES ('H-LOAD', '{"lines": []}');
SELECT message_no AS broken_message FROM usom.ingest('web', '{"lines": []}', 'H-BROKEN') \gset
INSERT INTO usom.approval_rule (code, category) VALUES ('H-ASK', 'H-ASK');
SELECT order_no AS unapproved FROM usom.place_order('{"lines": [{"sku": "H-ASK", "quantity": 1, "unit_price": 1}]}') \gset
INSERT INTO usom.flow (code) VALUES ('H-FLOW');
INSERT INTO usom.flow_state (flow_id, state, status) VALUES (usom.flow_id('H-FLOW'), 'H-READY', 'confirmed');
INSERT INTO usom.flow_transition (flow_id, from_state, to_state) SELECT usom.flow_id('H-FLOW'), t.* FROM (VALUES ('confirmed', 'H-READY'), ('confirmed', 'cancelled'), ('H-READY', 'processing'), ('H-READY', 'cancelled')) t;
INSERT INTO usom.flow_guard (flow_id, from_state, to_state, guard) VALUES (usom.flow_id('H-FLOW'), 'confirmed', 'H-READY', 'unheld');
SELECT usom.publish_flow('H-FLOW') \g /dev/null
INSERT INTO usom.flow_rule (code, flow, order_type, channel) VALUES ('H-FLOW', 'H-FLOW', 'digital', 'marketplace');
INSERT INTO usom.product (sku, kind) VALUES ('H-LICENCE', 'service');
SELECT order_no AS flowing FROM usom.place_order('{"channel": "marketplace", "order_type": "digital", "lines": [{"sku": "H-LICENCE", "quantity": 1}]}') \gset
CREATE TEMP TABLE call (name text, command text);
INSERT INTO call VALUES
	('install', 'SELECT * FROM usom.install()'), ('upgrade', 'SELECT * FROM usom.upgrade()'), ('version', 'SELECT usom.version()'), ('doctor', 'SELECT * FROM usom.doctor()'),
	('help', 'SELECT * FROM usom.help()'), ('error_codes', 'SELECT * FROM usom.error_codes()'), ('lifecycle', 'SELECT * FROM usom.lifecycle(''order'')'), ('order_lifecycle', 'SELECT * FROM usom.order_lifecycle()'),
	('flow_id', 'SELECT usom.flow_id(''H-FLOW'')'), ('check_flow', 'SELECT * FROM usom.check_flow(''H-FLOW'')'), ('publish_flow', 'SELECT usom.publish_flow(''H-FLOW'')'), ('revise_flow', 'SELECT usom.revise_flow(''H-FLOW'')'), ('flow_dot', 'SELECT usom.flow_dot(''H-FLOW'')'),
	('take_step', format('SELECT * FROM usom.take_step(%L, ''H-READY'')', :'flowing')), ('explain_steps', format('SELECT * FROM usom.explain_steps(%L)', :'flowing')), ('grant_order', format('SELECT usom.take_step(%1$L, ''H-READY''); SELECT usom.grant_order(%1$L)', :'flowing')),
	('order_types', 'SELECT * FROM usom.order_types()'), ('piece_lifecycle', 'SELECT * FROM usom.piece_lifecycle()'), ('currencies', 'SELECT * FROM usom.currencies()'), ('lifecycle_dot', 'SELECT usom.lifecycle_dot(''order'')'), ('demo', 'SELECT * FROM usom.demo(3)'), ('demo_remove', 'SELECT * FROM usom.demo_remove()'),
	('current_org', 'SELECT usom.current_org()'), ('default_currency', 'SELECT usom.default_currency()'), ('next_id', 'SELECT usom.next_id()'), ('next_document_no', 'SELECT usom.next_document_no(''order'')'),
	('channel_id', 'SELECT usom.channel_id(''web'')'), ('customer_id', 'SELECT usom.customer_id(''H-CUST'')'), ('product_id', 'SELECT usom.product_id(''H-SKU'')'), ('location_id', 'SELECT usom.location_id(''H-LOC'')'),
	('place_order', 'SELECT * FROM usom.place_order(''{"customer": "H-CUST", "channel": "web", "external_id": "H-1", "ship_to": {"name": "Ada", "city": "Leeds", "country": "GB"}, "lines": [{"sku": "H-SKU", "quantity": 2, "location": "H-LOC"}]}'')'),
	('place_orders', 'SELECT * FROM usom.place_orders(''[{"lines": [{"sku": "H-SKU", "quantity": 2, "unit_price": 1}]}, {"lines": []}]'')'),
	('submit_order', format('SELECT * FROM usom.submit_order(%L)', :'draft')), ('confirm_order', format('SELECT usom.release_hold(%1$L, ''credit'', ''x''); SELECT * FROM usom.confirm_order(%1$L)', :'held')),
	('reject_order', format('SELECT * FROM usom.reject_order(%L, ''x'')', :'held')), ('close_order', format('SELECT usom.deliver(%L); SELECT * FROM usom.close_order(%L)', :'done_s', :'done')),
	('cancel_order', format('SELECT * FROM usom.cancel_order(%L, ''x'')', :'o')), ('cancel_line', format('SELECT * FROM usom.cancel_line(%L, 1, 1, ''x'')', :'o')),
	('set_order_tax', format('SELECT * FROM usom.set_order_tax(%L, ''[{"line_no": 1, "amount": 1.5}]'')', :'o')),
	('change_order', format('SELECT * FROM usom.change_order(%L, ''{"priority": 1, "lines": [{"line_no": 1, "quantity": 2}, {"sku": "H-SKU", "quantity": 1}]}'')', :'o')),
	('set_address_verdict', format('SELECT usom.change_order(%1$L, ''{"ship_to": {"country": "GB"}}''); SELECT * FROM usom.set_address_verdict(%1$L, ''unknown'')', :'o')), ('checks', 'SELECT * FROM usom.checks()'),
	('hold_order', format('SELECT * FROM usom.hold_order(%L, ''credit'', ''x'')', :'o')), ('release_hold', format('SELECT * FROM usom.release_hold(%L, ''credit'', ''x'')', :'held')),
	('release_credit_hold', format('SELECT * FROM usom.release_credit_hold(%L, ''x'')', :'held')), ('review_credit', 'SELECT * FROM usom.review_credit(''H-CUST'')'), ('credit_position', 'SELECT * FROM usom.credit_position(''H-CUST'')'),
	('propose_substitution', format('SELECT usom.propose_substitution(%L, 1)', :'short')), ('accept_substitution', format('SELECT * FROM usom.accept_substitution(%s)', :'offer')),
	('decline_substitution', format('SELECT * FROM usom.decline_substitution(%s, ''x'')', :'offer')), ('substitute_backorders', 'SELECT * FROM usom.substitute_backorders(''H-TOO'')'),
	('watch_stock', 'SELECT usom.watch_stock(''H-CUST'', ''H-TOO'', 1, ''H-LOC'')'), ('unwatch_stock', 'SELECT usom.unwatch_stock(''H-CUST'', ''H-TOO'')'), ('tell_back_in_stock', 'SELECT usom.tell_back_in_stock(''H-SKU'')'),
	('approve_order', format('SET SESSION AUTHORIZATION tap_boss; SELECT * FROM usom.approve_order(%L, ''x''); RESET SESSION AUTHORIZATION', :'unapproved')), ('decline_order', format('SET SESSION AUTHORIZATION tap_boss; SELECT * FROM usom.decline_order(%L, ''x''); RESET SESSION AUTHORIZATION', :'unapproved')),
	('request_approval', format('SELECT * FROM usom.request_approval(%L, ''x'')', :'unapproved')), ('override_price', format('SELECT * FROM usom.override_price(%L, 1, 2, ''x'')', :'unapproved')), ('reprice_order', format('SELECT * FROM usom.reprice_order(%L, ''x'')', :'unapproved')), ('score_order', format('SELECT * FROM usom.score_order(%L, 50, ''x'')', :'unapproved')),
	('ingest', 'SELECT * FROM usom.ingest(''web'', ''{"lines": [{"sku": "H-SKU", "quantity": 1}]}'', ''H-IN'')'), ('map_payload', 'SELECT * FROM usom.map_payload(''web'', ''{}'')'), ('mapping_id', 'SELECT usom.mapping_id(''shopify'')'),
	('work_inbox', 'SELECT * FROM usom.work_inbox()'), ('retry_inbox', 'CALL usom.retry_inbox(0)'), ('load_orders', 'CALL usom.load_orders(''H-LOAD'', again => true)'), ('inbox_take', 'SELECT * FROM usom.inbox_take(1, interval ''1 hour'')'), ('standard_mappings', 'SELECT * FROM usom.standard_mappings()'), ('add_mapping', 'SELECT usom.add_mapping(''shopify'', ''pos'')'),
	('expedite_order', 'SELECT e.* FROM usom.place_order(''{"lines": [{"sku": "H-SKU", "quantity": 1}]}'') p, usom.expedite_order(p.order_no, ''hijack'') e'),
	('start_draft', 'SELECT * FROM usom.start_draft()'), ('save_draft', 'SELECT d.* FROM usom.start_draft() s, usom.save_draft(s.draft_no, ''{"lines": [{"sku": "H-SKU", "quantity": 1}]}'') d'),
	('submit_draft', 'SELECT d.* FROM usom.start_draft(''{"lines": [{"sku": "H-SKU", "quantity": 1}]}'') s, usom.submit_draft(s.draft_no, ''H'') d'),
	('drop_draft', 'SELECT d.* FROM usom.start_draft() s, usom.drop_draft(s.draft_no) d'), ('hand_over_draft', 'SELECT d.* FROM usom.start_draft() s, usom.hand_over_draft(s.draft_no, ''H'') d'),
	('draft_from_message', format('SELECT * FROM usom.draft_from_message(%L)', :'broken_message')), ('verify_drafts', 'SELECT * FROM usom.verify_drafts()'),
	('work_inbox', 'SELECT * FROM usom.work_inbox()'), ('retry_inbox', 'CALL usom.retry_inbox(0)'), ('inbox_take', 'SELECT * FROM usom.inbox_take(1, interval ''1 hour'')'), ('standard_mappings', 'SELECT * FROM usom.standard_mappings()'), ('add_mapping', 'SELECT usom.add_mapping(''shopify'', ''pos'')'),
	('work_inbox', 'SELECT * FROM usom.work_inbox()'), ('heartbeat', 'SELECT usom.heartbeat(''pos'', ''x'')'), ('set_circuit', 'SELECT usom.set_circuit(''pos'', ''closed'', ''x'')'), ('retry_inbox', 'CALL usom.retry_inbox(0)'), ('inbox_take', 'SELECT * FROM usom.inbox_take(1, interval ''1 hour'')'), ('standard_mappings', 'SELECT * FROM usom.standard_mappings()'), ('add_mapping', 'SELECT usom.add_mapping(''shopify'', ''pos'')'),
	('work_inbox', 'SELECT * FROM usom.work_inbox()'), ('retry_inbox', 'CALL usom.retry_inbox(0)'), ('load_orders', 'CALL usom.load_orders(''H-LOAD'', again => true)'), ('load_history', 'CALL usom.load_history(''H-LOAD'', again => true)'), ('sync_orders', 'SELECT * FROM usom.sync_orders(''[{"client_id": "8c1f0a52-6f5e-4f0e-9a3b-0d4a7c1e2f01", "lines": [{"sku": "H-SKU", "quantity": 1, "unit_price": 2}], "told": {"total": 1, "lines": [{"line_no": 1, "quantity_now": 1}]}}]'')'), ('verify_load', 'SELECT * FROM usom.verify_load(''H-LOAD'')'), ('verify_loads', 'SELECT * FROM usom.verify_loads()'), ('inbox_take', 'SELECT * FROM usom.inbox_take(1, interval ''1 hour'')'), ('standard_mappings', 'SELECT * FROM usom.standard_mappings()'), ('add_mapping', 'SELECT usom.add_mapping(''shopify'', ''pos'')'),
	('replay', format('SELECT * FROM usom.replay(%L)', :'broken_message')), ('park', format('SELECT * FROM usom.park(%L, ''x'')', :'broken_message')), ('mend', format('SELECT * FROM usom.mend(%L, ''[{"path": ["x"], "value": 1}]'')', :'broken_message')), ('explain_mapping', format('SELECT * FROM usom.explain_mapping(%L)', :'broken_message')),
	('quote', 'SELECT usom.quote(''{"customer": "H-CUST", "channel": "web", "lines": [{"sku": "H-SKU", "quantity": 2, "location": "H-LOC"}]}'')'),
	('resolve_exception', format('SELECT usom.resolve_exception(%s, ''x'')', :'exception')),
	('allocate_order', format('SELECT * FROM usom.allocate_order(%L)', :'o')), ('request_make', format('SELECT usom.request_make(%L, 1, ''H-LOC'', 1)', :'short')), ('approve_make', format('SELECT * FROM usom.approve_make(%L)', :'designed')), ('start_make', format('SELECT * FROM usom.start_make(%L, now())', :'asked')), ('receive_make', format('SELECT * FROM usom.receive_make(%L, 1)', :'begun')), ('cancel_make', format('SELECT * FROM usom.cancel_make(%L)', :'unwanted')), ('convert_pre_orders', 'SELECT * FROM usom.convert_pre_orders()'), ('fill_backorders', 'SELECT * FROM usom.fill_backorders(''H-SKU'')'), ('release_order', format('SELECT * FROM usom.release_order(%L)', :'o')),
	('ship', format('SELECT usom.ship(%L, ''[{"line_no": 1, "quantity": 1}]'', ''DHL'', ''1'')', :'sent')), ('deliver', format('SELECT * FROM usom.deliver(%L)', :'done_s')),
	('wrap_gift', format('SELECT * FROM usom.wrap_gift(%L, 1)', :'o')), ('pack', format('SELECT usom.pack(%L, ''[{"line_no": 1, "quantity": 1}]'')', :'sent')), ('unpack', format('SELECT * FROM usom.unpack(usom.pack(%L))', :'sent')),
	('void_shipment', format('SELECT * FROM usom.void_shipment(usom.ship(%L), ''x'')', :'sent')), ('close_manifest', format('SELECT usom.ship(%L, NULL, ''H''); SELECT usom.close_manifest(''H-LOC'', ''H'')', :'sent')),
	('packing_slip', format('SELECT usom.packing_slip(%L)', :'done_s')), ('shipping_label', format('SELECT usom.pack(%L); SELECT usom.shipping_label(package_no) FROM usom.packages LIMIT 1', :'sent')),
	('manifest_sheet', format('SELECT usom.ship(%L, NULL, ''H''); SELECT usom.close_manifest(''H-LOC'', ''H''); SELECT usom.manifest_sheet(manifest_no) FROM usom.manifests LIMIT 1', :'sent')),
	('record_tracking', format('SELECT * FROM usom.record_tracking(%L, ''out_for_delivery'', now(), ''1'', ''Leeds'', ''x'', ''DHL'')', :'done_s')), ('fail_delivery', format('SELECT * FROM usom.fail_delivery(%L, ''x'')', :'done_s')),
	('retry_delivery', format('SELECT * FROM usom.fail_delivery(%1$L, ''x''); SELECT * FROM usom.retry_delivery(%1$L)', :'done_s')), ('return_to_sender', format('SELECT * FROM usom.return_to_sender(%L, ''x'')', :'done_s')),
	('receive_undelivered', format('SELECT * FROM usom.return_to_sender(%1$L, ''x''); SELECT * FROM usom.receive_undelivered(%1$L, ''x'')', :'done_s')),
	('lose_shipment', format('SELECT * FROM usom.lose_shipment(%L, ''x'')', :'done_s')),
	('authorize_return', format('SELECT usom.authorize_return(%L, ''[{"line_no": 1, "quantity": 1}]'', ''x'')', :'back')), ('receive_return', format('SELECT * FROM usom.receive_return(%L, ''[{"line_no": 1, "quantity": 1}]'')', :'r')),
	('authorize_return', format('SELECT usom.authorize_return(%L, ''[{"line_no": 1, "quantity": 1}]'', ''x'')', :'back')), ('explain_return', format('SELECT * FROM usom.explain_return(%L)', :'returned')),
	('approve_return', format('SELECT * FROM usom.approve_return(%L, ''x'')', :'ask_1')), ('refuse_return', format('SELECT * FROM usom.refuse_return(%L, ''x'')', :'ask_2')), ('cancel_return', format('SELECT * FROM usom.cancel_return(%L, ''x'')', :'off')),
	('receive_blind_return', format('SELECT * FROM usom.receive_blind_return(%L, ''[{"line_no": 1, "quantity": 1}]'', ''x'', ''H-LOC'')', :'returned')), ('inspect_return', format('SELECT * FROM usom.inspect_return(%L, NULL, ''x'')', :'looked_at')), ('exchange_return', format('SELECT usom.exchange_return(%L)', :'other_goods')),
	('release_due', 'SELECT * FROM usom.release_due(''H-LOC'')'), ('void_release', format('SELECT * FROM usom.void_release(%L, ''why'')', :'o')),
	('record_fulfillment', format('SELECT * FROM usom.record_fulfillment(%L, ''1'', ''accepted'')', :'handed')), ('answer_request', format('SELECT * FROM usom.answer_request(%L, true)', :'at_door')),
	('receive_return', format('SELECT * FROM usom.receive_return(%L, ''[{"line_no": 1, "quantity": 1}]'')', :'r')),
	('ready_pickup', format('SELECT * FROM usom.ready_pickup(%L, ''2100-01-01'')', :'kept')), ('collect_pickup', format('SELECT usom.ready_pickup(%1$L); SELECT usom.collect_pickup(%1$L)', :'kept')), ('reject_pickup', format('SELECT * FROM usom.reject_pickup(%L, ''x'')', :'kept')),
	('put_back_pickups', 'SELECT * FROM usom.put_back_pickups(''H-SHOP'')'), ('receive_drop_ship', format('SELECT * FROM usom.receive_drop_ship(%L, 1, ''H-DN'')', :'drop')),
	('technician_id', 'SELECT usom.technician_id(''H-ANN'')'), ('service_slots', 'SELECT * FROM usom.service_slots(''H-WORK'', ''2100-01-04'', ''2100-01-06'', ''H-ANN'', slots => 3)'), ('block_technician', 'SELECT usom.block_technician(''H-ANN'', ''2100-02-01'', ''2100-02-02'', ''x'')'),
	('book_appointment', format('SELECT * FROM usom.book_appointment(%L, 2, ''2100-01-05 09:00+00'')', :'work')), ('move_appointment', format('SELECT * FROM usom.move_appointment(%L, ''2100-01-06 09:00+00'')', :'visit')),
	('cancel_appointment', format('SELECT usom.cancel_appointment(%L)', :'visit')), ('fail_appointment', format('SELECT usom.fail_appointment(%L, ''x'')', :'visit')), ('complete_service', format('SELECT usom.complete_service(%L, ''{"work": "x"}'')', :'visit')),
	('explain_sourcing', format('SELECT * FROM usom.explain_sourcing(%L)', :'o')), ('why_not_allocated', format('SELECT * FROM usom.why_not_allocated(%L, 1)', :'o')),
	('reallocate_order', format('SELECT * FROM usom.reallocate_order(%L, ''why'')', :'o')),
	('explain_status', format('SELECT * FROM usom.explain_status(%L)', :'o')), ('order_timeline', format('SELECT * FROM usom.order_timeline(%L)', :'o')),
	('order_as_of', format('SELECT usom.order_as_of(%L, clock_timestamp())', :'o')), ('order_changes', format('SELECT * FROM usom.order_changes(%L)', :'o')),
	('available', 'SELECT usom.available(''H-SKU'', ''H-LOC'')'), ('convert_quantity', 'SELECT usom.convert_quantity(''H-SKU'', 1, ''each'')'), ('receive_stock', 'SELECT * FROM usom.receive_stock(''H-LOC'', ''H-SKU'', 1)'),
	('available', 'SELECT usom.available(''H-SKU'', ''H-LOC'')'), ('receive_stock', 'SELECT * FROM usom.receive_stock(''H-LOC'', ''H-SKU'', 1)'),
	('plan_count', 'SELECT usom.plan_count(''H-LOC'')'), ('record_count', 'SELECT * FROM usom.record_count(''H-LOC'', ''H-SKU'', 0)'),
	('recall', 'SELECT count(*) FROM usom.receive_stock(''H-LOC'', ''H-SKU'', 1, ''H-LOT''); SELECT * FROM usom.recall(''H-LOT'')'), ('block_lot', 'SELECT count(*) FROM usom.receive_stock(''H-LOC'', ''H-SKU'', 1, ''H-BAD''); SELECT * FROM usom.block_lot(''H-SKU'', ''H-BAD'', ''x'')'), ('verify_lots', 'SELECT * FROM usom.verify_lots()'),
	('receive_serials', 'SELECT * FROM usom.receive_serials(''H-LOC'', ''H-SER'', ARRAY[''3''])'), ('remove_serials', 'SELECT * FROM usom.remove_serials(''H-LOC'', ''H-SER'', ARRAY[''1''], ''x'')'),
	('assign_serials', 'SELECT usom.assign_serials(order_no, 1, ARRAY[''2'']) FROM usom.place_order(''{"lines": [{"sku": "H-SER", "quantity": 1, "unit_price": 1}]}'')'),
	('receive_stocks', 'SELECT * FROM usom.receive_stocks(''[{"location": "H-LOC", "sku": "H-SKU", "quantity": 1}]'')'), ('adjust_stock', 'SELECT * FROM usom.adjust_stock(''H-LOC'', ''H-SKU'', -1, ''x'')'),
	('count_stock', 'SELECT * FROM usom.count_stock(''H-LOC'', ''H-SKU'', 900)'), ('set_safety', 'SELECT * FROM usom.set_safety(''H-LOC'', ''H-SKU'', 1)'),
	('set_stock_stripes', 'SELECT * FROM usom.set_stock_stripes(''H-TOO'', ''H-LOC'', 2)'),
	('add_supply', 'SELECT usom.add_supply(''purchase'', ''H-LOC'', ''H-SKU'', 1, now())'),
	('change_supply', 'SELECT usom.change_supply(usom.add_supply(''purchase'', ''H-LOC'', ''H-SKU'', 2, now()), 1)'), ('reverse_receipt', 'WITH s AS MATERIALIZED (SELECT usom.add_supply(''purchase'', ''H-LOC'', ''H-SKU'', 2, now()) AS no), r AS MATERIALIZED (SELECT s.no, r.status FROM s, usom.receive_supply(s.no) r) SELECT usom.reverse_receipt(r.no, 1, ''x'') FROM r'), ('cancel_supply', 'SELECT usom.cancel_supply(usom.add_supply(''purchase'', ''H-LOC'', ''H-SKU'', 2, now()), ''x'')'),
	('receive_supply', 'SELECT usom.receive_supply(usom.add_supply(''purchase'', ''H-LOC'', ''H-SKU'', 2, now()))'),
	('split_order', format('SELECT usom.split_order(%L, ''[{"line_no": 1, "quantity": 1}]'')', :'waits')),
	('split_backorder', format('SELECT * FROM usom.split_backorder(%L, 1, ''[{"quantity": 2, "promised_at": "2100-01-01"}]'')', :'waits')), ('merge_backorder', format('SELECT * FROM usom.merge_backorder(%L, 1)', :'waits')),
	('piece_amounts', format('SELECT * FROM usom.piece_amounts(%L)', :'o')), ('explain_promise', format('SELECT * FROM usom.explain_promise(%L)', :'o')), ('explain_price', format('SELECT * FROM usom.explain_price(%L)', :'o')),
	('reserve_stock', 'SELECT usom.reserve_stock(''H-2'', ''H-LOC'', ''H-SKU'', 1, interval ''1 minute'')'), ('release_stock', format('SELECT usom.release_stock(%s)', :cart)),
	('find_customers', 'SELECT * FROM usom.find_customers(''h@example.com'')'), ('export_customer', 'SELECT usom.export_customer(''H-CUST'')'), ('erase_customer', 'SELECT usom.erase_customer(''H-GONE'', ''x'')'),
	('erase_order_person', format('SELECT usom.cancel_order(%1$L, ''x''); SELECT usom.erase_order_person(%1$L, ''x'')', :'o')),
	('archive_audit', 'SELECT * FROM usom.archive_audit(''-infinity'')'), ('restore_audit', 'SELECT usom.restore_audit(''_audit_entry_0_00001'')'), ('check_archive', 'SELECT * FROM usom.check_archive(''_audit_entry_0_00001'')'),
	('prepare_partitions', 'SELECT usom.prepare_partitions()'),
	('seal_audit', 'SELECT usom.receive_stock(''H-LOC'', ''H-SKU'', 1); SELECT * FROM usom.seal_audit()'), ('export_digest', 'SELECT usom.export_digest()'), ('inclusion_proof', format('SELECT usom.inclusion_proof(%s)', :entry)),
	('check_inclusion', format('SELECT usom.check_inclusion(usom.inclusion_proof(%s), %L)', :entry, :'digest')), ('consistency_proof', format('SELECT usom.consistency_proof(%L)', :'digest')),
	('check_consistency', format('SELECT usom.check_consistency(usom.consistency_proof(%1$L), %1$L, %1$L)', :'digest')), ('tick', 'CALL usom.tick()'), ('allocate_orders', 'CALL usom.allocate_orders()'), ('simulate_sourcing', 'SELECT * FROM usom.simulate_sourcing(''{"location": [{"code": "H-LOC", "active": false}]}'')'), ('consolidation_candidates', 'SELECT * FROM usom.consolidation_candidates(''H-CUST'')'),
	('consolidate', format('SELECT usom.consolidate(%L, ''x'')', :'parcel')), ('ship_consolidated', format('SELECT * FROM usom.ship_consolidated(usom.consolidate(%L, ''x''))', :'parcel')),
	('pickup_alternatives', format('SELECT * FROM usom.pickup_alternatives(%L)', :'fetched')), ('move_pickup', format('SELECT * FROM usom.move_pickup(%L, ''H-STORE'', ''x'')', :'fetched')),
	('explain_sourcing', format('SELECT * FROM usom.explain_sourcing(%L)', :'o')), ('why_not_allocated', format('SELECT * FROM usom.why_not_allocated(%L, 1)', :'o')), ('reallocate_order', format('SELECT * FROM usom.reallocate_order(%L, ''x'')', :'o')),
	('distance_km', 'SELECT usom.distance_km(51.5, -0.1, 48.9, 2.3)'), ('ration', 'SELECT * FROM usom.ration(100, ''{70,50,30}'')'), ('backorder_run', 'INSERT INTO usom.backorder_variant (code) VALUES (''H-RUN''); SELECT * FROM usom.backorder_run(''H-RUN'')'), ('earliest_shipment', 'SELECT usom.earliest_shipment(''H-LOC'')'),
	('record_payment', format('SELECT * FROM usom.record_payment(%L, ''sale'', 2, ''H-PAY-1'', ''cash'')', :'o')), ('authorize_payment', format('SELECT * FROM usom.authorize_payment(%L, 2, ''H-PAY-2'')', :'o')),
	('capture_payment', format('SELECT * FROM usom.authorize_payment(%1$L, 2, ''H-PAY-2''); SELECT * FROM usom.capture_payment(%1$L, 1, ''H-PAY-3'')', :'o')), ('void_payment', format('SELECT * FROM usom.authorize_payment(%1$L, 2, ''H-PAY-2''); SELECT * FROM usom.void_payment(%1$L, 1, ''H-PAY-3'')', :'o')),
	('refund_payment', format('SELECT * FROM usom.record_payment(%1$L, ''sale'', 2, ''H-PAY-1''); SELECT * FROM usom.refund_payment(%1$L, 1, ''H-PAY-3'')', :'o')), ('charge_back', format('SELECT * FROM usom.record_payment(%1$L, ''sale'', 2, ''H-PAY-1''); SELECT * FROM usom.charge_back(%1$L, 1, ''H-PAY-3'')', :'o')),
	('complete_order', format('SELECT * FROM usom.complete_order(%L, 2, ''H-PAY-1'')', :'draft')), ('refund_order', format('SELECT * FROM usom.record_payment(%1$L, ''sale'', 2, ''H-PAY-1''); SELECT * FROM usom.refund_order(%1$L, 1)', :'o')), ('collect_payment', format('SELECT * FROM usom.collect_payment(%L)', :'o')),
	('plan_wave', 'SELECT * FROM usom.plan_wave(''H-LOC'')'), ('claim_picks', 'SELECT * FROM usom.claim_picks(''H-STORE'', ''H-CART'')'), ('unclaim_picks', 'SELECT usom.unclaim_picks(''H-STORE'', ''H-CART'')'),
	('confirm_pick', format('SELECT * FROM usom.confirm_pick(%s, 1)', :task)), ('short_pick', format('SELECT * FROM usom.short_pick(%s, 1, ''x'')', :task)),
	('pick', format('SELECT * FROM usom.pick(%L)', :'sent')), ('report_short', format('SELECT * FROM usom.report_short(%L, 1, 1, ''x'')', :'sent')),
	('grant_access', 'SELECT usom.grant_access(''tap_some'', ''bi'')'), ('revoke_access', 'SELECT usom.revoke_access(''tap_some'', ''bi'')');
INSERT INTO call SELECT proname, format('SELECT * FROM usom.%I()', proname) FROM pg_proc WHERE pronamespace = 'usom'::regnamespace AND proname ~ '^verify' AND pronargs = pronargdefaults;

CREATE TEMP VIEW application AS
	SELECT p.proname::text AS name FROM pg_proc p
	WHERE p.pronamespace = 'usom'::regnamespace AND p.proname !~ '^_' AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
		AND NOT EXISTS (SELECT FROM unnest(p.proargtypes || p.prorettype) a (type) JOIN pg_type t ON t.oid = a.type
			WHERE (t.typnamespace = 'usom'::regnamespace AND t.typtype = 'b' AND t.typcategory <> 'A') OR t.typname IN ('cstring', 'internal'));
SELECT is_empty($$SELECT name FROM application EXCEPT SELECT name FROM call$$, 'every public function is called');

-- ---- what is laid in the way ----

CREATE SCHEMA trap;
CREATE SEQUENCE trap.hits;
GRANT USAGE ON SCHEMA trap TO PUBLIC;
GRANT ALL ON SEQUENCE trap.hits TO PUBLIC;
CREATE FUNCTION trap.hit() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM nextval('trap.hits'); RETURN true; END$$;

-- functions that fit better than those of pg_catalog: exact types instead of pseudo-types, and the same ones
CREATE SCHEMA trap_functions;
GRANT USAGE ON SCHEMA trap_functions TO PUBLIC;
DO $$
DECLARE
	f record;
BEGIN
	FOR f IN SELECT DISTINCT ON (p.proname, pg_get_function_identity_arguments(p.oid)) p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result, p.proretset
		FROM pg_proc p
		WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND NOT p.proretset AND p.pronargs BETWEEN 1 AND 3 AND p.provariadic = 0
			AND p.proname = ANY (ARRAY['format', 'concat', 'lower', 'upper', 'length', 'trim_scale', 'round', 'abs', 'to_regclass', 'to_regrole', 'quote_ident', 'quote_literal', 'jsonb_typeof', 'encode', 'decode', 'set_config',
				'current_setting', 'array_length', 'cardinality', 'hashtextextended', 'pg_advisory_xact_lock', 'int8eq', 'texteq', 'numeric_eq', 'starts_with', 'substring', 'pg_has_role', 'obj_description', 'date_part', 'to_char'])
			AND NOT EXISTS (SELECT FROM unnest(p.proargtypes || p.prorettype) a (type) JOIN pg_type t ON t.oid = a.type WHERE t.typtype = 'p')
	LOOP
		EXECUTE format('CREATE FUNCTION trap_functions.%I(%s) RETURNS %s LANGUAGE plpgsql AS $f$BEGIN PERFORM trap.hit(); RETURN NULL; END$f$', f.proname, f.arguments, f.result);
	END LOOP;
	FOR f IN SELECT n.name, t.type FROM unnest(ARRAY['coalesce_', 'max', 'min', 'sum', 'count', 'array_agg', 'string_agg', 'bool_or', 'bool_and', 'jsonb_agg']) AS n (name),
		unnest(ARRAY['bigint', 'integer', 'text', 'numeric', 'timestamptz', 'bytea', 'jsonb', 'boolean']) AS t (type)
	LOOP
		EXECUTE format('CREATE FUNCTION trap_functions.%I(%s) RETURNS %s LANGUAGE plpgsql AS $f$BEGIN PERFORM trap.hit(); RETURN NULL; END$f$', f.name, f.type, f.type);
	END LOOP;
	FOR f IN SELECT * FROM (VALUES ('unnest', 'bigint[]', 'bigint'), ('unnest', 'text[]', 'text'), ('unnest', 'bytea[]', 'bytea'), ('jsonb_array_elements', 'jsonb', 'jsonb'), ('generate_series', 'integer, integer', 'integer'),
		('jsonb_each_text', 'jsonb', 'text')) AS v (name, arguments, result)
	LOOP
		EXECUTE format('CREATE FUNCTION trap_functions.%I(%s) RETURNS SETOF %s LANGUAGE plpgsql AS $f$BEGIN PERFORM trap.hit(); END$f$', f.name, f.arguments, f.result);
	END LOOP;
END $$;

-- operators of the types that statements compare
CREATE SCHEMA trap_operators;
GRANT USAGE ON SCHEMA trap_operators TO PUBLIC;
DO $$
DECLARE
	o record;
BEGIN
	FOR o IN SELECT * FROM unnest(ARRAY['bigint', 'integer', 'text', 'numeric', 'timestamptz', 'boolean', 'bytea', 'oid', 'jsonb', 'name']) AS t (type), unnest(ARRAY['=', '<>', '<', '>', '<=', '>=']) AS s (symbol)
	LOOP
		EXECUTE format('CREATE FUNCTION trap_operators.%I(a %s, b %2$s) RETURNS boolean LANGUAGE plpgsql AS $f$BEGIN RETURN trap.hit(); END$f$', 'op' || md5(o.symbol), o.type);
		EXECUTE format('CREATE OPERATOR trap_operators.%s (FUNCTION = trap_operators.%I, LEFTARG = %s, RIGHTARG = %3$s)', o.symbol, 'op' || md5(o.symbol), o.type);
	END LOOP;
	FOR o IN SELECT * FROM (VALUES ('||', 'text', 'text'), ('+', 'numeric', 'numeric'), ('-', 'numeric', 'numeric'), ('*', 'numeric', 'numeric'), ('+', 'integer', 'integer'), ('+', 'bigint', 'bigint')) AS v (symbol, type, result)
	LOOP
		EXECUTE format('CREATE FUNCTION trap_operators.%I(a %s, b %2$s) RETURNS %s LANGUAGE plpgsql AS $f$BEGIN PERFORM trap.hit(); RETURN a; END$f$', 'op' || md5(o.symbol), o.type, o.result);
		EXECUTE format('CREATE OPERATOR trap_operators.%s (FUNCTION = trap_operators.%I, LEFTARG = %s, RIGHTARG = %3$s)', o.symbol, 'op' || md5(o.symbol), o.type);
	END LOOP;
END $$;

-- relations and functions with the names of usom's own, and of the catalog
CREATE SCHEMA trap_relations;
GRANT USAGE ON SCHEMA trap_relations TO PUBLIC;
CREATE SCHEMA trap_namesakes;
GRANT USAGE ON SCHEMA trap_namesakes TO PUBLIC;
DO $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT relname FROM pg_class WHERE relnamespace = 'usom'::regnamespace AND relkind IN ('r', 'p', 'v')
		UNION ALL SELECT unnest(ARRAY['pg_class', 'pg_proc', 'pg_namespace', 'pg_attribute', 'pg_roles', 'pg_extension', 'pg_trigger', 'pg_index', 'pg_type', 'pg_auth_members'])
	LOOP
		EXECUTE format('CREATE VIEW trap_relations.%I AS SELECT trap.hit() AS org_id, 1 AS code', c.relname);
		EXECUTE format('GRANT ALL ON trap_relations.%I TO PUBLIC', c.relname);
		EXECUTE format('CREATE VIEW pg_temp.%I AS SELECT trap.hit() AS org_id, 1 AS code', c.relname);
		EXECUTE format('GRANT ALL ON pg_temp.%I TO PUBLIC', c.relname);
	END LOOP;
	FOR c IN SELECT DISTINCT proname, (SELECT string_agg(format_type(a.type, NULL), ', ' ORDER BY a.n) FROM unnest(proargtypes) WITH ORDINALITY AS a (type, n)) AS arguments FROM pg_proc WHERE pronamespace = 'usom'::regnamespace AND prokind = 'f' AND pronargs < 10
		AND NOT EXISTS (SELECT FROM unnest(proargtypes || prorettype) a (type) JOIN pg_type t ON t.oid = a.type WHERE t.typtype = 'p' AND t.typname NOT IN ('void', 'record'))
		AND prorettype NOT IN ('trigger'::regtype) AND 'record'::regtype <> ALL (proargtypes::oid[])
	LOOP
		EXECUTE format('CREATE FUNCTION trap_namesakes.%I(%s) RETURNS boolean LANGUAGE plpgsql AS $f$BEGIN RETURN trap.hit(); END$f$', c.proname, c.arguments);
	END LOOP;
END $$;

-- types and domains with the names of built-in ones: their checks run when a value is cast
CREATE SCHEMA trap_types;
GRANT USAGE ON SCHEMA trap_types TO PUBLIC;
DO $$
DECLARE
	t text;
BEGIN
	FOREACH t IN ARRAY ARRAY['text', 'int8', 'int4', 'numeric', 'timestamptz', 'bytea', 'jsonb', 'bool', 'name', 'regclass', 'quantity', 'amount', 'order_status', 'piece_status', 'currency_code'] LOOP
		EXECUTE format('CREATE DOMAIN trap_types.%I AS pg_catalog.text CHECK (trap.hit())', t);
		EXECUTE format('CREATE DOMAIN pg_temp.%I AS pg_catalog.text CHECK (trap.hit())', 'x' || t);
	END LOOP;
END $$;

CREATE TEMP TABLE way (name text, path text);
INSERT INTO way VALUES
	('functions before pg_catalog', 'trap_functions, pg_catalog, usom, public'),
	('operators before pg_catalog', 'trap_operators, pg_catalog, usom, public'),
	('relations before usom and pg_catalog', 'trap_relations, pg_catalog, usom, public'),
	('namesakes of usom''s functions', 'trap_namesakes, pg_catalog, usom, public'),
	('types before pg_catalog', 'trap_types, pg_catalog, usom, public'),
	('temporary relations first', 'pg_temp, trap_functions, trap_operators, trap_relations, trap_namesakes, trap_types, pg_catalog, usom');

-- ---- the traps work ----

CREATE FUNCTION pg_temp.hits() RETURNS bigint LANGUAGE sql AS 'SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM trap.hits';
CREATE FUNCTION pg_temp.captured(path text, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before bigint := pg_temp.hits();
	state text := '00000';
	words text;
BEGIN
	BEGIN
		PERFORM pg_catalog.set_config('search_path', path, true);
		EXECUTE command;
		RAISE EXCEPTION USING ERRCODE = 'ZZ000';
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, words = MESSAGE_TEXT;
	END;
	IF pg_temp.hits() > before THEN
		RETURN 'captured';
	END IF;
	-- a call that stops before its work would prove nothing; a procedure that commits cannot be undone
	RETURN CASE WHEN state IN ('ZZ000', '2D000') THEN '' ELSE state || ' ' || words END;
END $$;
SELECT is(pg_temp.captured(w.path, v.bait), 'captured', format('the trap catches the careless: %s', w.name))
FROM way w JOIN (VALUES ('functions before pg_catalog', 'SELECT lower(relname::pg_catalog.text) FROM pg_catalog.pg_class LIMIT 1'), ('operators before pg_catalog', 'SELECT relname FROM pg_catalog.pg_class WHERE relname::pg_catalog.text = ''x''::pg_catalog.text'),
	('relations before usom and pg_catalog', 'SELECT * FROM pg_class'), ('namesakes of usom''s functions', 'SELECT current_org()'), ('types before pg_catalog', 'SELECT ''1''::pg_catalog.text::"text"'),
	('temporary relations first', 'SELECT * FROM sales_order')) AS v (name, bait) USING (name);

-- ---- every public function, by every way ----

SELECT is(pg_temp.captured(w.path, c.command), '', format('%s(): %s', c.name, w.name)) FROM call c CROSS JOIN way w ORDER BY c.name, w.name;

-- plain SQL fires triggers, defaults and checks under the path of whoever writes
SELECT is(pg_temp.captured(w.path, c.command), '', format('%s: %s', c.name, w.name))
FROM way w CROSS JOIN (VALUES
	('INSERT of a customer', $$INSERT INTO usom.customer (code, name, email, phone) VALUES ('H-NEW', 'Ada', 'new@example.com', '+44 1')$$),
	('INSERT of an address', $$INSERT INTO usom.customer_address (customer_id, city, country) SELECT customer_id, 'Leeds', 'GB' FROM usom.customer LIMIT 1$$),
	('INSERT of a draft', $$INSERT INTO usom.sales_order (order_no, channel_id, status) SELECT 'H-DRAFT', channel_id, 'draft' FROM usom.channel LIMIT 1$$),
	('INSERT of a line', format('INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) VALUES (%s, 7, %s, 1)', :draft_id, :product_id)),
	('a step', format('UPDATE usom.sales_order SET status = ''submitted'' WHERE sales_order_id OPERATOR(pg_catalog.=) %s', :draft_id)),
	('a change of a product', $$UPDATE usom.product SET name = 'x'$$)) AS c (name, command)
ORDER BY c.name, w.name;
SELECT * FROM finish();
ROLLBACK;
