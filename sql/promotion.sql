-- Promotions: conditions, stacking, exclusion; of a line, of the order.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('promotions');
SET usom.org = 'promotions';
INSERT INTO usom.location (code) VALUES ('PRO-A');
INSERT INTO usom.product (sku, category) VALUES ('PRO-1', 'tyres'), ('PRO-2', 'tyres'), ('PRO-3', 'bikes');
INSERT INTO usom.customer (code, segment) VALUES ('PRO-CLUB', 'club');
INSERT INTO usom.price (sku, unit_price) VALUES ('PRO-1', 10), ('PRO-2', 3.33), ('PRO-3', 1000);
SELECT usom.receive_stocks('[{"location": "PRO-A", "sku": "PRO-1", "quantity": 10000}, {"location": "PRO-A", "sku": "PRO-2", "quantity": 10000}, {"location": "PRO-A", "sku": "PRO-3", "quantity": 10000}]');
CREATE FUNCTION pg_temp.steps(lines text, more jsonb DEFAULT '{}') RETURNS TABLE (line_no integer, step text, rule text, before numeric, after numeric, reason text) LANGUAGE sql AS $$
	SELECT (s ->> 'line_no')::integer, s ->> 'step', s ->> 'rule', (s ->> 'before')::numeric, (s ->> 'after')::numeric, s ->> 'reason'
	FROM usom.quote(jsonb_build_object('placed_at', '2026-06-01T12:00:00Z', 'lines', (
		SELECT jsonb_agg(jsonb_build_object('sku', w[1], 'quantity', w[2]::numeric))
		FROM unnest(string_to_array(lines, ',')) l (line), regexp_split_to_array(trim(l.line), ' +') w)) || more) q,
		jsonb_array_elements(q -> 'price_steps') s
	WHERE s ->> 'step' <> 'list'
$$;

-- Special offers by quantity and date, of some products: 11 to 14 units 2 %, 15 to 24 5 %; a clearance while it lasts.
INSERT INTO usom.promotion (code, name, skus, min_quantity, max_quantity, percent, exclusion_group) VALUES
	('PRO-V11', 'Volume discount 11 to 14', '{PRO-1,PRO-2}', 11, 14, 2, 'offers'), ('PRO-V15', 'Volume discount 15 to 24', '{PRO-1,PRO-2}', 15, 24, 5, 'offers');
INSERT INTO usom.promotion (code, name, category, percent, valid_from, valid_to, exclusion_group, priority) VALUES ('PRO-SALE', 'Tyre sale', 'tyres', 50, '2026-06-01', '2026-07-01', 'offers', 200);
SELECT * FROM pg_temp.steps('PRO-1 10, PRO-2 11, PRO-3 11');
SELECT * FROM pg_temp.steps('PRO-1 15, PRO-2 25', '{"placed_at": "2026-07-01T00:00:00Z"}');
SELECT * FROM pg_temp.steps('PRO-1 8, PRO-1 7', '{"placed_at": "2026-07-01T00:00:00Z"}');
UPDATE usom.promotion SET active = false WHERE org_id = usom.current_org();

-- Conditions: segment, channel, value of the basket, currency.
INSERT INTO usom.promotion (code, segment, percent) VALUES ('PRO-CLUB', 'club', 5);
INSERT INTO usom.promotion (code, channel, percent) VALUES ('PRO-WEB', 'web', 1);
INSERT INTO usom.promotion (code, min_value, currency, amount, level) VALUES ('PRO-BIG', 100, 'EUR', 7, 'order');
SELECT * FROM pg_temp.steps('PRO-1 1');
SELECT * FROM pg_temp.steps('PRO-1 1', '{"customer": "PRO-CLUB", "channel": "web"}');
SELECT * FROM pg_temp.steps('PRO-1 9, PRO-2 3');
SELECT * FROM pg_temp.steps('PRO-1 9, PRO-2 4');
SELECT * FROM pg_temp.steps('PRO-1 9, PRO-2 4', '{"currency": "USD", "lines": [{"sku": "PRO-1", "quantity": 50, "unit_price": 10}]}');
UPDATE usom.promotion SET active = false WHERE org_id = usom.current_org();

