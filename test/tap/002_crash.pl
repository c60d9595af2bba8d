# The server dies in the middle of load.  Every acknowledged call is there,
# none is half done, and whoever got no answer asks again and gets one order.
#
# CRASH_ROUNDS	rounds, 6 unless set: immediate stop, kill -9 of the postmaster, kill -9 of a backend in turn
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use constant { CLIENTS => 6, PRODUCTS => 12 };

my $rounds = env_number('CRASH_ROUNDS', 6);
my $folder = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('crash', 'fsync = on', 'autovacuum_naptime = 1s', 'restart_after_crash = on');
new_database($node, 'desk');
seed($node, 'desk', PRODUCTS, 200_000);

# Every line that a client prints was committed before it was printed.
#	order EXTERNAL_ID ORDER_NO, cancelled ORDER_NO, shipment SHIPMENT_NO, received REFERENCE
sub client_script
{
	my ($round, $client) = @_;
	my $path = "$folder/$round.$client.sql";
	open my $file, '>', $path or die $!;
	for my $n (1 .. 4000)
	{
		my $id = "$round-$client-$n";
		my @lines = map { [ 'P' . (1 + int rand PRODUCTS), 1 + int rand 5 ] } 1 .. 1 + int rand 4;
		print $file "SELECT order_no AS no FROM usom.place_order('", order_json(\@lines, channel => 'web', external_id => $id), "') \\gset\n";
		print $file "\\echo order $id :no\n";
		my $next = $n % 4;
		print $file "SELECT usom.cancel_order(:'no', 'crash') IS NULL AS x \\gset\n\\echo cancelled :no\n" if $next == 1;
		print $file "SELECT usom.release_order(:'no') IS NULL AS x \\gset\nSELECT usom.ship(:'no') AS s \\gset\n\\echo shipment :s\n" if $next == 2;
		print $file "SELECT usom.receive_stock('L1', 'P1', 1, NULL, '$id') IS NULL AS x \\gset\n\\echo received $id\n" if $next == 3;
	}
	close $file or die $!;
	return $path;
}

sub start_clients
{
	my ($round) = @_;
	my @clients;
	for my $client (1 .. CLIENTS)
	{
		my $script = client_script($round, $client);
		my $told = "$folder/$round.$client.out";
		push @clients, {
			told => $told,
			run => IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port,
					'-d', 'desk', '-f', $script ], '<', \undef, '>', $told, '2>', "$folder/$round.$client.err"),
		};
	}
	return @clients;
}

sub one_backend { return sql($node, 'desk', q{SELECT pid FROM pg_stat_activity WHERE datname = 'desk' AND backend_type = 'client backend' AND pid <> pg_backend_pid() LIMIT 1}) }

my @deaths = (
	[ 'immediate stop', sub { $node->stop('immediate'); $node->start } ],
	[ 'kill -9 of the postmaster', sub { $node->kill9; start_again() } ],
	[ 'kill -9 of a backend', sub { kill 9, one_backend(); wait_for_server() } ],
);

# Children of a killed postmaster let go of the shared memory in their own time.
sub start_again
{
	for (1 .. 100)
	{
		return if $node->start(fail_ok => 1);
		sleep 0.1;
	}
	BAIL_OUT('the server does not start after kill -9');
}

sub wait_for_server
{
	sleep 0.2;
	ok($node->poll_query_until('desk', 'SELECT true'), 'the server is back by itself');
	return;
}

# What clients were told, by kind.
sub acknowledged
{
	my %told = map { $_ => [] } qw(order cancelled shipment received);
	for my $client (@_)
	{
		for my $line (split /\n/, slurp_file($client->{told}))
		{
			push @{ $told{$1} }, $2 if $line =~ /^(order|cancelled|shipment|received) (.+)$/;
		}
	}
	return \%told;
}

# How many of a list a query does not know.
sub missing
{
	my ($list, $columns, $where) = @_;
	return 0 unless @$list;
	my $values = join ', ', map { '(' . join(', ', map { "'$_'" } split / /) . ')' } @$list;
	return sql($node, 'desk', "SELECT count(*) FROM (VALUES $values) t ($columns) WHERE NOT EXISTS ($where)");
}

sub is_intact
{
	my ($what, $told) = @_;
	note("$what: acknowledged ", join ', ', map { scalar @{ $told->{$_} } . " $_" } sort keys %$told);
	cmp_ok(scalar @{ $told->{order} }, '>', 0, "$what: there was load");
	is(missing($told->{order}, 'external_id, order_no', 'SELECT FROM usom.orders o WHERE (o.external_id, o.order_no) = (t.external_id, t.order_no)'),
		0, "$what: every acknowledged order is there");
	is(missing($told->{cancelled}, 'order_no', q{SELECT FROM usom.orders o WHERE o.order_no = t.order_no AND o.status = 'cancelled'}),
		0, "$what: every acknowledged cancellation");
	is(missing($told->{shipment}, 'shipment_no', 'SELECT FROM usom.shipments s WHERE s.shipment_no = t.shipment_no'),
		0, "$what: every acknowledged shipment");
	is(missing($told->{received}, 'reference', 'SELECT FROM usom.stock_movement m WHERE m.reference = t.reference'),
		0, "$what: every acknowledged receipt");
	is(sql($node, 'desk', q{SELECT count(*) FROM usom.orders o WHERE NOT EXISTS (SELECT FROM usom.order_lines l WHERE l.order_no = o.order_no)}),
		0, "$what: no order without lines");
	is(sql($node, 'desk', q{SELECT count(*) FROM usom.order_lines l WHERE l.status <> 'open'
		AND l.quantity <> (SELECT coalesce(sum(p.quantity), 0) FROM usom.order_pieces p WHERE (p.order_no, p.line_no) = (l.order_no, l.line_no))}),
		0, "$what: every line has its pieces");
	is_sound($node, 'desk', $what);
	return;
}

# The call whose answer was lost is made again: one order, whether it had been committed or not.
sub ask_again
{
	my ($what, $round) = @_;
	for my $client (1 .. CLIENTS)
	{
		my @sent = slurp_file("$folder/$round.$client.sql") =~ /^(SELECT order_no AS no FROM usom\.place_order\(.*?\)) \\gset$/mg;
		my @answered = slurp_file("$folder/$round.$client.out") =~ /^order /mg;
		my $lost = $sent[ scalar @answered ];
		next unless defined $lost;
		my ($id) = $lost =~ /"external_id": "([^"]+)"/;
		my $first = sql($node, 'desk', $lost);
		is(sql($node, 'desk', $lost), $first, "$what: asked again, the same answer");
		is(sql($node, 'desk', "SELECT count(*) FROM usom.orders WHERE external_id = '$id'"), 1, "$what: and one order");
	}
	return;
}

for my $round (1 .. $rounds)
{
	my ($name, $die) = @{ $deaths[ ($round - 1) % @deaths ] };
	my $what = "round $round, $name";
	my @clients = start_clients($round);
	sleep 0.6 + rand 0.8;
	$die->();
	for (@clients) { eval { IPC::Run::finish($_->{run}) } }
	is_intact($what, acknowledged(@clients));
	ask_again($what, $round);
	unlink glob "$folder/$round.*";
}

my $check = 'CREATE EXTENSION IF NOT EXISTS amcheck';
is(sqlstate($node, 'desk', $check), '00000', 'amcheck') and is(
	sqlstate($node, 'desk', q{SELECT bt_index_parent_check(c.oid, true) FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_am a ON a.oid = c.relam
		JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'usom' AND amname = 'btree'}),
	'00000', 'every index agrees with its table');
done_testing();
