# Logical replication of all tables: rows arrive as they are, the guards and the
# audit let the apply worker pass and nobody else, nothing is written twice, and
# the subscriber can take over.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $folder = PostgreSQL::Test::Utils::tempdir();
my $publisher = new_node('publisher', 'wal_level = logical', 'max_wal_senders = 5', 'max_replication_slots = 5');
new_database($publisher, 'desk');
seed($publisher, 'desk', 4, 100);

sub publisher_does { my ($text) = @_; return sql($publisher, 'desk', $text) }
sub subscriber_does { my ($text) = @_; return sql($main::subscriber, 'desk', $text) }
sub place { my ($id, @lines) = @_; return "usom.place_order('" . order_json(\@lines, external_id => $id) . "')" }

# An order in every status, by functions and by plain SQL, and what surrounds it.
sub work
{
	my ($round) = @_;
	publisher_does(<<"SQL");
SELECT usom.place_orders(jsonb_build_array(
	'{"external_id": "$round-shipped", "lines": [{"sku": "P1", "quantity": 2, "unit_price": 3}]}'::jsonb,
	'{"external_id": "$round-returned", "customer": "C1", "lines": [{"sku": "P2", "quantity": 2, "unit_price": 3}]}'::jsonb,
	'{"external_id": "$round-cancelled", "lines": [{"sku": "P1", "quantity": 1}, {"sku": "P3", "quantity": 500}]}'::jsonb,
	'{"external_id": "$round-held", "lines": [{"sku": "P4", "quantity": 1.5, "unit_price": 0.3333}]}'::jsonb,
	'{"external_id": "$round-draft", "draft": true, "lines": [{"sku": "P4", "quantity": 1}, {"sku": "P1", "quantity": 1}]}'::jsonb));
SELECT usom.release_order(order_no), usom.ship(order_no, carrier => 'DHL') FROM usom.orders WHERE external_id IN ('$round-shipped', '$round-returned');
SELECT usom.deliver(shipment_no) FROM usom.shipments s JOIN usom.orders o USING (order_no) WHERE o.external_id = '$round-returned';
SELECT usom.receive_return(usom.authorize_return(order_no, '[{"line_no": 1, "quantity": 1}]', 'broken')) FROM usom.orders WHERE external_id = '$round-returned';
SELECT usom.add_supply('purchase', 'L2', 'P3', 300, '2030-01-01', supply_no => '$round-PO');
UPDATE usom.sales_order SET status = 'cancelled' WHERE external_id = '$round-cancelled';
SELECT usom.hold_order(order_no, 'credit', 'later'), usom.change_order(order_no, '{"instructions": "ring twice"}') FROM usom.orders WHERE external_id = '$round-draft';
SELECT usom.hold_order(order_no, 'fraud', 'look') FROM usom.orders WHERE external_id = '$round-held';
DELETE FROM usom.order_line l USING usom.sales_order o WHERE (o.org_id, o.sales_order_id) = (l.org_id, l.sales_order_id) AND o.external_id = '$round-draft' AND l.line_no = 2;
SELECT usom.reserve_stock('$round-cart', 'L2', 'P2', 3, '1 hour'), usom.reserve_stock('cart', 'L2', 'P2', 1, '1 hour');
SELECT usom.release_stock(reservation_id) FROM usom.reservation WHERE owner = '$round-cart';
INSERT INTO usom.price (sku, currency, unit_price, valid_from) VALUES ('P1', 'EUR', 5, now());
UPDATE usom.price SET unit_price = 6;
DELETE FROM usom.price;
SELECT usom.set_order_tax((usom.place_order('{"external_id": "$round-tax", "lines": [{"sku": "P1", "quantity": 1, "unit_price": 1}]}')).order_no, '[{"line_no": 1, "amount": 0.19}]');
INSERT INTO usom.product_unit (sku, unit, quantity) VALUES ('P1', 'box $round', 12);
SELECT usom.place_order('{"external_id": "$round-box", "lines": [{"sku": "P1", "quantity": 1, "unit": "box $round", "unit_price": 10}]}');
INSERT INTO usom.tax_rate (country, tax_class, percent) VALUES ('AQ', '$round', 19);
UPDATE usom.tax_rate SET percent = percent + 1;
INSERT INTO usom.freight_charge (country, order_price, valid_to) VALUES ('AQ', 5, now());
DELETE FROM usom.freight_charge;
INSERT INTO usom.product (sku, kind) VALUES ('K$round', 'kit');
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) VALUES (usom.product_id('K$round'), usom.product_id('P1'), 2), (usom.product_id('K$round'), usom.product_id('P2'), 1);
SELECT usom.place_order('{"lines": [{"sku": "K$round", "quantity": 2}]}');
DELETE FROM usom.kit_component WHERE component_product_id = usom.product_id('P2');
INSERT INTO usom.organisation (code) VALUES ('$round');
INSERT INTO usom.customer (code, name, email) VALUES ('$round-kept', 'Ann', 'ann\@example.org'), ('$round-erased', 'Bob', 'bob\@example.org');
INSERT INTO usom.customer_address (customer_id, name, line1, city, country) SELECT customer_id, 'Ann', 'High Street 1', 'Leeds', 'GB' FROM usom.customer WHERE code LIKE '$round-%';
UPDATE usom.customer SET email = 'new\@example.org' WHERE code LIKE '$round-%';
INSERT INTO usom.pre_order_offer (sku, release_at, ended_at) VALUES ('P2', now() + interval '1 year', now());
INSERT INTO usom.quota (code, sku, quantity) VALUES ('$round', 'P1', 1000);
INSERT INTO usom.product (sku, tracking) VALUES ('$round-lot', 'lot'), ('$round-ser', 'serial');
SELECT usom.receive_stock('L2', '$round-lot', 5, '$round'), usom.receive_serials('L2', '$round-ser', ARRAY['1', '2', '3']);
UPDATE usom.lot SET expires_at = '2099-01-01' WHERE lot = '$round';
SELECT usom.block_lot('$round-lot', '$round', 'why'), usom.remove_serials('L2', '$round-ser', ARRAY['3'], 'why');
SELECT usom.assign_serials(order_no, 1, ARRAY['2']) FROM usom.place_order('{"lines": [{"sku": "$round-ser", "quantity": 1}]}');
INSERT INTO usom.count_rule (code, sku) VALUES ('$round', '$round-lot');
INSERT INTO usom.product (sku) VALUES ('$round-hot');
SELECT usom.receive_stock('L2', '$round-hot', 50), usom._follow_heat(usom.current_org(), usom.product_id('$round-hot'), usom.location_id('L2'), 0, 2, 3, false);
SELECT usom.plan_count('L2', 2), usom.record_count('L2', '$round-lot', 4, '$round'), usom.record_count('L2', '$round-lot', 4, '$round');
INSERT INTO usom.hold_rule (code, when_held) VALUES ('$round', '$round');
INSERT INTO usom.return_rule (code, sku, inspects) VALUES ('$round', 'P2', true);
SELECT usom.receive_blind_return(order_no, '[{"line_no": 1, "quantity": 1}]') FROM usom.orders WHERE external_id = '$round-returned';
SELECT usom.inspect_return(return_no, '[{"line_no": 1, "quantity": 1, "disposition": "scrap"}]') FROM usom.returns WHERE is_blind AND status = 'received';
INSERT INTO usom.flow (code, description) VALUES ('$round', '$round');
INSERT INTO usom.flow_transition (flow_id, from_state, to_state) SELECT usom.flow_id('$round'), 'confirmed', s FROM unnest(ARRAY['processing', 'cancelled']) s;
INSERT INTO usom.flow_guard (flow_id, from_state, to_state, guard, severity, message) VALUES (usom.flow_id('$round'), 'confirmed', 'processing', 'unheld', 'warn', '$round');
INSERT INTO usom.flow_effect (flow_id, from_state, to_state, effect, argument) VALUES (usom.flow_id('$round'), 'confirmed', 'processing', 'event', '$round');
SELECT usom.publish_flow('$round');
INSERT INTO usom.flow_rule (code, flow, order_type, channel, active) VALUES ('$round', '$round', 'digital', 'marketplace', false);
INSERT INTO usom.product_restriction (sku, country, valid_to) VALUES ('P1', upper(left('$round', 2)), now());
INSERT INTO usom.check_rule (check_code, customer, parameters) VALUES ('limits', '$round-kept', '{"lines": 1}'), ('duplicate', '$round-kept', '{}');
SELECT usom.place_order('{"customer": "$round-kept", "lines": [{"sku": "P1", "quantity": 1, "unit_price": 1}, {"sku": "P1", "quantity": 1, "unit_price": 1}]}');
UPDATE usom.check_rule SET severity = 'off';
INSERT INTO usom.credit_account (customer_id, currency, limit_amount) VALUES (usom.customer_id('$round-kept'), 'EUR', 1000);
INSERT INTO usom.product (sku, category) VALUES ('$round-ask', '$round-ask');
INSERT INTO usom.mapping (code, applies) VALUES ('$round', '\$.asked == 1');
INSERT INTO usom.mapping_field (mapping_id, target, source) VALUES (usom.mapping_id('$round'), 'customer', '\$.customer');
INSERT INTO usom.mapping_value (list, source, target) VALUES ('$round', 'a', 'b');
INSERT INTO usom.intake_policy (channel) VALUES ('$round');
INSERT INTO usom.load_document (batch, document) VALUES ('$round', '{"lines": []}');
INSERT INTO usom.channel (code) VALUES ('$round-stop');
INSERT INTO usom.intake_policy (channel, open_after) VALUES ('$round-stop', 1);
INSERT INTO usom.field_owner (field, owner) VALUES ('customer', '$round') ON CONFLICT DO NOTHING;
SELECT usom.ingest('$round-stop', '{"lines": []}', '$round-stopped'), usom.heartbeat('$round-stop', '$round');
INSERT INTO usom.load_document (batch, document) VALUES ('$round', '{"lines": []}'), ('$round-old', '{"order_no": "$round-old", "placed_at": "2020-01-01T00:00:00Z", "lines": [{"sku": "P1", "quantity": 2, "cancelled": 2}]}');
SELECT usom._load_history('$round-old', 1, 0, 0);
SELECT usom.ingest('web', '{"lines": []}', '$round-broken');
SELECT usom.start_draft('{"customer": "$round-kept", "lines": [{"sku": "P1", "quantity": 1}]}');
INSERT INTO usom.approval_rule (code, category) VALUES ('$round', '$round-ask');
INSERT INTO usom.price_limit (code, sku, max_discount) VALUES ('$round', '$round-ask', 10);
SELECT usom.score_order(o.order_no, 50), usom.override_price(o.order_no, 1, 2, 'scratched') FROM usom.place_order('{"lines": [{"sku": "$round-ask", "quantity": 1, "unit_price": 1}]}') o;
SELECT usom.place_order(jsonb_build_object('external_id', '$round-sent', 'customer', '$round-kept', 'ship_to', '{"name": "Eve", "line1": "Low Road 2", "country": "GB"}'::jsonb,
	'lines', '[{"sku": "P1", "quantity": 1}]'::jsonb));
