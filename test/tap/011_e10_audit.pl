# E10: 64 sessions write orders in every way at once, with long transactions,
# savepoints rolled back, COPY, time limits, prepared transactions and a writer
# with two connections, while the audit is sealed and verified.  No fork, no
# deadlock, no false alarm; nor after dump and restore, nor after an erasure.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use PostgreSQL::Test::Utils;
use Test::More;

use constant SHARED => 24;		# orders that all sessions touch

my $sessions = env_number('E10_SESSIONS', 64);
my $rounds = env_number('E10_ROUNDS', 12);
my $node = new_node('e10', 'max_connections = 120', 'max_prepared_transactions = 80', 'log_min_messages = warning', 'deadlock_timeout = 200ms');
my $folder = PostgreSQL::Test::Utils::tempdir();

new_database($node, 'desk');
seed($node, 'desk', 12, 100000);
sql($node, 'desk', "INSERT INTO usom.customer (code, name, email) SELECT 'E' || n, 'Person ' || n, n || '\@example.org' FROM generate_series(1, 4) n");
sql($node, 'desk', "SELECT count(*) FROM generate_series(1, @{[SHARED]}) n, usom.place_order(jsonb_build_object('external_id', 'S-' || n,
	'customer', 'E' || 1 + n % 4, 'lines', '[{\"sku\": \"P1\", \"quantity\": 9, \"unit_price\": 1}]'::jsonb))");

sub lines { return join ', ', map { sprintf '{"sku": "P%d", "quantity": %d, "unit_price": 2.5}', 1 + int rand 12, 1 + int rand 3 } 1 .. 1 + int rand 4 }
sub document { return sprintf '{"channel": "web", "customer": "E%d", "external_id": "%s", "lines": [%s]}', 1 + int rand 4, $_[0], lines() }
sub shared { return "(SELECT order_no FROM usom.orders WHERE external_id = 'S-" . (1 + int rand SHARED) . "')" }
sub place { return "SELECT count(*) FROM usom.place_order('" . document($_[0]) . "');\n" }

# One product alone, behind all that shared orders hold: a transaction of several
# calls takes its locks call by call, so it keeps the order of locks itself.
sub last_product { my ($id) = @_; return qq(SELECT count(*) FROM usom.place_order('{"external_id": "$id", "lines": [{"sku": "P12", "quantity": 1, "unit_price": 3}]}'); ) }
sub several { my ($name, $count) = @_; return "SELECT count(*) FROM usom.place_orders('[" . join(', ', map { document("$name-$_") } 1 .. $count) . "]');" }

# What a session does in a round; each is given an id of its own.
my @ways = (
	sub { place($_[0]) },
	sub { several($_[0], 5) . "\n" },
	sub { 'BEGIN; SAVEPOINT a; ' . place("$_[0]-a") . 'ROLLBACK TO a; ' . last_product("$_[0]-b") . 'SAVEPOINT b; ' . last_product("$_[0]-c") . "RELEASE b; COMMIT;\n" },
	sub { "BEGIN; SELECT count(*) FROM usom.hold_order(" . shared() . ", 'customer', 'wait'); " . last_product($_[0]) . "SELECT pg_sleep(0.3); COMMIT;\n" },
	sub { "COPY usom.product (sku, name) FROM stdin;\nA-$_[0]\tCopied\nB-$_[0]\t\\N\n\\.\nCOPY usom.customer (code) FROM stdin;\n$_[0]\n\\.\n" },
	sub { "UPDATE usom.sales_order SET priority = 1 + (random() * 8)::int WHERE order_no = " . shared() . ";\n" },
	sub { "SET statement_timeout = '" . (1 + int rand 20) . "ms'; " . several($_[0], 20) . " RESET statement_timeout;\n" },
	sub { "SET statement_timeout = '" . (1 + int rand 5) . "ms'; " . place($_[0]) . "RESET statement_timeout;\n" },
	sub { "BEGIN; SELECT count(*) FROM usom.cancel_line(" . shared() . ", 1, 1, 'one less'); " . last_product($_[0]) . "ROLLBACK;\n" },
	sub { "SELECT count(*) FROM usom.change_order(" . shared() . ", '{\"lines\": [{\"line_no\": 1, \"quantity\": " . (5 + int rand 9) . "}]}', reason => 'round');\n" },
	sub { "SELECT count(*) FROM usom.release_hold(" . shared() . ", 'customer', 'go on');\n" },
	sub { "SELECT usom.receive_stock('L1', 'P3', 1) IS NULL; SELECT usom.reserve_stock('$_[0]', 'L2', 'P4', 1, interval '1 hour') IS NULL;\n" },
	sub { 'BEGIN; ' . place($_[0]) . "PREPARE TRANSACTION '$_[0]'; SELECT pg_sleep(0.1); COMMIT PREPARED '$_[0]';\n" },
	sub { "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM usom.hold_order(" . shared() . ", 'customer', 'look'); " . last_product($_[0]) . "COMMIT;\n" },
	sub { "DO \$\$ BEGIN PERFORM usom.place_order('" . document("$_[0]-x") . "'); RAISE EXCEPTION 'no'; EXCEPTION WHEN raise_exception THEN PERFORM usom.place_order('" . document("$_[0]-y") . "'); END \$\$;\n" },
	sub { "SELECT count(*) FROM usom.seal_audit();\n" },
);

