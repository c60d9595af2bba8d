# Roles of a cluster and databases with usom: two databases, another owner,
# real logins, grants taken back while a session works, everything dropped and
# made anew under a session, dump and restore of who may do what.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main');
new_database($node, $_) for qw(desk other);
seed($node, 'desk', 2, 100);
seed($node, 'other', 2, 100);
sql($node, 'postgres', q{CREATE ROLE shop_agent LOGIN; CREATE ROLE shop_web LOGIN; CREATE ROLE shop_bi LOGIN; CREATE ROLE shop_de LOGIN});
sql($node, 'desk', <<'SQL');
INSERT INTO usom.organisation (code) VALUES ('de');
SELECT usom.grant_access('shop_agent', 'agent'), usom.grant_access('shop_web', 'channel', channel => 'web'), usom.grant_access('shop_bi', 'bi');
SELECT usom.grant_access('shop_de', 'agent', 'de');
ALTER ROLE shop_de IN DATABASE desk SET usom.org = 'de';
SQL

# A session that stays: what a statement says, or its SQLSTATE.
sub open_session
{
	my ($role, $database) = @_;
	my $session = { in => '', out => '', err => '', number => 0 };
	$session->{run} = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-v', 'VERBOSITY=sqlstate', '-U', $role, '-h', $node->host, '-p', $node->port, '-d', $database ],
		'<', \$session->{in}, '>', \$session->{out}, '2>', \$session->{err}, IPC::Run::timeout(120));
	return $session;
}

sub ask
{
	my ($session, $statement) = @_;
	my $mark = 'answer' . ++$session->{number};
	($session->{out}, $session->{err}) = ('', '');
	$session->{in} .= "$statement;\n\\echo $mark\n\\warn $mark\n";
	$session->{run}->pump until $session->{out} =~ /^$mark$/m && $session->{err} =~ /^$mark$/m;
	return $1 if $session->{err} =~ /(?:ERROR|FATAL):\s+(\w{5})/;
	return $session->{out} =~ s/^$mark\n//mr =~ s/\n\z//r;
}

sub state_of { my ($role, $database, $text) = @_; my $session = open_session($role, $database); my $answer = ask($session, $text); $session->{in} .= "\\q\n"; $session->{run}->finish; return $answer }

my $place = "SELECT status FROM usom.place_order('" . order_json([ [ 'P1', 1 ] ], channel => 'web') . "')";

# ---- logins ----

is(state_of('shop_agent', 'desk', $place), 'confirmed', 'an agent logs in and places');
is(state_of('shop_web', 'desk', $place), 'confirmed', 'so does a channel');
is(state_of('shop_bi', 'desk', $place), '42501', 'one who reads does not');
is(state_of('shop_bi', 'desk', 'SELECT count(*) FROM usom.orders'), '2', 'but reads');
is(state_of('shop_agent', 'desk', 'UPDATE usom.stock SET on_hand = 0'), '42501', 'kept tables are written by no profile');
is(state_of('shop_de', 'desk', 'SELECT count(*) FROM usom.orders'), '0', 'another organisation, set for the role, is another one');
is(state_of('shop_de', 'desk', "SET usom.org = 'main'; SELECT count(*) FROM usom.orders"), '42501', 'which the role cannot leave');

# ---- a second database of the cluster ----

is(state_of('shop_agent', 'other', $place), '42501', 'access is of one database');
sql($node, 'other', q{SELECT usom.grant_access('shop_agent', 'agent')});
is(state_of('shop_agent', 'other', $place), 'confirmed', 'and is given in each');
sql($node, 'other', q{SELECT usom.revoke_access('shop_agent', 'agent')});
is(state_of('shop_agent', 'desk', $place), '42501', 'memberships are of the cluster: taking them in one database takes them in all');
is(sql($node, 'desk', q{SELECT usom.grant_access('shop_agent', 'agent')}), '', 'granting again heals it');
is(state_of('shop_agent', 'desk', $place), 'confirmed', 'there');

# ---- another owner ----

