-- Master data, rules, and the documents of the orders.  Variables: seed, orders.
SET TimeZone = 'UTC';
CREATE EXTENSION usom;
SELECT usom.install();
CREATE SCHEMA test;
CREATE TABLE test.seed AS SELECT :'seed'::text AS seed;
-- draw('what', below): a number from 0 on that the seed decides.
CREATE FUNCTION test.draw(what text, below integer) RETURNS integer LANGUAGE sql STABLE AS $$
	SELECT (('x' || substr(md5(s.seed || what), 1, 8))::bit(32)::bigint % below)::integer FROM test.seed s
$$;
CREATE TABLE test.currency AS SELECT row_number() OVER (ORDER BY currency) - 1 AS n, currency, decimals FROM usom.currencies() WHERE decimals IN (0, 2, 3);

INSERT INTO usom.location (code) VALUES ('NORTH'), ('SOUTH');
INSERT INTO usom.product (sku, category, tax_class, weight, kind)
SELECT 'P-' || n, CASE n % 3 WHEN 0 THEN 'toys' WHEN 1 THEN 'tools' END, CASE n % 4 WHEN 0 THEN 'food' WHEN 1 THEN 'books' END, n * 0.125, CASE WHEN n = 60 THEN 'service' ELSE 'physical' END FROM generate_series(1, 60) n;
INSERT INTO usom.product (sku, kind, weight) VALUES ('SET', 'kit', 2.5);
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) VALUES (usom.product_id('SET'), usom.product_id('P-1'), 2), (usom.product_id('SET'), usom.product_id('P-2'), 1);
-- What has a number above 50 is short.
SELECT count(*) FROM usom.receive_stocks((SELECT jsonb_agg(jsonb_build_object('location', l, 'sku', 'P-' || n, 'quantity', CASE WHEN n > 50 THEN 1 + :orders / 10 ELSE 100000 END)) FROM generate_series(1, 59) n, unnest('{NORTH,SOUTH}'::text[]) l));
INSERT INTO usom.customer (code, segment, tax_exemption) SELECT 'C-' || n, CASE WHEN n % 5 = 0 THEN 'club' END, CASE n % 7 WHEN 0 THEN 'reverse_charge' WHEN 1 THEN 'diplomat' END FROM generate_series(1, 70) n;
-- On the phone usom's own prices count.
INSERT INTO usom.price (sku, currency, unit_price) SELECT 'P-' || p.n, c.currency, round((100 + test.draw('list' || p.n, 9000)) * power(10, -c.decimals)::numeric * 1.3127, 4) FROM test.currency c, generate_series(1, 59) AS p (n);
INSERT INTO usom.price (sku, currency, unit_price) SELECT 'SET', c.currency, round(9000 * power(10, -c.decimals)::numeric, 4) FROM test.currency c;
UPDATE usom.channel SET pricing = 'list' WHERE code = 'phone';

INSERT INTO usom.tax_rate (jurisdiction, country, region, postcode, tax_class, exemption, percent, included, on_freight) VALUES
	('DE', 'DE', NULL, NULL, NULL, NULL, 19, true, true), ('DE food', 'DE', NULL, NULL, 'food', NULL, 7, true, true), ('DE none', 'DE', NULL, NULL, NULL, 'reverse_charge', 0, false, true),
	('CH', 'CH', NULL, NULL, NULL, NULL, 8.1, true, true), ('CH books', 'CH', NULL, NULL, 'books', NULL, 2.6, true, false),
	('US', 'US', NULL, NULL, NULL, NULL, 0, false, true), ('US-NY', 'US', 'NY', NULL, NULL, NULL, 4, false, true), ('US-NY-NYC', 'US', 'NY', '100', NULL, NULL, 8.875, false, true), ('US-CA', 'US', 'CA', NULL, NULL, NULL, 7.25, false, false),
	('US-CA food', 'US', 'CA', NULL, 'food', NULL, 0, false, false), ('US zip', 'US', NULL, '9001', NULL, NULL, 9.5, false, true),
	('JP', 'JP', NULL, NULL, NULL, NULL, 10, false, true), ('JP food', 'JP', NULL, NULL, 'food', NULL, 8, true, true),
	('diplomat', NULL, NULL, NULL, NULL, 'diplomat', 0, false, false), ('GB', 'GB', NULL, NULL, NULL, NULL, 20, false, false), ('GB books', 'GB', NULL, NULL, 'books', NULL, 0, false, true);
INSERT INTO usom.freight_charge (name, country, currency, order_price, weight_price, unit_price, free_from)
SELECT 'parcel', NULL, currency, round(495 * power(10, -decimals)::numeric, 4), round(33.3 * power(10, -decimals)::numeric, 4), 0, round(90000 * power(10, -decimals)::numeric, 4) FROM test.currency
UNION ALL SELECT 'abroad', 'JP', currency, round(1995 * power(10, -decimals)::numeric, 4), 0, round(12.5 * power(10, -decimals)::numeric, 4), NULL FROM test.currency
UNION ALL SELECT 'at home', 'DE', currency, 0, round(7 * power(10, -decimals)::numeric, 4), 0, NULL FROM test.currency WHERE n % 2 = 0;
INSERT INTO usom.promotion (code, level, category, segment, skus, min_quantity, percent, priority, exclusion_group, stacks) VALUES
	('TOYS', 'line', 'toys', NULL, NULL, NULL, 12.5, 10, NULL, true), ('CLUB', 'order', NULL, 'club', NULL, NULL, 3.3333, 20, NULL, true),
	('MANY', 'line', NULL, NULL, NULL, 12, 7.77, 5, 'many', true), ('MORE', 'line', NULL, NULL, '{P-3,P-4,P-5}', 3, 33.3333, 30, 'many', true);