SELECT usom.consolidate(array_agg(p.order_no), 'one parcel') FROM generate_series(1, 2) n, usom.place_order(jsonb_build_object('priority', n, 'customer', '$round-kept', 'ship_to', '{"line1": "Low Road 2"}'::jsonb,
	'lines', '[{"sku": "P2", "quantity": 1}]'::jsonb)) p;
INSERT INTO usom.bin (location_id, code) VALUES (usom.location_id('L2'), '$round');
INSERT INTO usom.bin_product (bin_id, product_id) SELECT b.bin_id, usom.product_id('P2') FROM usom.bin b WHERE b.code = '$round';
INSERT INTO usom.wave_rule (code) VALUES ('$round');
SELECT usom.plan_wave(l.code, '$round') FROM usom.location l;
SELECT usom.claim_picks(t.location, '$round', 2) FROM (SELECT DISTINCT location FROM usom.pick_tasks WHERE status = 'open') t;
SELECT usom.confirm_pick(t.task) FROM (SELECT task FROM usom.pick_tasks WHERE status = 'open' LIMIT 1) t;
SELECT usom.ship_consolidated(consolidation_no, 'DHL') FROM usom.consolidations WHERE shipped_at IS NULL;
SELECT usom._begin_allocation('{"channel": "web"}', 5, NULL);
INSERT INTO usom.location (code, wms) VALUES ('$round-wms', 'wms');
INSERT INTO usom.product (sku) VALUES ('$round-wms');
SELECT usom.receive_stock('$round-wms', '$round-wms', 5);
SELECT usom.set_stock_stripes('$round-wms', '$round-wms', 2);
SELECT usom.release_order(p.order_no) FROM usom.place_order('{"lines": [{"sku": "$round-wms", "quantity": 2}]}') p;
SELECT usom.record_fulfillment(fulfillment_no, '1', 'accepted') FROM usom.fulfillments WHERE location = '$round-wms';
INSERT INTO usom.cut_off (code, location, minutes) VALUES ('$round', '$round-wms', 0);
SELECT usom.cancel_line(order_no, 1, 1, 'why') FROM usom.fulfillments WHERE location = '$round-wms';
INSERT INTO usom.handling_class (code) VALUES ('$round');
INSERT INTO usom.packaging (code, handling) VALUES ('$round', ARRAY['$round']);
SELECT usom.place_order('{"external_id": "$round-packed", "lines": [{"sku": "P2", "quantity": 1}, {"sku": "P1", "quantity": 1}]}');
SELECT usom.wrap_gift(order_no, 1), usom.wrap_gift(order_no, 2), usom.release_order(order_no) FROM usom.orders WHERE external_id = '$round-packed';
SELECT usom.wrap_gift(order_no, 2, NULL), usom.pack(order_no, '[{"line_no": 1, "quantity": 1}]', '$round') FROM usom.orders WHERE external_id = '$round-packed';
SELECT usom.ship(order_no, '[{"line_no": 1, "quantity": 1}]', '$round', '$round-track') FROM usom.orders WHERE external_id = '$round-packed';
SELECT usom.close_manifest(location, '$round') FROM usom.shipments WHERE tracking = '$round-track';
SELECT usom.record_tracking('$round-track', 'failed');
SELECT usom.ship(order_no) FROM usom.orders WHERE external_id = '$round-packed';
SELECT usom.void_shipment(s.shipment_no, 'why') FROM usom.shipments s JOIN usom.orders o USING (order_no) WHERE o.external_id = '$round-packed' AND s.status = 'shipped';
SELECT usom.erase_customer('$round-erased', 'asked for it');
CREATE ROLE "$round";
SELECT usom.grant_access('$round', 'agent');
UPDATE usom.location SET priority = priority + 1 WHERE code = 'L2';
INSERT INTO usom.location (code, time_zone) VALUES ('$round', 'Europe/Berlin');
INSERT INTO usom.location_calendar (location_id, weekday, opens, closes) VALUES (usom.location_id('$round'), 1, '08:00', '24:00');
INSERT INTO usom.location_capacity (location_id, units) VALUES (usom.location_id('$round'), 10);
INSERT INTO usom.product (sku) VALUES ('$round-day');
SELECT usom.receive_stock('$round', '$round-day', 5);
SELECT usom.place_order('{"external_id": "$round-day", "lines": [{"sku": "$round-day", "quantity": 3}]}');
INSERT INTO usom.service_level (code) VALUES ('$round');
INSERT INTO usom.transit_time (service_level_id, days) SELECT service_level_id, 1 FROM usom.service_level WHERE code = '$round';
INSERT INTO usom.freight_rate (service_level_id, shipment_price) SELECT service_level_id, 4 FROM usom.service_level WHERE code = '$round';
INSERT INTO usom.postcode_centroid (country, postcode, latitude, longitude) VALUES ('GB', upper('$round'), 51.5, 0.1) ON CONFLICT DO NOTHING;
INSERT INTO usom.product (sku) VALUES ('$round-short');
INSERT INTO usom.substitute (sku, substitute_sku) VALUES ('$round-short', 'P1');
SELECT usom.propose_substitution((usom.place_order('{"external_id": "$round-short", "lines": [{"sku": "$round-short", "quantity": 1}]}')).order_no, 1), usom.watch_stock('$round-kept', '$round-short');
SELECT usom._tell(sales_order_id, 'filled', '{"line_no": 1}'), usom._raise_case(sales_order_id, 1, 'promise_late', '$round', 'late'), usom._settle_case(sales_order_id, 1, 'promise_late', 'before')
FROM usom.sales_order WHERE external_id = '$round-held';
INSERT INTO usom.fill_priority (rank, expression, direction) VALUES (length('$round'), 'value', 'desc') ON CONFLICT DO NOTHING;
INSERT INTO usom.product (sku) VALUES ('$round-run');
SELECT usom.receive_stock('L2', '$round-run', 1), usom.place_order('{"lines": [{"sku": "$round-run", "quantity": 1}]}');
INSERT INTO usom.backorder_variant (code, skus) VALUES ('$round', '{$round-run}');
INSERT INTO usom.backorder_segment (variant, rank, strategy) VALUES ('$round', 1, 'lose');
INSERT INTO usom.backorder_sort (variant, segment_rank, rank, expression) VALUES ('$round', 1, 1, 'priority');
SELECT usom.backorder_run('$round');
INSERT INTO usom.sourcing_rule (code, channels, locations, service_level) VALUES ('$round', '{edi}', '{$round}', '$round');
INSERT INTO usom.sourcing_rule (code, channels, when_short, next_rule) VALUES ('$round-first', '{edi}', 'next_rule', '$round');
INSERT INTO usom.location (code, picks_up) VALUES ('$round-store', true);
INSERT INTO usom.product (sku, kind) VALUES ('$round-work', 'service'), ('$round-drop', 'physical');
INSERT INTO usom.technician (code) VALUES ('$round-ann');
INSERT INTO usom.technician_skill (technician_id, skill) VALUES (usom.technician_id('$round-ann'), '$round');
INSERT INTO usom.technician_hours (technician_id, weekday, begins, ends) SELECT usom.technician_id('$round-ann'), d, '08:00', '16:00' FROM generate_series(1, 7) d;
INSERT INTO usom.service_work (product_id, skills) VALUES (usom.product_id('$round-work'), '{$round}');
SELECT count(*) FROM usom.receive_stock('$round-store', '$round-drop', 1);
SELECT usom.ready_pickup(o.order_no) FROM usom.place_order('{"order_type": "pick_up", "lines": [{"sku": "$round-drop", "quantity": 1, "location": "$round-store"}]}') o;
SELECT usom.receive_drop_ship(usom.add_supply('drop_ship', 'L2', '$round-drop', 1, '2100-01-01', order_no => o.order_no, line_no => 1), 1, 'DN-1')
FROM usom.place_order('{"order_type": "drop_ship", "lines": [{"sku": "$round-drop", "quantity": 1}]}') o;
SELECT usom.complete_service(b.appointment_no, '{"work": "done"}')
FROM usom.place_order('{"order_type": "service", "lines": [{"sku": "$round-work", "quantity": 1}]}') o, usom.book_appointment(o.order_no, 1, '2100-01-04 09:00+00') b;
INSERT INTO usom.product (sku, decoupling) VALUES ('$round-made', 'make_to_order') ON CONFLICT DO NOTHING;
SELECT usom.request_make(o.order_no, 1, 'L2') FROM usom.place_order('{"lines": [{"sku": "$round-made", "quantity": 2}]}') o;
SELECT usom.seal_audit();
SQL
	return;
}

