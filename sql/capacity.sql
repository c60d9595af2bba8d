-- Capacity: what a location ships in a day, taken and given back.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on
INSERT INTO usom.location (code) VALUES ('CAP-A'), ('CAP-B'), ('CAP-FREE');
INSERT INTO usom.product (sku) VALUES ('CAP-1');
CREATE TEMP TABLE o AS SELECT n, p.order_no FROM generate_series(1, 9) n, usom.place_order('{"lines": [{"sku": "CAP-1", "quantity": 1, "unit_price": 1}]}') p;
-- take('CAP-A 2026-12-01 1 6'): location, day, order, units; what is refused comes back
CREATE FUNCTION pg_temp.take(VARIADIC changes text[]) RETURNS TABLE (refused text, on_date date) LANGUAGE sql AS $$
	SELECT l.code, r.on_date
	FROM usom._change_capacity(ARRAY(
		SELECT ROW(usom.location_id(w[1]), w[2]::date, s.sales_order_id, w[4]::numeric)::usom._capacity_change
		FROM unnest(changes) c, string_to_array(c, ' ') w JOIN o ON o.n = w[3]::integer JOIN usom.sales_order s USING (order_no))) r
	JOIN usom.location l USING (location_id)
$$;
CREATE VIEW pg_temp.loads AS SELECT location, on_date, units, orders, units_limit, orders_limit, units_free, orders_free
	FROM usom.location_loads WHERE location LIKE 'CAP-%' ORDER BY 1, 2;

-- no limit: any number, and given back
SELECT * FROM pg_temp.take('CAP-A 2026-12-01 1 1000');
SELECT * FROM pg_temp.loads;
SELECT * FROM pg_temp.take('CAP-A 2026-12-01 1 -1000');

INSERT INTO usom.location_capacity (location_id, units, orders) VALUES (usom.location_id('CAP-A'), 10, 3), (usom.location_id('CAP-B'), NULL, 2);
INSERT INTO usom.location_capacity (location_id, on_date, units) VALUES (usom.location_id('CAP-A'), '2026-12-24', 2);
\set VERBOSITY terse
INSERT INTO usom.location_capacity (location_id, units) VALUES (usom.location_id('CAP-A'), 11);
INSERT INTO usom.location_capacity (location_id, on_date, units) VALUES (usom.location_id('CAP-A'), '2026-12-24', 3);
INSERT INTO usom.location_capacity (location_id, units) VALUES (usom.location_id('CAP-FREE'), -1);
INSERT INTO usom.location_capacity (location_id, orders) VALUES (usom.location_id('CAP-FREE'), -1);
INSERT INTO usom.location_capacity (location_id, orders) VALUES (0, 1);
\set VERBOSITY default