-- An amount off each unit, a fixed price, never below nothing; they stack in the order of their priority.
INSERT INTO usom.promotion (code, skus, currency, amount) VALUES ('PRO-OFF', '{PRO-1,PRO-2}', 'EUR', 4);
INSERT INTO usom.promotion (code, skus, currency, unit_price) VALUES ('PRO-AT', '{PRO-1}', 'EUR', 5);
SELECT * FROM pg_temp.steps('PRO-1 3, PRO-2 3');
UPDATE usom.promotion SET priority = 300 WHERE code = 'PRO-OFF';
SELECT * FROM pg_temp.steps('PRO-1 3, PRO-2 3');
-- One that does not stack: alone, or not at all.
UPDATE usom.promotion SET stacks = false WHERE code = 'PRO-OFF';
SELECT * FROM pg_temp.steps('PRO-1 3, PRO-2 3');
UPDATE usom.promotion SET priority = 1 WHERE code = 'PRO-OFF';
SELECT * FROM pg_temp.steps('PRO-1 3, PRO-2 3');
-- Of one group the first that fits.
UPDATE usom.promotion SET stacks = true, exclusion_group = 'week' WHERE code IN ('PRO-OFF', 'PRO-AT');
SELECT * FROM pg_temp.steps('PRO-1 3, PRO-2 3');
UPDATE usom.promotion SET active = false WHERE org_id = usom.current_org();

-- Off the order: rounded once, shared to the last cent.
INSERT INTO usom.promotion (code, name, level, percent) VALUES ('PRO-TENTH', 'A tenth off', 'order', 10);
INSERT INTO usom.promotion (code, name, level, currency, amount, priority) VALUES ('PRO-CENT', 'Ten off', 'order', 'EUR', 10, 200);
SELECT * FROM pg_temp.steps('PRO-2 1, PRO-2 1, PRO-2 1');
SELECT * FROM pg_temp.steps('PRO-1 1, PRO-2 1, PRO-2 2');
SELECT order_no AS o, total FROM usom.place_order('{"lines": [{"sku": "PRO-1", "quantity": 3}, {"sku": "PRO-2", "quantity": 7}]}') \gset
SELECT :total AS total;
-- What some of the units cost follows: cancelled, the rest adds up.
SELECT status FROM usom.cancel_line(:'o', 2, 3, 'fewer');
SELECT line_no, total FROM usom.order_lines WHERE order_no = :'o' ORDER BY 1;
SELECT status FROM usom.release_order(:'o');
SELECT count(*) FROM usom.ship(:'o', '[{"line_no": 1, "quantity": 1}]');
SELECT line_no, total FROM usom.order_lines WHERE order_no = :'o' ORDER BY 1;

-- Refused when written.
SELECT pg_temp.refused($$INSERT INTO usom.promotion (code, percent, amount, currency) VALUES ('PRO-BAD', 10, 1, 'EUR')$$);
SELECT pg_temp.refused($$INSERT INTO usom.promotion (code) VALUES ('PRO-BAD')$$);
SELECT pg_temp.refused($$INSERT INTO usom.promotion (code, percent) VALUES ('PRO-BAD', 0)$$);
SELECT pg_temp.refused($$INSERT INTO usom.promotion (code, amount) VALUES ('PRO-BAD', 1)$$);
SELECT pg_temp.refused($$INSERT INTO usom.promotion (code, amount, currency) VALUES ('PRO-BAD', -1, 'EUR')$$);
SELECT pg_temp.refused($$INSERT INTO usom.promotion (code, percent, min_quantity, max_quantity) VALUES ('PRO-BAD', 1, 5, 4)$$);
SELECT pg_temp.refused($$INSERT INTO usom.promotion (code, percent, valid_from, valid_to) VALUES ('PRO-BAD', 1, '2026-01-02', '2026-01-02')$$);
SELECT pg_temp.refused($$INSERT INTO usom.promotion (code, percent, skus) VALUES ('PRO-BAD', 1, '{PRO-1,PRO-9}')$$);
SELECT pg_temp.refused($$INSERT INTO usom.promotion (code, percent, channel) VALUES ('PRO-BAD', 1, 'PRO-9')$$);
SELECT pg_temp.refused($$INSERT INTO usom.promotion (code, unit_price, currency, level) VALUES ('PRO-BAD', 1, 'EUR', 'order')$$);
SELECT pg_temp.refused($$DELETE FROM usom.promotion WHERE code = 'PRO-V11'$$);
SELECT * FROM usom.verify();
