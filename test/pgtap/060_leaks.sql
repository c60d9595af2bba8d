-- Two organisations, and two channels of one, never see each other: by query,
-- error text, RETURNING, ON CONFLICT, MERGE, EXPLAIN, COPY, views, prepared
-- plans and cursors across SET ROLE, functions.  Whatever belongs to the other
-- side has the word SECRET in it.
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

-- ---- the two sides ----

INSERT INTO usom.organisation (code, name) VALUES ('secret_b', 'SECRET org');
CREATE FUNCTION pg_temp.furnish(mark text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	o text;
	s text;
BEGIN
	INSERT INTO usom.channel (code, name) VALUES (mark || '-CH', mark);
	INSERT INTO usom.location (code, name) VALUES (mark || '-LOC', mark);
	INSERT INTO usom.product (sku, name) VALUES (mark || '-SKU', mark), (mark || '-TOO', mark);
	INSERT INTO usom.product (sku, name, kind) VALUES (mark || '-KIT', mark, 'kit');
	INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) VALUES (usom.product_id(mark || '-KIT'), usom.product_id(mark || '-TOO'), 77);
	INSERT INTO usom.customer (code, name, email) VALUES (mark || '-CUST', mark, mark || '@example.com');
	INSERT INTO usom.customer_address (customer_id, name, city, country) VALUES (usom.customer_id(mark || '-CUST'), mark, mark, 'GB');
	INSERT INTO usom.price (sku, unit_price) VALUES (mark || '-SKU', 77.77);
	INSERT INTO usom.tax_rate (jurisdiction, country, percent) VALUES (mark, 'AQ', 77);
	INSERT INTO usom.freight_charge (name, country, order_price) VALUES (mark, 'AQ', 77.77);
	INSERT INTO usom.price_contract (customer, sku, percent) VALUES (mark || '-CUST', mark || '-SKU', 7);
	INSERT INTO usom.price_break (sku, min_quantity, percent) VALUES (mark || '-SKU', 77, 7);
	INSERT INTO usom.promotion (code, name, percent, needs_coupon) VALUES (mark || '-PROMO', mark, 7, true);
	INSERT INTO usom.coupon (code, promotion) VALUES (mark || '-COUPON', mark || '-PROMO');
	INSERT INTO usom.credit_account (customer_id, limit_amount) VALUES (usom.customer_id(mark || '-CUST'), 7777);
	INSERT INTO usom.hold_type (code, description) VALUES (mark || '-HOLD', mark);
	INSERT INTO usom.hold_rule (code, when_held, reason) VALUES (mark || '-FOLLOWS', mark || '-NONE', mark);
	INSERT INTO usom.flow (code, description) VALUES (mark || '-FLOW', mark);
	INSERT INTO usom.flow_transition (flow_id, from_state, to_state) SELECT usom.flow_id(mark || '-FLOW'), 'confirmed', step FROM unnest(ARRAY['processing', 'cancelled']) AS step;
	INSERT INTO usom.flow_guard (flow_id, from_state, to_state, guard, severity, message) VALUES (usom.flow_id(mark || '-FLOW'), 'confirmed', 'processing', 'unheld', 'warn', mark);
	INSERT INTO usom.flow_effect (flow_id, from_state, to_state, effect, argument) VALUES (usom.flow_id(mark || '-FLOW'), 'confirmed', 'processing', 'event', mark);
	PERFORM usom.publish_flow(mark || '-FLOW');
	INSERT INTO usom.flow_rule (code, flow, order_type, channel) VALUES (mark || '-FLOW', mark || '-FLOW', 'digital', mark || '-CH');
	INSERT INTO usom.product_restriction (sku, country, reason) VALUES (mark || '-SKU', 'AQ', mark);
	INSERT INTO usom.check_rule (check_code, channel, parameters) VALUES ('limits', mark || '-CH', '{"lines": 1}');
	INSERT INTO usom.check_rule (check_code, customer) VALUES ('duplicate', mark || '-CUST');
	INSERT INTO usom.retention (what, keep_for) VALUES ('guest', interval '77 years');
	INSERT INTO usom.lot (sku, lot, supplier) VALUES (mark || '-TOO', mark || '-L', mark);
	INSERT INTO usom.count_rule (code, sku) VALUES (mark || '-CYCLE', mark || '-SKU');
	INSERT INTO usom.product (sku, name, tracking) VALUES (mark || '-SER', mark, 'serial');
	PERFORM usom.receive_serials(mark || '-LOC', mark || '-SER', ARRAY[mark || '-1'], mark), usom.record_count(mark || '-LOC', mark || '-SER', 1);
	PERFORM usom.receive_stock(mark || '-LOC', mark || '-SKU', 50, lot => mark || '-LOT', reference => mark);
	PERFORM usom.place_order(jsonb_build_object('channel', mark || '-CH', 'customer', mark || '-CUST', 'lines', jsonb_build_array(jsonb_build_object('sku', mark || '-SKU', 'quantity', 1, 'unit_price', 7), jsonb_build_object('sku', mark || '-SKU', 'quantity', 2, 'unit_price', 7))));
	INSERT INTO usom.pre_order_offer (sku, release_at, quantity) VALUES (mark || '-TOO', now() + interval '1 year', 77);
	INSERT INTO usom.approval_rule (code, name, channel, category) VALUES (mark || '-ASK', mark, mark || '-CH', mark || '-ASK');
	INSERT INTO usom.price_limit (code, sku, max_discount) VALUES (mark || '-LIMIT', mark || '-SKU', 77);
	INSERT INTO usom.product (sku, category) VALUES (mark || '-ASKED', mark || '-ASK');
	PERFORM usom.score_order((usom.place_order(jsonb_build_object('channel', mark || '-CH', 'lines', jsonb_build_array(jsonb_build_object('sku', mark || '-ASKED', 'quantity', 1, 'unit_price', 7, 'override', jsonb_build_object('unit_price', 77, 'reason', mark)))))).order_no, 77, mark);
	INSERT INTO usom.mapping (code, channel, lines) VALUES (mark || '-MAP', mark || '-CH', '$.lines[*]');
	INSERT INTO usom.mapping_field (mapping_id, target, source, argument) VALUES (usom.mapping_id(mark || '-MAP'), 'lines[].sku', '$.sku', jsonb_build_object('lookup', mark));
	INSERT INTO usom.mapping_value (list, source, target) VALUES (mark, mark, mark);
	INSERT INTO usom.load_document (batch, document) VALUES (mark, jsonb_build_object('mark', mark));
	INSERT INTO usom.load_document (batch, document) VALUES (mark || '-OLD', jsonb_build_object('order_no', mark || '-OLD', 'channel', mark || '-CH', 'placed_at', '2020-01-01T00:00:00Z', 'lines', jsonb_build_array(jsonb_build_object('sku', mark || '-SKU', 'quantity', 1, 'cancelled', 1))));
	PERFORM usom._load_history(mark || '-OLD', 1, 0, 0);
	PERFORM usom.ingest(mark || '-CH', jsonb_build_object('mark', mark), mark || '-IN');
	PERFORM usom.submit_draft((usom.start_draft(jsonb_build_object('channel', mark || '-CH', 'lines', jsonb_build_array(jsonb_build_object('sku', mark || '-SKU', 'quantity', 1))))).draft_no, mark);
	PERFORM set_config('usom.draft_hold', '1ms', true), usom.start_draft(jsonb_build_object('channel', mark || '-CH', 'customer', mark || '-CUST'));
	PERFORM set_config('usom.draft_hold', '1h', true), usom.start_draft(jsonb_build_object('channel', mark || '-CH', 'customer', mark || '-CUST', 'lines', jsonb_build_array(jsonb_build_object('sku', mark || '-SKU', 'quantity', 1))));
	INSERT INTO usom.intake_policy (channel, open_after) VALUES (mark || '-CH', 1);
	PERFORM usom.ingest(mark || '-CH', jsonb_build_object('mark', mark), mark || '-IN'), usom.heartbeat(mark || '-CH', mark);
	INSERT INTO usom.field_owner (channel, owner) VALUES (mark || '-CH', mark);
	INSERT INTO usom.quota (code, name, sku, channel, quantity) VALUES (mark || '-QUOTA', mark, mark || '-SKU', mark || '-CH', 77);
	PERFORM usom.reserve_stock(mark || '-CART', mark || '-LOC', mark || '-SKU', 1, interval '1 hour');
	INSERT INTO usom.product (sku, name) VALUES (mark || '-HEAT', mark);
	PERFORM usom.receive_stock(mark || '-LOC', mark || '-HEAT', 50), usom._follow_heat(usom.current_org(), usom.product_id(mark || '-HEAT'), usom.location_id(mark || '-LOC'), 0, 2, 77, true);
	PERFORM usom.add_supply('purchase', mark || '-LOC', mark || '-SKU', 7, now() + interval '1 week', reference => mark, supply_no => mark || '-PO');
	INSERT INTO usom.location_capacity (location_id, orders) VALUES (usom.location_id(mark || '-LOC'), 77);
	o := (usom.place_order(jsonb_build_object('external_id', mark || '-EXT', 'channel', mark || '-CH', 'customer', mark || '-CUST', 'instructions', mark, 'coupons', jsonb_build_array(mark || '-COUPON'),
		'lines', jsonb_build_array(jsonb_build_object('sku', mark || '-SKU', 'quantity', 3))))).order_no;
	INSERT INTO usom.location_calendar (location_id, weekday, opens, closes) VALUES (usom.location_id(mark || '-LOC'), 1, '08:00', '09:00');
	INSERT INTO usom.service_level (code) VALUES (mark || '-FAST');
	INSERT INTO usom.transit_time (service_level_id, days) SELECT x.service_level_id, 7 FROM usom.service_level x WHERE x.code = mark || '-FAST';
	INSERT INTO usom.freight_rate (service_level_id, carrier) SELECT x.service_level_id, mark FROM usom.service_level x WHERE x.code = mark || '-FAST';
	INSERT INTO usom.postcode_centroid (country, postcode, latitude, longitude) VALUES ('GB', mark, 51, 0);
	INSERT INTO usom.product (sku) VALUES (mark || '-WMS');
	INSERT INTO usom.location (code, wms) VALUES (mark || '-WMS', mark);
	PERFORM usom.receive_stock(mark || '-WMS', mark || '-WMS', 5);
	PERFORM usom.place_order(jsonb_build_object('external_id', mark || '-WMS', 'channel', mark || '-CH', 'lines', jsonb_build_array(jsonb_build_object('sku', mark || '-WMS', 'quantity', 2))));
	PERFORM usom.release_order(x.order_no) FROM usom.orders x WHERE x.external_id = mark || '-WMS';
	PERFORM usom.record_fulfillment(f.fulfillment_no, mark, 'accepted', reference => mark, reason => mark) FROM usom.fulfillments f WHERE f.wms = mark;
	INSERT INTO usom.cut_off (code, location, minutes) VALUES (mark, mark || '-WMS', 0);
	PERFORM usom.cancel_line(x.order_no, 1, 1, mark) FROM usom.orders x WHERE x.external_id = mark || '-WMS';
	INSERT INTO usom.sourcing_rule (code, locations) VALUES (mark || '-RULE', ARRAY[mark || '-LOC']);
	PERFORM usom.consolidate(array_agg(p.order_no), mark) FROM generate_series(1, 2) n, usom.place_order(jsonb_build_object('channel', mark || '-CH', 'customer', mark || '-CUST', 'priority', n,
		'ship_to', jsonb_build_object('line1', mark), 'lines', jsonb_build_array(jsonb_build_object('sku', mark || '-SKU', 'quantity', 1)))) p;
	INSERT INTO usom.bin (location_id, code, zone) VALUES (usom.location_id(mark || '-LOC'), mark || '-BIN', mark);
	INSERT INTO usom.bin_product (bin_id, product_id) SELECT b.bin_id, usom.product_id(mark || '-SKU') FROM usom.bin b WHERE b.code = mark || '-BIN' AND b.org_id = usom.current_org();
	INSERT INTO usom.wave_rule (code, carrier) VALUES (mark || '-WAVE', mark);
	PERFORM usom.plan_wave(mark || '-LOC', mark || '-WAVE'), usom.claim_picks(mark || '-LOC', mark);
	PERFORM usom._begin_allocation(jsonb_build_object('channel', mark || '-CH'), 5, NULL);
	INSERT INTO usom.product (sku) VALUES (mark || '-RUN');
	PERFORM usom.receive_stock(mark || '-LOC', mark || '-RUN', 1), usom.place_order(jsonb_build_object('channel', mark || '-CH', 'lines', jsonb_build_array(jsonb_build_object('sku', mark || '-RUN', 'quantity', 1))));
	INSERT INTO usom.backorder_variant (code, skus) VALUES (mark || '-RUN', ARRAY[mark || '-RUN']);
	INSERT INTO usom.backorder_segment (variant, rank, strategy, channels) VALUES (mark || '-RUN', 1, 'lose', ARRAY[mark || '-CH']);
	INSERT INTO usom.backorder_sort (variant, segment_rank, rank, expression, listed) VALUES (mark || '-RUN', 1, 1, 'channel', ARRAY[mark || '-CH']);
	INSERT INTO usom.fill_priority (rank, expression, listed) VALUES (1, 'channel', ARRAY[mark || '-CH']);
	PERFORM usom.backorder_run(mark || '-RUN');
	PERFORM usom.hold_order(o, mark || '-HOLD', mark);
	PERFORM usom.release_hold(o, mark || '-HOLD', mark);
	INSERT INTO usom.substitute (sku, substitute_sku) VALUES (mark || '-TOO', mark || '-SKU');
	INSERT INTO usom.product_unit (sku, unit, quantity) VALUES (mark || '-TOO', mark || '-BOX', 7);
	PERFORM usom.place_order(jsonb_build_object('channel', mark || '-CH', 'lines', jsonb_build_array(jsonb_build_object('sku', mark || '-TOO', 'quantity', 1, 'unit', mark || '-BOX'))));
	PERFORM usom.watch_stock(mark || '-CUST', mark || '-TOO', 7);
	PERFORM usom.propose_substitution((usom.place_order(jsonb_build_object('external_id', mark || '-SUB', 'channel', mark || '-CH', 'customer', mark || '-CUST',
		'lines', jsonb_build_array(jsonb_build_object('sku', mark || '-TOO', 'quantity', 3))))).order_no, 1);
	PERFORM usom._tell(x.sales_order_id, mark, jsonb_build_object('mark', mark)), usom._raise_case(x.sales_order_id, 1, mark, mark, mark, jsonb_build_object('mark', mark))
	FROM usom.sales_order x WHERE x.order_no = o AND x.org_id = usom.current_org();
	PERFORM usom.set_order_tax(o, jsonb_build_array(jsonb_build_object('line_no', 1, 'amount', 77.77, 'jurisdiction', mark)), mark);
	PERFORM usom.record_payment(o, 'sale', 77, mark || '-PAID', mark);
	PERFORM usom.refund_order(o, 7, reason => mark);
	INSERT INTO usom.payment_method (code, name) VALUES (mark || '-PAY', mark);
	INSERT INTO usom.handling_class (code, name) VALUES (mark || '-COLD', mark);
	INSERT INTO usom.packaging (code, name, handling) VALUES (mark || '-BOX', mark, ARRAY[mark || '-COLD']);
	PERFORM usom.wrap_gift(o, 1, mark);
	INSERT INTO usom.location (code, name, picks_up) VALUES (mark || '-STORE', mark, true);
	INSERT INTO usom.product (sku, name, kind) VALUES (mark || '-WORK', mark, 'service'), (mark || '-DROP', mark, 'physical');
	INSERT INTO usom.technician (code, name) VALUES (mark || '-TECH', mark);
	INSERT INTO usom.technician_skill (technician_id, skill) VALUES (usom.technician_id(mark || '-TECH'), mark);
	INSERT INTO usom.technician_hours (technician_id, weekday, begins, ends) SELECT usom.technician_id(mark || '-TECH'), d, '07:07', '17:07' FROM generate_series(1, 7) d;
	INSERT INTO usom.service_work (product_id, minutes, skills) VALUES (usom.product_id(mark || '-WORK'), 77, ARRAY[mark]);
	PERFORM usom.receive_stock(mark || '-STORE', mark || '-DROP', 1);
	PERFORM usom.ready_pickup((usom.place_order(jsonb_build_object('order_type', 'pick_up', 'channel', mark || '-CH', 'lines', jsonb_build_array(jsonb_build_object('sku', mark || '-DROP', 'quantity', 1, 'location', mark || '-STORE'))))).order_no);
	PERFORM usom.receive_drop_ship(usom.add_supply('drop_ship', mark || '-LOC', mark || '-DROP', 1, '2100-01-01', order_no => p.order_no, line_no => 1), 1, mark)
	FROM usom.place_order(jsonb_build_object('order_type', 'drop_ship', 'channel', mark || '-CH', 'lines', jsonb_build_array(jsonb_build_object('sku', mark || '-DROP', 'quantity', 1)))) p;
	PERFORM usom.complete_service(b.appointment_no, jsonb_build_object('work', mark))
	FROM usom.place_order(jsonb_build_object('order_type', 'service', 'channel', mark || '-CH', 'lines', jsonb_build_array(jsonb_build_object('sku', mark || '-WORK', 'quantity', 1)))) p, usom.book_appointment(p.order_no, 1, '2100-01-04 09:00+00') b;
	PERFORM usom.release_order(o);
	PERFORM usom.pack(o, packaging => mark || '-BOX', weight => 7, tracking => mark || '-BOX');
	s := usom.ship(o, NULL, mark || '-CARRIER', mark || '-TRACK');
	PERFORM usom.close_manifest(mark || '-LOC', mark || '-CARRIER');
	PERFORM usom.record_tracking(s, 'in_transit', now(), mark, mark, mark);
	PERFORM usom.deliver(s);
	INSERT INTO usom.return_rule (code, sku, reason) VALUES (mark, mark, mark);
	PERFORM usom.authorize_return(o, '[{"line_no": 1, "quantity": 1}]', mark), usom.receive_blind_return(o, '[{"line_no": 1, "quantity": 1}]', mark);
	PERFORM usom.place_order(jsonb_build_object('external_id', mark || '-WAIT', 'channel', mark || '-CH', 'customer', mark || '-CUST',
		'lines', jsonb_build_array(jsonb_build_object('sku', mark || '-TOO', 'quantity', 3))));
	PERFORM usom.request_make(x.order_no, 1, mark || '-LOC', 1) FROM usom.orders x WHERE x.external_id = mark || '-WAIT';
	INSERT INTO usom.sales_order (order_no, channel_id, status, external_id) VALUES (mark || '-DRAFT', usom.channel_id(mark || '-CH'), 'draft', mark || '-D');
	PERFORM usom._seal(usom.current_org());
