-- Many documents in one call: each has its own outcome, and the statements are those of one order.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('batch');
SET usom.org = 'batch';
INSERT INTO usom.location (code) VALUES ('BTC-A');
INSERT INTO usom.product (sku) SELECT 'BTC-' || n FROM generate_series(1, 100) n;
INSERT INTO usom.customer (code) SELECT 'BTC-C' || n FROM generate_series(1, 20) n;
SELECT usom.receive_stocks((SELECT jsonb_agg(jsonb_build_object('location', 'BTC-A', 'sku', 'BTC-' || n, 'quantity', 100000)) FROM generate_series(1, 100) n));
CREATE FUNCTION pg_temp.document(run text, n integer) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('channel', 'web', 'customer', 'BTC-C' || 1 + n % 20, 'external_id', run || n, 'lines', (
		SELECT jsonb_agg(jsonb_build_object('sku', 'BTC-' || 1 + (n * 7 + k * 13) % 100, 'quantity', k, 'unit_price', 1.5)) FROM generate_series(1, 5) k))
$$;
CREATE FUNCTION pg_temp.documents(run text, count integer) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(pg_temp.document(run, n) ORDER BY n) FROM generate_series(1, count) n
$$;
CREATE FUNCTION pg_temp.statements(documents jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint := usom._statement_count();
BEGIN
	PERFORM usom.place_orders(documents);
	RETURN usom._statement_count() - before;
END
$$;
SELECT count(*) FROM usom.place_orders('[]');
SELECT count(*), count(*) FILTER (WHERE outcome = 'placed') AS placed FROM usom.place_orders(pg_temp.documents('first-', 2));

-- As many for 2 documents as for 300; thrice, since what a backend remembers may be looked up again at any time.
CREATE TEMP TABLE counted AS
	SELECT n, round, pg_temp.statements(pg_temp.documents(format('count-%s-%s-', n, round), n)) AS statements FROM generate_series(1, 3) round, unnest(ARRAY[2, 30, 300]) n ORDER BY round, n;
SELECT count(DISTINCT statements) AS different, min(statements) <= 12 AS few FROM (SELECT n, min(statements) AS statements FROM counted GROUP BY n) c;

-- Neither do prices, contracts, coupons, taxes, freight, kits, boxes, checks, approvals, quotas, credit and payments cost a statement a document.
INSERT INTO usom.organisation (code) VALUES ('batch-ruled');
SET usom.org = 'batch-ruled';
INSERT INTO usom.location (code) VALUES ('BTR-A'), ('BTR-B');
INSERT INTO usom.product (sku, category) SELECT 'BTR-' || n, 'C' || n % 3 FROM generate_series(1, 20) n;
INSERT INTO usom.product (sku, kind) VALUES ('BTR-KIT', 'kit');
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) SELECT usom.product_id('BTR-KIT'), usom.product_id('BTR-' || n), 1 FROM generate_series(1, 2) n;
INSERT INTO usom.product_unit (sku, unit, quantity) VALUES ('BTR-1', 'box', 12);
INSERT INTO usom.customer (code, segment) SELECT 'BTR-C' || n, 'gold' FROM generate_series(1, 10) n;
INSERT INTO usom.price (sku, unit_price) SELECT 'BTR-' || n, n FROM generate_series(1, 20) n;
INSERT INTO usom.price_contract (customer, sku, percent) SELECT 'BTR-C' || n, 'BTR-' || n, 5 FROM generate_series(1, 10) n;
INSERT INTO usom.price_contract (segment, category, percent) VALUES ('gold', 'C2', 3);
INSERT INTO usom.price_break (sku, min_quantity, percent) VALUES ('BTR-1', 2, 2);
INSERT INTO usom.promotion (code, percent, needs_coupon) VALUES ('BTR-TEN', 10, true);
INSERT INTO usom.coupon (code, promotion, limit_per_customer) VALUES ('BTR-TEN', 'BTR-TEN', 1000);
INSERT INTO usom.tax_rate (jurisdiction, country, percent) VALUES ('DE', 'DE', 19);
INSERT INTO usom.freight_charge (name, currency, order_price) VALUES ('parcel', 'EUR', 4.95);
INSERT INTO usom.check_rule (check_code, severity, parameters) VALUES ('delivery', 'refuse', '{"not_countries": ["FR"]}'), ('limits', 'hold', '{"order_total": 2000}'),
	('completeness', 'warn', '{}'), ('sellable', 'refuse', '{}'), ('duplicate', 'warn', '{}');
