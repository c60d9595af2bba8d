#!/bin/sh
# Are all sums exact?  10,000 orders in every currency with 0, 2 or 3 decimals,
# with discounts, coupons, freight and taxes of every kind, are placed, changed,
# cancelled in part, split, shipped in parts and returned in parts.  After each
# of these the amounts are recomputed by plain SQL from the rules and must be
# the same; parts must add up to the whole; nothing may be negative; verify()
# must find nothing.  All is drawn by a seed.
#
# The connection is psql's own (PGHOST, PGPORT, PGUSER); a database is made and
# dropped.  Prints a line a check, and ends with "N passed, N failed".
#
# usage: test/pricing/run.sh
#
# PRICING_SEED    20101201
# PRICING_ORDERS  10000
# PRICING_KEEP    yes: the database usom_pricing stays
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
database=usom_pricing
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning"

sql() { psql -X -q -At -v ON_ERROR_STOP=1 -P pager=off -d "$database" "$@"; }

psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database"
sql -v seed="${PRICING_SEED:-20101201}" -v orders="${PRICING_ORDERS:-10000}" -f "$here/setup.sql" >/dev/null
sql -f "$here/recompute.sql" >/dev/null
sql -f "$here/sums.sql"
[ "${PRICING_KEEP:-}" = yes ] || psql -X -q -d postgres -c "DROP DATABASE $database"
