# Clients that write down what they were told, so that a test can ask after the
# server died whether it is there.
#
#	my $load = start_load($node, 'desk', 'name');
#	... the server dies ...
#	finish_load($load);
#	is_intact($node, 'desk', 'what happened', $load);
package UsomLoad;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Utils;
use Test::More;
use UsomTest;

our @EXPORT = qw(start_load finish_load is_intact ask_again);

use constant { CLIENTS => 6, PRODUCTS => 12, CALLS => 1500 };

my $folder = PostgreSQL::Test::Utils::tempdir();

# Every line that a client prints was committed before it was printed:
#	order EXTERNAL_ID ORDER_NO, cancelled ORDER_NO, shipment SHIPMENT_NO, received REFERENCE
sub write_script
{
	my ($path, $prefix) = @_;
	open my $file, '>', $path or die "$path: $!";
	for my $n (1 .. CALLS)
	{
		my $id = "$prefix-$n";
		my @lines = map { [ 'P' . (1 + int rand PRODUCTS), 1 + int rand 5 ] } 1 .. 1 + int rand 4;
		my $next = $n % 4;
		print $file "SELECT order_no AS no FROM usom.place_order('", order_json(\@lines, channel => 'web', external_id => $id), "') \\gset\n";
		print $file "\\echo order $id :no\n";
		print $file "SELECT usom.cancel_order(:'no', 'crash') IS NULL AS x \\gset\n\\echo cancelled :no\n" if $next == 1;
		print $file "SELECT usom.release_order(:'no') IS NULL AS x \\gset\nSELECT usom.ship(:'no') AS s \\gset\n\\echo shipment :s\n" if $next == 2;
		print $file "SELECT usom.receive_stock('L1', 'P1', 1, NULL, '$id') IS NULL AS x \\gset\n\\echo received $id\n" if $next == 3;
	}
	close $file or die "$path: $!";
	return;
}

# The database was seeded with twelve products or more, and stock for all.
sub start_load
{
	my ($node, $database, $name) = @_;
	my @clients;
	for my $number (1 .. CLIENTS)
	{
		my $base = "$folder/$name.$number";
		write_script("$base.sql", "$name-$number");
		my $run = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port,
				'-d', $database, '-f', "$base.sql" ], '<', \undef, '>', "$base.out", '2>', "$base.err");
		push @clients, { base => $base, run => $run };
	}
	return { clients => \@clients };
}

# Wait for the clients, whose server is gone, and read what they were told.
sub finish_load
{
	my ($load) = @_;
	my %told = map { $_ => [] } qw(order cancelled shipment received);
	for my $client (@{ $load->{clients} })
	{
		eval { IPC::Run::finish($client->{run}) };
		$client->{sent} = slurp_file("$client->{base}.sql");
		$client->{out} = slurp_file("$client->{base}.out");
		push @{ $told{$1} }, $2 while $client->{out} =~ /^(order|cancelled|shipment|received) (.+)$/mg;
		unlink glob "$client->{base}.*";
	}
	$load->{told} = \%told;
	return;
}

# How many of a list a query does not know.
sub missing
{
	my ($node, $database, $list, $columns, $where) = @_;
	return 0 unless @$list;
	my $values = join ', ', map { '(' . join(', ', map { "'$_'" } split / /) . ')' } @$list;
	return sql($node, $database, "SELECT count(*) FROM (VALUES $values) t ($columns) WHERE NOT EXISTS ($where)");
}

# All that was acknowledged is there, and nothing is half done.
sub is_intact
{
	my ($node, $database, $what, $load) = @_;
	my $told = $load->{told};
	my $lost = sub { my $kind = shift; return missing($node, $database, $told->{$kind}, @_) };

	note("$what: acknowledged ", join ', ', map { scalar @{ $told->{$_} } . " $_" } sort keys %$told);
	cmp_ok(scalar @{ $told->{order} }, '>', 0, "$what: there was load");
	is($lost->('order', 'external_id, order_no', 'SELECT FROM usom.orders o WHERE (o.external_id, o.order_no) = (t.external_id, t.order_no)'),
		0, "$what: every acknowledged order is there");
	is($lost->('cancelled', 'order_no', q{SELECT FROM usom.orders o WHERE o.order_no = t.order_no AND o.status = 'cancelled'}),
		0, "$what: every acknowledged cancellation");
	is($lost->('shipment', 'shipment_no', 'SELECT FROM usom.shipments s WHERE s.shipment_no = t.shipment_no'),
		0, "$what: every acknowledged shipment");
	is($lost->('received', 'reference', 'SELECT FROM usom.stock_movement m WHERE m.reference = t.reference'),
		0, "$what: every acknowledged receipt");
	is(sql($node, $database, q{SELECT count(*) FROM usom.sales_order o
		WHERE NOT EXISTS (SELECT FROM usom.order_line l WHERE (l.org_id, l.sales_order_id) = (o.org_id, o.sales_order_id))}),
		0, "$what: no order without lines");
	is(sql($node, $database, q{SELECT count(*) FROM usom.order_line l
		LEFT JOIN (SELECT org_id, sales_order_id, line_no, sum(quantity) AS pieces FROM usom.fulfillment_line GROUP BY 1, 2, 3) p
			USING (org_id, sales_order_id, line_no)
		WHERE l.quantity IS DISTINCT FROM p.pieces}),
		0, "$what: every line has its pieces");
	is_sound($node, $database, $what);
	return;
}

# The call whose answer was lost is made again: one order, whether it had been committed or not.
sub ask_again
{
	my ($node, $database, $what, $load) = @_;
	my $twice = 0;
	for my $client (@{ $load->{clients} })
	{
		my @sent = $client->{sent} =~ /^(SELECT order_no AS no FROM usom\.place_order\(.*?\)) \\gset$/mg;
		my @answered = $client->{out} =~ /^order /mg;
		my $call = $sent[ scalar @answered ];
		next unless defined $call;
		my ($id) = $call =~ /"external_id": "([^"]+)"/;
		my $number = sql($node, $database, $call);
		$twice++ if $number ne sql($node, $database, $call);
		$twice++ if sql($node, $database, "SELECT count(*) FROM usom.orders WHERE external_id = '$id'") != 1;
	}
	is($twice, 0, "$what: asked again, each gets its one order");
	return;
}

1;
