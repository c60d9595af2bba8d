# The server dies in the middle of load.  Every acknowledged call is there,
# none is half done, and whoever got no answer asks again and gets one order.
#
# CRASH_ROUNDS	rounds, 6 unless set: immediate stop, kill -9 of the postmaster, kill -9 of a backend in turn
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use UsomLoad;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $rounds = env_number('CRASH_ROUNDS', 6);
my $node = new_node('crash', 'fsync = on', 'autovacuum_naptime = 1s', 'restart_after_crash = on');
new_database($node, 'desk');
seed($node, 'desk', 12, 200_000);

my @deaths = (
	[ 'immediate stop', sub { $node->stop('immediate'); $node->start } ],
	[ 'kill -9 of the postmaster', sub { kill_server($node) } ],
	[ 'kill -9 of a backend', sub { kill 9, one_backend(); wait_for_server() } ],
);

sub one_backend
{
	return sql($node, 'desk', q{SELECT pid FROM pg_stat_activity
		WHERE datname = 'desk' AND backend_type = 'client backend' AND pid <> pg_backend_pid() LIMIT 1});
}

sub wait_for_server
{
	sleep 0.2;
	ok($node->poll_query_until('desk', 'SELECT true'), 'the server is back by itself');
	return;
}

for my $round (1 .. $rounds)
{
	my ($name, $die) = @{ $deaths[ ($round - 1) % @deaths ] };
	my $what = "round $round, $name";
	my $load = start_load($node, 'desk', "round$round");
	sleep 0.6 + rand 0.8;
	$die->();
	finish_load($load);
	is_intact($node, 'desk', $what, $load);
	ask_again($node, 'desk', $what, $load);
}

is(sqlstate($node, 'desk', 'CREATE EXTENSION amcheck'), '00000', 'amcheck');
is(sqlstate($node, 'desk', q{
	SELECT bt_index_parent_check(c.oid, true)
	FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_am a ON a.oid = c.relam JOIN pg_namespace n ON n.oid = relnamespace
	WHERE nspname = 'usom' AND amname = 'btree' AND c.relkind = 'i'}), '00000', 'every index agrees with its table');
done_testing();
