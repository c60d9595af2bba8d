-- Returns: leave to send back, what came, and what it does to order and stock.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code, priority) VALUES ('RET-A', 1), ('RET-B', 2);
INSERT INTO usom.product (sku) VALUES ('RET-1'), ('RET-2');
SELECT usom.receive_stocks('[{"location": "RET-A", "sku": "RET-1", "quantity": 10}, {"location": "RET-B", "sku": "RET-2", "quantity": 2}]');
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "RET-1", "quantity": 5, "unit_price": 2}, {"sku": "RET-2", "quantity": 2, "unit_price": 1}]}') \gset

-- Nothing comes back before it left.
SELECT * FROM pg_temp.refused(format('SELECT usom.authorize_return(%L, %L, %L)', :'o', '[{"line_no": 1, "quantity": 1}]', 'early'));
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o', '[{"line_no": 1, "quantity": 4}]') AS s \gset
SELECT status FROM usom.deliver(:'s');
SELECT * FROM pg_temp.refused(format('SELECT usom.authorize_return(%L, %L, %L)', :'o', '[{"line_no": 1, "quantity": 3}, {"line_no": 1, "quantity": 2}]', 'greedy'));
SELECT * FROM pg_temp.refused(format('SELECT usom.authorize_return(%L, %L, %L)', :'o', '[{"line_no": 2, "quantity": 1}]', 'not shipped'));

-- Leave is given once for a unit.
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 3}]', 'wrong colour') AS r \gset
SELECT * FROM pg_temp.refused(format('SELECT usom.authorize_return(%L, %L, %L)', :'o', '[{"line_no": 1, "quantity": 2}]', 'again'));
SELECT status, reason, received_at FROM usom.return_order WHERE return_no = :'r';

-- What came, in parts; no more than was allowed; a repeat without a list changes nothing.
SELECT * FROM usom.receive_return(:'r', '[{"line_no": 1, "quantity": 1}]');
SELECT * FROM pg_temp.refused(format('SELECT usom.receive_return(%L, %L)', :'r', '[{"line_no": 1, "quantity": 3}]'));
SELECT * FROM pg_temp.refused(format('SELECT usom.receive_return(%L, %L)', :'r', '[{"line_no": 2, "quantity": 1}]'));
SELECT * FROM usom.receive_return(:'r', NULL);
SELECT pg_temp.image(:'o') AS before, pg_temp.row_counts() AS rows \gset
SELECT * FROM usom.receive_return(:'r', NULL);
SELECT * FROM pg_temp.refused(format('SELECT usom.receive_return(%L, %L)', :'r', '[{"line_no": 1, "quantity": 1}]'));
SELECT pg_temp.image(:'o') = :'before' AS unchanged, pg_temp.row_counts() = :'rows' AS nothing_written;
SELECT * FROM pg_temp.pieces(:'o');
SELECT * FROM pg_temp.shelf('RET-%');
SELECT m.kind, trim_scale(m.delta) AS delta, m.reference = :'r' AS by_return FROM usom.stock_movement m JOIN usom.product p USING (org_id, product_id) WHERE p.sku = 'RET-1' ORDER BY m.stock_movement_id;
SELECT status, status_group FROM usom.orders WHERE order_no = :'o';

-- Units that are still on their way may come back too; what was delivered comes back first.
SELECT usom.ship(:'o') AS s \gset
SELECT usom.authorize_return(:'o', '[{"line_no": 1, "quantity": 2}, {"line_no": 2, "quantity": 1}]', NULL) AS r \gset
SELECT * FROM usom.receive_return(:'r', '[{"line_no": 1, "quantity": 1}]');
SELECT * FROM pg_temp.pieces(:'o');
SELECT * FROM usom.receive_return(:'r', NULL);
SELECT * FROM pg_temp.pieces(:'o');
SELECT status, status_group, total FROM usom.orders WHERE order_no = :'o';
SELECT regexp_split_to_table(:'s', ', ') AS s OFFSET 0 LIMIT 1 \gset
SELECT d.status FROM usom.shipments s, usom.deliver(s.shipment_no) d WHERE s.order_no = :'o' AND s.status = 'shipped' ORDER BY 1;
SELECT status, status_group FROM usom.orders WHERE order_no = :'o';
SELECT status FROM usom.close_order(:'o');
SELECT usom.authorize_return(:'o', '[{"line_no": 2, "quantity": 1}]', 'after all') AS r \gset
SELECT * FROM usom.receive_return(:'r');
SELECT status, status_group FROM usom.orders WHERE order_no = :'o';
SELECT line_no, status, quantity, quantity_returned FROM usom.order_lines WHERE order_no = :'o' ORDER BY 1;
SELECT h.event, h.from_status, h.to_status, trim_scale(h.quantity) AS quantity, pg_temp.mask(h.reference) AS reference FROM usom.order_history h JOIN usom.sales_order s USING (org_id, sales_order_id) WHERE s.order_no = :'o' ORDER BY h.version;

-- What is refused.
SELECT call, r.* FROM unnest(ARRAY['NULL, NULL', '''7'', NULL', '''[]'', NULL', '''[{"line_no": 1}]'', NULL', '''[{"line_no": 9, "quantity": 1}]'', NULL', '''[{"line_no": 1, "quantity": 0}]'', NULL', '''[{"line_no": 1, "quantity": 9}]'', NULL']) AS call,
	pg_temp.refused(format('SELECT usom.authorize_return(%L, %s)', :'o', call)) r;
SELECT * FROM pg_temp.refused($$SELECT usom.receive_return('RT-NONE', NULL)$$);
SELECT * FROM pg_temp.refused($$SELECT usom.receive_return(NULL, NULL)$$);
SELECT * FROM usom.verify();
