#!/bin/sh
# What sourcing costs: place_order of five lines over ten locations, by rules,
# freight rates, calendars and transit times, beside the same with one location
# and nothing configured, in turns; the median of the ratios of neighbours;
# instructions an order by callgrind, if valgrind is there.
#
# usage: bench/sourcing_order.sh
#
# BENCH_SECONDS    seconds of load: 120
# BENCH_CLIENTS    clients: 1 4 16
# BENCH_ROUNDS     rounds: 5
# BENCH_PRODUCTS   products with stock: 20000
# BENCH_CHECK      set: fail when ten locations cost more than they may
# BENCH_LINE       a file: figures for results.md are appended to it
set -eu
. "$(dirname "$0")/peers.sh"
PEERS=usom

clients=${BENCH_CLIENTS:-1 4 16}
rounds=${BENCH_ROUNDS:-5}
products=${BENCH_PRODUCTS:-20000}
one=usom_bench_one
ten=usom_bench_ten
runs=$((2 * $(echo "$clients" | wc -w) * rounds))
seconds=$(((${BENCH_SECONDS:-120} + runs / 2) / runs))
[ "$seconds" -gt 0 ] || seconds=1

home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

echo "place_order over ten locations and over one, 5 lines, $products products: $seconds s a run, $rounds rounds"
bench_database $one "$products"
bench_sourced $ten $one "$products"

bench_script usom $one "$products" >"$home/order.sql"

run=0
load() { # one|ten database clients
	run=$((run + 1))
	pgbench -n -M simple -c "$3" -j 2 -T "$seconds" -f "$home/order.sql" -D prepared=0 -D n=0 -D run=$run "$2" >"$home/log" 2>&1 || {
		tail -n 5 "$home/log" >&2
		exit 1
	}
	sed -n "s/^tps = \([0-9.]*\).*/$1 $3 \1/p" "$home/log" >>"$home/tps"
}

for who in $clients; do
	round=0
	while [ $round -lt "$rounds" ]; do
		load one $one "$who"
		load ten $ten "$who"
		round=$((round + 1))
	done
done

# Time over ten locations as a multiple of that over one: the inverse of the rates.
awk -v clients="$clients" -v line="${BENCH_LINE:-/dev/null}" '
	{ rate[$1, $2, ++n[$1, $2]] = $3 }
	END {
		printf "\n%-8s%14s%14s%10s%18s\n", "clients", "one, orders/s", "ten, orders/s", "ten/one", "(spread)"
		nc = split(clients, client, " ")
		for (c = 1; c <= nc; c++) {
			who = client[c]
			pair = pairs(who)
			printf "%-8s%14.0f%14.0f%10.2f%18s\n", who, median("one", who), median("ten", who), pair, told
			if (pair > 1.5) dear = dear " " who
			all = all (c > 1 ? " / " : "") sprintf("%.2f", pair)
		}
		gsub(/ /, " / ", clients)
		printf "time over ten locations to that over one, at %s clients %s\n", clients, all >>line
		print dear == "" ? "ten locations cost at most 1.5 times the time of one" : "EXCEEDED: ten locations cost more than 1.5 times the time of one at" dear " clients"
	}
	function pairs(who,    i, v) {
		for (i = 1; i <= n["one", who]; i++) v[i] = rate["one", who, i] / rate["ten", who, i]
		sort(v, n["one", who])
		told = sprintf("(%.2f-%.2f)", v[1], v[n["one", who]])
		return middle(v, n["one", who])
	}
	function median(how, who,    i, v) {
		for (i = 1; i <= n[how, who]; i++) v[i] = rate[how, who, i]
		sort(v, n[how, who])
		return middle(v, n[how, who])
	}
	function middle(v, k) { return k % 2 ? v[(k + 1) / 2] : (v[k / 2] + v[k / 2 + 1]) / 2 }
	function sort(v, k,    i, j, t) {
		for (i = 1; i <= k; i++) for (j = i + 1; j <= k; j++) if (v[j] < v[i]) { t = v[i]; v[i] = v[j]; v[j] = t }
	}' "$home/tps" | tee "$home/report"

if command -v valgrind >/dev/null; then
	echo
	BENCH_PEERS='usom sourced' BENCH_LINE=/dev/null BENCH_BUDGETS= BENCH_PRODUCTS=1000 BENCH_CHECK='' sh "$here/instructions.sh" >"$home/instructions"
	cat "$home/instructions"
	awk -v line="${BENCH_LINE:-/dev/null}" '$1 == "sourced" { ten = $2 } $1 == "usom" { one = $2 }
		END {
			printf "instructions, ten to one %.2f\n", ten / one >>line
			printf "instructions over ten locations to those over one: %.2f%s\n", ten / one, ten / one > 1.5 ? ": EXCEEDED" : ""
		}' "$home/instructions" | tee -a "$home/report"
fi
[ -z "${BENCH_CHECK:-}" ] || ! grep -q EXCEEDED "$home/report"