# Name, number of rows and a digest over them, of every table of usom.
sub tables
{
	my ($node) = @_;
	my @names = split /\n/, sql($node, 'desk', q{SELECT relname FROM pg_class WHERE relnamespace = 'usom'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1});
	return sql($node, 'desk', join(' UNION ALL ', map { "SELECT '$_', count(*), md5(string_agg(md5(t::text), '' ORDER BY t::text COLLATE \"C\")) FROM usom.$_ t" } @names) . ' ORDER BY 1');
}

sub is_replicated
{
	my ($what) = @_;
	$publisher->wait_for_catchup('usom');
	is(tables($main::subscriber), tables($publisher), "$what: every table has the same rows");
	is_sound($publisher, 'desk', "$what, publisher");
	is_sound($main::subscriber, 'desk', "$what, subscriber");
	return;
}

# ---- the way of doc/operations.md: the schema of the publisher, empty tables, a node number of its own ----

work('before');
our $subscriber = new_node('subscriber', 'usom.node = 1', 'max_replication_slots = 5');
command_ok([ 'pg_dumpall', '--roles-only', '-f', "$folder/roles.sql", '-d', $publisher->connstr('postgres') ], 'roles are dumped');
command_ok([ 'pg_dump', '-s', '-f', "$folder/schema.sql", '-d', $publisher->connstr('desk') ], 'the schema is dumped');
$subscriber->safe_psql('postgres', 'CREATE DATABASE desk');
$subscriber->psql('postgres', "\\i $folder/roles.sql", on_error_stop => 0);
$subscriber->safe_psql('desk', "\\i $folder/schema.sql");
is(publisher_does(q{SELECT string_agg(c.relname, ', ') FROM pg_class c WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'p')
	AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)}), '', 'every table has a key to replicate by');
