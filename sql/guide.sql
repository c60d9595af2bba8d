-- help(), demo() and demo_remove().
\set VERBOSITY default
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
-- Every public function has its chapter and a sentence.
SELECT topic, count(*) > 0 AS entries FROM usom.help() GROUP BY topic ORDER BY topic COLLATE "C";
SELECT name FROM usom.help() WHERE topic = 'more';
SELECT topic, name FROM usom.help() WHERE coalesce(about, '') = '';
SELECT topic, name, about FROM usom.help('understand') WHERE name LIKE 'explain_status%';
SELECT topic, name, about FROM usom.help('explain_status');
SELECT topic, name, about FROM usom.help('backorders');
SELECT topic, name, about <> '' AS lists FROM usom.help('no such topic') WHERE topic <> 'tables';

INSERT INTO usom.organisation (code, name) VALUES ('guide', 'Guide');
SET usom.org = 'guide';
UPDATE usom.document_counter SET gap_free = true WHERE org_id = usom.current_org();
SELECT * FROM usom.demo(0);
SELECT * FROM usom.demo(NULL);
SELECT * FROM usom.demo_remove() WHERE number > 0;
SELECT * FROM usom.demo();
SELECT * FROM usom.verify();
SELECT status_group, count(*), trim_scale(sum(total)) AS total FROM usom.orders GROUP BY status_group ORDER BY status_group COLLATE "C";
SELECT channel, count(*), count(customer) AS with_customer FROM usom.orders GROUP BY channel ORDER BY channel COLLATE "C";
SELECT sku, sum(quantity) AS backordered FROM usom.backorders GROUP BY sku;
SELECT event FROM usom.timeline GROUP BY event ORDER BY event COLLATE "C";
SELECT DISTINCT reason FROM usom.audit_entry WHERE org_id = usom.current_org() AND table_name = 'product';
-- A second time it is there.
SELECT count(*) FROM usom.demo(5);
SELECT count(*) FROM usom.orders;

-- What others use stays; an order of both is not deleted.
INSERT INTO usom.product (sku) VALUES ('OWN');
INSERT INTO usom.location (code) VALUES ('OWN-LOCATION');
SELECT * FROM usom.receive_stock('DEMO-NORTH', 'OWN', 5);
SELECT * FROM usom.receive_stock('OWN-LOCATION', 'DEMO-TEA', 5);
SELECT order_no, quantity_reserved FROM usom.place_order('{"customer": "DEMO-C03", "lines": [{"sku": "OWN", "quantity": 2, "unit_price": 1}]}');
SELECT order_no, quantity_reserved FROM usom.place_order('{"lines": [{"sku": "DEMO-TEA", "quantity": 2, "unit_price": 1, "location": "OWN-LOCATION"}]}');
BEGIN;
SELECT order_no FROM usom.place_order('{"lines": [{"sku": "DEMO-TEA", "quantity": 2, "unit_price": 1}, {"sku": "OWN", "quantity": 1, "unit_price": 1}]}');
SELECT * FROM usom.demo_remove();
ROLLBACK;
SELECT * FROM usom.demo_remove();
SELECT * FROM usom.verify();
SELECT order_no, customer FROM usom.orders;
SELECT code FROM usom.location WHERE org_id = usom.current_org() ORDER BY code COLLATE "C";
SELECT sku, location, on_hand, reserved FROM usom.stock_position;
SELECT count(*) > 0 AS audit_keeps_it FROM usom.audit_entry WHERE org_id = usom.current_org() AND reason = 'demo_remove' AND operation = 'DELETE';
-- And again, over what stayed.
SELECT * FROM usom.demo(24) WHERE what LIKE 'orders%' AND number > 0;
SELECT count(*) AS removed FROM usom.demo_remove() WHERE number > 0;
SELECT * FROM usom.verify();
