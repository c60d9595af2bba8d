# What somebody with all rights would do to the audit, as functions: a server
# whose database has a history to tamper with, and tools that make a forgery as
# consistent as can be.
package UsomTamper;
use strict;
use warnings;
use Exporter 'import';
use Test::More;
use UsomTest;

our @EXPORT = qw(make_history row_verdicts verdicts verdict);

# Orders in several states, sealed three times, then some more that no block
# has.  Returns the digests that were taken outside, oldest first.  A backup of
# the time of the second block stands beside the database.
#
# tamper.entry(n) is the n-th entry of the victim, an order with entries in
# each of the blocks; -1 the last of them that is sealed.
sub make_history
{
	my ($node, $database) = @_;
	new_database($node, $database);
	seed($node, $database, 6, 500);
	my @digests;
	for my $round (1 .. 4)
	{
		sql($node, $database, <<"SQL");
SET usom.app_user = 'clerk $round';
SET application_name = 'desk';
SELECT count(*) FROM generate_series(1, 5) n, usom.place_order(jsonb_build_object('channel', 'web', 'external_id', 'R$round-' || n, 'customer', 'C1',
	'lines', jsonb_build_array(jsonb_build_object('sku', 'P' || n, 'quantity', n, 'unit_price', 9.95)))) p;
SELECT usom.hold_order(o.order_no, 'customer', 'asked on the phone, round $round') FROM usom.orders o WHERE o.external_id = 'R1-1';
SELECT usom.release_hold(o.order_no, 'customer', 'answered, round $round') FROM usom.orders o WHERE o.external_id = 'R1-1';
SELECT usom.receive_stock('L1', 'P$round', 10, NULL, 'round $round');
SELECT usom.reserve_stock('cart $round', 'L2', 'P1', 1, interval '1 day');
INSERT INTO usom.price (sku, unit_price) VALUES ('P$round', 10 + $round);
SQL
		sql($node, $database, <<'SQL') if $round == 2;
SELECT usom.release_order(o.order_no) FROM usom.orders o WHERE o.external_id IN ('R1-2', 'R1-3');
SELECT usom.ship(o.order_no) FROM usom.orders o WHERE o.external_id IN ('R1-2', 'R1-3');
SELECT usom.deliver(s.shipment_no) FROM usom.shipments s;
SELECT usom.receive_return(usom.authorize_return(o.order_no, '[{"line_no": 1, "quantity": 1}]', 'broken'), '[{"line_no": 1, "quantity": 1}]')
FROM usom.orders o WHERE o.external_id = 'R1-2';
SELECT usom.cancel_order(o.order_no, 'no longer wanted') FROM usom.orders o WHERE o.external_id = 'R1-4';
SQL
		sql($node, $database, <<'SQL') if $round == 3;
SELECT usom.authorize_payment(o.order_no, 9, 'R3-auth') FROM usom.orders o WHERE o.external_id = 'R1-1';
SELECT usom.capture_payment(o.order_no, 9, 'R3-capture') FROM usom.orders o WHERE o.external_id = 'R1-1';
SELECT usom.refund_order(o.order_no, 1) FROM usom.orders o WHERE o.external_id = 'R1-1';
CREATE ROLE desk_agent;
SELECT usom.grant_access('desk_agent', 'agent');
INSERT INTO usom.customer_address (customer_id, address_no, line1, city, country) VALUES (usom.customer_id('C1'), 1, '1 High Street', 'London', 'GB');
INSERT INTO usom.retention (what, keep_for) VALUES ('guest', '1 year');
INSERT INTO usom.location (code) VALUES ('L9');
DO $$
DECLARE
	o text;
BEGIN
	INSERT INTO usom.location (code, wms) VALUES ('R3-WMS', 'R3');
	INSERT INTO usom.product (sku) VALUES ('R3-WMS');
	PERFORM usom.receive_stock('R3-WMS', 'R3-WMS', 5);
	SELECT p.order_no INTO o FROM usom.place_order('{"lines": [{"sku": "R3-WMS", "quantity": 2}]}') p;
	PERFORM usom.release_order(o);
	PERFORM usom.record_fulfillment(f.fulfillment_no, 'R3', 'accepted', reference => 'R3') FROM usom.fulfillments f WHERE f.order_no = o;
	INSERT INTO usom.cut_off (code, location, minutes) VALUES ('R3', 'R3-WMS', 0);
	PERFORM usom.cancel_line(o, 1, 1, 'R3');
END $$;
INSERT INTO usom.product (sku, kind) VALUES ('K1', 'kit');
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) VALUES (usom.product_id('K1'), usom.product_id('P1'), 2);
INSERT INTO usom.location_calendar (location_id, weekday, opens, closes) VALUES (usom.location_id('L9'), 1, '08:00', '16:00');
INSERT INTO usom.location_capacity (location_id, orders) VALUES (usom.location_id('L9'), 50);
SELECT usom._change_capacity(ARRAY[ROW(usom.location_id('L9'), '2026-12-01', o.sales_order_id, 2)::usom._capacity_change])
FROM usom.sales_order o WHERE o.external_id = 'R1-1';
SELECT usom._begin_allocation('{}', 5, NULL);
INSERT INTO usom.handling_class (code) VALUES ('fragile');
INSERT INTO usom.packaging (code, handling) VALUES ('BOX', '{fragile}');
SELECT usom.place_order('{"external_id": "R3-PACKED", "lines": [{"sku": "P6", "quantity": 1}]}');
SELECT usom.wrap_gift(o.order_no, 1), usom.release_order(o.order_no) FROM usom.orders o WHERE o.external_id = 'R3-PACKED';
SELECT usom.pack(o.order_no, packaging => 'BOX') FROM usom.orders o WHERE o.external_id = 'R3-PACKED';
SELECT usom.ship(o.order_no, NULL, 'DHL', 'R3-TRACK') FROM usom.orders o WHERE o.external_id = 'R3-PACKED';
SELECT usom.close_manifest(s.location, 'DHL') FROM usom.shipments s WHERE s.tracking = 'R3-TRACK';
SELECT usom.record_tracking('R3-TRACK', 'in_transit');
SELECT usom.consolidate(array_agg(p.order_no), 'one parcel') FROM usom.place_orders('[{"customer": "C1", "ship_to": {"line1": "1 High Street", "country": "GB"}, "lines": [{"sku": "P6", "quantity": 1}]}, {"customer": "C1", "ship_to": {"line1": "1 High Street", "country": "GB"}, "lines": [{"sku": "P6", "quantity": 1}]}]') p;
INSERT INTO usom.bin (location_id, code) VALUES (usom.location_id('L1'), 'B1');
INSERT INTO usom.bin_product (bin_id, product_id) SELECT b.bin_id, usom.product_id('P6') FROM usom.bin b;
INSERT INTO usom.wave_rule (code) VALUES ('all');
SELECT usom.plan_wave(l.code, 'all') FROM usom.location l;
SELECT usom.claim_picks(t.location, 'ann') FROM (SELECT DISTINCT location FROM usom.pick_tasks) t;
INSERT INTO usom.service_level (code) VALUES ('express');
INSERT INTO usom.transit_time (service_level_id, days) SELECT service_level_id, 1 FROM usom.service_level;
INSERT INTO usom.freight_rate (service_level_id, carrier) SELECT service_level_id, 'DHL' FROM usom.service_level;
INSERT INTO usom.postcode_centroid (country, postcode, latitude, longitude) VALUES ('GB', 'LS1', 53.8, -1.5);
SELECT usom.add_supply('purchase', 'L1', 'P6', 5, '2030-01-01');
INSERT INTO usom.product (sku) VALUES ('P-SHORT');
INSERT INTO usom.substitute (sku, substitute_sku) VALUES ('P-SHORT', 'P1');
SELECT usom.propose_substitution((usom.place_order('{"external_id": "R3-SHORT", "lines": [{"sku": "P-SHORT", "quantity": 1, "unit_price": 1}]}')).order_no, 1), usom.watch_stock('C1', 'P-SHORT');
SELECT usom._tell(o.sales_order_id, 'filled', '{"line_no": 1}'), usom._raise_case(o.sales_order_id, 1, 'promise_late', NULL, 'late') FROM usom.sales_order o WHERE o.external_id = 'R1-1';
INSERT INTO usom.fill_priority (rank, expression, listed) VALUES (1, 'channel', '{edi}');
INSERT INTO usom.product (sku) VALUES ('P-RUN');
SELECT count(*) FROM usom.set_stock_stripes('P-RUN', 'L1', 2);
SELECT usom.receive_stock('L1', 'P-RUN', 1), usom.place_order('{"external_id": "R3-RUN", "lines": [{"sku": "P-RUN", "quantity": 1, "unit_price": 1}]}');
INSERT INTO usom.backorder_variant (code, skus) VALUES ('daily', ARRAY['P-RUN']);
INSERT INTO usom.backorder_segment (variant, rank, name, strategy) VALUES ('daily', 1, 'all', 'lose');
INSERT INTO usom.backorder_sort (variant, segment_rank, rank, expression, listed) VALUES ('daily', 1, 1, 'channel', '{edi}');
SELECT usom.backorder_run('daily');
INSERT INTO usom.sourcing_rule (code, channels, locations) VALUES ('near', ARRAY['edi'], ARRAY['L1']);
INSERT INTO usom.product (sku, decoupling) VALUES ('MADE', 'make_to_order');
SELECT usom.request_make(o.order_no, 1, 'L1') FROM usom.place_order('{"external_id": "R3-9", "lines": [{"sku": "MADE", "quantity": 2}]}') o;
INSERT INTO usom.tax_rate (country, percent) VALUES ('AQ', 19);
INSERT INTO usom.price_contract (customer, sku, currency, unit_price) VALUES ('C1', 'K1', 'EUR', 5);
INSERT INTO usom.price_break (sku, min_quantity, percent) VALUES ('K1', 10, 5);
INSERT INTO usom.promotion (code, percent, needs_coupon) VALUES ('TENTH', 10, true);
INSERT INTO usom.coupon (code, promotion) VALUES ('TENTH', 'TENTH');
SELECT usom.place_order('{"external_id": "R3-COUPON", "coupons": ["TENTH"], "lines": [{"sku": "P1", "quantity": 1, "unit_price": 1}]}');
SELECT usom.set_order_tax((usom.place_order('{"external_id": "R3-TAX", "lines": [{"sku": "P1", "quantity": 1, "unit_price": 1}]}')).order_no, '[{"line_no": 1, "amount": 0.19}]');
INSERT INTO usom.product_unit (sku, unit, quantity) VALUES ('P1', 'box', 12);
SELECT usom.place_order('{"external_id": "R3-BOX", "lines": [{"sku": "P1", "quantity": 1, "unit": "box", "unit_price": 10}]}');
INSERT INTO usom.freight_charge (country, order_price) VALUES ('AQ', 5);
INSERT INTO usom.pre_order_offer (sku, release_at) VALUES ('P5', now() + interval '1 year');
INSERT INTO usom.quota (code, quantity) VALUES ('all', 1000);
INSERT INTO usom.lot (sku, lot, expires_at) VALUES ('P6', 'L-1', '2099-01-01');
INSERT INTO usom.count_rule (code) VALUES ('all');
INSERT INTO usom.product (sku, tracking) VALUES ('P-SER', 'serial');
SELECT usom._follow_heat(usom.current_org(), usom.product_id('P6'), usom.location_id('L2'), 0, 2, 3, false);
SELECT usom.receive_serials('L1', 'P-SER', ARRAY['S1', 'S2']), usom.record_count('L1', 'P-SER', 2);
INSERT INTO usom.hold_rule (code, when_held) VALUES ('follows', 'nothing');
INSERT INTO usom.return_rule (code, inspects) VALUES ('looked at', true);
INSERT INTO usom.flow (code, description) VALUES ('flows', 'flows');
INSERT INTO usom.flow_transition (flow_id, from_state, to_state) SELECT usom.flow_id('flows'), 'confirmed', s FROM unnest(ARRAY['processing', 'cancelled']) s;
INSERT INTO usom.flow_guard (flow_id, from_state, to_state, guard, severity, message) VALUES (usom.flow_id('flows'), 'confirmed', 'processing', 'unheld', 'warn', 'flows');
INSERT INTO usom.flow_effect (flow_id, from_state, to_state, effect, argument, message) VALUES (usom.flow_id('flows'), 'confirmed', 'processing', 'event', 'flows', 'told');
SELECT usom.publish_flow('flows');
INSERT INTO usom.flow_rule (code, flow, order_type, channel) VALUES ('flows', 'flows', 'digital', 'marketplace');
INSERT INTO usom.product_restriction (sku, country) VALUES ('P1', 'AQ');
INSERT INTO usom.check_rule (check_code, customer, parameters) VALUES ('limits', 'C1', '{"lines": 1}'), ('duplicate', 'C1', '{}');
SELECT usom.place_order('{"external_id": "R3-CHECK", "customer": "C1", "lines": [{"sku": "P1", "quantity": 1, "unit_price": 1}, {"sku": "P2", "quantity": 1, "unit_price": 1}]}');
INSERT INTO usom.credit_account (customer_id, limit_amount) VALUES (usom.customer_id('C1'), 100000);
SELECT usom.place_order('{"external_id": "R3-CREDIT", "customer": "C1", "lines": [{"sku": "P6", "quantity": 1, "unit_price": 9.95}]}');
INSERT INTO usom.location (code, picks_up) VALUES ('STORE', true);
INSERT INTO usom.product (sku, kind) VALUES ('WORK', 'service'), ('P-DROP', 'physical');
INSERT INTO usom.technician (code) VALUES ('ANN');
INSERT INTO usom.technician_skill (technician_id, skill, valid_until) VALUES (usom.technician_id('ANN'), 'work', '2200-01-01');
INSERT INTO usom.technician_hours (technician_id, weekday, begins, ends) SELECT usom.technician_id('ANN'), d, '08:00', '16:00' FROM generate_series(1, 7) d;
INSERT INTO usom.service_work (product_id, skills) VALUES (usom.product_id('WORK'), '{work}');
SELECT count(*) FROM usom.receive_stock('STORE', 'P6', 1);
SELECT usom.ready_pickup(o.order_no) FROM usom.place_order('{"external_id": "R3-FETCH", "order_type": "pick_up", "lines": [{"sku": "P6", "quantity": 1, "unit_price": 1, "location": "STORE"}]}') o;
SELECT usom.receive_drop_ship(usom.add_supply('drop_ship', 'L1', 'P-DROP', 1, '2100-01-01', order_no => o.order_no, line_no => 1), 1, 'DN-1')
FROM usom.place_order('{"external_id": "R3-DROP", "order_type": "drop_ship", "lines": [{"sku": "P-DROP", "quantity": 1, "unit_price": 1}]}') o;
SELECT usom.complete_service(b.appointment_no, '{"work": "done"}')
FROM usom.place_order('{"external_id": "R3-WORK", "order_type": "service", "lines": [{"sku": "WORK", "quantity": 1, "unit_price": 1}]}') o, usom.book_appointment(o.order_no, 1, '2100-01-04 09:00+00') b;
INSERT INTO usom.product (sku, category) VALUES ('P-ASK', 'asked');
INSERT INTO usom.mapping (code, applies) VALUES ('asked', '$.asked == 1');
INSERT INTO usom.mapping_field (mapping_id, target, source) VALUES (usom.mapping_id('asked'), 'customer', '$.customer');
INSERT INTO usom.mapping_value (list, source, target) VALUES ('asked', 'a', 'b');
INSERT INTO usom.intake_policy (channel) VALUES ('web');
INSERT INTO usom.load_document (batch, document) VALUES ('R3', '{"lines": []}'), ('R3-OLD', '{"order_no": "R3-OLD", "placed_at": "2020-01-01T00:00:00Z", "lines": [{"sku": "P1", "quantity": 2, "cancelled": 2}]}');
SELECT usom._load_history('R3-OLD', 1, 0, 0);
SELECT usom.ingest('web', '{"lines": []}', 'R3-BROKEN'), usom.mend('MS-000001', '[{"path": ["x"], "value": 1}]');
SELECT usom.hand_over_draft(draft_no, 'bert') FROM usom.start_draft('{"lines": [{"sku": "P1", "quantity": 1}]}');
INSERT INTO usom.intake_policy (channel, open_after) VALUES ('rep', 1);
SELECT usom.ingest('rep', '{"lines": []}', 'R3-STOPPED'), usom.heartbeat('rep', 'asked');
INSERT INTO usom.field_owner (owner) VALUES ('asked');
SELECT usom.ingest('web', '{"lines": []}', 'R3-BROKEN'), usom.mend('MS-000002', '[{"path": ["x"], "value": 1}]');
INSERT INTO usom.approval_rule (code, category) VALUES ('asked', 'asked');
INSERT INTO usom.price_limit (code, sku, max_discount) VALUES ('asked', 'P-ASK', 10);
SELECT usom.score_order(o.order_no, 50), usom.override_price(o.order_no, 1, 2, 'scratched') FROM usom.place_order('{"external_id": "R3-ASK", "lines": [{"sku": "P-ASK", "quantity": 1, "unit_price": 1}]}') o;
INSERT INTO usom.customer (code, name, email) VALUES ('C2', 'B. Leaver', 'leaver@example.org'), ('C3', 'C. Stayer', 'stayer@example.org');
SELECT usom.erase_customer('C2', 'asked for it');
SELECT usom.place_order('{"external_id": "R3-6", "ship_to": {"name": "D. Guest", "line1": "2 Low Street", "city": "Leeds", "country": "GB"},
	"lines": [{"sku": "P6", "quantity": 1, "unit_price": 9.95}]}');
SQL
		next if $round == 4;
		sql($node, $database, 'SELECT count(*) FROM usom.seal_audit()');
		push @digests, sql($node, $database, 'SELECT usom.export_digest()');
		sql($node, 'postgres', "CREATE DATABASE ${database}_backup TEMPLATE $database") if $round == 2;
	}
	sql($node, $database, tools());
	return @digests;
}

