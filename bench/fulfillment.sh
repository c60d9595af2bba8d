#!/bin/sh
# What the warehouse's steps cost: an order of a thousand lines and one of five,
# from the release to the return and its inspection, in turns, in one session;
# then what a recall of a lot costs that many orders have, and the bookings of
# appointments with slots looked up before each.
#
# usage: bench/fulfillment.sh          the server that PGHOST and PGPORT name
#
# BENCH_TURNS      orders of a thousand lines; of five lines twenty times as many: 9
# BENCH_CHECK      set: fail when a thousand lines take a second or more to release or to ship
# BENCH_LINE       a file that the figures are appended to
set -eu
turns=${BENCH_TURNS:-9}
database=usom_bench_fulfillment

ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d $database "$@"; }

psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" 2>/dev/null
ask -c 'CREATE EXTENSION usom' -c 'SELECT count(*) FROM usom.install()' >/dev/null
ask >/dev/null <<'SQL'
SET client_min_messages = warning;
INSERT INTO usom.location (code, priority) VALUES ('W', 1), ('X', 2);
INSERT INTO usom.product (sku) SELECT 'P' || n FROM generate_series(1, 1000) n;
SELECT usom.receive_stock(CASE WHEN n % 10 = 0 THEN 'X' ELSE 'W' END, 'P' || n, 1000000) FROM generate_series(1, 1000) n;
-- What is returned is looked at; a tenth of the products, so that the other lines are taken back at once.
UPDATE usom.product SET category = 'looked at' WHERE sku LIKE '%7';
INSERT INTO usom.return_rule (code, category, inspects) VALUES ('look', 'looked at', true);
-- Two lots that every order has one of, and technicians.
INSERT INTO usom.product (sku, tracking) VALUES ('MILK', 'lot');
SELECT usom.receive_stock('W', 'MILK', 1000000, lot => 'L1'), usom.receive_stock('W', 'MILK', 1000000, lot => 'L2');
INSERT INTO usom.product (sku, kind) VALUES ('CHECK', 'service');
INSERT INTO usom.technician (code) SELECT 'T' || n FROM generate_series(1, 20) n;
INSERT INTO usom.technician_hours (technician_id, weekday, begins, ends) SELECT t.technician_id, d, '08:00', '16:00' FROM usom.technician t, generate_series(1, 5) d;
CREATE TABLE took (turn integer, lines integer, step text, us numeric, statements bigint);
-- One step of one order, timed.
CREATE FUNCTION step(turn integer, lines integer, step text, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before bigint := usom._statement_count();
	began timestamptz := clock_timestamp();
	answer text;
BEGIN
	EXECUTE call INTO answer;
	INSERT INTO took SELECT turn, lines, step, extract(epoch FROM clock_timestamp() - began) * 1e6, usom._statement_count() - before;
	RETURN answer;
END
$$;
CREATE FUNCTION life(turn integer, lines integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	document jsonb := (SELECT jsonb_build_object('lines', jsonb_agg(jsonb_build_object('sku', 'P' || 1 + (turn * 7 + k * 211) % 1000, 'quantity', 2, 'unit_price', 5))) FROM generate_series(1, lines) k);
	back jsonb := (SELECT jsonb_agg(jsonb_build_object('line_no', k, 'quantity', 1)) FROM generate_series(1, lines) k);
	order_no text;
	shipments text;
	return_no text;
BEGIN
	order_no := step(turn, lines, '1 place_order', format('SELECT order_no FROM usom.place_order(%L)', document));
	PERFORM step(turn, lines, '2 release_order', format('SELECT status FROM usom.release_order(%L)', order_no));
	shipments := step(turn, lines, '3 ship', format('SELECT usom.ship(%L)', order_no));
	PERFORM step(turn, lines, '4 deliver, each', format('SELECT status FROM usom.deliver(%L)', s)) FROM string_to_table(shipments, ', ') s;
	return_no := step(turn, lines, '5 authorize_return', format('SELECT usom.authorize_return(%L, %L, ''wrong size'')', order_no, back));
	PERFORM step(turn, lines, '6 receive_return', format('SELECT status FROM usom.receive_return(%L)', return_no));
	PERFORM step(turn, lines, '7 inspect_return', format('SELECT status FROM usom.inspect_return(%L)', return_no));
END
$$;
-- An appointment of an order: the next slot, and its booking.
CREATE FUNCTION visit(turn integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	order_no text := (SELECT p.order_no FROM usom.place_order('{"order_type": "service", "lines": [{"sku": "CHECK", "quantity": 1, "unit_price": 80}]}') p);
	slot text := step(turn, 1, '8 service_slots', 'SELECT min(starts_at) FROM usom.service_slots(''CHECK'', ''2099-03-02'', ''2099-06-01'', slots => 20)');
BEGIN
	PERFORM step(turn, 1, '9 book_appointment', format('SELECT appointment_no FROM usom.book_appointment(%L, 1, %L)', order_no, slot));
END
$$;
VACUUM ANALYZE;
SQL
ask -v turns="$turns" >/dev/null <<'SQL'
SELECT life(0, 1000), life(0, 5);
TRUNCATE took;
SELECT life(t, CASE WHEN k = 0 THEN 1000 ELSE 5 END) FROM generate_series(1, :turns) t, generate_series(0, 20) k ORDER BY t, k;
-- A thousand orders of two lots, half of them shipped.
SELECT count(usom.ship(o.order_no)) FROM (SELECT p.order_no, p.ordinal FROM usom.place_orders((SELECT jsonb_agg(jsonb_build_object('external_id', 'm' || n,
	'lines', jsonb_build_array(jsonb_build_object('sku', 'MILK', 'quantity', 1000, 'unit_price', 1)))) FROM generate_series(1, 1500) n)) p) o,
	LATERAL usom.release_order(o.order_no) r WHERE o.ordinal % 2 = 0;
ANALYZE;
SELECT count(visit(t)) FROM generate_series(1, 20 * :turns) t;
DELETE FROM took WHERE lines = 1 AND turn <= :turns;
SELECT step(t, 1, '10 recall of a lot', 'SELECT count(*) FROM usom.recall(''L1'')') FROM generate_series(1, :turns) t;
SQL
ask -P format=aligned -P tuples_only=off -P footer=off <<'SQL'
SELECT substr(step, 3) AS step,
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY us) FILTER (WHERE lines = 5)) AS "5 lines, us",
	max(statements) FILTER (WHERE lines = 5) AS statements,
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY us) FILTER (WHERE lines = 1000) / 1000)::numeric, 1) AS "1,000 lines, ms",
	round((max(us) FILTER (WHERE lines = 1000) / 1000)::numeric, 1) AS "at most, ms",
	max(statements) FILTER (WHERE lines = 1000) AS statements
