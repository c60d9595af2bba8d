# What is written about people stands nowhere in clear: no file of the server,
# no WAL, no dump, no statistics.  Who is erased stays unreadable, in the live
# database and in what is restored from it; erasing goes on under load.
use strict;
use warnings;
use File::Find;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('privacy', 'autovacuum = off', 'max_wal_size = 1GB', 'wal_keep_size = 1GB');
new_database($node, 'desk');
seed($node, 'desk', 4, 100000);

# ---- every way in ----

my $marker = 'Mq' . join('', map { chr(97 + int rand 26) } 1 .. 14);
my $n = 0;
sub word { return $marker . sprintf('%02d', ++$n) }
sub does { return sql($node, 'desk', $_[0]) }

does("INSERT INTO usom.customer (code, name, email, phone) SELECT 'K' || i, '" . word() . " ' || i, '" . word() . "\@' || i || '.org', '" . word() . "' || i FROM generate_series(1, 60) i");
does("INSERT INTO usom.customer (code, name) VALUES ('K1', '" . word() . "') ON CONFLICT (org_id, code) DO UPDATE SET name = EXCLUDED.name");
does("UPDATE usom.customer SET phone = '" . word() . "' WHERE code = 'K2'");
does("INSERT INTO usom.customer_address (customer_id, name, line1, line2, city, postcode, country) SELECT customer_id, '" . word() . "', '" . word() . "', '" . word()
	. "', '" . word() . "', '" . word() . "', 'GB' FROM usom.customer WHERE code LIKE 'K%'");
