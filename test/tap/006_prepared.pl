# A transaction that is prepared does no harm: it holds what it wrote, through a
# restart, and nobody else waits who does not want the same units.
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
done_testing();