INSERT INTO usom.product_restriction (sku, country) VALUES ('BTR-20', 'DE');
INSERT INTO usom.approval_rule (code, value_above) VALUES ('value', 1000);
INSERT INTO usom.quota (code, category, channel, quantity) VALUES ('BTR-Q', 'C2', 'web', 1000000);
INSERT INTO usom.credit_account (customer_id, limit_amount) SELECT usom.customer_id('BTR-C' || n), 1000000 FROM generate_series(1, 10) n;
SELECT usom.receive_stocks((SELECT jsonb_agg(jsonb_build_object('location', 'BTR-A', 'sku', 'BTR-' || n, 'quantity', 100000)) FROM generate_series(1, 20) n));
CREATE FUNCTION pg_temp.ruled(run text, count integer) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('channel', 'web', 'customer', 'BTR-C' || 1 + n % 10, 'external_id', run || n, 'coupons', '["BTR-TEN"]'::jsonb,
		'ship_to', '{"name": "Ann", "line1": "Street", "city": "Bonn", "country": "DE"}'::jsonb, 'payment', jsonb_build_object('method', 'card', 'reference', run || n, 'authorized', 10),
		'lines', jsonb_build_array(jsonb_build_object('sku', 'BTR-' || 1 + n % 10, 'quantity', 2), '{"sku": "BTR-1", "quantity": 1, "unit": "box"}'::jsonb, '{"sku": "BTR-KIT", "quantity": 1}'::jsonb)) ORDER BY n)
	FROM generate_series(1, count) n
$$;
SELECT outcome, sqlstate, message, count(*) FROM usom.place_orders(pg_temp.ruled('first-', 3)) GROUP BY 1, 2, 3;
CREATE TEMP TABLE counted_ruled AS
	SELECT n, round, pg_temp.statements(pg_temp.ruled(format('ruled-%s-%s-', n, round), n)) AS statements FROM generate_series(1, 3) round, unnest(ARRAY[10, 30, 200]) n ORDER BY round, n;
SELECT count(DISTINCT statements) AS different, min(statements) <= 40 AS few FROM (SELECT n, min(statements) AS statements FROM counted_ruled GROUP BY n) c;
SELECT count(*) AS orders, count(DISTINCT total) > 5 AS priced, bool_and(status = 'confirmed') AS confirmed FROM usom.orders WHERE external_id LIKE 'ruled-%';
SELECT * FROM usom.verify();
SET usom.org = 'batch';

-- Of a thousand a hundred are bad, each in one of ten ways: nine hundred are placed, a hundred explained.
CREATE FUNCTION pg_temp.spoiled(document jsonb, way integer) RETURNS jsonb LANGUAGE sql AS $$
	SELECT CASE way
		WHEN 0 THEN document || '{"colour": "red"}'
		WHEN 1 THEN jsonb_set(document, '{lines,1,quantity}', '"two"')
		WHEN 2 THEN jsonb_set(document, '{lines,2,sku}', '"BTC-NONE"')
		WHEN 3 THEN document || '{"customer": "BTC-NOBODY"}'
		WHEN 4 THEN document || '{"channel": "nowhere"}'
		WHEN 5 THEN jsonb_set(document, '{lines,0,quantity}', '-1')
		WHEN 6 THEN document || '{"lines": []}'
		WHEN 7 THEN '"a text"'
		WHEN 8 THEN jsonb_set(document, '{lines,0,location}', '"BTC-Z"')
		ELSE document || '{"instructions": "4111 1111 1111 1111"}' END
$$;
SELECT jsonb_agg(CASE WHEN n % 10 = 3 THEN pg_temp.spoiled(pg_temp.document('mixed-', n), n / 10 % 10) ELSE pg_temp.document('mixed-', n) END ORDER BY n) AS mixed FROM generate_series(1, 1000) n \gset
SELECT count(*) FROM usom.place_orders(pg_temp.documents('again-', 2));
SELECT usom._statement_count() AS before \gset
CREATE TEMP TABLE answered AS SELECT * FROM usom.place_orders(:'mixed');
SELECT usom._statement_count() - :before <= 12 AS few;
SELECT outcome, sqlstate, count(*), count(order_no) AS orders FROM answered GROUP BY 1, 2 ORDER BY 1, 2;
SELECT DISTINCT regexp_replace(regexp_replace(message, '\d{2,}', '#', 'g'), '"mixed-#"', '"..."') COLLATE "C" AS message FROM answered WHERE outcome = 'rejected' ORDER BY 1;
SELECT bool_and(external_id = 'mixed-' || ordinal) AS by_position FROM answered WHERE outcome = 'placed';

-- Numbers ascend with the documents.
SELECT bool_and(order_no > before) AS ascending FROM (SELECT order_no, lag(order_no) OVER (ORDER BY ordinal) AS before FROM answered WHERE outcome = 'placed') a;

