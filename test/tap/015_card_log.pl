# A card number that somebody sends is in no line of the server's log: not with
# the errors of usom, and from the moment the library is loaded not with those
# of PostgreSQL, nor when every statement is logged.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use PostgreSQL::Test::Utils;
use Test::More;

# The number, in the shapes it is sent in; no line may hold eight of its digits in a row.
my $card = '5105105105105100';
my $grouped = '5105 1051 0510 5100';
my $traces = qr/51051051|5105[ -]1051/;

my $node = new_node('card_log', 'log_statement = none', 'log_duration = off', 'log_parameter_max_length_on_error = -1', 'log_error_verbosity = verbose');
new_database($node, 'desk');
seed($node, 'desk', 1, 100);
my $order = sql($node, 'desk', q{SELECT order_no FROM usom.place_order('{"lines": [{"sku": "P1", "quantity": 1}]}')});

# Everything that was logged since the last look.
my %seen;
sub logged
{
	my $text = '';
	for my $file ($node->logfile, glob($node->data_dir . '/log/*'))
	{
		my $all = slurp_file($file);
		$text .= substr($all, $seen{$file} // 0);
		$seen{$file} = length $all;
	}
	return $text;
}

sub lines_with_number { return [ grep { $_ =~ $traces } split /\n/, logged() ] }

# A psql of its own for each, so that it is the first statement of its session.
my $line = '"lines": [{"sku": "P1", "quantity": 1}]';
my @refused = (
	[ 'a document', qq{SELECT usom.place_order('{"instructions": "$card", $line}')} ],
	[ 'a document in groups', qq{SELECT usom.place_order('{"instructions": "pay with $grouped", $line}')} ],
	[ 'a key', qq{SELECT usom.place_order('{"payment": {"$card": 1}, $line}')} ],
	[ 'a number', qq{SELECT usom.place_order('{"payment": {"reference": $card}, $line}')} ],
	[ 'a reason', "SELECT usom.cancel_order('$order', 'refund to $grouped')" ],
	[ 'an order number', "SELECT usom.cancel_order('$card', 'x')" ],
	[ 'changes', qq{SELECT usom.change_order('$order', '{"instructions": "$card"}')} ],
	[ 'a hold', "SELECT usom.hold_order('$order', 'fraud', '$card')" ],
	[ 'a tracking number', "SELECT usom.ship('$order', tracking => '$card')" ],
	[ 'a reading function', "SELECT usom.explain_status('$card')" ],
	[ 'a cast', "SELECT '$card'::usom.order_status" ],
	[ 'a DO block', qq{DO \$\$BEGIN PERFORM usom.place_order('{"instructions": "$card", $line}'); END\$\$} ],
	[ 'dynamic SQL', qq{DO \$\$BEGIN EXECUTE 'SELECT usom.cancel_order(''$card'', NULL)'; END\$\$} ],
	[ 'INSERT', "INSERT INTO usom.customer (code, name) VALUES ('C9', '$card')" ],
	[ 'UPDATE', "UPDATE usom.sales_order SET instructions = '$grouped'" ],
	[ 'UPDATE of a document', qq{UPDATE usom.sales_order SET payment = '{"reference": "$card"}'} ],
	[ 'COPY', "COPY usom.customer (code, name) FROM stdin;\nC9\t$card\n\\.\n" ],
	[ 'a setting', "SELECT usom.version(); SET usom.reason = '$card'" ],
	[ 'a prepared statement', "PREPARE p (text) AS SELECT usom.cancel_order(\$1, 'x'); EXECUTE p ('$card')" ],
);

sub try_all
{
	my $how = shift;
	for (@refused)
	{
		my ($what, $statement) = @$_;
		my ($code, $out, $err) = $node->psql('desk', "\\set VERBOSITY verbose\n$statement", on_error_stop => 1);
		like($err, qr/US502/, "$how: $what is refused");
		unlike("$out$err", $traces, "$how: $what is not repeated");
		is_deeply(lines_with_number(), [], "$how: $what is not in the log");
	}
	return;
}

# Parameters of the extended protocol come by pgbench.
sub try_bound
{
	my $how = shift;
	my $script = $node->basedir . '/bound.sql';
	PostgreSQL::Test::Utils::append_to_file($script, "SELECT usom.cancel_order(:card::text, 'x');\n") unless -f $script;
	for my $mode ('extended', 'prepared')
	{
		my ($out, $err);
		IPC::Run::run([ 'pgbench', '-n', '-t', 1, '-M', $mode, '-D', "card=$card", '-f', $script, '-h', $node->host, '-p', $node->port, 'desk' ], '>', \$out, '2>', \$err);
		like($err, qr/looks like the number of a payment card/, "$how: a parameter ($mode) is refused");
		unlike("$out$err", $traces, "$how: a parameter ($mode) is not repeated");
		is_deeply(lines_with_number(), [], "$how: a parameter ($mode) is not in the log");
	}
	return;
}

# That a number can be found in the log where nobody hides it.
logged();
$node->psql('desk', "SELECT 1 / 0, '$card'");
isnt(scalar @{ lines_with_number() }, 0, 'a session without usom: PostgreSQL logs the statement that failed');

try_all('as installed');
try_bound('as installed');

# A batch does not fail; what it answers has no number either.
my $answer = sql($node, 'desk', qq{SELECT string_agg(b::text, ' ' ORDER BY ordinal) FROM usom.place_orders('[{$line}, {"external_id": "$card", $line}, {"instructions": "$grouped", $line}]') b});
like($answer, qr/placed.*US502.*US502/, 'a batch: two of three are rejected');
unlike($answer, $traces, 'a batch: the number is not in its answer');
is_deeply(lines_with_number(), [], 'a batch: the number is not in the log');

# Errors of PostgreSQL itself, once the library is there.
my $load = 'SELECT usom.version();';
for (
	[ 'division by zero', "$load SELECT 1 / 0, '$card'" ],
	[ 'invalid JSON', "$load SELECT usom.place_order('{\"instructions\": \"$card')" ],
	[ 'an integer', "$load UPDATE usom.sales_order SET priority = '$card'" ],
	[ 'an unknown column', "$load SELECT \"$card\"" ],
	[ 'a kept table', "$load INSERT INTO usom.shipment (tracking) VALUES ('$card')" ],
	[ 'a warning', "$load DO \$\$BEGIN RAISE WARNING '% and %', '$card', '$grouped'; END\$\$" ])
{
	my ($what, $statement) = @$_;
	$node->psql('desk', $statement);
	my $log = logged();
	unlike($log, $traces, "$what: the number is not in the log");
	like($log, qr/(ERROR|WARNING): /, "$what: the message is");
}

# Loaded with each session, with all that a server can log, in all formats.
$node->append_conf('postgresql.conf', join("\n", "session_preload_libraries = 'usom'", 'log_statement = all', 'log_min_duration_statement = 0',
	'log_min_messages = debug1', 'log_min_error_statement = debug1', 'logging_collector = on', "log_destination = 'stderr,csvlog,jsonlog'") . "\n");
$node->restart;
logged();
try_all('everything logged');
try_bound('everything logged');
$node->psql('desk', "SELECT usom.place_order('{\"instructions\": \"$card')");
is_deeply(lines_with_number(), [], 'everything logged: invalid JSON is masked');
$node->psql('desk', "SET usom.reason = '$card'");
is_deeply(lines_with_number(), [], 'everything logged: a setting as the first statement is masked');
$node->psql('desk', "SELECT length('$card'), 'sentinel of the log'");
my $log = logged();
like($log, qr/sentinel of the log/, 'everything logged: statements are logged');
like($log, qr/length\('\*{16}'\)/, 'everything logged: with stars for the digits');
is(scalar(() = glob($node->data_dir . '/log/*')), 3, 'three formats were written');

is(sql($node, 'desk', 'SELECT count(*) FROM usom.sales_order'), '2', 'nothing was written but the two orders without a number');
is_sound($node, 'desk', 'at the end');
done_testing();
