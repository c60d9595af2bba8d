-- The statements of a call do not grow with its lines.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
-- An organisation of its own: what others have set up costs statements, too.
INSERT INTO usom.organisation (code) VALUES ('statements');
SET usom.org = 'statements';
INSERT INTO usom.location (code) VALUES ('STM-A');
INSERT INTO usom.product (sku) SELECT 'STM-' || n FROM generate_series(1, 1000) n;
INSERT INTO usom.product (sku, kind) SELECT 'STM-KIT-' || n, 'kit' FROM generate_series(1, 100) n;
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity)
SELECT usom.product_id('STM-KIT-' || n), usom.product_id('STM-' || c), 1 FROM generate_series(1, 100) n, generate_series(n, n + 2) c;
SELECT usom.receive_stocks((SELECT jsonb_agg(jsonb_build_object('location', 'STM-A', 'sku', 'STM-' || n, 'quantity', 100)) FROM generate_series(1, 1000) n));
CREATE FUNCTION pg_temp.document(lines integer, quantity numeric) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('lines', jsonb_agg(jsonb_build_object('sku', 'STM-' || n, 'quantity', $2, 'unit_price', 1))) FROM generate_series(1, $1) n
$$;
CREATE FUNCTION pg_temp.kits(lines integer, quantity numeric) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('lines', jsonb_agg(jsonb_build_object('sku', 'STM-KIT-' || n, 'quantity', $2, 'unit_price', 1))) FROM generate_series(1, $1) n
$$;
CREATE TEMP TABLE counted (verb text, lines integer, statements bigint);
CREATE FUNCTION pg_temp.counted(verb text, lines integer, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before bigint := usom._statement_count();
	answer text;
BEGIN
	EXECUTE command INTO answer;
	INSERT INTO counted VALUES (verb, lines, usom._statement_count() - before);
	RETURN answer;
END
$$;
-- The first call of a session looks whether all is installed, and that is not counted.
SELECT status FROM usom.place_order(pg_temp.document(1, 1));
DO $$
DECLARE
	n integer;
	o text;
	s text;
	r text;
BEGIN
	-- thrice: what a backend remembers may be looked up again at any time, when others change something
	FOR n IN SELECT lines FROM generate_series(1, 3) AS round, unnest(ARRAY[1, 10, 100, 1000]) AS lines ORDER BY round, lines LOOP
		o := pg_temp.counted('place_order', n, format('SELECT order_no FROM usom.place_order(pg_temp.document(%s, 2))', n));
		PERFORM pg_temp.counted('change_order', n, format('SELECT status FROM usom.change_order(%L, (SELECT jsonb_build_object(''lines'', jsonb_agg(jsonb_build_object(''line_no'', i, ''quantity'', 1))) FROM generate_series(1, %s) i))', o, n));
		PERFORM pg_temp.counted('release_order', n, format('SELECT status FROM usom.release_order(%L)', o));
		s := pg_temp.counted('ship', n, format('SELECT usom.ship(%L)', o));
		PERFORM pg_temp.counted('deliver', n, format('SELECT status FROM usom.deliver(%L)', s));
		r := pg_temp.counted('authorize_return', n, format('SELECT usom.authorize_return(%L, (SELECT jsonb_agg(jsonb_build_object(''line_no'', i, ''quantity'', 1)) FROM generate_series(1, %s) i), NULL)', o, n));
		PERFORM pg_temp.counted('receive_return', n, format('SELECT status FROM usom.receive_return(%L, NULL)', r));
		o := pg_temp.counted('place_order, half waits', n, format('SELECT order_no FROM usom.place_order(pg_temp.document(%s, 150))', n));
		PERFORM pg_temp.counted('cancel_order', n, format('SELECT status FROM usom.cancel_order(%L, NULL)', o));
		o := pg_temp.counted('place_order, a draft', n, format('SELECT order_no FROM usom.place_order(pg_temp.document(%s, 1) || ''{"draft": true}'')', n));
		PERFORM pg_temp.counted('submit_order', n, format('SELECT status FROM usom.submit_order(%L)', o));
		CONTINUE WHEN n > 100;
		o := pg_temp.counted('place_order, kits', n, format('SELECT order_no FROM usom.place_order(pg_temp.kits(%s, 1))', n));
		PERFORM pg_temp.counted('cancel_line, kits', n, format('SELECT status FROM usom.cancel_line(%L, 1, 1, NULL)', o));
		o := pg_temp.counted('place_order, kits wait', n, format('SELECT order_no FROM usom.place_order(pg_temp.kits(%s, 500))', n));
		PERFORM pg_temp.counted('cancel_order, kits', n, format('SELECT status FROM usom.cancel_order(%L, NULL)', o));
	END LOOP;
END
$$;
CREATE TEMP VIEW needed AS SELECT verb, lines, min(statements) AS statements FROM counted GROUP BY 1, 2;
SELECT verb, count(DISTINCT statements) = 1 AS same_for_1_to_1000_lines FROM needed GROUP BY verb ORDER BY verb COLLATE "C";
SELECT max(statements) <= 12 AS few FROM needed WHERE verb = 'place_order';
-- An order of kits needs one more, which takes them apart.
SELECT max(statements) FILTER (WHERE verb = 'place_order, kits') - max(statements) FILTER (WHERE verb = 'place_order') AS more FROM needed;
SELECT * FROM usom.verify();
