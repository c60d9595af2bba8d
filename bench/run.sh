#!/bin/sh
# The scenarios of the bench, each beside its peers, on the server that PGHOST
# and PGPORT name; then instructions an order, if valgrind is there, the
# quality of sourcing plans, if a MILP solver is, what sourcing costs, and the
# steps of the warehouse, and picking.
#
# usage: bench/run.sh
#
# BENCH_SECONDS    seconds of load in each scenario: 120
# BENCH_CLIENTS    clients: 1 4 16
# BENCH_ROUNDS     rounds, every peer once in each: 3
# BENCH_PRODUCTS   products with stock: 5000
# BENCH_PEERS      usom bare stock careful twin
# BENCH_ENTRIES    entries of the audit that are verified: 500000
# BENCH_RESULTS    file that a line of figures is appended to: bench/results.md
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)

: "${BENCH_RESULTS:=$here/results.md}"
export BENCH_RESULTS
line=$(mktemp "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
trap 'rm -f "$line"' EXIT
trap 'exit 130' INT TERM

BENCH_LINE=$line sh "$here/place_order.sh"
echo
if command -v valgrind >/dev/null; then
	BENCH_LINE=$line sh "$here/instructions.sh"
else
	echo 'instructions an order: valgrind is not installed (make bench-instructions brings it)'
fi
echo
sh "$here/sourcing_quality.sh" || echo 'sourcing quality: a plan was wrong, see above'
echo
sh "$here/batch.sh"
echo
BENCH_LINE=$line sh "$here/audit.sh"
echo
BENCH_LINE=$line sh "$here/verify.sh"
echo
BENCH_LINE=$line sh "$here/sourcing_order.sh"
echo
BENCH_LINE=$line sh "$here/fulfillment.sh"
echo
sh "$here/picking.sh"

server=$(psql -X -At -d postgres -c 'SHOW server_version' | cut -d ' ' -f 1)
row="| $(date -u +%Y-%m-%d) | $server | $(nproc) |$(tr '\n' ' ' <"$line" | tr -s ' ' | sed 's/ $//')"
echo
echo "$row"
if [ -w "$BENCH_RESULTS" ]; then
	echo "$row" >>"$BENCH_RESULTS"
fi
