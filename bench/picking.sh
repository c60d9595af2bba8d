#!/bin/sh
# What picking costs: a wave of 10,000 lines is planned; then 8 pickers claim
# its 10,000 tasks, one at a time, and once more, 20 at a time, with a cart of
# its own for each claim, so that nothing is confirmed in between.  After each
# round it is looked whether every task was given out once, and in sequence.
#
# usage: bench/picking.sh          the server that PGHOST and PGPORT name
#
# BENCH_TASKS      tasks: 10000
# BENCH_PICKERS    pickers: 8
# BENCH_CHECK      set: fail when the wave takes 2 s or more, or fewer than 4,000 tasks a second are claimed
set -eu
tasks=${BENCH_TASKS:-10000}
pickers=${BENCH_PICKERS:-8}
database=usom_bench_picking
home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM
status=0

ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d $database "$@"; }

psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" 2>/dev/null
ask -c 'CREATE EXTENSION usom' -c 'SELECT count(*) FROM usom.install()' >/dev/null
# Orders of five lines, all released; a bin for each product, and a thousand orders that another location has.
ask -v tasks="$tasks" >/dev/null <<'SQL'
SET client_min_messages = warning;
INSERT INTO usom.location (code, priority) VALUES ('W', 1), ('X', 2);
INSERT INTO usom.product (sku) SELECT 'P' || n FROM generate_series(1, 2000) n;
SELECT usom.receive_stock('W', 'P' || n, 1000000) FROM generate_series(1, 2000) n;
INSERT INTO usom.bin (location_id, code, zone, sequence) SELECT usom.location_id('W'), 'B' || n, 'Z' || n % 10, n FROM generate_series(1, 2000) n;
INSERT INTO usom.bin_product (bin_id, product_id) SELECT b.bin_id, p.product_id FROM usom.bin b JOIN usom.product p ON p.sku = 'P' || substr(b.code, 2);
SELECT count(*) FROM generate_series(1, (:tasks / 5000)) batch, usom.place_orders((
	SELECT jsonb_agg(jsonb_build_object('external_id', batch || '-' || n, 'priority', 1 + n % 7, 'lines', (
		SELECT jsonb_agg(jsonb_build_object('sku', 'P' || 1 + (n * 31 + k * 211) % 2000, 'quantity', 2, 'unit_price', 2.5)) FROM generate_series(1, 5) k)))
	FROM generate_series(1, 1000) n)) o, usom.release_order(o.order_no);
VACUUM ANALYZE;
CREATE TABLE given (task bigint, picker text, sequence integer, at timestamptz DEFAULT clock_timestamp());
SQL

printf '%-28s %10s %12s %14s\n' round tasks seconds 'tasks a second'
# The first wave of a session plans its statement; the one that counts is planned anew.
wave() {
	ask <<'SQL'
BEGIN;
SELECT tasks FROM usom.plan_wave('W') \g /dev/null
ROLLBACK;
SELECT clock_timestamp() AS began \gset
SELECT tasks FROM usom.plan_wave('W') \gset
SELECT :tasks, round(extract(epoch FROM clock_timestamp() - :'began')::numeric, 3) \g (format=unaligned fieldsep=' ')
SQL
}
wave >"$home/wave"
read -r planned seconds <"$home/wave"
printf '%-28s %10s %12s\n' 'wave planned' "$planned" "$seconds"
[ -z "${BENCH_CHECK:-}" ] || [ "$(echo "$seconds < 2" | bc)" = 1 ] || { echo "a wave of $planned lines takes $seconds s" && status=1; }

round() { # name tasks-a-claim
	each=$((planned / $2 / pickers + 1))
	printf '%s\n' '\set n :n + 1' "SELECT * FROM usom.claim_picks('W', 'cart :client_id-:n', $2, '1 hour');" >"$home/claim.sql"
	sed -i "s/'cart :client_id-:n'/'cart ' || :client_id || '-' || :n/" "$home/claim.sql"
	pgbench -n -M prepared -c "$pickers" -j 2 -t "$each" -f "$home/claim.sql" -D n=0 $database >"$home/log" 2>&1 || { tail -n 5 "$home/log" >&2; exit 1; }
	claimed=$(ask -c "SELECT count(*) FROM usom.pick_task WHERE claimed_by IS NOT NULL")
	# pgbench's own seconds, without connecting
	tps=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$home/log")
	calls=$((each * pickers))
	rate=$(echo "$claimed * $tps / $calls" | bc)
	printf '%-28s %10s %12s %14s\n' "$1" "$claimed" "$(echo "scale=2; $calls / $tps" | bc)" "$rate"
	[ "$claimed" = "$planned" ] || { echo "$((planned - claimed)) tasks were claimed by nobody" && status=1; }
	several=$(ask -c "SELECT count(*) FROM (SELECT claimed_by FROM usom.pick_task GROUP BY 1 HAVING count(*) > $2) t")
	[ "$several" = 0 ] || { echo "$several carts have more than $2" && status=1; }
	[ -z "${BENCH_CHECK:-}" ] || [ "$rate" -ge 4000 ] || { echo "$rate tasks a second" && status=1; }
}
round "$pickers pickers, one at a time" 1
ask -c "SELECT usom.unclaim_picks('W', p) FROM (SELECT DISTINCT claimed_by AS p FROM usom.pick_task) t" >/dev/null
ask -c 'VACUUM ANALYZE usom.pick_task'
round "$pickers pickers, 20 at a time" 20
problems=$(ask -c 'SELECT count(*) FROM usom.verify()')
[ "$problems" = 0 ] || { echo "verify() finds $problems differences" && status=1; }
psql -X -q -d postgres -c "DROP DATABASE $database"
exit $status