$node->safe_psql('postgres', 'CREATE DATABASE owned');
$node->safe_psql('owned', q{SET client_min_messages = warning; CREATE EXTENSION usom; SELECT usom.install('desk_owner')});
seed($node, 'owned', 2, 100);
sql($node, 'owned', q{SELECT usom.grant_access('shop_agent', 'agent')});
is(state_of('shop_agent', 'owned', $place), 'confirmed', 'verbs run as whoever owns the tables');
is(sql($node, 'owned', q{SELECT string_agg(DISTINCT tableowner, ' ') FROM pg_tables WHERE schemaname = 'usom'}), 'desk_owner', 'which is the role that install() was told');
is_sound($node, 'owned', 'another owner');
is(state_of('shop_agent', 'owned', 'SELECT count(*) FROM usom.order_history'), '1', 'history can be read');
is(sql($node, 'owned', 'SELECT DISTINCT active_role FROM usom.audit_entry WHERE table_name = \'sales_order\''), 'shop_agent', 'the audit names who asked');
sql($node, 'owned', 'ALTER ROLE desk_owner RENAME TO desk_keeper');
is(state_of('shop_agent', 'owned', $place), 'confirmed', 'the owner may be renamed');

# ---- grants that change while a session works ----

my $web = open_session('shop_web', 'desk');
is(ask($web, $place), 'confirmed', 'a session works');
is(ask($web, 'PREPARE mine AS SELECT count(*) > 0 FROM usom.orders'), '', 'and prepares');
is(ask($web, 'EXECUTE mine'), 't', 'what it asks again and again');
sql($node, 'desk', q{SELECT usom.revoke_access('shop_web', 'channel')});
is(ask($web, $place), '42501', 'its access is taken: the next call fails');
is(ask($web, 'EXECUTE mine'), '42501', 'and the plan, too');
sql($node, 'desk', q{SELECT usom.grant_access('shop_web', 'channel', channel => 'pos')});
is(ask($web, $place), '42501', 'given for another channel');
is(ask($web, 'EXECUTE mine'), 'f', 'it sees that one');
sql($node, 'desk', q{SELECT usom.grant_access('shop_web', 'channel', channel => 'web')});
is(ask($web, $place), 'confirmed', 'given back');
sql($node, 'desk', 'REVOKE usom_channel FROM shop_web');
is(ask($web, $place), '42501', 'a plain REVOKE counts as well');
sql($node, 'desk', 'GRANT usom_channel TO shop_web');
is(ask($web, $place), 'confirmed', 'as does a plain GRANT');
sql($node, 'desk', 'GRANT usom_bi TO shop_web');
is(ask($web, $place), '42501', 'a profile by GRANT that usom.access does not know for the organisation');
sql($node, 'desk', 'REVOKE usom_bi FROM shop_web');
is(ask($web, 'BEGIN'), '', 'inside a transaction');
is(ask($web, 'EXECUTE mine'), 't', 'that has begun');
sql($node, 'desk', q{SELECT usom.revoke_access('shop_web', 'channel')});
is(ask($web, $place), '42501', 'it counts, too');
is(ask($web, 'ROLLBACK'), '', 'at once');
sql($node, 'desk', q{SELECT usom.grant_access('shop_web', 'channel', channel => 'web')});

# ---- a pool that takes roles on ----

sql($node, 'postgres', 'CREATE ROLE pool LOGIN NOINHERIT; GRANT shop_web, shop_bi, shop_de TO pool');
my $pool = open_session('pool', 'desk');
is(ask($pool, 'SELECT count(*) FROM usom.orders'), '42501', 'the login of a pool is nobody');
is(ask($pool, 'BEGIN; SET LOCAL ROLE shop_web; SELECT count(*) > 0 FROM usom.orders; COMMIT'), 't', 'it becomes a channel');
is(ask($pool, 'BEGIN; SET LOCAL ROLE shop_bi; SELECT count(*) > 0 FROM usom.orders; COMMIT'), 't', 'or one who reads');
is(ask($pool, "BEGIN; SET LOCAL ROLE shop_de; SET LOCAL usom.org = 'de'; SELECT count(*) FROM usom.orders; COMMIT"), '0', 'or another organisation');
is(ask($pool, "BEGIN; SET LOCAL ROLE shop_bi; SET LOCAL usom.org = 'de'; SELECT count(*) FROM usom.orders"), '42501', 'each for its own');
ask($pool, 'ROLLBACK');

