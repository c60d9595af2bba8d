# Every way to tamper with the audit that we could think of is found by
# verify_audit() and named; those that need a digest kept outside are told apart.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTamper;
use UsomTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('tamper');
my @digests = make_history($node, 'desk');
is(scalar @digests, 3, 'three digests were kept outside');
is(sql($node, 'desk', 'SELECT count(*) FROM usom.audit_block'), 3, 'three blocks');
cmp_ok(sql($node, 'desk', 'SELECT count(*) FROM usom.audit_entry e WHERE e.sales_order_id = tamper.victim()'), '>=', 12, 'the victim has a history');
cmp_ok(sql($node, 'desk', 'SELECT tamper.entry(-2) - tamper.entry(-1)'), '>', 0, 'part of it is not sealed');
is(verdict($node, 'desk', @digests), 'true', 'untouched, with the digests');
is_deeply([ verdicts($node, 'desk', 'SELECT 1', @digests) ], [ 'true', 'true' ], 'triggers off alone are not for verify_audit() to see');
like(sql($node, 'desk', q{BEGIN; SELECT tamper.off(); SELECT string_agg("check", ', ') FROM usom.doctor() WHERE NOT ok; ROLLBACK}),
	qr/audit triggers/, 'but for doctor()');

my ($found, $outside) = (0, 0);

# A case: name, statements, kind that is named, kind with the outside digests if
# that is another ("true" without them: they are needed).
sub tampering
{
	my ($name, $statements, $kind, $kind_outside) = @_;
	my ($without, $with) = verdicts($node, 'desk', $statements, @digests);
	$kind_outside //= $kind;
	like($without, qr/^(?:$kind)$/, "$name: $kind");
	like($with, qr/^(?:$kind_outside)$/, "$name, with digests: $kind_outside");
	$found++ if $with ne 'true';
	$outside++ if $without eq 'true';
	return;
}

# ---- each column of an entry ----
my %edits = (
	org_id           => [ 'org_id + 1', 'entry_missing' ],
	audit_entry_id   => [ '(SELECT max(audit_entry_id) + 1000 FROM usom.audit_entry)', 'entry_missing' ],
	occurred_at      => "occurred_at - interval '1 microsecond'",
	transaction_id   => 'transaction_id + 1',
	table_name       => "'product'",
	operation        => "'DELETE'",
	row_count        => 'row_count + 1',
	sales_order_id   => 'sales_order_id + 1',
	entry_no         => 'entry_no + 1000',
	previous         => 'set_byte(previous, 0, 255 - get_byte(previous, 0))',
	session_role     => "'somebody'",
	active_role      => "'somebody'",
	app_user         => 'NULL',
	client_addr      => "'10.0.0.1'",
	application_name => "'desk '",
	verb             => "'place_orders'",
	reason           => "'another reason'",
	before           => 'after',
	after            => 'set_byte(after, length(after) - 1, 255 - get_byte(after, length(after) - 1))',
	digest           => 'set_byte(digest, 31, 255 - get_byte(digest, 31))',
);
is(join(' ', sort keys %edits), sql($node, 'desk', q{SELECT string_agg(attname, ' ' ORDER BY attname COLLATE "C") FROM pg_attribute
	WHERE attrelid = 'usom.audit_entry'::regclass AND attnum > 0 AND NOT attisdropped}), 'every column of audit_entry is edited');
for my $column (sort keys %edits)
{
	my ($value, $kind) = ref $edits{$column} ? @{ $edits{$column} } : ($edits{$column}, 'entry_changed');
	tampering("$column of an entry edited", "UPDATE usom.audit_entry SET $column = $value WHERE audit_entry_id = (SELECT tamper.entry(2))", $kind);
}
tampering('an entry that is not sealed edited', q{UPDATE usom.audit_entry SET reason = 'x' WHERE audit_entry_id = (SELECT tamper.entry(-2))}, 'entry_changed');