# A forger's tools.  Each leaves the triggers off.
sub tools
{
	return <<'SQL';
CREATE SCHEMA tamper;
CREATE FUNCTION tamper.off() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	target regclass;
BEGIN
	FOR target IN SELECT oid FROM pg_class WHERE relnamespace = 'usom'::regnamespace AND relkind IN ('r', 'p') AND relhastriggers LOOP
		EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', target);
	END LOOP;
END $$;
CREATE FUNCTION tamper.on() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	remedy text;
	target regclass;
BEGIN
	FOR target IN SELECT oid FROM pg_class WHERE relnamespace = 'usom'::regnamespace AND relkind IN ('r', 'p') AND relhastriggers LOOP
		EXECUTE format('ALTER TABLE %s ENABLE TRIGGER ALL', target);
	END LOOP;
	FOR remedy IN SELECT p.remedy FROM usom._trigger_problems() p LOOP
		EXECUTE remedy;
	END LOOP;
END $$;
CREATE FUNCTION tamper.victim() RETURNS bigint LANGUAGE sql AS $$
	SELECT sales_order_id FROM usom.sales_order WHERE external_id = 'R1-1' $$;
-- by number; -1 the last one that is sealed, -2 the last one
CREATE FUNCTION tamper.entry(n integer) RETURNS bigint LANGUAGE sql AS $$
	SELECT e.audit_entry_id FROM usom.audit_entry e
	WHERE e.sales_order_id = tamper.victim()
		AND (n = -2 OR e.audit_entry_id IN (SELECT unnest(b.entry_ids) FROM usom.audit_block b))
		AND (n < 0 OR e.entry_no = n)
	ORDER BY e.entry_no DESC LIMIT 1 $$;
-- a key among those that are sealed, which no entry has
CREATE FUNCTION tamper.free_key() RETURNS bigint LANGUAGE sql AS $$
	SELECT min(n) FROM generate_series(tamper.entry(3), tamper.entry(-1)) n
	WHERE NOT EXISTS (SELECT FROM usom.audit_entry e WHERE e.audit_entry_id = n) $$;
CREATE FUNCTION tamper.rehash(id bigint) RETURNS void LANGUAGE sql AS $$
	UPDATE usom.audit_entry e SET digest = usom._audit_digest(e) WHERE e.audit_entry_id = id $$;
-- an entry and all that follow it in its order
CREATE FUNCTION tamper.rehash_from(id bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	entry usom.audit_entry;
	last bytea;
BEGIN
	SELECT p.digest INTO last FROM usom.audit_entry p, usom.audit_entry e
	WHERE e.audit_entry_id = id AND p.sales_order_id = e.sales_order_id AND p.entry_no = e.entry_no - 1;
	FOR entry IN SELECT f.* FROM usom.audit_entry f, usom.audit_entry e
		WHERE e.audit_entry_id = id AND f.sales_order_id = e.sales_order_id AND f.entry_no >= e.entry_no ORDER BY f.entry_no
	LOOP
		entry.previous := last;
		entry.digest := usom._audit_digest(entry);
		UPDATE usom.audit_entry e SET previous = entry.previous, digest = entry.digest WHERE e.audit_entry_id = entry.audit_entry_id;
		last := entry.digest;
	END LOOP;
END $$;
-- a block over those of its entries that are there now, and all blocks behind it
CREATE FUNCTION tamper.reseal(no integer, chained boolean DEFAULT true) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	block usom.audit_block;
BEGIN
	FOR block IN SELECT * FROM usom.audit_block b WHERE b.block_no = no OR chained AND b.block_no > no ORDER BY b.block_no LOOP
		block.entry_ids := ARRAY(SELECT e.audit_entry_id FROM usom.audit_entry e WHERE e.audit_entry_id = ANY (block.entry_ids) ORDER BY 1);
		block.last_id := block.entry_ids[cardinality(block.entry_ids)];
		block.root := usom._merkle_root(ARRAY(SELECT e.digest FROM usom.audit_entry e WHERE e.audit_entry_id = ANY (block.entry_ids) ORDER BY e.audit_entry_id));
		SELECT p.digest, p.entries_total + cardinality(block.entry_ids) INTO block.previous, block.entries_total
		FROM usom.audit_block p WHERE p.block_no = block.block_no - 1;
		block.entries_total := coalesce(block.entries_total, cardinality(block.entry_ids));
		block.digest := tamper.block_digest(block);
		DELETE FROM usom.audit_block b WHERE b.block_no = block.block_no;
		INSERT INTO usom.audit_block SELECT (block).*;
	END LOOP;
END $$;
CREATE FUNCTION tamper.block_digest(b usom.audit_block) RETURNS bytea LANGUAGE sql AS $$
	SELECT usom._block_digest(b.root, usom._block_header(b.org_id, b.node, b.block_no, b.sealed_at, b.entry_ids, b.entries_total, b.previous,
		b.system_id, b.sequence_at, b.next_xid, b.settled_to)) $$;
-- one row of a table is another, where any column lets itself be changed
CREATE FUNCTION tamper.change_row(target text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	col record;
	changed integer;
BEGIN
	FOR col IN SELECT a.attname, format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL) AS type
		FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
		WHERE a.attrelid = format('usom.%I', target)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attname <> 'code'
			AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey))
		ORDER BY a.attnum
	LOOP
		BEGIN
			EXECUTE format('UPDATE usom.%1$I SET %2$I = %3$s WHERE ctid = (SELECT min(ctid) FROM usom.%1$I WHERE org_id = 1 AND %2$I IS NOT NULL)', target, col.attname,
				CASE WHEN col.type = 'boolean' THEN format('NOT %I', col.attname)
					WHEN col.type ~ '^(timestamp|interval|time )' THEN format('%I + interval ''1 second''', col.attname)
					WHEN col.type = 'bytea' THEN format('set_byte(%1$I, 0, 255 - get_byte(%1$I, 0))', col.attname)
					WHEN col.type = 'text' THEN format('%I || ''x''', col.attname)
					WHEN col.type = 'text[]' THEN format('%I || ''x''::text', col.attname)
					ELSE format('%I + 1', col.attname) END);
			GET DIAGNOSTICS changed = ROW_COUNT;
			IF changed = 1 THEN
				RETURN col.attname;
			END IF;
		EXCEPTION WHEN OTHERS THEN
			NULL;				-- the next column
		END;
	END LOOP;
	RAISE EXCEPTION 'no row of % could be changed', target;