END $$;
SELECT pg_temp.furnish('MINE') \g /dev/null
SET LOCAL usom.org = 'secret_b';
SELECT pg_temp.furnish('SECRET') \g /dev/null
-- As if a part of the audit were away: no transaction could archive what it wrote itself.
ALTER TABLE usom.audit_archive DISABLE TRIGGER usom_guard;
ALTER TABLE usom.audit_opening DISABLE TRIGGER usom_guard;
ALTER TABLE usom.audit_head DISABLE TRIGGER usom_guard;
INSERT INTO usom.audit_archive (org_id, relation, node, first_key, end_key, entries, orders, first_at, last_at, root)
SELECT o.org_id, CASE o.code WHEN 'secret_b' THEN 'SECRET' ELSE 'MINE' END, 1023, 1::bigint << 62, (1::bigint << 62) + 1, 1, 0, now(), now(), '\xff' FROM usom.organisation o;
INSERT INTO usom.audit_opening SELECT a.org_id, a.relation, a.relation, decode(repeat('00', 272), 'hex') FROM usom.audit_archive a;
INSERT INTO usom.audit_head SELECT s.org_id, max(s.sales_order_id), 1, '\xff' FROM usom.sales_order s GROUP BY s.org_id;
ALTER TABLE usom.audit_archive ENABLE ALWAYS TRIGGER usom_guard;
ALTER TABLE usom.audit_opening ENABLE ALWAYS TRIGGER usom_guard;
ALTER TABLE usom.audit_head ENABLE ALWAYS TRIGGER usom_guard;
SELECT order_no AS b_order FROM usom.orders WHERE external_id = 'SECRET-EXT' \gset
SELECT shipment_no AS b_shipment FROM usom.shipments WHERE order_no = :'b_order' \gset
SELECT return_no AS b_return FROM usom.returns WHERE order_no = :'b_order' LIMIT 1 \gset
SELECT task AS b_task, wave AS b_wave FROM usom.pick_tasks LIMIT 1 \gset
SELECT reservation_id AS b_cart FROM usom.reservation WHERE owner = 'SECRET-CART' \gset
SELECT usom.current_org() AS b_org, usom.channel_id('SECRET-CH') AS b_channel, usom.customer_id('SECRET-CUST') AS b_customer, usom.product_id('SECRET-SKU') AS b_product,
	(SELECT max(audit_entry_id) FROM usom.audit_entry WHERE org_id = usom.current_org()) AS b_entry, (SELECT sales_order_id FROM usom.sales_order WHERE order_no = :'b_order') AS b_order_id \gset
