# What somebody with all rights would do to the audit, as functions: a server
# whose database has a history to tamper with, and tools that make a forgery as
# consistent as can be.
package UsomTamper;
use strict;
use warnings;
use Exporter 'import';
use Test::More;
use UsomTest;

our @EXPORT = qw(make_history copy_of drop_copy verdict);

# Orders in several states, sealed three times, then some more that no block
# has.  Returns the digests that were taken outside, oldest first.
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
		next if $round == 4;
		sql($node, $database, 'SELECT count(*) FROM usom.seal_audit()');
		push @digests, sql($node, $database, 'SELECT usom.export_digest()');
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
	FOR target IN SELECT oid FROM pg_class WHERE relnamespace = 'usom'::regnamespace AND relkind = 'r' AND relhastriggers LOOP
		EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', target);
	END LOOP;
END $$;
CREATE FUNCTION tamper.on() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	remedy text;
	target regclass;
BEGIN
	FOR target IN SELECT oid FROM pg_class WHERE relnamespace = 'usom'::regnamespace AND relkind = 'r' AND relhastriggers LOOP
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
-- a block over the entries that are there now, and all blocks behind it
CREATE FUNCTION tamper.reseal(no integer, chained boolean DEFAULT true) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	block usom.audit_block;
BEGIN
	FOR block IN SELECT * FROM usom.audit_block b WHERE b.block_no = no OR chained AND b.block_no > no ORDER BY b.block_no LOOP
		block.entry_ids := ARRAY(SELECT e.audit_entry_id FROM usom.audit_entry e WHERE e.audit_entry_id = ANY (block.entry_ids) ORDER BY 1);
		block.root := usom._merkle_root(ARRAY(SELECT e.digest FROM usom.audit_entry e WHERE e.audit_entry_id = ANY (block.entry_ids) ORDER BY e.audit_entry_id));
		block.previous := (SELECT p.digest FROM usom.audit_block p WHERE p.block_no = block.block_no - 1);
		block.digest := usom._block_digest(block);
		UPDATE usom.audit_block b SET entry_ids = block.entry_ids, root = block.root, previous = block.previous, digest = block.digest
		WHERE b.block_no = block.block_no;
	END LOOP;
END $$;
SQL
}

# A copy of the history to play with.
sub copy_of
{
	my ($node, $history) = @_;
	sql($node, 'postgres', "CREATE DATABASE copy TEMPLATE $history STRATEGY file_copy");
	return 'copy';
}

sub drop_copy
{
	my ($node) = @_;
	sql($node, 'postgres', 'DROP DATABASE copy');
	return;
}

# What verify_audit() says: "true", or the kind of what is bad.
sub verdict
{
	my ($node, $database, $digest) = @_;
	my $argument = defined $digest ? "digests => '$digest'" : '';
	return sql($node, $database, "SELECT CASE WHEN ok THEN 'true' ELSE kind END FROM usom.verify_audit($argument)");
}

1;