INSERT INTO usom.promotion (code, level, percent, needs_coupon) VALUES ('THIRD', 'order', 33.3333, true), ('ALL', 'order', 100, true);
INSERT INTO usom.coupon (code, promotion) VALUES ('SAVE', 'THIRD'), ('FREE', 'ALL');
ANALYZE;

CREATE TABLE test.place (n integer, country text, region text, postcode text);
INSERT INTO test.place VALUES (0, 'DE', NULL, '10115'), (1, 'CH', NULL, '8001'), (2, 'US', 'NY', '10001'), (3, 'US', 'NY', '14604'), (4, 'US', 'CA', '90012-1'), (5, 'US', 'TX', '90013'), (6, 'US', NULL, '90014'), (7, 'JP', NULL, '100-0001'), (8, 'GB', NULL, 'SW1A 1AA'), (9, 'FR', NULL, '75001');
CREATE TABLE test.order AS
	SELECT o.n, c.currency, c.decimals, test.draw('channel' || o.n, 4) = 0 AS by_phone, CASE WHEN test.draw('guest' || o.n, 5) > 0 THEN 'C-' || 1 + test.draw('customer' || o.n, 70) END AS customer, test.draw('place' || o.n, 11) AS place,
		CASE test.draw('coupon' || o.n, 12) WHEN 0 THEN 'SAVE' WHEN 1 THEN CASE WHEN o.n % 10 = 0 THEN 'FREE' END END AS coupon
	FROM generate_series(0, :orders - 1) AS o (n) JOIN test.currency c ON c.n = o.n % (SELECT count(*) FROM test.currency);
-- Prices with up to four decimals, some of nothing; quantities with up to three; some taxes are told, included or not.
CREATE TABLE test.line AS
	SELECT x.n, x.l, x.sku, x.quantity, x.unit_price,
		CASE test.draw('told' || x.n || '.' || x.l, 25) WHEN 0 THEN round(x.unit_price * x.quantity * 0.11, x.decimals) WHEN 1 THEN round(x.unit_price * x.quantity * 0.4, x.decimals) END AS tax
	FROM (
		SELECT o.n, l, o.decimals, CASE test.draw('kit' || o.n || '.' || l, 20) WHEN 0 THEN 'SET' ELSE 'P-' || 1 + test.draw('sku' || o.n || '.' || l, 60) END AS sku,
			CASE WHEN test.draw('kit' || o.n || '.' || l, 20) > 0 AND test.draw('fine' || o.n || '.' || l, 6) = 0 THEN (1 + test.draw('quantity' || o.n || '.' || l, 9000)) / 1000.0 ELSE 1 + test.draw('quantity' || o.n || '.' || l, 16) END AS quantity,
			CASE WHEN test.draw('free' || o.n || '.' || l, 30) = 0 THEN 0 ELSE round(test.draw('price' || o.n || '.' || l, 10000000) / 1000.0 * power(10, -o.decimals)::numeric, CASE test.draw('digits' || o.n || '.' || l, 4) WHEN 0 THEN 4 ELSE o.decimals END) END AS unit_price
		FROM test.order o CROSS JOIN LATERAL generate_series(1, 1 + test.draw('lines' || o.n, 5)) l
	) x;
CREATE TABLE test.document AS
	SELECT o.n, jsonb_strip_nulls(jsonb_build_object('external_id', o.n::text, 'channel', CASE WHEN o.by_phone THEN 'phone' ELSE 'web' END, 'customer', o.customer, 'currency', o.currency,
		'ship_to', CASE WHEN p.n IS NOT NULL THEN jsonb_build_object('country', p.country, 'region', p.region, 'postcode', p.postcode) END)) ||
		CASE WHEN o.coupon IS NOT NULL THEN jsonb_build_object('coupons', jsonb_build_array(o.coupon)) ELSE '{}' END ||
		jsonb_build_object('lines', (SELECT jsonb_agg(jsonb_build_object('sku', l.sku, 'quantity', l.quantity, 'unit_price', l.unit_price) ||
			CASE WHEN l.tax IS NOT NULL AND NOT o.by_phone AND o.coupon IS NULL AND l.l <= 2 THEN jsonb_build_object('tax', jsonb_build_object('amount', l.tax, 'jurisdiction', 'told')) ELSE '{}' END ORDER BY l.l) FROM test.line l WHERE l.n = o.n)) AS document
	FROM test.order o LEFT JOIN test.place p ON p.n = o.place;
ANALYZE;
