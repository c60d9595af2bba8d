-- A line that is removed takes along what was wanted of it: another line that gets its number has none of it.
SET client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('removed_line');
SET usom.org = 'removed_line';
INSERT INTO usom.location (code) VALUES ('CM-W');
INSERT INTO usom.product (sku) VALUES ('CM-A'), ('CM-B');
INSERT INTO usom.product_unit (sku, unit, quantity) VALUES ('CM-B', 'box', 6);
SELECT count(*) FROM usom.product p, usom.receive_stock('CM-W', p.sku, 100) WHERE p.org_id = usom.current_org();
SELECT order_no AS o FROM usom.place_order('{"currency": "EUR", "lines": [{"sku": "CM-A", "quantity": 1, "unit_price": 2}, {"sku": "CM-B", "quantity": 1, "unit": "box", "unit_price": 12, "tax": {"amount": 3}}]}') \gset
SELECT status FROM usom.wrap_gift(:'o', 2, 'red');
CREATE VIEW pg_temp.wanted AS SELECT l.line_no, l.sku, l.quantity, l.total, u.unit, w.style, t.amount AS told
FROM usom.order_lines l JOIN usom.sales_order o ON o.org_id = usom.current_org() AND o.order_no = l.order_no
LEFT JOIN usom.line_units u ON u.order_no = l.order_no AND u.line_no = l.line_no
LEFT JOIN usom.gift_wrap w ON w.sales_order_id = o.sales_order_id AND w.line_no = l.line_no
LEFT JOIN usom.order_tax t ON t.sales_order_id = o.sales_order_id AND t.line_no = l.line_no ORDER BY 1;
SELECT * FROM pg_temp.wanted;
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 2, "remove": true}]}');
SELECT status FROM usom.change_order(:'o', '{"lines": [{"sku": "CM-B", "quantity": 1, "unit_price": 2}]}');
SELECT * FROM pg_temp.wanted;
SELECT (SELECT count(*) FROM usom.gift_wrap w WHERE w.org_id = usom.current_org()) AS wraps, (SELECT count(*) FROM usom.line_unit u WHERE u.org_id = usom.current_org()) AS units,
	(SELECT count(*) FROM usom.order_tax t WHERE t.org_id = usom.current_org()) AS taxes;
SELECT * FROM usom.verify();

-- What was picked and put back leaves a task behind that is about no line any more.
SELECT status FROM usom.release_order(:'o');
SELECT orders, tasks FROM usom.plan_wave('CM-W');
SELECT c.status FROM usom.pick_tasks t, usom.confirm_pick(t.task) c WHERE t.line_no = 2;
SELECT status FROM usom.void_release(:'o', 'not now');
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 2, "remove": true}]}');
SELECT line_no, status FROM usom.pick_tasks ORDER BY 1;
SELECT * FROM usom.verify();