SET LOCAL usom.org = 'main';

-- As many profiles as one role can have, those who write prices, and somebody of the other side.
CREATE ROLE tap_wide;
CREATE ROLE tap_feed;
CREATE ROLE tap_other;
SELECT usom.grant_access('tap_wide', p) FROM unnest(ARRAY['agent', 'manager', 'warehouse', 'bi', 'auditor']) AS p \g /dev/null
SELECT usom.grant_access('tap_feed', 'integrator') \g /dev/null
SELECT usom.grant_access('tap_other', p, 'secret_b') FROM unnest(ARRAY['agent', 'manager', 'warehouse', 'bi', 'auditor']) AS p \g /dev/null
-- EXPLAIN of anything that row security has to filter
ANALYZE;

-- All that a command says to a role: rows, or the error with all its parts.  Undone afterwards.
CREATE FUNCTION pg_temp.gist(role text, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found record;
	words text := '';
	state text; message text; detail text; hint text; context text; details text[];
BEGIN
	BEGIN
		PERFORM set_config('role', role, true);
		IF command ~* '^\s*(SELECT|TABLE|WITH|EXPLAIN|FETCH|EXECUTE|VALUES)|RETURNING' THEN
			FOR found IN EXECUTE command LOOP
				words := words || found::text || E'\n';
			END LOOP;
		ELSE
			EXECUTE command;
		END IF;
		RAISE EXCEPTION USING ERRCODE = 'ZZ000';
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	END;
	RETURN words || CASE WHEN state <> 'ZZ000' THEN concat_ws(' | ', state, message, detail, hint) ELSE '' END;
END $$;
CREATE FUNCTION pg_temp.silent(command text, about text, role text DEFAULT 'tap_wide') RETURNS SETOF text LANGUAGE sql AS $$
	SELECT unalike(pg_temp.gist(role, command), '%SECRET%', about)
$$;
-- What belongs to the other side answers as what belongs to nobody does.
CREATE FUNCTION pg_temp.unknown(command text, theirs text, nobodys text, about text, role text DEFAULT 'tap_wide') RETURNS SETOF text LANGUAGE sql AS $$
	SELECT is(CASE WHEN t.words ~ '^(42883|42P01|42601|42703)' THEN 'was not tried: ' ELSE '' END || regexp_replace(t.words, '\y' || theirs || '\y', '*', 'g'), regexp_replace(n.words, '\y' || nobodys || '\y', '*', 'g'), about)
	FROM pg_temp.gist(role, format(command, theirs)) AS t (words), pg_temp.gist(role, format(command, nobodys)) AS n (words)
$$;

-- the probes can see: the same words for who may
SELECT matches(pg_temp.gist('tap_other', 'SET LOCAL usom.org = ''secret_b''; SELECT usom.current_org()'), '^$', 'the other side works for its organisation');
SELECT alike(pg_temp.gist('postgres', format('SELECT * FROM usom.customer WHERE org_id = %s', :b_org)), '%SECRET%', 'a superuser sees the other side');

-- ---- by query ----

SELECT pg_temp.silent(format('SELECT t FROM usom.%I t', relname), format('query of usom.%s', relname))
FROM pg_class WHERE relnamespace = 'usom'::regnamespace AND relkind IN ('r', 'p', 'v') AND relname !~ '^_' ORDER BY relname;
SELECT isnt(pg_temp.gist('tap_wide', format('SELECT t FROM usom.%I t', relname)), '', format('which shows the own rows of usom.%s', relname))
FROM pg_class WHERE relnamespace = 'usom'::regnamespace AND relkind IN ('r', 'p', 'v') AND relname !~ '^_' AND relname NOT IN ('erasure') ORDER BY relname;
SELECT is(pg_temp.gist('tap_wide', format('SELECT count(*) FROM usom.%I WHERE org_id = %s', relname, :b_org)), E'(0)\n', format('rows of the other side counted in usom.%s', relname))
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id' WHERE relnamespace = 'usom'::regnamespace AND relkind IN ('r', 'p') AND relname !~ '^_' ORDER BY relname;

-- ---- by plain SQL that writes ----

SELECT pg_temp.silent(format('UPDATE usom.%1$I SET %2$I = %2$I RETURNING *', t, c), format('UPDATE RETURNING of usom.%s', t), r)
FROM (VALUES ('customer', 'active', 'tap_wide'), ('customer_address', 'country', 'tap_wide'), ('channel', 'name', 'tap_wide'), ('location', 'name', 'tap_wide'), ('hold_type', 'description', 'tap_wide'),
	('product', 'name', 'tap_feed'), ('price', 'unit_price', 'tap_feed'), ('retention', 'keep_for', 'tap_wide'), ('sales_order', 'priority', 'tap_wide')) AS m (t, c, r);
SELECT is(pg_temp.gist('tap_wide', format('UPDATE usom.customer SET active = false WHERE org_id = %s RETURNING code', :b_org)), '', 'UPDATE of their rows');
SELECT is(pg_temp.gist('tap_wide', format('DELETE FROM usom.customer_address WHERE org_id = %s RETURNING *', :b_org)), '', 'DELETE RETURNING of their rows');
SELECT pg_temp.silent('SELECT code FROM usom.customer FOR UPDATE', 'SELECT FOR UPDATE');
SELECT alike(pg_temp.gist(r, format('INSERT INTO usom.%I (org_id, %I) VALUES (%s, %L)', t, c, :b_org, 'SECRET-CUST')), '42501 | new row violates row-level security%', format('INSERT into usom.%s for the other side', t))
FROM (VALUES ('customer', 'code', 'tap_wide'), ('channel', 'code', 'tap_wide'), ('location', 'code', 'tap_wide'), ('product', 'sku', 'tap_feed')) AS m (t, c, r);
SELECT pg_temp.silent(format('INSERT INTO usom.customer (org_id, customer_id, code) VALUES (%s, %s, ''X'') ON CONFLICT (org_id, customer_id) DO UPDATE SET active = true RETURNING *', :b_org, :b_customer), 'ON CONFLICT DO UPDATE of their row');
SELECT pg_temp.silent(format('INSERT INTO usom.customer (org_id, code) VALUES (%s, ''SECRET-CUST'') ON CONFLICT DO NOTHING RETURNING *', :b_org), 'ON CONFLICT DO NOTHING with their row');
SELECT is(pg_temp.gist('tap_wide', 'INSERT INTO usom.customer (code) VALUES (''SECRET-CUST'')'), '', 'their codes are free here');
SELECT pg_temp.silent(format('MERGE INTO usom.customer c USING (VALUES (%s::bigint)) v (id) ON c.customer_id = v.id WHEN MATCHED THEN UPDATE SET active = false WHEN NOT MATCHED THEN INSERT (customer_id, code) VALUES (v.id, ''X'')', :b_customer), 'MERGE with their key');
SELECT alike(pg_temp.gist('tap_wide', format('UPDATE usom.customer SET org_id = %s WHERE code = ''MINE-CUST''', :b_org)), 'US005%', 'rows do not change sides');
SELECT pg_temp.unknown('INSERT INTO usom.customer_address (customer_id, address_no) VALUES (%s, 9)', :'b_customer', '4711', 'a foreign key to their customer');
SELECT pg_temp.unknown('INSERT INTO usom.price (sku, unit_price) VALUES (''%s'', 1)', 'SECRET-SKU', 'NOBODY-SKU', 'a foreign key to their product', 'tap_feed');
SELECT pg_temp.unknown('INSERT INTO usom.sales_order (order_no, channel_id, status) VALUES (''LEAK-1'', %s, ''draft'')', :'b_channel', '4711', 'an order by their channel');
SELECT pg_temp.unknown('INSERT INTO usom.sales_order (order_no, channel_id, customer_id, status) VALUES (''LEAK-1'', usom.channel_id(''web''), %s, ''draft'')', :'b_customer', '4711', 'an order of their customer');
SELECT pg_temp.unknown('INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) VALUES (%s, 1, usom.product_id(''MINE-SKU''), 1)', :'b_order_id', '4711', 'a line of their order');
SELECT pg_temp.unknown('WITH o AS (SELECT sales_order_id FROM usom.sales_order WHERE order_no = ''MINE-DRAFT'') INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) SELECT sales_order_id, 1, %s, 1 FROM o', :'b_product', '4711', 'a line of their product');
SELECT is(pg_temp.gist('tap_wide', format('UPDATE usom.sales_order SET status = ''submitted'' WHERE sales_order_id = %s RETURNING order_no', :b_order_id)), '', 'a step of their order');
SELECT unalike(pg_temp.gist('tap_wide', 'INSERT INTO usom.sales_order (order_no, channel_id, status) VALUES (''MINE-DRAFT'', usom.channel_id(''web''), ''draft'')'), '%Key (%', 'a duplicate key tells no key');

-- triggers come before policies: what they say is about the own side alone
SET LOCAL usom.org = 'secret_b';
INSERT INTO usom.customer (code, name) VALUES ('SECRET-GONE', 'SECRET') \g /dev/null
SELECT usom.customer_id('SECRET-GONE') AS b_gone, (SELECT max(address_id) FROM usom.address WHERE org_id = usom.current_org()) AS b_address, usom.erase_customer('SECRET-GONE', 'test') \gset
SET LOCAL usom.org = 'main';
SELECT alike(pg_temp.gist('tap_wide', replace('INSERT INTO usom.' || command, 'ORG', :'b_org')), '42501 | new row violates row-level security policy for table%', 'before the policy: ' || about)
FROM (VALUES
	(format('sales_order (org_id, order_no, channel_id, currency, customer_id) VALUES (ORG, ''LEAK-3'', %s, ''EUR'', %s)', :b_channel, :b_gone), 'an order of their erased customer'),
	(format('sales_order (org_id, order_no, channel_id, currency, address_id) VALUES (ORG, ''LEAK-3'', %s, ''EUR'', %s)', :b_channel, :b_address), 'an order to their address'),
	(format('sales_order (org_id, order_no, channel_id, currency, address_id) VALUES (ORG, ''LEAK-3'', %s, ''EUR'', 4711)', :b_channel), 'an order to nobody''s address'),
	(format('sales_order (org_id, order_no, channel_id, currency, external_id, instructions) VALUES (ORG, ''LEAK-3'', %s, ''EUR'', ''SECRET-EXT'', ''x'')', :b_channel), 'an order with their number'),
	(format('customer_address (org_id, customer_id, name) VALUES (ORG, %s, ''x'')', :b_gone), 'an address of their erased customer'),
	(format('customer_address (org_id, customer_id, name) VALUES (ORG, %s, ''x'')', :b_customer), 'an address of their customer'),
	('customer_address (org_id, customer_id, name) VALUES (ORG, 4711, ''x'')', 'an address of nobody'),
	('customer (org_id, code, name) VALUES (ORG, ''X'', ''x'')', 'a customer')) AS c (command, about);
SELECT alike(pg_temp.gist('tap_wide', format('UPDATE usom.customer_address SET org_id = %s, customer_id = %s, name = ''x''', :b_org, :b_gone)), '42501 | new row violates row-level security policy for table%', 'before the policy: an address that moves to their side');

-- what looks sealed is sealed: nobody keeps a text in clear, or breaks one, by its form
SELECT alike(pg_temp.gist('tap_wide', replace(command, 'FORGED', 'usom1:' || encode(int8send(person) || convert_to('Anna in clear, for ever and ever', 'UTF8'), 'base64'))), '22023 | a text that only looks sealed is not written%', 'forged: ' || about)
FROM (SELECT usom.customer_id('MINE-CUST')) AS p (person), (VALUES
	('UPDATE usom.customer SET name = ''FORGED'' WHERE code = ''MINE-CUST''', 'the name of a customer'),
	('UPDATE usom.customer_address SET line1 = ''FORGED'' WHERE customer_id = usom.customer_id(''MINE-CUST'')', 'a line of an address'),
	('INSERT INTO usom.sales_order (customer_id, instructions) VALUES (usom.customer_id(''MINE-CUST''), ''FORGED'')', 'instructions')) AS c (command, about);
SELECT alike(pg_temp.gist('tap_wide', format('INSERT INTO usom.customer (customer_id, code, name) VALUES (4711, ''F'', ''usom1:%s'')', encode(int8send(4711) || convert_to('Anna in clear, for ever and ever', 'UTF8'), 'base64'))),
	'22023 | a text that only looks sealed is not written%', 'forged: the name of a new customer');

-- ---- by what is evaluated before the policy ----

CREATE FUNCTION pg_temp.leaky(word text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
	IF word LIKE '%SECRET%' THEN RAISE EXCEPTION 'seen: %', word; END IF;
	RETURN true;
END $$;
GRANT USAGE ON SCHEMA public TO PUBLIC;
SELECT pg_temp.silent(format('SELECT count(*) FROM usom.%I t WHERE pg_temp.leaky(t.%I::text)', t, c), format('a cheap filter that tells, on usom.%s', t))
FROM (VALUES ('customer', 'code'), ('product', 'sku'), ('sales_order', 'external_id'), ('hold', 'reason'), ('shipment', 'tracking'), ('reservation', 'owner'), ('orders', 'external_id'), ('order_lines', 'sku'), ('audit_entry', 'reason')) AS m (t, c);
SELECT pg_temp.silent(format('SELECT count(*) FROM usom.%I t WHERE 1 / (CASE WHEN t.%I LIKE ''SECRET%%'' THEN 0 ELSE 1 END) = 1', t, c), format('a division by zero on usom.%s', t))
FROM (VALUES ('customer', 'code'), ('product', 'sku'), ('orders', 'external_id')) AS m (t, c);
SELECT is(pg_temp.gist('tap_wide', format('SELECT count(*) FROM usom.%I t WHERE 1 / (CASE WHEN t.%I LIKE ''SECRET%%'' THEN 0 ELSE 1 END) = 1 HAVING count(*) < 0', t, c)), '', format('which does not fail on usom.%s', t))
FROM (VALUES ('customer', 'code'), ('product', 'sku'), ('orders', 'external_id')) AS m (t, c);
SELECT pg_temp.silent('SELECT code::integer FROM usom.customer', 'a cast that fails');
SELECT pg_temp.silent('SELECT c FROM usom.customer c WHERE ctid = ANY (ARRAY(SELECT format(''(%s,%s)'', p, i)::tid FROM generate_series(0, 2) p, generate_series(1, 99) i))', 'rows by their place');
SELECT pg_temp.silent('SELECT t FROM usom.customer t TABLESAMPLE SYSTEM (100)', 'a sample');
SELECT pg_temp.silent('SELECT s FROM pg_stats s WHERE schemaname = ''usom''', 'the statistics');
SELECT pg_temp.silent('SELECT pg_get_expr(stxdexpr::pg_node_tree, 0) FROM pg_statistic_ext_data', 'the extended statistics');
SELECT pg_temp.silent('SELECT * FROM pg_statistic', 'the raw statistics');

-- ---- by EXPLAIN ----

SELECT pg_temp.silent(format('EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF) SELECT * FROM usom.%I', t), format('EXPLAIN ANALYZE of usom.%s', t)) FROM unnest(ARRAY['orders', 'order_lines', 'customer', 'stock_position', 'audit_entry']) AS t;
SELECT pg_temp.silent('EXPLAIN (FORMAT JSON) SELECT * FROM usom.customer WHERE code > ''A''', 'EXPLAIN of a range');

-- ---- by prepared plans, cursors and settings ----

PREPARE theirs AS SELECT code, name FROM usom.customer;
EXECUTE theirs \g /dev/null
SELECT pg_temp.silent('EXECUTE theirs', 'a plan that a superuser prepared');
SET LOCAL usom.org = 'secret_b';
SET LOCAL ROLE tap_other;
PREPARE others AS SELECT code FROM usom.customer WHERE org_id = usom.current_org();
EXECUTE others \g /dev/null
EXECUTE others \g /dev/null
RESET ROLE;
SET LOCAL usom.org = 'main';
SELECT pg_temp.silent('EXECUTE others', 'a plan that the other side prepared');
SELECT alike(pg_temp.gist('tap_wide', format('SELECT set_config(''usom.org'', ''secret_b'', true), code FROM usom.customer')), '42501%', 'a setting changed while the query runs');
SELECT pg_temp.silent('SELECT set_config(''usom.org'', ''secret_b'', true), code FROM usom.customer', 'which shows nothing');
SELECT alike(pg_temp.gist('tap_wide', 'WITH s AS MATERIALIZED (SELECT set_config(''usom.org'', ''secret_b'', true)) SELECT c.code FROM s, LATERAL (SELECT code FROM usom.customer) c'), '%42501%', 'a setting changed before the query');
SELECT pg_temp.silent('DO $q$ BEGIN PERFORM set_config(''usom.org'', ''secret_b'', true); PERFORM usom.current_org(); END $q$', 'the organisation set by hand');
SELECT is(pg_temp.gist('tap_wide', 'SELECT set_config(''usom.org'', ''secret_b'', true), usom.current_org()'), replace(pg_temp.gist('tap_wide', 'SELECT set_config(''usom.org'', ''nobody_b'', true), usom.current_org()'), 'nobody_b', 'secret_b'),
	'an organisation of others and none answer alike');
SET LOCAL ROLE tap_wide;
DECLARE own CURSOR FOR SELECT code FROM usom.customer ORDER BY code;
RESET ROLE;
SELECT pg_temp.silent('FETCH ALL FROM own', 'a cursor of the own role');

-- ---- by functions ----

SELECT pg_temp.unknown('SELECT * FROM ' || f, :'b_order', 'SO-NOBODYS', format('%s about their order', f))
FROM unnest(ARRAY['usom.cancel_order(%L, ''x'')', 'usom.confirm_order(%L)', 'usom.submit_order(%L)', 'usom.close_order(%L)', 'usom.reject_order(%L, ''x'')', 'usom.cancel_line(%L, 1, 1, ''x'')', 'usom.change_order(%L, ''{"priority": 1}'')',
	'usom.hold_order(%L, ''credit'', ''x'')', 'usom.release_hold(%L, ''SECRET-HOLD'', ''x'')', 'usom.allocate_order(%L)', 'usom.release_order(%L)', 'usom.ship(%L)',
	'usom.authorize_return(%L, ''[{"line_no": 1, "quantity": 1}]'', ''x'')', 'usom.receive_blind_return(%L, ''[{"line_no": 1, "quantity": 1}]'')', 'usom.explain_return(%L)', 'usom.explain_status(%L)', 'usom.explain_sourcing(%L)',
	'usom.why_not_allocated(%L, 1)', 'usom.reallocate_order(%L, ''x'')', 'usom.pickup_alternatives(%L)', 'usom.consolidate(ARRAY[%L, ''x''], ''x'')', 'usom.move_pickup(%L, ''X'', ''x'')', 'usom.order_timeline(%L)',
	'usom.erase_order_person(%L, ''x'')', 'usom.order_as_of(%L, now())', 'usom.order_changes(%L)', 'usom.pick(%L)', 'usom.report_short(%L, 1, 1, ''x'')']) AS f;
SELECT pg_temp.unknown('SELECT * FROM usom.deliver(%L)', :'b_shipment', 'SH-NOBODYS', 'their shipment');
SELECT pg_temp.unknown('SELECT * FROM usom.confirm_pick(%s)', :'b_task', '4711', 'their pick task');
SELECT pg_temp.unknown('SELECT * FROM usom.short_pick(%s, 0, ''x'')', :'b_task', '4711', 'a short pick of theirs');
SELECT pg_temp.unknown('SELECT * FROM usom.claim_picks(''MINE-LOC'', ''me'', wave => %L)', :'b_wave', 'WV-NOBODYS', 'their wave');
SELECT pg_temp.unknown('SELECT * FROM usom.plan_wave(%L)', 'SECRET-LOC', 'NOBODY-LOC', 'a wave at their location');
SELECT pg_temp.unknown('SELECT * FROM usom.plan_wave(''MINE-LOC'', %L)', 'SECRET-WAVE', 'NOBODY-WAVE', 'a wave by their rule');
SELECT pg_temp.unknown('SELECT * FROM usom.receive_return(%L, ''[{"line_no": 1, "quantity": 1}]'')', :'b_return', 'RT-NOBODYS', 'their return');
SELECT pg_temp.unknown('SELECT * FROM ' || f, :'b_return', 'RT-NOBODYS', format('%s about their return', f))
FROM unnest(ARRAY['usom.approve_return(%L, ''x'')', 'usom.refuse_return(%L, ''x'')', 'usom.cancel_return(%L, ''x'')', 'usom.inspect_return(%L)', 'usom.exchange_return(%L)']) AS f;
SELECT pg_temp.unknown('SELECT usom.release_stock(%s)', :'b_cart', '4711', 'their reservation');
SELECT pg_temp.unknown('SELECT usom.product_id(%L)', 'SECRET-SKU', 'NOBODY-SKU', 'their product');
SELECT pg_temp.unknown('SELECT usom.customer_id(%L)', 'SECRET-CUST', 'NOBODY-CUST', 'their customer');
SELECT pg_temp.unknown('SELECT usom.location_id(%L)', 'SECRET-LOC', 'NOBODY-LOC', 'their location');
SELECT pg_temp.unknown('SELECT usom.channel_id(%L)', 'SECRET-CH', 'NOBODY-CH', 'their channel');
SELECT pg_temp.unknown('SELECT usom.available(%L)', 'SECRET-SKU', 'NOBODY-SKU', 'what they have');
SELECT pg_temp.unknown('SELECT usom.receive_stock(''MINE-LOC'', %L, 1)', 'SECRET-SKU', 'NOBODY-SKU', 'stock of their product');
SELECT pg_temp.unknown('SELECT usom.receive_stock(%L, ''MINE-SKU'', 1)', 'SECRET-LOC', 'NOBODY-LOC', 'stock at their location');
SELECT pg_temp.unknown('SELECT usom.adjust_stock(%L, ''MINE-SKU'', -1, ''x'')', 'SECRET-LOC', 'NOBODY-LOC', 'a correction at their location');
SELECT pg_temp.unknown('SELECT usom.reserve_stock(''me'', ''MINE-LOC'', %L, 1, interval ''1 minute'')', 'SECRET-SKU', 'NOBODY-SKU', 'a cart with their product');
SELECT pg_temp.unknown('SELECT usom.fill_backorders(%L)', 'SECRET-SKU', 'NOBODY-SKU', 'backorders of their product');
SELECT pg_temp.silent('SELECT usom.fill_backorders()', 'all backorders');
SELECT pg_temp.unknown('SELECT usom.place_order(jsonb_build_object(''customer'', %L, ''lines'', ''[{"sku": "MINE-SKU", "quantity": 1}]''::jsonb))', 'SECRET-CUST', 'NOBODY-CUST', 'an order for their customer');
SELECT pg_temp.unknown('SELECT usom.place_order(jsonb_build_object(''channel'', %L, ''lines'', ''[{"sku": "MINE-SKU", "quantity": 1}]''::jsonb))', 'SECRET-CH', 'NOBODY-CH', 'an order by their channel');
SELECT pg_temp.unknown('SELECT usom.place_order(jsonb_build_object(''lines'', jsonb_build_array(jsonb_build_object(''sku'', %L, ''quantity'', 1))))', 'SECRET-SKU', 'NOBODY-SKU', 'an order of their product');
SELECT pg_temp.unknown('SELECT sqlstate, message FROM usom.place_orders(jsonb_build_array(jsonb_build_object(''external_id'', %L, ''channel'', ''MINE-CH'', ''lines'', ''[]''::jsonb)))', 'SECRET-EXT', 'NOBODY-EXT', 'their number in a batch');
SELECT pg_temp.unknown('SELECT usom.find_customers(%L)', 'SECRET@example.com', 'NOBODY@example.com', 'their customer''s address');
SELECT pg_temp.unknown('SELECT usom.export_customer(%L)', 'SECRET-CUST', 'NOBODY-CUST', 'what they know of a customer');
SELECT pg_temp.unknown('SELECT usom.erase_customer(%L, ''x'')', 'SECRET-CUST', 'NOBODY-CUST', 'an erasure of their customer');
SELECT pg_temp.unknown('SELECT usom.inclusion_proof(%s)', :'b_entry', '4711', 'a proof about their entry');
SELECT is(pg_temp.gist('tap_wide', format('SELECT usom._has_key(%s, %s)', :b_org, :b_customer)), E'(f)\n', 'a key of their customer');
SELECT pg_temp.silent('SELECT * FROM usom.verify()', 'verify()');
SELECT pg_temp.silent('SELECT usom.export_digest()', 'the digest');
SELECT pg_temp.silent('SELECT * FROM usom.help(''orders'')', 'help()');
SELECT matches(pg_temp.gist('tap_wide', 'SELECT usom.export_digest()->>''org_id'''), '^\(1\)', 'the digest is of the own organisation');

-- ---- two channels of one organisation ----

CREATE ROLE tap_web;
SELECT usom.grant_access('tap_web', p, channel => 'web') FROM unnest(ARRAY['channel', 'agent', 'warehouse', 'auditor']) AS p \g /dev/null
SELECT order_no AS own FROM usom.place_order('{"channel": "web", "external_id": "WEB-1", "lines": [{"sku": "MINE-SKU", "quantity": 1}]}') \gset
INSERT INTO usom.product (sku) VALUES ('SHARED') \g /dev/null
SELECT order_no AS other FROM usom.place_order('{"channel": "phone", "external_id": "SECRET-PHONE", "lines": [{"sku": "MINE-SKU", "quantity": 2}, {"sku": "SHARED", "quantity": 5}]}') \gset
SELECT usom.hold_order(:'other', 'credit', 'SECRET') \g /dev/null
SELECT usom.release_hold(:'other', 'credit', 'SECRET') \g /dev/null
SELECT usom.release_order(:'other') \g /dev/null
SELECT usom.plan_wave('MINE-LOC') \g /dev/null
SELECT t.task AS other_task FROM usom.pick_tasks t WHERE t.order_no = :'other' LIMIT 1 \gset
SELECT usom.claim_picks('MINE-LOC', 'SECRET', 9) \g /dev/null
SELECT usom.unclaim_picks('MINE-LOC', 'SECRET') \g /dev/null
SELECT usom.ship(:'other', NULL, 'SECRET', 'SECRET') AS other_shipment \gset
SELECT usom.deliver(:'other_shipment') \g /dev/null
SELECT usom.authorize_return(:'other', '[{"line_no": 1, "quantity": 1}]', 'SECRET') AS other_return \gset
SELECT usom.receive_blind_return(:'other', '[{"line_no": 1, "quantity": 1}]', 'SECRET') \g /dev/null
SELECT sales_order_id AS other_id FROM usom.sales_order WHERE order_no = :'other' \gset
SELECT pg_temp.silent(format('SELECT t FROM usom.%I t', t), format('a channel and usom.%s', t), 'tap_web')
FROM unnest(ARRAY['orders', 'order_lines', 'order_pieces', 'holds', 'shipments', 'returns', 'timeline', 'backorders', 'sales_order', 'order_history', 'hold', 'shipment', 'return_order', 'audit']) AS t;
SELECT is(pg_temp.gist('tap_web', format('SELECT count(*) FROM usom.%I WHERE sales_order_id = %s', t, :other_id)), E'(0)\n', format('rows of another channel''s order in usom.%s', t))
FROM unnest(ARRAY['sales_order', 'order_line', 'fulfillment_line', 'hold', 'order_history', 'shipment', 'return_order', 'stock_movement', 'audit_entry']) AS t;
SELECT is(pg_temp.gist('tap_web', 'SELECT count(*) FROM usom.return_line'), E'(0)\n', 'lines of another channel''s return');
SELECT is(pg_temp.gist('tap_web', 'SELECT count(*) FROM usom.return_piece'), E'(0)\n', 'pieces of another channel''s return');
SELECT isnt(pg_temp.gist('tap_web', 'SELECT order_no FROM usom.order_lines'), '', 'a channel sees its own');
SELECT pg_temp.unknown('SELECT * FROM ' || f, :'other', 'SO-NOBODYS', format('%s about another channel''s order', f), 'tap_web')
FROM unnest(ARRAY['usom.cancel_order(%L, ''x'')', 'usom.change_order(%L, ''{"priority": 1}'')', 'usom.hold_order(%L, ''credit'', ''x'')', 'usom.release_hold(%L, ''credit'', ''x'')', 'usom.allocate_order(%L)', 'usom.release_order(%L)',
	'usom.ship(%L)', 'usom.authorize_return(%L, ''[{"line_no": 1, "quantity": 1}]'', ''x'')', 'usom.receive_blind_return(%L, ''[{"line_no": 1, "quantity": 1}]'')', 'usom.explain_return(%L)', 'usom.explain_status(%L)',
	'usom.explain_sourcing(%L)', 'usom.why_not_allocated(%L, 1)', 'usom.reallocate_order(%L, ''x'')', 'usom.pickup_alternatives(%L)', 'usom.consolidate(ARRAY[%L, ''x''], ''x'')', 'usom.move_pickup(%L, ''X'', ''x'')',
	'usom.order_timeline(%L)', 'usom.order_as_of(%L, now())', 'usom.order_changes(%L)', 'usom.pick(%L)', 'usom.report_short(%L, 1, 1, ''x'')']) AS f;
SELECT pg_temp.unknown('SELECT * FROM usom.confirm_pick(%s)', :'other_task', '4711', 'another channel''s pick task', 'tap_web');
SELECT is(pg_temp.gist('tap_web', 'SELECT * FROM usom.claim_picks(''MINE-LOC'', ''me'', 9)'), '', 'another channel''s tasks are not claimed by this one');
SELECT is(pg_temp.gist('tap_web', 'SELECT count(*) FROM usom.pick_task'), E'(0)\n', 'nor seen');
SELECT pg_temp.unknown('SELECT * FROM usom.deliver(%L)', :'other_shipment', 'SH-NOBODYS', 'another channel''s shipment', 'tap_web');
SELECT pg_temp.unknown('SELECT * FROM usom.receive_return(%L, ''[{"line_no": 1, "quantity": 1}]'')', :'other_return', 'RT-NOBODYS', 'another channel''s return', 'tap_web');
SELECT pg_temp.unknown('SELECT * FROM ' || f, :'other_return', 'RT-NOBODYS', format('%s about another channel''s return', f), 'tap_web')
FROM unnest(ARRAY['usom.approve_return(%L, ''x'')', 'usom.refuse_return(%L, ''x'')', 'usom.cancel_return(%L, ''x'')', 'usom.inspect_return(%L)', 'usom.exchange_return(%L)']) AS f;
SELECT usom.receive_stock('MINE-LOC', 'SHARED', 5) \g /dev/null
SELECT is(pg_temp.gist('tap_web', 'SELECT * FROM usom.fill_backorders(''SHARED'')'), '', 'another channel''s backorders are not filled by this one');
SELECT alike(pg_temp.gist('tap_web', 'SELECT usom.place_order(''{"channel": "phone", "lines": [{"sku": "MINE-SKU", "quantity": 1}]}'')'), '42501%', 'an order by another channel');
SELECT alike(pg_temp.gist('tap_web', 'SELECT usom.place_order(''{"lines": [{"sku": "MINE-SKU", "quantity": 1}]}'')'), '42501%', 'an order by the channel that is not named');
SELECT pg_temp.unknown('INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) VALUES (%s, 9, usom.product_id(''MINE-SKU''), 1)', :'other_id', '4711', 'a line of another channel''s order', 'tap_web');
SELECT is(pg_temp.gist('tap_web', format('UPDATE usom.sales_order SET status = ''cancelled'' WHERE sales_order_id = %s RETURNING order_no', :other_id)), '', 'a step of another channel''s order');
SELECT alike(pg_temp.gist('tap_web', 'INSERT INTO usom.sales_order (order_no, channel_id, status) VALUES (''LEAK-2'', usom.channel_id(''phone''), ''draft'')'), '42501 | new row violates row-level security%', 'a draft for another channel');
SELECT alike(pg_temp.gist('tap_web', 'INSERT INTO usom.sales_order (order_no, channel_id, status, version) VALUES (''LEAK-2'', usom.channel_id(''phone''), ''draft'', 2)'), '42501 | new row violates row-level security%', 'which comes before what triggers say');
SELECT pg_temp.silent('SELECT count(*) FROM usom.orders t WHERE pg_temp.leaky(t.external_id)', 'a filter that tells, between channels', 'tap_web');

-- ---- by COPY ----

\set copied `mktemp`
SET LOCAL ROLE tap_wide;
COPY usom.product TO STDOUT \g :copied
RESET ROLE;
\set theirs `grep -c SECRET :'copied'`
\set own `grep -c MINE :'copied'`
SELECT is(:'theirs'::text, '0', 'COPY of a table');
SELECT cmp_ok(:own, '>', 0, 'which shows the own rows');
SET LOCAL ROLE tap_wide;
COPY (SELECT * FROM usom.orders) TO STDOUT \g :copied
RESET ROLE;
\set theirs `grep -c SECRET-EXT :'copied'`
\set own `grep -c MINE :'copied'`
SELECT is(:'theirs'::text, '0', 'COPY of a view');
SELECT cmp_ok(:own, '>', 0, 'which shows the own rows');
\set gone `rm :'copied'`
SELECT alike(pg_temp.gist('tap_wide', 'COPY usom.customer FROM ''/dev/null'''), '42501%', 'COPY from files of the server');
SELECT * FROM finish();
ROLLBACK;
