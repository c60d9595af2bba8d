#!/bin/sh
# Instructions of one order of five lines, by callgrind on one backend: usom,
# the bare insert of the rows it wrote, and the same desk in PL/pgSQL.
# Unlike times these do not swing with the neighbours.
#
# A cluster of its own is filled, stopped, and opened by a single-user backend
# under valgrind for each peer.  The backend first warms up; two functions
# that nothing else calls mark where counting begins and ends.  Reading the
# statements from a file (some 60 instructions a character) is counted too.
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
command -v valgrind >/dev/null || { echo 'instructions: valgrind is not installed' >&2; exit 1; }

home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
data=$home/data
trap 'pg_ctl -D "$data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

initdb -D "$data" -U postgres -A trust -E UTF8 --locale=C --no-sync >/dev/null
cat >>"$data/postgresql.conf" <<-CONF
	listen_addresses = ''
	unix_socket_directories = '$home'
	port = 5432
	shared_buffers = 128MB
	max_wal_size = 4GB
	checkpoint_timeout = 1h
	autovacuum = off
	fsync = off
	timezone = 'UTC'
CONF
export PGHOST="$home" PGPORT=5432 PGUSER=postgres
pg_ctl -D "$data" -w -l "$home/log" start >/dev/null
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
pg_ctl -D "$data" -w -m fast stop >/dev/null

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
	valgrind -q --tool=callgrind --callgrind-out-file="$home/callgrind.$1" \
		--zero-before=pg_my_temp_schema --dump-before=pg_conf_load_time \
		"$(command -v postgres)" --single -D "$data" $of <"$home/statements" >"$home/out.$1" 2>"$home/err.$1" || {
		tail -n 5 "$home/err.$1" >&2
		return 1
	}
	if grep -q ERROR "$home/err.$1"; then
		grep -m 3 -A 2 ERROR "$home/err.$1" >&2
		return 1
	fi
	if [ -n "${BENCH_PROFILE:-}" ]; then
		mkdir -p "$BENCH_PROFILE"
		cp "$home/callgrind.$1.1" "$BENCH_PROFILE/callgrind.$1"
	fi
	awk -v n="$orders" '/^(totals|summary):/ { printf "%.1f\n", $2 / n / 1000; exit }' "$home/callgrind.$1.1"
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
	echo "$peer $(count "$peer")" >>"$home/counts"
done
report "$home/counts"
[ -f "$home/ratios" ] || exit 0
read -r bare twin audit <"$home/ratios"
budget 'instructions of place_order, times those of the bare insert' 1.5 "$bare" le
budget 'instructions of the PL/pgSQL twin, times those of place_order' 8 "$twin" ge
budget 'instructions with the audit, times those without' 1.25 "$audit" le
budgets_kept
