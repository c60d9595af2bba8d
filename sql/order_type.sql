-- The type of an order: which flow it takes, told once and settled at submission.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SELECT * FROM usom.order_types();

-- What plain SQL and sourcing rules may name is the same.
INSERT INTO usom.product (sku) VALUES ('OTY-1');
INSERT INTO usom.location (code, priority) VALUES ('OTY-A', 1), ('OTY-B', 2);
SELECT * FROM usom.receive_stock('OTY-A', 'OTY-1', 30);
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.place_order('{"order_type": "indnt", "lines": [{"sku": "OTY-1", "quantity": 1}]}')$$);
SELECT * FROM pg_temp.refused($$INSERT INTO usom.sales_order (order_type) VALUES ('indnt')$$);
SELECT * FROM pg_temp.refused($$INSERT INTO usom.sourcing_rule (code, order_types) VALUES ('OTY-R', '{standard,indnt}')$$);
SELECT t.order_type, p.outcome
FROM usom.order_types() t,
	LATERAL usom.place_orders(jsonb_build_array(jsonb_build_object('external_id', 'OTY-' || t.order_type, 'order_type', t.order_type, 'draft', true, 'lines', jsonb_build_array(jsonb_build_object('sku', 'OTY-1', 'quantity', 1))))) p;
SELECT order_type, count(*) FROM usom.orders WHERE external_id LIKE 'OTY-%' GROUP BY 1 ORDER BY 1;

-- A draft may change its mind; a submitted order may not.
INSERT INTO usom.sales_order (order_no, order_type) VALUES ('OTY-DRAFT', 'standard');
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity)
SELECT sales_order_id, 1, usom.product_id('OTY-1'), 10 FROM usom.sales_order WHERE order_no = 'OTY-DRAFT';
UPDATE usom.sales_order SET order_type = 'indent' WHERE order_no = 'OTY-DRAFT';
SELECT * FROM pg_temp.refused($$UPDATE usom.sales_order SET order_type = 'indnt' WHERE order_no = 'OTY-DRAFT'$$);
SELECT status FROM usom.submit_order('OTY-DRAFT');
SELECT * FROM pg_temp.refused($$UPDATE usom.sales_order SET order_type = 'standard' WHERE order_no = 'OTY-DRAFT'$$);
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.change_order('OTY-DRAFT', '{"order_type": "standard"}')$$);

-- What an indent order has is firm: reallocation leaves it where it is, that of a standard order moves.
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "OTY-1", "quantity": 10}]}') \gset
UPDATE usom.location SET priority = 9 WHERE code = 'OTY-A';
SELECT * FROM usom.receive_stock('OTY-B', 'OTY-1', 30);
SELECT status FROM usom.reallocate_order('OTY-DRAFT', 'nearer');
SELECT status FROM usom.reallocate_order(:'o', 'nearer');
SELECT o.order_type, p.location, p.status, p.quantity FROM usom.order_pieces p JOIN usom.orders o ON o.order_no = p.order_no WHERE p.sku = 'OTY-1' ORDER BY 1, 2;
SELECT * FROM usom.verify();