publisher_does('CREATE PUBLICATION usom FOR ALL TABLES WITH (publish_via_partition_root = true)');
$subscriber->safe_psql('desk', "CREATE SUBSCRIPTION usom CONNECTION \$\$" . $publisher->connstr('desk') . "\$\$ PUBLICATION usom");
$subscriber->wait_for_subscription_sync($publisher, 'usom', 'desk');
$subscriber->safe_psql('desk', 'SELECT usom.prepare_partitions()');
is_replicated('first copy');

# Roles belong to the server, not to the database.
$subscriber->safe_psql('desk', 'CREATE ROLE "after"');
work('after');
is_replicated('changes');
cmp_ok(subscriber_does(q{SELECT count(*) FROM usom.audit_entry}), '>', 100, 'the audit came along');
is(subscriber_does('SELECT count(*) FROM usom.audit_entry WHERE audit_entry_id >= 1::bigint << 53'), 0, 'and the apply worker wrote none of its own');

is(subscriber_does(q{SELECT string_agg(customer, ', ' ORDER BY customer) FROM usom.find_customers('NEW@example.org')}), 'after-kept, before-kept',
	'persons are known on the subscriber, those that were erased are not');

# ---- what a session of the subscriber remembers, it forgets when the apply worker changes it ----

my $handling = q{SELECT l.handling FROM usom._lanes(ARRAY[ROW(1, 0, NULL, NULL, NULL, 0)::usom._sourcing_group], ARRAY[usom.location_id('after')], now()) l};
my ($remembered, $complaints) = ('', '');
open my $script, '>', "$folder/session.sql" or die $!;
print $script <<"SQL";
$handling;
DO \$\$
BEGIN
	WHILE (SELECT handling_cost FROM usom.location WHERE code = 'after') = 0 LOOP
		COMMIT;
		PERFORM pg_sleep(0.05);
	END LOOP;
