-- What a substitute costs: the price of its rule, the discount and the delivery of what it replaces, its own tax; the steps say so.
BEGIN;
SET LOCAL TIME ZONE 'UTC';
INSERT INTO usom.organisation (code) VALUES ('substitute price');
SET LOCAL usom.org = 'substitute price';
INSERT INTO usom.channel (code, pricing) VALUES ('list', 'list');
INSERT INTO usom.channel (code) VALUES ('shop');
INSERT INTO usom.location (code) VALUES ('S');
INSERT INTO usom.product (sku, category, tax_class) VALUES ('RED', 'mug', NULL), ('BLUE', 'mug', NULL), ('BOOK', NULL, 'book'), ('BOX', NULL, NULL);
INSERT INTO usom.substitute (sku, substitute_sku, quantity, substitute_quantity, priority, price_rule) VALUES
	('RED', 'BLUE', 1, 1, 10, 'keep'), ('RED', 'BOOK', 1, 1, 20, 'actual'), ('RED', 'BOX', 12, 1, 30, 'keep');
INSERT INTO usom.price (sku, currency, unit_price) VALUES ('RED', 'EUR', 9.99), ('BLUE', 'EUR', 14), ('BOOK', 'EUR', 20);
INSERT INTO usom.promotion (code, category, percent) VALUES ('MUGS', 'mug', 10);
INSERT INTO usom.freight_charge (currency, order_price) VALUES ('EUR', 5);
INSERT INTO usom.tax_rate (jurisdiction, country, percent) VALUES ('DE', 'DE', 19), ('FR', 'FR', 20);
INSERT INTO usom.tax_rate (jurisdiction, country, tax_class, percent) VALUES ('DE', 'DE', 'book', 7);
SELECT sku, available FROM usom.receive_stock('S', 'RED', 1), usom.receive_stock('S', 'BLUE', 7) b (l, s, o, a);
CREATE FUNCTION pg_temp.no(id text) RETURNS text LANGUAGE sql AS $$ SELECT order_no FROM usom.orders WHERE external_id = id $$;
CREATE FUNCTION pg_temp.steps(id text) RETURNS TABLE (line_no integer, step text, rule text, unit_price numeric, before numeric, after numeric, reason text) LANGUAGE sql AS $$
	SELECT line_no, step, rule, unit_price, before, after, reason FROM usom.explain_price(pg_temp.no(id)) ORDER BY step_no $$;
CREATE VIEW pg_temp.lines AS SELECT o.external_id, p.sku, l.line_no, l.quantity::numeric, l.unit_price::numeric, l.discount::numeric, l.freight::numeric, l.tax::numeric, l.tax_included, l.total::numeric
	FROM usom.order_line l JOIN usom.sales_order o USING (org_id, sales_order_id) JOIN usom.product p ON p.org_id = l.org_id AND p.product_id = l.product_id WHERE l.org_id = usom.current_org();

-- Agreed beforehand: one red one is there, three are replaced.  The whole costs what four red ones would, 39.96 - 4.00 + 5.00 and 19 %.
SELECT total FROM usom.place_order('{"external_id": "SP-1", "channel": "shop", "ship_to": {"country": "DE"}, "lines": [{"sku": "RED", "quantity": 4, "unit_price": 9.99, "substitution": "allowed"}]}');
SELECT sku, quantity, unit_price, discount, freight, tax, total FROM pg_temp.lines WHERE external_id = 'SP-1' ORDER BY line_no;
SELECT * FROM pg_temp.steps('SP-1');
SELECT total FROM usom.orders WHERE external_id = 'SP-1';

-- Proposed and accepted, at the list price: the rate of the discount stays, the tax is that of books.
SELECT usom.receive_stock('S', 'BOOK', 5) IS NOT NULL AS received;
SELECT status FROM usom.place_order('{"external_id": "SP-2", "channel": "shop", "ship_to": {"country": "DE"}, "lines": [{"sku": "RED", "quantity": 4, "unit_price": 9.99}]}');
SELECT usom.propose_substitution(pg_temp.no('SP-2'), 1, 'BOOK', 3) AS proposed \gset
SELECT status FROM usom.accept_substitution(:proposed);
SELECT sku, quantity, unit_price, discount, freight, tax, total FROM pg_temp.lines WHERE external_id = 'SP-2' ORDER BY line_no;
SELECT * FROM pg_temp.steps('SP-2');
-- Priced again, the price that was agreed stands, whatever the list says.
SELECT status FROM usom.place_order('{"external_id": "SP-3", "channel": "list", "ship_to": {"country": "FR"}, "lines": [{"sku": "RED", "quantity": 2, "substitution": "allowed"}]}');
SELECT sku, quantity, unit_price, discount, freight, tax, total FROM pg_temp.lines WHERE external_id = 'SP-3' ORDER BY line_no;
SELECT status FROM usom.change_order(pg_temp.no('SP-3'), '{"ship_to": {"country": "DE"}}');
SELECT sku, quantity, unit_price, discount, tax, total FROM pg_temp.lines WHERE external_id = 'SP-3' ORDER BY line_no;

-- A told tax follows in proportion, and stands.
SELECT status FROM usom.place_order('{"external_id": "SP-4", "channel": "shop", "ship_to": {"country": "US"}, "lines": [{"sku": "RED", "quantity": 2, "unit_price": 9.99, "tax": {"amount": 1.87, "jurisdiction": "US-CA"}}]}');
SELECT usom.propose_substitution(pg_temp.no('SP-4'), 1, 'BLUE', 1) AS proposed \gset
SELECT status FROM usom.accept_substitution(:proposed);
SELECT sku, quantity, unit_price, discount, freight, tax, total FROM pg_temp.lines WHERE external_id = 'SP-4' ORDER BY line_no;
SELECT t.line_no, t.jurisdiction, t.amount, t.included, t.taxable FROM usom.order_tax t JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.external_id = 'SP-4' AND o.org_id = usom.current_org() ORDER BY line_no;
SELECT * FROM usom.verify();

-- Nothing that rules add: nothing is written about it.
UPDATE usom.promotion SET active = false;
DELETE FROM usom.freight_charge;
DELETE FROM usom.tax_rate;
SELECT usom.receive_stock('S', 'BOX', 1) IS NOT NULL AS received;
SELECT total FROM usom.place_order('{"external_id": "SP-5", "channel": "shop", "lines": [{"sku": "RED", "quantity": 12, "unit_price": 1.111, "substitution": "allowed", "partial": false}]}');
SELECT sku, quantity, unit_price, discount, freight, tax, total FROM pg_temp.lines WHERE external_id = 'SP-5' ORDER BY line_no;
SELECT count(*) FROM usom.price_step s JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.external_id = 'SP-5' AND o.org_id = usom.current_org();
SELECT * FROM usom.verify();
ROLLBACK;
