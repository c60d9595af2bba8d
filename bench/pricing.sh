#!/bin/sh
# What pricing costs: an order of five lines placed in an organisation without
# price rules and in one with all kinds of them, taken in turns in one session;
# and the pricing of an order of a thousand lines.  The rules: a thousand list
# prices, contracts of the customer, breaks, twenty promotions, six of which
# are in force for the lines.
#
# usage: bench/pricing.sh          the server that PGHOST and PGPORT name
#
# BENCH_ORDERS     orders of each turn: 500
# BENCH_TURNS      turns of both: 5
# BENCH_CHECK      set: fail when pricing costs more than placing without it, or
#                  a thousand lines take longer than 50 ms
set -eu
orders=${BENCH_ORDERS:-500}
turns=${BENCH_TURNS:-5}
database=usom_bench_pricing

ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d $database "$@"; }

psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" 2>/dev/null
ask -c 'CREATE EXTENSION usom' -c 'SELECT count(*) FROM usom.install()' >/dev/null
ask >/dev/null <<'SQL'
SET client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('plain'), ('ruled');
DO $$
DECLARE
	org text;
BEGIN
	FOREACH org IN ARRAY ARRAY['plain', 'ruled'] LOOP
		PERFORM set_config('usom.org', org, true);
		INSERT INTO usom.location (code) VALUES ('W');
		INSERT INTO usom.product (sku, category) SELECT 'P' || n, 'C' || n % 10 FROM generate_series(1, 1000) n;
		INSERT INTO usom.customer (code, segment) VALUES ('B', 'gold');
		INSERT INTO usom.price (sku, unit_price) SELECT 'P' || n, 10 + n % 90 FROM generate_series(1, 1000) n;
		PERFORM usom.receive_stock('W', 'P' || n, 1000000) FROM generate_series(1, 1000) n;
	END LOOP;
	INSERT INTO usom.price_contract (customer, sku, percent) SELECT 'B', 'P' || n, 5 FROM generate_series(1, 1000, 2) n;
	INSERT INTO usom.price_contract (segment, category, percent) VALUES ('gold', 'C2', 3);
	INSERT INTO usom.price_break (sku, min_quantity, percent) SELECT 'P' || n, q, q FROM generate_series(1, 1000, 3) n, unnest(ARRAY[2, 10]) q;
	INSERT INTO usom.price_break (min_quantity, percent) VALUES (5, 1);
	INSERT INTO usom.promotion (code, category, percent) SELECT 'C' || n, 'C' || n, 2 FROM generate_series(0, 4) n;
	INSERT INTO usom.promotion (code, level, currency, amount, min_value) VALUES ('ORDER', 'order', 'EUR', 5, 50);
	INSERT INTO usom.promotion (code, percent, valid_to) SELECT 'OLD' || n, 50, '2020-01-01' FROM generate_series(1, 14) n;
END $$;
CREATE FUNCTION document(n integer, lines integer, draft boolean DEFAULT false) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_build_object('customer', 'B', 'draft', draft, 'lines', jsonb_agg(jsonb_build_object('sku', 'P' || 1 + (n * 7 + k * 211) % 1000, 'quantity', 1 + k % 4)))
	FROM generate_series(1, lines) k
$$;
-- Microseconds of an order; documents are made before the clock starts.
CREATE FUNCTION turn(org text, orders integer) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	documents jsonb[] := (SELECT array_agg(document(n, 5)) FROM generate_series(1, orders) n);
	began timestamptz;
BEGIN
	PERFORM set_config('usom.org', org, false);
	PERFORM usom.place_order(document(0, 5));
	began := clock_timestamp();
	FOR n IN 1 .. orders LOOP
		PERFORM usom.place_order(documents[n]);
	END LOOP;
	RETURN extract(epoch FROM clock_timestamp() - began) * 1e6 / orders;
END
$$;
-- Milliseconds of a draft of a thousand lines, which plans no stock.
CREATE FUNCTION long_turn(org text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	one jsonb := document(1, 1000, true);
	began timestamptz;
BEGIN
	PERFORM set_config('usom.org', org, false);
	PERFORM usom.place_order(document(0, 1000, true));
	began := clock_timestamp();
	PERFORM usom.place_order(one);
	RETURN extract(epoch FROM clock_timestamp() - began) * 1e3;
END
$$;
CREATE TABLE result (turn integer, org text, what text, value numeric);
VACUUM ANALYZE;
SQL
ask -v orders="$orders" -v turns="$turns" >/dev/null <<'SQL'
SELECT turn('plain', 50), turn('ruled', 50), long_turn('plain'), long_turn('ruled');
INSERT INTO result SELECT t, o, 'five', turn(o, :orders) FROM generate_series(1, :turns) t, unnest(ARRAY['plain', 'ruled']) o ORDER BY t, o;
INSERT INTO result SELECT t, o, 'thousand', long_turn(o) FROM generate_series(1, :turns) t, unnest(ARRAY['plain', 'ruled']) o ORDER BY t, o;
SQL
ask -P format=aligned -P tuples_only=off <<'SQL'
SELECT CASE what WHEN 'five' THEN 'order of 5 lines, us' ELSE 'draft of 1,000 lines, ms' END AS what,
	round(min(value) FILTER (WHERE org = 'plain'), 1) AS without, round(min(value) FILTER (WHERE org = 'ruled'), 1) AS priced,
	round(min(value) FILTER (WHERE org = 'ruled') - min(value) FILTER (WHERE org = 'plain'), 1) AS pricing,
	round(min(value) FILTER (WHERE org = 'ruled') / min(value) FILTER (WHERE org = 'plain'), 2) AS ratio,
	round(avg(value) FILTER (WHERE org = 'ruled') / avg(value) FILTER (WHERE org = 'plain'), 2) AS ratio_of_means
FROM result GROUP BY what ORDER BY what;
SQL
[ -z "${BENCH_CHECK:-}" ] || ask <<'SQL' | grep -q '^t$'
SELECT bool_and(CASE what WHEN 'five' THEN ruled - plain < plain ELSE ruled - plain < 50 END)
FROM (SELECT what, min(value) FILTER (WHERE org = 'ruled') AS ruled, min(value) FILTER (WHERE org = 'plain') AS plain FROM result GROUP BY what) r;
SQL
