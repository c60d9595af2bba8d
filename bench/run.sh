#!/bin/sh
# The scenarios of the bench, one after the other, on the server that PGHOST
# and PGPORT name; at the end every budget with what was measured, and a line
# a scenario for results.md.
#
# usage: bench/run.sh [SCENARIO...]      make bench SCENARIOS='audit batch'
#
#   place_order       five lines beside the peers, at 1 to 32 clients
#   instructions      the same, in instructions of one backend (valgrind)
#   lifecycle         the other steps of an order beside the PL/pgSQL twin's
#   thousand          an order of a thousand lines: place, change, cancel
#   batch             place_orders beside as many calls
#   audit             the audit on and off
#   curve             1 to 64 clients: throughput, latency, deadlocks, picture
#   hot, zipf         products that everybody wants
#   history           5 million orders beside 10 thousand: placing, reading, verify();
#                     100 thousand where it is not named, as 5 million take some 10 minutes
#   start, pooler     a fresh connection; through pgbouncer
#
# and, when they are named, or as SCENARIOS=all:
#
#   instructions_life instructions of the other steps (make bench-instructions)
#   verify            how fast the audit is verified
#   bloat             size of hot rows over a time of load
#   sourcing_order    ten locations, rules, rates and calendars beside one
#   sourcing_quality  plans beside those of a MILP solver
#   fulfillment, picking, pricing, backorder_run, loading
#
# Settings of each stand in its script; of all:
#
# BENCH_QUICK      set: the least of each, to see that it runs
# BENCH_CHECK      set: fail when a budget is missed
# BENCH_RESULTS    file that the lines are appended to: bench/results.md
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
. "$here/budget.sh"

main='place_order instructions lifecycle thousand batch audit curve hot zipf history start pooler'
more='instructions_life verify bloat sourcing_order sourcing_quality fulfillment picking pricing backorder_run loading'
named=$*
scenarios=${*:-$main}
[ "$scenarios" != all ] || scenarios="$main $more"
: "${BENCH_RESULTS:=$here/results.md}"

home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM
server=$(psql -X -At -d postgres -c 'SHOW server_version' | cut -d ' ' -f 1)
: >"$home/budgets"
failed=

if [ -n "${BENCH_QUICK:-}" ]; then
	export BENCH_SECONDS=1 BENCH_ROUNDS=1 BENCH_CLIENTS=2 BENCH_PRODUCTS=2000 BENCH_CALLS=10 BENCH_ORDERS=20 BENCH_WARM_UP=20 BENCH_TURNS=1
fi

# A scenario's line: its figures, then its budgets.
row() { # scenario
	printf '| %s | %s | %s | %s | ' "$(date -u +%Y-%m-%d)" "$server" "$(nproc)" "$1"
	awk -F ' [|] ' '
		{ told = told (told == "" ? "" : "; ") (NF > 1 ? $1 ": " $3 " (" $2 ", " $4 ")" : $0) }
		END { gsub(/[|]/, "/", told); print told " |" }' "$home/line" "$home/own"
}

# Settings that the caller left open: such that all of them end within fifteen minutes.
run_scenario() (
	case $1 in
	instructions) BENCH_ORDERS=${BENCH_ORDERS:-60} BENCH_WARM_UP=${BENCH_WARM_UP:-40} ;;
	hot) BENCH_SECONDS=${BENCH_SECONDS:-45} BENCH_STRIPES=${BENCH_STRIPES:-32 64} ;;
	zipf) BENCH_SECONDS=${BENCH_SECONDS:-18} ;;
	pooler) BENCH_SECONDS=${BENCH_SECONDS:-36} ;;
	history) [ -n "$named" ] || BENCH_HISTORY=${BENCH_HISTORY:-100000} ;;
	esac
	[ -z "${BENCH_STRIPES:-}" ] || export BENCH_STRIPES
	[ -z "${BENCH_HISTORY:-}" ] || export BENCH_HISTORY
	export BENCH_ORDERS="${BENCH_ORDERS:-}" BENCH_WARM_UP="${BENCH_WARM_UP:-}" BENCH_SECONDS="${BENCH_SECONDS:-}"
	BENCH_BUDGETS=$home/own BENCH_LINE=$home/line exec sh "$here/$1.sh"
)

for scenario in $scenarios; do
	if [ ! -f "$here/$scenario.sh" ]; then
		echo "no scenario $scenario: $main $more" >&2
		[ $# = 0 ] || exit 2
		continue
	fi
	echo "==== $scenario"
	: >"$home/own"
	: >"$home/line"
	from=$(date +%s)
	run_scenario "$scenario" || failed="$failed $scenario"
	echo "($scenario: $(($(date +%s) - from)) s)"
	echo
	cat "$home/own" >>"$home/budgets"
	[ ! -s "$home/own" ] && [ ! -s "$home/line" ] || row "$scenario" >>"$home/rows"
done

echo '==== budgets'
budget_table "$home/budgets"
if [ -w "$BENCH_RESULTS" ] && [ -f "$home/rows" ]; then
	cat "$home/rows" >>"$BENCH_RESULTS"
fi
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
