-- Tax: of each rate on all its lines, included or added, or told from outside.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('taxes');
SET usom.org = 'taxes';
INSERT INTO usom.location (code) VALUES ('TAX-A');
INSERT INTO usom.product (sku, tax_class, kind) VALUES ('TAX-BOOK', 'books', 'physical'), ('TAX-PEN', NULL, 'physical'), ('TAX-CUP', NULL, 'physical'), ('TAX-POST', NULL, 'service');
SELECT count(*) FROM usom.receive_stocks('[{"location": "TAX-A", "sku": "TAX-BOOK", "quantity": 1000}, {"location": "TAX-A", "sku": "TAX-PEN", "quantity": 1000}, {"location": "TAX-A", "sku": "TAX-CUP", "quantity": 1000}]');
INSERT INTO usom.customer (code, tax_exemption) VALUES ('TAX-FIRM', 'reverse_charge'), ('TAX-ANN', NULL);
-- An order, and what stands on its lines.
CREATE FUNCTION pg_temp.priced(document jsonb) RETURNS TABLE (order_no text, total numeric, lines text[]) LANGUAGE plpgsql AS $$
BEGIN
	order_no := (usom.place_order(document)).order_no;
	RETURN QUERY SELECT o.order_no, o.total, ARRAY(SELECT format('%s %s x %s: freight %s, tax %s%s, total %s', l.sku, l.quantity, l.unit_price, l.freight, l.tax, CASE WHEN l.tax_included THEN ' in it' ELSE '' END, l.total)
		FROM usom.order_lines l WHERE l.order_no = o.order_no ORDER BY l.line_no) FROM usom.orders o WHERE o.order_no = priced.order_no;