END $$;
SQL
}

# Run statements as who has all rights, ask verify_audit() without and with the
# digests that were kept outside, and take everything back.
sub verdicts
{
	my ($node, $database, $statements, @digests) = @_;
	my $kept = '[' . join(', ', @digests) . ']';
	my ($code, $out, $err) = $node->psql($database, <<"SQL", on_error_stop => 1);
SET client_min_messages = warning;
BEGIN;
SELECT tamper.off() \\g /dev/null
$statements;
SELECT CASE WHEN ok THEN 'true' ELSE kind END FROM usom.verify_audit();
SELECT CASE WHEN ok THEN 'true' ELSE kind END FROM usom.verify_audit(digests => '$kept');
ROLLBACK;
SQL
	return ("failed: $err", '') if $code != 0;
	my @lines = split /\n/, $out;
	return @lines[ -2, -1 ];
}

# The same for many statements that change rows alone, one after the other in
# one session, each taken back: with the digests only.
sub row_verdicts
{
	my ($node, $database, $cases, @digests) = @_;
	my $kept = '[' . join(', ', @digests) . ']';
	my $script = "SET client_min_messages = warning; BEGIN; SELECT tamper.off() \\g /dev/null\n";
	for my $statement (@$cases)
	{
		$script .= "SAVEPOINT untouched; $statement \\g /dev/null\n"
			. "SELECT 'verdict ' || CASE WHEN ok THEN 'true' ELSE kind END FROM usom.verify_audit(digests => '$kept');\n"
			. "ROLLBACK TO untouched; RELEASE untouched;\n";
	}
	my ($code, $out, $err) = $node->psql($database, $script . 'ROLLBACK;', on_error_stop => 1);
	diag($err) if $code != 0;
	return $out =~ /^verdict (.*)$/mg;
}

# The same of a database as it is.
sub verdict
{
	my ($node, $database, @digests) = @_;
	my $kept = '[' . join(', ', @digests) . ']';
	return sql($node, $database, "SELECT CASE WHEN ok THEN 'true' ELSE kind END FROM usom.verify_audit(digests => '$kept')");
}

1;
