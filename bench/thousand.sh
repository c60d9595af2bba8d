#!/bin/sh
# An order of a thousand lines: placed, one line of it changed, every line
# changed, cancelled; each a transaction of its own in one session, beside an
# order of five lines, in turns.
#
# usage: bench/thousand.sh          the server that PGHOST and PGPORT name
#
# BENCH_TURNS      orders of a thousand lines, ten times as many of five: 9
# BENCH_CHECK      set: fail when one of the steps takes 100 ms or more
set -eu
. "$(dirname "$0")/peers.sh"
turns=${BENCH_TURNS:-9}
database=usom_bench_thousand
home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d $database "$@"; }

psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" 2>/dev/null
ask -c 'CREATE EXTENSION usom' -c 'SELECT count(*) FROM usom.install()' >/dev/null
ask -v products=5000 -f "$here/setup.sql" >/dev/null
ask <<'SQL'
CREATE TABLE took (turn integer, lines integer, step text, ms numeric, statements bigint, wal numeric);
CREATE PROCEDURE note(turn integer, lines integer, step text, since timestamptz, statements bigint, wal pg_lsn) LANGUAGE plpgsql AS $$
DECLARE
	-- The clock, the counter and the WAL are read before anything is written.
	ms numeric := extract(epoch FROM clock_timestamp() - since) * 1e3;
	more bigint := usom._statement_count() - statements;
	bytes numeric := pg_current_wal_insert_lsn() - wal;
BEGIN
	INSERT INTO took VALUES (turn, lines, step, ms, more, bytes);
	COMMIT;
END
$$;
CREATE PROCEDURE life(turn integer, lines integer) LANGUAGE plpgsql AS $$
DECLARE
	document jsonb := (SELECT jsonb_build_object('channel', 'web', 'customer', 'C1', 'external_id', format('%s-%s', turn, lines), 'lines',
		jsonb_agg(jsonb_build_object('sku', 'P' || 1 + (turn * 31 + k * 3) % 5000, 'quantity', 2, 'unit_price', 5))) FROM generate_series(1, lines) k);
	each jsonb := (SELECT jsonb_build_object('lines', jsonb_agg(jsonb_build_object('line_no', k, 'quantity', 3))) FROM generate_series(1, lines) k);
	step text;
	number text;
	since timestamptz;
	statements bigint;
	wal pg_lsn;
BEGIN
	FOREACH step IN ARRAY ARRAY['1 place', '2 change a line', '3 change every line', '4 cancel'] LOOP
		statements := usom._statement_count();
		wal := pg_current_wal_insert_lsn();
		since := clock_timestamp();
		CASE step
		WHEN '1 place' THEN number := (SELECT p.order_no FROM usom.place_order(document) p);
		WHEN '2 change a line' THEN PERFORM usom.change_order(number, '{"lines": [{"line_no": 2, "quantity": 1}]}');
		WHEN '3 change every line' THEN PERFORM usom.change_order(number, each);
		ELSE PERFORM usom.cancel_order(number, 'too long');
		END CASE;
		CALL note(turn, lines, step, since, statements, wal);
	END LOOP;
END
$$;
VACUUM ANALYZE;
SQL
{
	echo 'CALL life(0, 1000); CALL life(0, 5); TRUNCATE took; VACUUM ANALYZE;'
	turn=1
	while [ "$turn" -le "$turns" ]; do
		echo "CALL life($turn, 1000);"
		for each in 0 1 2 3 4 5 6 7 8 9; do echo "CALL life(${turn}0 + $each, 5);"; done
		turn=$((turn + 1))
	done
} | ask >/dev/null

ask -P format=aligned -P tuples_only=off -P footer=off <<'SQL'
SELECT substr(step, 3) AS step,
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE lines = 5)::numeric * 1000) AS "5 lines, us",
	max(statements) FILTER (WHERE lines = 5) AS statements,
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY wal) FILTER (WHERE lines = 5)::numeric) AS "WAL bytes",
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE lines = 1000)::numeric, 1) AS "1,000 lines, ms",
	format('(%s-%s)', round(min(ms) FILTER (WHERE lines = 1000), 1), round(max(ms) FILTER (WHERE lines = 1000), 1)) AS spread,
	max(statements) FILTER (WHERE lines = 1000) AS statements,
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY wal) FILTER (WHERE lines = 1000)::numeric) AS "WAL bytes"
FROM took GROUP BY step ORDER BY took.step;
SQL
problems=$(ask -c 'SELECT count(*) FROM usom.verify()')
[ "$problems" = 0 ] || { echo "verify() finds $problems differences"; exit 1; }
ask -F ' ' -c "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric(12, 1), substr(step, 3) FROM took WHERE lines = 1000 GROUP BY step ORDER BY took.step" >"$home/steps"
while read -r ms step; do
	budget "1,000-line order: $step, ms" 100 "$ms" le
done <"$home/steps"
[ -n "${BENCH_KEEP:-}" ] || psql -X -q -d postgres -c "DROP DATABASE $database"
budgets_kept
