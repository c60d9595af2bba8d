# The audit grows in partitions, goes to an archive, and comes back: made ahead
# of the keys, detached while orders are placed, verified with and without what
# is away, dumped, dropped, loaded and attached again.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use PostgreSQL::Test::Utils;
use Test::More;

use constant SPAN => 1 << 22;	# keys of the first partition

my $folder = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('growth', 'track_functions = none');
new_database($node, 'desk');
seed($node, 'desk', 4, 10_000);

sub does { return sql($node, 'desk', $_[0]) }
sub state_of { return sqlstate($node, 'desk', $_[0]) }
sub bounds { return does("SELECT string_agg(relation || ' ' || first_key || '-' || end_key, ', ' ORDER BY first_key) FROM usom._audit_partitions()") }
sub verdict { return does("SELECT concat_ws(' ', ok, kind) FROM usom.verify_audit()") }
sub as_of { return does("SELECT md5(usom.order_as_of(order_no, 'infinity')::text) FROM usom.orders WHERE external_id = '$_[0]'") }
sub archive { return does("SELECT archive, organisation, orders FROM usom.archive_audit('infinity')") }

# Tries something with the triggers of a table off, and undoes it.
sub tampered
{
	my ($change) = @_;
	my $seen = does(<<"SQL");
BEGIN;
SET session_replication_role = replica;
DO \$\$ DECLARE t regclass; BEGIN
	FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'usom'::regnamespace AND relkind IN ('r', 'p') AND relhastriggers LOOP
		EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', t);
	END LOOP;
END \$\$;
$change;
SELECT 'seen', kind FROM usom.verify_audit();
SELECT 'seen', 'archive' FROM usom._audit_partitions() p RIGHT JOIN usom.audit_archive a USING (relation), usom.check_archive(a.relation) LIMIT 1;
ROLLBACK;
SQL
	return join ' ', $seen =~ /^seen\|(\w+)$/mg;
}

# ---- made ahead ----
my $blocker = $node->background_psql('desk');
$blocker->query_safe(q{CREATE ROLE usom_test_nobody; SET ROLE usom_test_nobody; SELECT pg_advisory_lock(hashtextextended('usom._extend_audit', 0))});
is(bounds(), '_audit_entry_0_00001 0-' . SPAN, 'one partition to begin with');
does('CALL usom.tick()');
is(bounds(), '_audit_entry_0_00001 0-' . SPAN, 'and no other as long as half of it is free');
does(<<'SQL');
SELECT usom.place_order(jsonb_build_object('external_id', 'A-' || n, 'customer', 'C1', 'lines',
	jsonb_build_array(jsonb_build_object('sku', 'P1', 'quantity', n, 'unit_price', 2.5), jsonb_build_object('sku', 'P2', 'quantity', 1)))) FROM generate_series(1, 20) n;
SELECT usom.release_order(order_no), usom.ship(order_no) FROM usom.orders WHERE external_id <> 'A-20';
SELECT usom.deliver(shipment_no) FROM usom.shipments;
INSERT INTO usom.organisation (code) VALUES ('second');
SET usom.org = 'second';
INSERT INTO usom.location (code) VALUES ('S');
SQL
does(sprintf "SELECT setval('usom.id_seq', %d); CALL usom.tick()", SPAN / 2 + 1000);
like(bounds(), qr/^_audit_entry_0_00001 0-4194304, _audit_entry_0_00002 4194304-\d+$/, 'the next one is made when half is used');
$blocker->quit;
my $second = bounds() =~ s/.*, //r;
is(state_of("SELECT * FROM usom.archive_audit('infinity')"), '00000', 'the present one is never taken');
is(does("SELECT count(*) FROM usom.audit_archive"), 0, 'nothing went');
does(sprintf "SELECT setval('usom.id_seq', %d)", SPAN - 40);
does(<<'SQL');
SELECT usom.place_order(jsonb_build_object('external_id', 'B-' || n, 'lines', jsonb_build_array(jsonb_build_object('sku', 'P1', 'quantity', n, 'unit_price', 2.5)))) FROM generate_series(1, 20) n;
SQL
is(does('SELECT count(DISTINCT tableoid) FROM usom.audit_entry'), 2, 'entries are in both');
is(does("SELECT count(*) > 0 FROM usom.audit_entry e JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.external_id ~ '^B' GROUP BY o.external_id HAVING count(DISTINCT e.tableoid) > 1"), 't', 'those of an order, too');
is(verdict(), 't', 'what is not sealed is true');
my $many = does('SELECT count(*) FROM usom.seal_audit()');
is($many, 2, 'a block for each partition');
is(does('SELECT count(*) FROM usom.audit_block b WHERE (SELECT count(DISTINCT e.tableoid) FROM usom.audit_entry e WHERE e.org_id = b.org_id AND e.audit_entry_id = ANY (b.entry_ids)) > 1'), 0, 'no block is of two');
is(verdict(), 't', 'the same sealed');
is_sound($node, 'desk', 'two partitions');

