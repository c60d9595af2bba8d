# What the TAP tests share: a server with usom, some master data, the question
# whether all is well.
#
# The server is one of PostgreSQL::Test::Cluster, made from the PostgreSQL
# that usom is installed into; prove runs as an account that may start it.
package UsomTest;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

our @EXPORT = qw(new_node new_database seed is_sound sql sqlstate order_json env_number kill_server);

# A started server.
sub new_node
{
	my ($name, @settings) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->append_conf('postgresql.conf', join("\n", 'max_prepared_transactions = 5', 'max_connections = 50', @settings) . "\n");
	$node->start;
	return $node;
}

# A database with usom and its tables.
sub new_database
{
	my ($node, $database) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, "SET client_min_messages = warning; CREATE EXTENSION usom; SELECT usom.install()");
	return;
}

# $products products P1..Pn, locations L1 and L2, so many of each at both.
sub seed
{
	my ($node, $database, $products, $each) = @_;
	$node->safe_psql($database, <<"SQL");
INSERT INTO usom.location (code, priority) VALUES ('L1', 1), ('L2', 2);
INSERT INTO usom.customer (code) VALUES ('C1');
INSERT INTO usom.product (sku) SELECT 'P' || n FROM generate_series(1, $products) n;
SELECT count(*) FROM generate_series(1, $products) n, (VALUES ('L1'), ('L2')) AS l (code),
	LATERAL usom.receive_stock(l.code, 'P' || n, $each) r;
SQL
	return;
}

# kill -9 of the postmaster, and the server is started again.  The dead one
# stays in the table of processes until it is reaped, and its children let go
# of the shared memory in their own time.  Where nobody reaps (a container
# without an init), its lock files would name it for ever.
sub kill_server
{
	my ($node) = @_;
	my ($pid) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
	my $patience = 30;
	$node->kill9;
	sleep 0.1 while kill(0, $pid) && $patience-- > 0;
	unlink $node->data_dir . '/postmaster.pid', $node->host . '/.s.PGSQL.' . $node->port . '.lock' if is_zombie($pid);
	$patience = 100;
	until ($node->start(fail_ok => 1))
	{
		BAIL_OUT('the server does not start after kill -9') if $patience-- == 0;
		sleep 0.1;
	}
	return;
}

sub is_zombie { return -e "/proc/$_[0]/stat" && slurp_file("/proc/$_[0]/stat") =~ /^\d+ \(.*\) Z/ }

# One value, or rows with | between the columns.
sub sql
{
	my ($node, $database, $text) = @_;
	return $node->safe_psql($database, $text);
}

# The SQLSTATE of a statement that fails; "00000" if it does not.
sub sqlstate
{
	my ($node, $database, $text) = @_;
	my ($code, $out, $err) = $node->psql($database, "\\set VERBOSITY sqlstate\n$text", on_error_stop => 1);
	return $err =~ /(?:ERROR|FATAL):\s+(\w{5})/ ? $1 : $code == 0 ? '00000' : "no SQLSTATE: $err";
}

# usom.verify() is empty and usom.doctor() has no complaint.
sub is_sound
{
	my ($node, $database, $what) = @_;
	is(sql($node, $database, 'SELECT v::text FROM usom.verify() v'), '', "$what: verify() is empty");
	is(sql($node, $database, 'SELECT d::text FROM usom.doctor() d WHERE NOT d.ok'), '', "$what: doctor() is content");
	return;
}

# An order document; lines are [sku, quantity] pairs, the rest goes in as given.
sub order_json
{
	my ($lines, %more) = @_;
	my $text = join ', ', map { qq("$_": "$more{$_}") } sort keys %more;
	my $items = join ', ', map { qq({"sku": "$_->[0]", "quantity": $_->[1], "unit_price": 9.95}) } @$lines;
	return '{' . ($text ne '' ? "$text, " : '') . qq("lines": [$items]});
}

# A figure that a long run may raise.
sub env_number
{
	my ($name, $default) = @_;
	return defined $ENV{$name} && $ENV{$name} =~ /^\d+$/ ? $ENV{$name} : $default;
}

1;
