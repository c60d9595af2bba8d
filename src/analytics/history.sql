-- Orders as they were, from the images of the audit.

CREATE FUNCTION usom._order_tables() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT ARRAY['sales_order', 'order_line', 'fulfillment_line', 'hold', 'shipment', 'return_order', 'return_line']
$$;
COMMENT ON FUNCTION usom._order_tables() IS 'Tables whose rows are an order.';
REVOKE ALL ON FUNCTION usom._order_tables() FROM PUBLIC;

CREATE FUNCTION usom._order_address(org_id bigint, address_id bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT jsonb_strip_nulls(jsonb_build_object('name', usom._open(a.org_id, a.name),
			'line1', usom._open(a.org_id, a.line1), 'line2', usom._open(a.org_id, a.line2), 'postcode', usom._open(a.org_id, a.postcode),
			'city', usom._open(a.org_id, a.city), 'region', usom._open(a.org_id, a.region), 'country', usom._open(a.org_id, a.country), 'latitude', a.latitude, 'longitude', a.longitude, 'verdict', a.verdict))
		FROM usom.address a WHERE a.org_id = $1 AND a.address_id = $2);
END
$$;
COMMENT ON FUNCTION usom._order_address(bigint, bigint) IS 'An address as the caller may read it: see usom._open(). Addresses are snapshots and do not change.';
REVOKE ALL ON FUNCTION usom._order_address(bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom._charge_part(line jsonb, charge text) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	RETURN trim_scale(CASE WHEN (line->>charge)::numeric = 0 THEN 0
		ELSE usom._part((line->>charge)::numeric, (line->>'quantity')::numeric - (line->>'quantity_cancelled')::numeric,
			(line->>'quantity')::numeric, (line->>'decimals')::integer) END);
END
$$;
COMMENT ON FUNCTION usom._charge_part(jsonb, text) IS 'A charge of the image of an order line, of the units that are not cancelled: what usom.order_lines shows.';
REVOKE ALL ON FUNCTION usom._charge_part(jsonb, text) FROM PUBLIC;

CREATE FUNCTION usom._order_fields(table_name text, image jsonb) RETURNS json
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan -- planning costs more than running
AS $$
DECLARE
	org CONSTANT bigint := (image->>'org_id')::bigint;
	location CONSTANT text := (SELECT l.code FROM usom.location l WHERE l.org_id = org AND l.location_id = (image->>'location_id')::bigint);
	sku CONSTANT text := (SELECT p.sku FROM usom.product p WHERE p.org_id = org AND p.product_id = (image->>'product_id')::bigint);
BEGIN
	-- each a statement of its own: what is not asked for is not prepared
	CASE table_name
		WHEN 'sales_order' THEN
			RETURN json_build_object('order_no', image->'order_no', 'status', image->'status', 'version', image->'version',
			'channel', (SELECT c.code FROM usom.channel c WHERE c.org_id = org AND c.channel_id = (image->>'channel_id')::bigint),
			'external_id', image->'external_id', 'revision', image->'revision', 'order_type', image->'order_type',
			'customer', (SELECT c.code FROM usom.customer c WHERE c.org_id = org AND c.customer_id = (image->>'customer_id')::bigint),
			'currency', image->'currency', 'total', trim_scale((image->>'total')::numeric), 'priority', image->'priority',
			'placed_at', image->'placed_at', 'requested_at', image->'requested_at', 'ship_complete', image->'ship_complete',
			'coupons', image->'coupons', 'ship_to', usom._order_address(org, (image->>'address_id')::bigint), 'payment', image->'payment',
			'instructions', usom._open(org, image->>'instructions'), 'paid', trim_scale((image->>'paid')::numeric),
			'created_at', image->'created_at',
			'parent_order_no', (SELECT p.order_no FROM usom.sales_order p WHERE p.org_id = org AND p.sales_order_id = (image->>'parent_order_id')::bigint),
			'flow', (SELECT f.code FROM usom.flow f WHERE f.org_id = org AND f.flow_id = (image->>'flow_id')::bigint),
			'flow_version', (SELECT f.version FROM usom.flow f WHERE f.org_id = org AND f.flow_id = (image->>'flow_id')::bigint),
			'flow_state', image->'flow_state');
		WHEN 'order_line' THEN
			RETURN json_build_object('line_no', image->'line_no', 'sku', sku, 'quantity', trim_scale((image->>'quantity')::numeric),
			'unit_price', trim_scale((image->>'unit_price')::numeric), 'total', trim_scale((image->>'total')::numeric), 'location', location,
			'requested_at', image->'requested_at', 'substitution', image->'substitution', 'partial', image->'partial',
			'kit_line_no', nullif(image->'kit_line_no', image->'line_no'), 'kit_quantity', trim_scale((image->>'kit_quantity')::numeric),
			'discount', usom._charge_part(image, 'discount'), 'freight', usom._charge_part(image, 'freight'), 'tax', usom._charge_part(image, 'tax'),
			'tax_included', image->'tax_included',
			'quantity_open', trim_scale((image->>'quantity_open')::numeric), 'quantity_backordered', trim_scale((image->>'quantity_backordered')::numeric),
			'quantity_reserved', trim_scale((image->>'quantity_reserved')::numeric), 'quantity_released', trim_scale((image->>'quantity_released')::numeric),
			'quantity_picked', trim_scale((image->>'quantity_picked')::numeric), 'quantity_packed', trim_scale((image->>'quantity_packed')::numeric),
			'quantity_shipped', trim_scale((image->>'quantity_shipped')::numeric), 'quantity_delivered', trim_scale((image->>'quantity_delivered')::numeric),
			'quantity_returned', trim_scale((image->>'quantity_returned')::numeric), 'quantity_cancelled', trim_scale((image->>'quantity_cancelled')::numeric));
		WHEN 'fulfillment_line' THEN
			RETURN json_build_object('piece_no', image->'piece_no', 'sku', sku, 'status', image->'status',
			'quantity', trim_scale((image->>'quantity')::numeric), 'location', location, 'lot', nullif(image->>'lot', ''),
			'promised_at', image->'promised_at',
			'shipment_no', (SELECT s.shipment_no FROM usom.shipment s WHERE s.org_id = org AND s.shipment_id = (image->>'shipment_id')::bigint),
			'supply_no', (SELECT u.supply_no FROM usom.supply u WHERE u.org_id = org AND u.supply_id = (image->>'supply_id')::bigint),
			'package_no', (SELECT k.package_no FROM usom.package k WHERE k.org_id = org AND k.package_id = (image->>'package_id')::bigint));
		WHEN 'hold' THEN
			RETURN json_build_object('hold_type', image->'hold_type', 'line_no', image->'line_no', 'piece_no', image->'piece_no', 'reason', image->'reason',
			'blocks', image->'blocks', 'expires_at', image->'expires_at', 'placed_at', image->'placed_at', 'placed_by', image->'placed_by',
			'released_at', image->'released_at', 'released_by', image->'released_by', 'release_reason', image->'release_reason', 'check_code', image->'check_code', 'settled', image->'settled');
		WHEN 'shipment' THEN
			RETURN json_build_object('shipment_no', image->'shipment_no', 'status', image->'status', 'location', location,
			'carrier', image->'carrier', 'tracking', image->'tracking', 'shipped_at', image->'shipped_at', 'delivered_at', image->'delivered_at',
			'consolidation_no', (SELECT c.consolidation_no FROM usom.consolidation c WHERE c.org_id = org AND c.consolidation_id = (image->>'consolidation_id')::bigint),
			'service', image->'service', 'voided_at', image->'voided_at', 'told_at', image->'told_at',
			'manifest_no', (SELECT m.manifest_no FROM usom.manifest m WHERE m.org_id = org AND m.manifest_id = (image->>'manifest_id')::bigint));
		WHEN 'return_order' THEN
			RETURN json_build_object('return_no', image->'return_no', 'status', image->'status', 'reason', image->'reason',
			'authorized_at', image->'authorized_at', 'received_at', image->'received_at', 'expires_at', image->'expires_at',
			'is_blind', image->'is_blind', 'exchange_order_no',
			(SELECT e.order_no FROM usom.sales_order e WHERE e.org_id = org AND e.sales_order_id = (image->>'exchange_order_id')::bigint));
		WHEN 'return_line' THEN
			RETURN json_build_object('line_no', image->'line_no', 'quantity', trim_scale((image->>'quantity')::numeric),
			'quantity_received', trim_scale((image->>'quantity_received')::numeric),
			'quantity_accepted', trim_scale((image->>'quantity_accepted')::numeric), 'quantity_rejected', trim_scale((image->>'quantity_rejected')::numeric),
			'quantity_given_up', trim_scale((image->>'quantity_given_up')::numeric), 'inspects', image->'inspects',
			'disposition', image->'disposition', 'rule', image->'rule');
		ELSE
			RETURN NULL;
	END CASE;
END
$$;
COMMENT ON FUNCTION usom._order_fields(text, jsonb) IS 'What people read of the image of a row of an order, in their order: codes for keys, numbers without trailing zeros. Codes do not change, so those of today are those of then.';
REVOKE ALL ON FUNCTION usom._order_fields(text, jsonb) FROM PUBLIC;

CREATE FUNCTION usom._order_id(order_no text) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	id bigint;
BEGIN
	PERFORM usom._check_installed(), usom._check_card('order_no', order_no);
	SELECT o.sales_order_id INTO id FROM usom.sales_order o WHERE o.org_id = usom.current_org() AND o.order_no = _order_id.order_no;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no order "%"', order_no USING ERRCODE = 'US105', HINT = 'Look it up in usom.orders.';
	END IF;
	RETURN id;
END
$$;
COMMENT ON FUNCTION usom._order_id(text) IS 'Key of an order that the caller may see; else US105.';
REVOKE ALL ON FUNCTION usom._order_id(text) FROM PUBLIC;

CREATE FUNCTION usom._order_entry_at(sales_order_id bigint, at timestamptz) RETURNS integer
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan -- planning costs more than running
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
	by_clock CONSTANT integer := (
		WITH last AS (
			-- the clock may have gone back in between; the chain did not
			SELECT e.entry_no, e.transaction_id, e.verb FROM usom.audit_entry e
			WHERE e.org_id = org AND e.sales_order_id = $1 AND e.occurred_at <= at
			ORDER BY e.entry_no DESC LIMIT 1
		)
		SELECT coalesce((
			SELECT max(f.entry_no)
			FROM usom.audit_entry n
				JOIN usom.audit_entry f ON (f.org_id, f.sales_order_id, f.transaction_id, f.occurred_at) = (n.org_id, n.sales_order_id, n.transaction_id, n.occurred_at)
			WHERE n.org_id = org AND n.sales_order_id = $1 AND n.entry_no = l.entry_no + 1
				AND n.transaction_id = l.transaction_id AND n.verb = 'update order' AND l.verb IS NULL), l.entry_no)
		FROM last l);
BEGIN
	IF NOT EXISTS (SELECT FROM usom.order_history h WHERE h.org_id = org AND h.sales_order_id = $1 AND h.occurred_at = at) THEN
		RETURN by_clock;
	END IF;
	-- the history has the time at which the transaction began
	RETURN greatest(by_clock, (
		SELECT max(f.entry_no)
		FROM usom.audit_entry n
			CROSS JOIN LATERAL usom._audit_rows(n.after) AS i (image)
			JOIN usom.audit_entry f ON (f.org_id, f.sales_order_id, f.transaction_id, f.occurred_at) = (n.org_id, n.sales_order_id, n.transaction_id, n.occurred_at)
		WHERE n.org_id = org AND n.sales_order_id = $1 AND n.entry_no > coalesce(by_clock, 0)
			AND n.table_name = 'order_history' AND i.image->'occurred_at' = to_jsonb(at)));
END
$$;
COMMENT ON FUNCTION usom._order_entry_at(bigint, timestamptz) IS 'Number of the last entry of an order at a time; null before the first. What an UPDATE of the order entailed goes with it, though it was written a moment later, and so does what the history says of that time.';
REVOKE ALL ON FUNCTION usom._order_entry_at(bigint, timestamptz) FROM PUBLIC;

CREATE FUNCTION usom.order_as_of(order_no text, at timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan -- planning costs more than running
AS $$
DECLARE
	id CONSTANT bigint := usom._order_id(order_no);
	last_entry CONSTANT integer := usom._order_entry_at(id, at);
BEGIN
	PERFORM usom._check_at_hand(id);
	IF last_entry IS NULL THEN
		RAISE EXCEPTION 'there was no order "%" at %', order_no, at
			USING ERRCODE = 'US105', HINT = 'usom.order_changes() shows when it was made.';
	END IF;
	RETURN (
		WITH newest AS (
			SELECT DISTINCT ON (e.table_name, k.key) e.table_name, k.key, e.operation, i.image
			FROM usom.audit_entry e
				CROSS JOIN LATERAL usom._audit_rows(coalesce(e.after, e.before)) WITH ORDINALITY AS i (image, n)
				CROSS JOIN LATERAL (SELECT CASE e.table_name
					WHEN 'sales_order' THEN '{}'
					WHEN 'order_line' THEN ARRAY[(i.image->>'line_no')::bigint]
					WHEN 'fulfillment_line' THEN ARRAY[(i.image->>'line_no')::bigint, (i.image->>'piece_no')::bigint]
					WHEN 'return_line' THEN ARRAY[(i.image->>'return_order_id')::bigint, (i.image->>'line_no')::bigint]
					ELSE ARRAY[(i.image->>(e.table_name || '_id'))::bigint] END) AS k (key)
			WHERE e.org_id = usom.current_org() AND e.sales_order_id = id AND e.entry_no <= last_entry
				AND e.table_name = ANY (usom._order_tables())
			ORDER BY e.table_name, k.key, e.entry_no DESC, i.n DESC
		), live AS MATERIALIZED (
			SELECT n.table_name, n.key, usom._order_fields(n.table_name, n.image)::jsonb AS fields
			FROM newest n WHERE n.operation <> 'DELETE'
		), part AS MATERIALIZED (
			-- pieces by line, lines of returns by return
			SELECT p.table_name, p.key[1] AS whole, jsonb_agg(p.fields ORDER BY p.key) AS fields
			FROM live p WHERE p.table_name IN ('fulfillment_line', 'return_line') GROUP BY 1, 2
		), whole AS (
			SELECT w.table_name, jsonb_agg(CASE w.table_name
				WHEN 'order_line' THEN w.fields || jsonb_build_object('pieces', coalesce(p.fields, '[]'))
				WHEN 'return_order' THEN w.fields || jsonb_build_object('lines', coalesce(p.fields, '[]'))
				ELSE w.fields END ORDER BY w.key) AS fields
			FROM live w
				LEFT JOIN part p ON p.whole = w.key[1]
					AND p.table_name = CASE w.table_name WHEN 'order_line' THEN 'fulfillment_line' WHEN 'return_order' THEN 'return_line' END
			GROUP BY 1
		)
		SELECT o.fields || jsonb_build_object(
			'lines', coalesce((SELECT w.fields FROM whole w WHERE w.table_name = 'order_line'), '[]'),
			'holds', coalesce((SELECT w.fields FROM whole w WHERE w.table_name = 'hold'), '[]'),
			'shipments', coalesce((SELECT w.fields FROM whole w WHERE w.table_name = 'shipment'), '[]'),
			'returns', coalesce((SELECT w.fields FROM whole w WHERE w.table_name = 'return_order'), '[]'))
		FROM live o WHERE o.table_name = 'sales_order');
END
$$;
COMMENT ON FUNCTION usom.order_as_of(text, timestamptz) IS
'The order as it was: one document made from the audit, with the keys of the order document and with status, version and total; in lines the counters and pieces; beside them holds, shipments, returns.
order_no: the order. at: the time, to the microsecond; ''infinity'' gives the order as it is. A change counts from the moment its call ended, also while its transaction had not committed yet. The timeline tells when transactions began: a time taken from there, and now() in the transaction itself, gives the order after what the transaction did to it.
Amounts in the currency of the order, quantities in units of the product, times in the time zone of the session. Codes of products, channels, customers, locations are those of today; they do not change.
For who may read usom.audit_entry. Names, streets and instructions are shown to those who may read usom.vault_key, until the person is erased.
Errors: US105 unknown order, or it was not there yet; US910 where its first entries are in an archive.
Example: SELECT jsonb_pretty(usom.order_as_of(''SO-000001'', ''2026-12-01 08:30+00''));';

CREATE FUNCTION usom._order_entity(table_name text, image jsonb) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan -- planning costs more than running
AS $$
BEGIN
	RETURN CASE table_name
		WHEN 'sales_order' THEN 'order'
		WHEN 'order_line' THEN format('line %s', image->>'line_no')
		WHEN 'fulfillment_line' THEN format('line %s piece %s', image->>'line_no', image->>'piece_no')
		WHEN 'hold' THEN concat_ws(' ', 'hold', image->>'hold_type', 'of line ' || (image->>'line_no'), 'piece ' || (image->>'piece_no'))
		WHEN 'shipment' THEN format('shipment %s', image->>'shipment_no')
		WHEN 'return_order' THEN format('return %s', image->>'return_no')
		WHEN 'return_line' THEN format('return %s line %s', (SELECT r.return_no FROM usom.return_order r
			WHERE r.org_id = (image->>'org_id')::bigint AND r.return_order_id = (image->>'return_order_id')::bigint), image->>'line_no')
	END;
END
$$;
COMMENT ON FUNCTION usom._order_entity(text, jsonb) IS 'What people call a row of an order: line 1, line 1 piece 2, hold fraud.';
REVOKE ALL ON FUNCTION usom._order_entity(text, jsonb) FROM PUBLIC;

CREATE FUNCTION usom.order_changes(order_no text)
RETURNS TABLE (occurred_at timestamptz, who text, verb text, reason text, entity text, field text, before text, after text)
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan -- planning costs more than running
AS $$
#variable_conflict use_column
DECLARE
	id CONSTANT bigint := usom._order_id(order_no);
BEGIN
	PERFORM usom._check_at_hand(id);
	RETURN QUERY
		WITH entry AS (
			-- what was written together is shown together: the order, then its lines, and so on
			SELECT e.*, min(e.entry_no) OVER (PARTITION BY e.transaction_id, e.occurred_at) AS batch
			FROM usom.audit_entry e
			WHERE e.org_id = usom.current_org() AND e.sales_order_id = id AND e.table_name = ANY (usom._order_tables())
		)
		SELECT e.occurred_at,
			CASE WHEN e.app_user IS NULL THEN e.active_role ELSE e.app_user || ' (' || e.active_role || ')' END,
			coalesce(e.verb, lower(e.operation)), e.reason,
			usom._order_entity(e.table_name, coalesce(i.after, i.before)), d.field, d.before, d.after
		FROM entry e
			CROSS JOIN LATERAL ROWS FROM (usom._audit_rows(e.before), usom._audit_rows(e.after)) WITH ORDINALITY AS i (before, after, n)
			CROSS JOIN LATERAL (
				SELECT coalesce(a.key, b.key) AS field, coalesce(a.n, b.n) AS n, b.value AS before, a.value AS after
				FROM json_each_text(usom._order_fields(e.table_name, i.before)) WITH ORDINALITY AS b (key, value, n)
					FULL JOIN json_each_text(usom._order_fields(e.table_name, i.after)) WITH ORDINALITY AS a (key, value, n) USING (key)
				WHERE a.value IS DISTINCT FROM b.value
					AND NOT (coalesce(a.key, b.key) LIKE 'quantity\_%' AND coalesce(a.value, '0') = coalesce(b.value, '0'))) d
		ORDER BY e.batch, array_position(usom._order_tables(), e.table_name), e.entry_no, i.n, d.n;
END
$$;
COMMENT ON FUNCTION usom.order_changes(text) IS
'What became of an order, like a diff: one row for each field of the order, its lines, pieces, holds, shipments and returns that came, changed or went, in the order it happened.
order_no: the order.
Returns when, who (the user that the application claimed and the role, or the role alone), verb (the function; insert, update or delete for plain SQL), reason, entity (order, line 1, line 1 piece 2, hold fraud), field, its value before (null: none) and after (null: gone).
For who may read usom.audit_entry. Names, streets and instructions are shown to those who may read usom.vault_key, until the person is erased.
Errors: US105 unknown order; US910 where its first entries are in an archive.
Example: SELECT occurred_at, who, verb, entity, field, before, after FROM usom.order_changes(''SO-000001'');';