# ---- refused ----
is(state_of("SELECT * FROM usom.archive_audit('infinity')"), 'US909', 'entries of open orders stay');
is(archive_before("now() - interval '1 hour'"), '', 'and what is young');
sub archive_before { return does("SELECT archive FROM usom.archive_audit($_[0])") }
does(<<'SQL');
SELECT usom.release_order(order_no), usom.ship(order_no) FROM usom.orders WHERE external_id = 'A-20' OR external_id ~ '^B-[1-9]$';
SELECT usom.deliver(shipment_no) FROM usom.shipments WHERE status = 'shipped';
SELECT usom.cancel_order(order_no, 'forgotten') FROM usom.orders WHERE status_group NOT IN ('Delivered', 'Cancelled') AND external_id <> 'B-20';
SQL
my $older = $node->background_psql('desk');
$older->query_safe('BEGIN; SELECT pg_current_xact_id(); SELECT usom.next_id()');
does('CALL usom.tick()');
is(does("SELECT usom._is_settled(0, usom._next_key() - 1, (SELECT max(system_id) FROM usom.audit_block))"), 'f', 'a key may be on its way while its transaction runs');
$older->query_safe('COMMIT');
$older->quit;
does('CALL usom.tick()');
my %before = map { $_ => as_of($_) } qw(A-1 B-1 B-20);
my $rows = does('SELECT count(*) FROM usom.audit_entry');

# ---- away, while orders are placed, and while somebody looks at what was ----
my $older_view = $node->background_psql('desk');
$older_view->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM usom.sales_order');
my ($in, $out, $err) = ('', '', '');
my $load = IPC::Run::start([ 'psql', '-X', '-At', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('desk') ], '<', \$in, '>', \$out, '2>', \$err);
$in .= qq{SELECT status FROM usom.place_order('{"external_id": "L-$_", "lines": [{"sku": "P3", "quantity": 1}]}');\n} for 1 .. 400;
$load->pump_nb;
is(archive(), '_audit_entry_0_00001|main|' . does('SELECT count(*) FROM usom.audit_head') . "\n_audit_entry_0_00001|second|0", 'the first partition goes');
$load->finish;
is($err, '', 'orders were placed meanwhile');
is(() = $out =~ /confirmed/g, 400, 'all of them');
is(bounds(), $second, 'it is a partition no more');
is(does("SELECT count(*) + (SELECT count(*) FROM usom._audit_entry_0_00001) - $rows > 1000 FROM usom.audit_entry"), 't', 'all entries are there, here or there');
is(does('SELECT sum(entries) - (SELECT count(*) FROM usom._audit_entry_0_00001) FROM usom.audit_archive'), 0, 'counted');
$older_view->query_safe(q{SELECT usom.authorize_return(order_no, '[{"line_no": 1, "quantity": 1}]', 'broken') FROM usom.orders WHERE external_id = 'A-3'; COMMIT});
$older_view->quit;
is(does(q{SELECT bool_and(e.entry_no > h.entry_no) FROM usom.audit_head h JOIN usom.sales_order o USING (org_id, sales_order_id)
	JOIN usom.audit_entry e USING (org_id, sales_order_id) WHERE o.external_id = 'A-3'}), 't', 'who has an old snapshot finds the end of a chain that went meanwhile');
is(does("SELECT count(*) FROM usom.check_archive('_audit_entry_0_00001')"), 0, 'what went is what was sealed');
is(verdict(), 't', 'the audit is true without it');
is(does("SELECT ok FROM usom.verify_audit(since => now() - interval '1 day')"), 't', 'of late, too');
is_sound($node, 'desk', 'archived');
is(state_of("SELECT usom.order_as_of(order_no, 'infinity') FROM usom.orders WHERE external_id = 'A-1'"), 'US910', 'what an old order was is away');
is(state_of("SELECT * FROM usom.order_changes((SELECT order_no FROM usom.orders WHERE external_id = 'A-1'))"), 'US910', 'and what changed it');
is(state_of('SELECT usom.inclusion_proof(min(audit_entry_id)) FROM usom._audit_entry_0_00001'), 'US910', 'and proofs of its entries');
is(as_of('B-20'), $before{'B-20'}, 'an open order knows all of itself');
is(state_of('INSERT INTO usom._audit_entry_0_00001 SELECT * FROM usom._audit_entry_0_00001 LIMIT 1'), 'US901', 'the archive is a ledger');
is(state_of("UPDATE usom.audit_archive SET entries = 1"), 'US004', 'what is noted of it is kept');
is(state_of('DROP TABLE usom._audit_entry_0_00001'), 'US003', 'and it is not dropped in passing');

