-- Prices: list, contract, breaks; every step is a row, and the steps add up.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('pricing');
SET usom.org = 'pricing';
INSERT INTO usom.location (code) VALUES ('PRC-A');
INSERT INTO usom.product (sku, category) VALUES ('PRC-1', 'shoes'), ('PRC-2', 'shoes'), ('PRC-3', 'hats'), ('PRC-4', NULL);
INSERT INTO usom.customer (code, segment) VALUES ('PRC-ANN', 'gold'), ('PRC-BOB', 'gold'), ('PRC-CAT', NULL);
SELECT usom.receive_stocks('[{"location": "PRC-A", "sku": "PRC-1", "quantity": 1000}, {"location": "PRC-A", "sku": "PRC-2", "quantity": 1000}, {"location": "PRC-A", "sku": "PRC-3", "quantity": 1000}, {"location": "PRC-A", "sku": "PRC-4", "quantity": 1000}]');
CREATE FUNCTION pg_temp.buy(customer text, lines text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT p.order_no FROM usom.place_order(jsonb_build_object('customer', customer, 'placed_at', '2026-06-01T12:00:00Z', 'lines', (
		SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('sku', w[1], 'quantity', w[2]::numeric, 'unit_price', w[3]::numeric)))
		FROM unnest(string_to_array(lines, ',')) l (line), regexp_split_to_array(trim(l.line), ' +') w)) || more) p
$$;
CREATE FUNCTION pg_temp.steps(order_no text) RETURNS TABLE (line_no integer, step text, rule text, unit_price numeric, before numeric, after numeric, reason text) LANGUAGE sql AS $$
	SELECT e.line_no, e.step, e.rule, e.unit_price, e.before, e.after, e.reason FROM usom.explain_price(order_no) e ORDER BY e.step_no
$$;

-- Nobody has priced this order: one row a line, nothing written.
INSERT INTO usom.price (sku, unit_price) VALUES ('PRC-1', 20), ('PRC-2', 9.99), ('PRC-3', 5);
SELECT pg_temp.buy('PRC-ANN', 'PRC-1 3, PRC-2 2 8.505, PRC-4 1') AS o \gset
SELECT * FROM pg_temp.steps(:'o');
SELECT count(*) FROM usom.price_steps;

-- List prices: an end, a price for many units, and what is refused.
INSERT INTO usom.price (sku, unit_price, valid_from, valid_to) VALUES ('PRC-1', 15, '2026-05-20', '2026-06-10');
INSERT INTO usom.price (sku, unit_price, per) VALUES ('PRC-4', 12.3, 1000);
SELECT pg_temp.buy('PRC-ANN', 'PRC-1 1, PRC-4 1000') AS o \gset
SELECT total FROM usom.orders WHERE order_no = :'o';
SELECT pg_temp.buy('PRC-ANN', 'PRC-1 1', '{"placed_at": "2026-06-10T00:00:00Z"}') AS o \gset
SELECT total FROM usom.orders WHERE order_no = :'o';
SELECT pg_temp.refused($$INSERT INTO usom.price (sku, unit_price, valid_from, valid_to) VALUES ('PRC-1', 14, '2026-06-09', '2026-06-20')$$);
SELECT pg_temp.refused($$INSERT INTO usom.price (sku, unit_price, valid_from, valid_to) VALUES ('PRC-1', 14, '2026-06-10', '2026-06-10')$$);
SELECT pg_temp.refused($$INSERT INTO usom.price (sku, unit_price, per) VALUES ('PRC-3', 12.35, 1000)$$);
SELECT pg_temp.refused($$INSERT INTO usom.price (sku, unit_price) VALUES ('PRC-3', -1)$$);
SELECT pg_temp.refused($$INSERT INTO usom.price (sku, unit_price, currency) VALUES ('PRC-3', 1, 'ABC')$$);

