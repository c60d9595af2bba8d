#!/bin/sh
# What a backorder run costs over lines that all wait, of a thousand products:
# one that fills half of them, one that finds nothing to do, and one that takes
# from many to give to few.  While the first one runs, orders on another
# product are placed and timed.  In each size the seconds of a line are shown,
# so that it is seen whether they stay the same.
#
# usage: bench/backorder_run.sh          the server that PGHOST and PGPORT name
#
# BENCH_LINES      sizes: 10000 100000 1000000 (the last takes some six minutes)
# BENCH_CHECK      set: fail when a run over 100,000 lines takes more than 10 s,
#                  or a line of the largest size half as much again as one of the smallest
set -eu
sizes=${BENCH_LINES:-10000 100000 1000000}
database=usom_bench_backorder
home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM
status=0

ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d $database "$@"; }

# place FIRST STEP BATCHES: batches FIRST, FIRST + STEP and so on, a thousand orders of five lines each
place() {
	ask -v first="$1" -v step="$2" -v batches="$3" >/dev/null <<'SQL'
SELECT set_config('bench.first', :'first', false), set_config('bench.step', :'step', false), set_config('bench.batches', :'batches', false);
DO $$
DECLARE
	batch integer := current_setting('bench.first');
BEGIN
	WHILE batch <= current_setting('bench.batches')::integer LOOP
		PERFORM count(*) FROM usom.place_orders((
			SELECT jsonb_agg(jsonb_build_object('external_id', batch || '-' || n, 'customer', 'C' || 1 + n % 100, 'priority', 1 + n % 7, 'lines', (
				SELECT jsonb_agg(jsonb_build_object('sku', 'P' || 1 + (batch * 7919 + n * 31 + k * 211) % 1000, 'quantity', 4, 'unit_price', 2.5)) FROM generate_series(1, 5) k)))
			FROM generate_series(1, 1000) n));
		COMMIT;
		batch := batch + current_setting('bench.step')::integer;
	END LOOP;
END $$;
SQL
}

# run VARIANT: "seconds seconds-of-processor lines megabytes"
run() {
	ask <<SQL
CREATE FUNCTION pg_temp.spent() RETURNS numeric LANGUAGE sql VOLATILE AS \$\$
	SELECT (split_part(s, ' ', 14)::int + split_part(s, ' ', 15)::int) / 100.0 FROM pg_read_file('/proc/self/stat') AS s \$\$;
SELECT clock_timestamp() AS began, pg_temp.spent() AS spent \gset
SELECT lines_changed FROM usom.backorder_run('$1') \gset
SELECT round(extract(epoch FROM clock_timestamp() - :'began')::numeric, 2), round(pg_temp.spent() - :spent, 2), :lines_changed,
	(SELECT (regexp_match(s, 'VmHWM:\s*(\d+)'))[1]::int / 1024 FROM pg_read_file('/proc/self/status') s) \g (format=unaligned fieldsep=' ')
SQL
}

printf '%10s %-10s %9s %9s %9s %14s %9s\n' lines run seconds cpu changed 'cpu us a line' 'peak MB'
for lines in $sizes; do
	psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" 2>/dev/null
	ask -c 'CREATE EXTENSION usom' -c 'SELECT count(*) FROM usom.install()' >/dev/null
	ask -v lines="$lines" >/dev/null <<'SQL'
INSERT INTO usom.location (code) VALUES ('W1'), ('W2');
INSERT INTO usom.customer (code, segment) SELECT 'C' || n, CASE WHEN n % 10 = 0 THEN 'key' ELSE 'shop' END FROM generate_series(1, 100) n;
INSERT INTO usom.product (sku) SELECT 'P' || n FROM generate_series(1, 1000) n;
INSERT INTO usom.product (sku) VALUES ('FREE');
SELECT usom.receive_stock('W1', 'FREE', 1000000);
SQL
	place 1 2 $((lines / 5000)) &
	second=$!
	place 2 2 $((lines / 5000))
	wait $second
	ask -v lines="$lines" >/dev/null <<'SQL'
INSERT INTO usom.backorder_variant (code) VALUES ('share'), ('favour');
INSERT INTO usom.backorder_segment (variant, rank, strategy) VALUES ('share', 1, 'redistribute');
INSERT INTO usom.backorder_segment (variant, rank, strategy, segments) VALUES ('favour', 1, 'gain', '{key}'), ('favour', 2, 'redistribute', '{shop}');
INSERT INTO usom.backorder_sort (variant, segment_rank, rank, expression, direction) VALUES ('favour', 2, 1, 'priority', 'desc');
-- half of what is asked for comes, to two places; nobody has been given any of it yet
SELECT count(*) FROM generate_series(1, 1000) n, unnest(ARRAY['W1', 'W2']) l, usom.adjust_stock(l, 'P' || n, :lines / 1000, 'found');
VACUUM ANALYZE;
SQL
	cat >"$home/place.sql" <<'SQL'
SELECT usom.place_order('{"lines": [{"sku": "FREE", "quantity": 1}]}');
SQL
	pgbench -n -c 1 -R 20 -T 3600 -l --log-prefix="$home/log" -f "$home/place.sql" $database >"$home/pgbench" 2>&1 &
	placing=$!
	for variant in share share favour favour; do
		# shellcheck disable=SC2046
		set -- $(run $variant)
		each=$(awk -v s="$2" -v n="$lines" 'BEGIN { printf "%.0f", s * 1e6 / n }')
		printf '%10s %-10s %9s %9s %9s %14s %9s\n' "$lines" "$variant" "$1" "$2" "$3" "$each" "$4"
		[ -n "${first:-}" ] || first=$each
		[ $variant = favour ] || [ "$3" = 0 ] || last=$each
		if [ -n "${BENCH_CHECK:-}" ] && [ "$lines" = 100000 ] && awk -v s="$1" 'BEGIN { exit !(s > 10) }'; then
			echo "a run over 100,000 lines takes $1 s, more than 10"
			status=1
		fi
	done
	kill "$placing" 2>/dev/null || true
	wait "$placing" 2>/dev/null || true
	awk -v lines="$lines" '{ if ($3 > most) most = $3; count++ } END { if (count > 0) printf "%10s orders on another product meanwhile: %d, the slowest %.1f ms\n", lines, count, most / 1000 }' "$home"/log*
	rm -f "$home"/log*
	ask -c "SELECT 'not so: ' || v::text FROM usom.verify() v LIMIT 5" | grep . && status=1
done
echo "a line that is changed or not costs $first us in the first run of the smallest size, $last in that of the largest"
if [ -n "${BENCH_CHECK:-}" ] && [ $((2 * last)) -gt $((3 * first)) ]; then
	echo 'that is more than half as much again'
	status=1
fi
psql -X -q -d postgres -c "DROP DATABASE $database"
exit $status
