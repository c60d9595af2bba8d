# A database comes through every way of dump and restore unchanged, and the
# next order continues with the next number.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('origin');
new_database($node, 'origin');
seed($node, 'origin', 6, 50);

# Orders in every stage: reserved, backordered, held, shipped in part, delivered, returned, cancelled, draft.
sql($node, 'origin', <<'SQL');
SET usom.app_user = 'tester';
CREATE TEMP TABLE o AS
	SELECT n, p.order_no
	FROM generate_series(1, 12) n,
		LATERAL usom.place_order(jsonb_build_object('channel', 'web', 'external_id', 'D-' || n, 'customer', 'C1', 'draft', n = 12,
			'ship_to', jsonb_build_object('name', 'Jörg', 'line1', E'a ''quoted'' \\ line', 'country', 'DE'),
			'lines', jsonb_build_array(
				jsonb_build_object('sku', 'P' || 1 + n % 6, 'quantity', 3 + n * 3, 'unit_price', 2.55),
				jsonb_build_object('sku', 'P' || 1 + (n + 1) % 6, 'quantity', 2.5, 'unit_price', 0.333)))) p;
SELECT usom.release_order(order_no) FROM o WHERE n BETWEEN 1 AND 6;
SELECT usom.ship(order_no, '[{"line_no": 1, "quantity": 2}]', 'DHL', 'T-' || n) FROM o WHERE n = 1;
SELECT usom.ship(order_no) FROM o WHERE n BETWEEN 2 AND 5;
SELECT usom.deliver(s.shipment_no) FROM usom.shipments s JOIN o USING (order_no) WHERE n IN (3, 4);
SELECT usom.receive_return(usom.authorize_return(order_no, '[{"line_no": 1, "quantity": 1}]', 'broken'),
	'[{"line_no": 1, "quantity": 1}]') FROM o WHERE n = 4;
SELECT usom.hold_order(order_no, 'fraud', 'look at it') FROM o WHERE n = 7;
SELECT usom.cancel_order(order_no, 'no longer wanted') FROM o WHERE n = 8;
SELECT usom.cancel_line(order_no, 1, 1, 'one less') FROM o WHERE n = 9;
SELECT usom.change_order(order_no, '{"lines": [{"line_no": 1, "quantity": 4}]}') FROM o WHERE n = 10;
SELECT usom.reserve_stock('cart', 'L2', 'P1', 1, interval '1 day');
INSERT INTO usom.sales_order (customer_id) VALUES (usom.customer_id('C1'));
SQL
is_sound($node, 'origin', 'origin');
cmp_ok(sql($node, 'origin', 'SELECT count(DISTINCT status) FROM usom.orders'), '>=', 4, 'orders in several states');

my $folder = PostgreSQL::Test::Utils::tempdir();
my $last = sql($node, 'origin', q{SELECT max(substring(order_no from '\d+')::bigint) FROM usom.orders});
my $dump = dump_text($node, 'origin');

sub dump_text
{
	my ($of, $database) = @_;
	my ($out, $err);
	IPC::Run::run([ 'pg_dump', '-h', $of->host, '-p', $of->port, $database ], '>', \$out, '2>', \$err) or die "pg_dump: $err";
	$out =~ s/^\\(un)?restrict .*\n//mg;
	return $out;
}

# A command against a database of the server; its complaints are a failure.
sub run_quietly
{
	my ($on, $what, @command) = @_;
	my ($out, $err);
	my $ok = IPC::Run::run([ @command[ 0 .. 0 ], '-h', $on->host, '-p', $on->port, @command[ 1 .. $#command ] ],
		'>', \$out, '2>', \$err);
	ok($ok && $err eq '', "$what: $command[0] is quiet") or diag($err);
	return;
}

sub psql_restore { my ($on, $what, $database, @more) = @_; return run_quietly($on, $what, 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $database, @more) }

# Whatever way it came, it is what it was and goes on.
sub is_restored
{
	my ($on, $what, $database) = @_;
	my $same = dump_text($on, $database);
	ok($same eq $dump, "$what: dumps again identical") or diag(difference($dump, $same));
	is_sound($on, $database, $what);
	my $next = sql($on, $database, "SELECT order_no FROM usom.place_order('" . order_json([ [ 'P1', 1 ] ]) . "')");
	is($next =~ s/\D+//r + 0, $last + 1, "$what: the next order has the next number");
	is(sqlstate($on, $database, 'UPDATE usom.stock SET on_hand = on_hand + 1'), 'US004', "$what: the guards stand");
	is_sound($on, $database, "$what, after the next order");
	return;
}

# The first lines that differ.
sub difference
{
	my ($left, $right) = map { [ split /\n/ ] } @_;
	my $i = 0;
	$i++ while $i < @$left && $i < @$right && $left->[$i] eq $right->[$i];
	return join "\n", "at line $i:", (map { '-' . ($_ // '') } @$left[ $i .. $i + 3 ]), (map { '+' . ($_ // '') } @$right[ $i .. $i + 3 ]);
}

my %dump_options = (
	plain     => [ '-Fp' ],
	custom    => [ '-Fc' ],
	directory => [ '-Fd' ],
	parallel  => [ '-Fd', '-j', 4 ],
);
run_quietly($node, "dump $_", 'pg_dump', @{ $dump_options{$_} }, '-f', "$folder/$_", 'origin') for sort keys %dump_options;

my %ways = (
	'plain'               => sub { psql_restore($node, $_[0], $_[1], '-f', "$folder/plain") },
	'plain, psql -1'      => sub { psql_restore($node, $_[0], $_[1], '-1', '-f', "$folder/plain") },
	'-Fc'                 => sub { run_quietly($node, $_[0], 'pg_restore', '-d', $_[1], "$folder/custom") },
	'-Fc, pg_restore -1'  => sub { run_quietly($node, $_[0], 'pg_restore', '-1', '-d', $_[1], "$folder/custom") },
	'-Fd'                 => sub { run_quietly($node, $_[0], 'pg_restore', '-d', $_[1], "$folder/directory") },
	'-Fd -j4'             => sub { run_quietly($node, $_[0], 'pg_restore', '-j', 4, '-d', $_[1], "$folder/parallel") },
	'sections'            => sub {
		run_quietly($node, "$_[0], $_", 'pg_restore', "--section=$_", '-d', $_[1], "$folder/custom") for qw(pre-data data post-data);
	},
);
my $number = 0;
for my $way (sort keys %ways)
{
	my $database = 'restored' . ++$number;
	sql($node, 'postgres', "CREATE DATABASE $database TEMPLATE template0");
	$ways{$way}->($way, $database);
	is_restored($node, $way, $database);
}

# Another server: roles first, as the documents tell.
my $other = new_node('other');
my ($roles, $err);
IPC::Run::run([ 'pg_dumpall', '-h', $node->host, '-p', $node->port, '--roles-only' ], '>', \$roles, '2>', \$err) or die $err;
$roles =~ s/^(CREATE|ALTER) ROLE "?(?!usom).*\n//mg;
append_to_file("$folder/roles", $roles);
sql($other, 'postgres', 'CREATE DATABASE restored TEMPLATE template0');
psql_restore($other, 'another server, roles', 'postgres', '-f', "$folder/roles");
run_quietly($other, 'another server', 'pg_restore', '-d', 'restored', "$folder/custom");
is_restored($other, 'another server', 'restored');

is(dump_text($node, 'origin'), $dump, 'nothing of this touched the original');
done_testing();