-- Contracts: the customer's before the segment's, the product's before the category's.
INSERT INTO usom.price_contract (segment, category, percent) VALUES ('gold', 'shoes', 10);
INSERT INTO usom.price_contract (segment, sku, currency, unit_price) VALUES ('gold', 'PRC-2', 'EUR', 9);
INSERT INTO usom.price_contract (customer, category, percent) VALUES ('PRC-ANN', 'shoes', 12.5);
INSERT INTO usom.price_contract (customer, sku, currency, unit_price, discountable) VALUES ('PRC-ANN', 'PRC-3', 'EUR', 6, false);
SELECT pg_temp.buy('PRC-ANN', 'PRC-1 3, PRC-2 2, PRC-3 2') AS o \gset
SELECT * FROM pg_temp.steps(:'o');
SELECT pg_temp.buy('PRC-BOB', 'PRC-1 3, PRC-2 2, PRC-3 2') AS o \gset
SELECT * FROM pg_temp.steps(:'o');
SELECT pg_temp.buy('PRC-CAT', 'PRC-1 3') AS o \gset
SELECT * FROM pg_temp.steps(:'o');
-- A price of the document stands.
SELECT pg_temp.buy('PRC-ANN', 'PRC-1 3 19.5') AS o \gset
SELECT * FROM pg_temp.steps(:'o');
-- Refused: the same twice at one time, somebody or something that there is not, neither price nor percent.
SELECT pg_temp.refused($$INSERT INTO usom.price_contract (customer, category, percent, valid_from) VALUES ('PRC-ANN', 'shoes', 13, '2030-01-01')$$);
SELECT pg_temp.refused($$INSERT INTO usom.price_contract (customer, sku, percent) VALUES ('PRC-DAN', 'PRC-1', 13)$$);
SELECT pg_temp.refused($$INSERT INTO usom.price_contract (customer, sku, percent) VALUES ('PRC-BOB', 'PRC-9', 13)$$);
SELECT pg_temp.refused($$INSERT INTO usom.price_contract (customer, sku) VALUES ('PRC-BOB', 'PRC-1')$$);
SELECT pg_temp.refused($$INSERT INTO usom.price_contract (customer, segment, sku, percent) VALUES ('PRC-BOB', 'gold', 'PRC-1', 5)$$);
SELECT pg_temp.refused($$INSERT INTO usom.price_contract (customer, sku, unit_price) VALUES ('PRC-BOB', 'PRC-1', 5)$$);
SELECT pg_temp.refused($$INSERT INTO usom.price_contract (customer, sku, currency, unit_price) VALUES ('PRC-BOB', 'PRC-1', 'EUR', -5)$$);
SELECT pg_temp.refused($$INSERT INTO usom.price_contract (customer, sku, percent) VALUES ('PRC-BOB', 'PRC-1', 101)$$);
DELETE FROM usom.price_contract WHERE org_id = usom.current_org();

-- Breaks by units: those of the product first, then the highest that is reached; never up; lines of one product together.
INSERT INTO usom.price_break (min_quantity, percent) VALUES (100, 20);
INSERT INTO usom.price_break (category, min_quantity, percent) VALUES ('shoes', 5, 2), ('shoes', 10, 4);
INSERT INTO usom.price_break (sku, min_quantity, currency, unit_price) VALUES ('PRC-3', 10, 'EUR', 4.5), ('PRC-3', 20, 'EUR', 5.5);
SELECT pg_temp.buy('PRC-CAT', 'PRC-1 3, PRC-1 2, PRC-2 4, PRC-3 10, PRC-4 100') AS o \gset
SELECT * FROM pg_temp.steps(:'o');
SELECT pg_temp.buy('PRC-CAT', 'PRC-2 12, PRC-3 20') AS o \gset
SELECT * FROM pg_temp.steps(:'o');
SELECT pg_temp.refused($$INSERT INTO usom.price_break (category, min_quantity, percent, valid_from) VALUES ('shoes', 5.0, 3, '2030-01-01')$$);
SELECT pg_temp.refused($$INSERT INTO usom.price_break (sku, min_quantity, percent) VALUES ('PRC-9', 5, 3)$$);
SELECT pg_temp.refused($$INSERT INTO usom.price_break (min_value, percent) VALUES (5, 3)$$);
SELECT pg_temp.refused($$INSERT INTO usom.price_break (level, min_value, percent) VALUES ('order', 5, 3)$$);
DELETE FROM usom.price_break WHERE org_id = usom.current_org();

-- Breaks by value: rounded once, shared by largest remainder; each line takes part in one.
INSERT INTO usom.price_break (level, min_value, currency, percent) VALUES ('order', 50, 'EUR', 1), ('order', 30, 'EUR', 50);
INSERT INTO usom.price_break (level, category, min_value, currency, percent) VALUES ('order', 'hats', 10, 'EUR', 10);
SELECT pg_temp.buy('PRC-CAT', 'PRC-1 1, PRC-2 3, PRC-3 3') AS o \gset
SELECT * FROM pg_temp.steps(:'o');
SELECT total FROM usom.orders WHERE order_no = :'o';
DELETE FROM usom.price_break WHERE org_id = usom.current_org();

