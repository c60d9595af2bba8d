#!/bin/sh
# Instructions of the other steps of an order of five lines, by callgrind on
# one backend: usom's beside those of the PL/pgSQL twin (peer_life.sql).
#
# usage: bench/instructions_life.sh       the bin of a PostgreSQL with usom is in PATH
#
# BENCH_ORDERS     orders that are counted: 50
# BENCH_WARM_UP    orders that go before them: 20
# BENCH_PRODUCTS   products with stock: 5000
# BENCH_PROFILE    a folder: the profiles (callgrind.PEER.N, the N-th step) are left there
# BENCH_LINE       a file: figures for results.md are appended to it
set -eu
. "$(dirname "$0")/peers.sh"
PEERS='usom twin'
orders=${BENCH_ORDERS:-50}
warm_up=${BENCH_WARM_UP:-20}
products=${BENCH_PRODUCTS:-5000}
steps='confirm hold release_hold release pick ship deliver cancel'
. "$here/callgrind.sh"
callgrind_cluster

ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d bench "$@"; }

bench_database bench "$products"
ask -f "$here/peer_life.sql"
# Orders 1 .. n: drafts that go all the way, and as many confirmed ones that are cancelled.
all=$((warm_up + orders))
for n in $(seq 1 $all); do
	for kind in draft cancel; do
		set -- "$kind-$n" $((1 + n * 7919 % products)) $((1 + (n * 7919 + 211) % products)) $((1 + (n * 7919 + 422) % products)) \
			$((1 + (n * 7919 + 633) % products)) $((1 + (n * 7919 + 844) % products))
		document=$(bench_document "$@")
		if [ $kind = draft ]; then
			echo "SELECT 'usom draft $n ' || order_no FROM usom.place_order('$document'::jsonb || '{\"draft\": true}');"
			echo "SELECT 'twin draft $n ' || twin.draft_order('$document');"
		else
			echo "SELECT '$kind $n ' || order_no FROM usom.place_order('$document');" | sed "s/'cancel/'usom cancel/"
			echo "SELECT 'twin $kind $n ' || order_no FROM twin.place_order('$document');"
		fi
	done
done | ask -f - >"$home/numbers"
ask -c 'VACUUM ANALYZE'
callgrind_stop

# A step of one order, by the number that it has.
call() { # peer step
	case $2 in
	confirm) echo "SELECT status FROM usom.submit_order(\$1)" ;;
	hold) echo "SELECT status FROM usom.hold_order(\$1, 'manual', 'asked for')" ;;
	release_hold) echo "SELECT status FROM usom.release_hold(\$1, 'manual', 'done')" ;;
	release) echo "SELECT status FROM usom.release_order(\$1)" ;;
	pick) echo "SELECT status FROM usom.pick(\$1)" ;;
	ship) echo "SELECT usom.ship(\$1)" ;;
	deliver) echo "SELECT status FROM usom.deliver((SELECT s.shipment_no FROM usom.sales_order o JOIN usom.shipment s USING (org_id, sales_order_id) WHERE o.order_no = \$1))" ;;
	cancel) echo "SELECT status FROM usom.cancel_order(\$1, 'no longer wanted')" ;;
	esac | if [ "$1" = usom ]; then
		cat
	else
		sed 's/usom\.sales_order o JOIN usom.shipment s USING (org_id, sales_order_id)/twin.orders o JOIN twin.shipment s ON s.order_id = o.id/; s/status FROM usom\./twin./; s/usom\./twin./'
	fi
}

# Every order makes a step before one makes the next.
for peer in usom twin; do
	for step in $steps; do
		echo "PREPARE $step (text) AS $(call $peer $step)"
		kind=draft
		[ $step != cancel ] || kind=cancel
		awk -v peer=$peer -v kind=$kind -v step=$step -v warm_up="$warm_up" '
			$1 == peer && $2 == kind {
				if ($3 == warm_up + 1) print "SELECT pg_catalog.pg_my_temp_schema()"
				printf "EXECUTE %s(\047%s\047)\n", step, $4
			}' "$home/numbers"
		echo 'SELECT pg_catalog.pg_conf_load_time()'
	done >"$home/statements"
	callgrind_run bench $peer
done

n=0
for step in $steps; do
	n=$((n + 1))
	echo "$step $(callgrind_told usom $n "$orders") $(callgrind_told twin $n "$orders")"
done >"$home/steps"
awk -v line="${BENCH_LINE:-/dev/null}" '
	BEGIN { printf "%-14s %12s %12s %14s\n", "1,000 instr.", "usom", "twin", "twin to usom" }
	{
		sub(/_/, " ", $1)
		printf "%-14s %12.0f %12.0f %14.2f\n", $1, $2, $3, $3 / $2
		told = told sprintf("%s%s %.0f (%.2f)", NR > 1 ? ", " : "", $1, $2, $3 / $2)
	}
	END { print "thousand instructions a step (twin to usom): " told >>line }' "$home/steps"
