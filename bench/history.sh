#!/bin/sh
# What a long history costs: a database that grows from ten thousand orders to
# five million beside one that stays at ten thousand, in interleaved rounds:
# place_order (at 1 and 4 clients), and reading (reading.sh).  On the way,
# verify() over the first million (verify_all.sh).  How a history is made, and that
# it is one: history.sql.
#
# The audit tells of all orders of the small database and of the first
# BENCH_AUDITED of the other; the rest is copied without it, as the whole would
# need twice the time and 20 GB more.
#
# usage: bench/history.sh        the server that PGHOST and PGPORT name
#
# BENCH_HISTORY    orders at the end: 5000000
# BENCH_AUDITED    orders that the audit tells of: 1000000
# BENCH_RUN        seconds of a run: 2
# BENCH_ROUNDS     rounds, both databases once in each: 5
# BENCH_KEEP       set: the databases stay
# BENCH_QUICK      set: 30,000 orders, 20,000 of them in the audit, one round: does it all work?
# BENCH_CHECK      set: fail when a budget is missed
set -eu
if [ -n "${BENCH_QUICK:-}" ]; then
	: "${BENCH_HISTORY:=30000}" "${BENCH_AUDITED:=20000}" "${BENCH_RUN:=1}" "${BENCH_ROUNDS:=1}"
	export BENCH_ROUNDS
fi
. "$(dirname "$0")/peers.sh"
. "$here/budget.sh"
. "$here/history_fill.sh"

orders=${BENCH_HISTORY:-5000000}
audited=${BENCH_AUDITED:-1000000}
[ "$audited" -le "$orders" ] || audited=$orders
seconds=${BENCH_RUN:-2}
rounds=${BENCH_ROUNDS:-5}
products=5000
small=usom_bench_small
large=usom_bench_history

home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

cat >"$home/place.sql" <<SQL
\if :prepared
\else
$(bench_prepare usom $small);
\set prepared 1
\endif
\set n :n + 1
\set a random(1, $((products - 844)))
\set b :a + 211
\set c :a + 422
\set d :a + 633
\set e :a + 844
EXECUTE place('$(bench_document "now-:run-:client_id-:n" :a :b :c :d :e)');
SQL

run=0
place() { # database clients seconds
	run=$((run + 1))
	pgbench -n -M simple -c "$2" -j 2 -T "$3" -f "$home/place.sql" -D prepared=0 -D n=0 -D run=$run "$1" >"$home/pgbench.log" 2>&1 || {
		tail -n 5 "$home/pgbench.log" >&2
		exit 1
	}
}

# The ratio of the costs of an order, large to small, as the median over rounds that follow one another.
compare() { # orders
	place $small 1 1
	place $large 1 1
	for clients in 1 4; do
		: >"$home/rates"
		round=0
		while [ $round -lt "$rounds" ]; do
			place $small $clients "$seconds"
			sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$home/pgbench.log" | tr '\n' ' ' >>"$home/rates"
			place $large $clients "$seconds"
			sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$home/pgbench.log" >>"$home/rates"
			round=$((round + 1))
		done
		awk '{ print $1 / $2, $1, $2 }' "$home/rates" | sort -n >"$home/ratios"
		awk -v n="$1" -v c=$clients '{ r[NR] = $1; small[NR] = $2; large[NR] = $3 } END {
			m = int((NR + 1) / 2)
			printf "place_order, %d clients: %.0f orders/s over 10 thousand, %.0f over %.2f million: %.2f times the cost (%.2f-%.2f)\n", c, small[m], large[m], n / 1e6, r[m], r[1], r[NR] }' "$home/ratios"
		budget "place_order over $(millions "$1") million orders to 10 thousand, $clients clients" 1.3 "$(awk '{ r[NR] = $1 } END { printf "%.2f", r[int((NR + 1) / 2)] }' "$home/ratios")" le
	done
	sh "$here/reading.sh" $small $large "$1"
}
millions() { awk -v n="$1" 'BEGIN { printf "%g", n / 1e6 }'; }

grow() { # database orders audited
	began=$(date +%s)
	history_grow "$1" "$2" "$3"
	printf '%s: %s orders, %s, filled in %d s\n' "$1" "$2" "$(psql -X -At -d "$1" -c "SELECT pg_size_pretty(pg_database_size('$1'))")" $(($(date +%s) - began))
}

for database in $small $large; do
	history_create $database $products
	grow $database 10000 on
	wrong=$(history_ask $database -c 'SELECT count(*) FROM usom.verify()')
	history_open $database
	[ "$wrong" = 0 ] || { echo "the history of $database is not one: verify() finds $wrong differences" >&2; exit 1; }
done

if [ "$audited" -gt 10000 ]; then
	grow $large "$audited" on
	sh "$here/verify_all.sh" $large
fi
[ "$audited" = "$orders" ] || [ "$audited" -lt 1000000 ] || compare "$audited"
grow $large "$orders" off
compare "$orders"
[ -n "${BENCH_KEEP:-}" ] || psql -X -q -d postgres -c "DROP DATABASE $small" -c "DROP DATABASE $large"
budgets_kept
