#!/bin/sh
# Instructions of one order of five lines, by callgrind on one backend: usom,
# the bare insert of the rows it wrote, and the same desk in PL/pgSQL.
# Unlike times these do not swing with the neighbours.
#
# A cluster of its own is filled, stopped, and opened by a backend under
# valgrind for each peer (callgrind.sh); it warms up before it is counted.
#
# usage: bench/instructions.sh          the bin of a PostgreSQL with usom is in PATH
#
# BENCH_ORDERS     orders that are counted: 200
# BENCH_PEERS      all of them, and unaudited
# BENCH_PRODUCTS   products with stock: 20000
# BENCH_PROFILE    a folder: the profiles (callgrind.PEER) are left there
# BENCH_CHECK      set: fail when a budget is exceeded
# BENCH_LINE       a file: figures for results.md are appended to it
set -eu
. "$(dirname "$0")/peers.sh"

orders=${BENCH_ORDERS:-200}
peers=${BENCH_PEERS:-$PEERS unaudited}
products=${BENCH_PRODUCTS:-20000}
warm_up=${BENCH_WARM_UP:-100}

tell() { # to-bare twin-to-usom with-the-audit-to-without
	budget 'instructions of place_order, times those of the bare insert' 1.5 "$1" le
	budget 'instructions of the PL/pgSQL twin, times those of place_order' 8 "$2" ge
	budget 'instructions with the audit, times those without' 1.25 "$3" le
}
command -v valgrind >/dev/null || tell - - -
. "$here/callgrind.sh"
callgrind_cluster
bench_database bench $products
first_product=$(psql -X -At -d bench -c "SELECT product_id - 1 FROM usom.product WHERE sku = 'P1'")
for peer in $peers; do
	bench_prepare "$peer" bench >"$home/prepare.$peer"
done
case " $peers " in *' unaudited '*)
	psql -X -q -d postgres -c 'CREATE DATABASE bench_unaudited TEMPLATE bench'
	bench_audit off bench_unaudited
	;;
esac
case " $peers " in *' sourced '*) bench_sourced bench_sourced bench $products ;; esac
callgrind_stop

count() { # peer
	case $1 in unaudited | sourced) of=bench_$1 ;; *) of=bench ;; esac
	{
		tr '\n' ' ' <"$home/prepare.$1"
		echo
		bench_statements "$1" $products $first_product 1001 $((1000 + warm_up))
		echo 'SELECT pg_catalog.pg_my_temp_schema()'
		bench_statements "$1" $products $first_product 2001 $((2000 + orders))
		echo 'SELECT pg_catalog.pg_conf_load_time()'
	} >"$home/statements"
	callgrind_run $of "$1"
	callgrind_told "$1" 1 "$orders"
}

report() {
	awk -v line="${BENCH_LINE:-/dev/null}" -v ratios="$home/ratios" '
		{ count[$1] = $2; order[NR] = $1 }
		END {
			printf "%-10s %22s %12s %12s\n", "", "1,000 instructions", "to bare", "to twin"
			for (i = 1; i <= NR; i++) {
				p = order[i]
				printf "%-10s %22.0f %12s %12s\n", p, count[p],
					("bare" in count) ? sprintf("%.2f", count[p] / count["bare"]) : "-",
					("twin" in count) ? sprintf("%.3f", count[p] / count["twin"]) : "-"
			}
			if (!("usom" in count)) exit
			bare = "bare" in count ? sprintf("%.2f", count["usom"] / count["bare"]) : "-"
			twin = "twin" in count ? sprintf("%.3f", count["usom"] / count["twin"]) : "-"
			audit = "unaudited" in count ? sprintf("%.3f", count["usom"] / count["unaudited"]) : "-"
			printf "%.0f thousand instructions an order, to bare %s, to twin %s, with the audit to without %s\n", count["usom"], bare, twin, audit >>line
			print bare, twin == "-" ? "-" : sprintf("%.2f", 1 / twin), audit >ratios
		}' "$1"
}

for peer in $peers; do
	counted=$(count "$peer")
	echo "$peer $counted" >>"$home/counts"
done
report "$home/counts"
[ -f "$home/ratios" ] || exit 0
read -r bare twin audit <"$home/ratios"
tell "$bare" "$twin" "$audit"
budgets_kept
