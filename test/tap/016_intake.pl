# Workers of the inbox die at every point of their work.  Each message becomes
# one order, none is lost, none is done twice; messages that can never be placed
# end dead after their attempts, and nobody waits for them.
#
# INTAKE_POINTS	points at which a worker dies, 40 unless set
# INTAKE_ROUNDS	kill -9 of a worker among others, 2 unless set
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $points = env_number('INTAKE_POINTS', 40);
my $rounds = env_number('INTAKE_ROUNDS', 2);
my $node = new_node('intake', 'fsync = on', 'restart_after_crash = on');
new_database($node, 'desk');
seed($node, 'desk', 6, 10_000);
sql($node, 'desk', <<'SQL');
INSERT INTO usom.intake_policy (channel, max_attempts, back_off) VALUES ('web', 4, interval '0'), ('edi', 3, interval '0');
-- What counts is not undone by the death of who counted.
CREATE SEQUENCE passed MINVALUE 0 START 0;
CREATE TABLE failpoint (at bigint, how text);
INSERT INTO failpoint VALUES (0, 'none');
CREATE FUNCTION failpoint() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
	f failpoint;
BEGIN
	SELECT * INTO f FROM failpoint;
	IF f.how <> 'none' AND nextval('passed') = f.at THEN
		CASE f.how
			WHEN 'terminate' THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10);
			WHEN 'error' THEN RAISE EXCEPTION 'the failpoint' USING ERRCODE = 'XX000';
			WHEN 'conflict' THEN RAISE EXCEPTION 'the failpoint' USING ERRCODE = '40001';
		END CASE;
	END IF;
	RETURN NULL;
END
$$;
DO $$
DECLARE
	t text;
BEGIN
	FOREACH t IN ARRAY ARRAY['inbox_message', 'sales_order', 'order_line', 'fulfillment_line', 'stock', 'order_history', 'event', 'document_counter', 'audit_entry'] LOOP
		EXECUTE format('CREATE TRIGGER a_failpoint BEFORE INSERT OR UPDATE ON usom.%I FOR EACH STATEMENT EXECUTE FUNCTION failpoint()', t);
		EXECUTE format('CREATE TRIGGER z_failpoint AFTER INSERT OR UPDATE ON usom.%I FOR EACH STATEMENT EXECUTE FUNCTION failpoint()', t);
	END LOOP;
END
$$;
SQL

my $sent = 0;

# One message more, left to the workers.
sub send_message
{
	my ($channel, $sku) = @_;
	$sent++;
	sql($node, 'desk', qq{SELECT status FROM usom.ingest('$channel', '} . order_json([ [ $sku, 2 ] ]) . qq{', 'M-$sent', process => false)});
	return;
}

# Every message of "web" is one order, of two units; stock has what is left.
sub is_exact
{
	my ($what) = @_;
	is(sql($node, 'desk', q{SELECT count(*) FILTER (WHERE status <> 'processed'), count(*) - count(DISTINCT order_no) FROM usom.inbox WHERE channel = 'web'}), '0|0', "$what: every message is an order of its own");
	is(sql($node, 'desk', q{SELECT count(*) - (SELECT count(*) FROM usom.inbox WHERE channel = 'web'), count(*) FILTER (WHERE l.quantity <> 2 OR l.quantity_reserved <> 2) FROM usom.orders o JOIN usom.order_lines l USING (order_no)}),
		'0|0', "$what: no order more, none half");
	is(sql($node, 'desk', q{SELECT sum(reserved) - 2 * (SELECT count(*) FROM usom.orders) FROM usom.stock_position}), '0', "$what: so many units are reserved");
	return;
}