END
\$\$;
$handling;
SQL
close $script or die $!;
my $session = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', $subscriber->connstr('desk'), '-f', "$folder/session.sql" ],
	'>', \$remembered, '2>', \$complaints, IPC::Run::timeout(180));
$subscriber->poll_query_until('desk', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'DO%handling_cost%' AND pid <> pg_backend_pid()});
publisher_does(q{UPDATE usom.location SET handling_cost = 7 WHERE code = 'after'});
$session->finish;
is($complaints, '', 'the session ends well');
is($remembered, "0\n7\n", 'and sees what was replicated');

# ---- what a publisher without guards sends is not refused, but found ----

sub unguarded
{
	my ($text) = @_;
	my @triggers = split /\n/, publisher_does(q{SELECT quote_ident(tgname) FROM pg_trigger WHERE tgrelid = 'usom.sales_order'::regclass AND tgenabled = 'A'});
	publisher_does("ALTER TABLE usom.sales_order DISABLE TRIGGER USER; $text; " . join ' ', map { "ALTER TABLE usom.sales_order ENABLE ALWAYS TRIGGER $_;" } @triggers);
	return;
}

my $reopened = publisher_does(q{SELECT order_no FROM usom.orders WHERE external_id = 'after-cancelled'});
unguarded(q{UPDATE usom.sales_order SET status = 'confirmed' WHERE external_id = 'after-cancelled'});
$publisher->wait_for_catchup('usom');
for my $node ($publisher, $subscriber)
{
	cmp_ok(sql($node, 'desk', qq{SELECT count(*) FROM usom.verify() WHERE entity ~ '$reopened'}), '>', 0, $node->name . ': an order that was reopened with triggers off is named');
}
unguarded(q{UPDATE usom.sales_order SET status = 'cancelled' WHERE external_id = 'after-cancelled'});
is_replicated('put right');

