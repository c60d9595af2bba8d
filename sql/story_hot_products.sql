-- The SQL of doc/hot-products.md, made by tools/make-story.sh: edit the document.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS usom_story;
CREATE DATABASE usom_story TEMPLATE template0;
\c usom_story
SET lc_messages = 'C';
SET client_min_messages = warning;
CREATE EXTENSION usom;
SELECT count(*) > 0 AS installed FROM usom.install();

-- By itself
SELECT code, hot_stripes, hot_waiters, hot_for FROM usom.organisation;

-- By hand
INSERT INTO usom.location (code) VALUES ('MAIN');
INSERT INTO usom.product (sku) VALUES ('CONSOLE');
SELECT * FROM usom.receive_stock('MAIN', 'CONSOLE', 1000);
SELECT * FROM usom.set_stock_stripes('CONSOLE', 'MAIN', 4);
SELECT stripe, free FROM usom.stock_stripes WHERE sku = 'CONSOLE' ORDER BY stripe;

SELECT order_no, quantity_reserved FROM usom.place_order('{"lines": [{"sku": "CONSOLE", "quantity": 2, "unit_price": 499}]}');
SELECT sku, on_hand, reserved, available FROM usom.stock_position WHERE sku = 'CONSOLE';
SELECT sum(free) AS free, sum(takes) AS takes FROM usom.stock_stripes WHERE sku = 'CONSOLE';
SELECT order_no, quantity_reserved, quantity_backordered FROM usom.place_order('{"lines": [{"sku": "CONSOLE", "quantity": 999, "unit_price": 499}]}');
SELECT usom.available('CONSOLE');
SELECT * FROM usom.verify();

\c :home
DROP DATABASE usom_story;
