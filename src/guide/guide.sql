CREATE FUNCTION usom.help(topic text DEFAULT NULL)
RETURNS TABLE (topic text, name text, about text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	WITH chapter (position, topic, names) AS (VALUES
		(1, 'begin', ARRAY['install', 'upgrade', 'version', 'doctor', 'help', 'demo', 'demo_remove']),
		(2, 'order', ARRAY['quote', 'place_order', 'place_orders', 'submit_order', 'confirm_order', 'reject_order', 'close_order', 'cancel_order', 'cancel_line',
			'change_order', 'set_order_tax', 'set_address_verdict', 'hold_order', 'release_hold', 'release_credit_hold', 'review_credit', 'resolve_exception',
			'approve_order', 'decline_order', 'request_approval', 'score_order', 'override_price', 'reprice_order', 'propose_substitution',
			'accept_substitution', 'decline_substitution', 'substitute_backorders']),
		(2, 'intake', ARRAY['ingest', 'work_inbox', 'retry_inbox', 'replay', 'park', 'mend', 'inbox_take', 'load_orders', 'explain_mapping', 'map_payload', 'standard_mappings',
			'add_mapping', 'mapping_id', 'start_draft', 'save_draft', 'submit_draft', 'drop_draft', 'hand_over_draft', 'draft_from_message', 'heartbeat',
			'set_circuit', 'load_history', 'sync_orders']),
		(3, 'stock', ARRAY['receive_stock', 'receive_stocks', 'adjust_stock', 'count_stock', 'set_safety', 'set_stock_stripes', 'add_supply', 'change_supply', 'cancel_supply',
			'receive_supply', 'reverse_receipt', 'reserve_stock', 'release_stock', 'receive_serials', 'assign_serials', 'remove_serials', 'recall', 'block_lot',
			'plan_count', 'record_count', 'watch_stock', 'unwatch_stock', 'tell_back_in_stock', 'available', 'convert_quantity']),
		(4, 'fulfil', ARRAY['allocate_order', 'allocate_orders', 'reallocate_order', 'explain_sourcing', 'why_not_allocated', 'simulate_sourcing', 'pickup_alternatives',
			'move_pickup', 'ready_pickup', 'collect_pickup', 'reject_pickup', 'put_back_pickups', 'receive_drop_ship', 'service_slots', 'book_appointment',
			'move_appointment', 'cancel_appointment', 'fail_appointment', 'block_technician', 'complete_service', 'earliest_shipment', 'distance_km',
			'split_order', 'split_backorder', 'merge_backorder', 'fill_backorders', 'backorder_run', 'expedite_order', 'convert_pre_orders', 'request_make',
			'approve_make', 'start_make', 'receive_make', 'cancel_make', 'ration', 'release_order', 'consolidation_candidates', 'consolidate', 'ship',
			'ship_consolidated', 'deliver', 'wrap_gift', 'pack', 'unpack', 'void_shipment', 'close_manifest', 'packing_slip', 'shipping_label', 'manifest_sheet',
			'record_tracking', 'fail_delivery', 'retry_delivery', 'return_to_sender', 'lose_shipment', 'take_step', 'authorize_return', 'receive_return',
			'approve_return', 'refuse_return', 'cancel_return', 'receive_blind_return', 'inspect_return', 'exchange_return', 'plan_wave', 'claim_picks',
			'unclaim_picks', 'confirm_pick', 'short_pick', 'report_short', 'pick', 'grant_order', 'receive_undelivered', 'release_due', 'void_release',
			'record_fulfillment', 'answer_request']),
		(4, 'pay', ARRAY['record_payment', 'authorize_payment', 'capture_payment', 'void_payment', 'refund_payment', 'charge_back', 'complete_order', 'refund_order',
			'collect_payment']),
		(5, 'understand', ARRAY['explain_status', 'explain_steps', 'explain_promise', 'explain_price', 'piece_amounts', 'credit_position', 'order_timeline', 'order_as_of',
			'order_changes', 'lifecycle', 'order_lifecycle', 'piece_lifecycle', 'order_types', 'checks', 'currencies', 'lifecycle_dot', 'flow_dot',
			'explain_return', 'error_codes']),
		(6, 'verify', ARRAY['verify', 'verify_stock', 'verify_stripes', 'verify_reserved', 'verify_supply', 'verify_capacity', 'verify_quota', 'verify_lots', 'verify_orders',
			'verify_counters', 'verify_statuses', 'verify_history', 'verify_references', 'verify_pieces', 'verify_kits', 'verify_holds', 'verify_approvals',
			'verify_money', 'verify_payments', 'verify_credit', 'verify_returns', 'verify_service', 'verify_vault', 'verify_entries', 'verify_audit',
			'verify_parcels', 'verify_flows', 'verify_inbox', 'verify_drafts', 'verify_handover', 'verify_picks', 'verify_loads', 'verify_in_use', 'verify_load']),
		(7, 'trust', ARRAY['seal_audit', 'tick', 'export_digest', 'inclusion_proof', 'check_inclusion', 'consistency_proof', 'check_consistency', 'archive_audit',
			'restore_audit', 'check_archive', 'prepare_partitions']),
		(8, 'people', ARRAY['find_customers', 'export_customer', 'erase_customer', 'erase_order_person']),
		(9, 'keys', ARRAY['next_id', 'next_document_no', 'current_org', 'default_currency', 'channel_id', 'customer_id', 'product_id', 'location_id', 'technician_id']),
		(10, 'flows', ARRAY['check_flow', 'publish_flow', 'revise_flow', 'flow_id']),
		(10, 'access', ARRAY['grant_access', 'revoke_access'])
	), entry AS (
		SELECT coalesce(c.position, 90) AS position, coalesce(array_position(c.names, p.proname::text), 0) AS place,
			coalesce(c.topic, 'more') AS topic, p.proname::text AS name,
			format('%s(%s)', p.proname, pg_get_function_arguments(p.oid)) AS title,
			coalesce(obj_description(p.oid, 'pg_proc'), '') AS comment
		FROM pg_proc p
		LEFT JOIN chapter c ON p.proname = ANY (c.names)
		WHERE p.pronamespace = 'usom'::regnamespace AND p.prokind IN ('f', 'p') AND p.proname !~ '^_'
			AND p.prorettype <> ALL (ARRAY['trigger'::regtype, 'event_trigger'::regtype, 'cstring'::regtype])
			AND NOT EXISTS (
				SELECT FROM unnest(p.proargtypes || p.prorettype) a (type)
				JOIN pg_type t ON t.oid = a.type
				WHERE t.typnamespace = 'usom'::regnamespace OR t.oid IN ('cstring'::regtype, 'internal'::regtype))
		UNION ALL
		SELECT CASE r.relkind WHEN 'v' THEN 91 ELSE 92 END, 0, CASE r.relkind WHEN 'v' THEN 'views' ELSE 'tables' END, r.relname::text,
			r.relname::text, coalesce(obj_description(r.oid, 'pg_class'), '')
		FROM pg_class r
		WHERE r.relnamespace = 'usom'::regnamespace AND r.relkind IN ('v', 'r', 'p') AND r.relname !~ '^_'
		UNION ALL
		SELECT 93, a.attnum, r.relname::text, r.relname || '.' || a.attname, a.attname || ' ' || format_type(a.atttypid, a.atttypmod),
			coalesce(col_description(r.oid, a.attnum), '')
		FROM pg_class r
		JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE r.relnamespace = 'usom'::regnamespace AND r.relkind IN ('v', 'r', 'p') AND r.relname !~ '^_' AND r.relname = $1
	), found AS (
		SELECT e.*, CASE WHEN e.name = $1 THEN e.comment
			ELSE rtrim(split_part(split_part(e.comment, E'\n', 1), '. ', 1), '.') || '.' END AS words
		FROM entry e
		WHERE e.topic = $1 OR e.name = $1 OR ($1 IS NULL AND e.position < 93)
	)
	SELECT s.topic, s.title, s.words
	FROM (
		SELECT f.position, f.place, f.topic, f.name, f.title, f.words
		FROM found f
		UNION ALL
		SELECT e.position, 0, e.topic, '', format('SELECT * FROM usom.help(%L);', e.topic), string_agg(e.name, ', ' ORDER BY e.place, e.name)
		FROM entry e
		WHERE NOT EXISTS (SELECT FROM found)
		GROUP BY e.position, e.topic
	) s
	ORDER BY s.position, s.place, s.name
$$;
COMMENT ON FUNCTION usom.help(text) IS
'What there is, from the comments in the catalog: topic, name (with arguments) and a sentence each. With a topic (begin, order, stock, fulfil, understand, verify, trust, people, keys, access, views, tables) only that; with the name of a function all of its comment; with the name of a view or table its columns. Any other word lists the topics. Works before install().
Example: SELECT * FROM usom.help(''place_order'');';

CREATE FUNCTION usom._demo_master(orders integer) RETURNS void
LANGUAGE sql VOLATILE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
	INSERT INTO usom.location (code, name, kind, priority) VALUES
		('DEMO-NORTH', 'Warehouse north', 'warehouse', 10),
		('DEMO-SOUTH', 'Warehouse south', 'warehouse', 20),
		('DEMO-SHOP', 'Shop in town', 'store', 30)
	ON CONFLICT (org_id, code) DO NOTHING;
	INSERT INTO usom.customer (code, name, email)
	SELECT format('DEMO-C%s', lpad(n::text, 2, '0')), format('Customer %s', n), format('customer%s@example.com', n)
	FROM generate_series(1, 12) n
	ON CONFLICT (org_id, code) DO NOTHING;
	INSERT INTO usom.product (sku, name, kind) VALUES
		('DEMO-TEA', 'Tea, 250 g', 'physical'), ('DEMO-CUP', 'Cup', 'physical'), ('DEMO-SAUCER', 'Saucer', 'physical'),
		('DEMO-SPOON', 'Spoon', 'physical'), ('DEMO-SUGAR', 'Sugar, 1 kg', 'physical'), ('DEMO-TRAY', 'Tray', 'physical'),
		('DEMO-CLOTH', 'Tea cloth', 'physical'), ('DEMO-CAKE', 'Cake stand', 'physical'),
		('DEMO-POT', 'Tea pot, always short', 'physical'), ('DEMO-POST', 'Postage', 'service');
	INSERT INTO usom.price (sku, currency, unit_price)
	SELECT p.sku, usom.default_currency(), p.price
	FROM (VALUES ('DEMO-TEA', 4.95), ('DEMO-CUP', 3.20), ('DEMO-SAUCER', 1.80), ('DEMO-SPOON', 0.95), ('DEMO-SUGAR', 1.49),
		('DEMO-TRAY', 12.50), ('DEMO-CLOTH', 6.75), ('DEMO-CAKE', 24.00), ('DEMO-POT', 18.90), ('DEMO-POST', 4.50)) p (sku, price);
	SELECT usom.receive_stocks(jsonb_agg(jsonb_build_object('location', l.code, 'sku', p.sku, 'reference', 'DEMO-OPENING',
			'quantity', CASE WHEN p.sku = 'DEMO-POT' THEN 1 + orders / 12 ELSE 30 + orders * 4 END) ORDER BY p.sku, l.code))
	FROM usom.product p, usom.location l
	WHERE p.org_id = usom.current_org() AND p.sku LIKE 'DEMO-%' AND p.kind = 'physical'
		AND l.org_id = usom.current_org() AND l.code LIKE 'DEMO-%';
	SELECT usom.reserve_stock('DEMO-CART', 'DEMO-SHOP', 'DEMO-TEA', 2, interval '1 hour');
$$;
COMMENT ON FUNCTION usom._demo_master(integer) IS 'Locations, customers, products, prices and opening stock of the demo, enough for so many orders. Locations and customers that demo_remove() had to leave are taken again.';
REVOKE ALL ON FUNCTION usom._demo_master(integer) FROM PUBLIC;

CREATE FUNCTION usom._demo_document(n integer) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object(
		'external_id', format('DEMO-%s', lpad(n::text, 6, '0')),
		'channel', (ARRAY['web', 'pos', 'phone', 'rep', 'edi', 'marketplace', 'manual'])[1 + n % 7],
		'customer', CASE WHEN n % 9 > 0 THEN format('DEMO-C%s', lpad((1 + n * 5 % 12)::text, 2, '0')) END,
		'priority', CASE WHEN n % 10 = 0 THEN 1 END,
		'placed_at', to_char(timestamp '2026-01-05 08:00' + n * interval '37 minutes', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
		'draft', CASE WHEN n % 24 IN (1, 2, 20) THEN true END,
		'lines', (
			SELECT jsonb_agg(jsonb_strip_nulls(l.line) ORDER BY l.place)
			FROM (
				SELECT k AS place, jsonb_build_object('sku', (ARRAY['DEMO-TEA', 'DEMO-CUP', 'DEMO-SAUCER', 'DEMO-SPOON', 'DEMO-SUGAR',
						'DEMO-TRAY', 'DEMO-CLOTH', 'DEMO-CAKE'])[1 + (n * 3 + k * 5) % 8],
					'quantity', 2 + (n * 7 + k * 3) % 6,
					'location', CASE WHEN n % 7 = 1 THEN 'DEMO-SHOP' END) AS line
				FROM generate_series(1, 1 + n % 4) k
				UNION ALL
				SELECT 8, jsonb_build_object('sku', 'DEMO-POT', 'quantity', 1 + n % 3) WHERE n % 24 IN (0, 3, 6, 21, 22, 23)
				UNION ALL
				SELECT 9, jsonb_build_object('sku', 'DEMO-POST', 'quantity', 1) WHERE n % 5 = 0
			) l)))
$$;
COMMENT ON FUNCTION usom._demo_document(integer) IS 'Document of the n-th order of the demo: the same for ever.';
REVOKE ALL ON FUNCTION usom._demo_document(integer) FROM PUBLIC;

CREATE FUNCTION usom._demo_live(order_no text, stage integer) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	shipment_no text;
	return_no text;
	came jsonb;
BEGIN
	CASE
		WHEN stage IN (2, 20) THEN
			PERFORM usom.hold_order(order_no, 'credit', 'Two invoices are open');
			PERFORM usom.submit_order(order_no);
			IF stage = 20 THEN
				PERFORM usom.reject_order(order_no, 'Credit is used up');
			END IF;
		WHEN stage = 3 THEN PERFORM usom.hold_order(order_no, 'address', 'The street has no number');
		WHEN stage = 4 THEN PERFORM usom.cancel_order(order_no, 'The customer changed her mind');
		WHEN stage = 5 THEN PERFORM usom.cancel_line(order_no, 1, 1, 'One less will do');
		WHEN stage = 6 THEN PERFORM usom.change_order(order_no, '{"lines": [{"line_no": 1, "quantity": 9}]}', reason => 'More guests');
		WHEN stage BETWEEN 7 AND 19 THEN PERFORM usom.release_order(order_no);
		ELSE NULL;
	END CASE;
	IF stage = 8 THEN
		PERFORM usom.ship(order_no, '[{"line_no": 1, "quantity": 1}]', 'DHL', 'JD01' || right(order_no, 4));
	ELSIF stage BETWEEN 9 AND 19 THEN
		shipment_no := usom.ship(order_no, carrier => 'DHL', tracking => 'JD02' || right(order_no, 4));
	END IF;
	IF stage BETWEEN 11 AND 19 THEN
		PERFORM usom.deliver(s) FROM regexp_split_to_table(shipment_no, ', ') s;
	END IF;
	IF stage IN (16, 17) THEN
		SELECT jsonb_agg(jsonb_build_object('line_no', l.line_no, 'quantity', l.quantity_delivered)) INTO came
		FROM usom.order_lines l
		WHERE l.order_no = _demo_live.order_no AND l.quantity_delivered > 0 AND l.sku <> 'DEMO-POST';
		return_no := usom.authorize_return(order_no, came, 'Not what was expected');
		IF stage = 16 THEN
			PERFORM usom.receive_return(return_no, came);
		END IF;
	ELSIF stage IN (18, 19) THEN
		PERFORM usom.close_order(order_no);
	END IF;
END
$$;
COMMENT ON FUNCTION usom._demo_live(text, integer) IS 'Takes an order of the demo as far as its stage (its number modulo 24) says: held, cancelled, changed, released, shipped in part or whole, delivered, returned, closed.';
REVOKE ALL ON FUNCTION usom._demo_live(text, integer) FROM PUBLIC;

CREATE FUNCTION usom._demo_summary() RETURNS TABLE (what text, number bigint)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp SET enable_nestloop = off -- the rows are newer than the statistics
AS $$
	WITH made AS (SELECT o.order_no, o.status FROM usom.orders o WHERE o.external_id LIKE 'DEMO-%')
	SELECT 'customers', count(*) FROM usom.customer c WHERE c.org_id = usom.current_org() AND c.code LIKE 'DEMO-%'
	UNION ALL SELECT 'products', count(*) FROM usom.product p WHERE p.org_id = usom.current_org() AND p.sku LIKE 'DEMO-%'
	UNION ALL SELECT 'locations', count(*) FROM usom.location l WHERE l.org_id = usom.current_org() AND l.code LIKE 'DEMO-%'
	UNION ALL SELECT 'orders', count(*) FROM made
	UNION ALL (
		SELECT 'orders ' || s.status, count(m.order_no)
		FROM usom.order_statuses s LEFT JOIN made m ON m.status = s.status
		GROUP BY s.status, s.position ORDER BY s.position)
	UNION ALL SELECT 'order lines', count(*) FROM usom.order_lines l JOIN made m ON m.order_no = l.order_no
	UNION ALL SELECT 'backorders', count(*) FROM usom.backorders b JOIN made m ON m.order_no = b.order_no
	UNION ALL SELECT 'active holds', count(*) FROM usom.holds h JOIN made m ON m.order_no = h.order_no WHERE h.active
	UNION ALL SELECT 'shipments', count(*) FROM usom.shipments s JOIN made m ON m.order_no = s.order_no
	UNION ALL SELECT 'returns', count(DISTINCT r.return_no) FROM usom.returns r JOIN made m ON m.order_no = r.order_no
$$;
COMMENT ON FUNCTION usom._demo_summary() IS 'What there is of the demo, and how many.';
REVOKE ALL ON FUNCTION usom._demo_summary() FROM PUBLIC;

CREATE FUNCTION usom.demo(orders integer DEFAULT 120)
RETURNS TABLE (what text, number bigint)
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, usom, pg_temp SET usom.reason = 'demo'
AS $$
BEGIN
	PERFORM usom._check_installed();
	IF orders NOT BETWEEN 1 AND 10000 THEN
		RAISE EXCEPTION 'a demo of % orders cannot be made', orders
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Ask for 1 to 10000.';
	END IF;
	IF EXISTS (SELECT FROM usom.product p WHERE p.org_id = usom.current_org() AND p.sku LIKE 'DEMO-%') THEN
		RAISE NOTICE 'the demo is there already'
			USING HINT = 'SELECT * FROM usom.demo_remove(); takes it away.';
	ELSE
		PERFORM usom._demo_master(orders);
		FOR n IN 1 .. orders LOOP
			PERFORM usom._demo_live(p.order_no, n % 24) FROM usom.place_order(usom._demo_document(n)) p;
		END LOOP;
	END IF;
	RETURN QUERY SELECT * FROM usom._demo_summary();
END
$$;
COMMENT ON FUNCTION usom.demo(integer) IS
'Fills the caller''s organisation with a small shop to play with: customers, products, three locations with stock, and so many orders of all channels in all stages of life, with holds, backorders, partial shipments, cancellations and returns. The same each time; made through the public functions alone; all its codes begin with DEMO-. A second call says that it is there. Answers what there is, and how many.
Errors: 22023 for a number of orders not between 1 and 10000.
Example: SELECT * FROM usom.demo();';
REVOKE ALL ON FUNCTION usom.demo(integer) FROM PUBLIC;

CREATE FUNCTION usom.demo_remove()
RETURNS TABLE (what text, number bigint)
AS 'MODULE_PATHNAME', 'usom_demo_remove' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp SET usom.reason = 'demo_remove';
COMMENT ON FUNCTION usom.demo_remove() IS
'Takes away what demo() made in the caller''s organisation, and orders that were placed for its products since: everything whose code begins with DEMO-. Locations and customers that other orders or stock use by now stay. The audit keeps what was. Answers what was removed, and how many rows.
Errors: US005 if an order has lines for products of the demo and for others.
Example: SELECT * FROM usom.demo_remove();';
REVOKE ALL ON FUNCTION usom.demo_remove() FROM PUBLIC;
