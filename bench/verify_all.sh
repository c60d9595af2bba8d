#!/bin/sh
# verify() over a history of orders: seconds, and the memory of its backend at
# most; then what each of its parts takes of a core.
#
# usage: bench/verify_all.sh [DATABASE]     a database as history.sh makes them; without one,
#                                           a history of BENCH_AUDITED orders is made, and dropped
#
# BENCH_AUDITED    orders: 1000000
# BENCH_CHECK      set: fail when a budget is missed
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
. "$here/budget.sh"
. "$here/history_fill.sh"
database=${1:-usom_bench_verify}
if [ $# = 0 ]; then
	history_create $database 5000
	history_grow $database "${BENCH_AUDITED:-1000000}" on
fi

home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

# What the backend has spent of a core (10 ms), and its memory at most, without what all share (kB).
cat >"$home/verify.sql" <<'SQL'
\set QUIET on
\pset tuples_only on
\pset format unaligned
CREATE FUNCTION pg_temp.spent() RETURNS numeric LANGUAGE sql VOLATILE AS $$
	SELECT (split_part(s, ' ', 14)::int + split_part(s, ' ', 15)::int) / 100.0 FROM pg_read_file('/proc/self/stat') AS s $$;
CREATE FUNCTION pg_temp.peak() RETURNS bigint LANGUAGE sql VOLATILE AS $$
	SELECT (regexp_match(s, 'VmHWM:\s+(\d+)'))[1]::bigint - (regexp_match(s, 'RssShmem:\s+(\d+)'))[1]::bigint FROM pg_read_file('/proc/self/status') AS s $$;
SELECT clock_timestamp() AS began, pg_temp.spent() AS spent \gset
SELECT count(*) AS found FROM usom.verify() \gset
SELECT format('whole %s %s %s %s %s', extract(epoch FROM clock_timestamp() - :'began'), pg_temp.spent() - :spent, round(pg_temp.peak() / 1024.0), :found,
	(SELECT count(*) FROM usom.sales_order));
DO $$
DECLARE
	part text;
	began numeric;
	found bigint;
BEGIN
	-- the parts, as verify() has them
	FOR part IN SELECT m[1] FROM regexp_matches(pg_get_functiondef('usom.verify()'::regprocedure), 'usom\.(verify_\w+)\(', 'g') AS m LOOP
		began := pg_temp.spent();
		EXECUTE format('SELECT count(*) FROM usom.%I()', part) INTO found;
		RAISE NOTICE 'part % % %', part, pg_temp.spent() - began, found;
	END LOOP;
END $$;
SQL
psql -X -q -v ON_ERROR_STOP=1 -d "$database" -f "$home/verify.sql" >"$home/out" 2>&1 || { cat "$home/out" >&2; exit 1; }
awk '$1 == "whole" { printf "verify() over %d orders: %.1f s, %.1f s of a core, %d MB at most, %d differences\n", $6, $2, $3, $4, $5 }
	/NOTICE:/ { if ($(NF - 2) == "verify_entries") audit = $(NF - 1); else rest += $(NF - 1) }
	/NOTICE:/ { if ($(NF - 1) >= 0.5) { printf "%s  %-20s %6.1f s", (n++ % 3 ? "" : "\n"), $(NF - 2), $(NF - 1) } }
	END { printf "\nthe audit (verify_entries) %.1f s of a core, all else %.1f s\n", audit, rest }' "$home/out"
set -- $(grep '^whole' "$home/out")
[ "$5" = 0 ] || { echo "verify() finds $5 differences" >&2; exit 1; }
name="verify() over $(awk -v n="$6" 'BEGIN { printf "%.3g", n / 1e6 }') million orders"
budget "$name, s" 60 "$2" le
budget "$name, MB" 200 "$4" le
[ "$database" != usom_bench_verify ] || psql -X -q -d postgres -c "DROP DATABASE $database"
budgets_kept