-- The same batch again changes nothing, but for those that can be placed now.
INSERT INTO usom.product (sku) VALUES ('BTC-NONE');
SELECT outcome, count(*), count(*) FILTER (WHERE order_no = a.order_no) AS same FROM usom.place_orders(:'mixed') AS p (ordinal, external_id, outcome, order_no)
JOIN answered a (ordinal, b, c, order_no) USING (ordinal, order_no) GROUP BY 1 ORDER BY 1;
SELECT outcome, count(*) FROM usom.place_orders(:'mixed') GROUP BY 1 ORDER BY 1;
SELECT count(*) AS orders, count(DISTINCT external_id) AS documents FROM usom.orders WHERE external_id LIKE 'mixed-%';

-- Within a batch the first of a key is placed, the same again repeats it, another payload is refused; gap-free numbers have no gap.
UPDATE usom.document_counter SET gap_free = true, prefix = 'BTC', digits = 1, last_value = 0 WHERE org_id = usom.current_org() AND kind = 'order';
SELECT ordinal, external_id, outcome, order_no, sqlstate FROM usom.place_orders(jsonb_build_array(
	pg_temp.document('key-', 2), pg_temp.document('key-', 1), pg_temp.document('key-', 2), pg_temp.document('key-', 1) || '{"priority": 1}',
	pg_temp.document('key-', 3) - 'external_id', pg_temp.document('key-', 3) - 'external_id', pg_temp.document('key-', 1))) ORDER BY ordinal;
SELECT order_no FROM usom.place_order(pg_temp.document('key-', 4));
SELECT last_value FROM usom.document_counter WHERE org_id = usom.current_org() AND kind = 'order';
UPDATE usom.document_counter SET gap_free = false WHERE org_id = usom.current_org() AND kind = 'order';

-- A product that two documents bring with them is made once; one that cannot be made costs its document alone.
SELECT ordinal, outcome, sqlstate, message FROM usom.place_orders('[
	{"external_id": "make-1", "lines": [{"sku": "BTC-M1", "quantity": 1, "unit_price": 1, "make": {"name": "first"}}]},
	{"external_id": "make-2", "lines": [{"sku": "BTC-M1", "quantity": 2, "unit_price": 1, "make": {"name": "second"}}, {"sku": "BTC-M2", "quantity": 1, "unit_price": 1, "make": {}}]},
	{"external_id": "make-3", "lines": [{"sku": "BTC-M3", "quantity": 1, "unit_price": 1, "make": {"based_on": "BTC-NOTHING"}}]},
	{"external_id": "make-4", "lines": [{"sku": "BTC-M3", "quantity": 1, "unit_price": 1, "make": {"name": "fourth"}}, {"sku": "BTC-1", "quantity": 1, "unit_price": 1}]}]');
SELECT sku, name FROM usom.product WHERE sku LIKE 'BTC-M%' ORDER BY sku;
SELECT o.external_id, l.line_no, l.sku, l.quantity FROM usom.orders o JOIN usom.order_lines l USING (order_no) WHERE o.external_id LIKE 'make-%' ORDER BY 1, 2;

-- Of the last units the first document has them, whatever its priority: it could have come alone.
INSERT INTO usom.product (sku) VALUES ('BTC-LAST');
SELECT on_hand FROM usom.receive_stock('BTC-A', 'BTC-LAST', 5);
SELECT outcome, count(*) FROM usom.place_orders('[{"external_id": "last-1", "priority": 9, "lines": [{"sku": "BTC-LAST", "quantity": 3}]},
	{"external_id": "last-2", "priority": 1, "lines": [{"sku": "BTC-LAST", "quantity": 3}]}]') GROUP BY 1;
SELECT o.external_id, l.quantity_reserved, l.quantity_backordered FROM usom.orders o JOIN usom.order_lines l USING (order_no) WHERE o.external_id LIKE 'last-%' ORDER BY 1;

-- What somebody's own trigger refuses when all is written costs the documents at fault alone.
CREATE FUNCTION public.btc_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.external_id IN ('own-5', 'own-17') THEN
		RAISE EXCEPTION 'not %', NEW.external_id USING ERRCODE = 'P0001';
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER btc_refuse BEFORE INSERT ON usom.sales_order FOR EACH ROW EXECUTE FUNCTION public.btc_refuse();
SELECT outcome, sqlstate, message, count(*) FROM usom.place_orders(pg_temp.documents('own-', 20)) GROUP BY 1, 2, 3 ORDER BY 1, 3;
DROP TRIGGER btc_refuse ON usom.sales_order;
DROP FUNCTION public.btc_refuse();
SELECT outcome, count(*) FROM usom.place_orders(pg_temp.documents('own-', 20)) GROUP BY 1 ORDER BY 1;
SELECT * FROM usom.verify();
