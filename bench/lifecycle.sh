#!/bin/sh
# The steps of an order of five lines after one another, each a transaction of
# its own: usom's beside those of the PL/pgSQL twin (peer_life.sql), order by
# order in turns in one session; time, statements and bytes of WAL of each.  At
# the end the stock of both and the pieces of both are compared.
#
# usage: bench/lifecycle.sh         the server that PGHOST and PGPORT name
#
# BENCH_ORDERS     orders of each: 300
# BENCH_PRODUCTS   products with stock: 20000
# BENCH_LINE       a file: figures for results.md are appended to it
set -eu
. "$(dirname "$0")/peers.sh"
PEERS='usom twin'
orders=${BENCH_ORDERS:-300}
products=${BENCH_PRODUCTS:-20000}
database=usom_bench_life

ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d $database "$@"; }

bench_database $database "$products"
ask -f "$here/peer_life.sql" -f "$here/lifecycle.sql" >/dev/null
{
	echo 'CALL bench.lives(0, 40); TRUNCATE bench.took;'
	echo "CALL bench.lives(100, $orders);"
} | ask >/dev/null

echo "the steps of $orders orders of five lines"
ask -P format=aligned -P tuples_only=off -P footer=off <<'SQL'
WITH s AS (SELECT place, step, percentile_cont(0.5) WITHIN GROUP (ORDER BY us) FILTER (WHERE peer = 'usom') AS usom,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY us) FILTER (WHERE peer = 'twin') AS twin,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY statements) FILTER (WHERE peer = 'usom') AS statements,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY wal) FILTER (WHERE peer = 'usom') AS wal,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY wal) FILTER (WHERE peer = 'twin') AS twin_wal,
		percentile_cont(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY us) FILTER (WHERE peer = 'usom') AS middle
	FROM bench.took GROUP BY place, step)
SELECT step, round(usom) AS "usom, us", format('(%s-%s)', round(middle[1]), round(middle[2])) AS "middle half", round(twin) AS "twin, us",
	round((twin / usom)::numeric, 2) AS "twin to usom", statements, round(wal) AS "WAL bytes", round(twin_wal) AS "twin's"
FROM s ORDER BY place;
SQL
[ -z "${BENCH_LINE:-}" ] || ask -c "SELECT 'time of the twin to usom''s: ' || string_agg(step || ' ' || ratio, ', ' ORDER BY place) FROM (SELECT place, step,
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY us) FILTER (WHERE peer = 'twin') / percentile_cont(0.5) WITHIN GROUP (ORDER BY us) FILTER (WHERE peer = 'usom'))::numeric, 2) AS ratio
	FROM bench.took GROUP BY place, step) t" >>"$BENCH_LINE"

different=$(ask -c 'SELECT bench.life_differs()')
[ -z "$different" ] || { echo "NOT THE SAME WORK: $different"; exit 1; }
problems=$(ask -c 'SELECT count(*) FROM usom.verify()')
[ "$problems" = 0 ] || { echo "verify() finds $problems differences"; exit 1; }
echo 'both have the same stock, pieces and movements; verify() finds nothing'
psql -X -q -d postgres -c "DROP DATABASE $database"