# A worker that meets the failpoint at the n-th statement, then one that does not.
sub fail_at
{
	my ($how, $at) = @_;
	send_message('web', 'P' . (1 + $at % 6));
	sql($node, 'desk', "UPDATE failpoint SET at = $at, how = '$how'; SELECT setval('passed', 0, false)");
	my ($code, $out, $err) = $node->psql('desk', 'CALL usom.retry_inbox(1)');
	my $met = sql($node, 'desk', 'SELECT last_value >= at FROM passed, failpoint') eq 't';
	my $state = sql($node, 'desk', "UPDATE failpoint SET how = 'none'; SELECT status || ' ' || (order_no IS NOT NULL) || ' ' || attempts || ' ' || coalesce(findings -> 0 ->> 'code', '') FROM usom.inbox WHERE external_id = 'M-$sent'");
	return ($met, $code, $state);
}

my %dies;
for my $how (qw(terminate error conflict))
{
	my (%states, $met, $code, $state);
	for my $at (0 .. $points)
	{
		($met, $code, $state) = fail_at($how, $at);
		last unless $met;
		$dies{$how}++;
		$states{ ($code ? 'dies' : 'goes on') . ": $state" }++;
		sql($node, 'desk', 'CALL usom.retry_inbox(5)');
	}
	cmp_ok($dies{$how}, '>=', 10, "$how: met at $dies{$how} points");
	my @wrong = grep { !/^(?:dies: received false 0 |goes on: (?:received false 0 |failed false 1 XX000|processed true 1 ))$/ } sort keys %states;
	is("@wrong", '', "$how: it is due again, or failed, or done");
	diag("$how: " . join ', ', map { "$_ x $states{$_}" } sort keys %states) if @wrong;
	sql($node, 'desk', 'CALL usom.retry_inbox(20)');
	is_exact($how);
}
sql($node, 'desk', q{DO $$
DECLARE
	t record;
BEGIN
	FOR t IN SELECT tgname, tgrelid::regclass::text AS relation FROM pg_trigger WHERE tgname LIKE '%_failpoint' LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.relation);
	END LOOP;
END
$$});

# Poison: each is dead after its attempts, and the others were not kept waiting.
send_message('edi', 'NONE') for 1 .. 5;
send_message('web', 'P1') for 1 .. 5;
sql($node, 'desk', 'CALL usom.retry_inbox(10)');
is(sql($node, 'desk', q{SELECT count(*) FROM usom.inbox WHERE channel = 'web' AND status <> 'processed'}), '0', 'one round: what can be placed is');
sql($node, 'desk', 'CALL usom.retry_inbox(100)');
is(sql($node, 'desk', q{SELECT DISTINCT status, attempts FROM usom.inbox WHERE channel = 'edi'}), 'dead|3', 'poison is dead after three attempts');

# Workers at once, one of them is shot; the server comes back by itself.
sub start_workers
{
	return map {
		IPC::Run::start([ 'psql', '-X', '-q', '-h', $node->host, '-p', $node->port, '-d', 'desk', '-c', 'CALL usom.retry_inbox(10000)' ],
			'<', \undef, '>', \my $out, '2>', \my $err)
	} 1 .. 3;
}
for my $round (1 .. $rounds)
{
	sql($node, 'desk', q{SELECT count(*) FROM generate_series(1, 100) n, LATERAL usom.ingest('web', jsonb_build_object('lines', jsonb_build_array(jsonb_build_object('sku', 'P' || 1 + n % 6, 'quantity', 2))), 'R-} . $round . q{-' || n, process => false)});
	my @workers = start_workers();
	sleep 0.1 + rand 0.4;
	my $pid = sql($node, 'desk', q{SELECT pid FROM pg_stat_activity WHERE query LIKE 'CALL usom.retry%' LIMIT 1});
	kill 9, $pid if $pid;
	eval { $_->finish } for @workers;
	sleep 0.2;
	ok($node->poll_query_until('desk', 'SELECT true'), "round $round: the server is back");
	sql($node, 'desk', 'CALL usom.retry_inbox(1000)');
	is_exact("round $round");
}
is_sound($node, 'desk', 'at the end');
done_testing();