-- up to the limit and not beyond; an order counts once a day
SELECT * FROM pg_temp.take('CAP-A 2026-12-01 1 6');
SELECT * FROM pg_temp.take('CAP-A 2026-12-01 2 5');
SELECT * FROM pg_temp.take('CAP-A 2026-12-01 1 1', 'CAP-A 2026-12-01 1 1', 'CAP-A 2026-12-01 2 2');
SELECT * FROM pg_temp.take('CAP-A 2026-12-01 3 0.000001');
SELECT * FROM pg_temp.loads;
-- of each day all or nothing: one day refused, others taken
SELECT * FROM pg_temp.take('CAP-A 2026-12-02 1 6', 'CAP-A 2026-12-02 2 5', 'CAP-A 2026-12-03 1 10', 'CAP-B 2026-12-02 1 1000000', 'CAP-FREE 2026-12-02 1 5');
SELECT * FROM pg_temp.loads;
-- orders are limited, units are not
SELECT * FROM pg_temp.take('CAP-B 2026-12-02 2 1');
SELECT * FROM pg_temp.take('CAP-B 2026-12-02 3 1');
SELECT * FROM pg_temp.take('CAP-B 2026-12-02 1 1');
-- a day of its own
SELECT * FROM pg_temp.take('CAP-A 2026-12-24 1 3');
SELECT * FROM pg_temp.take('CAP-A 2026-12-24 1 1', 'CAP-A 2026-12-24 2 1');
SELECT l.code, d.day, c.* FROM usom.location l, unnest(ARRAY['2026-12-01', '2026-12-02', '2026-12-24', '2026-12-31']::date[]) AS d (day), usom._look_at_capacity(l.location_id, d.day) c
WHERE l.code LIKE 'CAP-%' ORDER BY 1, 2;
-- given back: some, all, more than was taken, what was never taken
SELECT * FROM pg_temp.take('CAP-A 2026-12-01 1 -2');
SELECT * FROM pg_temp.take('CAP-A 2026-12-01 2 -100', 'CAP-A 2026-12-09 2 -1', 'CAP-FREE 2026-12-02 1 -5');
SELECT * FROM pg_temp.loads;
-- moved from day to day in one go, and from one order to another on a full day
SELECT * FROM pg_temp.take('CAP-A 2026-12-01 1 -6', 'CAP-A 2026-12-04 1 6');
SELECT * FROM pg_temp.take('CAP-A 2026-12-24 1 -1', 'CAP-A 2026-12-24 3 1');
SELECT * FROM pg_temp.take('CAP-B 2026-12-02 2 -1', 'CAP-B 2026-12-02 3 1');
SELECT * FROM pg_temp.loads;
-- a limit that is lowered, or gone, lets go what is there and takes no more
UPDATE usom.location_capacity SET units = 3 WHERE location_id = usom.location_id('CAP-A') AND on_date IS NULL;
SELECT * FROM pg_temp.take('CAP-A 2026-12-04 1 1');
SELECT * FROM pg_temp.take('CAP-A 2026-12-04 1 -2');
SELECT * FROM pg_temp.loads WHERE on_date = '2026-12-04';
DELETE FROM usom.location_capacity WHERE location_id = usom.location_id('CAP-A');
SELECT * FROM pg_temp.take('CAP-A 2026-12-04 1 -4');
SELECT * FROM pg_temp.loads WHERE on_date = '2026-12-04';
-- (no piece is behind what is taken here)
SELECT * FROM usom.verify() WHERE problem NOT LIKE '%than its pieces are';

-- kept tables: by hand nothing
\set VERBOSITY terse
UPDATE usom.location_load SET units = 0;
INSERT INTO usom.capacity_use (org_id, location_id, on_date, sales_order_id, units) VALUES (1, 1, '2026-12-01', 1, 1);
SELECT * FROM usom._change_capacity(ARRAY[ROW(1, NULL, 1, 1)::usom._capacity_change]);
SELECT * FROM usom._change_capacity(ARRAY[ROW(1, '2026-12-01', 1, 'NaN')::usom._capacity_change]);
SELECT * FROM usom._change_capacity('{}');
\set VERBOSITY default
-- verify_capacity() finds what is wrong, row by row
SAVEPOINT well;
SET LOCAL session_replication_role = replica;
ALTER TABLE usom.location_load DISABLE TRIGGER usom_guard;
ALTER TABLE usom.capacity_use DISABLE TRIGGER usom_guard;
UPDATE usom.location_load SET units = units + 1, orders = orders + 1 WHERE location_id = usom.location_id('CAP-B');
DELETE FROM usom.location_load WHERE location_id = usom.location_id('CAP-A') AND on_date = '2026-12-24';
INSERT INTO usom.capacity_use (org_id, location_id, on_date, sales_order_id, units) VALUES (usom.current_org(), usom.location_id('CAP-FREE'), '2026-12-01', 1, 1);
SELECT * FROM usom.verify_capacity() WHERE problem NOT LIKE '%than its pieces are' ORDER BY entity, problem;
SELECT DISTINCT area FROM usom.verify() WHERE area = 'capacity';
ROLLBACK TO well;

