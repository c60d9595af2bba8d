-- Supply that is under way, against stock that is far away: cost decides.  Undone at the end, so that other tests go on without.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on
SET LOCAL timezone = 'UTC';
UPDATE usom.location SET active = false;
INSERT INTO usom.location (code, priority, order_cost) VALUES ('LAT-FAR', 1, 20), ('LAT-NEAR', 2, 1);
INSERT INTO usom.product (sku) VALUES ('LAT-P'), ('LAT-Q');
SELECT usom.receive_stock('LAT-FAR', s, 100) IS NOT NULL AS received FROM unnest(ARRAY['LAT-P', 'LAT-Q']) s;
SELECT usom.add_supply('purchase', 'LAT-NEAR', 'LAT-P', 30, date_trunc('day', now()) + interval '3 days', supply_no => 'LAT-1') IS NOT NULL AS added;
SELECT usom.add_supply('purchase', 'LAT-NEAR', 'LAT-P', 30, date_trunc('day', now()) + interval '9 days', supply_no => 'LAT-2') IS NOT NULL AS added;
CREATE FUNCTION pg_temp.place(lines jsonb, more jsonb DEFAULT '{}') RETURNS TABLE (line_no integer, pieces text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('lat.order', p.order_no, true) FROM usom.place_order(jsonb_build_object('lines', lines) || more) p;
	RETURN QUERY SELECT p.line_no, string_agg(format('%s %s%s%s', p.quantity, p.status, ' at ' || p.location, ' for ' || p.supply_no), ', ' ORDER BY p.piece_no)
		FROM usom.order_pieces p WHERE p.order_no = current_setting('lat.order') GROUP BY p.line_no ORDER BY p.line_no;
END
$$;
CREATE FUNCTION pg_temp.why() RETURNS TABLE (line_no integer, location text, rank integer, code text, reason text, available numeric, promised_in interval, cheapest boolean) LANGUAGE sql AS $$
	SELECT e.line_no, e.location, e.rank, e.reason_code, replace(replace(e.reason, to_char(now() + interval '3 days', 'YYYY-MM-DD'), 'THE THIRD DAY'), to_char(now() + interval '40 days', 'YYYY-MM-DD'), 'THE FORTIETH'), e.available,
		CASE WHEN e.promised_at > now() + interval '1 day' THEN e.promised_at - date_trunc('day', now()) END, e.cost = min(e.cost) OVER (PARTITION BY e.line_no)
	FROM usom.explain_sourcing(current_setting('lat.order')) e WHERE e.location LIKE 'LAT%' ORDER BY e.line_no, e.rank, e.location
$$;

-- No price for being late: what is there is sent, from however far.
INSERT INTO usom.sourcing_rule (code) VALUES ('LAT');
SELECT * FROM pg_temp.place('[{"sku": "LAT-P", "quantity": 1}]', jsonb_build_object('requested_at', now()));
SELECT * FROM pg_temp.why();
-- Cheap to be late: what comes in three days.  No date wanted: nothing is late.
UPDATE usom.sourcing_rule SET late_cost = 1 WHERE code = 'LAT';
SELECT * FROM pg_temp.place('[{"sku": "LAT-P", "quantity": 2}]', jsonb_build_object('requested_at', date_trunc('day', now())));
SELECT * FROM pg_temp.why();
SELECT * FROM pg_temp.place('[{"sku": "LAT-P", "quantity": 2}]');
-- Many units are dear to be late together.
SELECT * FROM pg_temp.place('[{"sku": "LAT-P", "quantity": 20}]', jsonb_build_object('requested_at', date_trunc('day', now())));
SELECT * FROM pg_temp.why();
-- Who waits because it costs less goes on waiting, until the supply is late.
SELECT usom.add_supply('purchase', 'LAT-NEAR', 'LAT-Q', 3, date_trunc('day', now()) + interval '3 days', supply_no => 'LAT-3') IS NOT NULL AS added;
SELECT * FROM pg_temp.place('[{"sku": "LAT-Q", "quantity": 2}]', jsonb_build_object('requested_at', date_trunc('day', now())));
SELECT count(*) FROM usom.fill_backorders('LAT-Q');
SELECT usom.change_supply('LAT-3', expected_at => date_trunc('day', now()) + interval '40 days') IS NOT NULL AS late;
SELECT quantity FROM usom.fill_backorders('LAT-Q');
SELECT quantity, status, location, supply_no FROM usom.order_pieces WHERE order_no = current_setting('lat.order');
-- Wanted in four days: both come in time, but a second shipment for the other line would cost more than it spares.
SELECT * FROM pg_temp.place('[{"sku": "LAT-P", "quantity": 28}, {"sku": "LAT-Q", "quantity": 1}]', jsonb_build_object('requested_at', date_trunc('day', now()) + interval '4 days'));
SELECT * FROM pg_temp.why();
SELECT supply_no, pegged FROM usom.supplies WHERE supply_no LIKE 'LAT%' ORDER BY 1;
-- Alone, the near one costs less.
SELECT * FROM pg_temp.place('[{"sku": "LAT-P", "quantity": 2}]', jsonb_build_object('requested_at', date_trunc('day', now())));
SELECT * FROM pg_temp.place('[{"sku": "LAT-P", "quantity": 5}]', jsonb_build_object('requested_at', date_trunc('day', now()) + interval '9 days'));
-- An order that ships complete takes what is there, or waits as a whole.
SELECT * FROM pg_temp.place('[{"sku": "LAT-P", "quantity": 5}, {"sku": "LAT-Q", "quantity": 5}]', jsonb_build_object('ship_complete', true, 'requested_at', date_trunc('day', now()) + interval '9 days'));
-- It arrives, and serves who waited.
SELECT count(*) > 0 AS received FROM usom.receive_supply('LAT-1', 30);
SELECT p.quantity, p.status, p.location FROM usom.order_pieces p WHERE p.sku = 'LAT-P' ORDER BY p.order_no, p.piece_no;
SELECT * FROM usom.verify();
-- With a limit of the near location, waiting takes none of its days.
INSERT INTO usom.location_capacity (location_id, units) VALUES (usom.location_id('LAT-NEAR'), 2);
SELECT * FROM pg_temp.place('[{"sku": "LAT-P", "quantity": 7}]', jsonb_build_object('requested_at', date_trunc('day', now()) + interval '9 days'));
SELECT count(*) FROM usom.location_loads WHERE location = 'LAT-NEAR';
SELECT usom.cancel_order(current_setting('lat.order'), 'over') IS NOT NULL AS cancelled;
SELECT supply_no, pegged FROM usom.supplies WHERE supply_no LIKE 'LAT%' ORDER BY 1;
SELECT * FROM usom.verify();
ROLLBACK;