# ---- entries ----
my $victim = 'sales_order_id = tamper.victim()';
tampering('first entry of an order deleted', 'DELETE FROM usom.audit_entry WHERE audit_entry_id = (SELECT tamper.entry(1))', 'entry_missing');
tampering('middle entry of an order deleted', 'DELETE FROM usom.audit_entry WHERE audit_entry_id = (SELECT tamper.entry(4))', 'entry_missing');
tampering('last sealed entry of an order deleted', 'DELETE FROM usom.audit_entry WHERE audit_entry_id = (SELECT tamper.entry(-1))', 'entry_missing');
tampering('last entry of an order deleted, not sealed', 'DELETE FROM usom.audit_entry WHERE audit_entry_id = (SELECT tamper.entry(-2))', 'row_unknown|row_changed');
tampering('all entries of an order deleted', "DELETE FROM usom.audit_entry WHERE $victim", 'entry_missing');
tampering('an entry of no order deleted', 'DELETE FROM usom.audit_entry WHERE audit_entry_id = (SELECT min(audit_entry_id) FROM usom.audit_entry WHERE sales_order_id IS NULL)', 'entry_missing');
tampering('an entry of no order deleted, not sealed', 'DELETE FROM usom.audit_entry WHERE audit_entry_id = (SELECT max(audit_entry_id) FROM usom.audit_entry WHERE sales_order_id IS NULL)', 'row_unknown');
tampering('all entries of one user deleted', q{DELETE FROM usom.audit_entry WHERE app_user = 'clerk 2'}, 'entry_missing');
tampering('audit truncated', 'TRUNCATE usom.audit_entry', 'entry_missing');
my $forged = q{CREATE TEMP TABLE forged AS SELECT * FROM usom.audit_entry WHERE audit_entry_id = (SELECT tamper.entry(-1))};
tampering('entry inserted within what is sealed', "$forged; UPDATE forged SET audit_entry_id = tamper.free_key(), entry_no = entry_no + 500;
	UPDATE forged f SET digest = usom._audit_digest(f); INSERT INTO usom.audit_entry SELECT * FROM forged", 'entry_inserted|entry_missing');
tampering('entry inserted at the end of an order, with a key of old', "$forged;
	UPDATE forged f SET (audit_entry_id, entry_no, previous) = (SELECT tamper.free_key(), l.entry_no + 1, l.digest FROM usom.audit_entry l WHERE l.audit_entry_id = (SELECT tamper.entry(-2)));
	UPDATE forged f SET digest = usom._audit_digest(f); INSERT INTO usom.audit_entry SELECT * FROM forged", 'entry_inserted');
tampering('entry inserted at the end of an order, with a new key', "$forged;
	UPDATE forged f SET (audit_entry_id, entry_no, previous) = (SELECT usom.next_id(), l.entry_no + 1, l.digest FROM usom.audit_entry l WHERE l.audit_entry_id = (SELECT tamper.entry(-2)));
	UPDATE forged f SET digest = usom._audit_digest(f); INSERT INTO usom.audit_entry SELECT * FROM forged", 'change_missing|row_changed');
tampering('entry of no order inserted, with a key of old', "$forged; UPDATE forged SET audit_entry_id = tamper.free_key(), sales_order_id = NULL, entry_no = NULL, previous = NULL;
	UPDATE forged f SET digest = usom._audit_digest(f); INSERT INTO usom.audit_entry SELECT * FROM forged", 'entry_inserted');
tampering('two entries swapped', q{UPDATE usom.audit_entry e SET (occurred_at, reason, verb, before, after, operation, row_count) =
	(SELECT o.occurred_at, o.reason, o.verb, o.before, o.after, o.operation, o.row_count FROM usom.audit_entry o
		WHERE o.audit_entry_id = CASE e.audit_entry_id WHEN (SELECT tamper.entry(3)) THEN (SELECT tamper.entry(4)) ELSE (SELECT tamper.entry(3)) END)
	WHERE e.audit_entry_id IN ((SELECT tamper.entry(3)), (SELECT tamper.entry(4)))}, 'entry_changed');
tampering('two entries swapped with their numbers, made to fit', q{DROP INDEX usom._audit_entry_0_00001_chain_has_no_fork;
	UPDATE usom.audit_entry SET entry_no = CASE entry_no WHEN 3 THEN 4 ELSE 3 END WHERE audit_entry_id IN ((SELECT tamper.entry(3)), (SELECT tamper.entry(4)));
	SELECT tamper.rehash_from(e.audit_entry_id) FROM usom.audit_entry e WHERE e.sales_order_id = tamper.victim() AND e.entry_no = 3}, 'entry_rewritten', 'entry_rewritten');
tampering('one entry edited, its digest made to fit', q{UPDATE usom.audit_entry SET reason = 'x' WHERE audit_entry_id = (SELECT tamper.entry(3)); SELECT tamper.rehash(tamper.entry(3))}, 'entry_relinked');
tampering('the last sealed entry of an order edited, its digest made to fit', q{UPDATE usom.audit_entry SET reason = 'x' WHERE audit_entry_id = (SELECT tamper.entry(-1)); SELECT tamper.rehash(tamper.entry(-1))}, 'entry_relinked');
tampering('an entry of no order edited, its digest made to fit', q{UPDATE usom.audit_entry SET application_name = 'x'
	WHERE audit_entry_id = (SELECT min(audit_entry_id) FROM usom.audit_entry WHERE sales_order_id IS NULL);
	SELECT tamper.rehash(min(audit_entry_id)) FROM usom.audit_entry WHERE sales_order_id IS NULL}, 'entry_rewritten');
tampering('an entry edited, all that follow made to fit', q{UPDATE usom.audit_entry SET reason = 'x' WHERE audit_entry_id = (SELECT tamper.entry(3)); SELECT tamper.rehash_from(tamper.entry(3))}, 'entry_rewritten');
tampering('an entry deleted, those behind renumbered and made to fit', q{DELETE FROM usom.audit_entry WHERE audit_entry_id = (SELECT tamper.entry(4));
	UPDATE usom.audit_entry SET entry_no = -entry_no WHERE sales_order_id = tamper.victim() AND entry_no > 4;
	UPDATE usom.audit_entry SET entry_no = -entry_no - 1 WHERE sales_order_id = tamper.victim() AND entry_no < 0;
	SELECT tamper.rehash_from(e.audit_entry_id) FROM usom.audit_entry e WHERE e.sales_order_id = tamper.victim() AND e.entry_no = 4}, 'entry_missing');
tampering('an entry linked to another', q{UPDATE usom.audit_entry SET previous = (SELECT digest FROM usom.audit_entry WHERE audit_entry_id = (SELECT tamper.entry(2)))
	WHERE audit_entry_id = (SELECT tamper.entry(5)); SELECT tamper.rehash(tamper.entry(5))}, 'entry_relinked');
tampering('entries renumbered with a gap', q{UPDATE usom.audit_entry SET entry_no = entry_no + 1000 WHERE sales_order_id = tamper.victim() AND entry_no > 5}, 'entry_changed');
tampering('a number given twice', q{DROP INDEX usom._audit_entry_0_00001_chain_has_no_fork; SELECT tamper.entry(3) AS id \gset
	UPDATE usom.audit_entry SET entry_no = 2 WHERE audit_entry_id = :id; SELECT tamper.rehash(:id)}, 'entry_renumbered');
tampering('an entry moved to another order', q{SELECT tamper.entry(-1) AS id \gset
	UPDATE usom.audit_entry SET sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE external_id = 'R1-5'), entry_no = 9000
	WHERE audit_entry_id = :id; SELECT tamper.rehash(:id)}, 'entry_missing');
tampering('an image edited, all digests and blocks made to fit', q{UPDATE usom.audit_entry SET after = set_byte(after, 0, 7) WHERE audit_entry_id = (SELECT tamper.entry(3));
	SELECT tamper.rehash_from(tamper.entry(3)); SELECT tamper.reseal(1)}, 'image_unreadable', 'rewritten');
tampering('the number of rows edited, all digests and blocks made to fit', q{UPDATE usom.audit_entry SET row_count = 5 WHERE audit_entry_id = (SELECT tamper.entry(3));
	SELECT tamper.rehash_from(tamper.entry(3)); SELECT tamper.reseal(1)}, 'image_misfit', 'rewritten');

# ---- blocks ----
my %block_edits = (
	org_id => 'org_id + 1', node => 'node + 1', block_no => '7', sealed_at => "sealed_at + interval '1 second'", entry_ids => 'entry_ids[2:]',
	last_id => 'last_id + 1', entries_total => 'entries_total + 1', previous => 'set_byte(previous, 0, 255 - get_byte(previous, 0))', system_id => 'system_id + 1',
	sequence_at => 'sequence_at + 1', next_xid => 'next_xid + 1', settled_to => 'settled_to - 1', root => 'set_byte(root, 0, 255 - get_byte(root, 0))',
	digest => 'set_byte(digest, 0, 255 - get_byte(digest, 0))');
is(join(' ', sort keys %block_edits), sql($node, 'desk', q{SELECT string_agg(attname, ' ' ORDER BY attname COLLATE "C") FROM pg_attribute
	WHERE attrelid = 'usom.audit_block'::regclass AND attnum > 0 AND NOT attisdropped}), 'every column of audit_block is edited');
for my $column (sort keys %block_edits)
{
	tampering("$column of a block edited", "ALTER TABLE usom.audit_block DROP CONSTRAINT audit_block_seals_something;
		UPDATE usom.audit_block SET $column = $block_edits{$column} WHERE block_no = 2", $column =~ /^(org_id|node|block_no)$/ ? 'block_missing' : 'block_changed');
}
tampering('the first block deleted', 'DELETE FROM usom.audit_block WHERE block_no = 1', 'block_missing');
tampering('a block in the middle deleted', 'DELETE FROM usom.audit_block WHERE block_no = 2', 'block_missing');
tampering('an entry edited, made to fit, its block too', q{UPDATE usom.audit_entry SET reason = 'x' WHERE audit_entry_id = (SELECT tamper.entry(3));
	SELECT tamper.rehash_from(tamper.entry(3)); SELECT tamper.reseal(1, false)}, 'block_relinked');
tampering('an entry sealed a second time', q{ALTER TABLE usom.audit_block DROP CONSTRAINT audit_block_seals_something; UPDATE usom.audit_block SET entry_ids = entry_ids || tamper.entry(3) WHERE block_no = 3; SELECT tamper.reseal(3)}, 'entry_sealed_twice');
# Here the database alone has nothing to tell by.
tampering('the last block deleted', 'DELETE FROM usom.audit_block WHERE block_no = 3', 'true', 'truncated');
tampering('all blocks deleted', 'DELETE FROM usom.audit_block', 'true', 'truncated');
tampering('history rewritten by the owner, consistently', q{UPDATE usom.audit_entry SET reason = 'x' WHERE audit_entry_id = (SELECT tamper.entry(3));
	SELECT tamper.rehash_from(tamper.entry(3)); SELECT tamper.reseal(1)}, 'true', 'rewritten');
tampering('blocks made anew over fewer entries, and all rows of the order deleted with it', q{CREATE TEMP TABLE gone AS SELECT sales_order_id FROM usom.sales_order WHERE external_id = 'R1-5';
	DELETE FROM usom.audit_entry e WHERE e.sales_order_id IN (TABLE gone) AND e.table_name <> 'stock';
	DELETE FROM usom.fulfillment_line e WHERE e.sales_order_id IN (TABLE gone); DELETE FROM usom.order_history e WHERE e.sales_order_id IN (TABLE gone);
	DELETE FROM usom.credit_use e WHERE e.sales_order_id IN (TABLE gone);
	DELETE FROM usom.order_line e WHERE e.sales_order_id IN (TABLE gone); DELETE FROM usom.sales_order e WHERE e.sales_order_id IN (TABLE gone);
	UPDATE usom.audit_entry e SET sales_order_id = NULL, entry_no = NULL, previous = NULL WHERE e.sales_order_id IN (TABLE gone);
	UPDATE usom.audit_entry e SET digest = usom._audit_digest(e) WHERE sales_order_id IS NULL;
	SELECT tamper.reseal(1)}, 'true', 'rewritten');

# ---- rows; two tables have some only while a part of the audit is away: 019_growth.pl ----
my @rows;
for my $table (split /\n/, sql($node, 'desk', q{SELECT relation FROM usom._audited_tables() WHERE known AND relation NOT IN ('audit_archive', 'audit_opening')}))
{
	push @rows, [ "a row of $table changed with triggers off", "SELECT tamper.change_row('$table')", 'row_changed' ];
	next if $table eq 'organisation';	# nothing works for an organisation that is not there
	push @rows, [ "a row of $table deleted with triggers off", "DELETE FROM usom.$table WHERE ctid = (SELECT max(ctid) FROM usom.$table WHERE org_id = 1)", 'row_missing' ];
}
my @verdicts = row_verdicts($node, 'desk', [ map { $_->[1] } @rows ], @digests);
for my $case (@rows)
{
	my ($name, undef, $kind) = @$case;
	my $verdict = shift @verdicts // 'not told';
	is($verdict, $kind, "$name: $kind");
	$found++ if $verdict ne 'true';
}
tampering('a row inserted with triggers off', q{INSERT INTO usom.product (sku) VALUES ('FORGED')}, 'row_unknown');
tampering('a table truncated', 'TRUNCATE usom.reservation', 'row_missing');
tampering('a table dropped', 'SET LOCAL usom.allow_drop = on; DROP TABLE usom.reservation CASCADE', 'row_missing');
tampering('trigger off, an edit, trigger on, an honest change', q{SELECT tamper.on(); ALTER TABLE usom.product DISABLE TRIGGER audit_update;
	UPDATE usom.product SET name = 'forged' WHERE sku = 'P1'; ALTER TABLE usom.product ENABLE ALWAYS TRIGGER audit_update;
	UPDATE usom.product SET name = 'honest' WHERE sku = 'P1'}, 'change_missing');
tampering('triggers off, two edits that end where they began', q{UPDATE usom.product SET name = 'x' WHERE sku = 'P1'; UPDATE usom.product SET name = NULL WHERE sku = 'P1'}, 'true', 'true');
tampering('trigger dropped, then an edit', q{SELECT tamper.on(); DROP TRIGGER audit_update ON usom.product; UPDATE usom.product SET name = 'forged' WHERE sku = 'P1'}, 'row_changed');
tampering('trigger that calls nothing, then an edit', q{SELECT tamper.on(); CREATE OR REPLACE FUNCTION usom.audit_statement() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	UPDATE usom.product SET name = 'forged' WHERE sku = 'P1'}, 'row_changed');
tampering('rule that swallows entries', q{SELECT tamper.on(); CREATE TRIGGER quiet BEFORE INSERT ON usom.audit_entry FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
	DROP TRIGGER quiet ON usom.audit_entry; CREATE FUNCTION tamper.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	CREATE TRIGGER quiet BEFORE INSERT ON usom.audit_entry FOR EACH ROW EXECUTE FUNCTION tamper.swallow();
	ALTER TABLE usom.audit_entry ENABLE ALWAYS TRIGGER quiet; UPDATE usom.product SET name = 'forged' WHERE sku = 'P1'}, 'row_changed');
tampering('a parent table to write through', q{SELECT tamper.on(); CREATE TABLE tamper.parent (LIKE usom.product); ALTER TABLE usom.product INHERIT tamper.parent;
	UPDATE tamper.parent SET name = 'forged' WHERE sku = 'P1'}, 'row_changed');
tampering('a child table with rows of its own', q{SELECT tamper.on(); CREATE TABLE tamper.child () INHERITS (usom.stock);
	INSERT INTO tamper.child SELECT * FROM usom.stock LIMIT 1}, 'row_unknown|row_changed');
tampering('a policy that hides entries from their owner', q{ALTER TABLE usom.audit_entry FORCE ROW LEVEL SECURITY;
	CREATE POLICY hide ON usom.audit_entry AS RESTRICTIVE USING (reason IS NULL)}, 'entry_missing');

# session_replication_role puts nothing to sleep that matters.
is(sqlstate($node, 'desk', 'SET session_replication_role = replica; UPDATE usom.stock SET on_hand = 0'), 'US004', 'session_replication_role = replica: kept rows are guarded');
is(sql($node, 'desk', q{BEGIN; SET session_replication_role = replica; UPDATE usom.product SET name = 'told' WHERE sku = 'P1';
	SELECT count(*) FROM usom.audit WHERE after->>'name' = 'told'; SELECT ok FROM usom.verify_audit(); ROLLBACK}), "1\nt", 'session_replication_role = replica: master rows are audited');

# ---- an old backup ----
is(verdict($node, 'desk_backup'), 'true', 'an old backup is consistent in itself');
is(verdict($node, 'desk_backup', @digests), 'truncated', 'an old backup, with digests: truncated');
is(verdict($node, 'desk_backup', $digests[1]), 'true', 'with the digest of its own time it is what it was');
sql($node, 'desk_backup', "SELECT usom.receive_stock('L1', 'P2', 1); SELECT count(*) FROM usom.seal_audit()");
is(verdict($node, 'desk_backup'), 'true', 'an old backup that work went on in is consistent in itself');
is(verdict($node, 'desk_backup', @digests), 'rewritten', 'an old backup that work went on in, with digests: rewritten');
($found, $outside) = ($found + 2, $outside + 2);

# ---- files, with the server down ----
sub edit_file
{
	my ($table, $from, $to) = @_;
	my $path = $node->data_dir . '/' . sql($node, 'desk', "SELECT pg_relation_filepath('$table')");
	sql($node, 'desk', "VACUUM FREEZE $table");
	$node->stop;
	my $bytes = slurp_file($path);
	my $hits = () = $bytes =~ /\Q$from\E/g;
	my $saved = $bytes;
	$bytes =~ s/\Q$from\E/$to/g;
	write_file($path, $bytes);
	$node->start;
	cmp_ok($hits, '>', 0, "$table: the file was edited");
	my $verdict = verdict($node, 'desk');
	$node->stop;
	write_file($path, $saved);
	$node->start;
	return $verdict;
}

sub write_file
{
	my ($path, $bytes) = @_;
	open my $file, '>:raw', $path or die "$path: $!";
	print $file $bytes;
	close $file or die "$path: $!";
	return;
}

is(edit_file('usom._audit_entry_0_00001', 'asked on the phone', 'asked on the moon_'), 'entry_changed', 'heap file of the audit edited: entry_changed');
is(edit_file('usom.sales_order', 'R1-1', 'R1-9'), 'row_changed', 'heap file of orders edited: row_changed');
is(edit_file('usom.hold', 'answered, round 2', 'answered, round 9'), 'row_changed', 'heap file of holds edited: row_changed');
$found += 3;
is(verdict($node, 'desk', @digests), 'true', 'all put back');

cmp_ok($found, '>=', 40, "$found kinds of tampering found");
note("$outside of them by the outside digest alone");
done_testing();