# ---- who is no apply worker is guarded and audited as ever ----

my %refused = (
	q{UPDATE usom.stock SET on_hand = 0} => 'US004',
	q{DELETE FROM usom.sales_order} => 'US004',
	q{TRUNCATE usom.sales_order CASCADE} => 'US004',
	q{UPDATE usom.sales_order SET status = 'shipped' WHERE external_id = 'after-held'} => 'US101',
	q{UPDATE usom.sales_order SET status = 'confirmed' WHERE external_id = 'after-cancelled'} => 'US101',
	q{UPDATE usom.order_line SET quantity = 9 WHERE quantity_shipped > 0} => 'US004',
	q{DELETE FROM usom.fulfillment_line} => 'US004',
	q{DELETE FROM usom.audit_entry} => 'US901',
	q{UPDATE usom.order_history SET reason = 'none'} => 'US901',
	q{DELETE FROM usom.product} => 'US005');
for my $command (sort keys %refused)
{
	is(sqlstate($subscriber, 'desk', $command), $refused{$command}, "subscriber: $command");
	is(sqlstate($subscriber, 'desk', "SET session_replication_role = replica; $command"), $refused{$command}, "subscriber, as a replica: $command");
}
subscriber_does(q{INSERT INTO usom.product (sku) VALUES ('LOCAL')});
subscriber_does(q{SET session_replication_role = replica; UPDATE usom.product SET name = 'Local' WHERE sku = 'LOCAL'});
is(subscriber_does(q{SELECT string_agg(operation || ' ' || row_count, ', ' ORDER BY audit_entry_id) FROM usom.audit_entry
	WHERE table_name = 'product' AND audit_entry_id >= 1::bigint << 53}), 'INSERT 1, UPDATE 1', 'a local write is audited, once');
