#!/bin/sh
# Damaged payloads of every format, read and placed: see mutate.sql.  Ends with
# "N passed, N failed".
#
# usage: test/intake/mutate.sh          the server that PGHOST and PGPORT name
#
# MUTATE_SEED   seed of the damage, printed: 20101201
# MUTATE_CASES  payloads: 500
set -u
cd "$(dirname "$0")/../.." || exit 1
seed=${MUTATE_SEED:-20101201}
cases=${MUTATE_CASES:-500}
database=usom_mutate
log=$(mktemp "${TMPDIR:-/tmp}/usom_mutate.XXXXXX")
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM

echo "MUTATE_SEED=$seed, $cases payloads"
psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" 2>/dev/null
psql -X -q -At -v ON_ERROR_STOP=1 -d "$database" -c 'CREATE EXTENSION usom' -c 'SELECT count(*) FROM usom.install()' >/dev/null &&
	psql -X -q -v ON_ERROR_STOP=1 -v seed="$seed" -v cases="$cases" -d "$database" -f test/intake/mutate.sql >"$log" 2>&1
status=$?
grep -v '^$' "$log"
psql -X -q -d postgres -c "DROP DATABASE $database"
passed=$(grep -c '|$' "$log")
failed=$(grep -cE '\|[0-9]+\|.' "$log")
[ $status -eq 0 ] || failed=$((failed + 1))
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
