#!/bin/sh
# What the first call of a new backend costs beside the later ones: it loads the
# library, fills the caches of the catalogs, and makes its plans.  Beside it the
# bare insert of the rows that usom wrote, prepared and run by a new backend: it
# fills the caches for the tables that are written, and makes one plan.
# What is left is what usom adds; that has the budget.
#
# Then orders a second where each has a connection of its own, and where
# connections stay.
#
# usage: bench/start.sh          the server that PGHOST and PGPORT name
#
# BENCH_BACKENDS   new backends for each row of the table: 50
# BENCH_SECONDS    of each run with pgbench: 5
# BENCH_CHECK      set: fail when a budget is missed
set -eu
. "$(dirname "$0")/peers.sh"

backends=${BENCH_BACKENDS:-50}
seconds=${BENCH_SECONDS:-5}
database=usom_bench_start
products=1000

home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d $database "$@"; }

bench_database $database $products
first=$(ask -c "SELECT product_id - 1 FROM usom.product WHERE sku = 'P1'")
{
	bench_prepare bare $database | tr '\n' ' '
	echo ';'
} >"$home/prepare.bare"

# The statements of a new backend: what comes first once, then four calls.
session() { # what number
	printf '%s\n' '\timing on'
	case $1 in
	bare) cat "$home/prepare.bare" ;;
	*) echo "SELECT 1;" ;;
	esac
	call=1
	while [ $call -le 4 ]; do
		n=$(($2 * 10 + call))
		case $1 in
		bare) echo "$(bench_statements bare $products "$first" $((500000 + n)) $((500000 + n)));" ;;
		place_order) echo "SELECT order_no FROM usom.place_order('$(bench_document "start-$n" $((n % 150 + 1)) $((n % 150 + 212)) $((n % 150 + 423)) $((n % 150 + 634)) $((n % 150 + 845)))');" ;;
		quote) echo "SELECT usom.quote('$(bench_document "start-$n" 1 212 423 634 845)') IS NULL;" ;;
		available) echo "SELECT usom.available('P$call');" ;;
		'orders by number') echo "SELECT status FROM usom.orders WHERE order_no = '$order_no';" ;;
		esac
		call=$((call + 1))
	done
}

order_no=$(ask -c "SELECT order_no FROM usom.sales_order WHERE external_id = 'model'")
number=0
while [ $number -lt "$backends" ]; do
	number=$((number + 1))
	for what in place_order bare quote available 'orders by number'; do
		session "$what" $number | ask -f - >"$home/out"
		# What the bare insert prepares is a part of its first call.
		awk -v what="$what" '/^Time:/ { t[++n] = $2 }
			END { if (n != 5) exit 1; printf "%s|%s|%s\n", what, t[2] + (what == "bare" ? t[1] : 0), (t[3] + t[4] + t[5]) / 3 }' "$home/out" >>"$home/times"
	done
done

echo "the first call of a new backend, median of $backends, ms"
awk -F '|' '
	{ if (!($1 in n)) order[++kinds] = $1; first[$1, ++n[$1]] = $2; later[$1, n[$1]] = $3 }
	END {
		printf "%-18s %10s %10s %10s\n", "", "first", "later", "more"
		for (i = 1; i <= kinds; i++) {
			k = order[i]; f = median(first, k); l = median(later, k); more[k] = f - l
			printf "%-18s %10.2f %10.2f %10.2f\n", k, f, l, f - l
		}
		printf "%.2f\n", more["place_order"] - more["bare"] >"'"$home/beyond"'"
	}
	function median(of, k,    i, j, t, v) {
		for (i = 1; i <= n[k]; i++) v[i] = of[k, i]
		for (i = 1; i <= n[k]; i++) for (j = i + 1; j <= n[k]; j++) if (v[j] < v[i]) { t = v[i]; v[i] = v[j]; v[j] = t }
		return v[int((n[k] + 1) / 2)]
	}' "$home/times"
echo

# ---- a connection for each order ----

printf '%s\n' '\set a random(1, 150)' '\set b :a + 211' '\set c :a + 422' '\set d :a + 633' '\set e :a + 844' '\set n :n + 1' \
	"SELECT order_no FROM usom.place_order('$(bench_document "c-:way-:client_id-:n" :a :b :c :d :e)');" >"$home/usom.sql"
rate() { # way options...
	way=$1
	shift
	pgbench -n -M simple -c 4 -j 2 -T "$seconds" "$@" -D n=0 -D way=$way -f "$home/usom.sql" $database >"$home/pgbench" 2>&1 || {
		tail -n 5 "$home/pgbench" >&2
		exit 1
	}
	sed -n 's/^tps = \([0-9]*\).*/\1/p' "$home/pgbench"
}
printf '4 clients, orders a second: %s with a connection for each, %s with connections that stay\n' "$(rate 1 -C)" "$(rate 2)"
problems=$(ask -c 'SELECT count(*) FROM usom.verify()')
[ "$problems" = 0 ] || { echo "verify() finds $problems differences"; exit 1; }

budget 'first place_order of a backend beyond the bare insert, ms' 5 "$(cat "$home/beyond")" le
psql -X -q -d postgres -c "DROP DATABASE $database"
budgets_kept
