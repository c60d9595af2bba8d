#!/bin/sh
# How place_order bears more clients: orders of five lines a second, and the
# percentiles of their time, from 1 to 64 clients,
#
#   spread    over 20,000 products
#   hot       one of the five lines is always of the same product
#   striped   the same, and its stock is in stripes
#
# in turns; deadlocks are counted.  The picture goes to doc/curve.svg.
#
# usage: bench/curve.sh             the server that PGHOST and PGPORT name
#
# BENCH_SECONDS    seconds of load that count: 42
# BENCH_CLIENTS    clients: 1 2 4 8 16 32 64
# BENCH_SERIES     spread hot striped
# BENCH_ROUNDS     rounds: 2
# BENCH_STRIPES    stripes of the product that everybody wants: 32
# BENCH_PRODUCTS   products with stock: 20000
# BENCH_PICTURE    file of the picture: doc/curve.svg
# BENCH_LINE       a file: figures for results.md are appended to it
set -eu
. "$(dirname "$0")/peers.sh"
PEERS=usom

clients=${BENCH_CLIENTS:-1 2 4 8 16 32 64}
rounds=${BENCH_ROUNDS:-2}
products=${BENCH_PRODUCTS:-20000}
stripes=${BENCH_STRIPES:-32}
database=usom_bench_curve
series=${BENCH_SERIES:-spread hot striped}
runs=$(($(echo "$series" | wc -w) * $(echo "$clients" | wc -w) * rounds))
seconds=$(((${BENCH_SECONDS:-42} + runs / 2) / runs))
[ "$seconds" -gt 0 ] || seconds=1

home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d $database "$@"; }

echo "place_order at more and more clients, 5 lines, $products products: $seconds s a run, $rounds rounds"
bench_database $database "$products"
# P1 and P2 are in no other order: those of the scripts begin at P3.
{
	bench_script usom $database "$products" | sed 's/^\\set a .*/\\set a random(3, '$((products - 844))')/'
} >"$home/spread.sql"
for name in hot striped; do
	[ $name = hot ] && hot=1 || hot=2
	sed "s/\"sku\": \"P:a\"/\"sku\": \"P$hot\"/" "$home/spread.sql" >"$home/$name.sql"
done
case " $series " in *' striped '*) ask -c "SELECT usom.set_stock_stripes('P2', 'DC1', $stripes)" >/dev/null ;; esac

run=0
load() { # series clients
	run=$((run + 1))
	pgbench -n -M simple -c "$2" -j 2 -T $((seconds + $(bench_warm "$2"))) -l --log-prefix="$home/log" -f "$home/$1.sql" \
		-D prepared=0 -D n=0 -D run=$run $database >"$home/pgbench.log" 2>&1 || {
		tail -n 5 "$home/pgbench.log" >&2
		exit 1
	}
	echo "$1 $2 $(bench_rate "$home/log" "$seconds")" >>"$home/points"
	sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$home/pgbench.log" >>"$home/placed.$1"
}

reserved() { ask -c "SELECT coalesce(sum(quantity), 0)::bigint FROM usom.order_pieces p WHERE p.sku = '$1' AND p.status = 'reserved'"; }
hot_before=$(reserved P1)
striped_before=$(reserved P2)
for who in $clients; do
	round=0
	while [ $round -lt "$rounds" ]; do
		for name in $series; do load "$name" "$who"; done
		round=$((round + 1))
	done
done

# The median of the rounds, point by point.
sort -k1,1 -k2,2n -k3,3n "$home/points" | awk '
	function flush(    m) {
		if (n) { m = int((n + 1) / 2); print key, f[m, 3], f[m, 4], f[m, 5], f[m, 6], f[1, 3], f[n, 3] }
		n = 0
	}
	{ if ($1 " " $2 != key) { flush(); key = $1 " " $2 }
	  n++; for (i = 3; i <= 6; i++) f[n, i] = $i }
	END { flush() }' >"$home/medians"
for name in $series; do grep "^$name " "$home/medians"; done >"$home/curve"
awk '
	BEGIN { printf "\n%-10s%8s%12s%16s%10s%10s%10s\n", "", "clients", "orders/s", "(spread)", "p50, ms", "p95, ms", "p99, ms" }
	{ printf "%-10s%8d%12.0f%16s%10.2f%10.2f%10.2f\n", $1, $2, $3, sprintf("(%.0f-%.0f)", $7, $8), $4, $5, $6 }' "$home/curve"
echo

# What was sold is what stands.
for name in $series; do
	[ $name != spread ] || continue
	[ $name = hot ] && sku=P1 before=$hot_before || sku=P2 before=$striped_before
	sold=$(awk '{ n += $1 } END { print n + 0 }' "$home/placed.$name")
	[ $(($(reserved $sku) - before)) = "$sold" ] || { echo "NOT THE SAME: $name, $sold orders of one unit, $(($(reserved $sku) - before)) units reserved"; exit 1; }
done
problems=$(ask -c 'SELECT count(*) FROM usom.verify_stock()')
[ "$problems" = 0 ] || { echo "verify_stock() finds $problems differences"; exit 1; }

picture=${BENCH_PICTURE:-$here/../doc/curve.svg}
if [ "$picture" != /dev/null ] && [ -w "$(dirname "$picture")" ]; then
	cut -d ' ' -f 1-6 "$home/curve" | awk -v title="place_order, five lines, $(date -u +%Y-%m-%d), PostgreSQL $(ask -c 'SHOW server_version' | cut -d ' ' -f 1), $(nproc) cores" -f "$here/chart.awk" >"$picture"
	echo "the picture: doc/$(basename "$picture")"
fi
[ -z "${BENCH_LINE:-}" ] || awk '{ told[$1] = told[$1] (told[$1] == "" ? "" : " / ") sprintf("%.0f", $3); if (!($1 in seen)) order[++n] = $1; seen[$1] = 1 }
	END { for (i = 1; i <= n; i++) printf "orders a second, %s: %s\n", order[i], told[order[i]] }' "$home/curve" >>"$BENCH_LINE"
budget 'deadlocks at 1 to 64 clients' 0 "$(ask -c "SELECT deadlocks FROM pg_stat_database WHERE datname = '$database'")" le
psql -X -q -d postgres -c "DROP DATABASE $database"
budgets_kept
