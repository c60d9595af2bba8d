# Library and tables must fit; install() may run again and under another owner.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use Test::More;

my $node = new_node('version');
my $place = "SELECT usom.place_order('" . order_json([ [ 'P1', 1 ] ]) . "')";

# Before install()
sql($node, 'postgres', 'CREATE DATABASE desk');
sql($node, 'desk', 'CREATE EXTENSION usom');
is(sqlstate($node, 'desk', $place), 'US001', 'before install(): US001');
my (undef, undef, $words) = $node->psql('desk', $place);
like($words, qr/HINT:.*usom\.install\(\)/s, 'the hint names install()');
is(sql($node, 'desk', q{SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'usom' AND relname = 'sales_order'}),
	0, 'no table before install()');

# install() twice
sql($node, 'desk', 'SET client_min_messages = warning; SELECT usom.install()');
seed($node, 'desk', 1, 10);
sql($node, 'desk', $place);
my $shape = q{
	SELECT string_agg(format('%s %s %s', c.oid, relname, relowner), ',' ORDER BY c.oid)
	FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'usom'};
my $before = sql($node, 'desk', $shape);
is(sqlstate($node, 'desk', 'SELECT usom.install()'), '00000', 'install() runs again');
is(sql($node, 'desk', $shape), $before, 'and changed nothing');
is(sql($node, 'desk', 'SELECT count(*) FROM usom.orders'), 1, 'the order is there');
is(sqlstate($node, 'desk', 'SELECT usom.upgrade()'), '00000', 'upgrade() with nothing to do');
is(sql($node, 'desk', $shape), $before, 'and changed nothing');
is_sound($node, 'desk', 'installed twice');

# Tables of another version; the step log is a table of usom's own.
for my $version (99, 0)
{
	sql($node, 'desk', 'CREATE TABLE kept AS SELECT * FROM usom._schema_step');
	sql($node, 'desk', "UPDATE usom._schema_step SET version = $version");
	is(sqlstate($node, 'desk', $place), 'US002', "tables of version $version: US002");
	is(sqlstate($node, 'desk', "SELECT usom.receive_stock('L1', 'P1', 1)"), 'US002', 'in every verb');
	(undef, undef, $words) = $node->psql('desk', $place);
	like($words, qr/HINT:.*usom\.upgrade\(\)/s, 'the hint names upgrade()');
	isnt(sql($node, 'desk', 'SELECT count(*) FROM usom.doctor() d WHERE NOT d.ok'), 0, 'doctor() tells');
	sql($node, 'desk', 'DELETE FROM usom._schema_step; INSERT INTO usom._schema_step SELECT * FROM kept; DROP TABLE kept');
}
is(sqlstate($node, 'desk', $place), '00000', 'of the right version: placed');
is_sound($node, 'desk', 'versions mended');

# Another owner
sql($node, 'postgres', 'CREATE DATABASE owned');
sql($node, 'owned', q{SET client_min_messages = warning; CREATE EXTENSION usom; SELECT usom.install('desk_owner')});
seed($node, 'owned', 1, 10);
is(sqlstate($node, 'owned', $place), '00000', 'another owner: placed');
is(sql($node, 'owned', q{SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
	WHERE nspname = 'usom' AND relkind IN ('r', 'p', 'v', 'S') AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')}),
	'desk_owner', 'owns every table and view');
is(sql($node, 'owned', q{SELECT rolcanlogin OR rolsuper FROM pg_roles WHERE rolname = 'desk_owner'}), 'f', 'can neither log in nor do all');
is_sound($node, 'owned', 'another owner');

# A failed install() leaves nothing.
sql($node, 'postgres', 'CREATE DATABASE failed');
sql($node, 'failed', 'CREATE EXTENSION usom; CREATE TABLE usom.shipment (a integer)');
isnt(sqlstate($node, 'failed', 'SELECT usom.install()'), '00000', 'install() over a table of the same name fails');
is(sql($node, 'failed', q{SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'usom' AND relname = 'sales_order'}),
	0, 'and leaves no other table');
sql($node, 'failed', 'DROP TABLE usom.shipment');
is(sqlstate($node, 'failed', 'SELECT usom.install()'), '00000', 'with the name free it runs');
done_testing();