-- Yen have no cents, dinars a thousandth; a price with more decimals keeps them.
INSERT INTO usom.price (sku, currency, unit_price) VALUES ('PRC-1', 'JPY', 999), ('PRC-1', 'BHD', 9.995), ('PRC-2', 'BHD', 0.0125);
INSERT INTO usom.price_break (category, min_quantity, percent) VALUES ('shoes', 2, 3);
SELECT pg_temp.buy('PRC-CAT', 'PRC-1 3', '{"currency": "JPY"}') AS o \gset
SELECT * FROM pg_temp.steps(:'o');
SELECT pg_temp.buy('PRC-CAT', 'PRC-1 3, PRC-2 3', '{"currency": "BHD"}') AS o \gset
SELECT * FROM pg_temp.steps(:'o');

-- A channel that goes by the list: the document's price is what the sender expects.
INSERT INTO usom.channel (code, pricing) VALUES ('PRC-EDI', 'list');
SELECT pg_temp.buy('PRC-CAT', 'PRC-1 1 17, PRC-3 1 4', '{"channel": "PRC-EDI"}') AS o \gset
SELECT * FROM pg_temp.steps(:'o');
SELECT line_no, unit_price, total FROM usom.order_lines WHERE order_no = :'o' ORDER BY 1;

-- Changes are priced anew by what was in force when the order was placed.
SELECT pg_temp.buy('PRC-CAT', 'PRC-1 1, PRC-2 1 9') AS o \gset
UPDATE usom.price_break SET valid_to = '2026-06-02' WHERE org_id = usom.current_org();
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "quantity": 2}, {"sku": "PRC-3", "quantity": 1}]}');
SELECT * FROM pg_temp.steps(:'o');
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "quantity": 1}, {"line_no": 2, "unit_price": 7}]}');
SELECT * FROM pg_temp.steps(:'o');
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "sku": "PRC-2"}, {"line_no": 3, "remove": true}]}');
SELECT * FROM pg_temp.steps(:'o');
SELECT status FROM usom.change_order(:'o', '{"priority": 1}');
SELECT count(DISTINCT version) FROM usom.price_steps WHERE order_no = :'o';

-- Drafts: a document's is priced when it comes and when it is submitted, one of plain SQL when it is submitted.
UPDATE usom.price_break SET valid_to = NULL WHERE org_id = usom.current_org();
SELECT pg_temp.buy('PRC-CAT', 'PRC-1 2', '{"draft": true}') AS o \gset
SELECT total FROM usom.orders WHERE order_no = :'o';
UPDATE usom.price_break SET percent = 50 WHERE org_id = usom.current_org();
SELECT status FROM usom.submit_order(:'o');
SELECT total FROM usom.orders WHERE order_no = :'o';
INSERT INTO usom.sales_order (order_no, placed_at) VALUES ('PRC-SQL', '2026-06-01 12:00Z');
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity, unit_price) SELECT sales_order_id, 1, usom.product_id('PRC-1'), 2, 15 FROM usom.sales_order WHERE order_no = 'PRC-SQL';
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) SELECT sales_order_id, 2, usom.product_id('PRC-1'), 2 FROM usom.sales_order WHERE order_no = 'PRC-SQL';
UPDATE usom.sales_order SET status = 'submitted' WHERE order_no = 'PRC-SQL';
SELECT * FROM pg_temp.steps('PRC-SQL');
SELECT total FROM usom.orders WHERE order_no = 'PRC-SQL';

-- A quote shows the steps and writes none.
SELECT s ->> 'line_no' AS line_no, s ->> 'step' AS step, s ->> 'rule' AS rule, s ->> 'before' AS before, s ->> 'after' AS after
FROM jsonb_array_elements(usom.quote('{"customer": "PRC-CAT", "placed_at": "2026-06-01T12:00:00Z", "lines": [{"sku": "PRC-1", "quantity": 2}]}') -> 'price_steps') s;
-- Kits have a price, their components none.
INSERT INTO usom.product (sku, kind) VALUES ('PRC-KIT', 'kit');
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) VALUES (usom.product_id('PRC-KIT'), usom.product_id('PRC-1'), 2);
INSERT INTO usom.price (sku, unit_price) VALUES ('PRC-KIT', 30);
INSERT INTO usom.price_break (sku, min_quantity, percent) VALUES ('PRC-KIT', 3, 10);
SELECT pg_temp.buy('PRC-CAT', 'PRC-KIT 3') AS o \gset
SELECT * FROM pg_temp.steps(:'o');
SELECT line_no, sku, unit_price, total FROM usom.order_lines WHERE order_no = :'o' ORDER BY 1;

-- The ledger is nobody's to write.
SELECT pg_temp.refused($$UPDATE usom.price_step SET after = 0$$);
SELECT pg_temp.refused($$SELECT * FROM usom.explain_price('PRC-NONE')$$);
SELECT * FROM usom.verify();