FROM took WHERE lines > 1 GROUP BY step ORDER BY took.step;
SELECT regexp_replace(step, '^[0-9]+ ', '') AS step, count(*) AS calls, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY us)) AS us, max(statements) AS statements
FROM took WHERE lines = 1 GROUP BY took.step ORDER BY split_part(took.step, ' ', 1)::integer;
SQL
[ -z "${BENCH_LINE:-}" ] || ask -c "SELECT '1,000 lines, ms: release / ship / receive a return ' || string_agg(round((m / 1000)::numeric)::text, ' / ' ORDER BY step)
	FROM (SELECT step, percentile_cont(0.5) WITHIN GROUP (ORDER BY us) AS m FROM took WHERE lines = 1000 AND step ~ '^[236]' GROUP BY step) t" >>"$BENCH_LINE"
problems=$(ask -c 'SELECT count(*) FROM usom.verify()')
[ "$problems" = 0 ] || { echo "verify() finds $problems differences"; exit 1; }
slow=$(ask -c "SELECT string_agg(step, ', ') FROM (SELECT substr(step, 3) AS step FROM took WHERE lines = 1000 AND step ~ '^[23]' GROUP BY step HAVING percentile_cont(0.5) WITHIN GROUP (ORDER BY us) >= 1e6) t")
[ -z "${BENCH_CHECK:-}" ] || [ -z "$slow" ] || { echo "a second or more: $slow"; exit 1; }
psql -X -q -d postgres -c "DROP DATABASE $database"
