#!/bin/sh
# place_order of five lines beside its peers (peers.sh): orders a second in
# interleaved rounds, processor time of their backends, bytes of WAL and
# statements an order.  At the end what each peer wrote is counted; it fails
# when one did not do its work.
#
# Rates and processor time are of the part of a run in which every client has
# its plans: start.sh measures what a connection takes first.
#
# usage: bench/place_order.sh          the server that PGHOST and PGPORT name
#
# BENCH_SECONDS    seconds of load that count: 48
# BENCH_CLIENTS    clients: 1 4 16 32
# BENCH_ROUNDS     rounds, every peer once in each: 3
# BENCH_PEERS      usom bare careful twin
# BENCH_PRODUCTS   products with stock: 20000
# BENCH_CALLS      orders whose WAL is measured, three times: 200
# BENCH_LINE       a file: figures for results.md are appended to it
set -eu
. "$(dirname "$0")/peers.sh"

clients=${BENCH_CLIENTS:-1 4 16 32}
rounds=${BENCH_ROUNDS:-3}
products=${BENCH_PRODUCTS:-20000}
peers=${BENCH_PEERS:-usom bare careful twin}
calls=${BENCH_CALLS:-200}
database=usom_bench
runs=$(($(echo "$peers" | wc -w) * $(echo "$clients" | wc -w) * rounds))
seconds=$(((${BENCH_SECONDS:-48} + runs / 2) / runs))
[ "$seconds" -gt 0 ] || seconds=1

home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d $database "$@"; }

echo "place_order, 5 lines, $products products: $seconds s a run, $rounds rounds"
bench_database $database "$products"
for peer in $peers; do
	bench_script "$peer" $database "$products" >"$home/$peer.sql"
done
bench_written $database >"$home/before"

: >"$home/cpu"
run=0
load() { # peer clients how-long...
	peer=$1
	who=$2
	shift 2
	run=$((run + 1))
	pgbench -n -M simple -c "$who" -j 2 "$@" -f "$home/$peer.sql" -D prepared=0 -D n=0 -D run=$run $database >"$home/pgbench.log" 2>&1 || {
		tail -n 5 "$home/pgbench.log" >&2
		exit 1
	}
	sed -n "s/^number of transactions actually processed: \([0-9]*\).*/$peer \1/p" "$home/pgbench.log" >>"$home/placed"
}

for who in $clients; do
	round=0
	while [ $round -lt "$rounds" ]; do
		for peer in $peers; do
			warm=$(bench_warm "$who")
			bench_watch $database "$warm" "$(awk -v s="$seconds" 'BEGIN { print s - 0.2 }')" >"$home/watch" &
			load "$peer" "$who" -T $((seconds + warm)) -l --log-prefix="$home/log"
			wait $!
			bench_used "$home/log" "$home/watch" | sed "s/^/$peer /" >>"$home/cpu"
			echo "$peer $who $(bench_rate "$home/log" "$seconds")" >>"$home/tps"
		done
		round=$((round + 1))
	done
done

# WAL of one order: the least of three times, as vacuum and checkpoints write too.
for peer in $peers; do
	for round in 1 2 3; do
		load "$peer" 1 -t "$calls"
		before=$(ask -c 'SELECT pg_current_wal_lsn()')
		load "$peer" 1 -t "$calls"
		ask -c "SELECT '$peer', round((pg_current_wal_lsn() - '$before') / $calls)" | tr '|' ' ' >>"$home/wal"
	done
done
bench_written $database >"$home/after"
bench_same $database "$home/before" "$home/after" "$home/placed" >"$home/same" || { cat "$home/same"; exit 1; }

# Statements of an order of five lines, and of a hundred.
statements=$(printf '%s\n' "SELECT 1 FROM usom.place_order('$(bench_document statements-1 1 2 3 4 5)') \\g /dev/null" \
	"SELECT usom._statement_count() AS before \\gset" \
	"SELECT 1 FROM usom.place_order('$(bench_document statements-2 1 2 3 4 5)') \\g /dev/null" \
	"SELECT usom._statement_count() - :before AS five, usom._statement_count() AS before \\gset" \
	"SELECT 1 FROM usom.place_order('$(bench_document statements-3 $(seq 1 100))') \\g /dev/null" \
	"SELECT :five || ' ' || usom._statement_count() - :before" | ask -f -)

