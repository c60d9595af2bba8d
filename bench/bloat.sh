#!/bin/sh
# What stock rows become under load: their size, the share of updates that stay
# within their page (HOT), and the orders a second, over minutes of orders that
# are placed and cancelled; in the second third somebody keeps an old snapshot.
#
# usage: bench/bloat.sh         the server that PGHOST and PGPORT name
#
# BENCH_SECONDS    seconds, all three parts together: 60 (an hour by hand: 3600)
# BENCH_CLIENTS    clients: 4
# BENCH_PRODUCTS   products, each in one row of stock: 200
# BENCH_CHECK      set: fail when a budget is missed
set -eu
. "$(dirname "$0")/peers.sh"
. "$here/budget.sh"

seconds=$((${BENCH_SECONDS:-60} / 3))
clients=${BENCH_CLIENTS:-4}
products=${BENCH_PRODUCTS:-200}
database=usom_bench_bloat
tables='stock sales_order order_line fulfillment_line document_counter'

home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM
ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d $database "$@"; }

psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" 2>/dev/null
ask -c 'CREATE EXTENSION usom' -c 'SELECT count(*) FROM usom.install()' >/dev/null
ask -v products="$products" -f "$here/setup.sql"

# An order of five lines; every second one is cancelled.
cat >"$home/load.sql" <<SQL
\set n :n + 1
\set a random(1, $((products / 5)))
\set b :a + $((products / 5))
\set c :a + $((2 * products / 5))
\set d :a + $((3 * products / 5))
\set e :a + $((4 * products / 5))
SELECT order_no AS o FROM usom.place_order('$(bench_document "bloat-:run-:client_id-:n" :a :b :c :d :e)') \gset
\if :odd
SELECT usom.cancel_order(':o', 'not wanted');
\set odd 0
\else
\set odd 1
\endif
SQL
# The first heap updates of a page that nobody has updated yet count as well: statistics of the part alone.
sample() {
	ask -F ' ' -c "SELECT c.relname, pg_relation_size(c.oid) / 1024, pg_stat_get_tuples_updated(c.oid), pg_stat_get_tuples_hot_updated(c.oid)
		FROM pg_class c WHERE c.relnamespace = 'usom'::regnamespace AND c.relname = ANY (string_to_array('$tables', ' ')) ORDER BY array_position(string_to_array('$tables', ' '), c.relname::text)"
}
part() { # name
	sample >"$home/before"
	pgbench -n -M simple -c "$clients" -j 2 -T "$seconds" -f "$home/load.sql" -D n=0 -D odd=0 -D run="$1" $database >"$home/pgbench.log" 2>&1 || {
		tail -n 5 "$home/pgbench.log" >&2
		exit 1
	}
	sleep 1
	sample >"$home/after"
	rate=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$home/pgbench.log")
	paste -d ' ' "$home/before" "$home/after" | awk -v part="$2" -v rate="$rate" '{
		printf "%-30s%9s%-18s%9d kB ->%9d kB%9d updates%7.1f %% in their page\n", NR == 1 ? part : "", NR == 1 ? sprintf("%.0f/s ", rate) : "", $1, $2, $6, $7 - $3, ($7 > $3 ? 100 * ($8 - $4) / ($7 - $3) : 0) }'
	eval "rate_$1=$rate"
	eval "hot_$1=$(awk '$1 == "stock" { print $4, $3 }' "$home/before" "$home/after" | tr '\n' ' ' | awk '{ printf "%.1f", ($4 > $2 ? 100 * ($3 - $1) / ($4 - $2) : 0) }')"
	eval "size_$1=$(awk '$1 == "stock" { print $2 }' "$home/after")"
}

echo "stock rows under load: $products products, $clients clients, $seconds s a part"
part 1 'nobody reads'
ask -c 'BEGIN ISOLATION LEVEL REPEATABLE READ' -c 'SELECT count(*) FROM usom.stock' -c "SELECT pg_sleep($((seconds + 2)))" -c COMMIT >/dev/null &
sleep 0.5
part 2 'an old snapshot is open'
wait $!
part 3 'it is closed'
wrong=$(ask -c 'SELECT count(*) FROM usom.verify_stock()')
[ "$wrong" = 0 ] || { echo "verify_stock() finds $wrong differences" >&2; exit 1; }
budget 'updates of stock rows within their page, %' 95 "$hot_1" ge
budget 'orders a second after an old snapshot to before it' 0.8 "$(awk -v a="$rate_1" -v b="$rate_3" 'BEGIN { printf "%.2f", b / a }')" ge
psql -X -q -d postgres -c "DROP DATABASE $database"
budgets_kept
