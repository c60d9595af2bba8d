# Behind a pooler in transaction mode, clients take turns on one server
# connection, transaction by transaction: nothing of a client reaches the next
# one, and what the connection remembers is right for whoever has it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use PostgreSQL::Test::Utils;
use Test::More;

my ($pgbouncer) = grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin';
plan skip_all => 'pgbouncer is not installed' unless $pgbouncer;

my $node = new_node('main', 'max_connections = 60');
new_database($node, 'desk');
seed($node, 'desk', 5, 100000);
sql($node, 'desk', <<'SQL');
INSERT INTO usom.organisation (code) VALUES ('de');
CREATE ROLE shop LOGIN; CREATE ROLE shop_de LOGIN; CREATE ROLE authenticator LOGIN NOINHERIT; CREATE ROLE anna;
SELECT usom.grant_access('shop', 'agent'), usom.grant_access('shop', 'agent', 'de'), usom.grant_access('shop_de', 'agent', 'de'), usom.grant_access('anna', 'agent');
GRANT anna TO authenticator;
ALTER ROLE shop_de IN DATABASE desk SET usom.org = 'de';
SET usom.org = 'de';
INSERT INTO usom.location (code) VALUES ('D1');
INSERT INTO usom.product (sku) VALUES ('P1');
SELECT usom.receive_stock('D1', 'P1', 100000);
INSERT INTO usom.promotion (code, percent) VALUES ('TENTH', 10);
SQL

# ---- the pooler: one server connection for each role ----

my $home = PostgreSQL::Test::Utils::tempdir_short();
my $port = PostgreSQL::Test::Cluster::get_free_port();
append_to_file("$home/pgbouncer.ini", <<"INI");
[databases]
desk = host=@{[ $node->host ]} port=@{[ $node->port ]} dbname=desk
wide = host=@{[ $node->host ]} port=@{[ $node->port ]} dbname=desk pool_size=5
[pgbouncer]
listen_addr =
listen_port = $port
unix_socket_dir = $home
auth_type = trust
auth_file = $home/users
pool_mode = transaction
default_pool_size = 1
max_client_conn = 300
ignore_startup_parameters = extra_float_digits,options
logfile = $home/log
pidfile = $home/pid
INI
append_to_file("$home/users", join('', map { qq("$_" ""\n) } qw(postgres shop shop_de authenticator)));
my $pooler = IPC::Run::start([ $pgbouncer, "$home/pgbouncer.ini" ], '>', "$home/out", '2>&1');
END { if ($pooler) { my $status = $?; $pooler->signal('INT'); $pooler->finish; $? = $status } }
for (1 .. 100)
{
	last if -S "$home/.s.PGSQL.$port";
	select(undef, undef, undef, 0.1);
}

# A client that stays: what a statement says, or its SQLSTATE.
sub client
{
	my ($role) = @_;
	my $client = { in => '', out => '', err => '', number => 0 };
	$client->{run} = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-v', 'VERBOSITY=sqlstate', '-U', $role, '-h', $home, '-p', $port, '-d', 'desk' ],
		'<', \$client->{in}, '>', \$client->{out}, '2>', \$client->{err}, IPC::Run::timeout(120));
	return $client;
}

sub ask
{
	my ($client, $statement) = @_;
	my $mark = 'answer' . ++$client->{number};
	($client->{out}, $client->{err}) = ('', '');
	$client->{in} .= "$statement;\n\\echo $mark\n\\warn $mark\n";
	$client->{run}->pump until $client->{out} =~ /^$mark$/m && $client->{err} =~ /^$mark$/m;
	return $1 if $client->{err} =~ /(?:ERROR|FATAL):\s+(\w{5})/;
	return $client->{out} =~ s/^$mark\n//mr =~ s/\n\z//r;
}

my $number = 0;
sub order { my %more = @_; return "usom.place_order('" . order_json([ [ 'P1', 1 ] ], external_id => 'N' . ++$number, %more) . "')" }
sub total { return 'SELECT total FROM usom.place_order(' . qq('{"external_id": "T@{[ ++$number ]}", "lines": [{"sku": "P1", "quantity": 1, "unit_price": 10}]}') . ')' }

my ($one, $two) = (client('shop'), client('shop'));
is(ask($one, 'SELECT pg_backend_pid()'), ask($two, 'SELECT pg_backend_pid()'), 'two clients have one server connection');

# ---- who it is, and for which organisation ----

