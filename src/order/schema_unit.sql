-- step 3
CREATE TABLE usom.line_unit (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	product_id bigint NOT NULL,
	unit text NOT NULL,
	quantity usom.positive_quantity NOT NULL,
	per usom.positive_quantity NOT NULL,
	unit_price usom.price_amount,
	PRIMARY KEY (org_id, sales_order_id, line_no),
	CONSTRAINT line_unit_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.line_unit IS 'The unit that a line was ordered in, where it is not the product''s own, as it was then.';
COMMENT ON COLUMN usom.line_unit.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.line_unit.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.line_unit.line_no IS 'Line.';
COMMENT ON COLUMN usom.line_unit.product_id IS 'What the line was about; for another product it says nothing.';
COMMENT ON COLUMN usom.line_unit.unit IS 'Name of the unit.';
COMMENT ON COLUMN usom.line_unit.quantity IS 'So many of the product''s own unit ...';
COMMENT ON COLUMN usom.line_unit.per IS '... are so many of this one, in lowest terms.';
COMMENT ON COLUMN usom.line_unit.unit_price IS 'Price of one of this unit that was told; null: none was.';

SELECT usom._guard_cards('line_unit');
SELECT usom._guard_kept('line_unit', 'usom.place_order() or usom.change_order()');
SELECT usom._audit_table('line_unit');

CREATE VIEW usom.line_units WITH (security_invoker = true) AS
SELECT o.order_no, l.line_no, p.sku, u.unit,
	trim_scale(round(l.quantity * u.per / u.quantity, 6)) AS quantity,
	trim_scale(round((l.quantity - l.quantity_cancelled - l.quantity_shipped - l.quantity_delivered - l.quantity_returned) * u.per / u.quantity, 6)) AS quantity_open,
	trim_scale(round((l.quantity_shipped + l.quantity_delivered + l.quantity_returned) * u.per / u.quantity, 6)) AS quantity_left,
	trim_scale(round(l.quantity_cancelled * u.per / u.quantity, 6)) AS quantity_cancelled,
	trim_scale(u.unit_price) AS unit_price,
	p.unit AS base_unit,
	trim_scale(l.quantity) AS base_quantity
FROM usom.line_unit u
JOIN usom.order_line l ON l.org_id = u.org_id AND l.sales_order_id = u.sales_order_id AND l.line_no = u.line_no AND l.product_id = u.product_id
JOIN usom.sales_order o ON o.org_id = u.org_id AND o.sales_order_id = u.sales_order_id
JOIN usom.product p ON p.org_id = u.org_id AND p.product_id = u.product_id
WHERE u.org_id = usom.current_org();
COMMENT ON VIEW usom.line_units IS 'Lines that were ordered in another unit than the product''s own, counted in that unit, to six decimals; nothing is open exactly when the own units are all gone.';
COMMENT ON COLUMN usom.line_units.order_no IS 'Order.';
COMMENT ON COLUMN usom.line_units.line_no IS 'Line.';
COMMENT ON COLUMN usom.line_units.sku IS 'Product.';
COMMENT ON COLUMN usom.line_units.unit IS 'Unit that was ordered.';
COMMENT ON COLUMN usom.line_units.quantity IS 'So many of it.';
COMMENT ON COLUMN usom.line_units.quantity_open IS 'Of them neither cancelled nor gone.';
COMMENT ON COLUMN usom.line_units.quantity_left IS 'Of them shipped, returned ones too.';
COMMENT ON COLUMN usom.line_units.quantity_cancelled IS 'Of them cancelled.';
COMMENT ON COLUMN usom.line_units.unit_price IS 'Price of one of it that was told; null: none was.';
COMMENT ON COLUMN usom.line_units.base_unit IS 'The product''s own unit.';
COMMENT ON COLUMN usom.line_units.base_quantity IS 'So many of that.';
