-- Money: which currencies there are, and what verify_money() finds.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('moneys');
SET usom.org = 'moneys';
SELECT decimals, count(*), min(currency), max(currency) FROM usom.currencies() GROUP BY decimals ORDER BY decimals;
SELECT string_agg(currency || ' ' || decimals, ', ' ORDER BY currency) FROM usom.currencies() WHERE currency IN ('JPY', 'EUR', 'BHD', 'CLF', 'GBP', 'USD');
INSERT INTO usom.product (sku) VALUES ('MNY-1'), ('MNY-2');
SELECT r.* FROM pg_temp.refused('INSERT INTO usom.price (sku, currency, unit_price) VALUES (''MNY-1'', ''EUX'', 1)') r;
SELECT r.* FROM pg_temp.refused('INSERT INTO usom.sales_order (currency) VALUES (''ZZZ'')') r;
SELECT r.* FROM pg_temp.refused('INSERT INTO usom.sales_order (currency) VALUES (''eur'')') r;
SELECT r.* FROM pg_temp.refused('SELECT usom.place_order(''{"currency": "GBX", "lines": [{"sku": "MNY-1", "quantity": 1}]}'')') r;

-- Everything wrong is found.
INSERT INTO usom.location (code) VALUES ('MNY-A');
INSERT INTO usom.tax_rate (country, percent) VALUES ('DE', 19);
INSERT INTO usom.promotion (code, percent, needs_coupon) VALUES ('MNY-TEN', 10, true);
INSERT INTO usom.coupon (code, promotion) VALUES ('MNY-TEN', 'MNY-TEN');
SELECT order_no AS a FROM usom.place_order('{"currency": "EUR", "ship_to": {"country": "DE"}, "coupons": ["MNY-TEN"], "lines": [{"sku": "MNY-1", "quantity": 3, "unit_price": 9.99}, {"sku": "MNY-2", "quantity": 1, "unit_price": 5}]}') \gset
SELECT order_no AS b FROM usom.place_order('{"currency": "EUR", "lines": [{"sku": "MNY-1", "quantity": 3, "unit_price": 3.333, "tax": {"amount": 1}}]}') \gset
SELECT * FROM usom.verify_money();
-- Written past the guards by who holds the glass.
BEGIN;
SET LOCAL session_replication_role = replica;
ALTER TABLE usom.order_line DISABLE TRIGGER ALL; ALTER TABLE usom.sales_order DISABLE TRIGGER ALL; ALTER TABLE usom.order_tax DISABLE TRIGGER ALL; ALTER TABLE usom.coupon DISABLE TRIGGER ALL; ALTER TABLE usom.price_step DISABLE TRIGGER ALL;
CREATE FUNCTION pg_temp.wrong(command text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN QUERY SELECT pg_temp.mask(concat_ws(' | ', entity, problem, expected, actual)) FROM usom.verify_money() ORDER BY 1;
	RAISE EXCEPTION USING ERRCODE = 'ZZ000';
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
	RETURN;
END
$$;
SELECT w.* FROM unnest(ARRAY['UPDATE usom.order_line SET tax = tax + 0.01', 'UPDATE usom.order_line SET discount = discount + 0.001 WHERE discount > 0', 'UPDATE usom.sales_order SET total = total + 1 WHERE order_no = ' || quote_literal(:'a'),
	'UPDATE usom.order_tax SET amount = 7', 'UPDATE usom.coupon SET redeemed = 0', 'UPDATE usom.price_step SET after = after + 1 WHERE step = ''coupon''', 'DELETE FROM usom.price_step']) WITH ORDINALITY AS c (command, n), pg_temp.wrong(c.command) w ORDER BY n, w;
ROLLBACK;
SELECT * FROM usom.verify();
