# Everybody wants one product, its stock is in stripes, and the server dies in
# the middle of it: what was answered is there, nothing was sold twice, and
# what is left is sold to the last unit.
#
# HOT_ROUNDS	rounds, 10 unless set: kill -9 of a backend, kill -9 of the postmaster in turn
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use constant { CLIENTS => 64, UNITS => 1500, STRIPES => 32 };

my $rounds = env_number('HOT_ROUNDS', 10);
my $folder = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('hot', 'fsync = on', 'restart_after_crash = on', 'max_connections = 120');
new_database($node, 'desk');
sql($node, 'desk', q{INSERT INTO usom.location (code) VALUES ('W')});

my @deaths = (
	[ 'kill -9 of a backend', sub { kill 9, one_backend(); wait_for_server() } ],
	[ 'kill -9 of the postmaster', sub { kill_server($node) } ],
);

sub one_backend
{
	return sql($node, 'desk', q{SELECT pid FROM pg_stat_activity WHERE datname = 'desk' AND query LIKE '%place_order%' AND pid <> pg_backend_pid()
		ORDER BY state = 'active' DESC, pid LIMIT 1});
}

sub wait_for_server
{
	sleep 0.2;
	ok($node->poll_query_until('desk', 'SELECT true'), 'the server is back by itself');
	return;
}

sub write_script
{
	my ($name, $text) = @_;
	open my $file, '>', "$folder/$name" or die "$folder/$name: $!";
	print $file "$text\n";
	close $file or die "$folder/$name: $!";
	return "$folder/$name";
}

# Clients that order one unit each time; now and then one makes the stripes more or fewer.
sub start_clients
{
	my ($sku, @more) = @_;
	my $place = write_script('place', qq{SELECT order_no FROM usom.place_order('{"lines": [{"sku": "$sku", "quantity": 1}]}');});
	my $stripes = write_script('stripes', "\\set n random(0, 48)\nSELECT usom.set_stock_stripes('$sku', 'W', :n);");
	unlink glob "$folder/log.*";
	return IPC::Run::start([ 'pgbench', '-n', '-c', CLIENTS, '-j', 2, '-l', "--log-prefix=$folder/log", @more,
			'-f', "$place\@40", '-f', "$stripes\@1", '-h', $node->host, '-p', $node->port, 'desk' ],
		'<', \undef, '>', "$folder/out", '2>', "$folder/err");
}

# How many orders were answered.
sub finish_clients
{
	my ($run) = @_;
	eval { IPC::Run::finish($run) };
	return scalar grep { (split / /)[3] == 0 } map { split /\n/, slurp_file($_) } glob "$folder/log.*";
}

sub reserved
{
	my ($sku) = @_;
	return sql($node, 'desk', "SELECT trim_scale(coalesce(sum(quantity_reserved), 0)) FROM usom.order_lines WHERE sku = '$sku'");
}

for my $round (1 .. $rounds)
{
	my ($name, $die) = @{ $deaths[ ($round - 1) % @deaths ] };
	my ($what, $sku) = ("round $round, $name", "HOT$round");
	sql($node, 'desk', qq{INSERT INTO usom.product (sku) VALUES ('$sku');
		SELECT usom.receive_stock('W', '$sku', ${\ UNITS}); SELECT usom.set_stock_stripes('$sku', 'W', ${\ STRIPES})});

	my $load = start_clients($sku, '-T', 60);
	$node->poll_query_until('desk', "SELECT count(*) > 200 FROM usom.order_lines WHERE sku = '$sku'");
	sleep rand 0.3;
	$die->();
	my $told = finish_clients($load);
	my $placed = sql($node, 'desk', "SELECT count(*) FROM usom.order_lines WHERE sku = '$sku'");
	cmp_ok($placed, '>=', $told, "$what: every answered order is there ($told)");
	cmp_ok($placed, '<=', $told + CLIENTS, "$what: and of each client one that got no answer, at most");
	is_sound($node, 'desk', $what);
	is(reserved($sku), $placed < UNITS ? $placed : UNITS, "$what: what is sold is reserved");

	$load = start_clients($sku, '-t', 1 + int((UNITS * 1.1) / CLIENTS));
	$told = finish_clients($load);
	is(join('', grep { /ERROR|FATAL|abort/ } split /^/m, slurp_file("$folder/err")), '', "$what: the others end well");
	is(reserved($sku), UNITS, "$what: sold to the last unit");
	is(sql($node, 'desk', "SELECT trim_scale(usom.available('$sku'))"), 0, "$what: nothing is left");
}
is_sound($node, 'desk', 'at the end');
unlike(slurp_file($node->logfile), qr/deadlock detected/, 'no deadlock');
done_testing();