# ---- chains go on ----
does(q{SELECT usom.authorize_return(order_no, '[{"line_no": 1, "quantity": 1}]', 'broken') FROM usom.orders WHERE external_id IN ('A-1', 'A-2')});
is(does(q{SELECT bool_and(e.entry_no = h.entry_no + 1 AND e.previous = h.digest) FROM usom.audit_head h JOIN usom.sales_order o USING (org_id, sales_order_id)
	JOIN LATERAL (SELECT * FROM usom.audit_entry f WHERE f.org_id = o.org_id AND f.sales_order_id = o.sales_order_id ORDER BY entry_no LIMIT 1) e ON true WHERE o.external_id IN ('A-1', 'A-2')}),
	't', 'a return of an old order goes on behind its last entry');
is(verdict(), 't', 'and that is true');
does('CALL usom.tick()');
is(verdict(), 't', 'sealed, too');

# ---- what is found all the same ----
is(tampered("UPDATE usom.sales_order SET external_id = 'forged' WHERE external_id = 'A-5'"), 'row_changed', 'a row that only the archive tells of, changed');
is(tampered("DELETE FROM usom.order_history WHERE sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE external_id = 'A-5')"), 'row_changed', 'deleted');
is(tampered("INSERT INTO usom.channel (code) VALUES ('forged')"), 'row_changed', 'inserted');
is(tampered("UPDATE usom.sales_order SET external_id = 'forged' WHERE external_id = 'L-5'"), 'row_changed', 'a row that the rest tells of');
is(tampered("UPDATE usom.sales_order SET version = version + 1 WHERE external_id = 'A-1'"), 'row_changed', 'a row that both tell of');
is(tampered("UPDATE usom.audit_head SET digest = sha256('x') WHERE sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE external_id = 'A-1')"), 'entry_relinked', 'the last entry before, forged');
is(tampered("DELETE FROM usom.audit_head"), 'entry_missing', 'or gone');
is(tampered("UPDATE usom.audit_opening SET total = set_byte(total, 3, get_byte(total, 3) # 1) WHERE table_name = 'product'"), 'row_changed', 'the total of what went, forged');
is(tampered("DELETE FROM usom.audit_opening; DELETE FROM usom.audit_archive"), 'entry_missing', 'the archive forgotten');
is(tampered("UPDATE usom._audit_entry_0_00001 SET reason = 'x' WHERE audit_entry_id = (SELECT min(audit_entry_id) FROM usom._audit_entry_0_00001)"), 'archive', 'an entry of the archive changed');
is(tampered("UPDATE usom._audit_entry_0_00001 e SET reason = 'x', digest = sha256('x') WHERE audit_entry_id = (SELECT min(audit_entry_id) FROM usom._audit_entry_0_00001)"), 'archive', 'with its digest');
is(tampered("DELETE FROM usom._audit_entry_0_00001 WHERE audit_entry_id = (SELECT min(audit_entry_id) FROM usom._audit_entry_0_00001)"), 'archive', 'deleted');
is(tampered("INSERT INTO usom._audit_entry_0_00001 SELECT (jsonb_populate_record(e, '{\"audit_entry_id\": 3000000}')).* FROM usom._audit_entry_0_00001 e WHERE sales_order_id IS NULL LIMIT 1"), 'archive', 'added');
is(tampered('SELECT 1'), '', 'and nothing where nothing is');

