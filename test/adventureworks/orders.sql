-- Products, locations, stock, postal codes; then the orders.  Variables: seed, orders.
CREATE TABLE aw.town (location integer, zip text);
INSERT INTO aw.town VALUES (1, '98011'), (2, '97201'), (3, '94105'), (4, '90012'), (5, '85003'), (6, '80202'), (7, '75201'), (10, '77002'), (20, '60601'), (30, '30303'), (40, '33130'), (45, '10001'), (50, '02108'), (60, '63101');
INSERT INTO usom.product (sku, name, weight)
SELECT number, name, CASE weight_unit WHEN 'LB ' THEN weight * 0.4536 WHEN 'LB' THEN weight * 0.4536 WHEN 'G  ' THEN weight / 1000 WHEN 'G' THEN weight / 1000 ELSE 0.1 END FROM aw.product;
INSERT INTO usom.location (code, name, latitude, longitude, handling_cost)
SELECT 'AW-' || l.id, l.name, z.latitude, z.longitude, l.cost_rate / 10 FROM aw.location l JOIN aw.town t ON t.location = l.id JOIN aw.zip z ON z.code = t.zip;
INSERT INTO usom.postcode_centroid (country, postcode, latitude, longitude) SELECT 'US', z.code, z.latitude, z.longitude FROM aw.zip z;
-- Shelf and bin are the lot.
SELECT count(*) FROM usom.receive_stocks((SELECT jsonb_agg(jsonb_build_object('location', 'AW-' || i.location, 'sku', p.number, 'quantity', i.quantity, 'lot', i.shelf || '/' || i.bin))
	FROM aw.inventory i JOIN aw.product p ON p.id = i.product WHERE i.quantity > 0));
-- Four bins are empty: what was there has been taken.
SELECT count(*) FROM aw.inventory i JOIN aw.product p ON p.id = i.product, LATERAL usom.receive_stock('AW-' || i.location, p.number, 1, i.shelf || '/' || i.bin) r,
	LATERAL usom.adjust_stock('AW-' || i.location, p.number, -1, 'the bin is empty') a WHERE i.quantity = 0;
INSERT INTO usom.service_level (code, late_cost) VALUES ('ground', 2);
INSERT INTO usom.freight_rate (service_level_id, distance_from, distance_to, shipment_price, weight_price)
SELECT s.service_level_id, v.* FROM usom.service_level s, (VALUES (0, 500, 3.95, 0.4), (500, 1500, 6.95, 0.7), (1500, NULL, 9.95, 0.99)) AS v (a, b, c, d);
INSERT INTO usom.transit_time (service_level_id, distance_from, distance_to, days)
SELECT s.service_level_id, v.* FROM usom.service_level s, (VALUES (0, 500, 1), (500, 1500, 3), (1500, NULL, 5)) AS v (a, b, c);
ANALYZE;

-- draw('what', below): a number that the seed decides.
CREATE FUNCTION aw.draw(seed text, what text, below integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
	SELECT (('x' || substr(md5(seed || what), 1, 8))::bit(32)::bigint % below)::integer
$$;
CREATE TABLE aw.document AS
WITH address AS (
	SELECT row_number() OVER (ORDER BY a.id) - 1 AS n, a.* FROM aw.address a JOIN aw.state s ON s.id = a.state WHERE s.country = 'US' AND a.postcode IN (SELECT code FROM aw.zip)
), stocked AS (
	SELECT row_number() OVER (ORDER BY p.id) - 1 AS n, p.number FROM aw.product p WHERE p.id IN (SELECT product FROM aw.inventory)
)
SELECT o.n, a.id AS address, jsonb_build_object('external_id', 'AW-' || o.n, 'priority', 1 + aw.draw(:'seed', 'p' || o.n, 9),
	'ship_to', jsonb_build_object('line1', a.line1, 'city', a.city, 'postcode', a.postcode, 'country', 'US')
		|| CASE WHEN o.n % 2 = 0 THEN jsonb_build_object('latitude', a.latitude, 'longitude', a.longitude) ELSE '{}' END,
	'lines', (SELECT jsonb_agg(jsonb_build_object('sku', s.number, 'quantity', 1 + aw.draw(:'seed', 'q' || o.n || '.' || l, CASE l WHEN 1 THEN 6 ELSE 24 END), 'unit_price', 1) ORDER BY l)
		FROM generate_series(1, 1 + aw.draw(:'seed', 'l' || o.n, 5)) l JOIN stocked s ON s.n = aw.draw(:'seed', 's' || o.n || '.' || l, 432))) AS document
FROM generate_series(1, :orders) AS o (n) JOIN address a ON a.n = aw.draw(:'seed', 'a' || o.n, (SELECT count(*)::integer FROM address));

-- A fifth one by one, the others in batches that are planned together.
CREATE TABLE aw.outcome (n integer, outcome text, message text, batch boolean);
CREATE TABLE aw.took (what text, seconds numeric);
DO $$
DECLARE
	begun timestamptz := clock_timestamp();
	most integer := (SELECT max(n) FROM aw.document);
BEGIN
	INSERT INTO aw.outcome SELECT d.n, 'placed', p.order_no, false FROM aw.document d, usom.place_order(d.document) p WHERE d.n <= most / 5;
	INSERT INTO aw.took VALUES ('one by one', extract(epoch FROM clock_timestamp() - begun));
	begun := clock_timestamp();
	FOR i IN most / 5 + 1 .. most BY 100 LOOP
		INSERT INTO aw.outcome SELECT i + p.ordinal - 1, p.outcome, p.message, true
		FROM usom.place_orders((SELECT jsonb_agg(d.document ORDER BY d.n) FROM aw.document d WHERE d.n BETWEEN i AND i + 99)) p;
	END LOOP;
	INSERT INTO aw.took VALUES ('in batches', extract(epoch FROM clock_timestamp() - begun));
END
$$;
ANALYZE;
