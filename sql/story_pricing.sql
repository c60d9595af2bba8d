-- The SQL of doc/pricing.md, made by tools/make-story.sh: edit the document.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS usom_story;
CREATE DATABASE usom_story TEMPLATE template0;
\c usom_story
SET lc_messages = 'C';
SET client_min_messages = warning;
CREATE EXTENSION usom;
SELECT count(*) > 0 AS installed FROM usom.install();

-- A shop
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code) VALUES ('MAIN');
INSERT INTO usom.product (sku, name, category) VALUES ('TYRE', 'Mountain tyre', 'tyres'), ('PUMP', 'Floor pump', 'tools');
INSERT INTO usom.customer (code, segment) VALUES ('club', 'clubs');
INSERT INTO usom.price (sku, unit_price) VALUES ('TYRE', 24.99), ('PUMP', 39.00);
SELECT usom.receive_stock('MAIN', sku, 1000) FROM usom.product;

-- Agreed, by quantity, for a time
INSERT INTO usom.price_contract (segment, category, percent) VALUES ('clubs', 'tyres', 5);
INSERT INTO usom.price_break (sku, min_quantity, percent) VALUES ('TYRE', 10, 10);
INSERT INTO usom.promotion (code, name, skus, unit_price, currency) VALUES ('PUMPS', 'Pumps for thirty', '{PUMP}', 30, 'EUR');

SELECT s ->> 'line_no' AS line, s ->> 'step' AS step, s ->> 'rule' AS rule, s ->> 'before' AS before, s ->> 'after' AS after
FROM jsonb_array_elements(usom.quote('{"customer": "club", "lines": [
  {"sku": "TYRE", "quantity": 12}, {"sku": "PUMP", "quantity": 1}]}') -> 'price_steps') AS s;

-- A coupon
INSERT INTO usom.promotion (code, name, level, amount, currency, min_value, needs_coupon)
VALUES ('WELCOME', 'Ten euros off', 'order', 10, 'EUR', 100, true);
INSERT INTO usom.coupon (code, promotion, limit_uses) VALUES ('HELLO', 'WELCOME', 1);

SELECT order_no, status, total FROM usom.place_order('{"customer": "club", "coupons": ["HELLO"], "lines": [
  {"sku": "TYRE", "quantity": 12}, {"sku": "PUMP", "quantity": 1}]}');

SELECT line_no, step, rule, unit_price, before, after, reason FROM usom.explain_price('SO-000001');

SELECT code, redeemed, limit_uses FROM usom.coupon;
SELECT status FROM usom.cancel_order('SO-000001', 'changed my mind');
SELECT code, redeemed, limit_uses FROM usom.coupon;

-- Offers by quantity and date
INSERT INTO usom.promotion (code, name, skus, min_quantity, max_quantity, percent, exclusion_group) VALUES
  ('V11', 'Volume 11 to 14', '{TYRE}', 11, 14, 2, 'offers'), ('V15', 'Volume 15 to 24', '{TYRE}', 15, 24, 5, 'offers');
INSERT INTO usom.promotion (code, name, category, percent, valid_from, valid_to, exclusion_group, priority)
VALUES ('CLEAR', 'Clearance', 'tyres', 40, '2020-01-01', '2099-01-01', 'offers', 200);

SELECT order_no, total FROM usom.place_order('{"lines": [{"sku": "TYRE", "quantity": 15}]}');
SELECT step, rule, before, after, reason FROM usom.explain_price('SO-000002');

-- What was priced stays explained
SELECT status FROM usom.change_order('SO-000002', '{"lines": [{"line_no": 1, "quantity": 9}]}');
SELECT version, step, rule, before, after FROM usom.price_steps WHERE order_no = 'SO-000002' ORDER BY version, step_no;
SELECT * FROM usom.verify_money();

\c :home
DROP DATABASE usom_story;