ask($one, "BEGIN; SELECT set_config('usom.app_user', 'anna', true), set_config('usom.reason', 'by phone', true)");
is(ask($one, "SELECT status FROM @{[ order(external_id => 'mine') ]}"), 'confirmed', 'a client says who it is in its transaction');
ask($one, 'COMMIT');
is(ask($two, "SELECT status FROM @{[ order(external_id => 'yours') ]}"), 'confirmed', 'the next client works');
is(ask($two, "SELECT coalesce(current_setting('usom.app_user', true), '') || coalesce(current_setting('usom.reason', true), '')"), '', 'and is not taken for the first');
is($node->safe_psql('desk', "SELECT string_agg(o.external_id || ' ' || coalesce(h.app_user, 'nobody'), ', ' ORDER BY o.external_id)
	FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE h.version = 1 AND o.external_id IN ('mine', 'yours')"),
	'mine anna, yours nobody', 'nor in the history');

my @totals;
for (1 .. 6)
{
	push @totals, ask($one, "BEGIN; SET LOCAL usom.org = 'de'; " . total() . '; COMMIT'), ask($two, total());
}
is("@totals", join(' ', ('9 10') x 6), 'each transaction has its organisation, and the promotion of that alone');
my $german = client('shop_de');
is(ask($german, total()), '9', 'a role whose organisation is set for it has a connection of its own');

# ---- errors and what is left of them ----

is(ask($one, "BEGIN; SET LOCAL usom.org = 'de'; SELECT usom.cancel_order('none', 'x')"), 'US105', 'a call fails in the middle of a transaction');
ask($one, 'ROLLBACK');
is(ask($two, total()), '10', 'the next client does not notice');
ask($one, "BEGIN; INSERT INTO usom.freight_charge (name, order_price) VALUES ('gone', 4)");
ask($one, 'ROLLBACK');
is(ask($two, total()), '10', 'nor a rule that was rolled back');
$node->safe_psql('desk', "INSERT INTO usom.freight_charge (name, order_price) VALUES ('flat', 4)");
is(ask($two, total()), '14', 'a rule that another connection made counts at once');
$node->safe_psql('desk', 'DELETE FROM usom.freight_charge');
is(ask($one, total()), '10', 'and when it is gone, no more');

# ---- what lasts longer than a transaction stands in tables ----

like(ask($one, "SELECT usom.reserve_stock('cart-1', 'L1', 'P1', 3, '1 hour')"), qr/^\d+$/, 'one client has units kept for a cart');
is(ask($two, qq(SELECT quantity_reserved FROM usom.place_order('{"external_id": "cart", "reservation_owner": "cart-1", "lines": [{"sku": "P1", "quantity": 3, "unit_price": 1}]}'))),
	'3', 'another one orders them');
is($node->safe_psql('desk', "SELECT count(*) FROM usom.reservation WHERE owner = 'cart-1'"), '0', 'they are kept no longer');
ask($one, "SELECT usom.quote('" . order_json([ [ 'P1', 1 ] ]) . "'); SELECT * FROM usom.verify()");
is(ask($two, q{SELECT (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'), (SELECT count(*) FROM pg_prepared_statements),
	(SELECT count(*) FROM pg_cursors), (SELECT count(*) FROM pg_listening_channels()), pg_my_temp_schema(),
	(SELECT count(*) FROM pg_settings WHERE source = 'session' AND (name ~ '^usom' OR name ~ 'enable|jit|search_path'))}),
	'0|0|0|0|0|0', 'the connection has no locks, statements, cursors, channels, temporary tables or settings left');
ask($one, 'DISCARD ALL');
is(ask($two, total()), '10', 'DISCARD ALL does no harm');

# ---- a role for each transaction ----

my $door = client('authenticator');
is(ask($door, total()), '42501', 'the login alone may nothing');
is(ask($door, 'BEGIN; SET LOCAL ROLE anna; ' . total() . '; COMMIT'), '10', 'in the role of an agent it places');
is(ask($door, total()), '42501', 'and that role ends with the transaction');

# ---- many clients ----

append_to_file("$home/place.sql", "SELECT status FROM usom.place_order(jsonb_build_object('external_id', :way || '-' || :client_id || '-' || :n, 'lines', jsonb_build_array(jsonb_build_object('sku', 'P2', 'quantity', 1)))) \\gset\n\\set n :n + 1\n");
my $way = 0;
for my $protocol (qw(simple extended))
{
	$way++;
	command_ok([ 'pgbench', '-n', '-M', $protocol, '-c', '100', '-j', '2', '-t', '5', '-f', "$home/place.sql", '-D', 'n=0', '-D', "way=$way", '-h', $home, '-p', $port, '-U', 'shop', 'wide' ],
		"100 clients over 5 connections, $protocol protocol");
}
is($node->safe_psql('desk', "SELECT count(*), (SELECT sum(reserved) FROM usom.stock_position WHERE sku = 'P2') FROM usom.sales_order WHERE external_id ~ '^[12]-'"), '1000|1000', 'every order is there, once');
cmp_ok($node->safe_psql('desk', "SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop'"), '<=', 6, 'by no more connections than that');
my ($major, $minor) = `$pgbouncer --version` =~ /(\d+)\.(\d+)/;
SKIP:
{
	skip 'pgbouncer knows statements prepared by the protocol from 1.21 on', 1 if $major == 1 && $minor < 21;
	command_ok([ 'pgbench', '-n', '-M', 'prepared', '-c', '20', '-j', '2', '-t', '5', '-f', "$home/place.sql", '-D', 'n=0', '-D', 'way=3', '-h', $home, '-p', $port, '-U', 'shop', 'wide' ],
		'statements prepared by the protocol');
}

# ---- a connection that is lost ----

$node->safe_psql('desk', "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'shop'");
my $later = client('shop');
is(ask($later, total()), '10', 'who comes after a connection was ended gets a new one');
is_sound($node, 'desk', 'after the poolers');
done_testing();
