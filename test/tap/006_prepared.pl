# A transaction that is prepared does no harm: it holds what it wrote, through a
# restart, and nobody else waits who does not want the same units.  The audit is
# sealed past it, and what it wrote when it commits.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use Test::More;

my $node = new_node('prepared');
new_database($node, 'desk');
seed($node, 'desk', 3, 10);

sub place { my ($sku, $quantity) = @_; return "SELECT order_no FROM usom.place_order('" . order_json([ [ $sku, $quantity ] ]) . "');" }
sub position { return sql($node, 'desk', "SELECT on_hand, reserved, available FROM usom.stock_position WHERE sku = '$_[0]' AND location = 'L1'") }

# The same session goes on working after PREPARE.
my $state = sqlstate($node, 'desk', 'BEGIN; ' . place('P1', 4) . " PREPARE TRANSACTION 'one'; " . place('P2', 1) . " SELECT usom.receive_stock('L1', 'P3', 1)");
is($state, '00000', 'prepared, and the session goes on');
is(sql($node, 'desk', 'SELECT count(*) FROM usom.orders'), 1, 'the prepared order is not visible');
is(position('P1'), '10|0|10', 'nor its reservation');

# Others: another product at once; the same row waits no longer than it wants to.
is(sqlstate($node, 'desk', "SET statement_timeout = '2s'; " . place('P2', 1)), '00000', 'an order of another product is placed');
my $same = sqlstate($node, 'desk', "SET lock_timeout = '300ms'; " . place('P1', 4));
like($same, qr/^(00000|55P03)$/, "an order of the same product: placed or told to wait ($same)");
is(sqlstate($node, 'desk', "SET statement_timeout = '5s'; SELECT count(*) FROM usom.verify()"), '00000', 'verify() does not wait');
is_sound($node, 'desk', 'while prepared');

# Through a restart, then committed.
$node->restart;
is(sql($node, 'desk', 'SELECT count(*) FROM pg_prepared_xacts'), 1, 'prepared after a restart');
my $orders = sql($node, 'desk', 'SELECT count(*) FROM usom.orders');
sql($node, 'desk', "COMMIT PREPARED 'one'");
is(sql($node, 'desk', 'SELECT count(*) FROM usom.orders'), $orders + 1, 'committed: the order is there');
is_sound($node, 'desk', 'committed');

# Rolled back: nothing is left of it, and the units are free.
my $free = position('P3');
is(sqlstate($node, 'desk', 'BEGIN; ' . place('P3', 5) . " SELECT usom.reserve_stock('cart', 'L2', 'P3', 2, '1 hour'); PREPARE TRANSACTION 'two'"),
	'00000', 'prepared again');
sql($node, 'desk', "ROLLBACK PREPARED 'two'");
is(position('P3'), $free, 'rolled back: the stock is as before');
is(sqlstate($node, 'desk', "SET lock_timeout = '300ms'; " . place('P3', 10)), '00000', 'and free');
is_sound($node, 'desk', 'rolled back');

# ---- one is forgotten, while the desk goes on ----

sub seal { return sql($node, 'desk', "SET statement_timeout = '5s'; SELECT coalesce(sum(entries), 0) FROM usom.seal_audit()") }
sub unsealed { return sql($node, 'desk', 'SELECT count(*) FROM usom.audit_entry e WHERE NOT EXISTS (SELECT FROM usom.audit_block b WHERE b.org_id = e.org_id AND e.audit_entry_id = ANY (b.entry_ids))') }
sub blocks { return sql($node, 'desk', 'SELECT count(*) FROM usom.audit_block') }

seal();
is(unsealed(), 0, 'all that has committed is sealed');
my $before = sql($node, 'desk', 'SELECT usom.export_digest()');
is(sqlstate($node, 'desk', 'BEGIN; ' . place('P1', 1) . ' ' . place('P1', 1) . " INSERT INTO usom.product (sku) VALUES ('P9'); PREPARE TRANSACTION 'old'"), '00000', 'forgotten');

# A day's work, in which every statement fails that waits.
my $day = sqlstate($node, 'desk', <<'SQL');
SET statement_timeout = '10s';
SET lock_timeout = '1ms';
CREATE TEMP TABLE done AS SELECT n, p.order_no FROM generate_series(1, 20) n,
	LATERAL usom.place_order(jsonb_build_object('lines', jsonb_build_array(jsonb_build_object('sku', 'P' || 2 + n % 2, 'quantity', 1, 'unit_price', 1)))) p;