sub start_session
{
	my ($number) = @_;
	my $base = "$folder/session.$number";
	my @order = sort { rand() <=> 0.5 } map { @ways } 1 .. 1 + $rounds / @ways;
	open my $file, '>', "$base.sql" or die "$base: $!";
	print $file $order[$_]->("$number-$_") for 0 .. $rounds - 1;
	close $file or die "$base: $!";
	return { base => $base, run => IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-h', $node->host, '-p', $node->port, '-d', 'desk', '-f', "$base.sql" ],
			'<', \undef, '>', '/dev/null', '2>', "$base.err") };
}

# IPC::Run dies when it finds that the process has ended.
sub still_runs
{
	my ($run) = @_;
	return $run->pumpable && eval { $run->pump_nb; 1 } && $run->pumpable;
}

srand(20260101);
my @running = map { start_session($_) } 1 .. $sessions;
my ($asked, $false) = (0, 0);
while (grep { still_runs($_->{run}) } @running)
{
	sql($node, 'desk', 'CALL usom.tick()');
	$asked++;
	$false++ if sql($node, 'desk', 'SELECT ok FROM usom.verify_audit()') ne 't';
	last if $asked > 300;
}
my $errors = '';
for my $session (@running)
{
	eval { IPC::Run::finish($session->{run}) };
	$errors .= slurp_file("$session->{base}.err");
}
my %told;
$told{ $1 =~ s/"[^"]*"|\d+/x/gr }++ while $errors =~ /ERROR:\s+(.*)/g;
note("$_: $told{$_}") for sort keys %told;
note("verify_audit() was asked $asked times meanwhile");
cmp_ok($asked, '>', 0, 'asked under load');
is($false, 0, 'no false alarm under load');
unlike($errors, qr/deadlock detected/, 'no deadlock');
unlike($errors, qr/chain_has_no_fork|audit_entry\w*_pkey/, 'no fork of a chain');
unlike($errors, qr/audit_block_pkey/, 'nor of the blocks');
like($errors, qr/statement timeout/, 'time limits struck');
cmp_ok(sql($node, 'desk', 'SELECT count(*) FROM usom.sales_order'), '>', 100, 'orders were placed');
is(sql($node, 'desk', q{SELECT count(*) FROM (SELECT FROM usom.audit_entry WHERE sales_order_id IS NOT NULL
	GROUP BY sales_order_id HAVING max(entry_no) <> count(*) OR count(DISTINCT entry_no) <> count(*)) x}), 0, 'every order has one chain without gaps');
sql($node, 'desk', 'CALL usom.tick()');
is(sql($node, 'desk', 'SELECT ok FROM usom.verify_audit()'), 't', 'true at the end');
is_sound($node, 'desk', 'after the load');

# Two connections of one writer: neither waits for the other.
{
	local $ENV{PGOPTIONS} = '-c statement_timeout=5s';
	my ($in, $out, $err) = ('', '', '');
	my $first = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-h', $node->host, '-p', $node->port, '-d', 'desk', '-v', 'ON_ERROR_STOP=1' ], '<', \$in, '>', \$out, '2>', \$err);
	$in = 'BEGIN; ' . place('two-1') . "\\echo open\n";
	$first->pump until $out =~ /open/ || !$first->pumpable;
	is(sqlstate($node, 'desk', place('two-2') . 'SELECT count(*) FROM usom.seal_audit()'), '00000', 'the other connection writes and seals');
	$in = place('two-3') . "COMMIT;\n\\q\n";
	$first->finish;
	is($err, '', 'and the first one ends as if nothing had been');
	is(sql($node, 'desk', 'SELECT count(*) FROM usom.seal_audit(); SELECT ok FROM usom.verify_audit()'), "1\nt", 'what committed late is sealed late');
}

# Dump and restore, into another cluster.
my $digest = sql($node, 'desk', 'SELECT usom.export_digest()');
my $other = new_node('elsewhere');
$other->safe_psql('postgres', 'CREATE DATABASE desk');
IPC::Run::run([ 'pg_dumpall', '--roles-only', '-h', $node->host, '-p', $node->port ], '|',
	[ 'psql', '-X', '-q', '-h', $other->host, '-p', $other->port, '-d', 'postgres' ], '>', '/dev/null', '2>', '/dev/null');
ok(IPC::Run::run([ 'pg_dump', '-h', $node->host, '-p', $node->port, 'desk' ], '|',
		[ 'psql', '-X', '-q', '-h', $other->host, '-p', $other->port, '-d', 'desk' ], '>', '/dev/null', '2>', '/dev/null'), 'dumped and restored');
is(sql($other, 'desk', "SELECT ok FROM usom.verify_audit(digests => '$digest')"), 't', 'restored: true, by the digest of the origin');
sql($other, 'desk', place('restored-1') . 'CALL usom.tick()');
is(sql($other, 'desk', "SELECT ok FROM usom.verify_audit(digests => '$digest')"), 't', 'restored: work goes on');
is(sql($other, 'desk', "SELECT usom.check_consistency(usom.consistency_proof('$digest'), '$digest', usom.export_digest())"), 't', 'restored: proven from the old digest to the new one');

# Erasure of a party: nothing of the chain changes.
sql($other, 'desk', q{SELECT usom.cancel_order(o.order_no, 'leaves') FROM usom.orders o WHERE o.customer = 'E1' AND o.status IN ('draft', 'submitted', 'confirmed')});
is(sqlstate($other, 'desk', "SELECT usom.erase_customer('E1', 'asked for it')"), '00000', 'a party is erased');
sql($other, 'desk', 'CALL usom.tick()');
is(sql($other, 'desk', "SELECT ok FROM usom.verify_audit(digests => '$digest')"), 't', 'erased: true');
is_sound($other, 'desk', 'restored and erased');
done_testing();