-- Random changes against a plain model of what should happen.
DO $$
DECLARE
	places bigint[] := ARRAY(SELECT usom.location_id(c) FROM unnest(ARRAY['CAP-A', 'CAP-B', 'CAP-FREE']) c);
	orders bigint[] := ARRAY(SELECT s.sales_order_id FROM usom.sales_order s JOIN o USING (order_no) ORDER BY n);
	changes usom._capacity_change[];
	said text;
	expected text;
BEGIN
	PERFORM setseed(0.125);
	INSERT INTO usom.location_capacity (location_id, units, orders) VALUES (places[1], 20, 4);
	CREATE TEMP TABLE model AS SELECT u.location_id, u.on_date, u.sales_order_id, u.units::numeric FROM usom.capacity_use u;
	FOR round IN 1 .. 120 LOOP
		changes := ARRAY(SELECT ROW(places[1 + trunc(random() * 3)], date '2027-01-01' + trunc(random() * 3)::integer, orders[1 + trunc(random() * 9)],
			trunc(random() * 13 - 5))::usom._capacity_change FROM generate_series(1, 1 + trunc(random() * 4)::integer));
		SELECT string_agg(r.location_id || '/' || r.on_date, ' ' ORDER BY r.location_id, r.on_date) INTO said FROM usom._change_capacity(changes) r;
		CREATE TEMP TABLE wanted ON COMMIT DROP AS
			SELECT c.location_id, c.on_date, c.sales_order_id, greatest(coalesce(m.units, 0) + c.units, 0) AS units, coalesce(m.units, 0) AS had
			FROM (SELECT x.location_id, x.on_date, x.sales_order_id, sum(x.units) AS units FROM unnest(changes) x GROUP BY 1, 2, 3) c
				LEFT JOIN model m USING (location_id, on_date, sales_order_id);
		CREATE TEMP TABLE tight ON COMMIT DROP AS
			SELECT d.location_id, d.on_date FROM (SELECT w.location_id, w.on_date, sum(w.units - w.had) AS more,
					sum((w.units > 0)::integer - (w.had > 0)::integer) AS more_orders FROM wanted w GROUP BY 1, 2) d
				LEFT JOIN (SELECT m.location_id, m.on_date, sum(m.units) AS units, count(*) AS orders FROM model m GROUP BY 1, 2) m USING (location_id, on_date)
			WHERE (d.location_id = places[1] AND d.more > 0 AND coalesce(m.units, 0) + d.more > 20)
				OR (d.more_orders > 0 AND coalesce(m.orders, 0) + d.more_orders > CASE d.location_id WHEN places[1] THEN 4 WHEN places[2] THEN 2 END);
		SELECT string_agg(t.location_id || '/' || t.on_date, ' ' ORDER BY t.location_id, t.on_date) INTO expected FROM tight t;
		ASSERT said IS NOT DISTINCT FROM expected, format('round %s: %s is refused, not %s', round, said, expected);
		DELETE FROM model m USING wanted w WHERE ROW(m.location_id, m.on_date, m.sales_order_id) = ROW(w.location_id, w.on_date, w.sales_order_id)
			AND NOT EXISTS (SELECT FROM tight t WHERE t.location_id = w.location_id AND t.on_date = w.on_date);
		INSERT INTO model SELECT w.location_id, w.on_date, w.sales_order_id, w.units FROM wanted w
			WHERE w.units > 0 AND NOT EXISTS (SELECT FROM tight t WHERE t.location_id = w.location_id AND t.on_date = w.on_date);
		DROP TABLE wanted, tight;
		ASSERT NOT EXISTS ((SELECT u.location_id, u.on_date, u.sales_order_id, u.units::numeric FROM usom.capacity_use u EXCEPT SELECT * FROM model)
			UNION ALL (SELECT * FROM model EXCEPT SELECT u.location_id, u.on_date, u.sales_order_id, u.units::numeric FROM usom.capacity_use u)), 'the model has other uses';
	END LOOP;
	ASSERT NOT EXISTS (SELECT FROM usom.verify_capacity() WHERE problem NOT LIKE '%than its pieces are'), 'verify_capacity() finds something';
	ASSERT (SELECT count(*) > 5 FROM model), 'little was left of it';
END
$$;
ROLLBACK;