SELECT usom.release_order(order_no) FROM done WHERE n <= 10;
SELECT usom.ship(order_no) FROM done d WHERE n <= 10 AND EXISTS (SELECT FROM usom.order_lines l WHERE l.order_no = d.order_no AND l.quantity_released > 0);
SELECT usom.cancel_order(order_no, 'enough') FROM done WHERE n > 15;
UPDATE usom.sales_order SET priority = 1 WHERE order_no IN (SELECT order_no FROM done WHERE n BETWEEN 11 AND 15);
SELECT usom.hold_order(order_no, 'credit', NULL) FROM done WHERE n = 12;
SELECT usom.receive_stock('L1', 'P2', 5), usom.reserve_stock('cart', 'L2', 'P3', 1, '1 hour');
INSERT INTO usom.customer (code) VALUES ('C9');
SQL
is($day, '00000', 'no other order waits');
cmp_ok(seal(), '>', 100, 'nor the sealing');
is(unsealed(), 0, 'which leaves nothing that has committed');
sql($node, 'desk', "SET lock_timeout = '1ms'; SELECT * FROM usom.receive_stock('L1', 'P3', 1)");
sql($node, 'desk', "SET lock_timeout = '1ms'; CALL usom.tick()");
is(unsealed(), 0, 'nor the clock');
is_sound($node, 'desk', 'forgotten');
my $sealed = blocks();

# When it commits after all, its entries are older than what is sealed, and go into a block of their own.
$node->restart;
sql($node, 'desk', "COMMIT PREPARED 'old'");
my $late = unsealed();
cmp_ok($late, '>', 2, 'committed at last: entries that are in no block');
is_sound($node, 'desk', 'committed at last');
is(seal(), $late, 'are sealed');
is(blocks(), $sealed + 1, 'in a later block');
is(sql($node, 'desk', "SELECT bool_and(b.entry_ids[1] < o.last_id) FROM usom.audit_block b, usom.audit_block o WHERE b.block_no = $sealed + 1 AND o.block_no = $sealed"),
	't', 'though their keys are lower');
is(sql($node, 'desk', "SELECT bool_and(usom.check_inclusion(usom.inclusion_proof(i), usom.export_digest())) FROM usom.audit_block b, unnest(b.entry_ids) i WHERE b.block_no = $sealed + 1"),
	't', 'each proven');
is(sql($node, 'desk', "SELECT usom.check_consistency(usom.consistency_proof(d), d, usom.export_digest()) FROM (SELECT '$before'::jsonb) AS x (d)"),
	't', 'and nothing that was sealed before has changed');
is_sound($node, 'desk', 'sealed at last');

# Rolled back, its keys are gaps and no entries.
is(sqlstate($node, 'desk', 'BEGIN; ' . place('P3', 1) . " PREPARE TRANSACTION 'never'"), '00000', 'another');
sql($node, 'desk', "SELECT * FROM usom.receive_stock('L1', 'P2', 1)");
seal();
sql($node, 'desk', "ROLLBACK PREPARED 'never'");
seal();
is(unsealed(), 0, 'rolled back: nothing is left to seal');
is_sound($node, 'desk', 'rolled back, sealed');

# Of two that are old the first commits: a block has entries on both sides of what is settled.
is(sqlstate($node, 'desk', "BEGIN; INSERT INTO usom.product (sku) VALUES ('P10'); PREPARE TRANSACTION 'first'"), '00000', 'the first of two');
sql($node, 'desk', "SELECT * FROM usom.receive_stock('L1', 'P2', 1)");
seal();
is(sqlstate($node, 'desk', "BEGIN; INSERT INTO usom.product (sku) VALUES ('P11'); PREPARE TRANSACTION 'second'"), '00000', 'the second of two');
sql($node, 'desk', "COMMIT PREPARED 'first'");
sql($node, 'desk', "SELECT * FROM usom.receive_stock('L1', 'P2', 1)");
seal();
is(sql($node, 'desk', 'SELECT settled_to >= entry_ids[1] AND settled_to < last_id FROM usom.audit_block ORDER BY block_no DESC LIMIT 1'), 't', 'one block, settled in part');
sql($node, 'desk', "SELECT * FROM usom.receive_stock('L1', 'P2', 1)");
is_sound($node, 'desk', 'settled in part');
is(sql($node, 'desk', q{SELECT v::text FROM usom.audit_block b CROSS JOIN LATERAL (VALUES (b.sealed_at), (b.sealed_at + interval '1 us')) AS t (since),
	usom.verify_audit(since) v WHERE v.ok IS DISTINCT FROM true}), '', 'verify_audit() since the time of any block');
sql($node, 'desk', "COMMIT PREPARED 'second'");
seal();
is_sound($node, 'desk', 'both');

# A transaction that has sealed would keep others from sealing for as long as it is prepared.
sql($node, 'desk', "SELECT * FROM usom.receive_stock('L1', 'P2', 1)");
is(sqlstate($node, 'desk', "BEGIN; SELECT * FROM usom.seal_audit(); PREPARE TRANSACTION 'sealer'"), '0A000', 'who has sealed is not prepared');
is(unsealed(), 2, 'and has not sealed');
seal();
is(sqlstate($node, 'desk', "BEGIN; SELECT * FROM usom.seal_audit(); PREPARE TRANSACTION 'sealer'"), '0A000', 'with nothing to seal neither');
is(sqlstate($node, 'desk', "BEGIN; SELECT * FROM usom.seal_audit(); ROLLBACK; BEGIN; " . place('P3', 1) . " PREPARE TRANSACTION 'after'; ROLLBACK PREPARED 'after'"),
	'00000', 'in the next transaction of the session one may again');
done_testing();