# A line of figures a budget: "twin 3.1", "wal 1.1".
awk -v peers="$peers" -v clients="$clients" -v values="$home/values" -v line="${BENCH_LINE:-/dev/null}" '
	FILENAME ~ /cpu$/ { orders[$1] += $2; used[$1] += $3; next }
	FILENAME ~ /tps$/ { rate[$1, $2, ++n[$1, $2]] = $3; next }
	{ if (!($1 in wal) || $2 < wal[$1]) wal[$1] = $2 }
	END {
		np = split(peers, peer, " ")
		nc = split(clients, client, " ")
		printf "\n%-8s", "clients"
		for (c = 1; c <= nc; c++) printf "%9s%15s%8s%8s", client[c], "(spread)", "to bare", "to twin"
		printf "%10s%10s\n", "CPU us", "WAL bytes"
		for (p = 1; p <= np; p++) {
			printf "%-8s", peer[p]
			for (c = 1; c <= nc; c++) {
				m = median(peer[p], client[c])
				printf "%9.0f%15s%8s%8s", m, sprintf("(%.0f-%.0f)", least, most), ratio(m, "bare", client[c]), ratio(m, "twin", client[c])
			}
			printf "%10s%10d\n", orders[peer[p]] ? sprintf("%.0f", used[peer[p]] / orders[peer[p]]) : "-", wal[peer[p]]
		}
		print ""
		if (!("usom" in wal)) exit
		printf "to twin at %s clients %s; to bare %s; CPU of the twin to usom %.2f, of usom to bare %.2f; WAL bytes %d\n", spaced(clients), all("twin"), all("bare"), \
			cpu("twin", "usom"), cpu("usom", "bare"), wal["usom"] >>line
		print "twin", ratio(median("usom", 16), "twin", 16) >>values
		print "wal", "bare" in wal ? sprintf("%.2f", wal["usom"] / wal["bare"]) : "-" >>values
	}
	function median(p, c,    i, j, k, t, v) {
		k = n[p, c]
		for (i = 1; i <= k; i++) v[i] = rate[p, c, i]
		for (i = 1; i <= k; i++) for (j = i + 1; j <= k; j++) if (v[j] < v[i]) { t = v[i]; v[i] = v[j]; v[j] = t }
		least = v[1]; most = v[k]
		return k % 2 ? v[(k + 1) / 2] : k ? (v[k / 2] + v[k / 2 + 1]) / 2 : 0
	}
	function ratio(m, p, c,    l, h, d) {
		l = least; h = most
		d = median(p, c)
		least = l; most = h
		return d > 0 && m > 0 ? sprintf("%.2f", m / d) : "-"
	}
	function cpu(p, to) { return orders[p] && used[to] ? used[p] / orders[p] / used[to] * orders[to] : 0 }
	function spaced(text) { gsub(/ /, " / ", text); return text }
	function all(to,    c, s) {
		for (c = 1; c <= nc; c++) s = s (c > 1 ? " / " : "") ratio(median("usom", client[c]), to, client[c])
		return s
	}' "$home/tps" "$home/cpu" "$home/wal"

cat "$home/same"
value() { sed -n "s/^$1 //p" "$home/values"; }
set -- $statements
echo "usom runs $1 statements for an order of five lines, $2 for one of a hundred"
budget 'throughput at 16 clients, times that of the PL/pgSQL twin' 3 "$(value twin)" ge
budget 'WAL of place_order, times that of the bare insert' 1.3 "$(value wal)" le
budget 'statements of place_order, 5 lines' 12 "$1" le
budget 'statements more for 100 lines' 0 $(($2 - $1)) le
psql -X -q -d postgres -c "DROP DATABASE $database"
budgets_kept