is_sound($subscriber, 'desk', 'after local writes');

# ---- the subscriber takes over ----

publisher_does('SELECT order_no FROM ' . place('last', [ 'P1', 3 ]));
publisher_does('SELECT usom.seal_audit()');
my $digest = publisher_does('SELECT usom.export_digest()');
$publisher->wait_for_catchup('usom');
is(subscriber_does('SELECT apply_error_count + sync_error_count FROM pg_stat_subscription_stats'), 0, 'no worker ever failed');
$publisher->stop;
$subscriber->safe_psql('desk', 'ALTER SUBSCRIPTION usom DISABLE');
$subscriber->safe_psql('desk', 'ALTER SUBSCRIPTION usom SET (slot_name = NONE)');
$subscriber->safe_psql('desk', 'DROP SUBSCRIPTION usom');
subscriber_does(<<'SQL');
SELECT setval('usom.order_no_seq', coalesce(max(substring(order_no FROM '\d+$')::bigint), 0) + 1, false) FROM usom.sales_order;
SELECT setval('usom.shipment_no_seq', coalesce(max(substring(shipment_no FROM '\d+$')::bigint), 0) + 1, false) FROM usom.shipment;
SELECT setval('usom.supply_no_seq', 1000);
SELECT setval('usom.make_no_seq', 1000);
SELECT setval('usom.return_no_seq', coalesce(max(substring(return_no FROM '\d+$')::bigint), 0) + 1, false) FROM usom.return_order;
SQL
is(subscriber_does("SELECT p.messages->0->>'code', o.order_no = p.order_no FROM " . place('last', [ 'P1', 3 ])
	. " p, usom.orders o WHERE o.external_id = 'last'"), 'repeated|t', 'taken over: a repeat is answered');
is(subscriber_does('SELECT status FROM ' . place('next', [ 'P1', 3 ])), 'confirmed', 'a new order is placed');
is(subscriber_does(q{SELECT r.status FROM usom.orders o, usom.release_order(o.order_no) r WHERE external_id = 'last'}), 'processing', 'an old one goes on');
is(subscriber_does(q{SELECT count(*) FROM usom.orders o, usom.ship(o.order_no) WHERE external_id = 'last'}), 1, 'and is shipped');
cmp_ok(subscriber_does('SELECT sum(entries) FROM usom.seal_audit()'), '>', 0, 'the new writer seals what it wrote');
is(subscriber_does("SELECT usom.check_consistency(usom.consistency_proof(d), d, d) FROM (SELECT '$digest'::jsonb) AS x (d)"), 't',
	'and can prove what the old one sealed');
is(subscriber_does("SELECT v.ok, v.detail FROM usom.verify_audit(digests => '$digest') v"), 't|', 'verify_audit() there says yes to what was kept of the old one');
is_sound($subscriber, 'desk', 'taken over');
done_testing();