# ---- the database is dumped and restored with a part away ----
sub dump_of
{
	my ($database) = @_;
	my ($text, $complaint);
	IPC::Run::run([ 'pg_dump', '-h', $node->host, '-p', $node->port, $database ], '>', \$text, '2>', \$complaint) or die $complaint;
	$text =~ s/^\\(un)?restrict .*\n//mg;
	return $text;
}
my $dump = dump_of('desk');
append_to_file("$folder/desk.sql", $dump);
sql($node, 'postgres', 'CREATE DATABASE copy TEMPLATE template0');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, '-d', 'copy', '-f', "$folder/desk.sql" ], 'restored');
# rows go where a page has room: in another order, where pages are filled anew
my $sorted = sub { return join "\n", sort split /\n/, $_[0] };
ok($sorted->(dump_of('copy')) eq $sorted->($dump), 'dumps again identical');
is_sound($node, 'copy', 'a copy');
is(sql($node, 'copy', 'SELECT ok FROM usom.verify_audit()'), 't', 'its audit is true');
sql($node, 'copy', 'ALTER TABLE usom.audit_entry ATTACH PARTITION usom._audit_entry_0_00001 FOR VALUES FROM (0) TO (4194304)');
is(sql($node, 'copy', 'SELECT ok FROM usom.verify_audit()'), 't', 'where what is away was never taken away, as on a subscriber, too');
sql($node, 'copy', 'ALTER TABLE usom.audit_entry DETACH PARTITION usom._audit_entry_0_00001');
sql($node, 'copy', "SELECT usom.restore_audit('_audit_entry_0_00001')");
is(sql($node, 'copy', 'SELECT ok FROM usom.verify_audit()'), 't', 'with all of it');

# ---- dumped, dropped, loaded, attached ----
command_ok([ 'pg_dump', '-Fc', '-t', 'usom._audit_entry_0_00001', '-f', "$folder/archive", $node->connstr('desk') ], 'the archive is dumped');
does('SET usom.allow_drop = on; DROP TABLE usom._audit_entry_0_00001');
is(verdict(), 't', 'true without it');
is_sound($node, 'desk', 'dropped');
is(state_of("SELECT usom.restore_audit('_audit_entry_0_00001')"), 'US911', 'what is not there is not attached');
is(state_of("SELECT usom.restore_audit('sales_order')"), 'US911', 'nor what never was a part of it');
command_ok([ 'pg_restore', '-d', $node->connstr('desk'), "$folder/archive" ], 'loaded');
does('DROP TRIGGER usom_guard ON usom._audit_entry_0_00001; DROP POLICY usom_org ON usom._audit_entry_0_00001; DROP INDEX usom._audit_entry_0_00001_chain_has_no_fork');
does("SELECT usom.restore_audit('_audit_entry_0_00001'), usom.restore_audit('_audit_entry_0_00001')");
is(bounds(), "_audit_entry_0_00001 0-4194304, $second", 'attached');
is(does('SELECT count(*) FROM usom.audit_archive'), 0, 'it is away no more');
is(state_of('INSERT INTO usom._audit_entry_0_00001 SELECT * FROM usom._audit_entry_0_00001 LIMIT 1'), 'US901', 'a guard that was not loaded is there again');
is(does("SELECT count(*) FROM pg_policy WHERE polrelid = 'usom._audit_entry_0_00001'::regclass"), 1, 'and the policy');
is(does("SELECT to_regclass('usom._audit_entry_0_00001_chain_has_no_fork') IS NOT NULL"), 't', 'and the index of its chains');
is(verdict(), 't', 'the whole audit is true');
is(as_of($_), $before{$_}, "$_ is what it was") for 'B-1', 'B-20';
is_sound($node, 'desk', 'attached again');

# ---- keys that no partition was made for ----
does(sprintf "SELECT setval('usom.id_seq', %d)", 1 << 40);
is(does(q{SELECT (usom.place_order('{"external_id": "R-1", "lines": [{"sku": "P1", "quantity": 1}]}')).status}), 'confirmed', 'nobody waits for a partition');
is(does(q{SELECT count(*) > 0 FROM usom._audit_entry_rest}), 't', 'the rest takes the entries');
is(does(q{SELECT NOT ok FROM usom.doctor() WHERE "check" = 'partitions'}), 't', 'doctor tells');
does('CALL usom.tick()');
like(bounds(), qr/_audit_entry_0_00003 \d+-\d+$/, 'and tick() makes one ahead');
does(q{SELECT setval('usom.id_seq', (SELECT max(first_key) FROM usom._audit_partitions()))});
does(q{SELECT usom.cancel_order(order_no, 'why') FROM usom.orders WHERE external_id = 'R-1'});
is(does(q{SELECT string_agg(DISTINCT e.tableoid::regclass::text, ' ') FROM usom.audit_entry e JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE external_id = 'R-1'}),
	'usom._audit_entry_0_00003 usom._audit_entry_rest', 'the chain of an order goes on from there');
does('CALL usom.tick()');
is(verdict(), 't', 'the audit is true');
is(does('SELECT string_agg(problem, \', \') FROM usom.verify()'), '', 'and all is well');
done_testing();
