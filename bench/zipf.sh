#!/bin/sh
# Orders of ten lines over products of which few are wanted much more often
# than all others (Zipf's law): stock in one row each, beside the first of them
# in stripes.  Both take turns; no call may end in a deadlock.
#
# usage: bench/zipf.sh          the server that PGHOST and PGPORT name
#
# BENCH_SECONDS    seconds of load of all: 40
# BENCH_CLIENTS    clients: 32
# BENCH_ROUNDS     rounds, every way once in each: 3
# BENCH_PRODUCTS   products: 10000
# BENCH_STRIPED    of them with stripes: 30
# BENCH_ZIPF       parameter of the law: 1.01
# BENCH_FSYNC      on: commits reach the disk meanwhile; off, as the private server has it
# BENCH_BUDGETS    file that the budgets are appended to
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
. "$here/budget.sh"
. "$here/hot_lib.sh"

clients=${BENCH_CLIENTS:-32}
rounds=${BENCH_ROUNDS:-3}
products=${BENCH_PRODUCTS:-10000}
striped=${BENCH_STRIPED:-30}
database=usom_bench_zipf
ways='spread rows striped'
seconds=$(((${BENCH_SECONDS:-40} + 3 * rounds / 2) / (3 * rounds)))
[ "$seconds" -gt 0 ] || seconds=1

hot_begin
hot_database <<SQL
INSERT INTO usom.product (sku) SELECT k || n FROM generate_series(1, $products) n, unnest('{A,B}'::text[]) k;
SELECT count(*) FROM usom.receive_stocks((SELECT jsonb_agg(jsonb_build_object('location', 'W', 'sku', sku, 'quantity', 100000000)) FROM usom.product));
SELECT usom.set_stock_stripes('B' || n, 'W', CASE WHEN n <= 8 THEN 32 ELSE 8 END) FROM generate_series(1, $striped) n;
SQL
echo "orders of ten lines over $products products, $clients clients: $seconds s a run, $rounds rounds, fsync $(ask -c 'SHOW fsync')"

# spread: every product as often as any other; rows, striped: by the law, the same numbers drawn.
write_script() { # letter function
	n=1
	while [ $n -le 10 ]; do
		echo "\\set p$n $2"
		n=$((n + 1))
	done
	hot_script "$1:p1" "$1:p2" "$1:p3" "$1:p4" "$1:p5" "$1:p6" "$1:p7" "$1:p8" "$1:p9" "$1:p10"
}
write_script A "random(1, $products)" >"$home/spread.sql"
write_script A "random_zipfian(1, $products, ${BENCH_ZIPF:-1.01})" >"$home/rows.sql"
write_script B "random_zipfian(1, $products, ${BENCH_ZIPF:-1.01})" >"$home/striped.sql"

hot_rounds
hot_table
wanted=$(awk '{ n += $2 } END { print n * 10 }' "$home/calls")
reserved=$(ask -c "SELECT trim_scale(sum(quantity)) FROM usom.fulfillment_line WHERE status = 'reserved'")
[ "$wanted" = "$reserved" ] || { echo "orders for $wanted units have $reserved" && exit 1; }
[ "$(ask -c 'SELECT count(*) FROM usom.verify_stock()')" = 0 ] || { ask -c 'SELECT * FROM usom.verify_stock() LIMIT 5' && exit 1; }
hot_no_deadlock
last=$(echo "$clients" | awk '{ print $NF }')
echo "with stripes $(awk -v a="$(hot_median "$home/tps" striped "$last")" -v b="$(hot_median "$home/tps" rows "$last")" 'BEGIN { printf "%.2f", a / b }') of the orders without"
budget "Zipf, ten lines, $last clients: deadlocks" 0 "$deadlocks" le
psql -X -q -d postgres -c "DROP DATABASE $database"
budgets_kept
