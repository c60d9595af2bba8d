# statement_timeout at a random moment of every verb: the call is there whole or
# not at all, and the session goes on.
#
# LIMITS_ROUNDS	tries a verb, 12 unless set
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use Test::More;

use constant LINES => 60;

my $rounds = env_number('LIMITS_ROUNDS', 12);
my $seed = env_number('LIMITS_SEED', time);
srand $seed;
note("LIMITS_SEED=$seed");

my $node = new_node('limits');
new_database($node, 'desk');
seed($node, 'desk', LINES, 1_000_000);

# Orders are large, so that a millisecond is somewhere in the middle of a call.
my $document = order_json([ map { [ "P$_", 4 ] } 1 .. LINES ]);
sql($node, 'desk', "CREATE TABLE public.document AS SELECT '$document'::jsonb AS d");

# What tells that a row of any table came, went or was written: how many there are, and by which transactions.
my @tables = split /\n/, sql($node, 'desk', q{
	SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
	WHERE nspname = 'usom' AND relkind IN ('r', 'p') AND relname !~ '^_' ORDER BY 1});
my $digest = join ' || ', map { "(SELECT format('%s:%s ', count(*), sum(xmin::text::bigint)) FROM $_)" } @tables;

my $place = '(SELECT order_no FROM usom.place_order((SELECT d FROM public.document)))';
my $released = "SELECT order_no AS no FROM $place p \\gset\nSELECT usom.release_order(:'no') IS NULL AS x \\gset\n";
my $shipped = $released . "SELECT usom.ship(:'no') AS s \\gset\n";
my $lines = sub { my $quantity = shift; return '[' . join(', ', map { qq({"line_no": $_, "quantity": $quantity}) } 1 .. LINES) . ']' };

# What comes before (not under the limit), then the statement under the limit.
my @verbs = (
	[ 'place_order',     '', 'SELECT usom.place_order((SELECT d FROM public.document))' ],
	[ 'place_orders',    '', 'SELECT * FROM usom.place_orders((SELECT jsonb_agg(d) FROM public.document, generate_series(1, 3)))' ],
	[ 'draft, submit',   "SELECT order_no AS no FROM usom.place_order((SELECT d || '{\"draft\": true}' FROM public.document)) \\gset\n",
		"SELECT usom.submit_order(:'no')" ],
	[ 'cancel_order',    "SELECT order_no AS no FROM $place p \\gset\n", "SELECT usom.cancel_order(:'no', 'limit')" ],
	[ 'cancel_line',     "SELECT order_no AS no FROM $place p \\gset\n", "SELECT usom.cancel_line(:'no', 1, 2, 'limit')" ],
	[ 'change_order',    "SELECT order_no AS no FROM $place p \\gset\n",
		"SELECT usom.change_order(:'no', '{\"lines\": " . $lines->(5) . "}')" ],
	[ 'hold_order',      "SELECT order_no AS no FROM $place p \\gset\n", "SELECT usom.hold_order(:'no', 'fraud', 'limit')" ],
	[ 'release_hold',    "SELECT order_no AS no FROM $place p \\gset\nSELECT usom.hold_order(:'no', 'fraud', 'limit') IS NULL AS x \\gset\n",
		"SELECT usom.release_hold(:'no', 'fraud', 'limit')" ],
	[ 'release_order',   "SELECT order_no AS no FROM $place p \\gset\n", "SELECT usom.release_order(:'no')" ],
	[ 'ship',            $released, "SELECT usom.ship(:'no')" ],
	[ 'deliver',         $shipped, "SELECT usom.deliver(:'s')" ],
	[ 'authorize_return', $shipped, "SELECT usom.authorize_return(:'no', '" . $lines->(1) . "', 'limit')" ],
	[ 'receive_return',  $shipped . "SELECT usom.authorize_return(:'no', '" . $lines->(1) . "', 'limit') AS r \\gset\n",
		"SELECT usom.receive_return(:'r', '" . $lines->(1) . "')" ],
	[ 'receive_stock',   '', "SELECT usom.receive_stock('L1', 'P1', 5)" ],
	[ 'adjust_stock',    '', "SELECT usom.adjust_stock('L1', 'P1', -1, 'limit')" ],
	[ 'reserve_stock',   '', "SELECT usom.reserve_stock('cart', 'L1', 'P1', 1, '1 hour')" ],
	[ 'fill_backorders', '', 'SELECT * FROM usom.fill_backorders()' ],
	[ 'raw cancel',      "SELECT order_no AS no FROM $place p \\gset\n", "UPDATE usom.sales_order SET status = 'cancelled' WHERE order_no = :'no'" ],
);

# The limit holds for RESET, too: on a busy machine that may be stopped as well, so it is said often enough.
my $reset = "RESET statement_timeout;\n" x 10;

# Milliseconds that a statement takes without a limit.
sub duration
{
	my ($before, $statement) = @_;
	my $out = sql($node, 'desk', "${before}SELECT clock_timestamp() AS t \\gset\n$statement \\g /dev/null\n"
		  . "SELECT 'ms ' || ceil(extract(epoch FROM clock_timestamp() - :'t') * 1000)");
	return $out =~ /^ms (\d+)/m ? $1 : 10;
}

for (@verbs)
{
	my ($name, $before, $statement) = @$_;
	duration($before, $statement);
	my $whole = duration($before, $statement);
	my ($stopped, $done, @wrong) = (0, 0);
	for my $try (1 .. $rounds)
	{
		my $limit = 1 + int rand($whole + 1);
		my ($code, $out, $err) = $node->psql('desk', <<"SQL", on_error_stop => 0);
\\set VERBOSITY sqlstate
$before
SELECT $digest AS before \\gset
SET statement_timeout = '${limit}ms';
$statement \\g /dev/null
\\set state :SQLSTATE
$reset
SELECT 'state ' || :'state' || CASE WHEN :'before' = $digest THEN ' same' ELSE ' changed' END;
SELECT 'goes on ' || count(*) FROM usom.receive_stock('L2', 'P2', 1);
SQL
		my ($state, $change) = $out =~ /^state (\w+) (\w+)$/m;
		push @wrong, "$limit ms: $out $err" unless defined $state && $out =~ /^goes on 1$/m;
		next unless defined $state;
		if ($state eq '57014') { $stopped++; push @wrong, "$limit ms: stopped, yet something changed" if $change ne 'same' }
		elsif ($state eq '00000') { $done++ }
		else { push @wrong, "$limit ms: SQLSTATE $state" }
	}
	is_deeply(\@wrong, [], "$name: whole or not at all ($stopped stopped, $done done of $rounds, $whole ms)");
}
is_sound($node, 'desk', 'after all limits');
done_testing();