END
$$;
CREATE FUNCTION pg_temp.basket(place jsonb, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('currency', 'EUR', 'ship_to', place, 'lines', '[{"sku": "TAX-BOOK", "quantity": 1, "unit_price": 10}, {"sku": "TAX-PEN", "quantity": 3, "unit_price": 1.99}, {"sku": "TAX-CUP", "quantity": 1, "unit_price": 0.33}]'::jsonb) || more
$$;

-- Without a rate nothing is added.
SELECT total, unnest(lines) FROM pg_temp.priced(pg_temp.basket('{"country": "DE"}'));

-- Included: amount * rate / (1 + rate) on the sum of the lines of a rate, cut back to them by largest remainder.
INSERT INTO usom.tax_rate (jurisdiction, country, tax_class, exemption, percent, included) VALUES
	('DE', 'DE', NULL, NULL, 19, true), ('DE books', 'DE', 'books', NULL, 7, true), ('DE reverse charge', 'DE', NULL, 'reverse_charge', 0, false);
SELECT order_no AS german, total, lines FROM pg_temp.priced(pg_temp.basket('{"country": "DE"}')) \gset
SELECT :total AS total, unnest(:'lines'::text[]) AS line;
SELECT round((3 * 1.99 + 0.33) * 19 / 119, 2) AS "of 19 %", round(10 * 7 / 107.0, 2) AS "of 7 %";
SELECT total, unnest(lines) FROM pg_temp.priced(pg_temp.basket('{"country": "DE"}', '{"customer": "TAX-FIRM"}'));

-- Added; the most specific rate counts, and it alone.
INSERT INTO usom.tax_rate (jurisdiction, country, region, postcode, percent) VALUES ('US', 'US', NULL, NULL, 1), ('California', 'US', 'CA', NULL, 7.25), ('Los Angeles', 'US', 'CA', '900', 9.5), ('zip', 'US', NULL, '900123', 9.75);
INSERT INTO usom.tax_rate (jurisdiction, country, region, tax_class, percent) VALUES ('California books', 'US', 'CA', 'books', 0);
SELECT p ->> 'postcode' AS postcode, p ->> 'region' AS region, total, lines FROM unnest('{"{\"country\": \"US\"}", "{\"country\": \"US\", \"region\": \"CA\"}", "{\"country\": \"US\", \"region\": \"CA\", \"postcode\": \"94 103\"}", "{\"country\": \"US\", \"region\": \"CA\", \"postcode\": \"90012\"}", "{\"country\": \"US\", \"region\": \"CA\", \"postcode\": \"90012-3456\"}", "{\"country\": \"US\", \"region\": \"California\"}", "{\"country\": \"FR\"}"}'::jsonb[]) p, pg_temp.priced(pg_temp.basket(p));

-- By the day that the order was placed on.
UPDATE usom.tax_rate SET valid_to = '2030-01-01Z' WHERE jurisdiction = 'DE';
INSERT INTO usom.tax_rate (jurisdiction, country, percent, included, valid_from) VALUES ('DE', 'DE', 21, true, '2030-01-01Z');
SELECT d AS placed_at, total, lines[2] FROM unnest('{2029-12-31 23:59:59Z,2030-01-01 00:00:00Z}'::timestamptz[]) d, pg_temp.priced(pg_temp.basket('{"country": "DE"}', jsonb_build_object('placed_at', to_char(d, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))));

-- Another address, another tax; a part of the units, a part of the tax.
SELECT status FROM usom.change_order(:'german', '{"ship_to": {"country": "US", "region": "CA", "postcode": "90012"}}');
SELECT line_no, quantity, tax, tax_included, total FROM usom.order_lines WHERE order_no = :'german' ORDER BY line_no;
SELECT status FROM usom.cancel_line(:'german', 2, 1, 'too many');
SELECT line_no, quantity - quantity_cancelled AS quantity, tax, total FROM usom.order_lines WHERE order_no = :'german' ORDER BY line_no;
SELECT s.version, line_no, step, rule, before, after, reason FROM usom.price_step s JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE order_no = :'german' AND s.version = (SELECT max(version) FROM usom.price_step x WHERE x.sales_order_id = s.sales_order_id) ORDER BY step_no;

-- Told with the document, or later; what was told follows the line in proportion.
SELECT order_no AS told, total, lines FROM pg_temp.priced('{"currency": "EUR", "ship_to": {"country": "DE"}, "lines": [{"sku": "TAX-BOOK", "quantity": 2, "unit_price": 10, "tax": {"amount": 1.01, "jurisdiction": "service"}}, {"sku": "TAX-PEN", "quantity": 1, "unit_price": 5}]}') \gset
SELECT :total AS total, unnest(:'lines'::text[]) AS line;
SELECT status FROM usom.change_order(:'told', '{"lines": [{"line_no": 1, "quantity": 3}]}');
SELECT line_no, quantity, tax, tax_included, total FROM usom.order_lines WHERE order_no = :'told' ORDER BY line_no;
SELECT * FROM usom.set_order_tax(:'told', '[{"line_no": 1, "amount": 2.10, "included": true, "jurisdiction": "service"}, {"line_no": 2, "amount": 0}]', 'answer of the service');
SELECT line_no, quantity, tax, tax_included, total FROM usom.order_lines WHERE order_no = :'told' ORDER BY line_no;
SELECT line_no, jurisdiction, amount, included, taxable FROM usom.order_tax t JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE order_no = :'told' ORDER BY line_no;
SELECT line_no, step, rule, before, after, reason FROM usom.price_step s JOIN usom.sales_order o USING (org_id, sales_order_id, version) WHERE order_no = :'told' ORDER BY step_no;
SELECT event, reason FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE order_no = :'told' ORDER BY h.version;
-- Another product: what was told is about the old one.
SELECT status FROM usom.change_order(:'told', '{"lines": [{"line_no": 1, "sku": "TAX-CUP", "unit_price": 10}]}');
SELECT line_no, sku, quantity, tax, tax_included, total FROM usom.order_lines WHERE order_no = :'told' ORDER BY line_no;
SELECT r.* FROM unnest('{"[{\"line_no\": 1, \"amount\": 1.001}]", "[{\"line_no\": 1, \"amount\": 31, \"included\": true}]", "[{\"line_no\": 1, \"amount\": 1}, {\"line_no\": 1, \"amount\": 1}]", "[{\"line_no\": 7, \"amount\": 1}]", "[{\"line_no\": 1}]", "[{\"amount\": 1}]", "[{\"line_no\": 1, \"amount\": -1}]", "[{\"line_no\": 1, \"amount\": 1, \"rate\": 2}]", "[]", "{}", "7"}'::jsonb[]) t,
	pg_temp.refused(format('SELECT usom.set_order_tax(%L, %L)', :'told', t)) r;
SELECT r.* FROM pg_temp.refused('SELECT usom.place_order(''{"lines": [{"sku": "TAX-PEN", "quantity": 1, "unit_price": 1, "tax": {"included": true}}]}'')') r;
SELECT r.* FROM pg_temp.refused('SELECT usom.place_order(''{"currency": "JPY", "lines": [{"sku": "TAX-PEN", "quantity": 1, "unit_price": 100, "tax": {"amount": 0.5}}]}'')') r;
SELECT status FROM usom.release_order(:'told');
SELECT usom.ship(:'told', '[{"line_no": 2, "quantity": 1}]') IS NOT NULL AS shipped;
SELECT r.* FROM pg_temp.refused(format('SELECT usom.set_order_tax(%L, ''[{"line_no": 1, "amount": 1}]'')', :'told')) r;

-- What no rate may be.
SELECT r.* FROM unnest(ARRAY['(country, percent) VALUES (''DE'', 101)', '(country, percent) VALUES (''DE'', -1)', '(country, percent) VALUES (''DE'', ''NaN'')', '(country, percent) VALUES (''de'', 1)', '(region, percent) VALUES (''CA'', 1)',
	'(country, postcode, percent) VALUES (''US'', ''90-1'', 1)', '(country, tax_class, percent) VALUES (''US'', ''a/b'', 1)', '(country, percent, valid_from, valid_to) VALUES (''PL'', 1, ''2030-01-01'', ''2030-01-01'')']) c, pg_temp.refused('INSERT INTO usom.tax_rate ' || c) r WHERE r !~ '^  detail';
SELECT r.* FROM pg_temp.refused('INSERT INTO usom.tax_rate (country, percent, valid_from) VALUES (''DE'', 1, ''2031-01-01'')') r WHERE r !~ '^  detail';
SELECT * FROM usom.verify();
