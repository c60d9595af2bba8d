-- Quantities between numeric and int64 millionths (src/base/quantity.c): what
-- fits comes back as it was, without trailing zeros; what does not is 22003.
-- The way in and out is a demand that nothing serves.
SELECT setseed((:seed % 999) / 1000.0) IS NULL AS seeded \gset

CREATE FUNCTION twin.fits(quantity numeric) RETURNS boolean LANGUAGE sql AS $$
	SELECT quantity NOT IN ('NaN', 'Infinity', '-Infinity') AND abs(quantity) < 1e12 AND quantity = round(quantity, 6)
$$;

CREATE FUNCTION twin.through_c(quantity numeric) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT p.quantity::text FROM usom._plan(ARRAY[ROW(1, 0, quantity, true)::usom._demand], '{}') AS p);
EXCEPTION WHEN numeric_value_out_of_range THEN
	RETURN 'refused';
END
$$;

CREATE FUNCTION twin.random_quantity() RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	digits integer := twin.pick(0, 13);
	decimals integer := twin.pick(0, 8);
BEGIN
	CASE twin.pick(1, 20)
		WHEN 1 THEN RETURN twin.pick('NaN', 'Infinity', '999999999999', '999999999999.999999', '1000000000000', '0.000001', '0.0000001',
			'1e30', '1e-30', '999999999999.9999999', '1.000000000', '0.1000000', '9223372036854.775807')::numeric;
		WHEN 2 THEN RETURN twin.pick(1, 99)::numeric * 10 ^ twin.pick(-8, 14);
		ELSE RETURN (twin.pick(1, 9)::text || (SELECT coalesce(string_agg(twin.pick(0, 9)::text, ''), '') FROM generate_series(2, digits))
			|| '.' || (SELECT coalesce(string_agg(twin.pick(0, 9)::text, ''), '0') FROM generate_series(1, decimals)))::numeric;
	END CASE;
END
$$;

SELECT count(*) AS tried FROM (
	SELECT twin.compare('quantity there and back', t.q::text, CASE WHEN twin.fits(t.q) THEN trim_scale(t.q)::text ELSE 'refused' END, twin.through_c(t.q))
	FROM (SELECT twin.random_quantity() AS q FROM generate_series(1, 5000 * :cases)) AS t) AS t \gset
SELECT twin.report('quantity there and back', :tried);

-- As the messages print it.
INSERT INTO usom.product (sku) VALUES ('Q');
INSERT INTO usom.location (code) VALUES ('Q');
CREATE FUNCTION twin.message_of(delta numeric) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
BEGIN
	PERFORM usom.adjust_stock('Q', 'Q', delta, 'twin');
	RETURN 'no message';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
	RETURN SQLSTATE || ' ' || message;
END
$$;
SELECT count(*) AS tried FROM (
	SELECT twin.compare('quantity in messages', t.q::text, 'US201 stock of "Q" at "Q" cannot become -' || trim_scale(t.q)::text, twin.message_of(-t.q))
	FROM (SELECT twin.random_quantity() AS q FROM generate_series(1, 500 * :cases)) AS t WHERE twin.fits(t.q)) AS t \gset
SELECT twin.report('quantity in messages', :tried);
