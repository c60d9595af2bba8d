# Orders are not dropped by mistake: DROP EXTENSION, DROP SCHEMA and DROP OWNED
# are refused while there are any, unless usom.allow_drop is on.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use Test::More;

my $node = new_node('drop');

# Each statement, with what it must say while an order is there.
my @drops = (
	[ 'DROP EXTENSION usom',          qr/^(2BP01|US003)$/ ],
	[ 'DROP EXTENSION usom CASCADE',  qr/^US003$/ ],
	[ 'DROP EXTENSION IF EXISTS usom CASCADE', qr/^US003$/ ],
	[ 'DROP SCHEMA usom',             qr/^(2BP01|US003)$/ ],
	[ 'DROP SCHEMA usom CASCADE',     qr/^US003$/ ],
	[ 'DROP SCHEMA public, usom CASCADE', qr/^US003$/ ],
	[ 'DROP OWNED BY usom_owner',     qr/^(2BP01|US003)$/ ],
	[ 'DROP OWNED BY usom_owner CASCADE', qr/^US003$/ ],
);

new_database($node, 'desk');
seed($node, 'desk', 1, 10);
sql($node, 'desk', "SELECT usom.place_order('" . order_json([ [ 'P1', 1 ] ]) . "')");

for (@drops)
{
	my ($drop, $refusal) = @$_;
	like(sqlstate($node, 'desk', $drop), $refusal, "refused: $drop");
	is(sql($node, 'desk', 'SELECT count(*) FROM usom.orders'), 1, 'the order is still there');
}

my (undef, undef, $words) = $node->psql('desk', 'DROP EXTENSION usom CASCADE');
like($words, qr/HINT:.*usom\.allow_drop/s, 'the hint names the setting');
is(sqlstate($node, 'desk', 'DO $$ BEGIN EXECUTE \'DROP EXTENSION usom CASCADE\'; END $$'), 'US003', 'refused inside a DO block');
is(sqlstate($node, 'desk', 'SET search_path = public; SET session_replication_role = replica; DROP EXTENSION usom CASCADE'),
	'US003', 'refused under session_replication_role');
is_sound($node, 'desk', 'after all refusals');

# What is not usom's is nobody's business here.
is(sqlstate($node, 'desk', 'CREATE SCHEMA other; CREATE TABLE other.t (a int); DROP SCHEMA other CASCADE'), '00000', 'another schema is dropped');
is(sqlstate($node, 'desk', 'CREATE ROLE nobody_in_particular; DROP OWNED BY nobody_in_particular'), '00000', 'DROP OWNED of another role');

# Meant: in that session alone.
is(sqlstate($node, 'desk', 'SET usom.allow_drop = on; DROP EXTENSION usom CASCADE'), '00000', 'dropped with usom.allow_drop');
is(sqlstate($node, 'desk', 'SET client_min_messages = error; DROP SCHEMA IF EXISTS usom CASCADE'), '00000', 'and the schema with what is left');

# Without orders there is nothing to lose.
new_database($node, 'empty');
is(sqlstate($node, 'empty', 'DROP EXTENSION usom'), '2BP01', 'empty: tables depend on the extension, PostgreSQL itself refuses');
is(sqlstate($node, 'empty', 'DROP EXTENSION usom CASCADE'), '00000', 'empty: dropped with CASCADE');
is(sql($node, 'empty', q{SELECT count(*) FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace WHERE nspname = 'usom' AND typname ~ '_status$'}),
	0, 'the types are gone');

# Before install() there are no tables to ask.
sql($node, 'postgres', 'CREATE DATABASE bare');
sql($node, 'bare', 'CREATE EXTENSION usom');
is(sqlstate($node, 'bare', 'DROP EXTENSION usom'), '00000', 'not installed: dropped');

# A database whose extension is gone can make it anew.
sql($node, 'bare', 'CREATE EXTENSION usom; SELECT usom.install()');
is_sound($node, 'bare', 'made again');
done_testing();
