-- Products, prices, offers, freight, taxes, customers; then the orders.  Variables: seed, orders.
SET TimeZone = 'UTC';
CREATE VIEW aw.weighed AS
	SELECT id, number, name, round(CASE weight_unit WHEN 'LB ' THEN weight * 0.4536 WHEN 'LB' THEN weight * 0.4536 WHEN 'G  ' THEN weight / 1000 WHEN 'G' THEN weight / 1000 ELSE 0.1 END, 6) AS kilograms FROM aw.product;
INSERT INTO usom.product (sku, name, weight) SELECT number, name, kilograms FROM aw.weighed WHERE id IN (SELECT product FROM aw.list_price);
INSERT INTO usom.price (sku, currency, unit_price, valid_from) SELECT p.number, 'USD', l.price, l.starts_at FROM aw.list_price l JOIN aw.product p ON p.id = l.product;

-- The best offer first, one for each line; its last day is one of it.
INSERT INTO usom.promotion (code, name, segment, skus, min_quantity, max_quantity, percent, priority, exclusion_group, valid_from, valid_to)
SELECT 'OFFER-' || o.id, o.name, lower(o.category), s.skus, nullif(o.min_units, 0), o.max_units, o.part * 100, 1000 - (o.part * 1000)::integer, 'offer', o.starts_at, o.ends_at + interval '1 day'
FROM aw.offer o CROSS JOIN LATERAL (SELECT array_agg(p.number ORDER BY p.number) AS skus FROM aw.offer_product x JOIN aw.product p ON p.id = x.product WHERE x.offer = o.id) s
WHERE o.part > 0 AND s.skus IS NOT NULL;

-- Where what is sent by.
CREATE TABLE aw.route (channel text, country text, method integer, free_from numeric);
INSERT INTO aw.route VALUES (NULL, 'US', 1, 2000), (NULL, 'CA', 2, NULL), (NULL, NULL, 3, NULL), ('phone', NULL, 4, NULL), ('phone', 'US', 5, 5000);
INSERT INTO usom.freight_charge (name, channel, country, currency, order_price, weight_price, free_from)
SELECT m.name, r.channel, r.country, 'USD', m.base, m.rate, r.free_from FROM aw.route r JOIN aw.ship_method m ON m.id = r.method;

-- 1 is for retail, 2 for wholesale, 3 for both; who buys wholesale where there is no rate for it pays none.
INSERT INTO usom.tax_rate (jurisdiction, country, region, exemption, percent)
SELECT t.name, s.country, btrim(s.code), CASE t.kind WHEN 2 THEN 'wholesale' END, t.percent FROM aw.tax t JOIN aw.state s ON s.id = t.state
UNION ALL
SELECT 'none', s.country, btrim(s.code), 'wholesale', 0 FROM aw.state s WHERE s.id IN (SELECT state FROM aw.tax WHERE kind = 1) AND s.id NOT IN (SELECT state FROM aw.tax WHERE kind = 2);

CREATE TABLE aw.buyer AS SELECT n, 'AW-' || n AS code, n % 2 = 0 AS reseller, n % 4 = 0 AS wholesale FROM generate_series(0, 399) n;
INSERT INTO usom.customer (code, segment, tax_exemption) SELECT code, CASE WHEN reseller THEN 'reseller' ELSE 'customer' END, CASE WHEN wholesale THEN 'wholesale' END FROM aw.buyer;
ANALYZE;

-- draw('what', below): a number that the seed decides.
CREATE FUNCTION aw.draw(seed text, what text, below integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
	SELECT (('x' || substr(md5(seed || what), 1, 8))::bit(32)::bigint % below)::integer
$$;
-- Half of the addresses are where taxes are.
CREATE TABLE aw.door AS
	SELECT row_number() OVER (ORDER BY a.id) - 1 AS n, a.id, a.state, s.country, btrim(s.code) AS region, a.postcode FROM aw.address a JOIN aw.state s ON s.id = a.state
	WHERE s.id IN (SELECT state FROM aw.tax) OR a.id % 20 = 0;
CREATE TABLE aw.basket AS
	SELECT o.n, o.at, aw.draw(:'seed', 'b' || o.n, 400) AS buyer, aw.draw(:'seed', 'a' || o.n, (SELECT count(*)::integer FROM aw.door)) AS door, aw.draw(:'seed', 'c' || o.n, 4) = 0 AS by_phone
	FROM (SELECT n, '2022-06-01'::timestamp + aw.draw(:'seed', 'd' || n, 1120 * 24) * interval '1 hour' AS at FROM generate_series(1, :orders) n) o;
-- What was sold on that day, in the order of a draw.
CREATE TABLE aw.basket_line AS
	SELECT b.n, l.product, row_number() OVER (PARTITION BY b.n ORDER BY l.place) AS line_no,
		CASE aw.draw(:'seed', 'k' || b.n || '.' || l.place, 3) WHEN 0 THEN 1 + aw.draw(:'seed', 'q' || b.n || '.' || l.place, 90) ELSE 1 + aw.draw(:'seed', 'q' || b.n || '.' || l.place, 16) END AS quantity
	FROM aw.basket b CROSS JOIN LATERAL (
		SELECT h.product, row_number() OVER (ORDER BY md5(:'seed' || b.n || '.' || h.product)) AS place
		FROM aw.list_price h WHERE h.starts_at <= b.at AND (h.ends_at IS NULL OR b.at < h.ends_at + interval '1 day')
	) l WHERE l.place <= 1 + aw.draw(:'seed', 'l' || b.n, 8)
	UNION ALL
	-- some products stand on two lines
	SELECT b.n, l.product, 9, 12 FROM aw.basket b CROSS JOIN LATERAL (
		SELECT h.product FROM aw.list_price h WHERE h.starts_at <= b.at AND (h.ends_at IS NULL OR b.at < h.ends_at + interval '1 day') ORDER BY md5(:'seed' || b.n || '.' || h.product) LIMIT 1
	) l WHERE b.n % 10 = 0;
CREATE TABLE aw.document AS
SELECT b.n, jsonb_build_object('external_id', 'AW-' || b.n, 'channel', CASE WHEN b.by_phone THEN 'phone' ELSE 'web' END, 'customer', 'AW-' || b.buyer, 'currency', 'USD',
	'placed_at', to_char(b.at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'ship_to', jsonb_build_object('country', d.country, 'region', d.region, 'postcode', left(regexp_replace(d.postcode, '[^0-9A-Za-z ]', '', 'g'), 12)),
	'lines', (SELECT jsonb_agg(jsonb_build_object('sku', p.number, 'quantity', l.quantity) ORDER BY l.line_no) FROM aw.basket_line l JOIN aw.product p ON p.id = l.product WHERE l.n = b.n)) AS document
FROM aw.basket b JOIN aw.door d ON d.n = b.door;
ANALYZE;

CREATE TABLE aw.outcome (n integer, outcome text, message text);
DO $$
BEGIN
	FOR i IN 0 .. (SELECT max(n) / 200 FROM aw.document) LOOP
		INSERT INTO aw.outcome
		SELECT i * 200 + p.ordinal, p.outcome, p.message
		FROM usom.place_orders((SELECT jsonb_agg(d.document ORDER BY d.n) FROM aw.document d WHERE d.n / 200 = i)) p;
		COMMIT;
	END LOOP;
END
$$;
ANALYZE;
