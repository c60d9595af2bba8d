#!/bin/sh
# What a batch saves: orders of five lines by calls of place_order(), each
# committed, by calls in one transaction, and by one call of place_orders(), in
# turns on one session; and the same batch with a tenth of its documents bad.
#
# usage: bench/batch.sh          the server that PGHOST and PGPORT name
#
# BENCH_ORDERS     orders of each turn: 1000
# BENCH_TURNS      turns of all: 5
# BENCH_CHECK      set: fail when a batch costs more than 0.4 of the calls
set -eu
. "$(dirname "$0")/budget.sh"
orders=${BENCH_ORDERS:-1000}
turns=${BENCH_TURNS:-5}
database=usom_bench_batch

ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d $database "$@"; }

psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" 2>/dev/null
ask -c 'CREATE EXTENSION usom' -c 'SELECT count(*) FROM usom.install()' >/dev/null
ask >/dev/null <<'SQL'
SET client_min_messages = warning;
INSERT INTO usom.location (code) VALUES ('W');
INSERT INTO usom.product (sku) SELECT 'P' || n FROM generate_series(1, 5000) n;
INSERT INTO usom.customer (code) SELECT 'C' || n FROM generate_series(1, 500) n;
SELECT count(*) FROM usom.receive_stocks((SELECT jsonb_agg(jsonb_build_object('location', 'W', 'sku', 'P' || n, 'quantity', 1000000)) FROM generate_series(1, 5000) n));
CREATE TABLE spent (way text, turn integer, seconds numeric, statements bigint);
CREATE FUNCTION documents(run text, count integer, bad boolean DEFAULT false) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('channel', 'web', 'customer', 'C' || 1 + n % 500, 'external_id', run || n, 'lines', (
		SELECT jsonb_agg(jsonb_build_object('sku', CASE WHEN bad AND k = 5 AND n % 10 = 0 THEN 'none' ELSE 'P' || 1 + (n * 7919 + k * 211) % 5000 END, 'quantity', k, 'unit_price', 2.55))
		FROM generate_series(1, 5) k)) ORDER BY n)
	FROM generate_series(1, count) n
$$;
CREATE FUNCTION note(way text, turn integer, since timestamptz, before bigint) RETURNS void LANGUAGE sql AS $$
	INSERT INTO spent VALUES (way, turn, extract(epoch FROM clock_timestamp() - since), usom._statement_count() - before)
$$;
CREATE PROCEDURE run(way text, turn integer, count integer) LANGUAGE plpgsql AS $$
DECLARE
	documents jsonb := documents(way || turn || '-', count, way = 'batch with bad');
	apart jsonb[] := ARRAY(SELECT e FROM jsonb_array_elements(documents) e);
	document jsonb;
	since timestamptz := clock_timestamp();
	before bigint := usom._statement_count();
BEGIN
	IF way LIKE 'batch%' THEN
		PERFORM usom.place_orders(documents);
		COMMIT;
	ELSE
		FOREACH document IN ARRAY apart LOOP
			PERFORM usom.place_order(document);
			IF way = 'calls' THEN
				COMMIT;
			END IF;
		END LOOP;
		COMMIT;
	END IF;
	PERFORM note(way, turn, since, before);
END
$$;
SQL
{
	for way in calls 'one transaction' batch 'batch with bad'; do
		echo "CALL run('$way', 0, 100);"
	done
	echo 'TRUNCATE spent; VACUUM ANALYZE;'
	turn=1
	while [ "$turn" -le "$turns" ]; do
		for way in calls 'one transaction' batch 'batch with bad'; do
			echo "CALL run('$way', $turn, $orders);"
		done
		turn=$((turn + 1))
	done
} | ask >/dev/null

echo "$orders orders of five lines, $turns turns"
ask -F ' ' -c "SELECT rpad(way, 16), lpad(to_char(percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) * 1e6 / $orders, 'FM999990'), 6) || ' us an order',
	'  ' || to_char(percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds / (SELECT c.seconds FROM spent c WHERE c.way = 'calls' AND c.turn = s.turn)), 'FM0.00') || ' of the calls',
	'  ' || min(statements) || ' statements' FROM spent s GROUP BY way ORDER BY min(CASE way WHEN 'calls' THEN 1 WHEN 'one transaction' THEN 2 WHEN 'batch' THEN 3 ELSE 4 END)"
ratio=$(ask -c "SELECT to_char(percentile_cont(0.5) WITHIN GROUP (ORDER BY b.seconds / c.seconds), 'FM0.00') FROM spent b JOIN spent c USING (turn) WHERE b.way = 'batch' AND c.way = 'calls'")
budget 'a batch of 1,000 orders, times 1,000 calls' 0.4 "$ratio" le
psql -X -q -d postgres -c "DROP DATABASE $database"
budgets_kept