does("UPDATE usom.customer_address SET city = '" . word() . "', line2 = repeat('" . word() . " ', 500) WHERE customer_id = usom.customer_id('K3')");
my $ship_to = sub { return '{"name": "' . word() . '", "line1": "' . word() . '", "city": "' . word() . '", "postcode": "LS1 4AB", "country": "GB"}' };
my $document = sub { return '{"external_id": "P-' . ++$n . '", "customer": "' . $_[0] . '", "instructions": "' . word() . '", "ship_to": ' . $ship_to->() . ', "lines": [{"sku": "P1", "quantity": 1, "unit_price": 9.95}]}' };
my $of_guest = sub { my $text = $document->('K'); $text =~ s/"customer": "K", //; return $text };
does("SELECT usom.place_order('" . $document->("K$_") . "')") for 1 .. 5;
does("SELECT usom.place_order('" . $of_guest->() . "')") for 1 .. 3;
does("SELECT usom.place_orders('[" . join(', ', map { $document->("K$_") } 1 .. 10) . "]')");
does("SELECT usom.change_order(order_no, '{\"instructions\": \"" . word() . "\", \"ship_to\": " . $ship_to->() . "}') FROM usom.orders WHERE customer IN ('K1', 'K2')");
does("INSERT INTO usom.sales_order (external_id, customer_id, ship_to, instructions) VALUES ('raw', usom.customer_id('K4'), '" . $ship_to->() . "', '" . word() . "')");
does("INSERT INTO usom.sales_order (external_id, ship_to) VALUES ('raw', '" . $ship_to->() . "') ON CONFLICT (org_id, channel_id, external_id) WHERE external_id IS NOT NULL DO UPDATE SET address_id = EXCLUDED.address_id");
does("UPDATE usom.sales_order SET ship_to = '" . $ship_to->() . "', instructions = '" . word() . "' WHERE external_id = 'raw'");
$node->psql('desk', "BEGIN; INSERT INTO usom.customer (code, name) VALUES ('KX', '" . word() . "'); SELECT 1/0; COMMIT");
like(does("SELECT ship_to->>'name' FROM usom.orders WHERE external_id = 'raw'"), qr/^$marker/, 'those who may read what was written');
like(does("SELECT * FROM usom.find_customers('${marker}02\@7.org')"), qr/^K7$/, 'and find it');
does("CREATE TABLE public.control (word text); INSERT INTO public.control VALUES ('control$marker')");

# ---- nowhere in clear ----

sub files_with
{
	my ($words, @folders) = @_;
	my %found;
	find({ no_chdir => 1, wanted => sub {
		return if !-f $_ || $_ =~ m{/(postmaster|pg_internal)\b};
		open my $in, '<:raw', $_ or return;
		local $/;
		my $bytes = <$in> // '';
		for my $word (@$words) { $found{$word}{$_} = 1 if index($bytes, $word) >= 0 }
	} }, @folders);
	return \%found;
}

does('VACUUM; ANALYZE; CHECKPOINT');
my $files = files_with([ $marker, "control$marker" ], $node->data_dir);
cmp_ok(scalar(keys %{ $files->{"control$marker"} // {} }), '>=', 2, 'the search finds what is there: in a table and in the WAL');
is(join(' ', grep { !$files->{"control$marker"}{$_} } sort keys %{ $files->{$marker} // {} }), '', 'no other file of the server has a text in clear');
does('DROP TABLE public.control');

my ($dump, $err);
IPC::Run::run([ 'pg_dump', '-h', $node->host, '-p', $node->port, 'desk' ], '>', \$dump, '2>', \$err) or die $err;
is(index($dump, $marker), -1, 'the dump has none');
like($dump, qr/usom1:/, 'but sealed texts');
is(does("SELECT count(*) FROM pg_statistic s WHERE s::text ~ '$marker'"), 0, 'the statistics have none');
is(does("SELECT count(*) FROM pg_statistic s, usom.vault_key k WHERE s::text ~ substr(k.key::text, 3)"), 0, 'nor a key');
is(does("SELECT count(*) FROM usom.audit WHERE before::text ~ '$marker' OR after::text ~ '$marker'"), 0, 'nor has the audit a text');
is(does("SELECT count(*) FROM usom.audit_entry e, usom.vault_key k WHERE position(k.key IN e.after) > 0 OR position(k.key IN e.before) > 0"), 0, 'or a key');
is(does("SELECT count(*) FROM usom.audit_entry e WHERE e.table_name = 'vault_key' AND NOT e.after IS NULL") > 0, 1, 'though it knows of keys');

# ---- a dump without the keys ----

my $folder = PostgreSQL::Test::Utils::tempdir();
for my $way ([ 'keys', '-Fc' ], [ 'no_keys', '-Fc', '--exclude-table-data=usom.vault_key' ])
{
	my ($name, @options) = @$way;
	IPC::Run::run([ 'pg_dump', '-h', $node->host, '-p', $node->port, @options, '-f', "$folder/$name", 'desk' ], '2>', \$err) or die $err;
	sql($node, 'postgres', "CREATE DATABASE $name TEMPLATE template0");
	IPC::Run::run([ 'pg_restore', '-h', $node->host, '-p', $node->port, '-d', $name, "$folder/$name" ], '2>', \$err) or die $err;
}
is(sql($node, 'keys', "SELECT count(*) FROM usom.customers WHERE name ~ '^$marker'"), 60, 'restored with the keys, people are known');
is_sound($node, 'keys', 'restored with the keys');
is(sql($node, 'no_keys', "SELECT count(name), count(*) > 60 FROM usom.customers"), '0|t', 'restored without, nobody is');
is(sql($node, 'no_keys', "SELECT count(*) FROM usom.orders WHERE instructions IS NOT NULL OR ship_to ? 'name'"), 0, 'nor what orders say');

is(sqlstate($node, 'no_keys', "UPDATE usom.customer SET name = 'x' WHERE code = 'K1'"), '55000', 'a text without a key is refused');
is(sqlstate($node, 'no_keys', "SELECT usom.place_order('{\"customer\": \"K1\", \"instructions\": \"x\", \"lines\": [{\"sku\": \"P1\", \"quantity\": 1}]}')"), '55000', 'also by an order');
is(sqlstate($node, 'no_keys', "SELECT usom.place_order('{\"customer\": \"K1\", \"lines\": [{\"sku\": \"P1\", \"quantity\": 1}]}')"), '00000', 'which may do without');
is(sql($node, 'no_keys', "SELECT count(*) FROM usom.verify() WHERE area <> 'privacy' AND entity !~ 'vault_key'"), 0, 'the rest is whole');
cmp_ok(sql($node, 'no_keys', "SELECT count(*) FROM usom.verify_vault()"), '>=', 60, 'and what is missing is listed');

# The two files together, in the order that doc/privacy.md tells.
IPC::Run::run([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-Fc', '--data-only', '-t', 'usom.vault_key', '-f', "$folder/keys_alone", 'desk' ], '2>', \$err) or die $err;
sql($node, 'postgres', 'CREATE DATABASE together TEMPLATE template0');
for my $part ([ '--section=pre-data', "$folder/no_keys" ], [ '--section=data', "$folder/no_keys" ], ["$folder/keys_alone"], [ '--section=post-data', "$folder/no_keys" ])
{
	IPC::Run::run([ 'pg_restore', '-h', $node->host, '-p', $node->port, '-d', 'together', @$part ], '2>', \$err) or die $err;
}
is(sql($node, 'together', "SELECT count(*) FROM usom.customers WHERE name ~ '^$marker'"), 60, 'with the keys from a file of their own, people are known again');
is_sound($node, 'together', 'restored from two files');

# ---- into a database of another encoding ----

sql($node, 'postgres', "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'");
sql($node, 'postgres', "CREATE DATABASE utf8 TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
sql($node, 'latin', "SET client_min_messages = warning; CREATE EXTENSION usom; SELECT usom.install()");
sql($node, 'latin', q{INSERT INTO usom.customer (code, name, email) VALUES ('J', convert_from('\x4ac3b67267', 'UTF8'), convert_from('\x4ac3b640', 'UTF8') || 'X.org')});
IPC::Run::run([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-Fc', '-f', "$folder/latin", 'latin' ], '2>', \$err) or die $err;
IPC::Run::run([ 'pg_restore', '-h', $node->host, '-p', $node->port, '-d', 'utf8', "$folder/latin" ], '2>', \$err) or die $err;
is(sql($node, 'utf8', "SELECT convert_to(name, 'UTF8') FROM usom.customers"), '\x4ac3b67267', 'sealed as LATIN1, read as UTF-8');
is(sql($node, 'utf8', q{SELECT * FROM usom.find_customers(convert_from('\x4ac3b640', 'UTF8') || 'x.ORG')}), 'J', 'and found');
is_sound($node, 'utf8', 'of another encoding');

# ---- erased ----

my $key = does("SELECT substr(key::text, 3) FROM usom.vault_key WHERE person_id = usom.customer_id('K5')");
is(sqlstate($node, 'desk', "SELECT usom.erase_customer('K5', 'asked')"), 'US905', 'not while an order is open');
does("SELECT usom.cancel_order(order_no, 'erasure') FROM usom.orders WHERE customer = 'K5'");
my $books = does("SELECT count(*), sum(total) FROM usom.orders WHERE customer = 'K5'");
does("SELECT usom.erase_customer('K5', 'asked')");
is(does("SELECT count(*) FROM usom.orders WHERE customer = 'K5' AND (instructions IS NOT NULL OR ship_to ? 'name' OR ship_to ? 'line1')"), 0, 'nothing is read any more');
is(does("SELECT DISTINCT ship_to FROM usom.orders WHERE customer = 'K5'"), '{"country": "GB", "postcode": "LS1 4AB"}', 'the books keep country and postcode');
is(does("SELECT count(*), sum(total) FROM usom.orders WHERE customer = 'K5'"), $books, 'and amounts');
IPC::Run::run([ 'pg_dump', '-h', $node->host, '-p', $node->port, 'desk' ], '>', \$dump, '2>', \$err) or die $err;
is(index($dump, $key), -1, 'the key is in no dump');
does('VACUUM FULL usom.vault_key');
does('VACUUM; CHECKPOINT');
$files = files_with([ pack('H*', $key) ], $node->data_dir . '/base/' . does("SELECT oid FROM pg_database WHERE datname = 'desk'"));
is(join(' ', map { keys %$_ } values %$files), '', 'and, after VACUUM FULL of that small table, in no file of the database');
is(does("SELECT code, kind FROM usom.erasure"), 'K5|customer', 'it is known whom to erase again when an older backup is restored');
is(sql($node, 'keys', "SELECT count(*) FROM usom.orders o, usom.cancel_order(o.order_no, 'erasure') c WHERE o.customer = 'K5'"), 2, 'in the older backup');
is(sql($node, 'keys', "SELECT usom.erase_customer('K5', 'asked, after a restore')"), 'K5', 'that is done');
is(sql($node, 'keys', "SELECT count(*) FROM usom.orders WHERE customer = 'K5' AND instructions IS NOT NULL"), 0, 'with the same end');
is_sound($node, 'keys', 'erased after a restore');
is_sound($node, 'desk', 'erased');

# ---- under load ----

my %scripts = (
	place => <<'SQL',
\set c random(1, 60)
\set t random(1, 1000000000)
DO $$ BEGIN
	PERFORM usom.place_order(format('{"external_id": "L-%s", "customer": "K%s", "ship_to": {"name": "Load", "city": "City", "country": "GB"}, "instructions": "ring", "lines": [{"sku": "P%s", "quantity": 1}]}', :t, :c, 1 + :t % 4)::jsonb);
EXCEPTION WHEN SQLSTATE 'US904' OR SQLSTATE 'US801' THEN NULL; END $$;
SQL
	bare => <<'SQL',
\set c random(1, 60)
DO $$ BEGIN
	PERFORM usom.place_order('{"customer": "K:c", "lines": [{"sku": "P2", "quantity": 1}]}');
EXCEPTION WHEN SQLSTATE 'US904' THEN NULL; END $$;
SQL
	batch => <<'SQL',
\set c random(1, 55)
SELECT count(*) FROM usom.place_orders((SELECT jsonb_agg(format('{"customer": "K%s", "ship_to": {"name": "Batch"}, "lines": [{"sku": "P%s", "quantity": 1}]}', :c + i, 1 + i % 4)::jsonb) FROM generate_series(0, 5) i));
SELECT count(*) FROM usom.place_orders('[{"ship_to": {"name": "Guest"}, "lines": [{"sku": "P1", "quantity": 1}]}]');
SQL
	raw => <<'SQL',
\set c random(1, 60)
DO $$ BEGIN
	INSERT INTO usom.sales_order (customer_id, ship_to, instructions) VALUES (usom.customer_id('K:c'), '{"name": "Raw"}', 'raw');
EXCEPTION WHEN SQLSTATE 'US904' THEN NULL; END $$;
SQL
	write => <<'SQL',
\set c random(1, 60)
\set t random(1, 1000000)
DO $$ BEGIN
	UPDATE usom.customer SET name = 'Name :t', email = ':t@load.org' WHERE code = 'K:c';
EXCEPTION WHEN SQLSTATE 'US904' THEN NULL; END $$;
INSERT INTO usom.customer (code, name, phone) VALUES ('N:t', 'New', ':t') ON CONFLICT (org_id, code) DO UPDATE SET name = EXCLUDED.name;
SQL
	erase => <<'SQL',
\set c random(1, 60)
UPDATE usom.sales_order SET status = 'cancelled' WHERE org_id = 1 AND customer_id = usom.customer_id('K:c') AND status IN ('draft', 'submitted', 'confirmed');
DO $$ BEGIN
	PERFORM usom.erase_customer('K:c', 'asked');
EXCEPTION WHEN SQLSTATE 'US904' OR SQLSTATE 'US905' THEN NULL; END $$;
SQL
);
my $seconds = env_number('PRIVACY_SECONDS', 12);
my @files;
for my $name (sort keys %scripts)
{
	append_to_file("$folder/$name.sql", $scripts{$name});
	push @files, '-f', "$folder/$name.sql\@" . ({ place => 6, bare => 4, write => 3, erase => 1 }->{$name} // 2);
}
my ($out);
my $ok = IPC::Run::run([ 'pgbench', '-n', '-c', 8, '-j', 2, '-T', $seconds, '--max-tries', 20, '--random-seed', 4711, @files,
		'-h', $node->host, '-p', $node->port, 'desk' ], '>', \$out, '2>', \$err);
ok($ok && $err !~ /aborted|ERROR/, 'the load ran without an error') or diag($err);
cmp_ok(does("SELECT count(*) FROM usom.erasure"), '>', 5, 'people were erased meanwhile');
is(does(q{SELECT count(*) FROM usom.orders o JOIN usom.customers c USING (customer) WHERE c.erased_at IS NOT NULL
	AND o.status NOT IN ('delivered', 'closed', 'cancelled', 'rejected')}), 0, 'no order of them is open');
is(does(q{SELECT count(*) FROM usom.orders o JOIN usom.customers c USING (customer) WHERE c.erased_at IS NOT NULL
	AND (o.instructions IS NOT NULL OR o.ship_to ? 'name')}), 0, 'and nothing of them is read');
is(does(q{SELECT count(*) FROM usom.orders o LEFT JOIN usom.customers c USING (customer) WHERE c.erased_at IS NULL
	AND o.external_id LIKE 'L-%' AND (o.instructions IS DISTINCT FROM 'ring' OR o.ship_to->>'name' IS DISTINCT FROM 'Load')}), 0, 'of all others everything is');
is(does("SELECT count(*) FROM usom.vault_key k WHERE person_id <> 0 AND NOT EXISTS (SELECT FROM usom.customer c WHERE c.customer_id = k.person_id)
	AND NOT EXISTS (SELECT FROM usom.sales_order o WHERE o.sales_order_id = k.person_id)"), 0, 'no key is left of rows that never came to be');
is_sound($node, 'desk', 'after the load');
unlike(slurp_file($node->logfile), qr/deadlock detected/, 'and nobody met in a deadlock');

done_testing();
