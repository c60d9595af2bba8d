# verify_audit() says true where all is well, whatever the settings, the
# encoding, the clock, the node or the order of commits.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $folder = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('calm', "statement_timeout = '30s'");
new_database($node, 'desk');
seed($node, 'desk', 4, 1000);

my @settings = (
	[ "DateStyle = 'SQL, DMY'", "TimeZone = 'Asia/Kathmandu'", "IntervalStyle = 'sql_standard'" ],
	[ "DateStyle = 'German'", "TimeZone = 'America/St_Johns'", 'extra_float_digits = -15', "lc_numeric = 'C'" ],
	[ "DateStyle = 'Postgres, MDY'", "IntervalStyle = 'iso_8601'", "bytea_output = 'escape'", 'extra_float_digits = 3' ],
	[ 'search_path = public', 'standard_conforming_strings = off', 'backslash_quote = on', "xmlbinary = 'hex'" ],
	[ "search_path = ''", "client_encoding = 'LATIN1'", 'row_security = off', 'quote_all_identifiers = on' ],
	[ "work_mem = '64kB'", 'enable_indexscan = off', 'enable_indexonlyscan = off', 'enable_bitmapscan = off', 'enable_hashjoin = off' ],
	[ 'enable_seqscan = off', 'enable_hashagg = off', 'enable_nestloop = off', 'jit = on', 'jit_above_cost = 0' ],
	[ 'force_parallel_mode = on', 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0' ],
	[ "default_transaction_isolation = 'serializable'", 'transform_null_equals = on', 'array_nulls = off' ],
	[ "default_transaction_isolation = 'repeatable read'", 'check_function_bodies = off', 'session_replication_role = replica' ],
);

sub under { return join '', map { "SET $_; " } @{ $_[0] } }

# Something of each kind of value, written by functions and by plain SQL.
sub work
{
	my ($id) = @_;
	return <<"SQL";
SET usom.reason = 'Grüße';
INSERT INTO usom.product (sku, name) VALUES ('W-$id', 'Käse \$ 1.50');
INSERT INTO usom.customer (code, name, email) VALUES ('W-$id', 'Søren', 'x$id\@example.org');
INSERT INTO usom.price (sku, unit_price) VALUES ('W-$id', 12.3450);
UPDATE usom.product SET name = NULL WHERE sku = 'W-$id';
SELECT order_no AS o FROM usom.place_order('{"external_id": "W-$id", "customer": "W-$id", "requested_at": "2031-02-03T04:05:06.789012Z",
	"lines": [{"sku": "P1", "quantity": 1.25, "unit_price": 0.3333}, {"sku": "P2", "quantity": 3, "unit_price": 2}]}') \\gset
SELECT count(*) FROM usom.hold_order(:'o', 'customer', 'until later', '2032-01-01 12:00+05:45') \\g /dev/null
SELECT count(*) FROM usom.release_hold(:'o', 'customer', 'ok') \\g /dev/null
SELECT count(*) FROM usom.cancel_line(:'o', 2, 0.5, 'less') \\g /dev/null
SQL
}

sub is_true
{
	my ($on, $database, $what, @digests) = @_;
	my $kept = '[' . join(', ', @digests) . ']';
	is(sql($on, $database, "SELECT ok, kind, detail FROM usom.verify_audit(digests => '$kept')"), 't||', "$what: true");
	is(sql($on, $database, "SELECT ok, kind, detail FROM usom.verify_audit(since => now() - interval '1 minute')"), 't||', "$what: true of late");
	return;
}

# ---- settings: written under each, asked under each ----
for my $n (0 .. $#settings)
{
	sql($node, 'desk', under($settings[$n]) . 'RESET search_path; ' . work("set$n")) if $n != 9;
	sql($node, 'desk', under($settings[$n]) . work("set$n")) if $n == 9;
	sql($node, 'desk', under($settings[$n]) . 'SELECT count(*) FROM usom.seal_audit()') if $n % 3 == 0;
}
for my $set (@settings)
{
	my $words = join ', ', @$set;
	is(sql($node, 'desk', under($set) . 'SELECT ok, kind, detail FROM usom.verify_audit()'), 't||', "asked under $words");
	is(sql($node, 'desk', under($set) . "SELECT ok, kind, detail FROM usom.verify_audit(since => '2020-01-01')"), 't||', 'and with since');
}
sql($node, 'desk', work('seal') . 'SELECT count(*) FROM usom.seal_audit()');
is(sql($node, 'desk', 'SELECT count(*) FROM usom.seal_audit()'), 0, 'a second seal has nothing to do');
is_true($node, 'desk', 'after the second seal', sql($node, 'desk', 'SELECT usom.export_digest()'));

# ---- another encoding ----
sql($node, 'postgres', "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
sql($node, 'latin', 'SET client_min_messages = warning; CREATE EXTENSION usom; SELECT usom.install()');
seed($node, 'latin', 4, 1000);
sql($node, 'latin', work('latin') . 'SELECT count(*) FROM usom.seal_audit()');
is_true($node, 'latin', 'LATIN1', sql($node, 'latin', 'SELECT usom.export_digest()'));

# A dump from the one into the other: digests are over UTF-8 in both.
sql($node, 'postgres', 'CREATE DATABASE latin_in_utf8');
ok(IPC::Run::run([ 'pg_dump', '-h', $node->host, '-p', $node->port, 'latin' ], '|',
		[ 'psql', '-X', '-q', '-h', $node->host, '-p', $node->port, '-d', 'latin_in_utf8' ], '>', '/dev/null', '2>', '/dev/null'), 'restored in another encoding');
is_true($node, 'latin_in_utf8', 'LATIN1 restored in UTF8', sql($node, 'latin', 'SELECT usom.export_digest()'));
sql($node, 'latin_in_utf8', work('more') . 'SELECT count(*) FROM usom.seal_audit()');
is_true($node, 'latin_in_utf8', 'and continued there');

# ---- a prepared transaction, pending over seals ----
my $digest = sql($node, 'desk', 'SELECT usom.export_digest()');
sql($node, 'desk', "BEGIN; SELECT usom.receive_stock('L1', 'P4', 5); SELECT order_no FROM usom.place_order('" . order_json([ [ 'P4', 1 ] ]) . "'); PREPARE TRANSACTION 'late'");
sql($node, 'desk', work("pending$_") . 'SELECT count(*) FROM usom.seal_audit()') for 1 .. 3;
is_true($node, 'desk', 'a prepared transaction is pending', $digest);
$node->stop('immediate');
$node->start;
is_true($node, 'desk', 'the server crashed meanwhile', $digest);
sql($node, 'desk', "COMMIT PREPARED 'late'");
is_true($node, 'desk', 'it has committed', $digest);
sql($node, 'desk', 'SELECT count(*) FROM usom.seal_audit()');
is_true($node, 'desk', 'and was sealed', $digest);
sql($node, 'desk', work('settle') . 'SELECT count(*) FROM usom.seal_audit()');
is_true($node, 'desk', 'and was settled', $digest);

# ---- columns that users add, and take away ----
sql($node, 'desk', "ALTER TABLE usom.product ADD COLUMN colour text DEFAULT 'red', ADD COLUMN grade numeric");
is_true($node, 'desk', 'a column was added', $digest);
sql($node, 'desk', "UPDATE usom.product SET grade = 1.5 WHERE sku = 'P1';" . work('wide'));
is_true($node, 'desk', 'rows old and new with it', $digest);
sql($node, 'desk', 'ALTER TABLE usom.product DROP COLUMN colour');
sql($node, 'desk', "UPDATE usom.product SET grade = 2 WHERE sku IN ('P1', 'P2');");
is_true($node, 'desk', 'a column was dropped', $digest);
sql($node, 'desk', 'ALTER TABLE usom.product DROP COLUMN grade');
is_true($node, 'desk', 'as it was', $digest);

# ---- another node, then the first again ----
sql($node, 'desk', "SET usom.node = 7; UPDATE usom.product SET name = 'node 7' WHERE sku = 'P1'; " . work('node7') . 'SELECT count(*) FROM usom.seal_audit()');
is_true($node, 'desk', 'node 7 wrote', $digest);
sql($node, 'desk', "UPDATE usom.product SET name = 'node 0' WHERE sku = 'P1'; " . work('node0') . 'SELECT count(*) FROM usom.seal_audit()');
is_true($node, 'desk', 'node 0 wrote behind it', $digest, sql($node, 'desk', 'SET usom.node = 7; SELECT usom.export_digest()'));
sql($node, 'desk', "ALTER TABLE usom.product ADD COLUMN size integer DEFAULT 4");
is_true($node, 'desk', 'and a column came', $digest);
sql($node, 'desk', 'ALTER TABLE usom.product DROP COLUMN size');

# ---- a clock that goes back ----
sub clock_shim
{
	open my $file, '>', "$folder/clock.c" or die $!;
	print $file <<'C';
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long
offset(void)
{
	const char *seconds = getenv("CLOCK_OFFSET");

	return seconds ? atol(seconds) : 0;
}

int
gettimeofday(struct timeval *tv, void *tz)
{
	static int	(*real) (struct timeval *, void *);
	int			result;

	if (!real)
		real = dlsym(RTLD_NEXT, "gettimeofday");
	result = real(tv, tz);
	tv->tv_sec += offset();
	return result;
}

/* pg_ctl looks whether the server began after itself. */
time_t
time(time_t *seconds)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	if (seconds)
		*seconds = now.tv_sec;
	return now.tv_sec;
}
C
	close $file;
	return IPC::Run::run([ 'cc', '-shared', '-fPIC', '-o', "$folder/clock.so", "$folder/clock.c", '-ldl' ], '2>', '/dev/null');
}

SKIP:
{
	skip 'no C compiler', 5 unless eval { clock_shim() };
	$node->stop;
	{
		local $ENV{LD_PRELOAD} = "$folder/clock.so";
		local $ENV{CLOCK_OFFSET} = -86400;
		$node->start;
	}
	cmp_ok(sql($node, 'desk', 'SELECT extract(epoch FROM clock_timestamp())'), '<', time - 80000, 'the clock went back by a day');
	sql($node, 'desk', "UPDATE usom.product SET name = 'yesterday' WHERE sku = 'P1'; " . work('back1') . 'SELECT count(*) FROM usom.seal_audit()');
	is_true($node, 'desk', 'the clock went back', $digest);
	$node->stop;
	$node->start;
	sql($node, 'desk', work('back2') . 'SELECT count(*) FROM usom.seal_audit()');
	is_true($node, 'desk', 'the clock is right again', $digest);
}

# ---- who asks ----
sql($node, 'desk', "CREATE ROLE inspector LOGIN; SELECT usom.grant_access('inspector', 'auditor')");
is(sql($node, 'desk', 'SET ROLE inspector; SELECT ok, kind, detail FROM usom.verify_audit()'), 't||', 'an auditor is told the same');
sql($node, 'desk', q{BEGIN; ALTER TABLE usom.vault_key DISABLE TRIGGER ALL; DELETE FROM usom.vault_key; COMMIT; ALTER TABLE usom.vault_key ENABLE ALWAYS TRIGGER audit_delete});
is(sql($node, 'desk', 'SET ROLE inspector; SELECT ok, kind FROM usom.verify_audit()'), 'f|row_missing', 'also of tables that he may not read');
done_testing();