# ---- dropped and made anew under a session ----

my $super = open_session($node->safe_psql('postgres', 'SELECT current_user'), 'desk');
is(ask($super, 'SELECT usom.current_org()'), '1', 'a session that has looked');
is(ask($super, q{SET usom.org = 'de'; SELECT usom.current_org() <> 1}), 't', 'at another organisation as well');
ask($super, 'RESET usom.org');
ask($super, $place);
sql($node, 'desk', q{SET client_min_messages = warning; SET usom.allow_drop = on; DROP EXTENSION usom CASCADE});
is(ask($super, $place), '3F000', 'everything is gone');
sql($node, 'desk', q{SET client_min_messages = warning; CREATE EXTENSION usom});
is(ask($super, $place), 'US001', 'then there are no tables');
sql($node, 'desk', q{SET client_min_messages = warning; SELECT usom.install(); INSERT INTO usom.organisation (code) VALUES ('new')});
seed($node, 'desk', 2, 100);
is(ask($super, $place), 'confirmed', 'made anew, the old session works with what is there now');
is(ask($super, 'SET usom.org = \'new\'; SELECT usom.current_org()'), sql($node, 'desk', q{SELECT org_id FROM usom.organisation WHERE code = 'new'}), 'and with no key of before');
is(ask($web, $place), '42501', 'access has to be given again');
sql($node, 'desk', q{SELECT usom.grant_access('shop_web', 'channel', channel => 'web')});
is(ask($web, $place), 'confirmed', 'then an old session of a channel works, too');
is(sql($node, 'desk', 'SELECT count(*) FROM usom.orders'), '2', 'both orders are there');
is_sound($node, 'desk', 'made anew');

# ---- dump and restore ----

sub run_ok { my ($what, @command) = @_; my ($out, $err); ok(IPC::Run::run([@command], '>', \$out, '2>', \$err) && $err eq '', $what) or diag($err); return $out }
my @to = ('-h', $node->host, '-p', $node->port);
my $file = PostgreSQL::Test::Utils::tempdir() . '/desk';
sql($node, 'desk', q{SELECT usom.grant_access('shop_agent', 'agent')});
run_ok('dump', 'pg_dump', @to, '-Fc', '-f', $file, 'desk');
sql($node, 'postgres', 'CREATE DATABASE restored TEMPLATE template0');
run_ok('restore', 'pg_restore', @to, '-d', 'restored', $file);
my $rights = q{SELECT g::text FROM usom._made_grants() g ORDER BY 1};
is(sql($node, 'restored', $rights), sql($node, 'desk', $rights), 'the same grants');
cmp_ok(scalar(split /\n/, sql($node, 'restored', $rights)), '>', 400, 'and many');
my $policies = q{SELECT tablename, policyname, permissive, roles, cmd, qual, with_check FROM pg_policies WHERE schemaname = 'usom' ORDER BY 1};
is(sql($node, 'restored', $policies), sql($node, 'desk', $policies), 'the same policies');
my $public = q{SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace = 'usom'::regnamespace AND has_function_privilege('public', oid, 'EXECUTE') ORDER BY 1::text};
is(sql($node, 'restored', $public), sql($node, 'desk', $public), 'the same functions for everybody');
is(state_of('shop_web', 'restored', $place), 'confirmed', 'who could work can work');
is(state_of('shop_bi', 'restored', $place), '42501', 'who could not cannot');
is(state_of('shop_web', 'restored', "SELECT usom.place_order('" . order_json([ [ 'P1', 1 ] ], channel => 'phone') . "')"), '42501', 'channels are limited as before');
is_sound($node, 'restored', 'restored');

$_->{run}->kill_kill for $web, $pool, $super;
done_testing();
