-- Units that are named by number are the ones that leave: from where they lie, or not at all.
SET client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('serial_place');
SET usom.org = 'serial_place';
INSERT INTO usom.location (code) VALUES ('SP-1'), ('SP-2');
INSERT INTO usom.product (sku, tracking) VALUES ('SP-S', 'serial');
SELECT on_hand FROM usom.receive_serials('SP-1', 'SP-S', ARRAY['a1', 'a2', 'a3', 'a4']);
SELECT on_hand FROM usom.receive_serials('SP-2', 'SP-S', ARRAY['b1', 'b2', 'b3']);
CREATE FUNCTION pg_temp.place(ref text, lines jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT r.status FROM usom.place_order(jsonb_build_object('external_id', ref, 'lines', lines)) p, usom.release_order(p.order_no) r
$$;
CREATE FUNCTION pg_temp.no(ref text) RETURNS text LANGUAGE sql AS $$ SELECT o.order_no FROM usom.orders o WHERE o.external_id = ref $$;
CREATE FUNCTION pg_temp.said(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	message text;
	detail text;
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN others THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN format('%s %s / %s', code, regexp_replace(message, 'SO-\d+', 'the order'), detail);
END
$$;
CREATE VIEW pg_temp.units AS SELECT s.serial, s.location, s.status, o.external_id FROM usom.serials s LEFT JOIN usom.orders o USING (order_no) ORDER BY 1;

-- What lies elsewhere than the line keeps its unit is not taken in silence for another.
SELECT pg_temp.place('SP-1', '[{"sku": "SP-S", "quantity": 1, "location": "SP-1"}]');
SELECT usom.assign_serials(pg_temp.no('SP-1'), 1, ARRAY['a1']);
SELECT pg_temp.said(format('SELECT usom.pick(%L, ''[{"line_no": 1, "quantity": 1, "serials": ["b1"]}]'')', pg_temp.no('SP-1')));
SELECT pg_temp.said(format('SELECT usom.ship(%L, ''[{"line_no": 1, "quantity": 1, "serials": ["b1"]}]'')', pg_temp.no('SP-1')));
SELECT status FROM usom.pick(pg_temp.no('SP-1'), '[{"line_no": 1, "quantity": 1, "serials": ["a2"]}]');
SELECT * FROM pg_temp.units;
SELECT pg_temp.said(format('SELECT usom.ship(%L, ''[{"line_no": 1, "quantity": 1, "serials": ["b1"]}]'')', pg_temp.no('SP-1')));
SELECT usom.ship(pg_temp.no('SP-1'), '[{"line_no": 1, "quantity": 1, "serials": ["a3"]}]') IS NOT NULL AS left;
SELECT * FROM pg_temp.units;

-- Of a line at two locations the units are picked, and leave, where those lie that are named.
SELECT pg_temp.place('SP-2', '[{"sku": "SP-S", "quantity": 5}]');
SELECT a.status FROM usom.allocate_order(pg_temp.no('SP-2')) a;
SELECT r.status FROM usom.release_order(pg_temp.no('SP-2')) r;
SELECT location, status, quantity FROM usom.order_pieces WHERE order_no = pg_temp.no('SP-2') ORDER BY 1;
SELECT status FROM usom.pick(pg_temp.no('SP-2'), '[{"line_no": 1, "quantity": 1, "serials": ["b2"]}]');
SELECT location, status, quantity FROM usom.order_pieces WHERE order_no = pg_temp.no('SP-2') ORDER BY 1, 2;
SELECT usom.ship(pg_temp.no('SP-2'), '[{"line_no": 1, "quantity": 2, "serials": ["b1", "b2"]}]') IS NOT NULL AS left;
SELECT location, status, quantity FROM usom.order_pieces WHERE order_no = pg_temp.no('SP-2') ORDER BY 1, 2;
SELECT pg_temp.said(format('SELECT usom.ship(%L, ''[{"line_no": 1, "quantity": 1, "serials": ["b3"]}]'')', pg_temp.no('SP-2')));
SELECT usom.ship(pg_temp.no('SP-2'), '[{"line_no": 1, "quantity": 3, "serials": ["a1", "a2", "a4"]}]') IS NOT NULL AS left;
SELECT * FROM pg_temp.units;
SELECT * FROM usom.verify();
