#!/bin/sh
# place_order of five lines beside its peers (peers.sh): orders a second in
# interleaved rounds, bytes of WAL and statements an order.
#
# usage: bench/place_order.sh           settings: run.sh
set -eu
. "$(dirname "$0")/peers.sh"

clients=${BENCH_CLIENTS:-1 4 16}
rounds=${BENCH_ROUNDS:-3}
products=${BENCH_PRODUCTS:-5000}
peers=${BENCH_PEERS:-$PEERS}
database=usom_bench
runs=$(($(echo "$peers" | wc -w) * $(echo "$clients" | wc -w) * rounds))
seconds=$(((${BENCH_SECONDS:-120} + runs / 2) / runs))
[ "$seconds" -gt 0 ] || seconds=1

home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d $database "$@"; }

echo "place_order, 5 lines, $products products: $seconds s a run, $rounds rounds"
bench_database $database "$products"
first=$(ask -c "SELECT product_id - 1 FROM usom.product WHERE sku = 'P1'")

# The script of a client: prepare once, then one order a transaction.  The
# products are in ascending order, so that peers without a lock order of their
# own do not deadlock.
write_script() { # peer
	printf '%s\n' '\if :prepared' '\else'
	bench_prepare "$1" $database
	printf '%s\n' ';' '\set prepared 1' '\endif' '\set n :n + 1' "\\set a random(1, $((products - 844)))" \
		'\set b :a + 211' '\set c :a + 422' '\set d :a + 633' '\set e :a + 844'
	case $1 in
	bare | stock)
		[ "$1" = bare ] && block=1 || block=2
		printf '%s\n' "\\set id $block * 1000000000000 + :run * 1000000000 + :client_id * 1000000 + :n" \
			"EXECUTE place(:id, '$1-:run-:client_id-:n', :a + $first, :b + $first, :c + $first, :d + $first, :e + $first);"
		;;
	*) printf '%s\n' "EXECUTE place('$(bench_document "$1-:run-:client_id-:n" :a :b :c :d :e)');" ;;
	esac
}

for peer in $peers; do
	write_script "$peer" >"$home/$peer.sql"
done

# Each run has a number of its own, so no two place the same external id.
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
}

for who in $clients; do
	round=0
	while [ $round -lt "$rounds" ]; do
		for peer in $peers; do
			load "$peer" "$who" -T "$seconds"
			sed -n "s/^tps = \([0-9.]*\).*/$peer $who \1/p" "$home/pgbench.log" >>"$home/tps"
		done
		round=$((round + 1))
	done
done

# WAL of one order: the least of three times, as vacuum and checkpoints write too.
for peer in $peers; do
	for round in 1 2 3; do
		load "$peer" 1 -t 200
		before=$(ask -c 'SELECT pg_current_wal_lsn()')
		load "$peer" 1 -t 200
		ask -c "SELECT '$peer', round((pg_current_wal_lsn() - '$before') / 200)" | tr '|' ' ' >>"$home/wal"
	done
done
statements=$(printf '%s\n' "SELECT 1 FROM usom.place_order('$(bench_document statements-1 1 2 3 4 5)') \\g /dev/null" \
	"SELECT usom._statement_count() AS before \\gset" \
	"SELECT 1 FROM usom.place_order('$(bench_document statements-2 1 2 3 4 5)') \\g /dev/null" \
	'SELECT usom._statement_count() - :before;' | ask -f -)

awk -v peers="$peers" -v clients="$clients" -v statements="$statements" -v line="${BENCH_LINE:-/dev/null}" '
	FILENAME ~ /tps$/ { rate[$1, $2, ++n[$1, $2]] = $3; next }
	{ if (!($1 in wal) || $2 < wal[$1]) wal[$1] = $2 }
	END {
		np = split(peers, peer, " ")
		nc = split(clients, client, " ")
		printf "\n%-8s", "clients"
		for (c = 1; c <= nc; c++) printf "%10s%17s%9s%9s", client[c], "(spread)", "to bare", "to twin"
		printf "%12s\n", "WAL bytes"
		for (p = 1; p <= np; p++) {
			printf "%-8s", peer[p]
			for (c = 1; c <= nc; c++) {
				m = median(peer[p], client[c])
				printf "%10.0f%17s%9s%9s", m, sprintf("(%.0f-%.0f)", least, most), ratio(m, "bare", client[c]), ratio(m, "twin", client[c])
			}
			printf "%12d\n", wal[peer[p]]
		}
		printf "usom runs %d statements an order", statements
		if ("bare" in wal) printf "; its WAL is %.2f of the bare insert%s", wal["usom"] / wal["bare"], "\n"
		else print ""
		last = client[nc]
		printf " %s |", twins(nc) >>line
		printf " %s | %d / %d / %d | %d |\n", ratio(median("usom", last), "bare", last), wal["usom"], wal["bare"], wal["twin"], statements >>line
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
		return d > 0 ? sprintf("%.2f", m / d) : "-"
	}
	function twins(nc,    c, s) {
		for (c = 1; c <= nc; c++) s = s (c > 1 ? " / " : "") ratio(median("usom", client[c]), "twin", client[c])
		return s
	}' "$home/tps" "$home/wal"
