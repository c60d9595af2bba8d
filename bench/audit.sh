#!/bin/sh
# What the audit costs: place_order of five lines with the audit's triggers on
# and off, in turns (off, on, off, on, ...); medians of throughput, and of the
# ratios of neighbours.  Instructions with it and without: instructions.sh.
#
# usage: bench/audit.sh
#
# BENCH_SECONDS    seconds of load that count: 20
# BENCH_CLIENTS    clients: 1 16
# BENCH_ROUNDS     rounds: 5
# BENCH_PRODUCTS   products with stock: 20000
# BENCH_CHECK      set: fail when the audit costs more than it may
# BENCH_LINE       a file: figures for results.md are appended to it
set -eu
. "$(dirname "$0")/peers.sh"
PEERS=usom

clients=${BENCH_CLIENTS:-1 16}
rounds=${BENCH_ROUNDS:-5}
products=${BENCH_PRODUCTS:-20000}
database=usom_bench_audit
runs=$((2 * $(echo "$clients" | wc -w) * rounds))
seconds=$(((${BENCH_SECONDS:-20} + runs / 2) / runs))
[ "$seconds" -gt 0 ] || seconds=1

home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

echo "the audit of place_order, 5 lines, $products products: $seconds s a run, $rounds rounds"
bench_database $database "$products"

bench_script usom $database "$products" >"$home/order.sql"

run=0
load() { # how clients
	run=$((run + 1))
	bench_audit "$1" $database
	pgbench -n -M simple -c "$2" -j 2 -T $((seconds + $(bench_warm "$2"))) -l --log-prefix="$home/pgbench" -f "$home/order.sql" -D prepared=0 -D n=0 -D run=$run $database >"$home/log" 2>&1 || {
		tail -n 5 "$home/log" >&2
		exit 1
	}
	echo "$1 $2 $(bench_rate "$home/pgbench" "$seconds")" >>"$home/tps"
}

for who in $clients; do
	round=0
	while [ $round -lt "$rounds" ]; do
		load off "$who"
		load on "$who"
		round=$((round + 1))
	done
done

# The ratio is the median of those of neighbours: what drifts slowly leaves it alone.
awk -v clients="$clients" -v line="${BENCH_LINE:-/dev/null}" -v worst_file="$home/worst" '
	{ rate[$1, $2, ++n[$1, $2]] = $3 }
	END {
		printf "\n%-8s%12s%12s%10s%22s%12s%12s\n", "clients", "off", "on", "on/off", "(spread)", "scale off", "scale on"
		nc = split(clients, client, " ")
		for (c = 1; c <= nc; c++) {
			who = client[c]
			pairs(who)
			off = median("off", who)
			on = median("on", who)
			if (c == 1) { first_off = off; first_on = on }
			printf "%-8s%12.0f%12.0f%10.3f%22s%12.2f%12.2f\n", who, off, on, pair, told, off / first_off, on / first_on
			if (worst == "" || pair < worst) worst = pair
			told_all = told_all (c > 1 ? " / " : "") sprintf("%.2f", pair)
		}
		gsub(/ /, " / ", clients)
		printf "throughput with the audit to that without, at %s clients %s\n", clients, told_all >>line
		printf "%.2f\n", 1 / worst >worst_file
	}
	function pairs(who,    i, v) {
		for (i = 1; i <= n["on", who]; i++) v[i] = rate["on", who, i] / rate["off", who, i]
		sort(v, n["on", who])
		pair = middle(v, n["on", who])
		told = sprintf("(%.3f-%.3f)", v[1], v[n["on", who]])
	}
	function median(how, who,    i, v) {
		for (i = 1; i <= n[how, who]; i++) v[i] = rate[how, who, i]
		sort(v, n[how, who])
		return middle(v, n[how, who])
	}
	function middle(v, k) { return k % 2 ? v[(k + 1) / 2] : (v[k / 2] + v[k / 2 + 1]) / 2 }
	function sort(v, k,    i, j, t) {
		for (i = 1; i <= k; i++) for (j = i + 1; j <= k; j++) if (v[j] < v[i]) { t = v[i]; v[i] = v[j]; v[j] = t }
	}' "$home/tps"

budget 'time of an order with the audit, times that without, at worst' 1.25 "$(cat "$home/worst")" le
psql -X -q -d postgres -c "DROP DATABASE $database"
budgets_kept
